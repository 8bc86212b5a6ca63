"""The generative equations of the normal models, drawn with numpy, row by row and shock by shock.

    theta_i = mu + a_j + b_r + c_jr + g_k + m_t + d_l + v_e + k_h + z_jq + kappa_j l_i,     l_i = log w_i - mean log w
    y_i = theta_i + V_s + U_js + x_i F_s + e_i,   e_i ~ Normal(0, sigma_jr),   x exposures in units of their root mean square

    a ~ Normal(0, tau_trader), or pi Normal(0, tau/2) + (1 - pi) Normal(0, 2 tau) (two_scale), or pi Normal(0, tau/10) + (1 - pi) Normal(0, tau)
    (spike_slab), or Student-t(4) of sd tau (student_t4); the other effects Normal(0, tau_term); kappa ~ Normal(mu_kappa, tau_kappa)
    z_jq = phi z_j,q-1 + Normal(0, tau_drift), stationary
    V ~ Normal(0, s_V), one a session (and desk, where desks are told apart); F ~ Normal(0, s_F); U ~ Normal(0, s_Uj), s_Uj common or
    log s_Uj ~ Normal(l_U, t_U); with heavy tails e_i = sigma_jr sqrt((nu - 2) / nu) t_i, nu = 2.5 + Gamma; log sigma_jr = lam_j + l_r, lam_j ~ Normal(l0, t_sigma) or l0, l_r zero-sum

Truths are keyed by the names of the posterior variables. Index letters: trader j, regime r, action k, signal type t, asset class l, model
version e, desk h, quarter q, session s.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from skillstats.evidence import Evidence
from skillstats.inference.separable import Terms
from skillstats.spec.model import ModelSpec, Prior

FloatArray = NDArray[np.float64]
SYMBOLS: Final = {
    "trader": "a",
    "regime": "b",
    "trader:regime": "c",
    "action": "g",
    "signal_type": "m",
    "asset_class": "d",
    "model_version": "v",
    "desk": "k",
}
LEAST_FREEDOM: Final = 2.5
SCALES: Final = {"two_scale": (0.5, 2.0), "spike_slab": (0.1, 1.0)}
"""sds of the two normals of a mixed population, in units of tau."""


def draw_prior(prior: Prior, bets_per_year: float, rng: np.random.Generator, size: int | None = None) -> FloatArray:
    """Values of one prior in y units per decision (logs, correlations and shares as they are)."""
    scale = 1 / np.sqrt(bets_per_year) if prior.unit == "annual_ir" else 1.0
    if prior.distribution == "uniform":
        return np.asarray(prior.sigma * rng.random(size))
    if prior.distribution == "gamma":
        mean, sd = prior.mu or 0.0, prior.sigma
        return np.asarray(rng.gamma((mean / sd) ** 2, sd**2 / mean, size))
    if prior.distribution == "unit_normal":
        while not 0 < (value := (prior.mu or 0.0) + prior.sigma * rng.standard_normal()) < 1:
            pass  # rejection: Normal given that it lies between 0 and 1
        return np.asarray(value)
    z = np.asarray(rng.standard_normal(size))
    if prior.distribution == "half_normal":
        return np.asarray(np.abs(z) * prior.sigma * scale)
    if prior.distribution == "zero_sum_normal":
        return np.asarray((z - z.mean()) * prior.sigma * scale)
    return np.asarray((prior.mu or 0.0) * scale + z * prior.sigma * scale)


def draw_skill(
    spec: ModelSpec, terms: Terms, evidence: Evidence, bets_per_year: float, rng: np.random.Generator
) -> dict[str, FloatArray]:
    """True mu, tau_*, effects, slopes and drift."""

    def prior(slot: str) -> FloatArray:
        return draw_prior(spec.priors[slot], bets_per_year, rng)

    traders = len(evidence.coords["trader"])
    truth = {"mu": prior("skill_mean")}
    for word in terms.skill:
        name, shape = word.replace(":", "_"), tuple(len(evidence.levels(label)) for label in word.split(":"))
        truth[f"tau_{name}"] = prior(f"skill_sd_{name}")
        unit = rng.standard_normal(shape)
        if word == "trader" and spec.skill.population in SCALES:
            truth["pi"] = prior("population_share")
            low, high = SCALES[spec.skill.population]
            unit = unit * np.where(rng.random(shape) < truth["pi"], low, high)
        elif word == "trader" and spec.skill.population == "student_t4":
            unit = rng.standard_t(4, shape) / np.sqrt(2)
        truth[SYMBOLS[word]] = truth[f"tau_{name}"] * unit
    if "sizing" in terms.slopes:
        truth["mu_kappa"], truth["tau_kappa"] = prior("skill_mean_kappa"), prior("skill_sd_kappa")
        truth["kappa"] = truth["mu_kappa"] + truth["tau_kappa"] * rng.standard_normal(traders)
    if terms.drift is not None:
        truth["phi"], truth["tau_drift"] = prior("drift_persistence"), prior("skill_sd_drift")
        truth["z"] = draw_drift(float(truth["phi"]), float(truth["tau_drift"]), traders, len(evidence.levels("quarter")), rng)
    return truth


def draw_drift(phi: float, sd: float, traders: int, quarters: int, rng: np.random.Generator) -> FloatArray:
    """A stationary AR(1) for each trader, (trader, quarter): sd of a state sd / sqrt(1 - phi^2)."""
    z = np.zeros((traders, quarters))
    z[:, 0] = sd / np.sqrt(1 - phi**2) * rng.standard_normal(traders)
    for q in range(1, quarters):
        z[:, q] = phi * z[:, q - 1] + sd * rng.standard_normal(traders)
    return z


def draw_luck(spec: ModelSpec, terms: Terms, evidence: Evidence, rng: np.random.Generator) -> dict[str, FloatArray]:
    """True sds of shocks and residuals."""

    def prior(slot: str, size: int | None = None) -> FloatArray:
        return draw_prior(spec.priors[slot], 1.0, rng, size)

    traders, regimes = len(evidence.coords["trader"]), len(evidence.coords["regime"])
    truth: dict[str, FloatArray] = {}
    if "session" in terms.shocks:
        truth["s_V"] = prior("session_sd")
    if "session:exposure" in terms.shocks:
        truth["s_F"] = prior("factor_sd")
    if "trader:session" in terms.shocks and spec.luck.trader_session_scale == "common":
        truth["s_U"] = np.full(traders, prior("trader_session_sd"))
    elif "trader:session" in terms.shocks:
        truth["l_U"], truth["t_U"] = prior("trader_session_log_sd"), prior("trader_session_log_sd_spread")
        truth["s_U"] = np.exp(truth["l_U"] + truth["t_U"] * rng.standard_normal(traders))
    truth["l0"] = prior("residual_log_sd")
    log_sigma = np.full((traders, regimes), truth["l0"])
    if "trader" in terms.volatility_by:
        truth["t_sigma"] = prior("residual_log_sd_spread")
        truth["lam"] = truth["l0"] + truth["t_sigma"] * rng.standard_normal(traders)
        log_sigma = np.repeat(truth["lam"][:, None], regimes, axis=1)
    if "regime" in terms.volatility_by:
        truth["l_r"] = prior("residual_log_sd_regime", regimes)
        log_sigma = log_sigma + truth["l_r"]
    truth["sigma"] = np.exp(log_sigma)
    if spec.luck.tails == "student_t":
        truth["nu"] = LEAST_FREEDOM + prior("tail_excess")
    return truth


def row_means(truth: Mapping[str, FloatArray], evidence: Evidence) -> FloatArray:
    """Mean theta of every row, (row,), y units."""
    mean = np.full(len(evidence), float(truth["mu"]))
    for word, symbol in {**SYMBOLS, "trader:quarter": "z"}.items():
        if symbol in truth:
            mean += truth[symbol][tuple(evidence.code(label) for label in word.split(":"))]
    if "kappa" in truth:
        mean += truth["kappa"][evidence.trader] * evidence.log_size
    return mean


def draw_shocks(
    truth: Mapping[str, FloatArray], evidence: Evidence, rng: np.random.Generator, *, terms: Terms | None = None
) -> FloatArray:
    """V_s + U_js + x_i F_s of every row, (row,), y units."""
    total = np.zeros(len(evidence))
    sessions, traders = len(evidence.coords["session"]), len(evidence.coords["trader"])
    if "s_V" in truth:
        desks = len(evidence.levels("desk")) if terms is not None and terms.by_desk else 1
        common = truth["s_V"] * rng.standard_normal((sessions, desks))
        total += common[evidence.session, evidence.code("desk") if desks > 1 else 0]
    if "s_U" in truth:
        own = truth["s_U"][:, None] * rng.standard_normal((traders, sessions))
        total += own[evidence.trader, evidence.session]
    if "s_F" in truth:
        assert evidence.exposure is not None
        x = evidence.exposure / np.sqrt(np.mean(evidence.exposure**2))
        if terms is not None and terms.form == "trader:session":
            pair = evidence.trader * sessions + evidence.session
            x = (np.bincount(pair, weights=x) / np.maximum(np.bincount(pair), 1))[pair]
        total += x * (truth["s_F"] * rng.standard_normal(sessions))[evidence.session]
    return total


def draw_residuals(truth: Mapping[str, FloatArray], evidence: Evidence, rng: np.random.Generator) -> FloatArray:
    """e_i of every row, (row,), y units."""
    if "nu" in truth:
        nu = float(truth["nu"])
        unit = rng.standard_t(nu, len(evidence)) * np.sqrt((nu - 2) / nu)
    else:
        unit = rng.standard_normal(len(evidence))
    noise: FloatArray = truth["sigma"][evidence.trader, evidence.regime] * unit
    return noise
