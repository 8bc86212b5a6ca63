"""Clients and schedulers that are killed, and runs that go on afterwards. Nothing that was kept is computed again, nothing is counted twice."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections import Counter
from typing import Final

import pyarrow.parquet as pq

from skillstats.study.faults.bench import Bench, Row, judge
from skillstats.study.faults.client import start_client, write_tasks
from skillstats.study.faults.clusters import START_SECONDS, own_cluster
from skillstats.study.running.tasks import Task

END_SECONDS: Final = 1800.0


def part_of(bench: Bench) -> int:
    """Replicates of a run that is stopped again and again."""
    return max(20, bench.sizes.replicates // 5)


class Watched:
    """A folder of results and the log of executions beside it. name : of the folder; replicates : to run in it."""

    def __init__(self, bench: Bench, name: str, replicates: int) -> None:
        self.folder, self.log = bench.folder / name, bench.folder / f"{name}-log"
        self.log.mkdir(parents=True)
        self.tasks: list[Task] = bench.tasks(replicates, log=self.log)
        self.file = write_tasks(self.log / "tasks.json", self.tasks)
        self.in_flight = 0

    def executed(self) -> list[int]:
        """Replicates in the order in which they were begun, as often as they were."""
        path = self.log / "executions.txt"
        return [int(line) for line in path.read_text(encoding="ascii").split()] if path.exists() else []

    def kept(self) -> set[int]:
        """Replicates whose result is there."""
        return {int(pq.read_table(p)["replicate"][0].as_py()) for p in (self.folder / "results").glob("*.parquet")}

    def wait_for_more(self, more: int, process: subprocess.Popen[str]) -> bool:
        """Until so many more results are there; false where the process ended before."""
        before, limit = len(list((self.folder / "results").glob("*.parquet"))), time.monotonic() + START_SECONDS
        while process.poll() is None and time.monotonic() < limit:
            if len(list((self.folder / "results").glob("*.parquet"))) >= before + more:
                return True
            time.sleep(0.05)
        return False

    def note_stop(self) -> None:
        """After a stop: count what was begun and is not kept, which may be begun once more."""
        self.in_flight += len(set(self.executed()) - self.kept())

    def extra(self) -> int:
        """Executions beyond the first of each replicate."""
        return sum(n - 1 for n in Counter(self.executed()).values())


def client_stops(bench: Bench, engine: str, digest: str) -> Row:
    """SIGKILL of the client (with Dask also of the scheduler, which lives in it) at random times, then resume."""
    watched, rng = Watched(bench, f"client-{engine}", part_of(bench)), random.Random(bench.seed)  # noqa: S311 - no secret
    stops, broken = 0, 0
    for _ in range(bench.sizes.stops):
        kept, begun = watched.kept() if watched.folder.exists() else set[int](), len(watched.executed())
        client = start_client(watched.folder, watched.file, engine, bench.sizes.workers)
        if not watched.wait_for_more(1 + rng.randrange(4), client):
            client.kill()
            client.wait()
            break
        time.sleep(rng.uniform(0.0, 1.0))
        client.send_signal(signal.SIGKILL)
        client.wait()
        stops += 1
        time.sleep(2.0)  # what its processes had begun ends with them
        broken += len(set(watched.executed()[begun:]) & kept)
        watched.note_stop()
    kept, begun = watched.kept(), len(watched.executed())
    client = start_client(watched.folder, watched.file, engine, bench.sizes.workers)
    answer = client.communicate(timeout=END_SECONDS)[0]
    broken += len(set(watched.executed()[begun:]) & kept)
    right = answer.startswith(digest)
    seen = f"{watched.extra()} executions repeated of {watched.in_flight} in flight, {broken} of what was kept, {judge(right)}"
    return Row(
        f"SIGKILL of the client, {engine}, then resume",
        stops,
        seen,
        right and broken == 0 and stops == bench.sizes.stops and watched.extra() <= watched.in_flight,
    )


def scheduler_stops(bench: Bench, digest: str) -> Row:
    """SIGKILL of a scheduler in a process of its own: the client says so and ends; another scheduler, then resume."""
    watched, said, stops = Watched(bench, "scheduler", part_of(bench)), 0, 0
    for _ in range(bench.sizes.stops):
        with own_cluster(bench.folder, bench.sizes.workers) as (address, scheduler):
            client = start_client(watched.folder, watched.file, "dask", 1, address)
            if not watched.wait_for_more(2, client):
                client.kill()
                client.wait()
                break
            os.kill(scheduler.pid, signal.SIGKILL)
            stops += 1
            try:
                said += "scheduler is gone" in client.communicate(timeout=START_SECONDS)[0]
            except subprocess.TimeoutExpired:
                client.kill()
                client.wait()
    with own_cluster(bench.folder, bench.sizes.workers) as (address, _):
        answer = start_client(watched.folder, watched.file, "dask", 1, address).communicate(timeout=END_SECONDS)[0]
    right = answer.startswith(digest)
    seen = f"the client said so {said} times, {watched.extra()} executions repeated, {judge(right)}"
    return Row("SIGKILL of the scheduler, then resume", stops, seen, right and said == stops == bench.sizes.stops)
