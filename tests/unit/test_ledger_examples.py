"""The ledger on small tables: what was signalled, what was done, what the market did, and what the departure was worth to the cent.

Each desk trades in one session of New York (14:30 to 21:00 UTC, or 13:30 to 20:00 in summer). Quotes are locked (bid = ask) unless the test is about
the spread, so that the mid is the number one reads. Money below is in currency; the ledger holds micro-units.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pandas as pd
import pytest

from skillstats.errors import InputRejected
from skillstats.ledger.build import build_ledger
from skillstats.ledger.containers import Ledger
from skillstats.ledger.kpis import moments
from skillstats.plan import Asset, Fees, MaxAge, Plan, RegimeChoice
from skillstats.record import read_record

Rows = list[tuple[str, ...]]
NOW = "2027-01-01T00:00:00Z"
DAY = "2026-07-01T"
SIGNAL, ACTION, FILLS = f"{DAY}14:30:00Z", f"{DAY}14:35:00Z", [f"{DAY}{t}:00Z" for t in ("14:40", "14:50", "15:00")]
CLOSE = f"{DAY}20:00:00Z"
NAMES = {
    "signals": "signal_id time model asset side quantity price horizon",
    "actions": "action_id signal_id time trader action quantity decision_id asset side",
    "fills": "fill_id action_id time quantity price fee",
    "prices": "asset time bid ask close open",
    "regimes": "time asset weather",
    "corporate_actions": "asset time kind value",
}
PLAN = Plan(horizon="close")
PARTS = ("size", "drift", "slippage", "cost", "value_add")


def table(name: str, rows: Rows) -> pd.DataFrame:
    """Rows of text, missing last cells empty."""
    columns = NAMES[name].split()
    return pd.DataFrame(
        [dict(zip(columns, (*r, *[""] * len(columns)), strict=False)) for r in rows], columns=columns, dtype=object
    )


def build(plan: Plan = PLAN, **tables: Rows) -> Ledger:
    """Through the whole front door: text tables, record, ledger."""
    return build_ledger(read_record({k: table(k, v) for k, v in tables.items() if v}, plan, now=NOW))


def quote(asset: str, time: str, mid: str) -> tuple[str, ...]:
    return asset, time, mid, mid


def rows(ledger: Ledger) -> dict[str, dict[str, Any]]:
    return {r["signal_id"] or r["action_id"]: r for r in ledger.rows.to_pylist()}


def money(row: dict[str, Any], *names: str) -> list[Decimal | None]:
    """Micro-units as currency, exactly."""
    return [None if row[n] is None else Decimal(row[n]).scaleb(-6) for n in names or PARTS]


def stamp(moment: Any) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def aside(ledger: Ledger) -> dict[str, tuple[str, str]]:
    """Code and status of each chain set aside."""
    return {q["chain"]: (q["code"], q["status"]) for q in ledger.quarantine.to_pylist()}


# the eleven rows of the data contract -------------------------------------------------------------------------------------------------

EXAMPLES = [
    # verb, side, q, p, fills (quantity, price, mid, fee), ordered, mark, model fee -> size, drift, slippage, cost, value_add
    ("1 VETO", "BUY", "1000", "100.05", [], "", "99.55", "0", "500 0 0 0 500"),
    ("2 DELAY", "SELL", "500", "50.20", ["500 50.10 50.12 0"], "500", "49.80", "0", "0 -40 -10 0 -50"),
    ("3 RESIZE", "BUY", "2000", "25.50", ["3000 25.52 25.51 0"], "3000", "24.82", "0", "-700 -20 -20 0 -740"),
    ("4 RESIZE", "SELL", "1000", "40.00", ["400 39.98 39.99 0"], "400", "39.00", "0", "-600 -4 -4 0 -608"),
    ("5 REVERSE", "BUY", "300", "80.00", ["200 79.90 79.95 1.20"], "200", "78.00", "1.50", "980 0 0 0.30 980.30"),
    ("6 ACCEPT", "BUY", "700", "30.00", ["500 30.03 30.01 0"], "700", "30.60", "0", "-120 -5 -10 0 -135"),
    (
        "7 RESIZE", "BUY", "1000", "10.00", ["500 10.01 10.00 0", "600 10.03 10.02 0", "400 10.06 10.05 0"], "1500", "10.20", "0",
        "84.333333 -21.333333 -10 0 53",
    ),
    ("8 INITIATE", "SELL", "250", "64.00", ["250 64.00 64.00 2.00"], "250", "63.20", "0", "200 0 0 -2 198"),
    ("9 ACCEPT", "BUY", "400", "12.00", ["400 12.00 12.00 0"], "400", "12.90", "0", "0 0 0 0 0"),
    ("10 ACCEPT", "BUY", "400", "12.00", ["400 12.02 12.01 0.40"], "400", "12.90", "0.40", "0 -4 -4 0 -8"),
    ("11 REPRICE", "BUY", "600", "18.40", ["600 18.36 18.38 0"], "600", "18.10", "0", "0 12 12 0 24"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("case", "side", "q", "p", "fills", "ordered", "mark", "model_fee", "expected"), EXAMPLES, ids=[e[0] for e in EXAMPLES]
)
def test_the_rows_of_the_contract(
    case: str, side: str, q: str, p: str, fills: list[str], ordered: str, mark: str, model_fee: str, expected: str
) -> None:
    """One chain each: signal 14:30 at the mid p, fills from 14:40 on, mark at the close."""
    verb = case.split()[1]
    initiate = verb == "INITIATE"
    cells = [f.split() for f in fills]
    prices = [quote("A", SIGNAL, p), quote("A", ACTION, p), quote("A", CLOSE, mark)]
    prices += [quote("A", t, mid) for t, (_, _, mid, _) in zip(FILLS, cells, strict=False)]
    ledger = build(
        Plan(horizon="close", fees=Fees(per_order=model_fee)),
        signals=[("S1", SIGNAL, "m", "A", side, q)] if not initiate else [("S0", SIGNAL, "m", "A", "BUY", "1")],
        actions=[
            ("A1", "", ACTION, "T1", verb, ordered, "", "A", side) if initiate else ("A1", "S1", ACTION, "T1", verb, ordered)
        ],
        fills=[(f"F{i}", "A1", FILLS[i], quantity, price, fee) for i, (quantity, price, _, fee) in enumerate(cells)],
        prices=prices,
    )
    row = rows(ledger)["A1" if initiate else "S1"]
    assert money(row) == [Decimal(x) for x in expected.split()]
    assert row["value_add"] == row["actual_pnl"] - row["model_pnl"]
    assert row["rounded"] == case.startswith("7") and row["status"] == "CLOSED"


def test_row_7_shows_its_vwap_and_rounds_only_what_cannot_be_exact() -> None:
    """VWAP 10.031333.., p_t 10.021333..; the parts 84 1/3 and -21 1/3 round to six places, the total 53 is exact."""
    fills = [("F1", "500", "10.01"), ("F2", "600", "10.03"), ("F3", "400", "10.06")]
    ledger = build(
        signals=[("S1", SIGNAL, "m", "A", "BUY", "1000")],
        actions=[("A1", "S1", ACTION, "T1", "RESIZE", "1500")],
        fills=[(f, "A1", t, n, p, "0") for (f, n, p), t in zip(fills, FILLS, strict=True)],
        prices=[
            quote("A", t, m) for t, m in zip([SIGNAL, *FILLS, CLOSE], ["10.00", "10.00", "10.02", "10.05", "10.20"], strict=True)
        ],
    )
    row = rows(ledger)["S1"]
    assert row["actual_price"] == Decimal("10.031333333") and row["arrival_price"] == Decimal("10.021333333")
    assert (row["actual_notional"], row["arrival_notional"]) == (15_047_000_000, 15_032_000_000)
    assert (row["size"], row["drift"], row["slippage"], row["value_add"]) == (84_333_333, -21_333_333, -10_000_000, 53_000_000)
    assert row["n_fills"] == 3 and row["overlap"] == 1000 and not row["partial"]


# the published rows -------------------------------------------------------------------------------------------------------------------


@pytest.fixture(params=["50.20 25.50", "50.11 25.53"])
def published_ledger(request: pytest.FixtureRequest) -> Ledger:
    """Three rows printed in the concept note; the marks are those its figures imply, the mids at the fills are any.

    The note prints +500, +50, -700. The DELAY has the wrong sign (its formula is the one for a BUY: sold 10 cents lower is a cost), and the
    RESIZE leaves out the 2 cents on the 2,000 shares both books bought.
    """
    delay, resize = request.param.split()
    return build(
        signals=[
            ("S1", SIGNAL, "m", "A", "BUY", "1000"),
            ("S2", SIGNAL, "m", "B", "SELL", "500"),
            ("S3", SIGNAL, "m", "C", "BUY", "2000"),
        ],
        actions=[
            ("A1", "S1", ACTION, "T1", "VETO"),
            ("A2", "S2", ACTION, "T1", "DELAY", "500"),
            ("A3", "S3", ACTION, "T1", "RESIZE", "3000"),
        ],
        fills=[("F1", "A2", FILLS[0], "500", "50.10", "0"), ("F2", "A3", FILLS[0], "3000", "25.52", "0")],
        prices=[
            *(quote("A", t, p) for t, p in ((SIGNAL, "100.05"), (CLOSE, "99.55"))),
            *(quote("B", t, p) for t, p in ((SIGNAL, "50.20"), (FILLS[0], delay), (CLOSE, "49.80"))),
            *(quote("C", t, p) for t, p in ((SIGNAL, "25.50"), (FILLS[0], resize), (CLOSE, "24.82"))),
        ],
    )


def test_the_published_rows_are_500_minus_50_minus_740(published_ledger: Ledger) -> None:
    found = rows(published_ledger)
    assert [found[s]["value_add"] // 10**6 for s in ("S1", "S2", "S3")] == [500, -50, -740]
    assert [found[s]["size"] // 10**6 for s in ("S1", "S2", "S3")] == [500, 0, -700]
    assert [(found[s]["drift"] + found[s]["slippage"]) // 10**6 for s in ("S2", "S3")] == [-50, -40]


def test_the_books_of_the_published_rows(published_ledger: Ledger) -> None:
    """Model -500 + 200 - 1360 = -1660, actual 0 + 150 - 2100 = -1950, difference -290."""
    found = rows(published_ledger)
    assert [found[s]["model_pnl"] // 10**6 for s in ("S1", "S2", "S3")] == [-500, 200, -1360]
    assert [found[s]["actual_pnl"] // 10**6 for s in ("S1", "S2", "S3")] == [0, 150, -2100]
    lines = published_ledger.books.to_pandas().groupby("line")["pnl"].sum() // 10**6
    assert lines.to_dict() == {"model_frozen": -1660, "actual": -1950, "difference": -290}
    assert published_ledger.result["totals"] == {
        "actual": -1950 * 10**6,
        "model": -1660 * 10**6,
        "value_add": -290 * 10**6,
        "value_add_to_date": 0,
    }


def test_the_kpis_of_the_published_rows(published_ledger: Ledger) -> None:
    row = next(k for k in published_ledger.kpis.to_pylist() if k["by"] == "trader")
    assert (row["n_signals"], row["n_interventions"], row["n_decisions"], row["hits"], row["ties"]) == (3, 3, 3, 1, 0)
    assert row["sum"] == -290 * 10**6 and row["hit_rate"] == 1 / 3 and row["override_rate"] == 1.0
    assert (round(row["mean"], 2), round(row["sd"], 2), round(row["ir_per_decision"], 4)) == (-96.67, 621.32, -0.1556)


@pytest.mark.parametrize(
    ("amounts", "expected"),
    [
        pytest.param((500, 50, -700), (-150, -50.0, 606.22, -0.0825), id="as printed"),
        pytest.param((500, -50, -700), (-250, -83.33, 600.69, -0.1387), id="sign repaired"),
        pytest.param((500, -50, -740), (-290, -96.67, 621.32, -0.1556), id="full identity"),
    ],
)
def test_one_sign_changes_every_kpi(amounts: tuple[int, ...], expected: tuple[float, ...]) -> None:
    found = moments([a * 10**6 for a in amounts])
    assert (found["sum"] // 10**6, round(found["mean"], 2), round(found["sd"], 2), round(found["ir_per_decision"], 4)) == expected


def test_a_spread_that_does_not_exist_is_null() -> None:
    assert moments([5])["note"] == "n<2" and moments([5])["sd"] is None
    assert moments([5, 5])["note"] == "sd=0" and moments([5, 5])["ir_per_decision"] is None
    assert moments([])["mean"] is None


# day slices ---------------------------------------------------------------------------------------------------------------------------


def slices(ledger: Ledger) -> list[tuple[str, int, int]]:
    return [(s["session"], s["slice"] // 10**6, s["carried"]) for s in ledger.slices.to_pylist()]


def test_the_slices_of_a_veto_over_three_sessions() -> None:
    """Marks 99.90, 100.20, 99.55 at the closes: V = +150, -150, +500, slices +150, -300, +650."""
    closes = [("2026-07-01T20:00:00Z", "99.90"), ("2026-07-02T20:00:00Z", "100.20"), ("2026-07-06T20:00:00Z", "99.55")]
    tables: dict[str, Rows] = {
        "signals": [("S1", SIGNAL, "m", "A", "BUY", "1000")],
        "actions": [("A1", "S1", ACTION, "T1", "VETO")],
    }
    plan = Plan(horizon="session+2")
    ledger = build(plan, **tables, prices=[quote("A", SIGNAL, "100.05"), *(quote("A", t, p) for t, p in closes)])
    assert slices(ledger) == [("2026-07-01", 150, 0), ("2026-07-02", -300, 0), ("2026-07-06", 650, 0)]
    assert rows(ledger)["S1"]["value_add_to_date"] == 500 * 10**6
    missing = build(plan, **tables, prices=[quote("A", SIGNAL, "100.05"), *(quote("A", t, p) for t, p in (closes[0], closes[2]))])
    assert slices(missing) == [("2026-07-01", 150, 0), ("2026-07-06", 350, 1)]


def test_the_slices_of_a_delay_end_when_the_positions_agree() -> None:
    """Filled on the second session; first close 50.40: V = +100, then -50 for good."""
    times = [SIGNAL, "2026-07-01T20:00:00Z", "2026-07-02T14:00:00Z", "2026-07-02T20:00:00Z", "2026-07-06T20:00:00Z"]
    ledger = build(
        Plan(horizon="session+2"),
        signals=[("S1", SIGNAL, "m", "A", "SELL", "500")],
        actions=[("A1", "S1", ACTION, "T1", "DELAY", "500")],
        fills=[("F1", "A1", times[2], "500", "50.10", "0")],
        prices=[quote("A", t, p) for t, p in zip(times, ("50.20", "50.40", "50.12", "49.90", "49.80"), strict=True)],
    )
    assert slices(ledger) == [("2026-07-01", 100, 0), ("2026-07-02", -150, 0)]


# decisions, books, fees ---------------------------------------------------------------------------------------------------------------


def test_a_blanket_veto_is_one_decision_with_ten_rows() -> None:
    """Ten longs vetoed by one click, each falls by 1.00 on 10 shares: +10 a row, one decision of +100."""
    ledger = build(
        signals=[(f"S{i}", SIGNAL, "m", f"A{i}", "BUY", "10") for i in range(10)],
        actions=[(f"V{i}", f"S{i}", ACTION, "T1", "VETO", "", "V") for i in range(10)],
        prices=[quote(f"A{i}", t, p) for i in range(10) for t, p in ((SIGNAL, "20.00"), (CLOSE, "19.00"))],
    )
    assert ledger.rows.num_rows == 10
    (decision,) = ledger.decisions.to_pylist()
    assert (decision["n_rows"], decision["n_assets"], decision["value_add"], decision["action"]) == (10, 10, 100 * 10**6, "VETO")
    assert decision["choice_level"] == "day" and decision["complete"]
    trader = next(k for k in ledger.kpis.to_pylist() if k["by"] == "trader")
    assert (trader["n_signals"], trader["n_interventions"], trader["n_decisions"], trader["n_sessions"]) == (10, 10, 1, 1)
    assert trader["note"] == "n<2" and trader["sum"] == 100 * 10**6


def test_a_decision_with_a_row_set_aside_is_not_complete() -> None:
    """The second asset has no price at the close: its row is gone, the decision is kept out of the KPIs and counted."""
    ledger = build(
        signals=[("S1", SIGNAL, "m", "A", "BUY", "10"), ("S2", SIGNAL, "m", "B", "BUY", "10")],
        actions=[("V1", "S1", ACTION, "T1", "VETO", "", "V"), ("V2", "S2", ACTION, "T1", "VETO", "", "V")],
        prices=[quote("A", SIGNAL, "20.00"), quote("A", CLOSE, "19.00"), quote("B", SIGNAL, "20.00")],
    )
    (decision,) = ledger.decisions.to_pylist()
    assert (decision["complete"], decision["n_rows"], decision["n_quarantined"]) == (False, 1, 1)
    trader = next(k for k in ledger.kpis.to_pylist() if k["by"] == "trader")
    assert (trader["n_decisions"], trader["n_unavailable"], trader["sum"]) == (0, 1, 0)


def test_a_trader_who_only_initiates_has_a_decision_of_level_row() -> None:
    ledger = build(
        signals=[("S1", SIGNAL, "m", "A", "BUY", "10")],
        actions=[("A1", "", ACTION, "T1", "INITIATE", "5", "", "A", "BUY")],
        fills=[("F1", "A1", FILLS[0], "5", "20.00", "0")],
        prices=[quote("A", SIGNAL, "20.00"), quote("A", ACTION, "20.00"), quote("A", CLOSE, "21.00")],
        plan=Plan(horizon="close", max_age=MaxAge(quote="PT1H")),
    )
    (decision,) = ledger.decisions.to_pylist()
    assert decision["choice_level"] == "row" and decision["value_add"] == 5 * 10**6


def test_a_veto_gains_the_cost_it_saved() -> None:
    """BUY 1000 @ 100.05 that would have cost 5.00 + 1 bp of 100,050 = 15.005, vetoed; the price did not move."""
    ledger = build(
        Plan(horizon="close", fees=Fees(per_order="5", bps="1")),
        signals=[("S1", SIGNAL, "m", "A", "BUY", "1000")],
        actions=[("A1", "S1", ACTION, "T1", "VETO")],
        prices=[quote("A", SIGNAL, "100.05"), quote("A", CLOSE, "100.05")],
    )
    row = rows(ledger)["S1"]
    assert money(row) == [0, 0, 0, Decimal("15.005"), Decimal("15.005")]
    assert money(row, "model_pnl", "actual_pnl", "model_cost", "actual_cost") == [Decimal("-15.005"), 0, Decimal("15.005"), 0]


@pytest.mark.parametrize(("quantity", "fee"), [("100", "1"), ("1000", "5"), ("333", "1.665")])
def test_the_models_fee_has_a_minimum(quantity: str, fee: str) -> None:
    ledger = build(
        Plan(horizon="close", fees=Fees(per_unit="0.005", minimum="1")),
        signals=[("S1", SIGNAL, "m", "A", "BUY", quantity)],
        actions=[("A1", "S1", ACTION, "T1", "VETO")],
        prices=[quote("A", SIGNAL, "10"), quote("A", CLOSE, "10")],
    )
    assert money(rows(ledger)["S1"], "model_cost") == [Decimal(fee)]


def test_fees_on_both_sides_meet_in_cost() -> None:
    """Actual 1.20 in two fills (one a rebate), schedule 1.50: cost +0.30."""
    ledger = build(
        Plan(horizon="close", fees=Fees(per_order="1.50")),
        signals=[("S1", SIGNAL, "m", "A", "BUY", "10")],
        actions=[("A1", "S1", ACTION, "T1", "ACCEPT", "10")],
        fills=[("F1", "A1", FILLS[0], "4", "10", "1.40"), ("F2", "A1", FILLS[0], "6", "10", "-0.20")],
        prices=[quote("A", t, "10") for t in (SIGNAL, FILLS[0], CLOSE)],
    )
    assert money(rows(ledger)["S1"]) == [0, 0, 0, Decimal("0.30"), Decimal("0.30")]


def test_signals_left_alone_stay_in_as_the_denominator() -> None:
    """One followed, one vetoed, one undecided; an undecided signal costs what the model would have made, and belongs to no trader."""
    ledger = build(
        signals=[(f"S{i}", SIGNAL, "m", "A", "BUY", "10") for i in (1, 2, 3)],
        actions=[("A1", "S1", ACTION, "T1", "ACCEPT", "10"), ("A2", "S2", ACTION, "T1", "VETO")],
        fills=[("F1", "A1", FILLS[0], "10", "20", "0")],
        prices=[quote("A", t, p) for t, p in ((SIGNAL, "20"), (FILLS[0], "20"), (CLOSE, "23"))],
    )
    found = rows(ledger)
    assert [found[s]["value_add"] // 10**6 for s in ("S1", "S2", "S3")] == [0, -30, -30]
    assert (found["S3"]["action"], found["S3"]["trader"], found["S3"]["decision_id"]) == ("NO_DECISION", None, None)
    by_trader = {(b["line"], b["trader"]): b["pnl"] // 10**6 for b in ledger.books.to_pylist()}
    assert by_trader["difference", "T1"] == -30 and by_trader["difference", None] == -30
    every = next(k for k in ledger.kpis.to_pylist() if k["by"] == "all")
    assert (every["n_signals"], every["n_interventions"], every["override_rate"]) == (3, 1, 1 / 3)


def test_an_all_accept_trader_has_no_interventions() -> None:
    ledger = build(
        signals=[("S1", SIGNAL, "m", "A", "BUY", "10")],
        actions=[("A1", "S1", SIGNAL, "T1", "ACCEPT", "10")],
        fills=[("F1", "A1", SIGNAL, "10", "20", "0")],
        prices=[quote("A", SIGNAL, "20"), quote("A", CLOSE, "21")],
    )
    trader = next(k for k in ledger.kpis.to_pylist() if k["by"] == "trader")
    assert trader["note"] == "no interventions" and trader["sum"] is None and trader["n_signals"] == 1


def test_a_fill_after_the_horizon_is_outside_the_quantity_and_in_its_own_line() -> None:
    """BUY 10 @ 20, mark 23; 4 bought at 20 in time, 6 bought at 24 after the close: 6 * (23 - 24) = -6 in `after_horizon`."""
    ledger = build(
        signals=[("S1", SIGNAL, "m", "A", "BUY", "10")],
        actions=[("A1", "S1", ACTION, "T1", "DELAY", "10")],
        fills=[("F1", "A1", FILLS[0], "4", "20", "0"), ("F2", "A1", "2026-07-02T14:00:00Z", "6", "24", "0")],
        prices=[quote("A", t, p) for t, p in ((SIGNAL, "20"), (FILLS[0], "20"), (CLOSE, "23"))],
        plan=Plan(horizon="close", as_of="2026-07-03T00:00:00Z"),
    )
    row = rows(ledger)["S1"]
    assert row["actual_quantity"] == 4 and row["partial"] and money(row) == [-18, 0, 0, 0, -18]
    late = [b for b in ledger.books.to_pylist() if b["line"] == "after_horizon"]
    assert [(b["session"], b["pnl"] // 10**6) for b in late] == [("2026-07-02", -6)]
    assert "D214" in {p.code for p in ledger.problems} and row["warnings"] == "D142"


# horizons and calendars ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("signal", "horizon", "expected"),
    [
        ("2024-11-27T20:00:00Z", "close", "2024-11-27T21:00:00Z"),
        (
            "2024-11-27T20:00:00Z",
            "session+1",
            "2024-11-29T18:00:00Z",
        ),  # Thanksgiving is closed, the day after ends at 13:00 New York
        ("2024-11-27T21:00:00Z", "close", "2024-11-27T21:00:00Z"),  # the close itself belongs to its session
        ("2024-11-27T21:00:01Z", "close", "2024-11-29T18:00:00Z"),  # after hours belongs to the next close
        ("2024-11-29T17:00:00Z", "close", "2024-11-29T18:00:00Z"),
        ("2024-11-29T18:30:00Z", "close", "2024-12-02T21:00:00Z"),
        ("2024-11-29T17:00:00Z", "session+1", "2024-12-02T21:00:00Z"),
        ("2024-11-01T19:00:00Z", "session+1", "2024-11-04T21:00:00Z"),  # summer time ends over the weekend: 73 hours later
        ("2024-11-01T19:00:00Z", "PT24H", "2024-11-02T19:00:00Z"),  # a Saturday
        ("2024-03-08T20:00:00Z", "session+1", "2024-03-11T20:00:00Z"),  # summer time begins over the weekend
        ("2024-03-08T20:00:00Z", "PT24H", "2024-03-09T20:00:00Z"),
        ("2024-03-08T20:00:00Z", "PT30M", "2024-03-08T20:30:00Z"),
        ("2024-07-03T16:00:00Z", "session+2", "2024-07-08T20:00:00Z"),
    ],
)
def test_horizons_follow_the_exchange(signal: str, horizon: str, expected: str) -> None:
    """Closing quotes stay good while the exchange is shut, so a mark on a Saturday is Friday's close."""
    closes = (
        "2024-03-08T21:00:00Z",
        "2024-07-03T17:00:00Z",
        "2024-11-01T20:00:00Z",
        "2024-11-27T21:00:00Z",
        "2024-11-29T18:00:00Z",
    )
    times = sorted({signal, *closes, expected})
    ledger = build(
        Plan(horizon="PT1M"),
        signals=[("S1", signal, "m", "A", "BUY", "10", "", horizon)],
        actions=[("A1", "S1", signal, "T1", "VETO")],
        prices=[quote("A", t, "20") for t in times],
    )
    row = rows(ledger)["S1"]
    assert stamp(row["horizon_time"]) == expected and row["status"] == "CLOSED" and row["horizon"] == horizon


