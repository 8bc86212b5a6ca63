"""Every signal that was read is counted once: followed, intervened, undecided, expired, set aside, dropped or outside the period."""

from __future__ import annotations

import pandas as pd
import pytest

from skillstats.errors import LedgerBug
from skillstats.ledger.build import build_ledger
from skillstats.ledger.counts import assert_signals_conserved
from skillstats.plan import Plan
from skillstats.record import read_record

DAY = "2026-07-01T"
CLASSES = ("followed", "intervened", "no_decision", "expired", "outside_period")


def test_the_classes_of_signals_add_to_the_rows_read() -> None:
    """Nine rows: one followed, one vetoed, one undecided, two expired (one at the very as_of), one bad, one copied, one of the day before.

    S6 expires a microsecond after as_of and is undecided still; S8 appears twice.
    """
    signals = [
        ("S1", "14:30:00", "10", ""), ("S2", "14:30:00", "10", ""), ("S3", "14:30:00", "10", ""), ("S4", "14:30:00", "10", "15:00:00"),
        ("S5", "14:30:00", "10", "20:00:00"), ("S6", "14:30:00", "10", "20:00:00.000001"), ("S7", "14:30:00", "-1", ""),
    ]  # fmt: skip
    rows = [{"signal_id": i, "time": f"{DAY}{t}Z", "quantity": q, "expires": f"{DAY}{e}Z" if e else ""} for i, t, q, e in signals]
    rows += [{"signal_id": "S8", "time": "2026-06-30T15:00:00Z", "quantity": "10", "expires": ""}] * 2
    tables = {
        "signals": pd.DataFrame(rows).assign(model="m", asset="A", side="BUY"),
        "actions": pd.DataFrame(
            [
                {"action_id": "A1", "signal_id": "S1", "action": "ACCEPT", "quantity": "10", "time": f"{DAY}14:30:00Z"},
                {"action_id": "A2", "signal_id": "S2", "action": "VETO", "quantity": "", "time": f"{DAY}14:30:00Z"},
                {"action_id": "A3", "signal_id": "", "action": "INITIATE", "quantity": "5", "time": "2026-06-30T15:00:00Z"},
            ]
        ).assign(trader="T1", asset=["", "", "A"], side=["", "", "BUY"]),
        "fills": pd.DataFrame(
            [
                {"fill_id": "F1", "action_id": "A1", "time": f"{DAY}14:30:00Z", "quantity": "10", "price": "20", "fee": "0"},
                {"fill_id": "F3", "action_id": "A3", "time": "2026-06-30T15:00:00Z", "quantity": "5", "price": "20", "fee": "0"},
            ]
        ),
        "prices": pd.DataFrame(
            [
                {"asset": "A", "time": t, "bid": "20", "ask": "20"}
                for t in ("2026-06-30T15:00:00Z", f"{DAY}14:30:00Z", f"{DAY}20:00:00Z")
            ]
        ),
    }
    plan = Plan(horizon="close", period=("2026-07-01", "2026-07-31"))
    ledger = build_ledger(read_record(tables, plan, now="2027-01-01T00:00:00Z"))
    counts = ledger.result["counts"]
    assert {k: counts[k] for k in CLASSES} == {
        "followed": 1, "intervened": 1, "no_decision": 2, "expired": 2, "outside_period": 1,
    }  # fmt: skip
    assert counts["initiated_outside_period"] == 1 and counts["initiated"] == 0
    assert sum(counts[k] for k in CLASSES) + ledger.quarantine.num_rows + ledger.drops.num_rows == len(rows) == 9
    assert (ledger.rows["action"].to_pylist()).count("NO_DECISION") == 4


def test_a_lost_signal_is_a_defect_and_stops_the_build() -> None:
    """Two rows were read, one class holds one."""
    tables = {
        "signals": pd.DataFrame({"signal_id": ["S1", "S2"]}).assign(
            time=f"{DAY}14:30:00Z", model="m", asset="A", side="BUY", quantity="10"
        ),
        "actions": pd.DataFrame(
            [{"action_id": "A1", "signal_id": "S1", "action": "VETO", "quantity": "", "time": f"{DAY}14:30:00Z"}]
        ).assign(trader="T1"),
        "prices": pd.DataFrame({"asset": "A", "time": [f"{DAY}14:30:00Z", f"{DAY}20:00:00Z"], "bid": "20", "ask": "20"}),
    }
    record = read_record(tables, Plan(horizon="close"), now="2027-01-01T00:00:00Z")
    ledger = build_ledger(record)
    assert_signals_conserved(record, ledger.result["counts"], ledger.quarantine, ledger.drops)
    with pytest.raises(LedgerBug, match="2 signals read but 0 followed"):
        assert_signals_conserved(record, {**ledger.result["counts"], "no_decision": 0}, ledger.quarantine, ledger.drops)


def test_signals_made_from_targets_are_counted_too() -> None:
    """Positions 0, 10, 4 are two signals, a BUY of 10 and a SELL of 6."""
    times = [f"{DAY}{t}:00Z" for t in ("14:00", "14:30", "15:00")]
    tables = {
        "targets": pd.DataFrame({"time": times, "model": "m", "asset": "A", "target": ["0", "10", "4"]}),
        "actions": pd.DataFrame(
            [{"action_id": "A1", "signal_id": "", "time": times[0], "trader": "T1", "action": "INITIATE", "quantity": "1"}]
        ).assign(asset="A", side="BUY"),
        "fills": pd.DataFrame(
            [{"fill_id": "F1", "action_id": "A1", "time": times[0], "quantity": "1", "price": "20", "fee": "0"}]
        ),
        "prices": pd.DataFrame({"asset": "A", "time": [*times, f"{DAY}20:00:00Z"], "bid": "20", "ask": "20"}),
    }
    plan = Plan(horizon="close")
    counts = build_ledger(read_record(tables, plan, now="2027-01-01T00:00:00Z")).result["counts"]
    assert (counts["no_decision"], counts["expired"], counts["rows"]) == (2, 0, 3)


def test_a_ledger_whose_only_decision_was_set_aside_has_kpis_all_the_same() -> None:
    """The vetoed asset has no price; the undecided signal is the only row."""
    tables = {
        "signals": pd.DataFrame({"signal_id": ["S1", "S2"], "asset": ["A", "NONE"]}).assign(
            time=f"{DAY}14:30:00Z", model="m", side="BUY", quantity="10"
        ),
        "actions": pd.DataFrame(
            [{"action_id": "A2", "signal_id": "S2", "action": "VETO", "quantity": "", "time": f"{DAY}14:30:00Z", "trader": "T1"}]
        ),
        "prices": pd.DataFrame({"asset": "A", "time": [f"{DAY}14:30:00Z", f"{DAY}20:00:00Z"], "bid": "20", "ask": "20"}),
    }
    ledger = build_ledger(read_record(tables, Plan(horizon="close"), now="2027-01-01T00:00:00Z"))
    (every,) = ledger.kpis.to_pylist()
    assert (every["n_signals"], every["n_decisions"], every["n_unavailable"], every["note"]) == (1, 0, 1, "no interventions")
