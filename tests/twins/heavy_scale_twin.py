"""Twin of models/heavy_scale.toml, by hand: rows with Student-t residuals and every shock a parameter.

    y_i = mu + a_j + b_r + c_jr + g_k + V_s + U_js + e_i,   e_i ~ Student-t(nu, scale sigma_jr sqrt((nu - 2) / nu))

Nothing of skillstats is imported. `B` is the number of independent bets a year; `pairs` are the trader and session of each U.
"""

import numpy as np
import pymc as pm
from scipy import stats

SAMPLED_SHOCKS = True


def priors(traders: int, regimes: int, actions: int, B: float, sessions: int, pairs: tuple[np.ndarray, np.ndarray]) -> pm.Model:
    annual = 1 / np.sqrt(B)
    with pm.Model() as model:
        # skill, per decision
        pm.Normal("mu", 0, 0.5 * annual)
        pm.HalfNormal("tau_trader", 0.5 * annual)
        tau_regime = pm.HalfNormal("tau_regime", 0.25 * annual)
        pm.HalfNormal("tau_trader_regime", 0.25 * annual)
        pm.HalfNormal("tau_action", 0.25 * annual)
        pm.Normal("z_trader", 0, 1, shape=traders)
        pm.Normal("b", 0, tau_regime, shape=regimes)
        pm.Normal("z_trader_regime", 0, 1, shape=(traders, regimes))
        pm.Normal("z_action", 0, 1, shape=actions)
        # shocks
        s_V = pm.HalfNormal("s_V", 0.5)
        l_U = pm.Normal("l_U", np.log(0.3), 0.7)
        t_U = pm.HalfNormal("t_U", 0.5)
        z_U = pm.Normal("z_U", 0, 1, shape=traders)
        pm.Normal("shock_V", 0, s_V, shape=sessions)
        pm.Normal("shock_U", 0, pm.math.exp(l_U + t_U * z_U)[pairs[0]], shape=len(pairs[0]))
        # residual
        l0 = pm.Normal("l0", -0.25, 0.5)
        t_sigma = pm.HalfNormal("t_sigma", 0.3)
        pm.Normal("lam", l0, t_sigma, shape=traders)
        pm.ZeroSumNormal("l_r", 0.15, shape=regimes)
        pm.Gamma("z_nu", alpha=2, beta=0.1)
    return model


def log_density_rows(
    p: dict[str, np.ndarray], y: np.ndarray, trader: np.ndarray, session: np.ndarray, regime: np.ndarray, action: np.ndarray
) -> float:
    a = p["tau_trader"] * p["z_trader"]
    c = p["tau_trader_regime"] * p["z_trader_regime"]
    g = p["tau_action"] * p["z_action"]
    theta = p["mu"] + a[trader] + p["b"][regime] + c[trader, regime] + g[action]
    code = session * (trader.max() + 1) + trader
    U = p["shock_U"][np.searchsorted(np.unique(code), code)]
    sigma, nu = np.exp(p["lam"][trader] + p["l_r"][regime]), 2.5 + p["z_nu"]
    return float(stats.t.logpdf(y, nu, theta + p["shock_V"][session] + U, sigma * np.sqrt((nu - 2) / nu)).sum())
