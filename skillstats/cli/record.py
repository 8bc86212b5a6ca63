"""`check` and `ledger`: what a desk handed in, and what it was worth."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from skillstats.cli.freezes import carry_freezes, find_freezes
from skillstats.errors import RULES, Problem, UsageError
from skillstats.units import format_micro

if TYPE_CHECKING:
    import pyarrow as pa

    from skillstats.ledger.containers import Ledger
    from skillstats.ledger.door import Decisions
    from skillstats.ledger.folder import LedgerFolder
    from skillstats.plan import Plan

QUARANTINED = 3
AGES = (0, 1, 60, 300)
AGE_COLUMNS = ("signal_mid_age", "model_price_age", "arrival_price_age", "mark_age")
SHOWN = 5
"""Warnings of one code that are listed one by one."""


def build(record: Path, plan: Path | None, store: Path | None = None) -> Ledger:
    """Read a record and build its ledger; large price files are mapped from `store`."""
    from skillstats.ledger.build import build_ledger
    from skillstats.plan import read_plan
    from skillstats.record.read import read_record

    declared: Plan | None = read_plan(plan) if plan is not None else None
    return build_ledger(read_record(record, declared, store=store), declared)


def run_check(record: Path, plan: Path | None, quarantine: Path | None, store: Path | None = None) -> int:
    """Print every problem as a table, and how many look-ups a tighter age limit would lose."""
    from skillstats.ledger.door import has_large_decisions

    if quarantine is not None:
        _refuse_overwriting(quarantine)
    if has_large_decisions(record):
        return _check_in_parts(record, plan, quarantine, store)
    ledger = build(record, plan, store)
    print_problems(ledger.problems)
    click.echo(_count_line(ledger.result, ledger.decisions.num_rows))
    for line in _label_lines(ledger.result):
        click.echo(line)
    click.echo(_age_line([ledger.rows]))
    if quarantine is not None:
        from skillstats.ledger.canonical import safe_csv

        quarantine.write_bytes(safe_csv(ledger.quarantine))
        click.echo(f"rows set aside: {quarantine}")
    return QUARANTINED if ledger.quarantine.num_rows else 0


def _check_in_parts(record: Path, plan: Path | None, quarantine: Path | None, store: Path | None) -> int:
    """The same of a record whose decisions do not fit in memory: the ledger is built in a temporary folder and looked at there."""
    import pyarrow.parquet as pq

    from skillstats.ledger.door import build_ledger_folder
    from skillstats.plan import read_plan
    from skillstats.record.price_files import store_folder

    kept: list[Problem] = []
    heard: Counter[str] = Counter()

    def hear(problem: Problem) -> None:
        heard[problem.code] += 1
        if problem.outcome != "warn" or heard[problem.code] <= SHOWN:
            kept.append(problem)

    with tempfile.TemporaryDirectory(prefix=".check-", dir=store_folder(store)) as folder:  # a system's own may lie in memory
        declared = read_plan(plan) if plan is not None else None
        ledger = build_ledger_folder(record, Path(folder) / "ledger", declared, decisions="parts", store=store, hear=hear)
        print_problems(kept, heard)
        click.echo(_count_line(ledger.result, ledger.decisions))
        for line in _label_lines(ledger.result):
            click.echo(line)
        with pq.ParquetFile(ledger.folder / "ledger.parquet") as rows:
            click.echo(_age_line(rows.read_row_group(i, columns=list(AGE_COLUMNS)) for i in range(rows.num_row_groups)))
        if quarantine is not None:
            shutil.copyfile(ledger.folder / "quarantine.csv", quarantine)
            click.echo(f"rows set aside: {quarantine}")
    return QUARANTINED if ledger.result["counts"]["quarantined"] else 0


@dataclass(frozen=True, slots=True)
class Way:
    """How a ledger is built; none of it changes a byte."""

    store: Path | None = None
    threads: int = 1
    decisions: Decisions = "auto"
    part: int | None = None


def run_ledger(record: Path, out: Path, plan: Path | None, keys: tuple[str, ...] = (), way: Way | None = None) -> int:
    """Write the ledger folder and print what it says, and then the rows that were asked for in words."""
    from skillstats.ledger.door import build_ledger_folder
    from skillstats.plan import read_plan
    from skillstats.record.parts import PART

    refuse_inside(record, out)
    find_freezes(record, plan)  # before the work: a file that cannot be read stops it
    way = way or Way()
    ledger = build_ledger_folder(
        record,
        out,
        read_plan(plan) if plan is not None else None,
        decisions=way.decisions,
        part=way.part or PART,
        threads=way.threads,
        store=way.store,
        keys=keys,
        hear=_tell_refused,
    )
    warned = sum(n for code, n in ledger.problems.items() if RULES[code].outcome == "warn")
    if warned:
        click.echo(f"{warned} warning(s); `skillstats check` lists them")
    click.echo(_count_line(ledger.result, ledger.decisions))
    click.echo(_totals(ledger.result, ledger.plan.currency, ledger.by_class))
    for line in further_lines(ledger):
        click.echo(line)
    if (carried := carry_freezes(record, plan, out)) is not None:
        click.echo(f"freezes of the plan: {carried}")
    click.echo(f"ledger: {out}  digest {ledger.digest}")
    for explanation in ledger.explanations:
        click.echo(f"\n{explanation}")
    return QUARANTINED if ledger.result["counts"]["quarantined"] else 0


def _tell_refused(problem: Problem) -> None:
    if problem.outcome in ("quarantine", "reject"):
        click.echo(str(problem), err=True)


def refuse_inside(source: Path, out: Path) -> None:
    """An output inside the input would become part of it."""
    if source.is_dir() and out.resolve().is_relative_to(source.resolve()):
        raise UsageError(f"{out} lies inside {source}; name an --out outside the input")


def run_from_fix(log: Path, out: Path) -> int:
    """Write the fills of a FIX log into a new file, and say what could not be used."""
    from skillstats.record.fix_log import fills_csv, read_fix

    if out.exists() or out.is_symlink():
        raise UsageError(f"{out} exists; name a new file for --out")
    fills = read_fix(log)
    for problem in fills.problems:
        click.echo(str(problem), err=True)
    with out.open("xb") as file:
        file.write(fills_csv(fills))
    click.echo(", ".join(f"{n} {name}" for name, n in fills.counts.items()))
    click.echo(f"fills: {out}, {fills.table.num_rows} rows")
    return QUARANTINED if any(p.outcome == "quarantine" for p in fills.problems) else 0


def _refuse_overwriting(path: Path) -> None:
    """A file that is not an earlier list of ours is never replaced."""
    if path.exists() and (not path.is_file() or not path.read_bytes().startswith(b"table,file,line,code,status")):
        raise UsageError(f"{path} exists and is not an earlier list of rows set aside; name another file")


def print_problems(problems: Sequence[Problem], counts: Mapping[str, int] | None = None) -> None:
    """A table of problems; frequent warnings are shown a few times and counted. `counts` : of each code, where not all are given."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(width=None if Console().is_terminal else 200, highlight=False)
    if not problems:
        console.print("no problems found")
        return
    table = Table("code", "outcome", "place", "what was found, what is allowed, what to do", show_lines=False)
    shown: Counter[str] = Counter()
    for problem in problems:
        shown[problem.code] += 1
        if problem.outcome == "warn" and shown[problem.code] > SHOWN:
            continue
        place = f"{problem.file}:{problem.line}"
        table.add_row(*(Text(cell) for cell in (problem.code, problem.outcome, place, problem.message)))
    console.print(table)
    for code, count in sorted((counts or shown).items()):
        if RULES[code].outcome == "warn" and count > SHOWN:
            console.print(f"{code}: {count - SHOWN} more of the same kind")


