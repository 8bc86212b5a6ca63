"""Batches on a Dask cluster (extra ``cluster``): one on this machine, or any scheduler whose address is given.

A worker of Dask holds keepers and lets them run the work, so a task that crashes, hangs or eats memory never takes the worker along. Dask repeats what
a lost worker had begun; results are committed by name where the run was started, so repeats change nothing. On this machine everything binds to
127.0.0.1 and the dashboard is off.
"""

from __future__ import annotations

import contextlib
import importlib
import queue
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from skillstats.errors import SkillstatsError, UsageError
from skillstats.study.running.keeper import Keeper
from skillstats.study.running.messages import Answer, Start
from skillstats.study.running.pools import WAIT, Batch, Done, run_batch
from skillstats.study.running.security import TlsFiles, check_address

Say = Callable[[str], None]
CONNECT_SECONDS: Final = 30
FIRST_WORKER_SECONDS: Final = 120
COUNT_SECONDS: Final = 5.0
"""Between two questions how many workers there are."""
OWN: Final = {
    "distributed.scheduler.allowed-failures": 1000,
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
}
"""Settings of a cluster on this machine: a batch may lose any number of workers, as it runs in processes apart; nothing is served over HTTP."""


@dataclass(frozen=True, slots=True)
class Where:
    """A cluster to be spoken to. scheduler : its address, None for one on this machine."""

    scheduler: str | None
    security: TlsFiles | None


def prepare(scheduler: str | None, security: TlsFiles | None) -> Where:
    """Check what can be checked before anything is started.

    Raises
    ------
    UsageError
        If Dask is not installed, or the address is refused (`check_address`).
    """
    distributed()
    if scheduler is not None:
        check_address(scheduler, security)
    elif security is not None:
        raise UsageError("TLS files without a scheduler; a cluster on this machine does not leave it")
    return Where(scheduler, security)


def distributed() -> Any:
    """The package of that name, or how to install it."""
    try:
        return importlib.import_module("distributed")
    except ImportError:
        raise UsageError("engine='dask' needs the extra cluster: pip install 'skillstats[cluster]'") from None


class ClusterPool:
    """Batches as futures of a Dask client."""

    def __init__(self, client: Any, start: Start, code: str) -> None:
        self._client, self._start, self._code = client, start, code
        comm, own = importlib.import_module("distributed.comm"), importlib.import_module("distributed.client")
        self._gone = (comm.CommClosedError, own.FutureCancelledError, ConnectionError)
        self._running: dict[Any, Batch] = {}
        self._workers, self._counted = 0, -COUNT_SECONDS

    def workers(self) -> int:
        """Threads of all workers, counted every few seconds: workers may come and go."""
        if time.monotonic() - self._counted >= COUNT_SECONDS:
            self._workers, self._counted = sum(self._ask(self._client.nthreads).values()), time.monotonic()
        return self._workers

    def submit(self, batch: Batch) -> None:
        """Give a batch to whichever worker has time; Dask may run it twice, or on another worker after this one is lost."""
        future = self._ask(self._client.submit, on_worker, self._start, self._code, batch, pure=False)
        self._running[future] = batch

    def wait(self) -> list[Done]:
        """Batches that are done."""
        with contextlib.suppress(TimeoutError):
            self._ask(distributed().wait, list(self._running), timeout=WAIT, return_when="FIRST_COMPLETED")
        return [self._done(future) for future in [f for f in self._running if f.done()]]

    def _done(self, future: Any) -> Done:
        batch = self._running.pop(future)
        if future.status == "lost" or future.cancelled():
            raise _lost()
        try:
            return Done(batch, self._ask(future.result))
        except distributed().KilledWorker:
            return Done(batch, None)

    def _ask(self, function: Callable[..., Any], *args: Any, **options: Any) -> Any:
        """Call the client; a scheduler that is gone gets a sentence of its own."""
        if self._client.status in {"closed", "closing", "connecting"}:
            raise _lost()
        try:
            return function(*args, **options)
        except self._gone as error:
            raise _lost() from error


def _lost() -> SkillstatsError:
    return SkillstatsError("the scheduler is gone; start it again and resume: what was kept is not computed again")


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


@contextlib.contextmanager
def cluster_pool(where: Where, workers: int, start: Start, code: str, say: Say) -> Iterator[ClusterPool]:
    """A `ClusterPool`; a cluster on this machine ends with it, another one is left as it was.

    Raises
    ------
    UsageError
        If the scheduler does not answer, or has no worker.
    """
    with contextlib.ExitStack() as stack:
        stack.enter_context(importlib.import_module("dask").config.set(OWN))
        if where.scheduler is None:
            client = stack.enter_context(distributed().Client(stack.enter_context(local_cluster(workers))))
        else:
            client = stack.enter_context(_connect(where))
            say(f"dashboard: {dashboard_link(client) or 'none'}")
        yield ClusterPool(client, start, code)
        with contextlib.suppress(
            Exception
        ):  # the results are kept; a worker that does not answer now ends its processes by itself
            client.run(let_go)


def local_cluster(workers: int) -> Any:
    """A cluster on this machine: processes, 127.0.0.1, no dashboard; memory is limited by the keepers."""
    return distributed().LocalCluster(
        n_workers=workers,
        threads_per_worker=1,
        processes=True,
        host="127.0.0.1",
        dashboard_address=None,
        memory_limit=0,
        silence_logs=50,
    )


def _connect(where: Where) -> Any:
    files, security = where.security, None
    if files is not None:
        own = {"tls_client_cert": str(files.certificate), "tls_client_key": str(files.key)}
        security = distributed().Security(tls_ca_file=str(files.ca), require_encryption=True, **own)
    try:
        client = distributed().Client(where.scheduler, security=security, timeout=CONNECT_SECONDS)
    except (OSError, TimeoutError) as error:
        raise UsageError(
            f"scheduler={where.scheduler!r}: no answer ({error}); is it running, and do the TLS files belong to it?"
        ) from error
    try:
        client.wait_for_workers(1, timeout=FIRST_WORKER_SECONDS)
    except TimeoutError:
        client.close()
        raise UsageError(f"scheduler={where.scheduler!r}: no worker within {FIRST_WORKER_SECONDS} s; start some") from None
    return client


def dashboard_link(client: Any) -> str:
    """Address of the scheduler's dashboard; empty where it has none."""
    services = client.scheduler_info().get("services", {})
    return str(client.dashboard_link or "") if "dashboard" in services else ""
