"""Anchor-time units, in integers.

A corporate action after a chain's anchor changes what a unit is. Everything stamped later is brought back to the units of the anchor: a
price x to ``K x + D``, a quantity to ``quantity / K`` (see `record.splits`), K and D taken at the stamp of the price's own row. The results
are fractions of the asset's half tick and lot, so such a chain gets finer steps of its own on which they are whole; every other chain keeps
its asset's steps and its 64-bit integers.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from math import lcm
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skillstats.ledger.chains import Chains, FillRows
from skillstats.market.adjust import Corporate
from skillstats.record.containers import NULL
from skillstats.units import Scale

IntArray = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Grid:
    """Steps of each chain.

    scale : (chain,) position in `scales`, the asset's scale or a finer one of the chain's own
    lots, ticks : (chain,) finer lots in a lot, finer half ticks in a half tick; 1 where nothing is adjusted
    reached : chains that a corporate action reaches; name : (chain,) asset; anchor : (chain,) int64
    """

    scale: NDArray[np.int64]
    scales: tuple[Scale, ...]
    lots: IntArray
    ticks: IntArray
    reached: frozenset[int]
    name: NDArray[np.object_]
    anchor: NDArray[np.int64]
    corporate: Corporate

    def price(self, chain: NDArray[Any], stamp: IntArray, price: IntArray) -> IntArray:
        """Prices (n,) in half ticks of their asset, as adjusted finer half ticks of their chain; `NULL` stays."""
        if not self.reached:
            return price
        result = price.astype(object)
        for k in self._reached(chain, price != NULL):
            ratio, cash = self.factors(int(chain[k]), int(stamp[k]))
            result[k] = int((ratio * int(price[k]) + cash) * int(self.ticks[chain[k]]))
        return result

    def quantity(self, chain: NDArray[Any], stamp: IntArray, quantity: IntArray) -> IntArray:
        """Quantities (n,) in lots of their asset, as adjusted finer lots of their chain."""
        if not self.reached:
            return quantity
        result = quantity.astype(object)
        for k in self._reached(chain, np.ones(len(chain), dtype=bool)):
            ratio, _ = self.factors(int(chain[k]), int(stamp[k]))
            result[k] = int(int(quantity[k]) / ratio * int(self.lots[chain[k]]))
        return result

    def factors(self, chain: int, stamp: int) -> tuple[Fraction, Fraction]:
        """K, and D in half ticks of the asset, from a chain's anchor to a stamp."""
        return self.corporate.factors(self.name[chain], int(self.anchor[chain]), stamp)

    def fills(self, fills: FillRows) -> FillRows:
        """The same fills in anchor-time units."""
        return replace(
            fills,
            quantity=self.quantity(fills.chain, fills.time, fills.quantity),
            price=self.price(fills.chain, fills.time, fills.price),
        )

    def _reached(self, chain: NDArray[Any], wanted: NDArray[np.bool_]) -> list[int]:
        mine = np.isin(chain, sorted(self.reached))
        rows: list[int] = np.flatnonzero(mine & wanted).tolist()
        return rows


def lay_grid(corporate: Corporate, chains: Chains, reach: IntArray) -> Grid:
    """Steps of each chain, fine enough for every price and fill stamped up to its `reach` (int64)."""
    names = sorted(set(chains.name))
    position = {n: i for i, n in enumerate(names)}
    scale = np.array([position[n] for n in chains.name], dtype=np.int64)
    steps = [corporate.scales[n] for n in names]
    reached = []
    for i in np.flatnonzero(np.isin(chains.name, sorted(corporate.histories))).tolist() if corporate.histories else []:
        if corporate.histories[chains.name[i]].between(int(chains.anchor[i]), int(reach[i])):
            reached.append(i)
    dtype: Any = object if reached else np.int64
    lots, ticks = np.ones(len(chains), dtype=dtype), np.ones(len(chains), dtype=dtype)
    for i in reached:
        name, anchor = chains.name[i], int(chains.anchor[i])
        times = [t for t in corporate.histories[name].time if anchor < t <= reach[i]]
        factors = [corporate.factors(name, anchor, t) for t in times]
        lots[i] = lcm(*((1 / ratio).denominator for ratio, _ in factors))
        ticks[i] = lcm(*(f.denominator for pair in factors for f in pair))
        own, scale[i] = steps[scale[i]], len(steps)
        steps.append(Scale(own.tick / ticks[i], own.lot / lots[i], own.multiplier))
    return Grid(scale, tuple(steps), lots, ticks, frozenset(reached), chains.name, chains.anchor, corporate)
