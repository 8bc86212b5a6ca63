"""Worst cases by hand: what a chain without a mark, a model price or a mid could have been worth."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from skillstats.cli.record import further_lines
from skillstats.ledger.build import build_ledger
from skillstats.ledger.containers import Ledger
from skillstats.plan import Asset, Fees, Plan
from skillstats.record import read_record

Rows = list[tuple[str, ...]]
DAY = "2026-07-01T"
SIGNAL, FILL, LATE, CLOSE = (f"{DAY}{t}:00Z" for t in ("14:30", "14:40", "19:00", "20:00"))
NEXT = "2026-07-02T15:00:00Z"
NAMES = {
    "signals": "signal_id time model asset side quantity",
    "actions": "action_id signal_id time trader action quantity",
    "fills": "fill_id action_id time quantity price fee",
    "prices": "asset time bid ask",
    "corporate_actions": "asset time kind value",
}
VETO: dict[str, Rows] = {
    "signals": [("S1", SIGNAL, "m", "A", "BUY", "10")],
    "actions": [("A1", "S1", SIGNAL, "T1", "VETO", "")],
}


def build(plan: Plan, **tables: Rows) -> Ledger:
    frames = {k: pd.DataFrame(v, columns=NAMES[k].split(), dtype=object) for k, v in tables.items() if v}
    return build_ledger(read_record(frames, plan, now="2027-01-01T00:00:00Z"))


def quotes(*cells: tuple[str, str], asset: str = "A") -> Rows:
    return [(asset, t, p, p) for t, p in cells]


def bounds(ledger: Ledger) -> dict[str, Any]:
    found = dict(ledger.result["bounds"])
    assert ledger.result["by_trader"]["T1"]["bounds"] == found | {
        k: found[k] - ledger.result["totals"]["value_add"] for k in ("lowest", "highest")
    }
    return found


def test_a_missing_mark_ranges_over_the_prices_around_it() -> None:
    """VETO BUY 10 @ 50, no quote near the close: prices 50, 47, and 55 at the first row after it. -10 (M - 50): +30 at 47, -50 at 55.

    The row of 90 comes after the first row at or after the horizon, and the one of 1 before the newest at the signal: neither counts.
    """
    prices = quotes((f"{DAY}14:00:00Z", "1"), (SIGNAL, "50"), (LATE, "47"), (NEXT, "55"), ("2026-07-02T16:00:00Z", "90"))
    ledger = build(Plan(horizon="close"), **VETO, prices=prices)
    assert bounds(ledger) == {"chains": 1, "unbounded": 0, "lowest": -50 * 10**6, "highest": 30 * 10**6}
    assert further_lines(ledger) == [
        "1 chain(s) without a counterfactual: the closed total would lie between -50.00 and 30.00 USD"
    ]


def test_a_missing_model_price_and_mark_range_on_their_own() -> None:
    """Signal between two stale quotes, SELL 10 vetoed: 10 (M - p) with both in [47, 50]."""
    tables = VETO | {
        "signals": [("S1", f"{DAY}15:30:00Z", "m", "A", "SELL", "10")],
        "actions": [("A1", "S1", f"{DAY}15:30:00Z", "T1", "VETO", "")],
    }
    ledger = build(Plan(horizon="close"), **tables, prices=quotes((SIGNAL, "50"), (LATE, "47"), (NEXT, "48")))
    assert bounds(ledger) == {"chains": 1, "unbounded": 0, "lowest": -30 * 10**6, "highest": 30 * 10**6}


def test_the_models_fee_is_the_one_of_each_end() -> None:
    """SELL 10 vetoed, mark 48 known, p in [47, 50] (latency), 100 bp: 10 (48 - p) + fee 0.1 p = +14.7 and -15."""
    tables = VETO | {"signals": [("S1", SIGNAL, "m", "A", "SELL", "10")]}
    plan = Plan(horizon="close", latency="PT1H", fees=Fees(bps="100"))
    ledger = build(plan, **tables, prices=quotes((SIGNAL, "50"), (LATE, "47"), (CLOSE, "48")))
    assert bounds(ledger) == {"chains": 1, "unbounded": 0, "lowest": -15 * 10**6, "highest": 14_700_000}


def test_without_a_mid_the_value_is_known_all_the_same() -> None:
    """Delayed BUY 10 @ 50, bought at 51 for 0.000001 where no quote stood: the split into parts is unknown, the value -10.000001 is not."""
    tables = VETO | {
        "actions": [("A1", "S1", SIGNAL, "T1", "DELAY", "10")],
        "fills": [("F1", "A1", FILL, "10", "51", "0.000001")],
    }
    ledger = build(Plan(horizon="close"), **tables, prices=quotes((SIGNAL, "50"), (CLOSE, "55")))
    assert bounds(ledger) == {"chains": 1, "unbounded": 0, "lowest": -10_000_001, "highest": -10_000_001}


def test_the_closed_total_is_the_base() -> None:
    """A VETO that made 20 beside one that lies in [-50, 30]."""
    tables = {
        "signals": [*VETO["signals"], ("S2", SIGNAL, "m", "B", "BUY", "10")],
        "actions": [*VETO["actions"], ("A2", "S2", SIGNAL, "T1", "VETO", "")],
    }
    prices = quotes((SIGNAL, "50"), (LATE, "47"), (NEXT, "55")) + quotes((SIGNAL, "9"), (CLOSE, "7"), asset="B")
    found = bounds(build(Plan(horizon="close"), **tables, prices=prices))
    assert (found["lowest"], found["highest"]) == (-30 * 10**6, 50 * 10**6)


def test_prices_after_a_split_are_brought_back() -> None:
    """VETO BUY 10 @ 50; 2:1 at 15:00; 24 at 19:00 and 26 the next day are 48 and 52."""
    prices = quotes((SIGNAL, "50"), (LATE, "24"), (NEXT, "26"))
    ledger = build(Plan(horizon="close"), **VETO, prices=prices, corporate_actions=[("A", f"{DAY}15:00:00Z", "split", "2")])
    assert (bounds(ledger)["lowest"], bounds(ledger)["highest"]) == (-20 * 10**6, 20 * 10**6)


@pytest.mark.parametrize(
    ("plan", "asset"),
    [(Plan(horizon="close"), "B"), (Plan(horizon="close", assets={"A": Asset(currency="EUR")}), "A")],
    ids=["no price", "no rate"],
)
def test_what_has_no_price_or_rate_has_no_bound(plan: Plan, asset: str) -> None:
    tables = VETO | {"signals": [("S1", SIGNAL, "m", asset, "BUY", "10")]}
    ledger = build(plan, **tables, prices=quotes((SIGNAL, "50"), (CLOSE, "55")))
    assert bounds(ledger) == {"chains": 1, "unbounded": 1, "lowest": 0, "highest": 0}
    assert further_lines(ledger)[0].endswith("; 1 of them cannot be bounded")


def test_a_chain_that_would_be_open_is_no_part_of_the_closed_total() -> None:
    """No mid at the signal, and a horizon that has not come."""
    tables = VETO | {
        "signals": [("S1", f"{DAY}15:30:00Z", "m", "A", "BUY", "10")],
        "actions": [("A1", "S1", f"{DAY}15:30:00Z", "T1", "VETO", "")],
    }
    ledger = build(Plan(horizon="session+1"), **tables, prices=quotes((SIGNAL, "50"), (CLOSE, "55")))
    assert ledger.result["counts"]["unavailable"] == 1 and ledger.result["bounds"]["chains"] == 0 and further_lines(ledger) == []
