"""A decision worth exactly nothing is a tie: in the denominator of the hit rate, not in its numerator."""

from __future__ import annotations

import pandas as pd

from skillstats.ledger.build import build_ledger
from skillstats.plan import Plan
from skillstats.record import read_record

NOW = "2027-01-01T00:00:00Z"
AT, CLOSE = "2026-07-01T14:30:00Z", "2026-07-01T20:00:00Z"


def test_a_zero_is_a_tie_and_stays_in_the_denominator():
    """Three reprices: at the model's own price (0), a cent better (+1.00), a cent worse (-1.00)."""
    prices = {"S0": "10.00", "S1": "9.99", "S2": "10.01"}
    tables = {
        "signals": [{"signal_id": s, "time": AT, "model": "m", "asset": "ABC", "side": "BUY", "quantity": "100"} for s in prices],
        "actions": [
            {"action_id": f"A{s}", "signal_id": s, "time": AT, "trader": "T", "action": "REPRICE", "quantity": "100"}
            for s in prices
        ],
        "fills": [
            {"fill_id": f"F{s}", "action_id": f"A{s}", "time": AT, "quantity": "100", "price": p, "fee": "0"}
            for s, p in prices.items()
        ],
        "prices": [{"asset": "ABC", "time": t, "bid": "10.00", "ask": "10.00"} for t in (AT, CLOSE)],
    }
    record = read_record({k: pd.DataFrame(v, dtype=object) for k, v in tables.items()}, Plan(horizon="close"), now=NOW)
    ledger = build_ledger(record)
    assert ledger.rows["value_add"].to_pylist() == [0, 1_000_000, -1_000_000]
    for kpi in ledger.kpis.to_pylist():
        assert (kpi["n_decisions"], kpi["hits"], kpi["ties"], kpi["hit_rate"]) == (3, 1, 1, 1 / 3)
