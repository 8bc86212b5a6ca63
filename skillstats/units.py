"""Money, ticks, lots and time: the integer scales and the only conversions between them.

Below `evidence` every amount is an integer on a declared scale: money in micro-units (1e-6) of the base currency, prices in **half
ticks** (so that the mid of a bid and an ask is exact), quantities in lots, instants in microseconds since 1970 (UTC). Conversions go
through `fractions.Fraction`, so nothing is lost before the one rounding, half to even, that the ledger does on purpose.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from skillstats.errors import UsageError

MICRO: Final = 10**6
"""Micro-units in one unit of currency."""

SECOND: Final = 10**6
MINUTE: Final = 60 * SECOND
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR
LONGEST: Final = 3660 * DAY
INT64_MAX: Final = 2**63 - 1

NULL_TIME: Final = -(2**63)
"""Sentinel of a missing instant in int64 columns; never 0."""

_DECIMAL = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?", re.ASCII)
_DURATION = re.compile(r"PT(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?", re.ASCII)


def parse_decimal(text: str) -> Fraction:
    """Read a plain decimal exactly.

    Raises
    ------
    UsageError
        If `text` is not ``-?digits[.digits]``.

    Examples
    --------
    >>> parse_decimal("0.05")
    Fraction(1, 20)
    """
    if not _DECIMAL.fullmatch(text):
        raise UsageError(f"{text!r} is not a plain decimal; write digits with at most one point")
    return Fraction(text)


def parse_duration(text: str) -> int:
    """Read an ISO 8601 duration of hours, minutes and seconds as microseconds.

    Examples
    --------
    >>> parse_duration("PT1M30S")
    90000000
    """
    match = _DURATION.fullmatch(text)
    if not match or not any(match.groups()):
        raise UsageError(f"{text!r} is not a duration; write for example PT60S, PT5M or PT24H")
    hours, minutes, seconds = (int(g or 0) for g in match.groups())
    total = hours * HOUR + minutes * MINUTE + seconds * SECOND
    if total > LONGEST:
        raise UsageError(f"{text!r} is longer than ten years; write for example PT60S, PT5M or PT24H")
    return total


def round_half_even(numerator: int, denominator: int) -> int:
    """Round an exact ratio to the nearest integer, ties to even; `denominator` > 0.

    Examples
    --------
    >>> [round_half_even(n, 2) for n in (1, 3, 5, -1)]
    [0, 2, 2, 0]
    """
    quotient, rest = divmod(numerator, denominator)
    twice = 2 * rest
    return quotient + (twice > denominator or (twice == denominator and quotient % 2 == 1))


def divide_half_even(numerator: NDArray[Any], denominator: NDArray[Any]) -> NDArray[Any]:
    """Nearest integers to exact ratios, ties to even; works on int64 and on Python integers alike."""
    quotient = numerator // denominator
    twice = 2 * (numerator - quotient * denominator)
    up = (twice > denominator) | ((twice == denominator) & (quotient % 2 == 1))
    return np.asarray(quotient + up.astype(quotient.dtype))


def package_version() -> str:
    """Version of the installed package, or of the checkout."""
    try:
        return version("skillstats")
    except PackageNotFoundError:
        return "0+checkout"


@dataclass(frozen=True, slots=True)
class Scale:
    """The integer scales of one asset.

    tick, lot : smallest price and quantity step, in currency per unit and in units
    multiplier : currency per (currency per unit x unit)
    """

    tick: Fraction
    lot: Fraction
    multiplier: Fraction = Fraction(1)

    @property
    def half_tick(self) -> Fraction:
        """Internal price unit."""
        return self.tick / 2

    @property
    def micro_per_step(self) -> Fraction:
        """Micro-units of money in one lot times one half tick; a whole number for every cent-quoted share."""
        return self.half_tick * self.lot * self.multiplier * MICRO


def format_micro(amount: int, places: int = 6) -> str:
    """Micro-units as a decimal with a fixed number of places; rounding half to even when `places` < 6.

    Examples
    --------
    >>> format_micro(-1234500), format_micro(21718214554, 2)
    ('-1.234500', '21718.21')
    """
    shown = round_half_even(amount, 10 ** (6 - places))
    sign, digits = ("-" if shown < 0 else ""), f"{abs(shown):0{places + 1}d}"
    return f"{sign}{digits[:-places]}.{digits[-places:]}" if places else sign + digits
