"""The history by quarter: counts, raw means, states, and nothing of who is withheld; its files and its sections."""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "pages"))
from sample import sample
from synthetic import make_evidence, make_fit

import skillstats as ss
from skillstats.errors import Mismatch
from skillstats.evaluation.forward import with_past_forecasts
from skillstats.evaluation.history import COLUMNS
from skillstats.evaluation.write import evaluation_json, evaluation_of, plain_json
from skillstats.evidence import Evidence
from skillstats.inference.diagnose import FIT, Finding
from skillstats.plan import Floors
from skillstats.report.history import history_sections
from skillstats.report.section import Setting

SETTING = Setting("USD", ("T1", "T2", "T3"), "0.25", "90%")
QUARTERS = ("2025Q1", "2025Q2", "2025Q3")


def quarterly(**changes: Any) -> Evidence:
    """Three traders, 30 sessions in each of three quarters, four rows a day; T3 acts in three sessions of the first quarter only."""
    sessions = 90
    evidence = make_evidence(sessions=sessions)
    names = tuple(f"2025-{1 + 3 * (s // 30) + s % 30 // 28:02d}-{1 + s % 30 % 28:02d}" for s in range(sessions))
    gone = (evidence.trader == 2) & (evidence.session >= 3)
    kept = {
        k: getattr(evidence, k)[~gone] for k in ("value_add", "risk", "y", "trader", "session", "regime", "action", "decision")
    }
    quarter = kept["session"] // 30
    made = dataclasses.replace(
        evidence, **kept, labels={"quarter": quarter}, coords={**evidence.coords, "session": names, "quarter": QUARTERS}
    )
    return dataclasses.replace(made, **changes)


@pytest.fixture(scope="module")
def evidence() -> Evidence:
    return quarterly()


@pytest.fixture(scope="module")
def result(evidence: Evidence) -> ss.Evaluation:
    """T3 is under the floor of days."""
    return ss.evaluate(make_fit(evidence, np.array([0.12, 0.02, 0.0])))


def test_counts_and_raw_means_are_those_of_a_group_by(evidence: Evidence, result: ss.Evaluation) -> None:
    frame = evidence.to_pandas()
    rows = {(r["trader"], r["quarter"]): r for r in result.history["rows"]}
    assert len(rows) == 9
    for (trader, quarter), part in frame.groupby(["trader", "quarter"]):
        row = rows[trader, quarter]
        assert (row["decisions"], row["days"]) == (part["decision"].nunique(), part["session"].nunique())
        if trader != "T3":
            assert row["raw_mean"] == pytest.approx(part["value_add"].mean())
            assert row["raw_y"] == pytest.approx(part["y"].mean())


def test_withheld_traders_keep_counts_and_lose_every_number(result: ss.Evaluation) -> None:
    rows = [r for r in result.history["rows"] if r["trader"] == "T3"]
    assert [r["decisions"] for r in rows] == [12, 0, 0]
    assert {r["status"] for r in rows} == {"WITHHOLD"}
    assert all(r[k] is None for r in rows for k in COLUMNS[5:])
    assert {c["trader"] for c in result.history["changes"]} == {"T1", "T2"}


def test_states_are_ordered_and_prior_driven_under_four_quarters(result: ss.Evaluation) -> None:
    assert result.history["prior_driven"]
    assert result.history["current"] == "2025Q3"
    assert result.history["path"]["available"]
    for row in (r for r in result.history["rows"] if r["trader"] != "T3"):
        for scale in ("annual", "state"):
            points = [row[f"{scale}_{k}"] for k in ("q05", "q25", "mean", "q75", "q95")]
            assert points == sorted(points)


def test_a_path_rests_on_the_scales_of_a_fit_and_on_the_data_not_on_its_effects(
    evidence: Evidence, result: ss.Evaluation
) -> None:
    """Effects are integrated out again with the drift; a fit with the same scales and any other effects gives the same states."""
    other = ss.evaluate(make_fit(evidence, np.array([-0.3, 0.4, 0.0]))).history
    for one, two in zip(result.history["rows"], other["rows"], strict=True):
        if one["trader"] != "T3":
            assert two["state_mean"] == pytest.approx(one["state_mean"], abs=1e-12)


