"""`skillstats verify` names the file, the table and the row that was changed, deleted, added or moved, and the cell where it can."""

from __future__ import annotations

import csv
import io
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

sys.path.insert(0, str(Path(__file__).parents[1] / "oracle"))

import desks

from skillstats.cli import main
from skillstats.errors import Mismatch
from skillstats.evaluation.verify import verify
from skillstats.evaluation.verify_identities import identities_that_fail
from skillstats.ledger.build import build_ledger
from skillstats.ledger.canonical import content_digest, safe_csv
from skillstats.ledger.manifest import result_digest
from skillstats.ledger.row_marks import changed_rows, csv_records, pack_marks, row_marks
from skillstats.record import read_record

PARQUET = ("ledger.parquet", "decisions.parquet", "slices.parquet", "books.parquet")
CSV = ("ledger.csv", "kpis.csv", "quarantine.csv", "drops.csv")
ROW = 2
"""The row (0-based) that is tampered with."""


@pytest.fixture(scope="module")
def clean(tmp_path_factory) -> Path:
    """A ledger of 30 chains with several rows in every table, quarantine and drops too."""
    folder = tmp_path_factory.mktemp("clean")
    desk = desks.make_desk(6, chains=30)
    desk.tables["signals"] += [dict(r) for r in desk.tables["signals"][:6]]  # exact copies: documented drops
    build_ledger(read_record(desk.write(folder / "r"), now="2027-01-01T00:00:00Z")).write(folder / "l")
    for name in (*PARQUET, *CSV):
        assert len(records(folder / "l" / name)) > ROW + 3, name
    assert verify(folder / "l")
    return folder / "l"


@pytest.fixture
def ledger(clean, tmp_path) -> Path:
    shutil.copytree(clean, tmp_path / "l")
    return tmp_path / "l"


def records(path: Path) -> list[bytes]:
    return csv_records(path.read_bytes() if path.suffix == ".csv" else safe_csv(pq.read_table(path)))[1:]


def edit(path: Path, order: Callable[[list[int]], list[int]], cell: bool = False) -> None:
    """Rewrite a file with its rows in another selection and order, and one cell of row `ROW` changed."""
    if path.suffix == ".csv":
        head, *lines = csv_records(path.read_bytes())
        if cell:
            cells = next(csv.reader([lines[ROW].decode()]))
            cells[1] += "x"
            out = io.StringIO()
            csv.writer(out, lineterminator="").writerow(cells)
            lines[ROW] = out.getvalue().encode()
        path.write_bytes(b"\n".join([head, *(lines[i] for i in order(list(range(len(lines)))))]) + b"\n")
        return
    table = pq.read_table(path)
    if cell:
        name = next(k for k in ("value_add_to_date", "value_add", "slice", "pnl") if k in table.column_names)
        values = table[name].to_pylist()
        values[ROW] = (values[ROW] or 0) + 1_000_000
        at = table.schema.get_field_index(name)
        table = table.set_column(at, table.schema.field(name), pa.array(values, type=pa.int64()))
    pq.write_table(table.take(order(list(range(table.num_rows)))), path, compression="zstd")


def complaints(folder: Path, name: str) -> str:
    with pytest.raises(Mismatch) as error:
        verify(folder)
    lines = str(error.value).split("\n")
    assert lines[0].startswith(f"{name}: changed since it was written")
    return str(error.value)


@pytest.mark.parametrize("name", [*PARQUET, *CSV])
def test_a_changed_cell_names_its_row(name, ledger):
    edit(ledger / name, lambda rows: rows, cell=True)
    table = name.split(".", maxsplit=1)[0]
    assert re.search(rf"\n  table {table}, row {ROW + 1} \(\w+=.*\): changed", complaints(ledger, name))


@pytest.mark.parametrize("name", [*PARQUET, *CSV])
def test_a_deleted_row_is_named_by_its_place(name, ledger):
    edit(ledger / name, lambda rows: rows[:ROW] + rows[ROW + 1 :])
    table = name.split(".", maxsplit=1)[0]
    told = complaints(ledger, name)
    assert re.search(rf"\n  table {table}, row {ROW + 1}.*: deleted, it stood after row {ROW} \(\w+=", told)
    assert told.count(": deleted") == 1


