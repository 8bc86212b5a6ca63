"""The folder of a run: one file a result, committed whole or not at all, by one run at a time.

    FOLDER/run.json            work, root and code version of the results
    FOLDER/results/NAME.parquet   one a task, named as in `tasks`
    FOLDER/table.parquet       all of them in order of (study, design, replicate), at the end
    FOLDER/lock                held while a run writes; the system lets go of it when the run dies

A result is written to a temporary file, forced to the disk, linked to its name and the folder forced too. A name is given once: whoever comes second
must bring the same bytes, or hears `Mismatch`. A file that is not whole is thrown away and computed again.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Final

import msgspec

from skillstats.errors import Mismatch, SkillstatsError, UsageError
from skillstats.study.running.resultfile import FAILED, Stored, decode
from skillstats.study.running.tasks import Errand

try:
    import fcntl
except ImportError:  # not on Windows: there two runs into one folder are not kept apart
    fcntl = None  # type: ignore[assignment]

FORMAT: Final = 1
fsync: Callable[[int], None] = os.fsync
TABLE: Final = "table.parquet"


class NotKept(SkillstatsError):
    """The disk did not take a result: full, broken, or read only."""


@contextmanager
def open_store(folder: Path, errand: Errand, *, resume: bool) -> Iterator[Path]:
    """The folder of results, held for this run.

    Raises
    ------
    UsageError
        If another run holds it; if it holds results and `resume` is false; or if they are of another work, root or code version.
    """
    results = folder / "results"
    results.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        if fcntl is not None:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise UsageError(f"{folder}: another run is writing into it; wait for it, or take another folder") from None
        _check_manifest(folder, errand, resume=resume)
        for left in results.glob("*.tmp"):  # of a run that was killed
            left.unlink()
        yield results
    finally:
        os.close(handle)


def _check_manifest(folder: Path, errand: Errand, *, resume: bool) -> None:
    path, mine = folder / "run.json", {"format": FORMAT, **asdict(errand)}
    found = path.read_bytes() if path.exists() else b""
    if not found:
        if any((folder / "results").glob("*.parquet")):
            raise UsageError(f"{folder}: results without a run.json that says what they are; take another folder")
        return write_file(path, msgspec.json.format(msgspec.json.encode(mine)) + b"\n")
    if not resume:
        raise UsageError(f"{folder}: holds results of an earlier run; resume it, or take another folder")
    try:
        theirs = msgspec.json.decode(found, type=dict[str, object])
    except msgspec.DecodeError:
        raise UsageError(f"{folder / 'run.json'}: damaged; take another folder") from None
    differ = [f"{k} {theirs.get(k)!r} there, {v!r} here" for k, v in mine.items() if theirs.get(k) != v]
    if differ:
        hint = "results of different code are not mixed: go back to the code that made them, or take another folder"
        raise UsageError(f"{folder}: {'; '.join(differ)}; {hint}")
    return None


def write_file(path: Path, data: bytes) -> None:
    """Write a file so that it is there whole or not at all, also after a loss of power if the disk honours fsync."""
    with _told(path.parent):
        temporary = path.with_name(path.name + ".tmp")
        write_durably(temporary, data)
        temporary.replace(path)
        sync_folder(path.parent)


@contextmanager
def _told(folder: Path) -> Iterator[None]:
    """Say what a disk's refusal means for the run."""
    try:
        yield
    except OSError as error:
        hint = "make room or mend the disk, then resume: what was kept is not lost"
        raise NotKept(f"{folder}: {error.strerror or error}; {hint}") from error


def write_durably(path: Path, data: bytes) -> None:
    """Write a temporary file and force it to the disk; no part of it is left where that fails."""
    try:
        with path.open("wb") as file:
            file.write(data)
            file.flush()
            fsync(file.fileno())
    except OSError:
        path.unlink(missing_ok=True)
        raise


def sync_folder(folder: Path) -> None:
    """Force the names of a folder to the disk."""
    if os.name == "nt":
        return  # folders cannot be opened there
    handle = os.open(folder, os.O_RDONLY)
    try:
        fsync(handle)
    finally:
        os.close(handle)


def commit(results: Path, made: Mapping[str, bytes]) -> int:
    """Keep results, name to bytes; the number that were there already, with the same bytes.

    Raises
    ------
    Mismatch
        If a name is taken by other, whole bytes: the work is not a function of its payload and seed.
    NotKept
        If the disk does not take them.
    """
    with _told(results):
        repeats = sum(_commit_one(results / f"{name}.parquet", data) for name, data in made.items())
        sync_folder(results)
    return repeats


def _commit_one(path: Path, data: bytes) -> bool:
    """Give the result its name; true where it had it already."""
    if path.exists() and _same(path, data):
        return True
    temporary = path.with_suffix(".tmp")
    write_durably(temporary, data)
    try:
        os.link(temporary, path)  # unlike a rename, never takes a name that is taken
    except FileExistsError:
        temporary.unlink()
        return _same(path, data)
    except OSError:  # a file system without links
        temporary.replace(path)
    else:
        temporary.unlink()
    return False


def _same(path: Path, data: bytes) -> bool:
    """Whether a file holds these bytes; a damaged one is thrown away and holds nothing."""
    found = path.read_bytes()
    if found == data:
        return True
    old, new = decode(found), decode(data)
    if old is None:
        path.unlink()
        return False
    causes = [s.table["cause"][0].as_py() or "rows" for s in (old, new) if s is not None]
    raise Mismatch(
        f"{path.name}: computed twice with different results ({' and then '.join(causes)}); "
        "the work must depend on its payload and seed only, and its limits must leave room"
    )


def read_result(results: Path, name: str, code: str) -> Stored | None:
    """A committed result; None where there is none or where it is damaged, which is then thrown away.

    Raises
    ------
    UsageError
        If it is whole but of another code version.
    """
    path = results / f"{name}.parquet"
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    found = decode(data)
    if found is None or found.name != name:
        path.unlink()
        return None
    if found.code != code:
        raise UsageError(f"{path.name}: made by code {found.code}, this is {code}; results of different code are not mixed")
    return found


def check_strangers(results: Path, names: Iterable[str], code: str) -> None:
    """Refuse a folder that holds whole results of another code version, whatever their names."""
    strangers = {p.stem for p in results.glob("*.parquet")} - set(names)
    for name in sorted(strangers):
        read_result(results, name, code)


def is_failed(stored: Stored) -> bool:
    """Whether the result says that its task failed."""
    return bool(stored.table["status"][0].as_py() == FAILED)
