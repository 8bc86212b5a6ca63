"""Regime labels a second time: plain Python over one asset's closed sessions, nothing of the package.

A session is (close of the one before, close of its own]; `closes` are its own price at each close, `None` where there is none.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from fractions import Fraction

Number = Fraction | int | float | None
UNLABELLED = "unlabelled"


def session_of(ends: Sequence[int], moment: int) -> int:
    """Position of the session an instant belongs to."""
    return bisect_left(ends, moment)


def simple_returns(closes: Sequence[Number]) -> list[Number]:
    """Exact simple returns; None where either close is missing."""
    pairs = zip([None, *closes[:-1]], closes, strict=True)
    return [None if a is None or b is None else Fraction(b) / Fraction(a) - 1 for a, b in pairs]


def before(returns: Sequence[Number], k: int) -> list[Fraction]:
    """Known returns of the 21 sessions before session k."""
    return [Fraction(r) for r in returns[max(k - 21, 0) : k] if r is not None]


def volatility(returns: Sequence[Number], k: int) -> float | None:
    own = before(returns, k)
    return math.sqrt(sum(r * r for r in own) / len(own)) if len(own) >= 10 else None


def tercile(values: Sequence[Number], k: int) -> str:
    """Where the value of session k stands among those of earlier sessions: by counting, not by sorting."""
    x, past = values[k], [v for v in values[:k] if v is not None]
    if x is None or len(past) < 60:
        return UNLABELLED
    # a breakpoint at share s is the least earlier value with at least s of them at or below it
    cuts = [min(v for v in past if 3 * sum(w <= v for w in past) >= share * len(past)) for share in (1, 2)]
    return "low" if x <= cuts[0] else "high" if x > cuts[1] else "middle"


def volatility_label(closes: Sequence[Number], k: int) -> str:
    returns = simple_returns(closes)
    return tercile([volatility(returns, j) for j in range(k + 1)], k)


def trend_label(closes: Sequence[Number], k: int) -> str:
    own = before(simple_returns(closes), k)
    if len(own) < 10:
        return UNLABELLED
    product = math.prod((1 + r for r in own), start=Fraction(1))
    return "up" if product > 1 else "down" if product < 1 else "flat"


def previous_label(values: Sequence[Number], k: int) -> str:
    """Tercile of the value of the session before."""
    return tercile([None, *values[:k]], k)
