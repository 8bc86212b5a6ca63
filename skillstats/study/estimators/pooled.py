"""Methods that let the desk speak for the trader in closed form: James-Stein, random effects (DerSimonian-Laird, REML), one known prior.

They take the raw means with their session-clustered standard errors as if those were known. The two random-effects methods give the usual
empirical-Bayes answer with the between-trader variance put in its place as if it were known:

    w_j = se_j^2 + tau^2,   mean = mu + tau^2 / w_j (y_j - mu),   var = tau^2 se_j^2 / w_j + (se_j^2 / w_j)^2 var(mu),

the prediction and standard error that meta-analysis programs print for a study's own effect.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from skillstats.evidence import Evidence
from skillstats.inference.known_error import efron_morris_weight, shrink
from skillstats.study.estimators.protocol import Rules, best_act
from skillstats.study.estimators.sums import Sums, sums_of

FloatArray = NDArray[np.float64]
Z90 = float(ndtri(0.95))
LEAST_STEIN = 4
"""Estimates below which nothing dominates the raw means."""


def james_stein(evidence: Evidence, *, seed: int, rules: Rules) -> pd.DataFrame:  # noqa: ARG001
    """Positive-part James-Stein towards the desk's mean (Efron and Morris 1975), one common standard error: the root mean square of the traders' own.

    With fewer than four traders the raw means. No interval and no probability belong to it.
    """

    def answer(s: Sums) -> pd.DataFrame:
        known = np.isfinite(s.se) & (s.se > 0)
        estimate = s.mean.copy()
        if int(known.sum()) >= LEAST_STEIN:
            common = float(np.sqrt(np.mean(s.se[known] ** 2)))
            centre = float(s.mean[known].mean())
            own = float(efron_morris_weight(s.mean[known], common))
            estimate[known] = centre + own * (s.mean[known] - centre)
        ir = estimate * s.annual_per_y
        return s.frame(estimate=estimate, score=ir, claim=ir > rules.hurdle, decision=best_act(ir, rules.hurdle))

    return _each(evidence, answer)


def random_effects(which: str) -> Callable[..., pd.DataFrame]:
    """The empirical-Bayes estimator with tau^2 by ``dl`` (DerSimonian and Laird 1986) or ``reml``."""

    def method(evidence: Evidence, *, seed: int, rules: Rules) -> pd.DataFrame:  # noqa: ARG001
        def answer(s: Sums) -> pd.DataFrame:
            return _normal_answer(s, *_empirical_bayes(s, which), rules)

        return _each(evidence, answer)

    return method


def _empirical_bayes(s: Sums, which: str) -> tuple[FloatArray, FloatArray]:
    """Mean and sd of each unit; NaN where its standard error is unknown."""
    mean, sd = np.full(len(s), np.nan), np.full(len(s), np.nan)
    known = np.isfinite(s.se) & (s.se > 0)
    if int(known.sum()) < 3:
        return mean, sd
    pool = shrink(s.mean[known], s.se[known])
    t2, mu, mu_se = (float(getattr(pool, name)) for name in (f"tau2_{which}", f"mu_{which}", f"mu_{which}_se"))
    v = s.se[known] ** 2
    own = t2 / (t2 + v)
    mean[known] = mu + own * (s.mean[known] - mu)
    sd[known] = np.sqrt(own * v + (1 - own) ** 2 * mu_se**2)
    return mean, sd


def conjugate(prior_sd: float) -> Callable[..., pd.DataFrame]:
    """One trader alone with the prior Normal(0, prior_sd) per decision, decisions independent: the setting of the table of decisions needed.

    With s^2 the sample variance and k = 1 / prior_sd^2 the posterior is Normal(v sum(y) / s^2, v), v = 1 / (n / s^2 + k).
    The annual hurdle is divided by k of `sums`, for one decision a session the root of the sessions a year.
    """

    def method(evidence: Evidence, *, seed: int, rules: Rules) -> pd.DataFrame:  # noqa: ARG001
        def answer(s: Sums) -> pd.DataFrame:
            v = 1 / (s.n / s.sd_rows**2 + prior_sd**-2)
            return _normal_answer(s, v * s.n * s.mean / s.sd_rows**2, np.sqrt(v), rules)

        return _each(evidence, answer)

    return method


def _normal_answer(s: Sums, mean: FloatArray, sd: FloatArray, rules: Rules) -> pd.DataFrame:
    """Everything a normal posterior says; the annual IR is k times the mean."""
    with np.errstate(divide="ignore", invalid="ignore"):
        above = ndtr((mean - rules.hurdle / s.annual_per_y) / sd)
        positive = ndtr(mean / sd)
    return s.frame(
        estimate=mean, sd=sd, low90=mean - Z90 * sd, high90=mean + Z90 * sd, p_positive=positive, p_above_hurdle=above,
        score=above, luck=s.luck, claim=np.nan_to_num(above) >= rules.certainty,
        decision=best_act(np.nan_to_num(mean * s.annual_per_y), rules.hurdle),
    )  # fmt: skip


def _each(evidence: Evidence, answer: Callable[[Sums], pd.DataFrame]) -> pd.DataFrame:
    return pd.concat([answer(sums) for sums in sums_of(evidence)], ignore_index=True)
