"""How large a Parquet file becomes when it is decoded, found out before it is.

The metadata say how many rows there are and how many bytes the pages hold once unpacked; both are refused over the plan's limits without
touching a page. Pages that name their texts by number (dictionary encoding) hide one more factor: a text of 100 kB stored once and named
a million times. Such columns are read as numbers and texts apart, which costs no more than the pages themselves, and their size is summed
from the lengths of the texts.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from skillstats.plan import Limits
from skillstats.record.csv_text import NotATable


def refuse_large(path: Path, limits: Limits) -> None:
    """F111 where the rows, the unpacked pages or the decoded texts of a file exceed the limits.

    Raises
    ------
    NotATable
        F111 with the number found and the limit.
    """
    with pq.ParquetFile(path) as file:
        meta = file.metadata
        if meta.num_rows > limits.max_rows:
            raise NotATable("F111", f"{meta.num_rows} rows, max_rows {limits.max_rows}")
        size = sum(meta.row_group(i).total_byte_size for i in range(meta.num_row_groups))
        if size > limits.max_bytes:
            raise NotATable("F111", f"{size} bytes when decoded, max_bytes {limits.max_bytes}")
        suspects = _texts_by_number(meta, limits.max_bytes)
    if suspects:
        with pq.ParquetFile(path, read_dictionary=suspects) as file:
            total = sum(
                _text_bytes(file.read_row_group(i, columns=[name]).column(name))
                for i in range(file.metadata.num_row_groups)
                for name in suspects
            )
        if total > limits.max_bytes:
            raise NotATable("F111", f"{total} bytes when decoded, max_bytes {limits.max_bytes}")


def _texts_by_number(meta: pq.FileMetaData, most: int) -> list[str]:
    """Text columns with a dictionary whose largest possible text, in every row, would exceed the limit."""
    worst: dict[str, int] = {}
    for i in range(meta.num_row_groups):
        group = meta.row_group(i)
        for j in range(group.num_columns):
            chunk = group.column(j)
            if chunk.physical_type == "BYTE_ARRAY" and chunk.has_dictionary_page and "." not in chunk.path_in_schema:
                bound = chunk.num_values * chunk.total_uncompressed_size
                worst[chunk.path_in_schema] = worst.get(chunk.path_in_schema, 0) + bound
    return sorted(name for name, bound in worst.items() if bound > most)


def _text_bytes(column: pa.ChunkedArray) -> int:
    """Bytes of all texts of a column, without writing one out."""
    total = 0
    for chunk in column.chunks:
        if pa.types.is_dictionary(chunk.type):
            lengths = pc.fill_null(pc.binary_length(chunk.dictionary), 0).to_numpy(zero_copy_only=False).astype(np.int64)
            used = np.bincount(chunk.indices.drop_null().to_numpy(zero_copy_only=False), minlength=len(lengths))
            total += int(lengths @ used.astype(np.int64))
        else:
            total += chunk.nbytes
    return total
