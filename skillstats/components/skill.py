"""Skill: crossed, partially pooled parts of the mean of y.

    theta_jrk = mu + a_j + b_r + c_jr + g_k

Each term returns its effects in a shape that broadcasts against (trader, regime, action), in y units per decision. Effects are
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

from skillstats.components.types import Tensor
from skillstats.evidence import Cells

Population = Callable[[str, str, Tensor, tuple[str, ...]], Tensor]


def normal_population(symbol: str, name: str, sd: Tensor, dims: tuple[str, ...]) -> Tensor:
    """Effects Normal(0, sd), shape `dims`: `symbol` = sd * z_`name`."""
    z = pm.Normal(f"z_{name}", 0.0, 1.0, dims=dims)
    return pm.Deterministic(symbol, sd * z, dims=dims)


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


def trader(population: Population, sd: Tensor) -> Tensor:
    """a_j, shape (trader, 1, 1)."""
    return population("a", "trader", sd, ("trader",))[:, None, None]


def regime(population: Population, sd: Tensor, mu: Tensor, estimate: Tensor) -> Tensor:
    """b_r, shape (1, regime, 1); `mu` () and `estimate` (2, regime) from `regime_estimate` move the coordinates only."""
    return around_estimate("b", "regime", sd, estimate[0] - mu, estimate[1], "regime")[None, :, None]


def trader_regime(population: Population, sd: Tensor) -> Tensor:
    """c_jr, shape (trader, regime, 1)."""
    return population("c", "trader_regime", sd, ("trader", "regime"))[:, :, None]


def action(population: Population, sd: Tensor) -> Tensor:
    """g_k, shape (1, 1, action)."""
    return population("g", "action", sd, ("action",))[None, None, :]
