"""Methods that look at one trader alone: the raw ratio, two t tests, hit rate and pay-off, Sharpe ratios with their probabilities.

None of them pools, and none but `decision_t` takes two decisions of one session as independent.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from skillstats.evidence import Evidence
from skillstats.luck.sharpe import deflated_sharpe, probabilistic_sharpe, sharpe_error
from skillstats.study.estimators.protocol import QUARTER, Rules, act_of_test, best_act
from skillstats.study.estimators.sums import Sums, sums_of

FloatArray = NDArray[np.float64]
LEAST_KURTOSIS = 1.0


def _each(evidence: Evidence, answer: Callable[[Sums], pd.DataFrame]) -> pd.DataFrame:
    """One answer for the traders and one for the trader x regime cells, under each other."""
    return pd.concat([answer(sums) for sums in sums_of(evidence)], ignore_index=True)


def raw(evidence: Evidence, *, seed: int, rules: Rules) -> pd.DataFrame:  # noqa: ARG001
    """The mean as it is, ranked by the raw IR mean / sd; skill is claimed where the annual IR exceeds the hurdle. No interval, no probability."""

    def answer(s: Sums) -> pd.DataFrame:
        ir = s.mean * s.annual_per_y
        with np.errstate(divide="ignore", invalid="ignore"):
            score = s.mean / s.sd_rows
        return s.frame(estimate=s.mean, score=score, claim=ir > rules.hurdle, decision=best_act(ir, rules.hurdle))

    return _each(evidence, answer)


def decision_t(evidence: Evidence, *, seed: int, rules: Rules) -> pd.DataFrame:  # noqa: ARG001
    """One-sided t test of the mean over decisions, taken as independent: mean / (sd / sqrt(n)), n - 1 degrees of freedom."""

    def answer(s: Sums) -> pd.DataFrame:
        with np.errstate(divide="ignore", invalid="ignore"):
            se = s.sd_rows / np.sqrt(s.n)
        found = _t_test(s, se, s.n - 1, rules)
        scale = np.nan if s.year is None else np.sqrt(s.days / (QUARTER * s.days_a_year / s.year))
        return found.assign(luck=se * scale)

    return _each(evidence, answer)


def day_t(evidence: Evidence, *, seed: int, rules: Rules) -> pd.DataFrame:  # noqa: ARG001
    """One-sided t test with errors clustered by session, sessions - 1 degrees of freedom."""
    return _each(evidence, lambda s: _t_test(s, s.se, s.days - 1, rules).assign(luck=s.luck))


def _t_test(s: Sums, se: FloatArray, freedom: NDArray[np.int64], rules: Rules) -> pd.DataFrame:
    """Estimate, interval and claim of a t statistic; nothing where there are no degrees of freedom or no spread."""
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where((freedom > 0) & (se > 0), s.mean / se, np.nan)
    df = np.maximum(freedom, 1)
    half = np.where(np.isnan(t), np.nan, stats.t.isf(0.05, df) * se)
    edge = stats.t.isf(rules.level, df)
    up, down = np.nan_to_num(t) > edge, np.nan_to_num(t) < -edge
    return s.frame(
        estimate=s.mean,
        sd=np.where(np.isnan(t), np.nan, se),
        low90=s.mean - half,
        high90=s.mean + half,
        score=t,
        claim=up,
        decision=act_of_test(up, down),
    )


def hit_payoff(evidence: Evidence, *, seed: int, rules: Rules) -> pd.DataFrame:  # noqa: ARG001
    """Hit rate and pay-off: the score is hit rate x mean gain / ((1 - hit rate) x mean loss), gains over losses.

    A score as desks use it, without estimate, interval or probability: above 1 with more than half of the decisions right keeps the right,
    below 1 with fewer than half right loses it.
    """

    def answer(s: Sums) -> pd.DataFrame:
        gains = np.array([evidence.y[r][evidence.y[r] > 0].sum() for r in s.rows])
        losses = np.array([-evidence.y[r][evidence.y[r] < 0].sum() for r in s.rows])
        hits = np.array([np.mean(evidence.y[r] > 0) for r in s.rows])
        with np.errstate(divide="ignore", invalid="ignore"):
            factor = np.where(losses > 0, gains / losses, np.where(gains > 0, np.inf, 1.0))
        up, down = (factor > 1) & (hits > 0.5), (factor < 1) & (hits < 0.5)
        return s.frame(score=factor, claim=up, decision=act_of_test(up, down))

    return _each(evidence, answer)


def psr(evidence: Evidence, *, seed: int, rules: Rules) -> pd.DataFrame:  # noqa: ARG001
    """Probabilistic Sharpe ratio of session totals with their own skewness and kurtosis; claimed where PSR at the hurdle reaches the certainty."""

    def answer(s: Sums) -> pd.DataFrame:
        sharpe, shape = _sharpe(evidence, s)
        zero, above = (
            _confidence(sharpe, s, shape, benchmark) for benchmark in (np.zeros(len(s)), rules.hurdle / np.sqrt(s.days_a_year))
        )
        error = _safely(lambda i: float(sharpe_error(sharpe[i], s.days[i], skew=shape[0][i], kurtosis=shape[1][i])), s, sharpe)
        sd = error * s.sd_days / (s.n / s.days)
        claim = np.nan_to_num(above) >= rules.certainty
        return s.frame(
            estimate=s.mean, sd=sd, low90=s.mean - 1.6449 * sd, high90=s.mean + 1.6449 * sd, p_positive=zero, p_above_hurdle=above,
            score=above, luck=s.luck, claim=claim, decision=act_of_test(claim, np.nan_to_num(zero, nan=0.5) <= rules.level),
        )  # fmt: skip

    return _each(evidence, answer)


def dsr(evidence: Evidence, *, seed: int, rules: Rules) -> pd.DataFrame:  # noqa: ARG001
    """Deflated Sharpe ratio: the bar is what the best of the desk would reach by luck; trials = people, their variance = that of the desk's ratios.

    A confidence against the best of luck is no probability of skill, so none is given.
    """

    def answer(s: Sums) -> pd.DataFrame:
        sharpe, shape = _sharpe(evidence, s)
        known = sharpe[np.isfinite(sharpe)]
        spread = float(known.var(ddof=1)) if len(known) > 1 else 0.0

        def one(i: int) -> float:
            return float(
                deflated_sharpe(sharpe[i], s.days[i], trials=len(known), variance=spread, skew=shape[0][i], kurtosis=shape[1][i])
            )

        score = _safely(one, s, sharpe)
        zero = _confidence(sharpe, s, shape, np.zeros(len(s)))
        claim = np.nan_to_num(score) >= rules.certainty
        down = np.nan_to_num(zero, nan=0.5) <= rules.level
        return s.frame(estimate=s.mean, score=score, claim=claim, decision=act_of_test(claim, down))

    return _each(evidence, answer)


def _sharpe(evidence: Evidence, s: Sums) -> tuple[FloatArray, tuple[FloatArray, FloatArray]]:
    """Ratio of session totals and their skewness and kurtosis (3 for a normal), (unit,) each."""
    found = []
    for rows in s.rows:
        at = np.unique(evidence.session[rows], return_inverse=True)[1]
        total = np.bincount(at, weights=evidence.y[rows])
        sd = float(total.std(ddof=1)) if len(total) > 2 else 0.0
        if sd <= 0:
            found.append((np.nan, 0.0, 3.0))
            continue
        found.append((float(total.mean()) / sd, float(stats.skew(total)), float(stats.kurtosis(total, fisher=False))))
    sharpe, skew, kurtosis = np.array(found).reshape(len(s), 3).T
    return sharpe, (skew, np.maximum(kurtosis, LEAST_KURTOSIS))


def _confidence(sharpe: FloatArray, s: Sums, shape: tuple[FloatArray, FloatArray], benchmark: FloatArray) -> FloatArray:
    def one(i: int) -> float:
        return float(probabilistic_sharpe(sharpe[i], s.days[i], benchmark=benchmark[i], skew=shape[0][i], kurtosis=shape[1][i]))

    return _safely(one, s, sharpe)


def _safely(one: Callable[[int], float], s: Sums, sharpe: FloatArray) -> FloatArray:
    """One number a unit; NaN where the formula has none: no ratio, or moments that leave no positive variance."""
    from skillstats.errors import DomainError

    found = np.full(len(s), np.nan)
    for i in np.flatnonzero(np.isfinite(sharpe)):
        try:
            found[i] = one(int(i))
        except DomainError:
            continue
    return found
