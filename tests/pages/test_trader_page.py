"""The trader's page: own rows to the last digit, and of other people not one byte."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import msgspec
import pandas as pd
import pyarrow.parquet as pq
import pytest

sys.path.insert(0, str(Path(__file__).parent))

import desk as made_desk
import sample as made
from test_head_page import Page

from skillstats.errors import UsageError
from skillstats.evaluation.verify import verify
from skillstats.ledger.beside import pages_beside
from skillstats.ledger.explain import explain
from skillstats.ledger.kpis import moments
from skillstats.ledger.write import read_ledger
from skillstats.report import render_report
from skillstats.report.page import make_pages, page_name, write_own_pages, write_pages
from skillstats.report.readers import READERS, Material
from skillstats.report.trader.describe import LEAST_OTHERS, others
from skillstats.report.trader.own import own_decisions, own_ledger
from skillstats.report.trader.tables import kpi_facts

PARTS = ("size", "drift", "slippage", "cost", "value_add")


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The desk, written and read back: no record behind it."""
    folder = tmp_path_factory.mktemp("ledger") / "ledger"
    made_desk.ledger().write(folder)
    return read_ledger(folder)


@pytest.fixture(scope="module")
def pages(ledger: Any) -> Any:
    return make_pages(Material(made_desk.evaluation(), ledger, "T1", day=made_desk.DAYS[1]), audience="trader")


def data_of(pages: Any) -> dict[str, Any]:
    return dict(msgspec.json.decode(pages.data))


def micro(text: str) -> int:
    """A printed amount read back, exactly."""
    whole, rest = text.replace("\u2212", "-").replace(",", "").split(".")
    return int(whole + rest.ljust(6, "0"))


def own_rows(ledger: Any) -> pd.DataFrame:
    frame = ledger.rows.to_pandas()
    return frame[frame["trader"] == "T1"]


def test_every_amount_of_the_day_is_the_ledgers_to_the_last_micro_unit(ledger: Any, pages: Any) -> None:
    rows = own_rows(ledger)
    today = rows[(rows["session"] == made_desk.DAYS[1]) & rows["is_intervention"]]
    expected = today.groupby("decision_id")[list(PARTS)].sum()
    lines = {line[0]: [micro(c) for c in line[3:]] for line in Page(pages.page).cells["today"][1:]}
    assert set(lines) == set(expected.index) and len(lines) > 5
    for name, amounts in lines.items():
        assert amounts == [int(x) for x in expected.loc[name]]
        assert sum(amounts[:4]) == amounts[4]
    followed = rows[(rows["session"] == made_desk.DAYS[1]) & (rows["action"] == "ACCEPT")]
    shown = Page(pages.page).cells["followed"][1:]
    assert len(shown) == len(followed) > 0
    assert sum(micro(line[-1]) for line in shown) == followed["value_add"].sum() != 0


def test_best_and_worst_are_those_of_a_plain_sort(ledger: Any, pages: Any) -> None:
    decisions = ledger.decisions.to_pandas()
    own = decisions[(decisions["trader"] == "T1") & (decisions["action"] != "ACCEPT") & decisions["complete"]]
    ordered = own.sort_values("value_add")
    cells = Page(pages.page).cells
    assert [line[0] for line in cells["best"][1:]] == ordered["decision_id"].tolist()[::-1][:5]
    assert [line[0] for line in cells["worst"][1:]] == ordered["decision_id"].tolist()[:5]
    assert [micro(line[-1]) for line in cells["worst"][1:]] == ordered["value_add"].tolist()[:5]


def test_open_decisions_are_listed_as_open_and_stand_in_no_sum(ledger: Any, pages: Any) -> None:
    rows = own_rows(ledger)
    still_open = set(rows.loc[rows["status"] == "OPEN", "decision_id"])
    shown = {line[0]: line for line in Page(pages.page).cells["open"][1:]}
    assert set(shown) == still_open and still_open
    assert all(line[3:] == ["\u2013"] * 5 and "not final" in line[2] for line in shown.values())
    d = data_of(pages)["totals"]["departures"]
    closed = rows[rows["is_intervention"] & (rows["status"] == "CLOSED")]
    assert d["value_add"] == closed["value_add"].sum() == data_of(pages)["running"]["running"][-1]
    assert [d[k] for k in PARTS] == [closed[k].sum() for k in PARTS]


