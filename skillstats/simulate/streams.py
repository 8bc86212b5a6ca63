"""Streams of random numbers of a desk, one a thing that is drawn, all from one seed.

The first four are those of every record since the first; later ones were added behind them, so that older records keep their bytes. Turning
one knob leaves the luck of the others as it was.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from skillstats.errors import UsageError

Generator = np.random.Generator


@dataclass(frozen=True, slots=True)
class Streams:
    """regimes, design, assets, shocks: of a record; skill, people, habits, betas, marks: of both levels; laying, luck, later: of outcomes."""

    regimes: Generator
    design: Generator
    assets: Generator
    shocks: Generator
    skill: Generator
    people: Generator
    habits: Generator
    betas: Generator
    marks: Generator
    laying: Generator
    luck: Generator
    later: Generator


def open_streams(seed: int) -> Streams:
    """Open all streams of a seed.

    Raises
    ------
    UsageError
        If the seed is no whole number from 0 to 2^63 - 1.
    """
    if type(seed) is not int or not 0 <= seed < 2**63:
        raise UsageError(f"seed = {seed!r}, must be a whole number from 0 to 2^63 - 1")
    return Streams(*(np.random.default_rng(s) for s in np.random.SeedSequence(seed).spawn(len(fields(Streams)))))
