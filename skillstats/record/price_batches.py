"""A price file of any size as batches of text, never whole in memory.

A CSV file is looked through once, block by block, for its digest and for what only the exact reader understands (quotes, NUL bytes,
blank lines, lone carriage returns). A plain file then goes through Arrow's streaming reader, any other through Python's csv module.
A Parquet file is read by row groups.
"""

from __future__ import annotations

import codecs
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from skillstats.record.arrow_text import column_to_text
from skillstats.record.csv_text import MAX_LINE_BYTES, NotATable, checked_rows, refuse_binary, refuse_header
from skillstats.record.raw import RawTable
from skillstats.record.schema import TableSchema

BLOCK: Final = 1 << 24
ROWS: Final = 1 << 19
_BOM: Final = codecs.BOM_UTF8
_BLANK: Final = re.compile(rb"\n[ \t]*\r?\n")
_LONE_CR: Final = re.compile(rb"\r(?!\n)")


@dataclass(frozen=True, slots=True)
class Seen:
    """What one look through a CSV file found: its digest, its lines, whether each line is one plain row."""

    digest: str
    lines: int
    plain: bool


def look_through(path: Path) -> Seen:
    """Read a file once in blocks.

    Raises
    ------
    NotATable
        F103 (encoding, CR-only), F106 (no table), F107 (a line over the limit).
    """
    digest, decoder = hashlib.sha256(), codecs.getincrementaldecoder("utf-8")()
    lines, plain, at, tail, since, returns = 0, True, 0, b"", 0, False
    with path.open("rb") as handle:
        while block := handle.read(BLOCK):
            if not at:
                refuse_binary(block)
            digest.update(block)
            _decode(decoder, block, at)
            if b"\x00\x00\x00\x00" in block:
                raise NotATable("F106", f"run of NUL bytes at byte {at + block.index(bytes(4))}")
            joined = tail + block
            plain = plain and not (b'"' in block or b"\x00" in block or _BLANK.search(joined) or _LONE_CR.search(joined[:-1]))
            since, lines = _lines(block, since, lines)
            returns = returns or (not lines and b"\r" in block)
            at, tail = at + len(block), joined[-64:]
    _decode(decoder, b"", at, final=True)
    if returns and not lines:
        raise NotATable("F103", "lines end in CR only")
    return Seen(digest.hexdigest(), lines + (tail[-1:] not in (b"\n", b"")), plain)


def _decode(decoder: codecs.IncrementalDecoder, block: bytes, at: int, *, final: bool = False) -> None:
    try:
        decoder.decode(block, final)
    except UnicodeDecodeError as error:
        raise NotATable("F103", f"not UTF-8 at byte {at + error.start}") from None


def _lines(block: bytes, since: int, lines: int) -> tuple[int, int]:
    """Bytes since the last line end, and line ends so far; F107 for a line over the limit."""
    ends = np.flatnonzero(np.frombuffer(block, np.uint8) == 10)
    if not len(ends):
        longest, since = since + len(block), since + len(block)
    else:
        longest = max(since + int(ends[0]), int(np.diff(ends).max()) if len(ends) > 1 else 0)
        since = len(block) - 1 - int(ends[-1])
    if longest > MAX_LINE_BYTES:
        raise NotATable("F107", f"{longest} bytes, limit {MAX_LINE_BYTES}", lines + 1)
    return since, lines + len(ends)


def csv_batches(path: Path, schema: TableSchema, seen: Seen, delimiter: str, blank: list[int]) -> Iterator[RawTable]:
    """Batches of a CSV file; line numbers of blank lines are appended to `blank`."""
    with path.open("rb") as handle:
        first = handle.readline(MAX_LINE_BYTES + 1).removeprefix(_BOM)
    if not first.strip() and seen.lines <= 1:
        raise NotATable("F101", "empty")
    header = first.rstrip(b"\r\n").decode()
    refuse_header(header, schema.names, delimiter)
    names = header.split(delimiter)
    if seen.plain and len(set(names)) == len(names) and not first.startswith((b"\n", b"\r", b" ")):
        yield from _by_arrow(path, schema, names, delimiter)
    else:
        yield from _by_module(path, schema, delimiter, blank)


def _by_arrow(path: Path, schema: TableSchema, names: list[str], delimiter: str) -> Iterator[RawTable]:
    """The fast way; a row Arrow refuses is named by the exact reader."""
    line = 2
    try:
        reader = pyarrow.csv.open_csv(
            path,
            read_options=pyarrow.csv.ReadOptions(block_size=BLOCK),
            parse_options=pyarrow.csv.ParseOptions(delimiter=delimiter, quote_char=False, ignore_empty_lines=False),
            convert_options=pyarrow.csv.ConvertOptions(
                column_types={n: pa.large_string() for n in names}, strings_can_be_null=False, quoted_strings_can_be_null=False
            ),
        )
        for batch in reader:
            lines = np.arange(line, line + batch.num_rows, dtype=np.int64)
            line += batch.num_rows
            yield RawTable(schema.name, path.name, dict(zip(batch.schema.names, batch.columns, strict=True)), lines)
    except (pa.ArrowInvalid, pa.ArrowKeyError) as error:
        for _ in _by_module(path, schema, delimiter, []):
            pass
        raise NotATable("F104", str(error).splitlines()[0][:80], line) from None


def _by_module(path: Path, schema: TableSchema, delimiter: str, blank: list[int]) -> Iterator[RawTable]:
    """The exact way: any quoting, line numbers, a reason for every refusal."""
    with path.open(encoding="utf-8-sig", newline="\n") as handle:
        checked = checked_rows(handle, delimiter, blank)
        _, header = next(checked)
        while rows := list(islice(checked, ROWS)):
            yield _table(path, schema, header, [cells for _, cells in rows], [line for line, _ in rows])


def _table(path: Path, schema: TableSchema, header: list[str], rows: list[list[str]], lines: list[int]) -> RawTable:
    arrays = {n: pa.array([r[i] for r in rows], pa.large_string()) for i, n in enumerate(header)}
    return RawTable(schema.name, path.name, arrays, np.array(lines, dtype=np.int64))


def parquet_batches(path: Path, schema: TableSchema) -> Iterator[RawTable]:
    """Batches of a Parquet file."""
    line = 1
    try:
        with pq.ParquetFile(path, memory_map=True) as file:
            names = file.schema_arrow.names
            doubled = sorted({n for n in names if names.count(n) > 1})
            if doubled:
                raise NotATable("F102", f"column {doubled[0]!r} twice")
            for batch in file.iter_batches(batch_size=ROWS):
                batch.validate(full=True)
                columns = {
                    n: column_to_text(c, n) for n, c in zip(batch.schema.names, batch.columns, strict=True) if _holds_cells(c)
                }
                yield RawTable(schema.name, path.name, columns, np.arange(line, line + batch.num_rows, dtype=np.int64))
                line += batch.num_rows
    except (pa.ArrowException, OSError, ValueError) as error:
        raise NotATable("F106", f"broken Parquet ({str(error).splitlines()[0][:60]})") from None


def _holds_cells(column: pa.Array) -> bool:
    return not (pa.types.is_nested(column.type) or pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type))