@pytest.mark.parametrize("name", [*PARQUET, *CSV])
def test_an_added_row_is_named(name, ledger):
    edit(ledger / name, lambda rows: [*rows, ROW])
    count = len(records(ledger / name))
    told = complaints(ledger, name)
    assert f"row {count} (" in told
    assert told.count(": added") == 1


@pytest.mark.parametrize("name", [*PARQUET, *CSV])
def test_two_swapped_rows_are_named_both(name, ledger):
    edit(ledger / name, lambda rows: [rows[ROW + 1] if i == ROW else rows[ROW] if i == ROW + 1 else i for i in rows])
    told = complaints(ledger, name)
    assert re.findall(r"row (\d+) \(.*\): in another place than it was written", told) == [str(ROW + 1), str(ROW + 2)]


@pytest.mark.parametrize(("name", "other"), [("ledger.csv", "ledger.parquet"), ("ledger.parquet", "ledger.csv")])
def test_the_other_format_shows_the_cell_and_what_it_was(name, other, ledger):
    edit(ledger / name, lambda rows: rows, cell=True)
    column = "action_id" if name == "ledger.csv" else "value_add_to_date"
    assert re.search(rf"changed, {column} is '.*', was '.*'; {other} still has what was written", complaints(ledger, name))


def test_a_deleted_ledger_row_is_named_by_its_id_from_the_other_format(ledger):
    key = pq.read_table(ledger / "ledger.csv".replace("csv", "parquet"))["signal_id"][ROW].as_py()
    edit(ledger / "ledger.parquet", lambda rows: rows[:ROW] + rows[ROW + 1 :])
    assert f"row {ROW + 1} (signal_id={key}" in complaints(ledger, "ledger.parquet")


def test_a_renamed_column_is_a_changed_header(ledger):
    table = pq.read_table(ledger / "slices.parquet")
    pq.write_table(table.rename_columns(["x" if c == "session" else c for c in table.column_names]), ledger / "slices.parquet")
    assert "table slices, header: changed" in complaints(ledger, "slices.parquet")


def test_the_same_rows_written_by_another_program_are_not_called_changed(ledger):
    pq.read_table(ledger / "decisions.parquet").to_pandas().to_parquet(ledger / "decisions.parquet")
    told = complaints(ledger, "decisions.parquet")
    assert "the rows are those that were written; only the file around them is another" in told


def test_without_the_marks_the_file_is_still_named(ledger):
    (ledger / "rows.bin").unlink()
    edit(ledger / "books.parquet", lambda rows: rows, cell=True)
    told = complaints(ledger, "books.parquet")
    assert "rows.bin: missing" in told
    assert "the row cannot be named" in told


def test_many_changed_rows_are_counted(ledger):
    edit(ledger / "ledger.csv", lambda rows: rows[::-1])
    count = len(records(ledger / "ledger.csv"))
    assert f"table ledger: {count - count % 2 - 5} more row(s)" in complaints(ledger, "ledger.csv")


def test_the_command_exits_1_and_says_so(ledger):
    edit(ledger / "slices.parquet", lambda rows: rows, cell=True)
    done = CliRunner().invoke(main, ["verify", str(ledger)])
    assert done.exit_code == 1
    assert f"table slices, row {ROW + 1}" in done.output
    assert "Traceback" not in done.output


# a change written into the digests as well -----------------------------------------------------------------------------------------------


def seal(folder: Path) -> None:
    """Write every digest anew, as somebody would who knows how."""
    import hashlib

    import msgspec

    manifest = msgspec.json.decode((folder / "manifest.json").read_bytes())
    for name in ("ledger", "decisions", "slices", "books"):
        manifest["result"]["outputs"][name] = content_digest(pq.read_table(folder / f"{name}.parquet"))
    texts = {
        p.stem: (p.read_bytes() if p.suffix == ".csv" else safe_csv(pq.read_table(p))) for p in sorted(folder.glob("*.[cp]*"))
    }
    (folder / "rows.bin").write_bytes(pack_marks({k: row_marks(v) for k, v in texts.items()}))
    written = {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.iterdir() if p.name != "manifest.json"}
    manifest["provenance"]["written"] = written
    manifest["result_digest"] = result_digest(manifest["result"])
    (folder / "manifest.json").write_bytes(msgspec.json.encode(manifest))


