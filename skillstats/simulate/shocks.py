"""Shocks with mean 0 and sd 1, and the moments the truth needs of them.

The penny-picker's noise is -X of the lottery's: many small gains, rare large losses (STATISTICS.md section 3),

    e = Normal(2.5/19, .45) with chance .95, Normal(-2.5, 1.2) with chance .05, over its sd.

`crowding` and `timing` need what a normal or Student t shock is worth when its size is known to be above or below its median.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skillstats.simulate.world import World

Floats = NDArray[np.float64]
RARE: Final = 0.05
LARGE, LARGE_SD = -2.5, 1.2
SMALL, SMALL_SD = 2.5 * 0.05 / 0.95, 0.45
PAYOFF_SD: Final = math.sqrt(RARE * (LARGE**2 + LARGE_SD**2) + (1 - RARE) * (SMALL**2 + SMALL_SD**2))
PAYOFF_SKEWNESS: Final = (
    RARE * (LARGE**3 + 3 * LARGE * LARGE_SD**2) + (1 - RARE) * (SMALL**3 + 3 * SMALL * SMALL_SD**2)
) / PAYOFF_SD**3


def draw_shocks(world: World, rng: np.random.Generator, *shape: int) -> Floats:
    """Independent shocks with mean 0 and sd 1, with the world's tails."""
    if world.tails == "normal":
        return rng.standard_normal(shape)
    return rng.standard_t(world.tails, shape) * math.sqrt((world.tails - 2.0) / world.tails)


def draw_payoffs(world: World, rng: np.random.Generator, size: int) -> Floats:
    """Noise of skewed traders with mean 0 and sd 1.  # shape: (size,)"""
    z, rare = rng.standard_normal(size), rng.random(size) < RARE
    loss = np.where(rare, LARGE + LARGE_SD * z, SMALL + SMALL_SD * z) / PAYOFF_SD
    return -loss if world.payoff == "lottery" else loss


def is_skewed(world: World, trader: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Rows of traders whose noise is skewed.  # shape: (row,)"""
    if world.payoff == "symmetric":
        return np.zeros(len(trader), dtype=bool)
    return np.isin(trader + 1, world.skewed) if world.skewed else np.ones(len(trader), dtype=bool)


class Sizes(NamedTuple):
    """Median of |F|; mean of |F| and of F^2 over all, below and above that median."""

    median: float
    mean: float
    mean_below: float
    mean_above: float
    square_below: float
    square_above: float


@lru_cache(maxsize=64)
def sizes_of(tails: str | float) -> Sizes:
    """Moments of the size of one shock, by numerical integration.

    Examples
    --------
    >>> round(sizes_of("normal").mean, 6), round(sizes_of("normal").median, 4)
    (0.797885, 0.6745)
    """
    from scipy import integrate, stats

    law = stats.norm() if tails == "normal" else stats.t(float(tails), scale=math.sqrt((float(tails) - 2) / float(tails)))
    median = float(law.ppf(0.75))
    below = [4.0 * integrate.quad(lambda x, k=k: x**k * law.pdf(x), 0.0, median)[0] for k in (1, 2)]
    mean = float(2.0 * integrate.quad(lambda x: x * law.pdf(x), 0.0, math.inf)[0])
    return Sizes(median, mean, below[0], 2.0 * mean - below[0], below[1], 2.0 - below[1])


class Market(NamedTuple):
    """The market shock of each session and what is known of its size.  # shape: (session,)

    shock : F, without the state's mean; mean : the state's; large : +1 above the median of its size, -1 below
    size, square : mean of |F| and of F^2 given what activity gives away
    """

    shock: Floats
    mean: Floats
    large: Floats
    size: Floats
    square: Floats


def know_market(world: World, shock: Floats, regime: NDArray[np.int64]) -> Market:
    """Add the moments to a drawn market shock.

    shock, regime : (session,) F and the code of the market's state
    """
    mean = np.array([state.market for state in world.regimes])[regime]
    sizes = sizes_of(world.tails)
    large = np.where(np.abs(shock) > sizes.median, 1.0, -1.0)
    if not world.acting.crowding:
        return Market(shock, mean, large, np.full(len(shock), sizes.mean), np.ones(len(shock)))
    size = np.where(large > 0, sizes.mean_above, sizes.mean_below)
    return Market(shock, mean, large, size, np.where(large > 0, sizes.square_above, sizes.square_below))


def volatility_factor(world: World, regime: NDArray[np.int64], shock: Floats) -> Floats:
    """Factor on every asset's volatility.  # shape: (session,)

    shock : (session,) the market's; its sign moves the next session's volatility by `asymmetry`, so that the mean square stays
    """
    factor = np.array([state.volatility for state in world.regimes])[regime]
    if not world.asymmetry:
        return factor
    before = np.r_[0.0, np.sign(shock[:-1])]
    return np.asarray(factor * np.exp(-world.asymmetry * before) / np.sqrt(np.cosh(2.0 * world.asymmetry)))
