"""Factor returns inside windows of time.

A row of the factor table is the return over (previous stamp, stamp]; the interval of a factor's first row begins at the desk close
before it. Stamps outside trading hours count as the close before them, as nothing trades in between. Only intervals that lie wholly
inside a window are used: one that began before the decision holds moves the person had seen, and would credit hindsight as timing.
What share of the window, in trading time, the intervals cover is kept, so that a window they miss is never taken for a return of 0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from skillstats.attribution.asof import stamps_of
from skillstats.market.sessions import Sessions

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Intervals:
    """Intervals of one factor in order: start, end (n,) int64; total : (n + 1,) running sum of simple returns."""

    start: IntArray
    end: IntArray
    total: FloatArray


@dataclass(frozen=True, slots=True)
class FactorReturns:
    """Returns of every factor of a record.

    names : factors, sorted by UTF-8 bytes; intervals : of each; desk : the calendar windows are cut by
    """

    names: tuple[str, ...]
    intervals: tuple[Intervals, ...]
    desk: Sessions

    def inside(self, start: IntArray, stop: IntArray) -> tuple[FloatArray, FloatArray]:
        """Sum of returns and covered trading time in sessions of each window, (window, factor) each.

        start, stop : (window,) int64, settled with `settled`
        """
        returns, covered = np.zeros((len(start), len(self.names))), np.zeros((len(start), len(self.names)))
        for j, own in enumerate(self.intervals):
            lo, hi = np.searchsorted(own.start, start, side="left"), np.searchsorted(own.end, stop, side="right")
            some = np.flatnonzero(hi > lo)
            returns[some, j] = own.total[hi[some]] - own.total[lo[some]]
            covered[some, j] = self.desk.clock(own.end[hi[some] - 1]) - self.desk.clock(own.start[lo[some]])
        return returns, covered

    def by_session(self, first: int, last: int) -> FloatArray:
        """Return of each factor in the desk sessions first..last, the sum of its rows stamped in it; NaN without a row.  # shape: (session, factor)"""
        result = np.full((last - first + 1, len(self.names)), np.nan)
        for j, own in enumerate(self.intervals):
            k = self.desk.index_of(own.end)
            inside = (k >= first) & (k <= last)
            single = np.diff(own.total)[inside]
            has = np.bincount(k[inside] - first, minlength=len(result)) > 0
            result[has, j] = np.bincount(k[inside] - first, weights=single, minlength=len(result))[has]
        return result


def settled(desk: Sessions, instant: IntArray) -> IntArray:
    """Instants outside trading hours as the close before them; those inside as they are."""
    return np.asarray(desk.last_traded(instant), dtype=np.int64)


def factor_returns(factors: pa.Table, desk: Sessions) -> FactorReturns:
    """The carried table `factors` as intervals."""
    names = tuple(sorted(set(factors["factor"].to_pylist()), key=str.encode))
    owner = np.array(factors["factor"].to_pylist(), dtype=object)
    time, value = stamps_of(factors), np.asarray(factors["return"].to_numpy(), dtype=float)
    intervals = []
    for name in names:
        rows = np.flatnonzero(owner == name)
        rows = rows[np.argsort(time[rows], kind="stable")]
        end = settled(desk, time[rows])
        before = max(int(desk.index_of(end[:1])[0]) - 1, 0)
        start = np.r_[min(int(desk.closes[before]), int(end[0])), end[:-1]].astype(np.int64)
        intervals.append(Intervals(start, end, np.r_[0.0, np.cumsum(value[rows])]))
    return FactorReturns(names, tuple(intervals), desk)
