"""Sharpe inference, multiplicity and the classics of a desk, against published constants, other programs and brute force."""

from __future__ import annotations

import dataclasses
import json
import math
import sys
from pathlib import Path

import numpy as np
import pytest
import statsmodels.api as sm
from arch.bootstrap import SPA, StepM, optimal_block_length
from scipy import stats

import skillstats as ss
from skillstats.attribution.day_bootstrap import block_length, equal_tailed, resampled_days
from skillstats.errors import DomainError, UsageError
from skillstats.luck import multiplicity as m
from skillstats.luck import sharpe
from skillstats.luck.classics import classics_block, day_matrix

sys.path.insert(0, str(Path(__file__).parent))
from synthetic import make_evidence


def test_expected_maximum_is_near_the_simulated_one():
    """The formula of Bailey and Lopez de Prado is an approximation, good to a few percent from ten trials on."""
    rng = np.random.default_rng(1)
    for trials in (10, 100):
        simulated = rng.normal(0, 0.05, (20_000, trials)).max(axis=1).mean()
        assert float(sharpe.expected_maximum(trials, 0.05**2)) == pytest.approx(simulated, rel=0.03)
    assert float(sharpe.expected_maximum(1, 0.05**2)) == 0


def test_errors_of_a_sharpe_ratio_hold_in_simulation():
    """Skewed returns: the error that knows the skewness is right, the normal one is not."""
    rng = np.random.default_rng(2)
    x = 0.3 - (rng.exponential(1, (20_000, 100)) - 1)
    ratios = x.mean(axis=1) / x.std(axis=1, ddof=1)
    told = float(sharpe.sharpe_error(0.3, 100, skew=-2, kurtosis=9))
    assert ratios.std() == pytest.approx(told, rel=0.08)
    assert float(sharpe.sharpe_error(0.3, 100)) < 0.8 * ratios.std()
    assert ratios.mean() - 0.3 == pytest.approx(float(sharpe.small_sample_bias(0.3, 100, skew=-2, kurtosis=9)), rel=0.35)


def test_small_sample_factor_is_the_simulated_one():
    rng = np.random.default_rng(3)
    x = rng.normal(1, 1, (200_000, 10))
    assert (x.mean(axis=1) / x.std(axis=1, ddof=1)).mean() == pytest.approx(float(sharpe.small_sample_factor(10)), rel=0.005)


def test_track_record_and_psr_are_two_sides_of_one_thing():
    n = float(sharpe.minimum_track_record(0.1, benchmark=0.02, skew=-1, kurtosis=6, certainty=0.9))
    assert float(sharpe.probabilistic_sharpe(0.1, n, benchmark=0.02, skew=-1, kurtosis=6)) == pytest.approx(0.9)
    assert math.isinf(float(sharpe.minimum_track_record(0.1, benchmark=0.1)))


def test_error_with_lags_against_statsmodels():
    rng = np.random.default_rng(4)
    x = np.convolve(rng.normal(0.1, 1, 400), [1, 0.6, 0.3], mode="valid")
    z = (x - x.mean()) / x.std()
    psi = z - 0.5 * x.mean() / x.std() * (z**2 - 1)
    other = sm.OLS(psi, np.ones(len(psi))).fit(cov_type="HAC", cov_kwds={"maxlags": 6})
    assert sharpe.autocorrelated_error(x, 6) == pytest.approx(float(other.bse[0]), rel=1e-9)
    plain = sharpe.sharpe_error(x.mean() / x.std(), len(x), skew=stats.skew(x), kurtosis=stats.kurtosis(x) + 3, ddof=0)
    assert sharpe.autocorrelated_error(x, 0) == pytest.approx(float(plain), rel=1e-9)
    assert sharpe.autocorrelated_error(x) > 1.2 * float(plain)


@pytest.mark.parametrize(
    "call",
    [
        lambda: sharpe.sharpe_error(0.1, 1),
        lambda: sharpe.probabilistic_sharpe(0.1, 30, kurtosis=0.5),
        lambda: sharpe.probabilistic_sharpe(0.5, 30, skew=3, kurtosis=2),
        lambda: sharpe.minimum_track_record(0.1, certainty=0.4),
        lambda: sharpe.expected_maximum(0, 1),
        lambda: sharpe.autocorrelated_error([1, 1, 1]),
        lambda: m.lucky_shares([], []),
        lambda: m.chance_of_mean(0.1, sd=0, periods=3),
        lambda: m.compare_with_nothing(np.ones((20, 2)), block=1),
    ],
)
def test_numbers_outside_their_domain_are_refused(call):
    with pytest.raises(DomainError):
        call()


