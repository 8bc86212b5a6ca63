"""The mean of a decision, read from the draws: the one place that knows how `Draws.theta` is laid out.

theta is the mean of y for trader j in regime r with action k; everything else asks for sums of it over rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from skillstats.evidence import Evidence

if TYPE_CHECKING:
    from skillstats.evaluation.estimands import Draws

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


def cell_means(draws: Draws, trader: int) -> FloatArray:
    """Mean of a decision of one trader, shape (draw, regime, action), y units."""
    return draws.theta[:, trader]


def row_means(draws: Draws, evidence: Evidence, at: int) -> FloatArray:
    """Mean of every row under draw number `at`, shape (row,), y units."""
    return np.asarray(draws.theta[at, evidence.trader, evidence.regime, evidence.action])


def expected_means(draws: Draws, evidence: Evidence, rows: IntArray) -> FloatArray:
    """Posterior mean of theta of the given rows, shape (row,), y units."""
    theta = draws.theta.mean(axis=0)
    return np.asarray(theta[evidence.trader[rows], evidence.regime[rows], evidence.action[rows]])


def weighted_sums(
    draws: Draws, evidence: Evidence, rows: IntArray, weight: FloatArray, group: IntArray, groups: int
) -> FloatArray:
    """Sums of weight x theta of the given rows by group, shape (draw, group).

    rows : (row,) indices into the evidence; weight, group : (row,), group codes below `groups`
    """
    sizes = [len(evidence.coords[k]) for k in ("trader", "regime", "action")]
    cell = np.ravel_multi_index((evidence.trader[rows], evidence.regime[rows], evidence.action[rows]), sizes)
    cells, at = np.unique(cell, return_inverse=True)
    table = np.zeros((len(cells), groups))
    np.add.at(table, (at, group), weight)
    return np.asarray(draws.theta.reshape(len(draws.desk_day), -1)[:, cells] @ table)
