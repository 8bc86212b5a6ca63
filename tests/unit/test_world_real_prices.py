"""Real prices in place of simulated ones: the prices stay as they were given, and the truth of the sides is exact."""

from __future__ import annotations

import msgspec
import numpy as np
import pandas as pd
import pytest

from skillstats.errors import UsageError
from skillstats.simulate import Acting, ActionMix, Population, World, simulate_on_prices
from skillstats.simulate.sessions import trading_sessions
from skillstats.study.desk import simulate_desk

DESK = World(
    traders=3, sessions=60, history=40, signals_per_day=4.0, override_rate=0.8, annual_ir=(6.0, 0.0), directional=(3,),
    actions=ActionMix(veto=0.6, resize=0.3, delay=0.0, reverse=0.1), block_vetoes=0.2,
)  # fmt: skip


@pytest.fixture(scope="module")
def prices() -> pd.DataFrame:
    """Closing prices of 20 assets that share a market, as a vendor would send them: stamped some time before the close."""
    sessions, rng = trading_sessions(DESK), np.random.default_rng(3)
    market = rng.standard_normal(len(sessions.label))
    rows = []
    for asset in range(20):
        path = 50 * np.exp(0.012 * np.cumsum(0.5 * market + rng.standard_t(5, len(market))))
        rows += [(f"R{asset:02d}", f"{label}T17:30:00+00:00", f"{p:.2f}") for label, p in zip(sessions.label, path, strict=True)]
    return pd.DataFrame(rows, columns=["asset", "time", "close"])


def test_the_ledger_finds_the_outcomes_the_truth_speaks_of(prices):
    """Over 12 desks the standardised misses of three traders have mean 0 and sd 1: 4 standard errors of 36."""
    misses, directional = [], []
    for seed in range(12):
        desk = simulate_desk(DESK, seed=seed, level="market", prices=prices)
        e = desk.evidence
        for code, place in enumerate(desk.positions):
            t, y = desk.truth.traders[place], e.y[e.trader == code]
            assert len(y) == t.decisions
            assert t.annual_ir == pytest.approx(t.planted_annual_ir)
            days = np.unique(e.session[e.trader == code])
            assert len(days) == t.active_days
            total = np.sum(y) / len(days)
            misses.append((total - t.ir_day * t.sd_day) / t.sd_day * np.sqrt(len(days)))
            if t.directional:
                sides = pd.crosstab(e.session[e.trader == code], y > 0)
                directional.append(len(sides))
    assert np.isnan(desk.forward).all()
    assert desk.truth.level == "prices" and directional
    assert abs(np.mean(misses)) < 4 / np.sqrt(36)
    assert abs(np.std(misses) - 1) < 4 / np.sqrt(72)


def test_a_trader_who_is_always_right_gains_on_every_decision(prices):
    """The theta of k = 1 is the mean size of outcomes; more than that is refused with the most there is."""
    world = msgspec.structs.replace(
        DESK, block_vetoes=0.0, directional=(), population=Population(kind="normal", unit="decision", mean=9.0, sd=0.0)
    )
    with pytest.raises(UsageError, match=r"T1: theta = 9 is more than always being right") as caught:
        simulate_on_prices(world, prices, seed=1)
    most = float(str(caught.value).rsplit(" ", 1)[1])
    known = msgspec.structs.replace(
        world, population=Population(kind="normal", unit="decision", mean=0.99 * most, sd=0.0), override_rate=(0.8, 0.0, 0.0)
    )
    desk = simulate_desk(known, seed=1, level="market", prices=prices)
    assert np.mean(desk.evidence.y > 0) > 0.95
    assert desk.truth.traders[0].theta == pytest.approx(0.99 * most)


def test_prices_stay_as_given_and_carry_no_truth(prices, tmp_path):
    tables, truth = simulate_on_prices(DESK, prices, seed=4)
    assert tables.tables["prices"] == {c: prices[c].tolist() for c in prices.columns}
    folder = tables.write(tmp_path / "record")
    again, truth_again = simulate_on_prices(DESK, folder, seed=4)
    assert (again.tables, truth_again) == (tables.tables, truth)
    assert set(tables.tables) == {"signals", "actions", "fills", "prices"}
    assert not {"theta", "skill", "gain"} & {c for t in tables.tables.values() for c in t}


def test_quotes_and_a_missing_session_are_used_as_they_are(prices):
    closing = dict(zip(sorted(set(prices["time"])), trading_sessions(DESK).close, strict=True))
    stamps = [f"{np.datetime64(int(closing[t]), 'us')}Z" for t in prices["time"]]
    early = prices.assign(bid=prices["close"], ask=prices["close"]).drop(columns="close")
    with pytest.raises(UsageError, match="quotes within a minute of the close"):
        simulate_on_prices(DESK, early, seed=1)
    quotes = prices.assign(
        time=stamps,
        bid=[f"{float(c) - 0.01:.2f}" for c in prices["close"]],
        ask=[f"{float(c) + 0.01:.2f}" for c in prices["close"]],
    )
    by_quote = simulate_desk(DESK, seed=5, level="market", prices=quotes.drop(columns="close"))
    by_close = simulate_desk(DESK, seed=5, level="market", prices=prices)
    assert np.allclose(np.sort(by_quote.evidence.y), np.sort(by_close.evidence.y))
    day = sorted(set(prices["time"]))[60]
    holes = prices[~((prices["time"] == day) & (prices["asset"] < "R10"))]
    desk = simulate_desk(DESK, seed=5, level="market", prices=holes)
    assert sum(c["unavailable"] for c in desk.evidence.context["by_trader"].values()) == 0


def test_what_real_prices_decide_is_refused_by_name(prices):
    world = msgspec.structs.replace(DESK, tails=4.0, acting=Acting(edge=0.2), facing="desk", actions=ActionMix())
    with pytest.raises(UsageError) as caught:
        simulate_on_prices(world, prices, seed=1)
    assert [line.split(":")[0].split(" ")[0] for line in str(caught.value).splitlines()] == [
        "tails",
        "acting",
        "facing",
        "actions.delay",
    ]
    for given, message in (
        (prices.drop(columns="close"), "asset, time and close"),
        (prices.assign(close="n/a"), "'  n/a' is no price"),
        (prices.assign(close="0"), "not above 0"),
        (prices.assign(time="yesterday"), "ISO 8601"),
        (prices.assign(time=prices["time"].str.replace("202", "199")), "set start, sessions and history"),
        (7, "prices is a int"),
        ("no such file", "cannot be read"),
    ):
        with pytest.raises(UsageError, match=message):
            simulate_on_prices(DESK, given, seed=1)
    with pytest.raises(UsageError, match="outcomes are drawn without any"):
        simulate_desk(DESK, seed=1, prices=prices)
