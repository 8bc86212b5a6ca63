"""Day slices: the value-add of a chain, session by session.

A(k) and B(k) are the actual and the model book at the close of desk session k, using only fills up to that close and the mark at that
close (the horizon's mark in the last one). V(k) = A(k) - B(k), slice(k) = V(k) - V(k-1). The sum telescopes to value_add in integers,
whatever was rounded. An interim close without a fresh mark, or without a fresh exchange rate where one is needed, gets no
slice; each close is converted at its own rate, the horizon at the horizon's. The amount of a close without a slice falls into the next marked session. Slices, not a
lag correction, are what repairs overlapping horizons.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skillstats.ledger.algebra import Orders, book_costs, book_pnl, widen
from skillstats.ledger.chains import Chains, FillRows
from skillstats.ledger.grid import Grid
from skillstats.ledger.pricing import Prices
from skillstats.market.currency import rate_at
from skillstats.market.marks import Market, mark_at
from skillstats.record.containers import NULL, Record

IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Slices:
    """Slices of all chains, sorted by (chain, session).

    chain : (slice,); session : (slice,) position in the desk calendar; actual, model : (slice,) micro-units, change of each book after costs
    actual_cost, model_cost : (slice,) micro-units, costs of each book in the session
    mark_time : (slice,) time of the price used; carried : (slice,) sessions joined because interim closes had no mark
    stored : (slice,) bool, False once the positions agree: such slices are 0, and only the two books still move, together
    """

    chain: IntArray
    session: IntArray
    actual: IntArray
    model: IntArray
    actual_cost: IntArray
    model_cost: IntArray
    mark_time: IntArray
    carried: IntArray
    stored: NDArray[np.bool_]

    @property
    def amount(self) -> IntArray:
        """Slice of the value-add, micro-units."""
        return self.actual - self.model


@dataclass(frozen=True, slots=True)
class Traded:
    """Both books' orders and what they were made of.

    fills : in anchor-time units; within : (fill,) those up to as_of or, for slices, up to the horizon
    """

    orders: Orders
    fills: FillRows
    within: NDArray[np.bool_]
    prices: Prices
    grid: Grid


@dataclass(frozen=True, slots=True)
class _Days:
    """Every (chain, desk session) from the anchor to the horizon or to the last session closed by as_of."""

    chain: IntArray
    session: IntArray
    instant: IntArray
    final: NDArray[np.bool_]


def day_slices(record: Record, market: Market, chains: Chains, traded: Traded) -> Slices:
    """Slices of every chain; those of an OPEN chain up to the last session closed by as_of are final.

    Parameters
    ----------
    traded : both books' orders with their fills and look-ups
    """
    days = _days(market, chains, traded.prices)
    mark = mark_at(market, chains.asset[days.chain], days.instant)
    rates = rate_at(market, record.scales, traded.prices.fx[days.chain], days.instant)
    rows = np.flatnonzero(mark.usable & rates.usable)
    chain, session, instant = days.chain[rows], days.session[rows], days.instant[rows]
    price = traded.grid.price(chain, mark.lookup.time[rows], mark.lookup.price[rows])
    now = widen(orders_at(traded, chain, instant, price, (rates.numerator[rows], rates.denominator[rows])))
    first = np.r_[True, chain[1:] != chain[:-1]] if len(chain) else np.zeros(0, dtype=bool)
    books = (*book_pnl(now), *book_costs(now))
    amounts = [_change(v, first) for v in books]
    carried = (
        np.where(first, session - _first_session(market, chains)[chain], session - np.r_[0, session[:-1]] - 1)
        if len(chain)
        else session
    )
    gap = np.asarray(now.filled != now.q, dtype=bool)
    earlier = first | (np.r_[True, gap[:-1]] if len(gap) else gap)
    return Slices(
        chain,
        session,
        amounts[0],
        amounts[1],
        amounts[2],
        amounts[3],
        mark.lookup.time[rows],
        carried.astype(np.int64),
        gap | earlier | (amounts[0] != amounts[1]),
    )


def _change(values: NDArray[np.object_], first: NDArray[np.bool_]) -> IntArray:
    """Difference to the row before, within a chain."""
    before = np.where(first, 0, np.r_[0, values[:-1]]) if len(values) else values
    return np.asarray(values - before).astype(np.int64)


def _first_session(market: Market, chains: Chains) -> IntArray:
    return market.desk.index_of(chains.anchor)


def _days(market: Market, chains: Chains, prices: Prices) -> _Days:
    first = _first_session(market, chains)
    closed = np.searchsorted(market.desk.closes, market.as_of, side="right") - 1
    safe = np.where(prices.horizon == NULL, market.as_of, prices.horizon)
    last = np.where(prices.open, np.minimum(closed, market.desk.index_of(safe)), market.desk.index_of(safe))
    length = np.maximum(last - first + 1, 0)
    chain = np.repeat(np.arange(len(chains)), length)
    session = first[chain] + np.arange(len(chain)) - np.repeat(np.cumsum(length) - length, length)
    final = (session == last[chain]) & ~prices.open[chain]
    close = market.desk.closes[session] if len(session) else session
    instant = np.where(final, safe[chain], close)
    inside = final | (close < safe[chain]) | (prices.horizon[chain] == NULL)
    return _Days(chain[inside], session[inside], instant[inside], final[inside])


def orders_at(
    traded: Traded, chain: IntArray, instant: IntArray, mark: NDArray[Any], rate: tuple[NDArray[Any], NDArray[Any]]
) -> Orders:
    """Both books of each (chain, instant), fills later than the instant left out, at a mark and a rate of that instant.

    Parameters
    ----------
    chain, instant : (n,); mark : (n,) finer half ticks of anchor-time units; rate : numerator and denominator, (n,) each
    """
    orders, fills, used = traded.orders, traded.fills, np.flatnonzero(traded.within)
    times = np.unique(fills.time[used])
    width = len(times) + 1
    key = fills.chain[used] * width + np.searchsorted(times, fills.time[used])
    stop = np.searchsorted(key, chain * width + np.searchsorted(times, instant, side="right"), side="left")
    start = np.searchsorted(key, chain * width, side="left")

    def upto(values: NDArray[np.object_]) -> NDArray[np.object_]:
        running = np.r_[np.zeros(1, dtype=object), np.cumsum(values[used])] if len(used) else np.zeros(1, dtype=object)
        result: NDArray[np.object_] = running[stop] - running[start]
        return result

    filled = fills.quantity.astype(object)
    model_time = traded.prices.model_time[chain]
    model_in = (model_time != NULL) & (model_time <= instant)
    return Orders(
        side=orders.side[chain],
        q=np.where(model_in, orders.q[chain], 0),
        p=orders.p[chain],
        filled=upto(filled),
        notional=upto(filled * fills.price.astype(object)),
        arrival=np.zeros(len(chain), dtype=object),
        mark=mark,
        un=orders.un[chain],
        ud=orders.ud[chain],
        actual_cost=upto(fills.fee.astype(object)) * orders.ud[chain],
        model_cost=np.where(model_in, orders.model_cost[chain], 0),
        rn=rate[0],
        rd=rate[1],
    )