def totals_line(ledger: Ledger) -> str:
    """Books and value-add in currency."""
    from skillstats.ledger.kpis import value_add_by_class

    classes = value_add_by_class(ledger.rows["action"].to_pylist(), ledger.rows["value_add"].to_pylist())
    return _totals(ledger.result, ledger.plan.currency, classes)


def _totals(result: Mapping[str, Any], unit: str, classes: Mapping[str, int]) -> str:
    actual, model, added = (format_micro(result["totals"][k], 2) for k in ("actual", "model", "value_add"))
    first = f"actual book {actual} - model book {model} = difference {added} {unit} (closed rows, costs included)"
    return f"{first}\nof which {', '.join(f'{name} {format_micro(total, 2)}' for name, total in classes.items())}"


def further_lines(ledger: Ledger | LedgerFolder) -> list[str]:
    """What the chains set aside could change, the re-simulated book, and the same decisions at other horizons."""
    bounds, unit = ledger.result["bounds"], ledger.plan.currency
    lines = []
    if bounds["chains"]:
        low, high = (format_micro(bounds[k], 2) for k in ("lowest", "highest"))
        text = f"{bounds['chains']} chain(s) without a counterfactual: the closed total would lie between {low} and {high} {unit}"
        lines.append(text + (f"; {bounds['unbounded']} of them cannot be bounded" if bounds["unbounded"] else ""))
    totals = ledger.result["totals"]
    if "feedback" in totals:
        second, more = (format_micro(totals[k], 2) for k in ("resimulated", "feedback"))
        lines.append(f"re-simulated model book {second}: feedback {more} {unit}, of no trader")
    return [*_label_lines(ledger.result), *lines, *_decay_lines(ledger.decay_kpis)]


