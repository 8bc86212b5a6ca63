"""False promotions at equal power: how many people without skill pass, when every method is set so that it finds the same share of the skilled.

Each estimator ranks people by its own score. Its bar is the score that `found` of the skilled traders of all desks of the cell reach; the rate is the
share of those without skill who reach it too,

    bar = the largest c with share{score >= c | skilled} >= found,      rate = share{score >= bar | not skilled}.

How strict a method is by itself does not enter: a test at 1% and one at 10% with the same score have the same rate. One bar serves all desks,
as one rule serves a firm: a score that means different things on different desks pays for it here.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


def false_at_power(
    weights: FloatArray, desk: IntArray, score: FloatArray, skilled: BoolArray, innocent: BoolArray, found: float
) -> FloatArray:
    """The rate above in each resample, (1 + resample,).

    Parameters
    ----------
    weights : (1 + resample, desk) times each desk counts; desk : (row,) desk of each row
    score : (row,); NaN ranks last; skilled, innocent : (row,) who has skill and who has none; found : share of the skilled to be found, in (0, 1)

    Returns
    -------
    NaN where nobody is skilled, or everybody is

    Examples
    --------
    Two of the four skilled score above 2; one of the three others does:

    >>> score, skilled = np.array([3.0, 2.5, 1, 0, 2.7, 0, -1]), np.array([True] * 4 + [False] * 3)
    >>> round(float(false_at_power(np.ones((1, 1)), np.zeros(7, dtype=int), score, skilled, ~skilled, 0.5)[0]), 3)
    0.333
    """
    if not skilled.any() or not innocent.any():
        return np.full(len(weights), np.nan)
    value = np.where(np.isnan(score), -np.inf, score)
    able = np.flatnonzero(skilled)[np.argsort(-value[skilled], kind="stable")]
    others = np.flatnonzero(innocent)[np.argsort(-value[innocent], kind="stable")]
    reached = np.cumsum(weights[:, desk[able]], axis=1)
    passed = np.concatenate([np.zeros((len(weights), 1)), np.cumsum(weights[:, desk[others]], axis=1)], axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        at = np.argmax(reached >= found * reached[:, -1:] - 1e-9, axis=1)
        bar = value[able[at]]
        count = np.searchsorted(-value[others], -bar, side="right")  # others with a score of at least the bar
        rate = passed[np.arange(len(weights)), count] / passed[:, -1]
    return np.where((reached[:, -1] > 0) & np.isfinite(rate), rate, np.nan)
