"""Was this the best of many? What the classical tests say when a whole desk is looked at and the best are talked about.

Every test here is about day totals against zero and is a benchmark beside the posterior, not the verdict.

* `compare_with_nothing`: superior predictive ability (Hansen 2005), the stepwise set (Romano and Wolf 2005) and the model confidence set
  (Hansen, Lunde and Nason 2011) of the package arch, on day columns that were divided by their standard deviation first: arch 8 does not
  studentize the statistic it compares, so that otherwise the trader with the largest positions would decide.
* `best_by_luck`: what the largest t statistic of a desk without any skill looks like, days resampled jointly with every mean set to zero
  (Kosowski, Timmermann, Wermers and White 2006; Fama and French 2010).
* `adjusted`: p-values under control of the false-discovery rate, of statsmodels.
* `lucky_shares`: the share of zero-skill people after Storey and Barras, Scaillet and Wermers (2010). **It is not identified at the size
  of a desk** and no page prints it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr

from skillstats.attribution.day_bootstrap import in_chunks
from skillstats.errors import DomainError

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
MOST_PAIRS: Final = 60
"""Traders up to which the model confidence set is asked: it compares every pair in every draw."""


@dataclass(frozen=True, slots=True)
class AgainstZero:
    """SPA, StepM and MCS of a desk.

    spa_p : p-value that nobody is better than doing nothing (Hansen's consistent version)
    better : columns that StepM calls better than nothing, the family-wise error rate held at `size`
    best : columns that may be the best with confidence 1 - `mcs_size`, empty where not asked
    """

    spa_p: float
    better: tuple[int, ...]
    best: tuple[int, ...]
    size: float
    mcs_size: float


def compare_with_nothing(
    days: FloatArray, *, block: float, draws: int = 1000, seed: int = 1, size: float = 0.05, mcs_size: float = 0.10
) -> AgainstZero:
    """SPA, StepM and MCS of day totals against zero.

    Parameters
    ----------
    days : (session, trader) totals in any unit, 0 where a trader did nothing, in order of time; each column must vary
    block : mean length of the bootstrap blocks, sessions; draws, seed : of the stationary bootstrap
    size : family-wise error rate of StepM; mcs_size : one minus the confidence of the MCS

    Raises
    ------
    DomainError
        If there are fewer than 10 sessions or a column does not vary.
    """
    if len(days) < 10 or days.shape[1] == 0 or not np.all(np.ptp(days, axis=0) > 0):
        raise DomainError(f"days of shape {days.shape}: needs 10 sessions and columns that vary")
    from arch.bootstrap import MCS, SPA

    losses = -days / days.std(axis=0)
    width = max(1, round(block))
    spa = SPA(np.zeros(len(losses)), losses, block_size=width, reps=draws, seed=seed)
    spa.compute()
    p = float(spa.pvalues["consistent"])
    better: list[int] = []
    while len(better) < losses.shape[1]:  # the steps of StepM; arch's own loop fails where the last trader falls in a later step
        left = np.ones(losses.shape[1], dtype=bool)
        left[better] = False
        spa.subset(left)
        spa.compute()
        found = [int(i) for i in spa.better_models(size)]
        if not found:
            break
        better += found
    best: tuple[int, ...] = ()
    if 2 <= losses.shape[1] <= MOST_PAIRS:
        chosen = MCS(losses, size=mcs_size, reps=draws, block_size=width, seed=seed)
        chosen.compute()
        best = tuple(sorted(int(i) for i in chosen.included))  # type: ignore[call-overload]
    return AgainstZero(p, tuple(sorted(better)), best, size, mcs_size)


def clustered_t(total: FloatArray, count: FloatArray, weight: FloatArray | None = None) -> FloatArray:
    """T statistics of means whose rows share days, standard errors clustered by day with the factor G / (G - 1).

    Parameters
    ----------
    total, count : (session, trader) sum of the rows and number of rows; weight : (draw, session) times each session was drawn, None: once

    Returns
    -------
    (trader,) or (draw, trader); nan where a trader has fewer than two days or no variance

    Examples
    --------
    >>> float(clustered_t(np.array([[2.0], [-1.0], [2.0]]), np.array([[1.0], [1.0], [1.0]]))[0])
    1.0
    """
    w = np.ones((1, len(total))) if weight is None else weight
    groups, rows, sums = w @ (count > 0), w @ count, w @ total
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = sums / rows
        spread = w @ total**2 - 2 * mean * (w @ (total * count)) + mean**2 * (w @ count**2)
        error = np.sqrt(groups / (groups - 1) * np.maximum(spread, 0)) / rows
        t = np.where((groups > 1) & (error > 0), mean / error, np.nan)
    return np.asarray(t[0] if weight is None else t)


def best_by_luck(total: FloatArray, count: FloatArray, *, block: float, draws: int = 1000, seed: int = 1) -> FloatArray:
    """Largest t statistic of a desk like this one in which nobody has skill, one a draw, shape (draw,).

    Days are resampled in blocks, all traders together, after each trader's mean was taken out of every row.

    Parameters
    ----------
    total, count : (session, trader) as in `clustered_t`; block, draws, seed : of the stationary bootstrap
    """
    mean = total.sum(axis=0) / np.maximum(count.sum(axis=0), 1)
    null = total - count * mean
    found = []
    for days in in_chunks(len(total), block=block, draws=draws, seed=seed):
        weight = np.zeros(days.shape)
        np.add.at(weight, (np.arange(len(days))[:, None], days), 1.0)
        t = clustered_t(null, count, weight)
        found.append(np.max(np.where(np.isnan(t), -np.inf, t), axis=1))
    largest = np.concatenate(found)
    return largest[np.isfinite(largest)]


def adjusted(p: ArrayLike, method: Literal["bh", "by"] = "bh") -> FloatArray:
    """p-values adjusted for the false-discovery rate: Benjamini-Hochberg, or Benjamini-Yekutieli for any dependence.

    Examples
    --------
    >>> [round(float(x), 3) for x in adjusted([0.01, 0.04, 0.5])]
    [0.03, 0.06, 0.5]
    """
    from statsmodels.stats.multitest import multipletests

    values = np.asarray(p, dtype=float)
    if not len(values):
        return values
    return np.asarray(multipletests(values, method={"bh": "fdr_bh", "by": "fdr_by"}[method])[1])


@dataclass(frozen=True, slots=True)
class LuckyShares:
    """Shares of people, each in [0, 1], that the method of Barras, Scaillet and Wermers gives; **not identified at desk size**.

    zero : share without skill (pi0); positive, negative : shares that are significant at `gamma` and point up, down
    lucky : share expected to be significant and up by luck, zero x gamma / 2; skilled, unskilled : positive less lucky, negative less lucky
    """

    zero: float
    positive: float
    negative: float
    lucky: float
    skilled: float
    unskilled: float
    gamma: float
    tail: float


def lucky_shares(p: ArrayLike, sign: ArrayLike, *, gamma: float = 0.20, tail: float = 0.5) -> LuckyShares:
    """How many of the significant people were lucky: pi0 = #{p > tail} / ((1 - tail) n), lucky = pi0 gamma / 2.

    A benchmark of the literature and no finding: with 12 people the posterior of pi0 is about the same whatever the truth, and for true
    alphas of 2% a year it called 65% of funds zero for lack of power (Andrikogiannopoulou and Papakonstantinou 2019).

    Parameters
    ----------
    p : (person,) two-sided p-values; sign : (person,) sign of the estimate; gamma : level of significance; tail : Storey's lambda

    Raises
    ------
    DomainError
        If there is nobody, or gamma or tail is not in (0, 1).

    Examples
    --------
    Ten people, five of them clearly without anything:

    >>> s = lucky_shares([0.01, 0.02, 0.04, 0.3, 0.4, 0.6, 0.7, 0.8, 0.9, 0.95], [1, 1, -1, 1, -1, 1, -1, 1, -1, 1])
    >>> s.zero, round(s.lucky, 3), round(s.skilled, 3)
    (1.0, 0.1, 0.1)
    """
    values, signs = np.asarray(p, dtype=float), np.sign(np.asarray(sign, dtype=float))
    if not len(values) or not 0 < gamma < 1 or not 0 < tail < 1:
        raise DomainError(f"{len(values)} p-values, gamma={gamma}, tail={tail}: needs somebody, and levels in (0, 1)")
    zero = min(1.0, float(np.mean(values > tail)) / (1 - tail))
    up, down = (float(np.mean((values <= gamma) & (signs == s))) for s in (1.0, -1.0))
    lucky = zero * gamma / 2
    return LuckyShares(zero, up, down, lucky, up - lucky, down - lucky, gamma, tail)


def chance_of_mean(threshold: float, *, sd: float, periods: float) -> float:
    """Probability that someone without skill shows a mean above `threshold` over independent normal periods of sd `sd`.

    Examples
    --------
    Ten years of a sd of 20% a year: more than 5%, and more than 10% a year, without any skill (French's arithmetic):

    >>> round(chance_of_mean(0.05, sd=0.20, periods=10), 3), round(chance_of_mean(0.10, sd=0.20, periods=10), 3)
    (0.215, 0.057)
    """
    if not (sd > 0 and periods > 0):
        raise DomainError(f"sd={sd} and periods={periods} must be > 0")
    return float(1 - ndtr(threshold * math.sqrt(periods) / sd))
