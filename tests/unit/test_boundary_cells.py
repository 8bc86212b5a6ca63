"""Cells and their pooling, against calculations written a second time."""

import numpy as np
import pytest
import statsmodels.api as sm
from threadpoolctl import threadpool_limits

from skillstats.boundary.cells import cell_means
from skillstats.boundary.pool import SCALES, SPREADS, WIDE, Partition, draw, learn_scale, solve, spread_weights
from skillstats.inference.known_error import HalfCauchy, Normal, PoolingPrior, shrink


def table(seed=0, sessions=40, rows=6):
    rng = np.random.default_rng(seed)
    session = np.repeat(np.arange(sessions), rows)
    code = rng.integers(0, 3, len(session))
    y = rng.standard_normal(sessions)[session] + rng.standard_normal(len(session)) + 0.3 * code
    return y, session, code


def test_means_and_errors_are_those_of_a_regression_clustered_by_session():
    """statsmodels, cells as dummies, one cluster a session; only the small-sample factors differ and are taken out."""
    y, session, code = table()
    found = cell_means(y, session, code, floor=2)
    fitted = sm.OLS(y, np.eye(3)[code]).fit(cov_type="cluster", cov_kwds={"groups": session, "use_correction": False})
    assert found.mean == pytest.approx(fitted.params)
    stretch = found.error / fitted.bse
    assert np.all((stretch > 1) & (stretch < 1.06))
    assert found.covariance == pytest.approx(fitted.cov_params() * np.outer(stretch, stretch))


def test_few_sessions_stretch_the_error_to_the_t_interval():
    y, session, code = np.array([1.0, 2, 3, 4, 5, 7]), np.arange(6), np.zeros(6, dtype=int)
    found = cell_means(y, session, code, floor=2)
    from scipy import stats

    assert 1.6448536 * found.error[0] == pytest.approx(stats.t.ppf(0.95, 5) * y.std(ddof=1) / np.sqrt(6))


def test_a_cell_below_the_floor_is_not_judged_but_counted():
    y, session, code = table()
    code = np.where(session < 4, 3, code)
    found = cell_means(y, session, code, floor=10)
    assert found.level.tolist() == [0, 1, 2] and found.thin == ((3, 24, 4),)


def test_one_scale_of_the_spread_and_no_correlation_is_the_exact_pooling_of_known_errors():
    """The grid of spreads is coarse; the pooled means agree with `shrink` under the same prior to a tenth of a standard error."""
    y, error = np.array([2.0, 0.1, -0.3, 0.5]), np.array([0.5, 0.4, 0.6, 0.5])
    grid = solve(Partition(y, np.diag(error**2), (np.eye(4),)), 1.0)
    weights = (SCALES == 0.4).astype(float)
    pooled = draw(grid, weights, 200_000, np.random.default_rng(1))
    exact = shrink(y, error, prior=PoolingPrior(mean=Normal(0, 30), spread=HalfCauchy(0.4)))
    assert np.abs(pooled.mean(axis=0) - exact.mean).max() < 0.05
    assert np.abs(pooled.std(axis=0) - exact.sd).max() < 0.05


def test_draws_have_the_moments_of_the_mixture_they_come_from():
    """Mean and covariance of one grid point, by brute force from the joint normal of estimates and truths."""
    rng = np.random.default_rng(2)
    root = rng.standard_normal((3, 3))
    covariance, y, design = root @ root.T, rng.standard_normal(3), np.array([[1.0, 0], [1, 0], [0, 1]])
    grid = solve(Partition(y, covariance, (design, np.eye(3))), 0.7)
    point = 20
    tau = grid.taus[point] * 0.7
    prior = (WIDE * 0.7) ** 2 + tau[0] ** 2 * design @ design.T + tau[1] ** 2 * np.eye(3)
    gain = prior @ np.linalg.inv(prior + covariance)
    assert grid.mean[point] == pytest.approx(gain @ y)
    assert grid.covariance[point] == pytest.approx(prior - gain @ prior, abs=1e-9)


def test_partitions_that_tell_nothing_apart_lower_the_common_scale():
    rng = np.random.default_rng(3)
    quiet = [solve(Partition(0.3 * rng.standard_normal(3), 0.09 * np.eye(3), (np.eye(3),)), 1.0) for _ in range(10)]
    loud = [solve(Partition(2 * rng.standard_normal(3), 0.09 * np.eye(3), (np.eye(3),)), 1.0) for _ in range(10)]
    assert learn_scale(quiet) @ SCALES < learn_scale([]) @ SCALES < learn_scale(loud) @ SCALES
    assert spread_weights(SPREADS[:, None], 0.4).sum() == pytest.approx(1)


def test_the_number_of_blas_threads_changes_no_bit():
    """160 cells, as many as a year's assets: enough for BLAS to share the work where it may."""
    rng = np.random.default_rng(4)
    session, cell = np.repeat(np.arange(250), 160), np.tile(np.arange(160), 250)
    y = rng.normal(size=len(cell)) + rng.normal(size=250)[session]

    def drawn(threads):
        with threadpool_limits(threads, user_api="blas"):
            found = cell_means(y, session, cell, floor=2)
            grid = solve(Partition(found.mean, found.covariance, (np.eye(160),)), 0.05)
            return found.covariance, draw(grid, np.full(len(SCALES), 1 / len(SCALES)), 50, np.random.default_rng(1))

    for one, two in zip(drawn(1), drawn(2), strict=True):
        assert one.tobytes() == two.tobytes()
