r"""Forecasts of a quarter made at its start, and how probable they made what came.

At the end of a quarter every trader so far has a forecast of skill theta_j, in draws, and of luck: residual variance, trader-day and
desk-day shocks. When the next quarter is over, its result is a weighted sum of outcomes,

    R_j = sum_i c_i y_i,   c_i = 1 / n for the mean outcome per decision, c_i = the risk of the decision for money,

and given a draw it is normal with variance

    N_j = (s_V^2 + s_Uj^2) sum_s (sum_{i in s} c_i)^2 + sigma_j^2 sum_i c_i^2

around a centre that is all that rivals differ in:

    method   theta_j sum c_i (+ n times the sizing term so far, for money)
    zero     0: there is no skill
    raw      the trader's own mean so far, with the variance of that mean by the same luck
    pooled   the mean of the whole desk so far, likewise

How often a trader acted, and how large, is taken as it was: nobody forecasts it, and every rival is told the same. The score of a forecast
is the log of its density at R_j; its difference between two rivals has no unit but nats.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import special

from skillstats.evaluation.draws import Draws, thinned
from skillstats.evaluation.estimands import regime_shares, sizing_term
from skillstats.evaluation.means import mean_of_rows
from skillstats.evaluation.posterior import posterior_draws
from skillstats.evidence import Evidence
from skillstats.inference.container import Fit

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
RIVALS: Final = ("zero", "raw", "pooled")
SCALES: Final = ("outcome", "money")
MOST_DRAWS: Final = 1000


@dataclass(frozen=True)
class Centre:
    """Where a forecast expects R, for each unit of its weights: `at` a sum of weights c, `each` a row; (draw,) or a number.

    spread : (draw,) variance of `at` or `each` itself, whichever is in use
    """

    at: FloatArray | float
    each: FloatArray | float
    spread: FloatArray


@dataclass(frozen=True)
class Forecast:
    """What is known of one trader at a quarter's end, before the next has begun.

    theta : (draw,) skill, y units; residual, shared : (draw,) variances of one row's luck and of what the rows of a session share
    raw_rank : the trader's own mean outcome so far
    centres : {scale: {rival or ``method``: Centre}}
    """

    trader: str
    theta: FloatArray
    residual: FloatArray
    shared: FloatArray
    raw_rank: float
    centres: dict[str, dict[str, Centre]]


@dataclass(frozen=True)
class Result:
    """What a trader's quarter brought: rows, active sessions, and for each scale the sum of weights, its squares and R."""

    rows: int
    days: int
    weights: dict[str, tuple[float, float, float, float]]


def forecasts(fit: Fit) -> list[Forecast]:
    """A forecast of every trader of a fit."""
    draws, past = thinned(posterior_draws(fit), MOST_DRAWS), fit.evidence
    luck = [_luck(draws, past, j) for j in range(len(past.coords["trader"]))]
    desk = {scale: _pooled(draws, past, luck, scale) for scale in SCALES}
    found = []
    for j, name in enumerate(past.coords["trader"]):
        rows = np.flatnonzero(past.trader == j)
        theta = mean_of_rows(draws, past, j, rows).mean
        residual, shared = luck[j]
        covariance, error = sizing_term(past.risk[rows], past.y[rows], past.session[rows])
        none = np.zeros(len(theta))
        centres = {}
        for scale in SCALES:
            money = scale == "money"
            method = Centre(theta, covariance if money else 0.0, none + (error**2 if money else 0.0))
            own = _mean(past, rows, scale)
            variance = _variance(past, rows, scale, residual, shared) / len(rows) ** 2
            raw = Centre(0.0, own, variance) if money else Centre(own, 0.0, variance)
            centres[scale] = {"method": method, "zero": Centre(0.0, 0.0, none), "raw": raw, "pooled": desk[scale]}
        found.append(Forecast(name, theta, residual, shared, float(past.y[rows].mean()), centres))
    return found


