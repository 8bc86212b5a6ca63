"""Minutes: kept as a chain beside the evaluation, and held against the exact ledger of the quarter after."""

from __future__ import annotations

import csv
import hashlib
import json
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "pages"))

import sample as made

import skillstats as ss
from skillstats.errors import Mismatch, UsageError
from skillstats.evaluation.minutes_outcome import calibration
from skillstats.ledger.containers import Ledger
from skillstats.report.decided import least_by_chance

AT = "2026-10-05T16:00:00Z"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An evaluation's folder with three decisions."""
    ss.write_evaluation(made.sample(), tmp_path / "q3")
    add(tmp_path / "q3", "T1", "keep", at=AT, by="head of trading")
    add(tmp_path / "q3", "T2", "cap", fraction=0.5, at=AT)
    add(tmp_path / "q3", "T3", "train", regime="calm", at=AT)
    return tmp_path / "q3"


def add(folder: Path, trader: str | None, decision: str, **given: Any) -> dict[str, Any]:
    return ss.add_minutes(folder, trader=trader, decision=decision, **({"why": f"because of {trader}"} | given))


def lines_of(folder: Path) -> list[str]:
    return (folder / "minutes.jsonl").read_text().splitlines(keepends=True)


def test_each_line_is_its_own_digest_and_names_the_line_before(folder: Path) -> None:
    previous = ""
    for number, line in enumerate(lines_of(folder)):
        stored, body = json.loads(line), line[line.index('"entry":') + 8 : -2]
        assert stored["digest"] == hashlib.sha256(body.encode()).hexdigest()
        assert (stored["entry"]["seq"], stored["entry"]["previous"]) == (number, previous)
        assert stored["entry"]["evaluation"]["manifest"] == json.loads((folder / "manifest.json").read_bytes())["result_digest"]
        assert stored["entry"]["evaluation"]["file"] == hashlib.sha256((folder / "evaluation.json").read_bytes()).hexdigest()
        previous = stored["digest"]


def test_verify_passes_and_states_the_chain(folder: Path) -> None:
    last = ss.read_minutes(folder)[-1]["digest"]
    assert f"minutes.jsonl: the chain of 3 entries holds, its last digest is {last}" in ss.verify(folder)


@pytest.mark.parametrize(
    ("how", "named"),
    [
        ("changed", "entry 2 was changed"),
        ("dropped", "entry 2 was written as number 3"),
        ("last dropped", "entry 3 is missing"),
        ("reordered", "entry 2 was written as number 3"),
        ("repeated", "entry 3 was written as number 2"),
        ("cut", "entry 3 is cut short"),
        ("all gone", "missing, but minutes.head says"),
        ("rewritten", "entry 3 is not the one minutes.head names"),
    ],
)
def test_whatever_was_done_to_an_entry_is_found_and_named(folder: Path, how: str, named: str) -> None:
    path, lines = folder / "minutes.jsonl", lines_of(folder)
    tampered = {
        "changed": [lines[0], lines[1].replace('"fraction":0.5', '"fraction":0.9'), lines[2]],
        "dropped": [lines[0], lines[2]],
        "last dropped": lines[:2],
        "reordered": [lines[0], lines[2], lines[1]],
        "repeated": [*lines[:2], lines[1], lines[2]],
        "cut": [*lines[:2], lines[2][:-30]],
        "all gone": [],
        "rewritten": [*lines[:2], redone(lines[2])],
    }[how]
    path.write_text("".join(tampered))
    if how == "all gone":
        path.unlink()
    for read in (lambda: ss.read_minutes(folder), lambda: ss.verify(folder)):
        with pytest.raises(Mismatch, match=named):
            read()
    with pytest.raises(Mismatch):
        add(folder, "T1", "wait")


def redone(line: str) -> str:
    """An entry changed together with its own digest."""
    body = line[line.index('"entry":') + 8 : -2].replace("because", "in spite")
    return json.dumps({"digest": hashlib.sha256(body.encode()).hexdigest()})[:-1] + f', "entry":{body}}}\n'


