"""Where batches run. A pool takes batches, says which are done, and can be closed; results do not depend on which pool it is.

`LocalPool` keeps one process a worker on this machine (with one worker: serial). `cluster.ClusterPool` does the same on every worker of a Dask
cluster: a worker of Dask never runs the work itself, it only holds a keeper.
"""

from __future__ import annotations

import contextlib
import queue
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from dataclasses import dataclass
from typing import Final, Protocol

from skillstats.study.running.keeper import Keeper
from skillstats.study.running.messages import Answer, Request, Start

WAIT: Final = 1.0
"""Seconds after which a pool with nothing done says so, so that progress and a lost cluster are seen."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Requests that one worker runs in turn. order : number of the batch; numbers : places of the tasks in the run; fresh : each in a new process."""

    order: int
    numbers: tuple[int, ...]
    requests: tuple[Request, ...]
    fresh: bool = False


@dataclass(frozen=True, slots=True)
class Done:
    """A batch that came back. answers : one a request; None where the worker was lost, so that all of it is given again."""

    batch: Batch
    answers: tuple[Answer, ...] | None


class Pool(Protocol):
    """What a run needs of a pool."""

    def workers(self) -> int:
        """Batches that can run at the same time, now."""

    def submit(self, batch: Batch) -> None:
        """Take a batch."""

    def wait(self) -> list[Done]:
        """Batches that came back since the last time; after `WAIT` seconds maybe none."""


def run_batch(keeper: Keeper, batch: Batch) -> tuple[Answer, ...]:
    """Answers of all requests, in their order."""
    return tuple(keeper.run(request, fresh=batch.fresh) for request in batch.requests)


class LocalPool:
    """Keepers on this machine, one a worker; the threads here only wait for them."""

    def __init__(self, start: Start, code: str, workers: int) -> None:
        self._keepers = [Keeper(start, code) for _ in range(workers)]
        self._idle: queue.SimpleQueue[Keeper] = queue.SimpleQueue()
        for keeper in self._keepers:
            self._idle.put(keeper)
        self._threads = ThreadPoolExecutor(workers)
        self._running: dict[Future[tuple[Answer, ...]], Batch] = {}

    def workers(self) -> int:
        """As many as were asked for."""
        return len(self._keepers)

    def pids(self) -> list[int]:
        """Numbers of the processes that live now."""
        return [keeper.pid for keeper in self._keepers if keeper.pid]

    def submit(self, batch: Batch) -> None:
        """Run a batch as soon as a keeper is idle."""
        self._running[self._threads.submit(self._run, batch)] = batch

    def _run(self, batch: Batch) -> tuple[Answer, ...]:
        keeper = self._idle.get()
        try:
            return run_batch(keeper, batch)
        finally:
            self._idle.put(keeper)

    def wait(self) -> list[Done]:
        """Batches that are done."""
        done, _ = wait_for(self._running, timeout=WAIT, return_when=FIRST_COMPLETED)
        return [Done(self._running.pop(future), future.result()) for future in done]

    def close(self) -> None:
        """Drop what has not begun and end every process."""
        for future in self._running:
            future.cancel()
        for keeper in self._keepers:
            keeper.retire()
        self._threads.shutdown(wait=True)


@contextlib.contextmanager
def local_pool(start: Start, code: str, workers: int) -> Iterator[LocalPool]:
    """A `LocalPool`, closed whatever happens."""
    pool = LocalPool(start, code, workers)
    try:
        yield pool
    finally:
        pool.close()


PoolMaker = Callable[[Start, str, Callable[[str], None]], contextlib.AbstractContextManager[Pool]]
"""Makes the pool of a run: from the limits and the work, the code version every process must have, and somebody to tell things."""
