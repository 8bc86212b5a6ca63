"""The page of governance: four answers in a word, counts that add up, no estimate and no free text."""

from __future__ import annotations

import json
import re
import shlex
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import sample as made

import skillstats as ss
import skillstats.errors
import skillstats.report.page
from skillstats.cli.app import main
from skillstats.evaluation.result import NOT_ASKED, Evaluation
from skillstats.evaluation.write import evaluation_digest
from skillstats.ledger.containers import Ledger
from skillstats.report.page import make_pages
from skillstats.report.plain import PLAIN
from skillstats.report.readers import Material
from skillstats.report.readers.governance import collect

FROZEN = {
    "status": "before",
    "at": 1_780_000_000_000_000,
    "digest": "9f1c" * 16,
    "first_outcome": 1_780_100_000_000_000,
    "text": "Frozen first.",
    "keys": [],
    "freezes": 1,
}


@cache
def ledger() -> Ledger:
    record, _ = ss.simulate(ss.World(traders=2, sessions=5, signals_per_day=4.0, directional=()), seed=4)
    return ss.build_ledger(record)


def evaluation(**changes: Any) -> Evaluation:
    return made.sample(**({"source": made.source(ledger=ledger().digest)} | changes))


def shown(found: Evaluation, books: Ledger | None = None, minutes: tuple[dict[str, Any], ...] = ()) -> tuple[str, dict[str, Any]]:
    pages = make_pages(Material(found, books, None, minutes), audience="governance")
    return pages.page, json.loads(pages.data)


def words(page: str) -> list[str]:
    """The answers in a word, in their order."""
    return [re.sub(r"<[^>]*>", "", w).strip(" \u2713\u25cb\u2717") for w in re.findall(r'<dd class="word">(.*?)</dd>', page)]


def decided(**changes: Any) -> dict[str, Any]:
    told = {
        "at": 1,
        "clock": "given",
        "by": "secret role",
        "trader": "T1",
        "regime": "all",
        "decision": "keep",
        "fraction": None,
        "why": "secret reason",
        "digest": "a" * 64,
    }
    quarter = {"mean": 1.0, "q05": -1234567.0, "q50": 1.0, "q95": 7654321.0}
    return (
        told
        | {"evaluation": {"file": "f", "manifest": "m", "plan": "p"}, "expected": {"quarter": quarter, "unit": "USD"}}
        | changes
    )


@pytest.mark.parametrize(
    ("frozen", "word"),
    [
        (None, "Unknown"),
        (FROZEN, "Yes"),
        *((FROZEN | {"status": s}, "No") for s in ("after", "differs", "never")),
        (FROZEN | {"status": "unknown"}, "Unknown"),
    ],
)
def test_whether_it_was_declared_first_is_one_word(frozen: dict[str, Any] | None, word: str) -> None:
    assert words(shown(evaluation(plan=made.plan(frozen=frozen)))[0])[0] == word


def test_the_log_is_unchecked_consistent_or_not() -> None:
    import dataclasses

    import pyarrow as pa

    assert words(shown(evaluation())[0])[1] == "Unchecked"
    assert words(shown(evaluation(), ledger())[0])[1] == "Consistent"
    assert words(shown(evaluation(source=made.source(ledger="0" * 64)), ledger())[0])[1] == "No"
    at = ledger().rows.column_names.index("value_add")
    more = pa.array([v + 1 for v in ledger().rows["value_add"].to_pylist()], pa.int64())
    changed = dataclasses.replace(ledger(), rows=ledger().rows.set_column(at, ledger().rows.schema.field(at), more))
    page, data = shown(evaluation(), changed)
    assert words(page)[1] == "No"
    assert data["ledger"]["changed"] == ["ledger"]


def test_what_was_decided_is_the_decision_or_how_many() -> None:
    assert words(shown(evaluation())[0])[3] == "Nothing"
    assert words(shown(evaluation(), None, (decided(),))[0])[3] == "Keep"
    assert words(shown(evaluation(), None, (decided(), decided(decision="revoke")))[0])[3] == "2 decisions"


