"""Disks that are full, stall, break at the last step, and files that are damaged afterwards.

Full: a limit of the system on the size of files (RLIMIT_FSIZE) cuts every write short after `ROOM` bytes, as a full disk does, with EFBIG in place of
ENOSPC; and, where a file system reserves room late, ENOSPC from fsync, by a function put in its place. Stalled: fsync that takes `STALL` seconds.
"""

from __future__ import annotations

import contextlib
import errno
import os
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from skillstats.errors import SkillstatsError
from skillstats.study.faults.bench import Bench, Row, disturbed, judge, same
from skillstats.study.running import store
from skillstats.study.running.pools import Done

ROOM: Final = 1000
STALL: Final = 1.0


@contextlib.contextmanager
def files_cut() -> Iterator[Callable[[], None]]:
    """Yields a function after whose call no file of this process grows beyond `ROOM` bytes, until the end of the block."""
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        yield lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (ROOM, before[1]))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@contextlib.contextmanager
def fsync_instead(function: Callable[[int], None]) -> Iterator[None]:
    """Results are forced to the disk by another function for the time of the block."""
    kept = store.fsync
    store.fsync = function
    try:
        yield
    finally:
        store.fsync = kept


def full_disk(bench: Bench, digest: str) -> Row:
    """The disk is full after some results, again and again; each time the run says so and ends, then goes on."""
    name, tasks, rng, said = "full", bench.tasks(sleep=False), random.Random(bench.seed), 0  # noqa: S311 - no secret
    for time_of in range(bench.sizes.each):
        left = rng.randrange(2, 5)

        def fails(handle: int) -> None:
            nonlocal left
            left -= 1
            if left < 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(handle)

        def fill(done: list[Done], cut: Callable[[], None]) -> list[Done]:
            cut()
            return done

        try:
            if time_of % 2:
                with fsync_instead(fails):
                    bench.run(name, tasks, resume=True)
            else:
                with files_cut() as cut:
                    bench.run_disturbed(name, tasks, disturbed(1, lambda done, cut=cut: fill(done, cut)), resume=True)  # type: ignore[misc]
        except SkillstatsError as error:
            said += "what was kept is not lost" in str(error)
    results = bench.run(name, tasks, resume=True)
    ok = same(results, digest)
    return Row(
        "full disk (write cut short, ENOSPC at fsync), then resume",
        bench.sizes.each,
        f"said {said} times, {judge(ok)}",
        ok and said == bench.sizes.each,
    )


def stalled_disk(bench: Bench, digest: str) -> Row:
    """The disk takes its time, now and then."""
    calls, stalls = 0, 0

    def slow(handle: int) -> None:
        nonlocal calls, stalls
        calls += 1
        if calls % 3 == 0 and stalls < bench.sizes.each:
            stalls += 1
            time.sleep(STALL)
        os.fsync(handle)

    with fsync_instead(slow):
        results = bench.run("stalled", bench.tasks(sleep=False))
    ok = same(results, digest)
    return Row(f"disk that stalls for {STALL:g} s", stalls, judge(ok), ok and stalls == bench.sizes.each)


def _flip(path: Path, rng: random.Random, _: list[Path]) -> None:
    data = bytearray(path.read_bytes())
    data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    path.write_bytes(data)


def _cut(path: Path, rng: random.Random, _: list[Path]) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: rng.randrange(1, len(data))])


def _empty(path: Path, _: random.Random, __: list[Path]) -> None:
    path.write_bytes(b"")


def _swap(path: Path, rng: random.Random, others: list[Path]) -> None:
    path.write_bytes(rng.choice(others).read_bytes())


def damaged_files(bench: Bench, digest: str) -> Row:
    """Kept results are damaged in four ways: a bit flipped, cut off, emptied, exchanged for another's. All are found and computed again."""
    ways, rng = (_flip, _cut, _empty, _swap), random.Random(bench.seed)  # noqa: S311 - no secret
    tasks = bench.tasks(sleep=False)
    bench.run("damaged", tasks)
    files = sorted((bench.folder / "damaged" / "results").glob("*.parquet"))
    hit = rng.sample(files, bench.sizes.each * len(ways))
    sound = [p for p in files if p not in hit]
    for i, path in enumerate(hit):
        ways[i % len(ways)](path, rng, sound)
    results = bench.run("damaged", tasks, resume=True)
    ok = same(results, digest)
    seen = f"{results.damaged} found, {results.computed} computed again, {judge(ok)}"
    return Row(
        "result damaged: bit, cut, emptied, exchanged", len(hit), seen, ok and results.damaged == results.computed == len(hit)
    )
