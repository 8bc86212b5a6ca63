"""Bands of ranks: exact against enumeration and simulation, false alarms as stated, power as the specification tabulates it."""

import itertools

import numpy as np
import pytest
from scipy import stats

from skillstats.study.bands import band, binomial_band, counts, inside_probability, rank_p_value, rank_statistic

K = 100


@pytest.mark.parametrize(("n", "k", "gamma"), [(1, 2, 0.5), (3, 4, 0.3), (4, 3, 0.1), (5, 3, 0.5)])
def test_the_recursion_equals_enumeration_of_all_ranks(n, k, gamma):
    inside = [rank_statistic(np.array(r), k) > gamma * (1 + 1e-9) for r in itertools.product(range(k), repeat=n)]
    assert inside_probability(n, k, gamma) == pytest.approx(np.mean(inside), abs=1e-12)


def test_two_ranks_of_two_by_hand():
    # the count below 1 is Binomial(2, 1/2): 0, 1, 2 with 1/4, 1/2, 1/4; levels 1/2, 3/2, 1/2
    assert rank_statistic(np.array([1, 1]), 2) == pytest.approx(0.5)
    assert rank_p_value(np.array([1, 1]), 2) == pytest.approx(0.5)
    assert rank_p_value(np.array([0, 1]), 2) == pytest.approx(1.0)


@pytest.mark.parametrize(("n", "alpha"), [(100, 0.05), (250, 0.01)])
def test_uniform_ranks_leave_the_band_as_often_as_stated(n, alpha):
    # 4,000 simulated sets, exact binomial range at 1e-6: a second way to the same probability
    rng = np.random.default_rng(5)
    limits = band(n, K, alpha)
    cumulated = np.cumsum(rng.multinomial(n, np.full(K, 1 / K), size=4000), axis=1)[:, :-1]
    out = int(np.sum(np.any((cumulated < limits.low) | (cumulated > limits.high), axis=1)))
    assert stats.binom.ppf(5e-7, 4000, alpha) <= out <= stats.binom.isf(5e-7, 4000, alpha)


@pytest.mark.parametrize(("n", "alpha"), [(200, 0.001), (1000, 0.01 / 48)])
def test_the_band_is_exact_and_not_wasteful(n, alpha):
    # the false alarm is a step function of gamma; the largest step not above alpha is close below it
    false_alarm = 1 - inside_probability(n, K, band(n, K, alpha).gamma)
    assert 0.9 * alpha < false_alarm <= alpha


def test_p_values_of_uniform_ranks_are_uniform_where_it_matters():
    rng = np.random.default_rng(6)
    p = np.array([rank_p_value(rng.integers(0, K, 200), K) for _ in range(1500)])
    for level in (0.01, 0.05, 0.5):  # never anti-conservative: exact range at 1e-6
        assert np.sum(p <= level) <= stats.binom.isf(1e-6, 1500, level)
    assert np.sum(p <= 0.5) >= stats.binom.ppf(1e-6, 1500, 0.45)


def test_alarm_by_p_value_and_by_band_are_the_same():
    rng = np.random.default_rng(7)
    limits = band(100, K, 0.05)
    for _ in range(200):
        ranks = rng.binomial(K - 1, rng.beta(1, 1.3, 100))
        c = counts(ranks, K)
        outside = bool(np.any((c < limits.low) | (c > limits.high)))
        assert outside == (rank_statistic(ranks, K) <= limits.gamma * (1 + 1e-9))


@pytest.mark.parametrize(
    ("n", "width", "bias", "power"),
    [
        (250, 0.8, 0.0, 0.25),
        (500, 0.8, 0.0, 0.68),
        (1000, 0.8, 0.0, 0.995),
        (250, 1.0, 0.3, 0.58),
        (1000, 1.0, 0.2, 0.94),
        (1000, 1.0, 0.1, 0.11),
    ],
)
def test_power_is_that_of_the_table_in_the_trust_specification(n, width, bias, power):
    # level .01/48; 300 simulated studies against the tabulated power: exact range at 1e-6 of either side, the table's own error (its
    # number of trials is not stated; .05 allowed) included
    rng = np.random.default_rng([8, n])
    truth = rng.standard_normal((300, n))
    ranks = rng.binomial(K - 1, stats.norm.cdf((truth + bias) / width))
    limits = band(n, K, 0.01 / 48)
    c = np.stack([counts(r, K) for r in ranks])
    found = int(np.sum(np.any((c < limits.low) | (c > limits.high), axis=1)))
    low, high = max(power - 0.05, 0.0), min(power + 0.05, 1.0)
    assert stats.binom.ppf(5e-7, 300, low) <= found <= stats.binom.isf(5e-7, 300, high)


def test_binomial_bands_of_500():
    assert binomial_band(500, 0.9, 0.01 / 48) == pytest.approx((0.848, 0.946))
