"""What is ranked: functionals of a posterior, computed for the truth by the same code.

The truth is a posterior with one draw (`engines.truth_as_fit`), so a quantity has one formula. Names, for the ranked trader 0:

    theta        own mean of a decision, y units        ir_dec, ir_ann   information ratios as evaluated and reported
    tau_*        population sds of the skill terms       s_V, s_F, s_U    sds of the shocks; sigma residual sd in the first regime
    gap          theta minus the best rival's theta: a contrast, which a posterior that lost its correlations fails
    loglik       joint log likelihood of all outcomes: depends on the data
    theta_max    largest theta of the desk (release)     total            y of a repeat of the trader's own sessions (release)

`family_quantities` has those of trader-day parts and of choices.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from skillstats.evaluation.draws import Draws
from skillstats.evaluation.estimands import Target, estimate
from skillstats.evaluation.means import mean_of_rows
from skillstats.evaluation.posterior import posterior_draws
from skillstats.evidence import Evidence
from skillstats.inference.container import Fit
from skillstats.inference.effects import session_log_likelihood
from skillstats.inference.family_fit import FamilyFit
from skillstats.study.family_quantities import family_quantities

FloatArray = NDArray[np.float64]
TRADER: Final = 0
"""Code of the trader whose quantities are ranked."""

SCALARS: Final = (
    "tau_trader",
    "tau_regime",
    "tau_trader_regime",
    "tau_action",
    "tau_signal_type",
    "tau_asset_class",
    "tau_model_version",
    "tau_desk",
    "mu_kappa",
    "tau_kappa",
    "phi",
    "pi",
    "tau_drift",
    "s_V",
    "s_F",
    "nu",
)
"""Posterior variables without dimension that are ranked where a model has them."""

RELEASE_ONLY: Final = ("theta_max", "total")


def trader_means(draws: Draws, evidence: Evidence) -> FloatArray:
    """Mean of a decision of each trader in the trader's own mix, shape (draw, trader), y units."""
    columns = []
    for j in range(len(evidence.coords["trader"])):
        columns.append(mean_of_rows(draws, evidence, j, np.flatnonzero(evidence.trader == j)).mean)
    return np.stack(columns, axis=1)


def quantities(fit: Fit | FamilyFit, *, seed: int, release: bool) -> dict[str, FloatArray]:
    """Draws of every ranked quantity, (draw,) each.

    Parameters
    ----------
    fit : posterior, or truth in its container
    seed : of the outcomes behind `total`; must differ between truth and posterior
    release : also `RELEASE_ONLY`
    """
    if isinstance(fit, FamilyFit):
        return family_quantities(fit, TRADER)
    draws, evidence = posterior_draws(fit), fit.evidence
    count = len(draws.desk_day)
    own = np.flatnonzero(evidence.trader == TRADER)
    means = trader_means(draws, evidence)
    reported = estimate(draws, evidence, Target(TRADER, -1, own), np.zeros(count))
    found = {"theta": means[:, TRADER], "ir_dec": reported.ir_decision}
    if reported.ir_annual is not None:
        found["ir_ann"] = reported.ir_annual
    found |= {name: fit.draws(name) for name in SCALARS if name in fit}
    if "s_U" in fit:
        found["s_U"] = draws.trader_day[:, TRADER]
    found["sigma"] = draws.sigma[:, TRADER, 0]
    if means.shape[1] > 1:
        found["gap"] = means[:, TRADER] - np.delete(means, TRADER, axis=1).max(axis=1)
    found["loglik"] = session_log_likelihood(fit)[1].sum(axis=1)
    if release:
        found["theta_max"] = means.max(axis=1)
        found["total"] = predicted_total(draws, evidence, own, means[:, TRADER], seed)
    return found


def predicted_total(draws: Draws, evidence: Evidence, own: NDArray[np.int64], mean: FloatArray, seed: int) -> FloatArray:
    """Sum of y over a repeat of the trader's sessions with new shocks and residuals, (draw,), y units.

    Normal(n theta, sqrt(sum_s m_s^2 (s_V^2 + s_U^2) + sum_i sigma_i^2)), m_s rows in session s.
    """
    sizes = np.bincount(evidence.session[own]).astype(float)
    shock = draws.desk_day**2 + draws.trader_day[:, TRADER] ** 2
    residual = (draws.sigma[:, TRADER, :] ** 2)[:, evidence.regime[own]].sum(axis=1)
    sd = np.sqrt(np.sum(sizes**2) * shock + residual)
    return np.asarray(len(own) * mean + sd * np.random.default_rng(seed).standard_normal(len(mean)))
