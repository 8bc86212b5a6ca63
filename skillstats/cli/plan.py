"""`plan`: what was declared before the data, and whether it was declared before the data."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from skillstats.errors import UsageError

if TYPE_CHECKING:
    from skillstats.declared import Freeze
    from skillstats.plan import Plan

FILE = click.Path(path_type=Path)
EXISTING = click.Path(exists=True, dir_okay=False, path_type=Path)
FREEZES = ".json"


@click.group("plan")
def plan_command() -> None:
    """Write a plan, show it whole, freeze it before the outcomes, and say in what two plans differ."""


@plan_command.command()
@click.argument("file", type=FILE)
def new(file: Path) -> None:
    """Write a plan with every key, its default and its meaning into FILE, which must be new."""
    from skillstats.record.plan_text import plan_text
    from skillstats.record.starter import NEW_PLAN

    if file.exists() or file.is_symlink():
        raise UsageError(f"{file} exists; name a new file")
    if file.suffix != ".toml":
        raise UsageError(f"{file}: a plan is a TOML file; name it {file.with_suffix('.toml').name}")
    with file.open("xb") as out:
        out.write(plan_text(NEW_PLAN).encode("utf-8"))
    click.echo(f"plan: {file}")
    click.echo(f"declare the horizon and the rest before you see outcomes, then: skillstats plan freeze {file}")


@plan_command.command()
@click.argument("plan", type=EXISTING)
def show(plan: Path) -> None:
    """The complete PLAN in words and key by key, its digest, and whether it is frozen; PLAN may be a file of freezes."""
    from skillstats.declared.words import changed_keys, plan_words
    from skillstats.record.plan_text import plan_text

    content, freezes = _content(plan)
    click.echo(plan_words(content, freezes))
    changed = changed_keys(content)
    click.echo(f"\nkeys that are not the default:\n{changed}" if changed else "\nevery key has its default")
    click.echo(f"\nevery key:\n\n{plan_text(content)}", nl=False)


@plan_command.command()
@click.argument("plan", type=EXISTING)
@click.option(
    "--horizon-from-signals", is_flag=True, help="States that the plan has no horizon because every signal carries its own."
)
def freeze(plan: Path, *, horizon_from_signals: bool) -> None:
    """Append the complete PLAN, its digest and the time to the file of freezes beside it."""
    from skillstats.declared import freeze_plan
    from skillstats.declared.freeze import instant_words

    done = freeze_plan(plan, horizon_from_signals=horizon_from_signals)
    when = instant_words(done.freeze.frozen_at)
    if not done.added:
        click.echo(f"frozen already on {when} and unchanged since; nothing was written\ndigest: {done.freeze.digest}")
        return
    click.echo(f"frozen on {when} by the clock of this machine: {done.path}, freeze number {done.count}")
    for line in done.changed:
        click.echo(f"  changed since the freeze before it: {line}")
    if done.freeze.model_digest is not None:
        click.echo(f"model {done.freeze.content['model']['name']}, specification {done.freeze.model_digest}")
    click.echo(f"digest: {done.freeze.digest}")
    click.echo(
        "This machine's clock and this file prove nothing by themselves: whoever owns them can set and rewrite them.\n"
        "Send the digest today to somebody outside the desk, by mail for example, who can say later when it came."
    )


@plan_command.command()
@click.argument("before", metavar="A", type=EXISTING)
@click.argument("after", metavar="B", type=EXISTING)
def diff(before: Path, after: Path) -> None:
    """Every key in which plan B differs from plan A, defaults included, and what it can change.

    A and B are plans, or files of freezes, whose last freeze is meant; it is completed by the defaults of this version.
    """
    from skillstats.declared import plan_differences

    (old, _), (new, _) = _content(before), _content(after)
    found = plan_differences(old, new)
    for line in found:
        click.echo(str(line))
    if not found:
        click.echo(f"no key differs; the digest of both is {old.digest}")
        return
    reached = {stage for d in found for stage in d.changes}
    stages = ", ".join(s for s in ("ledger", "evidence", "fit", "verdict", "pages") if s in reached)
    click.echo(f"{len(found)} key(s) differ; they can change: {stages or 'no number, only what is refused'}")


def _content(path: Path) -> tuple[Plan, tuple[Freeze, ...]]:
    """A plan and its freezes: of a plan those beside it, of a file of freezes its last."""
    from skillstats.declared import frozen_path, read_freezes
    from skillstats.plan import read_plan

    if path.suffix == FREEZES:
        freezes = read_freezes(path)
        return freezes[-1].plan, freezes
    beside = frozen_path(path)
    return read_plan(path), read_freezes(beside) if beside.is_file() else ()
