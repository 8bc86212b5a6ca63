"""Cells of signals that were alike before anybody chose: day x side x asset class x tercile of ex-ante risk.

A cell of one signal leaves nothing to re-assign. Such signals merge first across asset class, then across risk:

1. the lone signals of a (day, side, tercile) form one cell together;
2. a cell that is still one signal joins the cell of its (day, side) with the nearest tercile (its own first), of several the largest;
3. a signal that is alone on its side of its day stays alone.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]


def terciles(risk: FloatArray) -> IntArray:
    """Tercile 0, 1 or 2 of each risk among all of them, (signal,); equal risks share a tercile.

    Examples
    --------
    >>> terciles(np.array([5.0, 1.0, 2.0, 9.0, 2.0, 7.0])).tolist()
    [1, 0, 0, 2, 0, 2]
    """
    if not len(risk):
        return np.zeros(0, dtype=np.int64)
    return np.searchsorted(np.quantile(risk, [1 / 3, 2 / 3]), risk, side="left").astype(np.int64)


def risk_cells(day: IntArray, side: IntArray, asset_class: IntArray, tercile: IntArray) -> IntArray:
    """Cell of each signal after merging, (signal,) codes 0..K-1; parameters are codes, (signal,) each.

    Examples
    --------
    Three shares and one bond bought on a day: the bond is alone in its class and joins the shares.

    >>> one, zero = np.ones(4, dtype=np.int64), np.zeros(4, dtype=np.int64)
    >>> risk_cells(zero, zero, np.array([0, 0, 0, 1]), one).tolist()
    [0, 0, 0, 0]
    """
    if not len(day):
        return np.zeros(0, dtype=np.int64)
    half = codes_of(day, side)
    group = codes_of(half, tercile)
    cell = codes_of(group, asset_class)
    cell = codes_of(group, np.where(np.bincount(cell)[cell] == 1, -1, asset_class))
    size = np.bincount(cell)
    first = np.unique(cell, return_index=True)[1]
    order = np.argsort(half[first], kind="stable")
    starts = np.searchsorted(half[first][order], np.arange(half.max() + 2))
    new = np.arange(len(size))
    for h in np.unique(half[first][size == 1]).tolist():
        members = order[starts[h] : starts[h + 1]].tolist()
        for joined in _merge([({int(tercile[first[c]])}, int(size[c]), [c]) for c in members]):
            new[joined] = joined[0]
    return np.unique(new[cell], return_inverse=True)[1].astype(np.int64)


def codes_of(*columns: IntArray) -> IntArray:
    """One code 0..K-1 for each distinct combination, in the order of the combinations, (signal,)."""
    code = np.zeros(len(columns[0]), dtype=np.int64)
    for column in columns:
        _, own = np.unique(column, return_inverse=True)
        _, code = np.unique(code * (int(own.max(initial=0)) + 1) + own, return_inverse=True)
    return np.asarray(code, dtype=np.int64)


def _merge(cells: list[tuple[set[int], int, list[int]]]) -> list[list[int]]:
    """Cells (terciles, signals, codes) of one side of one day, joined until none holds one signal; codes of each."""
    while len(cells) > 1 and (lone := next((c for c in cells if c[1] == 1), None)) is not None:
        (own,) = lone[0]
        others = [c for c in cells if c is not lone]
        near = min(others, key=lambda c: (min(abs(t - own) for t in c[0]), -c[1], min(c[2])))
        cells = [c for c in others if c is not near] + [(near[0] | lone[0], near[1] + 1, sorted(near[2] + lone[2]))]
    return [c[2] for c in cells]
