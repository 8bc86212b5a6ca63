"""Location: the mean of every cell, drawn with the shocks integrated out.

Given the variances y is normal, so with the symbols of `components.cells` the log density of the shared effects `gamma` has, at the
current point, the curvature P and the slope h

    P = sum_c w_c x_c x_c^T - sum_p (s_Uj^2 / D_p) x_p x_p^T - sum_s (s_V^2 / E_s) x_s x_s^T,   x_p = sum_{c in p} w_c x_c,   x_s = sum_p x_p / D_p
    h = sum_c w_c x_c e_c    - sum_p (s_Uj^2 / D_p) x_p B_p    - sum_s (s_V^2 / E_s) x_s B_s.

With gamma = m + S z, z ~ Normal(0, I), S the prior sds, z is Normal(M^-1 S q, M^-1), M = I + S P S, q = h + P (gamma - m), and integrating
z out leaves ``-1/2 log|M| + 1/2 (S q)^T M^-1 S q`` as the log density of the population sds: they are drawn before the effects and never
see them. The block of a trader is drawn in the same way given V, one trader after the other.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from skillstats.inference.gibbs_numerics import HUGE, draw_normal, factorise, forward
from skillstats.inference.gibbs_problem import Data, Ints, Prior, State, Work
from skillstats.inference.gibbs_random import Floats, Stream, inner, standard_normal
from skillstats.inference.gibbs_slice import slicer

LOG_2PI = float(np.log(2 * np.pi))


@inner
def set_means(data: Data, state: State, work: Work) -> None:
    """The mean of every profile."""
    for m in range(len(work.theta)):
        value = 0.0
        for k in range(data.profile_gamma.shape[1]):
            value += state.gamma[data.profile_gamma[m, k]]
        for k in range(data.profile_local.shape[1]):
            value += state.local[data.profile_trader[m], data.profile_local[m, k]]
        work.theta[m] = value


@inner
def set_precisions(data: Data, state: State, work: Work) -> float:
    """1 / sigma^2 and weight of every profile; returns ``-1/2 sum [n log(2 pi sigma^2) + SS / sigma^2]``."""
    total = 0.0
    for m in range(len(work.precision)):
        log_sd = state.lam[data.profile_trader[m]] + state.l_r[data.profile_regime[m]]
        work.precision[m] = np.exp(-2.0 * log_sd)
        work.profile_weight[m] = data.profile_rows[m] * work.precision[m]
        total -= data.profile_rows[m] * (0.5 * LOG_2PI + log_sd) + 0.5 * data.profile_ss[m] * work.precision[m]
    return total


@inner
def sum_outcomes(data: Data, prior: Prior, state: State, work: Work) -> float:
    """Sums over cells, pairs and sessions at the current point; returns log p(y | parameters) but for the session shocks."""
    work.session_score[:] = 0.0
    work.profile_score[:] = 0.0
    total = set_precisions(data, state, work)
    if prior.pair_kind == 0 and prior.own_level == 0 and prior.regime_sd == 0:
        return total + _sum_alike(data, work)
    work.session_information[:] = 0.0
    work.session_gamma[:] = 0.0
    if prior.pair_kind > 0:
        return total + _sum_pairs(data, state, work)
    squares = 0.0
    for c in range(len(data.n)):
        m, s = data.profile[c], data.session[c]
        weight = data.n[c] * work.precision[m]
        error = data.mean[c] - work.theta[m]
        score = weight * error
        squares += score * error
        work.profile_score[m] += score
        work.session_information[s] += weight
        work.session_score[s] += score
        for k in range(1, data.profile_gamma.shape[1]):
            work.session_gamma[s, data.profile_gamma[m, k]] += weight
    for s in range(len(work.session_information)):
        work.session_gamma[s, 0] = work.session_information[s]
    return total - 0.5 * squares


@inner
def _sum_alike(data: Data, work: Work) -> float:
    """The same where all residuals have one sd: what is a sum of weights is a constant times 1 / sigma^2."""
    squares, precision = 0.0, work.precision[0]
    for c in range(len(data.n)):
        m = data.profile[c]
        error = data.mean[c] - work.theta[m]
        score = data.n[c] * error
        squares += score * error
        work.profile_score[m] += score
        work.session_score[data.session[c]] += score
    for m in range(len(work.profile_score)):
        work.profile_score[m] *= precision
    for s in range(len(work.session_score)):
        work.session_score[s] *= precision
        work.session_information[s] = precision * data.session_rows[s, 0]
        for a in range(data.session_rows.shape[1]):
            work.session_gamma[s, a] = precision * data.session_rows[s, a]
    return float(-0.5 * precision * squares)


@inner
def _sum_pairs(data: Data, state: State, work: Work) -> float:
    """The same where pairs have a shock: it is integrated out, so a pair passes on A / D and B / D."""
    total = 0.0
    work.pair_gamma[:] = 0.0
    for j in range(len(state.s_u)):
        variance = state.s_u[j] ** 2
        for p in range(data.pair_start[j], data.pair_start[j + 1]):
            information, summed, squares = 0.0, 0.0, 0.0
            for c in range(data.cell_start[p], data.cell_start[p + 1]):
                m = data.profile[c]
                weight = data.n[c] * work.precision[m]
                error = data.mean[c] - work.theta[m]
                score = weight * error
                squares += score * error
                work.weight[c] = weight
                information += weight
                summed += score
                work.profile_score[m] += score
                for k in range(data.cell_gamma.shape[1]):
                    work.pair_gamma[data.cell_gamma[c, k]] += weight
            work.information[p], work.score[p] = information, summed
            s, shared = data.pair_session[p], 1.0 + variance * information
            total += 0.5 * (variance * summed * summed / shared - np.log(shared) - squares)
            work.session_information[s] += information / shared
            work.session_score[s] += summed / shared
            for k in range(data.gamma_start[p], data.gamma_start[p + 1]):
                work.session_gamma[s, data.gamma_place[k]] += work.pair_gamma[k] / shared
    return total


@inner
def sum_gamma(data: Data, prior: Prior, state: State, work: Work) -> None:
    """P and q of the shared effects, with U and V integrated out, into `gram` and `right`."""
    gram, right = work.gram, work.right
    gram[:] = 0.0
    right[:] = 0.0
    size = len(right)
    for m in range(len(work.theta)):
        for k in range(data.profile_gamma.shape[1]):
            a = data.profile_gamma[m, k]
            right[a] += work.profile_score[m]
            for b in data.profile_gamma[m]:
                gram[a, b] += work.profile_weight[m]
    if prior.pair_kind > 0:
        _take_pairs_out_of_gamma(data, state, work)
    if prior.session_sd > 0:
        _take_sessions_out_of_gamma(state, work)
    for a in range(size):
        for b in range(a):
            gram[b, a] = gram[a, b]
    for a in range(size):
        for b in range(size):
            right[a] += gram[a, b] * (state.gamma[b] - (prior.mu[0] if b == 0 else 0.0))


@inner
def _take_pairs_out_of_gamma(data: Data, state: State, work: Work) -> None:
    """What integrating U out takes from P and the slope."""
    gram, right = work.gram, work.right
    for j in range(len(state.s_u)):
        variance = state.s_u[j] ** 2
        for p in range(data.pair_start[j], data.pair_start[j + 1]):
            factor = variance / (1.0 + variance * work.information[p])
            for i in range(data.gamma_start[p], data.gamma_start[p + 1]):
                a, scaled = data.gamma_place[i], factor * work.pair_gamma[i]
                right[a] -= scaled * work.score[p]
                for k in range(data.gamma_start[p], i + 1):
                    gram[a, data.gamma_place[k]] -= scaled * work.pair_gamma[k]


@inner
def _take_sessions_out_of_gamma(state: State, work: Work) -> None:
    """What integrating V out takes from P and the slope."""
    gram, right = work.gram, work.right
    variance = state.s_v[0] ** 2
    for s in range(len(work.session_score)):
        factor = variance / (1.0 + variance * work.session_information[s])
        for a in range(len(right)):
            scaled = factor * work.session_gamma[s, a]
            if scaled != 0.0:
                right[a] -= scaled * work.session_score[s]
                for b in range(a + 1):
                    gram[a, b] -= scaled * work.session_gamma[s, b]


@inner
def _whiten_gamma(group: Ints, tau: Floats, mu_sd: float, gram: Floats, right: Floats, matrix: Floats, side: Floats) -> None:
    """M into `matrix` and S q into `side`."""
    for a in range(len(right)):
        own = mu_sd if group[a] < 0 else tau[group[a]]
        side[a] = own * right[a]
        for b in range(a + 1):
            other = mu_sd if group[b] < 0 else tau[group[b]]
            matrix[a, b] = own * other * gram[a, b] + (1.0 if a == b else 0.0)


@inner
def _log_tau_global(x: float, arguments: Any) -> float:
    """Log density of one shared population sd at abs(x), effects integrated out."""
    k, scale, group, tau, mu_sd, gram, right, matrix, side, inverse = arguments
    tau[k] = abs(x)
    _whiten_gamma(group, tau, mu_sd, gram, right, matrix, side)
    log_determinant = factorise(matrix, inverse, len(right), 0)
    return float(-0.5 * (log_determinant - forward(matrix, inverse, side, len(right), 0) + (x / scale) ** 2))


_step_tau_global = slicer(_log_tau_global)


@inner
def draw_gamma(data: Data, prior: Prior, state: State, work: Work, at: int, rng: Stream) -> None:
    """Population sds of the shared groups, then the shared effects; the scores of the sessions follow."""
    group, size = data.gamma_group, len(work.right)
    for k in range(len(state.tau_global)):
        old = state.tau_global[k]
        arguments = (
            k, prior.global_sd[k], group, state.tau_global, prior.mu[1], work.gram, work.right, work.scratch, work.side, work.inverse,
        )  # fmt: skip
        new = _step_tau_global(arguments, old, work.widths[at + k], rng)
        state.tau_global[k] = abs(new)
        work.moves[at + k] = abs(abs(new) - old)
    _whiten_gamma(group, state.tau_global, prior.mu[1], work.gram, work.right, work.scratch, work.side)
    factorise(work.scratch, work.inverse, size, 0)
    forward(work.scratch, work.inverse, work.side, size, 0)
    draw_normal(work.scratch, work.inverse, work.side, size, 0, rng)
    for a in range(size):
        scale = prior.mu[1] if group[a] < 0 else state.tau_global[group[a]]
        new = (prior.mu[0] if a == 0 else 0.0) + scale * work.side[a]
        change = new - state.gamma[a]
        state.gamma[a] = new
        for s in range(len(work.session_score)):
            work.session_score[s] -= work.session_gamma[s, a] * change


@inner
def sum_blocks(data: Data, prior: Prior, state: State, work: Work) -> None:
    """P and q of every trader's block given V, with U integrated out, into `own_gram` and `own_right`; sums of profiles given V."""
    gram, right = work.own_gram, work.own_right
    gram[:] = 0.0
    right[:] = 0.0
    _sum_given_sessions(data, prior, state, work)
    for m in range(len(work.theta)):
        j = data.profile_trader[m]
        work.before[m] = work.theta[m]
        for a in data.profile_local[m]:
            right[j, a] += work.raw[m] * work.precision[m]
            for b in data.profile_local[m]:
                gram[j, a, b] += work.profile_weight[m]
    if prior.pair_kind > 0:
        _take_out_pairs(data, state, work)
    for j in range(len(right)):
        for a in range(right.shape[1]):
            for b in range(right.shape[1]):
                right[j, a] += gram[j, a, b] * state.local[j, b]