def test_twenty_four_hours_are_not_one_session() -> None:
    """Friday 20:00 to Saturday uses Friday's closing quote (19); `session+1` waits for Monday's close (25)."""
    prices = [
        quote("A", t, p)
        for t, p in (("2024-03-08T20:00:00Z", "20"), ("2024-03-08T21:00:00Z", "19"), ("2024-03-11T20:00:00Z", "25"))
    ]
    ledger = build(
        PLAN,
        signals=[
            ("S1", "2024-03-08T20:00:00Z", "m", "A", "BUY", "10", "", "PT24H"),
            ("S2", "2024-03-08T20:00:00Z", "m", "A", "BUY", "10", "", "session+1"),
        ],
        actions=[("A1", "S1", "2024-03-08T20:00:00Z", "T1", "VETO"), ("A2", "S2", "2024-03-08T20:00:00Z", "T1", "VETO")],
        prices=prices,
    )
    found = rows(ledger)
    assert [found[s]["value_add"] // 10**6 for s in ("S1", "S2")] == [10, -50]
    assert found["S1"]["mark_age"] == 0 and stamp(found["S1"]["mark_time"]) == "2024-03-08T21:00:00Z"


def test_exit_is_the_first_later_signal_of_the_same_model_and_asset_on_the_other_side() -> None:
    """Another model's SELL and another asset's SELL do not end S1; its own model's SELL at 16:00 does. S5 has no exit yet and is OPEN."""
    ledger = build(
        Plan(horizon="exit"),
        signals=[
            ("S1", SIGNAL, "m", "A", "BUY", "10"),
            ("S2", f"{DAY}15:00:00Z", "other", "A", "SELL", "10"),
            ("S3", f"{DAY}15:10:00Z", "m", "B", "SELL", "10"),
            ("S4", f"{DAY}15:30:00Z", "m", "A", "BUY", "10"),
            ("S5", f"{DAY}16:00:00Z", "m", "A", "SELL", "10"),
        ],
        actions=[("A1", "S1", ACTION, "T1", "VETO")],
        prices=[
            quote(a, f"{DAY}{t}:00Z", p)
            for a in "AB"
            for t, p in (("14:30", "20"), ("15:00", "21"), ("15:10", "21"), ("15:30", "22"), ("16:00", "23"))
        ],
    )
    found = rows(ledger)
    assert stamp(found["S1"]["horizon_time"]) == stamp(found["S4"]["horizon_time"]) == f"{DAY}16:00:00Z"
    assert found["S1"]["value_add"] == -30 * 10**6
    assert found["S5"]["status"] == "OPEN" and found["S5"]["horizon_time"] is None


# fill models --------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("plan", "price"),
    [
        (Plan(horizon="close", fill_model="arrival_mid"), "20.01"),
        (Plan(horizon="close", fill_model="signal_price"), "19.99"),
        (Plan(horizon="close", fill_model="cross_spread"), "20.02"),
        (Plan(horizon="close", fill_model="arrival_mid", latency="PT5M"), "20.11"),
        (Plan(horizon="close", fill_model="cross_spread", latency="PT5M"), "20.12"),
        (Plan(horizon="close", fill_model="arrival_mid", asof_model="strict"), "19.91"),
        (Plan(horizon="session+1", fill_model="next_open"), "20.50"),
    ],
    ids=["mid", "signal", "spread", "mid later", "spread later", "strict", "next open"],
)
def test_where_the_model_is_filled(plan: Plan, price: str) -> None:
    """BUY: quotes 20.00/20.02 at the signal, 0.10 more five minutes later, 0.10 less one second before; tomorrow opens at 20.50."""
    prices: Rows = [
        ("A", f"{DAY}14:29:59Z", "19.90", "19.92"),
        ("A", SIGNAL, "20.00", "20.02"),
        ("A", ACTION, "20.10", "20.12"),
        ("A", CLOSE, "21.00", "21.00"),
        ("A", "2026-07-02T13:30:00Z", "20.49", "20.51", "", "20.50"),
        ("A", "2026-07-02T20:00:00Z", "21.00", "21.00"),
    ]
    ledger = build(
        plan,
        signals=[("S1", SIGNAL, "m", "A", "BUY", "10", "19.99")],
        actions=[("A1", "S1", SIGNAL, "T1", "VETO")],
        prices=prices,
    )
    row = rows(ledger)["S1"]
    assert row["model_price"] == Decimal(price) and row["signal_mid"] == Decimal("20.01")
    assert row["value_add"] == -int((Decimal(21) - Decimal(price)) * 10 * 10**6)


