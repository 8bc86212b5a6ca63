"""What a rule may know of a signal: columns fixed before it, as numbers a tree can split.

Labels become one column a level, 1 or 0. A table of further features is read strictly as-of: the newest row stamped before the signal counts,
the asset's own if it has one by then, else the one for all assets. Nothing in here is an outcome.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from skillstats.attribution.asof import value_at
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


def features_of(d: Decided, further: pa.Table | None = None) -> Features:
    """Side, labels, volatility, time to the close, and the columns of a table of features.

    Parameters
    ----------
    d : signals
    further : columns ``time``, optionally ``asset``, and one column a feature, numbers or text; see `as_table`
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
    if values.dtype.kind in "fiu":
        return [values.astype(float)], [Column(name, None)]
    levels = sorted({str(v) for v in values[pd.notna(values)]})
    return [(values.astype(str) == level).astype(float) for level in levels], [Column(name, level) for level in levels]


def known_before(d: Decided, further: pa.Table) -> dict[str, NDArray[Any]]:
    """Each feature as it was known strictly before each signal, (row,); NaN or None where nothing was."""
    asset = np.asarray(d.coords["asset"], dtype=object)[d.asset]
    names = [c for c in further.column_names if c not in ("time", "asset")]
    return {name: value_at(further, name, asset, d.signal_at).value for name in names}


def as_table(frame: pd.DataFrame) -> pa.Table:
    """A frame of features as the table the look-up reads.

    Raises
    ------
    UsageError
        If there is no column ``time`` of instants with a zone, or no feature.
    """
    if "time" not in frame.columns or getattr(frame["time"].dtype, "tz", None) is None:
        raise UsageError("features: need a column 'time' of instants with a zone; give pandas timestamps in UTC")
    if not [c for c in frame.columns if c not in ("time", "asset")]:
        raise UsageError(
            f"features: no column beside {', '.join(show(str(c)) for c in frame.columns)}; give one column a feature"
        )
    time = frame["time"].dt.tz_convert("UTC").to_numpy(dtype="datetime64[us]")
    columns: dict[str, pa.Array] = {"time": pa.array(time, type=pa.timestamp("us", tz="UTC"))}
    for name in frame.columns:
        if name != "time":
            columns[str(name)] = pa.array(frame[name], from_pandas=True)
    return pa.table(columns)
