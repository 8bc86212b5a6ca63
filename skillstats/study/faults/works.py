"""Work functions of the fault table: cheap arithmetic that is easy to digest, and every way to misbehave.

The payload is JSON: ``do`` (what to do), ``seconds`` (a task's own time, slept), ``log`` (a folder in which every execution leaves a line).
"""

from __future__ import annotations

import json
import mmap
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

DRAWS: Final = 1000
FOREVER: Final = 3600.0


def steady(payload: str, seed: np.random.SeedSequence) -> pd.DataFrame:
    """Two rows of sums of normal numbers, after what the payload asks for."""
    asked: dict[str, Any] = json.loads(payload)
    if "log" in asked:
        _leave_a_line(Path(asked["log"]), seed)
    time.sleep(asked.get("seconds", 0.0))
    MISDEEDS[asked.get("do", "right")]()
    rng = np.random.default_rng(seed)
    draws = rng.standard_normal((2, DRAWS))
    return pd.DataFrame({"part": ["first", "second"], "mean": draws.mean(axis=1), "largest": draws.max(axis=1)})


def _leave_a_line(folder: Path, seed: np.random.SeedSequence) -> None:
    """One line an execution, appended in one write so that processes do not mix theirs."""
    handle = os.open(folder / "executions.txt", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    os.write(handle, f"{seed.spawn_key[-1]}\n".encode())
    os.close(handle)


def _nan() -> None:
    raise FloatingPointError("outcomes hold NaN")


def _constant() -> None:
    raise ValueError("all outcomes are equal")


def _separable() -> None:
    raise np.linalg.LinAlgError("choices are separable: no finite maximum")


def _no_convergence() -> None:
    raise RuntimeError("E-CONV R-hat 1.31 (limit 1.01)")


def _exit() -> None:
    os._exit(3)


def _crash() -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def _kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _hang() -> None:
    time.sleep(FOREVER)


def _eat() -> None:
    """Ask for memory piece by piece and use it."""
    pieces = []
    while True:
        pieces.append(np.ones(2**24))  # 128 MB


def _eat_shared() -> None:
    """As `_eat`, with memory shared between processes, which the system's limit on data does not count: the keeper must see it."""
    pieces, block = [], b"x" * 2**25
    while True:
        piece = mmap.mmap(-1, len(block))
        piece.write(block)
        pieces.append(piece)


def _right() -> None:
    """Nothing."""


POISON: Final = {"nan": _nan, "constant": _constant, "separable": _separable, "never converges": _no_convergence}
MISDEEDS: Final[dict[str, Callable[[], None]]] = {
    **POISON, "right": _right, "exit": _exit, "crash": _crash, "kill": _kill, "hang": _hang, "eat": _eat, "eat shared": _eat_shared,
}  # fmt: skip
