"""The compiled recursion of the two-state chain: predictions and log likelihood in one pass. Import costs the compiler."""

from __future__ import annotations

from math import exp, log
from typing import Any

from numpy.typing import NDArray

from skillstats.record.compiled import compiled

Array = NDArray[Any]


@compiled
def recursion(percent: Array, calm: float, turbulent: float, stay_calm: float, stay_turbulent: float, predicted: Array) -> float:
    """Log density of a series, without its constant, and P(turbulent) of each session from those before it.

    Parameters
    ----------
    percent : (n,) returns in percent; calm, turbulent : deviations in percent; stay_calm, stay_turbulent : probabilities of staying
    predicted : (n + 1,), filled; the last is that of the session after the series

    Notes
    -----
    With o = p f1 / f0 the odds weighted by the densities, the density of a return is f0 (1 - p + o) and the filtered probability o / (1 - p + o); so
    only the ratio of the densities is needed, and nothing underflows. The ratio is cut at e^700, where the state is certain anyway.
    """
    p = (1 - stay_calm) / (2 - stay_calm - stay_turbulent)
    narrow, wide, total = 0.5 / calm**2, 0.5 / turbulent**2, 0.0
    for t in range(len(percent)):
        predicted[t] = p
        square = percent[t] * percent[t]
        odds = p * calm / turbulent * exp(min(square * (narrow - wide), 700.0))
        weight = 1 - p + odds
        total += log(weight) - log(calm) - narrow * square
        filtered = odds / weight
        p = filtered * stay_turbulent + (1 - filtered) * (1 - stay_calm)
    predicted[len(percent)] = p
    return total
