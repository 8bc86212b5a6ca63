"""`evaluate`: from a ledger, a record or an outcomes table to skill.csv, evaluation.json and a page."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from skillstats.cli.asked import Asked, Fitting
from skillstats.cli.freezes import find_freezes
from skillstats.cli.on_screen import print_result
from skillstats.errors import UsageError

if TYPE_CHECKING:
    from skillstats.evaluation.restate import Earlier
    from skillstats.evaluation.result import Evaluation
    from skillstats.evidence import Evidence
    from skillstats.inference.container import Fit
    from skillstats.ledger.containers import Ledger
    from skillstats.plan import Plan

WITHHELD = 4
QUARANTINED = 3


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


def run_evaluate(source: Path, out: Path, asked: Asked) -> int:
    """Evidence, fit, evaluation, files, page; returns the exit code."""
    from skillstats.cli.record import refuse_inside
    from skillstats.evaluation.declared import default_model
    from skillstats.ledger.write import check_target
    from skillstats.plan import read_plan

    refuse_inside(source, out)
    check_target(out, "evaluation")
    if asked.operating == 1:
        raise UsageError("--operating 1, must be 0 (no error rates) or at least 2 desks; leave it out for the usual number")
    declared = read_plan(asked.plan) if asked.plan is not None else None
    wanted, decided = parse_blocks(asked.only), earlier_minutes(asked.minutes)
    freezes = find_freezes(source, asked.plan, asked.frozen)
    earlier = find_earlier(asked.restates, asked.restates_ledger)
    evidence, used, quarantined, ledger = load_evidence(source, declared, parse_columns(asked.columns))
    refuse_undeclared(used, asked.audience)
    refuse_pages(asked.audience, ledger)
    refuse_without_ledger(source, ledger, asked.restates_ledger, decided)
    how = Fitting(
        model=asked.model or used.model.name or default_model(evidence), engine=asked.engine, seed=asked.seed, draws=asked.draws,
        overrides=asked.overrides, ledger=ledger, only=wanted, freezes=freezes, earlier=earlier, operating=asked.operating, minutes=decided,
    )  # fmt: skip
    result = fit_and_write(evidence, used, out, how)
    write_pages_of(result, ledger, out, asked.audience)
    print_result(result)
    click.echo(f"evaluation: {out}")
    if result.status == "WITHHOLD" or all(r["status"] == "WITHHOLD" for r in result.rows):
        return WITHHELD
    return QUARANTINED if quarantined else 0


def refuse_without_ledger(
    source: Path, ledger: Ledger | None, restated: Path | None, decided: Sequence[Mapping[str, Any]]
) -> None:
    """Before the fit: what only a ledger can be held against."""
    if restated is not None and ledger is None:
        raise UsageError(
            "--restates-ledger, but an outcomes table has no ledger to compare it with; leave it out, digests are compared"
        )
    if decided and ledger is None:
        raise UsageError(f"--minutes holds decisions against the ledger of the quarter after; {source} has none")


def find_earlier(folder: Path | None, ledger: Path | None) -> Earlier | None:
    """The evaluation that is restated, read before the fit so that a wrong name costs nothing."""
    if folder is None:
        if ledger is not None:
            raise UsageError("--restates-ledger without --restates; name the evaluation too")
        return None
    from skillstats.evaluation.restate import read_earlier

    return read_earlier(folder, ledger)


def refuse_undeclared(plan: Plan, audiences: Sequence[str]) -> None:
    """Before the fit: a page that the plan does not provide for."""
    wrong = [a for a in audiences if plan.audiences and a not in plan.audiences]
    if wrong:
        raise UsageError(f"--audience {wrong[0]}, but the plan declares pages for {', '.join(plan.audiences)} only")


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
    from skillstats.evaluation.contests import read_contests
    from skillstats.report.page import write_own_pages, write_report
    from skillstats.report.readers import READERS

    contests = read_contests(out)
    for name in dict.fromkeys(audience):
        if READERS[name].needs_trader and ledger is not None:
            written = write_own_pages(result, ledger, out / name, audience=name, contests=contests)
            click.echo(f"pages: {len(written)} in {out / name}; give each trader the own one only")
            continue
        page = write_report(result, audience=name, path=out / f"{name}.html", ledger=ledger, contests=contests)
        click.echo(f"page: {page}")


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


def earlier_minutes(given: tuple[str, ...]) -> tuple[Mapping[str, Any], ...]:
    """Entries of the minutes of earlier evaluations, named as folders or files, separated by commas or given one by one."""
    from skillstats.evaluation.minutes import read_minutes

    names = dict.fromkeys(name.strip() for text in given for name in text.split(",") if name.strip())
    return tuple(entry for name in names for entry in read_minutes(name))


def load_evidence(source: Path, plan: Plan | None, columns: dict[str, str]) -> tuple[Evidence, Plan, int, Ledger | None]:
    """Evidence of a ledger folder, a record folder, a folder of exported evidence or an outcomes file; the plan in force; rows quarantined on the way; the ledger."""
    from skillstats.evidence import outcomes_to_evidence, to_evidence
    from skillstats.evidence.store import REST, read_evidence
    from skillstats.plan import Plan
    from skillstats.record.outcomes import read_outcome_table

    if source.is_dir():
        if columns:
            raise UsageError("--columns is for an outcomes table; a record and a ledger have the columns of the data contract")
        if (source / REST).exists():
            evidence, declared = read_evidence(source)
            return evidence, plan or declared, 0, None
        ledger = _ledger_of(source, plan)
        return to_evidence(ledger), ledger.plan, ledger.quarantine.num_rows, ledger
    used = plan or Plan()
    table = read_outcome_table(source, columns, used)
    for problem in table.problems:
        click.echo(str(problem), err=True)
    return outcomes_to_evidence(table, used), used, len(table.quarantine), None


def _ledger_of(source: Path, plan: Plan | None) -> Any:
    from skillstats.declared import plan_differences
    from skillstats.ledger.build import build_ledger
    from skillstats.ledger.write import read_ledger
    from skillstats.record.read import read_record

    if not (source / "manifest.json").exists():
        return build_ledger(read_record(source, plan), plan)
    ledger = read_ledger(source)
    if plan is None:
        return ledger
    changed = [d.key for d in plan_differences(ledger.plan, plan) if "ledger" in d.changes]
    if changed:
        raise UsageError(f"the plan differs from the ledger's in {changed}; build the ledger again with it")
    return dataclasses.replace(ledger, plan=plan)


def fit_and_write(evidence: Evidence, plan: Plan, out: Path, how: Fitting) -> Evaluation:
    """Fit, judge and write the folder `out`; see `Fitting`."""
    from skillstats.evaluation.restate import restate
    from skillstats.evaluation.write import write_evaluation
    from skillstats.inference.nuts import fit

    fitted = fit(
        how.model,
        evidence,
        seed=plan.seed if how.seed is None else how.seed,
        engine=how.engine,
        plan=plan,
        draws=how.draws,
        progress=sys.stderr.isatty(),
    )
    result = judge(fitted, plan, how)
    inputs = {k: str(evidence.context[k]) for k in ("ledger_digest", "input_digest") if k in evidence.context}
    tables = {}
    if how.earlier is not None:
        found = restate(result, how.earlier, how.ledger)
        result, tables = dataclasses.replace(result, restatement=found.plain), {"restatement": found.cells}
    write_evaluation(result, out, fitted, inputs, tables)
    return result


def judge(fitted: Fit, plan: Plan, how: Fitting) -> Evaluation:
    """The evaluation of a fit with everything that `how` asks for."""
    from skillstats.evaluation.blocks import blocks_of
    from skillstats.evaluation.declared import frozen_of
    from skillstats.evaluation.engines import second_fit
    from skillstats.evaluation.evaluate import evaluate
    from skillstats.evaluation.forward import with_past_forecasts
    from skillstats.evaluation.minutes_outcome import decided_earlier
    from skillstats.evaluation.status import plan_in_force

    evidence, ledger = fitted.evidence, how.ledger
    allowed = plan_in_force(plan, evidence.source, frozen_of(fitted, plan, how.freezes))
    with ThreadPoolExecutor(1) as beside:  # most of the error rates is a compiled chain, which leaves the interpreter to the rest
        rates = beside.submit(error_rates, fitted, allowed, how.operating)
        blocks = blocks_of(ledger, evidence, allowed, seed=fitted.seed, only=how.only) if ledger is not None else {}
        second = second_fit(fitted, plan) if how.check else None
        result = evaluate(fitted, plan, overrides=how.overrides, second=second, blocks=blocks, freezes=how.freezes)
        result = with_past_forecasts(result, fitted, plan, made=how.check)
        result = dataclasses.replace(result, operating=rates.result())
    if ledger is not None and how.minutes:
        result = dataclasses.replace(result, minutes=decided_earlier(how.minutes, ledger))
    return result


def error_rates(fitted: Fit, plan: Plan, desks: int | None) -> Mapping[str, Any]:
    """The error rates of an evaluation of a desk of this shape, see `skillstats.study.operating`; why there are none where none are wanted."""
    if desks == 0:
        from skillstats.evaluation.result import NOT_ASKED

        return {"available": False, "why": NOT_ASKED}
    from skillstats.study.operating import operating_characteristics

    if sys.stderr.isatty():
        click.echo("simulating desks of this shape, to say how often such an evaluation is wrong", err=True)
    return operating_characteristics(fitted, plan, desks=desks)
