"""`export`: an evaluation for an outside reviewer, under pseudonyms."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

EXISTING = click.Path(exists=True, path_type=Path)


@click.command("export")
@click.argument("evaluation", type=EXISTING)
@click.option("--ledger", type=EXISTING, help="Ledger folder the evaluation was made from; without it no evidence is exported.")
@click.option(
    "--pseudonyms",
    "key",
    type=click.Path(path_type=Path),
    required=True,
    metavar="KEYFILE",
    help="Replace names by pseudonyms and keep the key here, readable by you alone; outside of every folder named. An existing key is used again.",
)
@click.option("--out", type=click.Path(path_type=Path), required=True, help="New folder for the reviewer.")
@click.option("--also", multiple=True, help="Names to replace beside those of the traders: desks, models, signals.")
@click.option(
    "--times",
    type=click.Choice(["exact", "sessions"]),
    default="exact",
    show_default=True,
    help="Keep instants, or only the date of the desk session.",
)
@click.option(
    "--keep-order",
    is_flag=True,
    help="Pseudonyms ascend as the names do: a new fit gives the same digits, and who knows all names knows whose is whose.",
)
def export_command(
    evaluation: Path,
    ledger: Path | None,
    key: Path,
    out: Path,
    also: tuple[str, ...],
    times: Literal["exact", "sessions"],
    *,
    keep_order: bool,
) -> None:
    """Write what an outside reviewer needs of EVALUATION: the result, its evidence and its ledger, without names and free text."""
    from skillstats.evaluation.export import Wanted, export_evaluation

    kinds = tuple(name.strip() for text in also for name in text.split(",") if name.strip())
    told = export_evaluation(evaluation, out, key=key, ledger=ledger, wanted=Wanted(kinds, times, keep_order))  # type: ignore[arg-type]
    replaced = ", ".join(f"{n} {kind}" for kind, n in told["pseudonyms"].items())
    click.echo(f"export: {out}; replaced {replaced}")
    click.echo(f"key: {key}, for you alone; whoever has it can name everybody")
