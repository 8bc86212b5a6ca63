"""The file of the minutes: a chain of lines that is only ever added to, and a head that says where it ends; see `skillstats.evaluation.minutes`."""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import msgspec

from skillstats.errors import Mismatch, UsageError
from skillstats.ledger.write import MINUTES

MINUTES_HEAD: Final = "minutes.head"


class _Line(msgspec.Struct, forbid_unknown_fields=True):
    digest: str
    entry: msgspec.Raw


class _Head(msgspec.Struct, forbid_unknown_fields=True):
    entries: int
    digest: str


def read_entries(path: Path) -> tuple[dict[str, Any], ...]:
    """Entries of a folder or of a minutes file, oldest first, each with its digest; see `skillstats.evaluation.minutes.read_minutes`."""
    if path.is_dir():
        path = path / MINUTES
        if not path.exists():
            _refuse_lost(path)
            return ()
    try:
        text = path.read_bytes()
    except OSError as error:
        raise UsageError(
            f"minutes {path}: cannot be read ({error.strerror}); name an evaluation's folder or its {MINUTES}"
        ) from None
    entries = _chain(text)
    _hold_against_head(entries, path)
    return entries


def append_entry(folder: Path, entry: Mapping[str, Any]) -> dict[str, Any]:
    """Add one entry and remember the head; both are on the disk before it is acknowledged."""
    with _alone(folder):
        entries = read_entries(folder)
        if entries and entries[-1]["evaluation"]["manifest"] != entry["evaluation"]["manifest"]:
            raise Mismatch(f"{MINUTES}: its entries are about another evaluation than the one in this folder; nothing was added")
        last = entries[-1]["digest"] if entries else ""
        body = msgspec.json.encode({**entry, "seq": len(entries), "previous": last}, order="deterministic")
        digest = hashlib.sha256(body).hexdigest()
        _write(folder / MINUTES, msgspec.json.encode(_Line(digest, msgspec.Raw(body))) + b"\n", os.O_APPEND)
        _write_head(folder / MINUTES_HEAD, _Head(len(entries) + 1, digest))
    return {**msgspec.json.decode(body), "digest": digest}


def _chain(text: bytes) -> tuple[dict[str, Any], ...]:
    """Entries of a file; the first line that does not hold is named."""
    entries: list[dict[str, Any]] = []
    lines = text.split(b"\n")
    if lines.pop():
        raise Mismatch(f"{MINUTES}: entry {len(lines) + 1} is cut short; it was never acknowledged, remove what stands of it")
    for number, line in enumerate(lines, 1):
        try:
            found = msgspec.json.decode(line, type=_Line)
            entry = msgspec.json.decode(found.entry, type=dict[str, Any])
            seq, previous = entry["seq"], entry["previous"]
        except (msgspec.DecodeError, KeyError):
            raise Mismatch(f"{MINUTES}: entry {number} is not an entry of minutes; the file was changed") from None
        if hashlib.sha256(bytes(found.entry)).hexdigest() != found.digest:
            raise Mismatch(f"{MINUTES}: entry {number} was changed: its digest does not hold")
        if (seq, previous) != (number - 1, entries[-1]["digest"] if entries else ""):
            raise Mismatch(
                f"{MINUTES}: entry {number} was written as number {seq + 1} after another entry; one was dropped, added or moved"
            )
        entries.append({**entry, "digest": found.digest})
    return tuple(entries)


def _hold_against_head(entries: tuple[dict[str, Any], ...], path: Path) -> None:
    """Refuse a file that ends before its head says. One entry more is what a machine leaves that stopped between the two writes.

    A file that was copied away without its head is taken as it is: it says so nowhere, so what it lacks at its end cannot be seen.
    """
    try:
        head = msgspec.json.decode(path.with_name(MINUTES_HEAD).read_bytes(), type=_Head)
    except FileNotFoundError:
        return
    except (OSError, msgspec.DecodeError):
        raise Mismatch(f"{MINUTES_HEAD}: cannot be read; it was changed") from None
    if len(entries) < head.entries:
        raise Mismatch(f"{MINUTES}: entry {len(entries) + 1} is missing; {MINUTES_HEAD} counts {head.entries}")
    if len(entries) > head.entries + 1:
        raise Mismatch(f"{MINUTES}: entry {head.entries + 1} was added by another hand; {MINUTES_HEAD} counts {head.entries}")
    if head.entries and entries[head.entries - 1]["digest"] != head.digest:
        raise Mismatch(f"{MINUTES}: entry {head.entries} is not the one {MINUTES_HEAD} names")


def _refuse_lost(path: Path) -> None:
    if path.with_name(MINUTES_HEAD).exists():
        raise Mismatch(f"{MINUTES}: missing, but {MINUTES_HEAD} says that there were entries")


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One writer at a time: a lock on the folder, given back by the system should the writer die."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _write(path: Path, content: bytes, how: int) -> None:
    """Write to a file of the folder and force it to the disk; a link is never followed."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | how, 0o644)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _write_head(path: Path, head: _Head) -> None:
    """Replace the head; an older one stays whole until the new one is."""
    fresh = path.with_name(f".{path.name}.tmp")
    _write(fresh, msgspec.json.encode(head) + b"\n", os.O_TRUNC)
    fresh.replace(path)
