"""What a run is made of: tasks, the limits they must keep, their seeds and their names.

A task is named by what its result depends on and by nothing else, so the same task has the same name, seed and result in any process, on any
machine and in any order:

    seed = SeedSequence(root, spawn_key=(study, study, design, design, replicate))     each text as two 32-bit words of its SHA-256
    name = SHA-256(work, root, code version, study, design, replicate, payload)
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import msgspec
import numpy as np

from skillstats.errors import DomainError, UsageError

LARGEST: Final = 2**32
"""Replicates are numbered below it: one word of a spawn key."""


@dataclass(frozen=True, slots=True)
class Task:
    """One replicate of one design of a study.

    study, design : names or digests; they choose the stream of random numbers
    replicate : number, 0 .. 2**32 - 1
    payload : what the work function is given, text (JSON) or bytes; part of the task's name
    """

    study: str
    design: str
    replicate: int
    payload: str | bytes = ""

    @property
    def key(self) -> tuple[str, str, int]:
        """Place in the final table, which is sorted by it."""
        return (self.study, self.design, self.replicate)

    def __str__(self) -> str:
        return f"{self.study} {self.design} #{self.replicate}"


@dataclass(frozen=True, slots=True)
class Limits:
    """What one attempt at a task may use. seconds : of wall time; memory_mb : of the whole process it runs in, megabytes."""

    seconds: float = 600.0
    memory_mb: int = 4096

    def __post_init__(self) -> None:
        if not (self.seconds > 0 and self.memory_mb > 0):
            raise DomainError(f"limits of {self.seconds} s and {self.memory_mb} MB: both must be > 0")


@dataclass(frozen=True, slots=True)
class Errand:
    """What every task of a run shares. work : ``module:function``; code : version of it all; root : of the seeds."""

    work: str
    code: str
    root: int


def words(text: str) -> tuple[int, int]:
    """Two 32-bit words that stand for a text in a spawn key, so that adding a study or design changes no other's seeds."""
    digest = hashlib.sha256(text.encode()).digest()
    return int.from_bytes(digest[:4], "big"), int.from_bytes(digest[4:8], "big")


def seed_of(root: int, study: str, design: str, replicate: int) -> np.random.SeedSequence:
    """Seed of one replicate, whoever computes it and when.

    Examples
    --------
    >>> int(seed_of(1, "power", "small", 7).generate_state(1)[0])
    4224967563
    """
    return np.random.SeedSequence(root, spawn_key=(*words(study), *words(design), replicate))


def name_of(task: Task, errand: Errand) -> str:
    """Name of the task's result file: 40 hexadecimal digits that stand for all it depends on."""
    parts = (errand.work, errand.root, errand.code, task.study, task.design, task.replicate, task.payload)
    return hashlib.sha256(msgspec.msgpack.encode(parts)).hexdigest()[:40]


def check_tasks(tasks: Sequence[Task]) -> None:
    """Refuse an empty list, numbers out of range, and two tasks for one place in the table.

    Raises
    ------
    UsageError
        With everything that was found.
    """
    problems = ["no tasks; a run needs at least one"] if not tasks else []
    problems += [f"{t}: replicate must be 0 .. {LARGEST - 1}" for t in tasks if not 0 <= t.replicate < LARGEST]
    twice = [key for key, n in Counter(t.key for t in tasks).items() if n > 1]
    problems += [f"{study} {design} #{replicate}: stands twice; number the replicates" for study, design, replicate in twice]
    if problems:
        more = f"\n... and {len(problems) - 20} more" if len(problems) > 20 else ""
        raise UsageError("\n".join(problems[:20]) + more)
