"""Columns of a table of one's own: text as text, numbers finite, every problem named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from skillstats.errors import UsageError, show
from skillstats.plan import Plan
from skillstats.record.doors import open_door

MOST_NAMED: Final = 10
"""Bad cells named in one error."""


def read_columns(
    source: object, text: Sequence[str], numbers: Sequence[str], columns: Mapping[str, str] | None = None, what: str = "table"
) -> dict[str, NDArray[Any]]:
    """Columns of a CSV or Parquet file, or of a pandas, polars or Arrow table.

    Parameters
    ----------
    text : fields read as text, object arrays of str, none empty; numbers : fields read as float64, all finite
    columns : name of the column that holds each field where it differs
    what : name of the table in messages

    Raises
    ------
    UsageError
        If the file cannot be read, a column is missing, the table is empty, or a cell is empty or no finite number.
    """
    frame = _open(source, what)
    renamed = dict(columns or {})
    unknown = sorted(set(renamed) - {*text, *numbers})
    if unknown:
        raise UsageError(f"{what}: no field is called {show(unknown[0])}; fields are {', '.join([*text, *numbers])}")
    wanted = {field: renamed.get(field, field) for field in (*text, *numbers)}
    missing = [name for name in wanted.values() if name not in frame.columns]
    if missing:
        raise UsageError(f"{what}: no column {', '.join(map(show, missing))}; the table has {', '.join(map(str, frame.columns))}")
    if not len(frame):
        raise UsageError(f"{what}: the table has no rows")
    problems: list[str] = []
    read = {field: _text(frame[wanted[field]], wanted[field], problems) for field in text}
    read |= {field: _numbers(frame[wanted[field]], wanted[field], problems) for field in numbers}
    if problems:
        more = f"\nand {len(problems) - MOST_NAMED} more" if len(problems) > MOST_NAMED else ""
        raise UsageError(f"{what}: " + "\n".join(problems[:MOST_NAMED]) + more)
    return read


def _open(source: object, what: str) -> pd.DataFrame:
    if not isinstance(source, str | Path):
        opened = open_door(source, what, Plan().limits.max_rows)
        frame: pd.DataFrame = opened.to_pandas() if isinstance(opened, pa.Table) else opened
        return frame
    path = Path(source)
    try:
        if path.suffix.lower() == ".parquet":
            return pd.read_parquet(path)
        return pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8")
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: cannot be read ({error})") from None


def _text(column: pd.Series[Any], name: str, problems: list[str]) -> NDArray[Any]:
    values = np.array(["" if pd.isna(v) else str(v) for v in column], dtype=object)
    problems += [f"row {i + 1}: {show(name)} is empty" for i in np.flatnonzero(values == "")]
    return values


def _numbers(column: pd.Series[Any], name: str, problems: list[str]) -> NDArray[np.float64]:
    values = np.asarray(pd.to_numeric(column, errors="coerce"), dtype=np.float64)
    cells = column.to_numpy()
    bad = np.flatnonzero(~np.isfinite(values))
    problems += [f"row {i + 1}: {show(name)}={show(str(cells[i]))}, must be a finite number" for i in bad]
    return values


def encode(values: NDArray[Any]) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Codes of text values and the names behind them, sorted."""
    code, unique = pd.factorize(values, sort=True)
    return code.astype(np.int64), tuple(str(u) for u in unique)
