"""What a rule may know of a signal: columns fixed before it, as numbers a tree can split.

Labels become one column a level, 1 or 0. A table of further features is read strictly as-of: the newest row stamped before the signal counts,
the asset's own if it has one by then, else the one for all assets. Nothing in here is an outcome.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skillstats.behaviour.decided import Decided
from skillstats.errors import UsageError, show

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
LABELS: Final = {"kind": "signal type", "asset_class": "asset class", "regime": "regime", "version": "model version"}


@dataclass(frozen=True, slots=True)
class Column:
    """One column of features.

    name : of the feature; level : of a label (None: a number); unit : printed after a number; scale : what it is multiplied by to be printed
    """

    name: str
    level: str | None
    unit: str = ""
    scale: float = 1.0


@dataclass(frozen=True)
class Features:
    """values : (row, column), NaN where unknown; columns : what each column is."""

    values: FloatArray
    columns: tuple[Column, ...]


def features_of(d: Decided, further: pd.DataFrame | None = None) -> Features:
    """Side, labels, volatility, time to the close, and the columns of a table of features.

    Parameters
    ----------
    d : signals
    further : columns ``time`` (with a zone), optionally ``asset``, and one column a feature, numbers or text

    Raises
    ------
    UsageError
        If `further` has no column ``time``, a time without a zone, or no feature.
    """
    parts: list[FloatArray] = [(d.side > 0).astype(float), d.volatility, d.to_close]
    columns = [
        Column("side", "BUY"),
        Column("volatility", None, "% a session", 100.0),
        Column("time to the close", None, " minutes"),
    ]
    for key, name in LABELS.items():
        for code in np.unique(getattr(d, key)):
            parts.append((getattr(d, key) == code).astype(float))
            columns.append(Column(name, d.coords[key][code]))
    if further is not None:
        for name, values in known_before(d, further).items():
            made, given = _columns(name, values)
            parts, columns = [*parts, *made], [*columns, *given]
    return Features(np.column_stack(parts), tuple(columns))


def _columns(name: str, values: NDArray[Any]) -> tuple[list[FloatArray], list[Column]]:
    """A feature as columns: itself if it is numeric, one a level if it is a label."""
    try:
        return [values.astype(float)], [Column(name, None)]
    except (TypeError, ValueError):
        levels = sorted({str(v) for v in values[pd.notna(values)]})
        return [(values.astype(str) == level).astype(float) for level in levels], [Column(name, level) for level in levels]


def known_before(d: Decided, further: pd.DataFrame) -> dict[str, NDArray[Any]]:
    """Each feature as it was known strictly before each signal, (row,) objects; NaN where nothing was."""
    if "time" not in further.columns or getattr(further["time"].dtype, "tz", None) is None:
        raise UsageError("features: need a column 'time' of instants with a zone; give pandas timestamps in UTC")
    names = [str(c) for c in further.columns if c not in ("time", "asset")]
    if not names:
        raise UsageError(
            f"features: no column beside {', '.join(show(str(c)) for c in further.columns)}; give one column a feature"
        )
    time = further["time"].to_numpy(dtype="datetime64[us]").astype(np.int64)
    owner = further["asset"].to_numpy(dtype=object) if "asset" in further.columns else np.full(len(further), None, dtype=object)
    shared = np.asarray(pd.isna(owner), dtype=bool)
    result = {}
    for name in names:
        values, given = further[name].to_numpy(dtype=object), further[name].notna().to_numpy()
        found = np.full(len(d), np.nan, dtype=object)
        _fill(found, np.arange(len(d)), d.signal_at, time, values, np.flatnonzero(given & shared))
        for code in np.unique(d.asset):
            own = np.flatnonzero(given & ~shared & (owner == d.coords["asset"][code]))
            if len(own):
                _fill(found, np.flatnonzero(d.asset == code), d.signal_at, time, values, own)
        result[name] = found
    return result


def _fill(found: NDArray[Any], ask: IntArray, at: IntArray, time: IntArray, values: NDArray[Any], rows: IntArray) -> None:
    """Put the newest of `rows` strictly before each instant into `found`."""
    rows = rows[np.argsort(time[rows], kind="stable")]
    place = np.searchsorted(time[rows], at[ask], side="left") - 1
    has = place >= 0
    found[ask[has]] = values[rows[place[has]]]
