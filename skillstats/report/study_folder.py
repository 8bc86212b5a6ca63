"""`run_study`: from a study file to a folder with rows, tables, pictures and one page."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec
import pandas as pd

from skillstats.report.page import write_page
from skillstats.report.study_page import study_page
from skillstats.study.planned.file import study_digest
from skillstats.study.planned.markdown import markdown
from skillstats.study.planned.run import Engine, StudyResult, compute_study
from skillstats.study.planned.structs import Study
from skillstats.study.running import Limits, TlsFiles
from skillstats.units import package_version

PAGE: Final = "study.html"


def run_study(
    source: str | Path | Study,
    out: str | Path,
    *,
    workers: int = 1,
    engine: Engine | None = None,
    scheduler: str | None = None,
    security: TlsFiles | None = None,
    resume: bool = False,
    replications: int | None = None,
    limits: Limits | None = None,
    say: Callable[[str], None] | None = None,
) -> StudyResult:
    """Run a simulation study and write what it found.

    Parameters
    ----------
    source : TOML study file (``skillstats study --schema`` lists its keys), or a `Study`
    out : folder for the results of single desks, the tables and the page
    workers : processes; no figure depends on them
    engine : ``serial``, ``processes`` or ``dask``; by default dask with a scheduler, processes with several workers
    scheduler, security : address of a running Dask scheduler and the TLS files for it
    resume : go on where an earlier run into `out` stopped
    replications : desks of each cell in place of the file's, for a small form
    limits : time and memory of one desk
    say : told how far the run is; None draws a bar on a terminal

    Returns
    -------
    StudyResult; in `out` stand ``rows.parquet``, ``metrics.parquet`` and ``.csv``, ``power.csv``, ``needed.csv``, ``times.csv``, ``tables.md``, ``study.json``
    and the page ``study.html``

    Raises
    ------
    UsageError
        With every problem of the file, or if folder or cluster cannot be used.
    """
    folder = Path(out)
    chosen: Engine = engine or ("dask" if scheduler is not None else "processes" if workers > 1 else "serial")
    result = compute_study(
        source, folder / "desks", engine=chosen, workers=workers, scheduler=scheduler, security=security, resume=resume,
        replications=replications, limits=limits, say=say,
    )  # fmt: skip
    write_study(result, folder)
    return result


def write_study(result: StudyResult, folder: Path) -> None:
    """Write tables and page of a study into an existing folder."""
    result.rows.to_parquet(folder / "rows.parquet", index=False)
    result.metrics.to_parquet(folder / "metrics.parquet", index=False)
    for name in ("metrics", "power", "needed", "times"):
        _csv(getattr(result, name), folder / f"{name}.csv")
    (folder / "tables.md").write_text(markdown(result), encoding="utf-8", newline="\n")
    facts: dict[str, Any] = {
        "digest": result.digest,
        "study_digest": study_digest(result.study),
        "study": msgspec.to_builtins(result.study),
        "tasks": result.tasks,
        "failed": result.failed,
        "version": package_version(),
    }
    (folder / "study.json").write_text(json.dumps(facts, indent=1, sort_keys=True) + "\n", encoding="utf-8", newline="\n")
    write_page(study_page(result), folder / PAGE)


def _csv(frame: pd.DataFrame, path: Path) -> None:
    frame.to_csv(path, index=False, lineterminator="\n", float_format="%.10g")
