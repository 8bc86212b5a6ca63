"""Numerics of the Gibbs engine: a small factorisation, a sum over shared shocks. Compiled; no thread, no fast maths.

Everything is a plain loop over float64 in a fixed order, so that the same numbers go in and the same bits come out.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from skillstats.inference.gibbs_random import Floats, Stream, inner, standard_normal

HUGE: Final = 1e200


@inner
def factorise(matrix: Floats, inverse: Floats, size: int, lead: int) -> float:
    """Factor M = U D^-1 U^T of a positive definite matrix in place, D the diagonal of U; returns log|M|.

    The first `size` rows are read, their lower part; the first `lead` of them are known to be diagonal, which costs nothing.
    `inverse` takes 1 / D. No square root is needed.
    """
    product, total = 1.0, 0.0
    for i in range(size):
        value = matrix[i, i]
        if i >= lead:
            for k in range(i):
                entry = matrix[i, k]
                for m in range(0 if k >= lead else k, k):
                    entry -= matrix[i, m] * matrix[k, m] * inverse[m]
                matrix[i, k] = entry
                value -= entry * entry * inverse[k]
        product *= value
        if product > HUGE:
            total += np.log(product)
            product = 1.0
        inverse[i] = 1.0 / value
    return float(total + np.log(product))


@inner
def forward(matrix: Floats, inverse: Floats, vector: Floats, size: int, lead: int) -> float:
    """Solve U D^-1 x = vector in place; returns vector^T M^-1 vector."""
    total = 0.0
    for i in range(size):
        value = vector[i]
        if i >= lead:
            for k in range(i):
                value -= matrix[i, k] * inverse[k] * vector[k]
        vector[i] = value
        total += value * value * inverse[i]
    return total


@inner
def draw_normal(matrix: Floats, inverse: Floats, vector: Floats, size: int, lead: int, rng: Stream) -> None:
    """After `forward`: turn `vector` into a draw of Normal(M^-1 vector, M^-1)."""
    for i in range(size - 1, -1, -1):
        value = vector[i] + np.sqrt(1.0 / inverse[i]) * standard_normal(rng)
        for k in range(max(i + 1, lead), size):
            value -= matrix[k, i] * vector[k]
        vector[i] = value * inverse[i]


@inner
def shared_shock(information: Floats, score: Floats, start: int, stop: int, variance: float, shrink: float) -> float:
    """Sum over groups of log E exp(B u - A u^2 / 2), u ~ Normal(0, variance), with A = shrink * information, B = shrink * score.

    That is ``-1/2 log(1 + variance A) + variance B^2 / (2 (1 + variance A))`` for every group `start` to `stop`: what an
    integrated shock adds to the log density. Logarithms are taken of products, a few at a time.
    """
    if start == stop:
        return 0.0
    product, logs, squares = 1.0, 0.0, 0.0
    factor = variance * shrink
    for p in range(start, stop):
        shared = 1.0 + factor * information[p]
        squares += score[p] * score[p] / shared
        product *= shared
        if product > HUGE:
            logs += np.log(product)
            product = 1.0
    return float(0.5 * (factor * shrink * squares - logs - np.log(product)))
