"""Numbers of a page held against the data the page was made from: for tests of every reader's page.

A printed number agrees with a stored one if the stored one, rounded to the places that are printed, is the printed one: half a unit of the last
printed place is all the difference allowed. Percentages are read as shares, ``<1%`` and ``>99%`` as what they say.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

NUMBER = re.compile(r"(?<![\w.])[<>]?[-\u2212]?\d+(?:,\d{3})*(?:\.\d+)?%?(?![\d])")


def printed(text: str) -> list[str]:
    """Every number in a text, as printed.

    Examples
    --------
    >>> printed("kept 1,995 · revoked \u22129.5 [0.1, 2%]")
    ['1,995', '\u22129.5', '0.1', '2%']
    """
    return NUMBER.findall(text)


def value_of(text: str) -> Fraction:
    """A printed number read back exactly; a percentage as a share."""
    plain = text.lstrip("<>").replace("\u2212", "-").replace(",", "").rstrip("%")
    return Fraction(plain) / (100 if text.endswith("%") else 1)


def half_a_place(text: str) -> Fraction:
    """Half a unit of the last printed place."""
    places = len(text.rstrip("%").split(".")[1]) if "." in text else 0
    return Fraction(1, 2 * 10**places) / (100 if text.endswith("%") else 1)


def agrees(text: str, value: Any) -> bool:
    """Whether a printed number is `value` to the printed digit; ``<1%`` and ``>99%`` are ranges.

    Examples
    --------
    >>> agrees("1,995", 1995.1), agrees("1,995", 1995.6), agrees("92%", 0.922), agrees(">99%", 0.9991)
    (True, False, True, True)
    """
    text = text.strip()
    if value is None:
        return False
    exact = Fraction(value)
    if text in ("<1%", ">99%"):
        return exact < Fraction(1, 100) if text == "<1%" else exact > Fraction(99, 100)
    if not NUMBER.fullmatch(text):
        return False
    # two places beyond a binary float's own error
    return abs(value_of(text) - exact) <= half_a_place(text) + abs(exact) * Fraction(1, 10**12)


def every_number(data: Any) -> Iterator[Fraction]:
    """All numbers of plain data, however deep, and the lengths of its lists; booleans are none."""
    if isinstance(data, bool) or data is None:
        return
    if isinstance(data, int | float):
        if data == data and abs(data) != float("inf"):  # noqa: PLR0124  not a number is not itself
            yield Fraction(data)
    elif isinstance(data, Mapping):
        for value in data.values():
            yield from every_number(value)
    elif isinstance(data, Sequence) and not isinstance(data, str | bytes):
        yield Fraction(len(data))
        for value in data:
            yield from every_number(value)


def strangers(texts: Iterable[str], data: Any, also: Iterable[Any] = ()) -> list[str]:
    """Printed numbers that are no number of `data`, to the printed digit, whatever their sign.

    Parameters
    ----------
    texts : parts of a page; data : what it was made from; also : further numbers it may print, such as sums the test adds up itself
    """
    known = known_numbers(data, also)
    return [number for text in texts for number in lost_numbers(text, known)]


def known_numbers(data: Any, also: Iterable[Any] = ()) -> list[float]:
    """Sizes of all numbers of `data`, and of further ones, in order."""
    return sorted({abs(float(v)) for v in (*every_number(data), *also)})


def lost_numbers(text: str, known: Sequence[float]) -> list[str]:
    """Printed numbers of a text that are none of the `known` ones, see `known_numbers`, to the printed digit."""
    lost = []
    for number in printed(text):
        if number in ("<1%", ">99%"):
            low, high = (0.0, 0.01) if number == "<1%" else (0.99, 1.0)
        else:
            middle, half = abs(value_of(number)), half_a_place(number)
            slack = middle * Fraction(1, 10**12)
            low, high = float(middle - half - slack), float(middle + half + slack)
        place = bisect_left(known, low)
        if place == len(known) or known[place] > high:
            lost.append(number)
    return lost
