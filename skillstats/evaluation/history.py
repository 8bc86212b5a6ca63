"""`Evaluation.history`: decisions, raw means and the state of skill of each trader by quarter, and the method's own past forecasts.

    {"available": True, "quarters": [...], "current": last, "scale": "annual IR" | "outcome per unit of risk", "prior_driven": bool,
     "rows": [...], "changes": [...], "path": {...}, "forecasts": {...}}      or      {"available": False, "why": sentence}

A trader whose skill is withheld keeps the counts and has no number beside them. Traders who left stay, with a state that is known less and
less well.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa

from skillstats.evaluation.estimands import Estimate
from skillstats.evaluation.history_drift import States, states_of
from skillstats.evidence import Evidence
from skillstats.evidence.past import with_quarters
from skillstats.inference.container import Fit
from skillstats.inference.separable import MIN_QUARTERS

NO_DATES: Final = "the rows have no dates, so calendar quarters do not exist; give sessions as YYYY-MM-DD, or a column time"
ONE_QUARTER: Final = "all rows lie in one calendar quarter, so there is no path yet"
POINTS: Final = ("mean", "q05", "q25", "q75", "q95")
COLUMNS: Final = (
    *("trader", "quarter", "decisions", "days", "status", "raw_mean", "raw_y", "raw_annual"),
    *(f"state_{p}" for p in POINTS),
    "state_sd",
    *(f"annual_{p}" for p in POINTS),
)
"""Columns of history.csv, in order."""
TEXT: Final = ("trader", "quarter", "status")


def history_of(fit: Fit, estimates: Mapping[str, Estimate], statuses: Mapping[str, str], *, withheld: bool) -> dict[str, Any]:
    """The history of a fit, without the past forecasts.

    Parameters
    ----------
    estimates, statuses : of each trader, by name
    withheld : whether the fit as a whole earned no belief: then counts only

    Returns
    -------
    dict, JSON-ready; see the text of the module for its keys and `COLUMNS` for those of a row. ``raw_mean`` is value-add per decision in the
    input's unit, ``raw_y`` the mean outcome per unit of risk, ``raw_annual`` the same at the trader's typical year; ``state_`` and ``annual_``
    are the state of skill, 50% and 90% equal-tailed intervals
    """
    evidence = with_quarters(fit.evidence)
    if evidence is None:
        return {"available": False, "why": NO_DATES}
    names, quarters = evidence.coords["trader"], evidence.levels("quarter")
    per_y = _per_y(fit, estimates)
    states: States | str = ONE_QUARTER
    if len(quarters) > 1:
        states = "the fit is withheld" if withheld else states_of(fit, per_y)
    hidden = {n for n in names if withheld or statuses.get(n, "WITHHOLD") == "WITHHOLD"}
    rows = []
    for j, name in enumerate(names):
        annual = None if per_y is None else float(per_y[:, j].mean())
        for q in range(len(quarters)):
            row = _counts(evidence, j, q) | {"status": "WITHHOLD" if name in hidden else statuses[name]}
            rows.append(row if name in hidden else row | _raw(evidence, j, q, annual) | _state(states, j, q))
    return {
        "available": True,
        "quarters": list(quarters),
        "current": quarters[-1],
        "scale": "annual IR" if evidence.has_year else "outcome per unit of risk",
        "prior_driven": len(quarters) < MIN_QUARTERS,
        "rows": [{k: row.get(k) for k in COLUMNS} for row in rows],
        "changes": [] if isinstance(states, str) else _changes(states, [n if n not in hidden else None for n in names]),
        "path": _path_part(states, fit),
    }


def history_table(history: Mapping[str, Any]) -> pa.Table:
    """Rows as a table with the columns of history.csv; null where withheld or unknown."""
    kinds = {k: pa.string() for k in TEXT} | {k: pa.int64() for k in ("decisions", "days")}
    rows: Sequence[Mapping[str, Any]] = history.get("rows") or ()
    return pa.table({k: pa.array([row[k] for row in rows], type=kinds.get(k, pa.float64())) for k in COLUMNS})


def _per_y(fit: Fit, estimates: Mapping[str, Estimate]) -> np.ndarray | None:
    """Annual IR of a trader whose mean of y is 1, (draw, trader); None where the evidence has no year."""
    found = [estimates[name].annual_per_y for name in fit.evidence.coords["trader"]]
    kept = [f for f in found if f is not None]
    return np.stack(kept, axis=1) if len(kept) == len(found) else None


def _own(evidence: Evidence, trader: int, quarter: int) -> np.ndarray:
    return np.flatnonzero((evidence.trader == trader) & (evidence.code("quarter") == quarter))


def _counts(evidence: Evidence, trader: int, quarter: int) -> dict[str, Any]:
    rows = _own(evidence, trader, quarter)
    return {
        "trader": evidence.coords["trader"][trader],
        "quarter": evidence.levels("quarter")[quarter],
        "decisions": len(np.unique(evidence.decision[rows])),
        "days": len(np.unique(evidence.session[rows])),
    }


def _raw(evidence: Evidence, trader: int, quarter: int, per_y: float | None) -> dict[str, Any]:
    rows = _own(evidence, trader, quarter)
    if not len(rows):
        return {}
    y = float(evidence.y[rows].mean())
    money = float(evidence.value_add[rows].sum() / len(np.unique(evidence.decision[rows])))
    return {"raw_mean": money, "raw_y": y, "raw_annual": None if per_y is None else y * per_y}


def _state(states: States | str, trader: int, quarter: int) -> dict[str, Any]:
    if isinstance(states, str):
        return {}
    at = (trader, quarter)
    found = {"state_mean": float(states.mean[at]), "state_sd": float(states.sd[at])}
    found |= {f"state_{k}": float(v[at]) for k, v in states.quantiles.items()}
    if states.annual is not None:
        found["annual_mean"] = float(states.annual.mean[at])
        found |= {f"annual_{k}": float(v[at]) for k, v in states.annual.quantiles.items()}
    return found


def _changes(states: States, names: Sequence[str | None]) -> list[dict[str, Any]]:
    """From the first quarter to the current one, of each trader who may be shown, on the scale of the history."""
    on = states.annual or states
    return [
        {"trader": name, "mean": float(on.change[j])} | {k: float(v[j]) for k, v in on.change_quantiles.items()}
        for j, name in enumerate(names)
        if name is not None
    ]


def _path_part(states: States | str, fit: Fit) -> dict[str, Any]:
    """How the path was made: model, size of the drift, and how far the weights can be trusted."""
    if isinstance(states, str):
        return {"available": False, "why": states}
    own = fit.terms.drift is not None
    assert states.drift is not None
    mean, low, high = states.drift
    return {
        "available": True,
        "model": fit.spec.name if own else f"{fit.spec.name} with drift",
        "how": "its own draws" if own else "the draws of the fit, reweighted",
        "innovation": {"mean": mean, "q05": low, "q95": high},
        "pareto_k": states.k,
        "effective_draws": states.effective,
    }
