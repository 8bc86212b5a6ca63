"""Estimators of a study against independent calculations: statsmodels, scipy, published numbers, and sums by hand."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats
from statsmodels.stats.meta_analysis import combine_effects

from skillstats.luck.power import decisions_needed
from skillstats.study.designs import Design, lay_table
from skillstats.study.estimators import COLUMNS, WORDS, Rules, make_estimator
from skillstats.study.estimators.protocol import best_act, worth
from skillstats.study.estimators.registry import CATALOGUE, RIVALS
from skillstats.study.estimators.sums import sums_of
from skillstats.study.worlds import to_evidence, with_outcomes

DESK = Design("desk", "bursts", traders=7, sessions=80, rows=3, regimes=2, actions=1)
RULES = Rules(hurdle=0.25, certainty=0.90)
GIVES_PROBABILITIES = {"psr", "dl", "reml", "mixed_model", "bambi", "conjugate", CATALOGUE}
GIVES_INTERVALS = GIVES_PROBABILITIES | {"decision_t", "day_t"}


@pytest.fixture(scope="module")
def desk():
    rng = np.random.default_rng(7)
    blank = to_evidence(lay_table(DESK, rng), np.zeros(0), DESK)
    theta, day = 0.15 * rng.standard_normal(7), 0.4 * rng.standard_normal((7, 80))
    y = theta[blank.trader] + day[blank.trader, blank.session] + rng.standard_normal(len(blank))
    return with_outcomes(blank, y)


def ask(word, evidence, rules=RULES, **options):
    return make_estimator(word, **options).method(evidence, seed=3, rules=rules)


def traders(frame):
    return frame[frame["regime"] == "all"].set_index("trader")


@pytest.mark.parametrize("word", [w for w in WORDS if w != "bambi"])
def test_every_estimator_answers_for_every_trader_and_cell_and_invents_nothing(desk, word):
    answer = ask(word, desk)
    assert list(answer.columns[: len(COLUMNS)]) == list(COLUMNS)
    assert len(answer) == 7 * 3 and not answer.duplicated(["trader", "regime"]).any()
    assert set(answer["decision"]) <= {"keep", "cap", "revoke"} and answer["claim"].isin([True, False]).all()
    assert answer["p_above_hurdle"].notna().all() == (word in GIVES_PROBABILITIES)
    assert answer["p_above_hurdle"].notna().any() == (word in GIVES_PROBABILITIES)
    assert answer["low90"].notna().all() == (word in GIVES_INTERVALS)
    assert answer["estimate"].notna().all() == (word != "hit_payoff")
    pd.testing.assert_frame_equal(answer, ask(word, desk))


def test_day_t_is_the_clustered_error_of_statsmodels(desk):
    answer = traders(ask("day_t", desk))
    for j, name in enumerate(desk.coords["trader"]):
        own = desk.trader == j
        fit = sm.OLS(desk.y[own], np.ones(own.sum())).fit(
            cov_type="cluster", cov_kwds={"groups": desk.session[own], "use_correction": False}
        )
        groups = len(np.unique(desk.session[own]))
        se = fit.bse[0] * np.sqrt(groups / (groups - 1))
        assert answer.loc[name, "score"] == pytest.approx(desk.y[own].mean() / se, rel=1e-9)
        half = stats.t.isf(0.05, groups - 1) * se
        assert answer.loc[name, "high90"] == pytest.approx(desk.y[own].mean() + half, rel=1e-9)
        assert bool(answer.loc[name, "claim"]) == (stats.t.sf(answer.loc[name, "score"], groups - 1) < 0.10)


def test_decision_t_is_scipys_one_sample_test(desk):
    answer = traders(ask("decision_t", desk))
    for j, name in enumerate(desk.coords["trader"]):
        test = stats.ttest_1samp(desk.y[desk.trader == j], 0.0)
        assert answer.loc[name, "score"] == pytest.approx(test.statistic, rel=1e-12)
        low, high = test.confidence_interval(0.90)
        assert (answer.loc[name, "low90"], answer.loc[name, "high90"]) == pytest.approx((low, high), rel=1e-10)


def test_random_effects_are_those_of_statsmodels(desk):
    sums = sums_of(desk)[0]
    there = combine_effects(sums.mean, sums.se**2, method_re="dl")
    tau2 = float(there.tau2)
    assert tau2 > 0
    own = tau2 / (tau2 + sums.se**2)
    blup = there.mean_effect_re + own * (sums.mean - there.mean_effect_re)
    answer = ask("dl", desk).iloc[:7]
    np.testing.assert_allclose(answer["estimate"], blup, rtol=1e-9)
    weight = 1 / (tau2 + sums.se**2)
    np.testing.assert_allclose(answer["sd"], np.sqrt(own * sums.se**2 + (1 - own) ** 2 / weight.sum()), rtol=1e-9)


def test_reml_maximises_the_restricted_likelihood(desk):
    sums = sums_of(desk)[0]
    answer = ask("reml", desk).iloc[:7]

    def restricted(t2):
        w = 1 / (sums.se**2 + t2)
        mu = np.sum(w * sums.mean) / w.sum()
        return -0.5 * (np.sum(np.log(1 / w)) + np.log(w.sum()) + np.sum(w * (sums.mean - mu) ** 2))

    grid = np.linspace(0, 0.2, 200_001)
    t2 = float(grid[np.argmax([restricted(t) for t in grid])])
    w = 1 / (sums.se**2 + t2)
    mu = np.sum(w * sums.mean) / w.sum()
    np.testing.assert_allclose(answer["estimate"], mu + t2 * w * (sums.mean - mu), atol=2e-5)


def test_james_stein_of_the_eighteen_ball_players():
    """Efron and Morris 1975: 18 averages after 45 at bats, sd .0659; weight .212 on the own average, centre .265; Clemente .400 becomes .294."""
    hits = np.array([18, 17, 16, 15, 14, 14, 13, 12, 11, 11, 10, 10, 10, 10, 10, 9, 8, 7])
    rng = np.random.default_rng(1)
    design = Design("players", "balanced", traders=18, sessions=45, rows=1, regimes=1, actions=1)
    blank = to_evidence(lay_table(design, rng), np.zeros(0), design)
    # outcomes of each player with mean hits / 45 and a standard error of .0659 exactly, whatever the mean
    z = rng.standard_normal((18, 45))
    z = (z - z.mean(axis=1, keepdims=True)) / z.std(axis=1, ddof=1, keepdims=True)
    y = hits[:, None] / 45 + 0.0659 * np.sqrt(45) * z
    answer = ask("james_stein", with_outcomes(blank, y[blank.trader, blank.session]))
    assert answer["estimate"].iloc[0] == pytest.approx(0.294, abs=0.001)
    assert answer["estimate"].mean() == pytest.approx(0.265, abs=0.001)


def test_hit_rate_times_pay_off_is_gains_over_losses(desk):
    answer = traders(ask("hit_payoff", desk))
    y = desk.y[desk.trader == 2]
    hit, gain, loss = np.mean(y > 0), y[y > 0].mean(), -y[y < 0].mean()
    assert answer["score"].iloc[2] == pytest.approx(hit * gain / ((1 - hit) * loss))


def test_probabilistic_and_deflated_sharpe_use_session_totals(desk):
    from skillstats.luck.sharpe import deflated_sharpe, probabilistic_sharpe

    totals = [np.bincount(desk.session[desk.trader == j], desk.y[desk.trader == j]) for j in range(7)]
    active = [np.bincount(desk.session[desk.trader == j]) > 0 for j in range(7)]
    days = [t[a] for t, a in zip(totals, active, strict=True)]
    sharpe = [d.mean() / d.std(ddof=1) for d in days]
    d = days[4]
    shape = {"skew": stats.skew(d), "kurtosis": stats.kurtosis(d, fisher=False)}
    pace = len(d) * 252 / 80
    psr = float(probabilistic_sharpe(sharpe[4], len(d), benchmark=0.25 / np.sqrt(pace), **shape))
    dsr = float(deflated_sharpe(sharpe[4], len(d), trials=7, variance=np.var(sharpe, ddof=1), **shape))
    assert traders(ask("psr", desk))["p_above_hurdle"].iloc[4] == pytest.approx(psr)
    assert traders(ask("dsr", desk))["score"].iloc[4] == pytest.approx(dsr)


def test_a_list_screened_for_false_discoveries_keeps_its_rate(desk):
    """FDR+ of the list, from the definition, is at most 10%; one person more would exceed it."""
    skilled = with_outcomes(desk, desk.y + 0.4 * (desk.trader < 3) - 0.1 * (desk.trader > 4))
    sums = sums_of(skilled)[0]
    t = sums.mean / sums.se
    p = 2 * stats.t.sf(np.abs(t), sums.days - 1)
    claimed = ask("pi_plus", skilled)["claim"].iloc[:7].to_numpy()
    pi0 = min(1.0, np.mean(p > 0.5) / 0.5)

    def rate(gamma):
        return pi0 * gamma / 2 / np.mean((p <= gamma) & (t > 0))

    inside = p[claimed]
    assert claimed.any() and rate(inside.max()) <= 0.10
    outside = p[(t > 0) & ~claimed]
    assert all(rate(g) > 0.10 for g in outside)


def test_a_known_prior_is_conjugate(desk):
    answer = traders(ask("conjugate", desk, prior_sd=0.2))
    y = desk.y[desk.trader == 1]
    v = 1 / (len(y) / y.var(ddof=1) + 25)
    assert answer["estimate"].iloc[1] == pytest.approx(v * y.sum() / y.var(ddof=1))
    assert answer["sd"].iloc[1] == pytest.approx(np.sqrt(v))


def test_our_estimator_says_what_evaluate_says(desk):
    """The posterior mean IR of the evaluation is the estimator's, draw for draw: the same seed and run length."""
    from skillstats.evaluation.evaluate import evaluate
    from skillstats.plan import Plan
    from skillstats.spec import read_spec
    from skillstats.study.engines import posterior

    answer = ask(CATALOGUE, desk)
    from skillstats.inference.breadth import bets_per_year

    design = dataclasses.replace(DESK, bets_per_year=bets_per_year(desk).value)
    rows = evaluate(posterior(read_spec("crossed_total"), desk, design, engine="gibbs", seed=3), Plan()).rows
    shown = {(r["trader"], r["regime"]): r["p_above_hurdle"] for r in rows if r["p_above_hurdle"] is not None}
    own = answer.set_index(["trader", "regime"])["p_above_hurdle"]
    for key, value in shown.items():
        assert own[key] == pytest.approx(value, abs=1e-12)


