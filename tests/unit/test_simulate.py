"""A simulated record has the columns of the data contract, the instants a ledger needs, and no trace of its truth."""

from __future__ import annotations

import csv
import datetime as dt
import os
import subprocess
import sys
import tomllib
from collections import Counter, defaultdict
from pathlib import Path

import msgspec
import pytest

from skillstats.errors import UsageError
from skillstats.simulate import (
    ActionMix,
    Regime,
    SimulatedTables,
    Truth,
    World,
    describe_world,
    read_world,
    simulate_tables,
    world_schema,
)

SMALL = World(traders=3, sessions=15, history=25, signals_per_day=5.0, assets=25, block_vetoes=0.5)

COLUMNS = {
    "signals": ["signal_id", "time", "model", "asset", "side", "quantity", "price", "signal_type"],
    "actions": ["action_id", "signal_id", "time", "trader", "action", "quantity", "decision_id", "source", "desk"],
    "fills": ["fill_id", "action_id", "time", "quantity", "price", "fee"],
    "prices": ["asset", "time", "bid", "ask", "close"],
    "regimes": ["time", "market"],
}


@pytest.fixture(scope="module")
def small() -> tuple[SimulatedTables, Truth]:
    return simulate_tables(SMALL, seed=7)


def rows(tables: SimulatedTables, name: str) -> list[dict[str, str]]:
    columns = tables.tables[name]
    return [dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)]


def instant(text: str) -> dt.datetime:
    assert text.endswith("Z")
    return dt.datetime.fromisoformat(text)


def test_tables_have_the_columns_of_the_contract_as_text(small):
    tables, _ = small
    assert {name: list(columns) for name, columns in tables.tables.items()} == COLUMNS
    assert all(isinstance(cell, str) for columns in tables.tables.values() for column in columns.values() for cell in column)


def test_ids_are_unique_and_each_signal_has_one_action(small):
    tables, _ = small
    signals, actions, fills = (rows(tables, name) for name in ("signals", "actions", "fills"))
    for table, key in ((signals, "signal_id"), (actions, "action_id"), (fills, "fill_id")):
        assert len({row[key] for row in table}) == len(table)
    assert [a["signal_id"] for a in actions] == [s["signal_id"] for s in signals]
    assert {f["action_id"] for f in fills} == {a["action_id"] for a in actions if a["action"] != "VETO"}


def test_each_asset_has_at_most_one_signal_a_session(small):
    tables, _ = small
    places = Counter((row["asset"], row["time"][:10]) for row in rows(tables, "signals"))
    assert max(places.values()) == 1


def test_quantities_follow_the_rules_of_the_verbs(small):
    tables, _ = small
    signals = {row["signal_id"]: row for row in rows(tables, "signals")}
    filled = {row["action_id"]: row for row in rows(tables, "fills")}
    for action in rows(tables, "actions"):
        q, quantity = int(signals[action["signal_id"]]["quantity"]), int(action["quantity"])
        verb = action["action"]
        assert q > 0
        assert {"ACCEPT": quantity == q, "DELAY": quantity == q, "VETO": quantity == 0}.get(verb, quantity > 0)
        assert verb != "RESIZE" or quantity != q
        assert verb == "VETO" or int(filled[action["action_id"]]["quantity"]) == quantity


def test_instants_are_in_order_and_every_look_up_has_a_quote_within_a_minute(small):
    tables, _ = small
    quotes = defaultdict(list)
    for row in rows(tables, "prices"):
        quotes[row["asset"]].append((instant(row["time"]), row))
    closes = {row["time"][:10]: instant(row["time"]) for _, row in quotes["A000"] if row["close"]}
    assets = {row["signal_id"]: row for row in rows(tables, "signals")}
    fills = {row["action_id"]: row for row in rows(tables, "fills")}

    def mid(asset: str, at: dt.datetime) -> float:
        time, row = max(((t, r) for t, r in quotes[asset] if t <= at), key=lambda pair: pair[0])
        assert at - time <= dt.timedelta(seconds=60)
        return (float(row["bid"]) + float(row["ask"])) / 2

    for action in rows(tables, "actions"):
        signal = assets[action["signal_id"]]
        times = [instant(signal["time"]), instant(action["time"])]
        assert mid(signal["asset"], times[0]) == pytest.approx(float(signal["price"]), abs=1e-9)
        if action["action"] != "VETO":
            fill = fills[action["action_id"]]
            times.append(instant(fill["time"]))
            assert mid(signal["asset"], times[2]) == pytest.approx(float(fill["price"]), abs=1e-9)
        times.append(closes[signal["time"][:10]])
        assert times == sorted(times)
        assert times[-1] - times[0] >= dt.timedelta(minutes=30)
        mid(signal["asset"], times[-1])


