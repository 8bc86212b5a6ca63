"""What the priors of the shipped models say before any data, by simulation from the specification."""

import sys
from pathlib import Path

import numpy as np
import pytest

from skillstats.spec import read_spec

sys.path.insert(0, str(Path(__file__).parents[2] / "docs"))
from make_prior_figures import MODELS, annual_skill, decision_skill


@pytest.mark.parametrize("name", MODELS)
def test_99_of_100_simulated_traders_have_an_annual_ir_below_3(name):
    """The desk's mean, the trader's effect and his drift; .998 is about what the normal population has, the limit is the design's .99."""
    assert np.mean(np.abs(annual_skill(read_spec(name), terms=("trader",))) < 3) >= 0.99


@pytest.mark.parametrize("name", MODELS)
def test_one_combination_of_labels_is_hardly_wilder(name):
    assert np.mean(np.abs(annual_skill(read_spec(name))) < 3) >= 0.985


def test_the_two_scale_prior_says_what_the_normal_one_says():
    """90% and 95% points of the traders' effects within 10%: the tails may differ, the bulk may not."""
    normal, mixed = (np.abs(annual_skill(read_spec(name), terms=("trader",))) for name in ("crossed_total", "population"))
    np.testing.assert_allclose(np.quantile(mixed, [0.5, 0.9, 0.95]), np.quantile(normal, [0.5, 0.9, 0.95]), rtol=0.1)


def test_a_prior_per_decision_is_in_pooled_sds():
    """Variance of the mean 1 + .5^2 + .5^2 + .25^2; median square of the sd near that of exp(2 Normal(0, 1)) + 4 z^2 + z^2, by simulation."""
    mean, sd = decision_skill(read_spec("crossed_outcomes"))
    assert mean.std() == pytest.approx(np.sqrt(1 + 0.25 + 0.25 + 0.0625), rel=0.02)
    z = np.random.default_rng(1).standard_normal((3, 100_000))
    assert np.median(sd) == pytest.approx(np.median(np.sqrt(np.exp(2 * z[0]) + 4 * z[1] ** 2 + z[2] ** 2)), rel=0.02)
