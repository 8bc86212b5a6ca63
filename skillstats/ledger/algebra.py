"""The value-add identity, in integers.

With s = +1 for BUY and -1 for SELL, model order (q, p), actual order (Q, P) with Q signed in the signal's direction, mark M at the
horizon, reference mid p_t at the actual fills and overlap o = min(q, max(Q, 0)):

    size      = s [(Q - o)(M - P) - (q - o)(M - p)]     what was added or left out
    drift     = s o (p - p_t)                           waiting
    slippage  = s o (p_t - P)                           execution
    cost      = -(c_actual - c_model)
    value_add = size + drift + slippage + cost = actual_pnl - model_pnl

The size-by-price cross term sits in size (convention ``overlap-1``). Prices are half ticks, quantities lots (of an asset, or the finer
ones of a chain after a corporate action). One lot times one half tick is ``un/ud`` micro-units of the asset's own currency, costs are
``actual_cost/ud`` and ``model_cost/ud``, exact, and all of it is converted at the one rate ``rn/rd``:

    actual_pnl = ((s (Q M - N)) un - actual_cost) rn / (ud rd)         N the notional sum Q_k P_k
    model_pnl  = ((s q (M - p)) un - model_cost) rn / (ud rd)

Where these are whole and the overlap takes whole fills, nothing is ever rounded. Otherwise each of actual_pnl, model_pnl, drift, slippage
and cost is rounded once, half to even, and size carries the residue.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from skillstats.errors import LedgerBug
from skillstats.units import divide_half_even

IntArray = NDArray[Any]
"""int64, or object holding Python ints where 64 bits might not do."""

CONVENTION: Final = "overlap-1"
SAFE: Final = 2.0**61
"""Largest magnitude any product may reach before Python integers take over from int64."""
FEW: Final = 20_000
"""Below so many rows the plain form runs."""


@dataclass(frozen=True, slots=True)
class Orders:
    """Both orders of each chain, shape (chain,) each.

    side : +1 or -1; q, p : model lots and half ticks (p is 0 where q = 0)
    filled : Q, signed lots; notional : sum Q_k P_k; arrival : sum Q_k mid_k, lots x half ticks (0 where no overlap)
    mark : M, half ticks; un, ud : micro-units of the asset's own currency per lot x half tick as a ratio
    actual_cost, model_cost : micro-units of the asset's own currency times `ud`
    rn, rd : base currency for one unit of the asset's own as a ratio, 1/1 for most
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
    rn: IntArray
    rd: IntArray

    @property
    def overlap(self) -> IntArray:
        """o, lots both books traded."""
        return np.minimum(self.q, np.maximum(self.filled, 0))


@dataclass(frozen=True, slots=True)
class Parts:
    """The identity of each chain, micro-units, int64, shape (chain,); `rounded` says whether any rounding took place.

    actual_cost, model_cost : what each book paid, each rounded on its own
    """

    size: NDArray[np.int64]
    drift: NDArray[np.int64]
    slippage: NDArray[np.int64]
    cost: NDArray[np.int64]
    value_add: NDArray[np.int64]
    model_pnl: NDArray[np.int64]
    actual_pnl: NDArray[np.int64]
    actual_cost: NDArray[np.int64]
    model_cost: NDArray[np.int64]
    rounded: NDArray[np.bool_]


def fits(orders: Orders) -> NDArray[np.bool_]:
    """Rows of which no product can leave int64, shape (chain,).

    The bound is made of magnitudes in floating point, far below the end of the range.
    """
    columns = [getattr(orders, k) for k in Orders.__slots__ if k != "side"]
    if len(orders.q) >= FEW and all(c.dtype == np.int64 for c in columns):
        from skillstats.ledger.kernels import fit_loop

        result = np.empty(len(orders.q), dtype=np.bool_)
        fit_loop(*columns, SAFE, result)  # type: ignore[call-arg]
        return result
    size = {k: np.abs(np.asarray(getattr(orders, k), dtype=np.float64)) for k in Orders.__slots__}
    lots, price = np.maximum(np.maximum(size["q"], size["filled"]), 1.0), np.maximum(size["p"], size["mark"])
    value = np.maximum(np.maximum(lots * price, size["notional"]), size["arrival"])
    money = 4 * value * np.maximum(size["un"], 1.0) + size["actual_cost"] + size["model_cost"]
    bound = (money * np.maximum(size["rn"], 1.0) + 8 * size["ud"] * size["rd"]) * lots
    return np.asarray(bound < SAFE, dtype=bool)


def as_type(orders: Orders, dtype: Any, rows: NDArray[np.bool_] | None = None) -> Orders:
    """The orders, or some of their rows, as int64 or as Python integers."""
    columns = {k: getattr(orders, k) for k in Orders.__slots__}
    return Orders(**{k: (v if rows is None else v[rows]).astype(dtype, copy=False) for k, v in columns.items()})


