"""From a folder or from tables in memory to tables of text, with every file-level refusal.

A file is judged whole: it is a table or it is not. All files are tried before anything is refused, so that one run names every
file that has to be exported again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from skillstats.errors import RULES, Problem, UsageError
from skillstats.plan import Plan
from skillstats.record.arrow_text import column_to_text, frame_to_raw, one_array
from skillstats.record.chains import CHAIN_TABLES
from skillstats.record.csv_text import NoRows, NotATable, parse_csv
from skillstats.record.doors import open_door
from skillstats.record.parquet_guard import refuse_large
from skillstats.record.price_batches import csv_batches, look_through
from skillstats.record.raw import RawRecord, RawTable, file_problem
from skillstats.record.schema import SCHEMA, TableSchema
from skillstats.record.text_files import spool_text

SUFFIXES = (".csv", ".parquet")
BATCH: Final = 1 << 17
"""Rows of a Parquet file in memory at a time where its text is spooled."""
SMALL_FILE = 4_000_000
"""Bytes of a file below which it is read whole and then spooled."""


@dataclass(slots=True)
class _Reading:
    """One table on its way in: what came out, or why not."""

    raw: RawTable | None = None
    blank: tuple[int, ...] = ()
    digest: str = ""
    problems: list[Problem] = field(default_factory=list)
    header_only: bool = False


def read_raw(
    source: str | Path | Mapping[str, object], plan: Plan, large: Path | None = None, spool: Path | None = None
) -> RawRecord:
    """Read every table of a folder or mapping as text; unknown files are left alone, unknown names in a mapping are refused.

    `large` is a price file that is left to be mapped; `spool` a folder in which signals, actions and fills are to lie as mapped text.
    """
    if isinstance(source, Mapping):
        readings = _read_mapping(source, plan)
    elif Path(source).is_dir():
        readings = _read_folder(Path(source), plan, large, spool)
    else:
        message = "no such folder; give the folder that holds signals.csv, actions.csv, fills.csv and prices.csv"
        return RawRecord({}, {}, {}, (file_problem("F101", "", str(source), message),))
    readings, unused = without_unused(readings)
    problems = [p for r in readings.values() for p in r.problems]
    tables = {name: r.raw for name, r in readings.items() if r.raw is not None}
    files = {r.raw.file if r.raw else name: r.digest for name, r in readings.items() if r.digest}
    there = {n for n, r in readings.items() if r.raw is not None or r.problems} | ({"prices"} if large else set())
    problems += missing_tables(there, str_source(source))
    blank = {n: r.blank for n, r in readings.items() if r.blank}
    return RawRecord(tables, blank, files, tuple(problems), (*strangers(source), *unused), prices=large)


def without_unused(readings: Mapping[str, _Reading]) -> tuple[dict[str, _Reading], tuple[Problem, ...]]:
    """The tables without those that have a header and no rows and that the record can do without, and one D116 that names them."""
    needed = {"actions", "prices"} | (set() if readings.get("targets", _Reading()).raw is not None else {"signals"})
    unused = sorted(name for name, reading in readings.items() if reading.header_only and name not in needed)
    if not unused:
        return dict(readings), ()
    files = [readings[name].problems[0].file for name in unused]
    problem = file_problem("D116", unused[0], files[0], f"{', '.join(files)}, {RULES['D116'].text}")
    return {name: r for name, r in readings.items() if name not in unused}, (problem,)


def strangers(source: object) -> tuple[Problem, ...]:
    """D110 for each table-like file of a folder whose name is no table's: a misspelt name must not pass in silence."""
    if isinstance(source, Mapping):
        return ()
    names = sorted(
        p.name for p in Path(str(source)).iterdir() if p.suffix in (*SUFFIXES, ".gz") and p.name.split(".")[0] not in SCHEMA
    )
    packed = sorted(p.name for p in Path(str(source)).iterdir() if p.suffix == ".gz" and p.name.split(".")[0] in SCHEMA)
    known = ", ".join(SCHEMA)
    return (
        *(file_problem("D110", "", n, f"no table has this name, file ignored; tables are {known}") for n in names),
        *(file_problem("D110", "", n, "compressed, file ignored; unpack it") for n in packed),
    )


def str_source(source: object) -> str:
    """How a source is named in a message about no file in particular."""
    return "tables" if isinstance(source, Mapping) else str(source)


