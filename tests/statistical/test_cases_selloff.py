"""The sell-off of 27 February 2020 (P12): a blanket veto, priced to the micro-unit by the example's functions and by the command line."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from skillstats.evidence import to_evidence
from skillstats.ledger.build import build_ledger
from skillstats.ledger.write import read_ledger
from skillstats.record import read_record

TOTALS = {"arrival_mid": 21_718_214_554, "signal_price": 21_718_214_554, "next_open": 9_081_756_003}
COLUMN = {
    "arrival_mid": "veto_value_add_prevclose",
    "signal_price": "veto_value_add_prevclose",
    "next_open": "veto_value_add_open",
}


@pytest.fixture(scope="module")
def example() -> ModuleType:
    path = Path(__file__).parents[2] / "examples" / "selloff_2020.py"
    spec = importlib.util.spec_from_file_location("selloff_2020", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def case(cases: Path) -> Path:
    return cases / "P12_selloff_2020_02_27"


@pytest.fixture(scope="module")
def expected(case: Path) -> dict[str, Any]:
    return json.loads((case / "expected.json").read_text())


def micro(text: Any) -> int:
    """Published amounts carry float noise behind the sixth place."""
    return round(Decimal(str(text)) * 10**6)


@pytest.mark.parametrize("fill_model", sorted(TOTALS))
def test_the_veto_is_worth_what_was_published(
    example: ModuleType, case: Path, expected: dict[str, Any], tmp_path: Path, fill_model: str
) -> None:
    ledger = build_ledger(read_record(example.make_record(case, tmp_path / "record", fill_model)))
    rows = {r["asset"]: r for r in ledger.rows.to_pylist()}
    assert sorted(rows) == expected["summary"]["names"] and ledger.quarantine.num_rows == 0
    for published in expected["ledger"]:
        row = rows[published["symbol"]]
        assert row["value_add"] == row["size"] == -row["model_pnl"] == micro(published[COLUMN[fill_model]])
        assert row["model_quantity"] == published["shares"] and row["mark"] == Decimal(str(published["close"]))
        assert row["horizon_time"].isoformat() == "2020-02-27T21:00:00+00:00" and not row["rounded"]
    assert ledger.result["totals"]["value_add"] == TOTALS[fill_model] == micro(expected["summary"][COLUMN[fill_model]])
    (decision,) = ledger.decisions.to_pylist()
    assert (decision["n_rows"], decision["value_add"], decision["complete"]) == (4, TOTALS[fill_model], True)


def test_one_veto_is_one_piece_of_evidence_of_the_next_session(example: ModuleType, case: Path, tmp_path: Path) -> None:
    evidence = to_evidence(example.ledger_of(case, tmp_path / "record", "arrival_mid"))
    assert len(evidence) == 1 and evidence.coords["session"] == ("2020-02-27",)
    assert evidence.value_add[0] == pytest.approx(21_718.214554)


def test_the_command_line_says_the_same(example: ModuleType, case: Path, tmp_path: Path) -> None:
    record = example.make_record(case, tmp_path / "record", "arrival_mid")
    command = [sys.executable, "-m", "skillstats", "ledger", str(record), "--out", str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert read_ledger(tmp_path / "out").result["totals"]["value_add"] == TOTALS["arrival_mid"]


def test_the_example_prints_both_figures(example: ModuleType, case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    example.main([str(case)])
    printed = capsys.readouterr().out
    assert "1 decision: 21718.21 USD" in printed and "1 decision: 9081.76 USD" in printed
