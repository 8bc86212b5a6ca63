"""Square-root market impact of a model's order, in integers.

An order of q units moves its own price against itself by

    y sigma sqrt(q / ADV) |p|,   sigma^2 = S/n,   ADV = V/n,

S the sum of squared simple returns (in integer billionths) and V the volume of the n sessions that have a return among the last 20 sessions
strictly before the anchor's. Volumes are in the units of the anchor, so an earlier split divides none of them out. n cancels: the impact in
half ticks is the integer nearest to sqrt(y^2 p^2 S q / V) / 1e9, ties to even, found by comparing squares; nothing is rounded on the way.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import isqrt
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from skillstats.market.adjust import Corporate
from skillstats.market.marks import Market
from skillstats.market.volatility import session_returns
from skillstats.record.containers import NULL

WINDOW: Final = 20
LEAST: Final = 10
NANO: Final = 10**9
BLOCK: Final = 1 << 20
"""Rows of volume read at a time."""


@dataclass(frozen=True, slots=True)
class Liquidity:
    """Known before each row's session, (n,) objects: S in billionths squared, and V in lots of the anchor; V is 0 where impact is unknown."""

    squares: NDArray[np.object_]
    volume: NDArray[np.object_]

    @property
    def known(self) -> NDArray[np.bool_]:
        """Where there are enough sessions and a volume."""
        return np.asarray(self.volume > 0, dtype=bool)


def liquidity_at(market: Market, corporate: Corporate, asset: NDArray[np.int64], anchor: NDArray[np.int64]) -> Liquidity:
    """S and V of each asset before the session of each anchor.

    Parameters
    ----------
    asset : (n,) position in the store, -1 for none; anchor : (n,) int64
    """
    squares, volume = np.zeros(len(asset), dtype=object), np.zeros(len(asset), dtype=object)
    for code in np.unique(asset[asset >= 0]):
        rows = np.flatnonzero(asset == code)
        returns = session_returns(market, corporate, int(code))
        has = returns != NULL
        traded = np.where(has, session_volumes(market, corporate, int(code)), 0)
        sums = [np.r_[0, np.cumsum(v)] for v in (np.where(has, returns, 0).astype(object) ** 2, traded, has.astype(np.int64))]
        stop = np.minimum(market.sessions_of(int(code)).index_of(anchor[rows]), len(returns))
        first = np.maximum(stop - WINDOW, 0)
        square, units, n = (s[stop] - s[first] for s in sums)
        history = corporate.histories.get(market.store.assets[code])
        grown = np.array([history.ratio(0, int(t)) if history else 1 for t in anchor[rows]], dtype=object)
        squares[rows], volume[rows] = np.where(n >= LEAST, square, 0), np.where(n >= LEAST, units * grown, 0)
    return Liquidity(squares, volume)


def session_volumes(market: Market, corporate: Corporate, asset: int) -> NDArray[np.object_]:
    """Volume of each session, (close of the one before, close], in lots of before every split."""
    run, sessions = market.store.run(asset), market.sessions_of(asset)
    history = corporate.histories.get(market.store.assets[asset])
    total = np.zeros(len(sessions.closes), dtype=object)
    for start in range(run.start, run.stop, BLOCK):
        rows = slice(start, min(start + BLOCK, run.stop))
        time, volume = np.asarray(market.store.time[rows]), market.store.cells(asset, "volume", rows)
        session = sessions.index_of(time)
        used = np.flatnonzero((volume != NULL) & (session < len(sessions.closes)))
        lots: NDArray[Any] = volume[used].astype(object)
        if history is not None:
            lots = np.array([int(v) / history.ratio(0, int(t)) for v, t in zip(lots, time[used], strict=True)], dtype=object)
        np.add.at(total, session[used], lots)
    return total


def square_root_impact(y: Fraction, price: Fraction | int, squares: int, lots: int, volume: Fraction | int) -> int:
    """Impact in half ticks, to the nearest, ties to even.

    Parameters
    ----------
    price : p in half ticks; squares : S; lots : q; volume : V > 0, in lots

    Examples
    --------
    y = 1, sigma 2 %, q/ADV = 1 %, p = 50 (10,000 half ticks of a cent): 0.10, 20 half ticks.

    >>> square_root_impact(Fraction(1), 10_000, 20 * 20_000_000**2, 1_000, 20 * 100_000)
    20
    """
    square = y**2 * Fraction(price) ** 2 * squares * lots / (Fraction(volume) * NANO**2)
    least = isqrt(square.numerator // square.denominator)
    twice, odd = 4 * square, Fraction((2 * least + 1) ** 2)
    return least + (twice > odd or (twice == odd and least % 2 == 1))