def test_the_running_sum_is_the_cumulative_sum_of_the_sessions(ledger: Any, pages: Any) -> None:
    rows = own_rows(ledger)
    by_day = rows[rows["is_intervention"] & (rows["status"] == "CLOSED")].groupby("session")["value_add"].sum()
    running = data_of(pages)["running"]
    assert dict(zip(running["sessions"], running["running"], strict=True)) == by_day.cumsum().to_dict()


def test_each_row_shows_how_it_was_computed_and_the_command_that_contests_it(ledger: Any, pages: Any) -> None:
    words, data = Page(pages.page).words, data_of(pages)
    keys = [r["key"] for i in data["today"] for r in data["decisions"][i]["rows"]]
    assert len(keys) == 12
    for key in keys:
        assert explain(ledger, key).text.split("Counted in")[0] in words, "the explanation of the whole ledger"
        assert f"skillstats contest EVALUATION --ledger LEDGER --row {key} --note" in words


def test_by_action_is_the_ledgers_own_kpi(ledger: Any, pages: Any) -> None:
    kpis = [k for k in ledger.kpis.to_pylist() if k["by"] == "trader x action" and k["trader"] == "T1" and k["n_decisions"]]
    expected = {k["action"]: tuple(k[n] for n in ("n_decisions", "hits", "ties", "sum", "mean", "sd", "note")) for k in kpis}
    found = {
        x["label"]: tuple(x[n] for n in ("n_decisions", "hits", "ties", "sum", "mean", "sd", "note"))
        for x in data_of(pages)["by_action"]
    }
    assert found == expected


@pytest.mark.parametrize("day", [None, made_desk.DAYS[0]])
def test_nothing_of_anybody_else_is_in_page_data_tables_or_file_names(ledger: Any, tmp_path: Path, day: str | None) -> None:
    noted = contest(made_desk.OTHERS[0], f"{made_desk.CANARY} note")
    material = Material(
        made_desk.evaluation(), ledger, "T1", day=day, contests=(noted,), minutes=({"text": f"{made_desk.CANARY} minute"},)
    )
    write_pages(make_pages(material, audience="trader"), tmp_path / page_name("T1"))
    assert sorted(p.suffix for p in tmp_path.iterdir()) == [".html", ".json", ".parquet"]
    for file in tmp_path.iterdir():
        assert made_desk.CANARY not in file.name
        assert made_desk.CANARY.encode() not in file.read_bytes()
    table = pq.read_table(next(tmp_path.glob("*.parquet")))
    assert table.num_rows == len(own_rows(ledger)) and made_desk.CANARY not in str(table.to_pylist())


def test_the_canary_would_be_seen(ledger: Any) -> None:
    """The head's page and another trader's page of the same material hold the strings looked for."""
    assert made_desk.CANARY in render_report(made_desk.evaluation(), audience="head")
    other = make_pages(Material(made_desk.evaluation(), ledger, made_desk.OTHERS[0]), audience="trader")
    assert other.data.count(made_desk.CANARY.encode()) > 50 and "T1-asset" not in other.page


def test_others_are_summed_only_where_five_of_them_hide_each_other(ledger: Any) -> None:
    found = others(ledger, "T1")
    assert found is not None and found["traders"] == 6
    decisions = ledger.decisions.to_pandas()
    rest = decisions[(decisions["trader"] != "T1") & (decisions["action"] != "ACCEPT") & decisions["complete"]]
    assert (found["n_decisions"], found["sum"], found["hits"]) == (
        len(rest),
        rest["value_add"].sum(),
        (rest["value_add"] > 0).sum(),
    )
    assert found["mean"] == pytest.approx(rest["value_add"].mean() / 1e6, rel=1e-12)
    few = made_desk.ledger(made_desk.OTHERS[: LEAST_OTHERS - 1])
    assert others(few, "T1") is None
    words = Page(
        render_report(made_desk.evaluation(("T1", *made_desk.OTHERS[:4])), audience="trader", trader="T1", ledger=few)
    ).words
    assert "Nothing is shown about other traders" in words


