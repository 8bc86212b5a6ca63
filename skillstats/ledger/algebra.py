"""The value-add identity, in integers.

With s = +1 for BUY and -1 for SELL, model order (q, p), actual order (Q, P) with Q signed in the signal's direction, mark M at the
horizon, reference mid p_t at the actual fills and overlap o = min(q, max(Q, 0)):

    size      = s [(Q - o)(M - P) - (q - o)(M - p)]     what was added or left out
    drift     = s o (p - p_t)                           waiting
    slippage  = s o (p_t - P)                           execution
    cost      = -(c_actual - c_model)
    value_add = size + drift + slippage + cost = actual_pnl - model_pnl

The size-by-price cross term sits in size (convention ``overlap-1``). Prices are half ticks, quantities lots; one lot times one half
tick is ``un/ud`` micro-units of money. Where that is whole and the overlap takes whole fills, nothing is ever rounded. Otherwise each
of actual_pnl, model_pnl, drift and slippage is rounded once, half to even, and size carries the residue.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from skillstats.errors import LedgerBug

IntArray = NDArray[Any]
"""int64, or object holding Python ints where 64 bits might not do."""

CONVENTION: Final = "overlap-1"
SAFE: Final = 2**61
"""Largest magnitude any product may reach before Python integers take over from int64."""


@dataclass(frozen=True, slots=True)
class Orders:
    """Both orders of each chain, shape (chain,) each.

    side : +1 or -1; q, p : model lots and half ticks (p is 0 where q = 0)
    filled : Q, signed lots; notional : sum Q_k P_k; arrival : sum Q_k mid_k, lots x half ticks (0 where no overlap)
    mark : M, half ticks; un, ud : micro-units per lot x half tick as a ratio
    actual_cost, model_cost : micro-units
    """

    side: IntArray
    q: IntArray
    p: IntArray
    filled: IntArray
    notional: IntArray
    arrival: IntArray
    mark: IntArray
    un: IntArray
    ud: IntArray
    actual_cost: IntArray
    model_cost: IntArray


@dataclass(frozen=True, slots=True)
class Parts:
    """The identity of each chain, micro-units, int64, shape (chain,); `rounded` says whether any rounding took place."""

    size: NDArray[np.int64]
    drift: NDArray[np.int64]
    slippage: NDArray[np.int64]
    cost: NDArray[np.int64]
    value_add: NDArray[np.int64]
    model_pnl: NDArray[np.int64]
    actual_pnl: NDArray[np.int64]
    rounded: NDArray[np.bool_]


def divide_half_even(numerator: IntArray, denominator: IntArray) -> IntArray:
    """Nearest integers to exact ratios, ties to even; works on int64 and on Python integers alike."""
    quotient = numerator // denominator
    twice = 2 * (numerator - quotient * denominator)
    up = (twice > denominator) | ((twice == denominator) & (quotient % 2 == 1))
    return np.asarray(quotient + up.astype(quotient.dtype))


def widen(orders: Orders) -> Orders:
    """The same orders in int64 if no product can overflow, else in Python integers."""
    columns = {name: getattr(orders, name) for name in Orders.__slots__}
    peak = {k: max((abs(int(x)) for x in (v.min(), v.max())), default=0) if len(v) else 0 for k, v in columns.items()}
    lots, price = max(peak["q"], peak["filled"]), max(peak["p"], peak["mark"])
    money = 4 * max(lots * price, peak["notional"], peak["arrival"]) * max(peak["un"], 1) * max(lots, 1)
    small = max(money, peak["ud"] * max(lots, 1), peak["actual_cost"], peak["model_cost"]) < SAFE
    return Orders(**{k: v.astype(np.int64 if small else object) for k, v in columns.items()})


def book_pnl(orders: Orders) -> tuple[IntArray, IntArray]:
    """Actual and model P/L before costs, micro-units, each rounded once."""
    actual = orders.side * (orders.filled * orders.mark - orders.notional)
    model = orders.side * orders.q * (orders.mark - orders.p)
    return divide_half_even(actual * orders.un, orders.ud), divide_half_even(model * orders.un, orders.ud)


def value_add_parts(given: Orders) -> Parts:
    """Split the value-add of each chain into its parts.

    Parameters
    ----------
    given : Orders, shape (chain,) each

    Returns
    -------
    Parts, micro-units

    Raises
    ------
    LedgerBug
        If the identity does not hold, or size departs from its exact value by more than the rounding allows.

    Examples
    --------
    SELL 500 @ 50.20 delayed and sold at 50.10, mid 50.12, mark 49.80, cents:

    >>> a = lambda x: np.array([x])
    >>> o = Orders(a(-1), a(500), a(10040), a(500), a(500 * 10020), a(500 * 10024), a(9960), a(5000), a(1), a(0), a(0))
    >>> parts = value_add_parts(o)
    >>> [int(x[0]) // 10**6 for x in (parts.size, parts.drift, parts.slippage, parts.value_add)]
    [0, -40, -10, -50]
    """
    o = widen(given)
    overlap = np.minimum(o.q, np.maximum(o.filled, 0))
    whole = np.where(overlap > 0, o.filled, 1)
    actual, model = book_pnl(o)
    actual_pnl, model_pnl = actual - o.actual_cost, model - o.model_cost
    drift_n = o.side * overlap * (o.p * o.filled - o.arrival) * o.un
    slippage_n = o.side * overlap * (o.arrival - o.notional) * o.un
    drift, slippage = divide_half_even(drift_n, whole * o.ud), divide_half_even(slippage_n, whole * o.ud)
    cost = o.model_cost - o.actual_cost
    value_add = actual_pnl - model_pnl
    size = value_add - drift - slippage - cost
    rounded = _inexact(o, drift_n, slippage_n, whole)
    _assert_size(o, overlap, whole, size, rounded)
    size, drift, slippage, cost = (np.asarray(c).astype(np.int64) for c in (size, drift, slippage, cost))
    value_add, model_pnl, actual_pnl = (np.asarray(c).astype(np.int64) for c in (value_add, model_pnl, actual_pnl))
    return Parts(size, drift, slippage, cost, value_add, model_pnl, actual_pnl, rounded)


def _inexact(o: Orders, drift_n: IntArray, slippage_n: IntArray, whole: IntArray) -> NDArray[np.bool_]:
    actual = o.side * (o.filled * o.mark - o.notional) * o.un
    model = o.side * o.q * (o.mark - o.p) * o.un
    rests = (actual % o.ud, model % o.ud, drift_n % (whole * o.ud), slippage_n % (whole * o.ud))
    return np.asarray(np.logical_or.reduce([np.asarray(r != 0, dtype=bool) for r in rests]))


def _assert_size(o: Orders, overlap: IntArray, whole: IntArray, size: IntArray, rounded: NDArray[np.bool_]) -> None:
    """Size must be within 2.5 micro-units of its exact value, and equal to it where nothing needed rounding."""
    # (Q - o)(M - P) = ((Q - o)/Q)(Q M - N); without overlap the share is 1 and `whole` is 1
    share = np.where(overlap > 0, o.filled - overlap, 1)
    exact_n = o.side * (share * (o.filled * o.mark - o.notional) - whole * (o.q - overlap) * (o.mark - o.p)) * o.un
    off = abs(2 * (size * whole * o.ud - exact_n))
    if bool(np.any(off > 5 * whole * o.ud)) or bool(np.any((off != 0) & ~rounded)):
        raise LedgerBug("size departs from its exact value; please report this record")
