"""A histogram of outcomes that a Student-t likelihood can read: many rows at the price of few bins.

Rows that share their location and standard deviation (one profile: trader, regime, action; no session shocks) are counted in bins of equal
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
IntArray = NDArray[np.int64]
BINS: Final = 64
ERROR_LIMIT: Final = 0.05
"""Largest sd over posterior points of the error of the log likelihood, nats; a constant error changes no posterior."""


def histogram(evidence: Evidence, profile: IntArray, bins: int = BINS) -> RowLayout:
    """Bins of every profile that occurs; empty bins are left out.

    Parameters
    ----------
    profile : (row,) position of each row among the combinations of labels that location and standard deviation depend on
    bins : bins per profile
    """
    rows = lay_out_rows(evidence, profile)
    groups, y = int(profile.max()) + 1, rows.y
    counts = np.maximum(np.bincount(profile, minlength=groups), 1)
    centre = np.bincount(profile, y, groups) / counts
    spread = np.sqrt(np.bincount(profile, (y - centre[profile]) ** 2, groups) / counts)
    spread[spread == 0] = 1.0
    # half an sd: the bins are finest within the body of the distribution
    scaled = np.arcsinh((y - centre[profile]) / (0.5 * spread[profile]))
    low, high = np.full(groups, np.inf), np.full(groups, -np.inf)
    np.minimum.at(low, profile, scaled)
    np.maximum.at(high, profile, scaled)
    width = np.where(high > low, high - low, 1.0)
    place = np.minimum(((scaled - low[profile]) / width[profile] * bins).astype(np.int64), bins - 1)
    code, first, of_row = np.unique(profile * bins + place, return_index=True, return_inverse=True)
    n = np.bincount(of_row).astype(float)
    mean = np.bincount(of_row, y) / n
    ss = np.bincount(of_row, (y - mean[of_row]) ** 2)
    none = np.zeros(len(n), dtype=np.int64)
    return RowLayout(rows.row_trader_regime[first], code // bins, none, none, rows.pair_trader, mean, n, ss)


def log_likelihood(layout: RowLayout, theta: FloatArray, sigma: FloatArray, nu: float) -> float:
    """Log likelihood of rows or bins without shocks at one point, nats, in numpy.

    Parameters
    ----------
    theta : (profile,); sigma : (trader, regime), standard deviations; y units
    """
    error = layout.y - theta[layout.row_profile]
    squared = (sigma.ravel() ** 2 * (nu - 2))[layout.row_trader_regime]
    constant = gammaln((nu + 1) / 2) - gammaln(nu / 2) - 0.5 * (np.log(np.pi) + np.log(squared))
    value = constant - (nu + 1) / 2 * np.log1p(error**2 / squared)
    curvature = -(nu + 1) * (squared - error**2) / (squared + error**2) ** 2
    return float(np.sum(layout.n * value + 0.5 * layout.ss * curvature))


def log_likelihood_error(rows: RowLayout, bins: RowLayout, theta: FloatArray, sigma: FloatArray, nu: FloatArray) -> FloatArray:
    """Log likelihood of the bins less that of the rows at each point, shape (point,), nats.

    Parameters
    ----------
    theta : (point, profile); sigma : (point, trader, regime); nu : (point,)
    """
    pairs = [(log_likelihood(bins, t, s, v), log_likelihood(rows, t, s, v)) for t, s, v in zip(theta, sigma, nu, strict=True)]
    return np.array([a - b for a, b in pairs])
