"""The accepted tables of a desk, what was set aside, and why.

A `Record` holds only rows that passed every check that needs no market data. Nothing is lost: for each table, raw rows = accepted rows
+ quarantined rows + documented drops, which `read_record` asserts. All values are already on their integer scales (see `units`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skillstats.errors import RULES, Problem
from skillstats.plan import Plan
from skillstats.record.raw import RawRecord
from skillstats.units import Scale

if TYPE_CHECKING:
    from skillstats.record.price_rows import PriceRows

NULL: Final = -(2**63)
"""Missing value of an int64 column; never 0."""


@dataclass(frozen=True, slots=True)
class Table:
    """Accepted rows of one table, in canonical order.

    columns : arrays of one length. Text: object array of str, None where empty. Times: int64 UTC microseconds. Quantities: int64 lots.
        Prices: int64 half ticks. Fees: int64 micro-units. Missing integers are `NULL`. Float columns (strength, exposure, return):
        float64, NaN where empty. A column that the input did not have is present and empty.
    line : int64, line in the text file (header = 1) or row number
    made : bool, rows that were derived from another table (signals from targets) and stand in the file `made_in`; None where there is none
    """

    name: str
    file: str
    columns: Mapping[str, NDArray[Any]]
    line: NDArray[np.int64]
    made: NDArray[np.bool_] | None = None
    made_in: str = ""

    def __len__(self) -> int:
        return len(self.line)

    def __getitem__(self, column: str) -> NDArray[Any]:
        return self.columns[column]

    def take(self, rows: NDArray[Any]) -> Table:
        """The rows of a mask or index, in its order."""
        made = None if self.made is None else self.made[rows]
        return Table(self.name, self.file, {k: v[rows] for k, v in self.columns.items()}, self.line[rows], made, self.made_in)

    def is_made(self, row: int) -> bool:
        """Whether a row was derived from another table."""
        return self.made is not None and bool(self.made[row])

    def place(self, row: int) -> tuple[str, int]:
        """File and line of a row."""
        return (self.made_in if self.is_made(row) else self.file), int(self.line[row])


@dataclass(frozen=True, slots=True)
class Record:
    """What a desk handed in, after the checks that need no market data.

    tables : accepted rows; a table the input did not have is absent (``signals`` is always there; ``prices`` unless they are mapped)
    scales : tick, lot and multiplier of each asset that occurs
    problems : every finding, warnings included, sorted by table, line and code
    quarantine : one entry a row set aside, with its raw text, the code of its cause and the place of the cause (`root`)
    drops : one entry a documented drop (exact duplicates, superseded actions, blank lines)
    raw_rows : rows found in each file, before anything was set aside
    digests : sha256 of each table's canonical content, independent of file format, row order and column order
    files : sha256 of each file as it lay on disk (provenance, not digested)
    prices : the accepted price rows, an asset after the other, in memory or mapped from files
    issued : id, time, model, asset and side of every signal that is good by itself, also where its orders set its chain aside: what a
        person did with a signal must not change when another one ends
    raw : what came in, as text, so that a row can be shown again and the record be read again under another plan; None if made by hand
    declared : whether a plan was given or found; without one, horizons are not judged yet
    """

    plan: Plan
    tables: Mapping[str, Table]
    scales: Mapping[str, Scale]
    problems: tuple[Problem, ...]
    quarantine: tuple[Problem, ...]
    drops: tuple[Problem, ...]
    raw_rows: Mapping[str, int]
    digests: Mapping[str, str]
    files: Mapping[str, str]
    prices: PriceRows
    issued: Table
    raw: RawRecord | None = None
    declared: bool = True

    def _accepted(self, name: str) -> int:
        """Accepted rows of a table; mapped prices are no table."""
        if name == "prices":
            return self.prices.accepted
        return len(self.tables[name]) if name in self.tables else 0

    def problem_table(self) -> pd.DataFrame:
        """Every problem as a frame: code, outcome, file, line, message."""
        return problem_frame(self.problems)

    def summary(self) -> pd.DataFrame:
        """Raw, accepted, quarantined and dropped rows of each table."""
        rows = [
            {
                "table": name,
                "raw": raw,
                "accepted": self._accepted(name),
                "quarantined": sum(p.table == name for p in self.quarantine),
                "dropped": sum(p.table == name for p in self.drops),
            }
            for name, raw in sorted(self.raw_rows.items())
        ]
        return pd.DataFrame(rows, columns=["table", "raw", "accepted", "quarantined", "dropped"])

    def __str__(self) -> str:
        names = [*self.tables, *(() if "prices" in self.tables else ("prices",))]
        counts = ", ".join(f"{self._accepted(n)} {n}" for n in names)
        return f"Record: {counts}; {len(self.quarantine)} rows quarantined, {len(self.drops)} documented drops"


def problem_frame(problems: tuple[Problem, ...]) -> pd.DataFrame:
    """Problems as a frame, one row each."""
    columns = ["code", "outcome", "file", "line", "message"]
    rows = [(p.code, RULES[p.code].outcome, p.file, p.line, p.message) for p in problems]
    return pd.DataFrame(rows, columns=columns)
