"""Simulation-based calibration of the Gibbs engine, small form: it catches gross errors only, and one planted error shows that it does.

Parameters are drawn from the priors by this file (not by the package), rows from the parameters, and each true value is ranked among 99 draws. With a
right sampler the ranks are uniform (Talts, Betancourt, Simpson, Vehtari, Gelman 2018). 200 desks a model; ten bins; alpha .001 over all
quantities of a model together. Seeds are fixed.
"""

import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import chisquare

sys.path.insert(0, str(Path(__file__).parent))
from engine_cases import evidence_of

from skillstats.inference.gibbs import problem_draws
from skillstats.inference.gibbs_layout import make_problem
from skillstats.inference.separable import separable_terms
from skillstats.spec import read_spec

TRADERS, DAYS, REGIMES, ACTIONS, ROWS, B, DESKS, KEPT = 5, 16, 2, 2, 240, 25.0, 200, 99
SWEEPS = (150, KEPT, 5)


def truth_of_crossed_total(rng):
    annual = 1 / np.sqrt(B)
    p = {"mu": rng.normal(0, 0.5 * annual)}
    for name, symbol, scale, shape in (
        ("trader", "a", 0.5, TRADERS), ("regime", "b", 0.25, REGIMES), ("trader_regime", "c", 0.25, (TRADERS, REGIMES)), ("action", "g", 0.25, ACTIONS),
    ):  # fmt: skip
        p[f"tau_{name}"] = abs(rng.normal(0, scale * annual))
        p[symbol] = rng.normal(0, p[f"tau_{name}"], shape)
    p |= {"s_V": abs(rng.normal(0, 0.5)), "l_U": rng.normal(np.log(0.3), 0.7), "t_U": abs(rng.normal(0, 0.5))}
    p["s_U"] = np.exp(rng.normal(p["l_U"], p["t_U"], TRADERS))
    p |= {"l0": rng.normal(-0.25, 0.5), "t_sigma": abs(rng.normal(0, 0.3))}
    p["lam"] = rng.normal(p["l0"], p["t_sigma"], TRADERS)
    difference = rng.normal(0, 0.15 / np.sqrt(2))  # two values that sum to zero
    p["l_r"] = np.array([difference, -difference])
    p["sigma"] = np.exp(p["lam"][:, None] + p["l_r"])
    return p


def truth_of_day_pooled(rng):
    annual = 1 / np.sqrt(B)
    p = {"mu": rng.normal(0, 0.5 * annual), "tau_trader": abs(rng.normal(0, 0.5 * annual))}
    p |= {
        "a": rng.normal(0, p["tau_trader"], TRADERS),
        "b": np.zeros(REGIMES),
        "c": np.zeros((TRADERS, REGIMES)),
        "g": np.zeros(ACTIONS),
    }
    p |= {"s_V": abs(rng.normal(0, 0.5)), "s_U": np.full(TRADERS, abs(rng.normal(0, 0.5))), "l0": rng.normal(-0.25, 0.5)}
    p["sigma"] = np.full((TRADERS, REGIMES), np.exp(p["l0"]))
    return p


def desk_of(p, rng):
    t, s = rng.integers(0, TRADERS, ROWS), rng.integers(0, DAYS, ROWS)
    r, k = rng.integers(0, REGIMES, ROWS), rng.integers(0, ACTIONS, ROWS)
    theta = p["mu"] + p["a"][t] + p["b"][r] + p["c"][t, r] + p["g"][k]
    shocks = rng.normal(0, p["s_V"], DAYS)[s] + (rng.normal(0, 1, (TRADERS, DAYS)) * p["s_U"][:, None])[t, s]
    y = theta + shocks + rng.normal(0, 1, ROWS) * p["sigma"][t, r]
    return evidence_of(y, t, s, r, k, (TRADERS, DAYS, REGIMES, ACTIONS))


def density_of(p, e):
    """Log p(y | parameters) from one dense covariance of all rows."""
    t, s, r, k = e.trader, e.session, e.regime, e.action
    error = e.y - (p["mu"] + p["a"][t] + p["b"][r] + p["c"][t, r] + p["g"][k])
    same = s[:, None] == s
    cov = np.diag(p["sigma"][t, r] ** 2) + p["s_V"] ** 2 * same + np.outer(p["s_U"][t], p["s_U"][t]) * (same & (t[:, None] == t))
    factor = np.linalg.cholesky(cov)
    return -0.5 * np.sum(np.linalg.solve(factor, error) ** 2) - np.log(np.diag(factor)).sum() - 0.5 * len(t) * np.log(2 * np.pi)


CASES = {
    "day_pooled": (truth_of_day_pooled, ("mu", "tau_trader", "a", "s_V", "s_U", "l0")),
    "crossed_total": (
        truth_of_crossed_total,
        ("mu", "tau_trader", "tau_regime", "tau_trader_regime", "tau_action", "a", "b", "c", "g", "s_V", "s_U", "l_U", "t_U", "l0", "t_sigma", "l_r", "sigma"),
    ),
}  # fmt: skip


def one(x):
    """The first element of a parameter."""
    return np.ravel(x)[0]


def smallest_p(name, change=lambda problem: problem):
    """Smallest p of the uniformity of ranks over all quantities, times their number."""
    draw_truth, quantities = CASES[name]
    spec, ranks = read_spec(name), []
    for k in range(DESKS):
        rng = np.random.default_rng([7, k])
        truth = draw_truth(rng)
        evidence = desk_of(truth, rng)
        found = problem_draws(change(make_problem(spec, evidence, separable_terms(spec, evidence), B)), seed=k, sweeps=SWEEPS)
        row = [np.sum(found.values[q][0].reshape(KEPT, -1)[:, 0] < one(truth[q])) for q in quantities]
        gap = found.values["a"][0, :, 0] - found.values["a"][0, :, 1]
        ranks.append(
            [*row, np.sum(gap < truth["a"][0] - truth["a"][1]), np.sum(found.log_likelihood[0] < density_of(truth, evidence))]
        )
    p = {}
    for q, column in zip((*quantities, "gap", "log_likelihood"), np.array(ranks).T, strict=True):
        p[q] = chisquare(np.bincount(column * 10 // (KEPT + 1), minlength=10)).pvalue
    return min(p.values()) * len(p), p


@pytest.mark.parametrize("name", CASES)
def test_ranks_are_uniform(name):
    worst, every = smallest_p(name)
    assert worst > 0.001, every


def test_a_planted_error_is_caught():
    """The mean costs a degree of freedom twice over: every trader loses a tenth of the rows when the residual sd is drawn."""
    worst, _ = smallest_p("day_pooled", lambda problem: _with_rows(problem, 0.9))
    assert worst < 0.001


def _with_rows(problem, factor):
    import dataclasses

    return dataclasses.replace(problem, data=problem.data._replace(rows=problem.data.rows * factor))
