"""From linked and checked tables to accepted rows: what stays of each table, before and after it is put on scales.

The scales of a record are known only when every row has been judged, so accepted rows exist in two forms: `Loose`, with exact decimals
and no scale, and the `Table` of integers that a `Record` holds. The steps here are those of every record, whole or in parts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from skillstats.errors import Problem
from skillstats.plan import Plan
from skillstats.record.chains import Tables, assets_of, link
from skillstats.record.checks import Check
from skillstats.record.containers import Table
from skillstats.record.digest import canonical_order
from skillstats.record.duplicates import drop_copies, drop_superseded
from skillstats.record.parse import Decimals, Parsed, Values
from skillstats.record.quarantine import refuses
from skillstats.record.raw import Finding
from skillstats.record.scales import micro_units, on_scales, scaled_names
from skillstats.record.schema import SCHEMA
from skillstats.units import Scale

ISSUED: Final = {"signal_id": object, "time": np.int64, "model": object, "asset": object, "side": object}


@dataclass(frozen=True, slots=True)
class Checked:
    """Linked tables and what was found on the way: rows of each table as read, drops, their warnings, and every finding."""

    tables: Tables
    rows: dict[str, int]
    drops: list[Problem]
    warnings: list[Problem]
    findings: list[Finding]


def check_tables(parsed: Mapping[str, Parsed], plan: Plan, checks: tuple[Check, ...], places: int = 0) -> Checked:
    """Drop copies and superseded actions, link what is left, and ask every check; `places` as in `Tables`."""
    kept, copies, warnings = drop_copies(parsed)
    rows = {name: len(table) + sum(d.table == name for d in copies) for name, table in kept.items()}
    kept, superseded = drop_superseded(kept, plan)
    tables = replace(link(kept, plan), places=places)
    findings = [f for table in tables.parsed.values() for f in table.findings]
    findings += [f for check in checks for f in check(tables)]
    return Checked(tables, rows, [*copies, *superseded], warnings, findings)


@dataclass(frozen=True, slots=True)
class Loose:
    """Accepted rows of one table in canonical order, without scales.

    columns : as in `Parsed`; asset : (row,) whose scale a row takes, empty where the table has none; line : (row,) int64
    made, made_in : as in `Table`
    """

    name: str
    file: str
    columns: Mapping[str, Values]
    asset: NDArray[np.object_]
    line: NDArray[np.int64]
    made: NDArray[np.bool_] | None = None
    made_in: str = ""

    def __len__(self) -> int:
        return len(self.line)


def accepted_rows(tables: Tables, name: str, keep: NDArray[np.bool_]) -> Loose:
    """The rows of a mask in canonical order."""
    kept = tables[name].take(keep)
    order = canonical_order(kept)
    columns = {k: v.take(order) if isinstance(v, Decimals) else v[order] for k, v in kept.columns.items()}
    asset = assets_of(tables, name)[keep][order] if scaled_names(name) else np.empty(0, dtype=object)
    raw = kept.raw
    made = (np.arange(len(raw)) >= len(raw) - raw.made)[order] if raw.made else None
    return Loose(name, raw.file, columns, asset, raw.line[order], made, raw.made_in)


def on_integers(loose: Loose, scales: Mapping[str, Scale]) -> Table:
    """The same rows with prices in half ticks, quantities in lots, fees in micro-units and whole numbers as they are."""
    integers: dict[str, NDArray[Any]] = {}
    if scaled_names(loose.name):
        own = {name: _decimals(loose, name) for name in scaled_names(loose.name)}
        integers = {c: values for c, (values, _, _) in on_scales(loose.name, own, loose.asset, scales).items()}
    if loose.name == "fills":
        integers["fee"] = micro_units(_decimals(loose, "fee"))[0]
    integers |= {c.name: _decimals(loose, c.name).mantissa for c in SCHEMA[loose.name].columns if c.kind == "count"}
    columns = {}
    for column, values in loose.columns.items():
        columns[column] = integers[column] if column in integers else _as_text(values) if isinstance(values, Decimals) else values
    return Table(loose.name, loose.file, columns, loose.line, loose.made, loose.made_in)


def _decimals(loose: Loose, column: str) -> Decimals:
    values = loose.columns[column]
    assert isinstance(values, Decimals)
    return values


def _as_text(decimals: Decimals) -> NDArray[np.object_]:
    """Exact decimals without a scale (corporate actions) as plain text."""
    values = [format(decimals.shown(i), "f") if given else None for i, given in enumerate(decimals.given.tolist())]
    return np.array(values or [], dtype=object)


def issued_signals(tables: Tables, findings: list[Finding]) -> Table:
    """Signals that are good by themselves, in canonical order; see `Record`."""
    if "signals" not in tables:
        return Table("signals", "", {name: np.empty(0, dtype=kind) for name, kind in ISSUED.items()}, np.empty(0, dtype=np.int64))
    signals, good = tables["signals"], np.ones(len(tables["signals"]), dtype=bool)
    good[[f.row for f in findings if f.table == "signals" and refuses(f)]] = False
    kept = signals.take(good)
    order = canonical_order(kept)
    columns = {name: (kept.ints(name) if name == "time" else kept.text(name))[order] for name in ISSUED}
    return Table("signals", kept.raw.file, columns, kept.raw.line[order])
