"""The one canonical text of a table: what is digested, and the CSV that is written.

UTF-8, LF, fixed column order; money with 6 and prices with 9 places, instants in ISO 8601 with microseconds and ``Z``, null as nothing. The
text is made block by block, so that its size does not matter to memory.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from skillstats.ledger.tables import is_money

TEXT: Final = pa.large_string()
BLOCK: Final = 1 << 16
NEEDS_QUOTES: Final = '[,"\n\r]'
FORMULA_START: Final = ("=", "+", "-", "@", "\t", "\r")
FORMULA: Final = "^[=+\\-@\t\r]"
_INSTANT: Final = "%Y-%m-%dT%H:%M:%SZ"


def content_digest(table: pa.Table) -> str:
    """sha256 of a table's canonical CSV."""
    digest = hashlib.sha256()
    for part in csv_parts(table, guarded=False):
        digest.update(part)
    return digest.hexdigest()


def blocks_digest(blocks: Iterable[pa.Table], empty: pa.Table) -> str:
    """The same of a table that comes in blocks of rows; `empty` has its columns and no row."""
    digest = hashlib.sha256(b"".join(csv_parts(empty, guarded=False)))
    for block in blocks:
        for part in islice(csv_parts(block, guarded=False), 1, None):  # without the header
            digest.update(part)
    return digest.hexdigest()


def safe_csv(table: pa.Table) -> bytes:
    """The CSV that is written: text cells that a spreadsheet would run as a formula get a leading quote; numbers stay numbers."""
    return b"".join(csv_parts(table, guarded=True))


def csv_parts(table: pa.Table, *, guarded: bool) -> Iterator[bytes]:
    """The canonical CSV as the header and blocks of rows; `guarded` disarms formulas in text columns."""
    for lines in csv_blocks(table, guarded=guarded):
        yield ("\n".join(lines) + "\n").encode()


def csv_blocks(table: pa.Table, *, guarded: bool) -> Iterator[list[str]]:
    """The canonical lines: the header alone, then blocks of rows; a line may hold line ends inside quotes."""
    yield [",".join(table.column_names)]
    for start in range(0, table.num_rows, BLOCK):
        lines: list[str] = row_texts(table.slice(start, BLOCK), guarded=guarded).to_pylist()
        yield lines


def row_texts(block: pa.Table, *, guarded: bool) -> pa.LargeStringArray:
    """Canonical CSV line of each row, without its line end."""
    return _lines_of([_quoted(_guarded(field, cells)[0] if guarded else cells) for field, cells in _columns(block)])


def both_texts(block: pa.Table) -> tuple[pa.LargeStringArray, pa.LargeStringArray]:
    """Lines without and with formulas disarmed; one array twice where there is no formula."""
    plain, safe, any_formula = [], [], False
    for field, cells in _columns(block):
        own, formula = _guarded(field, cells)
        plain.append(_quoted(cells))
        safe.append(_quoted(own) if formula else plain[-1])
        any_formula |= formula
    lines = _lines_of(safe)
    return (_lines_of(plain) if any_formula else lines), lines


def column_texts(block: pa.Table) -> dict[str, pa.LargeStringArray]:
    """Canonical text of every cell by column; two cells are the same if and only if their texts are."""
    return {field.name: cells for field, cells in _columns(block)}


def _columns(block: pa.Table) -> Iterator[tuple[pa.Field, pa.LargeStringArray]]:
    """Text of each column's cells."""
    for field, column in zip(block.schema, block.columns, strict=True):
        yield field, _as_text(field, _one(column))


def _guarded(field: pa.Field, text: pa.LargeStringArray) -> tuple[pa.LargeStringArray, bool]:
    """Cells with formulas disarmed, and whether there was any."""
    if not pa.types.is_string(field.type):
        return text, False
    formula = pc.match_substring_regex(text, FORMULA)
    if not pc.any(formula).as_py():
        return text, False
    return pc.if_else(formula, pc.binary_join_element_wise(_word("'"), text, _word("")), text), True


