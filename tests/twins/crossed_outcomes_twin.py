"""Twin of models/crossed_outcomes.toml, by hand: rows, priors per decision, shocks of one size each, one residual sd.

    y_i = mu + a_j + b_r + c_jr + V_s + U_js + e_i,   e_i ~ Normal(0, sigma)

Nothing of skillstats is imported. There is no year, so `B` is not used.
"""

import numpy as np
import pymc as pm
from scipy.stats import multivariate_normal


def priors(traders: int, regimes: int, actions: int, B: float) -> pm.Model:
    with pm.Model() as model:
        pm.Normal("mu", 0, 1)
        pm.HalfNormal("tau_trader", 0.5)
        tau_regime = pm.HalfNormal("tau_regime", 0.5)
        pm.HalfNormal("tau_trader_regime", 0.25)
        pm.Normal("z_trader", 0, 1, shape=traders)
        pm.Normal("b", 0, tau_regime, shape=regimes)
        pm.Normal("z_trader_regime", 0, 1, shape=(traders, regimes))
        pm.HalfNormal("s_V", 2)
        pm.HalfNormal("s_U_common", 1)
        pm.Normal("l0", 0, 1)
    return model


def log_density_rows(
    p: dict[str, np.ndarray], y: np.ndarray, trader: np.ndarray, session: np.ndarray, regime: np.ndarray, action: np.ndarray
) -> float:
    a = p["tau_trader"] * p["z_trader"]
    c = p["tau_trader_regime"] * p["z_trader_regime"]
    theta = p["mu"] + a[trader] + p["b"][regime] + c[trader, regime]
    same_session = session[:, None] == session
    same_trader_session = same_session & (trader[:, None] == trader)
    covariance = np.exp(2 * p["l0"]) * np.eye(len(y)) + p["s_V"] ** 2 * same_session + p["s_U_common"] ** 2 * same_trader_session
    return float(multivariate_normal.logpdf(y, theta, covariance))
