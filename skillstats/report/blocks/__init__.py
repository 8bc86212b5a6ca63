"""Sections of a page from the blocks of an evaluation, one module a block."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from skillstats.report.blocks.behaviour import behaviour_section
from skillstats.report.blocks.choice import choice_section
from skillstats.report.blocks.classics import classics_section
from skillstats.report.blocks.factors import factors_section
from skillstats.report.blocks.learning import learning_section
from skillstats.report.blocks.placebo import placebo_section
from skillstats.report.blocks.policies import policies_section
from skillstats.report.blocks.regimes import regimes_section
from skillstats.report.blocks.risk import risk_section
from skillstats.report.section import Section, Setting

SECTIONS: Final[Mapping[str, Callable[[Mapping[str, Any], Setting], Section | None]]] = {
    "factors": factors_section,
    "choice": choice_section,
    "placebo": placebo_section,
    "risk": risk_section,
    "classics": classics_section,
    "behaviour": behaviour_section,
    "learning": learning_section,
    "regimes": regimes_section,
    "policies": policies_section,
}
"""Name of a block to the function that writes it down, in the order of the page; None where there is nothing to say."""


def sections_of(blocks: Mapping[str, Any], setting: Setting) -> tuple[Section, ...]:
    """The sections of every block that is available; a block that is not says why in its own words."""
    found = []
    for name, write in SECTIONS.items():
        block = blocks.get(name)
        if block is not None and (section := write(block, setting)) is not None:
            found.append(section)
    return tuple(found)
