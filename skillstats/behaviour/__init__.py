"""Habits that show in the overrides, and whether a shallow rule could stand in for the trader.

Everything here describes choices, not skill: a habit is a regularity of what somebody did, tested against a trader without it.
"""

import sys
from types import ModuleType
from typing import Any


class _CallableModule(ModuleType):
    """`skillstats.behaviour` names this package and, for a notebook, its one verb: whichever was imported first, the call works."""

    def __call__(self, *args: Any, **options: Any) -> Any:
        from skillstats.behaviour.habits import behaviour

        return behaviour(*args, **options)


sys.modules[__name__].__class__ = _CallableModule
