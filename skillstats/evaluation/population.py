"""The desk as a population: its mean, the spreads of skill and the sizes of luck, in the units of the traders' own numbers.

Skill is printed on the scale of the rows beside it. Where there is a year that is the annual IR of a typical trader: a difference of d in
the mean of y is worth d x c a year, with c = IR_ann / mean(y) of a trader (his sessions, their sizes and his luck) and the median of c
over the traders. The breadth that was planned for the priors does not enter: it is a guess made before the outcomes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from skillstats.evaluation.estimands import Estimate
from skillstats.inference.container import Fit

FloatArray = NDArray[np.float64]
SPREADS: Final = {
    "tau_trader": ("trader_sd", "spread between traders"),
    "tau_regime": ("regime_sd", "spread between regimes"),
    "tau_trader_regime": ("trader_regime_sd", "spread of trader x regime"),
    "tau_action": ("action_sd", "spread between actions"),
    "tau_signal_type": ("signal_type_sd", "spread between signal types"),
    "tau_asset_class": ("asset_class_sd", "spread between asset classes"),
    "tau_model_version": ("model_version_sd", "spread between model versions"),
    "tau_desk": ("desk_level_sd", "spread between desks"),
    "tau_drift": ("drift_sd", "innovation of a trader's skill from quarter to quarter"),
    "mu_kappa": ("sizing_mean", "sizing skill of the desk, per log unit of risk"),
    "tau_kappa": ("sizing_sd", "spread of sizing skill between traders, per log unit of risk"),
}
SHARES: Final = {"phi": ("drift_persistence", "persistence of skill"), "pi": ("narrow_share", "share of the narrow part")}


def population(fit: Fit, own: Sequence[Estimate]) -> dict[str, Any]:
    """The desk's mean and every population sd and shock size.

    Parameters
    ----------
    own : estimates of the traders over all their regimes

    Returns
    -------
    {name: {label, unit, mean, median, q05, q95}}. Skill terms: annual IR of a typical trader, else the input's unit (no risk column)
    or IR units. Shocks and residual: the input's unit where there is no risk column, else sd of a decision's standardised outcome.
    """
    money = not fit.evidence.has_risk
    skill, skill_unit = skill_scale(fit, own)
    luck, luck_unit = (fit.evidence.scale, "input unit") if money else (1.0, "y units")
    table: dict[str, Any] = {"desk_mean": _entry("mean skill of the desk", skill_unit, fit.draws("mu") * skill)}
    for name, (key, label) in SPREADS.items():
        if name in fit:
            table[key] = _entry(label, skill_unit, fit.draws(name) * skill)
    if "s_V" in fit:
        table["session_sd"] = _entry("shock shared by all in a session", luck_unit, fit.draws("s_V") * luck)
    if "s_F" in fit:
        table["factor_sd"] = _entry("latent factor return, per unit of exposure", luck_unit, fit.draws("s_F") * luck)
    for name, (key, label) in SHARES.items():
        if name in fit:
            table[key] = _entry(label, "no unit", fit.draws(name))
    if "s_U" in fit:
        typical = fit.draws("s_U").mean(axis=1)
        table["trader_session_sd"] = _entry("shock of one trader in a session, typical", luck_unit, typical * luck)
    residual = np.sqrt((fit.draws("sigma") ** 2).reshape(len(fit.draws("mu")), -1).mean(axis=1))
    table["residual_sd"] = _entry("what is left in one decision", luck_unit, residual * luck)
    return table


def skill_scale(fit: Fit, own: Sequence[Estimate]) -> tuple[FloatArray, str]:
    """What one unit of the mean of y is worth on the printed scale, shape (draw,), and the name of that scale."""
    annual = [e.annual_per_y for e in own if e.annual_per_y is not None]
    if annual:
        return np.median(np.stack(annual), axis=0), "annual IR of a typical trader"
    money = not fit.evidence.has_risk
    one = np.ones(len(fit.draws("mu")))
    return one * (fit.evidence.scale if money else 1.0), "input unit" if money else "y units"


def _entry(label: str, unit: str, draws: FloatArray) -> dict[str, Any]:
    low, median, high = np.quantile(draws, [0.05, 0.5, 0.95])
    return {
        "label": label,
        "unit": unit,
        "mean": float(draws.mean()),
        "median": float(median),
        "q05": float(low),
        "q95": float(high),
    }
