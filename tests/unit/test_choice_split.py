"""Rate, regime, choice and execution: the published fixture, its meaning as means of permutations, and whole ledgers."""

from __future__ import annotations

import sys
from fractions import Fraction
from itertools import combinations
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from test_ledger_examples import ACTION, CLOSE, DAY, SIGNAL, build, quote

import skillstats as ss
from skillstats.attribution.choice import largest_remainder, split_parts
from skillstats.attribution.universe import signal_table
from skillstats.errors import UsageError
from skillstats.evaluation.choice_blocks import choice_block
from skillstats.plan import Plan, RegimeChoice

STRESS = ([-300, -250, -150, -80], [-120, -90, -60, 60])
CALM = ([40, 60, -20], [100, -70, 55, -45, 80, 30, -25, 65, 20])
TILT = [Fraction(-1)] * 4 + [Fraction(0)] * 4 + [Fraction(-1)] * 3 + [Fraction(0)] * 9
MONEY = [*STRESS[0], *STRESS[1], *CALM[0], *CALM[1]]
REGIME = [0] * 8 + [1] * 12


def test_the_published_twenty_signals() -> None:
    rate, regime, choice = split_parts(TILT, MONEY, REGIME)
    assert (rate, regime, choice) == (245, Fraction(355, 2), Fraction(555, 2))
    assert rate + regime + choice == 700 == sum(u * m for u, m in zip(TILT, MONEY, strict=True))


def test_the_first_parts_are_the_means_of_the_permutations_by_enumeration() -> None:
    """All 77,520 choices of seven of twenty signals, and all choices of four of eight and three of twelve."""

    def mean(money: list[int], k: int) -> Fraction:
        sums = [-sum(c) for c in combinations(money, k)]
        return Fraction(sum(sums), len(sums))

    assert mean(MONEY, 7) == 245
    assert mean(MONEY[:8], 4) + mean(MONEY[8:], 3) == 245 + Fraction(355, 2)


def test_parts_add_up_for_any_tilts_and_without_signals() -> None:
    tilt = [Fraction(1, 3), Fraction(-5, 7), Fraction(0), Fraction(2, 11), Fraction(-1)]
    money = [17, -23, 10**18, 5, -(10**17)]
    assert sum(split_parts(tilt, money, [0, 1, 1, 0, 1])) == sum(u * m for u, m in zip(tilt, money, strict=True))
    assert split_parts(tilt, money, [0] * 5)[1] == 0, "one regime has no regime part"
    assert split_parts([], [], []) == (0, 0, 0)


def test_printed_parts_add_up_by_largest_remainder() -> None:
    shown = largest_remainder([Fraction(5, 2), Fraction(-7, 2), Fraction(11, 10)], 0)
    assert sum(shown) == 0 and all(abs(s - p) <= 1 for s, p in zip(shown, (2.5, -3.5, 1.1), strict=True))
    assert largest_remainder([Fraction(8, 10), Fraction(1, 10), Fraction(1, 10)], 1) == (1, 0, 0)
    with pytest.raises(ValueError, match="left over"):
        largest_remainder([Fraction(1)], 5)


def ledger_of_twenty() -> ss.Ledger:
    """The fixture as a desk: ten units each at 100, marks that make each m, stress before noon and calm after."""
    signals, actions, fills, prices = [], [], [], []
    for i, (u, m) in enumerate(zip(TILT, MONEY, strict=True)):
        hour = 14 if i < 8 else 18
        t0, t1 = f"{DAY}{hour}:30:00Z", f"{DAY}{hour}:35:00Z"
        asset = f"X{i:02d}"
        signals.append((f"S{i:02d}", t0, "m", asset, "BUY", "10"))
        actions.append((f"A{i:02d}", f"S{i:02d}", t1, "T1", "VETO" if u else "ACCEPT", "" if u else "10"))
        if not u:
            fills.append((f"F{i:02d}", f"A{i:02d}", t1, "10", "100", "0"))
        prices += [quote(asset, t0, "100"), quote(asset, t1, "100"), quote(asset, CLOSE, str(100 + m / 10))]
    regimes = [(f"{DAY}14:00:00Z", "", "stress"), (f"{DAY}18:00:00Z", "", "calm")]
    plan = Plan(horizon="close", regimes=RegimeChoice(use=("weather",)))
    return build(plan, signals=signals, actions=actions, fills=fills, prices=prices, regimes=regimes)


def test_the_fixture_through_the_whole_ledger_for_trader_and_desk() -> None:
    split = ss.split_choice(ledger_of_twenty())
    for trader in ("T1", None):
        row = split.of(trader)
        assert row.shown == (245_000_000, 177_500_000, 277_500_000, 0) and row.value_add == 700_000_000
        assert (row.n_signals, row.n_departed, row.n_followed) == (20, 7, 13)
        stress, calm = split.of(trader, "stress"), split.of(trader, "calm")
        assert stress.parts.regime == (Fraction(-1, 2) + Fraction(7, 20)) * -990 * 10**6
        assert stress.value_add + calm.value_add == 700_000_000
    assert (
        str(split)
        == "ChoiceSplit: value-add 700.00 USD = rate 245.00, regime 177.50, choice 277.50, execution 0.00; 7 of 20 signals"
    )
    assert split.summary().loc["T1", "choice"] == 277.5


