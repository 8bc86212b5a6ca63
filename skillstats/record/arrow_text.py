"""Typed columns (Parquet, Arrow, pandas, polars) as the text that a CSV file would hold.

Nothing is rounded on the way: integers and decimals are written out exactly, instants with their own unit, floats as the shortest
text that reads back as the same number. Whether that text is acceptable is the parser's business, as for any other file.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from skillstats.record.csv_text import NotATable
from skillstats.record.raw import RawTable

TEXT = pa.large_string()


def frame_to_raw(frame: pd.DataFrame | pa.Table, table: str, file: str) -> RawTable:
    """A pandas or Arrow table as text; `doors` makes one of everything else.

    Raises
    ------
    NotATable
        F102 (a column twice), F106 (a column that holds no cells: lists, structs, bytes).
    """
    columns = list(_pandas_columns(frame)) if isinstance(frame, pd.DataFrame) else list(_arrow_columns(frame))
    names = [name for name, _ in columns]
    doubled = sorted({n for n in names if names.count(n) > 1})
    if doubled:
        raise NotATable("F102", f"column {doubled[0]!r} twice")
    arrays = {name: column_to_text(array, name) for name, array in columns}
    rows = len(next(iter(arrays.values()))) if arrays else 0
    return RawTable(table, file, arrays, np.arange(1, rows + 1, dtype=np.int64))


def _arrow_columns(frame: pa.Table) -> Iterable[tuple[str, pa.Array]]:
    for name, column in zip(frame.column_names, frame.columns, strict=True):
        yield name, one_array(column)


def one_array(column: pa.ChunkedArray) -> pa.Array:
    """The chunks of a column as one array."""
    if pa.types.is_dictionary(column.type):
        column = pa.chunked_array([_decoded(chunk) for chunk in column.chunks], _value_type(column.type))
    text_like = pa.types.is_string(column.type) or pa.types.is_string_view(column.type)
    if text_like:
        column = column.cast(TEXT)
    return pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)


def _decoded(array: pa.DictionaryArray) -> pa.Array:
    """A column of categories as its values; texts of the short form (polars) have no kernel of their own for it."""
    return array.dictionary.cast(_value_type(array.type)).take(array.indices)


def _value_type(kind: pa.DictionaryType) -> pa.DataType:
    return TEXT if pa.types.is_string_view(kind.value_type) else kind.value_type


def _pandas_columns(frame: pd.DataFrame) -> Iterable[tuple[str, pa.Array]]:
    for i, name in enumerate(frame.columns):
        series = frame.iloc[:, i]
        if series.dtype == object:
            yield str(name), pa.array([_object_text(v) for v in series.to_numpy()], TEXT)
        else:
            array = pa.Array.from_pandas(series)
            yield str(name), one_array(array) if isinstance(array, pa.ChunkedArray) else array


def _object_text(value: Any) -> str:
    """One Python object as the text of a cell."""
    if isinstance(value, str):
        return value
    if value is None or value is pd.NaT or value is pd.NA or (isinstance(value, float) and np.isnan(value)):
        return ""
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime | pd.Timestamp | date):
        return value.isoformat()
    if isinstance(value, float | np.floating):
        return repr(float(value))
    if isinstance(value, bool | np.bool_):
        return str(value).lower()
    if isinstance(value, bytes | list | tuple | dict | set):
        raise NotATable("F106", f"a cell of type {type(value).__name__}")
    return str(value)


def column_to_text(array: pa.Array, name: str) -> pa.LargeStringArray:
    """A typed column as text, empty where null."""
    kind = array.type
    if pa.types.is_dictionary(kind):
        array = _decoded(array)
        kind = array.type
    return pc.fill_null(_typed_to_text(array, kind, name), "")


def _typed_to_text(array: pa.Array, kind: pa.DataType, name: str) -> pa.LargeStringArray:
    types = pa.types
    if (
        types.is_string(kind)
        or types.is_large_string(kind)
        or types.is_string_view(kind)
        or types.is_integer(kind)
        or types.is_null(kind)
    ):
        return array.cast(TEXT)
    if types.is_decimal(kind):
        return _decimals_to_text(array)
    if types.is_floating(kind):
        values = (
            array.to_numpy(zero_copy_only=False).tolist()
            if kind != pa.float32()
            else map(str, array.to_numpy(zero_copy_only=False))
        )
        nulls = array.is_null().to_pylist()
        return pa.array([None if null else str(v) for v, null in zip(values, nulls, strict=True)], TEXT)
    if types.is_timestamp(kind):
        return _instants_to_text(array, kind)
    if types.is_boolean(kind) or types.is_date(kind):
        return array.cast(TEXT)
    raise NotATable("F106", f"column {name!r} of type {kind} holds no cells; write text, numbers or timestamps")


def _decimals_to_text(array: pa.Array) -> pa.LargeStringArray:
    """Exact decimals; Arrow writes very small ones with an exponent, which are written out here."""
    text = array.cast(TEXT)
    short = pc.fill_null(pc.match_substring(text, "E"), False)
    if not pc.any(short).as_py():
        return text
    return pa.array([None if v is None else format(v, "f") for v in array.to_pylist()], TEXT)


def _instants_to_text(array: pa.Array, kind: pa.TimestampType) -> pa.LargeStringArray:
    """Instants with the digits of their own unit; ``Z`` where the type has a zone (Arrow stores UTC then)."""
    wall = array.cast(pa.int64()).cast(pa.timestamp(kind.unit)).cast(TEXT)
    return pc.binary_join_element_wise(wall, pa.scalar("Z", TEXT), pa.scalar("", TEXT)) if kind.tz is not None else wall
