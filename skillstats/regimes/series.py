"""Series of one number a session from which labels are cut: what was known of an asset when each session began.

Entry k is made of sessions up to k - 1, all of which had closed when session k began. Everything is integer or exact fraction.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from skillstats.market.adjust import Corporate
from skillstats.market.impact import session_volumes
from skillstats.market.marks import Market
from skillstats.market.volatility import LEAST, NANO, WINDOW, trailing_volatility
from skillstats.record.containers import NULL
from skillstats.record.price_rows import SIZES
from skillstats.record.splits import History
from skillstats.regimes.terciles import Value
from skillstats.units import INT64_MAX

IntArray = NDArray[np.int64]
BLOCK: Final = 1 << 20
"""Price rows looked at together."""


@dataclass(frozen=True, slots=True)
class Series:
    """What was known when each session began, (session,) each.

    value : number in the unit of the series, None where unknown
    newest : position of the newest session behind it, -1 where unknown
    """

    value: list[Value]
    newest: IntArray


def newest_return(returns: IntArray) -> IntArray:
    """Position of the newest session strictly before each that has a return, -1 where there is none.

    Examples
    --------
    >>> newest_return(np.array([NULL, 5, 7, NULL, 1])).tolist()
    [-1, -1, 1, 2, 2]
    """
    held = np.where(returns != NULL, np.arange(len(returns)), -1)
    return np.r_[-1, np.maximum.accumulate(held)[:-1]] if len(held) else held


def volatility_series(returns: IntArray) -> Series:
    """Root mean square of the last 21 sessions' returns, at least 10 of them known; billionths per session."""
    known = trailing_volatility(returns)
    return Series([None if v == NULL else int(v) for v in known], np.where(known == NULL, -1, newest_return(returns)))


def trend_series(returns: IntArray) -> Series:
    """Compounded return of the last 21 sessions, at least 10 of them known: prod(1 + r) - 1, in billionths, rounded away from 0.

    Rounding away from 0 keeps the sign, which is all that the label uses.

    Examples
    --------
    Ten gains of 1% and ten losses of 1% lose: 0.9999 ** 10 - 1.

    >>> trend_series(np.array([10**7, -10**7] * 10 + [0])).value[-1]
    -999551
    """
    value: list[Value] = []
    numbers = returns.tolist()
    for k in range(len(numbers)):
        own = [r for r in numbers[max(k - WINDOW, 0) : k] if r != NULL]
        product = 1
        for r in own:
            product *= NANO + r
        gone, unit = product - NANO ** len(own), NANO ** max(len(own) - 1, 0)
        rounded = -(-gone // unit) if gone > 0 else gone // unit
        value.append(rounded if len(own) >= LEAST else None)
    return Series(value, np.where([v is None for v in value], -1, newest_return(returns)))


def volume_series(market: Market, corporate: Corporate, asset: int) -> Series:
    """Volume of the session before, in lots of before every split; unknown where none was traded or recorded."""
    closed = market.sessions_of(asset).closes <= market.as_of
    volumes = session_volumes(market, corporate, asset)
    return _previous([v if v > 0 and done else None for v, done in zip(volumes, closed, strict=True)])


def spread_series(market: Market, asset: int) -> Series:
    """Mean of (ask - bid) / mid over the quotes inside the trading hours of the session before, in billionths.

    Each quote counts once; quotes that are crossed, one-sided or have a bid that is not positive are left out.
    """
    total, count = np.zeros((2, len(market.sessions_of(asset).closes)), dtype=np.int64)
    for _, at, bid, ask in _quotes(market, asset):
        np.add.at(total, at, _relative(bid, ask))
        np.add.at(count, at, 1)
    return _previous([int(t) // int(n) if n else None for t, n in zip(total, count, strict=True)])


def depth_series(market: Market, corporate: Corporate, asset: int) -> Series:
    """Mean of (bid_size + ask_size) / 2 over the quotes of `spread_series` with both sizes, in units of before every split.

    Each quote counts once and a size of 0 is a number; unknown where the session before showed no size at all.
    """
    sessions, history = len(market.sessions_of(asset).closes), corporate.histories.get(market.store.assets[asset])
    total, count = np.zeros(sessions, dtype=object), np.zeros(sessions, dtype=np.int64)
    for rows, at, _, _ in _quotes(market, asset):
        block = slice(int(rows[0]), int(rows[-1]) + 1)
        bid, ask = (market.store.cells(asset, side, block)[rows - block.start] for side in SIZES)
        known = np.flatnonzero((bid != NULL) & (ask != NULL))
        shown = bid[known] + ask[known]
        np.add.at(count, at[known], 1)
        _add_sizes(total, at[known], shown, np.asarray(market.store.time[rows[known]]), history)
    return _previous([Fraction(t) / (2 * int(n)) if t else None for t, n in zip(total, count, strict=True)])


def _add_sizes(total: NDArray[np.object_], at: IntArray, shown: IntArray, time: IntArray, history: History | None) -> None:
    """Add sizes to the sums of their sessions, exactly, in units of before every split; integers as long as they fit."""
    wide = len(shown) > 0 and int(shown.max()) > INT64_MAX // len(shown)
    spell = np.searchsorted(history.time, time, side="right") if history is not None else np.zeros(len(time), dtype=np.int64)
    for number in np.unique(spell).tolist():
        mine = spell == number
        own: NDArray[Any] = np.zeros(len(total), dtype=object if wide else np.int64)
        np.add.at(own, at[mine], shown[mine])
        held = np.flatnonzero(own)
        ratio = history.product[number] if history is not None else 1
        total[held] += np.array([Fraction(int(v)) / ratio for v in own[held]], dtype=object)


def _quotes(market: Market, asset: int) -> Iterator[tuple[IntArray, IntArray, IntArray, IntArray]]:
    """Quotes inside trading hours that are two-sided, not crossed and have a positive bid, block by block; none is empty.

    Yields
    ------
    (quote,) each: position in the store, session, bid and ask in half ticks
    """
    run, sessions, refused = market.store.run(asset), market.sessions_of(asset), market.store.stones(asset)
    for start in range(run.start, run.stop, BLOCK):
        rows = slice(start, min(start + BLOCK, run.stop))
        time = np.asarray(market.store.time[rows])
        bid, ask = (market.store.cells(asset, side, rows) for side in ("bid", "ask"))
        session = sessions.index_of(time)
        at = np.minimum(session, len(sessions.closes) - 1)
        open_then = (session < len(sessions.closes)) & (time >= sessions.opens[at]) & (sessions.closes[at] <= market.as_of)
        usable = open_then & (bid > 0) & (ask != NULL) & (bid <= ask)
        usable[refused[(refused >= rows.start) & (refused < rows.stop)] - rows.start] = False
        used = np.flatnonzero(usable)
        if len(used):
            yield used + start, at[used], bid[used], ask[used]


def _relative(bid: IntArray, ask: IntArray) -> IntArray:
    """(ask - bid) / mid in whole billionths, rounded down."""
    wide = len(ask) > 0 and int(np.max(ask - bid)) > INT64_MAX // (2 * NANO)
    gap: NDArray[Any] = (ask - bid).astype(object) if wide else ask - bid
    return np.asarray(gap * (2 * NANO) // (bid + ask), dtype=np.int64)


def _previous(values: list[Value]) -> Series:
    """The value of the session before each."""
    shifted: list[Value] = [None, *values[:-1]] if values else []
    return Series(shifted, np.array([-1 if v is None else k - 1 for k, v in enumerate(shifted)], dtype=np.int64))
