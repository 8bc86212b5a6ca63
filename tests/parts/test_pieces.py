"""The small pieces of a build in parts: numbers of ids, groups, text in files, sorted runs, and the door that chooses."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
from catalogue_desk import PLAN, good_desk
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from skillstats.cli import main
from skillstats.ledger import door
from skillstats.plan import ColumnReading, Plan
from skillstats.record.chains import fold
from skillstats.record.cut import ACTION, SIGNAL, cut_rows, id_numbers
from skillstats.record.raw import RawTable
from skillstats.record.runs import KEY, bytes_key, merge_runs, sized, write_run
from skillstats.record.text_files import spool_text, take_rows

IDS = st.text(alphabet="aAbB1 \t.ßéÉKſ\x00\x1f", max_size=4)


def texts(values: list[str]) -> pa.Array:
    return pa.array(values, pa.large_string())


def table(name: str, **columns: list[str]) -> RawTable:
    rows = len(next(iter(columns.values())))
    return RawTable(name, f"{name}.csv", {k: texts(v) for k, v in columns.items()}, np.arange(2, rows + 2))


@settings(deadline=None)
@given(st.lists(IDS, min_size=1, max_size=30))
def test_ids_that_fold_alike_have_one_number(ids):
    numbers = id_numbers(texts(ids), SIGNAL)
    by_fold: dict[str, set[int]] = {}
    for text, number in zip(ids, numbers.tolist(), strict=True):
        assert (number == 0) == (text == "")
        if text:
            by_fold.setdefault(fold(text) or "", set()).add(number)
    assert all(len(found) == 1 for found in by_fold.values())


def test_numbers_tell_ids_and_kinds_apart():
    ids = [f"S{k}" for k in range(20_000)]
    own = id_numbers(texts(ids), SIGNAL)
    assert len(set(own.tolist())) == len(ids) and not set(own.tolist()) & set(id_numbers(texts(ids), ACTION).tolist())


def slow_groups(tables: dict[str, RawTable]) -> list[set[tuple[str, int]]]:
    """The twin: join any two rows that share an id, again and again."""
    kinds = {"signals": ("s",), "actions": ("as", "s", "ad"), "fills": ("as", "f")}
    names = {"signals": ("signal_id",), "actions": ("action_id", "signal_id", "decision_id"), "fills": ("action_id", "fill_id")}
    groups: list[tuple[set[tuple[str, int]], set[tuple[str, str]]]] = []
    for name, own in tables.items():
        cells = [own.columns[c].to_pylist() for c in names[name]]
        for row in range(len(own)):
            keys = {(k[0], fold(c[row]) or "") for k, c in zip(kinds[name], cells, strict=True) if c[row]}
            mine, named = {(name, row)}, set(keys)
            for group in [g for g in groups if g[1] & named]:
                mine, named = mine | group[0], named | group[1]
                groups.remove(group)
            groups.append((mine, named))
    return [g[0] for g in groups]


NAMES = st.sampled_from(["", "1", "2", "3", "4", "5", "6", "7", "8", "9", "B", "b", "b "])


@settings(deadline=None)
@given(
    signals=st.lists(NAMES, min_size=1, max_size=12),
    actions=st.lists(st.tuples(NAMES, NAMES, NAMES), max_size=12),
    most=st.integers(1, 9),
)
def test_groups_are_those_of_the_slow_twin_and_never_cut(signals, actions, most, tmp_path_factory):
    folder: Path = tmp_path_factory.mktemp("cut")
    tables = {"signals": table("signals", signal_id=signals)}
    if actions:
        columns = zip(("action_id", "signal_id", "decision_id"), map(list, zip(*actions, strict=True)), strict=True)
        tables["actions"] = table("actions", **dict(columns))
        tables["fills"] = table(
            "fills",
            action_id=[a for a, _, _ in actions][::-1],
            fill_id=signals[: len(actions)] + [""] * max(len(actions) - len(signals), 0),
        )
    cut = cut_rows(tables, Plan(), most, folder)
    part_of = {(n, int(r)): k for n in tables for k in range(cut.parts) for r in cut.rows(n, k)}
    assert len(part_of) == sum(map(len, tables.values()))
    groups = slow_groups(tables)
    assert all(len({part_of[row] for row in group}) == 1 for group in groups)
    for k in range(cut.parts):
        inside = [g for g in groups if part_of[next(iter(g))] == k]
        assert inside and (sum(map(len, inside)) <= most or len(inside) == 1)
        assert all((np.diff(cut.rows(n, k)) > 0).all() for n in tables)


def test_an_id_that_the_plan_rewrites_belongs_to_both(tmp_path):
    tables = {
        "signals": table("signals", signal_id=["old", "x"]),
        "actions": table("actions", action_id=["a", "b"], signal_id=["x", "new"]),
    }
    plan = Plan(columns={"signals.signal_id": ColumnReading(map={"old": "new"})})
    cut = cut_rows(tables, plan, 2, tmp_path)
    assert {frozenset(cut.rows("signals", k).tolist()) for k in range(cut.parts)} == {frozenset({0}), frozenset({1})}
    assert [cut.rows("actions", k).tolist() for k in range(cut.parts)] == [[1], [0]]


@settings(deadline=None)
@given(batches=st.lists(st.lists(st.text(max_size=5), max_size=6), min_size=1, max_size=5))
def test_text_comes_back_from_its_files(batches, tmp_path_factory):
    folder: Path = tmp_path_factory.mktemp("text")
    raw = [RawTable("t", "t.csv", {"a": texts(b), "b": texts([x + "!" for x in b])}, np.arange(len(b))) for b in batches]
    whole = spool_text(
        [
            RawTable(r.name, r.file, {k: pa.concat_arrays([texts(["z"]), v])[1:] for k, v in r.columns.items()}, r.line)
            for r in raw
        ],
        folder,
    )
    every = [x for b in batches for x in b]
    assert whole is not None and whole.columns["a"].to_pylist() == every and len(whole) == len(every)
    some = np.arange(0, len(every), 2)
    assert take_rows(whole, some).columns["b"].to_pylist() == [every[i] + "!" for i in some]


ROWS = st.lists(
    st.tuples(st.integers(-(2**63), 2**63 - 1) | st.integers(-2, 2), st.text(alphabet="ab é", max_size=2)), max_size=12
)


@settings(deadline=None)
@given(runs=st.lists(ROWS, min_size=1, max_size=4), block=st.integers(1, 9))
def test_merged_runs_are_the_sorted_rows(runs, block, tmp_path_factory):
    folder: Path = tmp_path_factory.mktemp("runs")
    for k, rows in enumerate(runs):
        columns = {
            "n": pa.array([n for n, _ in rows], pa.int64()),
            "t": pa.array([t for _, t in rows], pa.string()),
            "k": pa.array([k] * len(rows), pa.int64()),
        }
        write_run(folder / str(k), pa.table(columns), bytes_key(columns["n"], columns["t"]))
    merged = list(merge_runs([folder / str(k) for k in range(len(runs))], block))
    found = [(r["n"], r["t"], r["k"]) for b in merged for r in b.drop_columns([KEY]).to_pylist()]
    assert found == sorted(((n, t, k) for k, rows in enumerate(runs) for n, t in rows), key=lambda r: (r[0], r[1].encode(), r[2]))
    again = list(sized(merged, block))
    assert pa.concat_tables(again).num_rows == len(found)
    assert all(b.num_rows == block for b in again[:-1]) and (0 < again[-1].num_rows <= block or not found)


def test_the_door_chooses_by_size_and_obeys(tmp_path, monkeypatch):
    (tmp_path / "record").mkdir()
    good_desk().write(tmp_path / "record")
    went = []
    monkeypatch.setattr(door, "build_in_parts", lambda *_, **options: went.append(options["part"]))
    monkeypatch.setattr(door, "_in_memory", lambda *_: went.append("memory"))
    for decisions in ("auto", "parts", "memory"):
        door.build_ledger_folder(tmp_path / "record", tmp_path / "out", PLAN, decisions=decisions, part=7)
    monkeypatch.setattr(
        door, "LARGE_BYTES", sum((tmp_path / "record" / f"{n}.csv").stat().st_size for n in ("signals", "actions", "fills"))
    )
    door.build_ledger_folder(tmp_path / "record", tmp_path / "out", PLAN)
    assert went == ["memory", 7, "memory", 100_000]


def test_the_command_line_says_the_same_either_way(tmp_path):
    record = tmp_path / "record"
    record.mkdir()
    draft = good_desk()
    draft.tables["signals"][0]["quantity"] = "-5"
    draft.write(record)
    (record / "plan.toml").write_text('horizon = "session+1"\n[fees]\nper_unit = "0.001"\n')
    told = []
    for decisions in ("memory", "parts"):
        words = [
            "ledger",
            str(record),
            "--out",
            str(tmp_path / decisions),
            "--decisions",
            decisions,
            "--part",
            "2",
            "--explain",
            "S3",
        ]
        done = CliRunner().invoke(main, words)
        assert done.exit_code == 3, done.output
        told.append(done.output.replace(str(tmp_path / decisions), "OUT"))
    assert told[0] == told[1] and "D102" in told[0]
    assert CliRunner().invoke(main, ["verify", str(tmp_path / "parts")]).exit_code == 0
    assert {p.name for p in tmp_path.iterdir()} == {"record", "memory", "parts"}


def test_a_check_in_parts_says_the_same(tmp_path, monkeypatch):
    draft = good_desk()
    draft.tables["signals"][0]["quantity"] = "-5"
    draft.tables["fills"] += [
        {**draft.tables["fills"][0], "fill_id": f"G{n}", "fee": "-1", "quantity": "0.001"} for n in range(8)
    ]
    (tmp_path / "record").mkdir()
    draft.write(tmp_path / "record")
    (tmp_path / "record" / "plan.toml").write_text('horizon = "session+1"\n[fees]\nper_unit = "0.001"\n')
    told = []
    for large in (door.LARGE_BYTES, 1):
        monkeypatch.setattr(door, "LARGE_BYTES", large)
        done = CliRunner().invoke(main, ["check", str(tmp_path / "record"), "--quarantine", str(tmp_path / f"{large}.csv")])
        assert done.exit_code == 3, done.output
        told.append(done.output.replace(f"{large}.csv", "FILE"))
    assert told[0] == told[1] and "D131: 3 more" in told[0]
    assert (tmp_path / "1.csv").read_bytes() == (tmp_path / "100000000.csv").read_bytes()
