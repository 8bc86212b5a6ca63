"""Trading sessions of an exchange calendar as integer instants (UTC microseconds); half days and holidays included."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skillstats.errors import UsageError, show
from skillstats.simulate.world import World
from skillstats.units import MINUTE

SHORTEST_SESSION = 90 * MINUTE


@dataclass(frozen=True, slots=True)
class Sessions:
    """Consecutive sessions; the first `history` of them carry closing prices only.

    label : ISO dates, one a session
    open, close : (session,) int64, UTC microseconds
    """

    label: tuple[str, ...]
    open: NDArray[np.int64]
    close: NDArray[np.int64]
    history: int

    @property
    def length(self) -> NDArray[np.int64]:
        """Trading time of each session in microseconds.  # shape: (session,)"""
        return self.close - self.open


def trading_sessions(world: World) -> Sessions:
    """Take `history` sessions before the start and `sessions` from it on.

    Raises
    ------
    UsageError
        If the calendar is unknown, has a lunch break, or does not reach that far.
    """
    # Inside the function, because pandas comes with it: importing World stays cheap.
    import exchange_calendars

    first = world.start - dt.timedelta(days=2 * world.history + 30)
    last = world.start + dt.timedelta(days=int(1.7 * world.sessions) + 30)
    try:
        calendar = exchange_calendars.get_calendar(world.calendar, start=first.isoformat(), end=last.isoformat())
    except Exception as error:  # the library raises many kinds
        raise UsageError(
            f"calendar = {show(world.calendar)} from {first} to {last} cannot be used ({str(error).splitlines()[0]}); "
            "name one of exchange_calendars, for example XNYS, and a start it covers"
        ) from error
    table = calendar.schedule
    if table["break_start"].notna().any():
        raise UsageError(f"calendar = {show(world.calendar)} has a lunch break, which is not simulated; use for example XNYS")
    labels = [stamp.date().isoformat() for stamp in table.index]
    begin = sum(label < world.start.isoformat() for label in labels) - world.history
    end = begin + world.history + world.sessions
    if begin < 0 or end > len(labels):
        raise UsageError(
            f"calendar = {show(world.calendar)} has too few sessions around {world.start}; move start or take fewer sessions"
        )
    opens, closes = (
        table[column].dt.tz_convert(None).to_numpy().astype("datetime64[us]").astype(np.int64)[begin:end]
        for column in ("open", "close")
    )
    if (closes - opens).min() < SHORTEST_SESSION:
        raise UsageError(f"calendar = {show(world.calendar)} has a session under 90 minutes; signals need room before the close")
    return Sessions(tuple(labels[begin:end]), opens, closes, world.history)
