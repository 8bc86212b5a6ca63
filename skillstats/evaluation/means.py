"""The mean of a decision, read from the draws: the one place that knows how `Draws.theta` is laid out.

theta_i = theta_profile(i) + kappa_j l_i is the mean of y of row i: of the combination of its labels and, where the model has a sizing
slope, of its size. Everything else asks for averages and sums of it over rows. The luck of a latent factor is no part of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from skillstats.evidence import Evidence

if TYPE_CHECKING:
    from skillstats.evaluation.draws import Draws

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Mean:
    """Draws of the mean of y over some rows, shape (draw,) each: average, spread between rows (variance), average times risk."""

    mean: FloatArray
    between: FloatArray
    money: FloatArray


def moments(theta: FloatArray, at: IntArray, risk: FloatArray, size: FloatArray, kappa: FloatArray | None) -> Mean:
    """Moments of theta_i over rows by the empirical distribution of profiles and sizes, exactly.

    Parameters
    ----------
    theta : (draw, profile); at : (row,) profile of each row; risk, size : (row,), size is the centred log risk
    kappa : (draw,) sizing slope of the trader; None where the model has none
    """
    share, weight = (np.bincount(at, w, minlength=theta.shape[1]) / len(at) for w in (None, risk))
    mean, square, money = theta @ share, theta**2 @ share, theta @ weight
    if kappa is not None:
        mean = mean + kappa * size.mean()
        square = (
            square
            + 2 * kappa * (theta @ (np.bincount(at, size, minlength=theta.shape[1]) / len(at)))
            + kappa**2 * np.mean(size**2)
        )
        money = money + kappa * np.mean(risk * size)
    return Mean(mean, np.maximum(square - mean**2, 0), money)


def mean_of_rows(draws: Draws, evidence: Evidence, trader: int, rows: IntArray) -> Mean:
    """Moments of theta_i over `rows` of one trader, at the current quarter where skill drifts."""
    columns, at = np.unique(draws.column(evidence)[rows], return_inverse=True)
    kappa = None if draws.kappa is None else draws.kappa[:, trader]
    return moments(draws.theta[:, columns], at, evidence.risk[rows], evidence.log_size[rows], kappa)


def row_means(draws: Draws, evidence: Evidence, at: int) -> FloatArray:
    """Mean of every row in its own quarter under draw number `at`, shape (row,), y units."""
    mean = draws.theta[at, draws.column(evidence, current=False)]
    return np.asarray(mean if draws.kappa is None else mean + draws.kappa[at, evidence.trader] * evidence.log_size)


def expected_means(draws: Draws, evidence: Evidence, rows: IntArray) -> FloatArray:
    """Posterior mean of theta of the given rows in their own quarters, shape (row,), y units."""
    mean = draws.theta.mean(axis=0)[draws.column(evidence, current=False)[rows]]
    if draws.kappa is None:
        return np.asarray(mean)
    return np.asarray(mean + draws.kappa.mean(axis=0)[evidence.trader[rows]] * evidence.log_size[rows])


def weighted_sums(
    draws: Draws, evidence: Evidence, rows: IntArray, weight: FloatArray, group: IntArray, groups: int
) -> FloatArray:
    """Sums of weight x theta of the given rows by group, at the current quarter where skill drifts, shape (draw, group).

    rows : (row,) indices into the evidence; weight, group : (row,), group codes below `groups`
    """
    columns, at = np.unique(draws.column(evidence)[rows], return_inverse=True)
    total = draws.theta[:, columns] @ _table(at, group, weight, (len(columns), groups))
    if draws.kappa is not None:
        sized = _table(evidence.trader[rows], group, weight * evidence.log_size[rows], (draws.kappa.shape[1], groups))
        total = total + draws.kappa @ sized
    return np.asarray(total)


def _table(first: IntArray, second: IntArray, weight: FloatArray, shape: tuple[int, int]) -> FloatArray:
    """Sums of weights by two codes."""
    table = np.zeros(shape)
    np.add.at(table, (first, second), weight)
    return table
