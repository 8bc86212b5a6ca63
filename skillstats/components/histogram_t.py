"""A histogram of outcomes that a Student-t likelihood can read: many rows at the price of few bins.

Rows that share their location and standard deviation (one trader, regime and action, no session shocks) are counted in bins of equal
width in ``asinh((y - centre) / spread)``, fine where rows are many and wide in the tails. A bin keeps its rows n, their mean and their
centred squares ss, and counts as

    n log f(mean) + ss/2 (log f)''(mean),

the density of its rows to second order in its width. How wrong that is depends on the data, so `log_likelihood_error` compares it with
the rows at posterior points, and a fit whose error moves by more than 0.05 nats is refused and made from rows.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from skillstats.components.heavy import RowLayout, lay_out_rows
from skillstats.evidence import Evidence

FloatArray = NDArray[np.float64]
BINS: Final = 64
ERROR_LIMIT: Final = 0.05
"""Largest sd over posterior points of the error of the log likelihood, nats; a constant error changes no posterior."""


def histogram(evidence: Evidence, bins: int = BINS) -> RowLayout:
    """Bins of every combination of trader, regime and action that occurs; empty bins are left out.

    Parameters
    ----------
    bins : bins per combination
    """
    rows = lay_out_rows(evidence)
    combination, y = rows.row_combination, rows.y
    groups = int(combination.max()) + 1
    counts = np.maximum(np.bincount(combination, minlength=groups), 1)
    centre = np.bincount(combination, y, groups) / counts
    spread = np.sqrt(np.bincount(combination, (y - centre[combination]) ** 2, groups) / counts)
    spread[spread == 0] = 1.0
    # half an sd: the bins are finest within the body of the distribution
    scaled = np.arcsinh((y - centre[combination]) / (0.5 * spread[combination]))
    low, high = np.full(groups, np.inf), np.full(groups, -np.inf)
    np.minimum.at(low, combination, scaled)
    np.maximum.at(high, combination, scaled)
    width = np.where(high > low, high - low, 1.0)
    place = np.minimum(((scaled - low[combination]) / width[combination] * bins).astype(np.int64), bins - 1)
    code, of_row = np.unique(combination * bins + place, return_inverse=True)
    n = np.bincount(of_row).astype(float)
    mean = np.bincount(of_row, y) / n
    ss = np.bincount(of_row, (y - mean[of_row]) ** 2)
    owner = code // bins
    actions = len(evidence.coords["action"])
    none = np.zeros(len(n), dtype=np.int64)
    return RowLayout(owner // actions, owner, none, none, rows.pair_trader, mean, n, ss)


def log_likelihood(layout: RowLayout, theta: FloatArray, sigma: FloatArray, nu: float) -> float:
    """Log likelihood of rows or bins without shocks at one point, nats, in numpy.

    Parameters
    ----------
    theta : (trader, regime, action); sigma : (trader, regime), standard deviations; y units
    """
    error = layout.y - theta.ravel()[layout.row_combination]
    squared = (sigma.ravel() ** 2 * (nu - 2))[layout.row_trader_regime]
    constant = gammaln((nu + 1) / 2) - gammaln(nu / 2) - 0.5 * (np.log(np.pi) + np.log(squared))
    value = constant - (nu + 1) / 2 * np.log1p(error**2 / squared)
    curvature = -(nu + 1) * (squared - error**2) / (squared + error**2) ** 2
    return float(np.sum(layout.n * value + 0.5 * layout.ss * curvature))


def log_likelihood_error(evidence: Evidence, bins: RowLayout, theta: FloatArray, sigma: FloatArray, nu: FloatArray) -> FloatArray:
    """Log likelihood of the bins less that of the rows at each point, shape (point,), nats.

    Parameters
    ----------
    theta : (point, trader, regime, action); sigma : (point, trader, regime); nu : (point,)
    """
    rows = lay_out_rows(evidence)
    pairs = [(log_likelihood(bins, t, s, v), log_likelihood(rows, t, s, v)) for t, s, v in zip(theta, sigma, nu, strict=True)]
    return np.array([a - b for a, b in pairs])