@pytest.mark.parametrize("first", [1, 2])
def test_a_path_begins_when_a_trader_came(evidence: Evidence, first: int) -> None:
    """T2 came in the second or third quarter: nothing before, and the change is from there."""
    late = (evidence.trader == 1) & (evidence.code("quarter") < first)
    kept = {
        k: getattr(evidence, k)[~late] for k in ("value_add", "risk", "y", "trader", "session", "regime", "action", "decision")
    }
    came = dataclasses.replace(evidence, **kept, labels={"quarter": evidence.code("quarter")[~late]})
    history = ss.evaluate(make_fit(came, np.zeros(3))).history
    rows = [r for r in history["rows"] if r["trader"] == "T2"]
    assert [r["decisions"] for r in rows] == [0] * first + [120] * (3 - first)
    assert [r["state_mean"] is None for r in rows] == [True] * first + [False] * (3 - first)
    change = next(c for c in history["changes"] if c["trader"] == "T2")
    assert change["mean"] == pytest.approx(rows[2]["annual_mean"] - rows[first]["annual_mean"], rel=1e-6)
    assert (change["q95"] - change["q05"] > 1e-9) == (first < 2)  # from a quarter to itself nothing can change
    section = history_sections(history, SETTING, 0.25)[0]
    assert section.picture is not None


def test_the_folder_holds_the_history_and_its_digest(result: ss.Evaluation, tmp_path: Path) -> None:
    folder = tmp_path / "evaluation"
    ss.write_evaluation(result, folder)
    frame = pd.read_csv(folder / "history.csv")
    assert tuple(frame.columns) == COLUMNS
    assert frame.loc[frame["trader"] == "T3", list(COLUMNS[5:])].isna().all().all()
    assert frame.loc[0, "state_mean"] == result.history["rows"][0]["state_mean"]
    assert "history.csv: sha256 holds" in ss.verify(folder)
    (folder / "history.csv").write_text("trader\n")
    with pytest.raises(Mismatch, match=r"history\.csv: changed"):
        ss.verify(folder)


def test_the_same_fit_gives_the_same_bytes(evidence: Evidence, result: ss.Evaluation) -> None:
    again = ss.evaluate(make_fit(evidence, np.array([0.12, 0.02, 0.0])))
    assert evaluation_json(again) == evaluation_json(result)
    assert json.loads(evaluation_json(result))["history"]["rows"] == json.loads(plain_json({"r": result.history["rows"]}))["r"]


def test_without_dates_or_with_one_quarter_there_is_no_path_and_it_is_said(evidence: Evidence) -> None:
    undated = make_evidence(coords={**make_evidence().coords, "session": tuple(f"item {i}" for i in range(60))})
    history = ss.evaluate(make_fit(undated, np.zeros(3))).history
    assert not history["available"]
    assert "calendar quarters do not exist" in history_sections(history, SETTING, 0.25)[0].finding
    one = ss.evaluate(make_fit(make_evidence(), np.zeros(3))).history
    assert one["quarters"] == ["2025Q1"]
    assert "one calendar quarter" in history_sections(one, SETTING, 0.25)[0].finding


def test_a_withheld_fit_has_no_path_and_no_past_forecast(evidence: Evidence) -> None:
    fit = make_fit(
        evidence, np.zeros(3), findings=(Finding("E-STUCK", "WITHHOLD", FIT, "mu", 1.2, 1.05, "a chain does not move"),)
    )
    result = with_past_forecasts(ss.evaluate(fit), fit, ss.Plan())
    assert result.history["forecasts"] == {"available": False, "why": "the fit is withheld"}
    assert not result.history["path"]["available"]
    assert all(r[k] is None for r in result.history["rows"] for k in COLUMNS[5:])


def test_where_every_trader_is_withheld_nothing_of_the_desk_is_shown_either(evidence: Evidence) -> None:
    fit, plan = make_fit(evidence, np.zeros(3)), ss.Plan(floors=Floors(days=500))
    history = with_past_forecasts(ss.evaluate(fit, plan), fit, plan).history
    assert history["path"] == {"available": False, "why": "no trader has an estimate that may be shown"}
    assert history["forecasts"] == history["path"]
    assert history["changes"] == []


def test_past_forecasts_not_made_are_said_not_to_be_made(evidence: Evidence, result: ss.Evaluation) -> None:
    fit = make_fit(evidence, np.zeros(3))
    skipped = with_past_forecasts(result, fit, ss.Plan(), made=False)
    sections = history_sections(skipped.history, SETTING, 0.25)
    assert [s.key for s in sections] == ["history", "forecasts"]
    assert "were not made again in this run" in sections[1].finding


