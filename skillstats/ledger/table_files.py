"""Files of a ledger's tables, written block by block, with their digests and marks on the way.

The whole ledger in memory and the stream of its parts go through the same blocks of `ROWS` rows, so that files are the same byte by byte
whichever of the two wrote them. The text of a row is made once: the file's line differs from the digested one only where a formula is disarmed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

import pyarrow as pa
import pyarrow.parquet as pq

from skillstats.ledger.canonical import both_texts, row_texts
from skillstats.ledger.row_marks import mark_of
from skillstats.record.runs import sized

ROWS: Final = 1 << 16
"""Rows of a block, and of a row group of a Parquet file."""


@dataclass(frozen=True, slots=True)
class Written:
    """Rows of a table and the sha256 of its canonical text (empty where it was not asked for)."""

    rows: int
    digest: str


def write_table(
    blocks: Iterable[pa.Table], parquet: Path | None, csv: Path | None, marks: IO[bytes], *, digested: bool = False
) -> Written:
    """Write the rows of one table to its files and their marks, the header's first, to `marks`.

    Parameters
    ----------
    blocks : of any size, of one schema; at least one
    digested : whether the digest of the canonical text is wanted
    """
    digest, rows, begun = hashlib.sha256(), 0, False
    with ExitStack() as stack:
        file = stack.enter_context(csv.open("wb")) if csv is not None else None
        writer: pq.ParquetWriter | None = None
        for block in sized(blocks, ROWS):
            header = ",".join(block.column_names)
            if parquet is not None:
                writer = writer or stack.enter_context(pq.ParquetWriter(parquet, block.schema, compression="zstd"))
                writer.write_table(block, row_group_size=ROWS)
            for plain, safe in _lines(block, header, begun=begun, digested=digested):
                if digested:
                    digest.update(_joined(plain))
                if file is not None:
                    file.write(_joined(safe))
                marks.write(b"".join(map(mark_of, safe)))
            rows, begun = rows + block.num_rows, True
    return Written(rows, digest.hexdigest() if digested else "")


def _lines(block: pa.Table, header: str, *, begun: bool, digested: bool) -> Iterator[tuple[list[str], list[str]]]:
    """Canonical and disarmed lines, the header before those of the first block."""
    if not begun:
        yield [header], [header]
    if not block.num_rows:
        return
    if not digested:
        safe = row_texts(block, guarded=True).to_pylist()
        yield safe, safe
        return
    plain, disarmed = both_texts(block)
    safe = disarmed.to_pylist()
    yield safe if plain is disarmed else plain.to_pylist(), safe


def _joined(lines: list[str]) -> bytes:
    return ("\n".join(lines) + "\n").encode()
