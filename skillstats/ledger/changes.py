"""What changed between two ledgers of the same period: rows added, removed, and changed cell by cell.

A row is known by its signal, or by the action of an INITIATE order. Cells are compared in their canonical text, the one the digest of a
ledger is made of, so that ledgers without a change have the same rows and ledgers with the same rows show no change.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from skillstats.ledger.canonical import column_texts

IntArray = NDArray[np.int64]
Key = tuple[bool, str]
CELLS: Final = ("row", "trader", "what", "column", "before", "after")


@dataclass(frozen=True, slots=True)
class RowChange:
    """One row that is not what it was.

    row : signal_id, or action_id of an INITIATE; what : added, removed or changed; columns : that changed, empty unless changed
    cells : (column, text before, text after) of each; value_add_before, value_add_after : micro-units, None without a row or while OPEN
    """

    row: str
    trader: str | None
    what: str
    cells: tuple[tuple[str, str, str], ...]
    value_add_before: int | None
    value_add_after: int | None

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns that changed."""
        return tuple(name for name, _, _ in self.cells)


@dataclass(frozen=True, slots=True)
class LedgerChanges:
    """Rows that changed: removed and changed ones in the order of the old ledger, then added ones.

    columns : how many rows changed in each column; new_columns : columns that stand in one of the two only, which are not compared
    """

    rows: tuple[RowChange, ...]
    columns: Mapping[str, int]
    new_columns: tuple[str, ...]

    def count(self, what: str) -> int:
        """How many rows were added, removed or changed."""
        return sum(r.what == what for r in self.rows)


def row_changes(before: pa.Table, after: pa.Table) -> LedgerChanges:
    """Compare the rows of two ledgers.

    Parameters
    ----------
    before, after : rows of ledgers, see `Ledger.rows`

    Returns
    -------
    LedgerChanges
    """
    one, two = _places(before), _places(after)
    common = [k for k in one if k in two]
    left, right = (np.array([places[k] for k in common], dtype=np.int64) for places in (one, two))
    cells = _changed_cells(before, after, left, right)
    rows = []
    for key, place in one.items():
        if key not in two:
            rows.append(_change(key, "removed", (before, place), None))
        elif key in cells:
            rows.append(_change(key, "changed", (before, place), (after, two[key]), tuple(cells[key])))
    rows += [_change(key, "added", None, (after, place)) for key, place in two.items() if key not in one]
    new = tuple(sorted({*before.column_names} ^ {*after.column_names}))
    return LedgerChanges(tuple(rows), dict(Counter(name for r in rows for name in r.columns)), new)


def _places(rows: pa.Table) -> dict[Key, int]:
    """Position of each row by its key: whether it has a signal, and its id."""
    signals, actions = rows["signal_id"].to_pylist(), rows["action_id"].to_pylist()
    return {(s is not None, str(a if s is None else s)): i for i, (s, a) in enumerate(zip(signals, actions, strict=True))}


def _changed_cells(before: pa.Table, after: pa.Table, left: IntArray, right: IntArray) -> dict[Key, list[tuple[str, str, str]]]:
    """Cells of the common rows whose canonical texts differ, by row."""
    shared = [name for name in before.column_names if name in after.column_names]
    old, new = before.select(shared).take(left), after.select(shared).take(right)
    keys = list(_places(old))
    found: dict[Key, list[tuple[str, str, str]]] = {}
    one, two = column_texts(old), column_texts(new)
    for name in shared:
        differs = pc.fill_null(pc.not_equal(one[name], two[name]), True).to_numpy(zero_copy_only=False)
        for place in np.flatnonzero(differs):
            found.setdefault(keys[place], []).append((name, *(str(t[name][int(place)].as_py()) for t in (one, two))))
    return found


def _change(
    key: Key,
    what: str,
    old: tuple[pa.Table, int] | None,
    new: tuple[pa.Table, int] | None,
    cells: tuple[tuple[str, str, str], ...] = (),
) -> RowChange:
    trader = _cell(new, "trader") if new is not None else _cell(old, "trader")
    return RowChange(key[1], trader, what, cells, _cell(old, "value_add"), _cell(new, "value_add"))


def _cell(at: tuple[pa.Table, int] | None, name: str) -> Any:
    return None if at is None else at[0][name][at[1]].as_py()
