"""The first screen of the head's page: what is supported, what being wrong costs, and every number of it the evaluation's."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

sys.path.insert(0, str(Path(__file__).parent))

import sample as made
from numbers_of import agrees, printed, strangers
from test_head_page import Page, head

from skillstats.errors import RULES
from skillstats.evaluation.losses import expected_losses, least_capital
from skillstats.evaluation.write import evaluation_json
from skillstats.report.acts import act_of, ranked_actions
from skillstats.report.plain import PLAIN, plain_reason
from skillstats.report.plots.funnel import luck_edge
from skillstats.report.rows import overall_rows, regime_rows
from skillstats.report.section import Section
from skillstats.report.view import CHAPTERS, by_chapter

SOURCE = Path(__file__).parents[2] / "skillstats"


def losses(keep: float, revoke: float) -> dict[str, Any]:
    better = "keep" if keep <= revoke else "revoke"
    return {
        "decisions": 300.0,
        "keep": keep,
        "revoke": revoke,
        "better": better,
        "evpi": min(keep, revoke),
        "value": revoke - keep,
    }


def trader(name: str, keep: float, revoke: float, regime: str = "all", **how: Any) -> dict[str, Any]:
    return made.row(name, regime, detail=made.detail(how.get("ir", 0.4), 0.5) | {"losses": losses(keep, revoke)}, **how)


def verdicts(evaluation: Any) -> dict[str, list[str]]:
    return {line[0]: line for line in Page(head(evaluation)).cells["verdicts"][1:]}


def test_each_trader_is_kept_revoked_waited_for_or_has_no_answer() -> None:
    rows = [
        trader("sure", 12.0, 900.0, p=0.97),
        trader("split", 900.0, 12.0, p=0.97),
        trader("harmful", 900.0, 12.0, ir=-0.9, p=0.01, p_positive=0.03),
        trader("open", 100.0, 300.0, p=0.6),
        made.row("few", status="WITHHOLD", n=1, days=1, n_eff=1.0, codes=[made.FEW]),
    ]
    lines = verdicts(made.sample(rows))
    assert {k: v[1] for k, v in lines.items()} == {
        "sure": "Keep",
        "split": "Wait",
        "harmful": "Revoke",
        "open": "Wait",
        "few": "No answer",
    }
    assert "in money the larger decisions did worse" in lines["split"][2]
    assert "keeping costs less" in lines["open"][2]
    assert lines["few"][2] == "one decision cannot tell skill from luck"
    assert lines["few"][3:7] == ["\u2013"] * 4 and lines["few"][7] == "at least 19 more active days"


def test_every_number_of_the_first_screen_is_the_evaluations_to_the_printed_digit() -> None:
    evaluation = made.sample()
    stored = msgspec.json.decode(evaluation_json(evaluation))
    rows = {r["trader"]: r for r in stored["rows"] if r["regime"] == "all"}
    lines = verdicts(evaluation)
    assert set(lines) == set(rows)
    for name, line in lines.items():
        if rows[name]["status"] == "WITHHOLD":
            assert not any(printed(c) for c in line[3:7])
            continue
        d = rows[name]["detail"]
        assert agrees(line[3], rows[name]["p_above_hurdle"])
        assert all(agrees(c, d["losses"][k]) for c, k in zip(line[4:7], ("keep", "revoke", "evpi"), strict=True)), line
        if (days := d["needed"]["days"]) is not None and line[7] != "none":
            assert all(agrees(t, v) for t, v in zip(printed(line[7]), (d["needed"]["decisions"], days), strict=True))


def test_every_number_of_every_table_of_the_page_is_in_evaluation_json() -> None:
    """The reusable check: cells of all tables against all numbers of the data, ledger sums in currency beside micro-units."""
    evaluation = made.sample()
    stored = msgspec.json.decode(evaluation_json(evaluation))
    sums = [k["sum"] / 1e6 for k in stored["kpis"]]
    worth = [r["detail"]["losses"]["revoke"] - r["detail"]["losses"]["keep"] for r in stored["rows"] if r["detail"]]
    cells = Page(head(evaluation)).cells
    assert len(cells) >= 5
    # regimes and traders have names with digits: first columns and headings are no numbers
    texts = [c for rows in cells.values() for row in rows[1:] for c in row[1:]]
    missing = stored["plan"]["floors"]["days"] - 2  # T8 has 2 days
    quarters = [r["detail"]["quarter"] for r in stored["rows"] if r["detail"] and r["detail"]["quarter"]["mean"] > 0]
    capital = [3 * q["sd"] ** 2 / q["mean"] for q in quarters]
    shown = [r for r in stored["rows"] if r["regime"] == "all" and r["status"] != "WITHHOLD"]
    edges = [
        luck_edge(r["n_eff"], many) for r in shown for many in (1, len(shown))
    ]  # the funnel's bands, see luck_edge's own test
    lost = strangers([re.sub(r"T\d|Q\d \d{4}", "", t) for t in texts], stored, [*sums, *worth, *capital, *edges, missing])
    assert lost == []


def test_the_check_sees_a_number_that_is_not_there() -> None:
    assert strangers(["kept 1,966, revoked 9,772 and 77.7%"], {"a": [1965.9, {"b": 9771.6}]}) == ["77.7%"]
    assert strangers(["0.12"], {"x": 0.1249}) == [] and strangers(["0.12"], {"x": 0.1251}) == ["0.12"]


def test_at_most_three_actions_ranked_by_their_value_each_with_posterior_and_losses() -> None:
    rows = [trader(f"K{k}", 10.0 * k, 1000.0 * k, p=0.95) for k in (1, 2, 3)] + [
        trader("R", 5000.0, 100.0, ir=-0.8, p=0.01, p_positive=0.02),
        trader("K2", 10.0, 90_000.0, "calm", p=0.99),
        trader("W", 1.0, 8000.0, p=0.6),
        trader("W", 30.0, 7000.0, "stress", p=0.96),
    ]
    evaluation = made.sample(rows)
    actions = ranked_actions([act_of(r) for r in overall_rows(evaluation)], [act_of(r) for r in regime_rows(evaluation)])
    found = [(a.row.trader, a.row.regime, a.kind, a.value) for a in actions]
    assert found == [("W", "stress", "keep", 6970.0), ("R", "all", "revoke", 4900.0), ("K3", "all", "keep", 2970.0)]
    html = head(evaluation)
    listed = re.search(r'<ol class="actions".*?</ol>', html, flags=re.DOTALL)
    assert listed and listed.group(0).count("<li>") == 3
    text = re.sub(r"<[^>]*>", "", listed.group(0))
    for part in (
        "6,970 USD a quarter",
        "in stress",
        "4,900 USD a quarter",
        "P(IR &gt; 0) 2%",
        "one of 2 trader-regime cells",
        "treat it as a hypothesis",
    ):
        assert part in text, part


def test_no_action_is_named_where_nothing_is_supported() -> None:
    words = Page(head(made.sample([trader("A", 10.0, 20.0, p=0.6), trader("B", 20.0, 10.0, p=0.3)]))).words
    assert "Supported actions. None: nobody\u2019s record reaches 90% certainty" in words
    words = Page(head(made.sample([made.row("A", status="WITHHOLD", codes=[made.FEW])]))).words
    assert "None: nobody\u2019s evidence allows a number." in words


def test_a_cell_under_its_floor_supports_nothing_and_a_flag_stands_beside_an_action() -> None:
    rows = [trader("A", 1.0, 50.0, p=0.5), trader("A", 1.0, 90_000.0, "calm", p=0.999, codes=[made.CELL])]
    page = Page(head(made.sample(rows)))
    assert page.cells["verdict-cells"][1][1].startswith("Wait")
    assert "Keep" not in page.cells["verdict-cells"][1][1]
    flagged = head(made.sample([trader("A", 1.0, 50.0, p=0.97, status="FLAG", codes=[made.LUCK])]))
    assert re.search(r'class="doubt"><bdi>W-LUCK: a claim is made on a record that is still mostly luck', flagged)


def test_a_cap_never_wins_by_expectation_and_needs_an_argument_about_risk() -> None:
    """With mean 1,000, sd 5,000 and aversion 3 the full size is too much below a capital of 75,000: the maximum of f m - a f^2 s^2 / (2 C)."""
    import numpy as np

    sizes = np.linspace(0, 2, 200_001)
    for capital in (50_000.0, 75_000.0, 100_000.0):
        best = sizes[np.argmax(sizes * 1000.0 - 3.0 * sizes**2 * 5000.0**2 / (2 * capital))]
        assert (best < 1 - 1e-5) == (capital < least_capital(1000.0, 5000.0, 3.0) - 1)
    quarter = {
        "mean": 1000.0,
        "q05": -7000.0,
        "q50": 1000.0,
        "q95": 9000.0,
        "p_loss": 0.42,
        "sessions": 63,
        "active": 60.0,
        "sd": 5000.0,
        "shortfall": -9000.0,
    }
    row = made.row("A", detail=made.detail(0.4, 0.5) | {"quarter": quarter})
    for capital, said in (
        (50_000.0, "A at 67% of the size"),
        (100_000.0, "full size is not too much"),
        (None, "below the figures in the table"),
    ):
        risk = {"available": False, "why": "x", "capital": capital, "risk_aversion": 3.0}
        words = Page(head(made.sample([row], attribution={"risk": risk}))).words
        assert "Capping the size never has the smaller expected loss" in words
        assert said in words
        assert "75,000" in words


def test_losses_of_draws_by_hand() -> None:
    m = made_draws()
    found = expected_losses(m, 20)
    ordered = sorted(20 * x for x in m.tolist())
    assert found.value == pytest.approx(found.revoke - found.keep) and found.value == pytest.approx(20 * m.mean())
    assert found.p_loss == sum(x < 0 for x in m) / len(m)
    assert found.shortfall == pytest.approx(sum(ordered[:5]) / 5), "the worst 5 of 100"


def made_draws() -> Any:
    import numpy as np

    return np.random.default_rng(7).normal(1.0, 4.0, 100)


def test_every_code_the_package_can_give_has_a_plain_sentence_and_none_is_left_over() -> None:
    pattern = re.compile(r"[\"']([EW]-[A-Z]+)[\"']")
    given = {code for path in SOURCE.rglob("*.py") if path.name != "plain.py" for code in pattern.findall(path.read_text())}
    assert len(given) > 15
    assert given == set(PLAIN)
    for plain in PLAIN.values():
        assert 10 < len(plain.meaning) < 120 and plain.remedy
        assert not re.search(r"R-hat|ESS|posterior|Pareto|divergen|kurtosis|\.$", plain.meaning)
    assert all(rule.text for rule in RULES.values())


@pytest.mark.parametrize(
    ("n", "days", "expected"),
    [(0, 0, "no decision can be judged yet"), (1, 1, "one decision cannot tell skill from luck"), (3, 2, "three decisions cannot tell skill from luck"),
     (2400, 12, "2,400 decisions on 12 days are too few to tell skill from luck"), (9, None, "9 decisions are too few to tell skill from luck")],
)  # fmt: skip
def test_too_few_is_said_with_the_number(n: int, days: int | None, expected: str) -> None:
    assert plain_reason("E-FEW", n, days) == expected


def test_a_blanket_veto_is_one_decision_and_one_decision_tells_nothing() -> None:
    """The sell-off: ten vetoed signals, one decision; it has no volatility to be judged by, or is judged alone: the same sentence."""
    none = made.row(
        "A", status="WITHHOLD", n=0, days=0, n_eff=None, codes=[made.code("E-FEW", "none of 1 decisions of 'A' can be judged")]
    )
    alone = made.row(
        "B", status="WITHHOLD", n=1, days=1, n_eff=1.0, codes=[made.code("E-FEW", "not enough decisions (n = 1, at least 5)")]
    )
    many = made.row("C", status="WITHHOLD", n=0, days=0, n_eff=None, codes=[made.FEW]) | {"decisions_seen": 70}
    lines = verdicts(made.sample([none | {"decisions_seen": 1}, alone, many]))
    assert lines["A"][2] == lines["B"][2] == "one decision cannot tell skill from luck"
    assert lines["C"][2] == "none of 70 decisions can be judged yet"
    assert {line[1] for line in lines.values()} == {"No answer"}


def test_sections_stand_in_the_order_of_the_questions_and_none_is_lost() -> None:
    keys = ["policies", "unheard", "risk", "placebo", "factors", "wrong", "contests"]
    found = by_chapter([Section(k, "t", "f") for k in keys])
    assert [s.key for s in found["sure"]] == ["wrong", "placebo"]
    assert [s.key for s in found["first"]] == ["contests"]
    assert [s.key for s in found["value"]] == ["factors", "risk"]
    assert sorted(s.key for part in found.values() for s in part) == sorted(keys)
    assert list(found) == list(CHAPTERS)
    words = Page(head(made.sample())).words
    words = words[words.rindex("Verdict and actions") :]  # behind the list of sections
    asked = [
        "Verdict and actions",
        "Why: skill and luck",
        "How sure is this?",
        "In which regimes?",
        "What next?",
        "description, not evidence",
        "How it was made",
    ]
    places = [words.index(a) for a in asked]
    assert places == sorted(places)
