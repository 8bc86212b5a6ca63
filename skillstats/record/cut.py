"""Cut signals, actions and fills into parts that can be judged one after the other.

What must be judged together is joined: rows that share an id (copies, conflicts, ids that differ in case or blanks), an action and its
signal, a fill and its action, the actions of one decision. The joined rows form groups, most of them one signal with its action and
fills; groups are put into parts in the order in which the files name them first, so a file in order of time gives parts of neighbouring
days. Nothing of it grows in memory: all arrays lie in mapped files, 8 bytes an id and row.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from skillstats.errors import UsageError
from skillstats.plan import ColumnReading, Plan
from skillstats.record.chains import fold
from skillstats.record.raw import RawTable
from skillstats.record.text_files import text_buffers

Array = NDArray[Any]
STEP: Final = 1 << 18
"""Rows looked at in one go."""
FULLEST: Final = 0.7
"""Share of the places of the table of ids that may be taken."""
MOST_PLACES: Final = 2**31
SIGNAL, ACTION, FILL, ALONE = (np.uint64(k) for k in (0x1000003, 0x2000003, 0x3000017, 0x8000000000000000))
NAMES: Final = {
    "signals": (("signal_id", SIGNAL),),
    "made": (("signal_id", SIGNAL),),
    "actions": (("action_id", ACTION), ("signal_id", SIGNAL), ("decision_id", ACTION)),
    "fills": (("action_id", ACTION), ("fill_id", FILL)),
}
"""Columns by which rows belong together, and the kind of their ids. A decision is named like an action, because it is by default."""


@dataclass(frozen=True, slots=True)
class Cut:
    """Rows of each part.

    order : by table, (row,) positions of its rows, part after part, in file order within a part; mapped
    begins : by table, (part + 1,) where each part begins in `order`
    """

    parts: int
    order: Mapping[str, Array]
    begins: Mapping[str, Array]

    def rows(self, table: str, part: int) -> NDArray[np.int64]:
        """Positions of the rows of one part; none for a table that is not there."""
        if table not in self.order:
            return np.zeros(0, dtype=np.int64)
        return np.array(self.order[table][self.begins[table][part] : self.begins[table][part + 1]])


def cut_rows(tables: Mapping[str, RawTable], plan: Plan, most: int, folder: Path) -> Cut:
    """Cut the tables `NAMES` knows.

    Parameters
    ----------
    tables : by name; ``made`` holds signals made from targets
    most : rows of a part, all tables together; a group that is larger is a part of its own
    folder : an empty folder for the mapped arrays

    Raises
    ------
    UsageError
        If there are more than 1.5 thousand million ids.
    """
    from skillstats.record import cut_kernels as loops

    ids = sum(len(t) * len(NAMES[name]) for name, t in tables.items())
    places = 1 << max(int(ids / FULLEST), 1).bit_length()
    if places > MOST_PLACES:
        raise UsageError(f"{ids} ids are more than one ledger can join; split the record by desk or period")
    keys, parent = _array(folder, "keys", np.uint64, places), _array(folder, "parent", np.int32, places, -1)
    roots = {name: _array(folder, f"{name}.root", np.int32, len(t)) for name, t in tables.items()}
    alone = ALONE
    for name, table in tables.items():
        for start in range(0, len(table), STEP):
            stop = min(start + STEP, len(table))
            loops.join_rows(keys, parent, numbers(table, name, plan, start, stop), alone, roots[name][start:stop])
            alone += np.uint64(stop - start)
    weight, part = _array(folder, "weight", np.int32, places), _array(folder, "part", np.int32, places, -1)
    for own in roots.values():
        loops.weigh(parent, own, weight)
    state = np.zeros(2, dtype=np.int64)
    for own in roots.values():
        loops.give_parts(own, weight, part, most, state)
    parts = int(state[0]) + 1
    order, begins = {}, {}
    for name, own in roots.items():
        counts = np.zeros(parts, dtype=np.int64)
        loops.count_parts(own, part, counts)
        begins[name] = np.r_[0, np.cumsum(counts)]
        order[name] = _array(folder, f"{name}.order", np.int64, len(own))
        loops.sort_rows(own, part, begins[name][:-1].copy(), order[name])
    del keys, parent, weight, part, roots
    for path in folder.iterdir():
        if path.suffix != ".order":
            path.unlink()
    return Cut(parts, order, begins)


def _array(folder: Path, name: str, kind: Any, size: int, value: int = 0) -> Array:
    """A new mapped array; an empty one is not mapped."""
    if not size:
        return np.zeros(0, dtype=kind)
    array = np.memmap(folder / name, dtype=kind, mode="w+", shape=(size,))
    if value:
        for start in range(0, size, STEP):
            array[start : start + STEP] = value
    return array


def numbers(table: RawTable, name: str, plan: Plan, start: int, stop: int) -> NDArray[np.uint64]:
    """(row, id) number of each id some rows name, 0 for none; an id the plan rewrites counts as written and as rewritten."""
    found = []
    for column, kind in NAMES[name]:
        cells = table.columns.get(column)
        if cells is None:
            continue
        cells = cells.slice(start, stop - start)
        found.append(id_numbers(cells, kind))
        words = plan.columns.get(f"{name}.{column}", ColumnReading()).map
        if words:
            found.append(id_numbers(pa.array([words.get(c, c) for c in cells.to_pylist()], pa.large_string()), kind))
    return np.stack(found, axis=1) if found else np.zeros((stop - start, 1), dtype=np.uint64)


def id_numbers(cells: pa.LargeStringArray, kind: np.uint64) -> NDArray[np.uint64]:
    """Number of each id of one kind: equal for ids that differ in case or in blanks at an end only; 0 where empty."""
    from skillstats.record.cut_kernels import hash_texts

    out, odd = np.zeros(len(cells), dtype=np.uint64), np.zeros(len(cells), dtype=bool)
    if hash_texts(*text_buffers(cells), kind, out, odd):
        rows = np.flatnonzero(odd)
        folded = pa.array([fold(cells[int(r)].as_py()) or " " for r in rows], pa.large_string())
        again = np.zeros(len(rows), dtype=np.uint64)
        hash_texts(*text_buffers(folded), kind, again, np.zeros(len(rows), dtype=bool))
        out[rows] = again
    return out
