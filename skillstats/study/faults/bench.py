"""What the cases of the fault table share: sizes, tasks, the digest of the undisturbed serial run, and pools that somebody may disturb."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from skillstats.study.running.messages import Start
from skillstats.study.running.pools import Batch, Done, Pool, PoolMaker, local_pool
from skillstats.study.running.run import Results, run_in, run_tasks
from skillstats.study.running.tasks import Limits, Task

WORK: Final = "skillstats.study.faults.works:steady"
ROOT: Final = 20261201
LIMITS: Final = Limits(seconds=10.0, memory_mb=300)
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is done to a run.

    replicates : of each study; seconds : a task sleeps; workers : of disturbed runs; kills : of workers; gap : seconds between them; stops : of
    clients and schedulers; twice : results delivered twice; each : of every other fault; grid : numbers of workers; mixed : mixtures of code
    """

    replicates: int
    seconds: float
    workers: int
    kills: int
    gap: float
    stops: int
    twice: int
    each: int
    grid: tuple[int, ...]


RELEASE: Final = Sizes(replicates=500, seconds=1.0, workers=4, kills=50, gap=3.0, stops=7, twice=200, each=10, grid=(1, 2, 4, 8))
SMALL: Final = Sizes(replicates=40, seconds=0.2, workers=2, kills=2, gap=1.0, stops=1, twice=20, each=1, grid=(2,))


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. fault : what was done; count : how often; seen : what came of it; ok : whether it is what must come."""

    fault: str
    count: int
    seen: str
    ok: bool


@dataclass(frozen=True, slots=True)
class Bench:
    """Where and how large. folder : for everything; seed : of random choices; say : of the runs."""

    folder: Path
    sizes: Sizes
    seed: int
    say: Say

    def tasks(
        self, n: int | None = None, misdeeds: dict[int, str] | None = None, log: Path | None = None, *, sleep: bool = True
    ) -> list[Task]:
        """`n` replicates, or as many as the sizes say; misdeeds : what some of them do; log : where executions are written down."""
        fixed: dict[str, Any] = {"seconds": self.sizes.seconds if sleep else 0.0} | ({"log": str(log)} if log is not None else {})
        todo = misdeeds or {}
        return [
            Task("faults", "steady", r, json.dumps(fixed | {"do": todo.get(r, "right")}))
            for r in range(n or self.sizes.replicates)
        ]

    def run(self, name: str, tasks: list[Task], **options: Any) -> Results:
        """A run into a folder of that name."""
        settings: dict[str, Any] = {"engine": "processes", "workers": self.sizes.workers} | options
        return run_tasks(tasks, WORK, root=ROOT, folder=self.folder / name, limits=LIMITS, say=self.say, **settings)

    def run_disturbed(self, name: str, tasks: list[Task], maker: PoolMaker, *, resume: bool = False) -> Results:
        """A run in a pool of the case's own."""
        return run_in(maker, tasks, WORK, root=ROOT, folder=self.folder / name, resume=resume, limits=LIMITS, say=self.say)


class Disturbed:
    """A pool that tells `watch` what came back, and hands on what it answers."""

    def __init__(self, pool: Pool, watch: Callable[[list[Done]], list[Done]]) -> None:
        self._pool, self._watch = pool, watch

    def workers(self) -> int:
        """Those of the pool."""
        return self._pool.workers()

    def submit(self, batch: Batch) -> None:
        """Pass a batch on."""
        self._pool.submit(batch)

    def wait(self) -> list[Done]:
        """What `watch` makes of what came back."""
        return self._watch(self._pool.wait())


def disturbed(workers: int, watch: Callable[[list[Done]], list[Done]]) -> PoolMaker:
    """Maker of a local pool that is watched."""

    @contextlib.contextmanager
    def make(start: Start, code: str, _: Say) -> Iterator[Pool]:
        with local_pool(start, code, workers) as pool:
            yield Disturbed(pool, watch)

    return make


def same(results: Results, digest: str) -> bool:
    """Whether the table is the undisturbed one."""
    return results.sha256 == digest


def judge(ok: bool) -> str:
    """In words, whether a table was the undisturbed one."""
    return "same table" if ok else "ANOTHER TABLE"
