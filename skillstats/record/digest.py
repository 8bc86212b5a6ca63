"""The digest of what a table says, whatever file, order or scale it came in.

Each row becomes one line of canonical cells in schema order: instants as integer microseconds, decimals as mantissa and places
without trailing zeros, floats as their shortest text, text with backslash, tab and newline escaped. The lines are sorted as bytes
and hashed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from math import isnan

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from skillstats.record.containers import NULL
from skillstats.record.parse import Decimals, Parsed, Values

TEXT = pa.large_string()


def cell_texts(values: Values) -> pa.LargeStringArray:
    """Canonical text of each cell of a column, empty where missing."""
    if isinstance(values, Decimals):
        places = pa.array(values.places).cast(TEXT)
        whole = pa.array(values.mantissa).cast(TEXT)
        joined = pc.binary_join_element_wise(whole, places, _word("e-"))
        return pc.if_else(pa.array(values.given), joined, _word(""))
    if values.dtype == np.int64:
        return pc.if_else(pa.array(values != NULL), pa.array(values).cast(TEXT), _word(""))
    if values.dtype == np.float64:
        return pa.array(["" if isnan(v) else repr(v) for v in values.tolist()], TEXT)
    text = pc.fill_null(pa.array(values, TEXT), "").dictionary_encode()
    plain = text.dictionary
    for raw, escaped in (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n")):
        plain = pc.replace_substring(plain, raw, escaped)
    return plain.take(text.indices)


def _word(text: str) -> pa.LargeStringScalar:
    return pa.scalar(text, TEXT)


def row_lines(table: Parsed, leave_out: tuple[str, ...] = ()) -> pa.LargeStringArray:
    """Canonical line of each row."""
    names = [n for n in _canonical_names(table) if n not in leave_out]
    return pc.binary_join_element_wise(*[cell_texts(table.columns[n]) for n in names], _word("\t"))


def _canonical_names(table: Parsed) -> list[str]:
    """Columns in the order of the schema, then the user's own; a later column that nobody filled leaves no trace."""
    known = [c.name for c in table.schema.columns if not (c.later and _is_empty(table.columns[c.name]))]
    return [*known, *sorted(set(table.columns) - set(table.schema.names), key=str.encode)]


def _is_empty(values: Values) -> bool:
    return not pc.any(pc.not_equal(cell_texts(values), _word(""))).as_py()


def table_digest(table: Parsed) -> str:
    """sha256 of the header and the sorted lines of a table."""
    return lines_digest(table.name, header_line(table), [sorted_lines(table)])


def header_line(table: Parsed) -> str:
    """Names of the columns as they are digested."""
    return "\t".join(_canonical_names(table))


def sorted_lines(table: Parsed) -> pa.LargeStringArray:
    """Canonical lines of a table in order of their bytes."""
    lines = row_lines(table)
    return lines.take(pc.array_sort_indices(lines)) if len(lines) else lines


def lines_digest(name: str, header: str, blocks: Iterable[pa.LargeStringArray]) -> str:
    """sha256 of a table given by its sorted lines, block by block."""
    digest = hashlib.sha256(f"{name}\n{header}\n".encode())
    for lines in blocks:
        for start in range(0, len(lines), 65_536):
            digest.update("".join(f"{line}\n" for line in lines[start : start + 65_536].to_pylist()).encode())
    return digest.hexdigest()


def canonical_order(table: Parsed) -> NDArray[np.int64]:
    """Row order by the schema's key columns (text as UTF-8 bytes), then by the whole line."""
    keys = [_sortable(table.columns[name]) for name in table.schema.order]
    order = np.lexsort(keys[::-1]).astype(np.int64)
    tied = np.ones(max(len(order) - 1, 0), dtype=bool)
    for key in keys:
        ordered = key[order]
        tied &= ordered[1:] == ordered[:-1]
    if tied.any():
        lines = np.array(row_lines(table).to_pylist(), dtype=object)
        order = np.lexsort([_ranks(lines), *keys[::-1]]).astype(np.int64)
    return order


def _sortable(values: Values) -> NDArray[np.int64]:
    assert not isinstance(values, Decimals)
    return values if values.dtype == np.int64 else _ranks(values)


def _ranks(values: NDArray[np.object_]) -> NDArray[np.int64]:
    """Rank of each text among the distinct texts by UTF-8 bytes; missing text first."""
    coded = pc.fill_null(pa.array(values, TEXT), "").dictionary_encode()
    rank = np.empty(len(coded.dictionary), dtype=np.int64)
    rank[pc.array_sort_indices(coded.dictionary).to_numpy()] = np.arange(len(coded.dictionary))
    return rank[coded.indices.to_numpy()] if len(values) else np.empty(0, dtype=np.int64)
