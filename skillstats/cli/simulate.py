"""`simulate`: a desk with known truth."""

from __future__ import annotations

from pathlib import Path

import click

from skillstats.errors import UsageError


def run_simulate(world: Path | None, out: Path | None, seed: int, *, prices: Path | None, schema: bool) -> int:
    """Write a record, and its truth beside it."""
    from skillstats.simulate import World, describe_world, read_world, simulate_on_prices, simulate_tables

    if schema:
        for key in describe_world():
            click.echo(f"{key.key} ({key.type}, default {key.default})\n    {key.meaning}")
        return 0
    if out is None:
        raise UsageError("give --out RECORD, the folder to write, or --schema")
    made = read_world(world) if world is not None else World()
    tables, truth = simulate_tables(made, seed=seed) if prices is None else simulate_on_prices(made, prices, seed=seed)
    tables.write(out)
    beside = out.with_name(f"{out.name}.truth.json")
    truth.write(beside)
    click.echo(f"record: {out}\ntruth:  {beside}")
    return 0
