"""Volatility of an asset as it was known before a session.

The volatility at session d is the root mean square of the simple close-to-close returns of the last 21 sessions strictly before d
(at least 10 must have a return), in integer billionths, so that no float library can change a byte. Returns are free of the jumps that
splits and dividends make. It is floored at the 5th
percentile of the values its asset class had in earlier sessions, once 60 such values exist. An asset joins its class from the session
of its first signal, so that neither an untraded asset nor a later signal can change an earlier number.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray

from skillstats.market.adjust import Corporate
from skillstats.market.marks import Market, mark_at
from skillstats.record.containers import NULL
from skillstats.units import INT64_MAX, divide_half_even

IntArray = NDArray[np.int64]
WINDOW: Final = 21
LEAST: Final = 10
FLOOR_AFTER: Final = 60
FLOOR_PERCENTILE: Final = 5.0
NANO: Final = 10**9


def session_returns(market: Market, corporate: Corporate, asset: int) -> IntArray:
    """Simple returns of each session of the asset's calendar in billionths, half to even; `NULL` where either close has no fresh price.

    A return counts splits and dividends of its own interval: (K now + D - before) / before, K and D between the stamps of the two rows.
    """
    closes, name = market.sessions_of(asset).closes, market.store.assets[asset]
    mark = mark_at(market, np.full(len(closes), asset, dtype=np.int64), closes)
    price, stamp, result = mark.lookup.price, mark.lookup.time, np.full(len(closes), NULL, dtype=np.int64)
    both = np.flatnonzero(mark.usable[1:] & mark.usable[:-1] & (price[:-1] != 0)) + 1
    now, before = price[both].astype(object), price[both - 1].astype(object)
    part = np.ones(len(both), dtype=object)
    if name in corporate.histories:
        for i, k in enumerate(both):
            ratio, cash = corporate.factors(name, int(stamp[k - 1]), int(stamp[k]))
            adjusted = ratio * int(now[i]) + cash
            now[i], part[i] = adjusted.numerator, adjusted.denominator
    sign = np.where(before < 0, -1, 1)
    result[both] = divide_half_even(sign * NANO * (now - before * part), abs(before) * part)
    return result


def trailing_volatility(returns: IntArray) -> IntArray:
    """Volatility known before each session, in billionths per session; `NULL` with fewer than 10 earlier returns in the window."""
    has = returns != NULL
    squares = np.where(has, returns, 0).astype(object) ** 2
    total, count = np.r_[0, np.cumsum(squares)], np.r_[0, np.cumsum(has)]
    first = np.maximum(np.arange(len(returns)) - WINDOW, 0)
    n = count[: len(returns)] - count[first]
    sums = total[: len(returns)] - total[first]
    return np.array([isqrt(int(s) // int(k)) if k >= LEAST else NULL for s, k in zip(sums, n, strict=True)], dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Known:
    """Volatility of each asset in each of its sessions, and the floor in force in each desk session; by position in the store."""

    market: Market
    raw: Mapping[int, IntArray]
    floors: Mapping[int, IntArray]

    def at(self, asset: IntArray, instant: IntArray) -> IntArray:
        """(n,) int64, billionths per session, of each asset in the session of each instant; `NULL` where unknown."""
        result = np.full(len(asset), NULL, dtype=np.int64)
        order = np.argsort(asset, kind="stable")
        for rows in np.split(order, np.flatnonzero(np.diff(asset[order])) + 1) if len(order) else ():
            code = int(asset[rows[0]])
            if code >= 0:
                value = self.raw[code][self.market.sessions_of(code).index_of(instant[rows])]
                floor = self.floors[code][self.market.desk.index_of(instant[rows])]
                result[rows] = np.where(value == NULL, NULL, np.maximum(value, floor))
        return result


def joined(asset: IntArray, anchor: IntArray) -> dict[int, int]:
    """First anchor of each asset with prices: an asset joins its class in the session of it."""
    codes, at = np.unique(asset[asset >= 0], return_inverse=True)
    first = np.full(len(codes), INT64_MAX, dtype=np.int64)
    np.minimum.at(first, at, anchor[asset >= 0])
    return dict(zip(codes.tolist(), first.tolist(), strict=True))


def known_volatility(market: Market, corporate: Corporate, first: Mapping[int, int]) -> Known:
    """Volatilities of all assets of a ledger, by the first anchor of each."""
    codes = sorted(first)
    raw = {c: trailing_volatility(session_returns(market, corporate, c)) for c in codes}
    floors: dict[int, IntArray] = {}
    for group in _classes(market, codes):
        floors |= dict.fromkeys(group, _floors(market, group, raw, first))
    return Known(market, raw, floors)


def volatility_at(market: Market, corporate: Corporate, asset: IntArray, anchor: IntArray, instant: IntArray) -> IntArray:
    """Floored volatility of each asset in the session of each instant.

    Parameters
    ----------
    asset : (n,) position in the store; anchor : (n,) signal times, which decide when an asset joins its class
    instant : (n,) decision times

    Returns
    -------
    (n,) int64, billionths per session; `NULL` where unknown
    """
    return known_volatility(market, corporate, joined(asset, anchor)).at(asset, instant)


def _classes(market: Market, codes: list[int]) -> list[list[int]]:
    """Assets by (class, calendar), in a fixed order: sessions of unlike calendars cannot be lined up."""
    groups: dict[tuple[str, str], list[int]] = {}
    for code in codes:
        name = market.store.assets[code]
        kind = market.plan.assets[name].class_ if name in market.plan.assets else "all"
        groups.setdefault((kind, market.calendar_of[code]), []).append(code)
    return [groups[k] for k in sorted(groups)]


def _floors(market: Market, group: list[int], raw: Mapping[int, IntArray], first: Mapping[int, int]) -> IntArray:
    """Floor in force in each desk session, from values of strictly earlier sessions; 0 before 60 values exist."""
    sessions = market.sessions_of(group[0])
    closes, values = [], []
    for code in group:
        mine = np.arange(len(raw[code])) >= sessions.index_of(np.array([first[code]]))[0]
        mine &= raw[code] != NULL
        closes.append(sessions.closes[mine])
        values.append(raw[code][mine])
    when, value = np.concatenate(closes), np.concatenate(values)
    order = np.argsort(when, kind="stable")
    when, value = when[order], value[order]
    floors = np.zeros(len(market.desk.closes) + 1, dtype=np.int64)
    previous: IntArray = np.concatenate([[NULL], market.desk.closes])
    known: IntArray = np.asarray(np.searchsorted(when, previous, side="right"))
    for k in np.flatnonzero(known >= FLOOR_AFTER):
        earlier = sorted(value[: int(known[k])].tolist())
        floors[k] = earlier[int(FLOOR_PERCENTILE / 100 * (len(earlier) - 1))]
    return floors
