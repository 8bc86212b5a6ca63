"""The sections on rate, regime, choice and execution, and on the placebo: printed parts add up, nothing hostile gets in, gaps are said."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import sample as made
from test_head_more import by_caption, drawn
from test_head_page import Page, head, number

from skillstats.evaluation.choice_blocks import with_posterior
from skillstats.report.blocks.choice import choice_section, shown
from skillstats.report.blocks.placebo import placebo_section
from skillstats.report.section import Setting

SETTING = Setting("USD", ("T1", "T2", "T3"), "0.25", "90%")


def split(trader: str | None, *parts: int, regime: str | None = None, initiated: int = 0) -> dict[str, Any]:
    keys = ("rate_micro", "regime_micro", "choice_micro", "execution_micro")
    counts = {"n_signals": 100, "n_departed": 30, "n_followed": 60, "n_undecided": 10, "n_shared": 0, "n_open": 2}
    row = {
        "trader": trader,
        "regime": regime,
        **counts,
        "n_initiated": int(initiated != 0),
        "mean_tilt": -0.3,
        "model_money_micro": 5,
    }
    return (
        row | dict(zip(keys, parts, strict=True)) | {"value_add_micro": sum(parts), "initiated_micro": initiated, "regimes": []}
    )


def choice_block(*traders: dict[str, Any], initiated: int = 0) -> dict[str, Any]:
    desk = split(None, 333_333_333, 333_333_333, 333_333_334, -500_000, initiated=initiated)
    desk["regimes"] = [split(None, 1, 2, 3, 4, regime="calm"), split(None, 4, 3, 2, 1, regime="stress")]
    return {
        "available": True,
        "currency": "USD",
        "desk": desk,
        "traders": list(traders),
        "undecided": {"signals": 4, "value_micro": -12_340_000},
    }


def test_of(trader: str, z: float, p: float, **changes: Any) -> dict[str, Any]:
    row = {
        "trader": trader, "testable": True, "why": "", "level": "row", "scheme": "cells", "p": p, "p_harm": 1.001 - p, "mean": 2.0, "sd": 4.0,
        "z": z, "q05": -4.4, "q95": 8.6, "effect_money": 1000.0 * z, "n_acted": 31, "n_active": 20,
    }  # fmt: skip
    return row | changes


test_of.__test__ = False  # type: ignore[attr-defined]


def placebo_block(*traders: dict[str, Any]) -> dict[str, Any]:
    return {"available": True, "currency": "USD", "traders": list(traders)}


@pytest.mark.parametrize("digits", [0, 2])
def test_printed_parts_add_up_to_the_printed_total(digits: int) -> None:
    row = split("T1", 1_499_999, -2_500_001, 333_333, 1_666_667, initiated=499_999)
    for parts in (4, 5):
        given = row if parts == 5 else row | {"initiated_micro": 0}
        cells, total = shown(given, parts, digits)
        assert round(sum(number(c) for c in cells), 6) == number(total)
    assert shown(row | {"initiated_micro": 0}, 4, 0)[1] == "1"


def test_the_sections_stand_on_the_page_with_their_figures_and_tables() -> None:
    blocks = {
        "choice": choice_block(
            split("T1", 10**9, 2 * 10**9, -(10**9), 5 * 10**8), split("T2", 1, 2, 3 * 10**9, 4), initiated=7 * 10**9
        ),
        "placebo": placebo_block(test_of("T1", 2.4, 0.012), test_of("T2", -0.3, 0.62)),
    }
    html = head(made.sample(attribution=with_posterior(blocks, made.sample().rows)))
    page = Page(html)
    for key in ("choice-wide", "choice-narrow", "placebo-wide", "placebo-narrow"):
        assert "T1" in drawn(html, key)
    rows = {r[0]: r for r in next(v for k, v in by_caption(html).items() if k.startswith("Value-add and its parts"))}
    for name in ("whole desk", "T1", "T2"):
        cells = [number(c) for c in rows[name][3:]]
        assert sum(cells[:-1]) == cells[-1]
    assert rows["T1"][3:] == ["1,000", "2,000", "\u22121,000", "500", "0", "2,500"]
    assert "T1 picked better than 95% of random picks" in page.words
    assert "4 signals that nobody answered belong to nobody: leaving them was worth \u221212 USD" in page.words
    assert "Among 2 without skill at least one would be above in 10% of desks." in page.words


def test_a_disagreement_stands_in_picture_table_and_finding() -> None:
    rows = [r for r in made.sample().rows if r["regime"] == "all" and r["p_above_hurdle"] is not None]
    sure = max(rows, key=lambda r: r["p_above_hurdle"])
    assert sure["p_above_hurdle"] > 0.9
    block = with_posterior({"placebo": placebo_block(test_of(sure["trader"], 0.1, 0.45))}, rows)
    html = head(made.sample(attribution=block))
    assert "FLAG W-PLACEBO" in drawn(html, "placebo-wide")
    assert f"Placebo and posterior disagree about {sure['trader']}." in Page(html).words
    line = next(v for k, v in by_caption(html).items() if k.startswith("Placebo of each trader"))[-1]
    assert line[-1] == "disagree" and line[-2].endswith("%")


def test_better_than_random_takes_both_p_values() -> None:
    section = placebo_section(
        placebo_block(test_of("T1", 2.4, 0.012, p_days=0.2), test_of("T2", 2.4, 0.012, p_days=0.03)), SETTING
    )
    assert section is not None and section.picture is not None
    assert section.picture.title == "T2 picked better than 95% of random picks"
    assert [r[8] for r in section.tables[0][0].lines] == ["0.200", "0.030"]


def test_what_cannot_be_answered_says_why_and_shows_no_number() -> None:
    why = "Days were chosen, not single signals, and there are 4 active days; at least 10 are needed."
    section = placebo_section(placebo_block(test_of("T1", 0.0, 0.5, testable=False, why=why)), SETTING)
    assert section is not None and section.picture is None and not section.tables
    assert f"T1 is not testable. {why}" in section.notes
    for write, name in ((choice_section, "choice"), (placebo_section, "placebo")):
        gone = write({"available": False, "why": "Nobody departed from a signal."}, SETTING)
        assert gone is not None and (gone.key, gone.finding, gone.picture) == (name, "Nobody departed from a signal.", None)


def test_traders_who_are_not_on_the_page_are_not_in_its_sections() -> None:
    section = choice_section(choice_block(split("T1", 1, 2, 3, 4), split("T9", 1, 2, 3, 4)), SETTING)
    assert section is not None and [r[0] for r in section.tables[0][0].lines] == ["whole desk", "T1"]


def test_hostile_names_add_no_element() -> None:
    rows = made.hostile_rows()
    names = list(dict.fromkeys(r["trader"] for r in rows))
    blocks = {
        "choice": choice_block(*(split(n, 1, 2, 3, 4) for n in names)),
        "placebo": placebo_block(*(test_of(n, 0.5, 0.3) for n in names)),
    }
    html = head(made.sample(rows, attribution=with_posterior(blocks, rows)))
    assert html.lower().count("<script") == 1, "the page has one of its own"
    assert not re.search(r"<img[^>]*onerror", html) and "{{" in Page(html).words
    Page(html)  # every element closes itself