@inner
def _sum_given_sessions(data: Data, prior: Prior, state: State, work: Work) -> None:
    """One pass over the cells: sums of n e and n e^2 of every profile, and the scores of the pairs, given V."""
    work.raw[:] = 0.0
    work.squares_given[:] = 0.0
    if prior.pair_kind == 0:
        for c in range(len(data.n)):
            m = data.profile[c]
            error = data.mean[c] - work.theta[m] - state.v[data.session[c]]
            work.raw[m] += data.n[c] * error
            work.squares_given[m] += data.n[c] * error * error
        return
    work.pair_own[:] = 0.0
    for p in range(len(data.pair_session)):
        v, summed = state.v[data.pair_session[p]], 0.0
        for c in range(data.cell_start[p], data.cell_start[p + 1]):
            m = data.profile[c]
            error = data.mean[c] - work.theta[m] - v
            work.raw[m] += data.n[c] * error
            work.squares_given[m] += data.n[c] * error * error
            work.pair_own[data.cell_own[c]] += work.weight[c]
            summed += work.weight[c] * error
        work.score[p] = summed


@inner
def _take_out_pairs(data: Data, state: State, work: Work) -> None:
    """What integrating U out takes from P and q of the blocks."""
    for j in range(len(state.s_u)):
        variance = state.s_u[j] ** 2
        for p in range(data.pair_start[j], data.pair_start[j + 1]):
            factor = variance / (1.0 + variance * work.information[p])
            for i in range(data.own_start[p], data.own_start[p + 1]):
                scaled = factor * work.pair_own[i]
                for a in data.own_local[data.own_place[i]]:
                    work.own_right[j, a] -= scaled * work.score[p]
                    for k in range(data.own_start[p], data.own_start[p + 1]):
                        for b in data.own_local[data.own_place[k]]:
                            work.own_gram[j, a, b] -= scaled * work.pair_own[k]


