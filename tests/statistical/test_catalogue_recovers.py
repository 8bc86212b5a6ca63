"""The further models of the catalogue on simulated desks with known parameters. Seeds are fixed on purpose; a failure is a defect.

One data set a model, short runs: gross errors show here, calibration is the business of the study engine. Priors are those of the
shipped files at few bets a year, so that they are wide against what is planted.
"""

import msgspec
import numpy as np
import pytest

from skillstats.evaluation.estimands import estimate, mean_of_rows, targets
from skillstats.evaluation.refit import posterior_draws
from skillstats.evidence import Evidence
from skillstats.inference.effects import draw_shocks, theta_at
from skillstats.inference.nuts import fit
from skillstats.plan import ModelChoice, Plan
from skillstats.spec import read_spec

RUN = {"draws": 1000, "tune": 1000, "chains": 2}
FEW_BETS = Plan(model=ModelChoice(bets_per_year=16.0))


def make_evidence(y, trader, session, **changes):
    """One regime and one action; sessions have no dates."""
    coords = {k: tuple(f"{k}{i:03d}" for i in range(c.max() + 1)) for k, c in (("trader", trader), ("session", session))}
    made = {
        "value_add": y, "risk": np.ones(len(y)), "y": y, "trader": trader, "session": session, "regime": np.zeros(len(y), dtype=int),
        "action": np.zeros(len(y), dtype=int), "decision": np.arange(len(y)), "coords": coords | {"regime": ("all",), "action": ("all",)},
        "source": "record", "unit": "USD", "has_risk": True, "scale": 1.0, "sessions_per_year": 252.0,
        "sessions_spanned": int(session.max()) + 1, "counts": {}, "context": {},
    }  # fmt: skip
    changes["coords"] = made["coords"] | changes.get("coords", {})
    return Evidence(**(made | changes))


def distance(draws, truth):
    """Distance of the posterior mean from the truth in posterior sds, elementwise."""
    return np.abs(draws.mean(axis=0) - truth) / draws.std(axis=0)


# M3: selection


def simulate_selection(seed=11, traders=8, sessions=60, rows=8):
    """Selection sd .1, sizing slope .08 +- .05, factor .6 and desk-day .3 at typical exposure, every trader leaning his own way."""
    rng = np.random.default_rng(seed)
    trader, session, _ = (c.ravel() for c in np.indices((traders, sessions, rows)))
    truth = {
        "theta": rng.normal(0.05, 0.1, traders),
        "kappa": rng.normal(0.08, 0.05, traders),
        "F": rng.normal(0, 0.6, sessions),
        "V": rng.normal(0, 0.3, sessions),
    }
    exposure = rng.normal(0, 1, traders)[trader] + rng.normal(0, 1, len(trader))
    exposure /= np.sqrt(np.mean(exposure**2))
    log_size = rng.normal(0, 0.7, len(trader))
    log_size -= log_size.mean()
    own = rng.normal(0, 0.25, (traders, sessions))
    y = truth["theta"][trader] + truth["kappa"][trader] * log_size + truth["V"][session] + own[trader, session]
    y += exposure * truth["F"][session] + rng.normal(0, 0.8, len(trader))
    risk = 1000 * np.exp(log_size)
    return make_evidence(y, trader, session, risk=risk, value_add=y * risk, exposure=exposure), truth


@pytest.fixture(scope="module")
def selection():
    evidence, truth = simulate_selection()
    return fit("crossed_selection", evidence, seed=1, plan=FEW_BETS, **RUN), truth


def test_selection_recovers_skill_sizing_and_factor(selection):
    """26 quantities within 3.7 posterior sds each (false alarm of a correct fit about .006), and none at the prior's width."""
    found, truth = selection
    assert found.terms.form == "decision"
    theta = found.draws("mu")[:, None] + found.draws("a")
    assert np.all(distance(theta, truth["theta"]) < 3.7)
    assert np.all(distance(found.draws("kappa"), truth["kappa"]) < 3.7)
    sizes = np.stack([found.draws("s_F"), found.draws("s_V")], axis=1)
    assert np.all(distance(sizes, [np.std(truth["F"]), np.std(truth["V"])]) < 3.7)
    assert found.draws("s_F").std() < 0.15, "the prior's sd is .60"
    shocks = draw_shocks(found, seed=2, every=4)
    assert np.corrcoef(shocks.factor.mean(axis=0), truth["F"])[0, 1] > 0.9
    assert np.corrcoef(shocks.desk_day.mean(axis=0), truth["V"])[0, 1] > 0.7


def test_value_add_of_selection_comes_from_the_model(selection):
    """Value-add per decision of each trader covers avg(w (theta + kappa l)) within 3.7 posterior sds."""
    found, truth = selection
    draws, evidence = posterior_draws(found), found.evidence
    for target in targets(evidence):
        j, rows = target.trader, target.rows
        planted = np.mean(evidence.risk[rows] * (truth["theta"][j] + truth["kappa"][j] * evidence.log_size[rows]))
        money = mean_of_rows(draws, evidence, j, rows).money
        assert abs(money.mean() - planted) < 3.7 * money.std()


