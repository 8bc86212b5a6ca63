"""Sorted runs of rows on disk, and the stream of all of them in order.

A run is one Arrow file with one batch, sorted by its column `KEY`, and is mapped when it is opened. The stream takes from every run what
lies below the least of the runs' next block ends, so it holds one block of each run and no more; runs that follow each other, as parts of
neighbouring days do, are read one after the other. Rows of one key come in the order of the runs, and of a run in its own order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

KEY: Final = "#"
"""Name of the column by which a run is sorted; no table has a column of this name."""
BLOCK: Final = 1 << 15
LEAST: Final = 1 << 10
_SIGN: Final = np.uint64(1 << 63)


def write_run(path: Path, table: pa.Table, key: pa.Array | None = None) -> None:
    """Write rows as a run, sorted by `key` (binary, row), or as they are where they have the column already."""
    if key is not None:
        table = table.append_column(KEY, key)
        order = pc.array_sort_indices(key)
        table = table.take(order)
    write_rows(path, table)


def write_rows(path: Path, table: pa.Table) -> None:
    """Write rows as one batch."""
    with pa.ipc.new_file(str(path), table.schema) as writer:
        writer.write_table(table.combine_chunks())


def open_rows(path: Path) -> pa.Table:
    """Rows of such a file, mapped."""
    with pa.memory_map(str(path)) as source:
        table: pa.Table = pa.ipc.open_file(source).read_all()
    return table


def merge_runs(paths: Sequence[Path], block: int = BLOCK) -> Iterator[pa.Table]:
    """Rows of all runs in order of their keys, block by block, `KEY` among the columns; at least one block, maybe without rows."""
    runs = [open_rows(p) for p in paths]
    live = [_Head(run) for run in runs if run.num_rows]
    if not live and runs:
        yield runs[0]
    while live:
        step = max(block // len(live), LEAST)
        bound = min(h.key(min(h.at + step, h.rows) - 1) for h in live)
        pieces = [piece for h in live if (piece := h.upto(bound)) is not None]
        live = [h for h in live if h.at < h.rows]
        yield pieces[0] if len(pieces) == 1 else _in_order(pieces)


class _Head:
    """How far a run has been read."""

    __slots__ = ("at", "keys", "rows", "run")

    def __init__(self, run: pa.Table) -> None:
        self.run, self.keys, self.rows, self.at = run, run.column(KEY).chunk(0), run.num_rows, 0

    def key(self, row: int) -> Any:
        return self.keys[row].as_py()

    def upto(self, bound: Any) -> pa.Table | None:
        """The next rows whose key is not above the bound."""
        low, step = self.at, 1
        while low + step <= self.rows and self.key(low + step - 1) <= bound:
            low, step = low + step, 2 * step
        high = min(low + step, self.rows)
        while low < high:
            middle = (low + high) // 2
            low, high = (middle + 1, high) if self.key(middle) <= bound else (low, middle)
        if low == self.at:
            return None
        piece = self.run.slice(self.at, low - self.at)
        self.at = low
        return piece


def _in_order(pieces: list[pa.Table]) -> pa.Table:
    table = pa.concat_tables(pieces).combine_chunks()
    return table.take(pc.array_sort_indices(table.column(KEY).chunk(0)))


def sized(tables: Iterable[pa.Table], rows: int) -> Iterator[pa.Table]:
    """The same rows in blocks of exactly `rows`, the last one shorter, each of one chunk; one block without rows where there is none."""
    waiting: list[pa.Table] = []
    held, none = 0, None
    for table in tables:
        if none is None:
            none = table.slice(0, 0)
        start = 0
        while held + table.num_rows - start >= rows:
            piece = table.slice(start, rows - held)
            yield pa.concat_tables([*waiting, piece]).combine_chunks()
            start, waiting, held, none = start + rows - held, [], 0, pa.table({})
        if table.num_rows > start:
            waiting.append(table.slice(start))
            held += table.num_rows - start
    if waiting:
        yield pa.concat_tables(waiting).combine_chunks()
    elif none is not None and none.num_columns:
        yield none


def bytes_key(*parts: pa.Array) -> pa.Array:
    """(row,) binary keys that sort like tuples of the parts: int64 by value, text by UTF-8 bytes with missing text first."""
    cells = [_int_bytes(p) if pa.types.is_integer(p.type) else pc.fill_null(p.cast(pa.large_binary()), b"") for p in parts]
    if len(cells) == 1:
        return cells[0]
    return pc.binary_join_element_wise(*cells, pa.scalar(b"\x00", pa.large_binary()))


def _int_bytes(values: pa.Array) -> pa.Array:
    numbers: NDArray[np.int64] = values.to_numpy(zero_copy_only=False).astype(np.int64)
    raw = (numbers.view(np.uint64) ^ _SIGN).astype(">u8").tobytes()
    fixed = pa.FixedSizeBinaryArray.from_buffers(pa.binary(8), len(numbers), [None, pa.py_buffer(raw)])
    return fixed.cast(pa.large_binary())
