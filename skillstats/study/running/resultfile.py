"""The bytes of a result: one Parquet file a task, which says itself whether it is whole.

A file holds the rows of its task, each with study, design, replicate, status (``ok`` or ``failed``) and cause in front, and three notes: the task's
name, the code version, and the SHA-256 of the file with that digest written as zeros. One changed bit anywhere is found; and the same rows give the
same bytes, so two writers of one task can be compared byte by byte. Nothing about the run is in it (no time, no machine, no number of attempts).
"""

from __future__ import annotations

import hashlib
import io
import re
from dataclasses import dataclass
from typing import Final

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from skillstats.errors import DomainError
from skillstats.study.running.tasks import Task

OK, FAILED = "ok", "failed"
HEAD: Final = ("study", "design", "replicate", "status", "cause")
NAME, CODE, SUM = b"skillstats.name", b"skillstats.code", b"skillstats.sha256"
_ZEROS: Final = b"0" * 64
_PLACE: Final = re.compile(re.escape(SUM) + rb".{1,4}?([0-9a-f]{64})", re.DOTALL)
"""The digest in the file's footer: the key, the length of what follows, and 64 digits."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A result file that was read and found whole. name, code : its notes; table : its rows."""

    name: str
    code: str
    table: pa.Table


def head_table(task: Task, rows: int, status: str, cause: str) -> pa.Table:
    """The columns in front, `rows` times."""
    values = (task.study, task.design, task.replicate, status, cause)
    types = (pa.string(), pa.string(), pa.int64(), pa.string(), pa.string())
    return pa.table({name: pa.array([value] * rows, kind) for name, value, kind in zip(HEAD, values, types, strict=True)})


def encode_rows(task: Task, name: str, code: str, frame: object) -> bytes:
    """Bytes of the result of a task that succeeded.

    Parameters
    ----------
    frame : what the work function returned: a pandas frame with at least one row and none of the columns `HEAD`

    Raises
    ------
    DomainError
        If it is something else, so that the task fails with these words as its cause.
    """
    if not isinstance(frame, pd.DataFrame):
        raise DomainError(f"the work function returned {type(frame).__name__}, not a pandas frame")
    if frame.empty:
        raise DomainError("the work function returned no rows; a replicate must leave at least one")
    taken = [str(c) for c in frame.columns if str(c) in HEAD]
    if taken or not frame.columns.is_unique:
        raise DomainError(f"columns {taken or 'that stand twice'} in the frame; {', '.join(HEAD)} are put in front")
    table = pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(None)
    front = head_table(task, table.num_rows, OK, "")
    for column, kind in zip(table.column_names, table.schema.types, strict=True):
        front = front.append_column(column, pa.chunked_array(table.column(column).chunks, kind))
    return encode_table(front, {NAME: name.encode(), CODE: code.encode()})


def encode_failure(task: Task, name: str, code: str, cause: str) -> bytes:
    """Bytes of the result of a task that failed: one row that keeps its place in the denominator."""
    return encode_table(head_table(task, 1, FAILED, cause), {NAME: name.encode(), CODE: code.encode()})


def encode_table(table: pa.Table, notes: dict[bytes, bytes]) -> bytes:
    """Parquet bytes that depend on the rows, the types and the notes only, with the digest of all of them in the notes."""
    sink = io.BytesIO()
    plain = table.combine_chunks().replace_schema_metadata(None)
    with pq.ParquetWriter(sink, plain.schema, compression="zstd", store_schema=False) as writer:
        writer.write_table(plain)
        writer.add_key_value_metadata({**notes, SUM: _ZEROS})
    data = sink.getvalue()
    return _with_sum(data, hashlib.sha256(data).hexdigest().encode())


def _with_sum(data: bytes, digest: bytes) -> bytes:
    """The file with another digest in its place; the place is looked for from the end, where the footer is."""
    found = list(_PLACE.finditer(data))
    if not found:
        raise DomainError("not a result file: no digest in it")
    start, end = found[-1].span(1)
    return data[:start] + digest + data[end:]


def is_whole(data: bytes) -> bool:
    """Whether every byte is as it was written."""
    found = list(_PLACE.finditer(data))
    return bool(found) and hashlib.sha256(_with_sum(data, _ZEROS)).hexdigest().encode() == found[-1][1]


def decode(data: bytes) -> Stored | None:
    """The rows and notes of a result file; None where it is damaged."""
    if not is_whole(data):
        return None
    table = pq.read_table(pa.BufferReader(data))
    notes = table.schema.metadata or {}
    return Stored(notes.get(NAME, b"").decode(), notes.get(CODE, b"").decode(), table.replace_schema_metadata(None))