def test_minutes_of_another_evaluation_are_found(folder: Path, tmp_path: Path) -> None:
    ss.write_evaluation(made.sample(plan=made.plan(seed=7)), tmp_path / "other")
    for name in ("minutes.jsonl", "minutes.head"):
        (tmp_path / "other" / name).write_bytes((folder / name).read_bytes())
    with pytest.raises(Mismatch, match="entry 1 is about another evaluation"):
        ss.verify(tmp_path / "other")


def test_nothing_overwrites_minutes(folder: Path) -> None:
    with pytest.raises(UsageError, match="holds the minutes of what was decided"):
        ss.write_evaluation(made.sample(), folder)
    assert len(ss.read_minutes(folder)) == 3


def test_everything_wrong_is_said_at_once_and_nothing_is_written(folder: Path) -> None:
    before = (folder / "minutes.jsonl").read_bytes()
    with pytest.raises(UsageError) as error:
        add(folder, "T9", "cop", fraction=2.0, why=" ")
    for part in ("trader='T9', not a trader", "decision='cop', must be one of keep", "fraction=2.0", "why: empty"):
        assert part in str(error.value)
    for given, part in (
        ({"trader": None, "decision": "keep"}, "name the trader"),
        ({"trader": "T1", "decision": "cap"}, "fraction=None"),
        ({"trader": "T1", "decision": "keep", "fraction": 0.5}, "fraction=0.5"),
        ({"trader": "T1", "decision": "keep", "regime": "storm"}, "which are 'all', 'calm'"),
        ({"trader": "T1", "decision": "keep", "at": "2026-10-05 16:00"}, "not an instant"),
        ({"trader": "T1", "decision": "keep", "why": "e\u0301"}, "normal form C"),
    ):
        with pytest.raises(UsageError, match=part):
            ss.add_minutes(folder, **({"why": "x"} | given))  # type: ignore[arg-type]
    assert (folder / "minutes.jsonl").read_bytes() == before


def test_an_entry_keeps_what_was_expected_and_nothing_that_is_withheld(folder: Path) -> None:
    row = made.desk_rows()[0]
    kept = ss.read_minutes(folder)[0]["expected"]
    assert kept["p_above_hurdle"] == row["p_above_hurdle"]
    assert kept["quarter"] == row["detail"]["quarter"]
    assert kept["losses"] == row["detail"]["losses"]
    withheld = add(folder, "T8", "wait")["expected"]
    assert withheld["status"] == "WITHHOLD"
    assert [withheld[k] for k in ("p_above_hurdle", "ir", "losses", "quarter")] == [None] * 4
    desk = add(folder, None, "change-rule")["expected"]
    assert desk["quarter"]["mean"] == made.desk()["quarter"]["mean"]
    assert desk["traders"] == [f"T{k}" for k in range(1, 8)]


@pytest.fixture(scope="module")
def ledger() -> Ledger:
    """Three traders, forty sessions, horizons over two sessions, so that money of a decision falls into several sessions."""
    record, _ = ss.simulate(ss.World(traders=3, sessions=40, signals_per_day=4.0, directional=()), seed=9)
    import msgspec

    return ss.build_ledger(record, msgspec.structs.replace(record.plan, horizon="session+1"))


def entry(ledger: Ledger, trader: str | None, decision: str = "keep", regime: str = "all", **expected: Any) -> dict[str, Any]:
    sessions = sorted(set(ledger.rows["session"].to_pylist()))
    told = {
        "unit": "USD",
        "target": "total",
        "traders": [trader] if trader else ["T1", "T2"],
        "last_session": sessions[9],
        "horizon_sessions": 15,
    }
    told |= {"quarter": {"mean": 0.0, "q05": -1e9, "q50": 0.0, "q95": 1e9}, "losses": None, "p_above_hurdle": None} | expected
    about = {"file": "f" * 64, "manifest": "m" * 64}
    return {
        "at": 1,
        "digest": f"{trader}{decision}{regime}",
        "trader": trader,
        "regime": regime,
        "decision": decision,
        "evaluation": about,
        "expected": told,
    }


