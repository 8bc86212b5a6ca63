"""The Gibbs engine against answers that need no sampler: dense linear algebra on rows, a grid, importance sampling. And: same seed, same bytes."""

import dataclasses
import hashlib
import subprocess
import sys
from pathlib import Path

import msgspec
import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from engine_cases import CASES, desk, evidence_of

from skillstats.errors import UsageError
from skillstats.inference.diagnose import diagnose
from skillstats.inference.gibbs import gibbs_draws
from skillstats.inference.nuts import fit
from skillstats.spec import read_spec

replace = msgspec.structs.replace
B = 100.0


def bytes_of(draws):
    return b"".join(draws.values[name].tobytes() for name in sorted(draws.values)) + draws.log_likelihood.tobytes()


def test_location_is_the_conjugate_answer_on_rows():
    """Given the variances of a draw, (mu, b, g, a, c) is normal with the mean and covariance of the dense rows; so its whitened draws are
    Normal(0, I). 36 coordinates: every mean within 4.5 errors of 0, every variance of 1, and no correlation beyond 5 errors."""
    evidence = desk(21, 5, 20, 260, 3, 2)
    draws = gibbs_draws(read_spec("crossed_total"), evidence, seed=3, draws=1_500, tune=500, every=3, bets_per_year=B)
    v = {name: x[0] for name, x in draws.values.items()}
    t, s, r, k = evidence.trader, evidence.session, evidence.regime, evidence.action
    columns = [np.ones((len(t), 1)), r[:, None] == np.arange(3), k[:, None] == np.arange(2), t[:, None] == np.arange(5)]
    columns.append((t * 3 + r)[:, None] == np.arange(15))
    X = np.hstack(columns).astype(float)
    same_session, same_pair = s[:, None] == s, (s[:, None] == s) & (t[:, None] == t)
    white = []
    for d in range(len(v["mu"])):
        cov = (
            np.diag(v["sigma"][d, t, r] ** 2)
            + v["s_V"][d] ** 2 * same_session
            + np.outer(v["s_U"][d, t], v["s_U"][d, t]) * same_pair
        )
        sds = np.concatenate(
            [
                [0.5 / np.sqrt(B)],
                np.repeat([v[f"tau_{n}"][d] for n in ("regime", "action", "trader", "trader_regime")], (3, 2, 5, 15)),
            ]
        )
        solved = np.linalg.solve(cov, X)
        precision = X.T @ solved + np.diag(sds**-2)
        beta = np.concatenate([[v["mu"][d]], v["b"][d], v["g"][d], v["a"][d], v["c"][d].ravel()])
        white.append(np.linalg.cholesky(precision).T @ (beta - np.linalg.solve(precision, solved.T @ evidence.y)))
    z = np.array(white)
    ess = diagnose(z[None])["ess_bulk"]
    assert np.all(np.abs(z.mean(0)) * np.sqrt(np.minimum(ess, len(z))) < 4.5)
    assert np.all(np.abs(z.var(0) - 1) < 4.5 * np.sqrt(2 / np.minimum(diagnose(z[None] ** 2)["ess_bulk"], len(z))))
    off = np.corrcoef(z.T)[np.triu_indices(z.shape[1], 1)]
    assert np.all(np.abs(off) * np.sqrt(len(z)) < 5)


def test_two_parameters_on_a_grid():
    """One trader, one regime, no shocks: mu and l0. Means and sds of a 600 x 600 grid within 4 Monte-Carlo errors."""
    rng = np.random.default_rng(5)
    y, zero = rng.normal(0.2, 0.7, 40), np.zeros(40, dtype=np.int64)
    evidence = evidence_of(y, zero, np.arange(40), zero, zero, (1, 40, 1, 1))
    draws = gibbs_draws(read_spec("crossed_outcomes"), evidence, seed=1, draws=40_000, tune=500)
    mu, level = np.meshgrid(np.linspace(-0.6, 1.0, 600), np.linspace(-1.2, 0.4, 600), indexing="ij")
    log_p = (
        -0.5 * mu**2
        - 0.5 * level**2
        - 40 * level
        - 0.5 * (((y - y.mean()) ** 2).sum() + 40 * (y.mean() - mu) ** 2) * np.exp(-2 * level)
    )
    p = np.exp(log_p - log_p.max())
    p /= p.sum()
    for name, grid in (("mu", mu), ("l0", level)):
        mean = (p * grid).sum()
        sd = np.sqrt((p * (grid - mean) ** 2).sum())
        ours = draws.values[name]
        assert abs(ours.mean() - mean) < 4 * diagnose(ours)["mcse"], name
        assert abs(ours.std() / sd - 1) < 4 / np.sqrt(2 * diagnose(ours**2)["ess_bulk"]), name


