"""Every knob of skill has the size it says, found in outcomes by a calculation of its own; seeds are fixed, bands are 4 standard errors."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from skillstats.errors import UsageError
from skillstats.simulate import ActionMix, Effects, Population, Regime, World
from skillstats.study.desk import Desk, simulate_outcomes

STATES = (Regime(label="calm", share=0.5), Regime(label="stressed", share=0.5))
CLEAN = World(
    traders=10, sessions=500, signals_per_day=6.0, override_rate=1.0, annual_ir=0.0, directional=(), block_vetoes=0.0,
    shared_shock=0.0, trader_theme=0.0, risk_known=True, regimes=STATES, regime_spell=2.0,
)  # fmt: skip
"""No shocks, risk known: the outcome of a row is its expectation plus noise of sd 1."""


def desk(seed: int = 1, world: World = CLEAN, **keys: object) -> Desk:
    return simulate_outcomes(msgspec.structs.replace(world, **keys), seed=seed)


def group_means(values: np.ndarray, code: np.ndarray, levels: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean of each level and its standard error at sd 1."""
    count = np.bincount(code, minlength=levels)
    return np.bincount(code, values, minlength=levels) / count, 1 / np.sqrt(count)


def close(found: np.ndarray, wanted: np.ndarray, error: np.ndarray) -> bool:
    return bool(np.all(np.abs(np.asarray(found) - np.asarray(wanted)) < 4 * np.asarray(error)))


def thetas(d: Desk) -> np.ndarray:
    return np.array([t.theta for t in d.truth.traders])


MANY = msgspec.structs.replace(CLEAN, traders=1000, sessions=4, signals_per_day=0.5)


def test_nobody_is_skilled_in_a_population_of_none():
    assert not thetas(desk(population=Population(kind="none"), annual_ir=5.0)).any()


def test_a_normal_population_has_its_mean_and_sd():
    theta = thetas(desk(world=MANY, population=Population(kind="normal", unit="decision", mean=0.05, sd=0.1)))
    assert close(theta.mean(), 0.05, 0.1 / np.sqrt(1000))
    assert close(theta.std(), 0.1, 0.1 / np.sqrt(2000))


def test_a_mixture_is_skilled_with_its_share():
    theta = thetas(desk(world=MANY, population=Population(kind="mixture", unit="decision", mean=0.05, sd=0.0, share=0.3)))
    assert set(theta) == {0.0, 0.05}
    assert close(np.mean(theta > 0), 0.3, np.sqrt(0.3 * 0.7 / 1000))


def test_a_specialist_has_his_skill_in_one_regime_and_none_in_the_others():
    d = desk(population=Population(kind="specialists", unit="decision", mean=0.4, sd=0.0, share=1.0))
    cells = np.array([[c.theta_decision for c in t.regimes] for t in d.truth.traders])
    assert np.allclose(np.sort(cells, axis=1), [0.0, 0.4])
    assert len(set(np.argmax(cells, axis=1))) == 2
    e = d.evidence
    found, error = group_means(e.y, e.trader * 2 + e.regime, 20)
    assert close(found, cells[d.positions].ravel(), error)


def test_annual_skill_is_the_annual_ir_of_the_year_drawn():
    d = desk(population=Population(kind="normal", mean=1.0, sd=0.5), shared_shock=0.3, trader_theme=0.1)
    for t in d.truth.traders:
        assert t.annual_ir == pytest.approx(t.planted_annual_ir, rel=1e-9)
        assert t.planted_annual_ir != 0
    e, y = d.evidence, np.array([t.theta_decision for t in d.truth.traders])
    assert close(e.y.mean(), y[d.positions][e.trader].mean(), np.sqrt(0.1) / np.sqrt(500 * 10) + 2 / np.sqrt(len(e)))


@pytest.mark.parametrize(
    ("key", "labels"),
    [
        ("regime", ("regime",)),
        ("trader_regime", ("trader", "regime")),
        ("action", ("action",)),
        ("signal_type", ("signal_type",)),
    ],
)
def test_effects_are_in_the_outcomes(key, labels):
    d = desk(effects=Effects(**{f"{key}_sd": 0.4}))
    e, effect = d.evidence, np.array(d.truth.effects[key])
    assert list(d.truth.effects) == [key]
    code, levels = e.code(labels[0]), len(e.levels(labels[0]))
    if key == "action":
        effect = effect[[("ACCEPT", "VETO", "RESIZE", "DELAY", "REVERSE").index(a) for a in e.coords["action"]]]
    if key == "signal_type":
        effect = effect[[("momentum", "reversion", "flow").index(a) for a in e.coords["signal_type"]]]
    if key == "trader_regime":
        effect, code, levels = effect[d.positions].ravel(), e.trader * 2 + e.regime, 20
    found, error = group_means(e.y, code, levels)
    assert close(found, effect, error)
    assert np.any(np.abs(effect) > 5 * error)