def by_hand(ledger: Ledger, tmp_path: Path, who: set[str], regime: str = "all") -> tuple[int, int, int]:
    """Micro-units, decisions and sessions of interventions in sessions 11 to 25, read from the CSV and the slices, added up one by one."""
    ledger.write(tmp_path / "ledger")
    with (tmp_path / "ledger" / "ledger.csv").open(encoding="utf-8", newline="") as file:
        rows = {(r["signal_id"], r["action_id"]): r for r in csv.DictReader(file)}
    window = sorted({str(s) for s in ledger.slices["session"].to_pylist()})[10:25]
    total, decisions, days = Fraction(0), set(), set()
    for line in ledger.slices.to_pylist():
        row = rows[line["signal_id"] or "", line["action_id"] or ""]
        if (
            row["trader"] in who
            and row["is_intervention"] == "true"
            and line["session"] in window
            and regime in ("all", row["regime_market"])
        ):
            total += line["slice"]
            decisions.add(line["decision_id"])
            days.add(line["session"])
    return int(total), len(decisions), len(days)


@pytest.mark.parametrize(("trader", "regime"), [("T1", "all"), ("T2", "all"), (None, "all"), ("T3", "calm")])
def test_what_came_is_the_exact_sum_of_the_sessions_after(
    ledger: Ledger, tmp_path: Path, trader: str | None, regime: str
) -> None:
    came = ss.decided_earlier([entry(ledger, trader, "wait", regime)], ledger)[0]["came"]
    expected = by_hand(ledger, tmp_path, {trader} if trader else {"T1", "T2"}, regime)
    assert (came["value_add_micro"], came["decisions"], came["days"]) == expected
    assert expected[0] != 0
    assert (came["sessions"], came["seen"]) == (15, 15)


def test_an_outcome_on_the_end_of_its_interval_is_inside_and_a_micro_unit_beyond_is_not(ledger: Ledger) -> None:
    sums = ss.decided_earlier([entry(ledger, "T1")], ledger)[0]["came"]["value_add_micro"]
    ends = {"mean": 0.0, "q50": 0.0, "q05": -1e9}
    for micro, inside in ((sums, True), (sums - 1, False)):
        told = entry(ledger, "T1", quarter=ends | {"q95": micro / 1e6})
        assert ss.decided_earlier([told], ledger)[0]["came"]["inside"] is inside


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"horizon_sessions": 63}, "the quarter is not over: 30 of 63 sessions so far"),
        ({"last_session": "2024-11-29"}, "the ledger begins on"),
        ({"last_session": None}, "no dated sessions or no year"),
        ({"quarter": None}, "skill was withheld"),
        ({"unit": "EUR"}, "the forecast is in EUR, the ledger in USD"),
        ({"target": "selection"}, "the forecast is of selection skill"),
        ({"traders": ["T77"]}, "no intervention to judge"),
    ],
)
def test_what_cannot_be_judged_says_why(ledger: Ledger, change: dict[str, Any], why: str) -> None:
    came = ss.decided_earlier([entry(ledger, "T1", **change)], ledger)[0]["came"]
    assert came["inside"] is None
    assert why in came["why"]


def test_the_calibration_counts_a_forecast_once_and_changed_rules_apart(ledger: Ledger) -> None:
    outside = {"quarter": {"mean": 0.0, "q50": 0.0, "q05": 5e8, "q95": 6e8}}
    given = [entry(ledger, "T1"), entry(ledger, "T1", "train"), entry(ledger, "T2", **outside), entry(ledger, "T3", "revoke")]
    found = calibration(ss.decided_earlier([*given, entry(ledger, "T2", "wait", "calm", quarter=None)], ledger))
    assert found == {"stay": {"inside": 1, "judged": 2}, "changed": {"inside": 1, "judged": 1}}


def test_the_least_hits_that_chance_allows_are_the_binomials() -> None:
    from scipy.stats import binom

    assert [least_by_chance(n) for n in range(1, 60)] == [int(binom.ppf(0.05 + 1e-12, n, 0.9)) for n in range(1, 60)]
