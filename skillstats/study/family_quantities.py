"""What is ranked in fits of trader-day parts and of choices, for one trader.

Parts, each for timing where the name does not say otherwise:

    theta_timing, theta_selection   own mean of a part of a day        mu_*, tau_*   mean and sd of the traders' means, of timing and selection
    corr    timing with selection, between traders                     corr_e        the same within a trader's day
    s_V, sigma, t_sigma             the desk's day; own residual sd; its spread between traders
    ir_ann_timing, ir_ann_total     information ratios as evaluated    gap           theta_timing minus the best rival's
    loglik  joint log likelihood of all sessions

Choices:

    lambda, alpha     own discrimination, own inclination              mu_*, tau_*   their means and sds over traders
    tau_stratum, stratum, beta, s_A   spread of strata, first stratum, first feature, mood of a trader-session
    earned            what choosing earned, as evaluated               gap           lambda minus the best rival's
    loglik            joint log likelihood of all choices
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skillstats.evaluation.family import active_days, daily_ratios, earned
from skillstats.evidence import DayParts
from skillstats.inference.family_effects import choices_log_likelihood, parts_log_likelihood
from skillstats.inference.family_fit import FamilyFit

FloatArray = NDArray[np.float64]
TIMING, SELECTION, TOTAL = 1, 2, 3
"""Columns of parts and, the last, of their sum in `daily_ratios`."""


def family_quantities(fit: FamilyFit, trader: int) -> dict[str, FloatArray]:
    """Draws of every ranked quantity, (draw,) each."""
    return _parts(fit, fit.evidence, trader) if isinstance(fit.evidence, DayParts) else _choices(fit, trader)


def _parts(fit: FamilyFit, parts: DayParts, trader: int) -> dict[str, FloatArray]:
    theta, ratios, days = fit.draws("theta"), daily_ratios(fit)[:, trader], active_days(parts, trader)
    found = {"theta_timing": theta[:, trader, TIMING], "theta_selection": theta[:, trader, SELECTION]}
    for name, symbol in (("mu", "mu"), ("tau", "tau_trader")):
        found |= {f"{name}_timing": fit.draws(symbol)[:, TIMING], f"{name}_selection": fit.draws(symbol)[:, SELECTION]}
    found |= {name: fit.draws(name)[:, TIMING, SELECTION] for name in ("corr", "corr_e")}
    found |= {name: fit.draws(name)[:, TIMING] for name in ("s_V", "t_sigma") if name in fit}
    found["sigma"] = fit.draws("sigma")[:, trader, TIMING]
    if days is not None:
        found |= {"ir_ann_timing": ratios[:, TIMING] * np.sqrt(days), "ir_ann_total": ratios[:, TOTAL] * np.sqrt(days)}
    return found | _gap(theta[:, :, TIMING], trader) | {"loglik": parts_log_likelihood(fit).sum(axis=1)}


def _choices(fit: FamilyFit, trader: int) -> dict[str, FloatArray]:
    found = {name: fit.draws(name)[:, trader] for name in ("lambda", "alpha") if name in fit}
    scalars = ("mu_lambda", "tau_lambda", "mu_alpha", "tau_alpha", "tau_stratum", "s_A")
    found |= {name: fit.draws(name) for name in scalars if name in fit}
    found |= {short: fit.draws(name)[:, 0] for short, name in (("stratum", "stratum_effect"), ("beta", "beta")) if name in fit}
    found["earned"] = earned(fit, trader, most=len(fit.draws("mu_lambda")))
    return found | _gap(fit.draws("lambda"), trader) | {"loglik": choices_log_likelihood(fit).sum(axis=1)}


def _gap(values: FloatArray, trader: int) -> dict[str, FloatArray]:
    """Own value minus the best rival's, (draw,); nothing where there is no rival. values : (draw, trader)."""
    rivals = np.delete(values, trader, axis=1)
    return {"gap": values[:, trader] - rivals.max(axis=1)} if rivals.shape[1] else {}