def test_neither_an_estimate_nor_a_reason_is_on_the_page_or_in_its_data() -> None:
    planted = {k: 0.987654 if k.startswith(("p_", "lfsr", "shr", "rel")) else 98765.4321 for k in made.ESTIMAND_COLUMNS}
    rows = [made.row("T1", **planted, raw_mean=98765.4321, raw_ir=98765.4321, raw_ir_annual=98765.4321)]
    rows[0]["codes"] = [made.code("E-ONE", "P(IR > hurdle) moves by 0.987654")]
    lines = [{"trader": "T1", "share": 0.987654, "error": 0.01}]
    found = evaluation(
        rows=tuple(rows),
        operating={"P against hurdle": lines, "by": {"T1": {"share": 0.987654, "error": 0.1}}},
        restatement={"rows": [98765.4321]},
    )
    came = {
        "first": "2026-07-01",
        "last": "2026-09-30",
        "inside": True,
        "rules_stay": True,
        "value_add_micro": 987654321,
        "why": "",
        "days": 3,
        "decisions": 4,
    }
    pages = make_pages(Material(found, None, None, (decided(), decided(came=came))), audience="governance")
    for text in (pages.page, pages.data.decode()):
        for trace in ("98,765", "98765", "987654", "secret", "1234567", "7654321", "1,234,567"):
            assert trace not in text
        assert "E-ONE" in text


def test_the_counts_are_the_records_own(tmp_path: Path) -> None:
    """Counted again from the tables that were handed in."""
    record = ledger().record
    assert record is not None
    signals, actions = record.tables["signals"], record.tables["actions"]
    by_signal = dict(zip(actions["signal_id"], actions["action"], strict=True))
    kinds = [by_signal.get(s) for s in signals["signal_id"]]
    followed, intervened, undecided = (
        sum(k == "ACCEPT" for k in kinds),
        sum(k not in ("ACCEPT", None) for k in kinds),
        kinds.count(None),
    )
    page, data = shown(evaluation(), ledger())
    counts = data["ledger"]["counts"]
    assert (counts["followed"], counts["intervened"], counts["no_decision"]) == (followed, intervened, undecided)
    told = dict(re.findall(r'class="name"><bdi>([^<]*)</bdi></th><td[^>]*>([\d,]+)</td>', page))
    assert told["All signals handed in"] == str(len(signals))
    departures = [a for a in actions["action"] if a != "ACCEPT"]
    assert data["ledger"]["reasons"] == {"departures": len(departures), "without": len(departures)}
    assert f"{len(departures)} of {len(departures)} departures (100.0%)" in page


def test_error_rates_are_shown_where_there_are_any_and_said_to_be_missing_where_not() -> None:
    assert "Not computed: nothing on this page says how often" in shown(evaluation())[0]
    rate = {"share": 0.042, "q05": 0.02, "q95": 0.08, "error": 0.014, "desks": 200}
    page, data = shown(
        evaluation(operating={"desks without skill": {"any claim": rate}, "skilled": [{"ir": 3.0, "found": rate}]})
    )
    assert [r["name"] for r in data["rates"]] == ["desks without skill any claim", "skilled ir 3 found"]
    assert "4%" in page
    assert "1.4 points" in page


def test_the_recipe_names_commands_that_exist_and_digests_that_agree() -> None:
    found = evaluation(identity=made.sample().identity | {"engine": "gibbs"}, plan=made.plan(overrides={"seed": 7, "draws": 300}))
    page, data = shown(found, ledger())
    commands = [shlex.split(c) for c in re.findall(r'<li><p>[^<]*</p><pre tabindex="0">([^<]*)</pre>', page)]
    assert [c[1] for c in commands] == ["--version", "ledger", "evaluate", "verify"]
    for command in commands[1:]:
        options = {o for p in main.commands[command[1]].params for o in p.opts}
        assert {c for c in command if c.startswith("--")} <= options
    assert commands[2][-8:] == ["--engine", "gibbs", "--seed", "2026", "--draws", "300", "--only", "skill"]
    assert data["identity"]["evaluation"] == evaluation_digest(found)
    assert evaluation_digest(found) in page
    for digest in ledger().result["inputs"].values():
        assert digest in page


def test_the_digest_on_the_page_is_that_of_the_file(tmp_path: Path) -> None:
    import hashlib

    for found in (evaluation(), evaluation(minutes=(decided(came=None),))):
        ss.write_evaluation(found, tmp_path / "q3")
        assert (
            collect(Material(ss.read_evaluation(tmp_path / "q3")))["identity"]["evaluation"]
            == hashlib.sha256((tmp_path / "q3" / "evaluation.json").read_bytes()).hexdigest()
        )


def test_pages_and_their_data_beside_an_evaluation_do_not_disturb_verify(tmp_path: Path) -> None:
    ss.write_evaluation(evaluation(), tmp_path / "q3")
    ss.write_report(evaluation(), audience="governance", path=tmp_path / "q3" / "governance.html")
    assert (tmp_path / "q3" / "governance.json").exists()
    ss.verify(tmp_path / "q3")
    ss.write_evaluation(evaluation(), tmp_path / "q3")
    (tmp_path / "q3" / "stray.json").write_text("{}")
    with pytest.raises(skillstats.errors.Mismatch, match=r"stray\.json: not in the manifest"):
        ss.verify(tmp_path / "q3")


