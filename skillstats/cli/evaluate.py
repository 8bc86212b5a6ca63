"""`evaluate`: from a ledger, a record or an outcomes table to skill.csv, evaluation.json and a page."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from skillstats.errors import UsageError

if TYPE_CHECKING:
    from skillstats.evaluation.result import Evaluation
    from skillstats.evidence import Evidence
    from skillstats.ledger.containers import Ledger
    from skillstats.plan import Plan

WITHHELD = 4
QUARANTINED = 3
FREE_SECTIONS = ("name", "verdict", "model", "floors", "privacy", "evidence", "seed")
"""Parts of a plan that may differ from the ledger's: they do not enter it."""


def parse_columns(given: tuple[str, ...]) -> dict[str, str]:
    """``field=column`` pairs, separated by commas or given one by one.

    Examples
    --------
    >>> parse_columns(("trader=who,session=day", "value_add=va"))
    {'trader': 'who', 'session': 'day', 'value_add': 'va'}
    """
    columns: dict[str, str] = {}
    for text in given:
        for pair in text.split(","):
            field, sign, column = pair.partition("=")
            if not sign or not field.strip() or not column.strip():
                raise UsageError(f"--columns {pair!r}, must be field=column, for example trader=ID,session=DAY,value_add=VA")
            columns[field.strip()] = column.strip()
    return columns


def run_evaluate(
    source: Path,
    out: Path,
    *,
    plan: Path | None,
    model: str | None,
    engine: str,
    columns: tuple[str, ...],
    seed: int | None,
    draws: int | None,
    audience: tuple[str, ...],
    only: tuple[str, ...] = (),
) -> int:
    """Evidence, fit, evaluation, files, page; returns the exit code."""
    from skillstats.cli.record import refuse_inside
    from skillstats.ledger.write import check_target
    from skillstats.plan import read_plan

    refuse_inside(source, out)
    check_target(out, "evaluation")
    declared = read_plan(plan) if plan is not None else None
    wanted = parse_blocks(only)
    evidence, used, quarantined, ledger = load_evidence(source, declared, parse_columns(columns))
    refuse_pages(audience, ledger)
    chosen = model or used.model.name or default_model(evidence)
    overrides = {k: v for k, v in (("model", model), ("seed", seed), ("draws", draws)) if v is not None}
    overrides |= {"engine": engine} if engine != "nuts" else {}
    result = fit_and_write(
        evidence, used, out, model=chosen, engine=engine, seed=seed, draws=draws, overrides=overrides, ledger=ledger, only=wanted
    )
    write_pages_of(result, ledger, out, audience)
    print_result(result)
    click.echo(f"evaluation: {out}")
    if result.status == "WITHHOLD" or all(r["status"] == "WITHHOLD" for r in result.rows):
        return WITHHELD
    return QUARANTINED if quarantined else 0


def refuse_pages(audience: tuple[str, ...], ledger: Ledger | None) -> None:
    """Refuse, before anything is computed, pages of rows for an evaluation that rests on none."""
    from skillstats.report.readers import READERS

    lost = [name for name in audience if ledger is None and READERS[name].needs_ledger]
    if lost:
        raise UsageError(
            f"--audience {', '.join(lost)}: the page shows rows of a ledger, and an outcomes table has none; evaluate a record or a ledger, or leave it out"
        )


def write_pages_of(result: Evaluation, ledger: Ledger | None, out: Path, audience: tuple[str, ...]) -> None:
    """Write the pages of some readers into the evaluation's folder, those of one person each into a folder of their own."""
    from skillstats.report.page import write_own_pages, write_report
    from skillstats.report.readers import READERS

    for name in dict.fromkeys(audience):
        if READERS[name].needs_trader and ledger is not None:
            written = write_own_pages(result, ledger, out / name, audience=name)
            click.echo(f"pages: {len(written)} in {out / name}; give each trader the own one only")
            continue
        given = ledger if READERS[name].needs_ledger else None
        click.echo(f"page: {write_report(result, audience=name, path=out / f'{name}.html', ledger=given)}")


def default_model(evidence: Evidence) -> str:
    """``crossed_total`` for a record and for outcomes with risk and a year, else ``crossed_outcomes``; never by outcomes."""
    return "crossed_total" if evidence.has_year and evidence.has_risk else "crossed_outcomes"


def parse_blocks(given: tuple[str, ...]) -> tuple[str, ...] | None:
    """Names of blocks, separated by commas or given one by one; None for all of them, empty for ``skill``, the verdict alone.

    Examples
    --------
    >>> parse_blocks(()), parse_blocks(("skill",))
    (None, ())
    """
    from skillstats.evaluation.blocks import BLOCKS

    names = tuple(name.strip() for text in given for name in text.split(",") if name.strip())
    if not names:
        return None
    unknown = [n for n in names if n != "skill" and n not in BLOCKS]
    if unknown:
        raise UsageError(f"--only {unknown[0]!r}, must be one of {', '.join(('skill', *BLOCKS))}")
    return tuple(n for n in names if n != "skill")


