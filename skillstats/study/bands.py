"""Are ranks uniform? Simultaneous bands around their empirical distribution function, exact for every number of ranks.

N ranks out of K = L + 1 values; under uniformity the count C_i of ranks below i is Binomial(N, i/K), i = 1..K-1. A band takes at
each i the central counts at pointwise level gamma,

    gamma_i(c) = 2 min(P(C_i <= c), P(C_i >= c)) > gamma,

and gamma is lowered until all K - 1 counts stay inside together with probability 1 - alpha. That probability is computed exactly: C_1,
C_2, ... is a Markov chain whose steps are binomial, so the mass that never left the band is carried forward point by point.
The p-value of a set of ranks is the exact chance that uniform ranks come as close to leaving, or closer.

References
----------
Sailynoja, Burkner, Vehtari 2022, Statistics and Computing 32:32 (the bands and the recursion).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.special import gammaln

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BISECTIONS = 60
TIE = 1e-9
"""Relative slack of comparisons between tail probabilities that rounding may tell apart."""


@dataclass(frozen=True, slots=True)
class Band:
    """A simultaneous band of counts. low, high : (K - 1,) least and largest count inside; gamma : pointwise level, no unit."""

    low: IntArray
    high: IntArray
    gamma: float


@lru_cache(maxsize=16)
def _levels(n: int, k: int) -> FloatArray:
    """gamma_i(c) of every count c = 0..n at every point i = 1..k-1, shape (k - 1, n + 1)."""
    z = np.arange(1, k)[:, None] / k
    c = np.arange(n + 1)[None, :]
    levels: FloatArray = 2 * np.minimum(stats.binom.cdf(c, n, z), stats.binom.sf(c - 1, n, z))
    return levels


def _limits(n: int, k: int, gamma: float) -> tuple[IntArray, IntArray]:
    """Least and largest count whose level exceeds `gamma`, (k - 1,) each."""
    inside = _levels(n, k) > gamma * (1 + TIE)
    return inside.argmax(axis=1), n - inside[:, ::-1].argmax(axis=1)


def inside_probability(n: int, k: int, gamma: float) -> float:
    """Probability that `n` uniform ranks out of `k` stay inside the band of pointwise level `gamma` at every point.

    Examples
    --------
    One rank of two: the count at 1/2 is 0 or 1, each of level 2 min(1/2, 1) = 1.

    >>> inside_probability(1, 2, 0.5), inside_probability(1, 2, 1.0)
    (1.0, 0.0)
    """
    low, high = _limits(n, k, gamma)
    if not np.all(_levels(n, k).max(axis=1) > gamma * (1 + TIE)):
        return 0.0
    start, mass = 0, np.ones(1)  # before the first point the count is 0
    log_factorial = gammaln(np.arange(n + 2) + 1)
    for i in range(k - 1):
        step = 1 / (k - i)  # chance that a rank not below i is i
        before, after = np.arange(start, start + len(mass)), np.arange(low[i], high[i] + 1)
        came = after[:, None] - before[None, :]
        rest = n - after[:, None]
        possible = (came >= 0) & (rest >= 0)
        came, rest = np.where(possible, came, 0), np.where(possible, rest, 0)
        log_p = log_factorial[n - before][None, :] - log_factorial[came] - log_factorial[rest]
        log_p = log_p + came * np.log(step) + rest * np.log1p(-step)
        mass = np.exp(np.where(possible, log_p, -np.inf)) @ mass
        start = int(low[i])
    return float(min(1.0, mass.sum()))


@lru_cache(maxsize=256)
def band(n: int, k: int, alpha: float) -> Band:
    """Band that all counts of uniform ranks leave with probability at most `alpha`.

    Parameters
    ----------
    n : number of ranks, >= 1
    k : number of values a rank may take, L + 1
    alpha : chance of a false alarm, in (0, 1)

    Returns
    -------
    Band; `gamma` is the largest pointwise level whose simultaneous false alarm is at most `alpha`
    """
    low, high = np.log(alpha / k) - 3, 0.0  # the union over points costs at most a factor k - 1
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        if 1 - inside_probability(n, k, float(np.exp(middle))) <= alpha:
            low = middle
        else:
            high = middle
        if high - low < 1e-9:
            break
    gamma = float(np.exp(low))
    return Band(*_limits(n, k, gamma), gamma)


def counts(ranks: IntArray, k: int) -> IntArray:
    """Number of ranks below i for i = 1..k-1, shape (k - 1,)."""
    return np.cumsum(np.bincount(ranks, minlength=k))[:-1].astype(np.int64)


def rank_statistic(ranks: IntArray, k: int) -> float:
    """Smallest pointwise level of the counts, in [0, 1]; small where the ranks are far from uniform somewhere."""
    below = counts(ranks, k)
    return float(_levels(len(ranks), k)[np.arange(k - 1), below].min())


def rank_p_value(ranks: IntArray, k: int) -> float:
    """Exact probability that uniform ranks have a `rank_statistic` as small, in [0, 1].

    Examples
    --------
    >>> even = np.repeat(np.arange(100), 2)
    >>> rank_p_value(even, 100) > 0.99, rank_p_value(even // 2, 100) < 1e-12
    (True, True)
    """
    statistic = rank_statistic(np.asarray(ranks, dtype=np.int64), k)
    return float(np.clip(1 - inside_probability(len(ranks), k, statistic), 0.0, 1.0))


def ecdf_difference(ranks: IntArray, k: int) -> FloatArray:
    """Empirical minus uniform distribution function at i/k, shape (k - 1,), no unit."""
    difference: FloatArray = counts(ranks, k) / len(ranks) - np.arange(1, k) / k
    return difference


def binomial_band(n: int, level: float, alpha: float) -> tuple[float, float]:
    """Shares of `n` intervals of nominal `level` that hold the truth: the central range at exact two-sided `alpha`.

    Examples
    --------
    The bands of a coverage grid of 12 cells x 4 levels with a family false alarm of 1%:

    >>> [tuple(round(float(x), 3) for x in binomial_band(1000, level, 0.01 / 48)) for level in (0.5, 0.8, 0.9, 0.95)]
    [(0.441, 0.559), (0.752, 0.846), (0.863, 0.933), (0.923, 0.974)]
    """
    return float(stats.binom.ppf(alpha / 2, n, level)) / n, float(stats.binom.isf(alpha / 2, n, level)) / n
