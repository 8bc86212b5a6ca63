"""`skillstats record new`: empty tables, a plan with every key, an example that works."""

from __future__ import annotations

import csv
import shutil
import tomllib
from pathlib import Path
from typing import Any

import msgspec
import pandas as pd
import pytest
from click.testing import CliRunner, Result

from skillstats.cli import main
from skillstats.errors import InputRejected
from skillstats.plan import Asset, ColumnReading, Fees, Plan, parse_plan, read_plan
from skillstats.record import read_record
from skillstats.record.example import EXAMPLE_PLAN
from skillstats.record.plan_text import MEANING, plan_text
from skillstats.record.schema import ACTIONS, SCHEMA


def run(*words: object) -> Result:
    return CliRunner().invoke(main, [str(w) for w in words])


@pytest.fixture
def fresh(tmp_path: Path) -> Path:
    done = run("record", "new", tmp_path / "desk")
    assert done.exit_code == 0, done.output
    return tmp_path / "desk"


def keys(struct: type, prefix: str = "") -> list[str]:
    """Every key a plan may have, written as in `MEANING`."""
    found: list[str] = []
    for field in msgspec.structs.fields(struct):
        if not prefix and field.encode_name in ("assets", "columns"):
            found += keys({"assets": Asset, "columns": ColumnReading}[field.encode_name], f"{field.encode_name}.")
        elif isinstance(field.default, msgspec.Struct):
            found += keys(type(field.default), f"{field.encode_name}.")
        else:
            found.append(prefix + field.encode_name)
    return found


def test_every_key_of_the_plan_has_its_sentence_and_no_other() -> None:
    assert sorted(MEANING) == sorted(keys(Plan))


def test_the_plan_is_the_defaults_with_a_horizon(fresh: Path) -> None:
    assert read_plan(fresh / "plan.toml").digest == Plan(horizon="session+1").digest
    text = (fresh / "plan.toml").read_text(encoding="utf-8")
    for key, meaning in MEANING.items():
        line = next(x for x in text.splitlines() if x.endswith(f"# {meaning}"))
        assert line.lstrip("# ").startswith(f"{key.split('.')[-1]} = ")


def test_every_line_of_the_plan_may_be_switched_on() -> None:
    """Without the marks of comment the file is still TOML, and only the examples differ from the defaults."""
    lines = plan_text(Plan(horizon="close")).splitlines()
    text = "\n".join(x.removeprefix("# ") if " = " in x or x.startswith("# [") else x for x in lines)
    full: dict[str, Any] = tomllib.loads(text)
    assert full["columns"]["signals.time"]["map"] == {"B": "BUY", "S": "SELL"}
    assert parse_plan(text.encode()).assets["XYZ"].fx == "EURUSD"


@pytest.mark.parametrize(
    "plan",
    [
        EXAMPLE_PLAN,
        Plan(horizon="exit", period=("2026-01-01", "2026-02-01"), decay=("PT1H",), name='quote " and \\ and ü'),
        Plan(horizon="close", fees=Fees(bps="0.4"), assets={'A "B"': Asset(tick="0.01"), "C": Asset(class_="fx")}),
        Plan(horizon="close", columns={"signals.side": ColumnReading(map={"B": "BUY"}, delimiter="\t")}),
    ],
)
def test_any_plan_written_out_reads_back_as_itself(plan: Plan) -> None:
    assert parse_plan(plan_text(plan).encode()).digest == plan.digest


def test_every_table_has_its_header_and_no_row(fresh: Path) -> None:
    for name, schema in SCHEMA.items():
        with (fresh / f"{name}.csv").open(newline="", encoding="utf-8") as file:
            assert list(csv.reader(file)) == [list(schema.names)]


def test_the_example_has_every_action_and_a_clean_ledger(fresh: Path, tmp_path: Path) -> None:
    checked = run("check", fresh / "example")
    assert checked.exit_code == 0 and "no problems found" in checked.output
    built = run("ledger", fresh / "example", "--out", tmp_path / "ledger")
    assert built.exit_code == 0, built.output
    with (fresh / "example" / "actions.csv").open(newline="", encoding="utf-8") as file:
        assert sorted(r["action"] for r in csv.DictReader(file)) == sorted(ACTIONS)
    assert run("verify", tmp_path / "ledger").exit_code == 0


