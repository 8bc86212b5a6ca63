"""From a day to a year: active days, and what day totals that follow on from each other do to the root of time.

    IR_ann = IR_day x sqrt(q) x f,   q = active sessions a year,

never the root of the number of decisions. f corrects for day totals that are autocorrelated (Lo 2002, AR(1) form): the sd of the sum
of q days with lag-1 correlation rho is sqrt(q) / f times that of one day,

    f = [ 1 + 2 rho / (1 - rho) x (1 - (1 - rho^q) / (q (1 - rho))) ]^(-1/2),

applied where |rho| > 2 / sqrt(days) and the days are in order of time; 1 elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from skillstats.evidence import Evidence

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
LEAST_DAYS: Final = 20
"""Active days below which an autocorrelation is not looked at."""


@dataclass(frozen=True, slots=True)
class Year:
    """How one trader's days become a year.

    active : active sessions a year, None where the evidence has no year
    rho : lag-1 correlation of the day totals of y, None where it is not looked at (few days, or sessions without an order in time)
    factor : f above; 1 unless `rho` is out of what chance allows
    """

    active: float | None
    days: int
    rho: float | None
    factor: float

    @property
    def root(self) -> float | None:
        """IR_ann / IR_day."""
        return None if self.active is None else float(np.sqrt(self.active)) * self.factor


def year_of(evidence: Evidence, trader: int) -> Year:
    """Active sessions a year and the correction of one trader."""
    own = evidence.trader == trader
    totals = day_totals(evidence.session[own], evidence.y[own])
    days = len(totals)
    active = None
    if evidence.sessions_per_year is not None:
        active = days * evidence.sessions_per_year / max(evidence.sessions_spanned, days)
    rho = lag_one(totals) if evidence.source == "record" and days >= LEAST_DAYS else None
    moved = rho is not None and active is not None and abs(rho) > 2 / np.sqrt(days)
    return Year(active, days, rho, lo_factor(rho, active) if moved and rho is not None and active is not None else 1.0)


def day_totals(session: IntArray, value: FloatArray) -> FloatArray:
    """Totals of the active sessions, in the order of their codes, shape (active session,)."""
    counts = np.bincount(session)
    return np.bincount(session, weights=value)[counts > 0]


def lag_one(totals: FloatArray) -> float | None:
    """Correlation of each total with the one before; None where the totals do not vary."""
    if len(totals) < 3 or np.ptp(totals[1:]) == 0 or np.ptp(totals[:-1]) == 0:
        return None
    return float(np.corrcoef(totals[1:], totals[:-1])[0, 1])


def lo_factor(rho: float, q: float) -> float:
    """Correction f of the root of time for AR(1) totals.

    Parameters
    ----------
    rho : lag-1 correlation, in (-1, 1); q : periods in a year, >= 1

    References
    ----------
    Lo 2002, Financial Analysts Journal 58(4).

    Examples
    --------
    >>> round(lo_factor(0.2, 252), 3), lo_factor(0.0, 252)
    (0.817, 1.0)
    """
    inflation = 1 + 2 * rho / (1 - rho) * (1 - (1 - _power(rho, q)) / (q * (1 - rho)))
    return float(inflation**-0.5)


def _power(rho: float, q: float) -> float:
    """rho^q; a negative rho has no power to a broken q, and none that matters at a year's length."""
    return float(rho**q) if rho >= 0 else float(rho ** round(q))
