"""Splits and dividends by hand: everything after the signal is brought back to the signal's units by the stamp of its own row."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pandas as pd
import pytest

from skillstats.ledger.build import build_ledger
from skillstats.ledger.containers import Ledger
from skillstats.market.adjust import corporate_of
from skillstats.market.opening import open_market
from skillstats.market.volatility import session_returns
from skillstats.plan import MaxAge, Plan
from skillstats.record import Record, read_record
from skillstats.record.containers import NULL

Rows = list[tuple[str, ...]]
DAY = "2026-07-01T"
SIGNAL, SPLIT, FILL, CLOSE = f"{DAY}14:30:00Z", f"{DAY}15:00:00Z", f"{DAY}15:30:00Z", f"{DAY}20:00:00Z"
NEXT = "2026-07-02T20:00:00Z"
NAMES = {
    "signals": "signal_id time model asset side quantity",
    "actions": "action_id signal_id time trader action quantity",
    "fills": "fill_id action_id time quantity price fee",
    "prices": "asset time bid ask open",
    "corporate_actions": "asset time kind value",
}


def read(plan: Plan, tables: dict[str, Rows]) -> Record:
    frames = {
        k: pd.DataFrame([dict(zip(NAMES[k].split(), (*r, ""), strict=False)) for r in v], columns=NAMES[k].split(), dtype=object)
        for k, v in tables.items()
        if v
    }
    return read_record({k: f.fillna("") for k, f in frames.items()}, plan, now="2027-01-01T00:00:00Z")


def build(plan: Plan, **tables: Rows) -> Ledger:
    return build_ledger(read(plan, tables))


def quotes(*cells: tuple[str, str]) -> Rows:
    return [("A", t, p, p) for t, p in cells]


def row_of(ledger: Ledger, name: str = "S1") -> dict[str, Any]:
    return next(r for r in ledger.rows.to_pylist() if r["signal_id"] == name)


def bought_after_the_split(
    *, fill: str = "200", ordered: str = "100", verb: str = "DELAY", action: str = SIGNAL
) -> dict[str, Rows]:
    return {
        "signals": [("S1", SIGNAL, "m", "A", "BUY", "100")],
        "actions": [("A1", "S1", action, "T1", verb, ordered)],
        "fills": [("F1", "A1", FILL, fill, "29.90", "0")],
        "prices": quotes((SIGNAL, "60.00"), (FILL, "29.95"), (CLOSE, "31.00")),
        "corporate_actions": [("A", SPLIT, "split", "2")],
    }


def test_the_example_of_the_contract() -> None:
    """BUY 100 @ 60.00, 2:1 split, 200 bought @ 29.90: Q = 100, P = 59.80; mid 59.90, mark 62. Drift 100 (60 - 59.9), slippage 100 (59.9 - 59.8)."""
    ledger = build(Plan(horizon="close"), **bought_after_the_split())
    row = row_of(ledger)
    shown = ("model_quantity", "actual_quantity", "overlap", "actual_price", "arrival_price", "mark", "model_price", "signal_mid")
    assert [row[k] for k in shown] == [100, 100, 100, Decimal("59.8"), Decimal("59.9"), 62, 60, 60]
    assert [row[k] // 10**6 for k in ("size", "drift", "slippage", "value_add", "model_pnl", "actual_pnl")] == [
        0,
        10,
        10,
        20,
        200,
        220,
    ]
    assert row["actual_notional"] == 5980 * 10**6 and row["gap_path"][-1]["gap"] == 0 and not row["partial"]
    assert row["warnings"] == "D262" and [p.code for p in ledger.problems] == ["D262"]


def test_a_split_with_a_remainder_stays_exact_until_it_is_shown() -> None:
    """3:1: 100 new units @ 20 are 33 1/3 old ones @ 60. The money is the money that was paid; the fraction is rounded to nine places."""
    tables = bought_after_the_split(fill="100") | {"corporate_actions": [("A", SPLIT, "split", "3")]}
    row = row_of(build(Plan(horizon="close"), **tables))
    assert row["actual_quantity"] == Decimal("33.333333333") and row["actual_price"] == Decimal("89.70") and row["partial"]
    # actual 100 (31 - 29.90); model 100 (93 - 60); overlap 33 1/3: drift 33 1/3 (60 - 89.85), slippage 33 1/3 (89.85 - 89.70)
    assert (row["actual_pnl"], row["model_pnl"], row["drift"], row["slippage"]) == (
        110 * 10**6,
        3300 * 10**6,
        -995 * 10**6,
        5 * 10**6,
    )


def test_a_dividend_is_part_of_the_price() -> None:
    """VETO BUY 10 @ 60; 0.50 paid, mark 59.50: nothing was missed. A second dividend after a 2:1 split counts on two units."""
    tables: dict[str, Rows] = {
        "signals": [("S1", SIGNAL, "m", "A", "BUY", "10")],
        "actions": [("A1", "S1", SIGNAL, "T1", "VETO", "")],
    }
    paid = [("A", SPLIT, "dividend", "0.50")]
    one = build(Plan(horizon="close"), **tables, prices=quotes((SIGNAL, "60"), (CLOSE, "59.50")), corporate_actions=paid)
    assert (row_of(one)["value_add"], row_of(one)["mark"]) == (0, 60)
    more = [*paid, ("A", f"{DAY}16:00:00Z", "split", "2"), ("A", f"{DAY}16:00:00Z", "dividend", "0.25")]
    two = build(Plan(horizon="close"), **tables, prices=quotes((SIGNAL, "60"), (CLOSE, "29.50")), corporate_actions=more)
    # 2 x 29.50 + 0.50 + 2 x 0.25, the split at 16:00 before the dividend at 16:00
    assert (row_of(two)["mark"], row_of(two)["value_add"]) == (60, 0)


def test_a_quote_from_before_the_split_is_in_old_units_however_late_it_is_used() -> None:
    """The mark at the close is the quote of 14:59, before the split of 15:00: 61, not 122."""
    ledger = build(
        Plan(horizon="close", max_age=MaxAge(quote="PT24H")),
        signals=[("S1", SIGNAL, "m", "A", "BUY", "10")],
        actions=[("A1", "S1", SIGNAL, "T1", "VETO", "")],
        prices=[*quotes((SIGNAL, "60"), (f"{DAY}14:59:00Z", "61")), ("B", CLOSE, "1", "1")],
        corporate_actions=[("A", SPLIT, "split", "2")],
    )
    row = row_of(ledger)
    assert (row["mark"], row["value_add"], row["warnings"]) == (61, -10 * 10**6, "")


def test_a_split_at_the_very_signal_or_after_the_horizon_changes_nothing() -> None:
    tables: dict[str, Rows] = {
        "signals": [("S1", SIGNAL, "m", "A", "BUY", "10")],
        "actions": [("A1", "S1", SIGNAL, "T1", "VETO", "")],
        "prices": quotes((SIGNAL, "60"), (CLOSE, "61"), (NEXT, "20")),
    }
    plain = build(Plan(horizon="close"), **tables)
    split = build(
        Plan(horizon="close"), **tables, corporate_actions=[("A", SIGNAL, "split", "2"), ("A", f"{DAY}20:00:01Z", "split", "3")]
    )
    assert split.rows.equals(plain.rows) and split.slices.equals(plain.slices)


def test_slices_are_adjusted_by_the_stamp_of_their_mark() -> None:
    """VETO BUY 10 @ 60; 61 at the first close; 2:1 overnight; 31 at the second: V = -10, -20."""
    ledger = build(
        Plan(horizon="session+1"),
        signals=[("S1", SIGNAL, "m", "A", "BUY", "10")],
        actions=[("A1", "S1", SIGNAL, "T1", "VETO", "")],
        prices=quotes((SIGNAL, "60"), (CLOSE, "61"), (NEXT, "31")),
        corporate_actions=[("A", "2026-07-02T13:30:00Z", "split", "2")],
    )
    assert [s["slice"] // 10**6 for s in ledger.slices.to_pylist()] == [-10, -10]


def test_a_model_filled_at_an_open_after_the_split_is_in_signal_units() -> None:
    """BUY 10 at 60; the next session opens at 29 after 2:1: p = 58, mark 62, a VETO missed 40."""
    ledger = build(
        Plan(horizon="session+1", fill_model="next_open"),
        signals=[("S1", SIGNAL, "m", "A", "BUY", "10")],
        actions=[("A1", "S1", SIGNAL, "T1", "VETO", "")],
        prices=[*quotes((SIGNAL, "60"), (CLOSE, "60")), ("A", "2026-07-02T13:30:00Z", "29", "29", "29"), *quotes((NEXT, "31"))],
        corporate_actions=[("A", "2026-07-02T13:00:00Z", "split", "2")],
    )
    assert (row_of(ledger)["model_price"], row_of(ledger)["value_add"]) == (58, -40 * 10**6)


def test_fills_after_the_horizon_are_valued_in_signal_units() -> None:
    """200 bought at 30 after the close, mark 62 in signal units: 100 (62 - 60) = +200."""
    tables = bought_after_the_split() | {"fills": [("F1", "A1", "2026-07-02T14:00:00Z", "200", "30", "1")]}
    ledger = build(Plan(horizon="close", as_of="2026-07-03T00:00:00Z"), **tables)
    assert [b["pnl"] for b in ledger.books.to_pylist() if b["line"] == "after_horizon"] == [199 * 10**6]


@pytest.mark.parametrize(
    ("verb", "ordered", "fill", "action", "codes"),
    [
        ("DELAY", "100", "200", SIGNAL, []),
        ("DELAY", "100", "201", SIGNAL, ["D141"]),
        ("DELAY", "100", "199", SIGNAL, ["D142"]),
        ("DELAY", "200", "200", f"{DAY}15:10:00Z", []),
        ("DELAY", "100", "100", f"{DAY}15:10:00Z", ["D123"]),
        ("RESIZE", "200", "200", f"{DAY}15:10:00Z", ["D126"]),
        ("RESIZE", "100", "100", f"{DAY}15:10:00Z", []),
    ],
)
def test_quantities_are_compared_in_the_units_of_the_action(
    verb: str, ordered: str, fill: str, action: str, codes: list[str]
) -> None:
    """100 of the signal are 200 after the split of 15:00."""
    tables = bought_after_the_split(verb=verb, ordered=ordered, fill=fill, action=action)
    found = read(Plan(horizon="close"), tables).problems
    assert [p.code for p in found if p.code.startswith("D1")] == codes


def test_returns_do_not_see_a_split_or_a_dividend() -> None:
    """60 to 31 over a 2:1 split with 1.00 paid before it: (2 x 31 + 1 - 60) / 60 = 5 %."""
    plan = Plan(horizon="close")
    tables: dict[str, Rows] = {
        "signals": [("S1", SIGNAL, "m", "A", "BUY", "10")],
        "actions": [("A1", "S1", SIGNAL, "T1", "VETO", "")],
        "prices": quotes((SIGNAL, "60"), (CLOSE, "60"), (NEXT, "31")),
        "corporate_actions": [("A", "2026-07-02T13:00:00Z", "dividend", "1"), ("A", "2026-07-02T13:30:00Z", "split", "2")],
    }
    record = read(plan, tables)
    found = session_returns(open_market(record, plan), corporate_of(record), 0)
    assert found[found != NULL].tolist() == [50_000_000]
