"""`run_tasks`: from tasks to one table whose digest does not depend on how it was computed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal

import pandas as pd
import pyarrow as pa

from skillstats.errors import Mismatch, SkillstatsError, UsageError
from skillstats.study.running.drive import drive
from skillstats.study.running.messages import RETURNED, Answer, Request, Start, is_limit_cause, memory_cause, time_cause
from skillstats.study.running.pools import Pool, PoolMaker, local_pool
from skillstats.study.running.progress import Say, Teller, teller
from skillstats.study.running.resultfile import Stored, encode_failure, encode_table
from skillstats.study.running.security import TlsFiles
from skillstats.study.running.store import TABLE, check_strangers, commit, is_failed, open_store, read_result, write_file
from skillstats.study.running.tasks import Errand, Limits, Task, check_tasks, name_of
from skillstats.study.running.version import code_version

Engine = Literal["serial", "processes", "dask"]
ROUNDS: Final = 3
"""Times that results found damaged when they are put together are computed again, before the disk is blamed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """What a run has brought.

    table : rows of all tasks in order of (study, design, replicate): study, design, replicate, status (``ok``, ``failed``), cause, then what the
        work returned; a failed task has one row, whose other columns are empty
    sha256 : of FOLDER/table.parquet, which holds `table`: the same for any engine, number of workers, and interruption
    tasks, failed : numbers of tasks
    computed, reused, repeats, damaged : tasks computed by this call; read from earlier ones; that came back more than once, with the same bytes;
        whose file was found damaged and computed again
    """

    table: pd.DataFrame
    sha256: str
    tasks: int
    failed: int
    computed: int
    reused: int
    repeats: int
    damaged: int


def run_tasks(
    tasks: Sequence[Task],
    work: str,
    *,
    root: int,
    folder: Path,
    engine: Engine = "serial",
    workers: int = 1,
    scheduler: str | None = None,
    security: TlsFiles | None = None,
    resume: bool = False,
    limits: Limits | None = None,
    say: Say | None = None,
) -> Results:
    """Run every task once, whatever happens to workers, and put the results into one table.

    Parameters
    ----------
    tasks : in any order; (study, design, replicate) must be unique
    work : ``module:function`` of a function (payload, SeedSequence) -> pandas frame with at least one row (its index is not kept), of its two arguments only
    root : of the seeds, >= 0
    folder : where results are kept, one file a task, and the table
    engine : ``serial``: one process, in order; ``processes``: `workers` of them; ``dask``: a cluster
    workers : processes; for ``dask`` the workers of a cluster on this machine, if no `scheduler` is given
    scheduler : address of a running Dask scheduler, ``tls://host:8786``; without TLS only on this machine
    security : files of certificates for it
    resume : go on where a run into the same folder stopped; what is there and whole is not computed again
    limits : of one attempt; None takes those of `Limits`
    say : told how far the run is; None draws a bar on a terminal and writes lines to standard error elsewhere

    Returns
    -------
    Results

    Raises
    ------
    UsageError
        If tasks, work, folder, code versions or the cluster cannot be used as given.
    Mismatch
        If a task gave two different results.
    SkillstatsError
        If the disk does not take results, or the cluster was lost; what was kept is there for `resume`.
    """
    maker = _maker(engine, workers, scheduler, security)
    return run_in(maker, tasks, work, root=root, folder=folder, resume=resume, limits=limits or Limits(), say=say)


def _maker(engine: Engine, workers: int, scheduler: str | None, security: TlsFiles | None) -> Any:
    """The function that makes the pool."""
    if workers < 1:
        raise UsageError(f"workers={workers}: must be >= 1")
    if engine == "dask":
        from skillstats.study.running.cluster import cluster_pool, prepare

        return partial(cluster_pool, prepare(scheduler, security), workers)
    if scheduler is not None or security is not None:
        raise UsageError(f"engine={engine!r} has no scheduler; use engine='dask'")
    if engine not in {"serial", "processes"}:
        raise UsageError(f"engine={engine!r}: must be serial, processes or dask")
    return partial(_local, 1 if engine == "serial" else workers)


def _local(workers: int, start: Start, code: str, _: Say) -> AbstractContextManager[Pool]:
    return local_pool(start, code, workers)


