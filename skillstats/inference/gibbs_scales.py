"""Scales: sizes of the shocks and of the residual, drawn by slices with the shocks integrated out.

s_V is drawn with U and V integrated out, s_U and lam with U integrated out given V, so none of them waits for a shock to move. Zero is
an ordinary point for an sd: the slice runs over the whole line with density f(abs(x)), which is smooth at 0 because the likelihood knows the
square only. The two levels of a hierarchy of log scales, ``x_j = l + t z_j``, move twice a sweep, with x_j held (centred) and with z_j held
(non-centred), so that neither a small nor a large t gets stuck (interweaving).

Reference: Yu and Meng 2011, Journal of Computational and Graphical Statistics 20(3).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from skillstats.inference.gibbs_numerics import shared_shock
from skillstats.inference.gibbs_problem import Data, Ints, Prior, State, Work
from skillstats.inference.gibbs_random import Floats, Stream, inner, standard_normal
from skillstats.inference.gibbs_slice import slicer


@inner
def _log_session_sd(x: float, arguments: Any) -> float:
    information, score, scale = arguments
    return float(shared_shock(information, score, 0, len(score), x * x, 1.0) - 0.5 * (x / scale) ** 2)


_step_session_sd = slicer(_log_session_sd)


@inner
def draw_session_sd(prior: Prior, state: State, work: Work, at: int, rng: Stream) -> None:
    """s_V with V and U integrated out."""
    old = state.s_v[0]
    arguments = (work.session_information, work.session_score, prior.session_sd)
    state.s_v[0] = abs(_step_session_sd(arguments, old, work.widths[at], rng))
    work.moves[at] = abs(state.s_v[0] - old)


@inner
def draw_sessions(state: State, work: Work, rng: Stream) -> None:
    """V given everything but U."""
    variance = state.s_v[0] ** 2
    for s in range(len(state.v)):
        share = variance / (1.0 + variance * work.session_information[s])
        state.v[s] = share * work.session_score[s] + np.sqrt(share) * standard_normal(rng)


@inner
def sum_residuals(data: Data, prior: Prior, work: Work) -> None:
    """Squares around theta + V by trader x regime, and the score of every pair, from the sums that `sum_blocks` left.

    Since then each theta has moved by ``theta - before``, which is the traders' own effects only.
    """
    work.squares[:] = 0.0
    work.weighted[:] = 0.0
    for m in range(len(work.theta)):
        change, j = work.theta[m] - work.before[m], data.profile_trader[m]
        squares = data.profile_ss[m] + work.squares_given[m] - change * (2.0 * work.raw[m] - change * data.profile_rows[m])
        work.squares[j, data.profile_regime[m]] += squares
        work.weighted[j] += squares * work.precision[m]
        work.own_change[data.profile_own[m]] = change
    if prior.pair_kind > 0:
        for p in range(len(data.pair_session)):
            for k in range(data.own_start[p], data.own_start[p + 1]):
                work.score[p] -= work.pair_own[k] * work.own_change[data.own_place[k]]


@inner
def _log_pairs(
    work_information: Floats, score: Floats, start: Ints, j: int, variance: float, change: float, rows: float, squares: float
) -> float:
    """Log density of trader j's outcomes with U integrated out, residual log sd moved by `change`, up to a constant."""
    shrink = np.exp(-2.0 * change)
    shocks = shared_shock(work_information, score, start[j], start[j + 1], variance, shrink)
    return float(shocks - rows * change - 0.5 * squares * shrink)


@inner
def _log_common_shock(x: float, arguments: Any) -> float:
    information, score, last, scale = arguments
    return float(shared_shock(information, score, 0, last, x * x, 1.0) - 0.5 * (x / scale) ** 2)


_step_common_shock = slicer(_log_common_shock)


@inner
def _log_own_shock(x: float, arguments: Any) -> float:
    information, score, first, last, level, spread = arguments
    return float(shared_shock(information, score, first, last, np.exp(2.0 * x), 1.0) - 0.5 * ((x - level) / spread) ** 2)


