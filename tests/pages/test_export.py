"""An export for outside review: no name in any byte, every number as it was, and the evidence gives the same result again."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import stat
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import planted

import skillstats as ss
from skillstats.errors import UsageError
from skillstats.evaluation.contest import Contest
from skillstats.evaluation.contests import keep_contest
from skillstats.evaluation.evaluate import evaluate
from skillstats.evaluation.export import Wanted, export_evaluation
from skillstats.evaluation.pseudonyms import Names, make_names
from skillstats.evaluation.result import ESTIMAND_COLUMNS
from skillstats.evidence.store import read_evidence
from skillstats.inference.nuts import fit
from skillstats.plan import Plan

PEOPLE = range(1, planted.TRADERS + 1)
NAMED = ("id", "reason", "source", "note", "role", "contest")
"""Texts that no export may hold."""


@pytest.fixture(scope="module")
def originals(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger and an evaluation with minutes, every text planted."""
    folder = tmp_path_factory.mktemp("originals")
    ledger, made = planted.planted_ledger(), planted.planted_fit()
    ledger.write(folder / "ledger")
    ss.write_evaluation(planted.planted_evaluation(), folder / "evaluation", made, {"ledger_digest": ledger.digest})
    for k in PEOPLE:
        ss.add_minutes(
            folder / "evaluation",
            trader=planted.mark("id", k),
            decision="wait",
            why=planted.mark("note", k),
            by=planted.mark("role", k),
        )
    for content in planted.contests():
        keep_contest(folder / "evaluation", Contest({k: v for k, v in content.items() if k != "current"}))
    return folder


def export(originals: Path, out: Path, wanted: Wanted, key: str = "key.json") -> dict[str, Any]:
    return export_evaluation(originals / "evaluation", out / "export", key=out / key, ledger=originals / "ledger", wanted=wanted)


@pytest.mark.parametrize(
    ("wanted", "left"),
    [
        (Wanted(seed=1), ("desk", "action", "decision", "signal", "type")),
        (Wanted(("desks", "models", "signals"), seed=1), ("type",)),
        (Wanted(("desks", "signals"), "sessions", seed=1), ("type",)),
    ],
)
def test_no_original_name_stands_in_any_byte(originals: Path, tmp_path: Path, wanted: Wanted, left: tuple[str, ...]) -> None:
    export(originals, tmp_path, wanted)
    found = {field for field, _ in planted.found_in(tmp_path / "export")}
    assert found == set(left)
    assert not found & set(NAMED)
    assert {f for f, _ in planted.found_in(originals)} >= set(planted.FIELDS) - {
        "reason",
        "source",
    }  # the search would have found them


def test_the_key_is_for_its_owner_alone_and_turns_every_name_back(originals: Path, tmp_path: Path) -> None:
    export(originals, tmp_path, Wanted(seed=1))
    assert stat.S_IMODE((tmp_path / "key.json").stat().st_mode) == 0o600
    key = json.loads((tmp_path / "key.json").read_bytes())["names"]["traders"]
    assert sorted(key) == [planted.mark("id", k) for k in PEOPLE]
    back = {new: old for old, new in key.items()}
    assert len(back) == planted.TRADERS
    rows = {(r["trader"], r["regime"]): r for r in planted.planted_evaluation().rows}
    exported = ss.read_evaluation(tmp_path / "export" / "evaluation").rows
    assert len(exported) == len(rows)
    for row in exported:
        old = rows[back[row["trader"]], row["regime"]]
        assert all(row[k] == old[k] for k in (*ESTIMAND_COLUMNS, "n", "days", "n_eff", "raw_mean", "raw_ir", "status"))


def test_an_earlier_key_is_used_again(originals: Path, tmp_path: Path) -> None:
    export(originals, tmp_path, Wanted(seed=1))
    first = (tmp_path / "key.json").read_bytes()
    (tmp_path / "export").rename(tmp_path / "before")
    export(originals, tmp_path, Wanted(seed=2))
    assert (tmp_path / "key.json").read_bytes() == first


def test_ledger_and_evaluation_of_an_export_verify_and_add_up_to_the_same_money(originals: Path, tmp_path: Path) -> None:
    told = export(originals, tmp_path, Wanted(("desks", "signals"), seed=1))
    for part in ("ledger", "evaluation"):
        ss.verify(tmp_path / "export" / part)
    old, new = planted.planted_ledger(), ss.read_ledger(tmp_path / "export" / "ledger")
    for column in (
        "size",
        "drift",
        "slippage",
        "cost",
        "value_add",
        "model_pnl",
        "actual_pnl",
        "signal_time",
        "mark",
        "volatility",
    ):
        assert old.rows[column].equals(new.rows[column]), column
    assert old.result["totals"] == new.result["totals"]
    assert told["originals"]["ledger"] == old.digest
    assert told["originals"]["evidence"] == planted.planted_fit().evidence.digest
    file = (originals / "evaluation" / "evaluation.json").read_bytes()
    assert told["originals"]["evaluation.json"] == hashlib.sha256(file).hexdigest()
    for name, digest in told["files"].items():
        assert hashlib.sha256((tmp_path / "export" / name).read_bytes()).hexdigest() == digest


def test_the_evidence_of_an_export_gives_the_same_numbers_again(originals: Path, tmp_path: Path) -> None:
    """With the order of the names kept: to the last digit, posterior included; and the evidence knows no time of day."""
    export(originals, tmp_path, Wanted(times="sessions", keep_order=True))
    evidence, plan = read_evidence(tmp_path / "export" / "evidence")
    made = planted.planted_fit()
    again = evaluate(fit("crossed_total", evidence, seed=3, engine="gibbs", plan=plan, draws=1000), plan)
    before = evaluate(made, planted.planted_ledger().plan)
    key = json.loads((tmp_path / "key.json").read_bytes())["names"]["traders"]
    assert [{**r, "trader": key[r["trader"]], "codes": 0, "reasons": 0} for r in before.rows] == [
        {**r, "codes": 0, "reasons": 0} for r in again.rows
    ]


