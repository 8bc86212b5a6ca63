"""Workers that are killed at random: processes of this machine, and workers of a Dask cluster with all they hold."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import threading
from collections.abc import Callable, Iterator

from skillstats.study.faults.bench import Bench, Row, Say, judge, same
from skillstats.study.running.cluster import Where, cluster_pool
from skillstats.study.running.messages import Start
from skillstats.study.running.pools import Pool, PoolMaker, local_pool


@contextlib.contextmanager
def killing(pids: Callable[[], list[int]], times: int, gap: float, seed: int) -> Iterator[list[int]]:
    """Send SIGKILL to a random one of `pids()` every `gap` seconds or so, `times` times; yields the list of those that were hit."""
    rng, hit, over = random.Random(seed), list[int](), threading.Event()  # noqa: S311 - which worker dies is no secret

    def kill() -> None:
        while len(hit) < times and not over.wait(gap * rng.uniform(0.5, 1.5)):
            alive = sorted(pids())
            if alive:
                with contextlib.suppress(ProcessLookupError):
                    pid = rng.choice(alive)
                    os.kill(pid, signal.SIGKILL)
                    hit.append(pid)

    thread = threading.Thread(target=kill, daemon=True)
    thread.start()
    try:
        yield hit
    finally:
        over.set()
        thread.join()


def local_under_fire(bench: Bench, hits: list[int]) -> PoolMaker:
    """Maker of a local pool whose processes are killed."""

    @contextlib.contextmanager
    def make(start: Start, code: str, _: Say) -> Iterator[Pool]:
        s = bench.sizes
        with local_pool(start, code, s.workers) as pool, killing(pool.pids, s.kills, s.gap, bench.seed) as hit:
            yield pool
        hits.extend(hit)

    return make


def dask_under_fire(bench: Bench, hits: list[int]) -> PoolMaker:
    """Maker of a pool on a cluster of this machine whose workers are killed; their nannies start others."""

    @contextlib.contextmanager
    def make(start: Start, code: str, say: Say) -> Iterator[Pool]:
        s = bench.sizes
        with cluster_pool(Where(None, None), s.workers, start, code, say) as pool:
            with killing(pool.pids, s.kills, s.gap, bench.seed) as hit:
                yield pool
            hits.extend(hit)

    return make


def worker_kills(bench: Bench, digest: str) -> Iterator[Row]:
    """SIGKILL of random workers, by processes and by Dask."""
    for engine, under_fire in (("processes", local_under_fire), ("dask", dask_under_fire)):
        hits: list[int] = []
        results = bench.run_disturbed(f"kills-{engine}", bench.tasks(), under_fire(bench, hits))
        ok = same(results, digest) and results.failed == 0 and len(hits) == bench.sizes.kills
        yield Row(
            f"SIGKILL of a random worker, {engine}",
            len(hits),
            f"{results.tasks} replicates, {results.failed} failed, {judge(same(results, digest))}",
            ok,
        )
