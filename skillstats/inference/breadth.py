"""Breadth: how many independent bets a year the priors are stated for.

Annual information ratios become priors per decision through ``IR_dec = IR_ann / sqrt(B)``. B is planned, from counts alone and
never from outcomes:

    B = (active sessions of the median trader a year) * m / (1 + (m - 1) * 0.3),   m = median decisions per active trader-session.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from skillstats.evidence import Evidence

PLANNED_CORRELATION: Final = 0.3
"""Within-session correlation the plan assumes, no unit."""

MIN_SESSIONS_FOR_A_RATE: Final = 60
"""Sessions the period must span before activity is measured rather than taken from the calendar."""


@dataclass(frozen=True, slots=True)
class Breadth:
    """Independent bets a year (None where the evidence has no year) and a sentence that says how the number arose."""

    value: float | None
    reason: str

    def __str__(self) -> str:
        return self.reason


def bets_per_year(evidence: Evidence, plan_value: float | None = None) -> Breadth:
    """Planned independent bets a year of the median trader.

    Parameters
    ----------
    evidence : only counts of rows are read
    plan_value : `model.bets_per_year` of the plan, used as it is

    Returns
    -------
    Breadth

    Notes
    -----
    Where the period spans fewer than 60 sessions the calendar's sessions a year stand in for the median trader's active
    sessions: a rate cannot be measured in so short a time.
    """
    if plan_value is not None:
        return Breadth(float(plan_value), f"B = {plan_value:g} bets a year, from the plan")
    if evidence.sessions_per_year is None:
        return Breadth(None, "no year in the evidence: priors and hurdle are per decision")
    sizes, owners = _session_sizes(evidence)
    size = float(np.median(sizes))
    spread = 1 + (size - 1) * PLANNED_CORRELATION
    active, source = _active_sessions(evidence, owners)
    value = active * size / spread
    return Breadth(
        value,
        f"B = {value:.6g} bets a year: {active:.6g} active sessions a year ({source}) x {size:g} decisions a session "
        f"/ {spread:.6g} (planned correlation {PLANNED_CORRELATION})",
    )


def _session_sizes(evidence: Evidence) -> tuple[np.ndarray, np.ndarray]:
    """Rows and trader of every trader-session that occurs, both (trader-session,) int64."""
    code = evidence.trader * len(evidence.coords["session"]) + evidence.session
    occurring, sizes = np.unique(code, return_counts=True)
    return sizes, occurring // len(evidence.coords["session"])


def _active_sessions(evidence: Evidence, owners: np.ndarray) -> tuple[float, str]:
    per_year = float(evidence.sessions_per_year or 0)
    if evidence.sessions_spanned < MIN_SESSIONS_FOR_A_RATE:
        return per_year, f"the calendar's, as {evidence.sessions_spanned} sessions are fewer than {MIN_SESSIONS_FOR_A_RATE}"
    active = np.bincount(owners)
    rate = float(np.median(active[active > 0])) / (evidence.sessions_spanned / per_year)
    return min(rate, per_year), "the median trader's"
