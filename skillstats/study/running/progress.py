"""How far a run is and how long the rest will take: a bar on a terminal, otherwise lines that a log can be read by."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from rich.progress import Progress

Say = Callable[[str], None]
EVERY: Final = 10.0
"""Seconds between lines of a log."""


class Teller(Protocol):
    """What a run tells about itself."""

    def say(self, text: str) -> None:
        """Something worth a line."""

    def step(self, done: int, failed: int) -> None:
        """How many tasks have their result, and how many of these failed."""


class LogTeller:
    """Lines: at most one every `EVERY` seconds, and the last."""

    def __init__(self, total: int, already: int, say: Say) -> None:
        self._total, self._already, self.say = total, already, say
        self._started = self._told = time.monotonic()

    def step(self, done: int, failed: int) -> None:
        """Say it if it is time."""
        now = time.monotonic()
        if now - self._told < EVERY and done < self._total:
            return
        self._told = now
        self.say(progress_line(done, self._total, failed, now - self._started, done - self._already))


class BarTeller:
    """A bar with the time that is left."""

    def __init__(self, bar: Progress, total: int, already: int) -> None:
        self._bar = bar
        self._task = bar.add_task("tasks", total=total, completed=already, failed="")

    def say(self, text: str) -> None:
        """A line above the bar."""
        self._bar.console.print(text, markup=False, highlight=False)

    def step(self, done: int, failed: int) -> None:
        """Move the bar."""
        self._bar.update(self._task, completed=done, failed=f"{failed} failed" if failed else "")


def progress_line(done: int, total: int, failed: int, seconds: float, computed: int) -> str:
    """One line of a log.

    Examples
    --------
    >>> progress_line(150, 500, 2, 60.0, 100)
    '150 of 500 tasks, 2 failed, after 1 min; about 4 min left at this pace'
    >>> progress_line(500, 500, 0, 90.0, 500)
    '500 of 500 tasks after 2 min'
    """
    head = f"{done} of {total} tasks{f', {failed} failed,' if failed else ''} after {_spell(seconds)}"
    if done >= total or not computed:
        return head
    return f"{head}; about {_spell(seconds / computed * (total - done))} left at this pace"


def _spell(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 60 else f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


@contextmanager
def teller(total: int, already: int, say: Say | None) -> Iterator[Teller]:
    """The bar where standard error is a terminal and nobody else wants the lines; else lines."""
    if say is not None or not sys.stderr.isatty():
        yield LogTeller(total, already, say or _to_standard_error)
        return
    # imported here: every process that runs tasks imports this package, and none of them draws
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("[red]{task.fields[failed]}"))
    with Progress(*columns, TimeElapsedColumn(), TimeRemainingColumn(), console=Console(stderr=True)) as bar:
        yield BarTeller(bar, total, already)


def _to_standard_error(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()
