"""How a case is measured: each run in a fresh process with pinned threads, ours and the peer in turn, medians of paired ratios.

Time is the CPU time of the process with all its threads. Memory is the peak of anonymous memory (pages of mapped files do not count; they
are the page cache's), sampled every few milliseconds while the measured part runs.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, Final

THREADS: Final = ("OMP", "OPENBLAS", "MKL", "NUMBA", "ARROW")
PINNED: Final = {f"{name}_NUM_THREADS": "1" for name in THREADS} | {"POLARS_MAX_THREADS": "1"}
ROOT: Final = Path(__file__).parents[1]


def anonymous_bytes() -> int:
    """Anonymous memory of this process now; 0 where the system does not tell."""
    try:
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("RssAnon"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0


@dataclass
class Meter:
    """CPU seconds and peak anonymous memory of the named sections of one run."""

    seconds: dict[str, float] = field(default_factory=dict)
    peak: dict[str, int] = field(default_factory=dict)

    @contextmanager
    def section(self, name: str) -> Iterator[None]:
        """Measure a part of the run."""
        stop, seen = threading.Event(), [anonymous_bytes()]

        def watch() -> None:
            while not stop.wait(0.005):
                seen.append(anonymous_bytes())

        thread = threading.Thread(target=watch, daemon=True)
        thread.start()
        begun = time.process_time()
        try:
            yield
        finally:
            self.seconds[name] = time.process_time() - begun
            stop.set()
            thread.join()
            self.peak[name] = max(*seen, anonymous_bytes())


def child(module: str, *arguments: str) -> dict[str, Any]:
    """Run a module in a fresh process; its last line is JSON."""
    done = subprocess.run(  # noqa: S603  this project's own modules
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        env=os.environ | PINNED | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        return {"failed": (done.stderr.strip().splitlines() or ["no message"])[-1]}
    result: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return result


@dataclass(frozen=True, slots=True)
class Ratio:
    """Paired ratios peer / ours."""

    values: tuple[float, ...]

    def __str__(self) -> str:
        if not self.values:
            return "-"
        return f"{median(self.values):.2f} ({min(self.values):.2f}-{max(self.values):.2f})"


def in_turn(ours: list[str], peer: list[str], pairs: int) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Pairs of runs in the order A B B A A B ..."""
    found = []
    for k in range(pairs):
        first, second = (ours, peer) if k % 2 == 0 else (peer, ours)
        one, other = child(*first), child(*second)
        found.append((one, other) if k % 2 == 0 else (other, one))
    return found
