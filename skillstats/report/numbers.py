"""Numbers and names as a reader meets them: sensible digits, thousands separators, a true minus sign, never ``None`` or ``nan``.

A probability is never rounded across the line it is compared with: 89.6% is not printed as 90% where 90% is the certainty asked
for. Everything here turns a value into text; nothing here decides what may be shown.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from decimal import Decimal
from numbers import Real
from typing import Any, Final

from skillstats.errors import DomainError
from skillstats.units import MICRO

ABSENT: Final = "\u2013"
BROAD: Final = "MWmw@%"
MINUS: Final = "\u2212"
ELLIPSIS: Final = "\u2026"
WIDE_FROM: Final = 0x1100
"""From this code point on a character may be twice as wide as a Latin letter."""


def visible(text: str) -> str:
    """Text with every control, direction and invisible character written as its escape.

    Examples
    --------
    >>> visible("A\\u202eB\\x00")
    'A\\\\u202eB\\\\x00'
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def shorten(text: str, width: int = 30) -> str:
    """Visible text of at most `width` columns, for a place of fixed size; wide characters count more.

    Examples
    --------
    >>> shorten("a" * 40, 5)
    'aaaa…'
    """
    text = visible(text)
    columns = [2 if ord(c) >= WIDE_FROM else 1.5 if c in BROAD else 1 for c in text]
    if sum(columns) <= width:
        return text
    used, kept = 1.0, 0
    while used + columns[kept] <= width:
        used += columns[kept]
        kept += 1
    return text[:kept] + ELLIPSIS


def is_number(value: Any) -> bool:
    """Whether `value` is a finite number."""
    return type(value) is not bool and isinstance(value, Real | Decimal) and math.isfinite(value)


def fixed(value: Any, digits: int) -> str:
    """A number with a fixed number of digits after the point; a dash where there is none.

    Examples
    --------
    >>> fixed(-12345.678, 1), fixed(-0.001, 2), fixed(None, 2)
    ('−12,345.7', '0.00', '–')
    """
    if not is_number(value):
        return ABSENT
    text = f"{value:,.{digits}f}"
    if text.startswith("-"):
        text = text[1:] if not text.strip("-0.,") else MINUS + text[1:]
    return text


def exact_money(micro: Any) -> str:
    """Whole micro-units as currency, every digit: two places at least, more where they are not zero; a dash where there is none.

    Examples
    --------
    >>> exact_money(-1_234_500_000), exact_money(84_333_333), exact_money(None)
    ('−1,234.50', '84.333333', '–')
    """
    if type(micro) is not int:
        return ABSENT
    whole, rest = divmod(abs(micro), MICRO)
    places = f"{rest:06d}".rstrip("0").ljust(2, "0")
    return f"{MINUS if micro < 0 else ''}{whole:,}.{places}"


def count(value: Any) -> str:
    """A count with thousands separators.

    Examples
    --------
    >>> count(1204), count(None)
    ('1,204', '–')
    """
    return fixed(value, 0)


def percent(share: Any, line: float | None = None) -> str:
    """A probability or share in percent; ``<1%`` and ``>99%`` near the ends, more digits where rounding would cross `line`.

    Examples
    --------
    >>> percent(0.934), percent(0.004), percent(0.999), percent(0.896, line=0.9)
    ('93%', '<1%', '>99%', '89.6%')
    """
    if not is_number(share):
        return ABSENT
    value = float(share)
    if not 0 <= value <= 1:
        raise DomainError(f"a share of {value} cannot be printed; it must lie in [0, 1]")
    if value < 0.01 or value > 0.99:
        return "<1%" if value < 0.01 else ">99%"
    for digits in range(4):
        text = f"{100 * value:.{digits}f}"
        if line is None or (float(text) >= round(100 * line, 9)) == (value >= line):
            return f"{text}%"
    return f"just under {100 * (line or 0):g}%"


def p_value(p: Any) -> str:
    """A p-value to three digits; none is ever printed as zero.

    Examples
    --------
    >>> p_value(0.0312), p_value(0.0002), p_value(None)
    ('0.031', '<0.001', '–')
    """
    return "<0.001" if is_number(p) and p < 0.0005 else fixed(p, 3)


def digits_for(values: Iterable[Any]) -> int:
    """Digits after the point that show three significant figures of the largest value of a column, at most 6.

    Examples
    --------
    >>> digits_for([1234.5, 2.0]), digits_for([12.3]), digits_for([0.0123]), digits_for([])
    (0, 1, 4, 2)
    """
    largest = max((abs(float(v)) for v in values if is_number(v)), default=0.0)
    if largest == 0:
        return 2
    return min(6, max(0, 2 - math.floor(math.log10(largest))))


def interval(low: Any, high: Any, digits: int) -> str:
    """An interval in square brackets.

    Examples
    --------
    >>> interval(-0.1, 1.234, 2)
    '[−0.10, 1.23]'
    """
    return f"[{fixed(low, digits)}, {fixed(high, digits)}]"


def listed(names: Iterable[str], limit: int | None = None) -> str:
    """Names in a sentence: ``A, B and C``; beyond `limit`, how many more.

    Examples
    --------
    >>> listed(["A", "B", "C"]), listed(["A", "B", "C"], limit=2)
    ('A, B and C', 'A, B and 1 more')
    """
    every = list(names)
    if limit is not None and len(every) > limit:
        every = [*every[:limit], f"{len(every) - limit} more"]
    return every[0] if len(every) == 1 else ", ".join(every[:-1]) + " and " + every[-1] if every else "nobody"


def plural(number: int, noun: str, many: str | None = None) -> str:
    """A count with its noun.

    Examples
    --------
    >>> plural(1, "trader"), plural(1200, "trader")
    ('1 trader', '1,200 traders')
    """
    return f"{count(number)} {noun if number == 1 else many or noun + 's'}"
