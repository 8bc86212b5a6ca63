"""Skill: crossed, partially pooled parts of the mean of y.

    theta = mu + a_j + b_r + c_jr + g_k + m_t + d_l + v_e + k_h + z_jq + kappa_j l_i

for trader j, regime r, action k, signal type t, asset class l, model version e, desk h and quarter q; l_i is the centred log risk of
the decision. Each term returns its effects by level, in y units per decision. Effects are
non-centred: skill is small beside luck, so the data say less than the population about most of them. Regimes are few and each
holds many sessions, so the data may say much more than the population, or much less: b_r = centre + scale * x_r moves in
coordinates in which both cases have about unit scale (see `around_estimate`). Coordinates never change the posterior.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from numpy.typing import NDArray

from skillstats.components.luck import Draw
from skillstats.components.types import Tensor
from skillstats.evidence import Cells

FloatArray = NDArray[np.float64]
Population = Callable[[Draw, str, str, Tensor, tuple[str, ...]], Tensor]

NARROW, WIDE = 0.5, 2.0
"""sds of the two normals of `two_scale`, in units of its scale."""

SPIKE = 0.1
"""sd of the spike of `spike_slab` in units of the slab's: too narrow for any desk's record to tell from zero, wide enough to sample."""


def normal_population(draw: Draw, symbol: str, name: str, sd: Tensor, dims: tuple[str, ...]) -> Tensor:
    """Effects Normal(0, sd), shape `dims`: `symbol` = sd * z_`name`."""
    z = pm.Normal(f"z_{name}", 0.0, 1.0, dims=dims)
    return pm.Deterministic(symbol, sd * z, dims=dims)


def two_scale(draw: Draw, symbol: str, name: str, sd: Tensor, dims: tuple[str, ...]) -> Tensor:
    """Effects pi Normal(0, sd/2) + (1 - pi) Normal(0, 2 sd), shape `dims`: unimodal at 0 with free tails (Stephens 2017)."""
    return _mixture(draw, symbol, name, sd, dims, (NARROW, WIDE))


def spike_slab(draw: Draw, symbol: str, name: str, sd: Tensor, dims: tuple[str, ...]) -> Tensor:
    """Effects pi Normal(0, sd/10) + (1 - pi) Normal(0, sd), shape `dims`: practically none, or drawn from a normal."""
    return _mixture(draw, symbol, name, sd, dims, (SPIKE, 1.0))


def _mixture(draw: Draw, symbol: str, name: str, sd: Tensor, dims: tuple[str, ...], scales: tuple[float, float]) -> Tensor:
    share = draw("population_share", "pi")
    z = pm.NormalMixture(f"z_{name}", w=pt.stack([share, 1 - share]), mu=np.zeros(2), sigma=np.array(scales), dims=dims)
    return pm.Deterministic(symbol, sd * z, dims=dims)


def student_t4(draw: Draw, symbol: str, name: str, sd: Tensor, dims: tuple[str, ...]) -> Tensor:
    """Effects Student-t with 4 degrees of freedom and standard deviation `sd`, shape `dims`."""
    z = pm.StudentT(f"z_{name}", nu=4.0, mu=0.0, sigma=np.sqrt(0.5), dims=dims)
    return pm.Deterministic(symbol, sd * z, dims=dims)


def population_spread(word: str, share: FloatArray | float) -> FloatArray | float:
    """Standard deviation of the traders' effects in units of their scale tau, for the word of `skill.population`.

    Examples
    --------
    >>> round(population_spread("two_scale", 0.5), 3), population_spread("normal", 0.0)
    (1.458, 1.0)
    """
    low, high = {"two_scale": (NARROW, WIDE), "spike_slab": (SPIKE, 1.0)}.get(word, (1.0, 1.0))
    result: FloatArray | float = (share * low**2 + (1 - share) * high**2) ** 0.5
    return result


def around_estimate(symbol: str, name: str, sd: Tensor, guess: Tensor, error: Tensor, dim: str) -> Tensor:
    """Effects Normal(0, sd), shape (`dim`,), in coordinates x of about unit posterior scale, whatever `sd` is.

    With a guess of each effect and its standard error, ``effect = w guess + x sd error / sqrt(sd^2 + error^2)``,
    ``w = sd^2 / (sd^2 + error^2)``: non-centred where the data are weak, centred where they are strong. The potential holds the
    density of the effect and the Jacobian of the change of variables.
    """
    total = sd**2 + error**2
    scale = sd * error / pt.sqrt(total)
    effect = pm.Deterministic(symbol, sd**2 / total * guess + scale * pm.Flat(f"x_{name}", dims=dim), dims=dim)
    pm.Potential(f"{symbol}_prior", (pm.logp(pm.Normal.dist(0.0, sd), effect) + pt.log(scale)).sum())
    return effect


def regime_estimate(cells: Cells, regimes: int) -> NDArray[np.float64]:
    """Mean over sessions of the session means of each regime, and its standard error, shape (2, regime), y units.

    A regime with fewer than two sessions gets the mean of all and an error of 10, wide against any skill.
    """
    key, inverse = np.unique(cells.regime * (cells.session.max() + 1) + cells.session, return_inverse=True)
    means = np.bincount(inverse, cells.n * cells.mean) / np.bincount(inverse, cells.n)  # shape: (regime-session that occurs,)
    regime_of = key // (cells.session.max() + 1)
    estimate = np.stack([np.full(regimes, means.mean()), np.full(regimes, 10.0)])
    for r in range(regimes):
        own = means[regime_of == r]
        if len(own) > 1 and np.ptp(own) > 0:
            estimate[:, r] = own.mean(), own.std(ddof=1) / np.sqrt(len(own))
    return estimate


def trader(population: Population, draw: Draw, sd: Tensor) -> Tensor:
    """a_j, shape (trader,), drawn from the population the specification names."""
    return population(draw, "a", "trader", sd, ("trader",))


def regime(draw: Draw, sd: Tensor, mu: Tensor, estimate: Tensor) -> Tensor:
    """b_r, shape (regime,); `mu` () and `estimate` (2, regime) from `regime_estimate` move the coordinates only."""
    return around_estimate("b", "regime", sd, estimate[0] - mu, estimate[1], "regime")


def trader_regime(draw: Draw, sd: Tensor) -> Tensor:
    """c_jr, shape (trader, regime)."""
    return normal_population(draw, "c", "trader_regime", sd, ("trader", "regime"))


def action(draw: Draw, sd: Tensor) -> Tensor:
    """g_k, shape (action,)."""
    return normal_population(draw, "g", "action", sd, ("action",))


def signal_type(draw: Draw, sd: Tensor) -> Tensor:
    """m_t, shape (signal_type,): on signals of this type departures are worth more or less."""
    return normal_population(draw, "m", "signal_type", sd, ("signal_type",))


def asset_class(draw: Draw, sd: Tensor) -> Tensor:
    """d_l, shape (asset_class,)."""
    return normal_population(draw, "d", "asset_class", sd, ("asset_class",))


def model_version(draw: Draw, sd: Tensor) -> Tensor:
    """v_e, shape (model_version,): overrides of one version of the model say little about the next."""
    return normal_population(draw, "v", "model_version", sd, ("model_version",))


def desk(draw: Draw, sd: Tensor) -> Tensor:
    """k_h, shape (desk,): the level of the population the desk's traders come from."""
    return normal_population(draw, "k", "desk", sd, ("desk",))