def test_clustered_t_against_statsmodels_and_by_weight():
    rng = np.random.default_rng(5)
    day = rng.integers(0, 30, 200)
    y = rng.normal(0.1, 1, 200) + rng.normal(0, 1, 30)[day]
    total, count = np.bincount(day, y, 30)[:, None], np.bincount(day, minlength=30).astype(float)[:, None]
    other = sm.OLS(y, np.ones(200)).fit(cov_type="cluster", cov_kwds={"groups": day})
    assert m.clustered_t(total, count)[0] == pytest.approx(float(other.tvalues[0]), rel=1e-9)
    drawn = rng.integers(0, 30, 30)
    weight = np.bincount(drawn, minlength=30).astype(float)[None]
    assert m.clustered_t(total, count, weight)[0, 0] == pytest.approx(m.clustered_t(total[drawn], count[drawn])[0], rel=1e-9)


def test_steps_and_p_agree_with_arch_where_scales_are_equal():
    """Columns of one sd: dividing by it changes nothing, so arch's own classes must say the same."""
    rng = np.random.default_rng(6)
    x = rng.normal(0, 1, (200, 5))
    x = x / x.std(axis=0) + np.array([0.30, 0.18, 0.0, 0.0, -0.1])
    x = x / x.std(axis=0)
    found = m.compare_with_nothing(x, block=3, draws=500, seed=7)
    spa = SPA(np.zeros(200), -x, block_size=3, reps=500, seed=7)
    spa.compute()
    steps = StepM(np.zeros(200), -x, size=0.05, block_size=3, reps=500, seed=7)
    steps.compute()
    assert found.spa_p == float(spa.pvalues["consistent"])
    assert list(found.better) == list(steps.superior_models) and 0 in found.better
    assert 0 in found.best


def test_the_units_of_a_trader_do_not_decide():
    """arch 8 compares means without dividing by their errors; one trader in cents must not drown the others."""
    rng = np.random.default_rng(8)
    x = rng.normal([0.3, 0, 0, 0], 1, (250, 4))
    scaled = x * [1, 1, 1, 1000]
    plain, other = (m.compare_with_nothing(v, block=1, draws=300, seed=1) for v in (x, scaled))
    assert plain == other and plain.better == (0,)


def test_everybody_may_be_better_than_nothing():
    x = np.random.default_rng(9).normal([0.9, 0.35, 0.3], 1, (200, 3))
    assert m.compare_with_nothing(x, block=1, draws=300, seed=1).better == (0, 1, 2)


def test_luck_of_the_best_is_the_maximum_of_normals():
    """Six independent traders, one row a day: the 95% point of the largest t is that of six normals, 2.39; skill does not move it."""
    rng = np.random.default_rng(10)
    x = rng.normal(0, 1, (500, 6))
    for shift in (0.0, 0.4):
        largest = m.best_by_luck(x + shift, np.ones_like(x), block=1, draws=3000, seed=2)
        assert np.quantile(largest, 0.95) == pytest.approx(stats.norm.ppf(0.95 ** (1 / 6)), abs=0.12)


def test_by_is_stricter_than_bh_and_bh_is_by_hand():
    p = np.array([0.001, 0.02, 0.03, 0.2, 0.9])
    by_hand = np.minimum.accumulate((np.sort(p) * 5 / np.arange(1, 6))[::-1])[::-1]
    assert m.adjusted(p) == pytest.approx(by_hand)
    assert np.all(m.adjusted(p, "by") >= m.adjusted(p))
    assert len(m.adjusted([])) == 0


def test_zero_share_is_not_identified_at_desk_size():
    """Twelve people: the estimate of pi0 hardly tells all-zero desks from desks where everybody has a true t of .5."""
    rng = np.random.default_rng(11)
    share = {}
    for true in (0.0, 0.5):
        z = rng.normal(true, 1, (400, 12))
        share[true] = np.mean([m.lucky_shares(2 * (1 - stats.norm.cdf(abs(r))), np.sign(r)).zero for r in z])
    assert 0 < share[0.0] - share[0.5] < 0.15
    large = rng.normal(0, 1, 20_000)
    assert m.lucky_shares(2 * (1 - stats.norm.cdf(abs(large))), np.sign(large)).lucky == pytest.approx(0.10, abs=0.005)


