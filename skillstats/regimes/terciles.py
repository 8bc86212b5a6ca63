"""Terciles with breakpoints of the past: the value of a session against the values of earlier sessions of the same series.

With n earlier values v(1) <= ... <= v(n), the breakpoints are the order statistics b1 = v(ceil(n/3)) and b2 = v(ceil(2n/3)), the inverse of the empirical
distribution at 1/3 and 2/3. A value x is ``low`` if x <= b1, ``high`` if x > b2, else ``middle``. Values are whole numbers or fractions and
are only compared, so no rounding can move one across a breakpoint; later values are never looked at, so none can relabel an earlier session.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

BURN_IN: Final = 60
"""Earlier values a breakpoint needs."""
LEVELS: Final = ("low", "middle", "high")

Value = int | Fraction | None


@dataclass(frozen=True, slots=True)
class Terciles:
    """A series cut into terciles, (session,) each.

    level : position in `LEVELS`, -1 where there is no value or too little history
    earlier : earlier values of the series; low, high : breakpoints in force, None before there are enough values
    """

    level: NDArray[np.int64]
    earlier: NDArray[np.int64]
    low: NDArray[Any]
    high: NDArray[Any]


def expanding_terciles(values: Sequence[Value], burn_in: int = BURN_IN) -> Terciles:
    """Level of each session by the values of strictly earlier sessions.

    Parameters
    ----------
    values : (session,), in time order; None where a session has none, which is neither labelled nor remembered
    burn_in : least number of earlier values

    Examples
    --------
    >>> expanding_terciles([1, 2, 3, 4, 5, 6, 5, 1, None, 4], burn_in=6).level.tolist()
    [-1, -1, -1, -1, -1, -1, 2, 0, -1, 1]
    """
    level, earlier = np.full(len(values), -1, dtype=np.int64), np.zeros(len(values), dtype=np.int64)
    low, high = np.full(len(values), None, dtype=object), np.full(len(values), None, dtype=object)
    past: list[Any] = []
    for k, value in enumerate(values):
        n = earlier[k] = len(past)
        if n >= burn_in:
            low[k], high[k] = past[-(-n // 3) - 1], past[-(-2 * n // 3) - 1]
        if value is None:
            continue
        if n >= burn_in:
            level[k] = int(value > low[k]) + int(value > high[k])
        insort(past, value)
    return Terciles(level, earlier, low, high)
