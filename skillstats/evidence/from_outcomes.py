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

from skillstats.errors import SkillWithheld, UsageError, show
from skillstats.evidence.containers import LABELS, NUMBERS, OPTIONAL_LABELS, Evidence
from skillstats.evidence.labels import Coded, code_labels, code_quarters, dates_of_sessions
from skillstats.evidence.risk import add_within_decision
from skillstats.plan import Plan
from skillstats.record.containers import NULL
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
    labels, levels = _labels(frame)
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
        coords=coords | levels,
        source="outcomes",
        unit="input unit",
        has_risk=has_risk,
        scale=scale,
        sessions_per_year=plan.model.sessions_per_year,
        sessions_spanned=len(coords["session"]),
        counts={"followed": int(followed.sum()), "quarantined": len(table.quarantine), "dropped": len(table.drops)},
        context=_context(table, frame, ~followed),
        labels=labels,
        **_numbers(frame, has_risk=has_risk),
    )


def _labels(frame: pd.DataFrame) -> Coded:
    """Optional labels that tell rows apart; quarters from sessions that are dates, else from `time` where every row has one."""
    labels, levels = code_labels({k: frame[k].to_numpy() for k in OPTIONAL_LABELS if k != "quarter"})
    dates = dates_of_sessions(frame["session"].tolist())
    time = frame["time"].to_numpy(dtype=np.int64)
    if dates is None and bool((time != NULL).all()):
        dates = np.datetime_as_string(time.astype("datetime64[us]"), unit="D").tolist()
    quarters = code_quarters(dates) if dates is not None else ({}, {})
    return labels | quarters[0], levels | quarters[1]


def _numbers(frame: pd.DataFrame, *, has_risk: bool) -> dict[str, FloatArray]:
    """Exposures and factor returns, if the table has them.

    Raises
    ------
    UsageError
        If one of them is filled for some rows only, there is no risk to state the exposure in, or a session has two factor returns.
    """
    found = {}
    for name in NUMBERS:
        values = frame[name].to_numpy(dtype=float)
        empty = int(np.isnan(values).sum())
        if empty == len(values):
            continue
        if empty:
            raise UsageError(
                f"{name} is empty in {empty} of {len(values)} outcomes; fill it in every row or leave the column out"
            )
        found[name] = values
    if found and not has_risk:
        raise UsageError("exposure is stated per unit of risk, but the table has no risk column; add it")
    if "factor_return" in found:
        if "exposure" not in found:
            raise UsageError(
                "factor_return without exposure has no use; add the exposure of each outcome or leave the column out"
            )
        spread = frame.groupby("session")["factor_return"].agg(np.ptp)
        if (spread > 0).any():
            raise UsageError(
                f"factor_return differs within session {show(str(spread.idxmax()))}; it is one number for all rows of a session"
            )
    return found


def _context(table: OutcomeTable, frame: pd.DataFrame, judged: NDArray[np.bool_]) -> dict[str, Any]:
    sizes = frame.groupby("trader")["decision_id"].nunique()
    none = {"open": 0, "unavailable": 0, "quarantined": 0}
    own = {str(k): {"decisions": int(v), "closed": int(v), **none} for k, v in sizes.items()}
    time = np.asarray(table["time"], dtype=np.int64)[judged]
    first = int(time.min()) if bool((time != NULL).all()) else None  # one row without a time might be the first
    return {"by_trader": own, "unassigned": len(table.quarantine), "input_digest": table.digest, "first_outcome": first}


def _netted(table: OutcomeTable, used: NDArray[np.bool_], correlation: float) -> pd.DataFrame:
    """One row a (trader, decision, session): values add, risks add as correlated bets on one side."""
    named = {
        k: np.array([ALL if v is None else v for v in table[k]], dtype=object) for k in ("trader", "session", "regime", "action")
    }
    further = ("decision_id", "value_add", "risk", "time", *NUMBERS, *(k for k in OPTIONAL_LABELS if k != "quarter"))
    frame = pd.DataFrame({**named, **{k: table[k] for k in further}})[used]
    keys = ["trader", "decision_id", "session"]
    if not frame.duplicated(keys).any():
        return frame.reset_index(drop=True)
    group = frame.groupby(keys, sort=True).ngroup().to_numpy().astype(np.int64)
    first = frame.assign(group=group).drop_duplicates("group").sort_values("group").reset_index(drop=True)
    first["value_add"] = np.bincount(group, weights=frame["value_add"].to_numpy(dtype=float))
    risk = frame["risk"].to_numpy(dtype=float)
    first["risk"] = add_within_decision(group, risk, np.ones(len(risk)), correlation)
    exposure = frame["exposure"].to_numpy(dtype=float)  # in money they add, like value-add
    first["exposure"] = np.bincount(group, weights=exposure * risk) / first["risk"].to_numpy()
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
