"""Pareto-smoothed importance weights.

References: Vehtari, Simpson, Gelman, Yao, Gabry 2024, JMLR 25(72).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


def smoothed_weights(log_ratio: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Normalised weights of draws for another posterior, and the Pareto k of their tail.

    Parameters
    ----------
    log_ratio : (..., draw) log of the other density over the one that was sampled, up to a constant, nats

    Returns
    -------
    weights : (..., draw), each row sums to 1; k : (...,), no unit
    """
    from arviz_stats.base import array_stats  # type: ignore[attr-defined]

    if log_ratio.ndim == 1 and np.ptp(log_ratio) == 0:
        return np.full(log_ratio.shape, 1 / log_ratio.shape[-1]), np.zeros(())
    # ArviZ takes log likelihoods of what is left out, that is the negative of the log ratio
    log_weights, k = array_stats.psislw(np.ascontiguousarray(-log_ratio), axis=-1)  # type: ignore[no-untyped-call]
    weights = np.exp(log_weights - np.max(log_weights, axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True), np.asarray(k)
