"""Risk money of a deviation's path.

    w = price * multiplier * volatility * sqrt( sum over knots of dq^2 * dt ),   dt in sessions of trading time,

from the signal to the horizon. For a VETO or an immediate RESIZE this is |Q - q| price volatility sqrt(horizon), for a DELAY q over the
wait. It is floored at q over one minute, which keeps an immediate REPRICE finite. Rows of one decision are added as correlated bets,

    w_decision^2 = (1 - c) sum w_a^2 + c (sum g_a w_a)^2,   g_a the sign of the deviation, c = 0.5 by default.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skillstats.ledger.segments import Segments
from skillstats.market.sessions import Sessions

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
MINUTE = 60 * 10**6


def squared_exposure(segments: Segments, clock: Sessions) -> FloatArray:
    """dq^2 dt of each segment, units squared x sessions of the asset's trading time."""
    return segments.gap**2 * (clock.clock(segments.stop) - clock.clock(segments.start))


def one_minute(sessions: Sessions, instant: IntArray) -> FloatArray:
    """One minute in sessions of trading time, for the session of each instant."""
    k = np.minimum(sessions.index_of(instant), len(sessions.closes) - 1)
    return MINUTE / (sessions.closes[k] - sessions.opens[k]).astype(float)


def add_within_decision(group: IntArray, risk: FloatArray, sign: FloatArray, correlation: float) -> FloatArray:
    """Risk of each group of rows that are one decision; `group` holds codes 0..n-1.

    Examples
    --------
    Two equal rows on one side and on opposite sides, c = 0.5:

    >>> add_within_decision(np.array([0, 0, 1, 1]), np.ones(4), np.array([1.0, 1, 1, -1]), 0.5).round(3)
    array([1.732, 1.   ])
    """
    squares, net = np.bincount(group, weights=risk**2), np.bincount(group, weights=sign * risk)
    return np.sqrt((1 - correlation) * squares + correlation * net**2)
