"""The process in which tasks run, one after the other: ``python -m skillstats.study.running.child``, started by a `Keeper`.

It reads requests from its standard input and answers on a pipe of its own; what the work prints goes to standard error. It cannot outlive its
keeper: a thread waits for the end of its input and then ends the whole group of processes, and each task has an alarm of the system behind it,
which needs no Python to go off.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import queue
import re
import signal
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, Final

from skillstats.study.running.messages import (
    GRACE,
    IDLE,
    IDLE_CODE,
    MEMORY,
    RAISED,
    RETURNED,
    SYSTEM,
    Answer,
    Ready,
    Request,
    Start,
    receive,
    send,
)
from skillstats.study.running.resultfile import encode_rows
from skillstats.study.running.tasks import Task, seed_of
from skillstats.study.running.version import code_version

LONGEST: Final = 300
_ADDRESS: Final = re.compile(r"0x[0-9a-fA-F]+")


def main() -> None:
    """Get ready, then answer requests until there are no more."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    requests: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(os.fdopen(os.dup(0), "rb"), requests), daemon=True).start()
    start = receive(requests.get(), Start)
    try:
        module, _, function = start.work.partition(":")
        work = getattr(importlib.import_module(module), function)
        code = code_version(start.work)
    except Exception as error:  # noqa: BLE001 - whatever it is, the keeper reports it
        send(answers, Ready(code="", problem=cause_of(error)))
        return
    resident = _limit_memory(start.memory_mb)
    send(answers, Ready(code=code, resident_mb=resident))
    while True:
        try:
            asked = receive(requests.get(timeout=IDLE), Request)
        except queue.Empty:
            os._exit(IDLE_CODE)
        _alarm(start.seconds + GRACE)
        answer = attempt(work, asked)
        _alarm(0)
        send(answers, answer)


def _listen(stream: IO[bytes], requests: queue.SimpleQueue[bytes]) -> None:
    """Pass requests on; at the end of the input the keeper is gone, and so is everything here."""
    from skillstats.study.running.messages import read_message

    while message := read_message(stream):
        requests.put(message)
    with contextlib.suppress(AttributeError, OSError):
        if os.getpgrp() == os.getpid():
            os.killpg(os.getpid(), signal.SIGKILL)
    os._exit(0)


def attempt(work: Callable[..., Any], asked: Request) -> Answer:
    """One attempt at a task: the bytes of its result, or what went wrong."""
    task = Task(asked.study, asked.design, asked.replicate, asked.payload)
    started = time.perf_counter()
    try:
        frame = work(task.payload, seed_of(asked.root, *task.key))
        data, kind, cause = encode_rows(task, asked.name, asked.code, frame), RETURNED, ""
    except MemoryError:
        data, kind, cause = b"", MEMORY, ""
    except OSError as error:  # full disks and broken files are the machine's, so another process tries again
        data, kind, cause = b"", SYSTEM, cause_of(error)
    except BaseException as error:  # noqa: BLE001 - SystemExit of the work, too, is an answer
        data, kind, cause = b"", RAISED, cause_of(error)
    return Answer(kind=kind, data=data, cause=cause, seconds=time.perf_counter() - started)


def cause_of(error: BaseException) -> str:
    """Type, first line and place of an exception, the same in every process: addresses of objects are blotted out."""
    lines = str(error).strip().splitlines() or [""]
    places = [f for f in traceback.extract_tb(error.__traceback__) if Path(f.filename).name != "child.py"]
    place = f" ({Path(places[-1].filename).name}:{places[-1].lineno})" if places else ""
    text = f"{type(error).__name__}: {lines[0]}" if lines[0] else type(error).__name__
    return _ADDRESS.sub("0x...", text)[:LONGEST] + place


def _alarm(seconds: float) -> None:
    """End this process by the system's own hand after so many seconds; 0 calls it off."""
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, seconds)


def _limit_memory(memory_mb: int) -> int:
    """Let data grow by what is left of the limit, so that a large request raises MemoryError; resident megabytes now. On Linux only."""
    if not Path("/proc/self/status").exists():
        return 0
    fields = dict(
        line.split(":", 1) for line in Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines()
    )
    resident, data = (int(fields[key].split()[0]) // 1024 for key in ("VmRSS", "VmData"))
    room = data + max(memory_mb - resident, 0)
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    if hard == resource.RLIM_INFINITY or room * 2**20 < hard:
        resource.setrlimit(resource.RLIMIT_DATA, (room * 2**20, hard))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    return resident


if __name__ == "__main__":
    main()
