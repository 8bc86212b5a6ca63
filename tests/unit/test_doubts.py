"""Warnings that need market data: what must be said of odd data, and what must not be said of ordinary ones.

The days are 1 to 17 July 2026, New York trades 13:30 to 20:00 UTC.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random

import pandas as pd
import pytest
from msgspec.structs import replace

from skillstats.errors import Problem
from skillstats.ledger.build import build_ledger
from skillstats.ledger.containers import Ledger
from skillstats.ledger.price_doubts import duration_text
from skillstats.plan import Asset, MaxAge, Plan
from skillstats.record import read_record

NOW = "2027-01-01T00:00:00Z"
DAY = datetime(2026, 7, 1, tzinfo=UTC)
OPEN, CLOSE = timedelta(hours=13, minutes=30), timedelta(hours=20)
NAMES = {
    "signals": "signal_id time model asset side quantity price horizon",
    "actions": "action_id signal_id time trader action quantity",
    "fills": "fill_id action_id time quantity price fee",
    "prices": "asset time bid ask close",
    "corporate_actions": "asset time kind value",
}
PLAN = Plan(horizon="close", max_age=MaxAge(quote="PT24H"))
Rows = list[tuple[str, ...]]


def at(hours: float, day: int = 0) -> str:
    return f"{DAY + timedelta(days=day, seconds=round(hours * 3600)):%Y-%m-%dT%H:%M:%SZ}"


def build(plan: Plan = PLAN, **tables: Rows) -> Ledger:
    frames = {
        name: pd.DataFrame(
            [dict(zip(NAMES[name].split(), (*r, *[""] * 9), strict=False)) for r in rows], columns=NAMES[name].split()
        )
        for name, rows in tables.items()
    }
    return build_ledger(read_record(frames, plan, now=NOW))


def said(ledger: Ledger, *codes: str) -> list[Problem]:
    return [p for p in ledger.problems if p.code in codes]


def one_fill(price: str, bid: str = "50.00", ask: str = "50.02", plan: Plan = PLAN, **more: Rows) -> Ledger:
    """A followed BUY of 10, filled at `price` against a quote; closed at 50.50."""
    quotes = [("XYZ", at(14), bid, ask), ("XYZ", at(15), bid, ask), ("XYZ", at(20), "50.50", "50.50")]
    return build(
        plan,
        signals=[("S1", at(14.5), "m", "XYZ", "BUY", "10", "50.01")],
        actions=[("A1", "S1", at(14.6), "T1", "ACCEPT", "10")],
        fills=[("F7", "A1", at(15.5), "10", price, "0")],
        prices=quotes,
        **more,
    )


# fills ----------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("price", "expected"),
    [
        (
            "5001.00",
            "D114 fills:1 F7 price=5001.00, fill 9900 % from mid 50.01; far from the market; check for a slipped decimal point",
        ),
        ("5.00", "D114 fills:1 F7 price=5.00, fill -90 % from mid 50.01; far from the market; check for a slipped decimal point"),
        ("60.01", "D115 fills:1 F7 price=60.01, fill 60.01, quote 50.00/50.02; outside the quote; check the price"),
        ("40", "D115 fills:1 F7 price=40.00, fill 40.00, quote 50.00/50.02; outside the quote; check the price"),
        ("52.52", ""),  # 5 % of the mid is 2.5005: the ask and 2.50
        ("52.53", "D115 fills:1 F7 price=52.53, fill 52.53, quote 50.00/50.02; outside the quote; check the price"),
        ("49.90", ""),
    ],
)
def test_a_fill_is_held_against_the_quote_at_its_instant(price: str, expected: str) -> None:
    ledger = one_fill(price)
    assert [str(p) for p in said(ledger, "D114", "D115")] == ([expected] if expected else [])
    assert ledger.rows["warnings"].to_pylist() == [expected[:4]]
    assert ledger.quarantine.num_rows == 0


def test_a_fill_after_the_horizon_is_told_but_not_in_the_row() -> None:
    ledger = build(
        signals=[("S1", at(14.5), "m", "XYZ", "BUY", "10", "", "PT30M")],
        actions=[("A1", "S1", at(14.6), "T1", "ACCEPT", "10")],
        fills=[("F1", "A1", at(14.7), "4", "50", "0"), ("F2", "A1", at(16), "6", "500", "0")],
        prices=[("XYZ", at(h), "50", "50") for h in (14, 15, 16, 20)],
    )
    assert [p.message.split()[0] for p in said(ledger, "D114")] == ["F2"]
    assert ledger.rows["warnings"].to_pylist() == ["D142"]


def test_prices_that_may_be_negative_have_no_percentage() -> None:
    assert not said(
        one_fill("5.00", plan=Plan(horizon="close", max_age=PLAN.max_age, assets={"XYZ": Asset(may_be_negative=True)})), "D114"
    )


def test_a_signal_price_is_asked_only_where_the_model_is_filled_at_it() -> None:
    tables = {
        "signals": [("S1", at(14.5), "m", "XYZ", "BUY", "10", "5001")],
        "actions": [("A1", "S1", at(14.6), "T1", "VETO", "")],
        "prices": [("XYZ", at(h), "50.00", "50.02") for h in (14, 20)],
    }
    assert not said(build(**tables), "D114")
    ledger = build(Plan(horizon="close", max_age=PLAN.max_age, fill_model="signal_price"), **tables)
    assert [p.message.split(",")[0] for p in said(ledger, "D114")] == ["S1 price=5001.00"]
    assert ledger.rows["warnings"].to_pylist() == ["D114"]


def test_prices_after_as_of_are_not_judged() -> None:
    """The price halves after the instant of the evaluation, at which the fill was odd already."""
    late = [("XYZ", at(14 + k, 1), f"{25 + k}", f"{25 + k}") for k in range(3)]
    ledger = veto([("XYZ", at(14), "50.00", "50.02"), ("XYZ", at(20), "50.50", "50.50"), *late], replace(PLAN, as_of=at(20)))
    assert not said(ledger, "D258")
    assert len(said(veto([("XYZ", at(14), "50.00", "50.02"), ("XYZ", at(20), "50.50", "50.50"), *late]), "D258")) == 1


# price series ---------------------------------------------------------------------------------------------------------------------------


def minutes(days: int, *, every: int = 60, seed: int = 3, spread: int = 1) -> list[tuple[str, int, int]]:
    """(stamp, bid, ask) in cents of a random walk with one row every so many seconds of trading hours."""
    pick, price, rows = Random(seed), 5000, []
    for day in range(days):
        if (DAY + timedelta(days=day)).weekday() >= 5 or day == 2:  # the third of July was a holiday
            continue
        price = max(price + pick.randint(-150, 150), 500)
        for step in range(every, int((CLOSE - OPEN).total_seconds()) + 1, every):
            price = max(price + pick.choice((-2, -1, 0, 0, 1, 2)), 500)
            rows.append((at(13.5 + step / 3600, day), price, price + spread))
    return rows


def veto(prices: Rows, plan: Plan = PLAN, **more: Rows) -> Ledger:
    """One veto on the first morning, on this market."""
    return build(
        plan,
        signals=[("S1", at(14.5), "m", "XYZ", "BUY", "10")],
        actions=[("A1", "S1", at(14.6), "T1", "VETO")],
        prices=prices,
        **more,
    )


def quotes(rows: list[tuple[str, int, int]]) -> Rows:
    return [("XYZ", t, f"{b / 100:.2f}", f"{a / 100:.2f}") for t, b, a in rows]


SERIES = ("D256", "D257", "D258")


@pytest.mark.parametrize(
    ("days", "every", "seed"), [(12, 60, 1), (12, 300, 2), (15, 1800, 3), (1, 5, 4), (12, 6 * 3600, 5), (5, 600, 6)]
)
def test_ordinary_series_are_not_doubted(days: int, every: int, seed: int) -> None:
    assert not said(veto(quotes(minutes(days, every=every, seed=seed))), *SERIES)


def test_daily_closes_are_not_doubted() -> None:
    pick, price, rows = Random(1), 5000, []
    for day in [d for d in range(15) if (DAY + timedelta(days=d)).weekday() < 5 and d != 2]:
        price += pick.randint(-400, 400)
        rows.append(("XYZ", at(20, day), "", "", f"{price / 100:.2f}"))
    assert not said(veto(rows), *SERIES)


def test_a_halt_of_two_hours_is_told_once_with_its_place() -> None:
    """Rows at 15:00 and at 17:00 and nothing between."""
    rows = [r for r in minutes(3) if not at(15) < r[0] < at(17)]
    (halt,) = said(veto(quotes(rows)), "D256")
    assert str(halt).startswith(
        f"D256 prices:90 XYZ time='{at(15)}', no price for 2 h of the session after this row; no price for a"
    )


def test_halts_at_the_edges_of_a_session_count_where_prices_follow() -> None:
    rows = minutes(6)
    late_open = [r for r in rows if not at(13.5, 1) < r[0] < at(15, 1)]
    assert [p.line for p in said(veto(quotes(late_open)), "D256")] == [390]
    early_end = [r for r in rows if not at(18, 1) < r[0] < at(24, 1)]
    assert [p.line for p in said(veto(quotes(early_end)), "D256")] == [390 + 270]
    assert not said(veto(quotes([r for r in rows if r[0] < at(18, 1)])), "D256")  # the end of the file is no halt


def test_prices_kept_around_decisions_only_have_no_halts() -> None:
    """Twenty minutes around each of three decisions and the close."""
    rows = [r for r in minutes(1) if any(at(h) <= r[0] < at(h + 1 / 3) for h in (14, 16.2, 19.6))]
    assert not said(veto(quotes(rows)), "D256")


def test_two_halts_are_one_problem_and_a_market_without_quotes_has_none() -> None:
    rows = [r for r in minutes(6) if not at(15) < r[0] < at(16.5) and not at(15, 1) < r[0] < at(18, 1)]
    (halt,) = said(veto(quotes(rows)), "D256")
    assert "no price for 3 h" in halt.message and "and 1 more of the kind" in halt.message
    closes = [("XYZ", t, "", "", f"{b / 100:.2f}") for t, b, _ in rows]
    assert not said(veto(closes), "D256")


@pytest.mark.parametrize(("stuck", "expected"), [(239, 0), (240, 1)])
def test_a_price_that_stands_for_240_rows_is_stuck(stuck: int, expected: int) -> None:
    rows = [(t, b + i % 2, a + i % 2) for i, (t, b, a) in enumerate(minutes(3))]
    frozen = rows[:50] + [(t, 6001, 6002) for t, _, _ in rows[50 : 50 + stuck]] + rows[50 + stuck :]
    found = said(veto(quotes(frozen)), "D257")
    assert len(found) == expected
    if found:
        assert found[0].line == 51 and "unchanged for 240 rows (3.98 h)" in found[0].message


def test_a_fast_feed_may_repeat_a_price() -> None:
    rows = [(at(14 + k / 3600), 5000, 5001) for k in range(600)]
    assert not said(veto(quotes(rows)), "D257")


@pytest.mark.parametrize(
    ("factor", "words"),
    [
        (0.5, "-50 % in 1 min"),
        (2, "+100 % in 1 min"),
        (1 / 3, "-67 % in 1 min"),
        (0.1, "-90 % in 1 min"),
        (0.8, ""),
        (1.3, ""),
        (0.58, ""),
    ],
)
def test_a_jump_in_the_ratio_of_a_split_is_told(factor: float, words: str) -> None:
    rows = [(t, round(b * (factor if t > at(16) else 1)), round(a * (factor if t > at(16) else 1))) for t, b, a in minutes(1)]
    found = said(veto(quotes(rows)), "D258")
    assert [words in p.message and p.line == 151 for p in found] == ([True] if words else [])


def test_a_declared_split_is_no_jump() -> None:
    rows = [(t, b // 2 if t > at(16, 5) else b, a // 2 if t > at(16, 5) else a) for t, b, a in minutes(7)]
    plan = Plan(horizon="close", max_age=PLAN.max_age)
    assert len(said(veto(quotes(rows), plan), "D258")) == 1
    assert not said(veto(quotes(rows), plan, corporate_actions=[("XYZ", at(16.01, 5), "split", "2")]), "D258")


def test_pennies_and_holes_are_no_splits() -> None:
    assert not said(
        veto([("XYZ", at(14), "0.04", "0.04"), ("XYZ", at(15), "0.08", "0.08"), ("XYZ", at(20), "0.04", "0.04")]), "D258"
    )
    assert not said(veto([("XYZ", at(14), "50", "50"), ("XYZ", at(20), "50", "50"), ("XYZ", at(20, 8), "25", "25")]), "D258")


def test_an_asset_nobody_traded_is_not_judged() -> None:
    other = [("OTHER", t, f"{b}", f"{a}") for t, b, a in ((at(14), 50, 50), (at(15), 25, 25))]
    plain = veto([("XYZ", at(14), "50", "50"), ("XYZ", at(20), "50", "50")])
    more = veto([("XYZ", at(14), "50", "50"), ("XYZ", at(20), "50", "50"), *other])
    assert not said(more, *SERIES) and plain.rows.equals(more.rows)


# renamed --------------------------------------------------------------------------------------------------------------------------------


def renamed(first: str = "50.50", start: str = at(16), horizon: str = "close", as_of: str | None = None) -> Ledger:
    """XYZ is quoted until 16:00, XYZ2 from `start` on."""
    old = [("XYZ", at(13.6 + k / 10), "50", "50") for k in range(24)] + [("XYZ", at(16), "50", "50")]
    new = [("XYZ2", start, first, first), ("XYZ2", at(20, 8), first, first)]
    return build(
        Plan(horizon=horizon, as_of=as_of),
        signals=[("S1", at(14.6), "m", "XYZ", "BUY", "10")],
        actions=[("A1", "S1", at(14.6), "T1", "VETO")],
        prices=old + new,
    )


def test_a_ticker_renamed_midway_has_its_own_code() -> None:
    (line,) = [q for q in renamed().quarantine.to_pylist() if q["table"] == "actions"]
    assert (line["code"], line["status"], line["chain"]) == ("D259", "COUNTERFACTUAL_UNAVAILABLE", "S1")
    assert "XYZ ends, XYZ2 starts at the same instant" in line["message"]
    assert renamed().result["counts"]["unavailable"] == 1


@pytest.mark.parametrize(
    ("case", "code"),
    [
        ({"start": at(13.6, 1), "horizon": "session+1"}, "D259"),  # the next morning
        ({"start": at(13.6, 1)}, "D254"),  # it starts after the horizon, which cannot know
        ({"first": "80"}, "D254"),  # another price level
        ({"start": at(15)}, "D254"),  # it was there before
        ({"start": at(14, 5), "horizon": "session+3"}, "D254"),  # sessions later
    ],
)
def test_other_starts_are_no_rename(case: dict[str, str], code: str) -> None:
    assert {q["code"] for q in renamed(**case).quarantine.to_pylist()} == {code}


# one decision is everything -------------------------------------------------------------------------------------------------------------


def vetoes(*quantities: int) -> Ledger:
    n = range(len(quantities))
    return build(
        signals=[(f"S{i}", at(14.1 + i / 100), "m", "XYZ", "BUY", str(quantities[i])) for i in n],
        actions=[(f"A{i}", f"S{i}", at(14.5 + i / 100), "T1", "VETO") for i in n],
        prices=[("XYZ", at(14), "50", "50"), ("XYZ", at(20), "51", "51")],
    )


def test_one_decision_far_above_all_others_is_named() -> None:
    (found,) = said(vetoes(1, 1, 10**9, 1), "D271")
    assert found.line == 3 and found.message.startswith(
        "A2 decision_id='A2', 99.9 % of the total absolute value-add of 4 interventions"
    )
    assert said(vetoes(297, 1, 1, 1), "D271") == []  # exactly 99 %
    assert len(said(vetoes(298, 1, 1, 1), "D271")) == 1


def test_of_few_decisions_one_always_dominates() -> None:
    assert said(vetoes(1, 10**9, 1), "D271") == said(vetoes(10**9), "D271") == []


def test_lengths_of_time_are_said_as_one_would() -> None:
    assert [duration_text(x * 10**6) for x in (5, 60, 5400, 86_400 * 3)] == ["5 s", "1 min", "1.5 h", "3 days"]
