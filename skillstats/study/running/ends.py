"""What the system says of a process: how large it is, and how it ended."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Final

from skillstats.study.running.messages import DIED, KILLED, Answer

FROM_OUTSIDE: Final = tuple(int(getattr(signal, name, 0)) for name in ("SIGKILL", "SIGTERM", "SIGHUP"))
"""Signals that say nothing of the task: somebody, or a system out of memory, ended the process."""


def ended(code: int, words: str) -> Answer:
    """How a process ended that was neither told to nor over a limit.

    Examples
    --------
    >>> ended(3, "").cause, ended(-11, "").cause, ended(-9, "").kind
    ('the process exited with code 3', 'the process was ended by SIGSEGV', 'killed')
    """
    cause = f"exited with code {code}" if code >= 0 else f"was ended by {signal.Signals(-code).name}"
    return Answer(kind=KILLED if -code in FROM_OUTSIDE else DIED, cause=f"the process {cause}", words=words)


def resident_mb(pid: int) -> int:
    """Memory a process occupies, megabytes; 0 where the system does not say."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE") // 2**20
    except (OSError, IndexError, ValueError):
        return 0