def test_a_seller_who_crosses_the_spread_gets_the_bid() -> None:
    ledger = build(
        Plan(horizon="close", fill_model="cross_spread"),
        signals=[("S1", SIGNAL, "m", "A", "SELL", "10")],
        actions=[("A1", "S1", SIGNAL, "T1", "VETO")],
        prices=[("A", SIGNAL, "20.00", "20.02"), quote("A", CLOSE, "21")],
    )
    assert rows(ledger)["S1"]["model_price"] == 20 and rows(ledger)["S1"]["value_add"] == 10 * 10**6


@pytest.mark.parametrize(
    ("signal", "row_time", "filled"),
    [
        ("2024-03-08T20:00:00Z", "2024-03-11T13:30:00Z", "2024-03-11T13:30:00Z"),  # stamped at the opening instant
        ("2024-03-08T20:00:00Z", "2024-03-11T20:00:00Z", "2024-03-11T13:30:00Z"),  # a daily bar stamped at the close
        ("2024-03-08T20:00:00Z", "2024-03-11T13:15:00Z", "2024-03-11T13:15:00Z"),  # stamped ahead of the opening instant
        ("2024-03-11T12:00:00Z", "2024-03-11T13:15:00Z", "2024-03-11T13:15:00Z"),
    ],
)
def test_the_next_open_is_of_the_first_session_that_begins_after_the_signal(signal: str, row_time: str, filled: str) -> None:
    """Friday's open must not be used for a signal on Friday; Monday's is, at the opening instant or at the row's time if earlier."""
    prices: Rows = [
        ("A", "2024-03-08T14:30:00Z", "", "", "20", "19"),
        ("A", "2024-03-08T21:00:00Z", "", "", "20", ""),
        ("A", row_time, "", "", "22", "21"),
        ("A", "2024-03-11T20:00:00.000001Z", "", "", "22", ""),
        ("A", "2024-03-12T20:00:00Z", "", "", "22", "30"),
    ]
    ledger = build(
        Plan(horizon="session+2", fill_model="next_open", as_of="2024-03-12T20:00:00Z"),
        signals=[("S1", signal, "m", "A", "BUY", "10")],
        actions=[("A1", "S1", signal, "T1", "VETO")],
        prices=prices,
    )
    row = rows(ledger)["S1"]
    assert row["model_price"] == 21 and [stamp(k["time"]) for k in row["gap_path"]] == [filled]


