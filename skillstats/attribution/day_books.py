"""The books of a ledger by desk session: what the model alone would have made each day, what was made, and whose difference it is.

Closed chains only, as everywhere in the KPIs: both books then add up to the totals of the ledger. Every session of the desk's calendar
from the first to the last counts, those without a P/L as 0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from skillstats.ledger.containers import Ledger
from skillstats.market.sessions import load_sessions, sessions_per_year
from skillstats.units import MICRO

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class DayBooks:
    """Day P/L after costs and costs, currency.

    sessions : (session,) labels in order; traders : (trader,) names, sorted
    model, actual, model_cost, actual_cost : (session,) of the desk
    difference, cost : (session, trader) what each person's departures changed, P/L and cost; the difference of signals that nobody
        decided on is in `actual` only
    avoided, forgone : (session, trader) >= 0, what vetoes and down-sizes saved and gave up, decisions netted within a session
    per_year : sessions a year
    """

    sessions: tuple[str, ...]
    traders: tuple[str, ...]
    model: FloatArray
    actual: FloatArray
    model_cost: FloatArray
    actual_cost: FloatArray
    difference: FloatArray
    cost: FloatArray
    avoided: FloatArray
    forgone: FloatArray
    per_year: float


def day_books(ledger: Ledger) -> DayBooks | None:
    """The books of a ledger by session; None where no chain is closed."""
    closed = ledger.books.filter(pc.equal(ledger.books["state"], "closed"))
    wanted = closed.filter(pc.is_in(closed["line"], pa.array(["model_frozen", "actual", "difference"])))
    if wanted.num_rows == 0:
        return None
    lines = sum_in_order(wanted, ["line", "session", "trader"], ["pnl", "cost"]).to_pandas()
    sessions = _sessions(ledger, lines["session"])
    cuts = cut_decisions(ledger)
    traders = tuple(sorted({*lines["trader"].dropna(), *cuts["trader"]}))
    at, who = {s: k for k, s in enumerate(sessions)}, {t: k for k, t in enumerate(traders)}

    def desk(line: str, column: str) -> FloatArray:
        own = lines[lines["line"] == line]
        return np.bincount(own["session"].map(at), weights=own[column] / MICRO, minlength=len(sessions))

    def people(frame: pd.DataFrame, value: NDArray[np.float64]) -> FloatArray:
        cell = frame["session"].map(at).to_numpy(dtype=np.int64) * len(traders) + frame["trader"].map(who).to_numpy(
            dtype=np.int64
        )
        return np.bincount(cell, weights=value, minlength=len(sessions) * len(traders)).reshape(len(sessions), len(traders))

    own = lines[(lines["line"] == "difference") & lines["trader"].notna()]
    worth = cuts["value"].to_numpy(dtype=float)
    return DayBooks(
        sessions=tuple(sessions),
        traders=traders,
        model=desk("model_frozen", "pnl_sum"),
        actual=desk("actual", "pnl_sum"),
        model_cost=desk("model_frozen", "cost_sum"),
        actual_cost=desk("actual", "cost_sum"),
        difference=people(own, own["pnl_sum"].to_numpy() / MICRO),
        cost=people(own, own["cost_sum"].to_numpy() / MICRO),
        avoided=people(cuts, np.maximum(worth, 0.0)),
        forgone=people(cuts, np.maximum(-worth, 0.0)),
        per_year=float(ledger.plan.model.sessions_per_year or sessions_per_year(ledger.plan.calendar.default)),
    )


def sum_in_order(table: pa.Table, keys: list[str], values: list[str]) -> pa.Table:
    """Exact sums of whole numbers by `keys`, columns ``value_sum``, sorted by `keys`.

    Threads and the pieces a table lies in leave the order of groups to chance, and with it the last digit of every sum of fractions over them.
    """
    return table.group_by(keys).aggregate([(v, "sum") for v in values]).sort_by([(k, "ascending") for k in keys])


def _sessions(ledger: Ledger, labels: pd.Series) -> list[str]:
    """Sessions of the desk's calendar from the first to the last label."""
    first, last = str(labels.min()), str(labels.max())
    start, stop = (int(np.datetime64(label, "us").astype(np.int64)) for label in (first, last))
    calendar = load_sessions(ledger.plan.calendar.default, start, stop, 1)
    inside = [str(s) for s in calendar.labels if first <= s <= last]
    return sorted({*inside, *labels.unique()})


def cut_decisions(ledger: Ledger) -> pd.DataFrame:
    """Value-add of each decision that only vetoed or sized down, by session: columns decision_id, trader, session, value (currency).

    A decision belongs here if every row of it is closed, an intervention, and traded less than the model's quantity on the model's side.
    """
    names = ["signal_id", "decision_id", "trader", "status", "is_intervention", "model_quantity", "actual_quantity"]
    rows = ledger.rows.select(names)
    rows = rows.filter(pc.is_valid(rows["decision_id"]))
    model, actual = (pc.cast(rows[k], pa.float64()) for k in ("model_quantity", "actual_quantity"))
    less = pc.and_(pc.less(actual, model), pc.greater_equal(actual, 0.0))
    fits = pc.and_(pc.and_(less, pc.equal(rows["status"], "CLOSED")), rows["is_intervention"])
    keep = np.asarray(pc.fill_null(fits, False))
    frame = pd.DataFrame({k: rows[k].to_pandas() for k in ("decision_id", "trader")}).assign(fits=keep)
    whole = frame.groupby("decision_id")["fits"].all()
    chosen = whole.index[whole.to_numpy(dtype=bool)]
    slices = ledger.slices.select(["decision_id", "trader", "session", "slice"])
    slices = slices.filter(pc.is_in(slices["decision_id"], pa.array(chosen.tolist(), type=pa.string())))
    summed: pd.DataFrame = sum_in_order(slices, ["decision_id", "trader", "session"], ["slice"]).to_pandas()
    return summed.assign(value=summed["slice_sum"].to_numpy(dtype=float) / MICRO).drop(columns="slice_sum")
