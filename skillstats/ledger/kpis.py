"""Published KPIs of intervention: hit rate, mean, volatility and their ratio. A description of what happened, not evidence of skill.

Unit: the complete intervention decision. A hit is value_add > 0; a zero is a tie, in the denominator and shown apart; missing outcomes
are outside and counted. The standard deviation uses n - 1. Mean, sd and ratio are each one correctly rounded division of exact
integers; with n < 2 or sd = 0 they are null, never 0 or infinite. Nothing is annualised.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa

from skillstats.ledger.setaside import UNAVAILABLE
from skillstats.ledger.tables import MONEY

GROUPS: Final = (
    ("all", ()),
    ("trader", ("trader",)),
    ("trader x model", ("trader", "model")),
    ("trader x action", ("trader", "action")),
)
COUNTS: Final = (
    "n_signals",
    "n_interventions",
    "n_decisions",
    "n_sessions",
    "n_open",
    "n_unavailable",
    "n_quarantined",
)
SCHEMA: Final = pa.schema(
    [pa.field(k, pa.string()) for k in ("by", "trader", "model", "action", "regime")]
    + [pa.field(k, pa.int64()) for k in COUNTS]
    + [pa.field("override_rate", pa.float64()), pa.field("hits", pa.int64()), pa.field("ties", pa.int64())]
    + [pa.field("hit_rate", pa.float64()), pa.field("sum", pa.int64(), metadata=MONEY)]
    + [pa.field(k, pa.float64()) for k in ("mean", "sd", "ir_per_decision")]
    + [pa.field("note", pa.string())]
)


def moments(amounts: list[int]) -> dict[str, Any]:
    """Sum, mean, sd (n-1) and mean/sd of exact micro-units; mean and sd in currency.

    Examples
    --------
    The three published rows, corrected:

    >>> m = moments([500_000_000, -50_000_000, -740_000_000])
    >>> m["sum"], round(m["mean"], 2), round(m["sd"], 2), round(m["ir_per_decision"], 4)
    (-290000000, -96.67, 621.32, -0.1556)
    """
    n, total = len(amounts), sum(amounts)
    result: dict[str, Any] = {
        "sum": total,
        "mean": float(Fraction(total, n * 10**6)) if n else None,
        "sd": None,
        "ir_per_decision": None,
    }
    if n < 2:
        return result | {"note": "n<2"}
    spread = n * sum(a * a for a in amounts) - total * total
    if spread == 0:
        return result | {"note": "sd=0"}
    with localcontext() as context:
        context.prec = 60
        sd = (Decimal(spread) / (n * (n - 1))).sqrt()
        result |= {"sd": float(sd / 10**6), "ir_per_decision": float(Decimal(total) / n / sd)}
    return result | {"note": ""}


def kpi_table(rows: pd.DataFrame, decisions: pd.DataFrame, set_aside: pd.DataFrame) -> pa.Table:
    """KPIs by all, trader, trader x model, trader x action and trader x regime.

    Parameters
    ----------
    rows : ledger rows; decisions : frame of `decision_frame`
    set_aside : quarantined actions with columns decision_id, trader, action, model, regime, code
    """
    complete = set(decisions.loc[decisions["complete"].astype(bool), "decision_id"])
    code = pd.Series(np.arange(len(decisions)), index=decisions["decision_id"])
    rows = rows.assign(
        judged=rows["is_intervention"] & rows["decision_id"].isin(complete),
        decision=rows["decision_id"].map(code).fillna(-1).astype(np.int64),
    )
    found = [_describe(by, keys, part, set_aside) for by, keys, part in _groups(rows)]
    columns = {f.name: [row.get(f.name) for row in found] for f in SCHEMA}
    return pa.table(columns, schema=SCHEMA)


def _groups(rows: pd.DataFrame) -> Iterator[tuple[str, dict[str, str], pd.DataFrame]]:
    named = rows[rows["trader"].notna()]
    groups = [*GROUPS, ("trader x regime", ("trader", "regime"))] if "regime" in rows else GROUPS
    for by, columns in groups:
        if not columns:
            yield by, {}, rows
            continue
        for key, part in named.groupby(list(columns), sort=True, dropna=True):
            yield by, dict(zip(columns, (str(k) for k in key), strict=True)), part


def decision_amounts(judged: pd.DataFrame) -> list[int]:
    """Value-add of each decision in a group of judged rows, exact micro-units, in the order of decisions."""
    code, value = judged["decision"].to_numpy(), judged["value_add"].to_numpy()
    order = np.argsort(code, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(code[order]) != 0]) if len(code) else np.zeros(0, dtype=np.int64)
    return [int(v) for v in np.add.reduceat(value[order], starts)] if len(starts) else []


def _describe(by: str, keys: dict[str, str], part: pd.DataFrame, set_aside: pd.DataFrame) -> dict[str, Any]:
    touched, judged = part[part["is_intervention"]], part[part["judged"]]
    amounts = decision_amounts(judged)
    lost = set_aside
    for column, value in keys.items():
        lost = lost[lost[column] == value] if column in lost else lost.iloc[:0]
    signals = int(part["signal_id"].notna().sum())
    overridden = int((touched["action"] != "INITIATE").sum())
    hits, ties = sum(a > 0 for a in amounts), sum(a == 0 for a in amounts)
    result: dict[str, Any] = {"by": by, **keys}
    result |= {
        "n_signals": signals,
        "n_interventions": len(touched),
        "n_decisions": len(amounts),
        "n_sessions": judged["session"].nunique(),
        "n_open": int((touched["status"] == "OPEN").sum()),
        "n_unavailable": int(lost["code"].isin(UNAVAILABLE).sum()),
        "n_quarantined": len(lost),
        "override_rate": overridden / signals if signals else None,
        "hits": hits,
        "ties": ties,
        "hit_rate": hits / len(amounts) if amounts else None,
    }
    if not len(touched):
        return result | {"note": "no interventions"}
    return result | moments(amounts)