@pytest.mark.parametrize(
    "plan", [Plan(horizon="close", fill_model="next_open"), Plan(horizon="PT1M", latency="PT5M")], ids=["open", "latency"]
)
def test_a_model_fill_after_the_horizon_is_no_counterfactual(plan: Plan) -> None:
    """Tomorrow's open cannot be marked at today's close: the chain is set aside with its reason, nothing is computed."""
    prices: Rows = [
        quote("A", SIGNAL, "20"),
        quote("A", f"{DAY}14:31:00Z", "20"),
        quote("A", ACTION, "20"),
        quote("A", CLOSE, "21"),
    ]
    prices.append(("A", "2026-07-02T13:30:00Z", "21", "21", "", "21"))
    ledger = build(
        plan, signals=[("S1", SIGNAL, "m", "A", "BUY", "10")], actions=[("A1", "S1", SIGNAL, "T1", "VETO")], prices=prices
    )
    assert aside(ledger)["S1"] == ("D254", "COUNTERFACTUAL_UNAVAILABLE") and ledger.rows.num_rows == 0
    assert "after the horizon" in ledger.quarantine["message"][0].as_py()


# OPEN, missing and stale --------------------------------------------------------------------------------------------------------------


def test_a_row_whose_horizon_has_not_come_is_open_and_worth_nothing_yet() -> None:
    """VETO of BUY 1000 @ 100.05 to be marked on 07-06; prices end on 07-02 at 100.20: to date -150, final slices +150 and -300."""
    ledger = build(
        Plan(horizon="session+2"),
        signals=[("S1", SIGNAL, "m", "A", "BUY", "1000")],
        actions=[("A1", "S1", ACTION, "T1", "VETO")],
        prices=[quote("A", t, p) for t, p in ((SIGNAL, "100.05"), (CLOSE, "99.90"), ("2026-07-02T20:00:00Z", "100.20"))],
    )
    row = rows(ledger)["S1"]
    assert row["status"] == "OPEN" and all(
        row[k] is None for k in (*PARTS, "model_pnl", "actual_pnl", "mark", "mark_time", "mark_age")
    )
    assert row["value_add_to_date"] == -150 * 10**6
    assert slices(ledger) == [("2026-07-01", 150, 0), ("2026-07-02", -300, 0)]
    (decision,) = ledger.decisions.to_pylist()
    assert decision["value_add"] is None and decision["n_open"] == 1 and not decision["complete"]
    assert [p.code for p in ledger.problems] == ["D263"]
    assert {b["state"] for b in ledger.books.to_pylist()} == {"open_to_date"} and ledger.result["totals"][
        "value_add_to_date"
    ] == -150 * 10**6
    trader = next(k for k in ledger.kpis.to_pylist() if k["by"] == "trader")
    assert (trader["n_interventions"], trader["n_open"], trader["n_decisions"], trader["mean"]) == (1, 1, 0, None)


