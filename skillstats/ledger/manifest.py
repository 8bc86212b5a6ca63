"""The manifest of a ledger: what is digested (`result`) and what is only told (`provenance`)."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any, Final

import msgspec
import pyarrow as pa

from skillstats.ledger.algebra import CONVENTION
from skillstats.ledger.canonical import content_digest
from skillstats.market.marks import Market
from skillstats.plan import Plan
from skillstats.record.containers import Record
from skillstats.units import Scale, package_version

LEDGER_SCHEMA: Final = 2
"""Raised when columns or tables change; 2 has currencies, impact, further horizons and marks of rows."""


def result_digest(result: Mapping[str, Any]) -> str:
    """sha256 of the digested part in canonical JSON."""
    return hashlib.sha256(msgspec.json.encode(result, order="deterministic")).hexdigest()


def result_part(
    plan: Plan,
    market: Market,
    *,
    scales: Mapping[str, Scale],
    inputs: Mapping[str, str],
    used: Sequence[int],
    counts: Mapping[str, int],
    totals: Mapping[str, int],
    outputs: Mapping[str, str],
) -> dict[str, Any]:
    """What is digested: no wall-clock, host, path, thread count or locale enters it.

    Parameters
    ----------
    inputs, outputs : digest of each table read and of each table written, see `output_digests`
    used : first and last instants of the accepted signals and actions
    """
    span = (min(used), max(market.as_of, *used))
    return {
        "schema": LEDGER_SCHEMA,
        "code_version": package_version(),
        "convention": CONVENTION,
        "plan_digest": plan.digest,
        "plan": msgspec.to_builtins(plan),
        "inputs": dict(inputs),
        "scales": {
            name: {"tick": str(s.tick), "lot": str(s.lot), "multiplier": str(s.multiplier)} for name, s in sorted(scales.items())
        },
        "calendars": {name: c.digest(*span) for name, c in sorted(market.calendars.items())},
        "as_of": market.as_of,
        "counts": dict(counts),
        "totals": dict(totals),
        "outputs": dict(sorted(outputs.items())),
    }


def used_instants(record: Record) -> list[int]:
    """First and last instants of the accepted signals and actions of a record."""
    return [int(record.tables[t]["time"][k]) for t in ("signals", "actions") for k in (0, -1) if len(record.tables[t])]


def output_digests(tables: Mapping[str, pa.Table]) -> dict[str, str]:
    """Content digest of each table, that of lists of rows without their places in files."""
    return {name: content_digest(_placeless(table)) for name, table in tables.items()}


def placeless_columns(names: Sequence[str]) -> list[str]:
    """Columns of a list of rows that do not say where a row stands; the same rows in another order or file format are the same input."""
    return [name for name in ("table", "code", "status", "chain") if name in names]


def _placeless(table: pa.Table) -> pa.Table:
    if not {"file", "line", "root"} <= set(table.column_names):
        return table
    kept = placeless_columns(table.column_names)
    return table.select(kept).sort_by([(name, "ascending") for name in kept])


def provenance_part(record: Record, reasons: Mapping[str, int]) -> dict[str, Any]:
    """What is told but not digested.

    reasons : departures from the model, and those of them without a reason
    """
    names = ("numpy", "pandas", "pyarrow", "exchange-calendars")
    return {
        "files": dict(record.files),
        "reasons": dict(reasons),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "libraries": {name: version(name) for name in names},
    }
