"""`study`: run a simulation study that a TOML file describes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from skillstats.errors import UsageError

FOLDER = click.Path(path_type=Path)


@click.command("study")
@click.argument("file", metavar="STUDY.toml", required=False, type=FOLDER)
@click.option("--out", type=FOLDER, help="Folder for results of single desks, tables and the page.")
@click.option("--workers", type=click.IntRange(min=1), default=1, show_default=True, help="Processes; never change a figure.")
@click.option(
    "--engine",
    type=click.Choice(["serial", "processes", "dask"]),
    help="Default: processes with several workers, dask with a scheduler.",
)
@click.option("--scheduler", metavar="ADDRESS", help="Address of a running Dask scheduler, tls://host:8786. [extra: cluster]")
@click.option("--tls", nargs=3, type=FOLDER, metavar="CA CERT KEY", help="Certificate files for a tls:// scheduler.")
@click.option("--resume", is_flag=True, help="Compute only what is missing in the folder.")
@click.option(
    "--replications", type=click.IntRange(min=1), metavar="N", help="Desks of each cell in place of the file's, for a small form."
)
@click.option("--schema", is_flag=True, help="List every key of a study file, every estimator and every metric.")
def study_command(file: Path | None, out: Path | None, *, schema: bool, **options: Any) -> None:
    """How a method behaves where the truth is known: worlds x designs x estimators x metrics, from one file."""
    if schema:
        from skillstats.study.planned.listing import schema_text

        click.echo(schema_text())
        return
    if file is None or out is None:
        raise UsageError("give STUDY.toml and --out DIR, or --schema")
    from skillstats.report.study_folder import PAGE, run_study
    from skillstats.study.running import TlsFiles

    files = options.pop("tls")
    result = run_study(file, out, security=TlsFiles(*files) if files else None, **options)
    click.echo(str(result))
    click.echo(result.summary().to_string(index=False, float_format=lambda v: f"{v:.4g}"))
    click.echo(f"page: {out / PAGE}\ntables: {out / 'tables.md'}")
