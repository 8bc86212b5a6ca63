"""A keeper runs tasks in a process of its own and replaces it when it dies, hangs or outgrows its memory.

The process (`child`) is kept from task to task, so a task pays for a message, not for a new Python. A task that raises an exception is tried again
at once in the same process; after anything else the process is replaced, and whether the task is tried again is decided by whoever gave it.
"""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import IO, Final

from skillstats.errors import UsageError
from skillstats.study.running.ends import FROM_OUTSIDE, ended, resident_mb
from skillstats.study.running.messages import (
    IDLE_CODE,
    MEMORY,
    RAISED,
    RETURNED,
    SYSTEM,
    TIME,
    Answer,
    Ready,
    Request,
    Start,
    memory_cause,
    read_message,
    receive,
    send,
    time_cause,
)

POLL: Final = 0.05
"""Seconds between looks at the size of the process."""
LEAVE_SECONDS: Final = 5.0
"""What a process may take to end by itself after it closed its pipe, before it is ended."""
START_SECONDS: Final = 300.0
"""What importing the work may take."""
STARTS: Final = 3
"""Processes that may die by themselves in a row before they are ready."""
KILLED_STARTS: Final = 50
"""Processes that may be ended from outside in a row before they are ready."""
WORDS: Final = 2000
"""Characters of standard error that are kept of a process that died."""
CHILD: Final = "skillstats.study.running.child"
THREADS: Final = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS", "RAYON_NUM_THREADS")


class OtherCode(UsageError):
    """The process imported another version of the code than the run is of."""


class RetiredKeeper(RuntimeError):
    """The keeper was told to stop; its batch is not wanted any more."""


