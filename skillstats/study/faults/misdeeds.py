"""Tasks that misbehave: poisoned data, hard exits, crashes, kills of themselves, memory eaters, hangs. They fail with a cause; the others do not notice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from skillstats.study.faults.bench import Bench, Row
from skillstats.study.faults.works import POISON
from skillstats.study.running.run import Results
from skillstats.study.running.tasks import Task

SHARE = 0.05
"""Of replicates with poisoned data."""
SLOWER = 1.5
"""Times the undisturbed run that the innocent may take."""
HARD = {
    "exit": "exited with code 3", "crash": "SIGSEGV", "kill": "SIGKILL", "eat": "needed more than", "eat shared": "needed more than", "hang": "took longer than",
}  # fmt: skip


def chosen(bench: Bench, kinds: Sequence[str], times: int) -> dict[int, str]:
    """Replicates that misbehave, spread at random: `times` of each kind."""
    rng = np.random.default_rng(bench.seed)
    places = rng.permutation(bench.sizes.replicates)[: times * len(kinds)]
    return {int(place): kinds[i % len(kinds)] for i, place in enumerate(places)}


def last_written(folder: Path, innocent: set[int]) -> float:
    """When the last of the innocent got its result: seconds since the folder's run began."""
    began = (folder / "run.json").stat().st_mtime
    times = [
        p.stat().st_mtime
        for p in (folder / "results").glob("*.parquet")
        if int(pq.read_table(p)["replicate"][0].as_py()) in innocent
    ]
    return max(times) - began


def judged(results: Results, misdeeds: dict[int, str], causes: dict[str, str], undisturbed: Results) -> tuple[bool, str]:
    """Whether exactly the culprits failed, each with the cause of its kind, and the others have the rows of the undisturbed run."""
    failed = results.table[results.table["status"] == "failed"]
    blamed = {int(r): str(c) for r, c in zip(failed["replicate"], failed["cause"], strict=True)}
    right = set(blamed) == set(misdeeds) and all(causes[kind] in blamed[r] for r, kind in misdeeds.items())
    kept = results.table[results.table["status"] == "ok"].reset_index(drop=True)
    others = undisturbed.table[~undisturbed.table["replicate"].isin(list(misdeeds))].reset_index(drop=True)
    innocents = kept.equals(others)
    kinds = ", ".join(f"{n} {kind}" for kind, n in sorted(Counter(misdeeds.values()).items()))
    wrong = [
        f"{misdeeds.get(r, 'innocent')}: {cause}"
        for r, cause in blamed.items()
        if causes.get(misdeeds.get(r, ""), "?") not in cause
    ]
    causes_of = "every cause named" if right else f"NOT THE RIGHT ONES ({'; '.join(wrong)})"
    return right and innocents, f"{kinds}: {len(blamed)} failed, {causes_of}; {'all' if innocents else 'NOT ALL'} innocents done"


def misdeeds(bench: Bench, undisturbed: Results, tasks: list[Task]) -> Iterator[Row]:
    """Poisoned data by every engine with one table; then everything that needs a process of its own, timed."""
    times = max(1, round(SHARE * bench.sizes.replicates / len(POISON)))
    poisoned = chosen(bench, tuple(POISON), times)
    causes = {"nan": "FloatingPointError", "constant": "ValueError", "separable": "LinAlgError", "never converges": "E-CONV"}
    digests = set()
    for engine in ("processes", "dask"):
        results = bench.run(f"poison-{engine}", bench.tasks(misdeeds=poisoned), engine=engine)
        digests.add(results.sha256)
        ok, seen = judged(results, poisoned, causes, undisturbed)
        yield Row(f"poisoned data, {engine}", len(poisoned), seen, ok and len(digests) == 1)
    bench.run("base", tasks)
    wicked = chosen(bench, tuple(HARD), bench.sizes.each)
    digests = set()
    for engine in ("processes", "dask"):
        results = bench.run(f"wicked-{engine}", bench.tasks(misdeeds=wicked), engine=engine)
        digests.add(results.sha256)
        ok, seen = judged(results, wicked, HARD, undisturbed)
        if engine == "processes":
            innocent = set(range(bench.sizes.replicates)) - set(wicked)
            slower = last_written(bench.folder / f"wicked-{engine}", innocent) / last_written(bench.folder / "base", innocent)
            seen, ok = f"{seen} in {slower:.2f} x the time", ok and (slower <= SLOWER or bench.sizes.each < 10)
        yield Row(f"exit, crash, kill of itself, memory, hang, {engine}", len(wicked), seen, ok and len(digests) == 1)
