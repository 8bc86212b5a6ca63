"""Compiled loops that put price rows of any number in order: by asset, by time, without gaps. Loaded only for large price files."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skillstats.record.compiled import compiled
from skillstats.record.containers import NULL

Cells = NDArray[Any]


@compiled
def places_of(owner: Cells, following: Cells) -> Cells:
    """Where each row of a block goes; `following` holds the next free place of each asset and is moved on."""
    place = np.empty(len(owner), np.int64)
    for i in range(len(owner)):
        place[i] = following[owner[i]]
        following[owner[i]] += 1
    return place


@compiled
def extend(owner: Cells, mantissa: Cells, places: Cells, finest: Cells, ten: Cells, low: Cells, high: Cells) -> None:
    """Widen the range of each asset's cells, in units of its finest place."""
    for i in range(len(owner)):
        if mantissa[i] != NULL:
            a = owner[i]
            value = mantissa[i] * ten[finest[a] - places[i]]
            low[a] = min(low[a], value)
            high[a] = max(high[a], value)


@compiled
def scatter(
    place: Cells, owner: Cells, mantissa: Cells, places: Cells, finest: Cells, ten: Cells, base: Cells, null: int, out: Cells
) -> None:
    """Write the cells of a block to their places."""
    for i in range(len(owner)):
        a = owner[i]
        out[place[i]] = null if mantissa[i] == NULL else mantissa[i] * ten[finest[a] - places[i]] - base[a]


@compiled
def put(place: Cells, values: Cells, out: Cells) -> None:
    """Write values to their places."""
    for i in range(len(place)):
        out[place[i]] = values[i]


@compiled
def disorder(time: Cells, offsets: Cells) -> tuple[Cells, Cells]:
    """Whether each asset's rows run backwards anywhere, and how many rows repeat the instant before them."""
    backwards = np.zeros(len(offsets) - 1, np.bool_)
    repeats = np.zeros(len(offsets) - 1, np.int64)
    for a in range(len(offsets) - 1):
        for i in range(offsets[a] + 1, offsets[a + 1]):
            if time[i] < time[i - 1]:
                backwards[a] = True
            elif time[i] == time[i - 1]:
                repeats[a] += 1
    return backwards, repeats


@compiled
def repeated(time: Cells, lo: int, hi: int) -> Cells:
    """Rows of [lo, hi) that share their instant with a neighbour."""
    found = np.zeros(hi - lo, np.bool_)
    for i in range(lo + 1, hi):
        if time[i] == time[i - 1]:
            found[i - lo] = True
            found[i - 1 - lo] = True
    return np.flatnonzero(found) + lo


@compiled
def close_gaps(values: Cells, gone: Cells) -> None:
    """Move the rows behind each position of `gone` (ascending) forward, in place."""
    if len(gone) == 0:
        return
    to, k = gone[0], 0
    for i in range(gone[0], len(values)):
        if k < len(gone) and gone[k] == i:
            k += 1
        else:
            values[to] = values[i]
            to += 1


@compiled
def first_quotes(time: Cells, bid: Cells, ask: Cells, null: int, offsets: Cells, never: int) -> Cells:
    """Time of each asset's first row with both sides of a quote."""
    found = np.full(len(offsets) - 1, never, np.int64)
    for a in range(len(offsets) - 1):
        for i in range(offsets[a], offsets[a + 1]):
            if bid[i] != null and ask[i] != null:
                found[a] = time[i]
                break
    return found
