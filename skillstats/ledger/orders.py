"""From look-ups to the two orders of each chain, on the chain's own integer steps."""

from __future__ import annotations

from fractions import Fraction
from math import lcm

import numpy as np
from numpy.typing import NDArray

from skillstats.ledger.algebra import IntArray, Orders
from skillstats.ledger.chains import Chains, FillRows
from skillstats.ledger.costs import model_fees
from skillstats.ledger.grid import Grid
from skillstats.ledger.pricing import Prices
from skillstats.plan import Fees
from skillstats.record.containers import NULL


def model_prices(chains: Chains, prices: Prices, grid: Grid) -> IntArray:
    """P of each chain on its own steps; 0 where the model has no order, or no price yet."""
    known = (chains.q > 0) & prices.model.usable
    price = grid.price(np.arange(len(chains)), prices.model.lookup.time, np.where(known, prices.model.lookup.price, NULL))
    if prices.impact.any():
        price = price + chains.side * prices.impact * grid.ticks
    return np.where(known, price, 0)


def make_orders(fees: Fees, chains: Chains, fills: FillRows, counted: NDArray[np.bool_], prices: Prices, grid: Grid) -> Orders:
    """Both orders of each chain; an OPEN chain has mark 0 and rate 1.

    Parameters
    ----------
    fills : in anchor-time units; counted : (fill,) those inside the horizon
    """
    quantity = fills.quantity.astype(object)
    mids = grid.price(fills.chain, prices.arrival.lookup.time, prices.arrival.lookup.price)
    mids = np.where(prices.arrival.usable, mids, 0).astype(object)
    q, p, filled = chains.q * grid.lots, model_prices(chains, prices, grid), fills.total(quantity, counted)
    overlaps = np.minimum(q, np.maximum(filled, 0)) > 0
    paid = model_fees(fees, q, p, grid.scales, grid.scale)
    un, ud, cost = _units(grid, paid)
    mark = grid.price(np.arange(len(chains)), prices.mark.lookup.time, prices.mark.lookup.price)
    return Orders(
        side=chains.side,
        q=q,
        p=p,
        filled=filled,
        notional=fills.total(quantity * fills.price.astype(object), counted),
        arrival=np.where(overlaps, fills.total(quantity * mids, counted), 0),
        mark=np.where(prices.open, 0, mark),
        un=un,
        ud=ud,
        actual_cost=fills.total(fills.fee.astype(object), counted) * ud,
        model_cost=cost,
        rn=np.where(prices.open, 1, prices.mark_fx.numerator),
        rd=np.where(prices.open, 1, prices.mark_fx.denominator),
    )


def _units(grid: Grid, paid: list[Fraction]) -> tuple[IntArray, IntArray, IntArray]:
    """Micro-units per step as ratios un/ud, ud fine enough for the model's fee too, and that fee times ud."""
    steps = [s.micro_per_step for s in grid.scales]
    un = np.array([s.numerator for s in steps], dtype=object)[grid.scale]
    ud = np.array([s.denominator for s in steps], dtype=object)[grid.scale]
    cost = np.zeros(len(paid), dtype=object)
    for i in [i for i, f in enumerate(paid) if f]:
        step, fee = steps[grid.scale[i]], paid[i]
        ud[i] = lcm(step.denominator, fee.denominator)
        un[i], cost[i] = int(step * ud[i]), int(fee * ud[i])
    return un, ud, cost
