"""Files and frames: what is a table, and the one reason why something is not."""

from __future__ import annotations

import gzip
import hashlib
import pickle
import zipfile
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from skillstats.errors import InputRejected, UsageError
from skillstats.plan import ColumnReading, Limits, Plan
from skillstats.record import read_record
from skillstats.record.csv_text import NotATable, parse_csv
from skillstats.record.schema import OUTCOMES, SCHEMA, schema_table

PLAN = Plan(horizon="close")
NOW = "2026-12-31T00:00:00Z"
GOOD = {
    "signals": b"signal_id,time,model,asset,side,quantity\nS1,2026-07-01T14:30:00Z,m,X,BUY,5\n",
    "actions": b"action_id,signal_id,time,trader,action,quantity\nA1,S1,2026-07-01T14:30:00Z,T,VETO,\n",
    "prices": b"asset,time,close\nX,2026-07-01T14:30:00Z,50\n",
}
KNOWN = SCHEMA["prices"].names
HEAD = b"asset,time,close\n"


def folder(path: Path, **files: bytes) -> Path:
    for name, data in (GOOD | files).items():
        (path / f"{name}.csv").write_bytes(data)
    return path


def codes(path: Path, plan: Plan = PLAN) -> list[str]:
    with pytest.raises(InputRejected) as caught:
        read_record(path, plan, now=NOW)
    return [p.code for p in caught.value.problems]


def zipped(tmp: Path) -> bytes:
    with zipfile.ZipFile(tmp / "z", "w") as z:
        z.writestr("prices.csv", "asset")
    return (tmp / "z").read_bytes()