@inner
def _whiten_block(group: Ints, tau: Floats, gram: Floats, right: Floats, lead: int, matrix: Floats, line: Floats) -> None:
    """M and S q of one trader's block; of its first `lead` rows the diagonal only."""
    for a in range(len(right)):
        own = tau[group[a]]
        line[a] = own * right[a]
        matrix[a, a] = own * own * gram[a, a] + 1.0
        if a >= lead:
            for b in range(a):
                matrix[a, b] = own * tau[group[b]] * gram[a, b]


@inner
def _log_arrows(group: Ints, tau: Floats, gram: Floats, right: Floats) -> float:
    """``sum_j log|M_j| - (S q_j)^T M_j^-1 S q_j`` where only the last entry of a block meets the others: what `factorise` finds, at once."""
    last, product, logs, quadratic = right.shape[1] - 1, 1.0, 0.0, 0.0
    own = tau[group[last]] ** 2
    for j in range(len(right)):
        corner, rest = gram[j, last, last], right[j, last]
        for a in range(last):
            variance = tau[group[a]] ** 2
            shared = 1.0 + variance * gram[j, a, a]
            weight = variance / shared
            product *= shared
            quadratic += weight * right[j, a] * right[j, a]
            corner -= weight * gram[j, last, a] * gram[j, last, a]
            rest -= weight * gram[j, last, a] * right[j, a]
        shared = 1.0 + own * corner
        product *= shared
        quadratic += own * rest * rest / shared
        if product > HUGE:
            logs += np.log(product)
            product = 1.0
    return float(logs + np.log(product) - quadratic)


