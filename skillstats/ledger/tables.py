"""Ledger columns as Arrow tables.

Money is int64 micro-units, prices and quantities are decimal128(38, 9), instants are timestamp[us, UTC]; null is null, never 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from skillstats.record.containers import NULL
from skillstats.units import round_half_even

DECIMAL: Final = pa.decimal128(38, 9)
INSTANT: Final = pa.timestamp("us", tz="UTC")
MONEY: Final = {b"unit": b"1e-6 currency"}
NANO: Final = 10**9


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
