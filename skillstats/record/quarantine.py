"""Setting rows aside, with everything that depends on them, and without losing one.

A signal takes its action and fills along; a bad action or fill takes the whole chain, because the signal would otherwise look
undecided and the rest half filled. Rows of other tables go alone. Each row that leaves is listed once, with its text and its
cause.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from skillstats.errors import RULES, LedgerBug, Problem, describe_problem, show
from skillstats.record.chains import CHAIN_TABLES, Tables
from skillstats.record.parse import Parsed
from skillstats.record.raw import Finding

Masks = dict[str, NDArray[np.bool_]]


def refuses(finding: Finding) -> bool:
    """Whether a finding sets its row aside."""
    return finding.row >= 0 and RULES[finding.code].outcome == "quarantine"


def kept_rows(tables: Tables, findings: Iterable[Finding]) -> Masks:
    """Masks of the rows that stay, for every table."""
    keep = {name: np.ones(len(table), dtype=bool) for name, table in tables.parsed.items()}
    bad_chains = np.zeros(len(tables.chain_names) + 1, dtype=bool)
    for finding in findings:
        if refuses(finding):
            keep[finding.table][finding.row] = False
            if finding.table in CHAIN_TABLES:
                bad_chains[tables.chain[finding.table][finding.row]] = True
    for name in CHAIN_TABLES:
        if name in keep:
            keep[name] &= ~bad_chains[tables.chain[name]]
    return keep


def key_of(table: Parsed, row: int) -> str:
    """What a row is called in messages: its id, or its asset or other first key."""
    if row < 0:
        return ""
    first = "trader" if table.name == "outcomes" else table.schema.key[0]
    values = table.columns[first]
    cell = values[row] if isinstance(values, np.ndarray) and values.dtype == object else None
    return cell or ""


def chain_of(tables: Tables, table: str, row: int) -> str:
    """The signal (or INITIATE action, or orphan fill) a row belongs to, as shown to the reader."""
    if table not in CHAIN_TABLES or row < 0:
        return ""
    name: str = tables.chain_names[tables.chain[table][row]]
    return "" if "\x00" in name else name[1:]


def sentence(table: Parsed, finding: Finding) -> str:
    """Everything of a problem after ``CODE file:line``."""
    key = key_of(table, finding.row)
    if finding.text:
        value = f"{finding.field}={show(finding.value)}" if finding.field else ""
        place = " ".join(p for p in (show(key)[1:-1], value) if p)
        return f"{place}, {finding.text}" if place else finding.text
    if finding.row < 0 and not finding.field:
        what = f"column {show(finding.value)}" if finding.value != "" else ""
        return ", ".join(p for p in (what or finding.found, RULES[finding.code].text) if p)
    return describe_problem(finding.code, key, finding.field, finding.value, finding.found)


def to_problem(tables: Tables, finding: Finding) -> Problem:
    """A finding with its place and chain."""
    table = tables[finding.table]
    file, line = table.raw.place(finding.row)
    return Problem(
        finding.code, finding.table, file, line, sentence(table, finding), chain_of(tables, finding.table, finding.row)
    )


def quarantine_list(tables: Tables, findings: Sequence[Finding], keep: Mapping[str, NDArray[np.bool_]]) -> tuple[Problem, ...]:
    """One entry for each row set aside: the first finding about it, or the cause it depends on."""
    own: dict[tuple[str, int], Problem] = {}
    cause: dict[int, Problem] = {}
    for finding in findings:
        if not refuses(finding):
            continue
        problem = to_problem(tables, finding)
        place = (finding.table, finding.row)
        if place not in own or _rank(problem) < _rank(own[place]):
            own[place] = problem
        if finding.table in CHAIN_TABLES:
            chain = int(tables.chain[finding.table][finding.row])
            if chain not in cause or _rank(problem) < _rank(cause[chain]):
                cause[chain] = problem
    listed = []
    for name, mask in keep.items():
        for row in np.flatnonzero(~mask).tolist():
            mine = own.get((name, row))
            root = mine or cause[int(tables.chain[name][row])]
            listed.append(_entry(tables, name, row, mine, root))
    return tuple(sorted(listed, key=lambda p: (p.table, p.line, p.code, p.raw)))


def _rank(problem: Problem) -> tuple[int, str, int, str]:
    order = CHAIN_TABLES.index(problem.table) if problem.table in CHAIN_TABLES else 9
    return order, problem.code, problem.line, problem.message


def _entry(tables: Tables, name: str, row: int, problem: Problem | None, root: Problem) -> Problem:
    table = tables[name]
    file, line = table.raw.place(row)
    place, key = f"{root.file}:{root.line}", show(key_of(table, row))[1:-1]
    message = problem.message if problem else f"{key}, depends on {place} ({root.code})"
    return Problem(root.code, name, file, line, message, chain_of(tables, name, row), table.raw.row_text(row), place)


def dropped_row(table: Parsed, row: int, code: str, text: str) -> Problem:
    """A documented drop."""
    file, line = table.raw.place(row)
    message = f"{show(key_of(table, row))[1:-1]}, {text}"
    return Problem(code, table.name, file, line, message, "", table.raw.row_text(row), f"{file}:{line}")


def assert_conserved(
    raw: Mapping[str, int], accepted: Mapping[str, int], aside: Sequence[Problem], drops: Sequence[Problem]
) -> None:
    """Raw rows = accepted + quarantined + dropped, for every table."""
    for name, rows in raw.items():
        quarantined, dropped = sum(p.table == name for p in aside), sum(p.table == name for p in drops)
        if rows != accepted.get(name, 0) + quarantined + dropped:
            parts = f"{accepted.get(name, 0)} accepted + {quarantined} quarantined + {dropped} dropped"
            raise LedgerBug(f"{name}: {rows} rows read but {parts}; please report this as a defect of skillstats")
