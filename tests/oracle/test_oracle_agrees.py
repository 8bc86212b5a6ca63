"""The package's ledger and the second ledger agree on every integer, status, label and slice of random records."""

from __future__ import annotations

import sys
from collections import Counter
from datetime import datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

sys.path.insert(0, str(Path(__file__).parent))

import desks
import second_ledger

from skillstats.ledger.build import build_ledger
from skillstats.ledger.containers import Ledger
from skillstats.record import read_record

RECORDS = 200
MONEY = (
    "size",
    "drift",
    "slippage",
    "cost",
    "value_add",
    "model_pnl",
    "actual_pnl",
    "actual_cost",
    "model_cost",
    "value_add_to_date",
)
NOTIONALS = ("actual_notional", "arrival_notional")
OTHER = ("status", "n_fills", "partial", "rounded", "gap_seconds", "session", "regime_weather")
AGES = ("signal_mid_age", "model_price_age", "arrival_price_age", "mark_age")
TIMES = ("horizon_time", "mark_time", "regime_cutoff")
QUANTITIES = ("overlap", "actual_quantity", "gap_quantity")
VERBS = {"ACCEPT", "VETO", "RESIZE", "DELAY", "REPRICE", "REVERSE", "INITIATE", "NO_DECISION"}


def ledger_rows(ledger: Ledger) -> dict[str, dict[str, Any]]:
    """Rows of the package by chain, instants as microseconds, decimals as fractions."""
    table = ledger.rows
    for name in TIMES:
        at = table.schema.get_field_index(name)
        table = table.set_column(at, name, table[name].cast(pa.int64()))
    return {row["signal_id"] or row["action_id"]: row for row in table.to_pylist()}


def microseconds(moment: datetime) -> int:
    return second_ledger.instant(moment.isoformat())


def compare(name: str, row: dict[str, Any], own: dict[str, Any]) -> list[str]:
    """Names of the columns that differ."""
    wrong = [k for k in (*MONEY, *NOTIONALS, *OTHER, *AGES, *TIMES) if row[k] != own.get(k)]
    wrong += [k for k in QUANTITIES if Fraction(row[k]) != own[k]]
    path = [(microseconds(k["time"]), Fraction(k["gap"])) for k in row["gap_path"]]
    return [f"{name}.{k}: {row.get(k)} != {own.get(k)}" for k in wrong + (["gap_path"] if path != own["gap_path"] else [])]


def check(desk: desks.Desk, folder: Path) -> list[str]:
    """Every disagreement on one desk."""
    ledger = build_ledger(read_record(desk.write(folder), now="2026-01-01T00:00:00Z"))
    own = second_ledger.SecondLedger(desk.texts(), desk.plan_text())
    rows, aside = ledger_rows(ledger), {}
    for line in ledger.quarantine.to_pylist():
        aside[line["chain"]] = line["code"]
        assert (line["status"] == "COUNTERFACTUAL_UNAVAILABLE") == (line["code"] in second_ledger.UNAVAILABLE)
    wrong = [
        f"{k}: set aside {aside.get(k)}, oracle {v}"
        for k, v in own.rows.items()
        if isinstance(v, str) and (k in rows or aside.get(k) != v)
    ]
    for name, expected in own.rows.items():
        if not isinstance(expected, str):
            wrong += compare(name, rows[name], expected) if name in rows else [f"{name}: missing, {aside.get(name)}"]
    return wrong + slices_that_differ(ledger, own)


def slices_that_differ(ledger: Ledger, own: second_ledger.SecondLedger) -> list[str]:
    """Slices other than 0 (a 0 after the positions agree is not stored)."""
    kept = {k: v for k, v in own.slices.items() if v[0] and not isinstance(own.rows[k[0]], str)}
    stored = {
        (s["signal_id"] or s["action_id"], s["session"]): (s["slice"], s["carried"])
        for s in ledger.slices.to_pylist()
        if s["slice"]
    }
    return [
        f"slice {k}: {stored.get(k)} != {kept.get(k)}"
        for k in sorted(kept.keys() | stored.keys())
        if kept.get(k) != stored.get(k)
    ]


@pytest.mark.parametrize("tens", range(RECORDS // 20))
def test_both_ledgers_agree(tens: int, tmp_path: Path) -> None:
    for seed in range(20 * tens, 20 * tens + 20):
        wrong = check(desks.make_desk(seed), tmp_path / str(seed))
        assert not wrong, f"desk {seed}: " + "; ".join(wrong[:5])


def test_the_random_records_cover_what_they_should() -> None:
    """A generator that never reaches a case proves nothing about it."""
    seen: Counter[str] = Counter()
    for seed in range(RECORDS // 2):
        own = second_ledger.SecondLedger(desks.make_desk(seed).texts(), desks.make_desk(seed).plan_text())
        for chain in own.chains:
            row = own.rows[chain["name"]]
            if isinstance(row, str):
                seen[row] += 1
            else:
                seen.update(
                    (
                        chain["verb"],
                        row["status"],
                        own.plan["fill_model"],
                        chain["horizon_kind"],
                        f"{min(row['n_fills'], 2)} fills",
                    )
                )
                seen.update(k for k in ("rounded", "partial") if row[k])
    wanted = VERBS | {
        "CLOSED",
        "OPEN",
        "D213",
        "D254",
        "signal_price",
        "arrival_mid",
        "cross_spread",
        "next_open",
        "0 fills",
        "2 fills",
    }
    missing = {
        k: seen[k]
        for k in wanted | {"session+1", "session+2", "close", "exit", "PT24H", "PT30M", "rounded", "partial"}
        if seen[k] < 10
    }
    assert not missing
