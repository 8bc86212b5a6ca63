"""Foreign assets by hand: every amount of a row at the rate of its mark, every slice at the rate of its close, risk at the rate of the signal."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pandas as pd
import pytest

from skillstats.evidence import to_evidence
from skillstats.ledger.build import build_ledger
from skillstats.ledger.containers import Ledger
from skillstats.plan import Asset, Fees, MaxAge, Plan
from skillstats.record import read_record

Rows = list[tuple[str, ...]]
DAY = "2026-07-01T"
SIGNAL, FILL, CLOSE, NEXT = f"{DAY}14:30:00Z", f"{DAY}14:40:00Z", f"{DAY}20:00:00Z", "2026-07-02T20:00:00Z"
NAMES = {
    "signals": "signal_id time model asset side quantity",
    "actions": "action_id signal_id time trader action quantity",
    "fills": "fill_id action_id time quantity price fee",
    "prices": "asset time bid ask",
}
EURO = {"SAP": Asset(currency="EUR", fx="EURUSD")}


def build(plan: Plan, **tables: Rows) -> Ledger:
    frames = {k: pd.DataFrame(v, columns=NAMES[k].split(), dtype=object) for k, v in tables.items() if v}
    return build_ledger(read_record(frames, plan, now="2027-01-01T00:00:00Z"))


def quotes(asset: str, *cells: tuple[str, str]) -> Rows:
    return [(asset, t, p, p) for t, p in cells]


def only(ledger: Ledger) -> dict[str, Any]:
    (row,) = ledger.rows.to_pylist()
    return row


def test_all_parts_of_a_row_are_converted_at_the_mark() -> None:
    """BUY 100 @ 50, delayed to 51 (mid 50.6), mark 53; fees 3 against 2 EUR; EURUSD 1.10 at the signal, 1.20 at the close.

    EUR: drift 100 (50 - 50.6) = -60, slippage 100 (50.6 - 51) = -40, cost 2 - 3 = -1; times 1.20. Model (300 - 2) 1.2, actual (200 - 3) 1.2.
    """
    ledger = build(
        Plan(horizon="close", fees=Fees(per_order="2"), assets=EURO),
        signals=[("S1", SIGNAL, "m", "SAP", "BUY", "100")],
        actions=[("A1", "S1", SIGNAL, "T1", "DELAY", "100")],
        fills=[("F1", "A1", FILL, "100", "51", "3")],
        prices=quotes("SAP", (SIGNAL, "50"), (FILL, "50.6"), (CLOSE, "53")) + quotes("EURUSD", (SIGNAL, "1.10"), (CLOSE, "1.20")),
    )
    row = only(ledger)
    money = [row[k] / 10**6 for k in ("size", "drift", "slippage", "cost", "value_add")]
    assert money == [0, -72, -48, -1.2, -121.2]
    assert [row[k] / 10**6 for k in ("model_pnl", "actual_pnl", "model_cost", "actual_cost")] == [357.6, 236.4, 2.4, 3.6]
    assert (row["signal_fx"], row["mark_fx"], row["signal_fx_age"], row["mark_fx_age"]) == (Decimal("1.1"), Decimal("1.2"), 0, 0)
    assert row["actual_notional"] == 5100 * 10**6 and row["mark"] == 53 and not row["rounded"]
    assert {b["line"]: b["pnl"] for b in ledger.books.to_pylist()}["difference"] == row["value_add"]


def test_a_slice_is_converted_at_its_own_close() -> None:
    """VETO BUY 10 @ 20: 21 at 1.10, then 23 at 1.20. V = -11, then -36; slices -11, -25. A close without a rate is carried."""
    tables: dict[str, Rows] = {
        "signals": [("S1", SIGNAL, "m", "SAP", "BUY", "10")],
        "actions": [("A1", "S1", SIGNAL, "T1", "VETO", "")],
    }
    prices = quotes("SAP", (SIGNAL, "20"), (CLOSE, "21"), (NEXT, "23"))
    rates = quotes("EURUSD", (SIGNAL, "1.00"), (CLOSE, "1.10"), (NEXT, "1.20"))
    plan = Plan(horizon="session+1", assets=EURO)
    found = build(plan, **tables, prices=prices + rates).slices.to_pylist()
    assert [(s["slice"] / 10**6, s["carried"]) for s in found] == [(-11, 0), (-25, 0)]
    found = build(plan, **tables, prices=[*prices, rates[0], rates[2]]).slices.to_pylist()
    assert [(s["slice"] / 10**6, s["carried"]) for s in found] == [(-36, 1)]


def test_an_open_row_has_the_rate_of_its_signal_only() -> None:
    ledger = build(
        Plan(horizon="session+1", assets=EURO),
        signals=[("S1", SIGNAL, "m", "SAP", "BUY", "10")],
        actions=[("A1", "S1", SIGNAL, "T1", "VETO", "")],
        prices=quotes("SAP", (SIGNAL, "20"), (CLOSE, "21")) + quotes("EURUSD", (SIGNAL, "1.25"), (CLOSE, "1.10")),
    )
    row = only(ledger)
    assert (row["status"], row["signal_fx"], row["mark_fx"], row["mark_fx_age"]) == ("OPEN", Decimal("1.25"), None, None)
    assert row["model_cost"] is None and row["actual_cost"] is None and row["value_add_to_date"] == -11 * 10**6


@pytest.mark.parametrize(
    ("asset", "rates", "code"),
    [
        (Asset(currency="EUR"), [(SIGNAL, "1.1"), (CLOSE, "1.1")], "D260"),
        (Asset(currency="EUR", fx="GBPUSD"), [(SIGNAL, "1.1"), (CLOSE, "1.1")], "D260"),
        (Asset(currency="EUR", fx="EURUSD"), [(SIGNAL, "1.1"), (FILL, "1.1")], "D261"),
        (Asset(currency="EUR", fx="EURUSD"), [(CLOSE, "1.1")], "D261"),
        (Asset(currency="USD"), [(CLOSE, "1.1")], None),
    ],
    ids=["no fx named", "fx without prices", "stale at the mark", "none at the signal", "the base currency"],
)
def test_without_a_rate_there_is_no_counterfactual(asset: Asset, rates: list[tuple[str, str]], code: str | None) -> None:
    ledger = build(
        Plan(horizon="close", assets={"SAP": asset}),
        signals=[("S1", SIGNAL, "m", "SAP", "BUY", "10")],
        actions=[("A1", "S1", SIGNAL, "T1", "VETO", "")],
        prices=quotes("SAP", (SIGNAL, "20"), (CLOSE, "21")) + quotes("EURUSD", *rates),
    )
    aside = {(q["code"], q["status"]) for q in ledger.quarantine.to_pylist()}
    assert aside == ({(code, "COUNTERFACTUAL_UNAVAILABLE")} if code else set())
    assert ledger.result["counts"]["unavailable"] == bool(code)


def test_a_missing_price_of_its_own_is_named_before_the_rate() -> None:
    ledger = build(
        Plan(horizon="close", assets={"SAP": Asset(currency="EUR")}),
        signals=[("S1", SIGNAL, "m", "SAP", "BUY", "10"), ("S2", SIGNAL, "m", "NONE", "BUY", "10")],
        actions=[("A1", "S1", SIGNAL, "T1", "VETO", "")],
        prices=quotes("SAP", (SIGNAL, "20")) + quotes("B", (CLOSE, "1")),
    )
    assert {q["chain"]: q["code"] for q in ledger.quarantine.to_pylist()} == {"S1": "D254", "S2": "D255"}


def test_an_odd_rate_is_rounded_once_each() -> None:
    """VETO of 1 unit up by 0.01 at a rate of 1.00005: model 10000.5 micro-units, to even; the fee of 0.000001 enters before rounding."""
    ledger = build(
        Plan(horizon="close", fees=Fees(per_order="0.000001"), assets=EURO),
        signals=[("S1", SIGNAL, "m", "SAP", "BUY", "1")],
        actions=[("A1", "S1", SIGNAL, "T1", "VETO", "")],
        prices=quotes("SAP", (SIGNAL, "20.00"), (CLOSE, "20.01")) + quotes("EURUSD", (SIGNAL, "1"), (CLOSE, "1.00005")),
    )
    row = only(ledger)
    # (10000 - 1) 1.00005 = 9999.49995 -> 9999; cost 1.00005 -> 1; size = -9999 - 1
    assert (row["model_pnl"], row["value_add"], row["cost"], row["size"], row["model_cost"]) == (9999, -9999, 1, -10000, 1)
    assert row["rounded"]


def test_risk_is_in_base_currency_at_the_signals_rate() -> None:
    """The same desk in euros at a rate of 2 at the signal and 4 at the mark: value-add times 4, risk times 2."""
    days = [f"2026-06-{d:02d}T20:00:00Z" for d in (8, 9, 10, 11, 12, 15, 16, 17, 18, 22, 23, 24, 25, 26, 29, 30)]
    walk = [(t, str(20 + k % 3)) for k, t in enumerate(days)]
    tables: dict[str, Rows] = {
        "signals": [("S1", SIGNAL, "m", "SAP", "BUY", "10")],
        "actions": [("A1", "S1", SIGNAL, "T1", "VETO", "")],
    }
    prices = quotes("SAP", *walk, (SIGNAL, "20"), (CLOSE, "21"))
    age = MaxAge(quote="PT24H")
    home = to_evidence(build(Plan(horizon="close", max_age=age), **tables, prices=prices))
    rates = quotes("EURUSD", (SIGNAL, "2"), (CLOSE, "4"))
    away = to_evidence(build(Plan(horizon="close", max_age=age, assets=EURO), **tables, prices=prices + rates))
    assert away.value_add[0] == pytest.approx(4 * home.value_add[0]) and away.risk[0] == pytest.approx(2 * home.risk[0])
