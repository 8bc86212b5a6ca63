"""An outcomes table of the user's own to evidence: for those who hold a value-add per decision already.

With a `risk` column y = value_add / risk. Without one every row is divided by one constant, the pooled residual standard deviation
within trader and session (within trader for trader-sessions of one row): without an ex-ante risk the spread of a person's outcomes is
tied to how often the person departs, and dividing by an own spread would destroy the estimate. The constant is stated as `scale`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skillstats.errors import SkillWithheld, UsageError
from skillstats.evidence.containers import LABELS, Evidence
from skillstats.evidence.risk import add_within_decision
from skillstats.plan import Plan
from skillstats.record.outcomes import OutcomeTable, read_outcome_table

FloatArray = NDArray[np.float64]
ALL = "all"
SMALLEST, LARGEST = 1e-100, 1e100
"""Spreads whose squares are still ordinary numbers."""


def read_outcomes(source: object, columns: Mapping[str, str] | None = None, plan: Plan | None = None) -> Evidence:
    """Read an outcomes table as evidence.

    Parameters
    ----------
    source : CSV or Parquet file, or a pandas, polars or Arrow table
    columns : name of the column that holds each field where it differs, for example ``{"trader": "participant_id"}``
    plan : for limits, for `evidence.within_decision_correlation` and for `model.sessions_per_year`, without which there is no year

    Returns
    -------
    Evidence, unit ``input unit``

    Raises
    ------
    InputRejected
        If the table cannot be read.
    UsageError
        If no row is left.

    Examples
    --------
    >>> frame = pd.DataFrame({"trader": ["A", "A", "B", "B"], "session": ["1", "2", "1", "2"], "value_add": [1.0, 3.0, -1.0, 1.0]})
    >>> evidence = read_outcomes(frame)
    >>> round(evidence.scale, 3), evidence.y.round(3).tolist()
    (1.414, [0.707, 2.121, -0.707, 0.707])
    """
    return outcomes_to_evidence(read_outcome_table(source, columns, plan), plan)


def outcomes_to_evidence(table: OutcomeTable, plan: Plan | None = None) -> Evidence:
    """Evidence of accepted outcomes; rows whose own action says ACCEPT are no departures and are left out, counted."""
    plan = plan or Plan()
    followed = np.array([a == "ACCEPT" for a in table["action"]], dtype=bool)
    frame = _netted(table, ~followed, plan.evidence.within_decision_correlation)
    if not len(frame):
        raise UsageError("the outcomes table has no usable row: every row was quarantined or says ACCEPT")
    has_risk = "risk" in table.given and bool(np.isfinite(table["risk"]).any())
    value = frame["value_add"].to_numpy(dtype=float)
    scale = 1.0 if has_risk else pooled_sd(value, frame["trader"].to_numpy(), frame["session"].to_numpy())
    risk = frame["risk"].to_numpy(dtype=float) if has_risk else np.full(len(frame), scale)
    codes, coords = {}, {}
    for name in LABELS:
        code, unique = pd.factorize(frame[name].astype(object), sort=True)
        codes[name], coords[name] = code.astype(np.int64), tuple(str(u) for u in unique)
    return Evidence(
        value_add=value,
        risk=risk,
        y=value / risk,
        trader=codes["trader"],
        session=codes["session"],
        regime=codes["regime"],
        action=codes["action"],
        decision=pd.factorize(frame["decision_id"].astype(object), sort=True)[0].astype(np.int64),
        coords=coords,
        source="outcomes",
        unit="input unit",
        has_risk=has_risk,
        scale=scale,
        sessions_per_year=plan.model.sessions_per_year,
        sessions_spanned=len(coords["session"]),
        counts={"followed": int(followed.sum()), "quarantined": len(table.quarantine), "dropped": len(table.drops)},
        context=_context(table, frame),
    )


def _context(table: OutcomeTable, frame: pd.DataFrame) -> dict[str, Any]:
    sizes = frame.groupby("trader")["decision_id"].nunique()
    none = {"open": 0, "unavailable": 0, "quarantined": 0}
    own = {str(k): {"decisions": int(v), "closed": int(v), **none} for k, v in sizes.items()}
    return {"by_trader": own, "unassigned": len(table.quarantine), "input_digest": table.digest}


def _netted(table: OutcomeTable, used: NDArray[np.bool_], correlation: float) -> pd.DataFrame:
    """One row a (trader, decision, session): values add, risks add as correlated bets on one side."""
    named = {
        k: np.array([ALL if v is None else v for v in table[k]], dtype=object) for k in ("trader", "session", "regime", "action")
    }
    frame = pd.DataFrame({**named, "decision_id": table["decision_id"], "value_add": table["value_add"], "risk": table["risk"]})[
        used
    ]
    keys = ["trader", "decision_id", "session"]
    if not frame.duplicated(keys).any():
        return frame.reset_index(drop=True)
    group = frame.groupby(keys, sort=True).ngroup().to_numpy().astype(np.int64)
    first = frame.assign(group=group).drop_duplicates("group").sort_values("group").reset_index(drop=True)
    first["value_add"] = np.bincount(group, weights=frame["value_add"].to_numpy(dtype=float))
    risk = frame["risk"].to_numpy(dtype=float)
    first["risk"] = add_within_decision(group, risk, np.ones(len(risk)), correlation)
    return first.drop(columns="group")


def pooled_sd(value: FloatArray, trader: NDArray[Any], session: NDArray[Any]) -> float:
    """Pooled residual sd within trader and session; rows alone in their trader-session are compared within the trader.

    Raises
    ------
    UsageError
        If nobody has two outcomes to compare, or the spread is beyond all units.
    SkillWithheld
        If nobody's outcomes vary.
    """
    pair = pd.MultiIndex.from_arrays([trader, session])
    alone = ~pair.duplicated(keep=False)
    group = np.where(alone, pd.factorize(trader.astype(object))[0], -1 - pd.factorize(pair)[0])
    code = np.unique(group, return_inverse=True)[1]
    counts = np.bincount(code)
    means = np.bincount(code, weights=value) / counts
    freedom = int(np.sum(counts - 1))
    if freedom == 0:
        raise UsageError("nobody has two outcomes, so the spread of outcomes is unknown; add a risk column or more rows")
    with np.errstate(over="ignore"):
        sd = float(np.sqrt(np.sum((value - means[code]) ** 2) / freedom))
    if sd == 0:
        raise SkillWithheld(
            "E-FEW skill withheld for the fit: nobody's outcomes vary, so there is nothing to learn; check the value_add column"
        )
    if not SMALLEST < sd < LARGEST:
        raise UsageError(
            f"the spread of the outcomes is {sd:.3g}, must lie between {SMALLEST:g} and {LARGEST:g}; use another unit"
        )
    return sd
