"""What reading a price file in batches finds, and the accepted cells spooled column by column on the way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from skillstats.errors import RULES, Problem
from skillstats.plan import Plan
from skillstats.record.chains import Tables, link
from skillstats.record.check_values import price_rows as unusable_rows
from skillstats.record.check_values import price_signs, quantity_signs, quoted_sizes, quotes
from skillstats.record.containers import NULL
from skillstats.record.parse import Decimals, parse_table
from skillstats.record.price_batches import Seen, csv_batches, parquet_batches
from skillstats.record.price_rows import CELLS, UNITS, unit_of
from skillstats.record.quarantine import quarantine_list, refuses, to_problem
from skillstats.record.raw import RawTable
from skillstats.record.readers import check_header, delimiter_of
from skillstats.record.scales import off_scale
from skillstats.record.schema import SCHEMA

Array = NDArray[Any]
LISTED: Final = 1_000
"""Warnings of one code that are listed one by one for a mapped price file; the rest is counted."""
CHECKS: Final = (quantity_signs, quoted_sizes, price_signs, unusable_rows, quotes, off_scale)


@dataclass(slots=True)
class Found:
    """What reading the batches found."""

    folder: Path
    assets: dict[str, int] = field(default_factory=dict)
    finest: dict[str, list[int]] = field(default_factory=lambda: {unit: [] for unit in UNITS})
    columns: tuple[str, ...] = ()
    rows: int = 0
    kept: int = 0
    blank: list[int] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    warned: dict[str, int] = field(default_factory=dict)
    quarantine: list[Problem] = field(default_factory=list)
    drops: list[Problem] = field(default_factory=list)
    stones: dict[int, Problem] = field(default_factory=dict)

    def spool(self, name: str, kind: str) -> Array:
        """A spooled column, mapped."""
        path = self.folder / f"{name}.spool"
        if not self.kept:
            return np.zeros(0, dtype=kind)
        return np.memmap(path, dtype=kind, mode="r", shape=(self.kept,))


def batches(path: Path, plan: Plan, seen: Seen | None, blank: list[int]) -> Iterator[RawTable]:
    """The file as batches of text."""
    schema = SCHEMA["prices"]
    if seen is None:
        return parquet_batches(path, schema)
    return csv_batches(path, schema, seen, delimiter_of("prices", plan), blank)


def take(raw: RawTable, plan: Plan, found: Found) -> None:
    """Parse, check and spool one batch."""
    first = not found.rows
    if first:
        check_header(raw, SCHEMA["prices"])
        found.columns = tuple(c for c in CELLS if c in raw.columns)
    parsed = parse_table(raw, SCHEMA["prices"], plan)
    tables = link({"prices": parsed}, plan)
    findings = [f for f in (*parsed.findings, *(f for check in CHECKS for f in check(tables))) if f.row >= 0 or first]
    keep = np.ones(len(raw), dtype=bool)
    keep[[f.row for f in findings if refuses(f)]] = False
    _note(tables, findings, found)
    found.quarantine += quarantine_list(tables, findings, {"prices": keep})
    placed = keep | (np.array([a is not None for a in parsed.text("asset")], dtype=bool) & (parsed.ints("time") != NULL))
    for finding in findings:
        if refuses(finding) and placed[finding.row]:
            line, problem = int(raw.line[finding.row]), to_problem(tables, finding)
            found.stones[line] = min(found.stones.get(line, problem), problem, key=lambda p: (p.code, p.message))
    owner = _codes(parsed.text("asset")[placed], found)
    _append(found, "asset", owner.astype(np.int32))
    _append(found, "time", parsed.ints("time")[placed])
    _append(found, "line", raw.line[placed])
    _append(found, "stone", ~keep[placed])
    for name in found.columns:
        cells = parsed.decimals(name).take(placed)
        cells = Decimals(np.where(keep[placed], cells.mantissa, NULL), np.where(keep[placed], cells.places, 0).astype(np.int8))
        most = np.array(found.finest[unit_of(name)], dtype=np.int64)
        np.maximum.at(most, owner[cells.given], cells.places[cells.given])
        found.finest[unit_of(name)] = most.tolist()
        _append(found, name, cells.mantissa)
        _append(found, f"{name}.places", cells.places)
    found.rows += len(raw)
    found.kept += int(placed.sum())


def _note(tables: Tables, findings: Iterable[Any], found: Found) -> None:
    """List findings; warnings of one code are counted once many were listed."""
    for finding in findings:
        code = finding.code
        if RULES[code].outcome == "warn":
            found.warned[code] = found.warned.get(code, 0) + 1
            if found.warned[code] > LISTED:
                continue
        found.problems.append(to_problem(tables, finding))


def _codes(names: Array, found: Found) -> Array:
    import pandas as pd

    codes, distinct = pd.factorize(names)
    for name in distinct:
        if name not in found.assets:
            found.assets[name] = len(found.assets)
            for places in found.finest.values():
                places.append(0)
    return np.array([found.assets[n] for n in distinct] or [0], dtype=np.int64)[codes]


def _append(found: Found, name: str, values: Array) -> None:
    with (found.folder / f"{name}.spool").open("ab") as handle:
        np.ascontiguousarray(values).tofile(handle)
