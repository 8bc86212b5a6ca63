"""Prices mapped from files are the prices held in memory: rows, digest, problems, quarantine, drops."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from skillstats.errors import InputRejected
from skillstats.market.store import build_store
from skillstats.plan import parse_plan
from skillstats.record import Record, price_batches, price_build, read_record
from skillstats.record.price_rows import CELLS

PLAN = b'horizon = "close"\n[assets."NEG"]\nmay_be_negative = true\n[assets."TICK"]\ntick = "0.05"\n'
NOW = "2026-12-01T00:00:00Z"
HEAD = "asset,time,bid,ask,close,open,volume\n"
DAY = "2026-07-01T"
ROWS = {
    "plain": [f"XYZ,{DAY}14:0{k}:00Z,{50 + k}.1{k},{50 + k}.2,,," for k in range(9)],
    "columns out of order in time": [f"XYZ,{DAY}14:0{k}:00Z,,,{k + 1},{k + 2},{k}" for k in (3, 1, 2, 8, 0)],
    "three assets, other bytes": [f"{a},{DAY}14:0{k}:00+00:00,1,2,,,5" for k in range(3) for a in ("b", "B", "\u00e9")],
    "copies": [f"XYZ,{DAY}14:0{k}:00Z,1,2,,," for k in (0, 1, 0, 2, 0)],
    "copies written otherwise": [f"XYZ,{DAY}14:00:00Z,1,2,,,", f"XYZ,{DAY}15:00:00+01:00,1.0,2.00,,,"],
    "contradiction": [f"XYZ,{DAY}14:00:00Z,1,2,,,", f"XYZ,{DAY}14:00:00Z,1,3,,,", f"XYZ,{DAY}14:01:00Z,1,3,,,"],
    "contradiction and copy": [f"XYZ,{DAY}14:00:00Z,,,{c},," for c in (1, 2, 1, 2, 3)],
    "refused price beside a good one": [f"XYZ,{DAY}14:00:00Z,,,-1,,", f"XYZ,{DAY}14:00:00Z,,,1,,", f"XYZ,{DAY}14:02:00Z,,,1,,"],
    "bad cells": [
        f"XYZ,{DAY}14:00:00Z,,,1e5,,",
        f"XYZ,{DAY}14:01:00Z,,,$5,,",
        f"XYZ,{DAY}14:02:00,,,5,,",
        f",{DAY}14:03:00Z,,,5,,",
        f"XYZ,{DAY}14:04:00Z,5,,,,",
        f"XYZ,{DAY}14:05:00Z,,,5,,-1",
        f"XYZ,{DAY}14:06:00Z,0,1,5,,",
        f"XYZ,{DAY}14:07:00Z,,,5,,",
    ],
    "negative where the plan says so": [f"NEG,{DAY}14:0{k}:00Z,,,{-k},," for k in range(4)],
    "off tick": [f"TICK,{DAY}14:0{k}:00Z,,,1.0{k},," for k in (0, 3, 5)],
    "crossed, locked, close outside": [
        f"XYZ,{DAY}14:00:00Z,3,2,2.5,,",
        f"XYZ,{DAY}14:01:00Z,2,2,,,",
        f"XYZ,{DAY}14:02:00Z,2,3,9,,",
    ],
    "quoted cells and blank lines": [f'"X,YZ",{DAY}14:00:00Z,"1",2,,,', "", f'"X,YZ",{DAY}14:01:00Z,1,2,,,', "   "],
    "the header again": [f"XYZ,{DAY}14:00:00Z,1,2,,,", HEAD.strip(), f"XYZ,{DAY}14:01:00Z,1,2,,,"],
    "large and fine numbers": [f"XYZ,{DAY}14:00:00Z,0.0001,90000000000,,,1", f"XYZ,{DAY}14:01:00Z,0.0001,3,,,0.5"],
}


SIZED = [
    f"XYZ,{DAY}14:00:00Z,1,2,300,",
    f"XYZ,{DAY}14:01:00Z,1,2,0,7.00",
    f"XYZ,{DAY}14:02:00Z,1,2,-1,7",
    f"XYZ,{DAY}14:03:00Z,1,2,7,2.5",
    f"XYZ,{DAY}14:04:00Z,1,2,7,1e3",
    f"XYZ,{DAY}14:05:00Z,1,2,{2**60},7",
    f"XYZ,{DAY}14:06:00Z,1,2,{2**60 - 1},7",
    f"XYZ,{DAY}14:07:00Z,1,2,5,6",
    f"XYZ,{DAY}14:07:00Z,1.0,2,5.0,6",
    f"XYZ,{DAY}14:08:00Z,1,2,5,6",
    f"XYZ,{DAY}14:08:00Z,1,2,5,7",
    f"ABC,{DAY}14:08:00Z,1,2,50,70",
]
"""Missing, 0, negative, broken, out of range, largest, copied and contradicting sizes."""


def folder(tmp_path: Path, lines: list[str], head: str = HEAD) -> Path:
    desk = tmp_path / "desk"
    desk.mkdir()
    names = {line.split(",")[0].strip('"') for line in lines} | {"XYZ"}
    asset = max(names)
    (desk / "prices.csv").write_text(head + "\n".join(lines) + "\n", encoding="utf-8")
    (desk / "signals.csv").write_text(
        f"signal_id,time,model,asset,side,quantity\nS1,{DAY}14:02:00Z,M,{asset},BUY,10\n", encoding="utf-8"
    )
    (desk / "actions.csv").write_text(
        f"action_id,signal_id,time,trader,action,quantity\nA1,S1,{DAY}14:02:01Z,T1,VETO,\n", encoding="utf-8"
    )
    return desk


def both(desk: Path, tmp_path: Path) -> tuple[Record, Record]:
    plan = parse_plan(PLAN)
    return (
        read_record(desk, plan, now=NOW, prices="memory"),
        read_record(desk, plan, now=NOW, prices="mapped", store=tmp_path / "store"),
    )


def assert_same(one: Record, other: Record) -> None:
    assert set(one.problems) == set(other.problems)
    assert one.quarantine == other.quarantine
    assert one.drops == other.drops
    assert one.raw_rows == other.raw_rows and one.scales == other.scales
    assert one.summary().equals(other.summary())
    assert one.digests == other.digests
    a, b = build_store(one.prices, one.scales), build_store(other.prices, other.scales)
    assert a.assets == b.assets
    assert a.offsets.tolist() == b.offsets.tolist()
    assert a.time.tolist() == b.time.tolist()
    assert a.rows.refused.tolist() == b.rows.refused.tolist()
    assert [p.code for p in a.rows.reasons] == [p.code for p in b.rows.reasons]
    assert a.first_quote.tolist() == b.first_quote.tolist() and a.rows.last_time.tolist() == b.rows.last_time.tolist()
    for code in range(len(a.assets)):
        for name in CELLS:
            assert a.cells(code, name).tolist() == b.cells(code, name).tolist(), (a.assets[code], name)


@pytest.mark.parametrize("case", ROWS)
@pytest.mark.parametrize("rows", [2, 1 << 19])
def test_both_doors_say_the_same(case: str, rows: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(price_batches, "ROWS", rows)
    monkeypatch.setattr(price_build, "ROWS", rows)
    assert_same(*both(folder(tmp_path, ROWS[case]), tmp_path))


@pytest.mark.parametrize("columns", ["bid,ask", "close", "close,volume"])
def test_tables_with_few_columns(columns: str, tmp_path: Path) -> None:
    cells = ",".join(str(5 + k) for k, _ in enumerate(columns.split(",")))
    lines = [f"XYZ,{DAY}14:0{k}:00Z,{cells}" for k in (2, 0, 1, 1)] + [f"XYZ,{DAY}14:00:00Z,{cells.replace('5', '4')}"]
    assert_same(*both(folder(tmp_path, lines, f"asset,time,{columns}\n"), tmp_path))


@pytest.mark.parametrize("rows", [2, 1 << 19])
@pytest.mark.parametrize("lines", [SIZED, [r for r in SIZED if str(2**60)[:6] not in r]], ids=["64 bits", "32 bits"])
def test_sizes_of_quotes(lines: list[str], rows: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(price_batches, "ROWS", rows)
    monkeypatch.setattr(price_build, "ROWS", rows)
    one, mapped = both(folder(tmp_path, lines, "asset,time,bid,ask,bid_size,ask_size\n"), tmp_path)
    assert_same(one, mapped)
    assert mapped.prices.bid_size.dtype == (np.int64 if lines is SIZED else np.int32)
    assert sorted({p.code for p in one.quarantine if p.table == "prices"} - {"D223"}) == sorted(
        {"D102", "D105"} | ({"D103"} if lines is SIZED else set())
    )
    store = build_store(one.prices, one.scales)
    assert [v for v in store.cells(0, "ask_size").tolist() if v > 0] == [70]
    assert {7} < set(store.cells(1, "ask_size").tolist()) and one.tables["prices"]["ask_size"].dtype == np.int64


@pytest.mark.parametrize("sizes", ["", ",bid_size,ask_size", ",ask_size"])
def test_sizes_that_nobody_filled_leave_no_trace(sizes: str, tmp_path: Path) -> None:
    """The digest is the one prices had before there were sizes."""
    lines = [f"XYZ,{DAY}14:0{k}:00Z,{50 + k}.1{k},{50 + k}.2{',' * sizes.count(',')}" for k in range(9)]
    for record in both(folder(tmp_path, lines, f"asset,time,bid,ask{sizes}\n"), tmp_path):
        assert record.digests["prices"] == "10352bcd3be9a099d73a67e5acfc0c125dd3b261139bcdfbaf5906d269340a8a"
        assert not any(record.prices.has(c) for c in ("bid_size", "ask_size", "volume")) and record.prices.has("bid")


def test_which_side_a_size_is_of_enters_the_digest(tmp_path: Path) -> None:
    found = set()
    for name in ("bid_size", "ask_size", "volume"):
        (tmp_path / name).mkdir()
        desk = folder(tmp_path / name, [f"XYZ,{DAY}14:00:00Z,1,2,5"], f"asset,time,bid,ask,{name}\n")
        found |= {r.digests["prices"] for r in both(desk, tmp_path)}
    assert len(found) == 3


def test_parquet_and_csv_are_one_content(tmp_path: Path) -> None:
    desk = folder(tmp_path, ROWS["three assets, other bytes"] + ROWS["plain"])
    one, mapped = both(desk, tmp_path)
    from_csv = {n: pa.array(v, pa.string()) for n, v in one.raw.tables["prices"].columns.items()} if one.raw else {}
    pq.write_table(pa.table(from_csv), desk / "prices.parquet")
    (desk / "prices.csv").unlink()
    again = read_record(desk, parse_plan(PLAN), now=NOW, prices="mapped", store=tmp_path / "store")
    assert again.digests == mapped.digests == one.digests


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "F101"),
        (HEAD, "F101"),
        ("a,b,c\n1,2,3\n", "F101"),
        (HEAD.replace(",", ";") + "XYZ;2026-07-01T14:00:00Z;1;2;;;\n", "F105"),
        ("asset,time,bid,ask,bid\nXYZ,2026-07-01T14:00:00Z,1,2,3\n", "F102"),
        ("asset,time,bid\nXYZ,2026-07-01T14:00:00Z,1\n", "F102"),
        (HEAD + "XYZ,2026-07-01T14:00:00Z,1,2,,,\nXYZ,1\n", "F104"),
        (HEAD + 'XYZ,2026-07-01T14:00:00Z,"1,2,,,\n', "F104"),
        (HEAD + "X" * 2_000_000 + "\n", "F107"),
        ("PK\x03\x04", "F106"),
    ],
)
def test_a_file_that_is_no_table(text: str, code: str, tmp_path: Path) -> None:
    desk = folder(tmp_path, ROWS["plain"])
    (desk / "prices.csv").write_text(text, encoding="utf-8")
    for choice in ("memory", "mapped"):
        with pytest.raises(InputRejected) as caught:
            read_record(desk, parse_plan(PLAN), now=NOW, prices=choice, store=tmp_path / "store")  # type: ignore[arg-type]
        assert [p.code for p in caught.value.problems] == [code], choice
    assert not list((tmp_path / "store").glob("*/rows.json"))


def test_latin_and_utf16_bytes_are_refused(tmp_path: Path) -> None:
    desk = folder(tmp_path, ROWS["plain"])
    for data in ((HEAD + "\u00e9").encode("latin-1"), HEAD.encode("utf-16"), HEAD.replace("\n", "\r").encode()):
        (desk / "prices.csv").write_bytes(data)
        with pytest.raises(InputRejected, match="F103"):
            read_record(desk, parse_plan(PLAN), now=NOW, prices="mapped", store=tmp_path / "store")


def test_a_damaged_store_is_built_anew(tmp_path: Path) -> None:
    desk = folder(tmp_path, ROWS["plain"])
    one, mapped = both(desk, tmp_path)
    built = next((tmp_path / "store").glob("*/rows.json")).parent
    (built / "bid.bin").write_bytes(b"\0" * 4)
    assert_same(one, both(desk, tmp_path)[1])
    data = bytearray((built / "bid.bin").read_bytes())
    data[0] ^= 1  # the same size, another price
    (built / "bid.bin").write_bytes(data)
    assert_same(one, both(desk, tmp_path)[1])
    saved = json.loads((built / "rows.json").read_text())
    (built / "rows.json").write_text(json.dumps(saved)[:-9])
    assert_same(one, both(desk, tmp_path)[1])
    assert np.asarray(mapped.prices.bid).flags.writeable is False


def test_a_changed_file_is_another_folder(tmp_path: Path) -> None:
    desk = folder(tmp_path, ROWS["plain"])
    both(desk, tmp_path)
    with (desk / "prices.csv").open("a") as handle:
        handle.write(f"XYZ,{DAY}15:00:00Z,1,2,,,\n")
    _, again = both(desk, tmp_path)
    assert len(again.prices) == len(ROWS["plain"]) + 1
    assert len(list((tmp_path / "store").glob("*/rows.json"))) == 2
