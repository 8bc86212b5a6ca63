"""P(IR > delta) under other priors, against the posterior that can be written down."""

import numpy as np
import pytest
from scipy.stats import norm

from skillstats.evaluation.hurdle_curves import hurdle_curves, hurdles_shown


def never(_):
    raise AssertionError("refitted")


def test_reweighted_curves_are_those_of_the_conjugate_posterior():
    # one person, IR = mu, prior Normal(0, 1), likelihood Normal(0.9, 0.7): the posterior under a prior of sd c is normal
    rng, data, noise = np.random.default_rng(1), 0.9, 0.7
    precision = 1 + noise**-2
    mu = data * noise**-2 / precision + rng.standard_normal(200_000) / np.sqrt(precision)
    found = hurdle_curves(mu[:, None], 0.25, {}, (mu, 0.0, 1.0), never)
    for name, scale in (("sceptical", 0.5), ("default", 1.0), ("wide", 2.0)):
        p = scale**-2 + noise**-2
        exact = norm.sf((found.delta - data * noise**-2 / p) * np.sqrt(p))
        assert np.abs(found.above[name][:, 0] - exact).max() < 0.02, name
    assert found.refitted == () and found.k["default"] == 0 and max(found.k.values()) < 0.7


def test_the_plans_prior_gives_the_share_of_draws_and_the_hurdle_is_one_of_the_points():
    ir = np.array([[0.1], [0.3], [0.5], [-0.2]])
    found = hurdle_curves(ir, 0.25, {}, (np.zeros(4), 0.0, 1.0), never)
    assert found.above["default"][5, 0] == 0.5 and found.delta[5] == 0.25
    assert found.plain(0)["priors"][1]["above"][0] == 0.75
    assert np.array_equal(found.above["sceptical"], found.above["default"])  # nothing tells the draws apart


def test_where_the_weights_cannot_carry_it_the_model_is_fitted_again():
    rng = np.random.default_rng(2)
    tau = np.abs(rng.standard_cauchy(4000))
    asked = []

    def again(scale):
        asked.append(scale)
        return np.full((10, 1), scale)

    found = hurdle_curves(tau[:, None], 0.25, {"skill_sd_trader": (tau, 0.3)}, (np.zeros(4000), 0.0, 1.0), again)
    # under the wide prior one draw holds all the weight, so that no tail can be fitted to it
    assert asked == [2.0] and found.refitted == ("wide",) and found.plain(0)["priors"][2]["k"] is None
    assert np.array_equal(found.above["wide"][:, 0], (found.delta < 2.0).astype(float))


def test_where_the_refit_fails_the_reweighted_curve_stays_with_its_k():
    rng = np.random.default_rng(3)
    tau = np.abs(rng.standard_t(6, 4000))
    found = hurdle_curves(tau[:, None], 0.25, {"skill_sd_trader": (tau, 0.3)}, (np.zeros(4000), 0.0, 1.0), lambda _: None)
    assert found.refitted == () and found.k["wide"] > 0.7


@pytest.mark.parametrize("hurdle", [0.0, -0.5])
def test_a_hurdle_that_is_not_above_zero_is_in_the_middle(hurdle):
    shown = hurdles_shown(hurdle)
    assert shown[20] == pytest.approx(hurdle) and shown[0] < hurdle < shown[-1]
