"""What changed between two ledgers and between two evaluations, and that a withheld number is given on neither side."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path
from typing import Any

import msgspec
import pandas as pd
import pyarrow as pa
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "pages"))

from sample import plan as sample_plan
from sample import sample

from skillstats.errors import UsageError
from skillstats.evaluation.restate import CELLS, Earlier, read_earlier, restate
from skillstats.evaluation.result import ESTIMAND_COLUMNS, Evaluation
from skillstats.evaluation.verify import verify
from skillstats.evaluation.write import evaluation_json, read_evaluation, write_evaluation
from skillstats.ledger.build import build_ledger
from skillstats.ledger.changes import row_changes
from skillstats.ledger.containers import Ledger
from skillstats.plan import Fees, Plan, Verdict
from skillstats.record.read import read_record
from skillstats.report.page import render_report
from skillstats.simulate import World, simulate_tables


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    folder = tmp_path_factory.mktemp("desk") / "record"
    tables, _ = simulate_tables(World(traders=3, sessions=14, signals_per_day=4.0, directional=()), seed=3)
    tables.write(folder)
    return build_ledger(read_record(folder))


def changed(rows: pa.Table, column: str, at: int, value: Any) -> pa.Table:
    i = rows.column_names.index(column)
    cells = rows[column].to_pylist()
    cells[at] = value
    return rows.set_column(i, rows.schema.field(i), pa.array(cells, type=rows.schema.field(i).type))


def text(plan: Plan) -> str:
    return msgspec.json.encode(msgspec.to_builtins(plan), order="deterministic").decode()


def evaluation(plan: Plan | None = None, **changes: Any) -> Evaluation:
    plan = plan or Plan(horizon="session+1")
    return sample(plan=sample_plan(text=text(plan), digest=plan.digest), **changes)


def earlier(of: Evaluation, ledger: Ledger | None = None) -> Earlier:
    return Earlier(of, "ab" * 32, {}, ledger)


def with_row(of: Evaluation, trader: str, **values: Any) -> Evaluation:
    rows = tuple({**r, **values} if (r["trader"], r["regime"]) == (trader, "all") else r for r in of.rows)
    return dataclasses.replace(of, rows=rows)


def test_a_ledger_did_not_change_against_itself(ledger: Ledger) -> None:
    found = row_changes(ledger.rows, ledger.rows)
    assert (found.rows, found.columns, found.new_columns) == ((), {}, ())


def test_rows_added_removed_and_changed_are_found_cell_by_cell(ledger: Ledger) -> None:
    """Against a comparison of two frames by plain Python."""
    after = changed(changed(ledger.rows, "value_add", 7, 1_234_567), "trader", 9, "T9").slice(2)
    before = ledger.rows.slice(0, ledger.rows.num_rows - 1)
    found = row_changes(before, after)
    old, new = ({r["signal_id"]: r for r in t.to_pylist()} for t in (before, after))
    assert {r.row for r in found.rows if r.what == "removed"} == set(old) - set(new)
    assert {r.row for r in found.rows if r.what == "added"} == set(new) - set(old)
    expected = {k: {c for c in old[k] if old[k][c] != new[k][c]} for k in set(old) & set(new)}
    assert {r.row: set(r.columns) for r in found.rows if r.what == "changed"} == {k: v for k, v in expected.items() if v}
    assert found.columns == {"value_add": 1, "trader": 1}
    money = next(r for r in found.rows if "value_add" in r.columns)
    assert money.cells[0][2] == "1.234567"
    assert money.value_add_after == 1_234_567


def test_the_order_of_the_rows_is_no_change(ledger: Ledger) -> None:
    assert row_changes(ledger.rows, ledger.rows.take(list(range(ledger.rows.num_rows))[::-1])).rows == ()


def test_a_column_of_another_version_is_named_and_not_compared(ledger: Ledger) -> None:
    found = row_changes(ledger.rows.drop_columns(["volatility"]), ledger.rows)
    assert (found.rows, found.new_columns) == ((), ("volatility",))


def test_the_same_inputs_restated_changed_nothing(ledger: Ledger) -> None:
    found = restate(evaluation(), earlier(evaluation(), ledger), ledger)
    assert found.plain["nothing"]
    assert found.plain["text"].startswith("Nothing changed")
    assert (found.cells.num_rows, found.cells.column_names) == (0, list(CELLS))


def test_plan_data_computation_and_results_are_told_apart(ledger: Ledger) -> None:
    old = evaluation(Plan(horizon="session+1", fees=Fees(bps="0.4")))
    other = dataclasses.replace(ledger, rows=changed(ledger.rows, "value_add", 3, 5))
    new = evaluation(Plan(horizon="session+1", verdict=Verdict(hurdle=0.5)))
    first = new.rows[0]["trader"]
    new = dataclasses.replace(
        with_row(new, first, p_above_hurdle=0.5), identity={**new.identity, "seed": 7, "evidence": "ee" * 32}
    )
    found = restate(new, earlier(old, ledger), other).plain
    assert [d["key"] for d in found["plan"]] == ["fees.bps", "verdict.hurdle"]
    assert found["run"] == [{"key": "seed", "before": 2026, "after": 7}]
    assert (found["data"]["changed"], found["data"]["added"], found["data"]["columns"]) == (1, 0, {"value_add": 1})
    moved = [r for r in found["results"] if r["what"] != "same"]
    assert [(r["trader"], r["regime"], r["columns"]) for r in moved] == [(first, "all", ["p_above_hurdle"])]
    assert moved[0]["after"]["p_above_hurdle"] == 0.5
    for said in ("fees.bps, verdict.hurdle", "1 changed", "seed", "1 of 8 traders"):
        assert said in found["text"], said


def test_without_the_earlier_ledger_only_digests_are_compared(ledger: Ledger) -> None:
    same = restate(evaluation(), earlier(evaluation()), ledger).plain
    assert (same["data"]["compared"], same["data"]["same"], same["nothing"]) == ("digests", True, True)
    new = evaluation()
    new = dataclasses.replace(new, identity={**new.identity, "evidence": "ee" * 32})
    found = restate(new, earlier(evaluation()), ledger).plain
    assert (found["data"]["same"], found["nothing"]) == (False, False)
    assert "earlier ledger only" in found["text"]


@pytest.mark.parametrize("side", ["before", "after"])
def test_a_number_withheld_on_one_side_is_given_on_neither(side: str) -> None:
    shown = evaluation()
    name = shown.rows[0]["trader"]
    secret = shown.rows[0]["p_above_hurdle"]
    gone = with_row(shown, name, status="WITHHOLD", **dict.fromkeys(ESTIMAND_COLUMNS))
    old, new = (gone, shown) if side == "before" else (shown, gone)
    found = restate(new, earlier(old))
    row = next(r for r in found.plain["results"] if (r["trader"], r["regime"]) == (name, "all"))
    assert {row["status_before"], row["status_after"]} == {"WITHHOLD", shown.rows[0]["status"]}
    assert row["before"]["p_above_hurdle"] is row["after"]["p_above_hurdle"] is None
    cells = found.cells.to_pandas()
    own = cells[(cells["trader"] == name) & (cells["regime"] == "all")]
    assert not set(own["column"]) & set(ESTIMAND_COLUMNS)
    assert repr(secret) not in set(own["before"]) | set(own["after"])


def test_traders_who_left_and_came_are_listed() -> None:
    full = evaluation()
    name = full.rows[0]["trader"]
    fewer = dataclasses.replace(full, rows=tuple(r for r in full.rows if r["trader"] != name))
    left = restate(fewer, earlier(full)).plain
    assert {(r["trader"], r["what"]) for r in left["results"] if r["what"] != "same"} == {(name, "removed")}
    came = restate(full, earlier(fewer)).plain
    assert {(r["trader"], r["what"]) for r in came["results"] if r["what"] != "same"} == {(name, "added")}


def test_a_restatement_is_written_verified_read_back_and_shown(ledger: Ledger, tmp_path: Path) -> None:
    other = dataclasses.replace(ledger, rows=changed(ledger.rows, "trader", 3, "=1+1"))
    new = evaluation()
    new = with_row(new, new.rows[0]["trader"], ir_annual_mean=9.876)
    found = restate(new, earlier(evaluation(), ledger), other)
    new = dataclasses.replace(new, restatement=found.plain)
    write_evaluation(new, tmp_path / "out", tables={"restatement": found.cells})
    assert any("restatement.csv" in line for line in verify(tmp_path / "out"))
    assert evaluation_json(read_evaluation(tmp_path / "out")) == evaluation_json(new)
    table = pd.read_csv(tmp_path / "out" / "restatement.csv", dtype=str)
    assert list(table.columns) == list(CELLS)
    assert set(table["part"]) == {"data", "result"}
    assert "'=1+1" in set(table["after"])  # no formula for a spreadsheet
    page = render_report(new, audience="head")
    assert "What changed against the earlier evaluation" in page
    assert "9.88 now" in page
    assert "What changed" not in render_report(evaluation(), audience="head")


def test_the_page_says_that_nothing_changed() -> None:
    found = restate(evaluation(), earlier(evaluation()))
    page = render_report(dataclasses.replace(evaluation(), restatement=found.plain), audience="head")
    assert "Nothing changed" in page


def test_an_earlier_evaluation_needs_its_own_ledger(ledger: Ledger, tmp_path: Path) -> None:
    ledger.write(tmp_path / "ledger")
    write_evaluation(evaluation(), tmp_path / "right", inputs={"ledger_digest": ledger.digest})
    write_evaluation(evaluation(), tmp_path / "wrong", inputs={"ledger_digest": "00" * 32})
    assert read_earlier(tmp_path / "right", tmp_path / "ledger").ledger is not None
    with pytest.raises(UsageError, match="name the ledger it was made from"):
        read_earlier(tmp_path / "wrong", tmp_path / "ledger")
    with pytest.raises(UsageError, match="holds no evaluation"):
        read_earlier(tmp_path / "ledger")
