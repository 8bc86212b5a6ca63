"""`build_in_parts`: a ledger written to a folder without ever being held in memory.

Three passes over the decisions, part by part: judge (`record.parts`), price (`part_build`), join (`part_join`). What comes out is the folder
that `build_ledger` and `Ledger.write` give, byte by byte; the size of a part decides only how much memory is needed.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skillstats.errors import InputRejected, Problem, UsageError
from skillstats.ledger.books import check_books, second_lines
from skillstats.ledger.carried import carried_tables, joined_spans
from skillstats.ledger.decay import decay_kpis_of
from skillstats.ledger.decisions import levels_of
from skillstats.ledger.doubts import dwarf_problems
from skillstats.ledger.folder import Hear, LedgerFolder, Reading
from skillstats.ledger.kpis import kpis_of
from skillstats.ledger.manifest import provenance_part, result_digest, result_part
from skillstats.ledger.part_build import PROBLEM_ORDER, Setting, build_part, write_books, write_lists
from skillstats.ledger.part_exits import exits_of_parts
from skillstats.ledger.part_explain import explain_parts
from skillstats.ledger.part_join import Filling, write_tables
from skillstats.ledger.part_sums import PartSums, added, all_bounds, by_trader, first_anchors, refuse_reach
from skillstats.ledger.price_doubts import price_problems
from skillstats.ledger.second_book import SecondBook, second_book
from skillstats.ledger.setaside import problem_tables
from skillstats.ledger.write import check_target, finish_marks, marks_file, replace_folder, staging_folder, write_manifest
from skillstats.market.adjust import corporate_of
from skillstats.market.marks import Market
from skillstats.market.opening import DATED, market_of
from skillstats.market.volatility import known_volatility
from skillstats.plan import Plan
from skillstats.record.parts import PartedRecord, part_record, read_parts
from skillstats.record.problem_rows import merged_problems, write_problems
from skillstats.regimes.builtin import label_source


def build_in_parts(
    source: str | Path,
    out: Path,
    plan: Plan | None,
    reading: Reading,
    *,
    part: int,
    chunk: int,
    threads: int,
    keys: Sequence[str],
    hear: Hear | None,
) -> LedgerFolder:
    """Read a record and write its ledger part by part; parameters and errors as in `build_ledger_folder`.

    The parts lie in a hidden folder beside `out`, which is removed whatever happens.
    """
    check_target(out, "ledger")
    build = staging_folder(out)
    spool = staging_folder(out)
    try:
        record = read_parts(source, plan, folder=spool, part=part, now=reading.now, store=reading.store, prices=reading.prices)
        done = _Build(record, _market(record, threads), chunk, spool).run(build, keys, hear)
        replace_folder(build, out)
    finally:
        shutil.rmtree(build, ignore_errors=True)
        shutil.rmtree(spool, ignore_errors=True)
    return LedgerFolder(out, *done)


def _market(record: PartedRecord, threads: int) -> Market:
    """The market of the whole record; it is opened once and shared by all parts."""
    common, plan = record.common, record.common.plan
    if not record.held("signals") and not any(p.initiates for p in record.parts):
        said = [*common.problems, *merged_problems([p.folder / "problems" for p in record.parts])]
        raise InputRejected(sorted(said, key=lambda p: (p.table, p.line, p.code, p.message)))
    ends = [t for p in record.parts for name in DATED for t in p.span.get(name, ())]
    kinds = {h for p in record.parts for h in p.kinds}
    if "resimulated" in common.tables and len(common.tables["resimulated"]):
        second = common.tables["resimulated"]
        ends += [int(second["time"].min()), int(second["time"].max())]
        kinds |= {h for h in second["horizon"] if h is not None}
    return market_of(common, plan, ends, kinds, threads)


class _Build:
    """One build: the passes after reading share the record, the market and the folders."""

    def __init__(self, record: PartedRecord, market: Market, chunk: int, spool: Path) -> None:
        self.record, self.market, self.chunk = record, market, chunk
        self.whole, self.exits = spool / "whole", spool / "exits"
        self.whole.mkdir()
        self.exits.mkdir()

    def run(self, build: Path, keys: Sequence[str], hear: Hear | None) -> tuple[Any, ...]:
        common, plan, market = self.record.common, self.record.common.plan, self.market
        second = "resimulated" in common.tables
        labels = label_source(market, corporate_of(common))
        sums = list(self._parts(Setting(market, self.chunk, second, labels)))
        if not any(s.chains for s in sums):
            raise UsageError(f"no signal lies in the period {list(plan.period or ())}; correct the period of the plan")
        refuse_reach(sums)
        book = second_book(common, market, self.chunk) if second else None
        lists = self._rest(sums, book)
        first = first_anchors(sums)
        filling = Filling(market, known_volatility(market, corporate_of(common), first), levels_of([s.choices for s in sums]))
        small = {"kpis": kpis_of([s.kpis for s in sums])}
        decays = [s.decay for s in sums if s.decay is not None]
        if decays:
            small["decay_kpis"] = decay_kpis_of(decays, plan.decay)
        small |= carried_tables(common.tables, market, corporate_of(common), joined_spans(s.span for s in sums))
        runs = [*(p.folder for p in self.record.parts), self.whole]
        with marks_file(build) as marks:
            written = write_tables(runs, build, marks, filling, small)
        finish_marks(build, {name: w.rows for name, w in written.items()})
        totals = check_books(build / "books.parquet", added(s.totals for s in sums), second=second)
        counts = added([*(s.counts for s in sums), {"quarantined": lists[0], "dropped": lists[1]}])
        if book is not None:
            counts["resimulated_unavailable"] = len(book.problems)
        used = [t for p in self.record.parts for name in ("signals", "actions") for t in p.span.get(name, ())]
        outputs = {name: w.digest for name, w in written.items()}
        result = result_part(
            plan,
            market,
            scales=common.scales,
            inputs=self.record.digests,
            used=used,
            counts=counts,
            totals=totals,
            outputs=outputs,
        )
        result |= {"by_trader": by_trader(sums), "bounds": all_bounds(sums, totals["value_add"])}
        told = explain_parts(self.record, runs, filling, result, small["kpis"], keys)
        heard: Counter[str] = Counter()
        reasons = added(s.reasons for s in sums)
        write_manifest(
            build, result, provenance_part(common, reasons), _heard(merged_problems([r / "said" for r in runs]), heard, hear)
        )
        classes = added(s.classes for s in sums)
        decisions = sum(s.decisions for s in sums)
        return plan, result, result_digest(result), small["kpis"], small.get("decay_kpis"), decisions, classes, heard, told

    def _parts(self, setting: Setting) -> Iterator[PartSums]:
        exits = self._exits()
        for k, part in enumerate(self.record.parts):
            own = exits[k] if exits is not None else None
            yield build_part(part_record(self.record, k), setting, own, part.folder)

    def _exits(self) -> list[NDArray[np.int64]] | None:
        """Exits of all issued signals, where any horizon is one."""
        plan = self.market.plan
        if "exit" not in {plan.horizon, *plan.decay, *(h for p in self.record.parts for h in p.kinds)}:
            return None
        return exits_of_parts([p.folder / "issued" for p in self.record.parts], self.exits)

    def _rest(self, sums: Sequence[PartSums], book: SecondBook | None) -> tuple[int, int]:
        """What belongs to no part: lists of the other tables, the second book, doubts; rows set aside and dropped."""
        common, market = self.record.common, self.market
        quarantine, drops = problem_tables(common, list(book.aside) if book is not None else [])
        write_lists(self.whole, quarantine, drops)
        assets = np.array(sorted(first_anchors(sums)), dtype=np.int64)
        said = [*common.problems, *price_problems(common, market, assets), *dwarf_problems(s.largest for s in sums)]
        write_problems(self.whole / "said", [*said, *(book.problems if book is not None else ())], PROBLEM_ORDER)
        if book is not None:
            write_books(self.whole, second_lines(book))
        return quarantine.num_rows, drops.num_rows


def _heard(problems: Iterator[Problem], counts: Counter[str], hear: Hear | None) -> Iterator[Problem]:
    for problem in problems:
        counts[problem.code] += 1
        if hear is not None:
            hear(problem)
        yield problem
