"""Days that were special by a calendar printed long before: ends of quarters and months, half days, eves of holidays.

Only what the rules of the exchange say counts: its working days less its regular holidays, and its regular early closes. A closure or early close that
was called at short notice (a storm, a funeral) was not known in advance, so the day before one is an ordinary day.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from skillstats.market.sessions import Sessions

Days = NDArray[np.datetime64]
FLAGS: Final = ("ordinary", "before holiday", "half day", "month end", "quarter end")
"""Of several the last counts."""
QUARTER: Final = (3, 6, 9, 12)


def calendar_flags(sessions: Sessions) -> NDArray[Any]:
    """Flag of each session.

    Returns
    -------
    (session,) text, one of `FLAGS`

    Examples
    --------
    >>> from skillstats.market.sessions import load_sessions
    >>> year = load_sessions("XNYS", 1_382_000_000_000_000, 1_389_000_000_000_000)
    >>> [f"{d}: {f}" for d, f in zip(year.labels, calendar_flags(year)) if d[:7] in ("2013-11", "2013-12") and f != "ordinary"]
    ['2013-11-27: before holiday', '2013-11-29: month end', '2013-12-24: half day', '2013-12-31: quarter end']
    """
    days = sessions.labels.astype("datetime64[D]")
    if not len(days):
        return np.zeros(0, dtype=object)
    level, month = np.zeros(len(days), dtype=np.int64), days.astype("datetime64[M]")
    last = (month[-1] + np.timedelta64(2, "M")).astype(
        "datetime64[D]"
    )  # a month more, so that the month of the last session is whole
    scheduled, working, half = _rules(sessions.calendar, str(days[0]), str(last))
    after = np.searchsorted(working, days, side="right")
    level[~np.isin(working[np.minimum(after, len(working) - 1)], scheduled)] = FLAGS.index("before holiday")
    level[np.isin(days, half)] = FLAGS.index("half day")
    ends = scheduled[:-1][scheduled[:-1].astype("datetime64[M]") != scheduled[1:].astype("datetime64[M]")]
    at_end = np.isin(days, ends)
    quarter = np.isin(month.astype(np.int64) % 12 + 1, QUARTER)
    level[at_end] = FLAGS.index("month end")
    level[at_end & quarter] = FLAGS.index("quarter end")
    return np.array(FLAGS, dtype=object)[level]


@lru_cache(maxsize=32)
def _rules(calendar: str, start: str, end: str) -> tuple[Days, Days, Days]:
    """Scheduled sessions, working days and half days by the regular rules of an exchange."""
    import exchange_calendars as xc

    rules = xc.get_calendar(calendar)
    working = np.arange(np.datetime64(start, "D"), np.datetime64(end, "D") + np.timedelta64(1, "D"))
    working = working[np.is_busday(working, weekmask=rules.weekmask)]
    holidays = _days(rules.regular_holidays, start, end)
    scheduled = working[~np.isin(working, holidays)]
    half = [_days(days, start, end) for _, days in rules.special_closes if not isinstance(days, int)]
    return scheduled, working, np.concatenate([np.zeros(0, dtype="datetime64[D]"), *half])


def _days(rule: Any, start: str, end: str) -> Days:
    if rule is None:
        return np.zeros(0, dtype="datetime64[D]")
    return np.asarray(rule.holidays(start, end).to_numpy(dtype="datetime64[D]"))
