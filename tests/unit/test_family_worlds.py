"""Worlds of trader-day parts and of choices: against formulas of their own, and the densities that are ranked against direct integration."""

import dataclasses

import msgspec
import numpy as np
import pytest
import xarray as xr
from scipy import integrate, stats
from scipy.special import expit
from xarray import DataTree

from skillstats.errors import UsageError
from skillstats.evaluation.family import evaluate_parts
from skillstats.inference.breadth import Breadth
from skillstats.inference.container import Diagnostics
from skillstats.inference.family_effects import choices_log_likelihood, parts_log_likelihood
from skillstats.inference.family_fit import FamilyFit, family_terms
from skillstats.spec import read_spec
from skillstats.study.designs import BALANCED, RELEASE_DESIGNS, Design
from skillstats.study.engines import truth_as_fit, with_posterior
from skillstats.study.family_equations import draw_acted, draw_correlation
from skillstats.study.quantities import quantities
from skillstats.study.worlds import draw_world

SMALL = Design("small", "uneven", traders=4, sessions=7, regimes=2, actions=2)
NOTHING = Diagnostics((), 0, 1.0, 0.0, 1.0, 1, 1, 0, 0.0, (), {})


def truth_only(name, design, seed):
    """A world, and its truth in the container of a fit."""
    spec = read_spec(name)
    world = draw_world(spec, design, np.random.default_rng(seed))
    variables = {
        k: (("chain", "draw", *(f"{k}_{i}" for i in range(np.ndim(v)))), np.asarray(v)[None, None])
        for k, v in world.truth.items()
    }
    tree = DataTree.from_dict({"posterior": xr.Dataset(variables)})
    terms = family_terms(spec, world.evidence)
    return world, FamilyFit(tree, spec, world.evidence, 0, Breadth(None, ""), terms, NOTHING, {})


@pytest.mark.parametrize("eta", [1.0, 2.0, 4.0])
def test_correlations_have_the_margins_of_an_lkj(eta):
    # (r + 1) / 2 ~ Beta(eta + 1/2, eta + 1/2) for each pair of three: a level of 1e-4 for each of three pairs
    prior = msgspec.structs.replace(read_spec("hybrid_timing").priors["skill_correlation"], eta=eta)
    rng = np.random.default_rng(4)
    drawn = np.array([draw_correlation(prior, rng) for _ in range(1500)])
    assert np.linalg.eigvalsh(drawn).min() > 0
    for row, column in ((0, 1), (0, 2), (1, 2)):
        share = (drawn[:, row, column] + 1) / 2
        assert stats.kstest(share, stats.beta(eta + 0.5, eta + 0.5).cdf).pvalue > 1e-4


def test_days_have_the_covariance_of_the_equations():
    # y - theta of a trader-day has covariance diag(sigma) R_e diag(sigma) + diag(s_V^2), of two traders of a day diag(s_V^2)
    spec, rng = read_spec("hybrid_timing"), np.random.default_rng(5)
    long = dataclasses.replace(BALANCED, traders=3, sessions=4000)
    world = draw_world(spec, long, rng)
    t, parts = world.truth, world.evidence
    left = (parts.y - t["theta"][parts.trader]).reshape(3, 4000, 3)
    own = t["corr_e"] * np.outer(t["sigma"][1], t["sigma"][1]) + np.diag(t["s_V"] ** 2)
    size = np.sqrt(np.outer(np.diag(own), np.diag(own)))
    np.testing.assert_allclose(np.cov(left[1].T) / size, own / size, atol=0.08)
    shared = left[0].T @ left[1] / 4000
    sds = np.sqrt(np.outer(t["sigma"][0] ** 2 + t["s_V"] ** 2, t["sigma"][1] ** 2 + t["s_V"] ** 2))
    np.testing.assert_allclose(shared / sds, np.diag(t["s_V"] ** 2) / sds, atol=0.08)


def test_scales_of_parts_are_those_of_the_specification():
    spec, rng = read_spec("hybrid_timing"), np.random.default_rng(6)
    tiny = dataclasses.replace(SMALL, kind="balanced", rows=1, sessions=4)
    truths = [draw_world(spec, tiny, rng).truth for _ in range(400)]
    found = {k: np.array([t[k] for t in truths]) for k in ("mu", "tau_trader", "s_V", "l0", "t_sigma")}
    per_day = 0.5 / np.sqrt(tiny.bets_per_year)
    assert found["mu"].std() == pytest.approx(per_day, rel=0.1)
    assert np.mean(found["tau_trader"] ** 2) == pytest.approx(per_day**2, rel=0.15)
    assert np.mean(found["s_V"] ** 2) == pytest.approx(0.25, rel=0.15)
    assert found["l0"].mean() == pytest.approx(-0.5, abs=0.08) and found["l0"].std() == pytest.approx(0.6, rel=0.1)
    standard = np.concatenate([((t["theta"] - t["mu"]) / t["tau_trader"]).ravel() for t in truths])
    assert standard.std() == pytest.approx(1, rel=0.05)


