"""How often the gate between mean and location fires, by population and number of decisions.

    python tests/statistical/skew_gate_rates.py [--samples 2000] [--seed 2]

Every population has the mean stated; only the symmetric one has a location equal to its mean. `test_skew_gate.py` runs the same with fewer
samples.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from skillstats.luck.skew_gate import GAP_LIMIT, location_gap

Sample = Callable[[np.random.Generator, int], NDArray[np.float64]]


def penny_picker(rng: np.random.Generator, n: int) -> NDArray[np.float64]:
    """95% small gains of about 0.13, 5% losses of about 2.5; mean 0."""
    losing = rng.random(n) < 0.05
    return np.where(losing, rng.normal(-2.5, 1.2, n), rng.normal(2.5 * 0.05 / 0.95, 0.45, n))


def symmetric_t3(rng: np.random.Generator, n: int) -> NDArray[np.float64]:
    """Student-t with 3 degrees of freedom and sd 1; mean 0."""
    return rng.standard_t(3, n) / np.sqrt(3)


def lottery(rng: np.random.Generator, n: int) -> NDArray[np.float64]:
    """Small losses, rare large gains; mean 0.1 sd."""
    return (0.075 - penny_picker(rng, n)) / 0.75


def mild_lognormal(rng: np.random.Generator, n: int) -> NDArray[np.float64]:
    """A shifted lognormal; mean 0."""
    return (np.exp(rng.normal(0, 0.5, n)) - np.exp(0.125)) / 0.604


POPULATIONS: dict[str, Sample] = {f.__name__: f for f in (penny_picker, symmetric_t3, lottery, mild_lognormal)}


def firing_rate(draw: Sample, n: int, samples: int, seed: int) -> float:
    """Share of samples of `n` decisions in which the gate fires."""
    rng = np.random.default_rng([seed, n])
    return float(np.mean([abs(location_gap(draw(rng, n))) >= GAP_LIMIT for _ in range(samples)]))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=2)
    given = parser.parse_args()
    sizes = (60, 150, 300, 600, 1200)
    print("population".ljust(16), *(f"n={n:<5d}" for n in sizes), f"  ({given.samples} samples, seed {given.seed})")
    for name, draw in POPULATIONS.items():
        print(name.ljust(16), *(f"{firing_rate(draw, n, given.samples, given.seed):<7.3f}" for n in sizes))


if __name__ == "__main__":
    main()
