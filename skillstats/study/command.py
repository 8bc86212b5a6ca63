"""Options of ``python -m skillstats.study.calibration`` and ``skillstats calibrate``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click


@click.command(name="calibrate", context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.argument("models", nargs=-1)
@click.option("--release/--small", default=False, help="Release form (hours) or small form (minutes).  [default: --small]")
@click.option("--engine", type=click.Choice(["gibbs", "nuts"]), help="Default: gibbs for the models it covers, else nuts.")
@click.option(
    "--replications", type=click.IntRange(min=2), help="Worlds a model and design; default 200, or 1,000 (gibbs) and 250 (nuts)."
)
@click.option(
    "--workers", type=click.IntRange(min=1), default=1, show_default=True, help="Processes; results do not depend on it."
)
@click.option(
    "--part",
    "parts",
    multiple=True,
    help="sbc, coverage, misspecification, nulls, mutants, dependence, placebo, lookahead, engines; default: what the form runs.",
)
@click.option("--out", type=click.Path(path_type=Path), help="Folder for ranks, JSON, tables and pictures.")
@click.option("--docs", type=click.Path(path_type=Path), help="Also put evidence and pictures into this documentation folder.")
@click.option("--resume", is_flag=True, help="Go on where a run into the same --out stopped.")
def calibrate_command(models: tuple[str, ...], **options: Any) -> None:
    """Are the models right as often as they say? MODELS default to two in the small form, to all shipped ones in the release form.

    Exits 1 where a defect is found: a quantity with alarms in two runs, or a limit that does not hold.
    """
    from skillstats.study.calibration import calibrate

    outcome = calibrate(models, say=click.echo, **options)
    for sentence in outcome.defects:
        click.echo(f"defect: {sentence}")
    click.echo("no defect found" if not outcome.defects else f"{len(outcome.defects)} defect(s)")
    raise SystemExit(1 if outcome.defects else 0)
