"""Runs that only differ in how they are run, results that are delivered twice, and code that is not the same everywhere."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

from skillstats.errors import Mismatch, UsageError
from skillstats.study.faults.bench import ROOT, WORK, Bench, Row, disturbed, judge, same
from skillstats.study.faults.client import start_client, write_tasks
from skillstats.study.faults.clusters import own_cluster
from skillstats.study.running.messages import RETURNED, Answer
from skillstats.study.running.pools import Done
from skillstats.study.running.store import open_store
from skillstats.study.running.tasks import Errand
from skillstats.study.running.version import PACKAGE, code_version

FEW: Final = 20
"""Replicates of runs that are to be refused."""
REFUSED: Final = "results of different code are not mixed"


def same_everywhere(bench: Bench, digest: str) -> Row:
    """Both engines with any number of workers."""
    tasks, runs, right = bench.tasks(sleep=False), 0, 0
    for engine in ("processes", "dask"):
        for workers in bench.sizes.grid:
            results = bench.run(f"grid-{engine}-{workers}", tasks, engine=engine, workers=workers)
            runs, right = runs + 1, right + same(results, digest)
    numbers = "/".join(map(str, bench.sizes.grid))
    return Row(
        f"processes and dask with {numbers} workers against serial", runs, f"{right} of {runs} the same table", right == runs
    )


def delivered_twice(bench: Bench, digest: str) -> Row:
    """Batches come back a second time, later; then once more with one row changed, which must not pass."""
    given: list[Done] = []
    count = 0

    def twice(done: list[Done]) -> list[Done]:
        nonlocal count
        late, given[:] = given[:], []
        if count < bench.sizes.twice:
            given.extend(done)
            count += sum(len(d.batch.numbers) for d in done)
        return done + late

    results = bench.run_disturbed("twice", bench.tasks(sleep=False), disturbed(bench.sizes.workers, twice))
    ok = same(results, digest) and len(results.table) == 2 * results.tasks

    def forged(done: list[Done]) -> list[Done]:
        return done + [_forge(d) for d in done]

    try:
        bench.run_disturbed("forged", bench.tasks(FEW, sleep=False), disturbed(1, forged))
        found = False
    except Mismatch:
        found = True
    seen = f"{results.repeats} compared with what was kept, {judge(ok)}; another result for a task {'refused' if found else 'ACCEPTED'}"
    return Row("result delivered twice", count, seen, ok and found and count >= bench.sizes.twice)


def _forge(done: Done) -> Done:
    answers = done.answers or ()
    return replace(done, answers=tuple(Answer(kind=RETURNED, data=a.data[:-1] + b"?", seconds=a.seconds) for a in answers))


def mixed_code(bench: Bench) -> Iterator[Row]:
    """Five ways to mix two versions of the code."""
    other = bench.folder / "other"
    shutil.copytree(PACKAGE, other / "skillstats", ignore=shutil.ignore_patterns("__pycache__"))
    with (other / "skillstats" / "units.py").open("a", encoding="utf-8") as file:
        file.write("# another version\n")
    if (PACKAGE.parent / "models").is_dir():
        shutil.copytree(PACKAGE.parent / "models", other / "models")
    cases: dict[str, Callable[[Bench, Path], bool]] = {
        "folder of other code resumed": _folder_resumed,
        "result of other code put into the folder": _result_put_in,
        "worker of Dask with other code": _worker_differs,
        "code edited during a run": _edited,
        "folder resumed with another root": _other_root,
    }
    for name, case in cases.items():
        refused = case(bench, other)
        yield Row(f"mixed: {name}", 1, "refused with its reason" if refused else "NOT REFUSED", refused)


def _environment(other: Path) -> dict[str, str]:
    return dict(os.environ) | {"PYTHONPATH": str(other)}


def _result_of(client: subprocess.Popen[str]) -> str:
    return client.communicate(timeout=600)[0]


def _folder_resumed(bench: Bench, other: Path) -> bool:
    tasks = bench.tasks(FEW, sleep=False)
    bench.run("mixed-folder", tasks, engine="serial")
    file = write_tasks(bench.folder / "mixed.json", tasks)
    return REFUSED in _result_of(start_client(bench.folder / "mixed-folder", file, "serial", 1, env=_environment(other)))


def _result_put_in(bench: Bench, other: Path) -> bool:
    file = write_tasks(bench.folder / "mixed.json", bench.tasks(FEW, sleep=False))
    _result_of(start_client(bench.folder / "mixed-other", file, "serial", 1, env=_environment(other)))
    theirs = sorted((bench.folder / "mixed-other" / "results").glob("*.parquet"))
    bench.run("mixed-put", bench.tasks(FEW, sleep=False), engine="serial")
    shutil.copy(theirs[0], bench.folder / "mixed-put" / "results")
    try:
        bench.run("mixed-put", bench.tasks(FEW, sleep=False), engine="serial", resume=True)
    except UsageError as error:
        return REFUSED in str(error)
    return False


def _worker_differs(bench: Bench, other: Path) -> bool:
    with own_cluster(bench.folder, 1, env=_environment(other)) as (address, _):
        try:
            bench.run("mixed-worker", bench.tasks(FEW, sleep=False), engine="dask", scheduler=address)
        except UsageError as error:
            return REFUSED in str(error)
    return False


def _edited(bench: Bench, other: Path) -> bool:
    """A process that is started after the edit finds other code than the run began with."""
    tasks = bench.tasks(FEW, {FEW - 5: "exit"}, sleep=False)
    file, folder = write_tasks(bench.folder / "mixed.json", tasks), bench.folder / "mixed-edited"
    client = start_client(folder, file, "serial", 1, env=_environment(other))
    limit = time.monotonic() + 120
    while not any(folder.glob("results/*.parquet")) and client.poll() is None and time.monotonic() < limit:
        time.sleep(0.01)
    with (other / "skillstats" / "units.py").open("a", encoding="utf-8") as edited:
        edited.write("# edited\n")
    return REFUSED in _result_of(client)


def _other_root(bench: Bench, _: Path) -> bool:
    try:
        with open_store(bench.folder / "mixed-folder", Errand(WORK, code_version(WORK), ROOT + 1), resume=True):
            return False
    except UsageError as error:
        return REFUSED in str(error)
