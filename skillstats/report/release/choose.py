"""Which cells are printed: as many as can be, so that nothing below the floors follows from them all together.

First every cell below the floors is left out. Then, as long as the printed sums give something away, the least wanted of the sums that take
part is left out too: the cell of the finest table, and of those the one with the fewest decisions. At the end each cell that was left
out for the sake of others is tried again, the largest first. The same input gives the same choice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from skillstats.report.release.system import Floors, System, first_leak

MOST_TRIED: Final = 40
"""Cells that are tried again."""


@dataclass(frozen=True, slots=True)
class Sets:
    """The sets that may be printed, in the order of a system's columns.

    order : (set,) 0 for the whole, then number of labels that are crossed; the finer one goes first
    lines : groups of disjoint sets a line of a table each: what is left of the line's total when some of them are printed
    """

    order: tuple[int, ...]
    lines: tuple[tuple[int, ...], ...]


def choose(systems: Sequence[System], sets: Sets, floors: Floors) -> frozenset[int]:
    """Sets that may all be printed.

    Parameters
    ----------
    systems : of the same sets, each of other rows (money of all departures, evidence of those that can be judged); all must hold

    Returns
    -------
    Sets, empty where not even the whole may be shown
    """
    if floors.people <= 1 and floors.decisions <= 1:
        return frozenset(np.flatnonzero(systems[0].rows > 0).tolist())
    large = np.all([s.passes(floors) for s in systems], axis=0) & (systems[0].rows > 0)
    printed = _by_want(np.flatnonzero(large).tolist(), systems[0], sets)
    left: list[int] = []
    while (leak := _leak(systems, printed, sets, floors)) is not None:
        worst = max(leak, key=printed.index)
        printed.remove(worst)
        left.append(worst)
    for again in _by_want(left, systems[0], sets)[:MOST_TRIED]:
        tried = _by_want([*printed, again], systems[0], sets)
        if _leak(systems, tried, sets, floors) is None:
            printed = tried
    return frozenset(printed)


def _by_want(chosen: Sequence[int], system: System, sets: Sets) -> list[int]:
    """Coarse before fine, large before small."""
    return sorted(chosen, key=lambda s: (sets.order[s], -int(system.decisions[s]), s))


def _leak(systems: Sequence[System], printed: Sequence[int], sets: Sets, floors: Floors) -> tuple[int, ...] | None:
    """Printed sets that give something away in one of the systems."""
    if not printed:
        return None
    out = frozenset(range(len(sets.order))) - frozenset(printed)
    unions = dict.fromkeys([*((s,) for s in sorted(out)), *(tuple(s for s in line if s in out) for line in sets.lines)])
    for system in systems:
        if (leak := first_leak(system, printed, [u for u in unions if u], floors)) is not None:
            return leak
    return None
