"""What the classical methods see of a desk: sums and counts by session, for each trader or for each trader x regime.

    mean_j = sum_s T_js / sum_s m_js,    se_j clustered by session (factor G / (G - 1)),

T the sum and m the number of the outcomes y of a session. A year turns a mean into an annual IR: with Y the session totals of the trader,

    IR_ann = mean x k,   k = mbar / sd(Y) x sqrt(active sessions a year),

k from the trader's own session totals (for a regime, of that regime, at the pace of all sessions). Without a year k is 1 / sd(y). Every
method but the decision t test takes sessions, not decisions, as independent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skillstats.evidence import Evidence
from skillstats.study.estimators.protocol import COLUMNS, QUARTER

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Sums:
    """Sums of one kind of unit: traders, or traders x regimes.

    trader, regime : (unit,) names; rows : (unit,) the rows of each in the evidence
    n, days : (unit,) decisions and active sessions; mean, se : (unit,) of y, se clustered by session (nan with one session)
    sd_rows, sd_days : (unit,) sd of y, and of session totals over active sessions (ddof 1, nan where there is one)
    annual_per_y : (unit,) k of the module; year : whether it is annual; days_a_year : (unit,) active sessions of the trader a year
    """

    trader: tuple[str, ...]
    regime: tuple[str, ...]
    rows: tuple[IntArray, ...]
    n: IntArray
    days: IntArray
    mean: FloatArray
    se: FloatArray
    sd_rows: FloatArray
    sd_days: FloatArray
    annual_per_y: FloatArray
    days_a_year: FloatArray
    year: float | None

    def __len__(self) -> int:
        return len(self.trader)

    @property
    def luck(self) -> FloatArray:
        """Sd of the realised mean of the next quarter, y units, if sessions are independent: 1 / (k sqrt(63 / sessions a year))."""
        if self.year is None:
            return np.full(len(self), np.nan)
        return np.asarray(1 / (self.annual_per_y * np.sqrt(QUARTER / self.year)))

    def frame(self, **columns: Any) -> pd.DataFrame:
        """A frame of `COLUMNS`; what is not given is NaN."""
        known: dict[str, Any] = {"trader": self.trader, "regime": self.regime, "n": self.n, "days": self.days}
        nothing = dict.fromkeys(COLUMNS[4:], np.nan)
        return pd.DataFrame({**nothing, **known, **columns}, columns=list(COLUMNS), index=range(len(self)))


def sums_of(evidence: Evidence) -> tuple[Sums, ...]:
    """Sums by trader and, where there are regimes, by trader x regime; who has no decision is left out."""
    own = [(name, np.flatnonzero(evidence.trader == j)) for j, name in enumerate(evidence.coords["trader"])]
    pace = {name: _pace(evidence, rows) for name, rows in own}
    whole = [(name, "all", rows) for name, rows in own if len(rows)]
    cells = [
        (name, regime, rows[evidence.regime[rows] == r])
        for name, _, rows in whole
        for r, regime in enumerate(evidence.coords["regime"])
    ]
    found = [_sums(evidence, whole, pace)]
    if len(evidence.coords["regime"]) > 1:
        found.append(_sums(evidence, [unit for unit in cells if len(unit[2])], pace))
    return tuple(found)


def _pace(evidence: Evidence, rows: IntArray) -> float:
    """Active sessions a year of one trader, 1 without a year."""
    days = len(np.unique(evidence.session[rows]))
    if evidence.sessions_per_year is None:
        return 1.0
    return days * evidence.sessions_per_year / max(evidence.sessions_spanned, days)


def _sums(evidence: Evidence, units: list[tuple[str, str, IntArray]], pace: dict[str, float]) -> Sums:
    table = np.array([_one(evidence.y[rows], evidence.session[rows]) for _, _, rows in units]).reshape(len(units), 6)
    n, days, mean, se, sd_rows, sd_days = table.T
    a_year = np.array([pace[name] for name, _, _ in units])
    with np.errstate(divide="ignore", invalid="ignore"):
        k = n / days / sd_days * np.sqrt(a_year) if evidence.has_year else 1 / sd_rows
    return Sums(
        trader=tuple(name for name, _, _ in units),
        regime=tuple(regime for _, regime, _ in units),
        rows=tuple(rows for _, _, rows in units),
        n=n.astype(np.int64),
        days=days.astype(np.int64),
        mean=mean,
        se=se,
        sd_rows=sd_rows,
        sd_days=sd_days,
        annual_per_y=k,
        days_a_year=a_year,
        year=evidence.sessions_per_year,
    )


def _one(y: FloatArray, session: IntArray) -> tuple[float, ...]:
    """n, days, mean, clustered se, sd of rows, sd of session totals of one unit."""
    at = np.unique(session, return_inverse=True)[1]
    count, total = np.bincount(at), np.bincount(at, weights=y)
    n, days, mean = len(y), len(count), float(y.mean())
    if days < 2:
        sd = float(y.std(ddof=1)) if n > 1 else float("nan")
        return n, days, mean, float("nan"), sd, float("nan")
    se = float(np.sqrt(days / (days - 1) * np.sum((total - mean * count) ** 2))) / n
    return n, days, mean, se, float(y.std(ddof=1)), float(total.std(ddof=1))
