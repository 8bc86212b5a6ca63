"""One chain of the collapsed Gibbs sampler, compiled once for every model and every shape.

A sweep leaves the posterior of a cells model unchanged (order matters: what was integrated out is drawn before it is used):

    s_V; tau of the shared groups; mu and shared effects   | U and V integrated out
    V                                                       | U integrated out
    tau of the groups nested in traders; their effects      | given V, U integrated out
    shifts between shared effects, traders' effects and V   | no mean of a cell moves
    s_U, l_U, t_U; lam, l0, t_sigma; s_U against sigma      | given V, U integrated out
    U, then l_r                                             | given everything
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np

from skillstats.inference.gibbs_hierarchy import draw_level_hierarchy, draw_shock_hierarchy
from skillstats.inference.gibbs_location import (
    draw_blocks,
    draw_gamma,
    set_means,
    shift,
    shift_sessions,
    sum_blocks,
    sum_gamma,
    sum_outcomes,
)
from skillstats.inference.gibbs_numerics import shared_shock
from skillstats.inference.gibbs_problem import Data, Prior, State, Work
from skillstats.inference.gibbs_random import Floats, Stream, inner
from skillstats.inference.gibbs_scales import (
    draw_levels,
    draw_regime_levels,
    draw_session_sd,
    draw_sessions,
    draw_shares,
    draw_shock_sds,
    sum_residuals,
)
from skillstats.inference.gibbs_slice import adapted
from skillstats.record.compiled import compiled

COMPILED_FILES: Final = ("problem", "numerics", "random", "slice", "location", "scales", "hierarchy", "chain")


@inner
def sweep(data: Data, prior: Prior, state: State, work: Work, rng: Stream) -> None:
    """One update of every parameter; the sums of `sum_outcomes` belong to the current state."""
    traders = len(state.lam)
    at_local = len(state.tau_global)
    at_session = at_local + len(state.tau_local)
    at_shock, at_level, at_share = at_session + 1, at_session + 1 + traders, at_session + 1 + 2 * traders
    at_hierarchy = at_share + traders

    if prior.session_sd > 0:
        draw_session_sd(prior, state, work, at_session, rng)
    sum_gamma(data, prior, state, work)
    draw_gamma(data, prior, state, work, 0, rng)
    if prior.session_sd > 0:
        draw_sessions(state, work, rng)

    set_means(data, state, work)
    sum_blocks(data, prior, state, work)
    if len(data.local_group) > 0:
        draw_blocks(data, prior, state, work, at_local, rng)
        shift(data, prior, state, rng)
        moved = shift_sessions(data.trader_entry, prior, state, rng)
        set_means(data, state, work)
        for m in range(len(work.before)):  # V went the other way: no residual changed by it
            work.before[m] += moved

    sum_residuals(data, prior, work)
    draw_shock_sds(data, prior, state, work, at_shock, rng)
    if prior.pair_kind == 2:
        draw_shock_hierarchy(data, prior, state, work, at_hierarchy, rng)
    draw_levels(data, prior, state, work, at_level, rng)
    if prior.own_level == 1:
        draw_level_hierarchy(data, prior, state, work, at_hierarchy + 3, rng)
    draw_shares(data, prior, state, work, at_share, rng)
    draw_regime_levels(data, prior, state, work, at_hierarchy + 6, rng)


@inner
def store(state: State, row: Floats) -> None:
    """The state as one row, in the order of `State`, V left out."""
    at = 0
    for value in state.gamma:
        row[at] = value
        at += 1
    for j in range(state.local.shape[0]):
        for a in range(state.local.shape[1]):
            row[at] = state.local[j, a]
            at += 1
    for part in (
        state.tau_global, state.tau_local, state.s_v, state.s_u, state.pair_level, state.lam, state.l_r, state.level,
    ):  # fmt: skip
        for value in part:
            row[at] = value
            at += 1


@compiled
def run_chain(
    data: Data,
    prior: Prior,
    state: State,
    work: Work,
    rng: Stream,
    sweeps: tuple[int, int, int],
    out: Floats,
    sources: Any,  # noqa: ARG001  its type alone matters
) -> None:
    """Sweeps of one chain.

    Parameters
    ----------
    sweeps : warm-up, in which slice widths adapt and then freeze; draws to keep; sweeps from one to the next
    out : (draw, parameter + 1), filled; the last column is log p(y | parameters), shocks integrated out, nats
    sources : carries the digest of the compiled sources in its type, see `sources_tag`
    """
    tune, draws, every = sweeps
    for t in range(tune + draws * every + 1):
        set_means(data, state, work)
        density = sum_outcomes(data, prior, state, work)
        if prior.session_sd > 0:
            density += shared_shock(
                work.session_information, work.session_score, 0, len(work.session_score), state.s_v[0] ** 2, 1.0
            )
        kept = t - tune
        if kept > 0 and kept % every == 0:
            store(state, out[kept // every - 1])
            out[kept // every - 1, -1] = density
        if t < tune + draws * every:
            sweep(data, prior, state, work, rng)
            for k in range(len(work.widths)):
                work.widths[k] = adapted(work.widths[k], work.moves[k], t, tune)


@cache
def sources_digest() -> str:
    """sha256 over the sources that are compiled: part of the identity of every fit of this engine."""
    digest = hashlib.sha256()
    for name in COMPILED_FILES:
        digest.update(Path(__file__).with_name(f"gibbs_{name}.py").read_bytes().replace(b"\r\n", b"\n"))
    return digest.hexdigest()


@cache
def sources_tag() -> np.ndarray[Any, Any]:
    """An empty array whose type (text of that many characters) holds the digest of the compiled sources.

    numba finds the compiled chain again by the file it stands in and by the types of its arguments. An edit of a file that it only
    calls would go unseen; through the type of this array it does not.
    """
    return np.zeros(0, dtype=f"U{1 + int(sources_digest()[:7], 16)}")
