"""The catalogue of bad input in the data contract (section 9), row by row: what is done to a good desk, and what must be said of it.

Each case names the row of the catalogue, the change, the code, where the finding stands and words its message must hold, value included. The
outcome is checked as a whole: a **reject** writes nothing; a **quarantine** takes exactly the chains named and leaves every other row of the ledger as it
was; a **warn** keeps every row; an **accept** says nothing, and where `same` is set the ledger's rows are those of the good desk, byte by byte.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import pickle
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from msgspec.structs import replace

sys.path.insert(0, str(Path(__file__).parent))

from catalogue_desk import CLOSE, DAY, NOW, PLAN, Change, Draft, again, both, cell, file, good_desk, plan, quoted, without

from skillstats.errors import RULES, InputRejected, Problem
from skillstats.ledger.build import build_ledger
from skillstats.ledger.canonical import content_digest
from skillstats.ledger.containers import Ledger
from skillstats.plan import Asset, ColumnReading, Limits
from skillstats.record import read_record

ZONE = "America/New_York"


@dataclass(frozen=True)
class Case:
    """One line of the catalogue, or one of the inputs it names.

    gone : chains that leave the ledger; file : place of the finding; words : parts of the message
    """

    row: int
    what: str
    change: Change
    code: str = ""
    place: str = ""
    words: tuple[str, ...] = ()
    gone: str = ""
    same: bool = True


def accept(row: int, what: str, change: Change, *, same: bool = True) -> Case:
    return Case(row, what, change, same=same)


def warn(row: int, what: str, change: Change, code: str, place: str, *words: str) -> Case:
    return Case(row, what, change, code, place, words)


def aside(row: int, what: str, change: Change, code: str, place: str, gone: str, *words: str) -> Case:
    return Case(row, what, change, code, place, words, gone)


def reject(row: int, what: str, change: Change, code: str, place: str, *words: str) -> Case:
    return Case(row, what, change, code, place, words)


def name(text: str) -> Change:
    """Trader T1 is called something else."""

    def change(d: Draft) -> None:
        for row in d.tables["actions"]:
            row["trader"] = row["trader"].replace("T1", text)

    return change


def prices_file(data: bytes) -> Change:
    return file("prices.csv", data)


def good(table: str) -> bytes:
    return good_desk().text(table)


def zipped() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("prices.csv", good("prices"))
    return out.getvalue()


def parquet(table: pa.Table, **options: Any) -> bytes:
    out = io.BytesIO()
    pq.write_table(table, out, **options)
    return out.getvalue()


def bomb(text: str, rows: int) -> bytes:
    """A small Parquet file that is large when decoded: one text, many times."""
    return parquet(pa.table({"asset": pa.array([text] * rows), "time": pa.array(["t"] * rows), "close": pa.array(["1"] * rows)}))


def column_zone(column: str, stamp: str) -> Change:
    return both(cell("signals", 3, time=stamp), plan(replace(PLAN, columns={f"signals.{column}": ColumnReading(zone=ZONE)})))


def offset(d: Draft) -> None:
    for rows in d.tables.values():
        for row in rows:
            if row["time"].startswith(DAY):
                row["time"] = row["time"].replace("T14:", "T20:").replace("Z", "+06:00")


def split_fill(d: Draft) -> None:
    d.tables["fills"][3]["quantity"], d.tables["fills"][3]["fee"] = "60", "0.06"
    d.tables["fills"].append({**d.tables["fills"][3], "fill_id": "F4b", "quantity": "40", "fee": "0.04"})


def rename_ids(d: Draft) -> None:
    """Ids that a program with numbers in its head would take for one another."""
    new = {"S1": "007", "S2": "7", "S3": "1E5", "S4": "100000", "A1": "9007199254740993", "A2": "9007199254740992", "A3": "NA"}
    for rows in d.tables.values():
        for row in rows:
            for key in ("signal_id", "action_id"):
                row.update({key: new.get(row[key], row[key])} if key in row else {})


def renamed_ticker(d: Draft) -> None:
    """XYZ is quoted until 15:00 of the day, XYZ2 from then on; the horizon's quote is XYZ2's."""
    quoted("XYZ", f"{DAY}14:45:00Z", 60, 16, "50.01")(d)
    quoted("XYZ2", f"{DAY}15:00:00Z", 60, 3, "50.01")(d)
    for row in d.tables["prices"]:
        row["asset"] = "XYZ2" if row["time"] == CLOSE and row["asset"] == "XYZ" else row["asset"]


def minute_bars(*, hole: bool = False, flat: bool = False, halved: bool = False) -> Change:
    """ABC quoted every minute of the rest of the day and of the next one up to its close."""

    def change(d: Draft) -> None:
        rows = d.tables["prices"]
        for day, first, last in (("2026-07-01T", 14 * 60 + 45, 20 * 60), ("2026-07-02T", 13 * 60 + 31, 20 * 60 - 1)):
            for k in range(first, last + 1):
                if hole and day == DAY and 16 * 60 < k < 18 * 60:
                    continue
                cents = 2550 if flat else 2550 + k % 3
                cents //= 2 if halved and (day != DAY or k > 16 * 60) else 1
                rows.append(
                    {
                        "asset": "ABC",
                        "time": f"{day}{k // 60:02d}:{k % 60:02d}:00Z",
                        "bid": f"{cents / 100}",
                        "ask": f"{cents / 100}",
                        "close": "",
                    }
                )
        if halved:
            d.tables["prices"] = [
                r | {"bid": "12.76", "ask": "12.76"} if r["asset"] == "ABC" and r["time"] == CLOSE else r for r in rows
            ]

    return change


def in_the_halt(d: Draft) -> None:
    """A fourth order in ABC while it is halted."""
    minute_bars(hole=True)(d)
    d.tables["signals"].append({**d.tables["signals"][2], "signal_id": "S9", "time": f"{DAY}17:00:00Z"})


def copies(d: Draft) -> None:
    """S1 ten times over with tiny vetoes, and S2's order a thousand million times as large."""
    for k in range(5):
        d.tables["signals"].append({**d.tables["signals"][0], "signal_id": f"V{k}", "quantity": "1"})
        d.tables["actions"].append({**d.tables["actions"][0], "action_id": f"W{k}", "signal_id": f"V{k}"})
    d.tables["signals"].append({**d.tables["signals"][0], "signal_id": "S0007", "quantity": "1000000000"})
    d.tables["actions"].append({**d.tables["actions"][0], "action_id": "A0007", "signal_id": "S0007"})


