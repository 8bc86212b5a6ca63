"""Which row of a ledger changed, and where two formats of a table disagree which cell.

Every row has a mark in ``rows.bin`` (see `skillstats.ledger.row_marks`). A table that stands in two formats has a second witness: the
row whose mark still holds shows what the other one said.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from skillstats.errors import show
from skillstats.ledger.canonical import safe_csv
from skillstats.ledger.row_marks import ROW_MARKS, RowChange, changed_rows, csv_records, read_marks, row_marks, table_name
from skillstats.ledger.rows import MONEY_COLUMNS
from skillstats.ledger.tables import DECIMAL, INSTANT, money_field

SHOWN: Final = 5
"""Rows named of each file; the others are counted."""

MONEY: Final = {*MONEY_COLUMNS, "pnl", "slice"}
KEYS: Final = (
    "decision_id",
    "signal_id",
    "action_id",
    "line",
    "state",
    "by",
    "session",
    "trader",
    "model",
    "action",
    "asset",
    "regime",
)
KEYS_OF: Final[Mapping[str, tuple[str, ...]]] = {
    "ledger": ("signal_id", "action_id"),
    "slices": ("signal_id", "action_id", "session"),
    "decisions": ("decision_id",),
    "books": ("line", "state", "session", "trader", "asset"),
    "kpis": ("by", "trader", "model", "action", "regime"),
    "quarantine": ("table", "file", "line", "code"),
    "drops": ("table", "file", "line", "code"),
}


@dataclass(frozen=True, slots=True)
class TableText:
    """A table of a file as the CSV this package writes: file name, names of the columns, records (the header first), their marks."""

    file: str
    header: tuple[str, ...]
    records: tuple[bytes, ...]
    marks: tuple[bytes, ...]

    def cells(self, position: int) -> dict[str, str]:
        """Cells of one row."""
        return dict(zip(self.header, next(csv.reader([self.records[position].decode(errors="replace")])), strict=False))


def table_text(path: Path) -> TableText | None:
    """A Parquet or CSV file of a ledger; None if it cannot be read as one."""
    try:
        text = path.read_bytes() if path.suffix == ".csv" else safe_csv(_conform(pq.read_table(path)))
    except (OSError, ValueError, pa.ArrowException):
        return None
    records = csv_records(text)
    header = records[0].decode(errors="replace").split(",") if records else []
    return TableText(path.name, tuple(header), tuple(records), tuple(row_marks(text)))


def _conform(table: pa.Table) -> pa.Table:
    """The table with the types this package writes, where another program wrote the same values in types of its own."""
    fields, columns = [], []
    for field, column in zip(table.schema, table.columns, strict=True):
        kind = field.type
        if pa.types.is_timestamp(kind):
            kind = INSTANT
        elif pa.types.is_decimal(kind):
            kind = DECIMAL
        elif pa.types.is_large_string(kind):
            kind = pa.string()
        elif field.name in MONEY or (field.name == "cost" and pa.types.is_floating(kind)):
            kind = pa.int64()
        fields.append(money_field(field.name) if field.name in MONEY else pa.field(field.name, kind))
        columns.append(column.cast(kind))
    return pa.table(columns, schema=pa.schema(fields))


def rows_that_changed(folder: Path, files: Sequence[str]) -> dict[str, list[str]]:
    """What happened to the rows of each changed file, a sentence a row.

    Parameters
    ----------
    files : names of the files whose digest does not hold

    Returns
    -------
    sentences by file name; a file without a sentence has the rows it was written with
    """
    marks = read_marks(folder)
    result: dict[str, list[str]] = {}
    for file in files:
        path, name = folder / file, table_name(file)
        if file == ROW_MARKS or path.suffix not in (".parquet", ".csv") or not path.exists():
            continue
        if name not in marks:
            result[file] = [f"no marks of its rows are left in {ROW_MARKS}, so the row cannot be named"]
            continue
        found = table_text(path)
        if found is None:
            result[file] = ["not readable as a table"]
            continue
        other = _witness(folder, path)
        changes = changed_rows(marks[name], found.marks)
        lines = [_sentence(name, c, found, other, marks[name]) for c in changes[:SHOWN]]
        if len(changes) > SHOWN:
            lines.append(f"table {name}: {len(changes) - SHOWN} more row(s)")
        result[file] = lines or [f"table {name}: the rows are those that were written; only the file around them is another"]
    return result


def _witness(folder: Path, path: Path) -> TableText | None:
    """The same table in the other format."""
    twin = folder / (path.stem + (".csv" if path.suffix == ".parquet" else ".parquet"))
    return table_text(twin) if twin.exists() and table_name(twin.name) == table_name(path.name) else None


def _sentence(table: str, change: RowChange, found: TableText, other: TableText | None, marks: Sequence[bytes]) -> str:
    """One changed row: where it stands, whose it is, what happened, and the cell where a second witness has it."""
    if 0 in (change.before, change.after):
        return f"table {table}, header: {change.kind}"
    original = _original(change, other, marks)
    if change.after is not None:
        cells: Mapping[str, str] | None = found.cells(change.after)
    else:
        cells = original
    who = f" ({_key(table, cells)})" if cells else ""
    if change.kind == "deleted":
        near = _neighbour(table, change, found)
        return f"table {table}, row {change.before}{who}: deleted{near}"
    if change.kind == "added":
        return f"table {table}, row {change.after}{who}: added"
    if change.kind == "moved":
        return f"table {table}, row {change.after}{who}: in another place than it was written"
    detail = "".join(_differences(cells or {}, original)) if original is not None and other is not None else ""
    told = f"{detail}; {other.file} still has what was written" if detail and other is not None else ""
    return f"table {table}, row {change.after}{who}: changed{told}"


def _original(change: RowChange, other: TableText | None, marks: Sequence[bytes]) -> dict[str, str] | None:
    """The row as it was written, from the other format, if its mark still holds there."""
    if other is None or change.before is None or change.before >= len(other.records):
        return None
    return other.cells(change.before) if other.marks[change.before] == marks[change.before] else None


def _differences(now: Mapping[str, str], before: Mapping[str, str]) -> Iterator[str]:
    for column, was in before.items():
        if now.get(column) != was:
            yield f", {column} is {show(now.get(column, ''))}, was {show(was)}"


def _key(table: str, cells: Mapping[str, str]) -> str:
    names = KEYS_OF.get(table, KEYS)
    return " ".join(f"{k}={show(cells[k])[1:-1]}" for k in names if cells.get(k))


def _neighbour(table: str, change: RowChange, found: TableText) -> str:
    """After which row a deleted one stood."""
    assert change.before is not None
    last = min(change.before, len(found.records)) - 1
    return f", it stood after row {last} ({_key(table, found.cells(last))})" if last > 0 else ", it was the first"
