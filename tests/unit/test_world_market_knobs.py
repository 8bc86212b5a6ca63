"""What a record of prices carries of every knob: found in the written tables, or in the ledger and the evidence made of them."""

from __future__ import annotations

import hashlib

import msgspec
import numpy as np
import pytest

from skillstats.errors import UsageError
from skillstats.simulate import (
    Acting,
    ActionMix,
    Effects,
    Factor,
    Population,
    Presence,
    Regime,
    SimulatedTables,
    Truth,
    World,
    simulate_tables,
)
from skillstats.simulate.shocks import PAYOFF_SKEWNESS, sizes_of
from skillstats.study.desk import simulate_desk

ONE = (Regime(label="all", share=1.0),)
VETOES = ActionMix(veto=1.0, resize=0.0, delay=0.0, reverse=0.0)
DESK = World(
    traders=4, sessions=120, history=22, signals_per_day=5.0, override_rate=1.0, annual_ir=0.0, directional=(), block_vetoes=0.0,
    shared_shock=0.0, trader_theme=0.0, regimes=ONE, actions=VETOES, activity_spread=0.0, volatility_daily=(0.01, 0.01),
)  # fmt: skip


def tables(seed: int = 1, **keys: object) -> tuple[SimulatedTables, Truth]:
    return simulate_tables(msgspec.structs.replace(DESK, **keys), seed=seed)


class Read:
    """Vetoes of a record: trader, session, side and outcome per unit of true risk, from its text alone."""

    def __init__(self, made: SimulatedTables):
        signals, prices = made.tables["signals"], made.tables["prices"]
        close = {
            (a, t[:10]): (float(b) + float(k)) / 2
            for a, t, b, k, c in zip(*(prices[n] for n in ("asset", "time", "bid", "ask", "close")), strict=True)
            if c
        }
        ends = {t[:10]: t for t, c in zip(prices["time"], prices["close"], strict=True) if c}
        day = [t[:10] for t in signals["time"]]
        self.trader = np.array(made.tables["actions"]["trader"])
        days, self.session = np.unique(day, return_inverse=True)
        self.days = len(days)
        self.side = np.where(np.array(signals["side"]) == "BUY", 1.0, -1.0)
        price = np.array([float(p) for p in signals["price"]])
        self.marked = np.array([(a, d) in close for a, d in zip(signals["asset"], day, strict=True)])
        mark = np.array([close.get((a, d), np.nan) for a, d in zip(signals["asset"], day, strict=True)])
        start, end = (
            np.array([t[:-1] for t in x], "datetime64[us]").astype(np.int64) for x in (signals["time"], [ends[d] for d in day])
        )
        left = (end - start) / (6.5 * 3600e6)
        self.y = -self.side * (mark / price - 1) / (0.01 * np.sqrt(left))
        self.kind = np.array(signals["signal_type"])


def near(found: float, wanted: float, error: float) -> bool:
    return abs(float(found) - wanted) < 4 * error


def test_without_the_new_keys_every_record_keeps_its_bytes():
    """Digests of the tables as they were before these keys existed; the states are given, because the default ones may change."""
    states = (Regime(label="calm", share=0.75), Regime(label="stressed", share=0.25, volatility=1.4))
    one = (Regime(label="a", share=1.0),)
    known = {
        (World(regimes=states), 1): "04ad67191ae23e716e2112366ba5f9911463f9213d72f38d7129ccb3ee4a42a7",
        (
            World(regimes=states, sessions=30, traders=3, block_vetoes=0.5),
            2026,
        ): "97c463962535a9705b0d9595be66e82506cd01676b82f5680190bc3f366076a4",
        (World(regimes=one, sessions=20, tails=4.0, shuffle_skill=True, directional=()), 1): (
            "a77be4678440abd7ddd60d79cd9b4071aa2b09e757d7cd9d4fb2374e7597b734"
        ),
    }
    for (world, seed), digest in known.items():
        made, _ = simulate_tables(world, seed=seed)
        assert hashlib.sha256((repr(made.tables) + made.plan).encode()).hexdigest() == digest


