"""Each estimand against an independent calculation: a closed form, a slow loop or brute-force simulation."""

import dataclasses
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from scipy import stats
from xarray import DataTree

sys.path.insert(0, str(Path(__file__).parent))
from synthetic import make_evidence, make_fit

from skillstats.errors import DomainError
from skillstats.evaluation.annual import lo_factor, year_of
from skillstats.evaluation.day_errors import clustered_se, day_error_table
from skillstats.evaluation.draws import Standard
from skillstats.evaluation.estimands import estimate, targets
from skillstats.evaluation.forecast import next_quarter, quarter_draws
from skillstats.evaluation.influence import Influence
from skillstats.evaluation.losses import expected_losses
from skillstats.evaluation.needed import still_needed
from skillstats.evaluation.posterior import posterior_draws
from skillstats.evaluation.ranks import order_statements, rank_table, rank_traders
from skillstats.evaluation.tails import tail_contribution
from skillstats.evaluation.variance_split import variance_split


def first(draws):
    """The first draw alone."""
    by_draw = ("theta", "sigma", "desk_day", "trader_day", "tau_trader", "tau_cell")
    standard = Standard(draws.standard.mean[:1], draws.standard.between[:1])
    return replace(draws, chains=1, standard=standard, **{name: getattr(draws, name)[:1] for name in by_draw})


def subset(evidence, keep, **changes):
    names = ("value_add", "risk", "y", "trader", "session", "regime", "action", "decision")
    return make_evidence(**{k: getattr(evidence, k)[keep] for k in names}, **changes)


@pytest.mark.parametrize(("rho", "q"), [(0.2, 252), (-0.15, 252), (0.6, 12), (0.05, 60)])
def test_lo_factor_is_the_sum_of_autocorrelations(rho, q):
    """Lo 2002 eq. 20: eta(q) = q / sqrt(q + 2 sum_k (q - k) rho_k), with rho_k = rho^k; f = eta / sqrt(q)."""
    lags = np.arange(1, q)
    eta = q / np.sqrt(q + 2 * np.sum((q - lags) * rho**lags))
    assert lo_factor(rho, q) == pytest.approx(eta / np.sqrt(q), rel=1e-12)


def test_an_annual_ir_is_corrected_only_where_days_follow_on_from_each_other():
    """AR(1) day totals with rho .5 lower the annual IR by Lo's factor; white ones leave it at the root of active days."""
    rng = np.random.default_rng(4)
    shock = rng.normal(size=250)
    for s in range(1, 250):
        shock[s] = 0.5 * shock[s - 1] + np.sqrt(0.75) * shock[s]
    base = make_evidence(traders=2, sessions=250, per_day=2, coords={**make_evidence(2, 250, 2).coords})
    y = np.where(base.trader == 0, base.y * 0.1 + shock[base.session], base.y)
    evidence = make_evidence(traders=2, sessions=250, per_day=2, y=y, value_add=y * base.risk, coords=base.coords)
    moved, white = year_of(evidence, 0), year_of(evidence, 1)
    assert moved.factor == pytest.approx(lo_factor(moved.rho, 252.0))
    assert 0.4 < moved.rho < 0.65
    assert moved.factor < 0.7
    assert (white.factor, white.active) == (1.0, pytest.approx(252.0))
    draws = posterior_draws(make_fit(evidence, np.array([0.1, 0.1])))
    found = estimate(draws, evidence, targets(evidence)[0], np.zeros(2000))
    np.testing.assert_allclose(found.ir_annual, found.ir_day * np.sqrt(252) * moved.factor)


def test_the_order_of_an_outcomes_table_is_no_order_in_time():
    evidence = make_evidence(source="outcomes")
    assert year_of(evidence, 0).rho is None


def test_ir_of_a_day_is_mean_over_sd_of_simulated_day_sums():
    """Uneven days (1 to 12 decisions), shocks s_V .3, s_U .5, sigma .9, theta .06: 400,000 simulated days, 4 standard errors."""
    rng = np.random.default_rng(5)
    sizes = rng.integers(1, 13, 60)
    session = np.repeat(np.arange(60), sizes)
    n = len(session)
    base = make_evidence(
        traders=1, trader=np.zeros(n, int), session=session, regime=np.zeros(n, int), action=np.zeros(n, int), decision=np.arange(n),
        y=rng.normal(size=n), risk=np.ones(n), value_add=np.ones(n),
    )  # fmt: skip
    draws = posterior_draws(make_fit(base, np.array([0.0])))
    fixed = replace(
        first(draws), theta=np.full((1, draws.theta.shape[1]), 0.06), sigma=np.full((1, *draws.sigma.shape[1:]), 0.9),
        desk_day=np.array([0.3]), trader_day=np.array([[0.5]]), tau_trader=np.array([0.05]), tau_cell=np.array([0.0]),
    )  # fmt: skip
    found = estimate(fixed, base, targets(base)[0], np.zeros(1))
    m = rng.choice(sizes, 400_000).astype(float)
    total = 0.06 * m + m * np.hypot(0.3, 0.5) * rng.normal(size=len(m)) + 0.9 * np.sqrt(m) * rng.normal(size=len(m))
    # the mean day is known, so that only shocks count as luck (section 1): the spread of 0.06 m adds under 0.5% to the sd here
    assert found.ir_day[0] == pytest.approx(total.mean() / total.std(), abs=4 / np.sqrt(400_000) + 0.005 * 0.1)
    assert found.half_life[0] == pytest.approx((0.81 + 0.34) / 0.05**2)


