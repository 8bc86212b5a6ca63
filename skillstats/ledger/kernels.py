"""Compiled loops of the ledger: the parts of each chain, and exact sums by group.

Everything is int64 within bounds checked before; squares are added in 128 bits (two words), so a sum of squares of any int64 amounts is
exact. The plain form of each loop is `algebra.value_add_parts` and the Python integers of the tests. Loaded only for large ledgers.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from skillstats.record.compiled import compiled

Array = NDArray[Any]
LOW: Final = np.uint64(0xFFFFFFFF)
HALF: Final = np.uint64(32)


@compiled
def half_even(numerator: int, denominator: int) -> int:
    """Nearest integer to a ratio, ties to even; `denominator` > 0."""
    quotient = numerator // denominator
    twice = 2 * (numerator - quotient * denominator)
    if twice > denominator or (twice == denominator and quotient % 2 != 0):
        return quotient + 1
    return quotient


@compiled
def square(value: int) -> tuple[Any, Any]:
    """High and low word of the square of an int64."""
    size = np.uint64(value) if value >= 0 else np.uint64(-(value + 1)) + np.uint64(1)
    a, b = size >> HALF, size & LOW
    low = b * b
    middle = a * b
    high = a * a + (middle >> np.uint64(31))
    shifted = (middle << np.uint64(33)) & np.uint64(0xFFFFFFFFFFFFFFFF)
    total = low + shifted
    if total < low:
        high += np.uint64(1)
    return high, total


@compiled
def add_by_group(
    group: Array, amount: Array, count: Array, hits: Array, ties: Array, total: Array, high: Array, low: Array
) -> None:
    """Add amounts to their groups; rows with a negative group are left out. `high`, `low` hold sums of squares, (group,) uint64."""
    for i in range(len(group)):
        g = group[i]
        if g < 0:
            continue
        count[g] += 1
        hits[g] += amount[i] > 0
        ties[g] += amount[i] == 0
        total[g] += amount[i]
        h, w = square(amount[i])
        before = low[g]
        low[g] = before + w
        high[g] += h
        if low[g] < before:
            high[g] += np.uint64(1)


def sums_by_group(group: Array, amount: Array, groups: int) -> tuple[list[int], ...]:
    """Number, hits, ties, sum and sum of squares of the amounts of each group, exact; see `add_by_group`."""
    count, hits, ties, total = (np.zeros(groups, dtype=np.int64) for _ in range(4))
    high, low = np.zeros(groups, dtype=np.uint64), np.zeros(groups, dtype=np.uint64)
    add_by_group(group, amount, count, hits, ties, total, high, low)
    squares = [(h << 64) + w for h, w in zip(high.tolist(), low.tolist(), strict=True)]
    return count.tolist(), hits.tolist(), ties.tolist(), total.tolist(), squares