def one(verb: str, side: str, q: str, filled: str, fill: str, mark: str, p: str) -> ss.Ledger:
    prices = [quote("A", SIGNAL, p), quote("A", ACTION, p), quote("A", f"{DAY}14:40:00Z", fill), quote("A", CLOSE, mark)]
    return build(
        signals=[("S1", SIGNAL, "m", "A", side, q)],
        actions=[("A1", "S1", ACTION, "T1", verb, filled)],
        fills=[("F1", "A1", f"{DAY}14:40:00Z", filled, fill, "0")],
        prices=prices,
    )


def test_a_resize_is_minus_680_of_tilt_and_minus_60_of_execution() -> None:
    """BUY 2000 at 25.50 made 3000 at 25.52, mark 24.82: u m = -680, value-add -740."""
    row = ss.split_choice(one("RESIZE", "BUY", "2000", "3000", "25.52", "24.82", "25.50")).of("T1")
    assert row.parts.rate == -680 * 10**6 and row.parts.execution == -60 * 10**6 and row.value_add == -740 * 10**6


def test_a_delay_and_a_followed_signal_are_execution_only() -> None:
    for verb in ("DELAY", "ACCEPT"):
        row = ss.split_choice(one(verb, "SELL", "500", "500", "50.10", "49.80", "50.20")).of("T1")
        assert row.shown == (0, 0, 0, -50 * 10**6) and row.mean_tilt == 0


def desk(accepts: bool) -> ss.Ledger:
    """Two traders of model m, one of model n; S4 of m and S5 of n are answered by nobody; T1 also sells on own account."""
    signals = [(f"S{k}", SIGNAL, "n" if k in (3, 5) else "m", "A", "BUY", "10") for k in range(1, 6)]
    actions = [
        ("A1", "S1", ACTION, "T1", "VETO", "", "", "", ""),
        ("A2", "S2", ACTION, "T2", *(("ACCEPT", "10") if accepts else ("VETO", "")), "", "", ""),
        ("A3", "S3", ACTION, "T3", "VETO", "", "", "", ""),
        ("A9", "", ACTION, "T1", "INITIATE", "5", "", "A", "SELL"),
    ]
    fills = [("F9", "A9", ACTION, "5", "20", "0"), *([("F2", "A2", ACTION, "10", "20", "0")] if accepts else [])]
    return build(
        signals=signals,
        actions=actions,
        fills=fills,
        prices=[quote("A", t, p) for t, p in ((SIGNAL, "20"), (ACTION, "20"), (CLOSE, "19"))],
    )


@pytest.mark.parametrize("accepts", [True, False])
def test_an_unanswered_signal_is_in_the_universe_of_all_who_could_have_answered(accepts: bool) -> None:
    ledger = desk(accepts)
    split = ss.split_choice(ledger)
    rows = {t: split.of(t) for t in ("T1", "T2", "T3")}
    assert {t: (r.n_signals, r.n_undecided, r.n_shared) for t, r in rows.items()} == {
        "T1": (2, 1, 1),
        "T2": (2, 1, 1),
        "T3": (2, 1, 0),
    }
    assert rows["T1"].parts.rate == 10 * 10**6 == rows["T1"].value_add, "one of two alike signals vetoed: all of it is rate"
    assert split.undecided == (2, 20 * 10**6), "not traded, nobody's decision"
    assert (rows["T1"].n_initiated, rows["T1"].initiated) == (1, 5 * 10**6)
    parts = split.of(None).value_add + split.of(None).initiated + split.undecided[1]
    assert parts == ledger.result["totals"]["value_add"]


def test_open_signals_are_counted_and_never_guessed() -> None:
    ledger = build(
        Plan(horizon="session+1"),
        signals=[("S1", SIGNAL, "m", "A", "BUY", "10")],
        actions=[("A1", "S1", ACTION, "T1", "VETO")],
        prices=[quote("A", SIGNAL, "20"), quote("A", ACTION, "20")],
    )
    row = ss.split_choice(ledger).of("T1")
    assert (row.n_signals, row.n_open, row.value_add, row.shown) == (0, 1, 0, (0, 0, 0, 0))
    assert choice_block(ledger, None, ledger.plan, seed=1)["available"] is False


def test_an_unknown_trader_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(UsageError, match="'T9' is not in the ledger; it has 'T1'"):
        signal_table(ledger_of_twenty()).universe("T9")


def test_a_ledger_read_back_gives_the_same_split(tmp_path: Path) -> None:
    ledger = ledger_of_twenty()
    ledger.write(tmp_path / "out")
    again = ss.read_ledger(tmp_path / "out")
    assert ss.split_choice(again) == ss.split_choice(ledger)
    block = choice_block(again, None, again.plan, seed=1)
    assert block["desk"]["rate_micro"] + block["desk"]["regime_micro"] + block["desk"]["choice_micro"] == 700_000_000
    assert [r["regime"] for r in block["traders"][0]["regimes"]] == ["calm", "stress"]