def test_observed_factor_returns_leave_selection(selection):
    """The same desk with F known: skills within 3.7 sds, and known no worse than with F latent."""
    latent, truth = selection
    evidence = latent.evidence
    observed = make_evidence(
        evidence.y, evidence.trader, evidence.session, risk=evidence.risk, value_add=evidence.value_add, exposure=evidence.exposure,
        factor_return=truth["F"][evidence.session],
    )  # fmt: skip
    found = fit("crossed_selection", observed, seed=1, plan=FEW_BETS, **RUN)
    assert found.terms.form == "observed"
    assert "s_F" not in found
    assert found.identity["evidence"] == observed.digest
    theta = found.draws("mu")[:, None] + found.draws("a")
    assert np.all(distance(theta, truth["theta"]) < 3.7)
    before = (latent.draws("mu")[:, None] + latent.draws("a")).std(axis=0)
    assert np.mean(theta.std(axis=0)) < 1.1 * np.mean(before)


# M5: drift


def simulate_drift(seed=12, traders=12, quarters=8, sessions=10, rows=30):
    """Level sd .08, innovation .06, phi .8; trader 11 stops after half of the quarters."""
    rng = np.random.default_rng(seed)
    trader, session, _ = (c.ravel() for c in np.indices((traders, quarters * sessions, rows)))
    z = np.zeros((traders, quarters))
    z[:, 0] = rng.normal(0, 0.06 / np.sqrt(1 - 0.8**2), traders)
    for q in range(1, quarters):
        z[:, q] = 0.8 * z[:, q - 1] + rng.normal(0, 0.06, traders)
    state = rng.normal(0, 0.08, traders)[:, None] + z
    quarter = session // sessions
    own, desk = rng.normal(0, 0.1, (traders, quarters * sessions)), rng.normal(0, 0.1, quarters * sessions)
    y = state[trader, quarter] + desk[session] + own[trader, session] + rng.normal(0, 0.8, len(trader))
    keep = (trader < traders - 1) | (quarter < quarters // 2)
    names = {"quarter": tuple(f"{2024 + q // 4}Q{q % 4 + 1}" for q in range(quarters))}
    return make_evidence(y[keep], trader[keep], session[keep], labels={"quarter": quarter[keep]}, coords=names), state


@pytest.fixture(scope="module")
def drifting():
    evidence, state = simulate_drift()
    return fit("dynamic", evidence, seed=1, plan=FEW_BETS, **RUN), state


def current(found):
    traders, last = len(found.evidence.coords["trader"]), len(found.evidence.levels("quarter")) - 1
    return theta_at(found, {"trader": np.arange(traders), "quarter": np.full(traders, last)})


def covered(draws, truth):
    low, high = np.quantile(draws, [0.05, 0.95], axis=0)
    return int(np.sum((low <= truth) & (truth <= high)))


def test_drift_recovers_its_parameters_and_every_quarter(drifting):
    found, state = drifting
    assert not found.terms.notes
    assert distance(found.draws("tau_drift")[:, None], np.array([0.06]))[0] < 3
    assert distance(found.draws("phi")[:, None], np.array([0.8]))[0] < 3
    traders, quarters = (c.ravel() for c in np.indices(state.shape))
    inside = covered(theta_at(found, {"trader": traders, "quarter": quarters}), state.ravel())
    assert 0.80 <= inside / state.size <= 0.98, "96 correlated states, nominal .90"


def test_the_current_state_is_covered_where_constant_skill_is_not(drifting):
    """12 traders, nominal 90%: at least 9 with drift (P < .03 for a correct fit), at most 7 when skill is held constant."""
    found, state = drifting
    assert covered(current(found), state[:, -1]) >= 9
    constant = fit("crossed_total", found.evidence, seed=1, plan=FEW_BETS, **RUN)
    assert covered(current(constant), state[:, -1]) <= 7


def test_who_is_not_active_is_known_less_well(drifting):
    found, _ = drifting
    spread = current(found).std(axis=0)
    assert spread[-1] > 1.5 * np.median(spread[:-1])
    draws = posterior_draws(found)
    rows = estimate(draws, found.evidence, targets(found.evidence)[-1], np.zeros(len(draws.desk_day)))
    np.testing.assert_array_equal(np.sign(rows.ir_decision), np.sign(current(found)[:, -1]))


# M7: population


@pytest.mark.parametrize("name", ["population", "population_spike", "population_t"])
def test_populations_recover_forty_traders(name):
    """30 traders of sd .03 and 10 of sd .25: coverage of 90% intervals 32-40 of 40, error at most .85 of the raw means'."""
    rng = np.random.default_rng(13)
    trader, session, _ = (c.ravel() for c in np.indices((40, 20, 5)))
    theta = rng.normal(0, np.where(np.arange(40) < 30, 0.03, 0.25))
    y = (
        theta[trader]
        + rng.normal(0, 0.2, 20)[session]
        + rng.normal(0, 0.2, (40, 20))[trader, session]
        + rng.normal(0, 0.8, len(trader))
    )
    evidence = make_evidence(y, trader, session)
    found = fit(msgspec.structs.replace(read_spec(name), name="mine"), evidence, seed=1, plan=FEW_BETS, **RUN)
    assert not found.terms.notes
    skill = found.draws("mu")[:, None] + found.draws("a")
    assert 32 <= covered(skill, theta) <= 40
    raw = np.bincount(trader, y) / np.bincount(trader)
    assert np.sqrt(np.mean((skill.mean(axis=0) - theta) ** 2)) <= 0.85 * np.sqrt(np.mean((raw - theta) ** 2))
    if name == "population":
        assert found.draws("pi").mean() > 0.5, "most of the desk is narrow"