_step_own_shock = slicer(_log_own_shock)


@inner
def draw_shock_sds(data: Data, prior: Prior, state: State, work: Work, at: int, rng: Stream) -> None:
    """s_U given V, with U integrated out."""
    start = data.pair_start
    if prior.pair_kind == 1:
        old = state.s_u[0]
        arguments = (work.information, work.score, start[-1], prior.pair_sd)
        new = abs(_step_common_shock(arguments, old, work.widths[at], rng))
        state.s_u[:] = new
        work.moves[at] = abs(new - old)
    elif prior.pair_kind == 2:
        for j in range(len(state.s_u)):
            log_sd = np.log(state.s_u[j])
            own = (work.information, work.score, start[j], start[j + 1], state.pair_level[0], state.pair_level[1])
            new = _step_own_shock(own, log_sd, work.widths[at + j], rng)
            work.moves[at + j] = abs(new - log_sd)
            state.s_u[j] = np.exp(new)


@inner
def _log_level(x: float, arguments: Any) -> float:
    """Log density of a change of the residual log sd of traders `first` to `last`, with a normal prior on it."""
    information, score, start, s_u, rows, weighted, first, last, centre, sd = arguments
    total = -0.5 * ((x - centre) / sd) ** 2
    if start[first] == start[last]:  # no shock of a pair: the traders' sums are all that counts
        count, squares = 0.0, 0.0
        for j in range(first, last):
            count += rows[j]
            squares += weighted[j]
        return float(total - count * x - 0.5 * squares * np.exp(-2.0 * x))
    for j in range(first, last):
        total += _log_pairs(information, score, start, j, s_u[j] ** 2, x, rows[j], weighted[j])
    return float(total)


_step_level = slicer(_log_level)


@inner
def move_level(work: Work, j: int, change: float, data: Data) -> None:
    """Bring the sums of trader j to a residual log sd moved by `change`."""
    shrink = np.exp(-2.0 * change)
    work.weighted[j] *= shrink
    for p in range(data.pair_start[j], data.pair_start[j + 1]):
        work.information[p] *= shrink
        work.score[p] *= shrink


@inner
def draw_levels(data: Data, prior: Prior, state: State, work: Work, at: int, rng: Stream) -> None:
    """The log sds lam given V, with U integrated out; one for all where the residual sd is common."""
    traders = len(state.lam)
    sums = (work.information, work.score, data.pair_start, state.s_u, work.rows, work.weighted)
    if prior.own_level == 0:
        everybody = (*sums, 0, traders, prior.level[0] - state.level[0], prior.level[1])
        change = _step_level(everybody, 0.0, work.widths[at], rng)
        work.moves[at] = abs(change)
        state.level[0] += change
        state.lam[:] = state.level[0]
        for j in range(traders):
            move_level(work, j, change, data)
        return
    for j in range(traders):
        own = (*sums, j, j + 1, state.level[0] - state.lam[j], state.level[1])
        change = _step_level(own, 0.0, work.widths[at + j], rng)
        work.moves[at + j] = abs(change)
        state.lam[j] += change
        move_level(work, j, change, data)


@inner
def _log_share(x: float, arguments: Any) -> float:
    """Log density of x = log(s_U / sigma) with s_U^2 + sigma^2 held, for traders `first` to `last`.

    In log s_U and log sigma the change of variables has a Jacobian of one.
    """
    information, score, start, rows, weighted, first, last, log_total, level, kind, pair_prior, level_prior = arguments
    tail = 0.5 * np.log1p(np.exp(-2.0 * abs(x)))
    log_sd, new = log_total + min(x, 0.0) - tail, log_total - max(x, 0.0) - tail
    total = -0.5 * ((new - level_prior[0]) / level_prior[1]) ** 2
    if kind == 1:
        total += log_sd - 0.5 * (np.exp(log_sd) / pair_prior[1]) ** 2
    else:
        total -= 0.5 * ((log_sd - pair_prior[0]) / pair_prior[1]) ** 2
    for j in range(first, last):
        total += _log_pairs(information, score, start, j, np.exp(2.0 * log_sd), new - level, rows[j], weighted[j])
    return float(total)


