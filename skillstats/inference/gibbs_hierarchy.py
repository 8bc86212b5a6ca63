"""Levels and spreads of log scales, ``x_j ~ Normal(l, t)``: l_U, t_U of the shocks and l0, t_sigma of the residuals.

Each pair (l, t) moves twice a sweep: centred (x_j held; l is integrated out of t's density, then drawn) and non-centred
(z_j = (x_j - l) / t held, x_j moves with l or t and meets the data).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from skillstats.inference.gibbs_numerics import shared_shock
from skillstats.inference.gibbs_problem import Data, Prior, State, Work
from skillstats.inference.gibbs_random import Floats, Stream, inner, standard_normal
from skillstats.inference.gibbs_scales import _log_pairs, move_level
from skillstats.inference.gibbs_slice import slicer

LEAST_SPREAD = 1e-8


@inner
def _log_spread(x: float, arguments: Any) -> float:
    """Log density of log t given x_j: sufficient statistics `count`, `mean`, `squares`; l integrated out."""
    count, mean, squares, prior = arguments
    t = np.exp(x)
    variance = prior[1] ** 2 + t * t / count
    value = -(count - 1) * x - 0.5 * squares / (t * t) - 0.5 * np.log(variance) - 0.5 * (mean - prior[0]) ** 2 / variance
    return float(value - 0.5 * (t / prior[2]) ** 2 + x)


_step_spread = slicer(_log_spread)


@inner
def draw_centred(values: Floats, level: Floats, prior: Floats, work: Work, at: int, rng: Stream) -> None:
    """Spread t, then level l, given the log scales `values` (trader,)."""
    count = len(values)
    mean = values.mean()
    squares = ((values - mean) ** 2).sum()
    old = np.log(max(level[1], LEAST_SPREAD))
    new = _step_spread((count, mean, squares, prior), old, work.widths[at], rng)
    work.moves[at] = abs(new - old)
    level[1] = max(np.exp(new), LEAST_SPREAD)
    precision = count / level[1] ** 2 + 1.0 / prior[1] ** 2
    centre = (count * mean / level[1] ** 2 + prior[0] / prior[1] ** 2) / precision
    level[0] = centre + standard_normal(rng) / np.sqrt(precision)


@inner
def _log_shock_hierarchy(x: float, arguments: Any) -> float:
    """Log density of l_U (which 0) or t_U (which 1) at x with z held."""
    which, level, z, prior, information, score, start = arguments
    value = -0.5 * ((x - prior[0]) / prior[1]) ** 2 if which == 0 else -0.5 * (x / prior[2]) ** 2
    for j in range(len(z)):
        log_sd = x + level[1] * z[j] if which == 0 else level[0] + x * z[j]
        value += shared_shock(information, score, start[j], start[j + 1], np.exp(2.0 * log_sd), 1.0)
    return float(value)


_step_shock_hierarchy = slicer(_log_shock_hierarchy)


@inner
def draw_shock_hierarchy(data: Data, prior: Prior, state: State, work: Work, at: int, rng: Stream) -> None:
    """l_U, t_U and with them every s_Uj."""
    level = state.pair_level
    draw_centred(np.log(state.s_u), level, prior.pair_log, work, at, rng)
    z = (np.log(state.s_u) - level[0]) / level[1]
    for which in range(2):
        arguments = (which, level, z, prior.pair_log, work.information, work.score, data.pair_start)
        new = _step_shock_hierarchy(arguments, level[which], work.widths[at + 1 + which], rng)
        work.moves[at + 1 + which] = abs(abs(new) - abs(level[which])) if which == 1 else abs(new - level[which])
        level[which] = new
    for j in range(len(z)):
        state.s_u[j] = np.exp(level[0] + level[1] * z[j])
    level[1] = max(abs(level[1]), LEAST_SPREAD)


@inner
def _log_level_hierarchy(x: float, arguments: Any) -> float:
    """Log density of l0 (which 0) or t_sigma (which 1) at x with z held."""
    which, level, z, lam, prior, s_u, information, score, start, rows, weighted = arguments
    value = -0.5 * ((x - prior[0]) / prior[1]) ** 2 if which == 0 else -0.5 * (x / prior[2]) ** 2
    for j in range(len(z)):
        new = x + level[1] * z[j] if which == 0 else level[0] + x * z[j]
        value += _log_pairs(information, score, start, j, s_u[j] ** 2, new - lam[j], rows[j], weighted[j])
    return float(value)


_step_level_hierarchy = slicer(_log_level_hierarchy)


@inner
def draw_level_hierarchy(data: Data, prior: Prior, state: State, work: Work, at: int, rng: Stream) -> None:
    """l0, t_sigma and with them every lam_j."""
    level = state.level
    draw_centred(state.lam, level, prior.level, work, at, rng)
    z = (state.lam - level[0]) / level[1]
    for which in range(2):
        arguments = (
            which, level, z, state.lam, prior.level, state.s_u, work.information, work.score, data.pair_start, work.rows, work.weighted,
        )  # fmt: skip
        new = _step_level_hierarchy(arguments, level[which], work.widths[at + 1 + which], rng)
        work.moves[at + 1 + which] = abs(abs(new) - abs(level[which])) if which == 1 else abs(new - level[which])
        level[which] = new
    for j in range(len(z)):
        new = level[0] + level[1] * z[j]
        move_level(work, j, new - state.lam[j], data)
        state.lam[j] = new
    level[1] = max(abs(level[1]), LEAST_SPREAD)
