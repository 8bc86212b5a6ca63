"""Price rows that lie in files and are mapped, so that their number does not matter to memory.

A folder of the store holds one file a column and `rows.json`. It is named by the digest of the price file together with everything of
the plan that decides how the file is read, so a changed file or another reading is another folder, and a folder whose files are not, byte
for byte, what was written is built anew, never used.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from skillstats.errors import Problem, UsageError
from skillstats.plan import Plan
from skillstats.record.price_rows import CELLS, LAYOUT, PriceRows
from skillstats.units import package_version

STORE_VARIABLE: Final = "SKILLSTATS_STORE"


class Saved(msgspec.Struct, frozen=True):
    """Everything of mapped rows but the columns, and what was found on reading them."""

    assets: list[str]
    offsets: list[int]
    types: dict[str, str]
    sums: dict[str, str]
    base: list[int]
    places: list[int]
    volume_places: list[int]
    peak: list[int]
    first_quote: list[int]
    last_time: list[int]
    refused: list[int]
    reasons: list[Problem]
    file: str
    digest: str
    file_digest: str
    raw_rows: int
    blank: list[int]
    problems: list[Problem]
    quarantine: list[Problem]
    drops: list[Problem]


def store_folder(given: Path | None) -> Path:
    """Where mapped prices are kept: as given, else by the environment, else in the user's cache.

    Raises
    ------
    UsageError
        If nothing can be written there.
    """
    named = given or (Path(value) if (value := os.environ.get(STORE_VARIABLE)) else None)
    folder = named or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "skillstats" / "prices"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise UsageError(
            f"{folder} cannot hold the price store ({error.strerror}); name a writable folder with --store or {STORE_VARIABLE}"
        ) from None
    return folder


def store_name(file_digest: str, suffix: str, plan: Plan) -> str:
    """Name of the folder of one file read under one plan."""
    reading = {k: msgspec.to_builtins(v) for k, v in sorted(plan.columns.items()) if k.startswith("prices.")}
    assets = {n: [a.tick, a.lot, a.may_be_negative] for n, a in sorted(plan.assets.items())}
    limits = [plan.limits.max_rows, plan.limits.max_bytes]
    key = msgspec.json.encode([LAYOUT, package_version(), file_digest, suffix, reading, assets, limits])
    return hashlib.sha256(key).hexdigest()[:32]


def save(folder: Path, saved: Saved) -> None:
    """Write `rows.json` last, so that its presence means that the columns are complete."""
    (folder / "rows.json").write_bytes(msgspec.json.encode(saved))


def settle(build: Path, target: Path) -> None:
    """Put a complete folder in its place; another process may have been faster, and its folder says the same."""
    try:
        build.rename(target)
    except OSError:
        if opened(target) is None:
            shutil.rmtree(target, ignore_errors=True)
            build.rename(target)
        else:
            shutil.rmtree(build, ignore_errors=True)


def opened(folder: Path) -> tuple[PriceRows, Saved] | None:
    """The mapped rows of a folder; None where it is absent, incomplete or damaged."""
    try:
        saved = msgspec.json.decode((folder / "rows.json").read_bytes(), type=Saved)
        return _mapped(folder, saved), saved
    except (OSError, ValueError, msgspec.DecodeError):
        return None


def _mapped(folder: Path, saved: Saved) -> PriceRows:
    n = saved.offsets[-1]
    columns = {
        name: _column(folder, name, saved.types.get(name), n, saved.sums.get(name, "")) for name in ("time", "line", *CELLS)
    }
    numbers = {
        k: np.array(getattr(saved, k), dtype=np.int64)
        for k in ("offsets", "base", "places", "volume_places", "peak", "first_quote", "last_time", "refused")
    }
    return PriceRows(
        assets=tuple(saved.assets), reasons=tuple(saved.reasons), file=saved.file, digest=saved.digest, **numbers, **columns
    )


def column_digest(path: Path) -> str:
    """sha256 of one column's file: a store that somebody wrote into must not price anything."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _column(folder: Path, name: str, kind: str | None, rows: int, digest: str) -> NDArray[Any]:
    if kind is None:
        return np.zeros(0, dtype=np.int32)
    path, dtype = folder / f"{name}.bin", np.dtype(kind)
    if path.stat().st_size != rows * dtype.itemsize or column_digest(path) != digest:
        raise ValueError(name)
    return np.asarray(np.memmap(path, dtype=dtype, mode="r", shape=(rows,)))
