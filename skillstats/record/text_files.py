"""A table of text of any size, in files that are mapped: one pair of files a column, and the line of each row.

Rows stay in the order of the input, so what is said about a row names the same file and line as if the table were held in memory.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from skillstats.record.raw import RawTable


def spool_text(batches: Iterable[RawTable], folder: Path) -> RawTable | None:
    """Write batches of one table into an empty folder and give them back as one mapped table; None if there is no batch.

    Parameters
    ----------
    batches : of the same columns; at least the first may be without rows
    """
    first: RawTable | None = None
    ends: dict[str, int] = {}
    for batch in batches:
        if first is None:
            first = batch
            ends = dict.fromkeys(batch.columns, 0)
            for k in range(len(ends)):
                (folder / f"{k}.ends").write_bytes(bytes(8))
                (folder / f"{k}.text").touch()
            (folder / "line").touch()
        for k, (name, cells) in enumerate(batch.columns.items()):
            ends[name] = _append(folder, k, cells, ends[name])
        with (folder / "line").open("ab") as handle:
            handle.write(np.ascontiguousarray(batch.line, dtype=np.int64).tobytes())
    return None if first is None else _opened(first, folder)


def _append(folder: Path, k: int, cells: pa.LargeStringArray, before: int) -> int:
    """Append cells to a column; the bytes it has now."""
    offsets, text = text_buffers(cells)
    with (folder / f"{k}.ends").open("ab") as handle:
        handle.write((offsets[1:] - offsets[0] + before).tobytes())
    with (folder / f"{k}.text").open("ab") as handle:
        handle.write(text[offsets[0] : offsets[-1]].tobytes())
    return int(offsets[-1] - offsets[0] + before)


def text_buffers(cells: pa.LargeStringArray) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """Offsets (row + 1,) and bytes of an array of text without nulls; neither is copied."""
    _, offsets, text = cells.buffers()
    if not len(cells):
        return np.zeros(1, dtype=np.int64), np.zeros(0, dtype=np.uint8)
    own = np.frombuffer(offsets, dtype=np.int64)[cells.offset : cells.offset + len(cells) + 1]
    return own, np.frombuffer(text, dtype=np.uint8) if text is not None and text.size else np.zeros(0, dtype=np.uint8)


def _opened(first: RawTable, folder: Path) -> RawTable:
    line = np.zeros(0, dtype=np.int64)
    if (folder / "line").stat().st_size:
        line = np.memmap(folder / "line", dtype=np.int64, mode="r")
    columns = {name: _mapped(folder, k, len(line)) for k, name in enumerate(first.columns)}
    return RawTable(first.name, first.file, columns, line)


def _mapped(folder: Path, k: int, rows: int) -> pa.LargeStringArray:
    parts = []
    for name in (f"{k}.ends", f"{k}.text"):
        path = folder / name
        parts.append(pa.memory_map(str(path)).read_buffer() if path.stat().st_size else pa.py_buffer(b""))
    return pa.LargeStringArray.from_buffers(rows, parts[0], parts[1])


def take_rows(table: RawTable, rows: NDArray[np.int64]) -> RawTable:
    """Some rows in memory, by their positions."""
    index = pa.array(rows)
    return RawTable(table.name, table.file, {k: v.take(index) for k, v in table.columns.items()}, np.asarray(table.line[rows]))
