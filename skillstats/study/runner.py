"""Many replicates in processes: the same rows for any number of workers, and for a run that was interrupted and resumed.

Replicates are cut into blocks of fixed size. A block knows its own seeds, is computed in one process with one thread, and is written as
one Parquet file named after everything it depends on; resuming means that blocks whose file exists are read instead.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import pandas as pd

from skillstats.study.fingerprint import fingerprint
from skillstats.study.replicate import Job, run_replicate

BLOCK: Final = 25
THREADS: Final = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS", "RAYON_NUM_THREADS")
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Block:
    """Replicates start .. stop - 1 of a job, and the function that runs one."""

    job: Job
    start: int
    stop: int
    replicate: Callable[[Job, int], pd.DataFrame] = run_replicate

    @property
    def key(self) -> str:
        """Name of the block's file: readable, with a digest of all it depends on."""
        job = self.job
        parts = {
            "spec": job.spec.digest,
            "design": asdict(job.design),
            "engine": job.engine,
            "root": job.root,
            "release": job.release,
            "study": job.study,
            "function": f"{self.replicate.__module__}.{self.replicate.__qualname__}",
            "mathematics": fingerprint(job.spec, job.engine),
        }
        digest = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:12]
        return f"{job.study}-{job.spec.name}-{job.design.name}-{job.engine}-{self.start:05d}-{self.stop:05d}-{digest}"


def blocks(job: Job, replications: int, replicate: Callable[[Job, int], pd.DataFrame] = run_replicate) -> list[Block]:
    """The blocks of replicates 0 .. replications - 1."""
    return [Block(job, start, min(start + BLOCK, replications), replicate) for start in range(0, replications, BLOCK)]


def run_block(block: Block) -> pd.DataFrame:
    """Rows of one block, in order of replicate."""
    return pd.concat([block.replicate(block.job, r) for r in range(block.start, block.stop)], ignore_index=True)


def run_blocks(
    todo: Sequence[Block], *, workers: int = 1, folder: Path | None = None, resume: bool = False, say: Say = print
) -> pd.DataFrame:
    """Rows of all blocks, in the order of `todo` whatever the order they finish in.

    Parameters
    ----------
    workers : processes; 1 runs in this one
    folder : where each finished block is written; None keeps nothing
    resume : read blocks whose file exists in `folder`
    say : told after each block what is done and, from the pace so far, about how long the rest takes
    """
    found: dict[int, pd.DataFrame] = {}
    paths = [folder / f"{block.key}.parquet" for block in todo] if folder is not None else []
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        if resume:
            found = {i: pd.read_parquet(path) for i, path in enumerate(paths) if path.is_file()}
    rest = [i for i in range(len(todo)) if i not in found]
    if found:
        say(f"{len(found)} of {len(todo)} blocks read from {folder}")
    started = time.monotonic()
    for done, (i, frame) in enumerate(_results(todo, rest, workers), 1):
        found[i] = frame
        if folder is not None:
            temporary = paths[i].with_suffix(".tmp")
            frame.to_parquet(temporary, index=False)
            temporary.replace(paths[i])
        elapsed = time.monotonic() - started
        left = elapsed / done * (len(rest) - done)
        say(f"block {done}/{len(rest)} after {elapsed:.0f} s; about {left:.0f} s left at this pace")
    return pd.concat([found[i] for i in range(len(todo))], ignore_index=True)


def _results(todo: Sequence[Block], rest: list[int], workers: int) -> Iterable[tuple[int, pd.DataFrame]]:
    if workers == 1 or len(rest) < 2:
        for i in rest:
            yield i, run_block(todo[i])
        return
    kept = {name: os.environ.get(name) for name in THREADS}
    os.environ.update(dict.fromkeys(THREADS, "1"))  # inherited by the spawned processes, before they import anything
    try:
        with ProcessPoolExecutor(min(workers, len(rest)), mp_context=multiprocessing.get_context("spawn")) as pool:
            futures: dict[Future[Any], int] = {pool.submit(run_block, todo[i]): i for i in rest}
            for future in as_completed(futures):
                yield futures[future], future.result()
    finally:
        for name, value in kept.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
