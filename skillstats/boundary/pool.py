r"""Partial pooling of cell means whose errors are correlated: exact given the spreads, and the spreads on a grid.

The cells of a partition have true means theta = mu 1 + sum_k G_k a_k, with a_k ~ N(0, tau_k^2 I): one part a cell for a single label;
for a crossing of two labels a part for each label and one for their interaction. Their estimates are N(theta, C) with a known C
(`boundary.cells`). Given the taus all is normal,

    V = C + P,   P = s^2 11' + sum_k tau_k^2 G_k G_k',   theta | y ~ N(P V^-1 y, P - P V^-1 P),   log p(y | tau) = log N(y; 0, V),

so a grid over tau_k is all that is needed. Every spread has a half-Cauchy prior whose scale s is common to all partitions of a kind and
is learnt from them together, p(s | all) ~ p(s) prod_l p(y_l | s): many partitions that tell nothing apart make the next one less
credible, and the heavy tail lets a single real one out. The centre mu is free (s is wide): under a sceptical prior a desk that is good
everywhere looks as if its cells differed, because the conflict goes into the spread. Partitions of the same decisions overlap; the product treats what they say about
s as separate, which matters for s alone: the errors inside a partition are correlated as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from skillstats.boundary.one_thread import one_thread

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

SPREADS: Final = np.array([0.0, 0.03, 0.06, 0.1, 0.15, 0.22, 0.32, 0.46, 0.66, 0.95, 1.4, 2.0, 2.9, 4.2, 6.0, 9.0])
COARSE: Final = np.array([0.0, 0.2, 0.6, 1.6, 4.0, 9.0])
"""Grid of a spread, annual IR; the coarse one for each of the three of a crossing."""
SCALES: Final = np.array([0.02, 0.05, 0.1, 0.2, 0.4, 0.8])
"""Grid of the common scale, annual IR."""
SCALE_PRIOR: Final = 0.25
"""HalfNormal scale of the prior of s, annual IR: the prior of the sd between regimes."""
WIDE: Final = 30.0
"""Normal sd of the prior of a partition's own centre, annual IR: flat for all purposes."""


@dataclass(frozen=True, slots=True)
class Partition:
    """Estimates of the cells of one partition, in units in which an annual IR of 1 is `unit`.

    estimate : (cell,); covariance : (cell, cell); designs : matrices (cell, group) of the parts, the identity last
    """

    estimate: FloatArray
    covariance: FloatArray
    designs: tuple[FloatArray, ...]


@dataclass(frozen=True, slots=True)
class Grid:
    """Posterior of one partition at every point of its grid.

    taus : (point, part) annual IR; log_density : (point,) log p(y | tau), nats; mean : (point, cell); covariance : (point, cell, cell)
    """

    taus: FloatArray
    log_density: FloatArray
    mean: FloatArray
    covariance: FloatArray


@one_thread()
def solve(partition: Partition, unit: float) -> Grid:
    """Exact posterior of the cells at every point of the grid."""
    parts = len(partition.designs)
    taus = _points(parts)
    size = len(partition.estimate)
    prior = np.full((len(taus), size, size), (WIDE * unit) ** 2)
    for k, design in enumerate(partition.designs):
        prior += (taus[:, k] * unit)[:, None, None] ** 2 * (design @ design.T)
    total = prior + partition.covariance
    factor = np.linalg.cholesky(total + 1e-12 * np.trace(partition.covariance) / size * np.eye(size))
    inverse = np.linalg.inv(factor)
    white = inverse @ partition.estimate
    density = -np.log(np.diagonal(factor, axis1=1, axis2=2)).sum(axis=1) - 0.5 * (white**2).sum(axis=1)
    reduced = inverse @ prior
    mean = np.einsum("pij,pi->pj", reduced, white)
    return Grid(taus, density, mean, prior - np.swapaxes(reduced, 1, 2) @ reduced)


def spread_weights(taus: FloatArray, scale: float) -> FloatArray:
    """Prior weight of every grid point: half-Cauchy masses of the intervals around the values of each spread, multiplied.

    Examples
    --------
    >>> spread_weights(SPREADS[:, None], 0.2).sum().round(6), spread_weights(SPREADS[:, None], 0.2)[0].round(2)
    (np.float64(1.0), np.float64(0.05))
    """
    weight = np.ones(len(taus))
    for column in taus.T:
        values = np.unique(column)
        edges = np.r_[0.0, 0.5 * (values[1:] + values[:-1]), np.inf]
        mass = np.diff(2 / np.pi * np.arctan(edges / scale))
        weight *= mass[np.searchsorted(values, column)]
    return weight


@lru_cache(maxsize=8)
def _weights(parts: int) -> FloatArray:
    """`spread_weights` of every scale on the grid of a partition with so many parts, (scale, point)."""
    return np.stack([spread_weights(_points(parts), s) for s in SCALES])


@lru_cache(maxsize=8)
def _points(parts: int) -> FloatArray:
    """Every combination of the grids of the spreads, (point, part)."""
    axes = [SPREADS] if parts == 1 else [COARSE] * parts
    return np.stack([a.ravel() for a in np.meshgrid(*axes, indexing="ij")], axis=1)


def learn_scale(grids: Sequence[Grid]) -> FloatArray:
    """Posterior weights of `SCALES` from all partitions of a kind; the prior's where there is none."""
    log = -0.5 * (SCALES / SCALE_PRIOR) ** 2 + np.log(np.gradient(SCALES))
    for grid in grids:
        level = grid.log_density.max()
        log += level + np.log(_weights(grid.taus.shape[1]) @ np.exp(grid.log_density - level))
    weight = np.exp(log - log.max())
    return np.asarray(weight / weight.sum())


@one_thread()
def draw(grid: Grid, scale_weights: FloatArray, count: int, rng: np.random.Generator) -> FloatArray:
    """Posterior draws of the cells, shape (draw, cell), in the units of the estimates."""
    density = np.exp(grid.log_density - grid.log_density.max())
    weight = density * (scale_weights @ _weights(grid.taus.shape[1]))
    weight /= weight.sum()
    counts = rng.multinomial(count, weight)
    used = np.flatnonzero(counts)
    values, vectors = np.linalg.eigh(grid.covariance[used])
    roots = vectors * np.sqrt(np.maximum(values, 0.0))[:, None, :]
    noise = rng.standard_normal((count, grid.mean.shape[1]))
    made, start = np.empty_like(noise), 0
    for point, root in zip(used, roots, strict=True):
        part = slice(start, start + counts[point])
        made[part] = grid.mean[point] + noise[part] @ root.T
        start += counts[point]
    return made