def test_a_next_open_that_has_not_come_leaves_the_row_open() -> None:
    """The trader bought at once, the model waits for an open that is not there yet: the day's slice is the trader's alone, 10 * (21 - 20)."""
    ledger = build(
        Plan(horizon="session+1", fill_model="next_open", fees=Fees(per_order="1")),
        signals=[("S1", SIGNAL, "m", "A", "BUY", "10")],
        actions=[("A1", "S1", SIGNAL, "T1", "REPRICE", "10")],
        fills=[("F1", "A1", SIGNAL, "10", "20", "0")],
        prices=[quote("A", SIGNAL, "20"), quote("A", CLOSE, "21")],
    )
    row = rows(ledger)["S1"]
    assert (row["status"], row["model_price"], row["model_cost"], row["value_add"]) == ("OPEN", None, None, None)
    assert slices(ledger) == [("2026-07-01", 10, 0)]


@pytest.mark.parametrize(("late", "usable"), [("14:31:00", True), ("14:31:00.000001", False)], ids=["60 s", "60.000001 s"])
def test_a_quote_older_than_the_limit_is_not_used(late: str, usable: bool) -> None:
    """The only quote is of 14:30:00, the limit 60 s; a newer one 1 us after the signal is not read, and no older one is clamped."""
    ledger = build(
        signals=[("S1", f"{DAY}{late}Z", "m", "A", "BUY", "10")],
        actions=[("A1", "S1", f"{DAY}15:00:00Z", "T1", "VETO")],
        prices=[quote("A", SIGNAL, "20"), quote("A", f"{DAY}14:31:00.000002Z", "30"), quote("A", CLOSE, "21")],
    )
    assert ledger.rows.num_rows == usable
    if usable:
        assert rows(ledger)["S1"]["signal_mid_age"] == 60 * 10**6
    else:
        assert aside(ledger) == {"S1": ("D254", "COUNTERFACTUAL_UNAVAILABLE")}
        assert "newest is 60 s old, limit PT60S" in ledger.quarantine["message"][0].as_py()
        assert ledger.quarantine["raw"][1].as_py().startswith("S1,")


