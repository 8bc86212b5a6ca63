"""What a keeper and its child say to each other: length, then a message in msgpack. Nothing is pickled.

Start -> Ready       once: what to import and the limits; the version of the code that was imported
Request -> Answer    for each task: the bytes of its result, or what went wrong
"""

from __future__ import annotations

from typing import IO, Any, Final

import msgspec

RETURNED, RAISED, SYSTEM, MEMORY, TIME, DIED, KILLED = "returned", "raised", "system", "memory", "time", "died", "killed"
"""How an attempt ended: with rows; with an exception; with one of the operating system; over a limit; with the process, by itself or from outside."""
IDLE: Final = 900.0
"""Seconds without a request after which a child ends by itself."""
IDLE_CODE: Final = 75
GRACE: Final = 10.0
"""Seconds after the time limit at which the system ends a child whose keeper did not."""


class Start(msgspec.Struct, frozen=True):
    """What the child is for. seconds, memory_mb : limits of an attempt."""

    work: str
    seconds: float
    memory_mb: int


class Ready(msgspec.Struct, frozen=True):
    """What the child has become. code : version of what it imported; problem : why it could not; resident_mb : its size before any task."""

    code: str
    problem: str = ""
    resident_mb: int = 0


class Request(msgspec.Struct, frozen=True):
    """A task and what its result file says about itself. payload : text or bytes, which msgpack tells apart."""

    study: str
    design: str
    replicate: int
    payload: Any
    root: int
    name: str
    code: str


class Answer(msgspec.Struct, frozen=True):
    """How an attempt ended. kind : one of the words above; data : bytes of the result; seconds : of the work."""

    kind: str
    data: bytes = b""
    cause: str = ""
    seconds: float = 0.0
    words: str = ""


def send(stream: IO[bytes], message: msgspec.Struct) -> None:
    """Write one message."""
    data = msgspec.msgpack.encode(message)
    stream.write(len(data).to_bytes(8, "big") + data)
    stream.flush()


def read_message(stream: IO[bytes]) -> bytes:
    """Bytes of the next message; empty at the end."""
    head = stream.read(8)
    if len(head) < 8:
        return b""
    size = int.from_bytes(head, "big")
    data = stream.read(size)
    return data if len(data) == size else b""


def receive[Message: msgspec.Struct](data: bytes, kind: type[Message]) -> Message:
    """The message that bytes stand for."""
    return msgspec.msgpack.decode(data, type=kind)


def time_cause(seconds: float) -> str:
    """Cause of a task that was over its time."""
    return f"took longer than {seconds:g} s"


def memory_cause(memory_mb: int) -> str:
    """Cause of a task that was over its memory."""
    return f"needed more than {memory_mb} MB"


def is_limit_cause(cause: str) -> bool:
    """Whether a cause is one of the two above, for some limit."""
    return cause.startswith(("took longer than ", "needed more than "))
