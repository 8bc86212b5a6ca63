"""One part of a ledger: its chains priced, its finished rows in sorted runs on disk, its sums in memory.

The part goes through the functions of `build_ledger`; only what looks at all chains together is left for `part_join`: volatility, choice
levels, KPIs and digests.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from skillstats.errors import Problem
from skillstats.ledger.books import KEYS, book_frame, book_table, check_identities, frozen_feedback, summed_lines
from skillstats.ledger.carried import decided_span
from skillstats.ledger.chains import Chains, assemble
from skillstats.ledger.counts import assert_signals_conserved, other_counts, reason_counts, row_counts
from skillstats.ledger.decay import decay_sums, decay_table
from skillstats.ledger.decisions import choice_counts, decision_frame, decision_table
from skillstats.ledger.doubts import largest_of
from skillstats.ledger.kpis import kpi_sums, value_add_by_class
from skillstats.ledger.manifest import placeless_columns
from skillstats.ledger.part_sums import PartSums, by_table, cases_by_trader
from skillstats.ledger.pieces import Piece, joined, make_piece
from skillstats.ledger.setaside import coverage, ledger_quarantine, problem_tables
from skillstats.ledger.steps import Lost, Work, in_period, prepare, set_aside
from skillstats.market.marks import Market
from skillstats.market.volatility import joined as first_anchors
from skillstats.record.containers import NULL, Record
from skillstats.record.problem_rows import write_problems
from skillstats.record.runs import bytes_key, write_run
from skillstats.regimes.builtin import LabelSource

PROBLEM_ORDER: Final = ("table", "line", "code", "file")
PLACE_ORDER: Final = ("table", "file", "line", "code")
AFTER_ALL: Final = b"\xff"
"""Sorts after every UTF-8 text: a missing name comes last in the books."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What all parts share: the market, the chunk, whether there is a second book, and where regime labels come from."""

    market: Market
    chunk: int
    second: bool
    labels: LabelSource


def build_part(record: Record, setting: Setting, exits: NDArray[np.int64] | None, folder: Path) -> PartSums:
    """Price one part and write its runs into its folder.

    Parameters
    ----------
    record : the part; exits : (issued signal,) of the part, where any horizon needs them
    """
    market, chunk = setting.market, setting.chunk
    chains, outside = in_period(assemble(record, market), market)
    known = exits if exits is not None else np.full(len(record.issued), NULL, dtype=np.int64)
    work, lost, found = set_aside(prepare(record, market, chains, known), chunk)
    pieces = [make_piece(part, np.full(len(part.chains), NULL, dtype=np.int64), start) for start, part in work.chunks(chunk)]
    return _written(work, joined(pieces), lost, found, outside, setting, folder)


def _written(
    work: Work, whole: Piece, lost: Lost, found: list[Problem], outside: Chains, setting: Setting, folder: Path
) -> PartSums:
    record, market, rows = work.record, work.market, whole.frame
    decisions = decision_frame(rows, lost.frame)
    books = book_frame(whole.books, None)
    totals = check_identities(rows, decisions, whole.slices, books)
    entries = [*record.quarantine, *ledger_quarantine(record, found)]
    quarantine, drops = problem_tables(record, entries[len(record.quarantine) :])
    counts = row_counts(record, work.chains, rows, outside, market.as_of)
    counts |= other_counts(lost.frame, quarantine, drops, whole.bare)
    assert_signals_conserved(record, counts, quarantine, drops)
    _write_rows(work, whole, decisions, summed_lines([books, frozen_feedback(books)]) if setting.second else books, folder)
    write_lists(folder, quarantine, drops)
    write_problems(folder / "said", [*record.problems, *found, *whole.problems], PROBLEM_ORDER)
    plan = market.plan
    return PartSums(
        counts=counts,
        totals=totals,
        quarantined=by_table(quarantine["table"].to_pylist()),
        dropped=by_table(drops["table"].to_pylist()),
        kpis=kpi_sums(rows, decisions, lost.frame),
        choices=choice_counts(rows),
        decay=decay_sums(whole.decay, decisions, plan.decay) if whole.decay is not None else None,
        coverage=coverage(decisions, lost.frame, {c.trader for c in lost.cases if c.trader is not None}),
        cases=cases_by_trader(lost.cases),
        first=first_anchors(work.chains.asset, work.chains.anchor),
        span=decided_span(work.chains.asset, work.chains.anchor, work.chains.decided),
        reach=lost.reach,
        largest=largest_of(record, decisions),
        decisions=len(decisions),
        chains=len(work.chains) + len(found),
        classes=value_add_by_class(rows["action"].tolist(), rows["value_add"].tolist()),
        reasons=reason_counts(record),
    )


def write_lists(folder: Path, quarantine: pa.Table, drops: pa.Table) -> None:
    """Rows set aside and drops as runs: by place, as they are written, and without places, as they are digested."""
    for name, table in (("quarantine", quarantine), ("drops", drops)):
        write_run(folder / f"{name}.rows", table, bytes_key(*(_one(table, k) for k in PLACE_ORDER)))
        plain = table.select(placeless_columns(table.column_names))
        write_run(folder / f"{name}.digest", plain, bytes_key(*(_one(plain, k) for k in plain.column_names)))


def write_books(folder: Path, frame: pd.DataFrame) -> None:
    """Lines of the books as a run in the order of their keys."""
    table = book_table(frame)
    cells = [_one(table, k).cast(pa.large_binary()).fill_null(AFTER_ALL) for k in KEYS]
    write_run(folder / "books.rows", table, bytes_key(*cells))


def _write_rows(work: Work, whole: Piece, decisions: pd.DataFrame, books: pd.DataFrame, folder: Path) -> None:
    chains = work.chains
    key = bytes_key(
        pa.array(chains.anchor), pa.array(chains.signal_id, pa.large_string()), pa.array(chains.action_id, pa.large_string())
    )
    stored = whole.slices.chain[whole.slices.stored]
    write_run(folder / "ledger.rows", whole.table, key)
    write_run(folder / "slices.rows", whole.slice_table, key.take(pa.array(stored)))
    own = decision_table(decisions)
    first = pa.array(decisions["first_time"].to_numpy(dtype=np.int64))
    write_run(folder / "decisions.rows", own, bytes_key(first, _one(own, "decision_id")))
    write_books(folder, books)
    if whole.decay is not None:
        write_run(folder / "decay.rows", decay_table(whole.decay), key.take(pa.array(whole.decay["row"].to_numpy())))


def _one(table: pa.Table, name: str) -> pa.Array:
    column = table.column(name).combine_chunks()
    return pa.concat_arrays(column.chunks) if isinstance(column, pa.ChunkedArray) else column
