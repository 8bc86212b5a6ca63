"""A ledger with pseudonyms in place of names, without free text, and if asked with sessions in place of instants."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from skillstats.evaluation.pseudonyms import Kind, Names, in_runs
from skillstats.ledger.containers import Ledger
from skillstats.ledger.manifest import output_digests
from skillstats.ledger.tables import INSTANT
from skillstats.ledger.write import tables_of
from skillstats.market.sessions import Sessions, load_sessions
from skillstats.plan import Plan
from skillstats.units import DAY

COLUMNS: Final[Mapping[str, Kind]] = {
    "trader": "traders",
    "desk": "desks",
    "model": "models",
    "model_version": "models",
    "signal_id": "signals",
    "action_id": "signals",
    "decision_id": "signals",
    "chain": "signals",
}
"""Columns that hold names, and of which kind."""
FREE: Final = ("message", "raw", "root")
"""Columns of the lists of rows set aside that hold free text."""
WITHIN_DAY: Final = ("recorded_lag", "gap_seconds", "model_price_index", "mark_index")
"""Numbers that give a time of day away."""


def names_of(ledger: Ledger) -> dict[Kind, set[str]]:
    """Every name of each kind in the tables of a ledger."""
    found: dict[Kind, set[str]] = {kind: set() for kind in ("traders", "desks", "models", "signals")}
    for table in tables_of(ledger).values():
        for column, kind in COLUMNS.items():
            if column in table.column_names:
                found[kind] |= {v for v in pc.unique(table[column]).to_pylist() if v}
    return found


def renamed_ledger(ledger: Ledger, names: Names) -> Ledger:
    """The ledger under pseudonyms: the same rows in the same order, numbers unchanged, digests its own.

    Names of the plan, messages and raw text of rows set aside, problems and the origin of the files are left out.
    """
    tables = {name: _renamed(table, names, name) for name, table in tables_of(ledger).items()}
    plan = replace_plan(ledger.plan, names)
    result = dict(ledger.result) | {
        "plan": msgspec.to_builtins(plan),
        "plan_digest": plan.digest,
        "outputs": output_digests(tables),
    }
    result["by_trader"] = names.value(result["by_trader"])
    known = {"rows" if name == "ledger" else name: table for name, table in tables.items()}
    carried = {name: known.pop(name) for name in ledger.carried}
    reasons = {k: v for k, v in ledger.provenance.items() if k == "reasons"}
    return replace(ledger, plan=plan, result=result, provenance=reasons, problems=(), record=None, carried=carried, **known)


def replace_plan(plan: Plan, names: Names) -> Plan:
    """The plan without its name, and with pseudonyms where it holds names."""
    return msgspec.convert(names.value(msgspec.to_builtins(msgspec.structs.replace(plan, name=""))), Plan)


def _renamed(table: pa.Table, names: Names, name: str) -> pa.Table:
    """One table under pseudonyms, without free text."""
    old = table["trader"].to_pylist() if "trader" in table.column_names and name in ("kpis", "books", "decay_kpis") else None
    for column, kind in COLUMNS.items():
        if column in table.column_names and names.of(kind):
            table = _put(table, column, _mapped(table[column], names.of(kind)))
    for column in FREE if "raw" in table.column_names else ():
        table = _put(table, column, pa.array([""] * table.num_rows, pa.string()))
    if old is None:
        return table
    new = table["trader"].to_pylist()
    order = in_runs(list(range(table.num_rows)), [t or "" for t in old], [t or "" for t in new])
    return table.take(pa.array(order, pa.int64()))


def _put(table: pa.Table, column: str, values: pa.Array) -> pa.Table:
    place = table.column_names.index(column)
    return table.set_column(place, table.schema.field(column), values)


def _mapped(column: pa.ChunkedArray, names: Mapping[str, str]) -> pa.ChunkedArray:
    coded = pc.dictionary_encode(column.combine_chunks())
    coded = coded.combine_chunks() if isinstance(coded, pa.ChunkedArray) else coded
    levels = pa.array([names.get(v, v) for v in coded.dictionary.to_pylist()], pa.string())
    return pa.chunked_array([levels.take(coded.indices)], pa.string())


def coarse_tables(ledger: Ledger) -> dict[str, pa.Table]:
    """The tables with every instant replaced by midnight (UTC) of the date of its desk session, and nothing that gives a time of day away."""
    desk = _desk(ledger)
    return {name: _coarse(table, desk) for name, table in tables_of(ledger).items()}


def _desk(ledger: Ledger) -> Sessions:
    """Desk sessions around every instant of the ledger."""
    known = [t for name, table in tables_of(ledger).items() for c in table.column_names for t in _ends(table, c)]
    return load_sessions(ledger.plan.calendar.default, min(known), max(known) + 10 * DAY)


def _ends(table: pa.Table, column: str) -> Sequence[int]:
    if table.schema.field(column).type != INSTANT:
        return ()
    ends = pc.min_max(table[column].cast(pa.int64())).as_py()
    return [v for v in ends.values() if v is not None]


def _coarse(table: pa.Table, desk: Sessions) -> pa.Table:
    if "gap_path" in table.column_names:
        table = table.drop_columns(["gap_path"])
    for field in list(table.schema):
        if field.name in WITHIN_DAY or field.name.endswith("_age"):
            table = _put(table, field.name, pa.nulls(table.num_rows, field.type))
        elif field.type == INSTANT:
            table = _put(table, field.name, _dates(table[field.name], desk))
    return table


def _dates(column: pa.ChunkedArray, desk: Sessions) -> pa.Array:
    """Midnight of the session's date of each instant; null stays null."""
    instants: Any = pc.fill_null(column.cast(pa.int64()), 0).to_numpy()
    gone = column.is_null().to_numpy()
    place = np.minimum(desk.index_of(instants), len(desk.labels) - 1)
    days = np.asarray(desk.labels[place], dtype="datetime64[us]").astype(np.int64)
    return pa.array(days, mask=gone, type=pa.int64()).cast(pa.timestamp("us")).cast(INSTANT)
