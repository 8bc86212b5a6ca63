r"""Means by cell with day-clustered errors, and how the errors of cells go together.

A day is one bet: the decisions of a session share its shocks, across traders and across cells. The mean of cell c over its n_c rows has
the influence ``psi_c(s) = sum_{i in c, session s} (y_i - ybar_c) / n_c`` of session s, and for any two cells

    Cov(ybar_a, ybar_b) = sum_s psi_a(s) psi_b(s),

the cluster-robust covariance. Cells of one partition share sessions, so their errors are correlated; the matrix says how much. With few
sessions an estimated error is too small too often: each is stretched by t_{.95}(D - 1) / z_{.95}, D the sessions of the cell, so that
the normal interval at 90% is the t interval.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from skillstats.boundary.one_thread import one_thread

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class CellMeans:
    """Means of the cells of one partition.

    level : (cell,) codes of the cells that can be judged; mean : (cell,) unit of y; covariance : (cell, cell) unit of y squared
    rows, sessions : (cell,) counts; thin : ((level, rows, sessions), ...) of the cells with too few sessions
    """

    level: IntArray
    mean: FloatArray
    covariance: FloatArray
    rows: IntArray
    sessions: IntArray
    thin: tuple[tuple[int, int, int], ...]

    def __len__(self) -> int:
        return len(self.level)

    @property
    def error(self) -> FloatArray:
        """Standard errors, (cell,)."""
        return np.sqrt(np.diag(self.covariance))


def cell_means(y: FloatArray, session: IntArray, code: IntArray, *, floor: int) -> CellMeans:
    """Mean of y in every cell with at least `floor` sessions, with the covariance of their errors.

    Parameters
    ----------
    y : (row,); session, code : (row,) int64, a row with code -1 belongs to no cell
    floor : least sessions of a cell, >= 2

    Returns
    -------
    CellMeans

    References
    ----------
    Liang and Zeger (1986), Biometrika 73, 13-22: the cluster-robust covariance.

    Examples
    --------
    One row a session in each of two cells with opposite shocks: the errors are perfectly negatively correlated.

    >>> y, day, cell = np.array([1.0, -1, 2, -2, 3, -3]), np.repeat([0, 1, 2], 2), np.tile([0, 1], 3)
    >>> found = cell_means(y, day, cell, floor=2)
    >>> found.mean.tolist(), round(float(found.covariance[0, 1] / found.covariance[0, 0]), 6)
    ([2.0, -2.0], -1.0)
    """
    inside = code >= 0
    y, session, code = y[inside], session[inside], code[inside]
    if not len(y):
        none = np.zeros(0, dtype=np.int64)
        return CellMeans(none, np.zeros(0), np.zeros((0, 0)), none, none, ())
    width, days = int(code.max()) + 1, int(session.max()) + 1
    rows = np.bincount(code, minlength=width)
    place = code * days + session
    active = (np.bincount(place, minlength=width * days) > 0).reshape(width, days).sum(axis=1)
    judged = np.flatnonzero(active >= max(floor, 2))
    thin = tuple((int(k), int(rows[k]), int(active[k])) for k in np.flatnonzero((rows > 0) & (active < max(floor, 2))))
    mean = np.bincount(code, weights=y, minlength=width) / np.maximum(rows, 1)
    total = np.bincount(place, weights=(y - mean[code]) / rows[code], minlength=width * days)
    influence = total.reshape(width, days)[judged]
    count = active[judged].astype(float)
    stretch = np.sqrt(count / np.maximum(count - 1, 1)) * stats.t.ppf(0.95, count - 1) / stats.norm.ppf(0.95)
    influence = influence * stretch[:, None]
    with one_thread():
        covariance = influence @ influence.T
    # a cell whose days all agree has no error of its own to go by; it takes the largest of its partition
    flat = np.diag(covariance) <= 1e-12 * max(float(np.max(np.diag(covariance), initial=0.0)), 1e-300)
    covariance[flat, flat] = np.max(np.diag(covariance), initial=1.0) or 1.0
    return CellMeans(judged, mean[judged], covariance, rows[judged], active[judged], thin)
