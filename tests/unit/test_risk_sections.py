"""The sections on risk and on classical tests: what they say, whom they name, and that both layouts are drawn."""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import skillstats as ss
from skillstats.attribution.risk import risk_block
from skillstats.luck.classics import classics_block
from skillstats.report.blocks.classics import classics_section
from skillstats.report.blocks.risk import risk_section
from skillstats.report.section import Section, Setting

sys.path.insert(0, str(Path(__file__).parent))
from synthetic import make_evidence

EVIL = "<b>\u202eT1"
SHOWN = "<b>\\u202eT1"


def setting_of(*traders: str) -> Setting:
    return Setting("USD", traders, "0.25 annual IR", "90%")


def all_text(section: Section) -> str:
    cells = [c for table, caption in section.tables for line in (table.heads, *table.lines, (caption,)) for c in line]
    drawn = [str(section.picture.wide), str(section.picture.narrow), section.picture.title] if section.picture else []
    return "\n".join([section.title, section.finding, *cells, *section.notes, *drawn])


@pytest.fixture(scope="module")
def risk() -> dict[str, Any]:
    world = ss.World(traders=3, sessions=40, signals_per_day=4.0, directional=(), annual_ir=0.0)
    record, _ = ss.simulate(world, seed=11)
    return risk_block(ss.build_ledger(record), None, None, seed=1)


@pytest.fixture(scope="module")
def tests() -> dict[str, Any]:
    evidence = make_evidence(traders=4, sessions=150, per_day=3)
    y = evidence.y + np.where(evidence.trader == 1, 0.6, 0.0)
    return classics_block(None, dataclasses.replace(evidence, y=y), None, seed=1)


def renamed(block: dict[str, Any], old: str, new: str) -> dict[str, Any]:
    """The same block with another name of one trader."""
    return json.loads(json.dumps(block).replace(json.dumps(old), json.dumps(new)))


def test_the_risk_block_is_json_and_its_section_has_a_picture_in_both_layouts(risk):
    assert json.loads(json.dumps(risk, allow_nan=False)) == json.loads(json.dumps(risk))
    section = risk_section(risk, setting_of("T1", "T2", "T3"))
    assert section.picture.wide != section.picture.narrow and "<title" in section.picture.wide and len(section.tables) == 4
    assert [len(table.lines) for table, _ in section.tables[:3]] == [7, 3, 4]
    assert (
        "mandate to mitigate risk" in section.finding
        and "None" not in all_text(section)
        and "nan" not in all_text(section).split()
    )


def test_only_names_that_may_be_shown_are_shown(risk, tests):
    for write, block in ((risk_section, risk), (classics_section, tests)):
        text = all_text(write(block, setting_of("T1")))
        assert "T1" in text and "T2" not in text and "T3" not in text


def test_names_are_made_visible(risk, tests):
    for write, block in ((risk_section, risk), (classics_section, tests)):
        section = write(renamed(block, "T1", EVIL), setting_of(SHOWN, "T2"))
        assert "\u202e" not in all_text(section) and "<b>" not in str(section.picture.wide)


@pytest.mark.parametrize(
    ("low", "high", "share", "words", "title"),
    [
        (-0.3, -0.1, -0.2, "expected shortfall is 20% lower", "20% smaller"),
        (0.1, 0.4, 0.25, "expected shortfall is 25% higher", "25% larger"),
        (-0.3, 0.1, -0.2, "cannot be told from chance", "not settled"),
    ],
)
def test_the_finding_follows_the_intervals(risk, low, high, share, words, title):
    changes = [
        c | {"share": share, "share_q05": low, "share_q95": high} if c["measure"] == "shortfall" and c["trader"] is None else c
        for c in risk["changes"]
    ]
    section = risk_section(risk | {"changes": changes}, setting_of("T1"))
    assert words in section.finding and title in section.picture.title


@pytest.mark.parametrize(("judged", "words"), [("met", "was met"), ("missed", "was missed"), ("not settled", "is not settled")])
def test_the_mandate_is_told_in_words(risk, judged, words):
    mandate = [risk["mandate"][0] | {"judgement": judged}, *risk["mandate"][1:]]
    assert words in risk_section(risk | {"mandate": mandate}, setting_of("T1")).finding


def test_a_record_like_options_sold_is_named(risk):
    unseen = [u | {"option_like": u["trader"] == "T2", "hit_rate": 1.0, "worst": None} for u in risk["unseen"]]
    section = risk_section(risk | {"unseen": unseen}, setting_of("T1", "T2"))
    assert "record of T2 looks like options sold" in section.finding and "100%" in all_text(section)


def test_without_a_model_book_there_is_no_picture_and_no_price(risk):
    empty = {"share": None, "share_q05": None, "share_q95": None}
    changes = [c | empty for c in risk["changes"] if c["score"] != "price of risk"]
    mandate = [m | dict.fromkeys((k for k in m if k.startswith("certainty")), None) for m in risk["mandate"]]
    section = risk_section(risk | {"changes": changes, "mandate": mandate, "capital": None}, setting_of("T1"))
    assert section.picture is None and "capital" not in section.notes[-1] and "cannot be told" in section.finding


def test_classical_section_names_who_lies_beyond_luck(tests):
    section = classics_section(tests, setting_of("T1", "T2", "T3", "T4"))
    assert "T2 lies beyond what the best of 4 reaches by luck" in section.picture.title
    assert "Allowing for the number of traders, T2 still does" in section.finding and "not the verdict" in all_text(section)
    rows = [r | {"p": 0.3, "t": 0.5, "better": False} for r in tests["rows"]]
    quiet = classics_section(tests | {"rows": rows, "spa_p": None}, setting_of("T1"))
    assert "none of 1 trader passes" in quiet.finding and "nobody does" in quiet.finding and "SPA" not in quiet.finding
    assert quiet.picture.title.startswith("No t statistic")


def test_a_trader_without_numbers_stands_in_the_table_only(tests):
    rows = [
        dict.fromkeys(r, None) | {"trader": "T9", "days": 3, "note": "few"} if r["trader"] == "T4" else r for r in tests["rows"]
    ]
    section = classics_section(tests | {"rows": rows}, setting_of("T1", "T9"))
    assert section.tables[0][0].lines[-1][:2] == ("T9", "3") and "T9" not in section.picture.wide
    assert classics_section(tests, setting_of("T9")) is None


def test_a_block_that_is_not_available_has_no_section():
    for write in (risk_section, classics_section):
        assert write({"available": False, "why": "x"}, setting_of("T1")) is None


def test_a_short_ledger_says_why():
    record, _ = ss.simulate(ss.World(traders=2, sessions=5, directional=()), seed=1)
    block = risk_block(ss.build_ledger(record), None, None, seed=1)
    assert not block["available"] and "at least 20" in block["why"]