def result_of(evidence: Evidence, rows: IntArray, scale: float | None) -> Result:
    """The quarter of one trader; `scale` is the constant of the past that outcomes without risk are divided by, None with risk."""
    risk = evidence.risk[rows] if scale is None else np.full(len(rows), scale)
    weights = {"outcome": np.full(len(rows), 1 / len(rows)), "money": risk}
    y = evidence.value_add[rows] / risk
    session = np.unique(evidence.session[rows], return_inverse=True)[1]
    found = {}
    for name, c in weights.items():
        by_session = np.bincount(session, weights=c)
        found[name] = (float(c.sum()), float(np.sum(by_session**2)), float(np.sum(c**2)), float(c @ y))
    return Result(len(rows), int(session.max()) + 1, found)


def predictive(forecast: Forecast, result: Result, scale: str, rival: str) -> tuple[FloatArray, FloatArray]:
    """Mean and variance of R under every draw, (draw,) each."""
    total, squares_day, squares, _ = result.weights[scale]
    centre = forecast.centres[scale][rival]
    mean = np.zeros(len(forecast.theta)) + centre.at * total + centre.each * result.rows
    times = result.rows if scale == "money" else total
    return mean, forecast.shared * squares_day + forecast.residual * squares + times**2 * centre.spread


def log_score(mean: FloatArray, variance: FloatArray, observed: float) -> float:
    """Log density of a mixture of normals at what came, nats.

    Examples
    --------
    >>> round(log_score(np.array([0.0, 0.0]), np.array([1.0, 1.0]), 0.0), 4)
    -0.9189
    """
    density = -0.5 * (np.log(2 * np.pi * variance) + (observed - mean) ** 2 / variance)
    return float(special.logsumexp(density) - np.log(len(density)))


def below(mean: FloatArray, variance: FloatArray, observed: float) -> float:
    """Probability that the forecast gave to everything below what came."""
    return float(np.mean(special.ndtr((observed - mean) / np.sqrt(variance))))


def _luck(draws: Draws, past: Evidence, trader: int) -> tuple[FloatArray, FloatArray]:
    """Residual variance in the trader's own mix of regimes, and variance of what the rows of a session share."""
    share = regime_shares(past, np.flatnonzero(past.trader == trader))
    return draws.sigma[:, trader] ** 2 @ share, draws.desk_day**2 + draws.trader_day[:, trader] ** 2


def _weight(past: Evidence, rows: IntArray, scale: str) -> FloatArray:
    return past.risk[rows] if scale == "money" else np.ones(len(rows))


def _mean(past: Evidence, rows: IntArray, scale: str) -> float:
    return float((past.value_add if scale == "money" else past.y)[rows].mean())


def _variance(past: Evidence, rows: IntArray, scale: str, residual: FloatArray, shared: FloatArray) -> FloatArray:
    """Variance of a trader's sum so far, (draw,)."""
    c = _weight(past, rows, scale)
    by_session = np.bincount(past.session[rows], weights=c)
    return np.asarray(shared * np.sum(by_session**2) + residual * np.sum(c**2))


def _pooled(draws: Draws, past: Evidence, luck: list[tuple[FloatArray, FloatArray]], scale: str) -> Centre:
    """The desk's mean so far with its variance: what the desk's days share is shared by all its rows."""
    rows = np.arange(len(past))
    c = _weight(past, rows, scale)
    desk_day = draws.desk_day**2
    together = desk_day * np.sum(np.bincount(draws.shock_of(past), weights=c) ** 2)
    for j, (residual, shared) in enumerate(luck):
        own = np.flatnonzero(past.trader == j)
        together = together + _variance(past, own, scale, residual, shared - desk_day)
    mean, variance = _mean(past, rows, scale), together / len(past) ** 2
    return Centre(0.0, mean, variance) if scale == "money" else Centre(mean, 0.0, variance)
