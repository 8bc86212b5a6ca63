"""Prices per asset, and the price that stood at an instant.

Assets are sorted by their UTF-8 bytes; each has one contiguous run of rows sorted by time, found through an array of offsets. The
**reference price** of a row is the mid of its quote if both sides are there and not crossed, else its close, else the row has none.
A look-up takes the newest row that has a price and is not later than the instant (or strictly earlier, where asked), and never looks
forward. It returns the position of the row, so that an auditor finds it again, and leaves it to the caller to judge the age.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from skillstats.record.containers import NULL, Table

IntArray = NDArray[np.int64]
NEVER: Final = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Series:
    """One kind of price of one asset: the rows of the store that have it.

    time : (row,) ascending; price : (row,) half ticks; row : (row,) position in the store
    """

    time: IntArray
    price: IntArray
    row: IntArray


@dataclass(frozen=True, slots=True)
class PriceStore:
    """Prices of all assets.

    assets : names sorted by UTF-8 bytes; offsets : (asset + 1,)
    time, bid, ask, close, open, volume : (row,) int64; prices in half ticks, volume in lots, `NULL` where absent
    first_quote : (asset,) int64, time of the asset's first quote, `NEVER` if it has none
    """

    assets: tuple[str, ...]
    offsets: IntArray
    time: IntArray
    bid: IntArray
    ask: IntArray
    close: IntArray
    open: IntArray
    volume: IntArray
    first_quote: IntArray

    def code_of(self) -> Mapping[str, int]:
        """Position of each asset."""
        return {name: i for i, name in enumerate(self.assets)}

    def series(self, asset: int, kind: str) -> Series:
        """Rows of one asset that have a reference price (``mid``), a usable quote side (``bid``, ``ask``) or an ``open``."""
        run = slice(int(self.offsets[asset]), int(self.offsets[asset + 1]))
        bid, ask, close = self.bid[run], self.ask[run], self.close[run]
        quote = (bid != NULL) & (ask != NULL) & (bid <= ask)
        if kind == "mid":
            price = np.where(quote, (bid + ask) // 2, close)
            has = quote | (close != NULL)
        else:
            price = getattr(self, kind)[run]
            has = quote if kind in ("bid", "ask") else price != NULL
        row = np.flatnonzero(has)
        return Series(self.time[run][row], price[row], row + run.start)


@dataclass(frozen=True, slots=True)
class Lookup:
    """Result of a look-up, a row each: position in the store (-1: none), price in half ticks and time of that row (`NULL`: none)."""

    row: IntArray
    price: IntArray
    time: IntArray

    @property
    def found(self) -> NDArray[np.bool_]:
        """Where a price was found."""
        return self.row >= 0

    def keep(self, usable: NDArray[np.bool_]) -> Lookup:
        """The same look-up with unusable results removed."""
        return Lookup(np.where(usable, self.row, -1), np.where(usable, self.price, NULL), np.where(usable, self.time, NULL))


def build_store(prices: Table) -> PriceStore:
    """Group the accepted price rows by asset; the table is sorted by (asset bytes, time) already."""
    names = prices["asset"]
    change = np.flatnonzero(np.r_[True, names[1:] != names[:-1]]) if len(names) else np.zeros(0, dtype=np.int64)
    offsets = np.r_[change, len(names)].astype(np.int64)
    bid, ask = prices["bid"], prices["ask"]
    first = np.where((bid != NULL) & (ask != NULL), prices["time"], NEVER)
    first_quote = np.minimum.reduceat(first, offsets[:-1]) if len(names) else np.zeros(0, dtype=np.int64)
    assets = tuple(str(names[i]) for i in change)
    return PriceStore(assets, offsets, prices["time"], bid, ask, prices["close"], prices["open"], prices["volume"], first_quote)


def look_back(store: PriceStore, asset: IntArray, instant: IntArray, kind: str = "mid", *, strict: bool = False) -> Lookup:
    """Newest row at or before (``strict``: before) each instant.

    Parameters
    ----------
    asset : (n,) position in the store, -1 for an asset without prices
    instant : (n,) int64 UTC microseconds, `NULL` where no look-up is wanted
    kind : ``mid``, ``bid``, ``ask`` or ``open``
    """
    return _look(store, asset, instant, kind, "left" if strict else "right", -1)


def look_forward(store: PriceStore, asset: IntArray, instant: IntArray, kind: str = "open") -> Lookup:
    """First row at or after each instant; only for fills that lie in the future by definition (``next_open``)."""
    return _look(store, asset, instant, kind, "left", 0)


def _look(store: PriceStore, asset: IntArray, instant: IntArray, kind: str, side: str, shift: int) -> Lookup:
    row = np.full(len(asset), -1, dtype=np.int64)
    price, time = np.full_like(row, NULL), np.full_like(row, NULL)
    wanted = np.flatnonzero((asset >= 0) & (instant != NULL))
    wanted = wanted[np.argsort(asset[wanted], kind="stable")]
    for group in np.split(wanted, np.flatnonzero(np.diff(asset[wanted])) + 1):
        if not len(group):
            continue
        series = store.series(int(asset[group[0]]), kind)
        at = np.searchsorted(series.time, instant[group], side=side) + shift  # type: ignore[call-overload]
        hit = (at >= 0) & (at < len(series.time))
        row[group[hit]], price[group[hit]], time[group[hit]] = series.row[at[hit]], series.price[at[hit]], series.time[at[hit]]
    return Lookup(row, price, time)
