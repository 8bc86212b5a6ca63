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

    # ArviZ takes log likelihoods of what is left out, that is the negative of the log ratio
    rows = np.atleast_2d(log_ratio)
    log_weights, k = np.zeros(rows.shape), np.zeros(len(rows))
    told = np.ptp(rows, axis=1) > 0  # where nothing tells the draws apart every draw counts the same
    if told.any():
        log_weights[told], k[told] = array_stats.psislw(np.ascontiguousarray(-rows[told]), axis=-1)  # type: ignore[no-untyped-call]
    weights = np.exp(log_weights - log_weights.max(axis=1, keepdims=True))
    weights = weights / weights.sum(axis=1, keepdims=True)
    return weights.reshape(log_ratio.shape), k.reshape(log_ratio.shape[:-1])
