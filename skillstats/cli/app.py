"""Commands and their options.

Exit codes: 0 done; 2 usage, or input rejected and nothing written; 3 done, but rows were quarantined; 4 the fit did not earn belief or
no cell may be shown; 1 anything else.
"""

from __future__ import annotations

import gc
import sys
from pathlib import Path
from typing import Any, Literal, NoReturn

import click

from skillstats.cli.contest import contest_command
from skillstats.cli.export import export_command
from skillstats.cli.minutes import minutes_group
from skillstats.cli.plan import plan_command
from skillstats.cli.study import study_command
from skillstats.study.command import calibrate_command
from skillstats.units import package_version

FOLDER = click.Path(path_type=Path)
EXISTING = click.Path(exists=True, path_type=Path)
STORE = click.option(
    "--store",
    type=FOLDER,
    help="Folder where large price files are kept mapped; default $SKILLSTATS_STORE, else the user's cache.",
)
AUDIENCES = ("trader", "head", "pm", "quant", "governance")
"""Readers this version writes a page for."""
COLLECT_AFTER = (100_000, 20, 20)
"""Thresholds of the garbage collector: with Python's own it walks the graphs of the compiled model thousands of times in a run that makes little garbage."""


class _Group(click.Group):
    """Turns the errors a user can cause into one message and an exit code, without a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        from skillstats.errors import InputRejected, SkillstatsError

        gc.set_threshold(*COLLECT_AFTER)
        try:
            return super().invoke(ctx)
        except InputRejected as error:
            for problem in error.problems:
                click.echo(str(problem), err=True)
            click.echo(f"{len(error.problems)} problem(s); nothing was written", err=True)
            ctx.exit(error.exit_code)
        except SkillstatsError as error:
            click.echo(f"skillstats: {error}", err=True)
            ctx.exit(error.exit_code)
        except OSError as error:
            click.echo(f"skillstats: {error.filename or 'a file'} cannot be read or written ({error.strerror})", err=True)
            ctx.exit(2)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(message="skillstats %(version)s", version=package_version())
def main() -> None:
    """What a person's departures from a model were worth, and how much of that was skill rather than luck."""


main.add_command(calibrate_command)
main.add_command(plan_command)
main.add_command(contest_command)
main.add_command(minutes_group)
main.add_command(export_command)
main.add_command(study_command)


def finish(code: int) -> NoReturn:
    """Leave with an exit code."""
    sys.exit(code)


@main.command()
@click.option(
    "--out",
    type=FOLDER,
    default=Path("skillstats-demo"),
    show_default=True,
    help="Folder for the record, the ledger and the page.",
)
@click.option(
    "--seed", type=click.IntRange(0, 2**63 - 1), default=1, show_default=True, help="Seed of the simulated desk and of the fit."
)
@click.option("--smoke", is_flag=True, help="A small desk and a short run, to see that everything works.")
def demo(out: Path, seed: int, smoke: bool) -> None:
    """The whole chain on a simulated desk whose truth is known: record, ledger, evaluation, page."""
    from skillstats.cli.demo import run_demo

    finish(run_demo(out, seed, smoke=smoke))


@main.command()
@click.argument("record", type=EXISTING)
@click.option("--plan", type=EXISTING, help="Plan to read it with; default RECORD/plan.toml.")
@click.option("--quarantine", type=FOLDER, help="Also write the rows set aside, with their raw text, to this CSV file.")
@STORE
def check(record: Path, plan: Path | None, quarantine: Path | None, store: Path | None) -> None:
    """Every problem of a record at once, as a table; exits as `ledger` would."""
    from skillstats.cli.record import run_check

    finish(run_check(record, plan, quarantine, store))


@main.command()
@click.argument("record", type=EXISTING)
@click.option("--out", type=FOLDER, required=True, help="Folder for the ledger; written whole or not at all.")
@click.option("--plan", type=EXISTING, help="Plan that declares horizon, fill model and costs; default RECORD/plan.toml.")
@click.option(
    "--explain",
    "keys",
    multiple=True,
    metavar="ID",
    help="Also print how this row came about; signal_id, or action_id of an INITIATE.",
)
@STORE
@click.option(
    "--threads", type=click.IntRange(min=1), default=1, show_default=True, help="Workers of large look-ups; never change a byte."
)
@click.option(
    "--decisions",
    type=click.Choice(["auto", "memory", "parts"]),
    default="auto",
    show_default=True,
    help="Hold signals, actions and fills in memory, or go part by part; auto cuts large files. Never changes a byte.",
)
@click.option("--part", type=click.IntRange(min=1), metavar="N", help="Signals of a part, about: fewer need less memory.")
def ledger(
    record: Path,
    out: Path,
    plan: Path | None,
    keys: tuple[str, ...],
    store: Path | None,
    threads: int,
    decisions: Literal["auto", "memory", "parts"],
    part: int | None,
) -> None:
    """Price every departure from the model, exactly, and keep reconciled books."""
    from skillstats.cli.record import Way, run_ledger

    finish(run_ledger(record, out, plan, keys, Way(store, threads, decisions, part)))


