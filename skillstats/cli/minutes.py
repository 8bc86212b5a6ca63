"""`minutes`: record what was decided on an evaluation, and list it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import click

FOLDER: Final = click.Path(exists=True, path_type=Path)
DECISIONS: Final = ("keep", "cap", "revoke", "train", "change-model", "change-rule", "wait")


@click.group("minutes")
def minutes_group() -> None:
    """What was decided on an evaluation: kept beside it in a file that is only ever added to."""


@minutes_group.command()
@click.argument("evaluation", type=FOLDER)
@click.option("--trader", help="Whom the decision concerns; may be left out for change-model, change-rule and wait.")
@click.option("--regime", default="all", show_default=True, help="The regime it is limited to.")
@click.option("--decision", required=True, type=click.Choice(DECISIONS))
@click.option("--why", required=True, help="The reason, kept verbatim. The head of trading sees it, governance does not.")
@click.option("--fraction", type=float, help="With cap: the share of the size that stays allowed, for example .5")
@click.option("--by", default="", help="Role of who decided.")
@click.option("--at", help="When it was decided, with offset, for example 2026-10-05T16:00:00Z; default: this machine's clock.")
def add(evaluation: Path, **given: Any) -> None:
    """Add a decision; prints its digest, of which a copy belongs where nobody who writes EVALUATION can write."""
    from skillstats.evaluation.minutes import add_minutes

    entry = add_minutes(evaluation, **given)
    click.echo(_line(entry))
    click.echo(f"digest: {entry['digest']}")
    click.echo("The time is a claim. Send the digest to somebody outside: with it a later change of these minutes can be shown.")


@minutes_group.command("list")
@click.argument("evaluation", type=FOLDER)
def list_(evaluation: Path) -> None:
    """List the decisions of EVALUATION, a folder or its minutes.jsonl, oldest first; exits 1 where the chain does not hold."""
    from skillstats.evaluation.minutes import read_minutes

    entries = read_minutes(evaluation)
    for entry in entries:
        click.echo(_line(entry))
        click.echo(f"    why: {_shown(entry['why'])}")
        click.echo(f"    digest {entry['digest']}, about the evaluation {entry['evaluation']['manifest']}")
    click.echo(f"{len(entries)} decision(s); the chain holds" if entries else "no decision is recorded")


def _line(entry: Mapping[str, Any]) -> str:
    """One decision in a line."""
    from skillstats.record.instants import instant_text

    whom = "the desk" if entry["trader"] is None else _shown(entry["trader"])
    where = "" if entry["regime"] == "all" else f" in {_shown(entry['regime'])}"
    size = "" if entry["fraction"] is None else f" at {entry['fraction']:g} of the size"
    who = f" by {_shown(entry['by'])}" if entry["by"] else ""
    claimed = "as given" if entry["clock"] == "given" else "this machine's clock"
    return f"{entry['seq'] + 1}. {instant_text(entry['at'])} ({claimed}){who}: {entry['decision']}{size}, {whom}{where}"


def _shown(text: str) -> str:
    """Text for a terminal: nothing in it can move the cursor."""
    from skillstats.report.numbers import visible

    return visible(text)
