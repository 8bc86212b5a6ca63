r"""How far apart the true values lie: the spread tau of known-error pooling, exactly and by the classical formulas.

With ``y_j ~ N(theta_j, s_j^2)`` and ``theta_j ~ N(mu, tau^2)`` everything but tau integrates out by hand. Given tau, with
``w_j = 1 / (s_j^2 + tau^2)``, ``W = sum(w)`` and ``m = sum(w y) / W`` (a normal prior on mu adds one more term to both sums),

    log p(y | tau) = -1/2 sum(log(s^2 + tau^2)) - 1/2 log(W) - 1/2 sum(w (y - m)^2) + constant.

This is an even function of tau without singularities near the real axis. Under ``tau = c sinh(x)`` it stays even and dies out
at least like ``exp(-x)``, so the trapezoid rule on an equidistant grid in x, begun at 0 or where nothing is left, converges
geometrically; the heavy tail ``tau^-(J-1)`` of few estimates under a flat prior costs a longer grid, not accuracy. Halving the
grid measures the error. Only the moments of tau itself, which are not even, are taken with Gauss-Legendre points.

Every function here works on many pools at once, in the units of `Pool`, and a pool's numbers never depend on its neighbours.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc, ndtr, ndtri, roots_legendre, sici

from skillstats.errors import DomainError

type FloatArray = NDArray[np.float64]

CUT: Final = 27.0
"""Nats below the highest point at which the grid ends; the mass left out is about 1e-12."""

SEARCH: Final = (128, 64, 64)
"""Points of the three successive searches for the part of the axis that holds the posterior."""

LADDER: Final = (33, 65, 129, 257, 513, 1025, 2049)
"""Grid sizes tried in turn until halving the grid changes nothing by more than `GRID_TOLERANCE`."""

GRID_TOLERANCE: Final = 1e-7
ROOT_TOLERANCE: Final = 1e-10
MAX_STEPS: Final = 200


def _require_positive(owner: str, field: str, value: float) -> None:
    if not (np.isfinite(value) and value > 0):
        raise DomainError(f"{owner} {field}={value}, must be a finite number > 0; give the scale in the unit of the estimates")


@dataclass(frozen=True, slots=True)
class Flat:
    """Constant density: on the whole line for mu, on the standard deviation (not the variance) for tau."""


@dataclass(frozen=True, slots=True)
class Normal:
    """``mu ~ N(mu, sigma^2)``; both in the unit of the estimates."""

    mu: float
    sigma: float

    def __post_init__(self) -> None:
        if not np.isfinite(self.mu):
            raise DomainError(f"Normal mu={self.mu}, must be a finite number; give the centre in the unit of the estimates")
        _require_positive("Normal", "sigma", self.sigma)


@dataclass(frozen=True, slots=True)
class HalfNormal:
    """``tau ~ |N(0, sigma^2)|``; sigma in the unit of the estimates."""

    sigma: float

    def __post_init__(self) -> None:
        _require_positive("HalfNormal", "sigma", self.sigma)


@dataclass(frozen=True, slots=True)
class HalfCauchy:
    """``p(tau) ~ 1 / (1 + (tau / scale)^2)``; scale in the unit of the estimates."""

    scale: float

    def __post_init__(self) -> None:
        _require_positive("HalfCauchy", "scale", self.scale)


@dataclass(frozen=True, slots=True)
class PoolingPrior:
    """What is known before the estimates about their centre (`mean`) and the spread of the true values (`spread`)."""

    mean: Flat | Normal = Flat()
    spread: Flat | HalfNormal | HalfCauchy = Flat()

    def tail_power(self, size: int) -> float:
        """Power a of the tail ``tau^-a`` of the posterior of `size` estimates: proper if a > 1, k moments of tau if a > k + 1."""
        extra = {Flat: 0.0, HalfCauchy: 2.0, HalfNormal: np.inf}[type(self.spread)]
        return size - isinstance(self.mean, Flat) + extra

    @property
    def spread_scale(self) -> float:
        """Scale of the prior of tau, in the unit of the estimates; infinite if flat."""
        match self.spread:
            case HalfNormal(sigma):
                return sigma
            case HalfCauchy(scale):
                return scale
        return np.inf


@dataclass(frozen=True, slots=True)
class Pool:
    """Pools of estimates in own units: subtract `origin` (weighted mean), divide by `unit` (smallest scale in sight)."""

    y: FloatArray  # shape: (pool, estimate, 1), units of the pool
    s2: FloatArray  # shape: (pool, estimate, 1), units squared
    centre: FloatArray  # shape: (pool, 1), prior mean of mu, 0 if flat
    precision: FloatArray  # shape: (pool, 1), prior precision of mu, 0 if flat
    spread_scale: FloatArray  # shape: (pool, 1), scale of the prior of tau
    reach: FloatArray  # shape: (pool, 1), largest scale in sight
    origin: FloatArray  # shape: (pool, 1), unit of the estimates
    unit: FloatArray  # shape: (pool, 1), unit of the estimates
    prior: PoolingPrior

    def take(self, rows: NDArray[np.intp]) -> Pool:
        """The pools at `rows`."""
        arrays = {f.name: getattr(self, f.name)[rows] for f in fields(self) if f.name != "prior"}
        return replace(self, **arrays)


def standardise(estimate: FloatArray, standard_error: FloatArray, prior: PoolingPrior) -> Pool:
    """Pools of shape (pool, estimate) in own units, so that no later number can overflow or cancel."""
    known = prior.mean.sigma**-2 if isinstance(prior.mean, Normal) else 0.0
    narrowest = 1 / np.sqrt(
        (standard_error**-2).sum(axis=1, keepdims=True) + known
    )  # sd of every theta if tau is 0; below every se
    unit = np.minimum(narrowest, prior.spread_scale)
    s2 = (standard_error / unit) ** 2
    anchor = estimate[:, :1]
    origin = anchor + ((estimate - anchor) / s2).sum(axis=1, keepdims=True) / (1 / s2).sum(axis=1, keepdims=True)
    y = (estimate - origin) / unit
    reach = np.maximum(np.abs(y).max(axis=1, keepdims=True), np.sqrt(s2.max(axis=1, keepdims=True)))
    centre, precision = np.zeros_like(unit), np.zeros_like(unit)
    if isinstance(prior.mean, Normal):
        centre, precision = (prior.mean.mu - origin) / unit, (unit / prior.mean.sigma) ** 2
        reach = np.maximum(reach, np.abs(centre))
    scale = prior.spread_scale / unit
    reach = np.maximum(reach, np.where(np.isfinite(scale), scale, 0.0))
    return Pool(y[..., None], s2[..., None], centre, precision, scale, reach, origin, unit, prior)


def conditional(pool: Pool, tau: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Log marginal likelihood, mean and precision of mu at `tau`, each of shape (pool, point) like `tau`."""
    variance = pool.s2 + (tau * tau)[:, None, :]  # shape: (pool, estimate, point)
    weight = 1 / variance
    precision = weight.sum(axis=1) + pool.precision
    mean = ((weight * pool.y).sum(axis=1) + pool.precision * pool.centre) / precision
    rest = pool.y - mean[:, None, :]
    misfit = (weight * rest * rest).sum(axis=1) + pool.precision * (mean - pool.centre) ** 2
    return -0.5 * (np.log(variance).sum(axis=1) + np.log(precision) + misfit), mean, precision


