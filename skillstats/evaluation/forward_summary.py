"""What a few quarters of past forecasts say about the method: differences of scores with intervals that count quarters, not rows.

A quarter is one cluster. All traders of a quarter share its days, its markets and the forecasts made at its start, so a quarter gives one
number, the mean over its traders, and the interval is Student's over quarters,

    mean of D_q -+ t(.95, Q - 1) sd(D_q) / sqrt(Q),     Q quarters scored.

It is about the expected difference of the forecasts that were made, averaged over the quarters: forecasts look back, so one quarter's
luck is in all later forecasts, but given a forecast the next quarter's luck is new. With one quarter there is no interval, with two or
three it is so wide that only a gross difference shows; that is what so few quarters can say. Resampling days within quarters would give a
narrower interval, valid for these quarters with their states of skill and markets, not for the method.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
from scipy import stats

from skillstats.evaluation.forward_score import RIVALS, SCALES

LEAST_TRADERS: Final = 3
"""Traders below which a quarter is not scored: a mean over them would give one of them away, and two have no rank worth a correlation."""
LEVEL: Final = 0.90
ENOUGH: Final = 4
"""Quarters below which the reader is told that hardly anything can be said."""


def mean_over_quarters(values: Sequence[float]) -> dict[str, Any]:
    """Mean with its 90% equal-tailed interval, a value a quarter.

    Returns
    -------
    mean, q05, q95, quarters; q05 and q95 are None with fewer than two quarters, all None with none

    Examples
    --------
    >>> {k: round(v, 3) for k, v in mean_over_quarters([0.1, 0.2, 0.3]).items()}
    {'mean': 0.2, 'q05': 0.031, 'q95': 0.369, 'quarters': 3}
    """
    x = np.asarray([v for v in values if np.isfinite(v)], dtype=float)
    if len(x) < 2:
        return {"mean": float(x[0]) if len(x) else None, "q05": None, "q95": None, "quarters": len(x)}
    half = stats.t.ppf(0.5 + LEVEL / 2, len(x) - 1) * x.std(ddof=1) / np.sqrt(len(x))
    return {"mean": float(x.mean()), "q05": float(x.mean() - half), "q95": float(x.mean() + half), "quarters": len(x)}


def verdict_on(interval: dict[str, Any]) -> str:
    """``better``, ``worse`` or ``cannot tell``, by the 90% interval."""
    if interval["q05"] is None:
        return "cannot tell"
    return "better" if interval["q05"] > 0 else "worse" if interval["q95"] < 0 else "cannot tell"


def by_quarter(table: pd.DataFrame) -> list[dict[str, Any]]:
    """One mapping a scored quarter, of `WalkForward.table`: differences of the mean log score, rank correlations, hits of the 90% interval."""
    return [_quarter(str(name), part) for name, part in table.groupby("quarter", sort=True)]


def _quarter(name: str, part: pd.DataFrame) -> dict[str, Any]:
    scored: dict[str, Any] = {"quarter": name, "traders": len(part), "decisions": int(part["decisions"].sum())}
    for scale in SCALES:
        own = part[f"{scale}_score"]
        scored[scale] = {rival: float((own - part[f"{scale}_score_{rival}"]).mean()) for rival in RIVALS}
        scored[scale]["inside"] = int(part[f"{scale}_pit"].between((1 - LEVEL) / 2, (1 + LEVEL) / 2).sum())
    scored["rank"] = {
        "method": rank_correlation(part["skill"], part["outcome_observed"]),
        "raw": rank_correlation(part["raw"], part["outcome_observed"]),
    }
    return scored


def rank_correlation(forecast: Sequence[float] | pd.Series[Any], came: Sequence[float] | pd.Series[Any]) -> float | None:
    """Spearman's rank correlation; None with fewer than three pairs or where one side does not vary.

    Examples
    --------
    >>> rank_correlation([0.1, 0.2, 0.3, 0.4], [1.0, 3.0, 2.0, 4.0])
    0.8
    """
    x, y = np.asarray(forecast, dtype=float), np.asarray(came, dtype=float)
    if len(x) < LEAST_TRADERS or np.ptp(x) == 0 or np.ptp(y) == 0:
        return None
    return round(float(stats.spearmanr(x, y).statistic), 12)


def summary_of(quarters: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Over all quarters: for each scale and rival the difference with interval and verdict; rank correlations; hits of the 90% interval."""
    found: dict[str, Any] = {}
    for scale in SCALES:
        lines = {rival: mean_over_quarters([q[scale][rival] for q in quarters]) for rival in RIVALS}
        found[scale] = {rival: line | {"verdict": verdict_on(line)} for rival, line in lines.items()}
        found[scale]["inside"] = sum(q[scale]["inside"] for q in quarters)
    ranked = [q["rank"] for q in quarters if q["rank"]["method"] is not None and q["rank"]["raw"] is not None]
    method, raw = ([q[k] for q in ranked] for k in ("method", "raw"))
    difference = mean_over_quarters([a - b for a, b in zip(method, raw, strict=True)])
    found["rank"] = {
        "method": mean_over_quarters(method),
        "raw": mean_over_quarters(raw),
        "difference": difference | {"verdict": verdict_on(difference)},
    }
    return found | {
        "quarters": len(quarters),
        "forecasts": sum(q["traders"] for q in quarters),
        "enough": len(quarters) >= ENOUGH,
    }
