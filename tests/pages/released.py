"""A small simulated desk with a unique string for each trader in every text of his, and an evaluation around it."""

from __future__ import annotations

import dataclasses
import sys
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa

sys.path.insert(0, str(Path(__file__).parent))

import sample as made

import skillstats as ss
from skillstats.evaluation.blocks import blocks_of
from skillstats.evaluation.result import Evaluation
from skillstats.ledger.containers import Ledger
from skillstats.plan import Asset, Privacy, canonical_plan
from skillstats.report.readers import READERS, Material
from skillstats.simulate.knobs import Regime

MARK = "Zq7canary"
PLANTED = ("signal_id", "action_id", "decision_id", "desk", "warnings")
CLASSES = ("equity", "credit", "rates")


@cache
def clean_ledger() -> Ledger:
    """Seven traders, 60 sessions, three asset classes, two regimes, a second horizon."""
    # two market states: with a third the crossings of so small a desk are all withheld, and there would be little to check
    states = (Regime(label="calm", share=0.75), Regime(label="stressed", share=0.25, volatility=1.4))
    world = ss.World(traders=7, sessions=60, signals_per_day=7.0, directional=(), regimes=states)
    record, _ = ss.simulate(world, seed=11)
    names = sorted(set(ss.build_ledger(record).rows["asset"].to_pylist()))
    assets = {a: Asset(class_=CLASSES[min(2, 5 * i // len(names))]) for i, a in enumerate(names)}
    plan = msgspec.structs.replace(ss.build_ledger(record).plan, assets=assets, decay=("session+1",))
    return dataclasses.replace(ss.build_ledger(record, plan), record=None)


def of_trader(name: str) -> str:
    """The unique string of a trader."""
    return f"{MARK}-{name}"


def planted(ledger: Ledger) -> Ledger:
    """The same ledger with each trader's string in the trader's name and in every id and text of the trader's rows."""

    def mark(table: pa.Table | None) -> pa.Table | None:
        if table is None or "trader" not in table.column_names:
            return table
        who = table["trader"].to_pylist()
        for name in ("trader", *PLANTED):
            if name in table.column_names:
                old = table[name].to_pylist()
                new = [
                    of_trader(t) if name == "trader" and t else f"{v} {of_trader(t)}" if v is not None and t else v
                    for v, t in zip(old, who, strict=True)
                ]
                table = table.set_column(table.column_names.index(name), name, pa.array(new, type=pa.string()))
        return table

    tables = {k: mark(getattr(ledger, k)) for k in ("rows", "decisions", "slices", "books", "kpis", "decay", "decay_kpis")}
    return dataclasses.replace(ledger, **tables)


@cache
def desk(*, frozen: str | None = None, names: bool = False, status: str = "FLAG") -> tuple[Evaluation, Ledger]:
    """Evaluation and planted ledger; every text of the evaluation that could name somebody does."""
    ledger = planted(clean_ledger())
    plan = msgspec.structs.replace(ledger.plan, privacy=Privacy(pm_names=names))
    ledger = dataclasses.replace(ledger, plan=plan)
    traders = sorted({t for t in ledger.rows["trader"].to_pylist() if t})
    rows = [made.row(t, ir=0.2 * i, codes=[made.code("W-LUCK", f"said of {t}")]) for i, t in enumerate(traders)]
    blocks = blocks_of(ledger, ss.to_evidence(ledger), plan, seed=1, only=("choice", "risk", "regimes", "policies", "factors"))
    return made.sample(
        rows,
        status=status,
        plan=made.plan(
            text=canonical_plan(plan).decode(),
            frozen=frozen and {"status": frozen, "at": None, "digest": None, "first_outcome": None, "text": ""},
        ),
        codes=(made.code("W-KHAT", f"a session of {traders[0]}"),),
        caveats=("One quarter is a belief update, not a verdict.", f"{traders[1]} has few days."),
        attribution=blocks,
        kpis=tuple(made.kpi(t) for t in traders),
        day_errors=made.day_errors([*traders, None]),
    ), ledger


def data_of(audience: str, **how: Any) -> dict[str, Any]:
    """What a reader is given, read back from its bytes."""
    evaluation, ledger = desk(**how)
    from skillstats.evaluation.write import plain_json

    return msgspec.json.decode(plain_json(READERS[audience].collect(Material(evaluation, ledger))))


__all__ = ["MARK", "clean_ledger", "data_of", "desk", "of_trader", "planted"]
