"""Square-root impact against a calculation of its own, in decimals and loops."""

from __future__ import annotations

from decimal import Decimal, localcontext
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skillstats.ledger.build import build_ledger
from skillstats.ledger.containers import Ledger
from skillstats.market.impact import square_root_impact
from skillstats.plan import Asset, FillModel, Impact, Plan
from skillstats.record import read_record

Rows = list[tuple[str, ...]]
DAYS = pd.bdate_range("2026-05-11", "2026-07-10").strftime("%Y-%m-%d").tolist()
DAYS = [d for d in DAYS if d not in ("2026-05-25", "2026-06-19", "2026-07-03")]
ANCHOR = "2026-07-01"
SIGNAL, CLOSE = f"{ANCHOR}T14:30:00Z", f"{ANCHOR}T20:00:00Z"
CENTS = {"A": Asset(tick="0.01", lot="1")}
NAMES = {
    "signals": "signal_id time model asset side quantity price",
    "actions": "action_id signal_id time trader action quantity",
    "prices": "asset time bid ask close volume open",
    "corporate_actions": "asset time kind value",
}


def build(plan: Plan, **tables: Rows) -> Ledger:
    frames = {
        k: pd.DataFrame([dict(zip(NAMES[k].split(), (*r, *[""] * 7), strict=False)) for r in v], dtype=object)
        for k, v in tables.items()
    }
    return build_ledger(read_record(frames, plan, now="2027-01-01T00:00:00Z"))


def closes(n: int, *, volume: str = "100000", up: str = "51", down: str = "50") -> Rows:
    """Closing quotes of the last n sessions before the anchor's, up and down in turn, with a volume each."""
    before = DAYS[: DAYS.index(ANCHOR)][-n:]
    level = {0: up, 1: down}
    return [("A", f"{d}T20:00:00Z", level[k % 2], level[k % 2], "", volume) for k, d in enumerate(reversed(before), 1)]


def trade(side: str = "BUY", quantity: str = "1000") -> dict[str, Rows]:
    return {
        "signals": [("S1", SIGNAL, "m", "A", side, quantity, "50.00")],
        "actions": [("A1", "S1", SIGNAL, "T1", "VETO", "")],
    }


def now(price: str = "50.00") -> Rows:
    return [("A", t, price, price, "", "700") for t in (SIGNAL, CLOSE)]


def row_of(ledger: Ledger) -> dict[str, Any]:
    (row,) = ledger.rows.to_pylist()
    return row


def expected(prices: list[Decimal], volumes: list[int], quantity: int, p: Decimal, y: Decimal) -> Decimal:
    """Impact in currency, from the closes of the last 21 sessions and the volumes of the last 20."""
    with localcontext() as context:
        context.prec = 60
        returns = [((b - a) / a).quantize(Decimal("1e-9")) for a, b in pairwise(prices)]
        sigma = (sum((r * r for r in returns), Decimal(0)) / len(returns)).sqrt()
        adv = Decimal(sum(volumes)) / len(volumes)
        return (y * sigma * (quantity / adv).sqrt() * p / Decimal("0.005")).quantize(
            Decimal(1), rounding="ROUND_HALF_EVEN"
        ) * Decimal("0.005")


@pytest.mark.parametrize(("side", "sign"), [("BUY", 1), ("SELL", -1)])
@pytest.mark.parametrize("y", ["1", "0.7", "3.25"])
def test_the_price_moves_against_the_order(side: str, sign: int, y: str) -> None:
    """21 closes of 50 and 51 in turn; only the 20 volumes before the anchor's session count, and the older 22nd close does not."""
    sessions = [("A", f"{DAYS[DAYS.index(ANCHOR) - 25]}T20:00:00Z", "10", "10", "", "1"), *closes(21)]
    row = row_of(build(Plan(horizon="close", impact=Impact(y=y), assets=CENTS), **trade(side), prices=sessions + now()))
    path = [Decimal(c[2]) for c in reversed(closes(21))]
    impact = expected(path, [100_000] * 20, 1000, Decimal(50), Decimal(y))
    assert impact > Decimal("0.05") and row["model_impact"] == impact and row["model_price"] == 50 + sign * impact
    assert row["value_add"] == impact * 1000 * 10**6 and row["signal_mid"] == 50


def test_the_example_of_the_contract() -> None:
    """sigma = 2 %, q/ADV = 1 %, p = 50: 0.10 = 20 half ticks of 0.005."""
    assert square_root_impact(Fraction(1), 10_000, 15 * 20_000_000**2, 1000, 15 * 100_000) == 20


