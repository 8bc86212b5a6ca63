"""Does the model describe these outcomes? Posterior predictive checks on the whole desk.

Replicated outcomes are drawn from the posterior with new residuals and new session and trader-session shocks; a statistic of the data
outside the [.01, .99] of its replications says that the model misses something a reader cares about.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from skillstats.evaluation.estimands import Draws
from skillstats.evidence import Evidence

FloatArray = NDArray[np.float64]
REPLICATIONS: Final = 200
LOW, HIGH = 0.01, 0.99
STATISTICS: Final = {
    "skewness": "skewness of outcomes",
    "largest_share": "share of the largest outcome in the sum of magnitudes",
    "day_variance": "variance of day means over variance within days",
    "lag_1": "correlation of a session's total with the one before",
    "hit_rate": "share of outcomes above 0",
    "trader_spread": "spread between traders' means",
    "minimum": "worst outcome",
}


def predictive_checks(draws: Draws, evidence: Evidence, seed: int) -> dict[str, float]:
    """Predictive p of each statistic: the share of replications below the data's value, ties counted half.

    Parameters
    ----------
    seed : any int >= 0; the same seed gives the same replications

    Returns
    -------
    {name: p} with the names of `STATISTICS`
    """
    rng = np.random.default_rng([seed, 7])
    chosen = np.linspace(0, len(draws.desk_day) - 1, REPLICATIONS).astype(int)
    pair = evidence.session * len(evidence.coords["trader"]) + evidence.trader
    pairs, of_row = np.unique(pair, return_inverse=True)
    pair_trader = pairs % len(evidence.coords["trader"])
    column = draws.column(evidence, current=False)
    observed = _statistics(evidence.y, evidence, of_row)
    below = dict.fromkeys(observed, 0.0)
    for d in chosen:
        theta = draws.theta[d, column]
        if draws.kappa is not None:
            theta = theta + draws.kappa[d, evidence.trader] * evidence.log_size
        if draws.factor is not None and draws.loading is not None:
            theta = (
                theta + draws.loading * (draws.factor[d] * rng.standard_normal(len(evidence.coords["session"])))[evidence.session]
            )
        day = draws.desk_day[d] * rng.standard_normal(len(evidence.coords["session"]))
        own = draws.trader_day[d, pair_trader] * rng.standard_normal(len(pairs))
        noise = draws.sigma[d, evidence.trader, evidence.regime] * rng.standard_normal(len(evidence))
        replicated = _statistics(theta + day[evidence.session] + own[of_row] + noise, evidence, of_row)
        for name, value in replicated.items():
            below[name] += 0.5 * (value < observed[name]) + 0.5 * (value <= observed[name])
    return {name: count / len(chosen) for name, count in below.items()}


def missed(checks: dict[str, float]) -> list[str]:
    """Names of the statistics whose predictive p lies outside [.01, .99]."""
    return [name for name, p in checks.items() if not LOW <= p <= HIGH]


def _statistics(y: FloatArray, evidence: Evidence, pair: NDArray[np.int64]) -> dict[str, float]:
    centred = y - y.mean()
    scale = centred.std()
    totals = np.bincount(evidence.session, weights=centred)
    counts, sums = np.bincount(pair), np.bincount(pair, weights=y)
    means = sums / counts
    within = np.sum((y - means[pair]) ** 2) / max(len(y) - len(means), 1)
    traders = np.bincount(evidence.trader, weights=y) / np.bincount(evidence.trader)
    spread = np.sum((totals - totals.mean()) ** 2)
    return {
        "skewness": float(np.mean(centred**3) / scale**3) if scale > 0 else 0.0,
        "largest_share": float(np.abs(y).max() / np.abs(y).sum()) if np.any(y) else 0.0,
        "day_variance": float(means.var() / within) if within > 0 else 0.0,
        "lag_1": float(np.sum((totals[1:] - totals.mean()) * (totals[:-1] - totals.mean())) / spread) if spread > 0 else 0.0,
        "hit_rate": float(np.mean(y > 0)),
        "trader_spread": float(traders.std()),
        "minimum": float(y.min()),
    }
