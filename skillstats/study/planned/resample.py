"""Monte-Carlo errors of a study: desks are drawn again with replacement, the same ones for every estimator.

The desk is the unit: its traders share luck. Row b of the weights says how often each desk was drawn in resample b; a metric of weighted desks is
computed for all resamples at once, and the sd over them is its Monte-Carlo error. Because all estimators of a cell are given the same weights, the sd of
a difference between two of them is the error of that difference, luck in common taken out.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from skillstats.study.replicate import code_of

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
RESAMPLES: Final = 400
"""An error has itself an error of 1 / sqrt(2 x 400), 3.5%."""


def draw_weights(desks: int, root: int) -> FloatArray:
    """Weights of the desks, (1 + resample, desk): row 0 is the sample itself, all ones."""
    rng = np.random.default_rng(np.random.SeedSequence(root, spawn_key=(code_of("resamples"), desks)))
    drawn = rng.multinomial(desks, np.full(desks, 1 / desks), size=RESAMPLES)
    return np.concatenate([np.ones((1, desks)), drawn.astype(float)])


def by_desk(desk: IntArray, values: FloatArray, desks: int) -> FloatArray:
    """Sums of values (row,) by desk, (desk,)."""
    return np.bincount(desk, weights=values, minlength=desks)


def weighted(weights: FloatArray, values: FloatArray) -> FloatArray:
    """Weighted sums over desks, (1 + resample,); plain sums in a fixed order, so that no library's threads change a digit."""
    return np.asarray(np.einsum("bd,d->b", weights, values, optimize=False))


def ratio(weights: FloatArray, desk: IntArray, top: FloatArray, bottom: FloatArray) -> FloatArray:
    """Sum of `top` over sum of `bottom` (row,) in each resample, (1 + resample,); NaN where there is nothing to divide by."""
    desks = weights.shape[1]
    with np.errstate(divide="ignore", invalid="ignore"):
        found = weighted(weights, by_desk(desk, top, desks)) / weighted(weights, by_desk(desk, bottom, desks))
    return np.where(np.isfinite(found), found, np.nan)


def error_of(resampled: FloatArray) -> float:
    """Monte-Carlo error of a metric: sd over the resamples in which it exists; NaN where half of them, or the metric itself, do not."""
    drawn = resampled[1:]
    known = drawn[np.isfinite(drawn)]
    if not np.isfinite(resampled[0]) or len(known) < len(drawn) / 2:
        return float("nan")
    return float(known.std(ddof=1))
