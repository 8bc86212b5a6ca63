"""What must hold for every record: order, format and a neighbour's mistakes change nothing, and no row is lost."""

from __future__ import annotations

import csv
import io
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given, settings
from hypothesis import strategies as st

from skillstats.plan import Fees, Plan
from skillstats.record import Record, read_record
from skillstats.record.instants import instant_text

PLAN = Plan(horizon="session+1", fees=Fees(per_unit="0.01"))
NOW = "2199-12-31T00:00:00Z"
START = 1_782_916_200_000_000
Rows = list[dict[str, str]]
Desk = dict[str, Rows]

names = st.sampled_from(["NA", "001", "1", "T,1", 'q"q', "a\nb", "=1", "Zoë", "null"])
numbers = st.decimals(min_value="0.01", max_value="100000", places=2).map(str)
HOSTILE = st.sampled_from(
    ["", "nan", "-5", "0", "1e308", "1,5", "\x00", "2026-07-01T14:30:00", "1782916200", "é\u0301", " x", "None", "9" * 30]
)


@st.composite
def desks(draw: st.DrawFn) -> Desk:
    """A desk without mistakes: each signal vetoed, accepted with one or two fills, or left alone."""
    desk: Desk = {"signals": [], "actions": [], "fills": [], "prices": []}
    for k in range(draw(st.integers(1, 6))):
        time, quantity = START + 60_000_000 * k, draw(numbers)
        asset = draw(st.sampled_from(["X", "Y", "001"]))
        signal = {
            "signal_id": f"S{k}",
            "time": instant_text(time),
            "model": draw(names),
            "asset": asset,
            "side": draw(st.sampled_from(["BUY", "sell"])),
        }
        desk["signals"].append(
            signal | {"quantity": quantity, "price": draw(numbers), "strength": draw(st.sampled_from(["", "0.5", "1e-07"]))}
        )
        verb = draw(st.sampled_from(["VETO", "ACCEPT", "ACCEPT"]))
        action = {
            "action_id": f"A{k}",
            "signal_id": f"S{k}",
            "time": instant_text(time + 1),
            "trader": draw(names),
            "action": verb,
        }
        desk["actions"].append(action | {"quantity": "" if verb == "VETO" else quantity})
        if verb == "ACCEPT":
            fill = {
                "fill_id": f"F{k}",
                "action_id": f"A{k}",
                "time": instant_text(time + 2),
                "quantity": quantity,
                "price": draw(numbers),
                "fee": "0.25",
            }
            desk["fills"].append(fill)
        quote = draw(numbers)
        desk["prices"].append(
            {"asset": asset, "time": instant_text(time - 1_000_000), "bid": quote, "ask": quote, "close": quote}
        )
    return {name: rows for name, rows in desk.items() if rows}


def to_csv(folder: Path, desk: Desk) -> Path:
    for name, rows in desk.items():
        out = io.StringIO()
        writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        (folder / f"{name}.csv").write_bytes(out.getvalue().encode())
    return folder


def read(desk: Desk) -> Record:
    with tempfile.TemporaryDirectory() as folder:
        return read_record(to_csv(Path(folder), desk), PLAN, now=NOW)


def same_tables(one: Record, other: Record) -> None:
    assert one.digests == other.digests and one.scales == other.scales and set(one.tables) == set(other.tables)
    for name, table in one.tables.items():
        for column, values in table.columns.items():
            np.testing.assert_array_equal(values, other.tables[name][column], err_msg=f"{name}.{column}")


@given(desks(), st.randoms(use_true_random=False))
@settings(max_examples=50, deadline=None)
def test_order_of_rows_and_columns_changes_nothing(desk: Desk, random: Any) -> None:
    shuffled: Desk = {}
    for name, rows in desk.items():
        columns = random.sample(list(rows[0]), len(rows[0]))
        shuffled[name] = [{c: row[c] for c in columns} for row in random.sample(rows, len(rows))]
    same_tables(read(desk), read(shuffled))


@given(desks())
@settings(max_examples=50, deadline=None)
def test_csv_parquet_and_frames_say_the_same(desk: Desk) -> None:
    plain = read(desk)
    frames = {name: pd.DataFrame(rows) for name, rows in desk.items()}
    same_tables(plain, read_record(frames, PLAN, now=NOW))
    same_tables(plain, read_record({n: pa.Table.from_pandas(typed(f)) for n, f in frames.items()}, PLAN, now=NOW))
    with tempfile.TemporaryDirectory() as folder:
        for name, frame in frames.items():
            pq.write_table(pa.Table.from_pandas(typed(frame)), Path(folder) / f"{name}.parquet")
        same_tables(plain, read_record(folder, PLAN, now=NOW))


def typed(frame: pd.DataFrame) -> pd.DataFrame:
    """Instants as timestamps and prices as floats."""
    changed = frame.assign(time=pd.to_datetime(frame["time"], format="ISO8601"))
    return changed.assign(price=changed["price"].astype(float)) if "price" in changed else changed


@given(desks(), st.data())
@settings(max_examples=50, deadline=None)
def test_one_bad_row_added_leaves_good_rows_as_they_were(desk: Desk, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(desk)))
    row = dict(desk[name][0])
    own = {"signals": "signal_id", "actions": "action_id", "fills": "fill_id", "prices": "time"}[name]
    row |= {own: instant_text(START - 7_777_777) if name == "prices" else "NEW"}
    row |= {k: "NOWHERE" for k in ("signal_id", "action_id") if k in row and k != own and name != "signals"}
    column = data.draw(
        st.sampled_from(
            [c for c in row if c in ("time", "quantity", "price", "bid", "fee", "side", "trader", "action") and c != own]
        )
    )
    row[column] = data.draw(HOSTILE)
    before, after = read(desk), read({**desk, name: [*desk[name], row]})
    fine = {(p.table, p.line) for p in after.quarantine} | {(d.table, d.line) for d in after.drops}
    if (name, len(desk[name]) + 2) not in fine and not any("\n" in v for r in desk[name] for v in r.values()):
        return  # the hostile text was harmless in that column
    if any("\n" in v for r in desk[name] for v in r.values()) and len(after.tables[name]) > len(before.tables[name]):
        return
    same_tables(before, after)


@given(desks(), st.data())
@settings(max_examples=50, deadline=None)
def test_no_row_is_lost_and_none_is_listed_twice(desk: Desk, data: st.DataObject) -> None:
    for name, rows in desk.items():
        for row in rows:
            for column in row:
                if data.draw(st.integers(0, 11)) == 0:
                    row[column] = data.draw(HOSTILE)
        if data.draw(st.booleans()):
            rows.append(dict(rows[0]))
        desk[name] = rows
    record = read(desk)
    for name, rows in desk.items():
        places = [p.line for p in (*record.quarantine, *record.drops) if p.table == name]
        assert len(set(places)) == len(places)
        assert record.raw_rows[name] == len(rows) == len(record.tables[name]) + len(places)
        assert not set(places) & set(record.tables[name].line.tolist())


@given(desks())
@settings(max_examples=25, deadline=None)
def test_a_file_joined_to_itself_says_the_same_with_warnings(desk: Desk) -> None:
    twice = read({name: rows + [dict(r) for r in rows] for name, rows in desk.items()})
    same_tables(read(desk), twice)
    assert twice.quarantine == () and len(twice.drops) == sum(len(r) for r in desk.values())
