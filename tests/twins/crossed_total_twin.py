"""Twin of models/crossed_total.toml, by hand: rows, not cells, and every shock a parameter of its own.

    y_i = mu + a_j + b_r + c_jr + g_k + V_s + U_js + e_i,   e_i ~ Normal(0, sigma_jr)

Nothing of skillstats is imported. `priors` writes the priors with PyMC; `log_density_rows` integrates the shocks out by building the
dense covariance of all rows. `B` is the number of independent bets a year.
"""

import numpy as np
import pymc as pm
from scipy.stats import multivariate_normal


def priors(traders: int, regimes: int, actions: int, B: float) -> pm.Model:
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


def theta(p: dict[str, np.ndarray], trader: np.ndarray, regime: np.ndarray, action: np.ndarray) -> np.ndarray:
    a = p["tau_trader"] * p["z_trader"]
    c = p["tau_trader_regime"] * p["z_trader_regime"]
    g = p["tau_action"] * p["z_action"]
    return p["mu"] + a[trader] + p["b"][regime] + c[trader, regime] + g[action]


def log_density_rows(
    p: dict[str, np.ndarray], y: np.ndarray, trader: np.ndarray, session: np.ndarray, regime: np.ndarray, action: np.ndarray
) -> float:
    sigma = np.exp(p["lam"][trader] + p["l_r"][regime])
    s_U = np.exp(p["l_U"] + p["t_U"] * p["z_U"])
    same_session = session[:, None] == session
    same_trader_session = same_session & (trader[:, None] == trader)
    covariance = np.diag(sigma**2) + p["s_V"] ** 2 * same_session + (s_U[trader] ** 2)[:, None] * same_trader_session
    return float(multivariate_normal.logpdf(y, theta(p, trader, regime, action), covariance))


def row_model(
    y: np.ndarray, trader: np.ndarray, session: np.ndarray, regime: np.ndarray, action: np.ndarray, B: float
) -> pm.Model:
    """The same model with V and U sampled, to read and to run on small data; not used for the comparison of densities."""
    with priors(trader.max() + 1, regime.max() + 1, action.max() + 1, B) as model:
        p = {v.name: v for v in model.free_RVs}
        V = pm.Normal("V", 0, p["s_V"], shape=session.max() + 1)
        U = (
            pm.Normal("U", 0, 1, shape=(trader.max() + 1, session.max() + 1))
            * pm.math.exp(p["l_U"] + p["t_U"] * p["z_U"])[:, None]
        )
        sigma = pm.math.exp(p["lam"][trader] + p["l_r"][regime])
        pm.Normal("y", theta(p, trader, regime, action) + V[session] + U[trader, session], sigma, observed=y)
    return model
