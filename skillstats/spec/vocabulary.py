"""The closed vocabulary of model specifications.

A word stands here if and only if a function of `skillstats.components` builds it; a test compares the two sets. The order of the
words is the order in which terms are printed, built and digested.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    "family": ("outcomes", "day_parts", "choices"),
    "skill.terms": (
        *("trader", "regime", "trader:regime", "action", "signal_type", "asset_class", "model_version", "desk"),
        *("stratum", "features", "discrimination"),
    ),
    "skill.population": ("normal", "two_scale", "spike_slab", "student_t4", "lkj_normal"),
    "skill.slopes": ("sizing",),
    "skill.drift": ("quarter",),
    "luck.tails": ("normal", "student_t", "logistic"),
    "luck.shocks": ("session", "trader:session", "session:exposure"),
    "luck.trader_session_scale": ("common", "by_trader"),
    "luck.exposure_level": ("decision", "trader:session"),
    "luck.volatility_by": ("trader", "regime"),
    "prior.distribution": ("normal", "half_normal", "zero_sum_normal", "unit_normal", "uniform", "gamma", "lkj"),
    "prior.unit": (
        *("annual_ir", "decision_ir", "decision_sd", "log_decision_sd", "correlation", "share"),
        *("degrees_of_freedom", "log_odds", "log_odds_per_risk"),
    ),
}
"""Every word a specification may use, by the place where it may stand."""

TARGETS: Final = ("total", "selection", "parts", "discrimination")
"""What a model's skill refers to. A label, not a building block."""

NUMBERS: Final[Mapping[str, tuple[str, ...]]] = {
    "normal": ("mu", "sigma"),
    "half_normal": ("sigma",),
    "zero_sum_normal": ("sigma",),
    "unit_normal": ("mu", "sigma"),
    "uniform": ("sigma",),
    "gamma": ("mu", "sigma"),
    "lkj": ("eta",),
}
"""The numbers each distribution is stated by: `mu` and `sigma` of a gamma are its mean and standard deviation."""

FAMILY_WORDS: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "day_parts": {
        "skill.terms": ("trader",),
        "skill.population": ("lkj_normal",),
        "luck.tails": ("normal",),
        "luck.shocks": ("session",),
        "luck.volatility_by": ("trader",),
    },
    "choices": {
        "skill.terms": ("trader", "stratum", "features", "discrimination"),
        "skill.population": ("normal",),
        "luck.tails": ("logistic",),
        "luck.shocks": ("trader:session",),
        "luck.volatility_by": (),
    },
}
"""What each family of models may say, by place; ``outcomes`` may say everything that `OTHER_FAMILIES_ONLY` does not list."""

OTHER_FAMILIES_ONLY: Final = ("stratum", "features", "discrimination", "lkj_normal", "logistic")
"""Words that a model of outcomes cannot use."""

EFFECT_SYMBOL: Final[Mapping[str, str]] = {
    "trader": "a",
    "regime": "b",
    "trader:regime": "c",
    "action": "g",
    "signal_type": "m",
    "asset_class": "d",
    "model_version": "v",
    "desk": "k",
}
"""Skill term to the name of its effects in a posterior."""

UNIT_TEXT: Final[Mapping[str, str]] = {
    "annual_ir": "annual information ratio; divided by sqrt(B), B = independent bets a year",
    "decision_ir": "mean of y per decision, no unit",
    "decision_sd": "sd of y per decision, no unit",
    "log_decision_sd": "natural log of the sd of y per decision",
    "correlation": "correlation, no unit",
    "share": "share of the traders, between 0 and 1",
    "degrees_of_freedom": "degrees of freedom above 2.5",
    "log_odds": "log-odds of acting",
    "log_odds_per_risk": "log-odds of acting for each unit of hindsight value over risk",
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
    "skill_sd_signal_type": Slot("tau_signal_type", "half_normal", _MEAN_UNITS),
    "skill_sd_asset_class": Slot("tau_asset_class", "half_normal", _MEAN_UNITS),
    "skill_sd_model_version": Slot("tau_model_version", "half_normal", _MEAN_UNITS),
    "skill_sd_desk": Slot("tau_desk", "half_normal", _MEAN_UNITS),
    "population_share": Slot("pi", "uniform", ("share",)),
    "skill_mean_kappa": Slot("mu_kappa", "normal", _MEAN_UNITS),
    "skill_sd_kappa": Slot("tau_kappa", "half_normal", _MEAN_UNITS),
    "drift_persistence": Slot("phi", "unit_normal", ("correlation",)),
    "skill_sd_drift": Slot("tau_drift", "half_normal", _MEAN_UNITS),
    "session_sd": Slot("s_V", "half_normal", ("decision_sd",)),
    "trader_session_sd": Slot("s_U", "half_normal", ("decision_sd",)),
    "trader_session_log_sd": Slot("l_U", "normal", ("log_decision_sd",)),
    "trader_session_log_sd_spread": Slot("t_U", "half_normal", ("log_decision_sd",)),
    "factor_sd": Slot("s_F", "half_normal", ("decision_sd",)),
    "residual_log_sd": Slot("l0", "normal", ("log_decision_sd",)),
    "residual_log_sd_spread": Slot("t_sigma", "half_normal", ("log_decision_sd",)),
    "residual_log_sd_regime": Slot("l_r", "zero_sum_normal", ("log_decision_sd",)),
    "tail_excess": Slot("nu - 2.5", "gamma", ("degrees_of_freedom",)),
    "skill_correlation": Slot("corr", "lkj", ("correlation",)),
    "residual_correlation": Slot("corr_e", "lkj", ("correlation",)),
    "choice_mean": Slot("mu_alpha", "normal", ("log_odds",)),
    "choice_sd_trader": Slot("tau_alpha", "half_normal", ("log_odds",)),
    "choice_sd_stratum": Slot("tau_stratum", "half_normal", ("log_odds",)),
    "choice_feature": Slot("beta", "normal", ("log_odds",)),
    "choice_sd_trader_session": Slot("s_A", "half_normal", ("log_odds",)),
    "discrimination_mean": Slot("mu_lambda", "normal", ("log_odds_per_risk",)),
    "discrimination_sd_trader": Slot("tau_lambda", "half_normal", ("log_odds_per_risk",)),
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
