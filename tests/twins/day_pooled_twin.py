"""Twin of models/day_pooled.toml, by hand: rows, one skill a trader, one sd for each kind of luck.

    y_i = mu + a_j + V_s + U_js + e_i,   e_i ~ Normal(0, sigma)

so that the mean of a trader-day is Normal(theta_j + V_s, sqrt(s_U^2 + sigma^2 / m)). Nothing of skillstats is imported.
"""

import numpy as np
import pymc as pm
from scipy.stats import multivariate_normal


def priors(traders: int, regimes: int, actions: int, B: float) -> pm.Model:
    with pm.Model() as model:
        pm.Normal("mu", 0, 0.5 / np.sqrt(B))
        pm.HalfNormal("tau_trader", 0.5 / np.sqrt(B))
        pm.Normal("z_trader", 0, 1, shape=traders)
        pm.HalfNormal("s_V", 0.5)
        pm.HalfNormal("s_U_common", 0.5)
        pm.Normal("l0", -0.25, 0.5)
    return model


def log_density_rows(
    p: dict[str, np.ndarray], y: np.ndarray, trader: np.ndarray, session: np.ndarray, regime: np.ndarray, action: np.ndarray
) -> float:
    theta = p["mu"] + p["tau_trader"] * p["z_trader"]
    same_session = session[:, None] == session
    same_trader_session = same_session & (trader[:, None] == trader)
    covariance = np.exp(2 * p["l0"]) * np.eye(len(y)) + p["s_V"] ** 2 * same_session + p["s_U_common"] ** 2 * same_trader_session
    return float(multivariate_normal.logpdf(y, theta[trader], covariance))
