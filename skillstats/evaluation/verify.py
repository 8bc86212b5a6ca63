"""Recompute every digest of a ledger or an evaluation folder."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from skillstats.errors import Mismatch, UsageError
from skillstats.evaluation.minutes import check_minutes
from skillstats.evaluation.minutes_file import MINUTES_HEAD
from skillstats.evaluation.verify_identities import identities_that_fail
from skillstats.evaluation.verify_rows import rows_that_changed
from skillstats.ledger.beside import pages_beside
from skillstats.ledger.canonical import blocks_digest
from skillstats.ledger.manifest import result_digest
from skillstats.ledger.write import FREEZES_FILE, MINUTES


class _Told(msgspec.Struct):
    """What is checked of the part of a manifest that is not digested; its problems, which may be many, are passed over."""

    written: dict[str, str] = {}


class _Manifest(msgspec.Struct):
    result: dict[str, Any]
    kind: str = ""
    result_digest: str = ""
    provenance: _Told = msgspec.field(default_factory=_Told)


def verify(folder: str | Path) -> list[str]:
    """Check every file of a folder against its manifest; nothing is repaired.

    Parameters
    ----------
    folder : a ledger or an evaluation folder

    Returns
    -------
    one line a check that held

    Raises
    ------
    UsageError
        If the folder has no manifest.
    Mismatch
        Naming every file that is missing, changed or not in the manifest, and for a ledger the rows that changed and the sums that
        no longer hold.
    """
    folder = Path(folder)
    try:
        manifest = msgspec.json.decode((folder / "manifest.json").read_bytes(), type=_Manifest)
        result = manifest.result
    except (OSError, msgspec.DecodeError, KeyError, TypeError) as error:
        raise UsageError(f"{folder} has no readable manifest.json ({error}); give a folder written by skillstats") from None
    wrong, held = [], []
    if result_digest(result) == manifest.result_digest:
        held.append("manifest.json: result digest holds")
    else:
        wrong.append("manifest.json: its result part was changed")
    kind = manifest.kind
    files = result.get("files") if kind == "evaluation" else manifest.provenance.written
    found = [_bytes(folder, name, digest) for name, digest in sorted((files or {}).items())]
    if kind == "ledger":
        found += [_content(folder, n, d) for n, d in sorted(result["outputs"].items()) if (folder / f"{n}.parquet").exists()]
    beside = {"ledger": (FREEZES_FILE,), "evaluation": (MINUTES, MINUTES_HEAD)}
    known = {*(files or {}), "manifest.json", *beside.get(kind, ())} | pages_beside(folder)
    found += [(False, f"{p.name}: not in the manifest") for p in sorted(folder.iterdir()) if p.name not in known]
    wrong += [text for good, text in found if not good]
    if kind == "ledger":
        wrong = _with_rows(folder, wrong)
        broken = identities_that_fail(folder)
        wrong += broken
        held += [] if broken else ["rows, decisions, slices, books and KPIs add up"]
    held += [text for good, text in found if good]
    if kind == "evaluation":
        said = _minutes(folder, manifest.result_digest)
        wrong, held = wrong + said[0], held + said[1]
    if wrong:
        raise Mismatch("\n".join(wrong))
    return held


def _minutes(folder: Path, digest: str) -> tuple[list[str], list[str]]:
    """What is wrong with the minutes of an evaluation, and what holds."""
    try:
        return [], check_minutes(folder, digest)
    except (Mismatch, UsageError) as error:
        return [str(error)], []


def _with_rows(folder: Path, wrong: list[str]) -> list[str]:
    """After the first line about each changed file, the rows that changed."""
    files = list(dict.fromkeys(line.split(":", 1)[0] for line in wrong))
    rows = rows_that_changed(folder, files)
    told = []
    for line in wrong:
        told += [line, *(f"  {row}" for row in rows.pop(line.split(":", 1)[0], ()))]
    return told


def _bytes(folder: Path, name: str, digest: str) -> tuple[bool, str]:
    try:
        with (folder / name).open("rb") as handle:
            same = hashlib.file_digest(handle, "sha256").hexdigest() == digest
    except OSError:
        return False, f"{name}: missing"
    return same, f"{name}: sha256 holds" if same else f"{name}: changed since it was written"


def _content(folder: Path, name: str, digest: str) -> tuple[bool, str]:
    """Canonical content of a Parquet file, which is what the ledger's digest is made of."""
    try:
        with pq.ParquetFile(folder / f"{name}.parquet") as file:
            blocks = (file.read_row_group(i) for i in range(file.num_row_groups))
            same = blocks_digest(blocks, file.schema_arrow.empty_table()) == digest
    except (OSError, pa.ArrowInvalid):
        return False, f"{name}.parquet: not readable"
    return same, f"{name}.parquet: content digest holds" if same else f"{name}.parquet: content differs from the digest"
