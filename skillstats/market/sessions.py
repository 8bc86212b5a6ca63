"""Trading sessions of an exchange.

Session k covers the half-open interval (close of k-1, close of k]: an instant outside trading hours belongs to the next close. Half
days and holidays come from the exchange calendar, never from a fixed hour. All instants are int64 UTC microseconds.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skillstats.errors import UsageError
from skillstats.units import DAY

IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Sessions:
    """Sessions of one calendar over a range of dates.

    labels : (session,) ``YYYY-MM-DD``; opens, closes : (session,) int64 UTC microseconds
    """

    calendar: str
    labels: NDArray[Any]
    opens: IntArray
    closes: IntArray

    def index_of(self, instant: IntArray) -> IntArray:
        """Position of the session an instant belongs to; ``len(labels)`` past the last close."""
        return np.searchsorted(self.closes, instant, side="left")

    def label_of(self, instant: IntArray) -> NDArray[Any]:
        """Label of the session an instant belongs to."""
        return self.labels[self.index_of(instant)]

    def last_traded(self, instant: IntArray) -> IntArray:
        """The instant itself inside trading hours, the last close before it outside them."""
        k = np.minimum(self.index_of(instant), len(self.closes) - 1)
        before = np.where(k > 0, self.closes[np.maximum(k - 1, 0)], self.opens[0])
        return np.where(instant >= self.opens[k], np.minimum(instant, self.closes[k]), before)

    def clock(self, instant: IntArray) -> NDArray[np.float64]:
        """Trading time in sessions: whole sessions gone plus the share of the present one's trading hours gone.

        Time between a close and the next open counts nothing, as in the usual scaling of volatility by trading time.
        """
        k = np.minimum(self.index_of(instant), len(self.closes) - 1)
        length = (self.closes[k] - self.opens[k]).astype(float)
        return np.asarray(k + np.clip((instant - self.opens[k]) / length, 0.0, 1.0))

    def digest(self, first: int, last: int) -> str:
        """sha256 of the sessions that touch [first, last]."""
        lo, hi = self.index_of(np.array([first, last]))
        rows = zip(self.labels[lo : hi + 1], self.opens[lo : hi + 1], self.closes[lo : hi + 1], strict=True)
        return hashlib.sha256("\n".join(f"{a},{b},{c}" for a, b, c in rows).encode()).hexdigest()


def load_sessions(calendar: str, first: int, last: int, sessions_after: int = 0) -> Sessions:
    """Sessions of an exchange calendar that cover [first, last], with margins for history and for horizons.

    Whole months are loaded, so that records of one period share what is slow to make.

    Parameters
    ----------
    calendar : name known to exchange-calendars, for example ``XNYS``, or ``24/7``
    first, last : int64 UTC microseconds
    sessions_after : sessions needed after `last`, for horizons

    Raises
    ------
    UsageError
        If the calendar is unknown or does not reach so far.
    """
    start = np.datetime64(first - 10 * DAY, "us").astype("datetime64[M]")
    end = np.datetime64(last + (10 + 2 * sessions_after) * DAY, "us").astype("datetime64[M]") + np.timedelta64(1, "M")
    return _sessions_between(
        calendar, str(start.astype("datetime64[D]")), str(end.astype("datetime64[D]") - np.timedelta64(1, "D"))
    )


@lru_cache(maxsize=32)
def _sessions_between(calendar: str, start: str, end: str) -> Sessions:
    """Sessions of two dates and between; the arrays are shared and read-only."""
    import exchange_calendars as xc

    try:
        schedule = xc.get_calendar(calendar, start=start, end=end).schedule
    except xc.errors.InvalidCalendarName:
        known = ", ".join(sorted(xc.get_calendar_names(include_aliases=False))[:8])
        raise UsageError(f"calendar {calendar!r} is not known; exchange-calendars has {known}, ... and '24/7'") from None
    except (xc.errors.NoSessionsError, ValueError) as error:
        raise UsageError(f"calendar {calendar!r} does not cover {start} to {end}: {error}") from None
    opens, closes = (schedule[c].to_numpy(dtype="datetime64[us]").astype(np.int64) for c in ("open", "close"))
    labels = np.asarray([str(d)[:10] for d in schedule.index.to_numpy(dtype="datetime64[D]")], dtype=object)
    for shared in (opens, closes, labels):
        shared.flags.writeable = False
    return Sessions(calendar, labels, opens, closes)


def sessions_per_year(calendar: str) -> float:
    """Mean number of sessions a year, over ten whole years of the calendar (2015-2024)."""
    first, last = (int(np.datetime64(d, "us").astype(np.int64)) for d in ("2015-01-01", "2024-12-31"))
    sessions = load_sessions(calendar, first, last)
    inside = (sessions.labels >= "2015-01-01") & (sessions.labels <= "2024-12-31")
    return float(inside.sum()) / 10