def test_an_asset_without_prices_has_no_counterfactual() -> None:
    ledger = build(
        signals=[("S1", SIGNAL, "m", "NOSUCH", "BUY", "10"), ("S2", SIGNAL, "m", "A", "BUY", "10")],
        actions=[("A1", "S1", SIGNAL, "T1", "DELAY", "10"), ("A2", "S2", SIGNAL, "T1", "VETO")],
        fills=[("F1", "A1", FILLS[0], "10", "20", "0")],
        prices=[quote("A", SIGNAL, "20"), quote("A", CLOSE, "21")],
    )
    assert aside(ledger) == {"S1": ("D255", "COUNTERFACTUAL_UNAVAILABLE")}
    assert ledger.quarantine["table"].to_pylist() == ["actions", "fills", "signals"] and ledger.rows.num_rows == 1
    assert ledger.result["counts"]["unavailable"] == 1


@pytest.mark.parametrize(("verb", "found"), [("DELAY", {"S1": ("D254", "COUNTERFACTUAL_UNAVAILABLE")}), ("REVERSE", {})])
def test_the_mid_at_the_fill_is_needed_only_for_the_overlap(verb: str, found: dict[str, Any]) -> None:
    """No quote at the fill. A DELAY has drift and slippage to tell apart, an identity with a hole is no identity; a REVERSE has neither."""
    ledger = build(
        signals=[("S1", SIGNAL, "m", "A", "BUY", "10")],
        actions=[("A1", "S1", SIGNAL, "T1", verb, "10")],
        fills=[("F1", "A1", FILLS[0], "10", "20", "0")],
        prices=[quote("A", SIGNAL, "20"), quote("A", CLOSE, "21")],
    )
    assert aside(ledger) == found
    if not found:
        row = rows(ledger)["S1"]
        assert row["arrival_price"] is None and row["arrival_notional"] is None and row["actual_notional"] == -200 * 10**6