def forecasts(verdicts: tuple[str, str, str], quarters: int = 3) -> dict[str, Any]:
    """A block of past forecasts with given verdicts against zero, raw and pooled."""
    ends = {"better": (0.1, 0.5), "worse": (-0.5, -0.1), "cannot tell": (-0.2, 0.4), "one": (None, None)}
    lines = {
        rival: {
            "mean": 0.3,
            "q05": ends[v][0],
            "q95": ends[v][1],
            "quarters": quarters,
            "verdict": "cannot tell" if v == "one" else v,
        }
        for rival, v in zip(("zero", "raw", "pooled"), verdicts, strict=True)
    }
    scale = lines | {"inside": 20}
    rank = {
        k: {"mean": 0.2, "q05": -0.5, "q95": 0.9, "quarters": quarters, "verdict": "cannot tell"}
        for k in ("method", "raw", "difference")
    }
    summary = {"outcome": scale, "money": scale, "rank": rank, "quarters": quarters, "forecasts": 24, "enough": quarters >= 4}
    one = {"zero": 0.1, "raw": 0.2, "pooled": 0.3, "inside": 7}
    quarter = {
        "quarter": "2025Q2",
        "traders": 8,
        "decisions": 900,
        "outcome": one,
        "money": one,
        "rank": {"method": 0.2, "raw": None},
    }
    return {
        "available": True, "model": "crossed_total", "seed": 1, "unit": "USD", "quarters": [quarter] * quarters, "summary": summary,
        "skipped": {"2026Q1": "2 sessions, at least 20 needed"}, "newcomers": 2,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("verdicts", "said"),
    [
        (
            ("better", "cannot tell", "worse"),
            "better than the assumption of no skill and worse than the desk’s mean; against traders’ own raw means it cannot be told",
        ),
        (("cannot tell",) * 3, "it cannot be told whether this method forecasts better than any simple rule"),
    ],
)
def test_the_finding_on_past_forecasts_follows_the_intervals(result: ss.Evaluation, verdicts: Any, said: str) -> None:
    history = result.history | {"forecasts": forecasts(verdicts)}
    section = history_sections(history, SETTING, 0.25)[1]
    assert said in section.finding
    assert "so few quarters can say little" in section.finding
    assert "Of 24 results, 20 lay inside the forecast’s 90% interval, where 22 were expected" in section.finding
    assert "2026Q1 is not scored: 2 sessions, at least 20 needed." in section.notes
    enough = history_sections(result.history | {"forecasts": forecasts(verdicts, 4)}, SETTING, 0.25)[1]
    assert "so few" not in enough.finding


def test_one_quarter_of_forecasts_has_no_interval_and_no_picture(result: ss.Evaluation) -> None:
    section = history_sections(result.history | {"forecasts": forecasts(("one",) * 3, 1)}, SETTING, 0.25)[1]
    assert section.picture is None
    assert "0.30 (one quarter, no interval)" in str(section.tables)


def test_the_picture_of_skill_says_who_moved_and_shows_no_withheld_trader(result: ss.Evaluation) -> None:
    section = history_sections(result.history, SETTING, 0.25)[0]
    assert section.finding.startswith("Of nobody can it be said that skill has changed between 2025Q1 and 2025Q3")
    assert "fewer than four, how fast skill moves is prior-driven" in section.finding
    assert section.picture is not None
    assert "T2" in section.picture.wide
    assert "T3" not in section.picture.wide
    assert "withheld" in str([line for line in section.tables[0][0].lines if line[0] == "T3"])
    change = {"trader": "T1", "mean": 0.4, "q05": 0.1, "q25": 0.3, "q75": 0.5, "q95": 0.7}
    moved = result.history | {"changes": [change, change | {"trader": "T2", "q05": -0.7, "q95": -0.1}]}
    finding = history_sections(moved, SETTING, 0.25)[0].finding
    assert "skill has risen for T1 and fallen for T2, each with at least 95% probability" in finding


def test_the_head_page_has_both_sections_and_an_old_evaluation_has_none(result: ss.Evaluation, tmp_path: Path) -> None:
    full = dataclasses.replace(result, history=result.history | {"forecasts": forecasts(("better",) * 3)})
    page = ss.write_report(
        evaluation_of(json.loads(evaluation_json(full))), audience="head", path=tmp_path / "head.html"
    ).read_text()
    assert page.index('id="h-regimes"') < page.index('id="h-history"') < page.index('id="h-forecasts"')
    old = ss.write_report(sample(), audience="head", path=tmp_path / "old.html").read_text()
    assert "h-history" not in old
