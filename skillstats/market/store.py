"""Prices per asset, and the price that stood at an instant.

The **reference price** of a row is the mid of its quote if both sides are there and not crossed, else its close, else the row has none.
A look-up takes the newest row that has a price and is not later than the instant (or strictly earlier, where asked), and never looks
forward. It returns the position of the row, so that an auditor finds it again, and leaves it to the caller to judge the age. A row that
was refused stops the search: an older price must not stand in for it.

The rows are held in units of the price table's own decimals (`PriceRows`); look-ups convert what they found to half ticks, exactly.
Few look-ups on a small store are made in plain numpy, many or those on a mapped store by compiled loops; both give the same integers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from skillstats.errors import RULES, InputRejected, Problem
from skillstats.record.containers import NULL
from skillstats.record.price_rows import NEVER, PRICE_COLUMNS, PriceRows, null_of, refused_of
from skillstats.units import Scale

IntArray = NDArray[np.int64]
FEW: Final = 20_000
"""Below so many look-ups the plain numpy path runs."""
SMALL: Final = 2_000_000
"""Stores of more rows are always searched by the compiled loop, which reads no more than it needs."""
LIMIT: Final = 2**62
KINDS: Final = ("mid", "bid", "ask", "open")

__all__ = ["NEVER", "Lookup", "PriceStore", "Series", "build_store", "look_back", "look_forward"]


@dataclass(frozen=True, slots=True)
class Series:
    """One kind of price of one asset: the rows of the store that have it.

    time : (row,) ascending; price : (row,) half ticks, `NULL` for a tombstone where these were asked for; row : (row,) position in the store
    """

    time: IntArray
    price: IntArray
    row: IntArray


@dataclass(frozen=True, slots=True)
class PriceStore:
    """Prices of all assets on the scales of a plan.

    rows : the prices in their own units
    up, down : (asset,) int64, half ticks = 2 * price in own units * up / down, always whole
    lots_up, lots_down : (asset,) int64, lots = volume in own units * lots_up / lots_down
    """

    rows: PriceRows
    up: IntArray
    down: IntArray
    lots_up: IntArray
    lots_down: IntArray

    @property
    def assets(self) -> tuple[str, ...]:
        """Names sorted by UTF-8 bytes."""
        return self.rows.assets

    @property
    def offsets(self) -> IntArray:
        """Where each asset's rows begin, shape (asset + 1,)."""
        return self.rows.offsets

    @property
    def time(self) -> IntArray:
        """Instant of each row."""
        return self.rows.time

    @property
    def first_quote(self) -> IntArray:
        """Time of each asset's first quote, `NEVER` if it has none."""
        return self.rows.first_quote

    def code_of(self) -> Mapping[str, int]:
        """Position of each asset."""
        return {name: i for i, name in enumerate(self.assets)}

    def run(self, asset: int) -> slice:
        """Rows of one asset."""
        return slice(int(self.offsets[asset]), int(self.offsets[asset + 1]))

    def place(self, asset: IntArray, row: IntArray) -> IntArray:
        """Positions among the asset's accepted rows, which neither another asset nor a refused row can move; `NULL` for -1.

        asset, row : (n,) position in the store of the asset and of the row
        """
        if not len(self.assets):
            return np.full(len(row), NULL, dtype=np.int64)
        begins, refused = self.offsets[np.maximum(asset, 0)], self.rows.refused
        stones = np.searchsorted(refused, row) - np.searchsorted(refused, begins)
        return np.where(row >= 0, row - begins - stones, NULL)

    def cells(self, asset: int, column: str, rows: slice | None = None) -> IntArray:
        """Prices (half ticks), volumes (lots) or sizes (whole units) of one asset's rows, `NULL` where absent."""
        run = rows or self.run(asset)
        values: NDArray[Any] = getattr(self.rows, column)
        if not len(values):
            return np.full(run.stop - run.start, NULL, dtype=np.int64)
        part = values[run]
        empty = part <= refused_of(part.dtype)
        whole = np.where(empty, 0, part.astype(np.int64) + (self.rows.base[asset] if column in PRICE_COLUMNS else 0))
        if column not in PRICE_COLUMNS:
            up, down = (self.lots_up[asset], self.lots_down[asset]) if column == "volume" else (1, 1)
            return np.where(empty, NULL, whole * up // down)
        return np.where(empty, NULL, 2 * whole * self.up[asset] // self.down[asset])

    def stones(self, asset: int) -> IntArray:
        """Positions of the asset's tombstones."""
        run = self.run(asset)
        lo, hi = np.searchsorted(self.rows.refused, [run.start, run.stop])
        return self.rows.refused[lo:hi]

    def series(self, asset: int, kind: str, *, stones: bool = False) -> Series:
        """Rows of one asset that have a reference price (``mid``), a usable quote side (``bid``, ``ask``) or an ``open``.

        With `stones` the tombstones too, without a price: for searches, which must stop at them.
        """
        run = self.run(asset)
        if kind == "open":
            if not len(self.rows.open):
                nothing = np.zeros(0, dtype=np.int64)
                return Series(nothing, nothing, nothing)
            price = self.cells(asset, "open")
            has = price != NULL
        else:
            bid, ask = self.cells(asset, "bid"), self.cells(asset, "ask")
            quote = (bid != NULL) & (ask != NULL) & (bid <= ask)
            if kind == "mid":
                close = self.cells(asset, "close")
                price = np.where(quote, (bid + ask) // 2, close)
                has = quote | (close != NULL)
            else:
                price, has = (bid if kind == "bid" else ask), quote
        refused = self.stones(asset) - run.start
        has[refused] = stones
        price[refused] = NULL
        row = np.flatnonzero(has)
        return Series(np.asarray(self.time[run][row]), price[row], row + run.start)


@dataclass(frozen=True, slots=True)
class Lookup:
    """Result of a look-up, a row each: position in the store (-1: none), price in half ticks and time of that row (`NULL`: none).

    blocked : position of the refused row that would have been used, -1 where there was none
    """

    row: IntArray
    price: IntArray
    time: IntArray
    blocked: IntArray

    @property
    def found(self) -> NDArray[np.bool_]:
        """Where a price was found."""
        return self.row >= 0

    def keep(self, usable: NDArray[np.bool_]) -> Lookup:
        """The same look-up with unusable results removed."""
        return Lookup(
            np.where(usable, self.row, -1), np.where(usable, self.price, NULL), np.where(usable, self.time, NULL), self.blocked
        )


def build_store(rows: PriceRows, scales: Mapping[str, Scale]) -> PriceStore:
    """Put price rows on the scales of a plan.

    Raises
    ------
    InputRejected
        F110 where an asset's prices leave 62 bits on its tick.
    """
    own = [scales.get(name, _UNUSED) for name in rows.assets]
    price = [Fraction(1, 10 ** int(p)) / s.tick for s, p in zip(own, rows.places, strict=True)]
    volume = [Fraction(1, 10 ** int(p)) / s.lot for s, p in zip(own, rows.volume_places, strict=True)]
    large = [n for n, f, p in zip(rows.assets, price, rows.peak, strict=True) if 2 * int(p) * f.numerator >= LIMIT]
    if large:
        text = f"prices of {large[0]!r} reach over 2^62 steps of its tick {scales[large[0]].tick}; declare a coarser tick in the plan"
        raise InputRejected([Problem("F110", "prices", "prices", 0, f"{text}; {RULES['F110'].text}")])
    parts = [np.array([getattr(f, k) for f in ratios], dtype=np.int64) for ratios in (price, volume) for k in _RATIO]
    return PriceStore(rows, *parts)


_RATIO: Final = ("numerator", "denominator")
_UNUSED: Final = Scale(Fraction(1), Fraction(1))
"""Of an asset whose every price row was refused."""


def by_hand(store: PriceStore, lookups: int) -> bool:
    """Whether so many look-ups are made in plain numpy."""
    return lookups < FEW and len(store.time) <= SMALL


def look_back(
    store: PriceStore, asset: IntArray, instant: IntArray, kind: str = "mid", *, strict: bool = False, threads: int = 1
) -> Lookup:
    """Newest row at or before (``strict``: before) each instant.

    Parameters
    ----------
    asset : (n,) position in the store, -1 for an asset without prices
    instant : (n,) int64 UTC microseconds, `NULL` where no look-up is wanted
    kind : ``mid``, ``bid``, ``ask`` or ``open``
    threads : workers of the compiled loop; never changes a result
    """
    if by_hand(store, len(asset)):
        return _look(store, asset, instant, kind, "left" if strict else "right", -1)
    return _compiled(store, asset, instant, kind, strict=strict, forward=False, threads=threads)


def look_forward(store: PriceStore, asset: IntArray, instant: IntArray, kind: str = "open", *, threads: int = 1) -> Lookup:
    """First row at or after each instant; only for fills that lie in the future by definition (``next_open``)."""
    if by_hand(store, len(asset)):
        return _look(store, asset, instant, kind, "left", 0)
    return _compiled(store, asset, instant, kind, strict=False, forward=True, threads=threads)


def _look(store: PriceStore, asset: IntArray, instant: IntArray, kind: str, side: str, shift: int) -> Lookup:
    """The plain path: a binary search an asset among the rows that have the price."""
    row = np.full(len(asset), -1, dtype=np.int64)
    price, time, blocked = np.full_like(row, NULL), np.full_like(row, NULL), np.full_like(row, -1)
    wanted = np.flatnonzero((asset >= 0) & (instant != NULL))
    wanted = wanted[np.argsort(asset[wanted], kind="stable")]
    for group in np.split(wanted, np.flatnonzero(np.diff(asset[wanted])) + 1):
        if not len(group):
            continue
        series = store.series(int(asset[group[0]]), kind, stones=True)
        at = np.searchsorted(series.time, instant[group], side=side) + shift  # type: ignore[call-overload]
        hit = (at >= 0) & (at < len(series.time))
        stone = np.zeros(len(hit), dtype=bool)
        stone[hit] = series.price[at[hit]] == NULL
        blocked[group[stone]] = series.row[at[stone]]
        hit &= ~stone
        row[group[hit]], price[group[hit]], time[group[hit]] = series.row[at[hit]], series.price[at[hit]], series.time[at[hit]]
    return Lookup(row, price, time, blocked)


def _compiled(
    store: PriceStore, asset: IntArray, instant: IntArray, kind: str, *, strict: bool, forward: bool, threads: int
) -> Lookup:
    from skillstats.market.kernels import Cells, search

    rows = store.rows
    columns = {name: getattr(rows, name) for name in PRICE_COLUMNS}
    dtype = next((c.dtype for c in columns.values() if len(c)), np.dtype(np.int64))
    columns = {name: c if len(c) else np.zeros(0, dtype=dtype) for name, c in columns.items()}
    cells = Cells(rows.offsets, rows.time, **columns, null=null_of(dtype), base=rows.base, up=store.up, down=store.down)
    asset, instant = np.asarray(asset, dtype=np.int64), np.asarray(instant, dtype=np.int64)
    # a forward search wants the first row at or after the instant
    return Lookup(*search(cells, asset, instant, KINDS.index(kind), strict=strict or forward, forward=forward, threads=threads))
