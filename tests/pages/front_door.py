"""From a record in files to the head's page: nothing between them is made by hand."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "unit"))

from factor_desk import COLUMNS, Tables, closes, just_after

from skillstats.evaluation.blocks import blocks_of
from skillstats.evaluation.evaluate import evaluate
from skillstats.evaluation.result import Evaluation
from skillstats.evidence import to_evidence
from skillstats.inference.nuts import fit
from skillstats.ledger.build import build_ledger
from skillstats.ledger.containers import Ledger
from skillstats.record import read_record
from skillstats.report import render_report

PAST = closes("2024-11-01", 80)
"""Sessions with prices before the day of a fixture: enough for a volatility."""
DAY = PAST[-1]
BEFORE = PAST[-2]
PLAN = 'horizon = "close"\ncurrency = "USD"\nname = "{name}"\n'


def with_past(desk: Tables, asset: str, last: float) -> None:
    """Closes of an asset up to the session before the day, one percent up and down, the last one as given."""
    for k, stamp in enumerate(PAST[:-1]):
        up = (len(PAST) - 2 - k) % 2
        desk.add("prices", asset, stamp, f"{last * (1.01 if up else 1.0):.4f}")


def write_record(desk: Tables, folder: Path, name: str, columns: dict[str, str] | None = None) -> Path:
    """The tables as CSV, with a plan."""
    folder.mkdir(parents=True)
    names = COLUMNS | (columns or {})
    for table, rows in desk.rows.items():
        head = names[table].split()
        lines = [",".join(head), *(",".join((*r, *[""] * (len(head) - len(r)))) for r in rows)]
        (folder / f"{table}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "plan.toml").write_text(PLAN.format(name=name), encoding="utf-8")
    return folder


def judged(record: Path, *blocks: str) -> tuple[Ledger, Evaluation, str]:
    """Ledger, evaluation with some blocks beside skill, and the head's page of a record."""
    ledger = build_ledger(read_record(record))
    fitted = fit("crossed_total", to_evidence(ledger), seed=1, engine="gibbs", plan=ledger.plan, draws=500)
    found = evaluate(fitted, ledger.plan, blocks=blocks_of(ledger, fitted.evidence, ledger.plan, seed=1, only=blocks))
    return ledger, found, render_report(found, audience="head", ledger=ledger)


__all__ = ["BEFORE", "DAY", "PAST", "Tables", "judged", "just_after", "with_past", "write_record"]
