"""Every signal that has run its course: what the model made of it, what people made of it, and its risk.

Money is in currency, risk in currency; the value of the model per unit of risk is m = model P/L / risk, the risk that of the whole
order from the signal to its horizon. Followed signals count like vetoed ones: the model's book is known for all.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from skillstats.boundary.contexts import Label, code_text, contexts_of, instants
from skillstats.evidence.choices_from_ledger import whole_order_risk
from skillstats.ledger.containers import Ledger

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Signals:
    """Closed rows of a ledger, signals and INITIATE orders, in the order of the ledger.

    model_pnl, value_add : (row,) currency, the former 0 for INITIATE; risk : (row,) currency, nan where unknown and for INITIATE
    session : (row,) int64 into `dates`; end : (row,) int64, session of the horizon, ``len(dates)`` past the last one
    trader : codes, -1 where nobody answered; acted : intervened; is_signal : not an INITIATE
    labels : candidate contexts, the action left out because it is no context but a choice
    """

    model_pnl: FloatArray
    value_add: FloatArray
    risk: FloatArray
    session: IntArray
    end: IntArray
    trader: Label
    acted: BoolArray
    is_signal: BoolArray
    dates: tuple[str, ...]
    labels: dict[str, Label]


def read_signals(ledger: Ledger) -> Signals:
    """Closed rows of a ledger as `Signals`."""
    labels = contexts_of(ledger)
    closed = np.flatnonzero(pc.is_valid(ledger.rows["value_add"]).to_numpy())
    table = ledger.rows.take(pa.array(closed))
    session = code_text(table["session"])
    is_signal = np.asarray(pc.is_valid(table["signal_id"]).to_numpy(), dtype=bool)
    return Signals(
        model_pnl=_money(table, "model_pnl"),
        value_add=_money(table, "value_add"),
        risk=_risk(ledger, table),
        session=session.codes,
        end=_end_sessions(table, session),
        trader=code_text(table["trader"]),
        acted=np.asarray(pc.fill_null(table["is_intervention"], False).to_numpy(), dtype=bool),
        is_signal=is_signal,
        dates=session.levels,
        labels={name: label.take(closed) for name, label in labels.items() if name != "action"},
    )


def _risk(ledger: Ledger, table: pa.Table) -> FloatArray:
    """Risk money of the whole order of each row, (row,) currency; nan without a signal, volatility or price."""
    frame = pd.DataFrame({"asset": table["asset"].to_pandas().astype(object)})
    for name in ("signal_time", "horizon_time"):
        frame[name] = instants(table, name)
    for name in ("volatility", "signal_mid", "model_quantity", "signal_fx"):
        frame[name] = np.asarray(pc.fill_null(table[name].cast(pa.float64()), np.nan).to_numpy(), dtype=float)
    known = ((frame["volatility"] > 0) & (frame["signal_mid"] > 0) & (frame["signal_time"] >= 0)).to_numpy()
    risk = np.full(len(frame), np.nan)
    if known.any():
        risk[known] = whole_order_risk(ledger, frame[known].reset_index(drop=True))
    return risk


def _money(table: pa.Table, name: str) -> FloatArray:
    """A money column in currency; null is 0 (INITIATE has no model P/L)."""
    return np.asarray(pc.fill_null(table[name], 0).to_numpy(), dtype=float) * 1e-6


def _end_sessions(table: pa.Table, session: Label) -> IntArray:
    """Position of the first session that starts after each row's horizon, less one: sessions up to it must not train what follows."""
    decided = np.maximum(instants(table, "signal_time"), instants(table, "action_time"))
    first = np.full(len(session.levels), np.iinfo(np.int64).max)
    np.minimum.at(first, session.codes, np.where(decided >= 0, decided, np.iinfo(np.int64).max))
    first = np.minimum.accumulate(first[::-1])[::-1]  # so that it never falls
    return np.searchsorted(first, instants(table, "horizon_time"), side="right") - 1
