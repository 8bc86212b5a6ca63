"""Columns of a table of one's own: text as text, numbers finite, every problem named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from skillstats.errors import RULES, UsageError, show
from skillstats.plan import Plan
from skillstats.record.csv_text import NotATable, parse_csv
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
    renamed = dict(columns or {})
    frame = _open(source, what, [renamed.get(field, field) for field in (*text, *numbers)])
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
    refuse(problems, what)
    return read


def refuse(problems: Sequence[str], what: str) -> None:
    """Raise one error with every problem, the first `MOST_NAMED` in words; nothing where there is none.

    Raises
    ------
    UsageError
        If there is a problem.
    """
    if problems:
        more = f"\nand {len(problems) - MOST_NAMED} more" if len(problems) > MOST_NAMED else ""
        raise UsageError(f"{what}: " + "\n".join(problems[:MOST_NAMED]) + more)


def _open(source: object, what: str, known: Sequence[str]) -> pd.DataFrame:
    limits = Plan().limits
    if not isinstance(source, str | Path):
        opened = open_door(source, what, limits.max_rows)
        frame: pd.DataFrame = opened.to_pandas() if isinstance(opened, pa.Table) else opened
        return frame
    path = Path(source)
    try:
        if path.stat().st_size > limits.max_bytes:
            raise UsageError(f"{path}: {path.stat().st_size} bytes, at most {limits.max_bytes}")
        if path.suffix.lower() == ".parquet":
            return pd.read_parquet(path)
        # the reader of records: a row with one field more or less is refused and never shifted
        raw, _ = parse_csv(path.read_bytes(), what, path.name, known)
    except NotATable as error:
        at = f" line {error.line}" if error.line else ""
        raise UsageError(f"{path}:{at} {error.found}, {RULES[error.code].text}") from None
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: cannot be read ({error})") from None
    return pd.DataFrame({name: column.to_pylist() for name, column in raw.columns.items()}, dtype=object)


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
