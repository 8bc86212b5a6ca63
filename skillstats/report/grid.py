"""The trader x regime grid: one cell a posterior mean, its colour how far from zero, in words where nothing may be claimed.

Blue is above zero and orange below (told apart with every common colour blindness); the tint is light enough for dark text, so
the printed number never depends on the colour. The grid is a table, not a picture: it can be searched, read aloud and scrolled.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from skillstats.report.numbers import fixed, percent
from skillstats.report.rows import Row
from skillstats.report.words import Scale

ABOVE: Final = (91, 155, 205)
BELOW: Final = (233, 153, 84)


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of the grid as text: value, probability, words instead or beside, css class and background colour."""

    value: str
    probability: str
    words: str
    css: str
    colour: str


@dataclass(frozen=True, slots=True)
class GridRow:
    """One trader with a cell a regime."""

    trader: str
    cells: tuple[Cell, ...]


def grid_of(overall: Sequence[Row], cells: Sequence[Row], scale: Scale) -> tuple[tuple[str, ...], tuple[GridRow, ...]]:
    """Regimes in the order they first occur, and a line a trader in the order of the other tables."""
    regimes = tuple(dict.fromkeys(r.regime for r in cells))
    by_place = {(r.trader, r.regime): r for r in cells}
    traders = dict.fromkeys([r.trader for r in overall] + [r.trader for r in cells])
    largest = max((abs(r.ir.mean) for r in cells if r.ir and not r.below_floor), default=0.0)
    lines = tuple(GridRow(t, tuple(_cell(by_place, t, g, largest, scale) for g in regimes)) for t in traders)
    return regimes, lines


def _cell(by_place: Mapping[tuple[str, str], Row], trader: str, regime: str, largest: float, scale: Scale) -> Cell:
    """One cell; a place without a row says that there were no decisions."""
    row = by_place.get((trader, regime))
    if row is None:
        return Cell("", "", "no decisions", "none", "")
    if row.ir is None:
        return Cell("", "", "too few days, no claim" if row.below_floor else row.absence, "withheld", "")
    value = fixed(row.ir.mean, scale.digits)
    chance = percent(row.p_above_hurdle, scale.certainty)
    if row.below_floor:
        return Cell(value, chance, "too few days, no claim", "below", "")
    words = ["clears the hurdle"] if row.claims else []
    if row.status == "FLAG":
        words.append(f"FLAG {row.codes}".strip())
    return Cell(value, chance, "; ".join(words), "claims" if row.claims else "plain", tint(row.ir.mean, largest))


def tint(value: float, largest: float) -> str:
    """Background of a value: white at zero, the full tint at `largest`.

    Examples
    --------
    >>> tint(0.0, 1.0), tint(1.0, 1.0), tint(-1.0, 1.0)
    ('#ffffff', '#5b9bcd', '#e99954')
    """
    weight = min(1.0, abs(value) / largest) if largest > 0 else 0.0
    end = ABOVE if value > 0 else BELOW
    return "#" + "".join(f"{round(255 + weight * (c - 255)):02x}" for c in end)