def test_a_common_mix_makes_equal_traders_equal():
    """Two traders alike in each regime, one mostly in the good one: own mix differs, the desk's mix does not."""
    full = make_evidence(traders=2, sessions=120, per_day=2)
    keep = (full.trader == 0) & (full.session % 8 != 0) | (full.trader == 1) & (full.session % 8 < 4)
    keep &= (full.trader == 1) | (full.regime == 0) | (full.session % 4 == 1)
    evidence = subset(full, keep, coords=full.coords)
    fit = make_fit(evidence, np.zeros(2), sd=0.0)
    posterior = fit.tree["posterior"].to_dataset()
    posterior = posterior.assign(mu=0 * posterior["mu"], b=0 * posterior["mu"] + xr.DataArray([0.2, -0.1], dims="regime"))
    tree = DataTree.from_dict({"posterior": posterior, "sample_stats": fit.tree["sample_stats"].to_dataset()})
    fit = replace(fit, tree=tree, terms=replace(fit.terms, skill=("trader", "regime")))
    draws = posterior_draws(fit)
    same = replace(draws, sigma=np.ones_like(draws.sigma), desk_day=draws.desk_day * 0, trader_day=draws.trader_day * 0)
    one, two = (estimate(same, evidence, t, np.zeros(2000)) for t in targets(evidence) if t.regime < 0)
    assert abs(one.ir_decision[0] - two.ir_decision[0]) > 0.02
    np.testing.assert_allclose(one.standard_decision, two.standard_decision, rtol=1e-12)


def test_ranks_agree_with_a_slow_count():
    rng = np.random.default_rng(6)
    ir = rng.normal([1.0, 0.9, 0.0, -0.2, -1.0], 0.5, size=(400, 5))
    found = rank_traders(ir, tuple("ABCDE"))
    places = np.array([[1 + sum(x > own for x in row) for own in row] for row in ir])
    np.testing.assert_allclose(found.mean, places.mean(axis=0))
    np.testing.assert_allclose(found.best, (places == 1).mean(axis=0))
    np.testing.assert_allclose(found.top_quartile, (places <= 2).mean(axis=0))
    assert found.above[0, 2] == pytest.approx((ir[:, 0] > ir[:, 2]).mean())
    for j in range(5):
        assert np.mean((places[:, j] >= found.low[j]) & (places[:, j] <= found.high[j])) >= 0.9


def test_names_are_ordered_only_where_the_data_do():
    """Two clear groups: pairs across them are said, pairs inside are not, and there is no league table."""
    rng = np.random.default_rng(7)
    ir = rng.normal([2.0, 2.1, 0.0, 0.1], 0.4, size=(4000, 4))
    found = rank_traders(ir, ("D", "C", "B", "A"))
    said = {(s["above"], s["below"]) for s in order_statements(found, 0.9)}
    assert said == {("D", "B"), ("D", "A"), ("C", "B"), ("C", "A")}
    assert not found.supported
    table = rank_table(found)
    assert [line["trader"] for line in table] == ["A", "B", "C", "D"], "the order of the names, which says nothing"
    assert all(line["rank_mean"] is None for line in table)
    clear = rank_traders(ir + np.array([3.0, 0, 0, 0]), ("D", "C", "B", "A"))
    assert clear.supported
    assert rank_table(clear)[0]["trader"] == "D"


