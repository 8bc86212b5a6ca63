"""Reference prices that are fresh enough, and the limits that say so.

The age of a price is counted from the instant, or from the last close where the instant lies outside the asset's trading hours, so
that a signal at night may use the closing quote. An asset that has had a quote by then has a limit in time (`max_age.quote`). An asset with closes
only may use the previous session's close (`max_age.close = "session"`); at the very close of a session that session's own close is
due, so yesterday's is not taken for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skillstats.market.sessions import Sessions
from skillstats.market.store import Lookup, PriceStore, by_hand, look_back
from skillstats.plan import Plan
from skillstats.record.containers import NULL
from skillstats.units import parse_duration

IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Market:
    """Everything a look-up needs.

    calendars : sessions by calendar name; calendar_of : (asset,) calendar name of each asset of the store
    desk : the desk calendar, by which slices and clusters are cut
    as_of : the instant of the evaluation; nothing later is ever read
    threads : workers of large look-ups; never changes a result
    """

    plan: Plan
    store: PriceStore
    calendars: Mapping[str, Sessions]
    calendar_of: tuple[str, ...]
    desk: Sessions
    as_of: int
    threads: int = 1

    @property
    def calendar_names(self) -> tuple[str, ...]:
        """Names of the assets' calendars, sorted."""
        return tuple(sorted(set(self.calendar_of)))

    def calendar_codes(self) -> IntArray:
        """Position of each asset's calendar in `calendar_names`, shape (asset,)."""
        position = {name: i for i, name in enumerate(self.calendar_names)}
        return np.array([position[name] for name in self.calendar_of], dtype=np.int64)

    def sessions_of(self, asset: int) -> Sessions:
        """Sessions of an asset; those of the desk for an asset without prices."""
        return self.calendars[self.calendar_of[asset]] if asset >= 0 else self.desk


@dataclass(frozen=True, slots=True)
class Mark:
    """A look-up that was judged: `lookup` holds usable prices only; `age` (us, `NULL` where there was none) is kept for the unusable too."""

    lookup: Lookup
    age: IntArray

    @property
    def usable(self) -> NDArray[np.bool_]:
        """Where a fresh price stood."""
        return self.lookup.found


def mark_at(market: Market, asset: IntArray, instant: IntArray, kind: str = "mid", *, strict: bool = False) -> Mark:
    """Fresh price of each asset at each instant; instants after `as_of` have none.

    Returns
    -------
    Mark, shape (n,)
    """
    asked = np.where(instant > market.as_of, NULL, instant)
    lookup = look_back(market.store, asset, asked, kind, strict=strict, threads=market.threads)
    if not by_hand(market.store, len(asset)):
        return _judged(market, asset, asked, lookup)
    age, usable = np.full(len(asset), NULL, dtype=np.int64), np.zeros(len(asset), dtype=bool)
    calendar = market.calendar_codes()[asset] if len(market.calendar_of) else np.full(len(asset), -1, dtype=np.int64)
    for code, name in enumerate(market.calendar_names):
        rows = np.flatnonzero((calendar == code) & lookup.found)
        if len(rows):
            sessions = market.calendars[name]
            age[rows] = np.maximum(sessions.last_traded(asked[rows]) - lookup.time[rows], 0)
            usable[rows] = _fresh(market, sessions, asset[rows], asked[rows], lookup.time[rows], age[rows])
    return Mark(lookup.keep(usable), age)


def _judged(market: Market, asset: IntArray, instant: IntArray, lookup: Lookup) -> Mark:
    """The same judgement by a compiled loop, in place."""
    from skillstats.market.kernels import judge

    age = np.full(len(asset), NULL, dtype=np.int64)
    sessions = [market.calendars[name] for name in market.calendar_names]
    if sessions:
        cuts = np.cumsum([0, *(len(s.closes) for s in sessions)])
        opens, closes = (np.concatenate([getattr(s, k) for s in sessions]) for k in ("opens", "closes"))
        limit, by_session = market.plan.max_age, market.plan.max_age.close == "session"
        limits = parse_duration(limit.quote), -1 if by_session else parse_duration(limit.close)
        found = (lookup.row, lookup.price, lookup.time)
        judge(market.calendar_codes(), asset, instant, market.store.first_quote, cuts, opens, closes, *limits, *found, age)
    return Mark(lookup, age)


def _fresh(
    market: Market, sessions: Sessions, asset: IntArray, instant: IntArray, time: IntArray, age: IntArray
) -> NDArray[np.bool_]:
    """Whether each price is fresh enough; only quotes up to the instant make an asset one with quotes."""
    quoted = instant >= market.store.first_quote[asset]
    by_quote = age <= parse_duration(market.plan.max_age.quote)
    if market.plan.max_age.close != "session":
        by_close = age <= parse_duration(market.plan.max_age.close)
    else:
        k = np.minimum(sessions.index_of(instant), len(sessions.closes) - 1)
        previous = sessions.closes[np.maximum(k - 1, 0)]
        by_close = np.where(instant == sessions.closes[k], time > previous, time >= previous)
    return np.asarray(np.where(quoted, by_quote, by_close), dtype=bool)


def describe_limit(market: Market, asset: int, instant: int) -> str:
    """The staleness limit of an asset at an instant, in words."""
    if instant >= market.store.first_quote[asset]:
        return market.plan.max_age.quote
    limit = market.plan.max_age.close
    return "the previous session's close" if limit == "session" else limit
