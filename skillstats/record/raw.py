"""A table as text, and a finding about one of its rows.

Every door (CSV, Parquet, frames) produces the same thing: columns of text in which only the empty cell means "nothing". From here
on nobody knows, or needs to know, where a table came from.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from skillstats.errors import Problem


@dataclass(frozen=True, slots=True)
class RawTable:
    """A table as text.

    columns : large_string arrays without nulls, in the order of the input; empty text = missing. unknown columns stay
    line : (row,) int64, line in the text file or row number
    made_in : file of the last `made` rows, which were derived from another table (signals from targets)
    """

    name: str
    file: str
    columns: Mapping[str, pa.LargeStringArray]
    line: NDArray[np.int64]
    made: int = 0
    made_in: str = ""

    def __len__(self) -> int:
        return len(self.line)

    def place(self, row: int) -> tuple[str, int]:
        """File and line of a row; line 0 for the table as a whole (-1)."""
        if row < 0:
            return self.file, 0
        return (self.made_in if row >= len(self) - self.made else self.file), int(self.line[row])

    def take(self, keep: NDArray[np.bool_]) -> RawTable:
        """The rows of a mask."""
        mask = pa.array(keep)
        made = int(keep[len(keep) - self.made :].sum()) if self.made else 0
        return RawTable(
            self.name, self.file, {k: v.filter(mask) for k, v in self.columns.items()}, self.line[keep], made, self.made_in
        )

    def row_text(self, row: int) -> str:
        """The cells of a row as one CSV line."""
        out = io.StringIO()
        csv.writer(out, lineterminator="\n").writerow([column[row].as_py() for column in self.columns.values()])
        return out.getvalue()[:-1]


@dataclass(frozen=True, slots=True)
class RawRecord:
    """What was read: tables of text, blank lines by table, sha256 of each file, the refusals, and files that are no table.

    prices : a price file too large to be held as text, which is mapped from the store folder `store`; else None
    """

    tables: Mapping[str, RawTable]
    blank: Mapping[str, tuple[int, ...]]
    files: Mapping[str, str]
    problems: tuple[Problem, ...]
    strangers: tuple[Problem, ...] = ()
    prices: Path | None = None
    store: Path | None = None

    def cells(self, table: str, line: int) -> dict[str, str] | None:
        """Cells of one row by its line; None where the table or the line is unknown."""
        raw = self.tables.get(table)
        at = int(np.searchsorted(raw.line, line)) if raw is not None else 0
        if raw is None or at >= len(raw.line) or int(raw.line[at]) != line:
            return None
        return {name: str(column[at].as_py()) for name, column in raw.columns.items()}

    def row_text(self, table: str, line: int) -> str:
        """One row as a CSV line; empty where the table or the line is unknown."""
        raw = self.tables.get(table)
        at = int(np.searchsorted(raw.line, line)) if raw is not None else 0
        return raw.row_text(at) if raw is not None and at < len(raw.line) and int(raw.line[at]) == line else ""


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong with one row; becomes a `Problem` once place and chain are known.

    row : index into the parsed table, -1 for the table as a whole
    found : a measured value, put before the rule
    text : the whole sentence after the id, where the rule of the code does not say it
    """

    code: str
    table: str
    row: int
    field: str = ""
    value: object = ""
    found: str = ""
    text: str = ""


def file_problem(code: str, table: str, file: str, message: str, line: int = 0) -> Problem:
    """A problem of a whole file."""
    return Problem(code, table, file, line, message)
