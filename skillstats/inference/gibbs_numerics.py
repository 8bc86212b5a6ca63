"""Numerics of the Gibbs engine: a small Cholesky factor, a sum over shared shocks. Compiled; no thread, no fast maths.

Everything is a plain loop over float64 in a fixed order, so that the same numbers go in and the same bits come out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numba
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
HUGE: Final = 1e200


def inner[F: Callable[..., Any]](function: F) -> F:
    """Compile a loop that only compiled code calls; the caller's cache holds it."""
    compiled: F = numba.njit(nogil=True)(function)
    return compiled


@inner
def cholesky(matrix: Floats, size: int, lead: int) -> float:
    """Lower factor in place of a positive definite matrix; returns its log determinant.

    The first `size` rows are read, their lower part; the first `lead` of them are known to be diagonal, which costs nothing.
    """
    product, total = 1.0, 0.0
    for i in range(size):
        value = matrix[i, i]
        if i >= lead:
            for k in range(i):
                entry = matrix[i, k]
                for m in range(0 if k >= lead else k, k):
                    entry -= matrix[i, m] * matrix[k, m]
                matrix[i, k] = entry / matrix[k, k]
                value -= matrix[i, k] * matrix[i, k]
        product *= value
        if product > HUGE:
            total += np.log(product)
            product = 1.0
        matrix[i, i] = np.sqrt(value)
    return total + np.log(product)


@inner
def solve_lower(factor: Floats, vector: Floats, size: int, lead: int) -> float:
    """Solve L x = vector in place; returns the sum of squares of x."""
    total = 0.0
    for i in range(size):
        value = vector[i]
        for k in range(i if i >= lead else 0):
            value -= factor[i, k] * vector[k]
        vector[i] = value / factor[i, i]
        total += vector[i] * vector[i]
    return total


@inner
def solve_upper(factor: Floats, vector: Floats, size: int, lead: int) -> None:
    """Solve L^T x = vector in place."""
    for i in range(size - 1, -1, -1):
        value = vector[i]
        for k in range(max(i + 1, lead), size):
            value -= factor[k, i] * vector[k]
        vector[i] = value / factor[i, i]


@inner
def shared_shock(information: Floats, score: Floats, start: int, stop: int, variance: float, shrink: float) -> float:
    """Sum over groups of log E exp(B u - A u^2 / 2), u ~ Normal(0, variance), with A = shrink * information, B = shrink * score.

    That is ``-1/2 log(1 + variance A) + variance B^2 / (2 (1 + variance A))`` for every group `start` to `stop`: what an
    integrated shock adds to the log density. Logarithms are taken of products, a few at a time.
    """
    product, logs, squares = 1.0, 0.0, 0.0
    factor = variance * shrink
    for p in range(start, stop):
        shared = 1.0 + factor * information[p]
        squares += score[p] * score[p] / shared
        product *= shared
        if product > HUGE:
            logs += np.log(product)
            product = 1.0
    return 0.5 * (factor * shrink * squares - logs - np.log(product))