def missing_tables(present: set[str], place: str) -> list[Problem]:
    """F101 for each table a record cannot do without."""
    needed = ["actions", "prices"] + ([] if "targets" in present else ["signals"])
    text = "missing; a record needs actions, prices, and signals or targets"
    return [file_problem("F101", n, f"{n}.csv", f"{text}; looked in {place}") for n in needed if n not in present]


def _read_mapping(source: Mapping[str, object], plan: Plan) -> dict[str, _Reading]:
    unknown = sorted(set(map(str, source)) - set(SCHEMA))
    if unknown:
        raise UsageError(f"no table is called {unknown[0]!r}; tables are {', '.join(SCHEMA)}")
    return {name: read_frame(source[name], SCHEMA[name], name, plan) for name in SCHEMA if name in source}


def read_frame(frame: object, schema: TableSchema, file: str, plan: Plan) -> _Reading:
    """One in-memory table."""
    reading = _Reading()
    try:
        table = open_door(frame, schema.name, plan.limits.max_rows)
        _refuse_rows(len(table), plan)
        reading.raw = frame_to_raw(table, schema.name, file)
        check_header(reading.raw, schema)
    except NotATable as error:
        reading.raw = None
        reading.problems.append(_problem(error, schema.name, file))
        reading.header_only = isinstance(error, NoRows)
    return reading


def _read_folder(folder: Path, plan: Plan, large: Path | None, spool: Path | None) -> dict[str, _Reading]:
    found = {}
    for name, schema in SCHEMA.items():
        paths = [p for s in SUFFIXES if (p := folder / f"{name}{s}").exists()]
        if len(paths) == 2:
            problem = file_problem("F112", name, paths[0].name, f"{paths[0].name} and {paths[1].name}, {RULES['F112'].text}")
            found[name] = _Reading(problems=[problem])
        elif paths and paths[0] != large:
            found[name] = read_file(paths[0], schema, plan, spool if name in CHAIN_TABLES else None)
    return found


def read_file(path: Path, schema: TableSchema, plan: Plan, spool: Path | None = None) -> _Reading:
    """One file; refusals are returned, never raised. `spool` : a folder in which its text is to lie, None to hold it in memory."""
    reading = _Reading()
    try:
        if not path.is_file():
            raise NotATable("F106", "not a regular file")
        if path.stat().st_size > plan.limits.max_bytes:
            raise NotATable("F111", f"{path.stat().st_size} bytes, max_bytes {plan.limits.max_bytes}")
        reading.digest = file_digest(path)
        check_sidecar_digest(path, reading.digest)
        if spool is not None:
            reading.raw, reading.blank = _read_spooled(path, schema, plan, spool)
        elif path.suffix == ".parquet":
            reading.raw = _read_parquet(path, schema, plan)
        else:
            reading.raw, reading.blank = _read_csv(path, schema, plan)
        if file_digest(path) != reading.digest:
            raise NotATable("F108", "sha256 before and after differ")
        check_sidecar_rows(path, len(reading.raw))
        check_header(reading.raw, schema)
    except OSError as error:
        reading.problems.append(file_problem("F106", schema.name, path.name, f"cannot be read ({error.strerror})"))
        reading.raw = None
    except NotATable as error:
        reading.problems.append(_problem(error, schema.name, path.name))
        reading.header_only = isinstance(error, NoRows)
        reading.raw = None
    return reading


def _problem(error: NotATable, table: str, file: str) -> Problem:
    return file_problem(error.code, table, file, f"{error.found}, {RULES[error.code].text}", error.line)


def file_digest(path: Path) -> str:
    """sha256 of the bytes on disk."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def check_sidecar_digest(path: Path, digest: str) -> None:
    """F109 where ``<file>.sha256`` names another digest."""
    sidecar = path.with_name(path.name + ".sha256")
    if sidecar.is_file():
        said = sidecar.read_text(encoding="utf-8", errors="replace").split()
        if not said or said[0].lower() != digest:
            raise NotATable("F109", f"sha256 {digest[:12]}.., {sidecar.name} says {said[0][:12] if said else 'nothing'}..")


def check_sidecar_rows(path: Path, rows: int) -> None:
    """F109 where ``<file>.rows`` or ``<table>.rows`` names another row count."""
    for sidecar in (path.with_name(path.name + ".rows"), path.with_suffix(".rows")):
        if sidecar.is_file():
            said = sidecar.read_text(encoding="utf-8", errors="replace").strip()
            if said != str(rows):
                raise NotATable("F109", f"{rows} rows, {sidecar.name} says {said[:20]!r}")


def check_header(
    raw: RawTable, schema: TableSchema, renamed: Mapping[str, str] | None = None, header: Iterable[str] = ()
) -> None:
    """F102 for missing columns, F101 for a table without rows; `renamed` and `header` are the user's own names."""
    missing = [c.name for c in schema.columns if c.required and c.name not in raw.columns]
    if schema.name == "prices" and "close" not in raw.columns and not {"bid", "ask"} <= set(raw.columns):
        missing.append("close (or bid and ask)")
    if missing:
        there = ", ".join(repr(n) for n in header or raw.columns)
        wanted = ", ".join(f"{m!r}" + (f" (named {renamed[m]!r} by you)" if renamed and m in renamed else "") for m in missing)
        raise NotATable("F102", f"no column {wanted}; the header has {there}", 1)
    if not len(raw):
        raise NoRows("F101", "no rows")


