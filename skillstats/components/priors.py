"""Prior distributions and the units they are stated in.

A prior's numbers reach the model as `pm.Data` in model units (per decision), so that halving a prior or changing the number of
bets a year costs no new compilation.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pymc as pm
from numpy.typing import NDArray

from skillstats.components.types import Tensor
from skillstats.spec.model import Prior


def per_decision(number: float, bets_per_year: float | None) -> float:
    """An annual information ratio on the scale of one decision: divided by sqrt(B).

    Examples
    --------
    >>> per_decision(0.5, 100.0)
    0.05
    """
    if bets_per_year is None:
        raise ValueError("an annual prior needs bets a year")
    return number / float(np.sqrt(bets_per_year))


def unchanged(number: float, bets_per_year: float | None) -> float:
    """A number already stated on the scale of one decision."""
    return number


UNITS: Final = {
    "annual_ir": per_decision,
    "decision_ir": unchanged,
    "decision_sd": unchanged,
    "log_decision_sd": unchanged,
    "correlation": unchanged,
    "share": unchanged,
}
"""Unit word to the function that brings a number to the scale of one decision."""


def prior_numbers(prior: Prior, bets_per_year: float | None) -> NDArray[np.float64]:
    """Numbers of a prior in model units, shape (2,): location (0 where the distribution has none) and scale."""
    convert = UNITS[prior.unit]
    return np.array([convert(prior.mu or 0.0, bets_per_year), convert(prior.sigma, bets_per_year)])


def normal(name: str, numbers: Tensor, dims: str | None = None) -> Tensor:
    """Normal(numbers[0], numbers[1]), shape () or (`dims`,), model units."""
    return pm.Normal(name, numbers[0], numbers[1], dims=dims)


def half_normal(name: str, numbers: Tensor, dims: str | None = None) -> Tensor:
    """HalfNormal(numbers[1]), shape () or (`dims`,), model units."""
    return pm.HalfNormal(name, numbers[1], dims=dims)


def zero_sum_normal(name: str, numbers: Tensor, dims: str | None = None) -> Tensor:
    """Normal(0, numbers[1]) given that the values sum to zero, shape (`dims`,), model units."""
    return pm.ZeroSumNormal(name, numbers[1], dims=dims)


def unit_normal(name: str, numbers: Tensor, dims: str | None = None) -> Tensor:
    """Normal(numbers[0], numbers[1]) given that the value lies between 0 and 1, shape () or (`dims`,)."""
    return pm.TruncatedNormal(name, mu=numbers[0], sigma=numbers[1], lower=0.0, upper=1.0, dims=dims)


def uniform(name: str, numbers: Tensor, dims: str | None = None) -> Tensor:
    """Uniform between 0 and numbers[1], shape () or (`dims`,)."""
    return pm.Uniform(name, 0.0, numbers[1], dims=dims)
