"""`demo`: the whole chain on a simulated desk, with its truth beside the estimates."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import click

from skillstats.errors import UsageError

SMOKE_DRAWS = 1000


def run_demo(out: Path, seed: int, *, smoke: bool) -> int:
    """Simulate, check, build, fit, judge, render; prints where the page is and truth beside estimate."""
    from skillstats.cli.asked import Fitting
    from skillstats.cli.evaluate import fit_and_write
    from skillstats.cli.record import totals_line
    from skillstats.evidence import to_evidence
    from skillstats.ledger.build import build_ledger
    from skillstats.record.read import read_record
    from skillstats.report.page import AUDIENCES, write_report
    from skillstats.simulate.desk import simulate_tables

    _own_folder(out)
    say = _Teller()
    say("simulating a desk whose truth is known")
    tables, truth = simulate_tables(_world(smoke), seed=seed)
    tables.write(out / "record")
    truth.write(out / "truth.json")
    say("reading and checking the record as if a stranger had sent it")
    record = read_record(out / "record")
    say(f"building the ledger of {len(record.tables['signals'])} signals")
    ledger = build_ledger(record)
    ledger.write(out / "ledger")
    evidence = to_evidence(ledger)
    say(f"fitting crossed_total to {len(evidence)} decisions (compiles first)")
    draws = SMOKE_DRAWS if smoke else None
    # without the second engine and its simulated desks, which compile for most of a minute on a fresh machine: `evaluate` runs both
    how = Fitting(model="crossed_total", seed=seed, draws=draws, check=False, ledger=ledger, operating=0)
    result = fit_and_write(evidence, ledger.plan, out / "evaluation", how)
    page = write_report(result, audience="head", path=out / "head.html")
    say("done")
    click.echo(totals_line(ledger))
    _table(result, truth)
    click.echo(f"\npage for the head of trading: {page.resolve()}")
    click.echo(
        f"tables: {out / 'evaluation' / 'skill.csv'} and {out / 'ledger' / 'ledger.csv'}; skillstats verify recomputes their digests"
    )
    readers = " ".join(f"--audience {name}" for name in AUDIENCES)
    click.echo(f"pages for all readers, with error rates: skillstats evaluate {out / 'ledger'} --out {out / 'pages'} {readers}")
    return 0


class _Teller:
    """Says what is going on, with the seconds gone, on standard error."""

    def __init__(self) -> None:
        self.start = time.perf_counter()

    def __call__(self, text: str) -> None:
        click.echo(f"[{time.perf_counter() - self.start:5.1f} s] {text}", err=True)
        sys.stderr.flush()


def _world(smoke: bool) -> Any:
    from skillstats.simulate.world import World

    return World(traders=4, sessions=63, signals_per_day=8.0, directional=(2,)) if smoke else World()


def _own_folder(out: Path) -> None:
    """Make the folder; an older demo in it is replaced, anything else is left alone."""
    if out.exists() and any(out.iterdir()) and not (out / "truth.json").exists():
        raise UsageError(f"{out} exists and holds something else; name another --out")
    out.mkdir(parents=True, exist_ok=True)
    if (out / "record").exists():
        import shutil

        shutil.rmtree(out / "record")


def _table(result: Any, truth: Any) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from skillstats.cli.on_screen import codes_of, ir_words, share_words

    known = {t.trader: t for t in truth.traders}
    console = Console(width=None if Console().is_terminal else 140, highlight=False)
    title = f"annual IR, truth beside estimate (hurdle {result.plan['hurdle']}, certainty asked {result.plan['certainty']:.0%})"
    table = Table("trader", "truth", "raw", "estimate [90% interval]", "P(IR > hurdle)", "status", "codes", title=title)
    for row in result.rows:
        if row["regime"] == "all":
            raw = "" if row["raw_ir_annual"] is None else f"{row['raw_ir_annual']:+.2f}"
            cells = (
                row["trader"],
                f"{known[row['trader']].annual_ir:+.2f}",
                raw,
                ir_words(row, annual=True),
                share_words(row["p_above_hurdle"]),
                row["status"],
                codes_of(row),
            )
            table.add_row(*(Text(c) for c in cells))
    console.print(table)
    for code in result.codes:
        console.print(Text(f"{code['code']} {code['text']}"))
    names = ", ".join(result.lists["skilled"]["traders"])
    console.print(result.lists["skilled"]["claim"] + (f": {names}" if names else ""), markup=False)
