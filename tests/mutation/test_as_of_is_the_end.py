"""Nothing stamped after the instant of the evaluation is read, not even for a signal that comes after it."""

from __future__ import annotations

import pandas as pd

from skillstats.ledger.build import build_ledger
from skillstats.plan import Plan
from skillstats.record import read_record

NOW = "2027-01-01T00:00:00Z"


def test_a_signal_after_the_evaluation_is_open_and_has_no_price_at_all():
    before, as_of, after, close = (f"2026-07-01T{t}:00Z" for t in ("14:30", "15:00", "16:00", "20:00"))
    signal = {"model": "m", "asset": "ABC", "side": "BUY", "quantity": "1"}
    tables = {
        "signals": [{"signal_id": "S1", "time": before, **signal}, {"signal_id": "S2", "time": after, **signal}],
        "actions": [{"action_id": "A1", "signal_id": "S1", "time": before, "trader": "T", "action": "VETO", "quantity": ""}],
        "prices": [{"asset": "ABC", "time": t, "bid": "10", "ask": "10"} for t in (before, after, close)],
    }
    plan = Plan(horizon="close", as_of=as_of)
    ledger = build_ledger(read_record({k: pd.DataFrame(v, dtype=object) for k, v in tables.items()}, plan, now=NOW))
    known, unknown = ledger.rows.to_pylist()
    assert (known["status"], known["signal_mid_age"], known["model_price"]) == ("OPEN", 0, 10)
    assert (unknown["signal_id"], unknown["status"]) == ("S2", "OPEN")
    assert [unknown[k] for k in ("signal_mid", "signal_mid_age", "model_price", "model_price_index", "mark")] == [None] * 5
