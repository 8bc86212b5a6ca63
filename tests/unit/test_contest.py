"""A contested row: found, left out, judged again, kept beside the evaluation, shown to whom it may be shown."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc
import pytest
from click.testing import CliRunner

from skillstats.cli import main
from skillstats.errors import UsageError
from skillstats.evaluation import contest as module
from skillstats.evaluation.contest import _claims, _sides, contest
from skillstats.evaluation.contest_words import claim_turned
from skillstats.evaluation.contests import contests_folder, keep_contest, read_contests
from skillstats.evaluation.evaluate import evaluate
from skillstats.evaluation.result import ESTIMAND_COLUMNS, SKILL_COLUMNS
from skillstats.evaluation.verify import verify
from skillstats.evaluation.write import read_evaluation, write_evaluation
from skillstats.evidence import to_evidence
from skillstats.inference.nuts import fit
from skillstats.ledger.build import build_ledger
from skillstats.ledger.containers import Ledger
from skillstats.record.read import read_record
from skillstats.report.page import render_report, write_report
from skillstats.report.readers import Material, contests_of, contests_without_text
from skillstats.simulate import World, simulate_tables

NOTE = 'the fill <b onclick="x">never</b> came, =1+1\u202e'


@dataclasses.dataclass(frozen=True)
class Desk:
    ledger: Ledger
    folder: Path
    evaluation: Path
    key: str
    """The intervention of the largest value-add."""


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    root = tmp_path_factory.mktemp("desk")
    tables, _ = simulate_tables(World(traders=3, sessions=40, signals_per_day=5.0, directional=()), seed=3)
    tables.write(root / "record")
    ledger = build_ledger(read_record(root / "record"))
    ledger.write(root / "ledger")
    evidence = to_evidence(ledger)
    fitted = fit("crossed_total", evidence, seed=4, engine="gibbs", plan=ledger.plan, draws=600)
    write_evaluation(evaluate(fitted, ledger.plan), root / "evaluation", fitted, {"ledger_digest": ledger.digest})
    own = ledger.rows.filter(pc.equal(ledger.rows["is_intervention"], True))
    own = own.filter(pc.greater(own["volatility"], 0))
    key = own["signal_id"][int(np.argmax(own["value_add"].to_numpy()))].as_py()
    return Desk(ledger, root / "ledger", root / "evaluation", key)


@pytest.fixture(scope="module")
def made(desk: Desk) -> Any:
    return contest(desk.evaluation, desk.ledger, row=desk.key, note=NOTE, at=5)


def test_the_verdict_without_the_row_is_that_of_a_record_without_it(desk: Desk, made: Any) -> None:
    """The evidence the refit sees, made by hand from the whole: everything but the rows of that decision."""
    whole = to_evidence(desk.ledger)
    rows = desk.ledger.rows.filter(pc.not_equal(desk.ledger.rows["signal_id"], desk.key))
    rest = to_evidence(dataclasses.replace(desk.ledger, rows=rows))
    value = desk.ledger.rows.filter(pc.equal(desk.ledger.rows["signal_id"], desk.key))["value_add"][0].as_py() * 1e-6
    assert len(rest) == len(whole) - 1
    assert whole.value_add.sum() - rest.value_add.sum() == pytest.approx(value, abs=1e-6)
    bets = read_evaluation(desk.evaluation).source["bets_per_year"]
    import msgspec

    plan = msgspec.structs.replace(desk.ledger.plan, model=msgspec.structs.replace(desk.ledger.plan.model, bets_per_year=bets))
    own = read_evaluation(desk.evaluation)
    again = fit("crossed_total", rest, seed=4, engine="gibbs", plan=plan, draws=600, tune=own.diagnostics["tune"])
    expected = evaluate(again, desk.ledger.plan)
    trader = made.content["row"]["trader"]
    row = next(r for r in expected.rows if (r["trader"], r["regime"]) == (trader, "all"))
    published = next(r for r in own.rows if (r["trader"], r["regime"]) == (trader, "all"))
    found = made.content["verdict"]
    assert (found["with"]["status"], found["without"]["status"]) == (published["status"], row["status"])
    assert (found["with"]["n"], found["without"]["n"]) == (published["n"], published["n"] - 1)
    for column in ("ir_annual_mean", "p_above_hurdle"):
        assert (found["with"][column], found["without"][column]) == (published[column], row[column])
    assert (made.content["engine"], made.content["seed"]) == ("gibbs", 4)


def test_the_totals_differ_by_the_row(desk: Desk, made: Any) -> None:
    totals, row = made.content["totals"], made.content["row"]
    assert totals["desk"]["with"] == desk.ledger.result["totals"]["value_add"]
    for sides in totals.values():
        assert sides["with"] - sides["without"] == row["value_add"]
    frame = desk.ledger.frame()
    assert totals["trader"]["with"] == frame.loc[frame["trader"] == row["trader"], "value_add"].sum()


def test_a_row_that_is_not_judged_says_why_and_fits_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "fit", None)
    rows = desk.ledger.rows
    key = rows.filter(pc.equal(rows["action"], "ACCEPT"))["signal_id"][0].as_py()
    found = contest(desk.evaluation, desk.ledger, row=key, note="not mine").content
    assert (found["judged"], found["verdict"]) == (False, None)
    assert "only departures" in found["text"]


def test_what_cannot_be_contested_is_refused_before_any_fit(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "fit", None)
    with pytest.raises(UsageError, match="no row of this ledger"):
        contest(desk.evaluation, desk.ledger, row="NOBODY", note="x")
    with pytest.raises(UsageError, match="--note is empty"):
        contest(desk.evaluation, desk.ledger, row=desk.key, note=" \n")
    with pytest.raises(UsageError, match="4001 characters"):
        contest(desk.evaluation, desk.ledger, row=desk.key, note="x" * 4001)
    other = dataclasses.replace(desk.ledger, result={**desk.ledger.result, "as_of": 1})
    with pytest.raises(UsageError, match="does not rest on it"):
        contest(desk.evaluation, other, row=desk.key, note="x")
    own = read_evaluation(desk.evaluation)
    changed = dataclasses.replace(own, identity={**own.identity, "spec": "00" * 32})
    write_evaluation(changed, tmp_path / "other", inputs={"ledger_digest": desk.ledger.digest})
    with pytest.raises(UsageError, match="not at hand as it was"):
        contest(tmp_path / "other", desk.ledger, row=desk.key, note="x")


@pytest.mark.parametrize("hidden", ["with", "without"])
def test_contesting_opens_no_door_to_a_withheld_number(hidden: str) -> None:
    shown = dict.fromkeys(SKILL_COLUMNS, 0.5) | {"status": "REPORT", "reasons": "W-PRIOR P is 0.777", "n": 9}
    gone = shown | {"status": "WITHHOLD"}  # with its numbers still there by mistake
    sides = _sides(*((gone, shown) if hidden == "with" else (shown, gone)))
    for side in sides.values():
        assert all(side[c] is None for c in (*ESTIMAND_COLUMNS, "reasons"))
        assert side["n"] == 9
    assert sides[hidden]["status"] == "WITHHOLD"
    whole = _sides(shown, shown)
    assert whole["with"]["p_above_hurdle"] == 0.5


@pytest.mark.parametrize(
    ("published", "without", "claims", "turned"),
    [
        (("REPORT", 0.95), ("REPORT", 0.85), {"with": True, "without": False}, True),
        (("REPORT", 0.95), ("FLAG", 0.90), {"with": True, "without": True}, False),
        (("FLAG", 0.95), ("WITHHOLD", None), {"with": True, "without": False}, True),
        (("WITHHOLD", None), ("REPORT", 0.95), {"with": False, "without": None}, False),  # would tell what is withheld
    ],
)
def test_whether_a_claim_hangs_on_the_row(published: Any, without: Any, claims: Any, turned: bool) -> None:
    one, two = ({"status": s, "p_above_hurdle": p} for s, p in (published, without))
    found = _claims(one, two, 0.90)
    assert found == claims
    assert claim_turned({"claims": found}) is turned


def test_contests_are_kept_beside_the_evaluation_and_never_replaced(desk: Desk, made: Any) -> None:
    before = sorted(p.name for p in desk.evaluation.iterdir())
    assert [keep_contest(desk.evaluation, made).name for _ in range(3)] == ["c0001.json", "c0002.json", "c0003.json"]
    assert sorted(p.name for p in desk.evaluation.iterdir()) == before
    assert verify(desk.evaluation)
    found = read_contests(desk.evaluation)
    assert [c["note"] for c in found] == [NOTE] * 3
    assert all(c["current"] for c in found)
    assert not list(contests_folder(desk.evaluation).glob(".new*"))


def test_a_contest_outlives_the_evaluation_it_was_about(desk: Desk, made: Any, tmp_path: Path) -> None:
    own = read_evaluation(desk.evaluation)
    write_evaluation(own, tmp_path / "e")
    keep_contest(tmp_path / "e", made)
    assert not read_contests(tmp_path / "e")[0]["current"]  # another manifest: no posterior, no inputs
    page = render_report_with(own, read_contests(tmp_path / "e"), tmp_path)
    assert "No row of this evaluation is contested." in page
    assert "earlier evaluation that lay in this place" in page
    (contests_folder(tmp_path / "e") / "c0002.json").write_text("{}")
    with pytest.raises(UsageError, match=r"c0002\.json"):
        read_contests(tmp_path / "e")


def render_report_with(evaluation: Any, contests: Any, folder: Path) -> str:
    path = write_report(evaluation, audience="head", path=folder / "head.html", contests=contests)
    return path.read_text(encoding="utf-8")


def test_the_head_sees_the_note_word_for_word_and_harmless(desk: Desk, made: Any, tmp_path: Path) -> None:
    own = read_evaluation(desk.evaluation)
    page = render_report_with(own, [{**made.content, "current": True}], tmp_path)
    assert "Contested rows" in page
    assert "the fill &lt;b onclick=&#34;x&#34;&gt;never&lt;/b&gt; came, =1+1\\u202e" in page
    assert "<b onclick" not in page
    assert re.search(rf">{desk.key}<", page)
    assert "Contested rows" not in render_report(own, audience="head")


def test_a_trader_gets_own_contests_and_governance_no_text(desk: Desk, made: Any) -> None:
    content = {**made.content, "current": True}
    trader = content["row"]["trader"]
    other = {**content, "row": {**content["row"], "trader": "T-other", "id": "S-other"}, "note": "secret"}
    material = Material(read_evaluation(desk.evaluation), None, trader, contests=(content, other))
    own = contests_of(material, trader)
    assert [c["row"]["id"] for c in own] == [desk.key]
    assert "desk" not in own[0]["totals"]
    told = contests_without_text(material)
    assert len(told) == 2
    text = json.dumps(told)
    assert "never" not in text and "secret" not in text
    assert set(told[0]) == {"row", "trader", "at", "judged", "current", "status"}


def test_the_command_says_what_the_row_weighs(desk: Desk, made: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(
        module, "contest", lambda *_, **given: dataclasses.replace(made, content={**made.content, "at": given["at"]})
    )
    write_evaluation(read_evaluation(desk.evaluation), tmp_path / "e")
    words = ("contest", tmp_path / "e", "--ledger", desk.folder, "--row", desk.key, "--note", NOTE)
    done = CliRunner().invoke(main, [str(w) for w in words])
    assert done.exit_code == 0, done.output
    assert made.content["text"] in done.output
    assert read_contests(tmp_path / "e")[0]["at"] > 1_700_000_000_000_000
    page = tmp_path / "head.html"
    shown = CliRunner().invoke(main, ["report", str(tmp_path / "e"), "--audience", "head", "--out", str(page)])
    assert shown.exit_code == 0, shown.output
    assert "Contested rows" in page.read_text(encoding="utf-8")
    missing = CliRunner().invoke(main, ["contest", str(tmp_path / "e"), "--ledger", str(desk.folder), "--row", "X"])
    assert missing.exit_code == 2