def test_day_pooled_agrees_with_importance_sampling():
    """The exact answer that NUTS is also held to: means within 4 MCSE, sds within 5%."""
    from test_nuts_recovers import day_pooled_exactly, simulate_desk

    evidence = simulate_desk(20260701)[0]
    breadth = 752.2
    draws = gibbs_draws(read_spec("day_pooled"), evidence, seed=4, draws=5_000, tune=500, chains=4, bets_per_year=breadth)
    exact_mean, exact_sd, exact_error = day_pooled_exactly(evidence, breadth, points=6000, seed=3)
    mu = draws.values["mu"][..., None]
    ours = np.concatenate([mu, mu + draws.values["a"]], axis=-1)
    error = np.hypot(diagnose(ours)["mcse"], exact_error)
    np.testing.assert_array_less(np.abs(ours.mean((0, 1)) - exact_mean) / error, 4.0)
    np.testing.assert_allclose(ours.std((0, 1)), exact_sd, rtol=0.05)


def test_log_likelihood_is_the_cells_density():
    """The density that comes with a draw is the one of `inference.effects`, also with U common and where a term was dropped."""
    from skillstats.inference.effects import session_log_likelihood

    for name in ("crossed_total", "day_pooled"):
        fitted = fit(name, desk(**CASES[name]), seed=2, engine="gibbs", draws=100, tune=100, chains=2)
        _, density = session_log_likelihood(fitted)
        length = {"draws": fitted.diagnostics.draws, "tune": 100, "chains": 2}
        again = gibbs_draws(fitted.spec, fitted.evidence, seed=2, bets_per_year=fitted.bets_per_year, **length)
        np.testing.assert_allclose(density.sum(axis=1), again.log_likelihood.ravel(), rtol=1e-11)


def test_workers_and_order_of_rows_change_no_byte():
    evidence, spec = desk(**CASES["crossed_total"]), read_spec("crossed_total")
    first = bytes_of(gibbs_draws(spec, evidence, seed=9, draws=50, tune=50, chains=3))
    assert bytes_of(gibbs_draws(spec, evidence, seed=9, draws=50, tune=50, chains=3, workers=3)) == first
    order = np.random.default_rng(0).permutation(len(evidence))
    names = ("value_add", "risk", "y", "trader", "session", "regime", "action", "decision")
    shuffled = dataclasses.replace(evidence, **{name: getattr(evidence, name)[order] for name in names})
    assert bytes_of(gibbs_draws(spec, shuffled, seed=9, draws=50, tune=50, chains=3)) == first
    assert bytes_of(gibbs_draws(spec, evidence, seed=10, draws=50, tune=50, chains=3)) != first


PROGRAM = """
import sys; sys.path.insert(0, {folder!r})
from test_gibbs_exact import *
draws = gibbs_draws(read_spec("crossed_total"), desk(**CASES["crossed_total"]), seed=9, draws=50, tune=50)
print(hashlib.sha256(bytes_of(draws)).hexdigest())
"""


def test_two_processes_give_the_same_bytes():
    program = PROGRAM.format(folder=str(Path(__file__).parent))
    told = [subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout for _ in range(2)]
    draws = gibbs_draws(read_spec("crossed_total"), desk(**CASES["crossed_total"]), seed=9, draws=50, tune=50)
    assert told[0].split()[-1] == told[1].split()[-1] == hashlib.sha256(bytes_of(draws)).hexdigest()


def test_fit_returns_the_same_container():
    """Names, dims and coordinates as NUTS stores them; gates judged; engine named."""
    evidence = desk(**CASES["crossed_total"])
    fitted = fit("crossed_total", evidence, seed=1, engine="gibbs", draws=600, tune=300)
    assert fitted.engine == "gibbs" and fitted.diagnostics.ok and fitted.diagnostics.divergences == 0
    posterior = fitted.tree["posterior"]
    assert posterior["c"].dims == ("chain", "draw", "trader", "regime") and posterior["s_U"].dims == ("chain", "draw", "trader")
    assert tuple(posterior["c"].coords["trader"].values) == evidence.coords["trader"]
    np.testing.assert_allclose(fitted.draws("l_r").sum(axis=1), 0, atol=1e-12)
    assert fitted.summary().loc["mu", "ess_bulk"] > 400


def test_too_short_a_run_is_rerun_once():
    """100 draws a chain cannot hold 100 effective ones everywhere; 20 are no chain at all, and no rerun helps."""
    evidence = desk(**CASES["crossed_total"])
    again = fit("crossed_total", evidence, seed=1, engine="gibbs", draws=100, tune=100, chains=4).diagnostics
    assert len(again.reruns) == 1 and "E-CONV" in again.reruns[0] and again.draws == 400
    hopeless = fit("crossed_total", evidence, seed=1, engine="gibbs", draws=20, tune=100, chains=2).diagnostics
    assert not hopeless.reruns and "E-STUCK" in hopeless.codes and not hopeless.ok


def test_what_is_not_covered_is_named():
    spec = read_spec("crossed_total")
    heavy = replace(spec, luck=replace(spec.luck, tails="student_t"))
    with pytest.raises(UsageError, match="gibbs does not cover tails student_t"):
        gibbs_draws(heavy, desk(**CASES["crossed_total"]), seed=1, draws=10, tune=10)
    with pytest.raises(UsageError, match="component of your own"):
        fit("crossed_total", desk(**CASES["crossed_total"]), seed=1, engine="gibbs", extra=lambda model, evidence: 0.0)
    with pytest.raises(UsageError, match="engine='advi', must be one of nuts, gibbs"):
        fit("crossed_total", desk(**CASES["crossed_total"]), seed=1, engine="advi")
