"""NUTS on simulated desks with known skill, and against an exact answer. Seeds are fixed on purpose; a failure is a defect."""

import numpy as np
import pytest

from skillstats.evidence import Evidence
from skillstats.inference.diagnose import diagnose
from skillstats.inference.effects import draw_shocks, parameters, session_log_likelihood, theta_draws
from skillstats.inference.nuts import fit

TRADERS, DAYS, DECISIONS = 8, 60, 20


def simulate_desk(seed, annual_sd=0.5, breadth=752.2):
    """8 traders x 60 days x 20 decisions; skills drawn from the prior's scale; desk-day sd .35, trader-day sds near .3, residual .8."""
    rng = np.random.default_rng(seed)
    theta = rng.normal(0, annual_sd / np.sqrt(breadth), TRADERS)
    s_u = 0.3 * np.exp(rng.normal(0, 0.3, TRADERS))
    v, u = rng.normal(0, 0.35, DAYS), rng.normal(0, 1, (TRADERS, DAYS)) * s_u[:, None]
    trader, session, _ = (code.ravel() for code in np.indices((TRADERS, DAYS, DECISIONS)))
    regime, action = rng.integers(0, 2, DAYS)[session], rng.integers(0, 2, len(trader))
    y = theta[trader] + v[session] + u[trader, session] + rng.normal(0, 0.8, len(trader))
    coords = {"trader": tuple(f"T{j}" for j in range(TRADERS)), "session": tuple(f"S{s:02d}" for s in range(DAYS))}
    coords |= {"regime": ("calm", "wild"), "action": ("RESIZE", "VETO")}
    evidence = Evidence(
        value_add=y, risk=np.ones(len(y)), y=y, trader=trader, session=session, regime=regime, action=action, decision=np.arange(len(y)),
        coords=coords, source="record", unit="USD", has_risk=True, scale=1.0, sessions_per_year=252.0, sessions_spanned=DAYS, counts={}, context={},
    )  # fmt: skip
    return evidence, theta, v, u


@pytest.fixture(scope="module")
def desk():
    return simulate_desk(20260701)


@pytest.fixture(scope="module")
def crossed(desk):
    return fit("crossed_total", desk[0], seed=1)


def test_intervals_cover_the_planted_skills(desk, crossed):
    """90% intervals of 8 traders' skills hold at least 6; with exact coverage .90 a false alarm has probability .038 (fixed seed)."""
    evidence, theta, *_ = desk
    mix = np.zeros((TRADERS, 2, 2))
    np.add.at(mix, (evidence.trader, evidence.regime, evidence.action), 1.0)
    mix /= mix.sum(axis=(1, 2), keepdims=True)
    draws = np.sum(theta_draws(crossed) * mix, axis=(2, 3))
    low, high = np.quantile(draws, [0.05, 0.95], axis=0)
    assert np.sum((low <= theta) & (theta <= high)) >= 6


def test_sampler_earns_belief(crossed):
    assert crossed.diagnostics.ok, str(crossed.diagnostics)
    assert not crossed.diagnostics.reruns, "the shipped run length should do without the rerun"
    assert crossed.diagnostics.divergences == 0
    assert crossed.diagnostics.max_rhat <= 1.01
    assert crossed.diagnostics.min_ess >= 400


def test_shocks_drawn_afterwards_are_the_planted_ones(desk, crossed):
    """Desk-day and trader-day effects correlate with the truth, and their 90% intervals cover 80-97% of them."""
    _, _theta, v, u = desk
    shocks = draw_shocks(crossed, seed=2, every=4)
    assert np.corrcoef(shocks.desk_day.mean(0), v)[0, 1] > 0.9
    truth = u[shocks.pair_trader, shocks.pair_session]
    low, high = np.quantile(shocks.trader_day, [0.05, 0.95], axis=0)
    assert 0.80 < np.mean((low <= truth) & (truth <= high)) < 0.97


def test_session_densities_add_up_to_the_models_likelihood(crossed):
    """The numpy twin of the likelihood equals PyMC's, summed over sessions, at the first draw."""
    import pymc as pm
    import pytensor.tensor as pt

    from skillstats.components.cells import log_density_cells
    from skillstats.inference.effects import fit_layout

    draws, layout = parameters(crossed), fit_layout(crossed)
    _, ours = session_log_likelihood(crossed)
    first = (pt.constant(x[0]) for x in (draws.theta, draws.sigma, draws.s_u, draws.s_v))
    theirs = pm.draw(log_density_cells(type(layout)(*(pt.constant(a) for a in layout)), *first))
    np.testing.assert_allclose(ours[0], theirs, rtol=1e-10)


def test_same_seed_same_draws(desk, crossed):
    """Also when other evidence went through the compiled model in between."""
    other = simulate_desk(5)[0]
    fit("crossed_total", other, seed=9, draws=100, tune=200)
    np.testing.assert_array_equal(fit("crossed_total", desk[0], seed=1).draws("mu"), crossed.draws("mu"))


