"""Twin of models/hybrid_timing.toml, by hand: every trader-day a row of three parts, one dense covariance of all of them.

    y_js = theta_j + V_s + e_js,   theta_j = mu + diag(tau) chol(R) z_j,   V_s ~ Normal(0, diag(s_V^2)),   e_js ~ Normal(0, diag(sigma_j) R_e diag(sigma_j))

Nothing of skillstats is imported. Correlation matrices have the LKJ density det(R)^(eta - 1) / c(eta), which `log_lkj` writes out. `B` is the number
of active days a year.
"""

import numpy as np
import pymc as pm
from scipy.special import betaln
from scipy.stats import multivariate_normal


def priors(traders: int, B: float) -> pm.Model:
    with pm.Model() as model:
        pm.Normal("mu", 0, 0.5 / np.sqrt(B), shape=3)
        pm.HalfNormal("tau_trader", 0.5 / np.sqrt(B), shape=3)
        pm.Normal("z_theta", 0, 1, shape=(traders, 3))
        pm.HalfNormal("s_V", 0.5, shape=3)
        l0 = pm.Normal("l0", -0.5, 0.6, shape=3)
        t_sigma = pm.HalfNormal("t_sigma", 0.5, shape=3)
        pm.Normal("log_sigma", l0, t_sigma, shape=(traders, 3))
    return model


def log_lkj(R: np.ndarray, eta: float) -> float:
    """Lewandowski, Kurowicka, Joe 2009, for three variables; at eta = 1 the constant is the volume of all correlation matrices, pi^2 / 2."""
    constant = (6 * eta - 1) * np.log(2) + 2 * betaln(eta + 0.5, eta + 0.5) + betaln(eta, eta)
    return (eta - 1) * np.linalg.slogdet(R)[1] - constant


def log_prior_correlations(R: np.ndarray, R_e: np.ndarray) -> float:
    return log_lkj(R, 4.0) + log_lkj(R_e, 2.0)


def log_density_days(
    p: dict[str, np.ndarray], R: np.ndarray, R_e: np.ndarray, y: np.ndarray, trader: np.ndarray, session: np.ndarray
) -> float:
    theta = p["mu"] + p["z_theta"] @ (p["tau_trader"][:, None] * np.linalg.cholesky(R)).T
    sigma, days = np.exp(p["log_sigma"]), len(y)
    covariance = np.zeros((days, 3, days, 3))
    for i in range(days):
        s = sigma[trader[i]]
        covariance[i, :, i, :] = s[:, None] * R_e * s
        for k in np.flatnonzero(session == session[i]):
            covariance[i, :, k, :] += np.diag(p["s_V"] ** 2)
    return float(multivariate_normal.logpdf(y.ravel(), theta[trader].ravel(), covariance.reshape(3 * days, 3 * days)))
