"""Closed rows of a ledger as arrays, and the windows in which each book held something.

The dollar exposure of a row in a stretch of its path is

    x_f = side * quantity * price at the signal * multiplier * exchange rate at the signal * exposure_f,

quantity being actual minus model (the deviation) or the model's own. The price at the signal stands for the whole path, so that x_f is
known at the decision; what the move of the price itself adds is of second order and falls into selection.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from skillstats.attribution.asof import stamps_of
from skillstats.attribution.returns import settled
from skillstats.ledger.containers import Ledger
from skillstats.ledger.segments import Segments, cut_at_closes
from skillstats.market.sessions import Sessions, load_sessions
from skillstats.record.containers import NULL

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
TEXTS: Final = ("signal_id", "action_id", "decision_id", "trader", "asset", "side", "action", "signal_type", "desk", "model")
MONEY: Final = ("value_add", "size", "drift", "slippage", "cost", "model_pnl", "actual_pnl", "model_cost", "actual_cost")
INSTANTS: Final = ("signal_time", "action_time", "first_fill_time", "horizon_time")


@dataclass(frozen=True, slots=True)
class Rows:
    """CLOSED rows of a ledger in its order.

    frame : texts; money as float in currency; instants int64 (`NULL` where absent); key (signal_id, or action_id of an INITIATE); regime;
        decided : the action of an intervention, the signal of one left alone; unit : money per unit of quantity and return, signed by side
    table : the same rows; desk : sessions of the desk calendar around them
    """

    frame: pd.DataFrame
    table: pa.Table
    desk: Sessions


def closed_rows(ledger: Ledger) -> Rows:
    """Rows with a value-add; OPEN rows have none yet."""
    table = ledger.rows.filter(pc.equal(ledger.rows["status"], "CLOSED"))
    frame = pd.DataFrame({k: table[k].to_pandas().astype(object) for k in TEXTS})
    for name in MONEY:
        frame[name] = np.asarray(pc.fill_null(table[name], 0).to_numpy(), dtype=float) * 1e-6
    for name in INSTANTS:
        frame[name] = stamps_of(table, name)
    frame["is_intervention"] = table["is_intervention"].to_pandas().astype(bool)
    frame["key"] = frame["signal_id"].where(frame["signal_id"].notna(), frame["action_id"])
    anchor = frame["signal_time"].where(frame["signal_time"] != NULL, frame["action_time"])
    frame["anchor"] = anchor
    frame["decided"] = frame["action_time"].where(frame["is_intervention"], anchor)
    frame["regime"] = _regimes(table)
    frame["quantity"] = _float(table["model_quantity"], 0.0)
    multiplier = {a: float(Fraction(s["multiplier"])) for a, s in ledger.result["scales"].items()}
    side = np.where(frame["side"] == "BUY", 1.0, -1.0)
    price = _float(table["signal_mid"], np.nan) * _float(table["signal_fx"], 1.0)
    frame["unit"] = side * price * frame["asset"].map(multiplier).to_numpy(dtype=float)
    age = pc.coalesce(table["model_price_age"], table["signal_mid_age"])
    frame["age"] = np.asarray(pc.fill_null(age, 0).to_numpy(), dtype=np.int64)
    return Rows(frame, table, _desk(ledger, frame))


def _float(column: pa.ChunkedArray, absent: float) -> FloatArray:
    return np.asarray(pc.fill_null(column.cast(pa.float64()), absent).to_numpy(), dtype=float)


def _regimes(table: pa.Table) -> Any:
    names = [c for c in table.column_names if c.startswith("regime_") and c not in ("regime_cutoff", "regime_rule")]
    if not names:
        return "all"
    columns = [table[c].to_pylist() for c in names]
    return [" | ".join(map(str, cells)) for cells in zip(*columns, strict=True)]


def _desk(ledger: Ledger, frame: pd.DataFrame) -> Sessions:
    """Desk sessions around every instant of the rows; factor returns of other times, however old, are never looked at."""
    stamps = [frame[c][frame[c] != NULL] for c in (*INSTANTS, "anchor")]
    known = [int(v) for s in stamps if len(s) for v in (s.min(), s.max())]
    return load_sessions(ledger.plan.calendar.default, min(known), max(known), 1)


def deviation_path(rows: Rows) -> Segments:
    """Stretches of actual minus model quantity, cut at desk closes; `gap` is signed in the signal's direction."""
    path = rows.table["gap_path"].combine_chunks()
    lengths = pc.fill_null(pc.list_value_length(path), 0).to_numpy(zero_copy_only=False).astype(np.int64)
    knots, row = path.flatten(), np.repeat(np.arange(len(lengths)), lengths)
    time = knots.field("time").cast(pa.int64()).to_numpy(zero_copy_only=False).astype(np.int64)
    gap = knots.field("gap").cast(pa.float64()).to_numpy(zero_copy_only=False)
    start = _from_price(rows, row, time)
    last = np.r_[row[1:] != row[:-1], True] if len(row) else np.zeros(0, dtype=bool)
    stop = np.where(last, _ends(rows)[row], np.r_[start[1:], 0]) if len(row) else start
    return cut_at_closes(rows.desk, row, start, stop, gap)


def model_path(rows: Rows, next_open: Sessions | None) -> Segments:
    """What the model book held, from its fill to the horizon, in the signal's direction.

    next_open : calendar at whose next opening the model is filled; None where it is filled at the signal
    """
    own = np.flatnonzero((rows.frame["quantity"] > 0).to_numpy() & (rows.frame["signal_time"] != NULL).to_numpy())
    time = rows.frame["signal_time"].to_numpy()[own]
    if next_open is not None:
        opens = next_open.opens
        time = opens[np.minimum(np.searchsorted(opens, time, side="left"), len(opens) - 1)]
    return cut_at_closes(rows.desk, own, _from_price(rows, own, time), _ends(rows)[own], rows.frame["quantity"].to_numpy()[own])


def _ends(rows: Rows) -> IntArray:
    return settled(rows.desk, rows.frame["horizon_time"].to_numpy())


def _from_price(rows: Rows, row: IntArray, time: IntArray) -> IntArray:
    """When each change of quantity took effect on the value: at the stamp of the model's price where it was made at the signal.

    A signal in the morning that is priced at yesterday's close has its value from that close on, so the factor must be counted from there too;
    never from before the close ahead of the signal's session.
    """
    signal, age = rows.frame["signal_time"].to_numpy()[row], rows.frame["age"].to_numpy()[row]
    before = rows.desk.closes[np.maximum(rows.desk.index_of(np.where(signal == NULL, time, signal)) - 1, 0)]
    stamp = np.where(time == signal, np.maximum(time - age, np.minimum(before, time)), time)
    return settled(rows.desk, stamp)
