"""Fees of the model's fills by the plan's schedule, exact, in the asset's own currency."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skillstats.plan import Fees
from skillstats.units import MICRO, Scale, parse_decimal


def has_schedule(fees: Fees) -> bool:
    """Whether the plan charges the model anything."""
    return any(parse_decimal(getattr(fees, k)) for k in ("per_unit", "per_order", "bps", "minimum"))


def model_fee(fees: Fees, lots: int, price: int | Fraction, scale: Scale) -> Fraction:
    """Fee of one model order, micro-units: max(minimum, per_unit q + per_order + bps |q p|); 0 for no order.

    Parameters
    ----------
    lots : q on the scale; price : p in half ticks of the scale

    Examples
    --------
    >>> fees = Fees(per_unit="0.005", minimum="1")
    >>> [int(model_fee(fees, n, 0, Scale(Fraction(1, 100), Fraction(1)))) for n in (100, 1000)]
    [1000000, 5000000]
    """
    if lots == 0:
        return Fraction(0)
    per_unit, per_order, bps, minimum = (parse_decimal(getattr(fees, k)) for k in ("per_unit", "per_order", "bps", "minimum"))
    notional = abs(lots * Fraction(price)) * scale.micro_per_step
    graded: Fraction = (per_unit * lots * scale.lot + per_order) * MICRO + bps * notional / 10_000
    return max(minimum * MICRO, graded)


def model_fees(
    fees: Fees, lots: NDArray[Any], price: NDArray[Any], scales: Sequence[Scale], scale: NDArray[np.int64]
) -> list[Fraction]:
    """Fee of each model order; see `model_fee`. `scale` : (chain,) position in `scales`."""
    if not has_schedule(fees):
        return [Fraction(0)] * len(lots)
    return [model_fee(fees, int(q), int(p), scales[k]) for q, p, k in zip(lots, price, scale, strict=True)]