@main.command()
@click.argument("source", type=EXISTING)
@click.option("--out", type=FOLDER, required=True, help="Folder for skill.csv, evaluation.json and the posterior.")
@click.option("--plan", type=EXISTING, help="Plan with hurdle, certainty, floors and model.")
@click.option("--model", help="Name or file of a model; default: see `skillstats models`.")
@click.option(
    "--engine",
    type=click.Choice(["nuts", "gibbs"]),
    default="nuts",
    show_default=True,
    help="Whose draws are reported; both run where both apply.",
)
@click.option(
    "--columns",
    multiple=True,
    help="Outcomes table: trader=ID,session=DAY,value_add=VA; also regime, risk, action, asset, desk, model_version, decision_id, time.",
)
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), help="Seed of the fit; default: the plan's.")
@click.option("--draws", type=click.IntRange(min=100), help="Draws a chain; default: the model's.")
@click.option(
    "--only",
    multiple=True,
    help="Beside the verdict, answer these questions only: names of blocks; `skill` for none.  [default: all]",
)
@click.option(
    "--frozen",
    type=EXISTING,
    metavar="FILE",
    help="File of freezes of the plan; default: the one beside the plan, else the one in the record or ledger.",
)
@click.option("--restates", type=EXISTING, metavar="EVALUATION", help="Also say what changed against this earlier evaluation.")
@click.option(
    "--restates-ledger",
    type=EXISTING,
    metavar="LEDGER",
    help="The ledger of that evaluation: rows are compared, not only digests.",
)
@click.option(
    "--operating",
    type=click.IntRange(min=0),
    metavar="N",
    help="Desks without skill to simulate for the error rates of this evaluation; 0: none.  [default: by the size of the record]",
)
@click.option(
    "--minutes",
    multiple=True,
    metavar="FILE",
    help="Minutes of earlier evaluations (folders or files): what was decided then is held against what came.",
)
@click.option(
    "--audience",
    multiple=True,
    type=click.Choice(AUDIENCES),
    help="Also write the page of this reader, of `trader` one a trader into OUT/trader; none without it.",
)
def evaluate(source: Path, out: Path, **options: Any) -> None:
    """How much of a record is skill: SOURCE is a ledger folder, a record folder, or a CSV or Parquet file of outcomes."""
    from skillstats.cli.asked import Asked
    from skillstats.cli.evaluate import run_evaluate

    finish(run_evaluate(source, out, Asked(**options)))


@main.command()
@click.argument("evaluation", type=EXISTING)
@click.option("--audience", required=True, type=click.Choice(AUDIENCES), help="Who will read the page; there is no default.")
@click.option("--trader", help="Whose page it is, where a page is of one trader.")
@click.option(
    "--day", metavar="DATE", help="Session the trader's page is about.  [default: the last with a decision of the trader]"
)
@click.option(
    "--ledger", "source", type=EXISTING, help="Ledger folder the evaluation was made from, where a page shows rows of it."
)
@click.option("--out", type=FOLDER, required=True, help="HTML file to write; the data of the page is put beside it.")
@click.option("--pdf", type=FOLDER, help="Also print the page to this PDF, with a browser of this machine.  [extra: pdf]")
def report(
    evaluation: Path, audience: str, trader: str | None, day: str | None, source: Path | None, out: Path, pdf: Path | None
) -> None:
    """Write one self-contained HTML page from an evaluation folder."""
    from skillstats.cli.report import run_report

    finish(run_report(evaluation, out, audience=audience, trader=trader, source=source, day=day, pdf=pdf))


@main.command()
@click.argument("model", required=False)
def models(model: str | None) -> None:
    """List the models, or describe one: equations, priors with their units, digest."""
    from skillstats.spec import describe, list_specs, read_spec

    if model is not None:
        click.echo(describe(read_spec(model)))
        return
    for name in list_specs():
        spec = read_spec(name)
        click.echo(f"{name:18} {spec.title}")
    click.echo(
        "\nDefault: crossed_total for a record, and for outcomes with a risk column and a year; crossed_outcomes for other outcomes."
    )


@main.command()
@click.argument("world", required=False, type=EXISTING)
@click.option("--out", type=FOLDER, help="Folder for the record; its truth is written beside it, never inside.")
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=1, show_default=True)
@click.option("--prices", type=EXISTING, help="Real prices in place of simulated ones: CSV, or a folder with prices.csv.")
@click.option("--schema", is_flag=True, help="List every key of a world with its default and meaning.")
def simulate(world: Path | None, out: Path | None, seed: int, prices: Path | None, schema: bool) -> None:
    """Simulate a desk with known truth from WORLD (a TOML file; every key has a default)."""
    from skillstats.cli.simulate import run_simulate

    finish(run_simulate(world, out, seed, prices=prices, schema=schema))


@main.group(cls=_Group)
def record() -> None:
    """Start a record: empty tables to fill, or fills from a FIX log."""


@record.command()
@click.argument("folder", metavar="DIR", type=FOLDER)
def new(folder: Path) -> None:
    """Write empty tables, a plan with every key explained, and an example that works into DIR, a new or empty folder."""
    from skillstats.record.starter import new_record

    click.echo(f"record: {new_record(folder)}")
    click.echo(f"fill signals, actions, fills and prices, declare the horizon in plan.toml, then: skillstats check {folder}")
    click.echo(f"a small record that works: skillstats ledger {folder / 'example'} --out {folder}-ledger")


@record.command("from-fix")
@click.argument("log", type=EXISTING)
@click.option("--out", type=FOLDER, required=True, help="New file for the table, for example fills.csv; never replaces one.")
def from_fix(log: Path, out: Path) -> None:
    """Write the trades of a FIX log (drop copy) as the table fills. Needs the extra `fix`."""
    from skillstats.cli.record import run_from_fix

    finish(run_from_fix(log, out))


@main.command()
@click.argument("folder", type=EXISTING)
def verify(folder: Path) -> None:
    """Recompute every digest of a ledger or an evaluation; exits 1 and names what does not agree."""
    from skillstats.evaluation.verify import verify as recompute

    for line in recompute(folder):
        click.echo(line)
    click.echo(f"{folder}: everything agrees with its manifest")