def test_a_page_beside_the_record_is_the_page_of_the_folder(ledger: Any, pages: Any) -> None:
    again = make_pages(Material(made_desk.evaluation(), made_desk.ledger(), "T1", day=made_desk.DAYS[1]), audience="trader")
    assert again.page == pages.page and again.data == pages.data


def test_a_day_without_a_decision_is_refused_with_what_is_there(ledger: Any) -> None:
    for day in ("2026-07-03", "yesterday"):
        with pytest.raises(UsageError, match="has decisions on 3 days from 2026-07-01 to 2026-07-06"):
            render_report(made_desk.evaluation(), audience="trader", trader="T1", ledger=ledger, day=day)
    with pytest.raises(UsageError, match="not about one day"):
        render_report(made_desk.evaluation(), audience="head", day="2026-07-01")
    with pytest.raises(UsageError, match="not a trader of this evaluation"):
        render_report(made_desk.evaluation(), audience="trader", trader="T99", ledger=ledger)
    with pytest.raises(UsageError, match="name the ledger"):
        render_report(made_desk.evaluation(), audience="trader", trader="T1")
    assert (
        "The day: 2026-07-06" in Page(render_report(made_desk.evaluation(), audience="trader", trader="T1", ledger=ledger)).words
    )


def test_a_withheld_estimate_is_in_no_byte_and_says_why_in_plain_words(ledger: Any) -> None:
    planted = made.row("T1", status="WITHHOLD", n=1, days=1, codes=[made.FEW]) | {
        "ir_annual_mean": 7.654321,
        "p_above_hurdle": 0.7654321,
    }
    pages = make_pages(Material(made.sample([planted, made.row("T9")]), ledger, "T1"), audience="trader")
    words = Page(pages.page).words
    assert "one decision cannot tell skill from luck" in words and "not about you" in words
    for trace in ("98765.4", "98,765.4", "765432", "76.5%", "77%"):
        assert trace not in words and trace.encode() not in pages.data
    stop = made.sample([made.row("T1", ir=98765.4321)], status="WITHHOLD", codes=(made.code("E-CONV", "R-hat of zqx 1.2"),))
    pages = make_pages(Material(stop, ledger, "T1"), audience="trader")
    assert "did not settle on one answer" in Page(pages.page).words
    assert b"98765" not in pages.data and b"zqx" not in pages.data


def first_screen(page: str) -> str:
    found = re.search(r'<section id="verdict".*?</section>', page, flags=re.DOTALL)
    assert found is not None
    return Page(found.group()).words


def test_the_first_screen_says_what_the_day_made_and_whether_the_record_is_skill(ledger: Any, pages: Any) -> None:
    total = sum(
        d["value_add"]
        for d in data_of(pages)["decisions"].values()
        if d["decision_id"] in data_of(pages)["today"] and not d["followed"]
    )
    words = first_screen(pages.page)
    assert micro(re.search(r"made (\S+) USD against the model", words).group(1)) == total  # type: ignore[union-attr]
    assert "With probability 60% your annual information ratio exceeds 0.25" in words
    assert "skill and luck cannot be told apart yet" in words
    assert "FLAG: a claim is made on a record that is still mostly luck" in words


def test_the_first_screen_of_a_withheld_record_holds_no_number(ledger: Any) -> None:
    withheld = made.sample([made.row("T1", status="WITHHOLD", n=1, days=1, codes=[made.FEW])])
    words = first_screen(render_report(withheld, audience="trader", trader="T1", ledger=ledger))
    assert "Nothing can be said about your skill yet: one decision cannot tell skill from luck." in words
    assert "probability" not in words


