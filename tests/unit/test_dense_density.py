"""The density of sessions on cells against the dense multivariate normal density of the rows, for every kind of term.

The dense side is written from the model's equations: the mean of each row, and the covariance of all rows with every shock in it.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import xarray as xr
from scipy.stats import multivariate_normal
from xarray import DataTree

from skillstats.evidence import Evidence, collapse
from skillstats.inference.breadth import Breadth
from skillstats.inference.container import Diagnostics, Fit
from skillstats.inference.design import design, loadings
from skillstats.inference.effects import Parameters, draw_shocks, session_log_density, theta_at
from skillstats.inference.separable import Terms
from skillstats.spec import read_spec

TRADERS, SESSIONS, REGIMES = 5, 7, 2
FULL = ("trader", "regime", "trader:regime", "action", "signal_type", "asset_class", "model_version", "desk")


def make_evidence(seed=1):
    """Uneven rows, some trader-sessions empty; one trader acts for both desks; sizes, exposures and factor returns vary."""
    rng = np.random.default_rng(seed)
    size = rng.poisson(3, (TRADERS, SESSIONS)).ravel()
    trader, session = (np.repeat(code.ravel(), size) for code in np.indices((TRADERS, SESSIONS)))
    count = len(trader)
    y, risk = rng.normal(0, 0.9, count), 100 * rng.lognormal(0, 0.6, count)
    labels = {name: rng.integers(0, 2, count) for name in ("signal_type", "asset_class", "model_version")}
    labels |= {"desk": np.where(trader == 4, rng.integers(0, 2, count), trader // 3), "quarter": session // 2}
    coords = {k: tuple(f"{k}{i}" for i in range(c.max() + 1)) for k, c in labels.items()}
    coords |= {
        "trader": tuple("ABCDE"),
        "session": tuple(f"s{i}" for i in range(SESSIONS)),
        "regime": ("calm", "wild"),
        "action": ("x", "y"),
    }
    return Evidence(
        value_add=y * risk, risk=risk, y=y, trader=trader, session=session, regime=rng.integers(0, REGIMES, count),
        action=rng.integers(0, 2, count), decision=np.arange(count), coords=coords, source="record", unit="USD", has_risk=True, scale=1.0,
        sessions_per_year=252.0, sessions_spanned=SESSIONS, counts={}, context={}, labels=labels, exposure=rng.normal(0.3, 2, count),
        factor_return=rng.normal(0, 0.5, SESSIONS)[session],
    )  # fmt: skip


def make_parameters(profiles, terms, seed=2):
    """One draw of every parameter, zero where the term is not kept."""
    rng = np.random.default_rng(seed)
    return Parameters(
        theta=rng.normal(0, 0.3, (1, profiles)),
        sigma=rng.uniform(0.5, 1.2, (1, TRADERS, REGIMES)),
        s_u=rng.uniform(0.2, 0.6, (1, TRADERS)) * ("trader:session" in terms.shocks),
        s_v=np.array([0.5 * ("session" in terms.shocks)]),
        s_f=np.array([0.7 * ("session:exposure" in terms.shocks)]),
        kappa=rng.normal(0, 0.3, (1, TRADERS)) * ("sizing" in terms.slopes),
    )


def dense_parts(evidence, terms, p):
    """Mean and covariance of the rows, and the matrices of their shocks: F by session, V by desk and session, U by trader too."""
    found = design(evidence, terms)
    labels = found.cells.profile_labels
    row_codes = np.stack([evidence.code(k) for k in labels], axis=1)
    profile_codes = np.stack([found.profiles.codes[k] for k in labels], axis=1)
    profile = [int(np.flatnonzero((profile_codes == row).all(axis=1))[0]) for row in row_codes]
    mean = p.theta[0, profile] + p.kappa[0, evidence.trader] * (np.log(evidence.risk) - np.log(evidence.risk).mean())
    desk = evidence.code("desk") if terms.by_desk else np.zeros(len(evidence), dtype=int)
    same_session = evidence.session[:, None] == evidence.session
    same_desk = same_session & (desk[:, None] == desk)
    same_pair = same_desk & (evidence.trader[:, None] == evidence.trader)
    x = np.zeros(len(evidence))
    if "session:exposure" in terms.shocks:
        x = evidence.exposure / np.sqrt(np.mean(evidence.exposure**2))
        if terms.form == "trader:session":
            x = same_pair @ x / same_pair.sum(axis=1)
    noise = np.diag(p.sigma[0, evidence.trader, evidence.regime] ** 2)
    shocks = (
        p.s_f[0] ** 2 * same_session * np.outer(x, x),
        p.s_v[0] ** 2 * same_desk,
        (p.s_u[0, evidence.trader] ** 2)[:, None] * same_pair,
    )
    y = evidence.y - (evidence.exposure * evidence.factor_return if terms.form == "observed" else 0.0)
    return y, mean, noise, shocks, x


CASES = {
    "two desks, sizing, latent factor by decision": Terms(
        FULL, ("session", "trader:session", "session:exposure"), ("trader", "regime"), {}, ("sizing",), None, "decision"
    ),
    "mean exposure of the trader-session, no session shock": Terms(
        ("trader",), ("trader:session", "session:exposure"), ("trader",), {}, (), None, "trader:session"
    ),
    "latent factor alone, with sizing": Terms(
        ("trader", "action"), ("session:exposure",), ("trader", "regime"), {}, ("sizing",), None, "decision"
    ),
    "observed factor": Terms(("trader",), ("session", "trader:session"), ("trader", "regime"), {}, ("sizing",), None, "observed"),
    "quarters": Terms(("trader", "regime"), ("session", "trader:session"), ("trader", "regime"), {}, (), "quarter"),
    "desks without a trader's shock": Terms(("trader", "desk"), ("session",), ("regime",), {}),
}


@pytest.mark.parametrize("terms", CASES.values(), ids=CASES)
def test_cells_have_the_density_of_the_rows(terms):
    evidence = make_evidence()
    data = design(evidence, terms)
    p = make_parameters(len(data.profiles), terms)
    if "regime" not in terms.volatility_by:
        p = dataclasses.replace(p, sigma=np.repeat(p.sigma[:, :, :1], REGIMES, axis=2))
    if "trader" not in terms.volatility_by:
        p = dataclasses.replace(p, sigma=np.repeat(p.sigma[:, :1], TRADERS, axis=1))
    y, mean, noise, shocks, _ = dense_parts(evidence, terms, p)
    found = session_log_density(data, p)[0]
    for s, density in enumerate(found):
        at = np.ix_(evidence.session == s, evidence.session == s)
        rows = evidence.session == s
        expected = multivariate_normal.logpdf(y[rows], mean[rows], (noise + sum(shocks))[at])
        assert density == pytest.approx(expected, rel=1e-10)


def test_cells_are_told_apart_by_needed_labels_only():
    evidence = make_evidence()
    coarse = design(evidence, Terms(("trader",), (), (), {})).cells
    fine = design(evidence, CASES["two desks, sizing, latent factor by decision"]).cells
    assert coarse.labels == {}
    assert len(coarse) == len(np.unique(evidence.session * TRADERS + evidence.trader))
    assert set(fine.labels) == {"regime", "action", "signal_type", "asset_class", "model_version", "desk"}
    assert coarse.n.sum() == fine.n.sum() == len(evidence)


def test_cross_products_are_those_of_the_rows():
    """Centred products within each cell, by a loop over cells."""
    evidence = make_evidence()
    cells = collapse(evidence, ("action",), {"log_size": evidence.log_size, "exposure": evidence.exposure})
    for c in range(len(cells)):
        own = (evidence.session == cells.session[c]) & (evidence.trader == cells.trader[c]) & (evidence.action == cells.action[c])
        table = np.stack([evidence.log_size[own], evidence.exposure[own], evidence.y[own]])
        moments = (table - table.mean(axis=1, keepdims=True)) @ (table - table.mean(axis=1, keepdims=True)).T
        np.testing.assert_allclose(cells.xx[c], moments[:2, :2], atol=1e-12)
        np.testing.assert_allclose([*cells.xy[c], cells.ss[c]], moments[2], atol=1e-12)
        np.testing.assert_allclose(cells.x[c], table[:2].mean(axis=1), atol=1e-12)


def constant_fit(evidence, terms, values, draws):
    """A fit whose draws are all the same point; `values` {name: (dims, array)}."""
    posterior = xr.Dataset(
        {k: (("chain", "draw", *d), np.broadcast_to(v, (1, draws, *np.shape(v)))) for k, (d, v) in values.items()}
    )
    return Fit(
        DataTree.from_dict({"posterior": posterior}), read_spec("crossed_selection"), evidence, 1, Breadth(500.0, "a test"), terms,
        Diagnostics((), 0, 1.0, 1000.0, 1.0, 1, draws, draws, 0.95, (), {}), {},
    )  # fmt: skip


def test_shocks_drawn_afterwards_have_their_exact_moments():
    """F, V by desk and U given the rows: means and sds of 8,000 draws within 5 standard errors of the dense Gaussian's."""
    evidence, draws = make_evidence(), 8000
    terms = Terms(
        ("trader", "desk"),
        ("session", "trader:session", "session:exposure"),
        ("trader", "regime"),
        {},
        ("sizing",),
        None,
        "decision",
    )
    p = make_parameters(len(design(evidence, terms).profiles), terms)
    values = {
        "mu": ((), 0.1), "a": (("trader",), np.linspace(-0.2, 0.2, TRADERS)), "k": (("desk",), np.array([0.1, -0.1])),
        "sigma": (("trader", "regime"), p.sigma[0]), "s_U": (("trader",), p.s_u[0]), "s_V": ((), p.s_v[0]), "s_F": ((), p.s_f[0]),
        "kappa": (("trader",), p.kappa[0]),
    }  # fmt: skip
    fit = constant_fit(evidence, terms, values, draws)
    shocks = draw_shocks(fit, seed=3)
    theta = theta_at(fit, design(evidence, terms).profiles.codes)[:1]
    y, mean, noise, parts, x = dense_parts(evidence, terms, dataclasses.replace(p, theta=theta))
    np.testing.assert_allclose(x, loadings(evidence, terms))
    inverse = np.linalg.inv(noise + sum(parts))
    desk = evidence.code("desk")
    of_pair = [
        [(evidence.trader == t) & (evidence.session == s) & (desk == d) for d in (0, 1)]
        for t, s in zip(shocks.pair_trader, shocks.pair_session, strict=True)
    ]
    seen = {}
    load_u = []
    for (t, s), masks in zip(zip(shocks.pair_trader, shocks.pair_session, strict=True), of_pair, strict=True):
        present = [m for m in masks if m.any()]
        load_u.append(p.s_u[0, t] * present[seen.get((t, s), 0)])
        seen[t, s] = seen.get((t, s), 0) + 1
    sessions = np.unique(evidence.session)
    load_f = [p.s_f[0] * x * (evidence.session == s) for s in sessions]
    load_v = [p.s_v[0] * ((evidence.session == s) & (desk == d)) for s, d in zip(shocks.session, shocks.desk, strict=True)]
    for found, loads, sd in (
        (shocks.factor, load_f, p.s_f[0]),
        (shocks.desk_day, load_v, p.s_v[0]),
        (shocks.trader_day, load_u, p.s_u[0, shocks.pair_trader]),
    ):
        weights = np.stack(loads) @ inverse
        exact = sd * (weights @ (y - mean))
        spread = sd * np.sqrt(1 - np.einsum("gi,gi->g", weights, np.stack(loads)))
        np.testing.assert_array_less(np.abs(found.mean(axis=0) - exact), 5 * spread / np.sqrt(draws))
        np.testing.assert_allclose(found.std(axis=0), spread, rtol=5 / np.sqrt(2 * draws))


def test_the_factors_part_is_taken_out_once():
    evidence = make_evidence()
    once = evidence.without_factor()
    np.testing.assert_allclose(once.y, evidence.y - evidence.exposure * evidence.factor_return)
    np.testing.assert_allclose(once.value_add, once.y * once.risk)
    np.testing.assert_array_equal(once.without_factor().y, once.y)
