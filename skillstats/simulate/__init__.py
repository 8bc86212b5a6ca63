"""Desks whose truth is known: a world goes in, raw tables and the planted skill come out.

The tables enter the package by the same front door as those of a real desk; the truth is kept beside them.
"""

from skillstats.simulate.desk import simulate
from skillstats.simulate.tables import SimulatedTables
from skillstats.simulate.truth import CellTruth, TraderTruth, Truth
from skillstats.simulate.world import ActionMix, Regime, World, WorldKey, describe_world, read_world, world_schema

__all__ = [
    "ActionMix", "CellTruth", "Regime", "SimulatedTables", "TraderTruth", "Truth", "World", "WorldKey",
    "describe_world", "read_world", "simulate", "world_schema",
]  # fmt: skip
