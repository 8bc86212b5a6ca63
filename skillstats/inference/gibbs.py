"""Engine B: a collapsed Gibbs sampler on cells, exact for Gaussian cells models, the same bytes for the same seed.

It samples the posterior of the PyMC model that `inference.build` makes of the same specification: same terms, same priors, same
evidence. Nothing is shared with it but the specification and the cells, so each checks the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skillstats.errors import UsageError
from skillstats.evidence import Evidence
from skillstats.inference.breadth import bets_per_year as planned_breadth
from skillstats.inference.gibbs_layout import Problem, first_state, first_widths, make_problem
from skillstats.inference.gibbs_problem import make_work
from skillstats.inference.gibbs_random import new_stream
from skillstats.inference.separable import Terms, separable_terms
from skillstats.spec.model import ModelSpec

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class GibbsDraws:
    """Draws by parameter name, each (chain, draw, ...), y units per decision, logs where the name says so.

    values : mu, tau_*, a (trader), b (regime), c (trader, regime), g (action), s_V, s_U (trader), l_U, t_U, l0, t_sigma, lam (trader), l_r
        (regime), sigma (trader, regime), as far as the model has them
    dims : dims of each beyond (chain, draw)
    log_likelihood : (chain, draw) log p(y | parameters), shocks integrated out, nats
    log_prior : (chain, draw) log density of the parameters under the priors, nats
    """

    values: Mapping[str, Floats]
    dims: Mapping[str, tuple[str, ...]]
    log_likelihood: Floats
    log_prior: Floats


def gibbs_draws(
    spec: ModelSpec,
    evidence: Evidence,
    *,
    seed: int,
    draws: int,
    tune: int,
    chains: int = 1,
    every: int = 1,
    bets_per_year: float | None = None,
    terms: Terms | None = None,
    workers: int = 1,
) -> GibbsDraws:
    """Draws of the posterior as plain arrays, without ArviZ: for studies.

    Parameters
    ----------
    spec : model specification
    evidence : outcomes; their cells are the data
    seed : any int >= 0; each chain has an own stream, so `workers` changes no byte
    draws, tune, chains : kept draws and warm-up of each chain, number of chains
    every : sweeps from one kept draw to the next
    bets_per_year : B; default: planned from the evidence where a prior is annual
    terms : what to keep of the specification; default: what the evidence can separate

    Returns
    -------
    GibbsDraws

    Raises
    ------
    UsageError
        If the engine does not cover the specification, or a prior is annual and the evidence has no year.
    """
    if min(draws, chains, every) < 1 or tune < 0:
        raise UsageError(f"draws={draws}, tune={tune}, chains={chains}, every={every}: at least 1, 0, 1, 1")
    terms = separable_terms(spec, evidence) if terms is None else terms
    if bets_per_year is None and spec.needs_breadth:
        bets_per_year = planned_breadth(evidence).value
        if bets_per_year is None:
            raise UsageError(f"model {spec.name} states priors per year, but the evidence has no year; give bets_per_year")
    problem = make_problem(spec, evidence, terms, bets_per_year)
    return problem_draws(problem, seed=seed, sweeps=(tune, draws, every), chains=chains, workers=workers)


def problem_draws(problem: Problem, *, seed: int, sweeps: tuple[int, int, int], chains: int = 1, workers: int = 1) -> GibbsDraws:
    """The draws of a problem already laid out; `sweeps` are warm-up, kept draws, and sweeps from one kept draw to the next."""
    streams = np.random.SeedSequence(seed).spawn(chains)

    def one(stream: np.random.SeedSequence) -> Floats:
        return _chain(problem, stream, sweeps)

    if workers > 1 and chains > 1:
        with ThreadPoolExecutor(workers) as pool:
            rows = list(pool.map(one, streams))
    else:
        rows = [one(stream) for stream in streams]
    return _named(problem, np.stack(rows))


def _chain(problem: Problem, stream: np.random.SeedSequence, sweeps: tuple[int, int, int]) -> Floats:
    """One chain, shape (draw, parameter + 1)."""
    from skillstats.inference.gibbs_chain import run_chain, sources_tag

    start, moves = stream.spawn(2)
    state = first_state(problem, np.random.default_rng(start))
    size = sum(part.size for part in state) - len(state.v)
    out = np.empty((sweeps[1], size + 1))
    run_chain(
        problem.data,
        problem.prior,
        state,
        make_work(problem.data, first_widths(problem)),
        new_stream(moves),
        sweeps,
        out,
        sources_tag(),
    )
    return out


def _named(problem: Problem, rows: Floats) -> GibbsDraws:
    """Columns of the kernel under the names of the posterior."""
    traders, regimes, prior = problem.traders, problem.regimes, problem.prior
    shared, own = [g for g in problem.groups if not g.own], [g for g in problem.groups if g.own]
    block = sum(g.levels for g in own)
    sizes = (1 + sum(g.levels for g in shared), traders * block, len(shared), len(own), 1, traders, 2, traders, regimes, 2, 1)
    parts = np.split(rows, np.cumsum(sizes)[:-1], axis=2)
    gamma, local, tau_shared, tau_own, s_v, s_u, pair_level, lam, l_r, level, density = parts
    local = local.reshape(*local.shape[:2], traders, block)
    values: dict[str, Floats] = {"mu": gamma[..., 0]}
    dims: dict[str, tuple[str, ...]] = {"mu": ()}
    at = {False: 1, True: 0}
    for k, group in enumerate(problem.groups):
        place = at[group.own]
        name = "tau_" + group.term.replace(":", "_")
        values[name] = tau_own[..., k - len(shared)] if group.own else tau_shared[..., k]
        dims[name] = ()
        source = local if group.own else gamma
        effect = source[..., place : place + group.levels]
        values[group.symbol], dims[group.symbol] = (effect if len(group.dims) == effect.ndim - 2 else effect[..., 0]), group.dims
        at[group.own] += group.levels
    if prior.session_sd:
        values["s_V"], dims["s_V"] = s_v[..., 0], ()
    if prior.pair_kind:
        values["s_U"], dims["s_U"] = s_u, ("trader",)
    if prior.pair_kind == 2:
        values |= {"l_U": pair_level[..., 0], "t_U": pair_level[..., 1]}
        dims |= {"l_U": (), "t_U": ()}
    values["l0"], dims["l0"] = level[..., 0], ()
    if prior.own_level:
        values |= {"t_sigma": level[..., 1], "lam": lam}
        dims |= {"t_sigma": (), "lam": ("trader",)}
    if prior.regime_sd:
        values["l_r"], dims["l_r"] = l_r, ("regime",)
    values["sigma"], dims["sigma"] = np.exp(lam[..., :, None] + l_r[..., None, :]), ("trader", "regime")
    return GibbsDraws(values, dims, density[..., 0], _log_prior(problem, values))


def _log_prior(problem: Problem, values: Mapping[str, Floats]) -> Floats:
    """Log density of the parameters under their priors, shape (chain, draw), nats."""
    prior = problem.prior
    shared, own = [g for g in problem.groups if not g.own], [g for g in problem.groups if g.own]
    total = _normal(values["mu"], prior.mu[0], prior.mu[1])
    for groups, scales in ((shared, prior.global_sd), (own, prior.local_sd)):
        for group, scale in zip(groups, scales, strict=True):
            tau, effect = values["tau_" + group.term.replace(":", "_")], values[group.symbol]
            flat = effect.reshape(*effect.shape[:2], -1)
            total = total + _half_normal(tau, scale) + _centred_normals(flat, tau)
    if prior.session_sd:
        total = total + _half_normal(values["s_V"], prior.session_sd)
    if prior.pair_kind == 1:
        total = total + _half_normal(values["s_U"][..., 0], prior.pair_sd)
    if prior.pair_kind == 2:
        level, spread = values["l_U"], values["t_U"]
        total = total + _normal(level, prior.pair_log[0], prior.pair_log[1]) + _half_normal(spread, prior.pair_log[2])
        total = total + _normal(np.log(values["s_U"]), level[..., None], spread[..., None]).sum(axis=-1)
    total = total + _normal(values["l0"], prior.level[0], prior.level[1])
    if prior.own_level:
        spread = values["t_sigma"]
        total = total + _half_normal(spread, prior.level[2])
        total = total + _normal(values["lam"], values["l0"][..., None], spread[..., None]).sum(axis=-1)
    if prior.regime_sd:  # a normal on the plane of zero sums
        total = total + _normal(values["l_r"][..., 1:], 0.0, prior.regime_sd).sum(axis=-1)
        total = total - 0.5 * (values["l_r"][..., 0] / prior.regime_sd) ** 2
    return np.asarray(total)


def _normal(x: Any, mean: Any, sd: Any) -> Any:
    return -0.5 * ((x - mean) / sd) ** 2 - np.log(sd) - 0.5 * np.log(2 * np.pi)


def _centred_normals(x: Floats, sd: Floats) -> Floats:
    """Log density of x, shape (chain, draw, entry), independent around zero with `sd`, shape (chain, draw)."""
    squares = np.einsum("cde,cde->cd", x, x)
    return np.asarray(-0.5 * squares / sd**2 - x.shape[-1] * (np.log(sd) + 0.5 * np.log(2 * np.pi)))


def _half_normal(x: Any, scale: Any) -> Any:
    return _normal(x, 0.0, scale) + np.log(2.0)
