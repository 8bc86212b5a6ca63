"""What the Gibbs kernel reads and writes: plain arrays in named tuples, made once per data set.

Cells stand in order of (trader, session), so that the cells of a pair (trader, session) and the pairs of a trader are neighbours.
The mean of a cell is

    theta_c = sum_k gamma[global_k(c)] + sum_k local[trader(c), local_k(c)]

with `gamma` = (mu, levels of every group shared by the traders) and, for each trader, a block `local` of the own levels of every group
nested in traders. Only the index arrays know what a group means, so any number of crossed groups is the same code.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Data(NamedTuple):
    """The data and their places; read only.

    n, mean : (cell,) rows, mean of y
    profile, session : (cell,) distinct (mean, residual sd); session renumbered without gaps
    session_rows : (session, gamma) decisions of a session that an entry of gamma takes part in
    rows : (trader, regime) decisions
    profile_rows, profile_ss : (profile,) rows, sum of centred squares; profile_trader, profile_regime : (profile,)
    profile_gamma : (profile, 1 + global groups) places in gamma, the first is mu
    profile_local : (profile, local groups) places in the trader's block; profile_own : (profile,) row of `own_*`
    own_trader, own_local : (own profile,), (own profile, local groups), distinct local parts
    cell_start : (pair + 1,) first cell; pair_session : (pair,); pair_start : (trader + 1,) first pair
    gamma_start, gamma_place : sparse columns of gamma that a pair touches; cell_gamma : (cell, 1 + global groups) places in them
    own_start, own_place : own profiles that a pair touches; cell_own : (cell,) place in them
    gamma_group : (gamma,) group of each entry, -1 for mu; local_group : (block,) group of each entry
    shift_gamma, shift_from, shift_to : (shift,) entry of gamma and the range of the block it can be traded against
    lead : leading entries of a block that no pair mixes; trader_entry : entry of the trader's own effect, -1 without it
    """

    n: Floats
    mean: Floats
    profile: Ints
    session: Ints
    session_rows: Floats
    rows: Floats
    profile_rows: Floats
    profile_ss: Floats
    profile_trader: Ints
    profile_regime: Ints
    profile_gamma: Ints
    profile_local: Ints
    profile_own: Ints
    own_trader: Ints
    own_local: Ints
    cell_start: Ints
    pair_session: Ints
    pair_start: Ints
    gamma_start: Ints
    gamma_place: Ints
    cell_gamma: Ints
    own_start: Ints
    own_place: Ints
    cell_own: Ints
    gamma_group: Ints
    local_group: Ints
    shift_gamma: Ints
    shift_from: Ints
    shift_to: Ints
    lead: int
    trader_entry: int


class Prior(NamedTuple):
    """Numbers of the priors in model units, and which terms there are.

    mu : (2,) location, scale; global_sd : (global group,), local_sd : (local group,) scales of the half-normal taus
    session_sd : scale; 0 without the shock
    pair_kind : 0 no trader-session shock, 1 one sd for all, 2 an own sd for each; pair_sd : scale of the common one
    pair_log : (3,) location and scale of l_U, scale of t_U; level : (3,) location and scale of l0, scale of t_sigma
    own_level : 1 where each trader has an own residual sd; regime_sd : scale of l_r, 0 without it
    share : 1 where pairs have so few rows that s_U and sigma are traded against each other as well
    """

    mu: Floats
    global_sd: Floats
    local_sd: Floats
    session_sd: float
    pair_kind: int
    pair_sd: float
    pair_log: Floats
    level: Floats
    own_level: int
    regime_sd: float
    share: int


class State(NamedTuple):
    """One point of the posterior; every entry is an array that the kernel writes into.

    gamma : (gamma,); local : (trader, block); tau_global, tau_local : (group,), y units
    s_v : (1,); s_u : (trader,); pair_level : (2,) l_U, t_U; lam : (trader,), l_r : (regime,), level : (2,) l0, t_sigma, logs
    v : (session,) shocks of the sessions
    """

    gamma: Floats
    local: Floats
    tau_global: Floats
    tau_local: Floats
    s_v: Floats
    s_u: Floats
    pair_level: Floats
    lam: Floats
    l_r: Floats
    level: Floats
    v: Floats


class Work(NamedTuple):
    """Room for intermediate sums; nothing in it outlives a sweep.

    theta, before : (profile,) mean now and when `raw` was summed; precision : (profile,) 1 / sigma^2
    raw, squares_given : (profile,) sums of n e and n e^2 given V; profile_weight, profile_score : (profile,) rows / sigma^2 and sum of w e
    weight : (cell,); information, score : (pair,) A and B of `components.cells`; session_information, session_score : (session,) A_s, B_s
    session_gamma : (session, gamma); pair_gamma, pair_own : values on the sparse places; own_change : (own profile,)
    gram, scratch : (gamma, gamma); right, side, inverse : (gamma,)
    own_gram : (trader, block, block); own_right : (trader, block); block, line, line_inverse : scratch of a block
    squares : (trader, regime), raw; weighted : (trader,) the same over sigma^2; rows : (trader,)
    widths, moves : (parameter,) slice widths, and how far the last slice went
    """

    theta: Floats
    before: Floats
    precision: Floats
    raw: Floats
    squares_given: Floats
    profile_weight: Floats
    profile_score: Floats
    weight: Floats
    information: Floats
    score: Floats
    session_information: Floats
    session_score: Floats
    session_gamma: Floats
    pair_gamma: Floats
    pair_own: Floats
    own_change: Floats
    gram: Floats
    scratch: Floats
    right: Floats
    side: Floats
    inverse: Floats
    own_gram: Floats
    own_right: Floats
    block: Floats
    line: Floats
    line_inverse: Floats
    squares: Floats
    weighted: Floats
    rows: Floats
    widths: Floats
    moves: Floats


def make_work(data: Data, widths: Floats) -> Work:
    """Room of the sizes that `data` needs, and the first slice widths."""
    traders, regimes = data.rows.shape
    profiles, cells, pairs = len(data.profile_trader), len(data.n), len(data.pair_session)
    gamma, block, sessions = len(data.gamma_group), len(data.local_group), int(data.session.max()) + 1
    zeros = np.zeros
    return Work(
        zeros(profiles), zeros(profiles), zeros(profiles), zeros(profiles), zeros(profiles), zeros(profiles), zeros(profiles),
        zeros(cells), zeros(pairs), zeros(pairs), zeros(sessions), zeros(sessions),
        zeros((sessions, gamma)), zeros(len(data.gamma_place)), zeros(len(data.own_place)), zeros(len(data.own_trader)),
        zeros((gamma, gamma)), zeros((gamma, gamma)), zeros(gamma), zeros(gamma), zeros(gamma),
        zeros((traders, block, block)), zeros((traders, block)), zeros((block, block)), zeros(block), zeros(block),
        zeros((traders, regimes)), zeros(traders), data.rows.sum(axis=1), widths.copy(), zeros(len(widths)),
    )  # fmt: skip