@inner
def _log_tau_local(x: float, arguments: Any) -> float:
    """Log density of one population sd of the blocks at abs(x), effects integrated out."""
    k, scale, group, tau, gram, right, lead, matrix, line, inverse = arguments
    tau[k] = abs(x)
    total, size = (x / scale) ** 2, right.shape[1]
    if lead >= size - 1:
        return float(-0.5 * (total + _log_arrows(group, tau, gram, right)))
    for j in range(len(right)):
        _whiten_block(group, tau, gram[j], right[j], lead, matrix, line)
        total += factorise(matrix, inverse, size, lead)
        total -= forward(matrix, inverse, line, size, lead)
    return float(-0.5 * total)


_step_tau_local = slicer(_log_tau_local)


@inner
def draw_blocks(data: Data, prior: Prior, state: State, work: Work, at: int, rng: Stream) -> None:
    """Population sds of the groups nested in traders, then every trader's block."""
    group, size = data.local_group, len(data.local_group)
    for k in range(len(state.tau_local)):
        old = state.tau_local[k]
        arguments = (
            k, prior.local_sd[k], group, state.tau_local, work.own_gram, work.own_right, data.lead, work.block, work.line,
            work.line_inverse,
        )  # fmt: skip
        new = _step_tau_local(arguments, old, work.widths[at + k], rng)
        state.tau_local[k] = abs(new)
        work.moves[at + k] = abs(abs(new) - old)
    for j in range(len(state.local)):
        _whiten_block(group, state.tau_local, work.own_gram[j], work.own_right[j], data.lead, work.block, work.line)
        factorise(work.block, work.line_inverse, size, data.lead)
        forward(work.block, work.line_inverse, work.line, size, data.lead)
        draw_normal(work.block, work.line_inverse, work.line, size, data.lead, rng)
        for a in range(size):
            state.local[j, a] = state.tau_local[group[a]] * work.line[a]


@inner
def shift(data: Data, prior: Prior, state: State, rng: Stream) -> None:
    """Trade a shared effect against the traders' own, and the mean of the traders against the sessions: no mean of a cell moves.

    ``gamma_g + delta, local_ja - delta`` for all j leaves the likelihood alone, so delta is normal given the priors.
    """
    for i in range(len(data.shift_gamma)):
        g = data.shift_gamma[i]
        sd = prior.mu[1] if g == 0 else state.tau_global[data.gamma_group[g]]
        tau = state.tau_local[data.local_group[data.shift_from[i]]]
        if sd == 0.0 or tau == 0.0:
            continue
        precision, slope = 1.0 / sd**2, ((prior.mu[0] if g == 0 else 0.0) - state.gamma[g]) / sd**2
        for j in range(len(state.local)):
            for a in range(data.shift_from[i], data.shift_to[i]):
                precision += 1.0 / tau**2
                slope += state.local[j, a] / tau**2
        delta = slope / precision + standard_normal(rng) / np.sqrt(precision)
        state.gamma[g] += delta
        state.local[:, data.shift_from[i] : data.shift_to[i]] -= delta


@inner
def shift_sessions(trader: int, prior: Prior, state: State, rng: Stream) -> float:
    """Trade the traders' own effects (entry `trader` of the block) against the shocks of the sessions; returns how far.

    Every theta moves by the value returned and every V by its negative, so that no residual moves.
    """
    tau, s_v = state.tau_local[-1], state.s_v[0]
    if trader < 0 or prior.session_sd == 0 or tau == 0.0 or s_v == 0.0:
        return 0.0
    precision = len(state.local) / tau**2 + len(state.v) / s_v**2
    slope = state.v.sum() / s_v**2 - state.local[:, trader].sum() / tau**2
    delta = slope / precision + standard_normal(rng) / np.sqrt(precision)
    state.local[:, trader] += delta
    for s in range(len(state.v)):
        state.v[s] -= delta
    return float(delta)
