"""Screening under a false-discovery rate: the share pi+ of people with skill, and the longest list that keeps the share of lucky ones low.

Two-sided p-values of the session-clustered t test; the share without skill is pi0 = #{p > .5} / (.5 J) (Storey); at significance gamma the lucky
among the significant and positive are pi0 gamma / 2, so that the false-discovery rate of that list is

    FDR+(gamma) = (pi0 gamma / 2) / share{p <= gamma, estimate > 0}     (Barras, Scaillet and Wermers 2010).

The list is the longest with FDR+ <= 1 - certainty. pi+ itself is not identified at the size of a desk.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from skillstats.evidence import Evidence
from skillstats.luck.multiplicity import lucky_shares
from skillstats.study.estimators.protocol import Rules, act_of_test
from skillstats.study.estimators.sums import Sums, sums_of

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


def pi_plus(evidence: Evidence, *, seed: int, rules: Rules) -> pd.DataFrame:  # noqa: ARG001
    """Longest list of positive people with an estimated false-discovery rate of at most 1 - certainty; who is on the mirrored list is revoked.

    The estimate is the raw mean; the method says who is on the list, and gives no interval and no probability for a person.
    """

    def answer(s: Sums) -> pd.DataFrame:
        with np.errstate(divide="ignore", invalid="ignore"):
            t = np.where((s.days > 1) & (s.se > 0), s.mean / s.se, 0.0)
        p = 2 * stats.t.sf(np.abs(t), np.maximum(s.days - 1, 1))
        up, down = longest_list(p, t, rules.level), longest_list(p, -t, rules.level)
        return s.frame(estimate=s.mean, score=np.sign(t) * (1 - p), claim=up, decision=act_of_test(up, down))

    return pd.concat([answer(sums) for sums in sums_of(evidence)], ignore_index=True)


def longest_list(p: FloatArray, estimate: FloatArray, rate: float) -> BoolArray:
    """Who is positive with a p-value up to the largest gamma whose FDR+ is at most `rate`, (person,).

    Examples
    --------
    Two clear ones among six without anything; pi0 = 6/8 / .5 is cut to 1, so at gamma = .01 the list of two has FDR+ = .005 / .25:

    >>> p = np.array([0.001, 0.01, 0.6, 0.7, 0.8, 0.9, 0.55, 0.95])
    >>> longest_list(p, np.ones(8), 0.10).tolist()
    [True, True, False, False, False, False, False, False]
    """
    up, chosen = estimate > 0, np.zeros(len(p), dtype=bool)
    for gamma in np.unique(p[up & (p > 0) & (p < 1)]):
        shares = lucky_shares(p, estimate, gamma=float(gamma))
        if shares.positive > 0 and shares.lucky / shares.positive <= rate:
            chosen = up & (p <= gamma)
    return chosen