def test_the_heads_page_tells_what_came_of_earlier_decisions() -> None:
    came = {
        "first": "2026-07-01",
        "last": "2026-09-30",
        "sessions": 63,
        "seen": 63,
        "value_add_micro": 12_345_670_000,
        "decisions": 40,
        "days": 20,
        "open": 0,
    }
    kept = decided(came=came | {"inside": True, "rules_stay": True, "why": ""}, why="Because <b>it</b> & so")
    kept["expected"] = {
        "quarter": {"mean": 100.0, "q05": -20000.0, "q50": 90.0, "q95": 30000.0},
        "losses": {"keep": 1965.9, "revoke": 9771.6},
        "p_above_hurdle": 0.93,
    }
    page = skillstats.report.page.render_report(
        evaluation(minutes=(kept,)), audience="head", minutes=(decided(came=None, expected=kept["expected"]),)
    )
    for text in (
        "1 of 1 forecast held",
        "On this evaluation 1 decision is recorded",
        "12,345.67",
        "[\u221220,000, 30,000]",
        "93%",
        "Because &lt;b&gt;it&lt;/b&gt; &amp; so",
    ):
        assert text in page


def evaluate_step(found: Evaluation, books: Ledger | None = None) -> list[str]:
    """The command of the page that evaluates again."""
    page, _ = shown(found, books)
    return next(
        c for c in map(shlex.split, re.findall(r'<pre tabindex="0">([^<]*)</pre>', page)) if c[:2] == ["skillstats", "evaluate"]
    )


def test_the_recipe_says_what_was_really_run() -> None:
    """Freezes, the restated evaluation, its ledger and the number of simulated desks are set again; what was not used is not named."""
    plain = evaluate_step(evaluation(plan=made.plan(frozen=FROZEN | {"freezes": 0})))
    assert not {"--frozen", "--restates", "--restates-ledger", "--minutes"} & set(plain)
    assert plain[plain.index("--operating") + 1] == "0"
    earlier = {"of": {"digest": "5e1f" * 16, "name": "secret name"}, "data": {"compared": "rows"}, "plan": []}
    rates = {"available": True, "desks": {"none": 30, "skilled": 6}}
    full = evaluation(plan=made.plan(frozen=FROZEN), restatement=earlier, operating=rates, minutes=(decided(came=None),))
    command, page = evaluate_step(full), shown(full)[0]
    for option, value in (("--frozen", "FREEZES"), ("--restates", "EARLIER"), ("--restates-ledger", "EARLIER_LEDGER")):
        assert command[command.index(option) + 1] == value
    assert command[command.index("--operating") + 1] == "30"
    assert command[command.index("--minutes") + 1] == "MINUTES"
    assert "5e1f" * 16 in page
    assert "secret" not in page
    digests = evaluation(restatement=earlier | {"data": {"compared": "digests"}})
    assert "--restates" in evaluate_step(digests)
    assert "--restates-ledger" not in evaluate_step(digests)


def test_a_withheld_fit_asks_for_no_number_of_desks() -> None:
    """Its error rates cannot be simulated, whatever number is asked for."""
    assert "--operating" not in evaluate_step(evaluation(operating={"available": False, "why": "the fit is withheld (E-CONV)"}))
    assert "--operating" in evaluate_step(evaluation(operating={"available": False, "why": NOT_ASKED}))


def test_the_recipe_says_where_the_command_does_more_than_was_done() -> None:
    assert "without the second engine and the past forecasts" in shown(evaluation())[0]
    made_by_command = evaluation(history={"forecasts": {"available": False, "why": "all rows lie in one calendar quarter"}})
    assert "without the second engine" not in shown(made_by_command)[0]


def test_every_code_on_the_page_stands_there_in_plain_words() -> None:
    rows = [made.row("T1", status="FLAG", codes=[made.code("W-PRIOR", "moves to 0.987654"), made.code("W-KHAT", "k 0.91")])]
    page, _ = shown(evaluation(rows=tuple(rows)))
    for code in ("W-PRIOR", "W-KHAT"):
        assert PLAIN[code].meaning in page
        assert PLAIN[code].remedy in page
    assert PLAIN["E-FEW"].meaning not in page
    assert "0.987654" not in page
