"""Twin of models/propensity.toml, by hand: one Bernoulli for every signal.

    logit P(A_i = 1) = alpha_j + stratum_k + x_i' beta + A_js + lambda_j v_i

Nothing of skillstats is imported. `pairs` is the number of trader-sessions that occur.
"""

import numpy as np
import pymc as pm
from scipy.special import log_expit


def priors(traders: int, strata: int, features: int, pairs: int) -> pm.Model:
    with pm.Model() as model:
        # np.float64: PyTensor takes a literal that float32 can hold as float32, and its logarithm too
        mu_alpha, tau_alpha = pm.Normal("mu_alpha", 0, np.float64(2)), pm.HalfNormal("tau_alpha", 1.0)
        pm.Normal("alpha", mu_alpha, tau_alpha, shape=traders)
        pm.ZeroSumNormal("stratum_effect", pm.HalfNormal("tau_stratum", 1.0), shape=strata)
        pm.Normal("beta", 0.0, 1.0, shape=features)
        pm.HalfNormal("s_A", np.float64(2))
        pm.Normal("z_A", 0.0, 1.0, shape=pairs)
        mu_lambda, tau_lambda = pm.Normal("mu_lambda", 0, 0.1), pm.HalfNormal("tau_lambda", 0.1)
        pm.Normal("lambda", mu_lambda, tau_lambda, shape=traders)
    return model


def log_density_rows(
    p: dict[str, np.ndarray],
    acted: np.ndarray,
    v: np.ndarray,
    x: np.ndarray,
    trader: np.ndarray,
    session: np.ndarray,
    stratum: np.ndarray,
) -> float:
    code = session * (trader.max() + 1) + trader
    mood = p["s_A"] * p["z_A"][np.searchsorted(np.unique(code), code)]
    standardised = (x - x.mean(axis=0)) / x.std(axis=0)
    logit = p["alpha"][trader] + p["stratum_effect"][stratum] + standardised @ p["beta"] + mood + p["lambda"][trader] * v
    return float(np.where(acted, log_expit(logit), log_expit(-logit)).sum())
