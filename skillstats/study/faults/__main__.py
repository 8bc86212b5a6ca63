"""Run the fault table: ``python -m skillstats.study.faults [--small]``."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterable
from functools import cached_property
from pathlib import Path
from typing import Final

import click
import pandas as pd

from skillstats.study.faults.bench import RELEASE, SMALL, Bench, Row
from skillstats.study.faults.disks import damaged_files, full_disk, stalled_disk
from skillstats.study.faults.grid import delivered_twice, mixed_code, same_everywhere
from skillstats.study.faults.kills import worker_kills
from skillstats.study.faults.misdeeds import misdeeds
from skillstats.study.faults.stops import client_stops, part_of, scheduler_stops
from skillstats.study.results import frame_markdown
from skillstats.study.running.run import Results


class Runs:
    """The undisturbed runs that others are compared with, each made when it is first needed."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench

    @cached_property
    def whole(self) -> Results:
        """Every replicate, serial."""
        return self.bench.run("serial", self.bench.tasks(sleep=False), engine="serial")

    @cached_property
    def part(self) -> str:
        """Digest of the table of the first `part_of` replicates."""
        return self.bench.run("serial-part", self.bench.tasks(part_of(self.bench), sleep=False), engine="serial").sha256


CASES: Final[dict[str, Callable[[Bench, Runs], Iterable[Row]]]] = {
    "grid": lambda b, r: [same_everywhere(b, r.whole.sha256)],
    "kills": lambda b, r: worker_kills(b, r.whole.sha256),
    "clients": lambda b, r: (client_stops(b, engine, r.part) for engine in ("processes", "dask")),
    "schedulers": lambda b, r: [scheduler_stops(b, r.part)],
    "twice": lambda b, r: [delivered_twice(b, r.whole.sha256)],
    "misdeeds": lambda b, r: misdeeds(b, r.whole, b.tasks()),
    "disks": lambda b, r: (case(b, r.whole.sha256) for case in (full_disk, stalled_disk, damaged_files)),
    "mixed": lambda b, _: mixed_code(b),
}


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--small", is_flag=True, help="A few of each, in minutes.")
@click.option("--case", "cases", multiple=True, type=click.Choice(list(CASES)), help="Only these.  [default: all]")
@click.option("--seed", type=click.IntRange(min=0), default=20261201, show_default=True, help="Of who is hit, and when.")
@click.option("--out", type=click.Path(path_type=Path), help="Markdown file for the table.")
@click.option("--verbose", is_flag=True, help="Also say what the runs say.")
def main(small: bool, cases: tuple[str, ...], seed: int, out: Path | None, verbose: bool) -> None:
    """What do studies withstand? Prints a line a fault; exits 1 where one is not withstood."""
    found: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="faults-", ignore_cleanup_errors=True) as folder:
        bench = Bench(Path(folder), SMALL if small else RELEASE, seed, click.echo if verbose else lambda _: None)
        started, runs = time.monotonic(), Runs(bench)
        for row in (row for name in cases or CASES for row in CASES[name](bench, runs)):
            found.append(row)
            click.echo(
                f"{time.monotonic() - started:6.0f} s  {'pass' if row.ok else 'FAIL'}  {row.fault} ({row.count}): {row.seen}"
            )
    text = frame_markdown(
        pd.DataFrame([{"fault": r.fault, "count": r.count, "seen": r.seen, "": "pass" if r.ok else "FAIL"} for r in found])
    )
    if out is not None:
        out.write_text(text, encoding="utf-8")
    failed = sum(not r.ok for r in found)
    click.echo(f"{len(found)} faults, {failed} not withstood")
    raise SystemExit(1 if failed else 0)


if __name__ == "__main__":
    main()