def test_the_forecast_is_the_quarter_simulated_row_by_row():
    """One draw of the parameters: 3,000 quarters built session by session, row by row; mean and sd within 5 standard errors."""
    full = make_evidence(traders=2, sessions=30, per_day=3, seed=9)
    keep = (full.trader == 1) | (full.session % 3 > 0)
    evidence = subset(full, keep, sessions_spanned=30, coords=full.coords)
    draws = posterior_draws(make_fit(evidence, np.array([0.3, 0.0])))
    one = first(draws)
    by_draw = ("theta", "sigma", "desk_day", "trader_day", "tau_trader", "tau_cell")
    many = replace(one, **{n: np.repeat(getattr(one, n), 3000, axis=0) for n in by_draw})
    mean = one.theta[0, one.column(evidence)]
    rng, slow = np.random.default_rng(10), []
    rows = {s: [np.flatnonzero((evidence.session == s) & (evidence.trader == j)) for j in range(2)] for s in range(30)}
    left = evidence.y - mean
    cov, err = [], []
    for j in range(2):
        own = evidence.trader == j
        cov.append(np.cov(evidence.risk[own], left[own], ddof=0)[0, 1])
        product = (evidence.risk[own] - evidence.risk[own].mean()) * (left[own] - left[own].mean()) - cov[j]
        err.append(np.sqrt(np.sum(np.bincount(evidence.session[own], weights=product) ** 2)) / own.sum())
    for _ in range(3000):
        total, sizing = 0.0, [cov[j] + err[j] * rng.normal() for j in range(2)]
        for s in rng.integers(0, 30, 63):
            desk = one.desk_day[0] * rng.normal()
            for j in range(2):
                theme = one.trader_day[0, j] * rng.normal()
                for i in rows[int(s)][j]:
                    r = evidence.regime[i]
                    y = mean[i] + desk + theme + one.sigma[0, j, r] * rng.normal()
                    total += evidence.risk[i] * y + sizing[j]
        slow.append(total)
    fast, active = quarter_draws(many, evidence, np.array([0, 1]), 63, np.random.default_rng(11))
    assert fast.mean() == pytest.approx(np.mean(slow), abs=5 * np.std(slow) * np.sqrt(2 / 3000))
    assert fast.std() == pytest.approx(np.std(slow), rel=5 * np.sqrt(2) / np.sqrt(2 * 3000))
    assert active.mean() == pytest.approx(63, abs=1e-9)
    alone, days = quarter_draws(many, evidence, np.array([0]), 63, np.random.default_rng(11))
    assert days.mean() == pytest.approx(63 * 20 / 30, abs=5 * np.sqrt(63 * 2 / 9 / 3000))
    assert np.isfinite(alone).all()


def test_no_year_no_quarter():
    evidence = make_evidence(sessions_per_year=None)
    assert next_quarter(posterior_draws(make_fit(evidence, np.zeros(3))), evidence, np.array([0]), 1) is None


def test_the_variance_split_adds_to_one_and_agrees_with_simulated_records():
    """Shares of a record's average: 200,000 simulated traders with the parameters of one draw."""
    evidence = make_evidence(traders=3, sessions=60, per_day=4)
    fit = make_fit(evidence, np.zeros(3))
    split = variance_split(fit)
    for part in ("decision", "record"):
        assert sum(s["mean"] for s in split[part]) == pytest.approx(1.0, abs=1e-12)
        assert all(s["q05"] <= s["mean"] <= s["q95"] or s["q05"] == s["q95"] for s in split[part])
    assert (split["sessions"], split["decisions"]) == (60, 240)
    rng, tau, s_v, s_u, sigma = np.random.default_rng(12), 0.05, 0.1, 0.2, 1.0
    skill = rng.normal(0, tau, 200_000)
    luck = rng.normal(0, np.sqrt(s_v**2 / 60 + s_u**2 / 60 + sigma**2 / 240), 200_000)
    share = np.var(skill) / np.var(skill + luck)
    found = next(s for s in split["record"] if s["key"] == "skill")
    assert found["mean"] == pytest.approx(share, abs=0.03), "draws of tau vary by 20% around .05"


def test_tail_shares_by_hand():
    """Rows 3, 1, -4, 1 on days 0, 0, 1, 2: largest row 4/9, largest day (day totals 4, -4, 1) 4/9; net 1."""
    evidence = make_evidence(
        traders=1, trader=np.zeros(4, int), session=np.array([0, 0, 1, 2]), regime=np.zeros(4, int), action=np.zeros(4, int),
        decision=np.arange(4), y=np.array([3.0, 1, -4, 1]), risk=np.ones(4), value_add=np.array([3.0, 1, -4, 1]),
    )  # fmt: skip
    influence = Influence(
        k=np.array([0.1, 0.9, 0.2]), k_limit=0.7, probability=np.array([[0.5], [0.95], [0.6]]), harm=np.zeros((3, 1)),
        mean=np.array([[0.1], [0.9], [0.2]]), refitted=(1,),
    )  # fmt: skip
    found = tail_contribution(evidence, targets(evidence)[0], influence, 0, 0.6, 0.2)
    assert (found["largest_row"], found["largest_day"]) == (pytest.approx(4 / 9), pytest.approx(4 / 9))
    assert (found["row_of_sum"], found["day_of_sum"]) == (pytest.approx(-4.0), pytest.approx(4.0))
    assert found["without_session"] == evidence.coords["session"][1]
    assert found["probability_change"] == pytest.approx(0.35)
    assert found["ir_change"] == pytest.approx(0.7)
    assert (found["pareto_k"], found["judged"]) == (0.0, True), "fitted again"
    again = tail_contribution(evidence, targets(evidence)[0], dataclasses.replace(influence, refitted=()), 0, 0.6, 0.2)
    assert (again["pareto_k"], again["judged"]) == (0.9, False)