def test_quotes_are_sound_and_every_asset_closes_every_session(small):
    tables, _ = small
    prices = rows(tables, "prices")
    assert len({(row["asset"], row["time"]) for row in prices}) == len(prices)
    closes = Counter()
    for row in prices:
        spread = round(100 * (float(row["ask"]) - float(row["bid"])))
        assert float(row["bid"]) > 0
        assert spread in (1, 2)
        if row["close"]:
            assert float(row["bid"]) <= float(row["close"]) <= float(row["ask"])
            closes[row["asset"]] += 1
    assert set(closes.values()) == {SMALL.sessions + SMALL.history}
    assert len(closes) == SMALL.assets


def test_a_desk_of_any_size_needs_no_other_key():
    for traders in (1, 2, 11):
        tables, truth = simulate_tables(World(traders=traders, sessions=2), seed=1)
        assert set(tables.tables["actions"]["trader"]) == {t.trader for t in truth.traders}


def test_half_days_close_at_their_own_hour():
    tables, _ = simulate_tables(msgspec.structs.replace(SMALL, start=dt.date(2025, 11, 24), sessions=5), seed=1)
    closes = {row["time"][:10]: row["time"][11:16] for row in rows(tables, "prices") if row["close"]}
    assert "2025-11-27" not in closes  # Thanksgiving
    assert (closes["2025-11-26"], closes["2025-11-28"]) == ("21:00", "18:00")


def test_regimes_are_stamped_before_the_session_they_label(small):
    tables, _ = small
    labels = rows(tables, "regimes")
    first_signal: dict[str, str] = {}
    for row in rows(tables, "signals"):
        first_signal.setdefault(row["time"][:10], row["time"])
    stamped = {row["time"][:10]: row["time"] for row in labels}
    assert len(labels) == SMALL.sessions + SMALL.history
    assert all(instant(stamped[day]) < instant(time) for day, time in first_signal.items())
    assert {row["market"] for row in labels} <= {"calm", "stressed", "sell-off"}


def test_a_blanket_veto_is_one_decision_of_one_trader_and_session(small):
    tables, truth = small
    groups = defaultdict(list)
    for row in rows(tables, "actions"):
        if row["decision_id"]:
            groups[row["decision_id"]].append(row)
    assert groups
    for group in groups.values():
        assert len(group) > 1
        assert {row["action"] for row in group} == {"VETO"}
        assert len({(row["trader"], row["time"][:10]) for row in group}) == 1
    merged = sum(len(group) - 1 for group in groups.values())
    assert merged == sum(t.rows - t.decisions for t in truth.traders)


def test_a_directional_trader_has_one_side_a_session():
    tables, _ = simulate_tables(msgspec.structs.replace(SMALL, directional=(3,)), seed=2)
    sides = defaultdict(set)
    signals = {row["signal_id"]: row for row in rows(tables, "signals")}
    for row in rows(tables, "actions"):
        sides[row["trader"], row["time"][:10]].add(signals[row["signal_id"]]["side"])
    assert all(len(s) == 1 for (trader, _), s in sides.items() if trader == "T3")
    assert any(len(s) == 2 for (trader, _), s in sides.items() if trader == "T1")
    assert {next(iter(s)) for (trader, _), s in sides.items() if trader == "T3"} == {"BUY", "SELL"}


def test_the_plan_is_toml_and_names_horizon_and_regimes(small):
    tables, _ = small
    plan = tomllib.loads(tables.plan)
    assert (plan["horizon"], plan["fill_model"], plan["currency"]) == ("close", "arrival_mid", "USD")
    assert plan["calendar"] == {"default": "XNYS"}
    assert plan["regimes"] == {"use": ["market"]}
    assert plan["period"] == ["2025-01-02", "2025-01-24"]
    assert plan["seed"] == 7


def test_the_same_seed_gives_the_same_bytes_and_another_does_not(small):
    tables, truth = small
    again, truth_again = simulate_tables(SMALL, seed=7)
    assert (again, truth_again) == (tables, truth)
    other, _ = simulate_tables(SMALL, seed=8)
    assert other.tables["signals"] != tables.tables["signals"]