def widen(orders: Orders) -> Orders:
    """The same orders in int64 if no product can overflow, else in Python integers."""
    return as_type(orders, np.int64 if fits(orders).all() else object)


def book_pnl(o: Orders) -> tuple[IntArray, IntArray]:
    """P/L of the actual and of the model book after costs, micro-units of the base currency, each rounded once."""
    actual, model = _book_numerators(o)
    return divide_half_even(actual, o.ud * o.rd), divide_half_even(model, o.ud * o.rd)


def book_costs(o: Orders) -> tuple[IntArray, IntArray]:
    """Costs of the actual and of the model book, micro-units of the base currency, each rounded once."""
    return divide_half_even(o.actual_cost * o.rn, o.ud * o.rd), divide_half_even(o.model_cost * o.rn, o.ud * o.rd)


def _book_numerators(o: Orders) -> tuple[IntArray, IntArray]:
    actual = o.side * (o.filled * o.mark - o.notional) * o.un - o.actual_cost
    model = o.side * o.q * (o.mark - o.p) * o.un - o.model_cost
    return actual * o.rn, model * o.rn


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
    >>> o = Orders(a(-1), a(500), a(10040), a(500), a(500 * 10020), a(500 * 10024), a(9960), a(5000), a(1), a(0), a(0), a(1), a(1))
    >>> parts = value_add_parts(o)
    >>> [int(x[0]) // 10**6 for x in (parts.size, parts.drift, parts.slippage, parts.value_add)]
    [0, -40, -10, -50]
    """
    small = fits(given)
    if small.all():
        return _small_parts(as_type(given, np.int64))
    if not small.any():
        return plain_parts(as_type(given, object))
    pieces = [(small, _small_parts(as_type(given, np.int64, small))), (~small, plain_parts(as_type(given, object, ~small)))]
    columns = {}
    for name in Parts.__slots__:
        columns[name] = np.empty(len(small), dtype=getattr(pieces[0][1], name).dtype)
        for rows, piece in pieces:
            columns[name][rows] = getattr(piece, name)
    return Parts(**columns)


def _small_parts(o: Orders) -> Parts:
    """Parts of rows that fit int64: a compiled loop where there are many."""
    if len(o.q) < FEW:
        return plain_parts(o)
    from skillstats.ledger.kernels import parts_of

    columns, rounded, worst = parts_of(*(getattr(o, k) for k in Orders.__slots__))
    if worst >= 0:
        raise LedgerBug(f"size departs from its exact value in row {worst}; please report this record")
    return Parts(**dict(zip(Parts.__slots__, (*columns, rounded), strict=True)))


def plain_parts(o: Orders) -> Parts:
    """Parts of rows of one type, int64 or Python integers, column by column: what the compiled loop must agree with."""
    overlap, unit = o.overlap, o.ud * o.rd
    whole = np.where(overlap > 0, o.filled, 1)
    actual_n, model_n = _book_numerators(o)
    drift_n = o.side * overlap * (o.p * o.filled - o.arrival) * o.un * o.rn
    slippage_n = o.side * overlap * (o.arrival - o.notional) * o.un * o.rn
    cost_n = (o.model_cost - o.actual_cost) * o.rn
    exact = [(actual_n, unit), (model_n, unit), (drift_n, whole * unit), (slippage_n, whole * unit), (cost_n, unit)]
    actual_pnl, model_pnl, drift, slippage, cost = (divide_half_even(n, d) for n, d in exact)
    value_add = actual_pnl - model_pnl
    size = value_add - drift - slippage - cost
    rounded = np.asarray(np.logical_or.reduce([np.asarray(n % d != 0, dtype=bool) for n, d in exact]))
    _assert_size(o, whole, size, rounded)
    names = ("size", "drift", "slippage", "cost", "value_add", "model_pnl", "actual_pnl", "actual_cost", "model_cost")
    amounts = (size, drift, slippage, cost, value_add, model_pnl, actual_pnl, *book_costs(o))
    return Parts(**{k: np.asarray(a).astype(np.int64) for k, a in zip(names, amounts, strict=True)}, rounded=rounded)


def _assert_size(o: Orders, whole: IntArray, size: IntArray, rounded: NDArray[np.bool_]) -> None:
    """Size must be within 2.5 micro-units of its exact value, and equal to it where nothing needed rounding."""
    # (Q - o)(M - P) = ((Q - o)/Q)(Q M - N); without overlap the share is 1 and `whole` is 1
    overlap, unit = o.overlap, whole * o.ud * o.rd
    share = np.where(overlap > 0, o.filled - overlap, 1)
    exact_n = o.side * (share * (o.filled * o.mark - o.notional) - whole * (o.q - overlap) * (o.mark - o.p)) * o.un * o.rn
    off = abs(2 * (size * unit - exact_n))
    if bool(np.any(off > 5 * unit)) or bool(np.any((off != 0) & ~rounded)):
        raise LedgerBug("size departs from its exact value; please report this record")
