"""`simulate`: a desk with known truth."""

from __future__ import annotations

from pathlib import Path

import click

from skillstats.errors import UsageError


def run_simulate(world: Path | None, out: Path | None, seed: int, *, schema: bool) -> int:
    """Write a record, and its truth beside it."""
    from skillstats.simulate import World, describe_world, read_world
    from skillstats.simulate.desk import simulate_tables

    if schema:
        for key in describe_world():
            click.echo(f"{key.key} ({key.type}, default {key.default})\n    {key.meaning}")
        return 0
    if out is None:
        raise UsageError("give --out RECORD, the folder to write, or --schema")
    tables, truth = simulate_tables(read_world(world) if world is not None else World(), seed=seed)
    tables.write(out)
    beside = out.with_name(f"{out.name}.truth.json")
    truth.write(beside)
    click.echo(f"record: {out}\ntruth:  {beside}")
    return 0