def bump(folder: Path, name: str, column: str, where: Callable[[pa.Table], np.ndarray]) -> int:
    """Add 1 to a column of the first row that is meant, and seal; returns its row number."""
    table = pq.read_table(folder / f"{name}.parquet")
    row = int(np.flatnonzero(where(table))[0])
    values = table[column].to_pylist()
    values[row] += 1
    at = table.schema.get_field_index(column)
    table = table.set_column(at, table.schema.field(column), pa.array(values, type=table.schema.field(column).type))
    pq.write_table(table, folder / f"{name}.parquet")
    seal(folder)
    return row + 1


def closed(table: pa.Table) -> np.ndarray:
    return np.asarray(pc.equal(table["status"], "CLOSED").to_numpy(zero_copy_only=False), dtype=bool)


def known(column: str) -> Callable[[pa.Table], np.ndarray]:
    return lambda table: ~np.asarray(table[column].is_null().to_numpy(zero_copy_only=False), dtype=bool)


def difference(table: pa.Table) -> np.ndarray:
    return np.asarray(pc.equal(table["line"], "difference").to_numpy(zero_copy_only=False), dtype=bool)


SUMS = {
    "a part": ("ledger", "drift", closed, "ledger, row {row} .*size, drift, slippage and cost add to"),
    "a book of a row": ("ledger", "actual_pnl", closed, "ledger, row {row} .*actual_pnl - model_pnl is"),
    "the sum to date": ("ledger", "value_add_to_date", known("value_add_to_date"), "ledger, row {row} .*its slices add to the"),
    "a slice": ("slices", "slice", known("slice"), "its slices add to the value_add"),
    "a decision": ("decisions", "size", known("size"), "decisions, row {row} .*its rows add to the size"),
    "a count": ("decisions", "n_rows", known("n_rows"), "decisions, row {row} .*n_rows is"),
    "a book": ("books", "pnl", difference, r"books \(.*actual - model_frozen is"),
}


@pytest.mark.parametrize("what", SUMS)
def test_a_sealed_change_breaks_a_sum(what, ledger):
    name, column, where, message = SUMS[what]
    row = bump(ledger, name, column, where)
    told = "\n".join(identities_that_fail(ledger))
    assert re.search(message.format(row=row), told), told
    with pytest.raises(Mismatch, match=message.format(row=row)):
        verify(ledger)


def test_a_sealed_change_of_the_kpis_breaks_a_sum(ledger):
    path = ledger / "kpis.csv"
    head, *lines = csv_records(path.read_bytes())
    cells = lines[0].decode().split(",")
    at = head.decode().split(",").index("sum")
    cells[at] = f"{float(cells[at]) + 1:.6f}"
    path.write_bytes(b"\n".join([head, ",".join(cells).encode(), *lines[1:]]) + b"\n")
    seal(ledger)
    with pytest.raises(Mismatch, match=r"kpis \(all\): sum is"):
        verify(ledger)


# the comparison itself -------------------------------------------------------------------------------------------------------------------


def test_a_long_table_is_compared_row_by_row():
    rows = [str(i).encode() for i in range(100_000)]
    assert changed_rows(rows, rows) == []
    gone = rows[:50_000] + rows[50_001:]
    assert [(c.kind, c.before) for c in changed_rows(rows, gone)] == [("deleted", 50_000)]
    assert [(c.kind, c.after) for c in changed_rows(gone, rows)] == [("added", 50_000)]


def test_a_row_deleted_and_another_added_are_told_apart():
    before, after = [b"a", b"b", b"c", b"d"], [b"a", b"c", b"x", b"d"]
    kinds = [(c.kind, c.before, c.after) for c in changed_rows(before, after)]
    assert ("deleted", 1, None) in kinds
    assert ("added", None, 2) in kinds


def test_a_ledger_of_another_format_is_refused_with_words(tmp_path: Path) -> None:
    import json

    from skillstats.errors import UsageError
    from skillstats.ledger.write import read_ledger

    (tmp_path / "manifest.json").write_text(json.dumps({"kind": "ledger", "result": {"schema": 1}, "result_digest": ""}))
    with pytest.raises(UsageError, match="format 1, this version reads 2"):
        read_ledger(tmp_path)
