"""`read_parts`: the front door for decisions that do not fit in memory.

The text of signals, actions and fills goes into mapped files, is cut into parts that can be judged one by one (`cut`), and each part goes
through the functions of `read_record`. What looks at the whole record is put together from small facts of the parts: scales, fees on one side
only, cells that leave the range, digests. Every other table is held in memory, as always, in a record of its own, `common`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from skillstats.errors import InputRejected, UsageError
from skillstats.plan import Plan
from skillstats.record.accept import Checked, check_tables, on_integers
from skillstats.record.chains import CHAIN_TABLES
from skillstats.record.check_values import fee_schedule, schedule_problem
from skillstats.record.checks import CHECKS
from skillstats.record.containers import Record, Table
from skillstats.record.cut import Cut, cut_rows
from skillstats.record.digest import lines_digest
from skillstats.record.judged import Part, leaves_range, own_tables, read_issued, read_loose, store_part
from skillstats.record.parse import Parsed, first_times, parse_table
from skillstats.record.price_door import mapped_prices
from skillstats.record.price_files import store_folder
from skillstats.record.problem_rows import read_problems
from skillstats.record.quarantine import kept_rows
from skillstats.record.raw import Finding, RawRecord, RawTable
from skillstats.record.read import (
    assembled,
    in_order,
    instant_of,
    large_prices,
    plan_of,
    refuse_future,
    refuse_unknown_columns,
    settle,
)
from skillstats.record.readers import read_raw
from skillstats.record.runs import KEY, merge_runs
from skillstats.record.scales import Oversized, blame, find_oversized
from skillstats.record.schema import SCHEMA
from skillstats.record.targets import append_made, made_signals, parse_made
from skillstats.record.text_files import spool_text, take_rows
from skillstats.units import Scale

PART: Final = 100_000
"""Signals of a part: some 400 MB of working memory."""
ROWS_PER_SIGNAL: Final = 3
"""A signal, its action and a fill."""
PART_CHECKS: Final = tuple(c for c in CHECKS if c is not fee_schedule)


@dataclass(frozen=True, slots=True)
class PartedRecord:
    """A record of which signals, actions and fills lie in files, part by part.

    common : the other tables, prices and scales of the whole record, and what was said about them and about no row in particular
    raw : text of every table; that of the cut ones is mapped; made : signals made from targets, as text
    parts : what the whole needs of each; rows of a part are read with `part_record`
    digests : of the accepted rows of each table, as in `Record`
    """

    common: Record
    raw: RawRecord
    made: RawTable | None
    cut: Cut
    parts: tuple[Part, ...]
    digests: Mapping[str, str]

    def raw_rows(self, table: str) -> int:
        """Rows found in a file, before anything was set aside."""
        return self.common.raw_rows.get(table, 0) + sum(p.rows.get(table, 0) for p in self.parts)

    def held(self, table: str) -> int:
        """Accepted rows of a cut table."""
        return sum(p.held.get(table, 0) for p in self.parts)


def read_parts(
    source: str | Path,
    plan: Plan | None = None,
    *,
    folder: Path,
    part: int = PART,
    now: datetime | str | int | None = None,
    store: str | Path | None = None,
    prices: Literal["auto", "memory", "mapped"] = "auto",
) -> PartedRecord:
    """Read a folder as `read_record` does, signals, actions and fills part by part.

    Parameters
    ----------
    source : a folder with ``<table>.csv`` or ``<table>.parquet`` files
    plan : default ``plan.toml`` of the folder, else every default
    folder : an empty folder for the parts; the caller removes it
    part : signals of a part, about; decides how much is in memory at once, never what comes out
    now, store, prices : as in `read_record`

    Returns
    -------
    PartedRecord

    Raises
    ------
    InputRejected, UsageError
        As `read_record`; also if the source is no folder.
    """
    if isinstance(source, Mapping):
        raise UsageError("tables in memory cannot be read in parts; write them to a folder, or build them in memory")
    declared = plan if plan is not None else plan_of(source)
    limit, large = instant_of(now), large_prices(source, prices)
    (folder / "text").mkdir()
    raw = read_raw(source, declared or Plan(), large, folder / "text")
    if large is not None:
        raw = replace(raw, store=store_folder(Path(store) if store is not None else None))
    if raw.problems:
        raise InputRejected(sorted(raw.problems, key=in_order))
    return _Reading(raw, declared or Plan(), folder, part, limit).run()


class _Reading:
    """One reading: the steps share the text, the plan and the cut."""

    def __init__(self, raw: RawRecord, plan: Plan, folder: Path, part: int, limit: int) -> None:
        refuse_unknown_columns(plan)
        self.raw, self.plan, self.folder, self.limit = raw, plan, folder, limit
        self.mapped = mapped_prices(raw.prices, plan, raw.store) if raw.prices is not None and raw.store is not None else None
        self.others = {n: parse_table(t, SCHEMA[n], plan) for n, t in raw.tables.items() if n not in CHAIN_TABLES}
        self.made = self._made_text()
        text = {n: raw.tables.get(n) for n in CHAIN_TABLES} | {"made": self.made}
        (folder / "cut").mkdir()
        rows = {n: t for n in ("signals", "made", "actions", "fills") if (t := text[n]) is not None}
        self.cut = cut_rows(rows, plan, ROWS_PER_SIGNAL * part, folder / "cut")

    def _made_text(self) -> RawTable | None:
        """Signals that targets imply, as mapped text."""
        if "targets" not in self.others:
            return None
        (self.folder / "made").mkdir()
        return spool_text([made_signals(self.others["targets"]).raw], self.folder / "made")

    def run(self) -> PartedRecord:
        parts = [self._judge(k, (), 0) for k in range(self.cut.parts)]
        common = self._common()
        firsts = [(t, n) for p in parts for n, t in p.first.items()] + [(t, n) for n, t in first_times(self.others).items()]
        refuse_future([(t, n, self.raw.tables[n].file) for t, n in firsts], self.mapped[0] if self.mapped else None, self.limit)
        shown = max(p.shown for p in parts)
        parts = [self._judge(k, (), shown) if p.halved and p.shown < shown else p for k, p in enumerate(parts)]
        common.findings.extend(self._fee_problem(parts))
        extra: list[list[Finding]] = [[] for _ in parts]
        while True:
            keep, scales = settle(common, self.plan, self.mapped, [p.places for p in parts])
            oversized = [find_oversized(common.tables, scales, keep)]
            if not oversized[0].large and not any(leaves_range(p.peaks, scales) for p in parts):
                break
            oversized += [self._oversized(k, extra[k], shown, scales) for k in range(len(parts))]
            own, *more = blame(oversized)
            common.findings.extend(own)
            for k, found in enumerate(more):
                if found:
                    extra[k] += found
                    parts[k] = self._judge(k, extra[k], shown)
        record = assembled(common, keep, scales, self.plan, self.raw, self.mapped)
        return PartedRecord(record, self.raw, self.made, self.cut, tuple(parts), self._digests(record, parts))

    def _fee_problem(self, parts: Sequence[Part]) -> list[Finding]:
        """D133, which looks at all fills."""
        if "fills" not in self.raw.tables:
            return []
        return schedule_problem(self.plan, any(p.fees[0] for p in parts), any(p.fees[1] for p in parts))

    def _common(self) -> Checked:
        """Every table but the cut ones, and those without rows, so that what is said of a whole table is said here."""
        empty = np.zeros(0, dtype=np.int64)
        none = {n: self._parsed_rows(n, empty) for n in CHAIN_TABLES if n in self.raw.tables}
        if "signals" not in none and self.made is not None:
            none["signals"] = parse_made(take_rows(self.made, empty))
        tables = none | self.others
        return check_tables({n: tables[n] for n in SCHEMA if n in tables}, self.plan, PART_CHECKS)

    def _parsed_rows(self, name: str, rows: NDArray[np.int64]) -> Parsed:
        return parse_table(take_rows(self.raw.tables[name], rows), SCHEMA[name], self.plan)

    def _checked(self, k: int, extra: Sequence[Finding], shown: int) -> tuple[Checked, dict[str, int]]:
        own = {n: self._parsed_rows(n, self.cut.rows(n, k)) for n in CHAIN_TABLES if n in self.raw.tables}
        first = first_times(own)
        if self.made is not None:
            raw = take_rows(self.made, self.cut.rows("made", k))
            made = parse_made(replace(raw, made=len(raw), made_in=raw.file))
            own["signals"] = append_made(own["signals"], made) if "signals" in own else made
        if "corporate_actions" in self.others:
            own["corporate_actions"] = self.others["corporate_actions"]
        checked = check_tables({n: own[n] for n in SCHEMA if n in own}, self.plan, PART_CHECKS, shown)
        checked = replace(checked, drops=[d for d in checked.drops if d.table in CHAIN_TABLES])
        checked = replace(checked, warnings=[d for d in checked.warnings if d.table in CHAIN_TABLES])
        checked.findings.extend(extra)
        return checked, first

    def _judge(self, k: int, extra: Sequence[Finding], shown: int) -> Part:
        checked, first = self._checked(k, extra, shown)
        return store_part(checked, first, self.folder / f"part{k}", k)

    def _oversized(self, k: int, extra: Sequence[Finding], shown: int, scales: Mapping[str, Scale]) -> Oversized:
        checked, _ = self._checked(k, extra, shown)
        tables = own_tables(checked.tables)
        keep = kept_rows(checked.tables, [f for f in checked.findings if f.table in CHAIN_TABLES])
        return find_oversized(tables, scales, keep)

    def _digests(self, record: Record, parts: Sequence[Part]) -> dict[str, str]:
        """Content digest of each table; the sorted lines of the parts are one stream of sorted lines."""
        found = dict(record.digests)
        for name, header in parts[0].headers.items():
            runs = merge_runs([p.folder / f"{name}.lines" for p in parts])
            found[name] = lines_digest(name, header, (block.column(KEY).combine_chunks() for block in runs))
        return {name: found[name] for name in SCHEMA if name in found}


def part_record(record: PartedRecord, k: int) -> Record:
    """One part as a record: its accepted rows on the scales of the whole, all other tables, and the text of its own rows."""
    common, part = record.common, record.parts[k]
    tables: dict[str, Table] = dict(common.tables)
    tables |= {name: on_integers(read_loose(part.folder / name), common.scales) for name in part.headers}
    raw = {n: t for n, t in record.raw.tables.items() if n not in CHAIN_TABLES}
    raw |= {n: take_rows(record.raw.tables[n], record.cut.rows(n, k)) for n in CHAIN_TABLES if n in record.raw.tables}
    return replace(
        common,
        tables=tables,
        problems=tuple(read_problems(part.folder / "problems")),
        quarantine=tuple(read_problems(part.folder / "quarantine")),
        drops=tuple(read_problems(part.folder / "drops")),
        raw_rows=dict(part.rows),
        issued=read_issued(part.folder),
        raw=replace(record.raw, tables=raw),
    )