def test_the_same_seed_has_the_same_skill_on_both_levels():
    world = msgspec.structs.replace(
        DESK, sessions=30, population=Population(kind="specialists", unit="decision", share=0.5), shuffle_skill=True,
        effects=Effects(trader_regime_sd=0.1, sizing_sd=0.1, drift_sd=0.1, learning_sd=0.1, action_sd=0.1, signal_type_sd=0.1, regime_sd=0.1),
    )  # fmt: skip
    one, other = (simulate_desk(world, seed=5, level=level) for level in ("outcomes", "market"))
    assert one.truth.effects == other.truth.effects
    assert len(one.truth.effects) == 7
    assert [t.theta for t in one.truth.traders] == [t.theta for t in other.truth.traders]
    assert np.array_equal(one.forward, other.forward)
    assert (one.truth.level, other.truth.level) == ("outcomes", "market")


def test_skill_and_its_effects_are_in_the_prices():
    """Mean y of each trader, and of each signal type, within 4 standard errors of the truth."""
    made, truth = tables(population=Population(kind="normal", unit="decision", sd=0.3), effects=Effects(signal_type_sd=0.5))
    read = Read(made)
    for t in truth.traders:
        own = read.y[read.trader == t.trader]
        assert near(own.mean(), t.theta_decision, 1.2 / np.sqrt(len(own)))
    base = np.mean([t.theta for t in truth.traders])
    for k, name in enumerate(("momentum", "reversion", "flow")):
        own = read.y[read.kind == name]
        assert near(own.mean(), base + truth.effects["signal_type"][k], 1.3 / np.sqrt(len(own)))


def test_timing_tilt_and_facing_are_in_the_prices():
    states = (Regime(label="bad", share=1.0, market=-0.5),)
    made, truth = tables(shared_shock=0.25, facing="always", regimes=states)
    read = Read(made)
    assert set(read.side) == {1.0}
    daily = np.bincount(read.session, read.y) / np.bincount(read.session)
    assert truth.traders[0].tilt_decision == pytest.approx(0.25)
    assert near(daily.mean(), 0.25, daily.std() / np.sqrt(120))
    made, truth = tables(shared_shock=0.25, facing="trader", factor=Factor(timing=0.9, beta_spread=0.5))
    read, wanted = Read(made), 0.5 * 0.9 * sizes_of("normal").mean
    assert truth.traders[0].timing_decision == pytest.approx(wanted, rel=0.05)
    daily = np.bincount(read.session, read.y) / np.bincount(read.session)
    assert near(daily.mean(), wanted, daily.std() / np.sqrt(120))
    own = {(t, s) for t, s in zip(read.trader, read.session, strict=True)}
    assert len({(t, s, g) for t, s, g in zip(read.trader, read.session, read.side, strict=True)}) == len(own)


def test_payoffs_and_asymmetry_are_in_the_prices():
    from scipy import stats

    read = Read(tables(payoff="penny_picker", sessions=240)[0])
    assert stats.skew(read.y) == pytest.approx(PAYOFF_SKEWNESS, rel=0.2)
    assert near(read.y.mean(), 0.0, 1 / np.sqrt(len(read.y)))
    read = Read(tables(shared_shock=0.8, asymmetry=0.4, facing="always", sessions=240)[0])
    daily = np.bincount(read.session, read.y) / np.bincount(read.session)
    before = np.r_[0.0, -daily[:-1]][read.session]  # vetoes of BUYs lose when the market rises
    own = read.y - daily[read.session]
    assert own[before < 0].std() / own[before > 0].std() == pytest.approx(np.exp(0.8), rel=0.12)


def test_acting_is_in_the_record():
    made, _ = tables(acting=Acting(level="session"), override_rate=0.4)
    read, acted = Read(made), np.array(made.tables["actions"]["action"]) != "ACCEPT"
    names, code = np.unique(read.trader, return_inverse=True)
    cell = code * read.days + read.session
    share = np.bincount(cell, acted) / np.maximum(np.bincount(cell), 1)
    assert set(np.unique(share)) <= {0.0, 1.0}
    assert near(np.mean(share[np.bincount(cell) > 0]), 0.4, np.sqrt(0.24 / (len(names) * 120)))
    made, truth = tables(acting=Acting(edge=0.5, edge_activity=0.6))
    read = Read(made)
    assert near(read.y.mean(), 0.3, 1.2 / np.sqrt(len(read.y)))
    assert np.mean([t.theta_decision for t in truth.traders]) == pytest.approx(0.3, abs=0.08)