def test_effects_have_the_sd_asked_for():
    """200 effects of traders by regime at once, and 60 desks of 2 or more of the others."""
    drawn = [
        desk(seed, sessions=30, effects=Effects(regime_sd=0.2, trader_regime_sd=0.3, action_sd=0.1, signal_type_sd=0.4))
        for seed in range(60)
    ]
    for key, sd in (("regime", 0.2), ("trader_regime", 0.3), ("action", 0.1), ("signal_type", 0.4)):
        values = np.concatenate([np.ravel(d.truth.effects[key]) for d in drawn])
        values = values[values != 0]
        assert close(values.std(), sd, sd / np.sqrt(2 * len(values))), key


def test_a_regime_adds_its_effect_and_multiplies_skill():
    states = (Regime(label="a", share=0.5, skill=0.0), Regime(label="b", share=0.5, skill=2.0, effect=0.1))
    d = desk(regimes=states, population=Population(kind="normal", unit="decision", mean=0.2, sd=0.0))
    found, error = group_means(d.evidence.y, d.evidence.regime, 2)
    assert close(found, np.array([0.0, 0.5]), error)
    assert d.truth.traders[0].regimes[1].theta_decision == pytest.approx(0.5)


def test_sizing_skill_is_the_slope_on_log_risk():
    d = desk(effects=Effects(sizing_mean=0.3))
    e = d.evidence
    slope = np.sum(e.log_size * e.y) / np.sum(e.log_size**2)
    assert close(slope, 0.3, 1 / np.sqrt(np.sum(e.log_size**2)))
    assert close(e.y.mean(), 0.0, 1 / np.sqrt(len(e)))
    spread = np.array(desk(world=MANY, effects=Effects(sizing_sd=0.2)).truth.effects["sizing"])
    assert close(spread.std(), 0.2, 0.2 / np.sqrt(2000))


def test_drift_is_a_stationary_ar1_by_calendar_quarter():
    d = desk(world=MANY, sessions=252, signals_per_day=0.1, effects=Effects(drift_sd=0.06, drift_persistence=0.8))
    z = np.array(d.truth.effects["drift"])
    assert z.shape == (1000, 6)  # 252 sessions end early in the fifth quarter, and 63 come after them
    assert close(z.std(axis=0), 0.1, 0.1 / np.sqrt(2000))
    assert close(np.sum(z[:, 1:] * z[:, :-1]) / np.sum(z[:, :-1] ** 2), 0.8, 0.6 / np.sqrt(4000))
    for t, own in zip(d.truth.traders[:50], z, strict=False):
        for q, quarter in enumerate(t.quarters):
            assert quarter.theta_decision is None or quarter.theta_decision == pytest.approx(own[q])


def test_learning_adds_its_slope_a_year():
    d = desk(effects=Effects(learning=0.4))
    e = d.evidence
    years = np.array([d.truth.world.sessions_per_year]) ** -1 * e.session
    slope = np.polyfit(years, e.y, 1)
    assert close(slope[0], 0.4, 1 / np.sqrt(np.sum((years - years.mean()) ** 2)))
    assert d.truth.traders[0].theta_decision == pytest.approx(0.4 * 250 / 252, abs=0.02)
    assert close(
        np.array(desk(world=MANY, effects=Effects(learning_sd=0.3)).truth.effects["learning"]).std(), 0.3, 0.3 / np.sqrt(2000)
    )


def test_what_comes_after_the_record_has_the_same_skill():
    """63 sessions of 60 rows: the mean of the differences is 0; a desk's own learning goes on."""
    world = {"population": Population(kind="normal", unit="decision", mean=0.3, sd=0.2), "effects": Effects(learning=0.2)}
    d = desk(**world)
    wanted = thetas(d) + 0.2 * (500 + 31) / 252
    assert close(d.forward, wanted, 1 / np.sqrt(63 * 6 / 1.3))


def test_one_seed_gives_one_desk_and_luck_does_not_hang_on_skill():
    first, again, other = desk(), desk(), desk(annual_ir=3.0)
    assert first.evidence.digest == again.evidence.digest
    assert np.array_equal(first.forward, again.forward)
    shift = thetas(other)[other.positions][other.evidence.trader]
    assert np.allclose(other.evidence.y - shift, first.evidence.y)


def test_worlds_that_contradict_themselves_are_refused_all_at_once():
    world = msgspec.structs.replace(CLEAN, population=Population(share=0.5), skewed=(1,), sliced=False)
    with pytest.raises(UsageError) as caught:
        simulate_outcomes(world, seed=1)
    assert len(str(caught.value).splitlines()) == 3
    with pytest.raises(UsageError, match="nobody decided anything"):
        desk(override_rate=0.0)


def test_actions_have_their_shares():
    e = desk(actions=ActionMix(veto=0.1, resize=0.2, delay=0.3, reverse=0.4)).evidence
    shares = dict(zip(e.coords["action"], np.bincount(e.action) / len(e), strict=True))
    for name, share in (("VETO", 0.1), ("RESIZE", 0.2), ("DELAY", 0.3), ("REVERSE", 0.4)):
        assert close(shares[name], share, np.sqrt(share / len(e)))