class Keeper:
    """One process and its keeping. `run` may be called by one thread at a time."""

    def __init__(self, start: Start, code: str) -> None:
        self._start, self._code = start, code
        self._child: subprocess.Popen[bytes] | None = None
        self._answers: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._resident, self._words, self._retired = 0, b"", False

    @property
    def pid(self) -> int:
        """Number of the process; 0 while there is none."""
        return self._child.pid if self._child is not None else 0

    def run(self, asked: Request, *, fresh: bool = False) -> Answer:
        """One task, tried again in the same process if it raises.

        Parameters
        ----------
        fresh : in a process that has run nothing before

        Raises
        ------
        UsageError
            If the work cannot be imported, or is of another code version than the request.
        """
        if fresh:
            self.close()
        answer = self._attempt(asked)
        if answer.kind == RAISED:
            answer = self._attempt(asked)
        return answer

    def _attempt(self, asked: Request) -> Answer:
        while True:
            child = self._ready()
            started = time.monotonic()
            with contextlib.suppress(OSError):  # it died meanwhile; the watch finds out how
                assert child.stdin is not None
                send(child.stdin, asked)
            answer = self._watch(child, started)
            if answer is not None:
                break
        if answer.kind in {SYSTEM, MEMORY} or (answer.kind == RETURNED and self._is_swollen()):
            self.close()
        return answer

    def _watch(self, child: subprocess.Popen[bytes], started: float) -> Answer | None:
        """The answer, or how the process ended; None where it had ended before the request, having had nothing to do."""
        while True:
            try:
                message = self._answers.get(timeout=POLL)
            except queue.Empty:
                spent = time.monotonic() - started
                over = TIME if spent > self._start.seconds else MEMORY if resident_mb(child.pid) > self._start.memory_mb else ""
                if not over:
                    continue
                self.close()
                return self._over(over)
            if message:
                answer = receive(message, Answer)
                return self._over(MEMORY) if answer.kind == MEMORY else answer
            code = self._let_end(child)
            if code == IDLE_CODE:
                return None
            return (
                self._over(TIME) if code == -getattr(signal, "SIGALRM", 0) else ended(code, self._words.decode(errors="replace"))
            )

    def _over(self, kind: str) -> Answer:
        limits = self._start
        cause = time_cause(limits.seconds) if kind == TIME else memory_cause(limits.memory_mb)
        return Answer(kind=kind, cause=cause, seconds=limits.seconds if kind == TIME else 0.0)

    def _is_swollen(self) -> bool:
        """Whether what earlier tasks left behind takes up half of the room that tasks have."""
        return resident_mb(self.pid) - self._resident > (self._start.memory_mb - self._resident) / 2

    def _ready(self) -> subprocess.Popen[bytes]:
        """The process, started if there is none."""
        if self._child is not None and self._child.poll() is None:
            return self._child
        self.close()
        died = killed = 0
        while died < STARTS and killed < KILLED_STARTS:
            child = self._spawn()
            if self._retired:
                self.close()
                raise RetiredKeeper
            message = b""
            with contextlib.suppress(queue.Empty):
                message = self._answers.get(timeout=START_SECONDS)
            if message:
                self._accept(receive(message, Ready))
                return child
            outside = -self._let_end(child) in FROM_OUTSIDE
            died, killed = died + (not outside), killed + outside
        words = self._words.decode(errors="replace").strip()
        raise UsageError(
            f"work={self._start.work!r}: {died + killed} processes in a row ended before they were ready; the last one said: {words}"
        )

    def _let_end(self, child: subprocess.Popen[bytes]) -> int:
        """Exit code of a process that has closed its pipe, which comes before its end."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(LEAVE_SECONDS)
        return self.close()

    def _accept(self, ready: Ready) -> None:
        """Refuse a process that could not import the work, imported other code, or is too large already."""
        refusal: UsageError | None = None
        if ready.problem:
            refusal = UsageError(f"work={self._start.work!r} cannot be imported: {ready.problem}")
        elif ready.code != self._code:
            hint = "results of different code are not mixed: install the same everywhere, and do not edit it during a run"
            refusal = OtherCode(f"a process found code {ready.code}, the run is of {self._code}; {hint}")
        elif ready.resident_mb >= self._start.memory_mb:
            refusal = UsageError(
                f"limits.memory_mb={self._start.memory_mb}: the work needs {ready.resident_mb} MB before any task; raise it"
            )
        if refusal is not None:
            self.close()
            raise refusal
        self._resident = ready.resident_mb

    def _spawn(self) -> subprocess.Popen[bytes]:
        path = os.pathsep.join(p or str(Path.cwd()) for p in sys.path)
        env = os.environ | dict.fromkeys(THREADS, "1") | {"PYTHONPATH": path, "PYTHONHASHSEED": "0"}
        child = subprocess.Popen(  # noqa: S603 - this Python and a module of this package
            [sys.executable, "-P", "-m", CHILD],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env, start_new_session=True,
        )  # fmt: skip
        self._child, self._answers, self._words = child, queue.SimpleQueue(), b""
        assert child.stdin is not None
        assert child.stdout is not None
        assert child.stderr is not None
        threading.Thread(target=_pass_on, args=(child.stdout, self._answers), daemon=True).start()
        threading.Thread(target=self._remember, args=(child, child.stderr), daemon=True).start()
        with contextlib.suppress(OSError):
            send(child.stdin, self._start)
        return child

    def _remember(self, child: subprocess.Popen[bytes], stream: IO[bytes]) -> None:
        """Keep the last of what the process prints; reading it keeps the pipe from filling."""
        with stream:
            while chunk := os.read(stream.fileno(), 65536):
                if self._child is child:
                    self._words = (self._words + chunk)[-WORDS:]

    def retire(self) -> None:
        """End the process and start no other: a batch that is being run ends with `RetiredKeeper`. May be called by another thread."""
        self._retired = True
        self.close()

    def close(self) -> int:
        """End the process and all it started; its exit code, negative for a signal, 0 where there was none."""
        child, self._child = self._child, None
        if child is None:
            return 0
        code = child.poll()
        with contextlib.suppress(OSError):
            os.killpg(child.pid, signal.SIGKILL) if hasattr(os, "killpg") else child.kill()
        child.wait()
        with contextlib.suppress(OSError):  # the two other pipes are closed by the threads that read them
            assert child.stdin is not None
            child.stdin.close()
        return code if code is not None else child.returncode


def _pass_on(stream: IO[bytes], answers: queue.SimpleQueue[bytes]) -> None:
    """Pass answers on; an empty one means that the process is gone."""
    with contextlib.suppress(OSError), stream:
        while message := read_message(stream):
            answers.put(message)
    answers.put(b"")
