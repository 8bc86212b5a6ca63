"""After the fit: mean, shocks and session densities of every draw, in numpy.

Shocks were integrated out, so their posterior given a draw of the parameters is normal and exact (`components.cells` has the
symbols):

    V_s ~ Normal(s_V^2 B_s / E_s, s_V^2 / E_s)
    U_js | V_s ~ Normal(s_Uj^2 (B_js - A_js V_s) / D_js, s_Uj^2 / D_js)

The density of a session given the parameters is what leave-one-session-out uses; never rows or cells given the shocks.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from skillstats.components.cells import LOG_2PI, CellLayout, lay_out
from skillstats.errors import UsageError
from skillstats.inference.container import Fit
from skillstats.inference.heavy_fit import heavy_session_log_likelihood

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
CHUNK_ELEMENTS: Final = 4_000_000
"""Draws are worked on in chunks of about this many (draw, cell) elements."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """Draws of what the density of the outcomes depends on; y units.

    theta : (draw, trader, regime, action); sigma : (draw, trader, regime); s_u : (draw, trader); s_v : (draw,); 0 where a term
    is not in the model
    """

    theta: FloatArray
    sigma: FloatArray
    s_u: FloatArray
    s_v: FloatArray

    def __len__(self) -> int:
        return len(self.s_v)

    def __getitem__(self, rows: slice) -> Parameters:
        return Parameters(self.theta[rows], self.sigma[rows], self.s_u[rows], self.s_v[rows])


@dataclass(frozen=True, slots=True)
class Shocks:
    """Draws of the shocks, y units.

    session : (session,) codes of the sessions that occur; desk_day : (draw, session), V_s
    pair_trader, pair_session : (pair,) codes of the trader-sessions that occur; trader_day : (draw, pair), U_js
    """

    session: IntArray
    desk_day: FloatArray
    pair_trader: IntArray
    pair_session: IntArray
    trader_day: FloatArray


@dataclass(frozen=True, slots=True)
class _Sums:
    """Sums of one chunk of draws: information A, score B, shared D of pairs (draw, pair); A_s, B_s, E_s (draw, session)."""

    information: FloatArray
    score: FloatArray
    shared: FloatArray
    session_score: FloatArray
    session_shared: FloatArray
    rows: FloatArray


def theta_draws(fit: Fit) -> FloatArray:
    """Mean of a decision for every combination, theta = mu + a + b + c + g, shape (draw, trader, regime, action), y units."""
    if "theta" in fit:
        return fit.draws("theta")
    sizes = [len(fit.evidence.coords[d]) for d in ("trader", "regime", "action")]
    mu = fit.draws("mu")
    theta = mu[:, None, None, None] + np.zeros((len(mu), *sizes))
    for name, shape in (
        ("a", (-1, sizes[0], 1, 1)),
        ("b", (-1, 1, sizes[1], 1)),
        ("c", (-1, sizes[0], sizes[1], 1)),
        ("g", (-1, 1, 1, sizes[2])),
    ):
        if name in fit:
            theta += fit.draws(name).reshape(shape)
    return theta


def parameters(fit: Fit) -> Parameters:
    """Draws of everything the density depends on."""
    theta, sigma = theta_draws(fit), fit.draws("sigma")
    s_u = fit.draws("s_U") if "s_U" in fit else np.zeros(sigma.shape[:2])
    s_v = fit.draws("s_V") if "s_V" in fit else np.zeros(len(sigma))
    return Parameters(theta, sigma, s_u, s_v)


def fit_layout(fit: Fit) -> CellLayout:
    """Layout of the cells of the fit's evidence."""
    return lay_out(fit.evidence.cells, len(fit.evidence.coords["regime"]), len(fit.evidence.coords["action"]))


