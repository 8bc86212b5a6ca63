"""Resampled days: the stationary bootstrap, which keeps what one day has to do with the next.

Blocks of consecutive sessions of random length are drawn with replacement, the last session being followed by the first; the length is
geometric with a stated mean, so that a resampled record is stationary again (Politis and Romano 1994). All series of a desk are resampled
together, which keeps what they have in common on a day. The mean length is the median over the series of the rule of Politis and White
(2004, corrected 2009), at most a quarter of the record. The longest over the series would be chance: with 8 independent series of 60 days
it is near 6 where 1 is right, and a test with such blocks rejects 11% at a nominal 5% (the median: 6%).
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from skillstats.errors import UsageError

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
LEAST_DAYS: Final = 20
"""Sessions below which the rule for the length is not asked: blocks of one session."""

AT_ONCE: Final = 1_000_000
"""Resampled sessions held at a time."""


def block_length(series: FloatArray) -> float:
    """Mean length of the blocks, in sessions, at least 1.

    Parameters
    ----------
    series : (session, series) in order of time

    Examples
    --------
    >>> block_length(np.random.default_rng(1).normal(size=(250, 1))) < 4
    True
    """
    n = len(series)
    moving = series[:, np.ptp(series, axis=0) > 0] if n else series
    if n < LEAST_DAYS or moving.shape[1] == 0:
        return 1.0
    from arch.bootstrap import optimal_block_length

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a series of almost only zeros has no autocorrelation to speak of
        found = optimal_block_length(moving)["stationary"].to_numpy(dtype=float)
    known = found[np.isfinite(found)]
    return float(min(max(1.0, float(np.median(known)) if len(known) else 1.0), n / 4))


def resampled_days(n: int, *, block: float, draws: int, seed: int) -> IntArray:
    """Positions of the sessions of each resampled record, shape (draw, n).

    Parameters
    ----------
    n : sessions; block : mean length of a block, in [1, n]; draws : resampled records

    Raises
    ------
    UsageError
        If `block` is not in [1, n] or `draws` is below 1.
    """
    if not 1 <= block <= max(n, 1) or draws < 1:
        raise UsageError(f"block={block} and draws={draws}: the mean block must be 1 to {n} sessions, and draws at least 1")
    rng = np.random.default_rng(seed)
    fresh = rng.random((draws, n)) < 1 / block
    fresh[:, 0] = True
    start = rng.integers(0, n, (draws, n))
    at = np.arange(n)
    last = np.maximum.accumulate(np.where(fresh, at, 0), axis=1)
    return np.asarray((np.take_along_axis(start, last, axis=1) + at - last) % n, dtype=np.int64)


def in_chunks(n: int, *, block: float, draws: int, seed: int) -> Iterator[IntArray]:
    """The resampled records in pieces that fit in memory; see `resampled_days`."""
    step = max(1, AT_ONCE // max(n, 1))
    for k, first in enumerate(range(0, draws, step)):
        yield resampled_days(n, block=block, draws=min(step, draws - first), seed=seed + k)


def equal_tailed(draws: FloatArray, level: float = 0.90) -> tuple[float, float]:
    """Ends of the equal-tailed percentile interval of the finite draws, nan without any; `level` in (0, 1)."""
    tail, draws = (1 - level) / 2, draws[np.isfinite(draws)]
    if not len(draws):
        return float("nan"), float("nan")
    low, high = np.quantile(draws, (tail, 1 - tail))
    return float(low), float(high)
