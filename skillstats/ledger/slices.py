"""Day slices: the value-add of a chain, session by session.

A(k) and B(k) are the actual and the model book at the close of desk session k, using only fills up to that close and the mark at that
close (the horizon's mark in the last one). V(k) = A(k) - B(k), slice(k) = V(k) - V(k-1). The sum telescopes to value_add in integers,
whatever was rounded. An interim close without a fresh mark gets no slice; its amount falls into the next marked session. Slices, not a
lag correction, are what repairs overlapping horizons.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skillstats.ledger.algebra import Orders, book_pnl, widen
from skillstats.ledger.chains import Chains, FillRows
from skillstats.ledger.pricing import Prices
from skillstats.market.marks import Market, mark_at
from skillstats.record.containers import NULL

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
class _Grid:
    """Every (chain, desk session) from the anchor to the horizon or to the last session closed by as_of."""

    chain: IntArray
    session: IntArray
    instant: IntArray
    final: NDArray[np.bool_]


def day_slices(
    market: Market, chains: Chains, fills: FillRows, prices: Prices, orders: Orders, counted: NDArray[np.bool_]
) -> Slices:
    """Slices of every chain; those of an OPEN chain up to the last session closed by as_of are final.

    Parameters
    ----------
    orders : Orders of the chains, of which the model side, scales and costs are used
    counted : (fill,) fills inside the horizon
    """
    grid = _grid(market, chains, prices)
    mark = mark_at(market, chains.asset[grid.chain], grid.instant)
    rows = np.flatnonzero(mark.usable)
    chain, session, instant = grid.chain[rows], grid.session[rows], grid.instant[rows]
    now = _orders_at(orders, fills, counted, chain, instant, prices.model_time, mark.lookup.price[rows])
    actual, model = book_pnl(widen(now))
    actual, model = actual - now.actual_cost, model - now.model_cost
    first = np.r_[True, chain[1:] != chain[:-1]] if len(chain) else np.zeros(0, dtype=bool)
    books = (actual, model, now.actual_cost, now.model_cost)
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


def _grid(market: Market, chains: Chains, prices: Prices) -> _Grid:
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
    return _Grid(chain[inside], session[inside], instant[inside], final[inside])


def _orders_at(
    orders: Orders,
    fills: FillRows,
    counted: NDArray[np.bool_],
    chain: IntArray,
    instant: IntArray,
    model_time: IntArray,
    mark: IntArray,
) -> Orders:
    """Both books of each (chain, instant), fills later than the instant left out."""
    used = np.flatnonzero(counted)
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
    model_in = (model_time[chain] != NULL) & (model_time[chain] <= instant)
    zero = np.zeros(len(chain), dtype=object)
    return Orders(
        side=orders.side[chain],
        q=np.where(model_in, orders.q[chain], 0),
        p=orders.p[chain],
        filled=upto(filled),
        notional=upto(filled * fills.price.astype(object)),
        arrival=zero,
        mark=mark,
        un=orders.un[chain],
        ud=orders.ud[chain],
        actual_cost=upto(fills.fee.astype(object)),
        model_cost=np.where(model_in, orders.model_cost[chain], 0),
    )
