"""The path of the deviation: actual minus model quantity held, knot by knot.

dq(t) is a step function: it falls by q when the model fills and rises by each of the person's fills (in the signal's direction). For a
VETO it is -q from the signal to the horizon, for a DELAY -q while waiting. The risk of a deviation is the risk of this path.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skillstats.ledger.chains import FillRows
from skillstats.record.containers import NULL

IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class GapPaths:
    """Knots of all chains, sorted by (chain, time).

    chain : (knot,); time : (knot,) int64; gap : (knot,) lots of the chain's grid, new value of dq from that instant on, signed in the signal's direction
    end : (chain,) where the path stops: the horizon, or as_of for an OPEN chain
    offsets : (chain + 1,)
    """

    chain: IntArray
    time: IntArray
    gap: NDArray[Any]
    end: IntArray
    offsets: IntArray

    def segments(self) -> tuple[IntArray, IntArray]:
        """Start and end of the time each knot's value held, shape (knot,)."""
        last = np.r_[self.chain[1:] != self.chain[:-1], True] if len(self.chain) else np.zeros(0, dtype=bool)
        following = np.r_[self.time[1:], 0] if len(self.time) else self.time
        return self.time, np.where(last, self.end[self.chain], following)

    def largest(self) -> NDArray[Any]:
        """Gap of largest magnitude of each chain (the earliest of equals), signed; shape (chain,)."""
        result = np.zeros(len(self.end), dtype=self.gap.dtype)
        order = np.lexsort((self.time, -np.abs(self.gap), self.chain))
        first = order[np.r_[True, self.chain[order][1:] != self.chain[order][:-1]]] if len(order) else order
        result[self.chain[first]] = self.gap[first]
        return result

    def open_seconds(self) -> IntArray:
        """Whole seconds during which a gap was open, shape (chain,)."""
        start, stop = self.segments()
        length = np.where(self.gap != 0, np.maximum(stop - start, 0), 0)
        total = np.zeros(len(self.end), dtype=np.int64)
        np.add.at(total, self.chain, length)
        return total // 10**6


def gap_paths(q: NDArray[Any], fills: FillRows, model_time: IntArray, counted: NDArray[np.bool_], end: IntArray) -> GapPaths:
    """Knots of dq up to the end of each chain; knots at which nothing changes are left out.

    q : (chain,) model lots; fills : in the same units
    """
    model = np.flatnonzero((q > 0) & (model_time != NULL) & (model_time <= end))
    used = np.flatnonzero(counted)
    chain = np.r_[model, fills.chain[used]].astype(np.int64)
    time = np.r_[model_time[model], fills.time[used]].astype(np.int64)
    step = np.r_[-q[model], fills.quantity[used]]
    order = np.lexsort((time, chain))
    chain, time, step = chain[order], time[order], step[order]
    running = np.cumsum(step)
    fresh = np.r_[True, chain[1:] != chain[:-1]] if len(chain) else np.zeros(0, dtype=bool)
    base = np.maximum.accumulate(np.where(fresh, np.arange(len(chain)), 0)) if len(chain) else chain
    gap = running - running[base] + step[base] if len(chain) else running
    settled = np.r_[(chain[1:] != chain[:-1]) | (time[1:] != time[:-1]), True] if len(chain) else fresh
    chain, time, gap = chain[settled], time[settled], gap[settled]
    first = np.r_[True, chain[1:] != chain[:-1]] if len(chain) else np.zeros(0, dtype=bool)
    previous = np.where(first, 0, np.r_[0, gap[:-1]]) if len(gap) else gap
    moved = gap != previous
    chain, time, gap = chain[moved], time[moved], gap[moved]
    return GapPaths(chain, time, gap, end, np.searchsorted(chain, np.arange(len(q) + 1)))