REFUSED = {
    "empty": (b"", "F101"),
    "only blank lines": (b"\n\n", "F101"),
    "header only": (HEAD, "F101"),
    "no header": (b"X,2026-07-01T14:30:00Z,50\n", "F101"),
    "column missing": (b"asset,close\nX,50\n", "F102"),
    "neither close nor quote": (b"asset,time,bid\nX,2026-07-01T14:30:00Z,50\n", "F102"),
    "column twice": (b"asset,time,close,close\nX,2026-07-01T14:30:00Z,50,50\n", "F102"),
    "UTF-16": (HEAD.decode().encode("utf-16"), "F103"),
    "UTF-16 without mark": (HEAD.decode().encode("utf-16-le"), "F103"),
    "Latin-1": (HEAD + b"M\xfcller,2026-07-01T14:30:00Z,50\n", "F103"),
    "CR only": (b"asset,time,close\rX,2026-07-01T14:30:00Z,50\r", "F103"),
    "short row": (HEAD + b"X,50\n", "F104"),
    "long row": (HEAD + b"X,2026-07-01T14:30:00Z,50,60\n", "F104"),
    "all rows long": (HEAD + b"X,2026-07-01T14:30:00Z,50,\nX,2026-07-01T14:31:00Z,50,\n", "F104"),
    "open quote": (HEAD + b'"X,2026-07-01T14:30:00Z,50\n', "F104"),
    "semicolons": (b"asset;time;close\nX;2026-07-01T14:30:00Z;50\n", "F105"),
    "tabs": (b"asset\ttime\tclose\nX\t2026-07-01T14:30:00Z\t50\n", "F105"),
    "comment first": (b"# exported\n" + HEAD + b"X,2026-07-01T14:30:00Z,50\n", "F105"),
    "comment later": (HEAD + b"# exported\nX,2026-07-01T14:30:00Z,50\n", "F105"),
    "NUL run": (HEAD + bytes(100), "F106"),
    "random bytes": (np.random.default_rng(1).bytes(5000), "F106"),
    "gzip": (gzip.compress(HEAD), "F106"),
    "pickle": (pickle.dumps([1, 2]), "F106"),
    "HTML": (b"<!DOCTYPE html><html></html>", "F106"),
    "Parquet bytes": (b"PAR1" + bytes(20) + b"PAR1", "F106"),
    "4 MB line": (HEAD + b"X" * 4_000_000 + b",2026-07-01T14:30:00Z,50\n", "F107"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_file_that_is_no_table_is_refused(tmp_path: Path, name: str) -> None:
    data, code = REFUSED[name]
    assert codes(folder(tmp_path, prices=data)) == [code]


def test_zip_is_refused(tmp_path: Path) -> None:
    assert codes(folder(tmp_path, prices=zipped(tmp_path))) == ["F106"]


def test_every_refused_file_is_named_at_once(tmp_path: Path) -> None:
    assert codes(folder(tmp_path, prices=b"", signals=b"\xff\xfe", actions=HEAD)) == ["F102", "F101", "F103"]


def test_missing_tables_and_folders_are_named(tmp_path: Path) -> None:
    (tmp_path / "prices.csv").write_bytes(GOOD["prices"])
    assert codes(tmp_path) == ["F101", "F101"]
    assert codes(tmp_path / "nowhere") == ["F101"]


@pytest.mark.parametrize(
    "data",
    [
        b"\xef\xbb\xbf" + GOOD["prices"],
        GOOD["prices"].replace(b"\n", b"\r\n"),
        GOOD["prices"].rstrip(b"\n"),
        b'"asset","time","close"\n"X","2026-07-01T14:30:00Z","50"\n',
        b"close,asset,time\n50,X,2026-07-01T14:30:00Z\n",
    ],
)
def test_harmless_differences_of_form_change_nothing(tmp_path: Path, data: bytes) -> None:
    plain = read_record(folder(tmp_path), PLAN, now=NOW)
    other = read_record(folder(tmp_path, prices=data), PLAN, now=NOW)
    assert other.digests == plain.digests and other.quarantine == ()


def test_blank_lines_are_documented_drops(tmp_path: Path) -> None:
    record = read_record(folder(tmp_path, prices=HEAD + b"\nX,2026-07-01T14:30:00Z,50\n  \n\n"), PLAN, now=NOW)
    assert [(d.code, d.line) for d in record.drops] == [("D108", 2), ("D108", 4), ("D108", 5)]
    assert record.raw_rows["prices"] == 4 and record.tables["prices"].line.tolist() == [3]


def test_lines_are_counted_through_quoted_newlines() -> None:
    body = b'asset,time,close\n"X\nY",t,1\nZ,t,2\n\n"a ""b""",t,3\n'
    raw, blank = parse_csv(body, "prices", "prices.csv", KNOWN)
    assert raw.line.tolist() == [2, 4, 6] and blank == (5,)
    assert raw.columns["asset"].to_pylist() == ["X\nY", "Z", 'a "b"'] and raw.row_text(0) == '"X\nY",t,1'


def test_both_csv_paths_give_the_same_table() -> None:
    body = b"asset,time,close\n" + b"".join(b"A%d,t,%d\n" % (i, i) for i in range(100))
    fast, _ = parse_csv(body, "prices", "p", KNOWN)
    slow, _ = parse_csv(body + b'"Z",t,1\n', "prices", "p", KNOWN)
    assert [c.to_pylist() for c in fast.columns.values()] == [c.to_pylist()[:-1] for c in slow.columns.values()]
    assert fast.line.tolist() == slow.line.tolist()[:-1]


def test_nothing_but_the_empty_cell_is_missing() -> None:
    raw, _ = parse_csv(b"asset,time,close\nNA,null,nan\n,,\n", "prices", "p", KNOWN)
    assert [c.to_pylist() for c in raw.columns.values()] == [["NA", ""], ["null", ""], ["nan", ""]]


def test_position_of_a_bad_byte_counts_from_the_start_of_the_file() -> None:
    with pytest.raises(NotATable, match="byte 21"):
        parse_csv(b"\xef\xbb\xbf" + HEAD + b"M\xfc,t,1\n", "prices", "p", KNOWN)


def test_delimiter_of_the_plan(tmp_path: Path) -> None:
    path = folder(tmp_path, prices=b"asset;time;close\nX;2026-07-01T14:30:00Z;50,5\n")
    plan = Plan(horizon="close", columns={"prices.close": ColumnReading(decimal=",", delimiter=";")})
    assert read_record(path, plan, now=NOW).tables["prices"]["close"].tolist() == [1010]


def test_sidecars_find_a_cut_file(tmp_path: Path) -> None:
    path = folder(tmp_path)
    (path / "prices.csv.rows").write_text("1\n")
    (path / "prices.csv.sha256").write_text(hashlib.sha256(GOOD["prices"]).hexdigest() + "  prices.csv\n")
    assert read_record(path, PLAN, now=NOW).quarantine == ()
    (path / "prices.csv").write_bytes(GOOD["prices"].rstrip(b"0\n"))
    assert codes(path) == ["F109"]
    (path / "prices.csv.sha256").unlink()
    (path / "prices.csv.rows").write_text("2")
    assert codes(path) == ["F109"]


def test_limits_are_checked_before_decoding(tmp_path: Path) -> None:
    path = folder(tmp_path, prices=GOOD["prices"] * 3)
    assert codes(path, Plan(horizon="close", limits=Limits(max_rows=3))) == ["F111"]
    assert codes(path, Plan(horizon="close", limits=Limits(max_bytes=10))) == ["F111"] * 3


def test_a_parquet_bomb_stops_at_its_metadata(tmp_path: Path) -> None:
    path = folder(tmp_path)
    (path / "prices.csv").unlink()
    table = pa.table(
        {"asset": pa.array(["X"] * 300_000), "time": pa.array(["t" * 50] * 300_000), "close": pa.array(["1"] * 300_000)}
    )
    pq.write_table(table, path / "prices.parquet", use_dictionary=False, compression="zstd")
    size = (path / "prices.parquet").stat().st_size
    assert codes(path, Plan(horizon="close", limits=Limits(max_bytes=size + 1000))) == ["F111"]


def test_one_table_in_two_formats_is_refused(tmp_path: Path) -> None:
    path = folder(tmp_path)
    pq.write_table(pa.table({"asset": ["X"]}), path / "prices.parquet")
    assert codes(path) == ["F112"]


def test_broken_parquet_is_refused(tmp_path: Path) -> None:
    path = folder(tmp_path)
    (path / "prices.csv").unlink()
    pq.write_table(pa.table({"asset": ["X"] * 1000}), path / "prices.parquet")
    data = (path / "prices.parquet").read_bytes()
    (path / "prices.parquet").write_bytes(data[: len(data) // 2])
    assert codes(path) == ["F106"]


def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, digests = folder(tmp_path), iter("abcdefgh")
    monkeypatch.setattr("skillstats.record.readers.file_digest", lambda p: next(digests))
    assert codes(path) == ["F108"] * 3


def frames() -> dict[str, object]:
    stamp = datetime(2026, 7, 1, 14, 30, tzinfo=UTC)
    signals = {"signal_id": ["S1"], "time": [stamp], "model": ["m"], "asset": ["X"], "side": ["BUY"], "quantity": [5]}
    actions = {"action_id": ["A1"], "signal_id": ["S1"], "time": [stamp], "trader": ["T"], "action": ["VETO"], "quantity": [None]}
    return {
        "signals": pd.DataFrame(signals),
        "actions": pd.DataFrame(actions),
        "prices": {"asset": ["X"], "time": [stamp], "close": [50]},
    }


@pytest.mark.parametrize(
    "close",
    [
        pa.array([50], pa.int32()),
        pa.array([50.0]),
        pa.array([50.0], pa.float32()),
        pa.array([Decimal("50.000")]),
        pa.array(["50"]),
        pa.array(["50"]).dictionary_encode(),
        pa.array(["50"], pa.string_view()),
    ],
)
@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_typed_columns_say_what_text_says(tmp_path: Path, close: pa.Array, unit: str) -> None:
    time = pa.array([datetime(2026, 7, 1, 14, 30, tzinfo=UTC)], pa.timestamp(unit, tz="Europe/Berlin"))
    tables = frames() | {"prices": pa.table({"asset": ["X"], "time": time, "close": close})}
    record = read_record(tables, PLAN, now=NOW)
    assert record.digests == read_record(folder(tmp_path), PLAN, now=NOW).digests and record.quarantine == ()


@pytest.mark.parametrize(
    ("column", "values", "code"),
    [
        ("time", pa.array([1_782_916_200_000_000_789], pa.timestamp("ns", tz="UTC")), "D208"),
        ("time", pa.array([1_782_916_200], pa.timestamp("s")), "D201"),
        ("time", pa.array([1_782_916_200]), "D203"),
        ("time", pa.array([20_000], pa.date32()), "D202"),
        ("close", pa.array([1e-7]), "D113"),
        ("close", pa.array([float("nan")]), "D112"),
        ("close", pa.array([None], pa.float64()), "D112"),
        ("close", pa.array([True]), "D113"),
    ],
)
def test_typed_cells_are_judged_like_text(column: str, values: pa.Array, code: str) -> None:
    time = pa.array([datetime(2026, 7, 1, 14, 30, tzinfo=UTC)])
    prices = {"asset": pa.array(["X"]), "time": time, "close": pa.array(["50"])} | {column: values}
    record = read_record(frames() | {"prices": pa.table(prices)}, PLAN, now=NOW)
    assert [p.code for p in record.quarantine] == [code]


def test_objects_with_the_arrow_stream_are_tables() -> None:
    class Stream:
        def __init__(self, table: pa.Table) -> None:
            self.table = table

        def __arrow_c_stream__(self, requested_schema: object = None) -> object:
            return self.table.__arrow_c_stream__(requested_schema)

    prices = Stream(pa.table({"asset": ["X"], "time": ["2026-07-01T14:30:00Z"], "close": ["50"]}))
    assert len(read_record(frames() | {"prices": prices}, PLAN, now=NOW).tables["prices"]) == 1


def test_what_is_no_table_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="not a table"):
        read_record(frames(), PLAN, now=NOW)
    with pytest.raises(UsageError, match="no table is called 'price'"):
        read_record({"price": pd.DataFrame()}, PLAN)
    with pytest.raises(InputRejected, match="F106"):
        read_record(frames() | {"prices": pa.table({"asset": ["X"], "time": ["t"], "close": [[1]]})}, PLAN, now=NOW)


def test_plan_of_the_folder_is_used(tmp_path: Path) -> None:
    path = folder(tmp_path)
    (path / "plan.toml").write_text('horizon = "exit"\nname = "Q3"\n')
    assert read_record(path, now=NOW).plan.name == "Q3"


def test_schema_table_names_every_column() -> None:
    table = schema_table()
    assert len(table) == sum(len(t.columns) for t in (*SCHEMA.values(), OUTCOMES))
    assert set(table.columns) == {"table", "column", "type", "unit", "required", "meaning"}