def sizing(draw: Draw) -> Tensor:
    """kappa_j ~ Normal(mu_kappa, tau_kappa), shape (trader,), y units per log unit of risk; non-centred."""
    z = pm.Normal("z_kappa", 0.0, 1.0, dims="trader")
    mu = draw("skill_mean_kappa", "mu_kappa")
    return pm.Deterministic("kappa", mu + draw("skill_sd_kappa", "tau_kappa") * z, dims="trader")


def quarter(draw: Draw, quarters: int) -> Tensor:
    """z_jq, shape (trader, quarter): AR(1) from its stationary distribution, z_jq = phi z_j,q-1 + Normal(0, tau_drift).

    In matrix form z = tau_drift * eps L', with L_qk = phi^(q-k) for k <= q and the first column divided by sqrt(1 - phi^2).
    """
    phi, sd = draw("drift_persistence", "phi"), draw("skill_sd_drift", "tau_drift")
    lag = np.subtract.outer(np.arange(quarters), np.arange(quarters))
    weights = phi ** np.maximum(lag, 0) * (lag >= 0)  # shape: (quarter, quarter)
    start = 1 + (1 / pt.sqrt(1 - phi**2) - 1) * (np.arange(quarters) == 0)  # shape: (quarter,)
    eps = pm.Normal("z_drift", 0.0, 1.0, dims=("trader", "quarter"))
    return pm.Deterministic("z", sd * (eps[:, None, :] * (weights * start)).sum(axis=2), dims=("trader", "quarter"))
