"""Run a study: tasks, their results, the tables made of them, and how long each estimator takes.

The tables depend on the study file, the code and nothing else: not on the engine, the workers, or a run that was stopped and resumed. Times are the one
thing that does, so they are taken apart, on the first desk of each cell, and stand in a table of their own without a digest.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import msgspec
import pandas as pd

from skillstats.study.estimators import Rules
from skillstats.study.planned.file import designs_of, estimators_of, read_study, study_digest
from skillstats.study.planned.needed import needed_table, power_table
from skillstats.study.planned.structs import DesignEntry, Study, WorldEntry
from skillstats.study.planned.tables import metric_table
from skillstats.study.planned.work import ROWS, Payload, ask, desk_of, stream
from skillstats.study.planned.worlds import make_world
from skillstats.study.running import Limits, Task, TlsFiles, run_tasks
from skillstats.study.running.tasks import seed_of

WORK: Final = "skillstats.study.planned.work:run_desk"
SPLIT: Final = " | "
"""Between world and design in the name of a task's design; no name can hold it."""
Engine = Literal["serial", "processes", "dask"]
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyResult:
    """What a study found.

    rows : one a desk, estimator and trader or trader x regime: world, design, replicate and `work.ROWS`
    metrics : columns of `tables.COLUMNS`; power : of every cell; needed : decisions for the wanted power, empty with one design a world
    times : world, design, estimator, seconds of CPU on one desk; empty where not measured
    tasks, failed : desks, and those that could not be computed at all; digest : sha256 of rows and metrics
    """

    study: Study
    rows: pd.DataFrame
    metrics: pd.DataFrame
    power: pd.DataFrame
    needed: pd.DataFrame
    times: pd.DataFrame
    tasks: int
    failed: int
    digest: str

    def summary(self) -> pd.DataFrame:
        """Values of the metrics, a line a world, design and estimator."""
        wide = self.metrics.pivot_table(index=["world", "design", "estimator"], columns="metric", values="value", sort=False)
        return wide.reset_index().rename_axis(columns=None)

    def __str__(self) -> str:
        cells = self.metrics[["world", "design"]].drop_duplicates()
        return f"Study {self.study.name}: {len(cells)} cells, {self.tasks} desks, {self.failed} failed; digest {self.digest[:12]}"


def compute_study(
    source: str | Path | Study,
    folder: str | Path,
    *,
    engine: Engine = "serial",
    workers: int = 1,
    scheduler: str | None = None,
    security: TlsFiles | None = None,
    resume: bool = False,
    replications: int | None = None,
    measure: bool = True,
    limits: Limits | None = None,
    say: Say | None = None,
) -> StudyResult:
    """Run every desk of a study and make its tables.

    Parameters
    ----------
    source : study file, or a `Study`
    folder : where results are kept, one file a desk, in ``results``
    engine, workers, scheduler, security, resume, limits, say : see `skillstats.study.running.run_tasks`
    replications : desks of each cell in place of what the file says, for a small form; the tables say what was run
    measure : whether the CPU time of each estimator is measured afterwards

    Raises
    ------
    UsageError
        If the file, the folder or the cluster cannot be used.
    """
    study = read_study(source)
    if replications is not None:
        worlds = tuple(msgspec.structs.replace(w, replications=None) for w in study.worlds)
        study = msgspec.structs.replace(study, replications=replications, worlds=worlds)
    found = run_tasks(
        tasks_of(study), WORK, root=study.seed, folder=Path(folder), engine=engine, workers=workers, scheduler=scheduler,
        security=security, resume=resume, limits=limits, say=say,
    )  # fmt: skip
    rows = _rows(study, found.table)
    metrics = metric_table(study, rows)
    powers = power_table(study, rows, metrics)
    return StudyResult(
        study=study,
        rows=rows,
        metrics=metrics,
        power=powers,
        needed=needed_table(powers, study.power),
        times=measure_times(study) if measure else pd.DataFrame(columns=["world", "design", "estimator", "seconds"]),
        tasks=found.tasks,
        failed=found.failed,
        digest=digest_of(study, rows, metrics),
    )


def cells_of(study: Study) -> list[tuple[WorldEntry, DesignEntry]]:
    """Worlds x designs, in the order of the file."""
    return [(w, d) for w in study.worlds for d in designs_of(study, w)]


def tasks_of(study: Study) -> list[Task]:
    """One task a desk."""
    return [
        Task(study.name, f"{w.name}{SPLIT}{d.name}", replicate, payload)
        for w, d in cells_of(study)
        for payload in [payload_of(study, w, d)]
        for replicate in range(w.replications or study.replications)
    ]


def payload_of(study: Study, entry: WorldEntry, design: DesignEntry) -> str:
    """What the tasks of one cell are told."""
    world, problems = make_world(study, entry, design)
    if world is None:
        raise ValueError("\n".join(problems))  # `read_study` has made sure that there is none
    told = Payload(world, study.level, entry.when, estimators_of(study, entry), study.hurdle_of(entry), study.certainty)
    return msgspec.json.encode(told, order="deterministic").decode()


def _rows(study: Study, table: pd.DataFrame) -> pd.DataFrame:
    """Rows of all desks in the order of the file, then of replicates; a desk that failed as a whole has no rows and is counted in `failed`."""
    kept = table[table["status"] == "ok"]
    parts = kept["design"].str.split(SPLIT, regex=False, expand=True)
    place = {f"{w.name}{SPLIT}{d.name}": i for i, (w, d) in enumerate(cells_of(study))}
    frame = kept.assign(world=parts[0], cell=kept["design"].map(place)).assign(design=parts[1])
    ordered = frame.sort_values(["cell", "replicate"], kind="stable")
    typed: dict[str, Any] = {"n": "int64", "days": "int64", "rank": "int64", "claim": "bool"}
    return ordered[["world", "design", "replicate", *ROWS]].reset_index(drop=True).astype(typed)


def measure_times(study: Study) -> pd.DataFrame:
    """CPU seconds of every estimator on the first desk of each cell, in this process; each is warmed up once."""
    found, warm = [], set()
    for w, d in cells_of(study):
        told = msgspec.json.decode(payload_of(study, w, d), type=Payload)
        seed = seed_of(study.seed, study.name, f"{w.name}{SPLIT}{d.name}", 0)
        known = desk_of(told, seed)
        for e in told.estimators:
            for _ in range(1 if e.name in warm else 2):
                started = time.process_time()
                ask(e, known, stream(seed, e.name), Rules(told.hurdle, told.certainty))
                seconds = time.process_time() - started
            warm.add(e.name)
            found.append({"world": w.name, "design": d.name, "estimator": e.name, "seconds": seconds})
    return pd.DataFrame(found)


def digest_of(study: Study, rows: pd.DataFrame, metrics: pd.DataFrame) -> str:
    """sha256 of the study, the rows and the metrics, numbers to their last bit."""
    digest = hashlib.sha256(study_digest(study).encode())
    for frame in (rows, metrics):
        for name in frame.columns:
            column = frame[name]
            text = column.dtype == object or pd.api.types.is_string_dtype(column.dtype)
            values = "\x1f".join("" if pd.isna(v) else str(v) for v in column).encode() if text else column.to_numpy().tobytes()
            digest.update(f"{name}\x1e".encode() + values)
    return digest.hexdigest()
