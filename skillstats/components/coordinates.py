"""Coordinates of about unit posterior scale for effects whose spread is estimated.

An effect e ~ Normal(0, s) of which the data alone say ``guess`` give or take ``error`` moves as

    e = w guess + x s error / sqrt(s^2 + error^2),   w = s^2 / (s^2 + error^2):

non-centred where the data are weak, centred where they are strong, without a funnel in either case. It is a change of variables with its
Jacobian: guess and error move the coordinates, never the posterior.
"""

from __future__ import annotations

import pymc as pm
import pytensor.tensor as pt

from skillstats.components.types import Tensor


def around(name: str, sd: Tensor, estimate: Tensor, dims: tuple[str, ...], centre: Tensor | float = 0.0) -> Tensor:
    """Effects Normal(centre, sd), shape `dims`, units of `sd`.

    Parameters
    ----------
    sd, centre : broadcast against `dims`
    estimate : (2, *dims), guess of the effect itself (centre included) and its standard error
    """
    total = sd**2 + estimate[1] ** 2
    scale = sd * estimate[1] / pt.sqrt(total)
    middle = (sd**2 * estimate[0] + estimate[1] ** 2 * centre) / total
    value = pm.Deterministic(name, middle + scale * pm.Flat(f"x_{name}", dims=dims), dims=dims)
    pm.Potential(f"{name}_prior", (pm.logp(pm.Normal.dist(centre, sd), value) + pt.log(scale)).sum())
    return value