def _label_lines(result: Mapping[str, Any]) -> list[str]:
    """How many rows have no label of a regime the plan names, how many of them for want of a fit, and how many labels of states are borderline."""
    counts, use = result["counts"], result["plan"]["regimes"]["use"]
    near = counts.get("borderline")
    lines = [f"{near} label(s) of hmm are borderline: the other state was at least half as likely"] if near else []
    if not counts["unlabelled"]:
        return lines
    text = f"{counts['unlabelled']} label(s) missing among {counts['rows']} rows and the regimes {', '.join(use)}: too little known before the decision"
    return [text + (f"; {counts['unfitted']} because a fit failed" if counts.get("unfitted") else ""), *lines]


def _decay_lines(kpis: pa.Table | None) -> list[str]:
    """A line a horizon: all traders' intervention decisions, the declared horizon marked."""
    if kpis is None:
        return []
    lines = ["interventions by horizon (* the declared one; the verdict is its alone):"]
    for row in kpis.to_pylist():
        if row["trader"] is None:
            shared = f"over the {row['n_common']} closed at all {format_micro(row['sum_common'], 2)}"
            counts = ", ".join(f"{row[f'n_{k}']} {k.replace('_', ' ')}" for k in ("open", "unavailable", "before_action"))
            star = "*" if row["primary"] else " "
            lines.append(f" {star} {row['horizon']}: {format_micro(row['sum'], 2)} over {row['n_decisions']}; {shared}; {counts}")
    return lines


def _count_line(result: Mapping[str, Any], decisions: int) -> str:
    c = result["counts"]
    return (
        f"{c['rows']} rows: {c['followed']} followed, {c['intervened']} intervened, {c['no_decision']} without a decision, "
        f"{c['expired']} expired, {c['initiated']} initiated; {c['open']} open, {c['unavailable']} without a counterfactual, {c['quarantined']} rows "
        f"quarantined, {c['dropped']} documented drops; {decisions} decision(s)"
    )


def _age_line(blocks: Iterable[pa.Table]) -> str:
    import numpy as np

    looked, lost = 0, dict.fromkeys(AGES, 0)
    for block in blocks:
        ages = np.concatenate([block[n].drop_null().to_numpy() for n in AGE_COLUMNS])
        looked += len(ages)
        for limit in AGES:
            lost[limit] += int((ages > limit * 10**6).sum())
    parts = ", ".join(f"{n} at {limit} s" for limit, n in lost.items())
    return f"of {looked} look-ups an age limit would lose {parts} (closes and nights count from the last close)"
