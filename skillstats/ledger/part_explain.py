"""Explanations of rows of a ledger that is built in parts: the part that has the row stands in for the whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from skillstats.ledger.containers import Ledger
from skillstats.ledger.explain import Explanation, explain
from skillstats.ledger.part_join import Filling, part_rows
from skillstats.record.parts import PartedRecord, part_record
from skillstats.record.runs import open_rows


def explain_parts(
    record: PartedRecord, runs: Sequence[Path], filling: Filling, result: Mapping[str, Any], kpis: pa.Table, keys: Sequence[str]
) -> tuple[Explanation, ...]:
    """Explain some rows, each from its own part.

    Raises
    ------
    UsageError
        If a key is neither a row nor set aside.
    """
    return tuple(explain(_ledger_with(record, runs, filling, result, kpis, key), key) for key in keys)


def _ledger_with(
    record: PartedRecord, runs: Sequence[Path], filling: Filling, result: Mapping[str, Any], kpis: pa.Table, key: str
) -> Ledger:
    """The rows of one part as a ledger: of the part that has the key as a signal, else as an order, else in its quarantine."""
    searches = (("ledger", "signal_id"), ("ledger", "action_id"), ("quarantine", "chain"))
    found = (k for name, column in searches for k, r in enumerate(runs) if _has(r / f"{name}.rows", column, key))
    at = next(found, 0)
    tables = {
        name: part_rows(runs[at], name, filling) for name in ("ledger", "decisions", "slices", "books", "quarantine", "drops")
    }
    own = part_record(record, at) if at < len(record.parts) else record.common
    rows = tables.pop("ledger")
    return Ledger(record.common.plan, rows, kpis=kpis, problems=(), result=result, provenance={}, record=own, **tables)


def _has(path: Path, column: str, key: str) -> bool:
    return path.exists() and bool(pc.any(pc.equal(open_rows(path)[column], key)).as_py())