def load_evidence(source: Path, plan: Plan | None, columns: dict[str, str]) -> tuple[Evidence, Plan, int, Ledger | None]:
    """Evidence of a ledger folder, a record folder or an outcomes file; the plan in force; rows quarantined on the way; the ledger."""
    from skillstats.evidence import outcomes_to_evidence, to_evidence
    from skillstats.plan import Plan
    from skillstats.record.outcomes import read_outcome_table

    if source.is_dir():
        if columns:
            raise UsageError("--columns is for an outcomes table; a record and a ledger have the columns of the data contract")
        ledger = _ledger_of(source, plan)
        return to_evidence(ledger), ledger.plan, ledger.quarantine.num_rows, ledger
    used = plan or Plan()
    table = read_outcome_table(source, columns, used)
    for problem in table.problems:
        click.echo(str(problem), err=True)
    return outcomes_to_evidence(table, used), used, len(table.quarantine), None


def _ledger_of(source: Path, plan: Plan | None) -> Any:
    import dataclasses

    from skillstats.ledger.build import build_ledger
    from skillstats.ledger.write import read_ledger
    from skillstats.record.read import read_record

    if not (source / "manifest.json").exists():
        return build_ledger(read_record(source, plan), plan)
    ledger = read_ledger(source)
    if plan is None:
        return ledger
    old, new = (msgspec.to_builtins(p) for p in (ledger.plan, plan))
    changed = sorted(k for k in old if old[k] != new[k] and k not in FREE_SECTIONS)
    if changed:
        raise UsageError(f"the plan differs from the ledger's in {changed}; build the ledger again with it")
    return dataclasses.replace(ledger, plan=plan)


def fit_and_write(
    evidence: Evidence,
    plan: Plan,
    out: Path,
    *,
    model: str,
    engine: str,
    seed: int | None,
    draws: int | None,
    overrides: dict[str, Any],
    check: bool = True,
    ledger: Ledger | None = None,
    only: tuple[str, ...] | None = None,
) -> Evaluation:
    """Fit by `engine` and, with `check` and where it covers the model, by the other one; judge and write the evaluation folder.

    With a `ledger`, the blocks of `only` (None: all) are computed too.
    """
    from skillstats.evaluation.blocks import blocks_of
    from skillstats.evaluation.engines import second_fit
    from skillstats.evaluation.evaluate import evaluate
    from skillstats.evaluation.write import write_evaluation
    from skillstats.inference.nuts import fit

    fitted = fit(
        model,
        evidence,
        seed=plan.seed if seed is None else seed,
        engine=engine,
        plan=plan,
        draws=draws,
        progress=sys.stderr.isatty(),
    )
    blocks = blocks_of(ledger, evidence, plan, seed=fitted.seed, only=only) if ledger is not None else {}
    result = evaluate(fitted, plan, overrides=overrides, second=second_fit(fitted, plan) if check else None, blocks=blocks)
    inputs = {k: str(evidence.context[k]) for k in ("ledger_digest", "input_digest") if k in evidence.context}
    write_evaluation(result, out, fitted, inputs)
    return result


def print_result(result: Evaluation) -> None:
    """A short table of the traders and every code of the fit."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(width=None if Console().is_terminal else 200, highlight=False)
    unit = "annual IR" if result.source["has_year"] else "IR per decision"
    table = Table("trader", "n", f"{unit} [90% interval]", "P(IR > hurdle)", "value-add per decision [90%]", "status", "reasons")
    own = [r for r in result.rows if r["regime"] == "all"]
    for row in own[:40]:
        cells = (
            row["trader"],
            str(row["n"]),
            _ir(row, annual=result.source["has_year"]),
            _share(row["p_above_hurdle"]),
            _value(row),
            row["status"],
            _codes(row),
        )
        table.add_row(*(Text(c) for c in cells))
    console.print(table)
    if len(own) > 40:
        console.print(f"... and {len(own) - 40} more in skill.csv")
    for code in result.codes:
        console.print(Text(f"{code['code']} {code['text']}"))
    if "engines" in result.diagnostics:
        console.print(Text(result.diagnostics["engines"]["text"]))
    target = result.source.get("target", "total")
    named = "" if target == "total" else f"; every number is of {target} skill"
    console.print(
        f"fit: {result.status}; {result.lists['skilled']['claim']} (hurdle {result.plan['hurdle']} {result.plan['hurdle_unit']}){named}"
    )


def _ir(row: Mapping[str, Any], *, annual: bool) -> str:
    name = "ir_annual" if annual else "ir_decision"
    if row[f"{name}_mean"] is None:
        return "withheld"
    mean, low, high = (row[f"{name}_{k}"] for k in ("mean", "q05", "q95"))
    digits = 2 if annual else 3
    return f"{mean:+.{digits}f} [{low:+.{digits}f}, {high:+.{digits}f}]"


def _value(row: Mapping[str, Any]) -> str:
    if row["value_add_mean"] is None:
        return "withheld"
    return f"{row['value_add_mean']:,.4g} [{row['value_add_q05']:,.4g}, {row['value_add_q95']:,.4g}]"


def _share(value: float | None) -> str:
    if value is None:
        return "withheld"
    return ">99%" if value > 0.99 else "<1%" if value < 0.01 else f"{value:.0%}"


def _codes(row: Mapping[str, Any]) -> str:
    return " ".join(dict.fromkeys(c["code"] for c in row["codes"]))
