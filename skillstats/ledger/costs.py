"""Fees of the model's fills by the plan's schedule, in micro-units, rounded once, half to even."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from skillstats.plan import Fees
from skillstats.units import MICRO, parse_decimal, round_half_even

IntArray = NDArray[np.int64]


def has_schedule(fees: Fees) -> bool:
    """Whether the plan charges the model anything."""
    return any(parse_decimal(getattr(fees, k)) for k in ("per_unit", "per_order", "bps", "minimum"))


def model_fees(
    fees: Fees, lots: IntArray, price: IntArray, lot: list[Fraction], step: list[Fraction]
) -> tuple[IntArray, NDArray[np.bool_]]:
    """Fee of each model order: max(minimum, per_unit q + per_order + bps notional).

    Parameters
    ----------
    lots : (chain,) q; price : (chain,) p in half ticks
    lot : (chain,) units per lot; step : (chain,) micro-units per lot x half tick

    Returns
    -------
    (chain,) int64 micro-units, 0 where q = 0; and (chain,) whether the fee had to be rounded

    Examples
    --------
    >>> model_fees(Fees(per_unit="0.005", minimum="1"), np.array([100, 1000]), np.array([0, 0]), [Fraction(1)] * 2, [Fraction(1)] * 2)[0]
    array([1000000, 5000000])
    """
    result, inexact = np.zeros(len(lots), dtype=np.int64), np.zeros(len(lots), dtype=bool)
    if not has_schedule(fees):
        return result, inexact
    per_unit, per_order, bps, minimum = (parse_decimal(getattr(fees, k)) for k in ("per_unit", "per_order", "bps", "minimum"))
    for i in np.flatnonzero(lots > 0):
        notional = abs(int(lots[i]) * int(price[i])) * step[i]
        exact = max(minimum * MICRO, per_unit * int(lots[i]) * lot[i] * MICRO + per_order * MICRO + bps * notional / 10_000)
        result[i], inexact[i] = round_half_even(exact.numerator, exact.denominator), exact.denominator != 1
    return result, inexact