def test_people_are_in_the_record_while_they_are_there():
    made, truth = tables(presence=Presence(joiners=0.5, leavers=0.5), traders=12)
    read = Read(made)
    for t in truth.traders:
        own = read.session[read.trader == t.trader]
        assert own.min() >= t.present[0] and own.max() < t.present[1]
    assert any(t.present[0] > 0 for t in truth.traders) and any(t.present[1] < 120 for t in truth.traders)
    for forgotten in (False, True):
        made, truth = tables(presence=Presence(leavers=0.5, leaving="losers", forgotten=forgotten), payoff="lottery")
        read, gone = Read(made), [t.trader for t in truth.traders if t.present[1] == 60]
        late = set(read.trader[read.session >= 60])
        assert len(gone) == 2 and not late & set(gone)
        assert bool(set(read.trader) & set(gone)) != forgotten
        assert all(t.decisions for t in truth.traders)


def test_missing_marks_are_unavailable_in_the_ledger_and_never_zero():
    world = msgspec.structs.replace(DESK, sessions=40, presence=Presence(missing=0.2, missing_when="gain"), block_vetoes=0.3)
    desk = simulate_desk(world, seed=3, level="market")
    coverage = desk.evidence.context["by_trader"].values()
    made, lost = (sum(c[k] for c in coverage) for k in ("decisions", "unavailable"))
    assert near(lost / made, 0.2, np.sqrt(0.16 / made))
    assert made - lost == len(desk.evidence)
    assert made == sum(t.decisions for t in desk.truth.traders)
    assert desk.evidence.y.mean() < -0.05
    assert np.mean(desk.evidence.y == 0) < 0.02  # a price may end where it began, in whole cents


def test_keys_that_prices_of_one_session_cannot_carry_are_refused_together():
    with pytest.raises(UsageError) as caught:
        tables(horizon=5, risk_known=True, factor=Factor(observed=True))
    assert [line.split(":")[0] for line in str(caught.value).splitlines()] == ["horizon > 1", "risk_known", "factor.observed"]
    with pytest.raises(UsageError, match="level = 'paper'"):
        simulate_desk(DESK, seed=1, level="paper")


def test_no_table_holds_a_column_of_the_truth(tmp_path):
    """The written files have the columns of the contract and no other, with every knob of skill on."""
    made, truth = tables(
        sessions=20, population=Population(kind="normal"), effects=Effects(regime_sd=0.1, sizing_sd=0.1, drift_sd=0.1),
        acting=Acting(edge=0.3, edge_activity=0.3), factor=Factor(timing=0.3, beta_spread=0.3), presence=Presence(missing=0.1),
    )  # fmt: skip
    folder = made.write(tmp_path / "record")
    columns = {p.stem: p.read_text(encoding="utf-8").splitlines()[0].split(",") for p in folder.glob("*.csv")}
    assert columns == {
        "signals": ["signal_id", "time", "model", "asset", "side", "quantity", "price", "signal_type"],
        "actions": ["action_id", "signal_id", "time", "trader", "action", "quantity", "decision_id", "source", "desk"],
        "fills": ["fill_id", "action_id", "time", "quantity", "price", "fee"],
        "prices": ["asset", "time", "bid", "ask", "close"],
        "regimes": ["time", "market"],
    }
    assert sorted(p.name for p in folder.iterdir()) == sorted([*(f"{n}.csv" for n in columns), "plan.toml"])
    text = "".join(p.read_text(encoding="utf-8") for p in folder.iterdir())
    for word in ("theta", "truth", "skill", "beta", "timing", "effect", "annual_ir"):
        assert word not in text
    desk = simulate_desk(msgspec.structs.replace(DESK, sessions=20), seed=1)
    assert not {"theta", "skill", "good", "beta"} & set(desk.evidence.to_pandas().columns)
    assert truth.effects
