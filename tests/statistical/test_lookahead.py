"""The look-ahead table: labels of the package call a random veto skill in 5% of worlds, labels that know the outcome in more, up to all.

Seed 20260701, deliberate. Bands are 3 standard errors of 200 worlds (.046 for a rate of .05; a false alarm in .3% of rows), means 4.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from skillstats.study.lookahead import (
    FORBIDDEN,
    OFFERED,
    PREDICTED,
    SESSIONS,
    WORLDS,
    bear_probabilities,
    lookahead_defects,
    lookahead_rows,
    lookahead_table,
    own_labels,
    plan_of,
    returns_of,
)

ROOT, COUNT = 20260701, 200
SMOOTHED, FILTERED, CENTRED, SAME_DAY = FORBIDDEN
DESIGN = {
    ("symmetric", SMOOTHED): (0.030, 0.095), ("symmetric", FILTERED): (0.039, 0.100), ("symmetric", PREDICTED): (0.010, 0.045),
    ("symmetric", CENTRED): (0.011, 0.055), ("symmetric", "volatility: high"): (0.006, 0.055), ("symmetric", SAME_DAY): (1.052, 1.0),
    ("asymmetric", SMOOTHED): (0.107, 0.195), ("asymmetric", FILTERED): (0.047, 0.080), ("asymmetric", PREDICTED): (-0.005, 0.060),
    ("asymmetric", CENTRED): (0.056, 0.125), ("asymmetric", "volatility: high"): (-0.002, 0.050), ("asymmetric", SAME_DAY): (1.065, 1.0),
}  # fmt: skip
"""Mean value-add and rejection rate of the design's own run of 200 worlds, which shares no code and no random number with this one."""


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    rows = pd.concat([lookahead_rows(w) for w in plan_of(COUNT, 50, ROOT)], ignore_index=True)
    return lookahead_table(rows).set_index(["world", "label"])


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("label", ["volatility: high", "trend: down", PREDICTED])
def test_what_was_known_before_the_session_shows_no_skill(world, label, table):
    row = table.loc[world, label]
    assert row["rejected"] <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / COUNT)
    assert abs(row["value_add"]) < 4 * row["se"]


@pytest.mark.parametrize("world", WORLDS)
def test_days_picked_by_their_own_return_make_every_vetoer_skilled(world, table):
    row = table.loc[world, SAME_DAY]
    assert row["rejected"] == 1.0 and 1.02 < row["value_add"] < 1.09


def test_what_followed_the_session_leaks_through_smoothing_and_centring(table):
    """With bad news that raises the next sessions' volatility, smoothed and centred labels reject 2 to 4 times as often as they may."""
    for label in (SMOOTHED, CENTRED):
        row = table.loc["asymmetric", label]
        assert row["rejected"] > 0.05 + 3 * np.sqrt(0.05 * 0.95 / COUNT) and row["value_add"] > 4 * row["se"]
    both = table.loc["asymmetric"]["value_add"]
    assert both[SMOOTHED] > both[FILTERED] > both[PREDICTED]
    assert table.loc["symmetric", SMOOTHED]["value_add"] > 0 < table.loc["symmetric", FILTERED]["value_add"]


@pytest.mark.parametrize(("key", "expected"), DESIGN.items(), ids=[" ".join(k) for k in DESIGN])
def test_the_table_of_the_design_is_reproduced(key, expected, table):
    """Two runs of 200 worlds each: within 4 standard errors of their difference."""
    row, (mean, rate) = table.loc[key], expected
    assert abs(row["value_add"] - mean) < 4 * np.sqrt(2) * row["se"]
    shared = min(max((row["rejected"] + rate) / 2, 0.01), 0.99)
    assert abs(row["rejected"] - rate) <= 4 * np.sqrt(2 * shared * (1 - shared) / COUNT)


@pytest.mark.parametrize("world", WORLDS)
def test_the_packages_states_say_nothing_about_the_session(world, table):
    """Fitted on the past only, in 50 worlds: the rate within 3 standard errors, the mean within 4."""
    row = table.loc[world, "hmm: turbulent"]
    assert row["worlds"] == 50 and abs(row["value_add"]) < 4 * row["se"]
    assert row["rejected"] <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 50)


def test_labels_of_the_study_are_those_of_the_past():
    """The honest labels of a world keep their values when what follows is negated and tripled."""
    returns = returns_of("asymmetric", np.random.default_rng(3))
    cut = 700
    other = np.r_[returns[:cut], -3 * returns[cut:]]
    one, two = own_labels(returns, states=False), own_labels(other, states=False)
    assert all((one[n][: cut + 1] == two[n][: cut + 1]).all() for n in one)


def test_smoother_and_filter_are_those_of_statsmodels():
    from statsmodels.tsa.regime_switching.markov_regression import MarkovRegression

    returns = returns_of("symmetric", np.random.default_rng(5))
    mine = bear_probabilities(returns[None])
    sd = [np.median(np.abs(returns)) / 0.67 * 0.8, 1.6 * returns.std()]
    model = MarkovRegression(returns, 2, trend="c", switching_variance=True)
    there = model.smooth([0.97, 0.03, 0.05, -0.10, sd[0] ** 2, sd[1] ** 2])
    for ours, theirs in (
        (mine.predicted, there.predicted_marginal_probabilities),
        (mine.filtered, there.filtered_marginal_probabilities),
        (mine.smoothed, there.smoothed_marginal_probabilities),
    ):
        np.testing.assert_allclose(ours[0], theirs[:, 1], atol=1e-8)
    assert len(returns) == SESSIONS


def test_a_table_with_an_honest_label_that_finds_skill_is_a_defect(table):
    good = table.reset_index()
    assert lookahead_defects(good) == [] and set(good["label"]) == {*OFFERED, PREDICTED, *FORBIDDEN}
    bad = good.assign(rejected=np.where(good["label"] == "trend: down", 0.2, good["rejected"]))
    bad.loc[bad["label"] == SAME_DAY, "rejected"] = 0.9
    assert [d.split(" ", 1)[0] for d in lookahead_defects(bad)] == ["lookahead"] * 4
