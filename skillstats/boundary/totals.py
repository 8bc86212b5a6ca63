"""Session totals in money: what they come to in a quarter, how sure that is, and what it is per unit of risk."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

FloatArray = NDArray[np.float64]
QUARTERS = 4


@dataclass(frozen=True, slots=True)
class Total:
    """Value of a stream of session totals.

    quarter : mean of a quarter, currency; q05, q95 : 90% t interval, clustered by session (by `overlap` sessions)
    sd : of a quarter, currency; ir_annual : mean over sd of a session times the root of the sessions a year, None where nothing varies
    """

    quarter: float
    q05: float
    q95: float
    sd: float
    ir_annual: float | None


def clusters(value: FloatArray, overlap: int) -> FloatArray:
    """Sums over consecutive stretches of `overlap` sessions; a shorter last one is left out of the error only.

    Examples
    --------
    >>> clusters(np.array([1.0, 2, 3, 4, 5]), 2)
    array([3., 7.])
    """
    whole = len(value) // overlap * overlap
    return np.asarray(value[:whole].reshape(-1, overlap).sum(axis=1))


def total_of(value: FloatArray, overlap: int, sessions_per_year: float) -> Total:
    """What session totals come to.

    Parameters
    ----------
    value : (session,) currency; overlap : sessions a horizon reaches over, >= 1

    Examples
    --------
    >>> total_of(np.array([1.0, -1.0, 2.0, 2.0]), 1, 252).quarter
    63.0
    """
    per_quarter = sessions_per_year / QUARTERS
    sums = clusters(value, overlap)
    mean = float(value.mean())
    spread = float(sums.std(ddof=1)) if len(sums) > 1 else 0.0
    error = spread / float(np.sqrt(len(sums))) / overlap if len(sums) > 1 else 0.0
    half = float(stats.t.ppf(0.95, max(len(sums) - 1, 1)) * error * per_quarter)
    session_sd = spread / float(np.sqrt(overlap))
    return Total(
        quarter=mean * per_quarter,
        q05=mean * per_quarter - half,
        q95=mean * per_quarter + half,
        sd=float(session_sd * np.sqrt(per_quarter)),
        ir_annual=float(mean / session_sd * np.sqrt(sessions_per_year)) if session_sd > 0 else None,
    )
