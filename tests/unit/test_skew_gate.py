"""The gate between mean and location: its arithmetic against slow calculations, and what it does to an evaluation."""

import dataclasses
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from xarray import DataTree

sys.path.insert(0, str(Path(__file__).parent))
from synthetic import make_evidence, make_fit

from skillstats.evaluation import evaluate
from skillstats.luck.skew_gate import (
    SkewCheck,
    day_level_mean,
    location_gap,
    shock_adjusted,
    skew_checks,
    student_t_location,
    student_t_refusal,
)
from skillstats.spec import read_spec


@pytest.fixture(autouse=True)
def no_refits(monkeypatch):
    monkeypatch.setattr(sys.modules["skillstats.evaluation.evaluate"], "refit_ir", lambda *a, **k: None)


def test_location_is_the_best_of_scipys_density():
    """Profile of the penalised likelihood on a grid of locations, scales and nu by scipy: the optimum is where we say it is."""
    y = np.random.default_rng(3).standard_t(3, 200) + 0.4 * np.random.default_rng(4).exponential(1, 200)
    found, z, step = student_t_location(y), (y - np.median(y)) / y.std(), 0.02

    def profile(location):
        grid = [(s, g) for s in np.linspace(0.3, 1.0, 71) for g in np.linspace(-1.0, 3.0, 81)]
        return max(stats.t.logpdf(z, 2 + np.exp(g), location, s).sum() - 0.5 * ((g - 1.5) / 1.5) ** 2 for s, g in grid)

    at = (found - np.median(y)) / y.std()
    middle = profile(at)
    assert middle >= profile(at - step)
    assert middle >= profile(at + step)


def test_gap_does_not_depend_on_unit_or_origin():
    y = np.random.default_rng(5).lognormal(0, 0.5, 300)
    assert location_gap(250 * y - 1e4) == pytest.approx(location_gap(y), rel=1e-4)
    assert location_gap(-y) == pytest.approx(-location_gap(y), rel=1e-4)


def test_shocks_taken_out_are_the_dense_linear_predictions():
    """y minus E[V + U | y] by inverting the covariance of all rows."""
    evidence = make_evidence(traders=3, sessions=8, per_day=3)
    sigma, s_u, s_v = np.array([0.9, 1.1, 0.7]), np.array([0.3, 0.0, 0.5]), 0.4
    t, s, y = evidence.trader, evidence.session, evidence.y
    centre = np.array([y[t == j].mean() for j in range(3)])[t]
    same_session = s[:, None] == s
    shocks = s_v**2 * same_session + (s_u[t] ** 2)[:, None] * (same_session & (t[:, None] == t))
    expected = y - shocks @ np.linalg.solve(shocks + np.diag(sigma[t] ** 2), y - centre)
    np.testing.assert_allclose(shock_adjusted(evidence, sigma, s_u, s_v), expected, rtol=1e-10)


def test_day_level_mean_is_generalised_least_squares():
    evidence = make_evidence(traders=1, sessions=30, per_day=4)
    keep = np.random.default_rng(1).random(len(evidence)) < 0.6
    fields = ("value_add", "risk", "y", "trader", "session", "regime", "action", "decision")
    thin = make_evidence(traders=1, sessions=30, **{k: getattr(evidence, k)[keep] for k in fields})
    rho = 0.3
    covariance = rho * (thin.session[:, None] == thin.session) + (1 - rho) * np.eye(len(thin))
    weight = np.linalg.solve(covariance, np.ones(len(thin)))
    assert day_level_mean(thin, 0, rho) == pytest.approx(weight @ thin.y / weight.sum(), rel=1e-10)


def check(trader="T1", n_eff=900.0, gap=0.4):
    return SkewCheck(trader, n_eff, gap, 0.1, -5.0, 0.2, 0.05)


def test_student_t_is_refused_below_600_without_a_test():
    assert student_t_refusal([check(), check("T2")], 0.4) == ""
    assert "'T2' has 599" in student_t_refusal([check(), check("T2", n_eff=599.4, gap=0.0)], 0.4)


def test_student_t_is_refused_for_one_skewed_trader_or_a_failed_check():
    assert "'T2' are 2.1 standard errors apart" in student_t_refusal([check(), check("T2", gap=-2.1)], 0.4)
    assert "p = 0.00" in student_t_refusal([check()], 0.0)


def picker(mean_day):
    """T1 of three: small gains, rare large losses on few days; the days' mean has the sign of `mean_day`."""
    evidence = make_evidence(traders=3, sessions=80, per_day=10, seed=4)
    y, rng = evidence.y.copy(), np.random.default_rng(9)
    own = evidence.trader == 0
    y[own] = 0.2 + 0.1 * rng.standard_normal(own.sum())
    losses = np.flatnonzero(own)[::27]
    y[losses] = 0.0
    y[losses] = (mean_day * own.sum() - y[own].sum()) / len(losses)
    return make_evidence(traders=3, sessions=80, per_day=10, y=y, value_add=y * evidence.risk)


