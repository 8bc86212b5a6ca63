"""One contrast where a day is one bet: the estimate against ordinary least squares with dummies, the error against a jackknife by hand."""

from __future__ import annotations

import numpy as np
import statsmodels.api as sm

from skillstats.behaviour.contrast import block_length, contrast, cross, demean, session_blocks, terciles


def made(seed: int = 1, sessions: int = 60, rows: int = 8):
    rng = np.random.default_rng(seed)
    session = np.repeat(np.arange(sessions), rows)
    stratum = rng.integers(0, 3, len(session))
    x = (rng.random(sessions) < 0.5)[session].astype(float)
    y = 0.3 * x + 0.2 * stratum + rng.normal(0, 0.7, sessions)[session] + rng.normal(0, 1, len(session))
    return session, stratum, x, y


def dummies(*codes: np.ndarray) -> np.ndarray:
    return np.column_stack([(c[:, None] == np.unique(c)[None, :]).astype(float) for c in codes])


def test_the_effect_is_that_of_least_squares_with_a_dummy_for_every_stratum() -> None:
    session, stratum, x, y = made()
    stretch, control = session // 20, np.sin(np.arange(len(x)))
    found = contrast(y, x, session, within=[stratum, stretch], controls=[control])
    fit = sm.OLS(y, np.column_stack([x, control, dummies(stratum), dummies(stretch)[:, 1:]])).fit()
    assert found is not None
    assert abs(found.effect - fit.params[0]) < 1e-6


def test_the_error_is_the_jackknife_over_blocks_and_close_to_the_usual_clustered_error() -> None:
    session, stratum, x, y = made()
    found = contrast(y, x, session, within=[stratum])
    tilde = demean(np.column_stack([y, x]), [stratum])
    left_out = np.array(
        [(tilde[session != s, 0] @ tilde[session != s, 1]) / (tilde[session != s, 1] ** 2).sum() for s in range(60)]
    )
    free = len(x) - 3
    by_hand = np.sqrt(59 / 60 * len(x) / free * ((left_out - found.effect) ** 2).sum())
    usual = sm.OLS(y, np.column_stack([x, dummies(stratum)])).fit(cov_type="cluster", cov_kwds={"groups": session}).bse[0]
    assert abs(found.error - by_hand) < 1e-12
    assert 0.97 < found.error / usual < 1.10
    assert found.error / sm.OLS(y, np.column_stack([x, dummies(stratum)])).fit().bse[0] > 1.5  # rows would have been too sure


def test_strata_inside_a_block_cost_no_freedom_and_strata_across_blocks_do() -> None:
    session, _, _, y = made()
    x = np.tile([0.0, 1.0], len(y) // 2)
    inside = contrast(y, x, session, within=[session])
    across = contrast(y, x, session, within=[np.arange(len(y)) // 2 % 120])
    assert inside is not None and across is not None
    assert inside.blocks == 60
    assert contrast(y, x, session, within=[np.arange(len(y)) // 2 % 239]) is not None
    assert contrast(y, x, session, within=[np.arange(len(y)) % 300]) is None  # more strata than rows can carry


def test_too_few_blocks_give_no_answer() -> None:
    session, _, x, y = made(sessions=9)
    assert contrast(y, x, session, within=[np.zeros_like(session)]) is None
    assert contrast(y, np.ones_like(y), session, within=[np.zeros_like(session)]) is None  # nothing varies
    assert contrast(y[:1], x[:1], session[:1]) is None


def test_blocks_are_as_long_as_overlapping_horizons_ask() -> None:
    assert [block_length(np.full(10, h)) for h in (0, 1, 5)] == [1, 4, 16]
    assert session_blocks(np.arange(8), np.ones(8, dtype=int)).tolist() == [0, 0, 0, 0, 1, 1, 1, 1]
    assert session_blocks(np.arange(6), np.zeros(6, dtype=int), least=5).tolist() == [0, 0, 0, 0, 0, 1]


def test_codes_cross_and_values_fall_into_thirds() -> None:
    assert len(np.unique(cross(np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])))) == 4
    assert np.bincount(terciles(np.arange(9.0))).tolist() == [3, 3, 3]
    assert len(terciles(np.zeros(0))) == 0


def test_interval_p_and_detectable_effect_belong_together() -> None:
    session, stratum, x, y = made()
    found = contrast(y, x, session, within=[stratum])
    low, high = found.interval()
    assert low < found.effect < high
    assert (found.p_value(one_sided=True) < 0.05) == (low > 0)
    assert found.detectable(one_sided=True) < found.detectable(one_sided=False)
