"""The ledger built in parts is the ledger built in memory, byte for byte, whatever the record holds and however small the parts are."""

from __future__ import annotations

import io
from random import Random

import desks
import fuzz_records
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from both_ways import NOW, difference
from mutations import mutate
from regime_desk import decisions, price_rows, stamp
from test_catalogue import CASES

from skillstats.errors import UsageError
from skillstats.ledger.build import build_ledger
from skillstats.ledger.door import build_ledger_folder
from skillstats.ledger.explain import explain
from skillstats.plan import Plan, parse_plan
from skillstats.record import read_record

WIDE = (0, 7, 15, 25)
"""Targets, a second book, splits, currencies, impact, several desks, blanket vetoes and further horizons occur among them."""
CHAIN_FILES = ("signals.csv", "actions.csv", "fills.csv")


def written(desk: desks.Desk, form: str) -> dict[str, bytes]:
    if form == "csv":
        return {f"{n}.csv": t.encode() for n, t in desk.texts().items()}
    found = {}
    for name, text in desk.texts().items():
        frame, sink = pd.read_csv(io.StringIO(text), dtype=str, keep_default_na=False), io.BytesIO()
        pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), sink, row_group_size=7)
        found[f"{name}.parquet"] = sink.getvalue()
    return found


@pytest.mark.parametrize("seed", WIDE)
def test_wide_desks(seed):
    desk = desks.make_desk(seed, wide=True, chains=12)
    plan, form = parse_plan(desk.plan_text().encode()), ("csv", "parquet")[seed % 2]
    assert difference(written(desk, form), plan, 3 + seed % 4, prices=("memory", "mapped")[seed // 2 % 2]) == ""


@pytest.mark.parametrize("part", [3, 1_000_000])
def test_parts_of_every_size(part):
    desk = desks.make_desk(39, chains=18)
    desk.tables["signals"] += [dict(row) for row in desk.tables["signals"][:5]]
    assert difference(written(desk, "csv"), parse_plan(desk.plan_text().encode()), part) == ""


@pytest.mark.parametrize("seed", range(3, 260, 32))
def test_spoilt_records(seed):
    desk, files, _ = fuzz_records.spoil(seed)
    pick = Random(seed)
    for _ in range(pick.randint(1, 4)):
        target = pick.choice(CHAIN_FILES)
        files[target], _ = mutate(files[target], pick, None)
    files[CHAIN_FILES[0]] = files.get(CHAIN_FILES[0], desk.texts()["signals"].encode())
    try:
        plan = parse_plan(files.pop("plan.toml"))
    except UsageError:
        plan = Plan(horizon="session+1")
    assert difference(files, plan, pick.choice((2, 4)), same_words=False) == ""


@pytest.mark.parametrize("number", range(0, len(CASES), 16))
def test_the_catalogue_of_bad_input(number, tmp_path):
    from catalogue_desk import good_desk

    draft = good_desk()
    CASES[number].change(draft)
    draft.write(tmp_path)
    files = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    assert difference(files, draft.plan, 1) == "", CASES[number].what


def test_built_in_labels(tmp_path):
    """Labels are made once of the whole market, so a part has those of the whole; history before the first signal, quotes and closes."""
    rows = price_rows(100, seed=4)
    pick, instants = Random(1), decisions(100)[160:]
    signals = [
        {
            "signal_id": f"S{i}",
            "time": stamp(t - 60_000_000),
            "model": "m",
            "asset": pick.choice("AB"),
            "side": "BUY",
            "quantity": "10",
        }
        for i, t in enumerate(instants)
    ]
    actions = [
        {"action_id": f"V{i}", "signal_id": f"S{i}", "time": stamp(t), "trader": f"T{i % 2}", "action": "VETO", "quantity": ""}
        for i, t in enumerate(instants)
    ]
    tables = {"prices": rows, "signals": signals, "actions": actions}
    files = {f"{n}.csv": pd.DataFrame(t).to_csv(index=False).encode() for n, t in tables.items()}
    text = 'horizon = "session+1"\n[max_age]\nquote = "PT96H"\n[regimes]\nuse = ["volatility", "trend", "spread", "depth", "depth@A", "volume", "calendar", "hmm@A"]\n'
    plan = parse_plan(text.encode())
    assert difference(files, plan, 7) == ""
    ledger = build_ledger(read_record({n: pd.DataFrame(t, dtype=object) for n, t in tables.items()}, plan, now=NOW))
    assert ledger.rows.num_rows > 20 and len(set(ledger.rows["regime_volatility"].to_pylist())) >= 3
    assert len(set(ledger.rows["regime_depth@A"].to_pylist())) >= 3
    assert ledger.result["counts"]["unfitted"] == ledger.result["counts"]["borderline"] == 0, "too short for a fit"
    (tmp_path / "record").mkdir()
    for name, data in files.items():
        (tmp_path / "record" / name).write_bytes(data)
    key = ledger.rows["signal_id"][9].as_py()
    built = build_ledger_folder(tmp_path / "record", tmp_path / "out", plan, decisions="parts", part=7, now=NOW, keys=(key,))
    assert str(built.explanations[0]) == str(explain(ledger, key))
    assert "a third of" in str(built.explanations[0])
