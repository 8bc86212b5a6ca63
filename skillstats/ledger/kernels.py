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
def half_even(numerator: int, denominator: int) -> tuple[Any, bool]:
    """Nearest integer to a ratio, ties to even, and whether the ratio was no integer; `denominator` > 0."""
    if denominator == 1:
        return numerator, False
    quotient = numerator // denominator
    rest = numerator - quotient * denominator
    twice = 2 * rest
    if twice > denominator or (twice == denominator and quotient % 2 != 0):
        quotient += 1
    return quotient, rest != 0


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


@compiled
def parts_loop(
    side: Array,
    q: Array,
    p: Array,
    filled: Array,
    notional: Array,
    arrival: Array,
    mark: Array,
    un: Array,
    ud: Array,
    actual_cost: Array,
    model_cost: Array,
    rn: Array,
    rd: Array,
    out: Array,
    rounded: Array,
) -> int:
    """Fill `out`, (9, chain), with the parts of each chain; returns the first row whose size departs from its exact value, or -1."""
    worst = -1
    for i in range(len(q)):
        overlap = min(q[i], max(filled[i], 0))
        unit = ud[i] * rd[i]
        whole = filled[i] if overlap > 0 else 1
        actual = (side[i] * (filled[i] * mark[i] - notional[i]) * un[i] - actual_cost[i]) * rn[i]
        model = (side[i] * q[i] * (mark[i] - p[i]) * un[i] - model_cost[i]) * rn[i]
        drift = side[i] * overlap * (p[i] * filled[i] - arrival[i]) * un[i] * rn[i]
        slippage = side[i] * overlap * (arrival[i] - notional[i]) * un[i] * rn[i]
        cost = (model_cost[i] - actual_cost[i]) * rn[i]
        wide = whole * unit
        out[6, i], one = half_even(actual, unit)
        out[5, i], two = half_even(model, unit)
        out[1, i], three = half_even(drift, wide)
        out[2, i], four = half_even(slippage, wide)
        out[3, i], five = half_even(cost, unit)
        out[4, i] = out[6, i] - out[5, i]
        out[0, i] = out[4, i] - out[1, i] - out[2, i] - out[3, i]
        out[7, i], _ = half_even(actual_cost[i] * rn[i], unit)
        out[8, i], _ = half_even(model_cost[i] * rn[i], unit)
        rounded[i] = one or two or three or four or five
        share = filled[i] - overlap if overlap > 0 else 1
        exact = (
            side[i] * (share * (filled[i] * mark[i] - notional[i]) - whole * (q[i] - overlap) * (mark[i] - p[i])) * un[i] * rn[i]
        )
        off = abs(2 * (out[0, i] * wide - exact))
        if worst < 0 and (off > 5 * wide or (off != 0 and not rounded[i])):
            worst = i
    return worst


@compiled
def fit_loop(
    q: Array,
    p: Array,
    filled: Array,
    notional: Array,
    arrival: Array,
    mark: Array,
    un: Array,
    ud: Array,
    actual_cost: Array,
    model_cost: Array,
    rn: Array,
    rd: Array,
    limit: float,
    out: Array,
) -> None:
    """Mark the rows whose products stay below `limit`; see `algebra.fits`."""
    for i in range(len(q)):
        lots = max(abs(float(q[i])), abs(float(filled[i])), 1.0)
        value = max(lots * max(abs(float(p[i])), abs(float(mark[i]))), abs(float(notional[i])), abs(float(arrival[i])))
        money = 4 * value * max(abs(float(un[i])), 1.0) + abs(float(actual_cost[i])) + abs(float(model_cost[i]))
        out[i] = (money * max(abs(float(rn[i])), 1.0) + 8 * abs(float(ud[i])) * abs(float(rd[i]))) * lots < limit


def parts_of(*orders: Array) -> tuple[tuple[Array, ...], Array, int]:
    """Size, drift, slippage, cost, value_add, model_pnl, actual_pnl, actual_cost, model_cost; which were rounded; a wrong row or -1."""
    rows = len(orders[0])
    out, rounded = np.empty((9, rows), dtype=np.int64), np.empty(rows, dtype=np.bool_)
    worst = parts_loop(*orders, out, rounded)  # type: ignore[call-arg]
    return tuple(out), rounded, int(worst)
