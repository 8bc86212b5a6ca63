"""After the fit: mean, shocks and session densities of every draw, in numpy.

Shocks were integrated out, so their posterior given a draw of the parameters is normal and exact (`components.cells` has the
symbols):

    F_s ~ Normal(s_F^2 XE_s / (1 + s_F^2 XX_s), s_F^2 / (1 + s_F^2 XX_s))
    V_s | F_s ~ Normal(s_V^2 (B_s - X_s F_s) / E_s, s_V^2 / E_s)
    U_js | V_s, F_s ~ Normal(s_Uj^2 (B_js - A_js V_s - X_js F_s) / D_js, s_Uj^2 / D_js)

The density of a session given the parameters is what leave-one-session-out uses; never rows or cells given the shocks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from skillstats.components.cells import LOG_2PI, CellLayout
from skillstats.errors import UsageError
from skillstats.inference.container import Fit
from skillstats.inference.design import Design, design, row_profiles
from skillstats.inference.heavy_fit import heavy_session_log_likelihood
from skillstats.spec.vocabulary import EFFECT_SYMBOL

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
CHUNK_ELEMENTS: Final = 30_000
"""Draws are worked on in chunks of about this many (draw, cell) elements: a chunk and its sums stay in the processor's cache."""
SHOCK_ELEMENTS: Final = 4_000_000
"""The same where shocks are drawn: random numbers are taken chunk by chunk, so another size gives other draws of the same seed."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """Draws of what the density of the outcomes depends on; y units.

    theta : (draw, profile), in the order of `fit_design(fit).profiles`; sigma : (draw, trader, regime); s_u : (draw, trader);
    s_v, s_f : (draw,); kappa : (draw, trader); 0 where a term is not in the model
    """

    theta: FloatArray
    sigma: FloatArray
    s_u: FloatArray
    s_v: FloatArray
    s_f: FloatArray
    kappa: FloatArray

    def __len__(self) -> int:
        return len(self.s_v)

    def __getitem__(self, rows: slice) -> Parameters:
        return replace(self, **{name: getattr(self, name)[rows] for name in self.__slots__})


@dataclass(frozen=True, slots=True)
class Shocks:
    """Draws of the shocks, y units.

    session, desk : (group,) codes of the desk-sessions that occur, desk 0 where the shock is the whole session's;
    desk_day : (draw, group), V_s
    pair_trader, pair_session : (pair,) codes of the trader-sessions that occur; trader_day : (draw, pair), U_js
    factor : (draw, session that occurs), F_s, per unit of exposure; zeros where the model has no latent factor
    """

    session: IntArray
    desk: IntArray
    desk_day: FloatArray
    pair_trader: IntArray
    pair_session: IntArray
    trader_day: FloatArray
    factor: FloatArray


@dataclass(frozen=True, slots=True)
class _Level:
    """Sums of one chunk of draws at one level, (draw, group) each, and D = 1 + variance A of the shock of that level.

    Without a latent factor (`factor` false) load, square and product are zeros.
    """

    information: FloatArray
    score: FloatArray
    load: FloatArray
    square: FloatArray
    product: FloatArray
    shared: FloatArray
    factor: bool

    def absorbed(self, variance: FloatArray, starts: IntArray) -> list[FloatArray]:
        """Sums left when the shock is integrated out, added up over the groups that begin at `starts`."""
        left = [self.information / self.shared, self.score / self.shared]
        if self.factor:
            left += [
                self.load / self.shared,
                self.square - variance * self.load**2 / self.shared,
                self.product - variance * self.load * self.score / self.shared,
            ]
        found = [np.add.reduceat(part, starts, axis=1) for part in left]
        return found if self.factor else found + [np.zeros(found[0].shape)] * 3


def theta_at(fit: Fit, codes: Mapping[str, IntArray]) -> FloatArray:
    """Mean of a decision of average size for any combinations of labels, shape (draw, combination), y units.

    Parameters
    ----------
    fit : the fit
    codes : {label: (combination,) codes into the evidence's coords}; ``trader`` must be there, another label that is missing counts
        as its first level

    Examples
    --------
    The last quarter's state of every trader of a fit with drift:

    >>> theta_at(fit, {"trader": np.arange(3), "quarter": np.full(3, 7)})  # doctest: +SKIP
    """
    zeros = np.zeros(len(codes["trader"]), dtype=np.int64)
    theta = fit.draws("mu")[:, None] + np.zeros(len(zeros))
    for word, symbol in {**EFFECT_SYMBOL, "trader:quarter": "z", "trader:regime:action": "extra"}.items():
        if symbol in fit:
            at: tuple[Any, ...] = tuple(codes.get(label, zeros) for label in word.split(":"))
            theta += fit.draws(symbol)[(slice(None), *at)]
    return theta


def theta_draws(fit: Fit) -> FloatArray:
    """Mean of a decision for every trader, regime and action, shape (draw, trader, regime, action), y units.

    Other labels count as their first level; `theta_at` takes any.
    """
    sizes = [len(fit.evidence.coords[d]) for d in ("trader", "regime", "action")]
    grid = [code.ravel() for code in np.indices(sizes)]
    return theta_at(fit, dict(zip(("trader", "regime", "action"), grid, strict=True))).reshape(-1, *sizes)


def parameters(fit: Fit) -> Parameters:
    """Draws of everything the density depends on."""
    sigma = fit.draws("sigma")
    by_trader, scalar = np.zeros(sigma.shape[:2]), np.zeros(len(sigma))
    return Parameters(
        theta=theta_at(fit, fit_design(fit).profiles.codes),
        sigma=sigma,
        s_u=fit.draws("s_U") if "s_U" in fit else by_trader,
        s_v=fit.draws("s_V") if "s_V" in fit else scalar,
        s_f=fit.draws("s_F") if "s_F" in fit else scalar,
        kappa=fit.draws("kappa") if "kappa" in fit else by_trader,
    )


def fit_design(fit: Fit) -> Design:
    """What the fit saw of its evidence."""
    return design(fit.evidence, fit.terms, grid="extra" in fit)


def fit_layout(fit: Fit) -> CellLayout:
    """Layout of the cells of the fit's evidence."""
    return fit_design(fit).layout


def session_log_density(data: Design, draws: Parameters) -> FloatArray:
    """Log p(y_s | parameters), shape (draw, session), nats, the numpy twin of `components.cells.log_density_cells`."""
    chunks, places = [], _places(data)
    for rows in _chunks(len(draws), len(data.layout.n), CHUNK_ELEMENTS):
        part = draws[rows]
        pair, value = _pair_level(data, part)
        variance = part.s_u[:, data.layout.pair_trader] ** 2
        value += 0.5 * (variance * pair.score**2 / pair.shared - np.log(pair.shared))
        group = _next_level(pair, variance, places.group_starts, part.s_v[:, None] ** 2)
        value = np.add.reduceat(value, places.group_starts, axis=1)
        value += 0.5 * (part.s_v[:, None] ** 2 * group.score**2 / group.shared - np.log(group.shared))
        *_, square, product = group.absorbed(part.s_v[:, None] ** 2, places.session_starts)
        shared = 1 + part.s_f[:, None] ** 2 * square
        value = np.add.reduceat(value, places.session_starts, axis=1)
        chunks.append(value + 0.5 * (part.s_f[:, None] ** 2 * product**2 / shared - np.log(shared)))
    return np.concatenate(chunks)


def session_log_likelihood(fit: Fit) -> tuple[IntArray, FloatArray]:
    """Codes of the sessions that occur, (session,), and log p(y_s | parameters), (draw, session), nats."""
    if "nu" in fit:
        p, profile = parameters(fit), row_profiles(fit.evidence, fit.terms, grid="extra" in fit)
        return heavy_session_log_likelihood(fit.evidence, profile, p.theta, p.sigma, p.s_u, p.s_v, fit.draws("nu"))
    data = fit_design(fit)
    return np.unique(data.cells.session), session_log_density(data, parameters(fit))


def draw_shocks(fit: Fit, *, seed: int, every: int = 1) -> Shocks:
    """Exact conditional draws of F_s, V_s and U_js, one for every `every`-th draw of the posterior.

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
    data, draws, rng = fit_design(fit), parameters(fit)[:: max(1, every)], np.random.default_rng(seed)
    layout, places = data.layout, _places(data)
    found: list[tuple[FloatArray, FloatArray, FloatArray]] = []
    for rows in _chunks(len(draws), len(layout.n), SHOCK_ELEMENTS):
        part = draws[rows]
        pair, _ = _pair_level(data, part)
        s_v, s_u, s_f = part.s_v[:, None], part.s_u[:, layout.pair_trader], part.s_f[:, None]
        group = _next_level(pair, s_u**2, places.group_starts, s_v**2)
        *_, square, product = group.absorbed(s_v**2, places.session_starts)
        shared = 1 + s_f**2 * square
        noise = rng.standard_normal(shared.shape) if s_f.any() else np.zeros(shared.shape)
        f = s_f**2 * product / shared + s_f / np.sqrt(shared) * noise
        rest = group.score - group.load * f[:, places.group_session]
        v = s_v**2 * rest / group.shared + s_v / np.sqrt(group.shared) * rng.standard_normal(rest.shape)
        rest = pair.score - pair.information * v[:, places.pair_group] - pair.load * f[:, layout.pair_session]
        u = s_u**2 * rest / pair.shared + s_u / np.sqrt(pair.shared) * rng.standard_normal(rest.shape)
        found.append((f, v, u))
    factor, desk_day, trader_day = (np.concatenate(part) for part in zip(*found, strict=True))
    sessions = np.unique(data.cells.session)
    desk = (
        data.cells.code("desk")[_starts(layout.pair)][places.group_starts] if data.desks else np.zeros(len(sessions), dtype=int)
    )
    return Shocks(
        sessions[places.group_session], desk, desk_day, layout.pair_trader, sessions[layout.pair_session], trader_day, factor
    )


@dataclass(frozen=True, slots=True)
class _Places:
    """pair_group (pair,), group_session (group,); first pair of each group, first group of each session."""

    pair_group: IntArray
    group_session: IntArray
    group_starts: IntArray
    session_starts: IntArray


def _places(data: Design) -> _Places:
    if data.desks is None:
        group = np.asarray(data.layout.pair_session)
        session = np.arange(int(group[-1]) + 1)
    else:
        group, session = np.asarray(data.desks.pair_group), np.asarray(data.desks.group_session)
    return _Places(group, session, _starts(group), _starts(session))


def _pair_level(data: Design, draws: Parameters) -> tuple[_Level, FloatArray]:
    """The sums of `components.cells` by pair for a chunk of draws, and the part of log p that no shock is in, (draw, pair)."""
    layout, moments = data.layout, data.regressors
    variance = draws.sigma.reshape(len(draws), -1)[:, layout.trader_regime] ** 2  # shape: (draw, cell)
    error, ss = layout.mean - draws.theta[:, layout.profile], layout.ss
    slope = draws.kappa[:, layout.pair_trader[layout.pair]]
    if moments is not None and moments.size is not None:
        error = error - slope * moments.size
        ss = ss - 2 * slope * moments.size_xy + slope**2 * moments.size_xx
    weight = layout.n / variance
    rows = layout.n * (LOG_2PI + np.log(variance)) + ss / variance + weight * error**2
    starts = _starts(layout.pair)
    information, score = np.add.reduceat(weight, starts, axis=1), np.add.reduceat(weight * error, starts, axis=1)
    load = square = product = np.zeros(information.shape)
    if moments is not None and moments.exposure is not None:
        x, cross = moments.exposure, moments.exposure_xy
        if moments.size is not None:
            cross = cross - slope * moments.size_exposure
        load = np.add.reduceat(weight * x, starts, axis=1)
        square = np.add.reduceat(weight * x**2 + moments.exposure_xx / variance, starts, axis=1)
        product = np.add.reduceat(weight * x * error + cross / variance, starts, axis=1)
    shared = 1 + draws.s_u[:, layout.pair_trader] ** 2 * information
    factor = moments is not None and moments.exposure is not None
    return _Level(information, score, load, square, product, shared, factor), -0.5 * np.add.reduceat(rows, starts, axis=1)


def _next_level(level: _Level, variance: FloatArray, starts: IntArray, next_variance: FloatArray) -> _Level:
    """The level above, when the shock of this one is integrated out."""
    information, score, load, square, product = level.absorbed(variance, starts)
    return _Level(information, score, load, square, product, 1 + next_variance * information, level.factor)


def _starts(sorted_index: IntArray) -> IntArray:
    """First position of each group of a sorted index, shape (group,)."""
    return np.flatnonzero(np.diff(sorted_index, prepend=-1))


def _chunks(draws: int, cells: int, elements: int) -> Iterator[slice]:
    """Slices of draws with about so many (draw, cell) elements."""
    size = max(1, elements // max(1, cells))
    return (slice(start, min(start + size, draws)) for start in range(0, draws, size))
