"""`contest`: what a row of the ledger weighs in a verdict, and that somebody disputes it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

EXISTING = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command("contest")
@click.argument("evaluation", type=EXISTING)
@click.option("--ledger", type=EXISTING, required=True, help="Ledger folder the evaluation was made from.")
@click.option("--row", required=True, metavar="ID", help="signal_id, or the action_id of an INITIATE.")
@click.option("--note", required=True, metavar="TEXT", help="What is wrong with the row, in your words; kept as it is.")
@click.option(
    "--engine",
    type=click.Choice(["nuts", "gibbs"]),
    help="Default: gibbs where it covers the model, else that of the evaluation.",
)
def contest_command(evaluation: Path, ledger: Path, row: str, note: str, engine: str | None) -> None:
    """List a row of the ledger as contested, with the ledger's total and the trader's verdict with and without it.

    Nothing of the evaluation changes. The contest is kept beside it, in EVALUATION.contests, and the next page shows it.
    """
    from skillstats.evaluation.contest import contest
    from skillstats.evaluation.contests import keep_contest

    now = int(datetime.now(UTC).timestamp() * 1_000_000)
    made = contest(evaluation, ledger, row=row, note=note, engine=engine, at=now)
    click.echo(str(made))
    click.echo(f"contest: {keep_contest(evaluation, made)}; the next page for the head of trading lists it")