def test_somebody_without_a_decision_has_a_page_that_says_so(ledger: Any) -> None:
    none = made.row("T9", status="WITHHOLD", n=0, days=0, codes=[made.code("E-NONE", "skill undefined: no interventions")])
    page = Page(render_report(made.sample([none]), audience="trader", trader="T9", ledger=ledger))
    assert "No decision of yours is in the ledger." in page.words
    assert "every signal was followed, so there is no departure whose skill could be judged" in page.words
    assert not re.search(r"\b(None|nan)\b", page.words)


def contest(trader: str, note: str, **changes: Any) -> dict[str, Any]:
    """A contest as it is kept, with the desk's total and a summary that names it."""
    sides = {"with": {"status": "REPORT", "p_above_hurdle": 0.93}, "without": {"status": "REPORT", "p_above_hurdle": 0.896}}
    totals = {"desk": {"with": 777_777_000_000, "without": 1}, "trader": {"with": 12_500_000, "without": -1_000_001}}
    made = {
        "row": {"id": f"S-{trader}-0-0", "trader": trader},
        "note": note,
        "judged": True,
        "why": "",
        "certainty": 0.9,
        "current": True,
    }
    return made | {"totals": totals, "verdict": sides, "text": f"desk total 777,777 {made_desk.CANARY}"} | changes


def test_own_contested_rows_are_listed_with_the_note_as_written_and_no_total_of_the_desk(ledger: Any) -> None:
    note = '<b onclick="x">the price of 14:30 was a misprint</b>'
    both = (
        contest("T1", note),
        contest("T1", "open", judged=False, why="the row is OPEN, so it has no outcome yet", verdict=None, current=False),
        contest(made_desk.OTHERS[0], f"{made_desk.CANARY} note"),
    )
    pages = make_pages(Material(made_desk.evaluation(), ledger, "T1", contests=both), audience="trader")
    page = Page(pages.page)
    lines = page.cells["contests"][1:]
    text = "your total 12.50 USD with it, \u22121.000001 without; P(above hurdle) 93% with it, 89.6% without"
    assert lines[0] == ["S-T1-0-0", note, text]
    assert "does not rest on it: the row is OPEN" in lines[1][2] and lines[1][2].endswith("earlier evaluation")
    assert len(lines) == 2 and "onclick" not in page.attributes
    for trace in (b"777777", b"777,777", made_desk.CANARY.encode()):
        assert trace not in pages.data and trace not in pages.page.encode()


@pytest.mark.parametrize(
    ("amounts", "hits", "expected"),
    [
        pytest.param((500, 50, -700), 2, ("67%", -150_000_000, -50.0, 606.2, -0.0825), id="as printed"),
        pytest.param((500, -50, -700), 1, ("33%", -250_000_000, -83.33, 600.7, -0.139), id="sign repaired"),
        pytest.param((500, -50, -740), 1, ("33%", -290_000_000, -96.67, 621.3, -0.156), id="full identity"),
    ],
)
def test_the_kpi_table_shows_the_published_figures_in_all_three_variants(amounts: Any, hits: int, expected: Any) -> None:
    counts = {
        "n_signals": 3,
        "n_interventions": 3,
        "n_decisions": 3,
        "n_sessions": 1,
        "override_rate": 1.0,
        "hits": hits,
        "ties": 0,
    }
    line = dict.fromkeys(("n_open", "n_unavailable", "n_quarantined"), 0) | counts | moments([a * 10**6 for a in amounts])
    table = {name: (value, band) for name, value, band in kpi_facts(line, None, "USD").lines}
    assert table["Hit rate"] == (expected[0], "\u2013")
    assert micro(table["Sum, USD"][0]) == expected[1]
    for name, value, digits in (
        ("Mean a decision, USD", expected[2], 2),
        ("Standard deviation, USD", expected[3], 1),
        ("Mean / standard deviation", expected[4], 3),
    ):
        assert round(float(table[name][0].replace("\u2212", "-").replace(",", "")), digits) == pytest.approx(
            value, abs=1e-9 if digits < 3 else 6e-4
        )


