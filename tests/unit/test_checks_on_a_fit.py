"""Predictive checks, leave-one-session-out scores and comparison of models, against closed forms and planted misfits."""

import dataclasses
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

sys.path.insert(0, str(Path(__file__).parent))
from synthetic import make_evidence, make_fit

import skillstats as ss
from skillstats.errors import UsageError
from skillstats.evaluation.day_scores import compare_scores, day_scores, score_days, stacking_weights
from skillstats.evaluation.posterior import posterior_draws
from skillstats.evaluation.predictive import STATISTICS, missed, predictive_checks


def checked(y, **changes):
    """Checks of the outcomes `y` under the parameters of the synthetic fit."""
    base = make_evidence(traders=4, sessions=120, per_day=8)
    evidence = make_evidence(traders=4, sessions=120, per_day=8, y=y, value_add=y * base.risk, **changes)
    return predictive_checks(posterior_draws(make_fit(evidence, np.zeros(4), sd=0.005)), evidence, 1, replications=200)


def true_record(seed, risk_error):
    """Outcomes with the shocks of the synthetic fit (s_V .1, s_U .2, sigma 1) and, if asked, a divisor estimated from 21 returns."""
    rng, base = np.random.default_rng(seed), make_evidence(traders=4, sessions=120, per_day=8)
    y = 0.1 * rng.normal(size=120)[base.session] + 0.2 * rng.normal(size=(4, 120))[base.trader, base.session]
    y = y + rng.normal(size=len(base))
    return y * np.sqrt(19 / rng.chisquare(21, len(y))) if risk_error else y


def test_a_risk_estimated_from_21_returns_is_no_misfit():
    """20 records of normal markets: 7 checks at 2% each, so about 3 of 140 fall outside; 10 or more has probability .0008."""
    outside = sum(len(missed(checked(true_record(seed, risk_error=True)))) for seed in range(20))
    assert outside <= 9


def test_without_the_error_of_the_risk_forecast_the_tails_would_always_be_flagged():
    """The same records with a replication that divides by a known risk (an outcomes table): mostly the tails are missed."""
    flagged = sum(
        bool({"largest_share", "minimum"} & set(missed(checked(true_record(seed, risk_error=True), source="outcomes"))))
        for seed in range(10)
    )
    assert flagged >= 3


@pytest.mark.parametrize(
    ("name", "spoil"),
    [
        ("skewness", lambda y, rng: np.where(rng.random(len(y)) < 0.03, y - 4.0, y + 0.12)),
        ("largest_share", lambda y, rng: np.where(np.arange(len(y)) == 77, 25.0, y)),
        ("minimum", lambda y, rng: np.where(np.arange(len(y)) == 77, -25.0, y)),
        ("day_variance", lambda y, rng: y + 0.65 * rng.normal(size=(4, 120)).repeat(8, axis=1).ravel()),
        ("lag_1", lambda y, rng: y + np.tile(0.5 * np.sin(np.arange(120) / 6).repeat(8), 4)),
        ("hit_rate", lambda y, rng: np.sign(y) * np.abs(y) + 0.25),
        ("trader_spread", lambda y, rng: y + np.array([0.4, -0.4, 0.4, -0.4]).repeat(960)),
    ],
)
def test_a_planted_misfit_is_named(name, spoil):
    """Correlation .3 left out, one huge outcome, a penny-picker, ...: the statistic made for it falls outside [.01, .99]."""
    rng = np.random.default_rng(2)
    assert name in missed(checked(spoil(true_record(3, risk_error=True), rng)))


def test_the_picture_holds_every_replication():
    checks = checked(true_record(1, risk_error=True))
    assert set(checks) == set(STATISTICS)
    for check in checks.values():
        assert sum(check.counts) == 200
        assert 0 < check.p < 1
        assert check.low < check.high


def test_scores_agree_with_the_exact_predictive_density():
    """y_s ~ Normal(theta, 1), flat prior, 40 sessions: p(y_s | others) is Normal(mean of others, sqrt(1 + 1/39)) exactly."""
    rng = np.random.default_rng(8)
    y = rng.normal(0.2, 1, 40)
    theta = rng.normal(y.mean(), 1 / np.sqrt(40), 40_000)
    found = score_days(stats.norm.logpdf(y, theta[:, None], 1), np.arange(40))
    exact = stats.norm.logpdf(y, (y.sum() - y) / 39, np.sqrt(1 + 1 / 39))
    np.testing.assert_allclose(found.score, exact, atol=0.01)
    assert found.elpd == pytest.approx(exact.sum(), abs=0.1)
    assert found.se == pytest.approx(np.sqrt(40) * exact.std(ddof=1), rel=0.02)


def test_a_clearly_better_model_is_named_and_a_tie_is_not():
    """300 sessions of Normal(0, 1): a model with sd 2 loses, one with sd 1.01 cannot be told from the truth."""
    y = np.random.default_rng(9).normal(size=300)
    draws = np.zeros((500, 1))
    right, near, wrong = (score_days(stats.norm.logpdf(y, draws, sd), np.arange(300)) for sd in (1.0, 1.01, 2.0))
    clear = compare_scores({"narrow": right, "wide": wrong})
    assert clear.text.startswith("narrow predicts unseen sessions better than wide")
    assert clear.table.loc["wide", "difference"] == pytest.approx(wrong.elpd - right.elpd)
    assert clear.table.loc["wide", "difference_se"] == pytest.approx(np.sqrt(300) * (wrong.score - right.score).std(ddof=1))
    assert compare_scores({"a": right, "b": near}).text.startswith("the data do not tell")


def test_a_heavy_session_silences_the_comparison():
    y = np.r_[np.random.default_rng(10).normal(size=40), 30.0]
    theta = np.random.default_rng(11).normal(y.mean(), 1 / np.sqrt(41), 4000)
    one = score_days(stats.norm.logpdf(y, theta[:, None], 1), np.arange(41))
    assert one.k.max() > one.k_limit
    assert compare_scores({"a": one, "b": one}).text.startswith("nothing is said: for a, b")


def test_stacking_finds_the_best_mixture():
    """Two models, each right on its share of sessions: the weight is the maximum of the mixture's score on a fine grid."""
    rng = np.random.default_rng(12)
    score = np.log(rng.uniform(0.05, 1, (200, 2)))
    score[:140, 0] += 1.0
    grid = np.linspace(0, 1, 100_001)[:, None]
    value = np.log(grid * np.exp(score[:, 0]) + (1 - grid) * np.exp(score[:, 1])).sum(axis=1)
    assert stacking_weights(score)[0] == pytest.approx(float(grid[value.argmax(), 0]), abs=1e-3)


def test_fits_of_different_evidence_are_not_compared():
    one, two = (make_fit(make_evidence(seed=s), np.zeros(3)) for s in (1, 2))
    with pytest.raises(UsageError, match="different evidence"):
        ss.compare({"one": one, "two": two})
    with pytest.raises(UsageError, match="at least 2"):
        ss.compare({"one": one})
    same = dataclasses.replace(one, tree=make_fit(one.evidence, np.zeros(3), seed=5).tree)
    found = ss.compare({"one": one, "same": same})
    assert found.table["weight"].sum() == pytest.approx(1)
    assert day_scores(one).elpd == pytest.approx(found.table.loc["one", "elpd"])
