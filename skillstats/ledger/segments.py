"""Stretches of constant quantity, cut where sessions close: what the path of a deviation is made of, read back from the ledger's rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skillstats.market.sessions import Sessions

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Segments:
    """Stretches of constant deviation, cut at desk closes.

    row : (segment,) ledger row; session : (segment,) position in the desk calendar; start, stop : int64; gap : units
    """

    row: IntArray
    session: IntArray
    start: IntArray
    stop: IntArray
    gap: FloatArray


def cut_at_closes(desk: Sessions, row: IntArray, start: IntArray, stop: IntArray, gap: FloatArray) -> Segments:
    """Cut each stretch at the desk closes it crosses.

    A stretch that ends exactly at a close belongs to that session, as sessions are closed on the right.
    """
    alive = stop > start
    row, start, stop, gap = row[alive], start[alive], stop[alive], gap[alive]
    first, last = np.searchsorted(desk.closes, start, side="right"), desk.index_of(stop)
    pieces = last - first + 1
    origin = np.repeat(np.arange(len(row)), pieces)
    session = first[origin] + np.arange(len(origin)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    lower = np.where(session > first[origin], desk.closes[np.maximum(session - 1, 0)], start[origin])
    upper = np.where(session < last[origin], desk.closes[np.minimum(session, len(desk.closes) - 1)], stop[origin])
    return Segments(row[origin], session, lower, upper, gap[origin])
