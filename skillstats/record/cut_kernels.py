"""Compiled loops that find which rows of signals, actions and fills must be judged together.

An id becomes a 64-bit number of its text without case and blanks; two ids of one number are taken for the same, so that a clash of numbers
only puts more rows into one part. Numbers stand in a table with open addresses, and a forest over its places joins what one row names
together. All arrays may be mapped files.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skillstats.record.compiled import compiled

Array = NDArray[Any]
_START = np.uint64(0xCBF29CE484222325)
_PRIME = np.uint64(0x100000001B3)
_MIX = np.uint64(0xFF51AFD7ED558CCD)
_SHIFT = np.uint64(33)
_NONE = np.uint64(0)
_ONE = np.uint64(1)


@compiled
def hash_texts(offsets: Array, text: Array, seed: np.uint64, out: Array, odd: Array) -> int:
    """Number of each text without ASCII case and without blanks at its ends; 0 for the empty text.

    odd : (row,) bool, set where a text has bytes outside ASCII and must be folded with the tables of Unicode; how many there are
    """
    many = 0
    for i in range(len(out)):
        start, stop = offsets[i], offsets[i + 1]
        if start == stop:
            out[i] = _NONE
            continue
        while start < stop and text[start] <= 32:
            start += 1
        while stop > start and text[stop - 1] <= 32:
            stop -= 1
        value = _START ^ seed
        for k in range(start, stop):
            c = text[k]
            if c >= 128:
                odd[i] = True
            if 65 <= c <= 90:
                c += 32
            value = (value ^ np.uint64(c)) * _PRIME
        value = (value ^ (value >> _SHIFT)) * _MIX
        value = value ^ (value >> _SHIFT)
        out[i] = value if value != _NONE else _ONE
        many += odd[i]
    return many


@compiled
def _place(keys: Array, parent: Array, key: np.uint64) -> Any:
    """Place of a number in the table, where it is put if it is new; `parent` of a free place is -1."""
    mask = len(keys) - 1
    at = np.int64(key & np.uint64(mask))
    while parent[at] >= 0 and keys[at] != key:
        at = (at + 1) & mask
    if parent[at] < 0:
        keys[at] = key
        parent[at] = at
    return at


@compiled
def _root(parent: Array, at: Any) -> Any:
    while parent[at] != at:
        parent[at] = parent[parent[at]]
        at = parent[at]
    return at


@compiled
def join_rows(keys: Array, parent: Array, named: Array, alone: np.uint64, out: Array) -> None:
    """Join the numbers each row names, shape (row, number), 0 for none; `out` (row,) gets a place of the row's tree.

    alone : the number of the first row were it to name nothing; the next row has the next
    """
    for i in range(len(named)):
        first = -1
        for j in range(named.shape[1]):
            key = named[i, j]
            if key == _NONE:
                continue
            at = _root(parent, _place(keys, parent, key))
            if first < 0:
                first = at
            elif at != first:
                parent[at] = first
        if first < 0:
            first = _place(keys, parent, alone + np.uint64(i))
        out[i] = first


@compiled
def weigh(parent: Array, places: Array, weight: Array) -> None:
    """Count the rows of each tree at its root; `places` become roots."""
    for i in range(len(places)):
        root = _root(parent, places[i])
        places[i] = root
        weight[root] += 1


@compiled
def give_parts(roots: Array, weight: Array, part: Array, most: int, state: Array) -> None:
    """Give each tree that has no part yet the present one; a new part begins where a tree would make it larger than `most` rows.

    part : (place,), -1 where not given yet; state : present part and its rows, changed in place
    """
    for i in range(len(roots)):
        root = roots[i]
        if part[root] < 0:
            if state[1] > 0 and state[1] + weight[root] > most:
                state[0] += 1
                state[1] = 0
            part[root] = state[0]
            state[1] += weight[root]


@compiled
def count_parts(roots: Array, part: Array, counts: Array) -> None:
    """Count the rows of each part."""
    for i in range(len(roots)):
        counts[part[roots[i]]] += 1


@compiled
def sort_rows(roots: Array, part: Array, begins: Array, order: Array) -> None:
    """Write the number of each row to its part's place, rows of a part in their own order; `begins` (part,) is used up."""
    for i in range(len(roots)):
        p = part[roots[i]]
        order[begins[p]] = i
        begins[p] += 1