def _refuse_rows(rows: int, plan: Plan) -> None:
    if rows > plan.limits.max_rows:
        raise NotATable("F111", f"{rows} rows, max_rows {plan.limits.max_rows}")


def _read_csv(path: Path, schema: TableSchema, plan: Plan) -> tuple[RawTable, tuple[int, ...]]:
    data = path.read_bytes()
    _refuse_rows(data.count(b"\n") - 1, plan)
    return parse_csv(data, schema.name, path.name, schema.names, delimiter_of(schema.name, plan))


def delimiter_of(table: str, plan: Plan) -> str:
    """The delimiter the plan declares for any column of the table."""
    declared = {r.delimiter for c, r in plan.columns.items() if c.split(".")[0] == table} - {","}
    if len(declared) > 1:
        raise UsageError(f"plan: {table} has two delimiters {sorted(declared)}; a file has one")
    return declared.pop() if declared else ","


def _read_spooled(path: Path, schema: TableSchema, plan: Plan, spool: Path) -> tuple[RawTable, tuple[int, ...]]:
    """The text of a file in mapped files; a large one is never whole in memory."""
    blank: list[int] = []
    batches: Iterable[RawTable]
    if path.stat().st_size < SMALL_FILE:
        raw, own = (_read_parquet(path, schema, plan), ()) if path.suffix == ".parquet" else _read_csv(path, schema, plan)
        batches, blank = [raw], [*own]
    elif path.suffix == ".parquet":
        batches = _parquet_batches(path, schema, plan)
    else:
        seen = look_through(path)
        _refuse_rows(seen.lines - 1, plan)
        batches = csv_batches(path, schema, seen, delimiter_of(schema.name, plan), blank)
    folder = spool / schema.name
    folder.mkdir()
    table = spool_text(batches, folder)
    if table is None:
        raise NoRows("F101", "no rows")
    return table, tuple(blank)


def _parquet_batches(path: Path, schema: TableSchema, plan: Plan) -> Iterator[RawTable]:
    """The same text as `_read_parquet`, batch by batch."""
    try:
        refuse_large(path, plan.limits)
        with pq.ParquetFile(path, memory_map=True) as file:
            _refuse_doubled(file.schema_arrow.names)
            line = 0
            for batch in file.iter_batches(batch_size=BATCH):
                batch.validate(full=True)
                text = _text_table(pa.Table.from_batches([batch]), schema, path.name)
                yield RawTable(text.name, text.file, text.columns, text.line + line)
                line += batch.num_rows
    except (pa.ArrowException, OSError, ValueError) as error:
        raise NotATable("F106", f"broken Parquet ({str(error).splitlines()[0][:60]})") from None


def _refuse_doubled(names: list[str]) -> None:
    doubled = sorted({n for n in names if names.count(n) > 1})
    if doubled:
        raise NotATable("F102", f"column {doubled[0]!r} twice")


def _read_parquet(path: Path, schema: TableSchema, plan: Plan) -> RawTable:
    try:
        refuse_large(path, plan.limits)
        with pq.ParquetFile(path) as file:
            _refuse_doubled(file.schema_arrow.names)
            table = file.read()
            table.validate(full=True)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise NotATable("F106", f"broken Parquet ({str(error).splitlines()[0][:60]})") from None
    return _text_table(table, schema, path.name)


def _text_table(table: pa.Table, schema: TableSchema, file: str) -> RawTable:
    columns = {}
    for name, column in zip(table.column_names, table.columns, strict=True):
        nested = pa.types.is_nested(column.type) or pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type)
        if nested and name not in schema and schema.free is None:
            continue  # an unknown column that has no text form
        columns[name] = column_to_text(one_array(column), name)
    return RawTable(schema.name, file, columns, np.arange(1, table.num_rows + 1, dtype=np.int64))
