"""Every knob of luck has the size it says; seeds are fixed, bands are 4 standard errors or a stated closed form."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from scipy import stats

from skillstats.errors import UsageError
from skillstats.simulate import ActionMix, Factor, Presence, Regime, World
from skillstats.simulate.shocks import PAYOFF_SKEWNESS, sizes_of
from skillstats.study.desk import Desk, simulate_outcomes

ONE = (Regime(label="all", share=1.0),)
VETOES = ActionMix(veto=1.0, resize=0.0, delay=0.0, reverse=0.0)
NOISE = World(
    traders=10, sessions=500, signals_per_day=6.0, override_rate=1.0, annual_ir=0.0, directional=(), block_vetoes=0.0,
    shared_shock=0.0, trader_theme=0.0, risk_known=True, regimes=ONE, actions=VETOES, activity_spread=0.0,
)  # fmt: skip


def desk(seed: int = 1, **keys: object) -> Desk:
    return simulate_outcomes(msgspec.structs.replace(NOISE, **keys), seed=seed)


def near(found: float, wanted: float, error: float) -> bool:
    return abs(float(found) - wanted) < 4 * error


def signed(d: Desk) -> np.ndarray:
    """Sides of deviations, from the exposures."""
    assert d.evidence.exposure is not None
    return np.sign(d.evidence.exposure)


def test_outcomes_have_sd_one_and_an_estimated_risk_adds_to_it():
    """Mean square of y: 1 with the true volatility, E[21/chi2(21)] = 21/19 with that of 21 returns."""
    for known, square in ((True, 1.0), (False, 21 / 19)):
        y = desk(risk_known=known).evidence.y
        assert near(np.mean(y**2), square, np.std(y**2) / np.sqrt(len(y)))


def test_sizes_have_their_spread():
    """Log risk of a veto: that of the notional, and half the log of a time left that is uniform."""
    e = desk(size_spread=1.2, volatility_daily=(0.02, 0.02)).evidence
    left = 0.5 * np.log(np.linspace(30, 385, 100_001) / 390)
    assert near(np.log(e.risk).std(), np.hypot(1.2, left.std()), 1.2 / np.sqrt(2 * len(e)))


def test_shared_and_own_shocks_make_the_sessions_correlate():
    """Everybody on one side: covariance of two rows of a session is shared + theme within a trader, shared between two."""
    d = desk(shared_shock=0.3, trader_theme=0.2, facing="always")
    e = d.evidence
    own = np.bincount(e.trader * 500 + e.session, e.y, minlength=5000).reshape(10, 500)
    count = np.bincount(e.trader * 500 + e.session, minlength=5000).reshape(10, 500)
    squares = np.bincount(e.trader * 500 + e.session, e.y**2, minlength=5000).reshape(10, 500)
    within = np.sum(own**2 - squares) / np.sum(count * (count - 1.0))
    between = np.sum(own.sum(0) ** 2 - (own**2).sum(0)) / np.sum(count.sum(0) ** 2 - (count**2).sum(0))
    assert near(within, 0.5, 0.3 * np.sqrt(2 / 500) + 0.2 * np.sqrt(2 / 5000))
    assert near(between, 0.3, 0.3 * np.sqrt(2 / 500))
    assert d.truth.traders[0].within_day_correlation == pytest.approx(0.5)


def test_facing_says_who_shares_a_side():
    on = {"factor": Factor(observed=True), "shared_shock": 0.2}
    for facing, per_trader, per_desk in (("coin", 0, 0), ("trader", 1, 0), ("desk", 1, 1), ("always", 1, 1)):
        d = desk(facing=facing, **on)
        e, g = d.evidence, signed(d)
        cell, size = e.trader * 500 + e.session, np.bincount(e.trader * 500 + e.session)
        whole = np.abs(np.bincount(cell, g)) == size
        assert whole[size > 3].mean() == 1.0 if per_trader else whole[size > 3].mean() < 0.13
        desks = np.abs(np.bincount(e.session, g)) == np.bincount(e.session)
        assert desks.mean() == per_desk or (not per_desk and desks.mean() < 0.01)
    assert np.all(signed(desk(facing="always", **on)) == -1)  # a veto of a BUY is short of the model


def test_a_view_lasts_its_spell():
    """Sides change with chance 1/(2 spell) a session."""
    d = desk(facing="view", view_spell=5.0, factor=Factor(observed=True), shared_shock=0.2)
    e = d.evidence
    side = np.zeros((10, 500))
    side[e.trader, e.session] = signed(d)
    both = (side[:, 1:] != 0) & (side[:, :-1] != 0)
    changes = np.mean(side[:, 1:][both] != side[:, :-1][both])
    assert near(changes, 0.1, np.sqrt(0.09 / both.sum()))


def test_tilt_is_the_mean_of_the_market_on_the_side_taken():
    states = (Regime(label="up", share=0.5, market=0.4), Regime(label="down", share=0.5, market=-0.8))
    d = desk(shared_shock=0.25, facing="always", regimes=states, regime_spell=1.0)
    e = d.evidence
    days = [np.bincount(e.session[e.regime == r], e.y[e.regime == r]) for r in (0, 1)]
    sizes = [np.bincount(e.session[e.regime == r]) for r in (0, 1)]
    for name, total, size in zip(e.coords["regime"], days, sizes, strict=True):
        wanted = -0.5 * (0.4 if name == "up" else -0.8)
        assert near(total.sum() / size.sum(), wanted, 0.5 / np.sqrt((size > 0).sum()))
        cell = next(c for c in d.truth.traders[0].regimes if c.regime == name)
        assert cell.theta_decision == pytest.approx(wanted)
    assert d.truth.traders[0].tilt_decision == pytest.approx(d.truth.traders[0].theta_decision)


@pytest.mark.parametrize("tails", ["normal", 5.0])
def test_timing_is_worth_its_share_of_the_size_of_the_market(tails):
    """mean y = sqrt(shared) tau E|F|; one session is one call of ten traders on one F."""
    d = desk(shared_shock=0.25, facing="trader", factor=Factor(timing=(0.6, 0.0)), tails=tails)
    wanted = 0.5 * 0.6 * sizes_of(tails).mean
    e = d.evidence
    timers = np.array([int(name[1:]) % 2 == 1 for name in e.coords["trader"]])[e.trader]
    total = np.bincount(e.session[timers], e.y[timers], minlength=500) / np.bincount(e.session[timers], minlength=500)
    assert near(np.mean(total), wanted, total.std() / np.sqrt(500))
    first, second = d.truth.traders[:2]
    assert first.timing_decision == pytest.approx(wanted)
    assert (first.selection_decision, second.timing_decision) == (0.0, 0.0)
    assert first.sd_decision**2 == pytest.approx(1 - wanted**2)


def test_sizes_of_shocks_are_the_published_moments():
    """E|t| of Student t with 5 degrees of freedom scaled to sd 1 is 8/(3 pi) sqrt(3/4) ... by its closed form."""
    from scipy.special import gamma

    closed = 2 * np.sqrt(5) * gamma(3) / (np.sqrt(np.pi) * 4 * gamma(2.5)) * np.sqrt(3 / 5)
    assert sizes_of(5.0).mean == pytest.approx(closed)
    m = stats.norm.ppf(0.75)
    assert sizes_of("normal").square_above == pytest.approx(1 + 4 * m * stats.norm.pdf(m))
    assert sizes_of(5.0).square_above + sizes_of(5.0).square_below == pytest.approx(2.0)


def test_betas_spread_and_exposures_take_the_factor_out():
    """Var y = shared (1 + d^2/3) + rest; y - x F leaves the rest; an error attenuates the slope by E beta^2 / (E beta^2 + error^2)."""
    world = {"shared_shock": 0.4, "facing": "trader"}
    d = desk(**world, factor=Factor(beta_spread=0.9, observed=True))
    e = d.evidence.without_factor()
    assert near(e.y.var(), 0.6, 0.6 * np.sqrt(2 / len(e)))
    assert d.truth.traders[0].sd_decision ** 2 == pytest.approx(0.4 * (1 + 0.27) + 0.6, rel=0.02)
    noisy = desk(**world, factor=Factor(beta_spread=0.9, observed=True, beta_error=0.5)).evidence
    move = noisy.exposure * noisy.factor_return
    slope = np.sum(move * noisy.y) / np.sum(move**2)
    assert slope == pytest.approx(1.27 / (1.27 + 0.25), abs=0.02)
    assert desk(**world).evidence.exposure is None


def test_a_falling_market_raises_the_next_sessions_volatility():
    """Sd of y on an estimated risk after a fall over that after a rise: exp(2a)."""
    world = {"shared_shock": 0.25, "asymmetry": 0.3, "factor": Factor(observed=True), "risk_known": False}
    d = desk(**world, facing="always", sessions=1500)
    e = d.evidence
    move = np.zeros(1500)
    move[e.session] = e.factor_return
    fell = (move[np.maximum(e.session - 1, 0)] < 0) & (e.session > 0)
    assert e.y[fell].std() / e.y[~fell].std() == pytest.approx(np.exp(0.6), rel=0.06)
    known = desk(**{**world, "risk_known": True}, facing="always").evidence
    assert near(np.mean(known.y**2), 1.0, 0.25 * np.sqrt(2 / 500) + np.sqrt(2 / len(known)))


@pytest.mark.parametrize(("payoff", "sign"), [("penny_picker", 1.0), ("lottery", -1.0)])
def test_payoffs_are_skewed_with_mean_0_and_sd_1(payoff, sign):
    e = desk(payoff=payoff, skewed=(1, 2, 3, 4, 5)).evidence
    who = np.array([int(name[1:]) <= 5 for name in e.coords["trader"]])[e.trader]
    y, other = e.y[who], e.y[~who]
    assert near(y.mean(), 0.0, 1 / np.sqrt(len(y)))
    assert near(y.var(), 1.0, np.std(y**2) / np.sqrt(len(y)))
    assert stats.skew(y) == pytest.approx(sign * PAYOFF_SKEWNESS, rel=0.1)
    assert pytest.approx(-2.72, abs=0.01) == PAYOFF_SKEWNESS
    assert abs(stats.skew(other)) < 0.1
    gains = np.mean(y > 0)
    assert (gains > 0.55) == (payoff == "penny_picker")


def test_outcomes_of_longer_horizons_overlap_by_the_sessions_they_share():
    """One decision a session, all on one side: unsliced outcomes k sessions apart correlate by (1 - k/h)(shared + theme)."""
    world = {"shared_shock": 0.4, "trader_theme": 0.2, "facing": "always", "horizon": 5, "sessions": 2000, "traders": 4}
    e = desk(**world, sliced=False).evidence
    y = np.bincount(e.trader * 2000 + e.session, e.y, minlength=8000).reshape(4, 2000)
    count = np.bincount(e.trader * 2000 + e.session, minlength=8000).reshape(4, 2000)
    for k in (1, 3, 6):
        pairs = count[:, k:] * count[:, :-k]
        assert np.sum(y[:, k:] * y[:, :-k]) / pairs.sum() == pytest.approx(max(0.0, 1 - k / 5) * 0.6, abs=0.12)
    assert e.y.std() == pytest.approx(1.0, abs=0.05)


def test_slices_add_to_the_decision_and_their_truth_is_one():
    world = {"horizon": 4, "annual_ir": 2.0, "shared_shock": 0.2, "sessions": 200}
    whole, sliced = desk(**world, sliced=False), desk(**world)
    a, b = whole.evidence, sliced.evidence
    assert len(b) == 4 * len(a)
    assert np.allclose(np.bincount(b.decision, b.value_add), a.value_add)
    assert np.allclose(np.sqrt(np.bincount(b.decision, b.risk**2)), a.risk)
    for one, other in zip(whole.truth.traders, sliced.truth.traders, strict=True):
        assert one.annual_ir == pytest.approx(other.annual_ir) == pytest.approx(2.0)
        assert one.theta_decision == pytest.approx(2 * other.theta_decision)
        assert one.decisions == other.decisions
    assert near(a.y.mean(), whole.truth.traders[0].theta_decision, 2 / np.sqrt(len(a)) + 0.5 / np.sqrt(200))
    assert sum(c["open"] for c in a.context["by_trader"].values()) == pytest.approx(3 * 60, abs=60)


def test_what_has_no_exact_truth_is_refused():
    for keys, message in (
        ({"factor": Factor(timing=0.5), "horizon": 5}, "timing needs horizon = 1"),
        ({"factor": Factor(beta_error=0.3)}, "beta_error needs factor.observed"),
        ({"factor": Factor(observed=True), "horizon": 2, "sliced": False}, "observed needs sliced"),
        ({"factor": Factor(timing=2.0)}, "factor.timing = 2, must be from -1 to 1"),
        ({"presence": Presence(forgotten=True)}, "forgotten needs presence.leavers"),
        ({"presence": Presence(missing_when="gain")}, "missing_when"),
        ({"payoff": "lottery", "skewed": (11,)}, "skewed = 11"),
    ):
        with pytest.raises(UsageError, match=message):
            desk(**keys)
