"""Tables that live in a program: the same desk through every door gives the same record."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from skillstats.errors import InputRejected, UsageError
from skillstats.plan import Limits, Plan
from skillstats.record import Record, read_record
from skillstats.record.example import EXAMPLE_PLAN
from skillstats.record.starter import new_record

TABLES = ("signals", "actions", "fills", "prices")
NUMBERS = ("quantity", "price", "fee", "bid", "ask")


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, pd.DataFrame]:
    folder = new_record(tmp_path_factory.mktemp("door") / "desk") / "example"
    return {name: pd.read_csv(folder / f"{name}.csv", dtype=str, keep_default_na=False) for name in TABLES}


@pytest.fixture(scope="module")
def plain(texts: dict[str, pd.DataFrame]) -> Record:
    record = read_record(texts, EXAMPLE_PLAN)
    assert record.problems == ()
    return record


def same(tables: dict[str, Any], plain: Record) -> None:
    record = read_record(tables, EXAMPLE_PLAN)
    assert record.digests == plain.digests and record.problems == ()


def typed(con: duckdb.DuckDBPyConnection, texts: dict[str, pd.DataFrame]) -> None:
    """The desk as a database holds it: instants with a zone, decimals, NULL for nothing."""
    for name, frame in texts.items():
        given = frame.replace("", None)
        con.register("given", given)
        columns = [
            f"{c}::TIMESTAMPTZ AS {c}" if c == "time" else f"{c}::DECIMAL(18,4) AS {c}" if c in NUMBERS else c
            for c in frame.columns
        ]
        con.execute(f"CREATE TABLE {name} AS SELECT {', '.join(columns)} FROM given")  # noqa: S608
        con.unregister("given")


@pytest.fixture
def duck(texts: dict[str, pd.DataFrame]) -> duckdb.DuckDBPyConnection:
    con = duckdb.connect()
    typed(con, texts)
    return con


def test_duckdb_relations_and_sql_results(duck: duckdb.DuckDBPyConnection, plain: Record) -> None:
    same({name: duck.table(name) for name in TABLES}, plain)
    same({name: duck.sql(f"SELECT * FROM {name} ORDER BY random()") for name in TABLES}, plain)  # noqa: S608


@pytest.mark.filterwarnings("ignore:Arrow output on a DB-API result makes an extra copy:UserWarning")  # of DuckDB, about speed
@pytest.mark.parametrize("fetch", ["cursor", "to_arrow_table", "to_arrow_reader", "df"])
def test_duckdb_results_in_every_form(duck: duckdb.DuckDBPyConnection, plain: Record, fetch: str) -> None:
    def result(name: str) -> Any:
        done = duck.cursor().execute(f"SELECT * FROM {name}")  # noqa: S608
        return done if fetch == "cursor" else getattr(done, fetch)()

    frames = {name: result(name) for name in TABLES}
    if fetch == "df":  # pandas holds DECIMAL as float64, which is exact to these digits
        assert frames["prices"]["bid"].dtype == "float64"
    same(frames, plain)


def test_an_older_duckdb_offers_its_result_under_another_name(texts: dict[str, pd.DataFrame], plain: Record) -> None:
    class Result:
        description = (("x",),)

        def __init__(self, frame: pd.DataFrame) -> None:
            self.table = pa.Table.from_pandas(frame)

        def fetch_arrow_table(self) -> pa.Table:
            return self.table

    same({name: Result(frame) for name, frame in texts.items()}, plain)


@pytest.mark.parametrize(
    "convert",
    [
        lambda f: f,
        lambda f: f.with_columns(pl.col("time").str.to_datetime(time_zone="UTC")),
        lambda f: f.with_columns(pl.col(c).cast(pl.Categorical) for c in f.columns if c in ("asset", "model")),
        lambda f: f.with_columns(
            pl.when(pl.col(c) == "").then(None).otherwise(pl.col(c)).cast(pl.Decimal(18, 4)).alias(c)
            for c in f.columns
            if c in NUMBERS
        ),
        lambda f: f.with_columns(
            pl.when(pl.col(c) == "").then(None).otherwise(pl.col(c)).cast(pl.Float64).alias(c) for c in f.columns if c in NUMBERS
        ),
    ],
    ids=["text", "datetime", "categorical", "decimal", "float"],
)
def test_polars_frames(texts: dict[str, pd.DataFrame], plain: Record, convert: Callable[[pl.DataFrame], pl.DataFrame]) -> None:
    same({name: convert(pl.DataFrame({c: f[c].tolist() for c in f.columns})) for name, f in texts.items()}, plain)


def test_categories_of_several_parts(texts: dict[str, pd.DataFrame], plain: Record) -> None:
    """Each part of the column numbers its categories anew."""
    prices = texts["prices"]
    parts = [pa.Table.from_pandas(prices.iloc[k : k + 20], preserve_index=False) for k in range(0, len(prices), 20)]
    coded = [t.set_column(0, "asset", t["asset"].cast(pa.string()).combine_chunks().dictionary_encode()) for t in reversed(parts)]
    same(texts | {"prices": pa.concat_tables(coded)}, plain)


def test_sqlite_cursors(texts: dict[str, pd.DataFrame], plain: Record, tmp_path: Path) -> None:
    con = sqlite3.connect(tmp_path / "desk.sqlite")
    for name, frame in texts.items():
        con.execute(f"CREATE TABLE {name} ({', '.join(f'{c} TEXT' if c not in NUMBERS else c for c in frame.columns)})")
        marks = ", ".join("?" * len(frame.columns))
        con.executemany(f"INSERT INTO {name} VALUES ({marks})", frame.replace("", None).to_numpy().tolist())  # noqa: S608
    same({name: con.execute(f"SELECT * FROM {name}") for name in TABLES}, plain)  # noqa: S608
    con.row_factory = sqlite3.Row
    same({name: con.execute(f"SELECT * FROM {name}") for name in TABLES}, plain)  # noqa: S608


class Cursor:
    """A DB-API cursor of Python objects; counts what was fetched."""

    def __init__(self, names: list[str], rows: list[tuple[Any, ...]]) -> None:
        self.description = [(n, None, None, None, None, None, None) for n in names]
        self.rows, self.fetched = rows, 0

    def fetchmany(self, size: int) -> list[tuple[Any, ...]]:
        chunk = self.rows[self.fetched : self.fetched + size]
        self.fetched += len(chunk)
        return chunk


def test_objects_of_a_cursor_are_written_out_exactly(texts: dict[str, pd.DataFrame], plain: Record) -> None:
    def cell(column: str, text: str) -> Any:
        if column == "time":
            return pd.Timestamp(text).to_pydatetime()
        return (Decimal(text) if text else None) if column in NUMBERS else text or None

    cursors = {
        n: Cursor(list(f.columns), [tuple(cell(c, v) for c, v in zip(f.columns, row, strict=True)) for row in f.to_numpy()])
        for n, f in texts.items()
    }
    same(cursors, plain)


def test_a_query_stops_at_the_limit_of_rows(texts: dict[str, pd.DataFrame]) -> None:
    long = Cursor(["asset", "time", "close"], [("X", "2025-03-03T15:00:00Z", "1")] * 200_000)
    plan = Plan(horizon="close", limits=Limits(max_rows=60_000))
    with pytest.raises(InputRejected, match="F111 prices:0 more than 60000 rows, max_rows 60000"):
        read_record(texts | {"prices": long}, plan)
    assert long.fetched == 100_000
    endless = pa.RecordBatchReader.from_batches(
        pa.schema([("asset", pa.string())]), (pa.record_batch({"asset": ["X"] * 50_000}) for _ in range(10**9))
    )
    with pytest.raises(InputRejected, match="F111 prices:0"):
        read_record(texts | {"prices": endless}, plan)


def test_two_columns_of_one_name_are_refused(texts: dict[str, pd.DataFrame]) -> None:
    con = sqlite3.connect(":memory:")
    twice = con.execute("SELECT 'X' AS asset, 'X' AS asset, '2025-03-03T15:00:00Z' AS time, '1' AS close")
    with pytest.raises(InputRejected, match="F102 prices:0 column 'asset' twice"):
        read_record(texts | {"prices": twice}, EXAMPLE_PLAN)


def test_a_database_stamp_without_zone_is_refused_like_any_other(texts: dict[str, pd.DataFrame]) -> None:
    naive = duckdb.sql("SELECT 'ALPHA' AS asset, TIMESTAMP '2025-03-03 15:00:00' AS time, 50.5 AS close")
    record = read_record(texts | {"prices": naive}, EXAMPLE_PLAN)
    assert [p.code for p in record.quarantine] == ["D201"]


@pytest.mark.parametrize(
    ("thing", "words"),
    [
        (lambda: sqlite3.connect(":memory:").cursor(), "holds no result; run a query"),
        (lambda: duckdb.connect().cursor(), "not a table|holds no result"),
        (lambda: sqlite3.connect(":memory:"), "Connection is not a table"),
        (lambda: pl.LazyFrame({"asset": ["X"]}), "LazyFrame is not a table"),
        (lambda: pa.chunked_array([[1, 2]]), "ChunkedArray is not a table"),
        (lambda: [["X", "t", "1"]], "list is not a table"),
        (lambda: None, "NoneType is not a table"),
    ],
)
def test_what_is_no_table_is_told_what_would_be(texts: dict[str, pd.DataFrame], thing: Callable[[], object], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        read_record(texts | {"prices": thing()}, EXAMPLE_PLAN)


def test_one_record_batch_is_a_table(texts: dict[str, pd.DataFrame], plain: Record) -> None:
    same(texts | {"prices": pa.RecordBatch.from_pandas(texts["prices"])}, plain)
