"""Rows that must be judged together stand far apart in their files; facts of the whole record decide in every part."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from both_ways import NOW, difference
from catalogue_desk import DAY, PLAN, Change, again, cell, good_desk, without
from msgspec.structs import replace

from skillstats.errors import InputRejected, UsageError
from skillstats.ledger.build import build_ledger
from skillstats.ledger.containers import Ledger
from skillstats.ledger.door import build_ledger_folder
from skillstats.ledger.explain import explain
from skillstats.plan import Asset, Fees
from skillstats.record import read_record

COPIES = 5


def long_desk(*changes: Change, copies: int = COPIES):
    """The good desk several times over, each copy with ids of its own and some seconds later, then the changes."""
    draft = good_desk()
    for name, keys in (
        ("signals", ("signal_id",)),
        ("actions", ("action_id", "signal_id")),
        ("fills", ("fill_id", "action_id")),
    ):
        rows = draft.tables[name]
        draft.tables[name] = [
            {k: f"{v}x{n}" if k in keys and v and n else v for k, v in row.items()} for n in range(copies) for row in rows
        ]
    for change in changes:
        change(draft)
    return draft


def verdict(tmp_path: Path, draft, part: int = 6, **options) -> str:
    draft.write(tmp_path)
    return difference({p.name: p.read_bytes() for p in tmp_path.iterdir()}, draft.plan, part, **options)


def file_of(name: str, edit: Callable[[bytes], bytes]) -> Change:
    return lambda d: d.files.update({name: edit(d.text(name.removesuffix(".csv")))})


def declared(**choices) -> Change:
    return lambda d: setattr(d, "plan", replace(d.plan, **choices))


FAR = {
    "nothing wrong": [],
    "an exact copy at the end": [again("signals", 0), again("actions", 1), again("fills", 2)],
    "one id, two contents": [again("signals", 0, quantity="7"), again("fills", 1, price="49")],
    "an action id twice, on two signals": [cell("actions", 16, action_id="A1")],
    "ids that differ in case and blanks": [cell("signals", 12, signal_id="s1"), cell("actions", 11, action_id=" A2")],
    "letters beyond ASCII": [cell("signals", 0, signal_id="ÄßK"), cell("actions", 0, signal_id="äSSk")],
    "orphans": [without("signals", 13), without("actions", 6)],
    "two actions on one signal": [again("actions", 3, action_id="A4b")],
    "superseded": [again("actions", 3, action_id="A4b", time=f"{DAY}14:37:25Z"), declared(supersede="latest")],
    "one decision over everything": [cell("actions", n, decision_id="D") for n in (0, 7, 22)],
    "a decision named like an action": [cell("actions", 20, decision_id="A1")],
    "one decision, two traders": [cell("actions", 0, decision_id="D"), cell("actions", 21, decision_id="D")],
    "fees in one part alone": [declared(fees=Fees()), *(cell("fills", n, fee="0") for n in range(24))],
    "a schedule and no fees": [cell("fills", n, fee="0") for n in range(25)],
    "places in one part alone": [cell("fills", 24, price="25.60125"), cell("signals", 19, quantity="100.5")],
    "numbers that leave the range": [cell("fills", 3, quantity="0.000000000001"), cell("signals", 13, quantity="4000000000")],
    "an exit somewhere later": [
        *(cell("signals", n, horizon="exit") for n in range(0, 20, 3)),
        cell("signals", 19, side="SELL", time=f"{DAY}14:38:20Z"),
        cell("actions", 23, time=f"{DAY}14:38:30Z"),
        cell("fills", 23, time=f"{DAY}14:38:40Z"),
    ],
    "one decision is the result": [cell("actions", 7, quantity="20000000"), cell("fills", 7, quantity="20000000")],
    "the total leaves 64 bits": [
        x for n in range(2, 25, 5) for x in (cell("actions", n, quantity="40000000000"), cell("fills", n, quantity="40000000000"))
    ],
    "no price for one asset": [cell("signals", 2, asset="NOSUCH"), cell("signals", 18, asset="NOSUCH")],
    "blank lines and quotes": [
        file_of("signals.csv", lambda t: t.replace(b"\nS2,", b"\n\n\nS2,").replace(b"S4x3", b'"S4x3"')),
        cell("actions", 5, reason='two\nlines, "quoted"'),
    ],
    "an unknown column": [cell("actions", 0, mood="good"), cell("fills", 0, venue="X")],
    "the file twice": [file_of("actions.csv", lambda t: t + t)],
    "formulas in names": [cell("actions", n, trader="=1+1") for n in range(0, 25, 5)],
    "a lot that does not fit": [declared(assets={"XYZ": Asset(lot="10")}), cell("signals", 16, quantity="5")],
    "a period": [declared(period=("2026-07-01", "2026-07-01"))],
    "no signal in the period": [declared(period=("2026-07-06", "2026-07-07"))],
    "nothing accepted": [cell("signals", n, time="yesterday") for n in range(20)]
    + [cell("actions", n, time="yesterday") for n in range(25)],
    "no table at all": [file_of("fills.csv", lambda _: b"PK\x03\x04")],
    "a file that is no table": [lambda d: d.files.update({"signal.csv": b"x\n1\n"})],
    "no horizon": [declared(horizon=None)],
    "further horizons": [declared(decay=("PT5M", "exit", "session+1")), cell("signals", 8, horizon="PT10M")],
}


@pytest.mark.parametrize("name", FAR)
def test_far_apart(name, tmp_path):
    assert verdict(tmp_path, long_desk(*FAR[name]), part=6 if len(name) % 2 else 9) == ""


def test_a_split_and_a_sum_that_is_a_fraction(tmp_path):
    """How many digits a fraction is shown with depends on the finest quantity of the whole record."""
    draft = long_desk(
        cell("fills", 7, quantity="100"), cell("fills", 24, quantity="250.000"), cell("actions", 24, quantity="250.125")
    )
    draft.files["corporate_actions.csv"] = f"asset,time,kind,value\nABC,{DAY}14:33:00Z,split,3\n".encode()
    assert verdict(tmp_path, draft) == ""


def test_targets_beside_signals(tmp_path):
    rows = [f"{DAY}14:{m}:00Z,t,XYZ,{q}" for m, q in ((26, 0), (28, 5), (29, 5), (31, -2), (33, 7))]
    draft = long_desk(cell("signals", 3, asset="NOSUCH"))
    draft.files["targets.csv"] = (
        "time,model,asset,target\n" + "\n".join(rows) + f"\n{DAY}14:34:00Z,t,GONE,0\n{DAY}14:35:00Z,t,GONE,1\n"
    ).encode()
    assert verdict(tmp_path, draft) == ""


def test_a_record_that_lies_in_the_future(tmp_path):
    draft = long_desk()
    draft.write(tmp_path)
    for decisions in ("memory", "parts"):
        with pytest.raises(InputRejected, match="F301"):
            build_ledger_folder(tmp_path, tmp_path / "out", PLAN, decisions=decisions, part=2, now="2020-01-01T00:00:00Z")


def written(tmp_path: Path) -> Path:
    (tmp_path / "record").mkdir()
    long_desk(again("signals", 0, quantity="7")).write(tmp_path / "record")
    return tmp_path / "record"


def test_rows_are_explained_from_their_part(tmp_path):
    record, keys = written(tmp_path), ("S2x3", "A5x4", "S1", "S4")
    built = build_ledger_folder(record, tmp_path / "out", PLAN, decisions="parts", part=2, now=NOW, keys=keys)
    whole: Ledger = build_ledger(read_record(record, PLAN, now=NOW))
    assert [str(e) for e in built.explanations] == [str(explain(whole, key)) for key in keys]
    assert built.digest == whole.digest and dict(built.problems) == {
        c: sum(p.code == c for p in whole.problems) for c in {p.code for p in whole.problems}
    }


@pytest.mark.parametrize("key", ["NOSUCH", "A2"])
def test_an_id_nobody_knows_writes_nothing(key, tmp_path):
    record = written(tmp_path)
    said = []
    for decisions in ("memory", "parts"):
        with pytest.raises(UsageError) as error:
            build_ledger_folder(record, tmp_path / "out", PLAN, decisions=decisions, part=2, now=NOW, keys=(key,))
        said.append(str(error.value))
    assert said[0] == said[1] and sorted(p.name for p in tmp_path.iterdir()) == ["record"]


def test_an_interrupted_build_leaves_nothing(tmp_path):
    def interrupt(_: object) -> None:
        raise KeyboardInterrupt

    record = written(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        build_ledger_folder(record, tmp_path / "out", PLAN, decisions="parts", part=2, now=NOW, hear=interrupt)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["record"]


def test_tables_in_memory_are_not_cut(tmp_path):
    with pytest.raises(UsageError, match="write them to a folder"):
        build_ledger_folder({}, tmp_path / "out", PLAN, decisions="parts")
