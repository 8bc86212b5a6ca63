"""Batches on a Dask cluster (extra ``cluster``): one on this machine, or any scheduler whose address is given.

A worker of Dask holds keepers and lets them run the work, so a task that crashes, hangs or eats memory never takes the worker along. Dask repeats what
a lost worker had begun; results are committed by name where the run was started, so repeats change nothing. On this machine everything binds to
127.0.0.1 and the dashboard is off.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import importlib
import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from skillstats.errors import SkillstatsError, UsageError
from skillstats.study.running.messages import Start
from skillstats.study.running.pools import WAIT, Batch, Done
from skillstats.study.running.security import TlsFiles, check_address
from skillstats.study.running.worker_side import let_go, on_worker

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

    def __init__(self, client: Any, start: Start, code: str, say: Say, cluster: Any = None, size: int = 0) -> None:
        self._client, self._start, self._code, self._say = client, start, code, say
        self._cluster, self._size = cluster, size
        lost = importlib.import_module("distributed.comm").CommClosedError
        self._gone = (lost, asyncio.CancelledError, concurrent.futures.CancelledError, ConnectionError)
        self._running: dict[Any, Batch] = {}
        self._workers, self._counted = 0, -COUNT_SECONDS

    def workers(self) -> int:
        """Threads of all workers, counted every few seconds: workers may come and go, and on this machine they are replaced."""
        if time.monotonic() - self._counted >= COUNT_SECONDS:
            before, self._workers = self._workers, sum(self._ask(self._client.nthreads).values())
            self._counted = time.monotonic()
            if before and not self._workers:
                self._say("no worker is left; waiting for one")
            if self._cluster is not None and self._workers < self._size:
                replace_lost(self._cluster, self._size)
        return self._workers

    def pids(self) -> list[int]:
        """Numbers of the processes of Dask's workers, where they are this machine's."""
        nannies = list(self._cluster.workers.values()) if self._cluster is not None else []
        return [nanny.pid for nanny in nannies if nanny.pid]

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
        except (ImportError, AttributeError) as error:
            raise UsageError(f"a worker cannot run the package: {error}; install the same version on every machine") from error

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


@contextlib.contextmanager
def cluster_pool(where: Where, workers: int, start: Start, code: str, say: Say) -> Iterator[ClusterPool]:
    """A `ClusterPool`; a cluster on this machine ends with it, another one is left as it was.

    Raises
    ------
    UsageError
        If the scheduler does not answer, or has no worker.
    """
    package = distributed()  # brings its settings, on top of which come ours
    with contextlib.ExitStack() as stack:
        stack.enter_context(importlib.import_module("dask").config.set(OWN))
        stack.enter_context(_quiet(logging.getLogger("distributed.client")))
        cluster = None
        if where.scheduler is None:
            cluster = stack.enter_context(local_cluster(workers))
            client = stack.enter_context(package.Client(cluster))
        else:
            client = stack.enter_context(_connect(where))
            say(f"dashboard: {dashboard_link(client) or 'none'}")
        yield ClusterPool(client, start, code, say, cluster, workers)
        with contextlib.suppress(
            Exception
        ):  # the results are kept; a worker that does not answer now ends its processes by itself
            client.run(let_go)


@contextlib.contextmanager
def _quiet(logger: logging.Logger) -> Iterator[None]:
    """No tracebacks of a logger: what it reports reaches the caller as an error with a remedy."""
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)


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


def replace_lost(cluster: Any, workers: int) -> None:
    """Start workers in place of those that are gone for good: a nanny gives up a worker that is killed while it starts."""

    async def forget() -> None:
        for name in [name for name, nanny in cluster.workers.items() if nanny.status.name in {"closed", "failed"}]:
            del cluster.workers[name]

    cluster.sync(forget)
    cluster.scale(workers)


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