_step_share = slicer(_log_share)


@inner
def draw_shares(data: Data, prior: Prior, state: State, work: Work, at: int, rng: Stream) -> None:
    """Trade s_U against sigma with their sum of squares held: where pairs have one or two rows, only the sum is well known."""
    if prior.share == 0:
        return
    traders = len(state.lam)
    step = traders if prior.pair_kind == 1 else 1
    pair_prior, level_prior = np.array([0.0, prior.pair_sd]), prior.level[:2].copy()
    if prior.pair_kind == 2:
        pair_prior, level_prior = state.pair_level, state.level
    for first in range(0, traders, step):
        level, log_sd = state.lam[first], np.log(max(state.s_u[first], 1e-300))
        old = log_sd - level
        log_total = max(level, log_sd) + 0.5 * np.log1p(np.exp(-2.0 * abs(old)))
        arguments = (
            work.information, work.score, data.pair_start, work.rows, work.weighted, first, first + step, log_total, level,
            prior.pair_kind, pair_prior, level_prior,
        )  # fmt: skip
        new = _step_share(arguments, old, work.widths[at + first], rng)
        work.moves[at + first] = abs(new - old)
        tail = 0.5 * np.log1p(np.exp(-2.0 * abs(new)))
        for j in range(first, first + step):
            state.s_u[j] = np.exp(log_total + min(new, 0.0) - tail)
            state.lam[j] = log_total - max(new, 0.0) - tail
            move_level(work, j, state.lam[j] - level, data)
        if prior.own_level == 0:
            state.level[0] = state.lam[0]


@inner
def draw_regime_levels(data: Data, prior: Prior, state: State, work: Work, at: int, rng: Stream) -> None:
    """l_r given V and U, which is drawn here and forgotten; along directions that keep the sum at zero."""
    regimes = len(state.l_r)
    if prior.regime_sd == 0:
        return
    _sum_squares_without_shocks(data, prior, state, work, rng)
    weight, squares = np.zeros(regimes), np.zeros(regimes)
    for r in range(regimes):
        for j in range(len(state.lam)):
            weight[r] += data.rows[j, r]
            squares[r] += work.squares[j, r] * np.exp(-2.0 * (state.lam[j] + state.l_r[r]))
    for r in range(regimes):
        change = _step_regime((r, weight, squares, state.l_r, prior.regime_sd), 0.0, work.widths[at + r], rng)
        work.moves[at + r] = abs(change)
        for q in range(regimes):
            step = change if q == r else -change / (regimes - 1)
            state.l_r[q] += step
            squares[q] *= np.exp(-2.0 * step)


@inner
def _sum_squares_without_shocks(data: Data, prior: Prior, state: State, work: Work, rng: Stream) -> None:
    if prior.pair_kind == 0:
        return
    work.squares[:] = 0.0
    for m in range(len(work.theta)):
        work.squares[data.profile_trader[m], data.profile_regime[m]] += data.profile_ss[m]
    for j in range(len(state.s_u)):
        for p in range(data.pair_start[j], data.pair_start[j + 1]):
            share = state.s_u[j] ** 2 / (1.0 + state.s_u[j] ** 2 * work.information[p])
            shock = share * work.score[p] + np.sqrt(share) * standard_normal(rng) + state.v[data.pair_session[p]]
            for c in range(data.cell_start[p], data.cell_start[p + 1]):
                error = data.mean[c] - work.theta[data.profile[c]] - shock
                work.squares[j, data.profile_regime[data.profile[c]]] += data.n[c] * error * error


@inner
def _log_regime(x: float, arguments: Any) -> float:
    r, weight, squares, l_r, scale = arguments
    total, others = 0.0, len(l_r) - 1
    for q in range(len(l_r)):
        step = x if q == r else -x / others
        total -= weight[q] * step + 0.5 * squares[q] * np.exp(-2.0 * step) + 0.5 * ((l_r[q] + step) / scale) ** 2
    return float(total)


_step_regime = slicer(_log_regime)
