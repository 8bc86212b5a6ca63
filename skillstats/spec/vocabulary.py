"""The closed vocabulary of model specifications.

A word stands here if and only if a function of `skillstats.components` builds it; a test compares the two sets. The order of the
words is the order in which terms are printed, built and digested.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    "skill.terms": ("trader", "regime", "trader:regime", "action"),
    "skill.population": ("normal",),
    "luck.tails": ("normal",),
    "luck.shocks": ("session", "trader:session"),
    "luck.trader_session_scale": ("common", "by_trader"),
    "luck.volatility_by": ("trader", "regime"),
    "prior.distribution": ("normal", "half_normal", "zero_sum_normal"),
    "prior.unit": ("annual_ir", "decision_ir", "decision_sd", "log_decision_sd"),
}
"""Every word a specification may use, by the place where it may stand."""

TARGETS: Final = ("total",)
"""What a model's skill refers to. A label, not a building block."""

UNIT_TEXT: Final[Mapping[str, str]] = {
    "annual_ir": "annual information ratio; divided by sqrt(B), B = independent bets a year",
    "decision_ir": "mean of y per decision, no unit",
    "decision_sd": "sd of y per decision, no unit",
    "log_decision_sd": "natural log of the sd of y per decision",
}
"""What each unit means, for `describe`."""


@dataclass(frozen=True, slots=True)
class Slot:
    """One prior a structure needs: its symbol, its only distribution and the units it may be stated in."""

    symbol: str
    distribution: str
    units: tuple[str, ...]


_MEAN_UNITS = ("annual_ir", "decision_ir")
SLOTS: Final[Mapping[str, Slot]] = {
    "skill_mean": Slot("mu", "normal", _MEAN_UNITS),
    "skill_sd_trader": Slot("tau_trader", "half_normal", _MEAN_UNITS),
    "skill_sd_regime": Slot("tau_regime", "half_normal", _MEAN_UNITS),
    "skill_sd_trader_regime": Slot("tau_trader_regime", "half_normal", _MEAN_UNITS),
    "skill_sd_action": Slot("tau_action", "half_normal", _MEAN_UNITS),
    "session_sd": Slot("s_V", "half_normal", ("decision_sd",)),
    "trader_session_sd": Slot("s_U", "half_normal", ("decision_sd",)),
    "trader_session_log_sd": Slot("l_U", "normal", ("log_decision_sd",)),
    "trader_session_log_sd_spread": Slot("t_U", "half_normal", ("log_decision_sd",)),
    "residual_log_sd": Slot("l0", "normal", ("log_decision_sd",)),
    "residual_log_sd_spread": Slot("t_sigma", "half_normal", ("log_decision_sd",)),
    "residual_log_sd_regime": Slot("l_r", "zero_sum_normal", ("log_decision_sd",)),
}
"""Every prior a specification may state."""


def slot_of_term(term: str) -> str:
    """Name of the prior of a skill term's population sd.

    Examples
    --------
    >>> slot_of_term("trader:regime")
    'skill_sd_trader_regime'
    """
    return "skill_sd_" + term.replace(":", "_")