def test_at_the_very_close_yesterdays_close_is_not_taken() -> None:
    """Daily closes, one day missing: its mark is unavailable, not the day before's."""
    ledger = build(
        Plan(horizon="session+1", as_of="2026-07-02T20:00:00Z"),
        signals=[("S1", CLOSE, "m", "A", "BUY", "10")],
        actions=[("A1", "S1", CLOSE, "T1", "VETO")],
        prices=[("A", CLOSE, "", "", "20"), ("B", "2026-07-02T20:00:00Z", "", "", "20")],
    )
    assert aside(ledger)["S1"][0] == "D254"


def test_an_action_after_its_horizon_is_hindsight() -> None:
    """One microsecond after the close that marks the signal; at the very close it still counts."""
    tables: dict[str, Any] = {"prices": [quote("A", SIGNAL, "20"), quote("A", CLOSE, "21")]}
    signals = [("S1", SIGNAL, "m", "A", "BUY", "10"), ("S2", SIGNAL, "m", "A", "BUY", "10")]
    actions = [("A1", "S1", f"{DAY}20:00:00.000001Z", "T1", "VETO"), ("A2", "S2", CLOSE, "T1", "VETO")]
    ledger = build(**tables, signals=signals, actions=actions)
    assert aside(ledger) == {"S1": ("D213", "QUARANTINE")} and list(rows(ledger)) == ["S2"]


# labels -------------------------------------------------------------------------------------------------------------------------------


def test_labels_are_read_strictly_before_the_decision() -> None:
    """A label at the very instant of the action is not known; a signal left alone is labelled at the signal, not at the ACCEPT."""
    ledger = build(
        Plan(horizon="close", regimes=RegimeChoice(use=("weather",))),
        signals=[
            ("S1", SIGNAL, "m", "A", "BUY", "10"),
            ("S2", SIGNAL, "m", "A", "BUY", "10"),
            ("S3", SIGNAL, "m", "B", "BUY", "10"),
        ],
        actions=[("A1", "S1", ACTION, "T1", "VETO"), ("A2", "S2", ACTION, "T1", "ACCEPT", "10")],
        fills=[("F1", "A2", ACTION, "10", "20", "0")],
        prices=[quote(a, t, "20") for a in "AB" for t in (SIGNAL, ACTION, CLOSE)],
        regimes=[
            (f"{DAY}14:00:00Z", "", "calm"),
            (f"{DAY}14:32:00Z", "", "rain"),
            (ACTION, "", "storm"),
            (f"{DAY}19:00:00Z", "B", "own"),
        ],
    )
    found = rows(ledger)
    assert [found[s]["regime_weather"] for s in ("S1", "S2", "S3")] == ["rain", "calm", "calm"]
    assert stamp(found["S1"]["regime_cutoff"]) == f"{DAY}14:32:00Z"


# scales, rounding, size of numbers ----------------------------------------------------------------------------------------------------


def crypto(quantity: str, price: str, mark: str, plan: Plan = PLAN) -> dict[str, Any]:
    ledger = build(
        plan,
        signals=[("S1", SIGNAL, "m", "C", "BUY", quantity)],
        actions=[("A1", "S1", SIGNAL, "T1", "VETO")],
        prices=[quote("C", SIGNAL, price), quote("C", CLOSE, mark)],
    )
    return rows(ledger)["S1"]


def test_fine_crypto_lots_round_once_and_say_so() -> None:
    """0.00012345 coins falling by 0.01: 0.0000012345, shown as 0.000001 (one micro-unit), half to even at 0.5."""
    row = crypto("0.00012345", "30000.01", "30000.00")
    assert (row["value_add"], row["size"], row["rounded"]) == (1, 1, True)
    assert crypto("0.00005", "30000.01", "30000.00")["value_add"] == 0  # half a micro-unit, to even
    assert crypto("0.00015", "30000.01", "30000.00")["value_add"] == 2  # one and a half, to even
    whole = crypto("0.0001", "30000.01", "30000.00")
    assert (whole["value_add"], whole["rounded"]) == (1, False)