def test_in_random_order_everything_that_needs_no_sampler_is_the_same(originals: Path, tmp_path: Path) -> None:
    export(originals, tmp_path, Wanted(seed=4))
    evidence, _ = read_evidence(tmp_path / "export" / "evidence")
    key = json.loads((tmp_path / "key.json").read_bytes())["names"]["traders"]
    assert list(key.values()) != sorted(key.values())
    old = planted.planted_fit().evidence.to_pandas().assign(trader=lambda f: f["trader"].map(key))
    columns = ["trader", "session", "regime", "action", "value_add", "risk", "y"]
    new = evidence.to_pandas()
    assert old[columns].sort_values(columns).to_numpy().tolist() == new[columns].sort_values(columns).to_numpy().tolist()


def test_sessions_leave_no_time_of_day(originals: Path, tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    export(originals, tmp_path, Wanted(times="sessions", seed=1))
    for path in (tmp_path / "export" / "ledger").glob("*.parquet"):
        table = pq.read_table(path)
        assert "gap_path" not in table.column_names
        for field in table.schema:
            if pa.types.is_timestamp(field.type):
                instants = table[field.name].cast(pa.int64()).drop_null().to_pylist()
                assert {v % 86_400_000_000 for v in instants} <= {0}, (path.name, field.name)
    dated = pq.read_table(tmp_path / "export" / "ledger" / "ledger.parquet").to_pylist()
    assert all(str(r["signal_time"].date()) == r["session"] for r in dated if r["signal_time"] is not None)


@pytest.mark.parametrize("where", ["evaluation", "ledger", "export"])
def test_a_key_beside_what_it_protects_is_refused(originals: Path, tmp_path: Path, where: str) -> None:
    place = tmp_path / "export" if where == "export" else originals / where
    with pytest.raises(UsageError, match="keep it apart"):
        export_evaluation(originals / "evaluation", tmp_path / "export", key=place / "key.json", ledger=originals / "ledger")
    assert not (tmp_path / "export").exists()


def test_a_name_that_is_a_word_of_the_files_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    import sample as made

    rows = [made.row("FLAG"), made.row("T2")]
    ss.write_evaluation(made.sample(rows, plan=made.plan(text=None)), tmp_path / "q3")
    with pytest.raises(UsageError, match="'FLAG' are also words of the files"):
        export_evaluation(tmp_path / "q3", tmp_path / "export", key=tmp_path / "key.json")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["q3"]


def test_hostile_names_leave_no_trace_in_an_export(tmp_path: Path) -> None:
    import msgspec
    import sample as made

    names = [n for n in made.HOSTILE if "\ud800" not in n]
    plan = msgspec.json.encode(Plan()).decode()
    found = made.sample([made.row(n, ir=0.1 * i) for i, n in enumerate(names)], plan=made.plan(text=plan))
    ss.write_evaluation(found, tmp_path / "q3")
    export_evaluation(tmp_path / "q3", tmp_path / "export", key=tmp_path / "key.json", wanted=Wanted(seed=1))
    exported = ss.read_evaluation(tmp_path / "export" / "evaluation")
    assert sorted(r["trader"] for r in exported.rows) == [f"trader-{k:02d}" for k in range(1, len(names) + 1)]
    text = (tmp_path / "export" / "evaluation" / "evaluation.json").read_text()
    for name in names:
        assert f'"{name}"' not in text
        assert json.dumps(name) not in text


def test_a_name_inside_a_longer_word_stays_and_one_that_is_a_number_takes_its_sentence_along() -> None:
    names = Names({"traders": {"Ann": "trader-1", "12": "trader-2"}})
    assert names.text("Ann's rows, not Annabel's; without:Ann") == "trader-1's rows, not Annabel's; without:trader-1"
    assert names.text("12") == "trader-2"
    assert names.text("P = 0.12 on 12 days") == "(left out: it may name somebody)"
    assert names.value({"by": [{"trader": "12", "n": 12}, {"trader": "Ann", "n": 3}]}) == {
        "by": [{"trader": "trader-1", "n": 3}, {"trader": "trader-2", "n": 12}]
    }


def test_what_stood_in_the_order_of_names_stands_in_that_of_pseudonyms() -> None:
    names = Names({"traders": {"a": "z", "b": "y", "c": "x"}})
    listed = [{"trader": t} for t in "abcabc"]
    assert [x["trader"] for x in names.value({"rows": listed})["rows"]] == list("xyzxyz")
    assert [x["trader"] for x in names.value({"members": listed[:3]})["members"]] == list("zyx")
    assert list(names.value({"a": 1, "b": 2, "c": 3})) == ["x", "y", "z"]


def test_pseudonyms_are_one_to_one_and_kept() -> None:
    first = make_names({"traders": {"b", "a", "c"}}, {}, keep_order=True, seed=None)
    assert dict(first.of("traders")) == {"a": "trader-01", "b": "trader-02", "c": "trader-03"}
    more = make_names({"traders": {"a", "d"}}, first.by_kind, keep_order=False, seed=1)
    assert {k: v for k, v in more.of("traders").items() if k != "d"} == dict(first.of("traders"))
    assert more.of("traders")["d"] == "trader-04"
    with pytest.raises(UsageError, match="order cannot be kept"):
        make_names({"traders": {"a", "d"}}, first.by_kind, keep_order=True, seed=None)
    assert dataclasses.is_dataclass(more)