@pytest.mark.slow
def test_the_mixed_model_is_bambis(desk):
    """`(1|trader) + (1|trader:regime)` by our Gibbs engine and by bambi: means within .15 posterior sds, sds within 15%, at 1,000 draws each."""
    pytest.importorskip("bambi")
    ours, theirs = traders(ask("mixed_model", desk)), traders(ask("bambi", desk))
    assert np.max(np.abs(ours["estimate"] - theirs["estimate"]) / theirs["sd"]) < 0.15
    assert np.max(np.abs(ours["sd"] / theirs["sd"] - 1)) < 0.15


def test_an_absent_bambi_is_named_with_its_remedy(desk, monkeypatch):
    from skillstats.errors import UsageError
    from skillstats.study.estimators import mixed

    monkeypatch.setattr(mixed, "find_spec", lambda _: None)
    with pytest.raises(UsageError, match="pip install bambi, or name mixed_model"):
        ask("bambi", desk)


def test_a_trader_with_one_decision_breaks_nobody(desk):
    kept = np.concatenate([[0], np.flatnonzero(desk.trader > 0)])
    part = {k: getattr(desk, k)[kept] for k in ("value_add", "risk", "y", "trader", "session", "regime", "action", "decision")}
    few = dataclasses.replace(desk, **part)
    for word in RIVALS:
        if word == "bambi":
            continue
        answer = traders(ask(word, few))
        assert not answer["claim"].iloc[0] or word in {"raw", "hit_payoff", "mixed_model", "james_stein"}, word


def test_worth_of_acts_and_the_thresholds_they_imply():
    """Keep above 1.5 hurdles, revoke below half a hurdle; full size pays exactly where IR exceeds the hurdle."""
    assert best_act(np.array([0.124, 0.126, 0.374, 0.376]), 0.25) == ["revoke", "cap", "cap", "keep"]
    assert worth("keep", 0.25, 0.25) == pytest.approx(0.0)


def test_annual_ir_of_sums_is_the_ratio_of_day_totals(desk):
    sums = sums_of(desk)[0]
    own = desk.trader == 3
    totals = np.bincount(desk.session[own], desk.y[own])[np.bincount(desk.session[own]) > 0]
    annual = totals.mean() / totals.std(ddof=1) * np.sqrt(len(totals) * 252 / 80)
    assert sums.mean[3] * sums.annual_per_y[3] == pytest.approx(annual)
    assert decisions_needed(annual_ir=1.0, breadth=586) == pytest.approx(7084, abs=1)
