"""The same departures at other horizons, by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from skillstats.cli.record import further_lines
from skillstats.evaluation.verify import verify
from skillstats.ledger.build import build_ledger
from skillstats.ledger.containers import Ledger
from skillstats.ledger.write import read_ledger
from skillstats.plan import Asset, Plan
from skillstats.record import read_record

Rows = list[tuple[str, ...]]
DAY = "2026-07-01T"
SIGNAL, HALF, FILL, CLOSE = (f"{DAY}{t}:00Z" for t in ("14:30", "15:00", "15:30", "20:00"))
NEXT = "2026-07-02T20:00:00Z"
NAMES = {
    "signals": "signal_id time model asset side quantity horizon",
    "actions": "action_id signal_id time trader action quantity decision_id",
    "fills": "fill_id action_id time quantity price fee",
    "prices": "asset time bid ask",
    "corporate_actions": "asset time kind value",
}


def build(plan: Plan, **tables: Rows) -> Ledger:
    frames = {k: pd.DataFrame(v, columns=NAMES[k].split(), dtype=object) for k, v in tables.items() if v}
    return build_ledger(read_record(frames, plan, now="2027-01-01T00:00:00Z"))


def quotes(*cells: tuple[str, str], asset: str = "A") -> Rows:
    return [(asset, t, p, p) for t, p in cells]


def values(ledger: Ledger, chain: str = "S1") -> list[tuple[str, bool, str, int | None]]:
    assert ledger.decay is not None
    rows = [r for r in ledger.decay.to_pylist() if (r["signal_id"] or r["action_id"]) == chain]
    return [(r["horizon"], r["primary"], r["status"], None if r["value_add"] is None else r["value_add"] // 10**6) for r in rows]


def kpis(ledger: Ledger, trader: str | None = None) -> dict[str, dict[str, Any]]:
    assert ledger.decay_kpis is not None
    return {k["horizon"]: k for k in ledger.decay_kpis.to_pylist() if k["trader"] == trader}


PLAN = Plan(horizon="close", decay=("PT30M", "close", "PT60M", "session+1", "session+2", "exit", "PT60M"))
DELAYED: dict[str, Rows] = {
    "signals": [("S1", SIGNAL, "m", "A", "BUY", "10", ""), ("S9", SIGNAL, "m", "A", "BUY", "10", "")],
    "actions": [("A1", "S1", f"{DAY}14:40:00Z", "T1", "DELAY", "10", "")],
    "fills": [("F1", "A1", FILL, "10", "51", "1")],
    "prices": quotes((SIGNAL, "50"), (HALF, "48"), (FILL, "51"), (CLOSE, "55"), (NEXT, "40")),
}


def test_a_delay_is_settled_once_it_is_filled() -> None:
    """DELAY BUY 10 @ 50, filled at 51 with a fee of 1. At 30 min the model has lost 2 a share: +20; from the fill on it is -11.

    session+2 and the exit have not come; the second PT60M and the row's own `close` are left out; the undecided S9 has no trader and no row.
    """
    ledger = build(PLAN, **DELAYED)
    expected = [("close", True, "CLOSED", -11), ("PT30M", False, "CLOSED", 20), ("PT60M", False, "CLOSED", -11)]
    expected += [("session+1", False, "CLOSED", -11), ("session+2", False, "OPEN", None), ("exit", False, "OPEN", None)]
    assert values(ledger) == expected
    assert ledger.decay is not None and set(ledger.decay["signal_id"].to_pylist()) == {"S1"}
    assert ledger.rows["value_add"].to_pylist()[0] == -11 * 10**6


def test_a_horizon_before_the_action_and_one_without_a_mark() -> None:
    """PT1M ends before the action of 14:40; at PT120M the last quote is an hour old."""
    ledger = build(Plan(horizon="close", decay=("PT1M", "PT120M")), **DELAYED)
    assert values(ledger)[1:] == [("PT1M", False, "BEFORE_ACTION", None), ("PT120M", False, "UNAVAILABLE", None)]


def test_a_model_filled_after_the_horizon_has_no_value_there() -> None:
    """The model is filled at 15:30, the horizon of 30 minutes is 15:00; an open row is settled at a shorter horizon."""
    plan = Plan(horizon="session+2", latency="PT60M", decay=("PT30M", "close"))
    assert values(build(plan, **DELAYED)) == [
        ("session+2", True, "OPEN", None), ("PT30M", False, "UNAVAILABLE", None), ("close", False, "CLOSED", -1),
    ]  # fmt: skip


def test_splits_and_rates_of_each_horizon() -> None:
    """VETO BUY 10 @ 50 EUR. Close 52 at 1.1: -22; 2:1 overnight, next close 27 at 1.2: 10 (50 - 54) 1.2 = -48."""
    prices = quotes((SIGNAL, "50"), (CLOSE, "52"), (NEXT, "27"))
    rates = quotes((SIGNAL, "1"), (CLOSE, "1.1"), (NEXT, "1.2"), asset="EURUSD")
    ledger = build(
        Plan(horizon="close", decay=("session+1",), assets={"A": Asset(currency="EUR", fx="EURUSD")}),
        signals=[("S1", SIGNAL, "m", "A", "BUY", "10", "")],
        actions=[("A1", "S1", SIGNAL, "T1", "VETO", "", "")],
        prices=prices + rates,
        corporate_actions=[("A", "2026-07-02T13:30:00Z", "split", "2")],
    )
    assert values(ledger) == [("close", True, "CLOSED", -22), ("session+1", False, "CLOSED", -48)]


def two_decisions() -> Ledger:
    """T1 vetoes A (two rows, one click), T2 vetoes B, whose price the next day is missing; T1 also follows C."""
    prices = quotes((SIGNAL, "50"), (CLOSE, "49"), (NEXT, "53")) + quotes((SIGNAL, "20"), (CLOSE, "25"), asset="B")
    return build(
        Plan(horizon="close", decay=("session+1",)),
        signals=[("S1", SIGNAL, "m", "A", "BUY", "10", ""), ("S2", SIGNAL, "m", "A", "BUY", "20", ""), ("S3", SIGNAL, "m", "B", "BUY", "1", ""),
                 ("S4", SIGNAL, "m", "A", "BUY", "7", "")],
        actions=[("A1", "S1", SIGNAL, "T1", "VETO", "", "D"), ("A2", "S2", SIGNAL, "T1", "VETO", "", "D"), ("A3", "S3", SIGNAL, "T2", "VETO", "", ""),
                 ("A4", "S4", SIGNAL, "T1", "ACCEPT", "7", "")],
        fills=[("F4", "A4", SIGNAL, "7", "51", "0")],
        prices=prices,
    )  # fmt: skip


def test_decisions_are_compared_over_those_closed_at_every_horizon() -> None:
    """close: D = 30 x 1 = +30, B = -5, sum 25; session+1: D = -90, B unavailable. Common: D alone, +30 and -90."""
    ledger = two_decisions()
    first, later = kpis(ledger)["close"], kpis(ledger)["session+1"]
    assert (first["primary"], first["n_decisions"], first["hits"], first["sum"], first["n_common"], first["sum_common"]) == (
        True, 2, 1, 25 * 10**6, 1, 30 * 10**6,
    )  # fmt: skip
    assert (later["n_decisions"], later["n_unavailable"], later["sum"], later["sum_common"], later["mean_common"]) == (
        1, 1, -90 * 10**6, -90 * 10**6, -90.0,
    )  # fmt: skip
    assert kpis(ledger, "T1")["close"]["n_common"] == 1 and kpis(ledger, "T2")["close"]["mean_common"] is None
    total = next(k for k in ledger.kpis.to_pylist() if k["by"] == "all")
    assert (first["sum"], first["mean"], first["sd"], first["hits"]) == (total["sum"], total["mean"], total["sd"], total["hits"])
    assert further_lines(ledger)[1:] == [
        " * close: 25.00 over 2; over the 1 closed at all 30.00; 0 open, 0 unavailable, 0 before action",
        "   session+1: -90.00 over 1; over the 1 closed at all -90.00; 0 open, 1 unavailable, 0 before action",
    ]


def test_the_tables_are_written_only_when_asked_and_read_back(tmp_path: Path) -> None:
    ledger = two_decisions()
    ledger.write(tmp_path / "out")
    again = read_ledger(tmp_path / "out")
    assert again.decay is not None and again.decay_kpis is not None and again.digest == ledger.digest
    assert again.decay.equals(ledger.decay) and again.decay_kpis.equals(ledger.decay_kpis)
    assert any(line.startswith("decay.parquet: content digest") for line in verify(tmp_path / "out"))
    plain = build(Plan(horizon="close"), **DELAYED)
    plain.write(tmp_path / "plain")
    assert (
        plain.decay is None and not (tmp_path / "plain" / "decay.csv").exists() and read_ledger(tmp_path / "plain").decay is None
    )
