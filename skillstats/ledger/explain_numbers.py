"""Numbers of one ledger row, as exactly as they are known.

A ledger row shows prices and quantities with nine places and notionals in micro-units. Most of these are the exact values; a notional
off the money grid is not, it is known to half a micro-unit. So every stored number is a closed interval of fractions: of width zero
where it is exact. A recomputed cell agrees with the stored one if rounding the ends of its interval, half to even, encloses it.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor

from skillstats.units import round_half_even

HALF_MICRO = Fraction(1, 2)
HALF_NANO = Fraction(1, 2 * 10**9)
"""Half of the last place a price or quantity is shown with."""


@dataclass(frozen=True, slots=True)
class Range:
    """All values a number can have, ends included."""

    low: Fraction
    high: Fraction

    @property
    def exact(self) -> bool:
        """Whether only one value is possible."""
        return self.low == self.high

    @property
    def middle(self) -> Fraction:
        """The value itself if it is exact, else the best guess."""
        return (self.low + self.high) / 2

    def __add__(self, other: Range) -> Range:
        return Range(self.low + other.low, self.high + other.high)

    def __sub__(self, other: Range) -> Range:
        return Range(self.low - other.high, self.high - other.low)

    def __mul__(self, other: Range) -> Range:
        ends = [a * b for a in (self.low, self.high) for b in (other.low, other.high)]
        return Range(min(ends), max(ends))

    def times(self, factor: Fraction | int) -> Range:
        """Multiplied by a known number."""
        return self * point(factor)

    def over(self, other: Range) -> Range:
        """Divided by a number that cannot be 0."""
        return self * Range(1 / other.high, 1 / other.low)

    def rounded(self) -> Range:
        """Both ends as whole numbers, half to even."""
        return Range(Fraction(whole(self.low)), Fraction(whole(self.high)))


def point(value: Fraction | int) -> Range:
    """A number that is known exactly."""
    return Range(Fraction(value), Fraction(value))


def around(value: Fraction | int, half: Fraction) -> Range:
    """A number known up to `half` on either side."""
    return Range(Fraction(value) - half, Fraction(value) + half)


def whole(value: Fraction) -> int:
    """Nearest whole number, half to even."""
    return round_half_even(value.numerator, value.denominator)


def on_grid(stored: int, step: Fraction) -> Range:
    """The multiples of `step` that round to a stored whole number; one of them is what was rounded.

    Examples
    --------
    >>> on_grid(25, Fraction(1)).exact, on_grid(25, Fraction(1, 4))
    (True, Range(low=Fraction(99, 4), high=Fraction(101, 4)))
    """
    first, last = ceil((stored - HALF_MICRO) / step), floor((stored + HALF_MICRO) / step)
    kept = [k * step for k in (first, first + 1, last - 1, last) if first <= k <= last and whole(k * step) == stored]
    return Range(min(kept), max(kept)) if kept else point(stored)
