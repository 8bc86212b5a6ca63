"""One row of the ledger, recomputed from its own quantities and told in words.

A row that cannot be contested is not worth much. `explain` computes the row a second time with plain fractions, looks its prices up
again where the record is still at hand, compares every cell with the stored one, and says where each number came from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from skillstats.errors import LedgerBug, Mismatch, UsageError, show
from skillstats.ledger.containers import Ledger
from skillstats.ledger.explain_checks import wrong_cells
from skillstats.ledger.explain_facts import gather
from skillstats.ledger.explain_steps import Step, trade_steps, value_steps
from skillstats.ledger.explain_text import quarantine_text, row_text

PARTS: Final = ("size", "drift", "slippage", "cost", "value_add")


@dataclass(frozen=True, slots=True)
class Explanation:
    """How one row of the ledger came about.

    key : signal_id, or the action_id of an INITIATE; status : CLOSED, OPEN or the status of a chain set aside
    text : everything in words; printing the explanation prints it
    steps : formula, numbers, result and stored cell of each line of the computation; empty for a chain set aside
    parts : size, drift, slippage, cost and value_add, micro-units, null while the row is OPEN; empty for a chain set aside
    """

    key: str
    status: str
    text: str
    steps: tuple[Step, ...]
    parts: Mapping[str, int | None]

    def __str__(self) -> str:
        return self.text


def explain(ledger: Ledger, key: str) -> Explanation:
    """Recompute one row and say where each of its numbers came from.

    Parameters
    ----------
    ledger : built in this process, or read back with `read_ledger`; the latter has the totals of the row instead of its fills
    key : signal_id, or the action_id of an INITIATE; where both exist, the signal is meant

    Returns
    -------
    Explanation; print it

    Raises
    ------
    UsageError
        If no row and no chain set aside has this key.
    LedgerBug
        If a cell of a ledger built in this process is not what was recomputed; a defect of the package.
    Mismatch
        If a cell of a ledger that was read back is not what was recomputed; the files were changed.
    """
    row = _row_of(ledger, key)
    if row is None:
        return _set_aside(ledger, key)
    facts = gather(ledger, row)
    steps = trade_steps(row, facts, ledger.plan.fees) + (value_steps(row, facts) if row["status"] == "CLOSED" else ())
    slices = _rows_of(ledger.slices, row)
    compared, wrong = wrong_cells(ledger, row, facts, steps, slices)
    if wrong:
        kind = Mismatch if ledger.record is None else LedgerBug
        advice = "please report this record" if kind is LedgerBug else "run skillstats verify on the folder of this ledger"
        raise kind(f"{show(key)[1:-1]}: the recomputed row is not the stored one: {'; '.join(wrong)}; {advice}")
    text = row_text(ledger, row, facts, steps, slices, compared)
    return Explanation(key, row["status"], text, steps, {k: row[k] for k in PARTS})


def _row_of(ledger: Ledger, key: str) -> dict[str, Any] | None:
    """The row of a key, instants as int64 microseconds."""
    own = pc.equal(ledger.rows["signal_id"], key)
    initiated = pc.and_(pc.equal(ledger.rows["action_id"], key), pc.equal(ledger.rows["action"], "INITIATE"))
    for mask in (own, initiated):
        found = ledger.rows.filter(mask)
        if found.num_rows:
            return dict(plain_instants(found).to_pylist()[0])
    return None


def plain_instants(table: pa.Table) -> pa.Table:
    """The same table with instants as int64 UTC microseconds, those of the deviation path as well."""
    columns = []
    for field, column in zip(table.schema, table.columns, strict=True):
        kind = pa.int64() if pa.types.is_timestamp(field.type) else field.type
        if pa.types.is_list(field.type):
            kind = pa.list_(pa.struct([("time", pa.int64()), ("gap", pa.decimal128(38, 9))]))
        columns.append(column.cast(kind))
    return pa.table(columns, names=table.column_names)


def _rows_of(table: pa.Table, row: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Rows of a table that belong to a chain."""
    name = "signal_id" if row["signal_id"] is not None else "action_id"
    mask = pc.equal(table[name], row[name])
    if name == "action_id":
        mask = pc.and_(mask, pc.is_null(table["signal_id"]))
    return list(plain_instants(table.filter(mask)).to_pylist())


def _set_aside(ledger: Ledger, key: str) -> Explanation:
    entries = ledger.quarantine.filter(pc.equal(ledger.quarantine["chain"], key)).to_pylist()
    if entries and key:  # rows of no chain, prices for one, have an empty one
        return Explanation(key, entries[0]["status"], quarantine_text(key, entries), (), {})
    owner = ledger.rows.filter(pc.equal(ledger.rows["action_id"], key))
    if owner.num_rows:
        signal = owner["signal_id"][0].as_py()
        raise UsageError(f"{show(key)[1:-1]} is the action on signal {show(signal)[1:-1]}; explain that signal")
    raise UsageError(
        f"{show(key)[1:-1]} is neither a row of this ledger nor set aside; give a signal_id or the action_id of an INITIATE"
    )
