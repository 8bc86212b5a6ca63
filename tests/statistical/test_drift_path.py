"""The path of skill by quarter against NUTS on `dynamic` and against a dense normal calculation that shares no code with it."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parent))
from drift_desk import PLAN, QUARTERS, REFERENCE, drift_desk

from skillstats.evaluation.history_drift import States, _at_shape, ar1_root, scales_of, states_of
from skillstats.evaluation.history_equations import lay_out_path, path_given
from skillstats.evidence import Evidence
from skillstats.inference.container import Fit
from skillstats.inference.nuts import fit

Floats = NDArray[np.float64]


@pytest.fixture(scope="module")
def constant() -> Fit:
    """`crossed_total`, which holds skill constant, by Gibbs."""
    return fit("crossed_total", drift_desk()[0], seed=3, engine="gibbs", plan=PLAN)


@pytest.fixture(scope="module")
def path(constant: Fit) -> States:
    found = states_of(constant, None)
    assert isinstance(found, States), found
    return found


def test_the_path_is_that_of_the_model_with_drift_by_nuts(path: States) -> None:
    """Means within a tenth of a posterior sd, sds within a tenth, ends of the intervals within .15 sd of 8,000 draws of `dynamic`."""
    known = json.loads(REFERENCE.read_text())
    assert known["evidence"] == drift_desk()[0].digest
    assert known["run"]["divergences"] == 0 and known["run"]["r_hat"] < 1.01
    mean, sd = np.array(known["mean"]), np.array(known["sd"])
    assert np.abs((path.mean - mean) / sd).max() < 0.1
    assert np.abs(path.sd / sd - 1).max() < 0.1
    for name, values in known["quantiles"].items():
        assert np.abs((path.quantiles[name] - np.array(values)) / sd).max() < 0.15, name
    assert path.drift == pytest.approx(known["drift"], abs=0.006)


def test_the_weights_hardly_differ_although_skill_drifts_by_as_much_as_traders_differ(path: States) -> None:
    assert path.k is not None and path.effective is not None
    assert path.k < 0.5
    assert path.effective > 50


def test_who_left_is_known_less_and_less_well(path: States) -> None:
    """T1 left after the third quarter, T2 paused in the fourth."""
    assert path.sd[0, 2] < path.sd[0, 3] < path.sd[0, 4]
    assert path.sd[1, 3] > path.sd[1, 2]


def test_a_state_is_the_posterior_of_a_dense_normal_model(constant: Fit) -> None:
    """Rows, shocks and effects in one covariance matrix; conditioning by linear algebra on a handful of days."""
    evidence = _few_rows(constant.evidence)
    short = replace(constant, evidence=evidence)
    layout = lay_out_path(evidence, replace(constant.terms, drift="quarter"))
    tau_a, tau_z, phi = 0.11, 0.07, 0.6
    root = np.hstack([np.full((QUARTERS, 1), tau_a), tau_z * ar1_root(phi, QUARTERS)])
    path = path_given(layout, scales_of(short, layout, 17))
    density, mean, variance = _at_shape(path, root, layout, np.ones(1))
    expected, spread, ratio = _dense(short, 17, tau_a, tau_z, phi)
    assert mean[:, 0] == pytest.approx(expected, abs=1e-9)
    assert variance[:, 0] == pytest.approx(spread, rel=1e-8)
    assert density[0] == pytest.approx(ratio, abs=1e-8)


def _few_rows(evidence: Evidence) -> Evidence:
    """Every twelfth session."""
    for session in range(len(evidence.coords["session"])):
        if session % 12:
            evidence = evidence.without_session(session)
    return evidence


def _dense(fit: Fit, draw: int, tau_a: float, tau_z: float, phi: float) -> tuple[Floats, Floats, float]:
    """States, then changes: mean and variance; and the log ratio of the density to that without any difference between traders."""
    e, traders = fit.evidence, len(fit.evidence.coords["trader"])
    q = e.labels["quarter"]
    same = lambda codes: (codes[:, None] == codes).astype(float)  # noqa: E731
    sigma, s_u, s_v = (fit.draws(k)[draw] for k in ("sigma", "s_U", "s_V"))
    tau_b, tau_c = (fit.draws(k)[draw] for k in ("tau_regime", "tau_trader_regime"))
    mu_sd = 0.5 / 5.0  # annual .5 at 25 bets a year
    noise = np.diag(sigma[e.trader, e.regime] ** 2) + s_v**2 * same(e.session)
    noise += same(e.session) * same(e.trader) * s_u[e.trader] ** 2
    still = noise + mu_sd**2 + tau_b**2 * same(e.regime) + tau_c**2 * same(e.regime) * same(e.trader)
    lag = np.abs(np.subtract.outer(np.arange(QUARTERS), np.arange(QUARTERS)))
    path = tau_a**2 + tau_z**2 * phi**lag / (1 - phi**2)  # of one trader
    full = still + same(e.trader) * path[q[:, None], q]
    states = []  # covariance of each state with the rows, its variance
    for j in range(traders):
        share = np.bincount(e.regime[e.trader == j], minlength=2) / np.sum(e.trader == j)
        level = mu_sd**2 + tau_b**2 * share[e.regime] + tau_c**2 * share[e.regime] * (e.trader == j)
        for k in range(QUARTERS):
            with_rows = level + (e.trader == j) * path[k, q]
            states.append((with_rows, mu_sd**2 + (tau_b**2 + tau_c**2) * np.sum(share**2) + path[k, k]))
    for j in range(traders):
        with_rows = (e.trader == j) * (path[QUARTERS - 1, q] - path[0, q])
        states.append((with_rows, path[0, 0] + path[-1, -1] - 2 * path[0, -1]))
    cross = np.stack([c for c, _ in states])
    mean = cross @ np.linalg.solve(full, e.y)
    variance = np.array([v for _, v in states]) - np.einsum("ij,ji->i", cross, np.linalg.solve(full, cross.T))
    density = [-0.5 * (np.linalg.slogdet(m)[1] + e.y @ np.linalg.solve(m, e.y)) for m in (full, still)]
    return mean, variance, float(density[0] - density[1])
