"""An empty record to fill: every table with its header, a plan with every key, and a small example that works."""

from __future__ import annotations

import csv
import io
import os
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from skillstats.errors import UsageError
from skillstats.plan import Plan
from skillstats.record.example import EXAMPLE_PLAN, example_tables
from skillstats.record.plan_text import plan_text
from skillstats.record.schema import SCHEMA

NEW_PLAN: Final = Plan(horizon="session+1")
"""The defaults; the horizon has none and has to be declared."""


def new_record(folder: str | Path) -> Path:
    """Write header-only tables, ``plan.toml`` and ``example/`` into a new or empty folder, all or nothing.

    A table that needs no rows may stay as it is: a table with a header and no rows is ignored with a warning (D116), unless the record
    cannot do without it.

    Raises
    ------
    UsageError
        If the folder holds anything, or its parent does not exist.
    """
    target = Path(folder)
    if target.is_symlink() or (target.exists() and (not target.is_dir() or any(target.iterdir()))):
        raise UsageError(f"{target}: exists and is not an empty folder; name a new one")
    if not target.absolute().parent.is_dir():
        raise UsageError(f"{target.parent}: no such folder; create it first")
    part = target.absolute().with_name(f".{target.name}.{os.getpid()}.part")
    part.mkdir()
    try:
        for name, schema in SCHEMA.items():
            _write(part / f"{name}.csv", schema.names, ())
        (part / "plan.toml").write_text(plan_text(NEW_PLAN), encoding="utf-8", newline="\n")
        _write_example(part / "example")
        if target.exists():
            target.rmdir()
        part.rename(target)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    return target


def _write_example(folder: Path) -> None:
    folder.mkdir()
    for name, (header, rows) in example_tables().items():
        _write(folder / f"{name}.csv", header.split(","), rows)
    (folder / "plan.toml").write_text(plan_text(EXAMPLE_PLAN), encoding="utf-8", newline="\n")


def _write(path: Path, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    path.write_bytes(out.getvalue().encode())