def log_spread_prior(pool: Pool, tau: FloatArray) -> FloatArray | float:
    """Log prior density of tau up to a constant."""
    match pool.prior.spread:
        case HalfNormal():
            return -0.5 * (tau / pool.spread_scale) ** 2
        case HalfCauchy():
            return -np.log1p((tau / pool.spread_scale) ** 2)
    return 0.0


def moments_of_tau(pool: Pool) -> int:
    """How many of the first two moments of tau exist."""
    power = pool.prior.tail_power(pool.y.shape[1])
    return 2 if power > 3 else 1 if power > 2 else 0


def _log_weight(pool: Pool, x: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Log density in x (``tau = sinh x``), log of the factor for the highest moment, mean and precision of mu."""
    tau = np.sinh(x)
    likelihood, mean, precision = conditional(pool, tau)
    jacobian = x + np.log1p(np.exp(-2 * x))
    moment = 0.5 * moments_of_tau(pool) * np.log1p((tau / pool.reach) ** 2)
    return likelihood + log_spread_prior(pool, tau) + jacobian, moment, mean, precision


def find_support(pool: Pool) -> tuple[FloatArray, FloatArray]:
    """Ends in x, shape (pool, 1), outside which density and highest existing moment are negligible."""
    low, high = np.zeros_like(pool.reach), np.arcsinh(pool.reach) + CUT + 5
    for size in SEARCH:
        x = low + (high - low) * np.linspace(0, 1, size)
        density, moment, _, _ = _log_weight(pool, x)
        total = density + moment
        inside = (total > total.max(axis=1, keepdims=True) - CUT) | (density > density.max(axis=1, keepdims=True) - CUT)
        first = np.maximum(inside.argmax(axis=1) - 1, 0)
        last = np.minimum(size - inside[:, ::-1].argmax(axis=1), size - 1)
        low, high = np.take_along_axis(x, first[:, None], axis=1), np.take_along_axis(x, last[:, None], axis=1)
    return low, high


@dataclass(frozen=True, slots=True)
class TauGrid:
    """The posterior of tau as a weighted grid, equidistant in x."""

    x: FloatArray  # shape: (pool, point), tau = sinh(x) units
    weight: FloatArray  # shape: (pool, point), no unit, sums to 1
    mean: FloatArray  # shape: (pool, point), E(mu | tau), units
    precision: FloatArray  # shape: (pool, point), 1 / var(mu | tau), units^-2
    error: FloatArray  # shape: (pool,), largest relative change when every second point is left out

    def take(self, rows: NDArray[np.intp]) -> TauGrid:
        """The pools at `rows`."""
        return TauGrid(self.x[rows], self.weight[rows], self.mean[rows], self.precision[rows], self.error[rows])


def build_grid(pool: Pool, low: FloatArray, high: FloatArray, size: int) -> TauGrid:
    """Trapezoid rule with `size` points (odd) from `low` to `high`; half weight at both ends (x = 0 shares with its mirror)."""
    x = low + (high - low) * np.linspace(0, 1, size)
    density, moment, mean, precision = _log_weight(pool, x)
    rule, half_rule = np.ones(size), np.zeros(size)
    rule[[0, -1]] = 0.5
    half_rule[::2] = 2 * rule[::2]
    error = np.zeros(len(x))
    for log_value in (density, density + moment):
        value = np.exp(log_value - log_value.max(axis=1, keepdims=True))
        full, half = (value * rule).sum(axis=1), (value * half_rule).sum(axis=1)
        error = np.maximum(error, np.abs(half / full - 1))
    weight = np.exp(density - density.max(axis=1, keepdims=True)) * rule
    return TauGrid(x, weight / weight.sum(axis=1, keepdims=True), mean, precision, error)


def mixture(pool: Pool, grid: TauGrid) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Mean and sd given tau of every theta and, last, of mu (pool, estimate + 1, point), and the weight on the centre."""
    t2 = (np.sinh(grid.x) ** 2)[:, None, :]
    centre, spread = grid.mean[:, None, :], (1 / grid.precision)[:, None, :]
    pull = pool.s2 / (pool.s2 + t2)
    mean = np.concatenate([pool.y + pull * (centre - pool.y), centre], axis=1)
    variance = np.concatenate([pull * t2 + pull * pull * spread, spread], axis=1)
    return mean, np.sqrt(variance), pull


def invert_cdf(
    cdf: Callable[[FloatArray], tuple[FloatArray, FloatArray]],
    target: FloatArray,
    *,
    start: FloatArray,
    low: FloatArray,
    high: FloatArray,
    tolerance: FloatArray,
) -> FloatArray:
    """Root of ``cdf(q) = target`` by Newton steps on the probit scale, bisection where they leave the bracket; all of one shape.

    An entry stops moving when its own step is below `tolerance`, so it does not matter what else is solved beside it.
    """
    q, goal, done = start, ndtri(target), np.zeros(start.shape, dtype=np.bool_)
    for _ in range(MAX_STEPS):
        probability, density = cdf(q)
        above = probability >= target
        low, high = np.where(above, low, q), np.where(above, q, high)
        with np.errstate(all="ignore"):
            now = ndtri(probability)
            new = q - (now - goal) * np.exp(-0.5 * now * now) / (np.sqrt(2 * np.pi) * density)
        new = np.where((new >= low) & (new <= high), new, 0.5 * (low + high))
        new = np.where(done, q, new)
        done = done | (np.abs(new - q) <= tolerance)
        q = new
        if done.all():
            break
    return q


def mixture_quantiles(mean: FloatArray, sd: FloatArray, weight: FloatArray, probability: FloatArray) -> FloatArray:
    """Quantiles of mixtures of normals (pool, estimate, point) with weights (pool, point); (probability, pool, estimate)."""
    scaled = (weight / np.sqrt(2 * np.pi))[:, None, :] / sd

    def cdf(q: FloatArray) -> tuple[FloatArray, FloatArray]:
        z = (q[..., None] - mean) / sd
        return (weight[:, None, :] * ndtr(z)).sum(axis=-1), (scaled * np.exp(-0.5 * z * z)).sum(axis=-1)

    ends = mean + ndtri(probability)[:, None, None, None] * sd
    middle = (weight.cumsum(axis=1) >= 0.5).argmax(axis=1)[:, None, None]
    start = np.take_along_axis(ends, np.broadcast_to(middle, (len(probability), *mean.shape[:2], 1)), axis=-1)[..., 0]
    tolerance = ROOT_TOLERANCE * np.take_along_axis(sd, np.broadcast_to(middle, (*mean.shape[:2], 1)), axis=-1)[..., 0]
    target = np.broadcast_to(probability[:, None, None], start.shape)
    low, high = ends.min(axis=-1), ends.max(axis=-1)
    return invert_cdf(cdf, target, start=start, low=low, high=high, tolerance=np.broadcast_to(tolerance, start.shape))


@lru_cache
def _legendre(size: int) -> tuple[FloatArray, FloatArray]:
    """Gauss-Legendre points and weights on [0, 1]."""
    point, weight = roots_legendre(size)
    return np.asarray(point + 1) / 2, np.asarray(weight) / 2


def tau_moments(pool: Pool, grid: TauGrid) -> tuple[FloatArray, FloatArray]:
    """Mean and sd of tau, each (pool,), units; only those that exist are meaningful, see `moments_of_tau`.

    The integrand ``tau p(tau)`` is odd, so the trapezoid rule would err by ``h^2 / 12`` times the density at 0.
    """
    point, rule = _legendre(grid.x.shape[1])
    x = grid.x[:, :1] + (grid.x[:, -1:] - grid.x[:, :1]) * point
    density, tau = _log_weight(pool, x)[0], np.sinh(x)
    weight = np.exp(density - density.max(axis=1, keepdims=True)) * rule
    weight = weight / weight.sum(axis=1, keepdims=True)
    mean = (weight * tau).sum(axis=1)
    return mean, np.sqrt((weight * (tau - mean[:, None]) ** 2).sum(axis=1))


def tau_quantiles(grid: TauGrid, probability: FloatArray) -> FloatArray:
    """Quantiles of tau, shape (probability, pool), units; between points by integrating the sinc series of the density."""
    step = (grid.x[:, 1:2] - grid.x[:, :1])[None]

    def cdf(q: FloatArray) -> tuple[FloatArray, FloatArray]:
        right, left = (q[..., None] - grid.x) / step, (q[..., None] + grid.x) / step
        inner = (sici(np.pi * right)[0] + sici(np.pi * left)[0]) / np.pi
        return (grid.weight * inner).sum(axis=-1), (grid.weight * (np.sinc(right) + np.sinc(left)) / step).sum(axis=-1)

    shape = (len(probability), len(grid.x))
    beyond = grid.weight.cumsum(axis=1) >= probability[:, None, None]
    at = np.minimum(beyond.argmax(axis=-1), grid.x.shape[1] - 1)
    start = np.take_along_axis(np.broadcast_to(grid.x, (*shape, grid.x.shape[1])), at[..., None], axis=-1)[..., 0]
    target = np.broadcast_to(probability[:, None], shape)
    low, high = np.broadcast_to(grid.x[:, 0], shape), np.broadcast_to(grid.x[:, -1], shape)
    x = invert_cdf(cdf, target, start=start, low=low, high=high, tolerance=np.full(shape, ROOT_TOLERANCE))
    return np.asarray(np.sinh(x))


@dataclass(frozen=True, slots=True)
class Classical:
    """Random-effects meta-analysis by formula, in own units; every array of shape (pool,)."""

    q: FloatArray
    q_p: FloatArray
    i2: FloatArray
    tau2_dl: FloatArray
    tau2_reml: FloatArray


def restricted_score(y: FloatArray, s2: FloatArray, t2: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Derivative of the restricted log likelihood in ``tau^2`` and its Fisher information, each of shape (pool,)."""
    weight = 1 / (s2 + t2[:, None])
    total, square = weight.sum(axis=1), (weight**2).sum(axis=1)
    rest = y - ((weight * y).sum(axis=1) / total)[:, None]
    score = 0.5 * ((weight * rest) ** 2).sum(axis=1) - 0.5 * (total - square / total)
    return score, 0.5 * (square - 2 * (weight**3).sum(axis=1) / total + (square / total) ** 2)


def fit_reml(pool: Pool) -> FloatArray:
    """REML estimate of ``tau^2``: best point of a grid, then Fisher scoring between its neighbours; 0 if it falls from 0 on."""
    flat = replace(pool, precision=np.zeros_like(pool.precision))
    x = np.arcsinh(np.maximum(np.abs(pool.y).max(axis=1), np.sqrt(pool.s2.max(axis=1)))) + 1.5
    t2 = np.sinh(x * np.linspace(0, 1, SEARCH[1])) ** 2
    best = conditional(flat, np.sqrt(t2))[0].argmax(axis=1)
    rows, y, s2 = np.arange(len(t2)), pool.y[..., 0], pool.s2[..., 0]
    low, high = t2[rows, np.maximum(best - 1, 0)], t2[rows, np.minimum(best + 1, SEARCH[1] - 1)]
    now: FloatArray = t2[rows, best]
    done = (best == 0) & (restricted_score(y, s2, now)[0] <= 0)
    for _ in range(MAX_STEPS):
        if done.all():
            break
        score, information = restricted_score(y, s2, now)
        low, high = np.where(score > 0, now, low), np.where(score > 0, high, now)
        new = now + score / np.where(information > 0, information, np.inf)
        new = np.where(done, now, np.where((new >= low) & (new <= high), new, 0.5 * (low + high)))
        done, now = done | (np.abs(new - now) <= 1e-12 * new), new
    return now


def estimate_classically(pool: Pool) -> Classical:
    """Cochran's Q, and ``tau^2`` by moments (DerSimonian-Laird) and by restricted likelihood; all 0 for one estimate."""
    y, weight, free = pool.y[..., 0], 1 / pool.s2[..., 0], pool.y.shape[1] - 1
    total = weight.sum(axis=1)
    rest = y - ((weight * y).sum(axis=1) / total)[:, None]
    q = (weight * rest * rest).sum(axis=1)
    if free == 0:
        zero = np.zeros_like(q)
        return Classical(zero, zero + 1, zero, zero, zero)
    scale = (weight * (1 - weight / total[:, None])).sum(axis=1)
    excess = np.maximum(q - free, 0.0)
    i2 = excess / np.maximum(q, free)
    return Classical(q, np.asarray(chdtrc(free, q)), i2, excess / scale, fit_reml(pool))


def pool_given(pool: Pool, t2: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Centre and its standard error (pool,), best linear predictions (pool, estimate), ``tau^2`` taken as known; own units."""
    weight = 1 / (pool.s2[..., 0] + t2[:, None])
    total = weight.sum(axis=1)
    centre = (weight * pool.y[..., 0]).sum(axis=1) / total
    pull = pool.s2[..., 0] * weight
    return centre, 1 / np.sqrt(total), pool.y[..., 0] + pull * (centre[:, None] - pool.y[..., 0])
