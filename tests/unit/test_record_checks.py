"""One bad input in, one code out: the catalogue of the data contract, row by row."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import pytest

from skillstats.errors import RULES, InputRejected
from skillstats.plan import Asset, ColumnReading, Fees, Plan
from skillstats.record import NULL, Record, read_record

Desk = dict[str, list[dict[str, str]]]
NOW = "2026-12-31T00:00:00Z"
PLAN = Plan(horizon="session+1", fees=Fees(per_unit="0.01"))


def desk() -> Desk:
    """A small good desk: one VETO, one DELAY with two fills, one RESIZE, one INITIATE."""
    signals = [
        ("S0001", "2026-07-01T14:30:00Z", "m", "XYZ", "BUY", "1000", "100.05"),
        ("S0002", "2026-07-01T14:31:00Z", "m", "XYZ", "SELL", "500", "50.20"),
        ("S0003", "2026-07-01T14:32:00Z", "m", "ABC", "BUY", "2000", "25.50"),
    ]
    actions = [
        ("A1", "S0001", "2026-07-01T14:30:10Z", "T1", "VETO", "", "", ""),
        ("A2", "S0002", "2026-07-01T14:31:30Z", "T2", "DELAY", "500", "", ""),
        ("A3", "S0003", "2026-07-01T14:32:10Z", "T2", "RESIZE", "3000", "", ""),
        ("A4", "", "2026-07-01T14:40:00Z", "T1", "INITIATE", "250", "ABC", "SELL"),
    ]
    fills = [
        ("F1", "A2", "2026-07-01T14:33:30Z", "300", "50.10", "0.5"),
        ("F2", "A2", "2026-07-01T14:34:30Z", "200", "50.10", "0.5"),
        ("F3", "A3", "2026-07-01T14:33:30Z", "3000", "25.52", "0"),
        ("F4", "A4", "2026-07-01T14:41:00Z", "250", "25.60", "2"),
    ]
    prices = [
        ("XYZ", "2026-07-01T14:29:00Z", "100.04", "100.06", "100.05"),
        ("XYZ", "2026-07-01T14:30:00Z", "100.04", "100.06", ""),
        ("ABC", "2026-07-01T14:29:00Z", "25.50", "25.55", "25.51"),
    ]
    names = {
        "signals": "signal_id time model asset side quantity price",
        "actions": "action_id signal_id time trader action quantity asset side",
        "fills": "fill_id action_id time quantity price fee",
        "prices": "asset time bid ask close",
    }
    rows = {"signals": signals, "actions": actions, "fills": fills, "prices": prices}
    return {t: [dict(zip(names[t].split(), r, strict=True)) for r in rows[t]] for t in rows}


def write(folder: Path, tables: Desk) -> Path:
    """Write a desk as CSV files."""
    for name, rows in tables.items():
        fields = list(dict.fromkeys(k for r in rows for k in r))
        with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as handle:
            out = csv.DictWriter(handle, fields, restval="", lineterminator="\n")
            out.writeheader()
            out.writerows(rows)
    return folder


def read(folder: Path, tables: Desk, plan: Plan = PLAN) -> Record:
    return read_record(write(folder, tables), plan, now=NOW)


def cell(table: str, row: int, column: str, value: str) -> Callable[[Desk], None]:
    def change(tables: Desk) -> None:
        tables[table][row][column] = value

    return change


def again(table: str, row: int, **changes: str) -> Callable[[Desk], None]:
    """Append a changed copy of a row."""

    def change(tables: Desk) -> None:
        tables[table].append({**tables[table][row], **changes})

    return change


def without(table: str, row: int) -> Callable[[Desk], None]:
    def change(tables: Desk) -> None:
        del tables[table][row]

    return change


S2 = {"signals:3", "actions:3", "fills:2", "fills:3"}
S1 = {"signals:2", "actions:2"}
S3 = {"signals:4", "actions:4", "fills:4"}
A4 = {"actions:5", "fills:5"}
ALL_OF_IT = S1 | S2 | S3 | A4

# what is changed, code, place of the finding, rows set aside
CASES = [
    ("signals quantity 0", cell("signals", 1, "quantity", "0"), "D101", "signals.csv:3", S2),
    ("signals quantity negative", cell("signals", 1, "quantity", "-500"), "D102", "signals.csv:3", S2),
    ("quantity NaN", cell("signals", 1, "quantity", "NaN"), "D103", "signals.csv:3", S2),
    ("quantity inf", cell("signals", 1, "quantity", "inf"), "D103", "signals.csv:3", S2),
    ("quantity 1e308", cell("signals", 1, "quantity", "1e308"), "D103", "signals.csv:3", S2),
    ("quantity 2^63", cell("signals", 1, "quantity", str(2**63)), "D103", "signals.csv:3", S2),
    ("quantity empty", cell("signals", 1, "quantity", ""), "D104", "signals.csv:3", S2),
    ("quantity with separator", cell("signals", 1, "quantity", "1,000"), "D105", "signals.csv:3", S2),
    ("quantity hex", cell("fills", 2, "quantity", "0x10"), "D105", "fills.csv:4", S3),
    ("quantity full-width digits", cell("signals", 1, "quantity", "５００"), "D105", "signals.csv:3", S2),
    ("quantity Arabic digits", cell("signals", 1, "quantity", "٥٠٠"), "D105", "signals.csv:3", S2),
    ("quantity with exponent", cell("signals", 1, "quantity", "5e2"), "D105", "signals.csv:3", S2),
    ("quantity with NUL", cell("signals", 1, "quantity", "500\x00"), "D106", "signals.csv:3", S2),
    ("price 0", cell("signals", 0, "price", "0"), "D111", "signals.csv:2", S1),
    ("fill price negative", cell("fills", 3, "price", "-1"), "D111", "fills.csv:5", A4),
    ("price inf", cell("signals", 0, "price", "inf"), "D112", "signals.csv:2", S1),
    ("price denormal", cell("signals", 0, "price", "5e-320"), "D112", "signals.csv:2", S1),
    ("fill price empty", cell("fills", 3, "price", ""), "D112", "fills.csv:5", A4),
    ("price with decimal comma", cell("signals", 0, "price", "50,20"), "D113", "signals.csv:2", S1),
    ("price with symbol", cell("signals", 0, "price", "$50.20"), "D113", "signals.csv:2", S1),
    ("side empty", cell("signals", 0, "side", ""), "D121", "signals.csv:2", S1),
    ("side look-alike", cell("signals", 0, "side", "ВUY"), "D121", "signals.csv:2", S1),
    ("side B", cell("signals", 0, "side", "B"), "D121", "signals.csv:2", S1),
    ("action side differs", cell("actions", 1, "side", "BUY"), "D121", "actions.csv:3", S2),
    ("unknown verb", cell("actions", 1, "action", "MODIFY"), "D122", "actions.csv:3", S2),
    ("DELAY with other quantity", cell("actions", 1, "quantity", "700"), "D123", "actions.csv:3", S2),
    ("VETO with quantity", cell("actions", 0, "quantity", "500"), "D124", "actions.csv:2", S1),
    ("VETO with fill", again("fills", 0, fill_id="F9", action_id="A1"), "D125", "fills.csv:6", S1 | {"fills:6"}),
    ("RESIZE to the same", cell("signals", 2, "quantity", "3000"), "D126", "actions.csv:4", set()),
    ("fee negative", cell("fills", 3, "fee", "-0.20"), "D131", "fills.csv:5", set()),
    ("fee NaN", cell("fills", 3, "fee", "NaN"), "D132", "fills.csv:5", A4),
    ("fee empty", cell("fills", 3, "fee", ""), "D132", "fills.csv:5", A4),
    ("fee too fine", cell("fills", 3, "fee", "0.0000001"), "D132", "fills.csv:5", A4),
    ("filled more than ordered", cell("fills", 2, "quantity", "999999"), "D141", "actions.csv:4", S3),
    ("partial fill", cell("fills", 2, "quantity", "300"), "D142", "actions.csv:4", set()),
    ("no fill", without("fills", 2), "D143", "actions.csv:4", {"signals:4", "actions:4"}),
    ("signal without action", again("signals", 0, signal_id="S0009"), "D144", "signals.csv:5", set()),
    ("time without offset", cell("signals", 0, "time", "2026-07-01T14:30:00"), "D201", "signals.csv:2", S1),
    ("local date", cell("signals", 0, "time", "03/04/2025"), "D202", "signals.csv:2", S1),
    ("epoch number", cell("signals", 0, "time", "1782916200"), "D203", "signals.csv:2", S1),
    ("February 30", cell("signals", 0, "time", "2026-02-30T10:00:00Z"), "D204", "signals.csv:2", S1),
    ("24:00", cell("signals", 0, "time", "2026-02-03T24:00:00Z"), "D204", "signals.csv:2", S1),
    ("second 60", cell("signals", 0, "time", "2026-02-03T23:59:60Z"), "D204", "signals.csv:2", S1),
    ("year 1600", cell("signals", 0, "time", "1600-07-01T14:30:00Z"), "D205", "signals.csv:2", S1),
    ("year 9999", cell("signals", 0, "time", "9999-07-01T14:30:00Z"), "D205", "signals.csv:2", S1),
    ("nanoseconds", cell("signals", 0, "time", "2026-07-01T14:30:00.000000789Z"), "D208", "signals.csv:2", S1),
    ("action before signal", cell("actions", 0, "time", "2026-07-01T14:29:59Z"), "D211", "actions.csv:2", S1),
    ("fill before action", cell("fills", 3, "time", "2026-07-01T14:39:59Z"), "D212", "fills.csv:5", A4),
    ("written late", cell("actions", 0, "recorded_at", "2026-07-01T17:30:10Z"), "D215", "actions.csv:2", set()),
    ("action after expiry", cell("signals", 1, "expires", "2026-07-01T14:31:20Z"), "D216", "actions.csv:3", S2),
    ("identical duplicate", again("fills", 3), "D221", "fills.csv:6", set()),
    ("conflicting duplicate", again("fills", 3, price="25.7"), "D222", "fills.csv:6", A4 | {"fills:6"}),
    ("two prices at one instant", again("prices", 0, bid="1"), "D223", "prices.csv:5", {"prices:2", "prices:5"}),
    ("orphan action", again("actions", 0, action_id="A9", signal_id="S9999"), "D231", "actions.csv:6", {"actions:6"}),
    ("orphan fill", again("fills", 3, fill_id="F9", action_id="A99"), "D231", "fills.csv:6", {"fills:6"}),
    ("INITIATE with a signal", cell("actions", 3, "signal_id", "S9999"), "D231", "actions.csv:5", A4),
    ("INITIATE without asset", cell("actions", 3, "asset", ""), "D104", "actions.csv:5", A4),
    ("two actions", again("actions", 0, action_id="A1b"), "D232", "actions.csv:6", S1 | {"actions:6"}),
    ("id with blank", again("signals", 0, signal_id="S0004 "), "D233", "signals.csv:5", {"signals:5"}),
    (
        "reference in other case",
        again("actions", 0, action_id="A9", signal_id="s0001"),
        "D233",
        "actions.csv:6",
        S1 | {"actions:6"},
    ),
    ("id not NFC", again("signals", 0, signal_id="Se\u0301"), "D234", "signals.csv:5", {"signals:5"}),
    ("id empty", again("signals", 0, signal_id=""), "D235", "signals.csv:5", {"signals:5"}),
    ("id 100 kB", again("signals", 0, signal_id="S" * 100_000), "D235", "signals.csv:5", {"signals:5"}),
    ("header as data", again("fills", 0, **{k: k for k in desk()["fills"][0]}), "D237", "fills.csv:6", {"fills:6"}),
    ("name empty", cell("actions", 0, "trader", ""), "D241", "actions.csv:2", S1),
    ("name with blanks", cell("actions", 0, "trader", " T1"), "D241", "actions.csv:2", S1),
    ("name 64 kB", cell("actions", 0, "trader", "T" * 65_536), "D241", "actions.csv:2", S1),
    ("name with NUL", cell("actions", 0, "trader", "T\x001"), "D241", "actions.csv:2", S1),
    ("name with zero-width", cell("actions", 0, "trader", "T\u200b1"), "D242", "actions.csv:2", set()),
    ("name of two alphabets", cell("actions", 0, "trader", "Аnna"), "D242", "actions.csv:2", set()),
    ("crossed quote", cell("prices", 0, "bid", "100.07"), "D251", "prices.csv:2", set()),
    ("market price 0", cell("prices", 0, "bid", "0"), "D252", "prices.csv:2", {"prices:2"}),
    ("negative size", cell("prices", 0, "bid_size", "-1"), "D102", "prices.csv:2", {"prices:2"}),
    ("size out of range", cell("prices", 0, "ask_size", str(2**60)), "D103", "prices.csv:2", {"prices:2"}),
    ("size of 2.5 units", cell("prices", 0, "ask_size", "2.5"), "D105", "prices.csv:2", {"prices:2"}),
    ("size with a unit", cell("prices", 0, "bid_size", "300 sh"), "D105", "prices.csv:2", {"prices:2"}),
    ("close outside quote", cell("prices", 0, "close", "101"), "D253", "prices.csv:2", set()),
    (
        "price row without a price",
        again("prices", 0, time="2026-07-01T14:50:00Z", bid="", close=""),
        "D112",
        "prices.csv:5",
        {"prices:5"},
    ),
    ("unknown column", cell("fills", 0, "venue", "X"), "D110", "fills.csv:0", set()),
    ("horizon unknown", cell("signals", 0, "horizon", "2 days"), "D109", "signals.csv:2", S1),
    ("expires before time", cell("signals", 0, "expires", "2026-07-01T14:00:00Z"), "D216", "signals.csv:2", S1),
]


def aside(record: Record) -> set[str]:
    return {f"{p.table}:{p.line}" for p in record.quarantine}


@pytest.mark.parametrize(("change", "code", "place", "gone"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_one_bad_input_gives_one_code(
    tmp_path: Path, change: Callable[[Desk], None], code: str, place: str, gone: set[str]
) -> None:
    tables = desk()
    change(tables)
    record = read(tmp_path, tables)
    assert (code, place) in {(p.code, f"{p.file}:{p.line}") for p in record.problems}
    assert aside(record) == gone
    if gone:
        assert any(p.root == place and p.code == code for p in record.quarantine)
    assert RULES[code].outcome == ("quarantine" if gone else "warn")


def test_the_good_desk_has_no_problem(tmp_path: Path) -> None:
    record = read(tmp_path, desk())
    assert record.problems == record.quarantine == record.drops == ()
    assert record.tables["signals"]["quantity"].tolist() == [1000, 500, 2000]
    assert record.tables["signals"]["price"].tolist() == [20010, 10040, 5100]
    assert record.tables["fills"]["fee"].tolist() == [500_000, 0, 500_000, 2_000_000]
    assert record.tables["actions"]["signal_id"].tolist() == ["S0001", "S0002", "S0003", None]
    assert record.tables["prices"]["close"].tolist()[0] == 5102 and record.tables["prices"]["close"].tolist()[-1] == NULL


@pytest.mark.parametrize(
    ("table", "row", "column", "value"),
    [
        ("signals", 1, "side", "sell"),
        ("signals", 1, "quantity", "+500"),
        ("signals", 1, "quantity", "500.000"),
        ("signals", 1, "time", "2026-07-01T16:31:00+02:00"),
        ("signals", 1, "time", "2026-07-01T14:31:00.000000000Z"),
        ("signals", 1, "time", "2026-07-01 14:31Z"),
        ("actions", 0, "quantity", "0"),
        ("actions", 1, "time", "2026-07-01T14:31:00Z"),
        ("actions", 1, "side", "SELL"),
        ("fills", 3, "fee", "0.000001"),
        ("prices", 1, "bid", "100.06"),
        *(
            ("actions", 0, "trader", n)
            for n in ("NA", "null", "None", "nan", "TRUE", "inf", "007", "'; DROP TABLE x;--", "{{7*7}}", "%s")
        ),
        *(
            ("actions", 0, "trader", n)
            for n in ("=1+1", "@x", "-a", "<script>alert(1)</script>", "../../x", "CON", ".", r"$\frac{$")
        ),
    ],
)
def test_unusual_but_good_cells_are_accepted(tmp_path: Path, table: str, row: int, column: str, value: str) -> None:
    tables = desk()
    tables[table][row][column] = value
    record = read(tmp_path, tables)
    assert record.quarantine == () and record.problems == ()
    if column == "trader":
        assert value in record.tables["actions"]["trader"].tolist()


def test_messages_say_what_where_and_what_to_do(tmp_path: Path) -> None:
    tables = desk()
    tables["signals"][1]["quantity"] = "-500"
    record = read(tmp_path, tables)
    assert str(record.problems[0]) == "D102 signals.csv:3 S0002 quantity=-500, must be > 0; use side for direction"
    assert record.quarantine[-1].raw == "S0002,2026-07-01T14:31:00Z,m,XYZ,SELL,-500,50.20"
    assert {p.chain for p in record.quarantine} == {"S0002"}
    assert {p.root for p in record.quarantine} == {"signals.csv:3"}


def test_ids_that_differ_in_case_only_are_all_set_aside(tmp_path: Path) -> None:
    tables = desk()
    tables["signals"].append({**tables["signals"][0], "signal_id": "s0001"})
    assert aside(read(tmp_path, tables)) == S1 | {"signals:5"}


def test_a_decision_has_one_trader(tmp_path: Path) -> None:
    tables = desk()
    for row in (0, 1):
        tables["actions"][row]["decision_id"] = "D1"
    record = read(tmp_path, tables)
    assert aside(record) == S1 | S2 and {p.code for p in record.problems} == {"D236"}


def test_unfilled_zero_accepts_an_action_without_fills(tmp_path: Path) -> None:
    tables = desk()
    del tables["fills"][2]
    plan = Plan(horizon="close", unfilled="zero", fees=PLAN.fees)
    assert read(tmp_path, tables, plan).quarantine == ()


def test_max_skew_tolerates_a_clock(tmp_path: Path) -> None:
    tables = desk()
    tables["actions"][0]["time"] = "2026-07-01T14:29:59Z"
    assert read(tmp_path, tables, Plan(horizon="close", max_skew="PT1S", fees=PLAN.fees)).problems == ()


def test_supersede_latest_keeps_the_last_action_before_the_first_fill(tmp_path: Path) -> None:
    tables = desk()
    tables["actions"][1] |= {"recorded_at": "2026-07-01T14:31:31Z"}
    tables["actions"].append(
        {**tables["actions"][1], "action_id": "A0", "quantity": "100", "action": "RESIZE", "recorded_at": "2026-07-01T14:31:30Z"}
    )
    record = read(tmp_path, tables, Plan(horizon="close", supersede="latest", fees=PLAN.fees))
    assert record.quarantine == () and [(d.code, d.file, d.line) for d in record.drops] == [("D232", "actions.csv", 6)]
    assert "A2" in record.tables["actions"]["action_id"] and "A0" not in record.tables["actions"]["action_id"]


def test_supersede_latest_refuses_fills_on_a_replaced_action(tmp_path: Path) -> None:
    tables = desk()
    later = {"action_id": "A2b", "time": "2026-07-01T14:33:00Z"}
    tables["actions"].append({**tables["actions"][1], **later})
    record = read(tmp_path, tables, Plan(horizon="close", supersede="latest", fees=PLAN.fees))
    assert aside(record) == S2 | {"actions:6"}


def test_the_copy_recorded_first_stays(tmp_path: Path) -> None:
    tables = desk()
    tables["actions"][0] |= {"recorded_at": "2026-07-01T14:30:40Z", "source": "screen"}
    tables["actions"].append({**tables["actions"][0], "recorded_at": "2026-07-01T14:30:11Z", "source": "orders"})
    record = read(tmp_path, tables)
    assert [(d.code, d.line) for d in record.drops] == [("D221", 2)] and record.quarantine == ()
    assert record.tables["actions"]["source"][0] == "orders" and "screen" in record.drops[0].raw


def test_fees_on_one_side_only_are_noted_once(tmp_path: Path) -> None:
    assert [p.code for p in read(tmp_path, desk(), Plan(horizon="close")).problems] == ["D133"]


def test_off_tick_and_off_lot_cells_are_set_aside_where_declared(tmp_path: Path) -> None:
    tables = desk()
    tables["fills"][2]["price"] = "25.523"
    tables["fills"][0]["quantity"], tables["fills"][1]["quantity"] = "299.5", "200.5"
    plan = Plan(horizon="close", fees=PLAN.fees, assets={"ABC": Asset(tick="0.01"), "XYZ": Asset(lot="1")})
    record = read(tmp_path, tables, plan)
    assert {(p.code, p.file, p.line) for p in record.problems} == {
        ("D107", "fills.csv", 4),
        ("D107", "fills.csv", 2),
        ("D107", "fills.csv", 3),
    }
    assert aside(record) == S2 | S3


def test_negative_prices_need_the_plans_word(tmp_path: Path) -> None:
    tables = desk()
    tables["fills"][3]["price"] = "-37.63"
    plan = Plan(horizon="close", fees=PLAN.fees, assets={"ABC": Asset(may_be_negative=True)})
    assert read(tmp_path, tables, plan).problems == ()


def test_declared_zone_map_and_decimal_mark(tmp_path: Path) -> None:
    tables = desk()
    tables["signals"][0] |= {"time": "2026-07-01T10:30:00", "side": "B", "price": "100,05"}
    columns = {
        "signals.time": ColumnReading(zone="America/New_York"),
        "signals.side": ColumnReading(map={"B": "BUY"}),
        "signals.price": ColumnReading(decimal=","),
    }
    for row in (1, 2):
        tables["signals"][row]["price"] = tables["signals"][row]["price"].replace(".", ",")
    record = read(tmp_path, tables, Plan(horizon="close", fees=PLAN.fees, columns=columns))
    assert record.problems == ()
    assert record.digests == read(tmp_path, desk()).digests


@pytest.mark.parametrize(("stamp", "code"), [("2026-11-01T01:30:00", "D206"), ("2026-03-08T02:30:00", "D207")])
def test_clock_changes_in_a_declared_zone(tmp_path: Path, stamp: str, code: str) -> None:
    tables = desk()
    tables["signals"][0]["time"] = stamp
    plan = Plan(horizon="close", fees=PLAN.fees, columns={"signals.time": ColumnReading(zone="America/New_York")})
    assert {p.code for p in read(tmp_path, tables, plan).quarantine} == {code}


def test_without_any_horizon_every_signal_is_named(tmp_path: Path) -> None:
    record = read(tmp_path, desk(), Plan(fees=PLAN.fees))
    assert aside(record) == ALL_OF_IT
    assert {p.code for p in record.quarantine} == {"D104"} and "none in the plan" in record.quarantine[-1].message


def test_a_record_in_the_future_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputRejected, match=r"F301.*years after now"):
        read_record(write(tmp_path, desk()), PLAN, now="1990-01-01T00:00:00Z")


def test_signal_price_needs_a_price(tmp_path: Path) -> None:
    tables = desk()
    tables["signals"][0]["price"] = ""
    plan = Plan(horizon="close", fees=PLAN.fees, fill_model="signal_price")
    assert aside(read(tmp_path, tables, plan)) == S1
    assert read(tmp_path, tables).quarantine == ()


def test_targets_become_signals(tmp_path: Path) -> None:
    """Positions 0, 300, 300, 100 make a BUY of 300 and a SELL of 200; an action may name them."""
    tables = desk()
    stamps = [f"2026-07-02T14:3{k}:00Z" for k in range(4)]
    tables["targets"] = [
        {"time": t, "model": "pos", "asset": "XYZ", "target": q} for t, q in zip(stamps, ("0", "300", "300", "100"), strict=True)
    ]
    record = read(tmp_path, tables)
    made = [i for i in record.tables["signals"]["signal_id"] if i.startswith("pos/XYZ/")]
    rows = record.tables["signals"].take([i in made for i in record.tables["signals"]["signal_id"]])
    assert rows["side"].tolist() == ["BUY", "SELL"] and rows["quantity"].tolist() == [300, 200]
    assert rows.line.tolist() == [3, 5] and record.raw_rows["signals"] == 5
    tables["actions"].append({**tables["actions"][0], "action_id": "A7", "signal_id": made[0], "time": stamps[2]})
    assert read(tmp_path, tables).quarantine == ()


def test_a_bad_target_hides_no_jump(tmp_path: Path) -> None:
    tables = desk()
    stamps = [f"2026-07-02T14:3{k}:00Z" for k in range(4)]
    tables["targets"] = [
        {"time": t, "model": "pos", "asset": "XYZ", "target": q} for t, q in zip(stamps, ("0", "3oo", "300", "100"), strict=True)
    ]
    record = read(tmp_path, tables)
    assert aside(record) == {"targets:3"}
    assert [
        q for i, q in zip(record.tables["signals"]["signal_id"], record.tables["signals"]["quantity"], strict=True) if "/" in i
    ] == [200]


def test_a_cell_too_fine_for_its_asset_does_not_void_the_others(tmp_path: Path) -> None:
    tables = desk()
    tables["signals"][0]["quantity"] = "4000000000000"
    tables["prices"].append({**tables["prices"][0], "time": "2026-07-01T14:45:00Z", "volume": "0.000000000000000001"})
    record = read(tmp_path, tables)
    assert aside(record) == {"prices:5"} and [p.code for p in record.problems] == ["D103"]


def test_targets_that_make_no_signal_are_harmless(tmp_path: Path) -> None:
    tables = desk()
    del tables["signals"]
    tables["targets"] = [{"time": "2026-06-30T00:00:00Z", "model": "p", "asset": "XYZ", "target": "5"}]
    record = read(tmp_path, tables)
    assert len(record.tables["signals"]) == 0 and {p.code for p in record.quarantine} == {"D231"}


def test_kinds_of_corporate_actions_are_closed(tmp_path: Path) -> None:
    tables = desk()
    tables["corporate_actions"] = [
        {"asset": "XYZ", "time": "2026-07-02T00:00:00Z", "kind": "split", "value": "2.0"},
        {"asset": "XYZ", "time": "2026-07-03T00:00:00Z", "kind": "spilt", "value": "2"},
    ]
    record = read(tmp_path, tables)
    assert record.tables["corporate_actions"]["value"].tolist() == ["2"]
    assert [str(p) for p in record.problems] == [
        "D122 corporate_actions.csv:3 XYZ kind='spilt', not in {split, dividend}; map it in the plan"
    ]