def run_in(
    maker: PoolMaker, tasks: Sequence[Task], work: str, *, root: int, folder: Path, resume: bool, limits: Limits, say: Say | None
) -> Results:
    """`run_tasks` in a pool of any kind."""
    check_tasks(tasks)
    if root < 0:
        raise UsageError(f"root={root}: must be >= 0")
    errand = Errand(work, code_version(work), root)
    ordered = sorted(tasks, key=lambda task: task.key)
    names = {name_of(task, errand): task for task in ordered}
    with open_store(folder, errand, resume=resume) as results:
        check_strangers(results, names, errand.code)
        there = sum((results / f"{name}.parquet").exists() for name in names)
        found = read_results(results, names, errand.code)
        damaged = there - len(found)
        found = drop_outdated(results, found, limits)
        reused = len(found)
        with teller(len(tasks), reused, say) as tell:
            if there:
                tell.say(
                    f"{reused} of {len(tasks)} tasks have their result in {folder}{f', {damaged} were damaged' if damaged else ''}"
                )
            computed, repeats = 0, 0
            for _ in range(ROUNDS):
                if len(found) == len(names):
                    break
                missing = {name: task for name, task in names.items() if name not in found}
                repeats += _compute(maker, missing, errand, limits, results, tell)
                computed += len(missing)
                found = read_results(results, names, errand.code)
        if len(found) < len(names):
            raise SkillstatsError(f"{folder}: {len(names) - len(found)} results do not stay whole on this disk; use another one")
        damaged += computed + reused - len(names)
        table = gather([found[name] for name in names])
    data = encode_table(table, {})
    write_file(folder / TABLE, data)
    return Results(
        table=table.to_pandas(),
        sha256=hashlib.sha256(data).hexdigest(),
        tasks=len(names),
        failed=sum(map(is_failed, found.values())),
        computed=computed,
        reused=reused,
        repeats=repeats,
        damaged=damaged,
    )


def _compute(maker: PoolMaker, missing: dict[str, Task], errand: Errand, limits: Limits, results: Path, tell: Teller) -> int:
    """Compute and commit the results of `missing`, name to task; how many came back more than once."""
    names, tasks = list(missing), list(missing.values())
    requests = [
        Request(t.study, t.design, t.replicate, t.payload, errand.root, name, errand.code)
        for name, t in zip(names, tasks, strict=True)
    ]
    made: dict[str, bytes] = {}
    settled: set[str] = set()
    failed, repeats = 0, 0

    def verdict(number: int, answer: Answer) -> None:
        nonlocal failed
        name, data = names[number], answer.data
        if answer.kind != RETURNED:
            data = encode_failure(tasks[number], name, errand.code, answer.cause)
            failed += name not in settled
            words = answer.words.strip().splitlines()
            tell.say(f"FAILED {tasks[number]}: {answer.cause}{f'; it said: {words[-1]}' if words else ''}")
        if made.setdefault(name, data) != data:
            raise Mismatch(
                f"{tasks[number]}: computed twice with different results; the work must depend on its payload and seed only"
            )
        settled.add(name)

    def settle() -> None:
        nonlocal repeats
        repeats += commit(results, made)
        made.clear()
        tell.step(len(settled), failed)

    with maker(Start(errand.work, limits.seconds, limits.memory_mb), errand.code, tell.say) as pool:
        drive(pool, requests, range(len(names)), verdict, settle)
    return repeats


def read_results(results: Path, names: Iterable[str], code: str) -> dict[str, Stored]:
    """The results that are there and whole, by name; what is damaged is thrown away."""
    read = ((name, read_result(results, name, code)) for name in names)
    return {name: stored for name, stored in read if stored is not None}


def drop_outdated(results: Path, found: dict[str, Stored], limits: Limits) -> dict[str, Stored]:
    """Throw away failures that were over another limit than today's: with more room the task may well succeed."""
    now = {time_cause(limits.seconds), memory_cause(limits.memory_mb)}
    old = {
        name
        for name, stored in found.items()
        if is_limit_cause(str(stored.table["cause"][0].as_py())) and stored.table["cause"][0].as_py() not in now
    }
    for name in old:
        (results / f"{name}.parquet").unlink()
    return {name: stored for name, stored in found.items() if name not in old}


def gather(found: Sequence[Stored]) -> pa.Table:
    """One table of all results, in the order given; a column that some do not have is empty there, whole numbers among others become floats.

    Raises
    ------
    SkillstatsError
        If a column is text in one result and a number in another.
    """
    try:
        return pa.concat_tables([stored.table for stored in found], promote_options="permissive")
    except pa.ArrowInvalid as error:
        raise SkillstatsError(
            f"the results do not make one table: {error}; let the work return the same types for every replicate"
        ) from error
