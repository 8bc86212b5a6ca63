"""The interval of the score of past forecasts has about its level, and it finds an edge where skill lasts; a few desks, fixed seed.

`python -m skillstats.study.forward_rates` makes the table of the documentation with more.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from skillstats.evaluation.forward_score import Forecast, predictive, result_of
from skillstats.study.forward_rates import Shape, _scores, desk_of, forward_table, run_desk, run_forward

pytestmark = pytest.mark.slow
DESKS = 12


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return forward_table(run_forward(DESKS, 2, kinds=("none", "skill"))).set_index(["kind", "rival"])


def test_without_skill_the_interval_holds_the_truth_and_no_edge_over_zero_is_found(table: pd.DataFrame) -> None:
    """Bounds that a correct program breaks in at most one seed of a hundred, each."""
    least = stats.binom.ppf(0.01, 3 * DESKS, 0.9) / (3 * DESKS)  # three rivals of a desk are no independent tries: a coarse check
    assert table.loc["none", "covered"].mean() >= min(least, 0.75)
    assert table.loc[("none", "zero"), "better"] * DESKS <= stats.binom.ppf(0.99, DESKS, 0.05)
    assert abs(table.loc[("none", "zero"), "expected"]) < 0.05


def test_where_skill_lasts_the_edge_is_found(table: pd.DataFrame) -> None:
    """Against no skill on at least half of the desks, and against the desk's mean on some."""
    assert table.loc["skill", "covered"].mean() >= 0.70
    assert table.loc[("skill", "zero"), "better"] >= 0.5
    assert table.loc[("skill", "zero"), "expected"] > 0.2
    assert table.loc[("skill", "pooled"), "mean"] > 0


def test_the_expected_difference_is_the_average_over_what_could_have_come() -> None:
    """The quadrature against 20,000 draws of the result."""
    shape, rng = Shape(), np.random.default_rng(5)
    evidence, truth = desk_of("skill", shape, rng)
    rows = np.flatnonzero((evidence.trader == 2) & (evidence.code("quarter") == 3))
    result = result_of(evidence, rows, None)
    draws = rng.normal(0.1, 0.05, 200)
    from skillstats.evaluation.forward_score import RIVALS, Centre

    none = np.zeros(200)
    centres = {"method": Centre(draws, 0.0, none), **{r: Centre(0.0, 0.0, none) for r in RIVALS}}
    forecast = Forecast("T3", draws, none + 1.0, none + 0.13, 0.0, {"outcome": centres, "money": centres})
    skill = float(truth[2, 3])
    expected = _scores(forecast, result, skill, shape)["zero_expected"]
    total, squares_day, squares, _ = result.weights["outcome"]
    came = skill * total + np.sqrt((0.2**2 + 0.3**2) * squares_day + squares) * rng.standard_normal(20_000)
    (m1, v1), (m0, v0) = (predictive(forecast, result, "outcome", k) for k in ("method", "zero"))
    own = stats.norm.pdf(came[:, None], m1, np.sqrt(v1)).mean(axis=1)
    other = stats.norm.pdf(came[:, None], m0, np.sqrt(v0)).mean(axis=1)
    difference = np.log(own / other)
    assert expected == pytest.approx(difference.mean(), abs=4 * difference.std() / np.sqrt(20_000))


def test_a_desk_is_the_same_for_the_same_seed() -> None:
    one, two = (run_desk("none", Shape(quarters=3, days=6), 4, 1) for _ in range(2))
    pd.testing.assert_frame_equal(one, two, check_exact=True)