def test_losses_of_a_normal_posterior_are_the_closed_form():
    """m ~ Normal(mu, s): E max(0, m) = mu Phi(mu / s) + s phi(mu / s)."""
    m = np.random.default_rng(13).normal(20.0, 50.0, 400_000)
    gain = 20 * stats.norm.cdf(0.4) + 50 * stats.norm.pdf(0.4)
    found = expected_losses(m, 300)
    assert found.revoke == pytest.approx(300 * gain, rel=0.01)
    assert found.keep == pytest.approx(300 * (gain - 20), rel=0.02)
    assert (found.better, found.evpi) == ("keep", found.keep)
    assert min(found.cap(f) for f in (0, 0.3, 1)) == found.keep, "a cap never wins on expected value"
    assert expected_losses(m, 300, cost=40.0).better == "revoke"
    with pytest.raises(DomainError, match="fraction"):
        found.cap(1.5)


def test_clustered_errors_are_those_of_a_cluster_robust_regression():
    """Against statsmodels' OLS on a constant with cov_type cluster; its correction G/(G-1) (n-1)/(n-k) is ours for k = 1."""
    from statsmodels import api

    rng = np.random.default_rng(14)
    cluster = np.repeat(np.arange(40), rng.integers(1, 9, 40))
    x = rng.normal(size=len(cluster)) + rng.normal(size=40)[cluster]
    fitted = api.OLS(x, np.ones(len(x))).fit(cov_type="cluster", cov_kwds={"groups": cluster})
    assert clustered_se(x, cluster) == pytest.approx(fitted.bse[0], rel=1e-10)


def test_clustered_errors_are_those_of_a_written_out_sandwich():
    """(X'X)^-1 (sum_g X_g' u_g u_g' X_g) (X'X)^-1 with the factor G / (G - 1), matrices written out."""
    rng = np.random.default_rng(15)
    cluster = np.repeat(np.arange(25), rng.integers(1, 7, 25))
    x = rng.normal(size=len(cluster)) + 2 * rng.normal(size=25)[cluster]
    design, bread = np.ones((len(x), 1)), np.array([[1 / len(x)]])
    u = x - x.mean()
    meat = sum(design[cluster == g].T @ np.outer(u[cluster == g], u[cluster == g]) @ design[cluster == g] for g in range(25))
    assert clustered_se(x, cluster) == pytest.approx(np.sqrt((bread @ meat @ bread)[0, 0] * 25 / 24), rel=1e-12)


def test_the_table_of_day_errors_knows_that_a_day_is_a_bet():
    """All rows of a day equal: 60 days of 4 rows are worth 60 and not 240, for a trader and for the desk."""
    base = make_evidence()
    day = np.random.default_rng(16).normal(size=(3, 60))
    value = day[base.trader, base.session]
    table = day_error_table(make_evidence(value_add=value, y=value / base.risk))
    assert [line["trader"] for line in table] == ["T1", "T2", "T3", None]
    assert table[0]["n_eff"] == pytest.approx(60, rel=0.03)
    assert table[0]["mean_se"] == pytest.approx(day[0].std(ddof=1) / np.sqrt(60), rel=1e-9)
    assert table[0]["mean_q95"] - table[0]["mean"] == pytest.approx(stats.t.ppf(0.95, 59) * table[0]["mean_se"], rel=1e-9)


def test_what_is_still_needed_takes_off_what_was_seen():
    """Annual IR 1 at 500 effective decisions a year (2 a day): 12.1 years under the shipped prior and hurdle; half a year is gone."""
    found = still_needed(1.0, n_eff=252.0, days=126, active=252.0, hurdle=0.25, prior_sd=0.5, certainty=0.9)
    assert found["years"] == pytest.approx(12.09, abs=0.01)
    assert found["decisions"] == pytest.approx(12.09 * 504 - 252, rel=0.001)
    assert found["days"] == pytest.approx(found["decisions"] / 2, abs=1)
    assert still_needed(0.2, n_eff=252.0, days=126, active=252.0, hurdle=0.25, prior_sd=0.5, certainty=0.9)["days"] is None
