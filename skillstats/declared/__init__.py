"""The life of a plan: what it says in full, when it was frozen, and in what two plans differ.

A plan that was written down and frozen before the first outcome cannot have been chosen for its result. Everything here serves that one
question; nothing here computes a number of an evaluation.
"""

from skillstats.declared.difference import Difference, plan_differences
from skillstats.declared.freeze import Freeze, freeze_plan, frozen_path, read_freezes
from skillstats.declared.state import NEVER, FrozenState, frozen_state

__all__ = [
    "NEVER",
    "Difference",
    "Freeze",
    "FrozenState",
    "freeze_plan",
    "frozen_path",
    "frozen_state",
    "plan_differences",
    "read_freezes",
]
