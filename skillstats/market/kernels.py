"""Compiled loops of the price look-ups. Import costs the compiler; only large look-ups come here.

Look-ups are grouped by asset (a stable counting sort), so that each asset's prices are read once and in order: a search starts where the
last one of the same asset ended and goes on step by step, then by doubling steps, then by bisection. Threads share the assets in contiguous
parts and write to disjoint places: their number cannot change a result.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from skillstats.record.compiled import compiled
from skillstats.record.containers import NULL

Array = NDArray[Any]
MID: Final = 0
BID: Final = 1
ASK: Final = 2
OPEN: Final = 3
NEAR: Final = 16
"""Rows that are looked at one by one before the steps double."""


@dataclass(frozen=True, slots=True)
class Cells:
    """Price columns of a store as the loops take them: (row,) each, or empty; `null` marks an empty cell, one more a tombstone in close.

    base, up, down : (asset,) half ticks = (2 cell + 2 base) up / down
    """

    offsets: Array
    time: Array
    bid: Array
    ask: Array
    close: Array
    open: Array
    null: int
    base: Array
    up: Array
    down: Array


@compiled
def by_asset(asset: Array, assets: int) -> tuple[Array, Array]:
    """Positions of all rows with an asset, grouped by asset, in their own order within one; and where each group begins."""
    begins = np.zeros(assets + 1, np.int64)
    for i in range(len(asset)):
        if asset[i] >= 0:
            begins[asset[i] + 1] += 1
    for a in range(assets):
        begins[a + 1] += begins[a]
    following = begins[:assets].copy()
    order = np.empty(begins[assets], np.int64)
    for i in range(len(asset)):
        if asset[i] >= 0:
            order[following[asset[i]]] = i
            following[asset[i]] += 1
    return order, begins


@compiled
def look(  # noqa: C901, PLR0912, PLR0915  cut into functions, inlined or not, it takes almost three times as long
    first: int,
    last: int,
    begins: Array,
    instant: Array,
    offsets: Array,
    time: Array,
    bid: Array,
    ask: Array,
    close: Array,
    opens: Array,
    null: int,
    base: Array,
    up: Array,
    down: Array,
    kind: int,
    forward: bool,
    row: Array,
    price: Array,
    stamp: Array,
    blocked: Array,
) -> None:
    """Newest row not later than each instant (`forward`: first row later than it) of the assets [first, last).

    Look-ups lie asset by asset, `begins` says where each asset's are; so do the results.
    """
    quoted, closes = len(bid) > 0 and len(ask) > 0, len(close) > 0
    if kind == OPEN and len(opens) == 0:
        return
    for a in range(first, last):
        lo, hi = offsets[a], offsets[a + 1]
        at = lo
        for i in range(begins[a], begins[a + 1]):
            t = instant[i]
            if t == NULL:
                continue
            # `at` becomes the first row later than t: step by step, then by doubling steps, then by bisection
            if at > lo and time[at - 1] > t:
                step, right = 1, at - 1
                while right - step >= lo and time[right - step] > t:
                    right -= step
                    step *= 2
                left = max(right - step, lo)
            else:
                near = min(at + NEAR, hi)
                while at < near and time[at] <= t:
                    at += 1
                left, right = at, at
                if at == near and at < hi and time[at] <= t:
                    step, left = NEAR, at + 1
                    while left + step < hi and time[left + step] <= t:
                        left += step + 1
                        step *= 2
                    right = min(left + step, hi)
            while left < right:
                middle = (left + right) // 2
                if time[middle] <= t:
                    left = middle + 1
                else:
                    right = middle
            at = left
            j = at if forward else at - 1
            while lo <= j < hi:
                if closes and close[j] == null + 1:
                    blocked[i] = j
                    break
                has, twice = False, 2 * base[a]
                if kind == OPEN:
                    has = opens[j] != null
                    twice += 2 * np.int64(opens[j])
                elif quoted and null < bid[j] <= ask[j]:
                    has = True
                    if kind == MID:
                        twice += np.int64(bid[j]) + np.int64(ask[j])
                    else:
                        twice += 2 * np.int64(bid[j] if kind == BID else ask[j])
                elif kind == MID and closes and close[j] != null:
                    has = True
                    twice += 2 * np.int64(close[j])
                if has:
                    row[i], stamp[i] = j, time[j]
                    price[i] = twice * up[a] // down[a]
                    break
                j += 1 if forward else -1


def search(
    cells: Cells, asset: Array, instant: Array, kind: int, *, strict: bool, forward: bool, threads: int
) -> tuple[Array, Array, Array, Array]:
    """Position (-1: none), price in half ticks and time (`NULL`: none) of each look-up, and the tombstone in the way (-1: none)."""
    assets = len(cells.offsets) - 1
    order, begins = by_asset(asset, assets)
    # instants are whole microseconds: earlier than t is not later than t - 1
    until = np.where(instant == NULL, NULL, instant - 1) if strict else instant
    # gathering once and scattering once is several times faster than reading and writing through `order` inside the search
    grouped, nothing = until[order], (-1, NULL, NULL, -1)
    found = [np.full(len(order), n, dtype=np.int64) for n in nothing]
    columns = (
        cells.offsets,
        cells.time,
        cells.bid,
        cells.ask,
        cells.close,
        cells.open,
        cells.null,
        cells.base,
        cells.up,
        cells.down,
    )
    cuts = np.searchsorted(begins, np.linspace(0, len(order), threads + 1).astype(np.int64))
    cuts[0], cuts[-1] = 0, assets

    def work(part: int) -> None:
        look(cuts[part], cuts[part + 1], begins, grouped, *columns, kind, forward, *found)

    if threads > 1:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(work, range(threads)))
    else:
        work(0)
    row, price, stamp, blocked = (_scattered(v, order, len(asset), n) for v, n in zip(found, nothing, strict=True))
    return row, price, stamp, blocked


def _scattered(values: Array, order: Array, rows: int, nothing: int) -> Array:
    """Values back in the order of the look-ups."""
    result = np.empty(rows, dtype=np.int64) if len(order) == rows else np.full(rows, nothing, dtype=np.int64)
    result[order] = values
    return result


@compiled
def judge(
    calendar: Array,
    asset: Array,
    instant: Array,
    first_quote: Array,
    cuts: Array,
    opens: Array,
    closes: Array,
    quote_limit: int,
    close_limit: int,
    row: Array,
    price: Array,
    stamp: Array,
    age: Array,
) -> None:
    """Age of each price found, and the removal of those too old; see `marks` for the rules.

    Parameters
    ----------
    calendar : (asset,) number of each asset's calendar; cuts : (calendar + 1,) where its sessions lie in `opens` and `closes`
    close_limit : largest age of a close, or -1 for the previous session's close
    """
    position = cuts[:-1].copy()
    for i in range(len(asset)):
        if row[i] < 0:
            continue
        c, t = calendar[asset[i]], instant[i]
        begin, last = cuts[c], cuts[c + 1] - 1
        k = position[c]
        if k > begin and closes[k - 1] >= t:
            k = begin + np.searchsorted(closes[begin : last + 1], t)
        while k < last and closes[k] < t:
            k += 1
        k = min(k, last)
        position[c] = k
        before = closes[k - 1] if k > begin else opens[begin]
        traded = min(t, closes[k]) if t >= opens[k] else before
        age[i] = max(traded - stamp[i], 0)
        if t >= first_quote[asset[i]]:
            fresh = age[i] <= quote_limit
        elif close_limit >= 0:
            fresh = age[i] <= close_limit
        else:
            previous = closes[max(k - 1, begin)]
            fresh = stamp[i] > previous if t == closes[k] else stamp[i] >= previous
        if not fresh:
            row[i] = -1
            price[i] = NULL
            stamp[i] = NULL
