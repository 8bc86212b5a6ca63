"""Touched signals of a desk as columns, from a market or without one, and what their outcomes are expected to be.

A row's outcome per unit of its true risk is

    v_i = m_i + g_i beta_i sqrt(shared) (F_s + market_r) + sqrt(theme) U_js + sqrt(rest) e_i,

m_i as in `skill`. Rows of one unit, a decision or one session of it, are netted: y = sum(w v) / W.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from skillstats.simulate.skill import Skill
from skillstats.simulate.world import World

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Rows:
    """Touched signals, a row and session each; all (row,).

    trader, session, regime, action, kind : codes; session counts from the first with signals, kind is that of the signal
    direction : +1 or -1, sign of actual minus model position; beta : exposure to the market shock per unit of risk, before the sign
    good : +1 or -1, whether the session is one of the trader's good ones
    unit : code of the row of evidence it belongs to, 0..n-1; decision : code of its decision
    risk : true risk money
    """

    trader: Integers
    session: Integers
    regime: Integers
    action: Integers
    kind: Integers
    direction: Integers
    beta: Floats
    good: Floats
    unit: Integers
    decision: Integers
    risk: Floats

    def __len__(self) -> int:
        return len(self.trader)


@dataclass(frozen=True, slots=True)
class Clock:
    """When sessions are. quarter : (session,) calendar quarter, 0 the first; quarters : their names; label : ISO dates of the sessions."""

    label: tuple[str, ...]
    quarter: Integers
    quarters: tuple[str, ...]


@lru_cache(maxsize=32)
def make_clock(labels: tuple[str, ...]) -> Clock:
    """Number the calendar quarters of sessions given by ISO dates.

    Examples
    --------
    >>> make_clock(("2025-03-31", "2025-04-01", "2026-01-02")).quarter.tolist()
    [0, 1, 4]
    """
    number = np.array([4 * int(day[:4]) + (int(day[5:7]) - 1) // 3 for day in labels])
    names = tuple(f"{n // 4:04d}Q{n % 4 + 1}" for n in range(int(number[0]), int(number[-1]) + 1))
    return Clock(labels, number - number[0], names)


def factor_on_theta(world: World, rows: Rows) -> Floats:
    """f_r of every row.  # shape: (row,)"""
    return np.array([regime.skill for regime in world.regimes])[rows.regime]


def mean_log_risk(rows: Rows) -> float:
    """Centre of the regressor of sizing skill."""
    return float(np.mean(np.log(rows.risk))) if len(rows) else 0.0


def added_to_theta(world: World, skill: Skill, rows: Rows, clock: Clock, centre: float) -> Floats:
    """m_i less its part that is proportional to theta.  # shape: (row,), y units

    centre : mean log risk that sizing is measured from
    """
    extra = np.zeros(len(rows))
    fixed = np.array([regime.effect for regime in world.regimes]) + skill.regime
    for effect, at in ((fixed, rows.regime), (skill.action, rows.action), (skill.signal_type, rows.kind)):
        if np.any(effect):
            extra += effect[at]
    if np.any(skill.trader_regime):
        extra += skill.trader_regime[rows.trader, rows.regime]
    if np.any(skill.drift):
        extra += skill.drift[rows.trader, clock.quarter[rows.session]]
    if np.any(skill.sizing):
        extra += skill.sizing[rows.trader] * (np.log(rows.risk) - centre)
    if np.any(skill.learning):
        extra += skill.learning[rows.trader] * rows.session / world.sessions_per_year
    if world.acting.edge:
        extra += world.acting.edge * rows.good
    return extra


def some_rows(rows: Rows, chosen: NDArray[np.bool_]) -> Rows:
    """Some of the rows; codes stay."""
    return Rows(*(getattr(rows, name)[chosen] for name in Rows.__slots__))
