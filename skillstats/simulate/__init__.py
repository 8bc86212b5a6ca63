"""Desks whose truth is known: a world goes in, a record and the planted skill come out.

The tables enter the package by the same front door as those of a real desk; the truth is kept beside them.
"""

import sys
from types import ModuleType
from typing import Any

from skillstats.simulate.desk import simulate_tables
from skillstats.simulate.door import simulate
from skillstats.simulate.knobs import Acting, ActionMix, Effects, Factor, Population, Presence, Regime
from skillstats.simulate.real import simulate_on_prices
from skillstats.simulate.tables import SimulatedTables
from skillstats.simulate.truth import CellTruth, TraderTruth, Truth
from skillstats.simulate.world import World, read_world
from skillstats.simulate.world_listing import WorldKey, describe_world, world_schema

__all__ = [
    "Acting", "ActionMix", "CellTruth", "Effects", "Factor", "Population", "Presence", "Regime", "SimulatedTables", "TraderTruth",
    "Truth", "World", "WorldKey",
    "describe_world", "read_world", "simulate", "simulate_on_prices", "simulate_tables", "world_schema",
]  # fmt: skip


class _CallableModule(ModuleType):
    """`skillstats.simulate` names this package and, for a notebook, its one verb: whichever was imported first, the call works."""

    def __call__(self, *args: Any, **options: Any) -> Any:
        return simulate(*args, **options)


sys.modules[__name__].__class__ = _CallableModule
