"""Where simulated error rates are kept between runs: JSON in the user's cache, found again by the digest of all they depend on.

The digest holds the shape, the sizes of luck, the model, the plan's hurdle, certainty and floors, the numbers of desks, the seed, the
sources of every module that computes anything of it, and the version of numpy, whose generators draw the luck. A file that says something
else, a damaged one, and a folder that somebody else may write to are not used: the figures are then simulated again, and are the same.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np

from skillstats.aside import write_whole

CACHE_VARIABLE: Final = "SKILLSTATS_CACHE"
PACKAGE: Final = Path(__file__).parents[1]
OWN: Final = 0o600
"""Rights of what only its owner may read."""
FOLDERS: Final = ("spec", "evidence", "components", "inference", "luck", "evaluation", "study")
"""Folders of the package whose sources the figures can depend on."""


def cache_folder() -> Path:
    """``operating`` in the folder that SKILLSTATS_CACHE names, else in ``skillstats`` of the user's cache."""
    named = os.environ.get(CACHE_VARIABLE)
    base = Path(named) if named else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "skillstats"
    return base / "operating"


@cache
def sources() -> str:
    """sha256 over the sources of `FOLDERS` and the version of numpy."""
    digest = hashlib.sha256(np.__version__.encode())
    for path in sorted(p for folder in FOLDERS for p in (PACKAGE / folder).rglob("*.py")):
        digest.update(str(path.relative_to(PACKAGE).as_posix()).encode() + path.read_bytes().replace(b"\r\n", b"\n"))
    return digest.hexdigest()


def digest_of(parts: Mapping[str, Any]) -> str:
    """sha256 of plain data in canonical form."""
    return hashlib.sha256(msgspec.json.encode(parts, order="deterministic")).hexdigest()


def kept(key: str, folder: Path | None = None) -> dict[str, Any] | None:
    """The figures kept under a digest; None where there are none that can be trusted."""
    folder = folder or cache_folder()
    try:
        if not _own(folder):
            return None
        found = msgspec.json.decode((folder / f"{key}.json").read_bytes())
        if found["key"] != key or found["sum"] != digest_of(found["figures"]):
            return None
        return dict(found["figures"])
    except (OSError, msgspec.DecodeError, KeyError, TypeError):
        return None


def keep(key: str, figures: Mapping[str, Any], folder: Path | None = None) -> None:
    """Keep figures under a digest, whole or not at all; where the folder cannot hold them nothing is kept and nothing is said."""
    folder = folder or cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not _own(folder):
            return
        content = msgspec.json.encode({"key": key, "sum": digest_of(figures), "figures": figures})
        write_whole(folder / f"{key}.json", content, OWN)
    except OSError:
        return


def _own(folder: Path) -> bool:
    """Whether the folder is the user's and nobody else may write to it; where the system has no such rights, yes."""
    if not hasattr(os, "getuid"):
        return True
    found = folder.stat()
    return found.st_uid == os.getuid() and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
