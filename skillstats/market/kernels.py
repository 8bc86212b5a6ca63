"""Compiled loops of the price look-ups. Import costs the compiler; only large look-ups come here.

Rows are visited asset by asset (a stable counting sort), each search starts at the last hit of the same asset and gallops from there,
so that decisions in time order read each asset's prices once. Threads share the visiting order in contiguous parts and write to
disjoint places: their number cannot change a result.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from skillstats.record.compiled import compiled
from skillstats.record.containers import NULL

IntArray = NDArray[Any]
MID: Final = 0
BID: Final = 1
ASK: Final = 2
OPEN: Final = 3


@compiled
def by_asset(asset: IntArray, assets: int) -> IntArray:
    """Positions of all rows with an asset, grouped by asset, in their own order within one."""
    counts = np.zeros(assets + 1, np.int64)
    for i in range(len(asset)):
        if asset[i] >= 0:
            counts[asset[i] + 1] += 1
    for a in range(assets):
        counts[a + 1] += counts[a]
    order = np.empty(counts[assets], np.int64)
    for i in range(len(asset)):
        if asset[i] >= 0:
            order[counts[asset[i]]] = i
            counts[asset[i]] += 1
    return order


@compiled
def bound(time: IntArray, lo: int, hi: int, start: int, instant: int, strict: bool) -> int:
    """First position in [lo, hi) whose time is later than `instant` (``strict``: not earlier), searched from `start`."""
    left, right = lo, hi
    at, step = start, 1
    if at < hi and (time[at] < instant or (not strict and time[at] == instant)):
        left = at + 1
        while left + step < hi and (time[left + step] < instant or (not strict and time[left + step] == instant)):
            left, step = left + step + 1, step * 2
        right = min(left + step, hi)
    else:
        right = min(at, hi)
        while right - step >= lo and not (time[right - step] < instant or (not strict and time[right - step] == instant)):
            right, step = right - step, step * 2
        left = max(right - step, lo)
    while left < right:
        middle = (left + right) // 2
        if time[middle] < instant or (not strict and time[middle] == instant):
            left = middle + 1
        else:
            right = middle
    return left


@compiled
def priced(bid: IntArray, ask: IntArray, close: IntArray, opens: IntArray, null: int, kind: int, i: int) -> tuple[bool, Any]:
    """Whether a row has the wanted price, and twice that price in the row's own units."""
    if kind == OPEN:
        if len(opens) > 0 and opens[i] != null:
            return True, 2 * np.int64(opens[i])
        return False, 0
    if len(bid) > 0 and len(ask) > 0:
        b, a = np.int64(bid[i]), np.int64(ask[i])
        if null < b <= a:  # null is the smallest number, so a is no null either
            if kind == MID:
                return True, b + a
            return True, 2 * (b if kind == BID else a)
    if kind == MID and len(close) > 0 and close[i] != null:
        return True, 2 * np.int64(close[i])
    return False, 0


@compiled
def walk(
    order: IntArray,
    offsets: IntArray,
    time: IntArray,
    bid: IntArray,
    ask: IntArray,
    close: IntArray,
    opens: IntArray,
    null: int,
    asset: IntArray,
    instant: IntArray,
    kind: int,
    strict: bool,
    forward: bool,
    row: IntArray,
    twice: IntArray,
    blocked: IntArray,
) -> None:
    """Search for the rows of one part of the visiting order; results go to their own places."""
    if kind == OPEN and len(opens) == 0:
        return
    before, at = -1, 0
    stones = len(close) > 0
    for k in range(len(order)):
        i = order[k]
        if instant[i] == NULL:
            continue
        a = asset[i]
        lo, hi = offsets[a], offsets[a + 1]
        if a != before:
            before, at = a, lo
        at = bound(time, lo, hi, at, instant[i], strict)
        j = at if forward else at - 1
        while lo <= j < hi:
            if stones and close[j] == null + 1:
                blocked[i] = j
                break
            has, value = priced(bid, ask, close, opens, null, kind, j)
            if has:
                row[i] = j
                twice[i] = value
                break
            j += 1 if forward else -1


def search(
    offsets: IntArray,
    time: IntArray,
    cells: tuple[IntArray, ...],
    null: int,
    asset: IntArray,
    instant: IntArray,
    kind: int,
    *,
    strict: bool,
    forward: bool,
    threads: int,
) -> tuple[IntArray, IntArray, IntArray]:
    """Position (-1: none), twice the price in own units, and the tombstone in the way (-1: none) of each look-up.

    Parameters
    ----------
    cells : bid, ask, close, open; (row,) each, or empty
    null : sentinel of an empty cell; one more is the sentinel of a tombstone, in close
    kind : 0 mid, 1 bid, 2 ask, 3 open
    """
    row, blocked = np.full(len(asset), -1, dtype=np.int64), np.full(len(asset), -1, dtype=np.int64)
    twice = np.zeros(len(asset), dtype=np.int64)
    bid, ask, close, opens = cells
    order = by_asset(asset, len(offsets) - 1)
    parts = np.array_split(order, threads) if threads > 1 else [order]

    def work(part: IntArray) -> None:
        walk(part, offsets, time, bid, ask, close, opens, null, asset, instant, kind, strict, forward, row, twice, blocked)

    if threads > 1:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(work, parts))
    else:
        work(order)
    return row, twice, blocked
