"""Models of choices and of trader-day parts give back what was planted. Seeds are fixed on purpose; a failure is a defect."""

import numpy as np
import pytest
import statsmodels.api as sm

from skillstats.evaluation.family import earned, evaluate_choices, evaluate_parts
from skillstats.evidence import make_day_parts
from skillstats.evidence.choices import make_choices
from skillstats.inference.nuts import fit

LAMBDA = np.array([-0.1, 0.0, 0.1, 0.2, 0.3])


def simulate_choices(seed, days=80, per_day=12, blanket=0.0):
    """5 traders; logit = alpha_j + stratum + .5 log size + mood of the day + lambda_j v, v = desk-day .8 + own 1.8: these
    choices say more of a lambda than its prior does.

    `blanket` > 0: the first trader touches all or none of a day instead, whatever v is.
    """
    rng = np.random.default_rng(seed)
    trader, session, _ = (c.ravel() for c in np.indices((len(LAMBDA), days, per_day)))
    rows = len(trader)
    stratum, size = rng.integers(0, 4, rows), rng.normal(size=rows)
    v = 0.8 * rng.normal(size=days)[session] + 1.8 * rng.normal(size=rows)
    mood = 0.6 * rng.normal(size=(len(LAMBDA), days))[trader, session]
    alpha, kind = np.linspace(-1.5, -0.5, len(LAMBDA)), np.array([-0.4, 0.0, 0.1, 0.3])
    logit = alpha[trader] + kind[stratum] + 0.5 * size + mood + LAMBDA[trader] * v
    acted = rng.random(rows) < 1 / (1 + np.exp(-logit))
    if blanket:
        acted = np.where(trader == 0, (rng.random(days) < blanket)[session], acted)
    coords = {
        "trader": tuple("ABCDE"),
        "session": tuple(f"S{s:03d}" for s in range(days)),
        "stratum": tuple("wxyz"),
        "feature": ("size",),
    }
    made = make_choices(
        {"trader": trader, "session": session, "stratum": stratum},
        acted=acted, v_star=v, features=size[:, None], coords=coords,
        source="table", sessions_per_year=252.0, sessions_spanned=days, counts={}, look_ahead=0,
    )  # fmt: skip
    return made, mood


@pytest.fixture(scope="module")
def table():
    return simulate_choices(11)


@pytest.fixture(scope="module")
def chosen(table):
    return fit("propensity", table[0], seed=1)


def test_planted_discrimination_comes_back(chosen):
    """90% intervals hold at least 3 of 5 lambdas (.99 likely with exact coverage) and the order of the ends is right."""
    low, high = np.quantile(chosen.draws("lambda"), [0.05, 0.95], axis=0)
    assert np.sum((low <= LAMBDA) & (high >= LAMBDA)) >= 3
    assert np.mean(chosen.draws("lambda")[:, 0] < chosen.draws("lambda")[:, 4]) > 0.9


def test_slopes_agree_with_maximum_likelihood_given_the_moods(table, chosen):
    """statsmodels' logit with the planted moods as an offset: the feature's slope (hardly pooled) within one posterior sd, .08 above the planted .5
    in these data; the mean of the lambdas within the shrinkage of their prior, whose centre has sd .1."""
    data, mood = table
    size = data.features[:, 0]
    dummies = [np.eye(5)[data.trader], np.eye(4)[data.stratum][:, 1:], (size - size.mean())[:, None] / size.std()]
    design = np.column_stack([*dummies, np.eye(5)[data.trader] * data.v_star[:, None]])
    exact = sm.GLM(data.acted.astype(float), design, family=sm.families.Binomial(), offset=mood).fit()
    beta = chosen.draws("beta")[:, 0]
    assert abs(beta.mean() - exact.params[8]) < beta.std()
    assert abs(chosen.draws("lambda").mean() - exact.params[9:].mean()) < 0.05


def test_choices_earn_belief_and_are_reported(chosen):
    assert chosen.diagnostics.ok, str(chosen.diagnostics)
    result = evaluate_choices(chosen)
    last = result.rows[-1]
    assert (last["trader"], last["status"]) == ("E", "REPORT")
    assert last["p_positive"] > 0.95