def test_the_example_by_hand(fresh: Path) -> None:
    """S1, BUY 1000 vetoed: mid 49.97 at 15:00, 50.45 at the next close, so the model earned 480 less 5 of fees and the veto cost 475."""
    from skillstats.ledger.build import build_ledger

    row = next(r for r in build_ledger(read_record(fresh / "example")).rows.to_pylist() if r["signal_id"] == "S1")
    assert (row["model_pnl"], row["value_add"]) == (475_000_000, -475_000_000)


def test_an_unfilled_record_says_which_tables_it_needs(fresh: Path) -> None:
    done = run("check", fresh)
    assert done.exit_code == 2
    assert [line[:19] for line in done.output.splitlines()[:3]] == [
        "F101 actions.csv:0 ",
        "F101 prices.csv:0 n",
        "F101 signals.csv:0 ",
    ]
    assert "3 problem(s)" in done.output


def test_tables_left_empty_are_ignored_with_one_warning(fresh: Path) -> None:
    for name in ("signals", "actions", "fills", "prices"):
        shutil.copy(fresh / "example" / f"{name}.csv", fresh / f"{name}.csv")
    filled, example = read_record(fresh), read_record(fresh / "example")
    assert filled.digests == example.digests and filled.quarantine == ()
    (ignored,) = [p for p in filled.problems if p.code == "D116"]
    assert ignored.message.startswith(
        "corporate_actions.csv, exposures.csv, factors.csv, features.csv, regimes.csv, resimulated.csv, ta"
    )
    assert run("check", fresh).exit_code == 0


@pytest.mark.parametrize("blank", [b"", b"\n", b"\n\n  \n"])
def test_an_empty_fills_table_is_a_desk_of_vetoes(fresh: Path, blank: bytes) -> None:
    example = fresh / "example"
    header = (example / "fills.csv").read_bytes().split(b"\n")[0]
    (example / "fills.csv").write_bytes(header + b"\n" + blank)
    record = read_record(example)
    assert [p.message[:9] for p in record.problems if p.code == "D116"] == ["fills.csv"]
    assert {p.code for p in record.quarantine} == {"D143"}


def test_signals_may_be_empty_only_where_targets_are_given(fresh: Path) -> None:
    example = fresh / "example"
    (example / "signals.csv").write_text("signal_id,time,model,asset,side,quantity\n", encoding="utf-8")
    with pytest.raises(InputRejected, match=r"F101 signals.csv:0 no rows"):
        read_record(example)
    (example / "targets.csv").write_text("time,model,asset,target\n", encoding="utf-8")
    with pytest.raises(InputRejected, match=r"F101 signals.csv:0 no rows"):
        read_record(example)
    (example / "targets.csv").write_text(
        "time,model,asset,target\n2025-03-03T14:59:00Z,p,ALPHA,0\n2025-03-03T15:00:00Z,p,ALPHA,5\n", encoding="utf-8"
    )
    assert len(read_record(example).tables["signals"]) == 1


def test_an_empty_frame_is_ignored_like_an_empty_file(fresh: Path) -> None:
    tables = {p.stem: pd.read_csv(p, dtype=str, keep_default_na=False) for p in (fresh / "example").glob("*.csv")}
    record = read_record(tables | {"regimes": pd.DataFrame({"time": [], "asset": []})}, EXAMPLE_PLAN)
    assert [(p.code, p.file) for p in record.problems] == [("D116", "regimes")]


def test_nothing_of_others_is_touched(tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "notes.txt").write_text("mine")
    (tmp_path / "file").write_text("mine")
    (tmp_path / "empty").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "empty")
    for target in ("full", "file", "link"):
        done = run("record", "new", tmp_path / target)
        assert done.exit_code == 2 and "not an empty folder" in done.output
    assert run("record", "new", tmp_path / "no" / "where").exit_code == 2
    assert sorted(p.name for p in tmp_path.iterdir()) == ["empty", "file", "full", "link"]
    assert [p.name for p in (tmp_path / "full").iterdir()] == ["notes.txt"] and not list((tmp_path / "empty").iterdir())
    assert run("record", "new", tmp_path / "empty").exit_code == 0
