"""Problems as rows of a table, so that any number of them can lie on disk and be put in order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

import pyarrow as pa

from skillstats.errors import Problem
from skillstats.record.runs import bytes_key, merge_runs, open_rows, write_run

FIELDS: Final = ("code", "table", "file", "line", "message", "chain", "raw", "root")


def problem_rows(problems: Sequence[Problem]) -> pa.Table:
    """One row a problem."""
    kinds = {"line": pa.int64()}
    return pa.table({k: pa.array([getattr(p, k) for p in problems], kinds.get(k, pa.string())) for k in FIELDS})


def problems_of(rows: pa.Table) -> list[Problem]:
    """The problems of such rows."""
    cells = [rows.column(k).to_pylist() for k in FIELDS]
    return [Problem(*own) for own in zip(*cells, strict=True)]


def write_problems(path: Path, problems: Sequence[Problem], by: Sequence[str]) -> None:
    """Write problems as a run in order of some fields; problems that agree in them stay in their own order."""
    rows = problem_rows(problems)
    write_run(path, rows, bytes_key(*(rows.column(k).combine_chunks() for k in by)))


def read_problems(path: Path) -> list[Problem]:
    """The problems of one run."""
    return problems_of(open_rows(path))


def merged_problems(paths: Sequence[Path]) -> Iterator[Problem]:
    """The problems of several runs in order."""
    for block in merge_runs(paths):
        yield from problems_of(block)


def by_place(problems: Iterable[Problem]) -> list[Problem]:
    """Problems in the order in which a record lists them, each once."""
    return sorted(set(problems), key=lambda p: (p.table, p.line, p.code, p.message))
