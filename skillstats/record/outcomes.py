"""An outcomes table: one value-add per decision, for users who hold one already.

It skips the ledger and enters at the evidence step, hence floats; everything else is as strict as a record: text is text, an
empty or impossible value is set aside with its reason, never read as zero, and no row is lost.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skillstats.errors import RULES, InputRejected, LedgerBug, Problem, UsageError
from skillstats.plan import Plan
from skillstats.record.chains import link
from skillstats.record.containers import problem_frame
from skillstats.record.csv_text import NotATable
from skillstats.record.digest import row_lines, table_digest
from skillstats.record.parse import Parsed, parse_table
from skillstats.record.quarantine import kept_rows, quarantine_list, to_problem
from skillstats.record.raw import Finding, RawTable, file_problem
from skillstats.record.readers import SUFFIXES, check_header, read_file, read_frame
from skillstats.record.schema import OUTCOMES


@dataclass(frozen=True, slots=True)
class OutcomeTable:
    """Accepted outcomes, sorted by trader, session and decision.

    columns : every column of the outcomes schema; text as object arrays of str (None where empty), value_add and risk float64
        (risk NaN where absent), time int64 UTC microseconds (`NULL` where absent). `decision_id` is always filled
    line : (row,) int64, line of the file or row number
    given : names of the columns the input had
    """

    file: str
    columns: Mapping[str, NDArray[Any]]
    line: NDArray[np.int64]
    given: tuple[str, ...]
    problems: tuple[Problem, ...]
    quarantine: tuple[Problem, ...]
    drops: tuple[Problem, ...]
    raw_rows: int
    digest: str
    file_sha256: str

    def __len__(self) -> int:
        return len(self.line)

    def __getitem__(self, column: str) -> NDArray[Any]:
        return self.columns[column]

    def problem_table(self) -> pd.DataFrame:
        """Every problem as a frame: code, outcome, file, line, message."""
        return problem_frame(self.problems)

    def __str__(self) -> str:
        traders = len(set(self.columns["trader"].tolist()))
        return f"OutcomeTable: {len(self)} outcomes of {traders} traders; {len(self.quarantine)} rows quarantined"


def read_outcome_table(source: object, columns: Mapping[str, str] | None = None, plan: Plan | None = None) -> OutcomeTable:
    """Read an outcomes table from a CSV or Parquet file or from a table in memory.

    Parameters
    ----------
    source : path, or a pandas, polars or Arrow table
    columns : name of the column that holds each field where it differs, for example ``{"trader": "participant_id"}``
    plan : for limits, delimiter, zones and word maps (``outcomes.*``); default `Plan()`

    Raises
    ------
    InputRejected
        F101-F112, as for the tables of a record; F102 names the columns that exist.
    UsageError
        If `columns` names a field that no outcomes table has, or one column for two fields.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"who": ["NA", "001"], "day": ["1", "1"], "va": [0.5, -1.0]})
    >>> table = read_outcome_table(frame, {"trader": "who", "session": "day", "value_add": "va"})
    >>> table["trader"].tolist(), table["value_add"].tolist()
    (['001', 'NA'], [-1.0, 0.5])
    """
    plan, renamed = plan or Plan(), _checked_names(columns or {})
    raw, blank, digest = _read(source, plan, renamed)
    header, raw = tuple(raw.columns), _renamed(raw, renamed)
    try:
        check_header(raw, OUTCOMES, renamed, header)
    except NotATable as error:
        message = f"{error.found}, {RULES[error.code].text}"
        raise InputRejected([file_problem(error.code, "outcomes", raw.file, message, error.line)]) from None
    return _assemble(_with_ids(parse_table(raw, OUTCOMES, plan)), plan, blank, digest)


def _checked_names(columns: Mapping[str, str]) -> dict[str, str]:
    for field in columns:
        if field not in OUTCOMES:
            raise UsageError(f"columns: no field is called {field!r}; fields are {', '.join(OUTCOMES.names)}")
    doubled = sorted({c for c in columns.values() if list(columns.values()).count(c) > 1})
    if doubled:
        raise UsageError(f"columns: {doubled[0]!r} is given for two fields; copy the column if this is meant")
    return dict(columns)


def _read(source: object, plan: Plan, renamed: Mapping[str, str]) -> tuple[RawTable, tuple[int, ...], str]:
    """Text of the table, lines that were blank, sha256 of the file."""
    loose = replace(OUTCOMES, columns=tuple(_as_named(c, renamed) for c in OUTCOMES.columns))
    if isinstance(source, str | Path):
        path = Path(source)
        if not path.exists():
            raise UsageError(f"{path}: no such file; give a CSV or Parquet file of outcomes")
        if path.suffix.lower() not in SUFFIXES:
            raise UsageError(f"{path}: an outcomes table is a .csv or .parquet file")
        reading = read_file(path, loose, plan)
    else:
        reading = read_frame(source, loose, "outcomes", plan)
    if reading.raw is None:
        hint = "; columns with other names are named in `columns` (trader=..., session=..., value_add=...)"
        raise InputRejected([replace(p, message=p.message + hint) if p.code == "F101" else p for p in reading.problems])
    return reading.raw, reading.blank, reading.digest


def _as_named(column: Any, renamed: Mapping[str, str]) -> Any:
    """The column under the user's name, not required here: `check_header` speaks about both names later."""
    return replace(column, name=renamed.get(column.name, column.name), required=False)