def test_parts_add_up_where_every_part_is_rounded() -> None:
    """Lots of 1e-8 and prices of 1e-5 in three fills: each part is rounded, the sum is exact."""
    ledger = build(
        signals=[("S1", SIGNAL, "m", "C", "BUY", "0.33333333")],
        actions=[("A1", "S1", SIGNAL, "T1", "RESIZE", "0.77777777")],
        fills=[("F1", "A1", FILLS[0], "0.11111111", "3.12345", "0.000001"), ("F2", "A1", FILLS[1], "0.55555555", "3.12399", "0")],
        prices=[
            quote("C", t, p)
            for t, p in zip([SIGNAL, *FILLS[:2], CLOSE], ("3.12001", "3.12346", "3.12378", "3.19999"), strict=True)
        ],
    )
    row = rows(ledger)["S1"]
    assert (
        row["rounded"]
        and row["size"] + row["drift"] + row["slippage"] + row["cost"] == row["value_add"] == row["actual_pnl"] - row["model_pnl"]
    )
    assert row["actual_quantity"] == Decimal("0.66666666") and row["partial"]
    # exact: 0.66666666 * 3.19999 - (0.11111111 * 3.12345 + 0.55555555 * 3.12399) = 0.050728.., less the fee of one micro-unit
    assert row["actual_pnl"] == round((Decimal("0.66666666") * Decimal("3.19999") - Decimal("0.11111111") * Decimal("3.12345")
                                       - Decimal("0.55555555") * Decimal("3.12399")) * 10**6) - 1  # fmt: skip


def test_a_rounded_fee_counts_as_rounding() -> None:
    """1 bp of 10 shares at 20.03 is 0.02003; of 1 share at 0.01 it is 0.000001; of 3 shares at 20.003 it is 0.00600090, rounded."""
    plan = Plan(horizon="close", fees=Fees(bps="1"))
    assert not crypto("10", "20.03", "20.00", plan)["rounded"]
    row = crypto("3", "20.003", "20.000", plan)
    assert (row["model_cost"], row["rounded"]) == (6001, True)


def test_a_multiplier_scales_every_amount() -> None:
    """5 contracts of 50 a point, short by veto: the market falls 2.25 points, so +562.50."""
    row = crypto("5", "4000.25", "3998.00", Plan(horizon="close", assets={"C": Asset(multiplier="50", tick="0.25")}))
    assert money(row, "value_add") == [Decimal("562.50")]


@pytest.mark.parametrize("tick", ["0.01", "0.000000001"])
def test_numbers_beyond_64_bits_on_the_way_give_the_same_money(tick: str) -> None:
    """Row 7 with 100,000 times the quantity; with a tick of 1e-9 the products of lots, half ticks and lots leave int64 and Python takes over."""
    fills = [("F1", "50000000", "10.01"), ("F2", "60000000", "10.03"), ("F3", "40000000", "10.06")]
    ledger = build(
        Plan(horizon="close", assets={"A": Asset(tick=tick, lot="1")}),
        signals=[("S1", SIGNAL, "m", "A", "BUY", "100000000")],
        actions=[("A1", "S1", ACTION, "T1", "RESIZE", "150000000")],
        fills=[(f, "A1", t, n, p, "0") for (f, n, p), t in zip(fills, FILLS, strict=True)],
        prices=[
            quote("A", t, m) for t, m in zip([SIGNAL, *FILLS, CLOSE], ["10.00", "10.00", "10.02", "10.05", "10.20"], strict=True)
        ],
    )
    row = rows(ledger)["S1"]
    assert [row[k] for k in PARTS] == [8_433_333_333_333, -2_133_333_333_333, -1_000_000_000_000, 0, 5_300_000_000_000]
    assert row["actual_notional"] == 1_504_700_000_000_000


def test_money_beyond_64_bits_is_set_aside_not_wrapped() -> None:
    """4e12 shares at 1,000 are 4e15, the cell limit is 9.2e12."""
    ledger = build(
        signals=[("S1", SIGNAL, "m", "A", "BUY", "4000000000000"), ("S2", SIGNAL, "m", "A", "BUY", "1")],
        actions=[("A1", "S1", SIGNAL, "T1", "VETO"), ("A2", "S2", SIGNAL, "T1", "VETO")],
        prices=[quote("A", SIGNAL, "1000"), quote("A", CLOSE, "999")],
    )
    assert aside(ledger) == {"S1": ("D103", "QUARANTINE")} and rows(ledger)["S2"]["value_add"] == 10**6


def test_a_total_beyond_64_bits_refuses_the_record() -> None:
    with pytest.raises(InputRejected, match="F110"):
        build(
            signals=[(f"S{i}", SIGNAL, "m", "A", "BUY", "8000000000") for i in (1, 2)],
            actions=[("A1", "S1", SIGNAL, "T1", "VETO"), ("A2", "S2", SIGNAL, "T1", "VETO")],
            prices=[quote("A", SIGNAL, "1000"), quote("A", CLOSE, "999")],
        )


def test_nothing_priced_is_still_a_ledger() -> None:
    """Every chain set aside: empty tables, all rows in the quarantine, no crash."""
    ledger = build(
        signals=[("S1", SIGNAL, "m", "B", "BUY", "10")],
        actions=[("A1", "S1", SIGNAL, "T1", "VETO")],
        prices=[quote("A", SIGNAL, "20")],
    )
    assert ledger.rows.num_rows == ledger.decisions.num_rows == ledger.slices.num_rows == 0
    assert ledger.quarantine.num_rows == 2 and ledger.result["by_trader"]["T1"]["unavailable"] == 1


def test_a_written_ledger_comes_back_the_same(published_ledger: Ledger, tmp_path: Any) -> None:
    from skillstats.ledger.write import read_ledger

    published_ledger.write(tmp_path / "out")
    again = read_ledger(tmp_path / "out")
    assert (
        again.digest == published_ledger.digest
        and again.rows.equals(published_ledger.rows)
        and again.kpis.equals(published_ledger.kpis)
    )
