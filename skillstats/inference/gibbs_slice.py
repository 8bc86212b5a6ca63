"""Slice sampling of one coordinate, with widths that adapt in the warm-up and then freeze."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from skillstats.inference.gibbs_random import Stream, inner, uniform

MOST_STEPS: Final = 64


def slicer(density: Callable[[float, Any], float]) -> Callable[[Any, float, float, Stream], float]:
    """The slice sampler of one log density: ``step(arguments, x, width, rng)`` is one update of x.

    `density(x, arguments)` is a compiled log density, up to a constant. Stepping out and shrinkage, Neal 2003, Annals of Statistics
    31(3), figures 3 and 5. It is bound here and not passed on, because numba keeps on disk only what it can link by name.
    """

    @inner
    def step(arguments: Any, x: float, width: float, rng: Stream) -> float:
        level = density(x, arguments) + np.log(1.0 - uniform(rng))
        left = x - width * uniform(rng)
        right = left + width
        to_the_left = int(MOST_STEPS * uniform(rng))
        to_the_right = MOST_STEPS - 1 - to_the_left
        while to_the_left > 0 and density(left, arguments) > level:
            left -= width
            to_the_left -= 1
        while to_the_right > 0 and density(right, arguments) > level:
            right += width
            to_the_right -= 1
        while True:
            new = left + (right - left) * uniform(rng)
            if density(new, arguments) >= level or right - left < 1e-14 * (1.0 + abs(x)):
                return new
            if new < x:
                left = new
            else:
                right = new

    return step


@inner
def adapted(width: float, move: float, sweep: int, tune: int) -> float:
    """Width of the next slice: three times the mean move so far (a uniform draw in a slice moves a third of it); frozen after `tune`."""
    if sweep >= tune:
        return width
    rate = max(1.0 / (2.0 + 0.5 * sweep), 0.02)
    return max(width + rate * (3.0 * move - width), 1e-12)
