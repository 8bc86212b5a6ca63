"""Value-add of a trader-day in three parts: what the lean earned, what moving it earned, and the rest.

With net intervention exposures x_s (a number for each factor), realised factor returns F_s and xbar the trader's own mean exposure,

    V_s = xbar' F_s  (passive tilt)  +  (x_s - xbar)' F_s  (timing)  +  [V_s - x_s' F_s]  (selection),

exactly. Parts are divided by one risk of the trader-day, so that they still add:

    y_js = (tilt, timing, selection) / risk,   sum of y_js = V_js / risk_js.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skillstats.errors import UsageError
from skillstats.evidence.tables import encode, read_columns, refuse

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
PARTS: Final = ("tilt", "timing", "selection")
TOLERANCE: Final = 1e-9
"""Relative tolerance within which parts must add to the value-add."""


@dataclass(frozen=True)
class DayParts:
    """Parts of value-add, a row a trader-day.

    value : (day, part) in `unit`; risk : (day,) in `unit`, > 0; y : (day, part) no unit, value / risk
    trader, session : (day,) int64 codes into `coords`, each pair once
    coords : names behind the codes, sorted, and ``part``: tilt, timing, selection
    unit : of value and risk; sessions_per_year : None where there is no year; sessions_spanned : sessions from the first to the last
    """

    value: FloatArray
    risk: FloatArray
    y: FloatArray
    trader: IntArray
    session: IntArray
    coords: Mapping[str, tuple[str, ...]]
    source: Literal["record", "table"]
    unit: str
    sessions_per_year: float | None
    sessions_spanned: int

    def __len__(self) -> int:
        return len(self.risk)

    @cached_property
    def digest(self) -> str:
        """sha256 of the content, independent of the order of rows."""
        names = [np.asarray(self.coords[k], dtype=object)[getattr(self, k)] for k in ("trader", "session")]
        lines = sorted(
            f"{names[0][i]}\x1f{names[1][i]}\x1f{self.value[i].tolist()!r}\x1f{float(self.risk[i])!r}" for i in range(len(self))
        )
        head = f"{self.source}\x1f{self.unit}\x1f{self.sessions_per_year!r}\x1f{self.sessions_spanned}"
        return hashlib.sha256("\n".join([head, *lines]).encode()).hexdigest()

    def to_pandas(self) -> pd.DataFrame:
        """One row a trader-day: names, parts, risk."""
        frame = pd.DataFrame({k: np.asarray(self.coords[k], dtype=object)[getattr(self, k)] for k in ("trader", "session")})
        return frame.assign(**{part: self.value[:, k] for k, part in enumerate(PARTS)}, risk=self.risk)

    def __str__(self) -> str:
        return f"DayParts: {len(self)} trader-days of {len(self.coords['trader'])} traders; digest {self.digest[:12]}"


def read_day_parts(
    source: object, *, columns: Mapping[str, str] | None = None, unit: str = "input unit", sessions_per_year: float | None = None
) -> DayParts:
    """Read parts of value-add from a table with a row for each trader-day.

    Parameters
    ----------
    source : CSV or Parquet file, or a pandas, polars or Arrow table with the columns ``trader``, ``session``, ``tilt``, ``timing``,
        ``selection`` (money) and ``risk`` (money, > 0)
    columns : name of the column that holds each field where it differs
    sessions_per_year : sessions of a year, for annual priors and information ratios

    Returns
    -------
    DayParts

    Raises
    ------
    UsageError
        If a column is missing, a cell is empty or no number, a risk is not > 0, or a trader-day stands twice.
    """
    read = read_columns(source, ("trader", "session"), (*PARTS, "risk"), columns, "day parts")
    value = np.column_stack([read[part] for part in PARTS])
    return make_day_parts(read["trader"], read["session"], value, read["risk"], unit=unit, sessions_per_year=sessions_per_year)


def make_day_parts(
    trader: Sequence[Any] | NDArray[Any],
    session: Sequence[Any] | NDArray[Any],
    value: FloatArray,
    risk: FloatArray,
    *,
    unit: str = "input unit",
    sessions_per_year: float | None = None,
    source: Literal["record", "table"] = "table",
) -> DayParts:
    """Parts of value-add from arrays: names (day,), `value` (day, part) and `risk` (day,), both in `unit`; see `read_day_parts`."""
    risk = np.asarray(risk, dtype=float)
    problems = [f"row {i + 1}: risk={risk[i]:g}, must be > 0" for i in np.flatnonzero(~(risk > 0))]
    codes, coords = {}, {}
    for name, names in (("trader", trader), ("session", session)):
        codes[name], coords[name] = encode(np.array([str(v) for v in names], dtype=object))
    pair = codes["trader"] * len(coords["session"]) + codes["session"]
    first = np.unique(pair, return_index=True)[1]
    again = np.setdiff1d(np.arange(len(pair)), first)
    refuse(problems + [f"row {i + 1}: this trader has this session twice; add the rows first" for i in again], "day parts")
    value = np.asarray(value, dtype=float)
    return DayParts(
        value=value,
        risk=risk,
        y=value / risk[:, None],
        trader=codes["trader"],
        session=codes["session"],
        coords=coords | {"part": PARTS},
        source=source,
        unit=unit,
        sessions_per_year=sessions_per_year,
        sessions_spanned=len(coords["session"]),
    )


def split_by_exposure(trader: IntArray, value_add: FloatArray, exposure: FloatArray, factor: FloatArray) -> FloatArray:
    """Tilt, timing and selection of each trader-day, shape (day, part), unit of `value_add`.

    Parameters
    ----------
    trader : (day,) int64 codes
    value_add : (day,) V_s
    exposure : (day, factor) net intervention exposures x_s, unit of `value_add` per unit of factor return
    factor : (day, factor) realised factor returns F_s

    Raises
    ------
    UsageError
        If shapes do not fit, a number is not finite, or the parts do not add to the value-add within 1e-9 relative.

    Examples
    --------
    A lean of +1 on average; the larger lean came on the better day:

    >>> split_by_exposure(np.zeros(2, dtype=int), np.array([2.0, 5.0]), np.array([[0.5], [1.5]]), np.array([[1.0], [2.0]])).tolist()
    [[1.0, -0.5, 1.5], [2.0, 1.0, 2.0]]
    """
    value_add, exposure, factor = (np.asarray(a, dtype=float) for a in (value_add, exposure, factor))
    if exposure.ndim != 2 or exposure.shape != factor.shape or len(exposure) != len(value_add) or len(trader) != len(value_add):
        raise UsageError(
            f"exposures {exposure.shape} and factors {factor.shape} must have one row for each of {len(value_add)} days"
        )
    if not all(np.isfinite(a).all() for a in (value_add, exposure, factor)):
        raise UsageError("value-add, exposures and factor returns must be finite; a missing exposure is not an exposure of 0")
    counts = np.maximum(np.bincount(trader), 1)
    with np.errstate(over="ignore", invalid="ignore"):  # what leaves the range of floats is caught below
        mean = np.column_stack([np.bincount(trader, column) / counts for column in exposure.T])[trader]
        tilt, timing = np.sum(mean * factor, axis=1), np.sum((exposure - mean) * factor, axis=1)
        parts = np.column_stack([tilt, timing, value_add - np.sum(exposure * factor, axis=1)])
        close = np.abs(parts.sum(axis=1) - value_add) <= TOLERANCE * (np.abs(parts).sum(axis=1) + np.abs(value_add))
    if not (close.all() and np.isfinite(parts).all()):
        raise UsageError("the parts do not add to the value-add within 1e-9; exposures and returns are on scales too far apart")
    return parts
