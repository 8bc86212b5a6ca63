"""A section of a page: what every question that `evaluate` answers beside the verdict looks like on paper.

A section states its finding in a sentence, shows one picture that answers the question at a glance, and puts the numbers in tables
below. Everything in it is text or Markup that was prepared: one template prints all sections.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from markupsafe import Markup

from skillstats.report.kpis import Table


@dataclass(frozen=True, slots=True)
class Picture:
    """A figure in two layouts, with its finding as title."""

    title: str
    wide: Markup
    narrow: Markup


def in_both_layouts(draw: Callable[..., Markup], title: str, description: str) -> Picture:
    """A picture in both layouts; `draw` takes narrow, title and description."""
    wide, narrow = (draw(narrow=n, title=title, description=description) for n in (False, True))
    return Picture(title, wide, narrow)


@dataclass(frozen=True, slots=True)
class Section:
    """One section.

    key : id in the page, unique; title : the question, in the reader's words; finding : the answer in a sentence or two
    picture : the answer at a glance, or None where there is nothing to show; tables : (table, caption) below it
    notes : how to read it and what it cannot say, a sentence each
    """

    key: str
    title: str
    finding: str
    picture: Picture | None = None
    tables: tuple[tuple[Table, str], ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Setting:
    """What every section may need of the evaluation.

    unit : of money; traders : names that may be shown, in the order of the page; hurdle, certainty : as text, with their unit
    """

    unit: str
    traders: tuple[str, ...]
    hurdle: str
    certainty: str
