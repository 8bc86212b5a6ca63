"""What the priors of the shipped models say before any data, by simulation from the specification."""

import sys
from pathlib import Path

import numpy as np
import pytest

from skillstats.spec import read_spec

sys.path.insert(0, str(Path(__file__).parents[2] / "docs"))
from make_prior_figures import MODELS, annual_skill


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