def test_a_spread_that_does_not_exist_says_why_and_is_never_zero() -> None:
    counts = {"n_signals": 1, "n_interventions": 1, "n_decisions": 1, "n_sessions": 1, "override_rate": 1.0, "hits": 1, "ties": 0}
    line = dict.fromkeys(("n_open", "n_unavailable", "n_quarantined"), 0) | counts | moments([5])
    table = {name: value for name, value, _ in kpi_facts(line, None, "USD").lines}
    assert table["Standard deviation, USD"] == table["Mean / standard deviation"] == "n<2"
    assert table["Hit rate"] == "100%"


def test_pages_of_all_traders_have_names_that_nobody_can_break(ledger: Any, tmp_path: Path) -> None:
    written = write_own_pages(made_desk.evaluation(), ledger, tmp_path / "ev" / "trader", audience="trader")
    assert len({p.name for p in written}) == 7 and {p.parent for p in written} == {tmp_path / "ev" / "trader"}
    assert pages_beside(tmp_path / "ev") == {"trader"}
    for name in ("../../etc/passwd", "/abs", "CON", "", "a\x00b", "T1 $\\frac{$", "x" * 300, "\udcff", "T1", "t1"):
        assert re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,23})?-[0-9a-f]{12}\.html", page_name(name)), name
    assert page_name("T1") != page_name("t1")
    (tmp_path / "link").symlink_to(tmp_path / "ev")
    with pytest.raises(UsageError, match="is a link"):
        write_own_pages(made_desk.evaluation(), ledger, tmp_path / "link", audience="trader")


def test_verify_passes_with_pages_beside_and_names_anything_else(tmp_path: Path) -> None:
    folder = tmp_path / "ledger"
    made_desk.ledger().write(folder)
    (folder / "trader").mkdir()
    for name in ("head.html", "pm.html", "pm.json", "pm-cells.parquet", "trader/t1.html", "trader/t1.json"):
        (folder / name).write_text("<!doctype html>")
    assert any("result digest holds" in line for line in verify(folder))
    (folder / "trader" / "stray.json").write_text("{}")
    from skillstats.errors import Mismatch

    with pytest.raises(Mismatch, match="trader: not in the manifest"):
        verify(folder)


def test_an_own_ledger_knows_nobody_else(ledger: Any) -> None:
    own = own_ledger(ledger, "T1")
    for name in ("rows", "decisions", "slices", "kpis", "quarantine", "drops", "books"):
        assert made_desk.CANARY not in str(getattr(own, name).to_pylist()), name
    assert own.record is None and own.problems == ()
    assert len(own_decisions(own)) == len(ledger.decisions.to_pandas().query("trader == 'T1'"))


def test_the_page_is_safe_and_complete_html(pages: Any) -> None:
    page = Page(pages.page)
    assert not page.open and page.elements["h1"] == 1
    assert page.elements["caption"] == page.elements["table"]
    assert not {"iframe", "object", "img", "link"} & set(page.elements) and page.elements["script"] == 1
    assert not re.search(r"(https?|ftp|file|javascript):", pages.page)
    assert not re.search(r"\b(None|nan|NaN|inf|Undefined)\b", page.words)
    assert READERS["trader"].needs_ledger and READERS["trader"].needs_trader


def test_hostile_names_of_the_own_desk_stay_text() -> None:
    name = made.HOSTILE[0]
    tables = made_desk.desk((), per_day=3)
    for frame in tables.values():
        for column in frame:
            frame[column] = [
                c.replace("T1", name) if column in ("trader", "reason", "model", "signal_type") else c for c in frame[column]
            ]
    from skillstats.ledger.build import build_ledger
    from skillstats.plan import Plan
    from skillstats.record import read_record

    hostile = build_ledger(read_record(tables, Plan(horizon="close"), now=made_desk.NOW))
    page = Page(render_report(made.sample([made.row(name)]), audience="trader", trader=name, ledger=hostile))
    assert page.elements["script"] == 1 and name in page.words


def test_two_renders_give_the_same_bytes(ledger: Any, pages: Any) -> None:
    again = make_pages(Material(made_desk.evaluation(), ledger, "T1", day=made_desk.DAYS[1]), audience="trader")
    assert (again.page, again.data) == (pages.page, pages.data)
    assert again.tables["rows.parquet"].equals(pages.tables["rows.parquet"])