def test_what_choosing_earned_agrees_with_a_count(chosen):
    """Mean v of what was touched less the mean over comparable signals, by strata of kind and halves of size; lambda's posterior pulls to the centre."""
    data = chosen.evidence
    own = data.trader == 4
    cell = (data.stratum * 2 + (data.features[:, 0] > 0))[own]
    acted, v = data.acted[own], data.v_star[own]
    n, hits = np.bincount(cell), np.bincount(cell, acted)
    expected = np.sum(hits * np.bincount(cell, v) / n) / hits.sum()
    raw = v[acted].mean() - expected
    draws = earned(chosen, 4)
    assert abs(draws.mean() - raw) < 2 * draws.std() + 0.02


def test_whoever_vetoes_whole_days_is_one_choice_a_day(chosen):
    """A blanket vetoer without skill: sd of lambda is several times that of a trader who picks, as days are the choices."""
    picked = chosen.draws("lambda")[:, 0].std()
    blanket = fit("propensity", simulate_choices(12, blanket=0.2)[0], seed=2)
    shares = blanket.evidence.to_pandas().query("trader == 'A'").groupby("session")["acted"].mean()
    assert set(shares) == {0.0, 1.0}
    low, high = np.quantile(blanket.draws("lambda")[:, 0], [0.05, 0.95])
    assert low < 0 < high
    assert blanket.draws("lambda")[:, 0].std() > picked


TIMING = np.array([0.16, 0.0, 0.0, -0.1, 0.05, 0.0])
SELECTION = np.array([0.0, 0.12, 0.0, -0.05, 0.05, 0.1])
R_E = np.array([[1.0, 0.3, 0.0], [0.3, 1.0, 0.2], [0.0, 0.2, 1.0]])
SIGMA = np.array([0.4, 0.5, 0.8])


@pytest.fixture(scope="module")
def parted():
    """6 traders x 250 days; desk-day shocks of .2, .1, .3 by part, correlated residuals."""
    rng = np.random.default_rng(21)
    traders, days = len(TIMING), 250
    trader, session = (c.ravel() for c in np.indices((traders, days)))
    theta = np.column_stack([np.full(traders, 0.02), TIMING, SELECTION])
    noise = rng.multivariate_normal(np.zeros(3), SIGMA[:, None] * R_E * SIGMA, len(trader))
    y = theta[trader] + (rng.normal(size=(days, 3)) * [0.2, 0.1, 0.3])[session] + noise
    risk = rng.lognormal(8, 0.3, len(trader))
    data = make_day_parts(trader, [f"S{s:03d}" for s in session], y * risk[:, None], risk, sessions_per_year=252.0)
    return fit("hybrid_timing", data, seed=5, draws=1000, tune=1000)


def test_planted_parts_come_back(parted):
    """Of 18 part means the 90% intervals hold at least 13 (.996 likely with exact coverage); shocks and correlations are found."""
    theta = parted.draws("theta")
    truth = np.column_stack([np.full(6, 0.02), TIMING, SELECTION])
    low, high = np.quantile(theta, [0.05, 0.95], axis=0)
    assert np.sum((low <= truth) & (truth <= high)) >= 13
    for name, planted in (("s_V", [0.2, 0.1, 0.3]), ("sigma", np.tile(SIGMA, (6, 1)))):
        np.testing.assert_allclose(parted.draws(name).mean(axis=0), planted, rtol=0.25)
    np.testing.assert_allclose(parted.draws("corr_e").mean(axis=0), R_E, atol=0.08)


def test_parts_earn_belief_and_add_to_the_total(parted):
    assert parted.diagnostics.ok, str(parted.diagnostics)
    result = evaluate_parts(parted).to_pandas()
    for _, own in result.groupby("trader"):
        part, total = own[own["part"] != "total"], own[own["part"] == "total"].iloc[0]
        assert part["mean"].sum() == pytest.approx(total["mean"], rel=1e-9)
        assert part["value_add"].sum() == pytest.approx(total["value_add"], rel=1e-9)
        assert part["share"].sum() == pytest.approx(1.0, rel=1e-9)
    assert result.loc[(result["trader"] == "0") & (result["part"] == "timing"), "p_positive"].item() > 0.95


def test_ir_of_the_total_uses_the_sd_of_the_sum(parted):
    """For one trader against the sample: mean over sd of the summed parts of a day, to within the shrinkage of the mean."""
    data = parted.evidence
    sums = data.y[data.trader == 0].sum(axis=1)
    rows = evaluate_parts(parted).to_pandas()
    total = rows[(rows["trader"] == "0") & (rows["part"] == "total")].iloc[0]
    sd = total["mean"] / total["ir_day"]
    assert sd == pytest.approx(sums.std(), rel=0.1)
    assert total["ir_annual"] == pytest.approx(total["ir_day"] * np.sqrt(252), rel=1e-9)