def test_choices_are_made_as_often_as_the_equations_say():
    # without moods, acted less its probability over the root of the sum of p (1 - p) is a standard normal; level 1e-4
    spec, rng, found = read_spec("propensity"), np.random.default_rng(7), []
    for _ in range(80):
        world = draw_world(spec, SMALL, rng)
        t, c = {k: v for k, v in world.truth.items() if k != "s_A"}, world.evidence
        z = (c.features - c.features.mean(axis=0)) / c.features.std(axis=0)
        p = expit(t["alpha"][c.trader] + t["stratum_effect"][c.stratum] + z @ t["beta"] + t["lambda"][c.trader] * c.v_star)
        found.append((draw_acted(t, c, rng).sum() - p.sum()) / np.sqrt(np.sum(p * (1 - p))))
        assert abs(t["stratum_effect"].sum()) < 1e-12
    assert stats.kstest(found, stats.norm.cdf).pvalue > 1e-4


def test_moods_are_shared_by_a_trader_session_only():
    # logits of 0 and moods of sd 2: two choices of one trader-session agree with probability E[p^2 + (1 - p)^2], others with 1/2
    spec, rng = read_spec("propensity"), np.random.default_rng(8)
    c = draw_world(spec, Design("moods", "balanced", traders=4, sessions=2000, rows=2), rng).evidence
    truth = {"mu_alpha": np.zeros(()), "alpha": np.zeros(4), "lambda": np.zeros(4), "s_A": np.array(2.0)}
    acted = draw_acted(truth, c, rng).reshape(4, 2000, 2)
    p = expit(2 * np.random.default_rng(9).standard_normal(200_000))
    assert np.mean(acted[..., 0] == acted[..., 1]) == pytest.approx(np.mean(p**2 + (1 - p) ** 2), abs=0.03)
    assert np.mean(acted[0] == acted[1]) == pytest.approx(0.5, abs=0.04)


@pytest.mark.parametrize("design", RELEASE_DESIGNS, ids=lambda d: d.name)
@pytest.mark.parametrize("name", ["hybrid_timing", "propensity"])
def test_every_design_has_worlds_of_every_family(name, design):
    world, fit = truth_only(name, design, 8)
    found = quantities(fit, seed=0, release=True)
    assert all(values.shape == (1,) and np.isfinite(values).all() for values in found.values())
    assert {"gap", "loglik"} <= set(found) and len(found) >= 12
    assert (
        world.evidence.digest == truth_only(name, design, 8)[0].evidence.digest != truth_only(name, design, 9)[0].evidence.digest
    )


def test_density_of_days_is_that_of_one_large_normal():
    world, fit = truth_only("hybrid_timing", SMALL, 10)
    t, parts = world.truth, world.evidence
    ours = parts_log_likelihood(fit)[0]
    for place, s in enumerate(np.unique(parts.session)):
        own = np.flatnonzero(parts.session == s)
        covariance = np.kron(np.ones((len(own), len(own))), np.diag(t["s_V"] ** 2))
        for k, j in enumerate(parts.trader[own]):
            at = slice(3 * k, 3 * k + 3)
            covariance[at, at] += t["corr_e"] * np.outer(t["sigma"][j], t["sigma"][j])
        expected = stats.multivariate_normal(t["theta"][parts.trader[own]].ravel(), covariance).logpdf(parts.y[own].ravel())
        assert ours[place] == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("s_a", "within"), [(0.3, 1e-6), (2.0, 1e-6), (5.0, 2e-3)])
def test_density_of_choices_is_the_integral_over_moods(s_a, within):
    world, fit = truth_only("propensity", SMALL, 11)
    t, c = world.truth | {"s_A": np.array(s_a)}, world.evidence
    fit = with_posterior(fit, {k: np.asarray(v)[None] for k, v in t.items()})
    ours = choices_log_likelihood(fit)[0]
    x = (c.features - c.features.mean(axis=0)) / c.features.std(axis=0)
    logit = t["alpha"][c.trader] + t["stratum_effect"][c.stratum] + x @ t["beta"] + t["lambda"][c.trader] * c.v_star
    pair = c.trader * len(c.coords["session"]) + c.session
    for place, p in enumerate(np.unique(pair)):
        own = pair == p

        def density(z, own=own):
            signed = np.where(c.acted[own], 1, -1) * (logit[own] + s_a * z)
            return np.exp(-np.logaddexp(0, -signed).sum()) * stats.norm.pdf(z)

        grid = np.linspace(-9, 9, 1001)
        assert ours[place] == pytest.approx(np.log(integrate.simpson([density(z) for z in grid], x=grid)), abs=within)


def test_a_reported_ratio_is_the_ranked_one():
    _, fit = truth_only("hybrid_timing", dataclasses.replace(BALANCED, sessions=25), 12)
    row = next(r for r in evaluate_parts(fit).to_pandas().to_dict("records") if r["part"] == "timing")
    assert row["trader"] == fit.evidence.coords["trader"][0]
    t = fit.draws("theta")[0, 0, 1], fit.draws("sigma")[0, 0, 1], fit.draws("s_V")[0, 1]
    assert quantities(fit, seed=0, release=False)["ir_ann_timing"][0] == pytest.approx(t[0] / np.hypot(*t[1:]) * np.sqrt(252.0))


def test_a_truth_without_a_variable_of_the_fit_is_refused():
    world, fit = truth_only("propensity", SMALL, 13)
    with pytest.raises(KeyError):
        truth_as_fit(fit, {k: v for k, v in world.truth.items() if k != "lambda"})


def test_a_family_without_worlds_is_refused():
    with pytest.raises(UsageError, match="no worlds can be drawn for the family other"):
        draw_world(msgspec.structs.replace(read_spec("propensity"), family="other"), SMALL, np.random.default_rng(1))
