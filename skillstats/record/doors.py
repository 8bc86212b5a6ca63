"""Tables that live in a program: what a query, a frame or a cursor gives, as a table the reader knows.

Five shapes come in: pandas frames; whatever streams Arrow data (``__arrow_c_stream__``: Arrow, polars, DuckDB relations); DuckDB
connections after a query (``to_arrow_reader`` or, in older versions, ``fetch_record_batch``, ``fetch_arrow_table``); what turns itself into Arrow (``to_arrow``); and DB-API 2 cursors after a
query (``description`` and ``fetchmany``: sqlite3, psycopg and others). Rows are counted while they arrive, so a query over the plan's limit of
rows stops there and not when memory ends.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import pandas as pd
import pyarrow as pa

from skillstats.errors import UsageError
from skillstats.record.csv_text import NotATable

CHUNK: Final = 50_000
"""Rows fetched from a cursor at once."""
KINDS: Final = "a pandas, polars or Arrow table, a DuckDB relation, a DB-API cursor after a query, or a folder"


def open_door(source: object, table: str, max_rows: int) -> pd.DataFrame | pa.Table:
    """Frames of pandas and tables of Arrow as they are, everything else as one of the two; a cursor's rows as Python objects.

    Parameters
    ----------
    source : what was given for `table`
    max_rows : the plan's limit

    Raises
    ------
    NotATable
        F111 over the limit; F102 where a query gives one name to two columns.
    UsageError
        If `source` is no table, or a cursor without a query.
    """
    if isinstance(source, pd.DataFrame | pa.Table):
        return source
    if hasattr(source, "__arrow_c_stream__"):
        return _from_stream(source, table, max_rows)
    for method in ("to_arrow_reader", "fetch_record_batch", "to_arrow_table", "fetch_arrow_table", "to_arrow"):
        if hasattr(source, method) and _has_query(source, table):
            made = getattr(source, method)()
            return made if isinstance(made, pa.Table) else _from_stream(made, table, max_rows)
    if hasattr(source, "__arrow_c_array__"):
        return pa.Table.from_batches([pa.record_batch(source)])
    if hasattr(source, "description") and hasattr(source, "fetchmany") and _has_query(source, table):
        return _from_cursor(source, max_rows)
    raise UsageError(f"{table}: {type(source).__name__} is not a table; give {KINDS}")


def _has_query(source: object, table: str) -> bool:
    """Whether there is a result to fetch; things without a `description` are tables themselves."""
    if getattr(source, "description", ()) is None:
        raise UsageError(f"{table}: the {type(source).__name__} holds no result; run a query with it first")
    return True


def _from_stream(source: Any, table: str, max_rows: int) -> pa.Table:
    try:
        reader = pa.RecordBatchReader.from_stream(source)
    except (pa.ArrowException, TypeError) as error:
        text = str(error).splitlines()[0][:60]
        raise UsageError(f"{table}: {type(source).__name__} is not a table ({text}); give {KINDS}") from None
    batches, rows = [], 0
    for batch in reader:
        rows += batch.num_rows
        _refuse_rows(rows, max_rows)
        batches.append(batch)
    return pa.Table.from_batches(batches, reader.schema)


def _from_cursor(cursor: Any, max_rows: int) -> pd.DataFrame:
    """The rows of a DB-API cursor as Python objects, a column each."""
    names = [str(column[0]) for column in cursor.description]
    rows: list[Sequence[Any]] = []
    for chunk in _chunks(cursor):
        rows += chunk
        _refuse_rows(len(rows), max_rows)
    frame = pd.DataFrame(index=range(len(rows)))
    columns = [pd.Series([row[i] for row in rows], index=frame.index, dtype=object) for i in range(len(names))]
    frame = pd.concat(columns, axis=1) if columns else frame
    frame.columns = pd.Index(names, dtype=object)
    return frame


def _chunks(cursor: Any) -> Iterator[Sequence[Sequence[Any]]]:
    while chunk := cursor.fetchmany(CHUNK):
        yield chunk


def _refuse_rows(rows: int, max_rows: int) -> None:
    if rows > max_rows:
        raise NotATable("F111", f"more than {max_rows} rows, max_rows {max_rows}")
