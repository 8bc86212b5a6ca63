"""CSV bytes as a table of text, or the one reason why they are not a table.

Two paths give the same result. A file without quotes, NUL bytes and blank lines has one row a line and goes through Arrow. Every
other file, and every file Arrow refuses, goes through Python's csv module, which keeps line numbers and says what is wrong.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from typing import Final, TextIO

import numpy as np
import pyarrow as pa
import pyarrow.csv
from numpy.typing import NDArray

from skillstats.record.raw import RawTable

MAX_LINE_BYTES: Final = 1_000_000
_BOM: Final = b"\xef\xbb\xbf"
_MAGIC: Final = (
    b"PK\x03\x04",
    b"\x1f\x8b",
    b"PAR1",
    b"%PDF",
    b"\x89PNG",
    b"SQLite format 3",
    b"BZh",
    b"\x28\xb5\x2f\xfd",
    b"\xfd7zXZ",
)
_PICKLE: Final = re.compile(rb"\x80[\x02-\x05]")
_HTML: Final = re.compile(rb"\s*<(!doctype|html|head|body|\?xml)", re.IGNORECASE)
_CONTROL: Final = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_BLANK_LINE: Final = re.compile(rb"\n[ \t]*\r?\n")


class NotATable(Exception):
    """Why a file cannot be read: a code, a line (0 = the file) and what was found."""

    def __init__(self, code: str, found: str, line: int = 0) -> None:
        super().__init__(code, found, line)
        self.code, self.found, self.line = code, found, line


class NoRows(NotATable):
    """A table with a good header and nothing under it."""


def parse_csv(data: bytes, table: str, file: str, known: Sequence[str], delimiter: str = ",") -> tuple[RawTable, tuple[int, ...]]:
    """Read CSV bytes as text.

    Parameters
    ----------
    data : the whole file
    known : column names the table may have, by which a header is recognised
    delimiter : one character

    Returns
    -------
    table and the line numbers of blank lines

    Raises
    ------
    NotATable
        F101 (no header), F103 (encoding, CR-only), F104 (field counts), F105 (delimiter), F106 (no table at all), F107 (long
        line).
    """
    refuse_binary(data)
    body = data.removeprefix(_BOM)
    if not body.strip():
        raise NotATable("F101", "empty")
    _refuse_encoding(body, len(data) - len(body))
    _refuse_long_lines(body)
    header_line = body.split(b"\n", 1)[0].rstrip(b"\r").decode()
    refuse_header(header_line, known, delimiter)
    if b'"' not in body and b"\x00" not in body and not _BLANK_LINE.search(body) and not body.startswith((b"\n", b"\r", b" ")):
        fast = _by_arrow(body, table, file, delimiter)
        if fast is not None:
            return fast, ()
    return _by_module(body, table, file, delimiter)


def refuse_binary(data: bytes) -> None:
    """F103 or F106 for bytes that are no text table."""
    head = data[:4096]
    if head.startswith((b"\xff\xfe", b"\xfe\xff")) or re.match(rb"(?:[^\x00]\x00){4}|(?:\x00[^\x00]){4}", head):
        raise NotATable("F103", "UTF-16 at byte 0")
    if head.startswith(_MAGIC) or _PICKLE.match(head) or _HTML.match(head):
        raise NotATable("F106", f"starts with {head[:8]!r}")
    if b"\x00\x00\x00\x00" in data:
        raise NotATable("F106", f"run of NUL bytes at byte {data.index(bytes(4))}")


def _refuse_encoding(body: bytes, shift: int) -> None:
    try:
        body.decode("utf-8")
    except UnicodeDecodeError as error:
        if len(_CONTROL.findall(body[:4096])) > 3 + len(body[:4096]) // 100:
            raise NotATable("F106", f"binary data at byte {error.start + shift}") from None
        raise NotATable("F103", f"not UTF-8 at byte {error.start + shift}") from None
    if b"\r" in body and b"\n" not in body:
        raise NotATable("F103", "lines end in CR only")


def _refuse_long_lines(body: bytes) -> None:
    ends = np.flatnonzero(np.frombuffer(body, np.uint8) == 10)
    lengths = np.diff(np.concatenate([[-1], ends, [len(body)]]))
    worst = int(lengths.argmax())
    if lengths[worst] > MAX_LINE_BYTES:
        raise NotATable("F107", f"{int(lengths[worst])} bytes, limit {MAX_LINE_BYTES}", worst + 1)


def refuse_header(line: str, known: Sequence[str], delimiter: str) -> None:
    """F101 or F105 for a first line that names no column."""
    if line.lstrip().startswith("#"):
        raise NotATable("F105", "comment line", 1)
    if not {name.strip(' "') for name in line.split(delimiter)} & set(known):
        for other in (";", "\t", "|", ","):
            if other != delimiter and len({name.strip(' "') for name in line.split(other)} & set(known)) > 1:
                raise NotATable("F105", f"delimiter {other!r}", 1)
        raise NotATable("F101", f"no header, the first line has none of the columns {', '.join(known[:4])}", 1)


def _by_arrow(body: bytes, table: str, file: str, delimiter: str) -> RawTable | None:
    """The fast path; None where the slow path has to decide."""
    names = [n.rstrip("\r") for n in body.split(b"\n", 1)[0].decode().split(delimiter)]
    if len(set(names)) < len(names) or re.search(rb"\r(?!\n)", body):
        return None
    try:
        read = pyarrow.csv.read_csv(
            pa.BufferReader(body),
            read_options=pyarrow.csv.ReadOptions(use_threads=True),
            parse_options=pyarrow.csv.ParseOptions(delimiter=delimiter, quote_char=False, ignore_empty_lines=False),
            convert_options=pyarrow.csv.ConvertOptions(
                column_types={n: pa.large_string() for n in names}, strings_can_be_null=False, quoted_strings_can_be_null=False
            ),
        )
    except (pa.ArrowInvalid, pa.ArrowKeyError):
        return None
    columns = {n: _one_array(read.column(n)) for n in read.column_names}
    return RawTable(table, file, columns, np.arange(2, read.num_rows + 2, dtype=np.int64))


def _one_array(column: pa.ChunkedArray) -> pa.LargeStringArray:
    return pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], pa.large_string())


def _by_module(body: bytes, table: str, file: str, delimiter: str) -> tuple[RawTable, tuple[int, ...]]:
    """The slow path: any quoting, exact line numbers, a reason for every refusal."""
    blank: list[int] = []
    (_, header), *rows = checked_rows(io.StringIO(body.decode("utf-8"), newline="\n"), delimiter, blank)
    arrays = {n: pa.array([cells[i] for _, cells in rows], pa.large_string()) for i, n in enumerate(header)}
    return RawTable(table, file, arrays, _int64([line for line, _ in rows])), tuple(blank)


def checked_rows(handle: TextIO, delimiter: str, blank: list[int]) -> Iterator[tuple[int, list[str]]]:
    """The header and then each row, with the number of the line it starts on; numbers of blank lines are appended to `blank`.

    Raises
    ------
    NotATable
        F102 (a column twice), F103 (CR inside a row), F104 (field counts, open quote), F105 (comment line), F107 (a field too long).
    """
    header: list[str] | None = None
    for line, cells in _numbered_rows(handle, delimiter):
        if not cells or (len(cells) == 1 and not cells[0].strip()):
            blank.append(line)
            continue
        if header is None:
            header = cells
            doubled = sorted({n for n in header if header.count(n) > 1})
            if doubled:
                raise NotATable("F102", f"column {doubled[0]!r} twice", 1)
        elif len(cells) != len(header):
            if len(cells) == 1 and cells[0].lstrip().startswith("#"):
                raise NotATable("F105", "comment line", line)
            raise NotATable("F104", f"{len(cells)} fields, {len(header)} expected", line)
        yield line, cells


def _numbered_rows(handle: TextIO, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Rows with the number of the line each starts on."""
    reader = csv.reader(handle, delimiter=delimiter, strict=True)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            code = "F107" if "field limit" in str(error) else "F103" if "new-line character" in str(error) else "F104"
            raise NotATable(code, str(error), line) from None
        yield line, cells


def _int64(values: list[int]) -> NDArray[np.int64]:
    return np.array(values, dtype=np.int64)
