"""What an unpooled number is worth: how often its sign is wrong and by how much it exaggerates, given that it impresses.

Let the raw number be z = estimate / standard error ~ Normal(lambda, 1), lambda = true IR x root of the effective decisions, and let it
be talked about when |z| > z_c. Then (Gelman and Carlin 2014)

    P(claim)     = Phi(lambda - z_c) + Phi(-lambda - z_c)
    type S       = P(wrong sign | claim)        = Phi(-|lambda| - z_c) / P(claim)
    type M       = E(|z| | claim) / |lambda|,
    E(|z|; claim) = lambda (Phi(lambda - z_c) - Phi(-lambda - z_c)) + phi(lambda - z_c) + phi(lambda + z_c).

The true IR is not known but has a posterior: both are averaged over its draws, that is over repetitions of the record with the truth
drawn from the posterior. For draws that are all equal this is the closed form.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from skillstats.errors import DomainError

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class TypeErrors:
    """Share of impressive raw numbers with the wrong sign, and their mean exaggeration; `claim_rate`: how often one is impressive."""

    sign: float
    exaggeration: float
    claim_rate: float


def type_errors(true_ir: float | FloatArray, n_eff: float | FloatArray, *, certainty: float = 0.95) -> TypeErrors:
    """Type S and type M of a raw record that is talked about when its one-sided certainty exceeds `certainty`.

    Parameters
    ----------
    true_ir : true IR per effective decision, or posterior draws of it (draw,)
    n_eff : effective decisions behind the record, > 0, or draws of them (draw,)
    certainty : one-sided, on either side, in (.5, 1)

    Returns
    -------
    TypeErrors; `exaggeration` is E(|raw|) / E(|true|) among the claims, infinite where every true IR is 0

    Raises
    ------
    DomainError
        If `certainty` or `n_eff` is out of range.

    References
    ----------
    Gelman and Carlin 2014, Perspectives on Psychological Science 9(6).

    Examples
    --------
    >>> e = type_errors(0.05, 200)
    >>> round(e.sign, 2), round(e.exaggeration, 1)
    (0.05, 3.1)
    """
    n = np.asarray(n_eff, dtype=float)
    if not (0.5 < certainty < 1 and np.all(n > 0)):
        raise DomainError(f"certainty={certainty} must be in (.5, 1) and every n_eff > 0")
    effect = np.abs(np.asarray(true_ir, dtype=float)) * np.sqrt(n)
    limit = float(ndtri(certainty))
    right, wrong = ndtr(effect - limit), ndtr(-effect - limit)
    claim = right + wrong
    size = effect * (right - wrong) + _density(effect - limit) + _density(effect + limit)
    rate, truth = float(np.mean(claim)), float(np.mean(effect * claim))
    return TypeErrors(float(np.mean(wrong)) / rate, float(np.mean(size)) / truth if truth > 0 else float("inf"), rate)


def _density(x: FloatArray) -> FloatArray:
    """Density of the standard normal."""
    return np.asarray(np.exp(-0.5 * x**2) / np.sqrt(2 * np.pi))