def test_bytes_do_not_depend_on_the_hash_seed():
    code = (
        "import hashlib; from skillstats.simulate import *;"
        "t, u = simulate_tables(World(sessions=3, traders=2), seed=3);"
        "print(hashlib.sha256((repr(t.tables) + repr(u)).encode()).hexdigest())"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", code], env={**os.environ, "PYTHONHASHSEED": h}, check=True, capture_output=True, text=True
        ).stdout
        for h in ("0", "1")
    }
    assert len(digests) == 1


def test_planted_skill_changes_neither_design_nor_luck(small):
    """Only prices move with skill; with it the quantities, which are sized by price."""
    tables, _ = small
    other, _ = simulate_tables(msgspec.structs.replace(SMALL, annual_ir=0.0), seed=7)
    for name, columns in (("signals", ("time", "asset", "side")), ("actions", ("time", "trader", "action", "decision_id"))):
        assert all(other.tables[name][c] == tables.tables[name][c] for c in columns)


def test_writing_gives_csv_with_lf_and_the_plan(small, tmp_path):
    tables, _ = small
    folder = tables.write(tmp_path / "desk")
    assert sorted(p.name for p in folder.iterdir()) == sorted([*(f"{name}.csv" for name in COLUMNS), "plan.toml"])
    content = (folder / "signals.csv").read_bytes()
    assert b"\r" not in content
    assert content.endswith(b"\n")
    with (folder / "actions.csv").open(encoding="utf-8", newline="") as file:
        assert list(csv.DictReader(file)) == rows(tables, "actions")
    assert (folder / "plan.toml").read_text(encoding="utf-8") == tables.plan


def test_writing_is_all_or_nothing(small, tmp_path, monkeypatch):
    tables, _ = small
    full = tmp_path / "full"
    full.mkdir()
    (full / "mine.txt").write_text("keep")
    with pytest.raises(UsageError, match="not an empty folder"):
        tables.write(full)
    with pytest.raises(UsageError, match="no such folder"):
        tables.write(tmp_path / "missing" / "desk")

    def fail(*_: object, **__: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(Path, "write_text", fail)
    with pytest.raises(OSError, match="disk full"):
        tables.write(tmp_path / "desk")
    assert [p.name for p in tmp_path.iterdir()] == ["full"]


def test_quoting_follows_the_csv_module(tmp_path):
    tables = SimulatedTables({"regimes": {"time": ["t"], "market": ['a, "b"']}}, "")
    assert (tables.write(tmp_path / "r") / "regimes.csv").read_text() == 'time,market\nt,"a, ""b"""\n'


def test_the_truth_is_never_in_the_tables(small, tmp_path):
    tables, truth = small
    text = repr(tables.tables) + tables.plan
    for word in ("theta", "annual_ir", "planted", "skill"):
        assert word not in text
    for trader in truth.traders:
        assert trader.theta == 0 or f"{trader.theta:.4f}"[1:] not in text
    folder = tables.write(tmp_path / "desk")
    with pytest.raises(UsageError, match="does not belong inside the record"):
        truth.write(folder / "truth.json")
    path = truth.write(tmp_path / "truth.json")
    assert msgspec.json.decode(path.read_bytes(), type=Truth) == truth


def test_a_world_is_read_from_toml_with_defaults(tmp_path):
    path = tmp_path / "world.toml"
    path.write_text(
        "traders = 4\nannual_ir = [1, 0]\nstart = 2025-03-03\ntails = 5\n"
        "[actions]\nveto = 1.0\nresize = 0\ndelay = 0\nreverse = 0\n"
        '[[regimes]]\nlabel = "only"\nshare = 1.0\n'
    )
    world = read_world(path)
    assert world.per_trader("annual_ir") == (1.0, 0.0, 1.0, 0.0)
    assert world.start == dt.date(2025, 3, 3)
    assert world.tails == 5.0
    assert world.actions == ActionMix(veto=1.0, resize=0.0, delay=0.0, reverse=0.0)
    assert world.sessions == World().sessions
    path.write_text("")
    assert read_world(path) == World()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("overide_rate = 0.5", "unknown key 'overide_rate'; did you mean 'override_rate'"),
        ("[actions]\nvetoes = 1", "unknown key 'actions.vetoes'; did you mean 'veto'"),
        ("[[regimes]]\nlabel = 'a'\nshare = 1\nvol = 2", "unknown key 'regimes.vol'"),
        ("traders = 0", "traders = 0, expected `int` >= 1"),
        ("sessions = 'many'", "sessions = 'many', expected `int`"),
        ("[actions]\nveto = 1.5", "actions.veto, expected `float` <= 1"),
        ("override_rate = 1.5", "override_rate = 1.5, must be from 0 to 1"),
        ("traders = 1\nannual_ir = [1, 2]", "annual_ir has 2 values for 1 traders"),
        ("annual_ir = []", "annual_ir has 0 values"),
        ("annual_ir = nan", "annual_ir = nan, must be a finite number"),
        ("shared_shock = 0.6\ntrader_theme = 0.5", "shared_shock + trader_theme = 1.1, must be < 1"),
        ("[actions]\nveto = 1.0", "actions add to 1.45, must add to 1"),
        ("directional = [9]", "directional = 9, must be a trader number from 1 to 8"),
        ("assets = 50", "give at least 120"),
        ("tails = 1.5", 'tails = 1.5, must be "normal" or degrees of freedom > 2'),
        ("volatility_daily = [0.03, 0.01]", "volatility_daily = [0.03, 0.01], must be [low, high]"),
        ("[[regimes]]\nlabel = 'a'\nshare = 0.5", "shares add to 0.5, must add to 1"),
        ("traders = = 2", "not TOML"),
    ],
)
def test_a_bad_world_is_refused_with_the_key_the_value_and_what_is_allowed(tmp_path, text, message):
    path = tmp_path / "world.toml"
    path.write_text(text)
    with pytest.raises(UsageError) as caught:
        read_world(path)
    assert message in str(caught.value)
    assert "world.toml" in str(caught.value)


