"""The door of a large price file: mapped rows from the store, built on first sight."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from skillstats.errors import RULES, InputRejected
from skillstats.plan import Plan
from skillstats.record.csv_text import NotATable
from skillstats.record.parquet_guard import refuse_large
from skillstats.record.price_batches import look_through
from skillstats.record.price_files import Saved, opened, settle, store_name
from skillstats.record.price_rows import PriceRows
from skillstats.record.raw import file_problem
from skillstats.record.readers import check_sidecar_digest, check_sidecar_rows, file_digest

LARGE_CSV: Final = 50_000_000
"""Bytes of a CSV file of prices from which on it is mapped and not held in memory: about a million quotes."""
LARGE_PARQUET: Final = 1_000_000
"""Rows of a Parquet file of prices from which on it is mapped."""


def is_large(path: Path) -> bool:
    """Whether a price file is read into mapped rows; a file that cannot be judged is left to the ordinary reader to refuse."""
    try:
        if path.suffix == ".csv":
            return path.is_file() and path.stat().st_size >= LARGE_CSV
        with pq.ParquetFile(path) as file:
            return bool(file.metadata.num_rows >= LARGE_PARQUET)
    except (pa.ArrowException, OSError, ValueError):
        return False


def mapped_prices(path: Path, plan: Plan, store: Path) -> tuple[PriceRows, Saved]:
    """Rows of a price file and what reading it found, from the store, where they are built if they are not there yet.

    Raises
    ------
    InputRejected
        F101-F112 where the file is no table.
    """
    try:
        return _mapped(path, plan, store)
    except NotATable as error:
        text = f"{error.found}, {RULES[error.code].text}"
        raise InputRejected([file_problem(error.code, "prices", path.name, text, error.line)]) from None
    except OSError as error:
        raise InputRejected([file_problem("F106", "prices", path.name, f"cannot be read ({error.strerror})")]) from None


def _mapped(path: Path, plan: Plan, store: Path) -> tuple[PriceRows, Saved]:
    if path.stat().st_size > plan.limits.max_bytes:
        raise NotATable("F111", f"{path.stat().st_size} bytes, max_bytes {plan.limits.max_bytes}")
    if path.suffix == ".parquet":
        refuse_large(path, plan.limits)
    digest = file_digest(path)
    check_sidecar_digest(path, digest)
    folder = store / store_name(digest, path.suffix, plan)
    found = opened(folder)
    if found is None:
        _build(path, plan, digest, folder)
        found = opened(folder)
    if found is None:
        raise NotATable("F108", f"the store folder {folder} was damaged while it was read")
    check_sidecar_rows(path, found[1].raw_rows)
    return found


def _build(path: Path, plan: Plan, digest: str, folder: Path) -> None:
    from skillstats.record.price_build import build_price_files

    seen = look_through(path) if path.suffix == ".csv" else None
    if seen is not None and seen.lines - 1 > plan.limits.max_rows:
        raise NotATable("F111", f"{seen.lines - 1} rows, max_rows {plan.limits.max_rows}")
    build = Path(tempfile.mkdtemp(prefix=".building-", dir=folder.parent))
    try:
        build_price_files(path, plan, digest, seen, build)
        if file_digest(path) != digest:
            raise NotATable("F108", "sha256 before and after differ")
        shutil.rmtree(folder, ignore_errors=True)
        settle(build, folder)
    finally:
        shutil.rmtree(build, ignore_errors=True)