XY = "S1 S2 S4"
EVERY = "S1 S2 S3 S4 A5"
HEAD = b"asset,time,close\n"
LINE = b"XYZ,2026-07-01T14:30:00Z,50\n"
HOSTILE_NAMES = ("NA", "null", "None", "nan", "TRUE", "inf", "007")
CONTRACT_FX = replace(PLAN, assets={"ABC": Asset(currency="EUR", fx="EURUSD")})

CASES = [
    aside(1, "quantity 0", cell("signals", 3, quantity="0"), "D101", "signals.csv:5", "S4", "S4 quantity=0, must be > 0"),
    aside(2, "quantity negative", cell("signals", 3, quantity="-500"), "D102", "signals.csv:5", "S4", "quantity=-500", "use side for direction"),
    *(
        aside(3, f"quantity {v}", cell("signals", 3, quantity=v), "D103", "signals.csv:5", "S4", f"quantity='{v}'", "not a finite number in range")
        for v in ("NaN", "inf", "1e308", str(2**63))
    ),
    aside(4, "quantity empty", cell("signals", 3, quantity=""), "D104", "signals.csv:5", "S4", "quantity=''", "missing"),
    *(
        aside(5, f"quantity {v}", cell("fills", 3, quantity=v), "D105", "fills.csv:5", "S4", f"F4 quantity='{v}'", "not a plain decimal")
        for v in ("many", "0x10", "1,000")
    ),
    aside(6, "full-width digits", cell("signals", 3, quantity="５００"), "D105", "signals.csv:5", "S4", "U+FF15 U+FF10"),
    aside(6, "Arabic digits", cell("signals", 3, quantity="٥٠"), "D105", "signals.csv:5", "S4", "U+0665 U+0660"),
    accept(7, "+500", cell("signals", 0, quantity="+500")),
    accept(7, "fractional quantity", cell("signals", 0, quantity="0.5"), same=False),
    aside(
        7,
        "off a declared lot",
        both(cell("signals", 3, quantity="99.5"), plan(replace(PLAN, assets={"XYZ": Asset(lot="1")}))),
        "D107", "signals.csv:5", "S4", "S4 quantity=99.5", "lot",
    ),
    aside(8, "trailing NUL", cell("signals", 3, quantity="100\x00"), "D106", "signals.csv:5", "S4", r"quantity='100\x00'", "NUL at byte 3"),
    aside(9, "price 0", cell("fills", 3, price="0"), "D111", "fills.csv:5", "S4", "price=0", "may_be_negative"),
    aside(9, "price negative", cell("fills", 3, price="-1"), "D111", "fills.csv:5", "S4", "price=-1", "must be > 0"),
    *(
        aside(10, f"price {v}", cell("fills", 3, price=v), "D112", "fills.csv:5", "S4", f"price='{v}'", "not a finite number in range")
        for v in ("NaN", "inf", "", "5e-320")
    ),
    *(
        aside(11, f"price {v}", cell("fills", 3, price=v), "D113", "fills.csv:5", "S4", f"price='{v}'", "declare the decimal mark")
        for v in ("50,20", "$50.20")
    ),
    warn(12, "fat finger", cell("fills", 3, price="5001"), "D114", "fills.csv:5", "F4 price=5001.00", "fill 9900 % from mid 50.01"),
    warn(13, "fill 20 % outside the quote", cell("fills", 3, price="60.01"), "D115", "fills.csv:5", "fill 60.01, quote 50.00/50.02"),
    aside(14, "side look-alike", cell("signals", 3, side="ВUY"), "D121", "signals.csv:5", "S4", r"side='\u0412UY'", "U+0412", "not in {BUY, SELL}"),
    aside(14, "side typo", cell("signals", 3, side="BYU"), "D121", "signals.csv:5", "S4", "side='BYU'"),
    aside(14, "side empty", cell("signals", 3, side=""), "D121", "signals.csv:5", "S4", "side=''"),
    *(
        aside(15, f"side {v}", cell("signals", 3, side=v), "D121", "signals.csv:5", "S4", f"side='{v}'", "map it in the plan")
        for v in ("B", "1", "SELL_SHORT")
    ),
    accept(16, "side lower case", cell("signals", 0, side="buy")),
    aside(17, "unknown verb", cell("actions", 3, action="MODIFY"), "D122", "actions.csv:5", "S4", "A4 action='MODIFY'", "not in the seven"),
    aside(18, "ACCEPT of another quantity", cell("actions", 3, quantity="700"), "D123", "actions.csv:5", "S4", "quantity=700, signal 100", "is this a RESIZE?"),
    aside(19, "VETO with a quantity", cell("actions", 0, quantity="500"), "D124", "actions.csv:2", "S1", "quantity=500", "must be 0 or empty"),
    aside(20, "VETO with a fill", again("fills", 3, fill_id="F7", action_id="A1"), "D125", "fills.csv:7", "S1", "F7 action_id='A1'", "VETO"),
    warn(21, "RESIZE to the same quantity", cell("signals", 2, quantity="300"), "D126", "actions.csv:4", "A3 quantity=300", "size part 0"),
    warn(22, "fee negative", cell("fills", 3, fee="-0.20"), "D131", "fills.csv:5", "F4 fee=-0.2", "rebate"),
    aside(23, "fee NaN", cell("fills", 3, fee="NaN"), "D132", "fills.csv:5", "S4", "fee='NaN'", "not a finite amount"),
    aside(24, "filled more than ordered", cell("fills", 2, quantity="999999"), "D141", "actions.csv:4", "S3", "quantity=300, filled 999999"),
    warn(25, "partial fill", cell("fills", 2, quantity="100"), "D142", "actions.csv:4", "quantity=300, filled 100", "omitted size"),
    aside(26, "ACCEPT without fill", without("fills", 3), "D143", "actions.csv:5", "S4", "A4", "no fill", "`unfilled`"),
    accept(27, "fill split at one price", split_fill, same=False),
    aside(28, "time without zone", cell("signals", 3, time=f"{DAY}14:37:20"), "D201", "signals.csv:5", "S4", "time='2026-07-01T14:37:20'", "zone in the plan"),
    aside(29, "03/04/2025", cell("signals", 3, time="03/04/2025"), "D202", "signals.csv:5", "S4", "time='03/04/2025'", "ambiguous"),
    aside(30, "epoch number", cell("signals", 3, time="1782916200"), "D203", "signals.csv:5", "S4", "time='1782916200'", "unknown unit"),
    *(
        aside(31, v, cell("signals", 3, time=v), "D204", "signals.csv:5", "S4", f"time='{v}'", "no such instant")
        for v in ("2026-02-30T10:00:00Z", "2026-07-01T24:00:00Z", "2026-07-01T14:37:60Z")
    ),
    *(
        aside(32, f"year {v}", cell("signals", 3, time=f"{v}-07-01T14:37:20Z"), "D205", "signals.csv:5", "S4", f"time='{v}-", "outside 1970-2199")
        for v in ("1600", "9999")
    ),
    accept(33, "other offset", offset),
    aside(34, "clock fold", column_zone("time", "2026-11-01T01:30:00"), "D206", "signals.csv:5", "S4", "time='2026-11-01T01:30:00'", "two instants"),
    aside(35, "clock gap", column_zone("time", "2026-03-08T02:30:00"), "D207", "signals.csv:5", "S4", "time='2026-03-08T02:30:00'", "does not exist"),
    aside(36, "nanoseconds", cell("signals", 3, time=f"{DAY}14:37:20.000000789Z"), "D208", "signals.csv:5", "S4", "remainder 789 ns"),
    accept(36, "nanoseconds of zero", cell("signals", 0, time=f"{DAY}14:30:00.000000000Z")),
    aside(37, "action before signal", cell("actions", 3, time=f"{DAY}14:37:19Z"), "D211", "actions.csv:5", "S4", "-1.000 s, tolerance 0 s (max_skew)"),
    aside(38, "fill before action", cell("fills", 3, time=f"{DAY}14:37:29Z"), "D212", "fills.csv:5", "S4", "F4", "-1.000 s, tolerance 0 s (max_skew)"),
    accept(39, "action at the signal's instant", cell("actions", 0, time=f"{DAY}14:30:00Z"), same=False),
    aside(
        40,
        "action after horizon",
        both(cell("actions", 3, time="2026-07-02T20:00:01Z"), without("fills", 3), plan(replace(PLAN, unfilled="zero"))),
        "D213", "actions.csv:5", "S4", "A4", "1.000 s after",
    ),
    warn(41, "fill after horizon", cell("fills", 3, time="2026-07-02T20:00:01Z"), "D214", "actions.csv:5", "A4", "after the horizon"),
    reject(42, "the future", lambda d: [r.update(time=r["time"].replace("2026", "2106")) for t in d.tables.values() for r in t], "F301", "prices.csv:0", "79.5 years after now"),
    accept(43, "a little late", cell("actions", 0, recorded_at=f"{DAY}14:31:00Z"), same=False),
    warn(43, "late", cell("actions", 0, recorded_at=f"{DAY}17:30:10Z"), "D215", "actions.csv:2", "A1 recorded_at='2026-07-01T17:30:10Z'", "10800.000 s after time, limit PT60S"),
    warn(44, "identical duplicate", again("fills", 3), "D221", "fills.csv:7", "F4", "identical duplicate of fills.csv:5"),
    aside(45, "conflicting duplicate", again("fills", 3, price="50.03"), "D222", "fills.csv:5", "S4", "fill_id='F4'", "also in line 7"),
    aside(46, "two prices at one instant", again("prices", 12, bid="1", ask="1"), "D223", "prices.csv:14", "S4", "XYZ 2026-07-01T14:37:00Z", "also in line 44"),
    aside(47, "orphan action", again("actions", 0, action_id="A9", signal_id="S9999"), "D231", "actions.csv:7", "", "A9 signal_id='S9999'", "no signal 'S9999'"),
    aside(47, "orphan fill", again("fills", 3, fill_id="F9", action_id="A99"), "D231", "fills.csv:7", "", "F9 action_id='A99'", "no action 'A99'"),
    warn(48, "signal without action", both(without("actions", 3), without("fills", 3)), "D144", "signals.csv:5", "S4", "NO_DECISION"),
    aside(49, "two actions", again("actions", 3, action_id="A4b"), "D232", "actions.csv:5", "S4", "actions A4, A4b", "supersede"),
    accept(50, "ids like numbers", rename_ids, same=False),
    aside(51, "id with a blank", again("signals", 0, signal_id="S0004 "), "D233", "signals.csv:6", "", "S0004", "blank at an end"),
    aside(51, "id in other case", again("signals", 3, signal_id="s4"), "D233", "signals.csv:6", "S4", "signal_id='s4', 'S4' exists"),
    aside(52, "id not NFC", again("signals", 0, signal_id="Se\u0301"), "D234", "signals.csv:6", "", r"signal_id='Se\u0301'", "normal form C"),
    aside(53, "id empty", again("signals", 0, signal_id=""), "D235", "signals.csv:6", "", "signal_id=''", "1-256 bytes"),
    aside(53, "id of 100 kB", again("signals", 0, signal_id="S" * 100_000), "D235", "signals.csv:6", "", "100000 bytes, limit 256"),
    *(accept(54, f"name {n}", name(n), same=False) for n in HOSTILE_NAMES),
    *(accept(55, f"name {n}", name(n), same=False) for n in ("<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "<svg/onload=1>", "</table>")),
    *(accept(56, f"name {n[:1]!r}", name(n), same=False) for n in ("=1+1", "+1", "-a", "@x")),
    warn(56, "name with a tab", name("\tx"[:0] + "a\tx"), "D242", "actions.csv:2", "U+0009"),
    *(accept(57, f"name {n}", name(n), same=False) for n in ("../../x", "/a/x", "CON", ".")),
    *(accept(58, f"name {n}", name(n), same=False) for n in ("'; DROP TABLE x;--", "{{7*7}}", "%s%n")),
    *(
        warn(59, f"name with {what}", name(n), "D242", "actions.csv:2", "trader='" + ascii(n)[1:-1], point)
        for what, n, point in (
            ("a newline", "T\n1", "U+000A"), ("ANSI", "T\x1b[31m", "U+001B"), ("RTL", "T\u202e1", "U+202E"), ("zero width", "T\u200b1", "U+200B"),
            ("a look-alike", "Аnna", "CYRILLIC and LATIN"),
        )
    ),
    aside(60, "name empty", cell("actions", 3, trader=""), "D241", "actions.csv:5", "S4", "trader=''", "1-256 bytes"),
    aside(60, "name with blanks", cell("actions", 3, trader=" T1"), "D241", "actions.csv:5", "S4", "trader=' T1'", "blank at an end"),
    aside(60, "name of 64 kB", cell("actions", 3, trader="T" * 65_536), "D241", "actions.csv:5", "S4", "65536 bytes, limit 256"),
    aside(60, "name with NUL", cell("actions", 3, trader="T\x001"), "D241", "actions.csv:5", "S4", "NUL at byte 1"),
    accept(61, "name with mathtext", name(r"$\frac{$"), same=False),
    warn(62, "crossed quote", cell("prices", 0, bid="60", ask="40"), "D251", "prices.csv:2", "XYZ bid=60, above ask 40"),
    accept(63, "locked quote", cell("prices", 0, bid="50", ask="50")),
    aside(64, "market price 0", cell("prices", 12, bid="0"), "D252", "prices.csv:14", "S4", "XYZ bid=0", "may_be_negative"),
    aside(64, "market price negative", cell("prices", 12, bid="-3", ask="-2"), "D252", "prices.csv:14", "S4", "XYZ bid=-3"),
    warn(65, "close outside the quote", cell("prices", 0, close="51"), "D253", "prices.csv:2", "close=51, quote 50/50.02", "mid is used"),
    aside(
        66,
        "reference price missing",
        lambda d: d.tables["signals"].append({**d.tables["signals"][0], "signal_id": "S9", "time": f"{DAY}14:45:15Z"}),
        "D254", "signals.csv:6", "", "S9", "newest is 75 s old, limit PT60S",
    ),
    aside(67, "asset unknown", cell("signals", 0, asset="NOSUCH"), "D255", "actions.csv:2", "S1", "A1 asset='NOSUCH'", "no price for NOSUCH"),
    warn(68, "prices end before the horizon", without("prices", 40, 41), "D263", "actions.csv:2", "A1", "status OPEN"),
    warn(69, "halt of 2 h", minute_bars(hole=True), "D256", "prices.csv:", "ABC time='2026-07-01T16:00:00Z'", "no price for 2 h"),
    aside(69, "an order in the halt", in_the_halt, "D254", "signals.csv:6", "", "S9", "newest is 3600 s old, limit PT60S"),
    warn(70, "stuck price", minute_bars(flat=True), "D257", "prices.csv:44", "ABC", "unchanged for"),
    warn(71, "2:1 split, unadjusted", minute_bars(halved=True), "D258", "prices.csv:", "-50 % in 1 min", "corporate_actions"),
    aside(73, "ticker renamed", renamed_ticker, "D259", "actions.csv:2", XY, "A1 asset='XYZ'", "XYZ ends, XYZ2 starts at the same instant"),
    accept(78, "two signals at one instant", again("signals", 3, signal_id="S0"), same=False),
    warn(79, "one decision a thousand million times the others", copies, "D271", "actions.csv:12", "decision_id='A0007'", "99.9 % of the total"),
    *(reject(82, what, prices_file(data), "F101", "prices.csv:", words) for what, data, words in (
        ("empty", b"", "empty"), ("header only", HEAD, "no rows"), ("no header", LINE, "no header"),
    )),
    reject(83, "column missing", file("prices.csv", b"asset,close\nX,50\n"), "F102", "prices.csv:1", "no column 'time'"),
    reject(83, "column twice", file("prices.csv", b"asset,time,close,close\nX,2026-07-01T14:30:00Z,50,50\n"), "F102", "prices.csv:1", "column 'close' twice"),
    accept(84, "BOM", file("prices.csv", b"\xef\xbb\xbf" + good("prices"))),
    accept(84, "CRLF", file("prices.csv", good("prices").replace(b"\n", b"\r\n"))),
    accept(84, "no last newline", file("prices.csv", good("prices").rstrip(b"\n"))),
    reject(85, "UTF-16", prices_file(good("prices").decode().encode("utf-16")), "F103", "prices.csv:0", "UTF-16 at byte 0"),
    reject(85, "Latin-1", prices_file(good("prices").replace(b"ABC", b"AB\xc7", 1)), "F103", "prices.csv:0", f"not UTF-8 at byte {good('prices').index(b'ABC') + 2}"),
    reject(85, "CR only", prices_file(good("prices").replace(b"\n", b"\r")), "F103", "prices.csv:0", "CR only"),
    reject(86, "short row", prices_file(HEAD + LINE * 4 + b"X,50\n"), "F104", "prices.csv:6", "2 fields, 3 expected"),
    reject(86, "long row", prices_file(HEAD + LINE + b"X,2026-07-01T14:30:00Z,50,60\n"), "F104", "prices.csv:3", "4 fields, 3 expected"),
    reject(86, "every row long", prices_file(HEAD + LINE.replace(b"\n", b",\n") * 3), "F104", "prices.csv:2", "4 fields, 3 expected"),
    reject(86, "open quote", prices_file(HEAD + b'"' + LINE), "F104", "prices.csv:2", "quote"),
    reject(87, "semicolons", prices_file(good("prices").replace(b",", b";")), "F105", "prices.csv:1", "delimiter ';'", "name the delimiter"),
    reject(87, "tabs", prices_file(good("prices").replace(b",", b"\t")), "F105", "prices.csv:1", r"delimiter '\t'"),
    reject(87, "comment line", prices_file(b"# exported\n" + good("prices")), "F105", "prices.csv:1", "comment line"),
    warn(88, "blank lines", file("prices.csv", good("prices").replace(b"\n", b"\n\n", 1)), "D108", "prices.csv:2", "documented drop"),
    *(
        reject(89, what, prices_file(data), "F106", "prices.csv:0", "not a table")
        for what, data in (
            ("NUL run", HEAD + bytes(100)), ("random bytes", np.random.default_rng(1).bytes(5000)), ("zip", zipped()), ("pickle", pickle.dumps([1])),
            ("HTML", b"<!DOCTYPE html><html></html>"), ("gzip", gzip.compress(HEAD)),
        )
    ),
    reject(89, "broken Parquet", file("prices.parquet", bomb("X", 1000)[:300]), "F106", "prices.parquet:0", "broken Parquet"),
    accept(90, "last number cut, no sidecar", file("prices.csv", good("prices").rstrip(b"\n").removesuffix(b"2,") + b","), same=False),
    reject(
        90,
        "last number cut, sidecar",
        both(file("prices.csv", good("prices")[:-3]), file("prices.csv.sha256", hashlib.sha256(good("prices")).hexdigest().encode())),
        "F109", "prices.csv:0", "prices.csv.sha256 says", hashlib.sha256(good("prices")).hexdigest()[:12],
    ),
    reject(90, "row count sidecar", file("prices.csv.rows", b"43"), "F109", "prices.csv:0", "42 rows, prices.csv.rows says '43'"),
    aside(91, "file joined to itself", file("fills.csv", good("fills") * 2), "D237", "fills.csv:7", "", "header again as a row"),
    reject(92, "one 4 MB line", prices_file(HEAD + b"X" * 4_000_000 + LINE), "F107", "prices.csv:2", "4000028 bytes, limit 1000000"),
    reject(93, "too many rows", plan(replace(PLAN, limits=Limits(max_rows=41))), "F111", "prices.csv:0", "42 rows, max_rows 41"),
    reject(93, "too many bytes", plan(replace(PLAN, limits=Limits(max_bytes=1000))), "F111", "prices.csv:0", f"{len(good('prices'))} bytes, max_bytes 1000"),
    reject(
        93, "Parquet bomb of rows", both(file("prices.parquet", bomb("X", 1_000_000)), plan(replace(PLAN, limits=Limits(max_rows=999_999)))),
        "F111", "prices.parquet:0", "1000000 rows, max_rows 999999",
    ),
    reject(
        93, "Parquet bomb of pages",
        both(
            file("prices.parquet", parquet(pa.table({"asset": ["X" * 100] * 50_000}), use_dictionary=False, compression="zstd")),
            plan(replace(PLAN, limits=Limits(max_bytes=100_000))),
        ),
        "F111", "prices.parquet:0", "bytes when decoded, max_bytes 100000",
    ),
    reject(
        93, "Parquet bomb of a dictionary",
        both(file("prices.parquet", bomb("X" * 100_000, 50_000)), plan(replace(PLAN, limits=Limits(max_bytes=1_000_000_000)))),
        "F111", "prices.parquet:0", "5000000000 bytes when decoded, max_bytes 1000000000",
    ),
    accept(93, "gzip bomb beside the tables", file("extra.csv.gz", gzip.compress(bytes(10_000_000))), same=True),
]  # fmt: skip


def run(draft: Draft, folder: Path) -> Ledger | tuple[Problem, ...]:
    """The ledger, or the problems of the refusal."""
    try:
        return build_ledger(read_record(draft.write(folder), draft.plan, now=NOW))
    except InputRejected as refused:
        return refused.problems


def rows_of(ledger: Ledger) -> dict[str, dict[str, Any]]:
    """Rows by chain, without the positions of prices in the store: a case that adds or removes a price row moves them."""
    kept = [c for c in ledger.rows.column_names if c not in ("mark_index", "model_price_index")]
    return {r["signal_id"] or r["action_id"]: r for r in ledger.rows.select(kept).to_pylist()}


@pytest.fixture(scope="module")
def good_ledger(tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    ledger = run(good_desk(), tmp_path_factory.mktemp("good"))
    assert isinstance(ledger, Ledger) and ledger.problems == () and ledger.quarantine.num_rows == 0
    assert sorted(rows_of(ledger)) == sorted(EVERY.split())
    return ledger


@pytest.mark.parametrize("case", CASES, ids=[f"{c.row:02d} {c.what[:40]}" for c in CASES])
def test_the_catalogue(case: Case, tmp_path: Path, good_ledger: Ledger) -> None:
    draft = good_desk()
    case.change(draft)
    result = run(draft, tmp_path)
    problems = result.problems if isinstance(result, Ledger) else result
    if case.code:
        told = [str(p) for p in problems if p.code == case.code and f"{p.file}:{p.line}".startswith(case.place)]
        assert told, [str(p) for p in problems]
        assert any(all(w in text for w in case.words) for text in told), told
    outcome = RULES[case.code].outcome if case.code else "accept"
    if outcome == "reject":
        assert not isinstance(result, Ledger) and InputRejected.exit_code == 2
        return
    assert isinstance(result, Ledger), [str(p) for p in problems]
    before, after = rows_of(good_ledger), rows_of(result)
    if outcome == "quarantine":
        assert set(before) - set(after) == set(case.gone.split())
        assert all(after[k] == before[k] for k in set(before) - set(case.gone.split()))
        assert case.code in result.quarantine["code"].to_pylist()
    else:
        assert set(before) <= set(after) or case.row == 50
        assert result.quarantine.num_rows == 0
    if outcome == "accept":
        assert {p.code for p in problems} - {"D110", "D144"} == set(), [str(p) for p in problems]
        assert not case.same or content_digest(result.rows) == content_digest(good_ledger.rows)


# rows that compare two ledgers or two outputs ----------------------------------------------------------------------------------------------


def test_row_27_the_split_fill_has_the_same_money(tmp_path: Path, good_ledger: Ledger) -> None:
    draft = good_desk()
    split_fill(draft)
    one, two = rows_of(good_ledger)["S4"], rows_of(ledger_of(draft, tmp_path))["S4"]
    assert {k for k in one if one[k] != two[k]} == {"n_fills"}


def ledger_of(draft: Draft, folder: Path) -> Ledger:
    folder.mkdir(exist_ok=True)
    ledger = run(draft, folder)
    assert isinstance(ledger, Ledger)
    return ledger


@pytest.mark.parametrize(
    "text", [*HOSTILE_NAMES, "<script>alert(1)</script>", "../../x", "CON", "%s%n", "{{7*7}}", r"$\frac{$", "=1+1", "@x"]
)
def test_rows_54_to_61_a_name_reaches_every_output_as_it_is(text: str, tmp_path: Path) -> None:
    draft = good_desk()
    name(text)(draft)
    (tmp_path / "in").mkdir()
    ledger = ledger_of(draft, tmp_path / "in")
    ledger.write(tmp_path / "out")
    for table in ("ledger", "decisions", "slices", "books"):
        assert text in pq.read_table(tmp_path / "out" / f"{table}.parquet")["trader"].to_pylist()
    shown = "'" + text if text[0] in "=+-@" else text
    assert shown in (tmp_path / "out" / "ledger.csv").read_text(encoding="utf-8")
    assert not [p for p in tmp_path.rglob("*") if text in p.name]
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == sorted(
        [
            "manifest.json",
            "rows.bin",
            "ledger.csv",
            "kpis.csv",
            "quarantine.csv",
            "drops.csv",
            *(f"{t}.parquet" for t in ("ledger", "decisions", "slices", "books")),
        ]
    )


def test_row_76_a_later_price_changes_no_earlier_row(tmp_path: Path, good_ledger: Ledger) -> None:
    draft = good_desk()
    again("prices", 40, time="2026-07-06T15:00:00Z", bid="70", ask="71")(draft)
    assert content_digest(ledger_of(draft, tmp_path).rows) == content_digest(good_ledger.rows)


def test_row_77_an_unused_asset_changes_no_row(tmp_path: Path, good_ledger: Ledger) -> None:
    draft = good_desk()
    quoted("AAA", f"{DAY}14:30:00Z", 60, 10, "1", "2", "4")(draft)
    assert content_digest(ledger_of(draft, tmp_path).rows) == content_digest(good_ledger.rows)


def test_row_78_signals_of_one_instant_stand_in_the_order_of_their_ids(tmp_path: Path) -> None:
    draft = good_desk()
    again("signals", 3, signal_id="S0")(draft)
    assert ledger_of(draft, tmp_path).rows["signal_id"].to_pylist()[-3:] == ["S0", "S4", None]


def test_row_80_no_variance_gives_no_ratio(tmp_path: Path) -> None:
    draft = good_desk()
    draft.tables["signals"], draft.tables["actions"] = draft.tables["signals"][:1], draft.tables["actions"][:1]
    del draft.tables["fills"]
    again("signals", 0, signal_id="S2")(draft)
    again("actions", 0, action_id="A2", signal_id="S2")(draft)
    kpis = next(k for k in ledger_of(draft, tmp_path).kpis.to_pylist() if k["by"] == "trader")
    assert (kpis["n_decisions"], kpis["sd"], kpis["ir_per_decision"]) == (2, None, None) and kpis["mean"] != 0


def test_row_81_one_row_of_one_trader_has_a_ledger_and_no_skill(tmp_path: Path) -> None:
    from synthetic import make_evidence, make_fit

    from skillstats.evaluation.evaluate import evaluate

    draft = good_desk()
    for table in ("signals", "actions"):
        draft.tables[table] = draft.tables[table][:1]
    del draft.tables["fills"]
    assert rows_of(ledger_of(draft, tmp_path))["S1"]["status"] == "CLOSED"
    lone = evaluate(make_fit(make_evidence(traders=1, sessions=1, per_day=1), np.array([0.9])))
    assert {r["status"] for r in lone.rows} == {"WITHHOLD"} and all(r["ir_annual_mean"] is None for r in lone.rows)


def test_row_94_a_file_that_changes_while_it_is_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another program appends a price while the parser is at work."""
    from skillstats.record import readers

    parse = readers.parse_csv

    def parse_while_it_grows(data: bytes, table: str, *rest: Any) -> Any:
        if table == "prices":
            with (tmp_path / "prices.csv").open("ab") as grown:
                grown.write(b"XYZ,2026-07-02T20:01:00Z,50,51,\n")
        return parse(data, table, *rest)

    monkeypatch.setattr(readers, "parse_csv", parse_while_it_grows)
    result = run(good_desk(), tmp_path)
    assert not isinstance(result, Ledger)
    assert [str(p)[:48] for p in result] == ["F108 prices.csv:0 sha256 before and after differ"]


# rows of currencies and corporate actions ---------------------------------------------------------------------------------------------------


def with_dividend(d: Draft) -> None:
    d.tables["corporate_actions"] = [{"asset": "ABC", "time": f"{DAY}19:00:00Z", "kind": "dividend", "value": "0.5"}]


def without_rate(d: Draft) -> None:
    d.plan = replace(PLAN, assets={"ABC": Asset(currency="EUR")})


def rate_of_zero(d: Draft) -> None:
    d.plan = CONTRACT_FX
    quoted("EURUSD", f"{DAY}14:25:00Z", 60, 20, "1.10")(d)
    again("prices", 0, asset="EURUSD", time=CLOSE, bid="0", ask="0")(d)


LATER = [
    warn(72, "dividend inside the horizon", with_dividend, "D262", "", "ABC"),
    aside(74, "foreign currency without rate", without_rate, "D260", "", "S3 A5", "EUR"),
    aside(75, "rate 0", rate_of_zero, "D261", "", "S3 A5", "EURUSD"),
]


@pytest.mark.parametrize("case", LATER, ids=[f"{c.row} {c.what}" for c in LATER])
def test_the_catalogue_of_currencies_and_corporate_actions(case: Case, tmp_path: Path, good_ledger: Ledger) -> None:
    test_the_catalogue(case, tmp_path, good_ledger)


def test_no_row_of_the_catalogue_is_left_out() -> None:
    apart = {76, 77, 80, 81, 94}
    assert {c.row for c in (*CASES, *LATER)} | apart == set(range(1, 95))
