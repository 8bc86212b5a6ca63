"""Twin of models/population.toml, by hand: rows, not cells, and every shock a parameter of its own.

    y_i = theta_i + V_hs + U_jhs + e_i,   e_i ~ Normal(0, sigma_jr)
    theta_i = mu + a_j + b_r + c_jr + g_k + m_t + d_l + k_h
    a_j ~ pi Normal(0, tau_trader / 2) + (1 - pi) Normal(0, 2 tau_trader),   pi ~ Uniform(0, 1)

Nothing of skillstats is imported. `priors` writes the priors with PyMC; `log_density_rows` integrates the shocks out by building the
dense covariance of all rows. `B` is the number of independent bets a year; `LABELS` and `NUMBERS` are what it needs of the rows besides
trader, session, regime and action.
"""

import numpy as np
import pymc as pm
from scipy.stats import multivariate_normal

LABELS = ("signal_type", "asset_class", "desk")
NUMBERS = ()


def priors(traders: int, regimes: int, actions: int, B: float, signal_type: int, asset_class: int, desk: int) -> pm.Model:
    annual = 1 / np.sqrt(B)
    with pm.Model() as model:
        # skill, per decision
        pm.Normal("mu", 0, 0.5 * annual)
        pm.HalfNormal("tau_trader", 0.35 * annual)
        tau_regime = pm.HalfNormal("tau_regime", 0.25 * annual)
        pm.HalfNormal("tau_trader_regime", 0.25 * annual)
        pm.HalfNormal("tau_action", 0.25 * annual)
        pm.HalfNormal("tau_signal_type", 0.25 * annual)
        pm.HalfNormal("tau_asset_class", 0.25 * annual)
        pm.HalfNormal("tau_desk", 0.25 * annual)
        pi = pm.Uniform("pi", 0, 1)
        parts = [pm.Normal.dist(0, 0.5), pm.Normal.dist(0, 2)]
        pm.Mixture("z_trader", w=pm.math.stack([pi, 1 - pi]), comp_dists=parts, shape=traders)
        pm.Normal("b", 0, tau_regime, shape=regimes)
        pm.Normal("z_trader_regime", 0, 1, shape=(traders, regimes))
        pm.Normal("z_action", 0, 1, shape=actions)
        pm.Normal("z_signal_type", 0, 1, shape=signal_type)
        pm.Normal("z_asset_class", 0, 1, shape=asset_class)
        pm.Normal("z_desk", 0, 1, shape=desk)
        # shocks
        pm.HalfNormal("s_V", 0.5)
        pm.Normal("l_U", np.log(0.3), 0.7)
        pm.HalfNormal("t_U", 0.5)
        pm.Normal("z_U", 0, 1, shape=traders)
        # residual
        l0 = pm.Normal("l0", -0.25, 0.5)
        t_sigma = pm.HalfNormal("t_sigma", 0.3)
        pm.Normal("lam", l0, t_sigma, shape=traders)
        pm.ZeroSumNormal("l_r", 0.15, shape=regimes)
    return model


def log_density_rows(
    p: dict[str, np.ndarray],
    y: np.ndarray,
    trader: np.ndarray,
    session: np.ndarray,
    regime: np.ndarray,
    action: np.ndarray,
    signal_type: np.ndarray,
    asset_class: np.ndarray,
    desk: np.ndarray,
) -> float:
    theta = p["mu"] + p["tau_trader"] * p["z_trader"][trader] + p["b"][regime]
    theta = theta + p["tau_trader_regime"] * p["z_trader_regime"][trader, regime] + p["tau_action"] * p["z_action"][action]
    theta = (
        theta + p["tau_signal_type"] * p["z_signal_type"][signal_type] + p["tau_asset_class"] * p["z_asset_class"][asset_class]
    )
    theta = theta + p["tau_desk"] * p["z_desk"][desk]
    sigma = np.exp(p["lam"][trader] + p["l_r"][regime])
    s_U = np.exp(p["l_U"] + p["t_U"] * p["z_U"])
    same_session = session[:, None] == session
    same_desk = same_session & (desk[:, None] == desk)
    same_trader = same_desk & (trader[:, None] == trader)
    covariance = np.diag(sigma**2) + p["s_V"] ** 2 * same_desk + (s_U[trader] ** 2)[:, None] * same_trader
    return float(multivariate_normal.logpdf(y, theta, covariance))
