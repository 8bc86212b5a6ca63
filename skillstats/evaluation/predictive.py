"""Does the model describe these outcomes? Posterior predictive checks on the whole desk.

Replicated outcomes are drawn from the posterior with new residuals and new session and trader-session shocks; a statistic of the data
outside the [.01, .99] of its replications says that the model misses something a reader cares about.

A desk's outcome is V / (price x forecast volatility ...), and the forecast is the root mean square of the last 21 returns: even where
every return is normal and the volatility constant, the ratio is Student's t with 21 degrees of freedom. That error of the divisor is
known, so a replicated record has it too: each row is multiplied by g with 1 / g^2 ~ chi^2_21 / 21, scaled to E g^2 = 1 because sigma is
fitted on that scale. Without it the worst of some thousand outcomes looks too extreme on nearly every desk, normal markets included. A risk
that came with an outcomes table has no known error and is taken as it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from skillstats.evaluation.draws import Draws
from skillstats.evaluation.means import row_means
from skillstats.evidence import Evidence
from skillstats.market.volatility import WINDOW

FloatArray = NDArray[np.float64]
REPLICATIONS: Final = 1000
MOST_ROWS: Final = 100_000_000
"""Replicated rows in all at most; a table of more than a hundred thousand rows gets fewer replications, but never under `LEAST`."""
LEAST: Final = 400
LOW, HIGH = 0.01, 0.99
BINS: Final = 24
STATISTICS: Final = {
    "skewness": "skewness of outcomes",
    "largest_share": "share of the largest outcome in the sum of magnitudes",
    "day_variance": "variance of day means over variance within days",
    "lag_1": "correlation of a session's total with the one before",
    "hit_rate": "share of outcomes above 0",
    "trader_spread": "spread between traders' means",
    "minimum": "worst outcome",
}


@dataclass(frozen=True, slots=True)
class Check:
    """One statistic of the data beside its replications.

    p : share of replications below the data's value, ties counted half, in (0, 1); low, high : range of the histogram
    counts : replications in each of its equal bins
    """

    observed: float
    p: float
    low: float
    high: float
    counts: tuple[int, ...]

    def plain(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {"p": self.p, "observed": self.observed, "low": self.low, "high": self.high, "counts": list(self.counts)}


def predictive_checks(draws: Draws, evidence: Evidence, seed: int, replications: int | None = None) -> dict[str, Check]:
    """Each statistic of the data beside its replications.

    Parameters
    ----------
    seed : any int >= 0; the same seed gives the same replications
    replications : default 1,000, fewer for very long tables; the standard error of a p near .01 is then .003

    Returns
    -------
    {name: Check} with the names of `STATISTICS`
    """
    rng = np.random.default_rng([seed, 7])
    count = replications or int(np.clip(MOST_ROWS // max(1, len(evidence)), LEAST, REPLICATIONS))
    pair = evidence.session * len(evidence.coords["trader"]) + evidence.trader
    pairs, of_row = np.unique(pair, return_inverse=True)
    observed = _statistics(evidence.y, evidence, of_row)
    replicated = {name: np.empty(count) for name in observed}
    for k, d in enumerate(np.linspace(0, len(draws.desk_day) - 1, count).astype(int)):
        y = _replicate(draws, evidence, int(d), pairs, of_row, rng)
        for name, value in _statistics(y, evidence, of_row).items():
            replicated[name][k] = value
    return {name: _check(observed[name], values) for name, values in replicated.items()}


def _replicate(
    draws: Draws, evidence: Evidence, d: int, pairs: NDArray[np.int64], of_row: NDArray[np.int64], rng: np.random.Generator
) -> FloatArray:
    """Outcomes of a new record with the same decisions under draw number `d`, shape (row,)."""
    shock = draws.shock_of(evidence)
    day = draws.desk_day[d] * rng.standard_normal(int(shock.max()) + 1)
    own = draws.trader_day[d, pairs % len(evidence.coords["trader"])] * rng.standard_normal(len(pairs))
    noise = draws.sigma[d, evidence.trader, evidence.regime] * unit_noise(
        rng, len(evidence), None if draws.nu is None else draws.nu[d]
    )
    y = row_means(draws, evidence, d) + day[shock] + own[of_row] + noise
    if draws.factor is not None and draws.loading is not None:
        returns = draws.factor[d] * rng.standard_normal(len(evidence.coords["session"]))
        y = y + draws.loading * returns[evidence.session]
    if evidence.source == "record" and evidence.has_risk:
        y = y * np.sqrt((WINDOW - 2) / rng.chisquare(WINDOW, len(y)))
    return np.asarray(y)


def unit_noise(rng: np.random.Generator, rows: int, nu: float | None) -> FloatArray:
    """Residuals of sd 1: normal, or Student-t with `nu` degrees of freedom scaled by sqrt((nu - 2) / nu)."""
    if nu is None:
        return rng.standard_normal(rows)
    return np.asarray(np.sqrt((nu - 2) / nu) * rng.standard_t(nu, rows), dtype=float)


def _check(observed: float, values: FloatArray) -> Check:
    below = 0.5 * np.sum(values < observed) + 0.5 * np.sum(values <= observed)
    counts, edges = np.histogram(values, bins=BINS)
    # the data's value counts as one more replication, half below itself: no p of 0 or 1 from finitely many
    p = (float(below) + 0.5) / (len(values) + 1)
    return Check(observed, p, float(edges[0]), float(edges[-1]), tuple(int(c) for c in counts))


def missed(checks: dict[str, Check]) -> list[str]:
    """Names of the statistics whose predictive p lies outside [.01, .99]."""
    return [name for name, check in checks.items() if not LOW <= check.p <= HIGH]


def _statistics(y: FloatArray, evidence: Evidence, pair: NDArray[np.int64]) -> dict[str, float]:
    centred = y - y.mean()
    scale = centred.std()
    totals = np.bincount(evidence.session, weights=centred)
    counts, sums = np.bincount(pair), np.bincount(pair, weights=y)
    means = sums / counts
    within = np.sum((y - means[pair]) ** 2) / max(len(y) - len(means), 1)
    traders = np.bincount(evidence.trader, weights=y) / np.maximum(np.bincount(evidence.trader), 1)
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
