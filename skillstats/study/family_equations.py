"""The generative equations of trader-day parts and of choices, drawn with numpy, shock by shock.

Parts, k = tilt, timing, selection:

    y_jsk = theta_jk + V_sk + e_jsk
    theta_j ~ Normal(mu, diag(tau) R diag(tau)),  R ~ LKJ      V_sk ~ Normal(0, s_Vk)
    e_js ~ Normal(0, diag(sigma_j) R_e diag(sigma_j)),  R_e ~ LKJ,  log sigma_jk ~ Normal(l0_k, t_sigma_k) or l0_k

Choices:

    logit P(acted_i) = alpha_j + stratum_k + x_i' beta + A_js + lambda_j v_i
    alpha_j ~ Normal(mu_alpha, tau_alpha) or mu_alpha          stratum_k ~ Normal(0, tau_stratum) given that they sum to zero
    A_js ~ Normal(0, s_A)      lambda_j ~ Normal(mu_lambda, tau_lambda)      x features less their mean, over their standard deviation

Truths are keyed by the names of the posterior variables.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from skillstats.evidence import Choices, DayParts
from skillstats.inference.separable import Terms
from skillstats.spec.model import ModelSpec, Prior
from skillstats.study.equations import draw_prior

FloatArray = NDArray[np.float64]
PARTS = 3


def draw_correlation(prior: Prior, rng: np.random.Generator) -> FloatArray:
    """A correlation matrix of three parts with density proportional to det(R)^(eta - 1), shape (3, 3), by rejection.

    Entries uniform on (-1, 1) are kept with probability det(R)^(eta - 1) where R is positive definite; eta is at least 1, so that is at most 1.
    """
    eta = prior.eta or 1.0
    while True:
        a, b, c = rng.uniform(-1, 1, PARTS)
        matrix = np.array([[1, a, b], [a, 1, c], [b, c, 1]])
        determinant = 1 + 2 * a * b * c - a**2 - b**2 - c**2  # > 0 and entries inside (-1, 1): positive definite
        if determinant > 0 and rng.random() < determinant ** (eta - 1):
            return matrix


def draw_parts(
    spec: ModelSpec, terms: Terms, parts: DayParts, bets_per_year: float, rng: np.random.Generator
) -> dict[str, FloatArray]:
    """True means, spreads, correlations and standard deviations of the parts of each trader's days."""

    def prior(slot: str) -> FloatArray:
        return draw_prior(spec.priors[slot], bets_per_year, rng, PARTS)

    traders = len(parts.coords["trader"])
    truth = {"mu": prior("skill_mean"), "tau_trader": prior("skill_sd_trader")}
    truth["corr"] = draw_correlation(spec.priors["skill_correlation"], rng)
    covariance = truth["corr"] * np.outer(truth["tau_trader"], truth["tau_trader"])
    truth["theta"] = truth["mu"] + rng.multivariate_normal(np.zeros(PARTS), covariance, traders)
    if "session" in terms.shocks:
        truth["s_V"] = prior("session_sd")
    truth["l0"] = prior("residual_log_sd")
    log_sigma = np.tile(truth["l0"], (traders, 1))
    if "trader" in terms.volatility_by:
        truth["t_sigma"] = prior("residual_log_sd_spread")
        log_sigma = log_sigma + truth["t_sigma"] * rng.standard_normal(log_sigma.shape)
        truth["log_sigma"] = log_sigma
    truth["sigma"] = np.exp(log_sigma)
    truth["corr_e"] = draw_correlation(spec.priors["residual_correlation"], rng)
    return truth


def part_outcomes(truth: Mapping[str, FloatArray], parts: DayParts, rng: np.random.Generator) -> FloatArray:
    """Outcomes y of every trader-day, (day, part), risk units."""
    y = truth["theta"][parts.trader]
    if "s_V" in truth:
        y = y + (truth["s_V"] * rng.standard_normal((len(parts.coords["session"]), PARTS)))[parts.session]
    for i, j in enumerate(parts.trader):
        sd = truth["sigma"][j]
        y[i] = y[i] + rng.multivariate_normal(np.zeros(PARTS), truth["corr_e"] * np.outer(sd, sd))
    return y


def draw_propensity(spec: ModelSpec, terms: Terms, choices: Choices, rng: np.random.Generator) -> dict[str, FloatArray]:
    """True inclinations, strata, slopes, discrimination and sd of moods; log-odds."""

    def prior(slot: str, size: int | None = None) -> FloatArray:
        return draw_prior(spec.priors[slot], 1.0, rng, size)

    traders, strata = len(choices.coords["trader"]), len(choices.coords["stratum"])
    truth = {"mu_alpha": prior("choice_mean")}
    if "trader" in terms.skill:
        truth["tau_alpha"] = prior("choice_sd_trader")
        truth["alpha"] = truth["mu_alpha"] + truth["tau_alpha"] * rng.standard_normal(traders)
    if "stratum" in terms.skill:
        truth["tau_stratum"] = prior("choice_sd_stratum")
        z = rng.standard_normal(strata)
        truth["stratum_effect"] = truth["tau_stratum"] * (z - z.mean())
    if "features" in terms.skill:
        truth["beta"] = prior("choice_feature", len(choices.coords["feature"]))
    if "trader:session" in terms.shocks:
        truth["s_A"] = prior("choice_sd_trader_session")
    truth["mu_lambda"], truth["tau_lambda"] = prior("discrimination_mean"), prior("discrimination_sd_trader")
    truth["lambda"] = truth["mu_lambda"] + truth["tau_lambda"] * rng.standard_normal(traders)
    return truth


def draw_acted(truth: Mapping[str, FloatArray], choices: Choices, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Which signals are acted upon, (row,)."""
    alpha = truth.get("alpha", np.full(len(choices.coords["trader"]), truth["mu_alpha"]))
    logit = alpha[choices.trader] + truth["lambda"][choices.trader] * choices.v_star
    if "stratum_effect" in truth:
        logit = logit + truth["stratum_effect"][choices.stratum]
    if "beta" in truth:
        x = choices.features
        logit = logit + (x - np.mean(x, axis=0)) / np.std(x, axis=0) @ truth["beta"]
    if "s_A" in truth:
        mood = truth["s_A"] * rng.standard_normal((len(choices.coords["trader"]), len(choices.coords["session"])))
        logit = logit + mood[choices.trader, choices.session]
    return np.asarray(rng.logistic(size=len(logit)) < logit)
