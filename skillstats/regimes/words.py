"""Why a decision has the label it has, in words: the number, the breakpoints in force, how many sessions they come from, and up to when."""

from __future__ import annotations

from fractions import Fraction
from typing import Final

import numpy as np

from skillstats.regimes.builtin import (
    UNLABELLED,
    LabelSource,
    Made,
    hmm_probability,
    labels_made,
    split_name,
)
from skillstats.regimes.states import FIRST, fit_of
from skillstats.regimes.terciles import BURN_IN

PERCENT: Final = Fraction(1, 10**7)
"""Billionths to percent."""
NUMBERS: Final = {
    "volatility": "volatility of the last 21 sessions {}% a session",
    "spread": "mean relative spread of the session before {}%",
    "depth": "mean size at the best bid and ask of the session before {} units",
    "volume": "volume of the session before {} lots",
}


def why_labelled(source: LabelSource, name: str, asset: str, decided: int) -> str:
    """Where the built-in label of one decision came from.

    Parameters
    ----------
    name : entry of `regimes.use`; asset : the decision's own; decided : its instant

    Returns
    -------
    a clause without a full stop
    """
    kind, named = split_name(name)
    code = source.market.store.code_of().get(named or asset, -1)
    if code < 0 and kind != "calendar":
        return "the record has no prices of the asset"
    k = int(source.market.sessions_of(code).index_of(np.array([decided]))[0])
    made = labels_made(source, kind, code, np.array([k]))
    if kind == "calendar":
        session = source.market.sessions_of(code).labels[k]
        return f"session {session} by the regular calendar of the exchange, known long before"
    text = {"trend": _trend, "hmm": _state}.get(kind, _tercile)
    return (f"{named}'s " if named else "") + text(source, kind, code, k, made)


def _trend(_: LabelSource, __: str, ___: int, k: int, made: Made) -> str:
    assert made.series is not None
    value = made.series.value[k]
    if value is None:
        return "fewer than 10 of the last 21 sessions have a return"
    return f"compounded return of the last 21 sessions {_number(value * PERCENT)}%"


def _tercile(_: LabelSource, kind: str, __: int, k: int, made: Made) -> str:
    assert made.series is not None
    assert made.terciles is not None
    value, n = made.series.value[k], int(made.terciles.earlier[k])
    unit, sign = (Fraction(1), "") if kind in ("volume", "depth") else (PERCENT, "%")
    if value is None:
        return {
            "volatility": "fewer than 10 of the last 21 sessions have a return",
            "spread": "the session before has no quotes inside its trading hours",
            "depth": "the session before has no sizes of quotes inside its trading hours",
            "volume": "the session before has no volume",
        }[kind]
    said = NUMBERS[kind].format(_number(value * unit))
    if made.label[k] == UNLABELLED:
        return f"{said}, but only {n} earlier sessions to compare it with; {BURN_IN} are needed"
    low, high = (_number(b * unit) for b in (made.terciles.low[k], made.terciles.high[k]))
    return f"{said}; a third of {n} earlier sessions lay at or below {low}{sign}, a third above {high}{sign}"


def _state(source: LabelSource, _: str, asset: int, k: int, made: Made) -> str:
    count, probability, states = hmm_probability(source, asset, k)
    if count < FIRST:
        return f"only {count} earlier returns; the first fit needs {FIRST}"
    if made.failed is not None and made.failed[k]:
        return f"the fit to the first {fit_of(count)} returns failed"
    if np.isnan(probability) or states is None:
        return "fewer than 10 of the last 21 sessions have a return"
    return (
        f"before the session began the probability of the turbulent state was {probability:.2f}, by a fit to the returns up to number "
        f"{fit_of(count)} of {count} (deviation {states.sd[0]:g}% calm, {states.sd[1]:g}% turbulent)"
    )


def _number(value: Fraction | int) -> str:
    """Four significant digits, plain."""
    if value == 0 or value == int(value):
        return str(int(value))
    shown = f"{float(value):.4g}"
    return f"{float(shown):.0f}" if "e+" in shown else f"{float(shown):f}".rstrip("0")