def codes(result, trader):
    row = next(r for r in result.rows if (r["trader"], r["regime"]) == (trader, "all"))
    return {c["code"] for c in row["codes"]}


def test_a_trader_is_withheld_where_gate_and_day_mean_both_object():
    against = evaluate(make_fit(picker(-0.05), np.array([0.1, 0.0, 0.0])))
    assert "E-SKEW" in codes(against, "T1")
    assert "E-SKEW" not in codes(against, "T2")
    agreeing = evaluate(make_fit(picker(+0.05), np.array([0.1, 0.0, 0.0])))
    assert "E-SKEW" not in codes(agreeing, "T1")


def test_the_reader_is_told_the_skewness_and_the_worst_loss():
    evidence = picker(+0.05)
    result = evaluate(make_fit(evidence, np.array([0.1, 0.0, 0.0])))
    own = evidence.value_add[evidence.trader == 0]
    share = -own.min() / -own[own < 0].sum()
    assert f"worst decision {own.min():.4g} USD, {share:.0%} of all losses" in result.caveats[0]
    told = {t["trader"]: t for t in result.diagnostics["skew"]["traders"]}
    assert told["T1"]["fails"] and not told["T2"]["fails"]
    assert told["T1"]["skewness"] < -2


def test_nothing_is_said_where_nothing_is_skewed():
    result = evaluate(make_fit(make_evidence(), np.array([0.1, 0.0, 0.0])))
    assert not any("skewed" in c for c in result.caveats)


def test_a_trader_whose_outcomes_do_not_vary_has_no_gap():
    evidence = make_evidence()
    y = np.where(evidence.trader == 0, 0.5, evidence.y)
    found = skew_checks(make_evidence(y=y, value_add=y * evidence.risk), np.ones(3), np.zeros(3), 0.0, np.full(3, 700.0))
    assert found[0].gap is None and not found[0].fails


def student_t_fit(evidence):
    """A heavy_scale fit of chosen draws, nu about 8."""
    fit = make_fit(evidence, np.array([0.1, 0.0, 0.0]))
    posterior = fit.tree["posterior"].to_dataset()
    posterior = posterior.assign(nu=8.0 + 0.1 * posterior["mu"] / posterior["mu"].std())
    tree = DataTree.from_dict({"posterior": posterior, "sample_stats": fit.tree["sample_stats"].to_dataset()})
    return dataclasses.replace(fit, tree=tree, spec=read_spec("heavy_scale"))


def test_a_student_t_may_be_the_headline_behind_the_gate():
    """1,600 decisions a trader, about 840 effective ones, symmetric outcomes of moderately heavy tails."""
    rng = np.random.default_rng(2)
    evidence = make_evidence(traders=3, sessions=80, per_day=20)
    y = np.sqrt(0.75) * rng.standard_t(8, len(evidence))
    made = make_evidence(traders=3, sessions=80, per_day=20, y=y, value_add=y * evidence.risk)
    result = evaluate(student_t_fit(made))
    assert "E-SKEW" not in {c["code"] for c in result.codes}
    assert all(t["testable"] for t in result.diagnostics["skew"]["traders"])
    assert next(r for r in result.rows if r["regime"] == "all")["ir_annual_mean"] is not None


def test_one_skewed_trader_refuses_the_student_t_for_all():
    rng = np.random.default_rng(3)
    evidence = make_evidence(traders=3, sessions=80, per_day=20)
    y = np.where(evidence.trader == 1, (np.exp(rng.normal(0, 0.5, len(evidence))) - np.exp(0.125)) / 0.604, evidence.y)
    made = make_evidence(traders=3, sessions=80, per_day=20, y=y, value_add=y * evidence.risk)
    result = evaluate(student_t_fit(made))
    assert result.status == "WITHHOLD"
    assert any("'T2'" in c["text"] for c in result.codes if c["code"] == "E-SKEW")
    assert all(r["ir_annual_mean"] is None for r in result.rows)


def test_many_equal_outcomes_have_a_location_without_an_overflow():
    """Most outcomes of a game are one and the same value: the location is that value, and no number overflows (numpy warnings are errors)."""
    rng = np.random.default_rng(3)
    sample = np.where(rng.random(400) < 0.8, 0.0, rng.choice([-30.0, 10.0], 400))
    with np.errstate(all="raise"):
        assert student_t_location(sample) == pytest.approx(0.0, abs=0.01 * sample.std())
        assert np.isfinite(location_gap(sample))