def session_log_density(layout: CellLayout, draws: Parameters) -> FloatArray:
    """Log p(y_s | parameters), shape (draw, session), nats, the numpy twin of `components.cells.log_density_cells`."""
    chunks = []
    for rows in _chunks(len(draws), len(layout.n)):
        part = draws[rows]
        sums = _sum(layout, part)
        variance = part.s_u[:, layout.pair_trader] ** 2
        pairs = -0.5 * sums.rows + 0.5 * (variance * sums.score**2 / sums.shared - np.log(sums.shared))
        session = part.s_v[:, None] ** 2 * sums.session_score**2 / sums.session_shared - np.log(sums.session_shared)
        chunks.append(np.add.reduceat(pairs, _starts(layout.pair_session), axis=1) + 0.5 * session)
    return np.concatenate(chunks)


def session_log_likelihood(fit: Fit) -> tuple[IntArray, FloatArray]:
    """Codes of the sessions that occur, (session,), and log p(y_s | parameters), (draw, session), nats."""
    if "nu" in fit:
        p = parameters(fit)
        return heavy_session_log_likelihood(fit.evidence, p.theta, p.sigma, p.s_u, p.s_v, fit.draws("nu"))
    return np.unique(fit.evidence.cells.session), session_log_density(fit_layout(fit), parameters(fit))


def draw_shocks(fit: Fit, *, seed: int, every: int = 1) -> Shocks:
    """Exact conditional draws of V_s and U_js, one for every `every`-th draw of the posterior.

    Parameters
    ----------
    fit : the fit
    seed : any int >= 0
    every : thinning; shape (draw, ...) below has ceil(draws / every) rows

    Raises
    ------
    UsageError
        If the residuals are Student-t.
    """
    if "nu" in fit:
        raise UsageError("with Student-t residuals the shocks were sampled, not integrated out; their draws are not kept")
    layout, draws, rng = fit_layout(fit), parameters(fit)[:: max(1, every)], np.random.default_rng(seed)
    desk_day, trader_day = [], []
    for rows in _chunks(len(draws), len(layout.n)):
        part = draws[rows]
        sums = _sum(layout, part)
        s_v, s_u = part.s_v[:, None], part.s_u[:, layout.pair_trader]
        noise = rng.standard_normal(sums.session_shared.shape)
        v = s_v**2 * sums.session_score / sums.session_shared + s_v / np.sqrt(sums.session_shared) * noise
        rest = sums.score - sums.information * v[:, layout.pair_session]
        u = s_u**2 * rest / sums.shared + s_u / np.sqrt(sums.shared) * rng.standard_normal(rest.shape)
        desk_day.append(v)
        trader_day.append(u)
    sessions = np.unique(fit.evidence.cells.session)
    return Shocks(
        sessions, np.concatenate(desk_day), layout.pair_trader, sessions[layout.pair_session], np.concatenate(trader_day)
    )


def _sum(layout: CellLayout, draws: Parameters) -> _Sums:
    """The sums of `components.cells` for a chunk of draws."""
    count = len(draws)
    variance = draws.sigma.reshape(count, -1)[:, layout.trader_regime] ** 2  # shape: (draw, cell)
    error = layout.mean - draws.theta.reshape(count, -1)[:, layout.combination]
    weight = layout.n / variance
    rows = layout.n * (LOG_2PI + np.log(variance)) + layout.ss / variance + weight * error**2
    starts = _starts(layout.pair)
    information, score = np.add.reduceat(weight, starts, axis=1), np.add.reduceat(weight * error, starts, axis=1)
    shared = 1 + draws.s_u[:, layout.pair_trader] ** 2 * information
    session_starts = _starts(layout.pair_session)
    session_information = np.add.reduceat(information / shared, session_starts, axis=1)
    session_score = np.add.reduceat(score / shared, session_starts, axis=1)
    session_shared = 1 + draws.s_v[:, None] ** 2 * session_information
    return _Sums(information, score, shared, session_score, session_shared, np.add.reduceat(rows, starts, axis=1))


def _starts(sorted_index: IntArray) -> IntArray:
    """First position of each group of a sorted index, shape (group,)."""
    return np.flatnonzero(np.diff(sorted_index, prepend=-1))


def _chunks(draws: int, cells: int) -> Iterator[slice]:
    """Slices of draws small enough to work on."""
    size = max(1, CHUNK_ELEMENTS // max(1, cells))
    return (slice(start, min(start + size, draws)) for start in range(0, draws, size))