def test_all_problems_of_a_world_are_told_at_once(tmp_path):
    path = tmp_path / "world.toml"
    path.write_text("override_rate = 2\ndirectional = [9]\nassets = 10")
    with pytest.raises(UsageError) as caught:
        read_world(path)
    assert len(str(caught.value).splitlines()) == 3


def test_a_world_made_in_python_is_checked_too():
    for world, message in ((World(traders=-1), "traders = -1"), (World(override_rate=3.0), "override_rate = 3")):
        with pytest.raises(UsageError, match=message):
            simulate_tables(world, seed=1)
    with pytest.raises(UsageError, match="seed = -1"):
        simulate_tables(World(), seed=-1)
    with pytest.raises(UsageError, match="calendar = 'XXXX'"):
        simulate_tables(World(calendar="XXXX"), seed=1)
    with pytest.raises(UsageError, match="lunch break"):
        simulate_tables(World(calendar="XTKS"), seed=1)


def test_every_key_is_described_and_in_the_schema():
    keys = describe_world()
    names = [field.name for field in msgspec.structs.fields(World)]
    assert [k.key for k in keys if "." not in k.key] == names
    assert all(k.meaning and k.type for k in keys)
    assert list(world_schema()["$defs"]["World"]["properties"]) == names


def test_regimes_can_carry_all_the_skill():
    states = (Regime(label="calm", share=0.5, skill=0.0), Regime(label="sell-off", share=0.5, volatility=1.5))
    world = msgspec.structs.replace(SMALL, sessions=120, regimes=states, regime_spell=5.0, annual_ir=2.0)
    _, truth = simulate_tables(world, seed=4)
    for trader in truth.traders:
        calm, stressed = trader.regimes
        assert calm.ir_decision == 0.0
        assert stressed.ir_decision > trader.ir_decision > 0
        assert trader.annual_ir == pytest.approx(2.0, rel=0.01)


def test_a_trader_who_follows_everything_has_no_skill_figures():
    tables, truth = simulate_tables(msgspec.structs.replace(SMALL, override_rate=(0.0, 0.5)), seed=1)
    assert truth.traders[0].annual_ir is None
    assert truth.traders[0].decisions == 0
    assert "T1" in tables.tables["actions"]["trader"]


def test_a_desk_that_trades_around_the_clock_can_be_simulated():
    tables, _ = simulate_tables(msgspec.structs.replace(SMALL, calendar="24/7", sessions_per_year=365.0), seed=1)
    assert tables.tables["signals"]["signal_id"]
    assert tomllib.loads(tables.plan)["model"] == {"sessions_per_year": 365}
