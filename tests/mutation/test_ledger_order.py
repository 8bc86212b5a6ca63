"""Rows of one instant stand in the order of their ids: an INITIATE order, which has no signal, before the signals."""

from __future__ import annotations

import pandas as pd

from skillstats.ledger.build import build_ledger
from skillstats.plan import Plan
from skillstats.record import read_record

NOW = "2027-01-01T00:00:00Z"


def test_rows_of_one_instant_are_sorted_by_signal_and_then_action():
    at, close = "2026-07-01T14:30:00Z", "2026-07-01T20:00:00Z"
    signal = {"time": at, "model": "m", "asset": "ABC", "side": "BUY", "quantity": "1"}
    order = {"signal_id": "", "time": at, "trader": "T", "action": "INITIATE", "quantity": "1", "asset": "ABC", "side": "BUY"}
    fill = {"time": at, "quantity": "1", "price": "10", "fee": "0"}
    tables = {
        "signals": [{"signal_id": s, **signal} for s in ("b", "a", "Z", "\u00e9")],
        "actions": [{"action_id": a, **order} for a in ("y", "X")],
        "fills": [{"fill_id": f"F{a}", "action_id": a, **fill} for a in ("y", "X")],
        "prices": [{"asset": "ABC", "time": t, "bid": "10", "ask": "10"} for t in (at, close)],
    }
    record = read_record({k: pd.DataFrame(v, dtype=object) for k, v in tables.items()}, Plan(horizon="close"), now=NOW)
    ledger = build_ledger(record)
    keys = [(r["signal_id"], r["action_id"]) for r in ledger.rows.select(["signal_id", "action_id"]).to_pylist()]
    assert keys == [(None, "X"), (None, "y"), ("Z", None), ("a", None), ("b", None), ("\u00e9", None)]
