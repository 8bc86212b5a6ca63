"""Habits: planted ones are found and named, questions without data say what is missing, a ledger answers like its copy on disk."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import skillstats as ss
from skillstats.behaviour.block import behaviour_block, learning_block
from skillstats.behaviour.decided import decided_of
from skillstats.behaviour.detectors import DETECTORS
from skillstats.behaviour.habits import BY_NAME, habits_of, sentence
from skillstats.errors import SkillWithheld, UsageError
from skillstats.evidence import to_choices
from skillstats.report.blocks.behaviour import behaviour_section
from skillstats.report.blocks.learning import learning_section
from skillstats.report.section import Setting
from skillstats.study.behaviour_worlds import Desk, desk_of

PLANTED = {
    "after_loss": 0.9, "recency": 1.0, "disposition": 0.7, "exits": 0.8, "resize_share": 0.2, "resize_worth": 1.0, "small_tweaks": 0.9,
    "early_exit": 1.0, "last_hour": 1.0, "herding": 1.2,
}  # fmt: skip
DOWN = ("small_tweaks", "early_exit")
SETTING = Setting("USD", ("T1", "T2"), "0.25", "90%")


@pytest.fixture(scope="module")
def ledger():
    world = ss.World(traders=2, sessions=45, signals_per_day=14.0)
    record, _ = ss.simulate(world, seed=1)
    return ss.build_ledger(record)


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_habit_is_found_with_the_right_sign(name: str) -> None:
    traders = 4 if name == "herding" else 2
    desk = desk_of(Desk(name, traders=traders, sessions=130, habits={name: PLANTED[name]}), np.random.default_rng(3))
    first = habits_of(desk, 0.10, (BY_NAME[name],)).habits[0]
    assert first.p < 0.05
    assert (first.effect < 0) == (name in DOWN)
    assert first.q05 < first.effect < first.q95
    said = sentence(first)
    assert said.startswith(BY_NAME[name].down if name in DOWN else BY_NAME[name].up)


def test_the_list_is_that_of_benjamini_and_hochberg_over_the_questions_answered() -> None:
    desk = desk_of(Desk("list", traders=3, sessions=80, span=0, habits={"after_loss": 1.0}), np.random.default_rng(1))
    found = habits_of(desk, 0.10)
    asked = sorted((h for h in found.habits if h.p is not None), key=lambda h: h.p)
    most = max((k for k, h in enumerate(asked, 1) if h.p <= 0.10 * k / len(asked)), default=0)
    assert [h.found for h in asked] == [k < most for k in range(len(asked))]
    assert most > 0
    assert not any(h.found for h in found.habits if h.p is None)
    assert found.summary()["trader"].tolist() == [h.trader for h in found.found]
    assert "habits at a false-discovery rate" in str(found)


def test_without_horizons_over_night_nothing_is_said_about_positions() -> None:
    desk = desk_of(Desk("close", traders=1, sessions=60, span=0), np.random.default_rng(1))
    by = {h.detector: h for h in habits_of(desk, 0.10).habits}
    for name in ("disposition", "exits", "herding", "month_end"):
        assert by[name].effect is None and not by[name].found
        assert by[name].words.startswith("not enough data: needs")


def test_signals_of_a_ledger_are_those_of_the_choices_with_their_value(ledger) -> None:
    d, choices = decided_of(ledger), to_choices(ledger)
    assert len(d) == len(choices)
    assert sorted(d.v_star.round(9)) == sorted(choices.v_star.round(9))
    frame = ledger.frame()
    assert d.money.sum() == pytest.approx(frame["value_add"].sum() * 1e-6)
    vetoed = d.action == "VETO"
    assert np.allclose(d.value[vetoed], d.v_star[vetoed])
    assert (d.tilt[vetoed] == -1).all() and (d.tilt[~d.acted] == 0).all()
    assert (np.diff(d.signal_at) >= 0).all() and (d.to_close >= 0).all()


def test_a_ledger_read_back_gives_the_same_habits_and_blocks_are_json(ledger, tmp_path) -> None:
    ledger.write(tmp_path / "ledger")
    again = ss.read_ledger(tmp_path / "ledger")
    assert ss.behaviour(again).to_pandas().equals(ss.behaviour(ledger).to_pandas())
    for make, section in ((behaviour_block, behaviour_section), (learning_block, learning_section)):
        block = make(again, None, again.plan, seed=1)
        assert json.loads(json.dumps(block)) == block
        assert section(block, SETTING) is not None


def test_a_rule_can_be_learnt_from_a_ledger_and_a_table_of_features(ledger) -> None:
    times = pd.to_datetime(sorted({d + "T00:00:00Z" for d in ledger.rows["session"].to_pylist()}))
    frame = pd.DataFrame({"time": times, "news": np.arange(len(times)) % 2})
    found = ss.learn_rule(ledger, features=frame, seed=1)
    assert isinstance(found, ss.Learning)
    assert found.arm("rule").sessions == 5
    assert found.arm("rule").q05 is None  # five sessions carry no interval
    assert found.to_pandas()["trader"].dropna().unique().tolist() == ["T1", "T2"]
    assert found.summary()["arm"].tolist() == ["adjusted", "rule", "copy", "beyond"]
    assert ss.learn_rule(ledger, features=frame, seed=1).leaves == found.leaves
    with pytest.raises(UsageError, match="depth must be 1 to 3"):
        ss.learn_rule(ledger, depth=9)


def test_a_ledger_without_traders_has_no_habits(ledger) -> None:
    empty = replace(ledger, rows=ledger.rows.slice(0, 0))
    with pytest.raises(SkillWithheld, match="no signal with a trader"):
        ss.behaviour(empty)
    assert behaviour_block(empty, None, ledger.plan, seed=1) == {"available": False, "why": str(_why(empty))}


def _why(ledger) -> SkillWithheld:
    with pytest.raises(SkillWithheld) as caught:
        ss.behaviour(ledger)
    return caught.value


def test_the_section_names_what_was_found_and_escapes_nothing_twice() -> None:
    desk = desk_of(Desk("page", traders=2, sessions=80, span=0, habits={"after_loss": 1.2}), np.random.default_rng(2))
    found = habits_of(desk, 0.10)
    rows = [{k: getattr(h, k) for k in h.__slots__} for h in found.habits]
    for row, habit in zip(rows, found.habits, strict=True):
        row["says"] = sentence(habit) if habit.effect is not None else None
        row["trader"] = row["trader"] + "<b>\u202e"
    detectors = [
        {"name": d.name, "title": d.title, "question": d.question, "unit": d.unit, "up": d.up, "down": d.down} for d in DETECTORS
    ]
    block = {
        "available": True,
        "fdr": 0.1,
        "asked": 12,
        "found": len(found.found),
        "detectors": detectors,
        "habits": rows,
        "counts": {},
    }
    names = tuple(f"T{j}<b>\\u202e" for j in (1, 2))
    section = behaviour_section(block, replace(SETTING, traders=names))
    assert section is not None and section.picture is not None
    assert section.finding.startswith("Overrides more after a loss: T1")
    assert "\u202e" not in section.finding and "<b>" not in section.picture.wide
    titles = [caption for _, caption in section.tables]
    assert titles[0].startswith("Habits found") and "cannot answer" in titles[-1]


def test_a_page_shows_only_the_traders_it_may_show() -> None:
    desk = desk_of(Desk("page", traders=2, sessions=80, span=0, habits={"after_loss": 1.2}), np.random.default_rng(2))
    found = habits_of(desk, 0.10)
    rows = [
        {k: getattr(h, k) for k in h.__slots__} | {"says": sentence(h) if h.effect is not None else None} for h in found.habits
    ]
    detectors = [
        {"name": d.name, "title": d.title, "question": d.question, "unit": d.unit, "up": d.up, "down": d.down} for d in DETECTORS
    ]
    block = {
        "available": True,
        "fdr": 0.1,
        "asked": 12,
        "found": len(found.found),
        "detectors": detectors,
        "habits": rows,
        "counts": {},
    }
    section = behaviour_section(block, replace(SETTING, traders=("T2",)))
    assert section is not None and section.picture is not None
    text = " ".join([section.finding, section.picture.title, section.picture.wide, str(section.tables)])
    assert "T2" in text and "T1" not in text
