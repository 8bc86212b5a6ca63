"""The sell-off of 27 February 2020 (P12): a basket vetoed as a whole leaves no choice to judge, and both answers say so."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import skillstats as ss


def test_a_basket_vetoed_as_a_whole_is_all_rate_and_not_testable(cases: Path, tmp_path: Path) -> None:
    path = Path(__file__).parents[2] / "examples" / "selloff_2020.py"
    spec = importlib.util.spec_from_file_location("selloff_2020", path)
    assert spec and spec.loader
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)
    ledger = example.ledger_of(cases / "P12_selloff_2020_02_27", tmp_path / "record", "arrival_mid")
    (trader,) = {r["trader"] for r in ledger.rows.to_pylist()}
    row = ss.split_choice(ledger).of(trader)
    assert row.shown == (21_718_214_554, 0, 0, 0) and row.mean_tilt == -1
    test = ss.placebo(ledger, trader=trader)
    assert not test.testable and test.level == "day" and "1 active day so far" in test.why
