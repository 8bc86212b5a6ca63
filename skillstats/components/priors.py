"""Prior distributions and the units they are stated in.

A prior's numbers reach the model as `pm.Data` in model units (per decision), so that halving a prior or changing the number of
bets a year costs no new compilation.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pymc as pm
import pytensor.tensor as pt
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
    "degrees_of_freedom": unchanged,
    "log_odds": unchanged,
    "log_odds_per_risk": unchanged,
}
"""Unit word to the function that brings a number to the scale of one decision."""


def prior_numbers(prior: Prior, bets_per_year: float | None) -> NDArray[np.float64]:
    """Numbers of a prior in model units, shape (2,): location (0 where the distribution has none) and scale (eta of an lkj)."""
    convert = UNITS[prior.unit]
    scale = prior.sigma if prior.eta is None else prior.eta
    return np.array([convert(prior.mu or 0.0, bets_per_year), convert(scale, bets_per_year)])


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


def gamma(name: str, numbers: Tensor, dims: str | None = None) -> Tensor:
    """Gamma with mean numbers[0] and standard deviation numbers[1], shape () or (`dims`,), model units."""
    return pm.Gamma(name, mu=numbers[0], sigma=numbers[1], dims=dims)


def lkj(name: str, numbers: Tensor, dims: str | None = None) -> Tensor:
    """Correlation matrix of three variables, density proportional to ``det(R)^(eta - 1)``, eta = numbers[1], shape (3, 3).

    The three correlations r_12, r_13, r_23 are kept as ``<name>_pairs``.

    With (1 + p_12)/2 and (1 + p_13)/2 ~ Beta(eta + 1/2, eta + 1/2) and the partial correlation (1 + p_23)/2 ~ Beta(eta, eta),
    ``r_12 = p_12``, ``r_13 = p_13`` and ``r_23 = r_12 r_13 + p_23 sqrt((1 - r_12^2)(1 - r_13^2))`` (Lewandowski, Kurowicka, Joe 2009,
    J. Multivariate Analysis 100).
    """
    eta = numbers[1]
    plain = pm.Beta(f"z_{name}_plain", eta + 0.5, eta + 0.5, shape=2)
    partial = pm.Beta(f"z_{name}_partial", eta, eta)
    r12, r13 = 2 * plain[0] - 1, 2 * plain[1] - 1
    r23 = r12 * r13 + (2 * partial - 1) * pt.sqrt((1 - r12**2) * (1 - r13**2))
    pm.Deterministic(f"{name}_pairs", pt.stack([r12, r13, r23]))
    one = pt.ones(())
    return pt.stack([pt.stack([one, r12, r13]), pt.stack([r12, one, r23]), pt.stack([r13, r23, one])])
