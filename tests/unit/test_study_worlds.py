"""Worlds of studies: their moments against formulas, and their parameters against the hand-written PyMC pages of the models."""

import importlib.util
from pathlib import Path

import numpy as np
import pymc as pm
import pytest

from skillstats.spec import read_spec
from skillstats.study.designs import BALANCED, RELEASE_DESIGNS, grid_design, lay_table
from skillstats.study.replicate import Job, seeds
from skillstats.study.worlds import draw_world

B = BALANCED.bets_per_year
WORLDS = 2000


def twin(name):
    path = Path(__file__).parents[1] / "twins" / f"{name}_twin.py"
    location = importlib.util.spec_from_file_location(f"{name}_twin_for_worlds", path)
    module = importlib.util.module_from_spec(location)
    location.loader.exec_module(module)
    return module


@pytest.fixture(scope="module", params=["day_pooled", "crossed_total", "crossed_outcomes"])
def worlds(request):
    rng = np.random.default_rng(11)
    return request.param, [draw_world(read_spec(request.param), BALANCED, rng) for _ in range(WORLDS)]


def test_parameters_have_the_moments_of_the_hand_written_priors(worlds):
    # means within 5 standard errors of the difference, sds within 10%: two independent samples of 4,000
    name, drawn = worlds
    model = twin(name).priors(BALANCED.traders, BALANCED.regimes, BALANCED.actions, B)
    with model:
        names = [rv.name for rv in model.free_RVs if not rv.name.startswith("z_")]
        prior = pm.draw([model[n] for n in names], draws=WORLDS, random_seed=3)
    compared = 0
    for n, drawn_there in zip(names, prior, strict=True):
        key = {"s_U_common": "s_U"}.get(n, n)
        if key not in drawn[0].truth:
            continue
        ours = np.array([w.truth[key] for w in drawn]).reshape(WORLDS, -1)
        theirs = np.asarray(drawn_there).reshape(WORLDS, -1)
        ours = ours[:, :1] if key == "s_U" and theirs.shape[1] == 1 else ours
        error = np.sqrt(ours.var(axis=0) + theirs.var(axis=0)) / np.sqrt(WORLDS)
        assert np.all(np.abs(ours.mean(axis=0) - theirs.mean(axis=0)) < 5 * error), n
        np.testing.assert_allclose(ours.std(axis=0), theirs.std(axis=0), rtol=0.1, err_msg=n)
        compared += 1
    assert compared >= 5


def test_outcomes_have_the_variance_of_the_equations(worlds):
    # given the truth, y - theta has variance s_V^2 + s_U^2 + sigma^2; standardised by it the mean square over all rows is 1
    _, drawn = worlds
    squares = []
    for world in drawn:
        e, t = world.evidence, world.truth
        theta = float(t["mu"]) + t["a"][e.trader]
        theta = theta + (t["b"][e.regime] if "b" in t else 0) + (t["c"][e.trader, e.regime] if "c" in t else 0)
        theta = theta + (t["g"][e.action] if "g" in t else 0)
        variance = t["s_V"] ** 2 + t["s_U"][e.trader] ** 2 + t["sigma"][e.trader, e.regime] ** 2
        squares.append(np.mean((e.y - theta) ** 2 / variance))
    error = np.std(squares) / np.sqrt(len(squares))
    assert abs(np.mean(squares) - 1) < 5 * error < 0.05


def test_outcomes_of_a_session_share_its_shock(worlds):
    # covariance of two traders' rows of one session is s_V^2, of one trader's rows s_V^2 + s_U^2: ratios to the truth average 1
    _, drawn = worlds
    between, within = [], []
    for world in drawn:
        e, t = world.evidence, world.truth
        theta = float(t["mu"]) + t["a"][e.trader]
        theta = theta + (t["b"][e.regime] if "b" in t else 0) + (t["c"][e.trader, e.regime] if "c" in t else 0)
        r = (e.y - theta - (t["g"][e.action] if "g" in t else 0)).reshape(BALANCED.traders, BALANCED.sessions, BALANCED.rows)
        total = t["s_V"] ** 2 + t["s_U"][0] ** 2 + t["sigma"][0].mean() ** 2
        between.append((np.mean(r[0, :, 0] * r[1, :, 0]) - t["s_V"] ** 2) / total)
        within.append((np.mean(r[0, :, 0] * r[0, :, 1]) - t["s_V"] ** 2 - t["s_U"][0] ** 2) / total)
    for found in (between, within):
        assert abs(np.mean(found)) < 5 * np.std(found) / np.sqrt(len(found))


@pytest.mark.parametrize("design", RELEASE_DESIGNS, ids=lambda d: d.name)
def test_designs_are_what_they_say(design):
    table = lay_table(design, np.random.default_rng(2))
    sizes = np.bincount(table.trader, minlength=design.traders)
    expected = {"balanced": 150, "uneven": 5, "single": 1}
    if design.name in expected:
        assert sizes[0] == expected[design.name]
    if design.name == "uneven":
        assert sizes.min() == 5 and sizes.max() == 80
    if design.name == "bursts":
        pair = np.bincount(table.trader * design.sessions + table.session)
        assert pair.max() > 20 and np.median(pair) <= 2
    assert table.regime.max() < design.regimes and table.session.max() < design.sessions


@pytest.mark.parametrize("together", [True, False])
def test_a_cell_of_the_grid_has_the_decisions_it_is_named_after(together):
    design = grid_design(250, together, 6)
    table = lay_table(design, np.random.default_rng(1))
    assert set(np.bincount(table.trader)) == {250}


def test_seeds_differ_between_studies_models_designs_and_replicates_and_nowhere_else():
    def first(study="sbc", model="day_pooled", design=BALANCED, replicate=0, root=1):
        rng, engine, predictions = seeds(Job(study, read_spec(model), design, "nuts", root), replicate)
        return float(rng.random()), engine, predictions

    assert first() == first()
    others = [
        first(study="grid"),
        first(model="crossed_total"),
        first(design=RELEASE_DESIGNS[1]),
        first(replicate=1),
        first(root=2),
    ]
    assert len({first(), *others}) == 6
