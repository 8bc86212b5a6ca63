"""Every knob of acting and of absence has the size it says; seeds are fixed, bands are 4 standard errors or a stated closed form."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from skillstats.simulate import Acting, ActionMix, Factor, Population, Presence, Regime, World
from skillstats.simulate.shocks import sizes_of
from skillstats.study.desk import Desk, simulate_outcomes

NOISE = World(
    traders=10, sessions=500, signals_per_day=6.0, override_rate=1.0, annual_ir=0.0, directional=(), block_vetoes=0.0,
    shared_shock=0.0, trader_theme=0.0, risk_known=True, regimes=(Regime(label="all", share=1.0),),
    actions=ActionMix(veto=1.0, resize=0.0, delay=0.0, reverse=0.0), activity_spread=0.0,
)  # fmt: skip


def desk(seed: int = 1, **keys: object) -> Desk:
    return simulate_outcomes(msgspec.structs.replace(NOISE, **keys), seed=seed)


def near(found: float, wanted: float, error: float) -> bool:
    return abs(float(found) - wanted) < 4 * error


def test_whole_sessions_are_touched_with_the_override_rate():
    e = desk(acting=Acting(level="session"), override_rate=0.3).evidence
    active = len(np.unique(e.trader * 500 + e.session))
    assert near(active / 5000, 0.3, np.sqrt(0.21 / 5000) + np.exp(-6))
    per_session = len(e) / active
    assert near(per_session, 6.0, np.sqrt(6 / active) + 0.02)


def test_acting_more_on_good_sessions_is_worth_edge_times_activity():
    for activity in (0.5, -0.5):
        d = desk(
            acting=Acting(edge=0.4, edge_activity=activity),
            population=Population(kind="normal", unit="decision", mean=0.1, sd=0.0),
        )
        e = d.evidence
        assert near(e.y.mean(), 0.1 + 0.4 * activity, np.hypot(0.4 * np.sqrt(7), 1) / np.sqrt(len(e)))
        truth = np.mean([t.theta_decision for t in d.truth.traders])
        assert truth == pytest.approx(0.1 + 0.4 * activity, abs=0.03)


def test_crowding_puts_more_rows_on_sessions_of_large_moves():
    """With d = .6 a large session has four times the rows of a small one, and rows see more of the market's variance than sessions do."""
    d = desk(acting=Acting(crowding=0.6), shared_shock=0.3, facing="always", factor=Factor(observed=True))
    e = d.evidence
    size = np.zeros(500)
    size[e.session] = np.abs(e.factor_return)
    large = size > np.sqrt(0.3) * sizes_of("normal").median
    count = np.bincount(e.session, minlength=500)
    assert count[large].mean() / count[~large].mean() == pytest.approx(4.0, rel=0.05)
    s = sizes_of("normal")
    wanted = 0.3 * (0.8 * s.square_above + 0.2 * s.square_below) + 0.7
    assert d.truth.traders[0].sd_decision ** 2 == pytest.approx(wanted, rel=0.03)
    assert np.mean(e.y**2) == pytest.approx(wanted, rel=0.08)


def test_joiners_and_leavers_are_there_for_their_time_only():
    d = desk(presence=Presence(joiners=0.5, leavers=0.5), traders=40, sessions=200)
    e = d.evidence
    for code, place in enumerate(d.positions):
        first, last = d.truth.traders[place].present
        session = np.array([d.truth.sessions and int(s) for s in _places(d)])[e.session[e.trader == code]]
        assert first <= session.min() and session.max() < last
    joined = np.array([t.present[0] > 0 for t in d.truth.traders])
    left = np.array([t.present[1] < 200 for t in d.truth.traders])
    assert near(joined.mean(), 0.5, np.sqrt(0.25 / 40)) and near(left.mean(), 0.5, np.sqrt(0.25 / 40))
    assert np.array_equal(np.isnan(d.forward), left)
    assert all(t.present[1] >= 100 for t in d.truth.traders) and all(t.present[0] <= 100 for t in d.truth.traders)


def _places(d: Desk) -> list[int]:
    """Number of each session of the evidence among all of the record."""
    from skillstats.simulate.outcomes import labels_of

    w = d.truth.world
    label = labels_of(w.calendar, w.start, w.sessions, w.history)
    return [label.index(s) for s in d.evidence.coords["session"]]


def test_losers_leave_at_half_time_and_may_be_forgotten():
    world = {"traders": 20, "sessions": 100, "annual_ir": 0.0}
    stayed = desk(**world, presence=Presence(leavers=0.25, leaving="losers"))
    e, place = stayed.evidence, np.array(_places(stayed))
    gone = [t.trader for t in stayed.truth.traders if t.present[1] == 50]
    assert len(gone) == 5
    early = place[e.session] < 50
    means = {n: e.y[early & (e.trader == k)].mean() for k, n in enumerate(e.coords["trader"])}
    assert sorted(means, key=means.get)[:5] == sorted(gone, key=means.get)
    assert not any((place[e.session] >= 50) & np.isin(e.trader, [e.coords["trader"].index(n) for n in gone]))
    left = desk(**world, presence=Presence(leavers=0.25, leaving="losers", forgotten=True))
    assert set(left.evidence.coords["trader"]) == set(e.coords["trader"]) - set(gone)
    assert left.evidence.y.mean() > e.y.mean()
    assert len(left.truth.traders) == 20


@pytest.mark.parametrize("when", ["random", "gain", "loss"])
def test_missing_marks_have_their_share_and_their_bias(when):
    """Marks of gains missing with chance 2p: mean y of the rest is -p E|y| / (1 - p)."""
    d = desk(presence=Presence(missing=0.2, missing_when=when))
    e = d.evidence
    made = sum(c["decisions"] for c in e.context["by_trader"].values())
    lost = sum(c["unavailable"] for c in e.context["by_trader"].values())
    assert made - lost == len(e)
    assert near(lost / made, 0.2, np.sqrt(0.2 / made))
    bias = {"random": 0.0, "gain": -1.0, "loss": 1.0}[when] * 0.2 * np.sqrt(2 / np.pi) / 0.8
    assert near(e.y.mean(), bias, 1 / np.sqrt(len(e)))
