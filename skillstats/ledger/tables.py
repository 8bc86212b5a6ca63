"""Ledger columns as Arrow tables, and their one canonical text.

Money is int64 micro-units, prices and quantities are decimal128(38, 9), instants are timestamp[us, UTC]; null is null, never 0. The
digest of a table is the sha256 of its canonical CSV: UTF-8, LF, fixed column order, money with 6 and prices with 9 places.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from skillstats.record.containers import NULL
from skillstats.units import round_half_even

DECIMAL: Final = pa.decimal128(38, 9)
INSTANT: Final = pa.timestamp("us", tz="UTC")
MONEY: Final = {b"unit": b"1e-6 currency"}
NANO: Final = 10**9
SPECIAL: Final = ',"\n\r'
FORMULA_START: Final = ("=", "+", "-", "@", "\t", "\r")


def text_column(values: NDArray[Any] | Sequence[Any]) -> pa.Array:
    """Text, None as null."""
    return pa.array(list(values), type=pa.string())


def int_column(values: NDArray[Any], kind: pa.DataType | None = None) -> pa.Array:
    """Integers, `NULL` as null."""
    values = np.asarray(values, dtype=np.int64)
    return pa.array(values, mask=values == NULL).cast(kind or pa.int64())


def time_column(values: NDArray[Any]) -> pa.Array:
    """Instants, `NULL` as null."""
    values = np.asarray(values, dtype=np.int64)
    return pa.array(values, mask=values == NULL, type=pa.int64()).cast(pa.timestamp("us")).cast(INSTANT)


def decimal_column(values: NDArray[Any], scale: NDArray[Any], steps: Sequence[Fraction]) -> pa.Array:
    """Exact decimals ``value * step`` with 9 places (half-even beyond), `NULL` as null.

    values : (row,) integers; scale : (row,) position in `steps`; steps : step of each scale, in units or currency per unit
    """
    values = np.asarray(values)
    missing = np.asarray(values == NULL, dtype=bool)
    nano = [step * NANO for step in steps]
    if all(n.denominator == 1 for n in nano) and _fits(values[~missing], nano):
        unscaled = np.where(missing, 0, values).astype(np.int64) * np.array([int(n) for n in nano] or [1], dtype=np.int64)[scale]
        return _from_unscaled(unscaled, missing)
    ratios = [(int(v) * nano[k]) for v, k in zip(np.where(missing, 0, values), scale, strict=True)]
    return _decimals([round_half_even(r.numerator, r.denominator) for r in ratios], missing)


def ratio_column(numerator: NDArray[Any], denominator: NDArray[Any], scale: NDArray[Any], steps: Sequence[Fraction]) -> pa.Array:
    """Exact ratios times a step with 9 places, half-even; null where the denominator is 0."""
    missing = np.asarray(denominator == 0, dtype=bool)
    nano = [step * NANO for step in steps]
    exact = [Fraction(int(n), int(d) or 1) * nano[k] for n, d, k in zip(numerator, denominator, scale, strict=True)]
    return _decimals([round_half_even(r.numerator, r.denominator) for r in exact], missing)


def _fits(values: NDArray[Any], nano: Sequence[Fraction]) -> bool:
    peak = max((abs(int(x)) for x in (values.min(), values.max())), default=0) if len(values) else 0
    return peak * max((int(n) for n in nano), default=0) < 2**62


def _from_unscaled(unscaled: NDArray[np.int64], missing: NDArray[np.bool_]) -> pa.Array:
    """decimal128 from 64-bit unscaled values, without a Python object a cell."""
    words = np.empty((len(unscaled), 2), dtype=np.int64)
    words[:, 0], words[:, 1] = unscaled, unscaled >> 63
    valid = pa.py_buffer(np.packbits(~missing, bitorder="little").tobytes())
    return pa.Array.from_buffers(DECIMAL, len(unscaled), [valid, pa.py_buffer(words.tobytes())])


def _decimals(unscaled: list[int], missing: NDArray[np.bool_]) -> pa.Array:
    cells = [None if gone else Decimal(u).scaleb(-9) for u, gone in zip(unscaled, missing, strict=True)]
    return pa.array(cells, type=DECIMAL)


def money_field(name: str) -> pa.Field:
    """Field of a money column."""
    return pa.field(name, pa.int64(), metadata=MONEY)


def make_table(columns: dict[str, pa.Array], money: Sequence[str]) -> pa.Table:
    """Table with the money columns marked by their unit."""
    fields = [money_field(k) if k in money else pa.field(k, v.type) for k, v in columns.items()]
    return pa.table(list(columns.values()), schema=pa.schema(fields))


def is_money(field: pa.Field) -> bool:
    """Whether a field holds micro-units."""
    return (field.metadata or {}).get(b"unit") == MONEY[b"unit"]


def to_currency(table: pa.Table) -> pa.Table:
    """The same table with money as exact decimals of the currency."""
    columns = []
    for field, column in zip(table.schema, table.columns, strict=True):
        columns.append(
            pa.array([_currency(v) for v in column.to_pylist()], type=pa.decimal128(38, 6)) if is_money(field) else column
        )
    return pa.table(columns, names=table.column_names)


def _currency(micro: int | None) -> Decimal | None:
    return None if micro is None else Decimal(micro).scaleb(-6)


def canonical_text(table: pa.Table) -> dict[str, list[str]]:
    """Every cell of a table as its canonical text; null is the empty text."""
    return {f.name: _texts(f, c) for f, c in zip(table.schema, table.columns, strict=True)}


def _texts(field: pa.Field, column: pa.ChunkedArray) -> list[str]:
    kind = field.type
    if is_money(field):
        return ["" if v is None else _places(v, 6) for v in column.to_pylist()]
    if pa.types.is_timestamp(kind):
        stamps = pc.strftime(column, format="%Y-%m-%dT%H:%M:%SZ", locale="C")
        return ["" if v is None else v for v in stamps.to_pylist()]
    if pa.types.is_list(kind):
        return ["" if v is None else ";".join(f"{_stamp(k['time'])}={k['gap']:f}" for k in v) for v in column.to_pylist()]
    if pa.types.is_boolean(kind):
        return ["" if v is None else str(v).lower() for v in column.to_pylist()]
    if pa.types.is_floating(kind):
        return ["" if v is None else repr(v) for v in column.to_pylist()]
    if pa.types.is_decimal(kind):
        return ["" if v is None else f"{v:f}" for v in column.to_pylist()]
    return ["" if v is None else str(v) for v in column.to_pylist()]


def _places(value: int, places: int) -> str:
    sign, digits = ("-" if value < 0 else ""), f"{abs(value):0{places + 1}d}"
    return f"{sign}{digits[:-places]}.{digits[-places:]}"


def _stamp(value: Any) -> str:
    return f"{value:%Y-%m-%dT%H:%M:%S.%f}Z"


def canonical_csv(table: pa.Table) -> bytes:
    """Canonical CSV of a table, the bytes that are digested."""
    return _csv(canonical_text(table), set())


def safe_csv(table: pa.Table) -> bytes:
    """The CSV that is written: text cells that a spreadsheet would run as a formula get a leading quote; numbers stay numbers."""
    words = {f.name for f in table.schema if pa.types.is_string(f.type)}
    return _csv(canonical_text(table), words)


def _csv(columns: dict[str, list[str]], guarded: set[str]) -> bytes:
    cells = [_quoted(values, name in guarded) for name, values in columns.items()]
    lines = [",".join(columns)] + [",".join(row) for row in zip(*cells, strict=True)]
    return ("\n".join(lines) + "\n").encode()


def _quoted(values: list[str], guarded: bool) -> list[str]:
    """Cells of one column; a column without any special character is passed through untouched."""
    if guarded:
        values = ["'" + v if v.startswith(FORMULA_START) else v for v in values]
    together = "".join(values)
    if not any(c in together for c in SPECIAL):
        return values
    return ['"' + v.replace('"', '""') + '"' if any(c in v for c in SPECIAL) else v for v in values]


def content_digest(table: pa.Table) -> str:
    """sha256 of a table's canonical CSV."""
    return hashlib.sha256(canonical_csv(table)).hexdigest()