@settings(max_examples=200, derandomize=True, deadline=None, database=None)
@given(*[st.integers(1, 10**k) for k in (6, 18, 7, 9)], st.fractions(0, 5, max_denominator=1000))
def test_the_integer_root_is_the_nearest(price: int, squares: int, lots: int, volume: int, y: Fraction) -> None:
    found = square_root_impact(y, price, squares, lots, volume)
    exact = y**2 * price**2 * squares * lots / (Fraction(volume) * 10**18)
    assert max(Fraction(2 * found - 1, 2), Fraction(0)) ** 2 <= exact <= Fraction(2 * found + 1, 2) ** 2


@pytest.mark.parametrize(("half", "found"), [(1, 0), (3, 2), (5, 2), (7, 4)])
def test_a_tie_goes_to_even(half: int, found: int) -> None:
    """sqrt(p^2 S q / V) / 1e9 = half / 2 exactly: S = 1e18, q = 1, V = 4."""
    assert square_root_impact(Fraction(1), half, 10**18, 1, 4) == found


@pytest.mark.parametrize(
    ("prices", "usable"),
    [(closes(11), True), (closes(10), False), (closes(21, volume="0"), False), (closes(21, volume=""), False)],
    ids=["ten returns", "nine returns", "no trade", "no volume"],
)
def test_without_volatility_or_volume_there_is_no_counterfactual(prices: Rows, usable: bool) -> None:
    ledger = build(Plan(horizon="close", impact=Impact(y="1"), assets=CENTS), **trade(), prices=prices + now())
    found = {(q["code"], q["status"]) for q in ledger.quarantine.to_pylist()}
    assert found == (set() if usable else {("D254", "COUNTERFACTUAL_UNAVAILABLE")})
    assert usable or "no volatility or volume for impact" in ledger.quarantine["message"][0].as_py()


def test_nothing_of_the_anchors_own_session_counts() -> None:
    """Another volume and another close on the day itself, and a row after the signal: the same impact."""
    plan = Plan(horizon="close", impact=Impact(y="1"), assets=CENTS)
    one = row_of(build(plan, **trade(), prices=closes(21) + now()))
    wild = [("A", f"{ANCHOR}T14:00:00Z", "90", "90", "", "999999"), ("A", f"{ANCHOR}T15:00:00Z", "1", "1", "", "999999")]
    other = row_of(build(plan, **trade(), prices=closes(21) + now() + wild))
    assert one["model_impact"] == other["model_impact"] and one["model_impact"] > 0


def test_an_earlier_split_changes_neither_returns_nor_volume() -> None:
    """The older closes at twice the price and half the volume, with the 2:1 split between: the same impact."""
    plan = Plan(horizon="close", impact=Impact(y="1"), assets=CENTS)
    plain = row_of(build(plan, **trade(), prices=closes(21) + now()))
    old = [(a, t, f"{Decimal(b) * 2}", f"{Decimal(k) * 2}", c, "50000") for a, t, b, k, c, _ in closes(21)[8:]]
    day = closes(21)[8][1][:10]
    split = build(
        plan, **trade(), prices=closes(21)[:8] + old + now(), corporate_actions=[("A", f"{day}T23:00:00Z", "split", "2")]
    )
    assert row_of(split)["model_impact"] == plain["model_impact"]


@pytest.mark.parametrize("model", ["signal_price", "cross_spread", "next_open"])
def test_impact_applies_to_every_fill_model(model: FillModel) -> None:
    """next_open: after a 2:1 split overnight the open of 25 is 50 in the units of the signal, and the impact is that of 50."""
    late: Rows = [("A", "2026-07-02T13:30:00Z", "25", "25", "", "", "25"), ("A", "2026-07-02T20:00:00Z", "25", "25")]
    plan = Plan(horizon="session+1", fill_model=model, impact=Impact(y="1"), assets=CENTS)
    row = row_of(
        build(plan, **trade(), prices=closes(21) + now() + late, corporate_actions=[("A", "2026-07-02T08:00:00Z", "split", "2")])
    )
    path = [Decimal(c[2]) for c in reversed(closes(21))]
    assert row["model_impact"] == expected(path, [100_000] * 20, 1000, Decimal(50), Decimal(1))
    assert row["model_price"] == 50 + row["model_impact"] and row["mark"] == 50


def test_without_impact_the_column_is_null() -> None:
    assert row_of(build(Plan(horizon="close"), **trade(), prices=now()))["model_impact"] is None