def _lines_of(cells: list[pa.LargeStringArray]) -> pa.LargeStringArray:
    if len(cells) == 1:
        return cells[0]
    return pc.binary_join_element_wise(*cells, _word(","))


def _one(column: pa.ChunkedArray) -> pa.Array:
    return pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)


def _word(text: str) -> pa.LargeStringScalar:
    return pa.scalar(text, TEXT)


def _quoted(text: pa.LargeStringArray) -> pa.LargeStringArray:
    special = pc.match_substring_regex(text, NEEDS_QUOTES)
    if not pc.any(special).as_py():
        return text
    doubled = pc.binary_join_element_wise(_word('"'), pc.replace_substring(text, '"', '""'), _word('"'), _word(""))
    return pc.if_else(special, doubled, text)


def _as_text(field: pa.Field, column: pa.Array) -> pa.LargeStringArray:
    """Canonical text of the cells of a column; null is the empty text."""
    return pc.fill_null(_cells(field, column), "")


def _cells(field: pa.Field, column: pa.Array) -> pa.LargeStringArray:
    kind = field.type
    if is_money(field):
        return fixed_places(column, 6)
    if pa.types.is_timestamp(kind):
        return pc.strftime(column, format=_INSTANT, locale="C").cast(TEXT)
    if pa.types.is_list(kind):
        return _path_texts(column)
    if pa.types.is_floating(kind):
        return pa.array([None if v is None else repr(v) for v in column.to_pylist()], TEXT)
    if pa.types.is_decimal(kind):
        return decimal_texts(column)
    return column.cast(TEXT)


def fixed_places(column: pa.Array, places: int) -> pa.LargeStringArray:
    """Integers as decimals with a fixed number of places."""
    values: NDArray[np.int64] = pc.fill_null(column.cast(pa.int64()), 0).to_numpy(zero_copy_only=False)
    negative = values < 0
    # the magnitude of the smallest int64 is no int64, so the words are unsigned
    size = np.where(negative, -values, values).view(np.uint64) if len(values) else values.astype(np.uint64)
    whole, rest = np.divmod(size, np.uint64(10**places))
    signed = pc.if_else(pa.array(negative), _word("-"), _word(""))
    digits = pc.utf8_lpad(pa.array(rest).cast(TEXT), places, "0")
    text = pc.binary_join_element_wise(
        pc.binary_join_element_wise(signed, pa.array(whole).cast(TEXT), _word("")), digits, _word(".")
    )
    return pc.if_else(column.is_valid(), text, pa.scalar(None, TEXT))


def decimal_texts(column: pa.Array) -> pa.LargeStringArray:
    """Decimals written out; very small ones, which Arrow writes with an exponent, are written by Python."""
    text = column.cast(TEXT)
    short = pc.fill_null(pc.match_substring(text, "E"), False)
    if not pc.any(short).as_py():
        return text
    written = iter([f"{v:f}" for v in column.filter(short).to_pylist()])
    return pa.array([next(written) if s else t for s, t in zip(short.to_pylist(), text.to_pylist(), strict=True)], TEXT)


def _path_texts(column: pa.ListArray) -> pa.LargeStringArray:
    """Knots of each path as ``time=value`` joined by semicolons."""
    knots = column.flatten()
    each = pc.binary_join_element_wise(
        pc.strftime(knots.field("time"), format=_INSTANT, locale="C").cast(TEXT), decimal_texts(knots.field("gap")), _word("=")
    )
    lengths = pc.fill_null(pc.list_value_length(column), 0).to_numpy(zero_copy_only=False)
    offsets = np.r_[0, np.cumsum(lengths)].astype(np.int32)
    return pc.binary_join(pa.ListArray.from_arrays(pa.array(offsets), each), _word(";"))
