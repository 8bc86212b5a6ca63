"""A run in a process of its own, to be killed: ``python -m skillstats.study.faults.client FOLDER TASKS ENGINE WORKERS [SCHEDULER]``.

TASKS is a JSON file of [study, design, replicate, payload] rows. It resumes what is in FOLDER and prints the digest of the table; a refusal is
printed instead, and the exit code is its.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from skillstats.errors import SkillstatsError
from skillstats.study.faults.bench import LIMITS, ROOT, WORK
from skillstats.study.running import Task, run_tasks


def main() -> int:
    """Run and print."""
    folder, tasks, engine, workers, *scheduler = sys.argv[1:]
    rows = json.loads(Path(tasks).read_text(encoding="utf-8"))
    options: dict[str, Any] = {"engine": engine, "workers": int(workers), "scheduler": scheduler[0] if scheduler else None}
    try:
        results = run_tasks(
            [Task(*row) for row in rows], WORK, root=ROOT, folder=Path(folder), resume=True, limits=LIMITS, **options
        )
    except SkillstatsError as error:
        sys.stdout.write(f"refused: {error}\n")
        return error.exit_code
    sys.stdout.write(f"{results.sha256} {results.computed} {results.reused}\n")
    return 0


def write_tasks(path: Path, tasks: list[Task]) -> Path:
    """The JSON file of tasks."""
    path.write_text(json.dumps([[t.study, t.design, t.replicate, t.payload] for t in tasks]), encoding="utf-8")
    return path


def same_code() -> dict[str, str]:
    """Variables of a process that is to import what this one imports."""
    return os.environ | {"PYTHONPATH": os.pathsep.join(p or str(Path.cwd()) for p in sys.path)}


def start_client(
    folder: Path, tasks: Path, engine: str, workers: int, *scheduler: str, env: dict[str, str] | None = None
) -> subprocess.Popen[str]:
    """Start this module; its standard output holds the answer."""
    command = [
        sys.executable,
        "-P",
        "-m",
        "skillstats.study.faults.client",
        str(folder),
        str(tasks),
        engine,
        str(workers),
        *scheduler,
    ]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=env or same_code())  # noqa: S603 - this Python, own module


if __name__ == "__main__":
    sys.exit(main())