def _renamed(raw: RawTable, renamed: Mapping[str, str]) -> RawTable:
    """The table under the schema's names; a column whose name is taken over by another keeps out of the way."""
    ours = {theirs: field for field, theirs in renamed.items()}
    cells = {}
    for name, column in raw.columns.items():
        if name in ours:
            cells[ours[name]] = column
        elif name in renamed:
            cells[f"{name} (not used)"] = column
        else:
            cells[name] = column
    return RawTable("outcomes", raw.file, cells, raw.line)


def _with_ids(table: Parsed) -> Parsed:
    """Fill empty decision ids with the digest of the row's content and the number of its occurrence."""
    ids = table.text("decision_id").copy()
    lines = row_lines(table, ("decision_id",)).to_pylist()
    seen: dict[str, int] = {}
    for row in np.flatnonzero([i is None for i in ids]).tolist():
        line = lines[row]
        seen[line] = seen.get(line, 0) + 1
        ids[row] = f"{hashlib.sha256(line.encode()).hexdigest()[:24]}-{seen[line]}"
    return replace(table, columns={**table.columns, "decision_id": ids})


def _findings(table: Parsed) -> list[Finding]:
    """Everything wrong with the rows: cells, risks, ids that stand twice."""
    found = list(table.findings)
    risk = table.columns["risk"]
    assert isinstance(risk, np.ndarray)
    found += [Finding("D101", "outcomes", int(r), "risk", float(risk[r])) for r in np.flatnonzero(risk == 0)]
    found += [Finding("D102", "outcomes", int(r), "risk", float(risk[r]), text="must be > 0") for r in np.flatnonzero(risk < 0)]
    if "risk" in table.raw.columns and np.isfinite(risk).any():
        empty = np.flatnonzero(np.array([c == "" for c in table.raw.columns["risk"].to_pylist()], dtype=bool))
        found += [Finding("D104", "outcomes", int(r), "risk", "") for r in empty]
    return found


def _assemble(table: Parsed, plan: Plan, blank: tuple[int, ...], file_sha256: str) -> OutcomeTable:
    drops = [Problem("D108", "outcomes", table.raw.file, n, RULES["D108"].text, root=f"{table.raw.file}:{n}") for n in blank]
    tables = link({"outcomes": table}, plan)
    findings = _findings(table)
    keep = kept_rows(tables, findings)
    aside = quarantine_list(tables, findings, keep)
    rows = keep["outcomes"]
    if len(table) != int(rows.sum()) + len(aside):
        raise LedgerBug(f"outcomes: {len(table)} rows read, {int(rows.sum())} accepted and {len(aside)} quarantined")
    accepted = table.take(rows)
    order = np.array(sorted(range(len(accepted)), key=lambda r: _place(accepted, r)), dtype=np.int64)
    columns = {name: values[order] for name, values in accepted.columns.items() if isinstance(values, np.ndarray)}
    problems = sorted([*drops, *(to_problem(tables, f) for f in findings)], key=lambda p: (p.line, p.code, p.message))
    given = tuple(n for n in OUTCOMES.names if n in table.raw.columns)
    digest = table_digest(replace(accepted, columns=columns))
    lines, raw_rows = accepted.raw.line[order], len(table) + len(blank)
    return OutcomeTable(
        table.raw.file, columns, lines, given, tuple(problems), aside, tuple(drops), raw_rows, digest, file_sha256
    )


def _place(table: Parsed, row: int) -> tuple[bytes, ...]:
    return tuple((table.text(name)[row] or "").encode() for name in OUTCOMES.order)
