"""Known-error pooling: published numbers, an independent slow twin, symmetries, and what is refused."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from scipy.optimize import brentq  # type: ignore[import-untyped]
from scipy.special import ndtr, roots_legendre  # type: ignore[import-untyped]

from skillstats.errors import DomainError
from skillstats.inference import variance_estimates as ve
from skillstats.inference.known_error import (
    Flat,
    HalfCauchy,
    HalfNormal,
    Normal,
    PoolingPrior,
    Shrinkage,
    efron_morris_weight,
    shrink,
)

type FloatArray = NDArray[np.float64]

SCHOOLS = np.array([28.0, 8, -3, 7, -1, 1, 18, 12]), np.array([15.0, 10, 16, 11, 9, 11, 10, 18])
SCHOOLS_PRIOR = PoolingPrior(mean=Normal(0, 5), spread=HalfCauchy(5))
HITS = np.array([18, 17, 16, 15, 14, 14, 13, 12, 11, 11, 10, 10, 10, 10, 10, 9, 8, 7])  # of 45, Efron & Morris 1975
SEASON = np.array(
    [0.346, 0.298, 0.276, 0.222, 0.273, 0.270, 0.263, 0.210, 0.269, 0.230, 0.264, 0.226, 0.303, 0.264, 0.256, 0.285, 0.316, 0.200]
)
BCG_Y = np.array([-0.889311, -1.585389, -1.348073, -1.441551, -0.217547, -0.786116, -1.620898, 0.011952, -0.469418, -1.371345,
                  -0.339359, 0.445913, -0.017314])  # fmt: skip
BCG_V = np.array([0.325584765, 0.194581121, 0.415367965, 0.020010032, 0.051210172, 0.006905618, 0.223017248, 0.003961579,
                  0.056434210, 0.073024794, 0.012412214, 0.532505845, 0.071404660])  # fmt: skip
SEEDED = np.random.default_rng(20260401)  # fixed on purpose
NUMBERS = tuple(f.name for f in fields(Shrinkage) if f.name not in {"names", "level", "prior"})


class Twin:
    """Slow second implementation: a dense grid over mu AND tau, nothing integrated by formula.

    tau runs over Gauss-Legendre points in u = tau / (tau + c), mu over an equidistant grid of 10 conditional sds (the sds only
    place the points). For a CDF, theta given tau is normal with moments summed over the mu grid; summing CDFs over mu would not
    do, because near tau = 0 they are steps.
    """

    def __init__(self, y: FloatArray, se: FloatArray, prior: PoolingPrior, upper: float = np.inf) -> None:
        scale = np.median(se) + np.ptp(y)
        u, rule = roots_legendre(1200)
        top = 1.0 if np.isinf(upper) else upper / (upper + scale)
        u, rule = top * (u + 1) / 2, top * rule / 2
        tau = (scale * u / (1 - u))[:, None]  # shape: (tau, mu)
        weight = 1 / (se**2 + tau**2)
        known, centre = (prior.mean.sigma**-2, prior.mean.mu) if isinstance(prior.mean, Normal) else (0.0, 0.0)
        width = 1 / np.sqrt(weight.sum(axis=1, keepdims=True) + known)
        mu = ((weight * y).sum(axis=1, keepdims=True) + known * centre) * width**2 + width * np.linspace(-10, 10, 101)
        log = np.log(rule * scale / (1 - u) ** 2)[:, None] + np.log(width)
        for value, error in zip(y, se, strict=True):
            total = error**2 + tau**2
            log = log - 0.5 * np.log(total) - 0.5 * (value - mu) ** 2 / total
        if isinstance(prior.mean, Normal):
            log = log - 0.5 * ((mu - prior.mean.mu) / prior.mean.sigma) ** 2
        if isinstance(prior.spread, HalfCauchy):
            log = log - np.log(1 + (tau / prior.spread.scale) ** 2)
        if isinstance(prior.spread, HalfNormal):
            log = log - 0.5 * (tau / prior.spread.sigma) ** 2
        self.log_top = log.max()
        density = np.exp(log - self.log_top)
        self.log_mass = self.log_top + np.log(density.sum())
        self.weight, self.tau, self.mu = density / density.sum(), tau, mu
        self.y, self.se = y, se

    def theta(self, j: int) -> tuple[FloatArray, FloatArray]:
        """Mean and sd of theta_j given mu and tau."""
        precision = 1 / self.se[j] ** 2 + 1 / self.tau**2
        return (self.y[j] / self.se[j] ** 2 + self.mu / self.tau**2) / precision, 1 / np.sqrt(precision)

    def cdf(self, j: int, q: float) -> float:
        """P(theta_j <= q)."""
        mean, sd = self.theta(j)
        mass = self.weight.sum(axis=1)
        share = self.weight / np.where(mass > 0, mass, 1.0)[:, None]
        middle = (share * mean).sum(axis=1)
        variance = (share * (sd**2 + (mean - middle[:, None]) ** 2)).sum(axis=1)
        held = mass > 0
        return float((mass[held] * ndtr((q - middle[held]) / np.sqrt(variance[held]))).sum())

    def quantile(self, j: int, probability: float) -> float:
        """Quantile of theta_j."""
        reach = 20 * self.se[j] + np.ptp(self.y)

        def gap(q: float) -> float:
            return self.cdf(j, q) - probability

        return float(brentq(gap, self.y[j] - reach, self.y[j] + reach, xtol=1e-9 * reach))


def _pool(size: int, spread: float, seed: int) -> tuple[FloatArray, FloatArray]:
    rng = np.random.default_rng(seed)
    se = rng.uniform(0.5, 2.0, size)
    return 1.0 + rng.normal(0, 1, size) * np.sqrt(se**2 + spread**2), se


TWIN_CASES = {
    "three estimates, flat": (*_pool(3, 1.0, 1), PoolingPrior()),
    "three far apart, flat": (np.array([-40.0, 3.0, 55.0]), np.array([1.0, 0.5, 2.0]), PoolingPrior()),
    "four estimates, flat": (*_pool(4, 0.5, 2), PoolingPrior()),
    "five estimates, flat": (*_pool(5, 1.0, 3), PoolingPrior()),
    "eight schools, flat": (*SCHOOLS, PoolingPrior()),
    "eight schools, priors": (*SCHOOLS, SCHOOLS_PRIOR),
    "twenty, spread 0": (*_pool(20, 0.0, 4), PoolingPrior()),
    "twenty, spread 1": (*_pool(20, 1.0, 5), PoolingPrior()),
    "twelve, spread 1000": (*_pool(12, 1000.0, 6), PoolingPrior()),
    "identical": (np.full(6, 2.5), np.linspace(0.5, 1.5, 6), PoolingPrior()),
    "two estimates, half-normal": (*_pool(2, 1.0, 7), PoolingPrior(spread=HalfNormal(0.7))),
    "one estimate, both priors": (np.array([1.3]), np.array([0.8]), PoolingPrior(mean=Normal(0, 1), spread=HalfNormal(0.5))),
    "two estimates, normal mean, flat spread": (*_pool(2, 1.0, 8), PoolingPrior(mean=Normal(1, 2))),
    "narrow prior of the centre": (*_pool(10, 1.0, 10), PoolingPrior(mean=Normal(0.5, 0.03), spread=HalfCauchy(100))),
    "narrow half-Cauchy": (*_pool(8, 1.0, 9), PoolingPrior(spread=HalfCauchy(0.05))),
}


@pytest.mark.parametrize("case", TWIN_CASES)
def test_dense_two_dimensional_twin_agrees_to_1e_4(case: str) -> None:
    y, se, prior = TWIN_CASES[case]
    found, twin = shrink(y, se, prior=prior), Twin(y, se, prior)
    for j in sorted({0, len(y) // 2, len(y) - 1}):
        mean, sd = twin.theta(j)
        expected = (twin.weight * mean).sum()
        variance = (twin.weight * (sd**2 + (mean - expected) ** 2)).sum()
        assert found.mean[j] == pytest.approx(expected, abs=1e-4)
        assert found.sd[j] == pytest.approx(np.sqrt(variance), abs=1e-4)
        assert found.p_positive[j] == pytest.approx(1 - twin.cdf(j, 0.0), abs=1e-6)
        assert found.shrinkage[j] == pytest.approx((twin.weight * se[j] ** 2 / (se[j] ** 2 + twin.tau**2)).sum(), abs=1e-6)
        assert found.lower[j] == pytest.approx(twin.quantile(j, 0.05), abs=1e-4)
        assert found.upper[j] == pytest.approx(twin.quantile(j, 0.95), abs=1e-4)


@pytest.mark.parametrize("case", TWIN_CASES)
def test_spread_agrees_with_the_twin(case: str) -> None:
    y, se, prior = TWIN_CASES[case]
    found, twin = shrink(y, se, prior=prior), Twin(y, se, prior)
    for probability, end in ((0.05, found.tau_lower), (0.5, found.tau_median), (0.95, found.tau_upper)):
        below = np.exp(Twin(y, se, prior, upper=float(end)).log_mass - twin.log_mass)
        assert below == pytest.approx(probability, abs=1e-5)
    if np.isfinite(found.tau_mean):
        assert found.tau_mean == pytest.approx((twin.weight * twin.tau).sum(), rel=1e-5)
    if np.isfinite(found.tau_sd):
        assert found.tau_sd == pytest.approx(np.sqrt((twin.weight * (twin.tau - found.tau_mean) ** 2).sum()), rel=1e-4)
        assert found.mu_mean == pytest.approx((twin.weight * twin.mu).sum(), abs=1e-4 * np.std(y) + 1e-6)
        assert found.mu_sd == pytest.approx(np.sqrt((twin.weight * (twin.mu - found.mu_mean) ** 2).sum()), rel=1e-4)


@pytest.mark.parametrize("case", TWIN_CASES)
def test_doubling_the_grid_changes_nothing(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    y, se, prior = TWIN_CASES[case]
    once = shrink(y, se, prior=prior)
    monkeypatch.setattr(ve, "LADDER", (2 * int(once.grid_points) - 1,))
    twice = shrink(y, se, prior=prior)
    assert once.grid_error <= ve.GRID_TOLERANCE
    for name in NUMBERS:
        if name not in {"grid_points", "grid_error"}:
            np.testing.assert_allclose(getattr(twice, name), getattr(once, name), rtol=2e-6, atol=1e-9, err_msg=name)


def test_moments_that_do_not_exist_are_reported_so() -> None:
    three, four, five = (shrink(*_pool(size, 1.0, 3)) for size in (3, 4, 5))
    assert np.isnan(three.mu_mean)
    assert np.isinf([three.mu_sd, three.tau_mean, three.tau_sd, four.mu_sd, four.tau_sd]).all()
    assert np.isfinite([four.mu_mean, four.tau_mean, five.mu_sd, five.tau_sd, three.tau_upper, three.mu_upper]).all()
    assert "infinite" in str(three)
    assert "caveat" not in str(five)


def test_eight_schools_reproduce_the_published_posterior() -> None:
    found = shrink(*SCHOOLS, prior=SCHOOLS_PRIOR)
    draws = [6.1505, 4.9396, 3.9059, 4.7960, 3.6144, 4.0511, 6.3172, 4.8840]  # posteriordb reference, Monte-Carlo error .05
    np.testing.assert_allclose(found.mean, draws, rtol=0, atol=0.1)
    np.testing.assert_allclose(found.sd, [5.616, 4.646, 5.281, 4.771, 4.615, 4.796, 5.003, 5.318], rtol=0, atol=0.1)
    np.testing.assert_allclose([found.mu_mean, found.tau_mean], [4.41, 3.60], rtol=0, atol=0.1)
    assert [found.tau2_dl, found.tau2_reml] == [0, 0]
    assert found.mu_dl == pytest.approx(7.685616725)
    assert found.tau_mean == pytest.approx(3.597705484097664, abs=1e-9)  # scipy quad of the joint density
    assert found.tau_sd == pytest.approx(3.2199584146627664, abs=1e-7)


def test_batting_averages_shrink_as_efron_and_morris_found() -> None:
    own, truth = (np.sqrt(45) * np.arcsin(2 * p - 1) for p in (HITS / 45, SEASON))
    raw = ((own - truth) ** 2).sum()
    weight = efron_morris_weight(own, 1.0)
    assert raw == pytest.approx(17.5707, abs=1e-4)
    assert weight == pytest.approx(0.208974, abs=1e-6)
    assert ((own.mean() + weight * (own - own.mean()) - truth) ** 2).sum() == pytest.approx(4.9989, abs=1e-4)
    assert ((shrink(own, 1.0).mean - truth) ** 2).sum() <= 0.33 * raw


def test_vaccine_trials_reproduce_dersimonian_laird_and_reml() -> None:
    found = shrink(BCG_Y, np.sqrt(BCG_V))
    numbers = [found.tau2_dl, found.mu_dl, found.mu_dl_se, found.tau2_reml, found.mu_reml, found.mu_reml_se]
    expected = [0.30876026, -0.71411722, 0.17874209, 0.31324333, -0.71453235, 0.17978153]  # metafor 3.8.1
    np.testing.assert_allclose(numbers, expected, rtol=0, atol=1e-4)
    assert found.q == pytest.approx(152.23301, abs=0.01)
    assert found.i2 == pytest.approx(0.921173, abs=1e-4)
    np.testing.assert_allclose(found.blup_dl[[0, 3, 11]], [-0.799391, -1.397277, -0.288364], rtol=0, atol=1e-3)
    np.testing.assert_allclose(found.blup_reml[[0, 3, 11]], [-0.800234, -1.397898, -0.284734], rtol=0, atol=1e-3)


def test_posterior_mean_lies_between_own_and_grand_mean() -> None:
    y = SEEDED.normal(2.0, 2.0, 15)
    mean = shrink(y, 1.0).mean
    assert ((mean - y) * (y.mean() - mean) >= 0).all()


@pytest.mark.parametrize("factor", [1e-9, 1000.0, 1e12])
def test_a_change_of_unit_changes_only_the_unit(factor: float) -> None:
    y, se = _pool(9, 1.0, 11)
    base, scaled = shrink(y, se), shrink(factor * y, factor * se)
    for name in ("mean", "sd", "lower", "upper", "mu_mean", "mu_sd", "tau_mean", "tau_median", "tau_upper", "mu_reml", "blup_dl"):
        np.testing.assert_allclose(getattr(scaled, name), factor * getattr(base, name), rtol=1e-7, err_msg=name)
    for name in ("lfsr", "shrinkage", "q", "q_p", "i2"):
        np.testing.assert_allclose(getattr(scaled, name), getattr(base, name), rtol=1e-8, err_msg=name)
    assert scaled.tau2_reml == pytest.approx(factor**2 * base.tau2_reml, rel=1e-8)


def test_a_shift_moves_the_locations_only() -> None:
    y, se = _pool(9, 1.0, 12)
    base, moved = shrink(y, se), shrink(y + 1e6, se)
    np.testing.assert_allclose(moved.mean - 1e6, base.mean, rtol=0, atol=1e-7)
    np.testing.assert_allclose(moved.sd, base.sd, rtol=1e-7)


def test_order_of_the_estimates_does_not_matter() -> None:
    y, se = _pool(12, 1.0, 13)
    order = SEEDED.permutation(12)
    base, mixed = shrink(y, se), shrink(y[order], se[order])
    for name in ("mean", "sd", "lower", "upper", "lfsr", "shrinkage", "blup_reml"):
        np.testing.assert_allclose(getattr(mixed, name), getattr(base, name)[order], rtol=1e-8, atol=1e-10, err_msg=name)
    assert mixed.tau_mean == pytest.approx(base.tau_mean, rel=1e-9)


@pytest.mark.parametrize("size", [3, 4, 7, 20])
@pytest.mark.parametrize("prior", [PoolingPrior(), SCHOOLS_PRIOR], ids=["flat", "proper"])
def test_many_pools_at_once_equal_a_loop_exactly(size: int, prior: PoolingPrior, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("skillstats.inference.known_error.CHUNK", 5000)  # so that the work is split
    rng = np.random.default_rng(size)
    y, se = rng.normal(0, rng.choice([0.1, 1, 30], (4, 3, 1)), (4, 3, size)), rng.uniform(0.2, 3, (3, size))
    together = shrink(y, se, prior=prior)
    assert together.mean.shape == (4, 3, size)
    assert together.tau_mean.shape == (4, 3)
    for place in np.ndindex(4, 3):
        alone = shrink(y[place], se[place[1]], prior=prior)
        for name in NUMBERS:
            np.testing.assert_array_equal(getattr(together, name)[place], getattr(alone, name), err_msg=name)


def test_identical_estimates_are_fine() -> None:
    found = shrink(np.full(6, 3.0), 1.0)
    np.testing.assert_allclose(found.mean, 3.0, rtol=1e-12)
    assert [found.q, found.i2, found.tau2_dl, found.tau2_reml, found.q_p] == [0, 0, 0, 0, 1]
    assert (found.sd < 1).all()


def test_wildly_different_errors_stay_finite() -> None:
    found = shrink([0.0, 1.0, 2.0, 500.0, -3.0, 1.5], [1e-6, 1.0, 1e6, 2.0, 1e3, 0.1])
    for name in NUMBERS:
        assert np.isfinite(getattr(found, name)).all(), name
    assert found.mean[0] == pytest.approx(0, abs=1e-5)


def test_many_estimates_find_a_narrow_posterior() -> None:
    rng = np.random.default_rng(17)
    found = shrink(rng.normal(0, np.sqrt(1 + 0.5**2), 5000), 1.0)
    assert found.grid_error <= ve.GRID_TOLERANCE
    assert found.tau_lower < 0.5 < found.tau_upper
    assert found.tau_mean == pytest.approx(np.sqrt(found.tau2_reml), abs=0.02)


@pytest.mark.parametrize("size", [1, 2])
def test_too_few_estimates_for_flat_priors_name_the_remedy(size: int) -> None:
    with pytest.raises(DomainError, match=r"at least 3.*give a prior"):
        shrink(np.ones(size), 1.0)
    assert np.isfinite(shrink(np.ones(size), 1.0, prior=SCHOOLS_PRIOR).mean).all()


@pytest.mark.parametrize(
    ("estimate", "error", "message"),
    [
        ([1, np.nan, 3], 1, r"estimate\[1\]=nan"),
        ([[1, 2, 3], [4, 5, np.inf]], 1, r"estimate\[1, 2\]=inf"),
        ([1, 2, 3], [1, 0, 1], r"standard_error\[1\]=0.0, must be a finite number > 0"),
        ([1, 2, 3], [1, 1, -2], r"standard_error\[2\]=-2.0"),
        ([1, 2, 3], [1, 1], r"shape \(3,\) and standard_error \(2,\)"),
        (1.0, 1.0, r"shape \(\)"),
        ([], 1.0, r"shape \(0,\)"),
        (["a", "b", "c"], 1.0, "arrays of numbers"),
    ],
)
def test_bad_input_is_named_by_its_place(estimate: object, error: object, message: str) -> None:
    with pytest.raises(DomainError, match=message):
        shrink(estimate, error)  # type: ignore[arg-type]


def test_all_problems_come_together() -> None:
    with pytest.raises(DomainError) as caught:
        shrink([np.nan] * 9 + [1.0], [1.0] * 9 + [0.0])
    assert "estimate[4]" in str(caught.value)
    assert "estimate: 4 more like this" in str(caught.value)
    assert "standard_error[9]" in str(caught.value)


def test_bad_options_are_refused() -> None:
    with pytest.raises(DomainError, match="level=1"):
        shrink(*SCHOOLS, level=1)
    with pytest.raises(DomainError, match="2 entries for 8"):
        shrink(*SCHOOLS, names=["a", "b"])
    with pytest.raises(DomainError, match="sigma=0"):
        Normal(0, 0)
    with pytest.raises(DomainError, match="scale=-1"):
        HalfCauchy(-1)
    with pytest.raises(DomainError, match="sigma=nan"):
        HalfNormal(float("nan"))
    with pytest.raises(DomainError, match="mu=inf"):
        Normal(float("inf"), 1)
    assert PoolingPrior() == PoolingPrior(Flat(), Flat())
    with pytest.raises(DomainError, match="differ"):
        efron_morris_weight(*SCHOOLS)
    with pytest.raises(DomainError, match="at least 4"):
        efron_morris_weight([1, 2, 3], 1)


def test_result_prints_its_interval_and_becomes_a_frame() -> None:
    found = shrink(*SCHOOLS, prior=SCHOOLS_PRIOR, names=list("ABCDEFGH"), level=0.8)
    assert "80% equal-tailed" in str(found)
    assert "HalfCauchy(scale=5)" in str(found)
    frame = found.summary()
    assert list(frame.index) == list("ABCDEFGH")
    assert frame.loc["A", "mean"] == found.mean[0]
    many = shrink(np.stack([SCHOOLS[0]] * 6).reshape(2, 3, 8), SCHOOLS[1])
    assert many.to_pandas().index.names == ["pool_0", "pool_1", "name"]
    assert "6 pools (2 x 3)" in str(many)
    assert "first 20 rows" in str(many)


def test_a_series_brings_its_names_and_must_be_aligned() -> None:
    y, se = pd.Series({"ann": 1.0, "bob": 2.0, "eve": 4.0}), pd.Series({"ann": 1.0, "bob": 1.0, "eve": 2.0})
    assert shrink(y, se).names == ("ann", "bob", "eve")
    with pytest.raises(DomainError, match="align"):
        shrink(y, se[["eve", "bob", "ann"]])


def test_errors_whose_squares_vanish_are_refused():
    with pytest.raises(DomainError, match="use another unit"):
        shrink([1.0, 1.0, 1.0], [1e-300, 1.0, 1.0])