def test_resampled_days_keep_blocks():
    days = resampled_days(100, block=5, draws=400, seed=1)
    follows = np.mean((days[:, 1:] - days[:, :-1]) % 100 == 1)
    assert follows == pytest.approx(1 - 1 / 5 + 1 / 5 / 100, abs=0.01)
    assert np.bincount(days.ravel(), minlength=100).std() < 40
    assert np.array_equal(days, resampled_days(100, block=5, draws=400, seed=1))
    with pytest.raises(UsageError, match="block"):
        resampled_days(10, block=11, draws=5, seed=1)
    low, high = equal_tailed(np.arange(101.0))
    assert (low, high) == pytest.approx((5.0, 95.0))


def test_block_length_is_the_median_rule():
    x = np.random.default_rng(12).normal(0, 1, (300, 3)).cumsum(axis=0)[5:] * 0.1 + np.random.default_rng(13).normal(
        0, 1, (295, 3)
    )
    expected = np.median(optimal_block_length(x)["stationary"])
    assert block_length(x) == pytest.approx(min(expected, 295 / 4))
    assert block_length(x[:10]) == 1 and block_length(np.zeros((50, 2))) == 1


def test_classics_of_a_desk_with_one_skilled_trader():
    evidence = make_evidence(traders=6, sessions=200, per_day=3)
    y = evidence.y + np.where(evidence.trader == 2, 0.45, 0.0)
    evidence = dataclasses.replace(evidence, y=y, value_add=y * evidence.risk)
    found = ss.classics(evidence, seed=3)
    frame = found.to_pandas().set_index("trader")
    total, _ = day_matrix(evidence)
    assert frame.loc["T3", "ir_day"] == pytest.approx(total[:, 2].mean() / total[:, 2].std(ddof=1))
    assert frame.loc["T3", "ir_annual"] == pytest.approx(frame.loc["T3", "ir_day"] * math.sqrt(252))
    assert frame.index[frame["better"]].tolist() == ["T3"] and frame.index[frame["best"].astype(bool)].tolist() == ["T3"]
    assert frame.loc["T3", "t"] > found.luck["q95"] > 1.645 and found.spa_p < 0.01
    assert (frame["dsr"] <= frame["psr"]).all() and (frame["p_by"] >= frame["p_bh"]).all() and (frame["p_bh"] >= frame["p"]).all()
    assert np.isinf(float(sharpe.minimum_track_record(-0.1))) and frame.loc[frame["ir_day"] <= 0, "days_needed"].isna().all()
    assert "benchmark, not the verdict" in str(found) and len(found.summary()) == 6
    assert found == ss.classics(evidence, seed=3)


def test_a_trader_with_few_days_has_no_number_and_a_reason():
    evidence = make_evidence(traders=3, sessions=40, per_day=2)
    kept = (evidence.trader != 1) | (evidence.session < 5)
    names = ("value_add", "risk", "y", "trader", "session", "regime", "action", "decision")
    found = ss.classics(dataclasses.replace(evidence, **{k: getattr(evidence, k)[kept] for k in names}))
    row = found.rows[1]
    assert row.t is None and row.better is None and "active days" in row.note and found.judged == 2


def test_outcomes_have_blocks_of_one_and_maybe_no_year():
    evidence = make_evidence(source="outcomes", sessions_per_year=None)
    found = ss.classics(evidence)
    assert found.block == 1 and found.rows[0].ir_annual is None and found.rows[0].ir_day_error > 0


def test_block_is_json_and_says_when_there_is_nothing():
    block = classics_block(None, make_evidence(), None, seed=1)
    assert json.loads(json.dumps(block, allow_nan=False)) == block | {"luck": dict(block["luck"])}
    assert block["available"] and "shares" not in block and len(block["rows"]) == 3
    assert not classics_block(None, None, None, seed=1)["available"]
    assert not classics_block(None, make_evidence(sessions=5), None, seed=1)["available"]