def test_day_pooled_agrees_with_the_exact_answer(desk):
    """M1 is Gaussian given four log sds: those by importance sampling, the rest in closed form. Means within 4 MCSE, sds within 5%."""
    evidence = desk[0]
    sampled = fit("day_pooled", evidence, seed=4)
    assert sampled.diagnostics.ok, str(sampled.diagnostics)
    exact_mean, exact_sd, exact_error = day_pooled_exactly(evidence, sampled.bets_per_year, points=6000, seed=3)
    post = sampled.tree["posterior"]
    draws = np.concatenate([post["mu"].values[..., None], post["mu"].values[..., None] + post["a"].values], axis=-1)
    error = np.hypot(diagnose(draws)["mcse"], exact_error)
    np.testing.assert_array_less(np.abs(draws.mean((0, 1)) - exact_mean) / error, 4.0)
    np.testing.assert_allclose(draws.std((0, 1)), exact_sd, rtol=0.05)


def day_pooled_exactly(evidence, bets_per_year, *, points, seed):
    """Mean, sd and error of the mean of (mu, theta_1, ..., theta_J) under models/day_pooled.toml, written from the model's equations."""
    from scipy.optimize import minimize
    from scipy.stats import multivariate_t

    size = TRADERS * DAYS
    pair = evidence.trader * DAYS + evidence.session
    m = np.bincount(pair, minlength=size)
    ybar = np.bincount(pair, evidence.y, minlength=size) / m
    within = np.sum((evidence.y - ybar[pair]) ** 2)
    design = np.zeros((size, 1 + TRADERS + DAYS))  # columns: mu, a_j, V_s
    design[:, 0] = 1
    design[np.arange(size), 1 + np.arange(size) // DAYS] = 1
    design[np.arange(size), 1 + TRADERS + np.arange(size) % DAYS] = 1
    annual = 1 / np.sqrt(bets_per_year)
    to_theta = np.hstack(
        [np.ones((TRADERS + 1, 1)), np.vstack([np.zeros(TRADERS), np.eye(TRADERS)]), np.zeros((TRADERS + 1, DAYS))]
    )

    def given(u):
        """Log posterior density of u = (log tau, log s_V, log s_U, log sigma), and moments of (mu, theta) given u."""
        tau, s_v, s_u, sigma = np.exp(u)
        noise = s_u**2 + sigma**2 / m
        prior = np.concatenate([[(0.5 * annual) ** 2], np.full(TRADERS, tau**2), np.full(DAYS, s_v**2)])
        precision = design.T @ (design / noise[:, None]) + np.diag(1 / prior)
        factor = np.linalg.cholesky(precision)
        b = design.T @ (ybar / noise)
        mean = np.linalg.solve(precision, b)
        logdet = 2 * np.sum(np.log(np.diag(factor))) + np.sum(np.log(prior)) + np.sum(np.log(noise))
        log_p = -0.5 * (logdet + np.sum(ybar**2 / noise) - b @ mean)
        log_p += -np.sum(m - 1) * u[3] - 0.5 * within / sigma**2
        log_p += (
            -0.5 * ((tau / (0.5 * annual)) ** 2 + (s_v / 0.5) ** 2 + (s_u / 0.5) ** 2 + ((u[3] + 0.25) / 0.5) ** 2)
            + u[0]
            + u[1]
            + u[2]
        )
        half = np.linalg.solve(factor, to_theta.T)
        return log_p, to_theta @ mean, np.sum(half**2, axis=0)

    mode = minimize(
        lambda u: -given(u)[0],
        np.log([0.5 * annual, 0.35, 0.3, 0.8]),
        method="Nelder-Mead",
        options={"xatol": 1e-4, "fatol": 1e-6},
    )
    step = np.diag([0.2, 0.03, 0.03, 0.005])  # about half a posterior sd of each log sd
    at = [[[given(mode.x + p * step[i] + q * step[k])[0] for q in (-1, 1)] for p in (-1, 1)] for i in range(4) for k in range(4)]
    curvature = np.array([(a[0][0] - a[0][1] - a[1][0] + a[1][1]) / 4 for a in at]).reshape(4, 4)
    hessian = -curvature / np.outer(np.diag(step), np.diag(step))
    proposal = multivariate_t(mode.x, 1.5 * np.linalg.inv(hessian), df=4, seed=seed)
    u = proposal.rvs(points)
    log_p, means, variances = (np.array(part) for part in zip(*map(given, u), strict=True))
    weight = np.exp(log_p - proposal.logpdf(u) - np.max(log_p - proposal.logpdf(u)))
    weight /= weight.sum()
    assert 1 / np.sum(weight**2) > points / 10, "importance sampling failed; the exact answer is not exact"
    mean = weight @ means
    sd = np.sqrt(weight @ (variances + (means - mean) ** 2))
    return mean, sd, np.sqrt(np.sum((weight[:, None] * (means - mean)) ** 2, axis=0))
