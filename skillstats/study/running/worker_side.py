"""What runs inside a worker of Dask: it holds keepers from batch to batch, and they run the work."""

from __future__ import annotations

import contextlib
import queue
import threading
from typing import Final

from skillstats.study.running.keeper import Keeper
from skillstats.study.running.messages import Answer, Start
from skillstats.study.running.pools import Batch, run_batch


def on_worker(start: Start, code: str, batch: Batch) -> tuple[Answer, ...]:
    """Run a batch in a worker of Dask, by a keeper that the worker holds from batch to batch."""
    keeper = _HELD.take(start, code)
    try:
        return run_batch(keeper, batch)
    finally:
        _HELD.give(start, code, keeper)


class _Held:
    """The idle keepers of one worker process: those of the latest run."""

    def __init__(self) -> None:
        self._lock, self._kind = threading.Lock(), (Start("", 0.0, 0), "")
        self._idle: queue.SimpleQueue[Keeper] = queue.SimpleQueue()

    def take(self, start: Start, code: str) -> Keeper:
        """An idle keeper, or a new one; those of another run are let go."""
        with self._lock:
            if self._kind != (start, code):
                self._drop()
                self._kind = (start, code)
            with contextlib.suppress(queue.Empty):
                return self._idle.get_nowait()
        return Keeper(start, code)

    def give(self, start: Start, code: str, keeper: Keeper) -> None:
        """Take a keeper back; one of an earlier run is let go."""
        with self._lock:
            if self._kind == (start, code):
                self._idle.put(keeper)
                return
        keeper.close()

    def drop(self) -> None:
        """End all idle keepers."""
        with self._lock:
            self._drop()

    def _drop(self) -> None:
        with contextlib.suppress(queue.Empty):
            while True:
                self._idle.get_nowait().close()


_HELD: Final = _Held()


def let_go() -> None:
    """End the processes a worker holds, at the end of a run."""
    _HELD.drop()
