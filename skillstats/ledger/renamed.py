"""Chains whose asset ends where another starts (D259): most likely the ticker was renamed midway.

Such a chain needs a price after its asset's last one and has none, so it is COUNTERFACTUAL_UNAVAILABLE anyway (D254). Where another asset
starts where this one ends, at about the same price and not after the instant the chain needs, the reader is told so instead.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from skillstats.ledger.chains import Chains, FillRows
from skillstats.ledger.price_doubts import duration_text
from skillstats.ledger.pricing import Prices
from skillstats.market.marks import Market
from skillstats.record.containers import NULL, Record
from skillstats.units import INT64_MAX

BoolArray = NDArray[np.bool_]
Found = list[tuple[int, str, str]]
PRICE_PERCENT: Final = 25
"""Largest difference of the new asset's first price from the old one's last: a rename changes no price, a night moves it a little. An asset
that merely starts on that day has some other price."""
LEAST_ROWS: Final = 2
"""An asset with one price was seen, it did not end."""


def renamed_assets(
    record: Record, market: Market, chains: Chains, fills: FillRows, prices: Prices, counted: BoolArray, found: Found
) -> Found:
    """The same list of what was unavailable, with D259 before the entries of chains whose asset seems to have been renamed."""
    missing = {i for i, code, _ in found if code == "D254"}
    needed = _needed(market, chains, fills, prices, counted, missing)
    if not needed:
        return found
    ends = {int(chains.asset[i]): (INT64_MAX, 0) for i in needed}
    starts = []
    for asset in range(len(market.store.assets)):
        series = market.store.series(asset, "mid")
        priced = np.flatnonzero(series.time <= market.as_of)
        if len(priced):
            starts.append((int(series.time[priced[0]]), asset, int(series.price[priced[0]])))
        if len(priced) >= LEAST_ROWS and asset in ends:
            ends[asset] = (int(series.time[priced[-1]]), int(series.price[priced[-1]]))
    own = []
    for i, instant in sorted(needed.items()):
        asset = int(chains.asset[i])
        last, price = ends[asset]
        begun = [s for s in starts if _follows(record, market, asset, last, price, s) and s[0] <= instant]
        if last < instant and begun:
            first, other, _ = min(begun)
            gap = "at the same instant" if first == last else f"{duration_text(first - last)} later"
            own.append((i, "D259", f"{market.store.assets[asset]} ends, {market.store.assets[other]} starts {gap}"))
    return own + found


def _needed(
    market: Market, chains: Chains, fills: FillRows, prices: Prices, counted: BoolArray, missing: set[int]
) -> dict[int, int]:
    """The last instant at which each of these chains needs a price and has none."""
    needed: dict[int, int] = {}
    for mark, instant in (
        (prices.signal_mid, chains.anchor),
        (prices.model, prices.model_time),
        (prices.mark, prices.horizon),
    ):
        for i in np.flatnonzero(~mark.usable & (instant != NULL) & (instant <= market.as_of)).tolist():
            if i in missing:
                needed[i] = max(needed.get(i, NULL), int(instant[i]))
    for k in np.flatnonzero(counted & ~prices.arrival.usable).tolist():
        i = int(fills.chain[k])
        if i in missing:
            needed[i] = max(needed.get(i, NULL), int(fills.time[k]))
    return needed


def _follows(record: Record, market: Market, asset: int, last: int, price: int, start: tuple[int, int, int]) -> bool:
    """Whether another asset starts not later than the end of the session after the one in which this asset ends, at about its price."""
    time, other, first = start
    if other == asset or time < last:
        return False
    sessions = market.sessions_of(asset)
    k = int(sessions.index_of(np.array([last]))[0]) + 1
    mine, theirs = (record.scales[market.store.assets[a]].half_tick * p for a, p in ((asset, price), (other, first)))
    return time <= int(sessions.closes[min(k, len(sessions.closes) - 1)]) and 100 * abs(theirs - mine) <= PRICE_PERCENT * abs(
        mine
    )
