"""`read_record`: the front door.

Text in, exact values out: read every file, refuse what is no table, parse every cell, drop exact copies, link chains, run all
checks, set bad chains aside, put the rest on integer scales. Nothing is half-read: either a `Record` comes out in which every row
is accounted for, or `InputRejected` names every file that has to be exported again.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from skillstats.errors import RULES, InputRejected, Problem, UsageError
from skillstats.plan import Plan, read_plan
from skillstats.record.accept import Checked, accepted_rows, check_tables, issued_signals, on_integers
from skillstats.record.chains import Tables
from skillstats.record.check_values import missing_horizons
from skillstats.record.checks import CHECKS
from skillstats.record.containers import Record
from skillstats.record.digest import table_digest
from skillstats.record.instants import instant_text, parse_instants
from skillstats.record.parse import first_times, parse_table
from skillstats.record.price_door import is_large, mapped_prices
from skillstats.record.price_files import Saved, store_folder
from skillstats.record.price_rows import PriceRows, price_rows
from skillstats.record.quarantine import Masks, assert_conserved, kept_rows, quarantine_list, refuses, to_problem
from skillstats.record.raw import Finding, RawRecord, file_problem
from skillstats.record.readers import SUFFIXES, read_raw
from skillstats.record.scales import Places, blame, find_oversized, find_places, scales_of
from skillstats.record.schema import OUTCOMES, SCHEMA
from skillstats.record.targets import with_target_signals
from skillstats.units import INT64_MAX, NULL_TIME, Scale


def read_record(
    source: str | Path | Mapping[str, object],
    plan: Plan | None = None,
    *,
    now: datetime | str | int | None = None,
    store: str | Path | None = None,
    prices: Literal["auto", "memory", "mapped"] = "auto",
) -> Record:
    """Read what a desk handed in, and account for every row of it.

    Parameters
    ----------
    source : a folder with ``<table>.csv`` or ``<table>.parquet`` files, or a mapping from names to pandas, polars or
        Arrow tables, DuckDB relations, or database cursors after their query
    plan : default ``plan.toml`` of the folder, else every default; horizons are then judged when `build_ledger` is given a plan
    now : the instant no record may lie after: datetime with zone, ISO text with offset, or int64 UTC microseconds; default clock
    store : folder for mapped prices; default the environment's SKILLSTATS_STORE, else the user's cache
    prices : whether the price file is held in memory or mapped from the store; ``auto`` maps a large one

    Returns
    -------
    Record, tables in canonical order and on their integer scales

    Raises
    ------
    InputRejected
        F101-F112 for files that are no tables, all of them at once; F301 if the whole record lies after `now`.
    UsageError
        If `plan`, `now` or a table name cannot be used.
    """
    declared = plan if plan is not None else plan_of(source)
    limit = instant_of(now)
    large = large_prices(source, prices)
    raw = read_raw(source, declared or Plan(), large)
    if large is not None:
        raw = replace(raw, store=store_folder(Path(store) if store is not None else None))
    if raw.problems:
        raise InputRejected(sorted(raw.problems, key=in_order))
    return _from_text(raw, declared, limit)


def large_prices(source: object, choice: str) -> Path | None:
    """The price file of a folder where it is to be mapped."""
    if choice == "memory" or isinstance(source, Mapping):
        return None
    there = [p for s in SUFFIXES if (p := Path(str(source)) / f"prices{s}").is_file()]
    return there[0] if len(there) == 1 and (choice == "mapped" or is_large(there[0])) else None


def under_plan(record: Record, plan: Plan) -> Record:
    """The record as it reads under another plan: the same text, parsed and checked again; the record itself if the plan is its own.

    Raises
    ------
    UsageError
        If the record was made by hand and keeps no text.
    """
    if record.plan.digest == plan.digest and record.declared:
        return record
    if record.raw is None:
        raise UsageError("the record was made under another plan and keeps no text; read it again with this plan")
    return _from_text(record.raw, plan, INT64_MAX)


def _from_text(raw: RawRecord, declared: Plan | None, limit: int) -> Record:
    """Parse, check and scale what was read as text."""
    plan = declared or Plan()
    refuse_unknown_columns(plan)
    parsed = {name: parse_table(table, SCHEMA[name], plan) for name, table in raw.tables.items()}
    mapped = mapped_prices(raw.prices, plan, raw.store) if raw.prices is not None and raw.store is not None else None
    firsts = [(t, name, parsed[name].raw.file) for name, t in first_times(parsed).items()]
    refuse_future(firsts, mapped[0] if mapped else None, limit)
    checks = CHECKS if declared is not None else tuple(c for c in CHECKS if c is not missing_horizons)
    checked = check_tables(with_target_signals(parsed), plan, checks)
    while True:
        keep, scales = settle(checked, plan, mapped)
        large = blame([find_oversized(checked.tables, scales, keep)])[0]
        if not large:
            break
        checked.findings.extend(large)
    record = assembled(checked, keep, scales, plan, raw, mapped)
    return replace(record, declared=declared is not None)


Mapped = tuple[PriceRows, Saved] | None


def settle(checked: Checked, plan: Plan, mapped: Mapped, others: Sequence[Places] = ()) -> tuple[Masks, dict[str, Scale]]:
    """The rows that stay by what was found so far, and the scales of them and of the other parts of the record."""
    keep = kept_rows(checked.tables, checked.findings)
    own = find_places(checked.tables, keep, mapped[0] if mapped else None)
    return keep, scales_of([own, *others], plan)


def assembled(checked: Checked, keep: Masks, scales: Mapping[str, Scale], plan: Plan, raw: RawRecord, mapped: Mapped) -> Record:
    """Set aside and put on scales; every row is accounted for."""
    tables, findings = checked.tables, checked.findings
    blank = _blank_drops(raw)
    rows = {name: n + len(raw.blank.get(name, ())) for name, n in checked.rows.items()}
    drops, said = [*checked.drops, *blank], [*raw.strangers, *checked.warnings, *blank]
    accepted = {name: on_integers(accepted_rows(tables, name, keep[name]), scales) for name in tables.parsed}
    held = {n: len(t) for n, t in accepted.items()}
    aside = quarantine_list(tables, findings, keep)
    if mapped is not None:
        file = raw.prices.name if raw.prices else ""
        empty = _blanks("prices", file, mapped[1].blank)
        rows["prices"], held["prices"] = mapped[1].raw_rows + len(mapped[1].blank), mapped[0].accepted
        drops, said = [*drops, *mapped[1].drops, *empty], [*said, *mapped[1].problems, *empty]
        raw = replace(raw, files={**raw.files, file: mapped[1].file_digest})
        aside = tuple(sorted((*aside, *mapped[1].quarantine), key=lambda p: (p.table, p.line, p.code, p.raw)))
    assert_conserved(rows, held, aside, drops)
    prices = mapped[0] if mapped is not None else _price_rows(tables, findings, keep["prices"])
    digests = {name: table_digest(table.take(keep[name])) for name, table in tables.parsed.items() if name != "prices"}
    return Record(
        plan=plan,
        tables=accepted,
        scales=scales,
        problems=tuple(sorted({*said, *(to_problem(tables, f) for f in findings)}, key=in_order)),
        quarantine=aside,
        drops=tuple(sorted(drops, key=in_order)),
        raw_rows=rows,
        digests={name: digests.get(name, prices.digest) for name in SCHEMA if name in digests or name == "prices"},
        files=dict(raw.files),
        prices=prices,
        issued=issued_signals(tables, findings),
        raw=raw,
    )


def _price_rows(tables: Tables, findings: list[Finding], keep: NDArray[np.bool_]) -> PriceRows:
    """The price table as runs of rows an asset, its refused rows as tombstones."""
    refused = [(f.row, to_problem(tables, f)) for f in findings if f.table == "prices" and refuses(f)]
    return price_rows(tables["prices"], keep, refused)


def in_order(problem: Problem) -> tuple[str, int, str, str]:
    """Where a problem stands among those of its record."""
    return problem.table, problem.line, problem.code, problem.message


def plan_of(source: object) -> Plan | None:
    """The plan that lies in a folder."""
    if not isinstance(source, Mapping):
        path = Path(str(source)) / "plan.toml"
        if path.is_file():
            return read_plan(path)
    return None


def instant_of(now: datetime | str | int | None) -> int:
    """The instant no record may lie after, int64 UTC microseconds."""
    if now is None:
        return time.time_ns() // 1000
    if isinstance(now, int):
        return now
    if isinstance(now, datetime):
        if now.tzinfo is None:
            raise UsageError("now: a datetime without zone is not an instant; give one with a zone")
        return (now - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    values, refused = parse_instants(pa.array([now], pa.large_string()), None)
    if refused or values[0] == NULL_TIME:
        raise UsageError(f"now={now!r} is not an instant; write for example 2026-10-01T00:00:00Z")
    return int(values[0])


def refuse_future(firsts: Sequence[tuple[int, str, str]], mapped: PriceRows | None, limit: int) -> None:
    """F301 where even the first instant of the record lies after now; `firsts` are times with table and file."""
    if mapped is not None and len(mapped) and int(mapped.time[mapped.offsets[:-1]].min()) <= limit:
        return
    if firsts and min(firsts)[0] > limit:
        first, name, file = min(firsts)
        years = (first - limit) / (365.25 * 86_400e6)
        text = f"first time {instant_text(first)} is {years:.1f} years after now, {RULES['F301'].text}"
        raise InputRejected([file_problem("F301", name, file, text)])


def refuse_unknown_columns(plan: Plan) -> None:
    """A reading declared for a column that no table has is a misspelling, and an unknown key of a plan is an error."""
    wrong = []
    for key in plan.columns:
        table, _, column = key.partition(".")
        known = {**SCHEMA, "outcomes": OUTCOMES}.get(table)
        if known is None or (column not in known and known.free is None):
            wrong.append(key)
    if wrong:
        raise UsageError(f"plan: columns {wrong} name no column of a table; write table.column as in the data contract")


def _blank_drops(raw: RawRecord) -> list[Problem]:
    return [p for name, lines in raw.blank.items() for p in _blanks(name, raw.tables[name].file, lines)]


def _blanks(table: str, file: str, lines: Sequence[int]) -> list[Problem]:
    return [Problem("D108", table, file, line, RULES["D108"].text, root=f"{file}:{line}") for line in lines]
