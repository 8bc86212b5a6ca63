"""Evidence in a folder: ``evidence.parquet`` (a row each, names in place of codes) and ``evidence.json`` (everything else), to be fitted again by others."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from skillstats.errors import Mismatch, UsageError
from skillstats.evidence.containers import LABELS, NUMBERS, Evidence
from skillstats.plan import Plan

ROWS: Final = "evidence.parquet"
REST: Final = "evidence.json"
PLAIN: Final = ("source", "unit", "has_risk", "scale", "sessions_per_year", "sessions_spanned")


def write_evidence(evidence: Evidence, plan: Plan, folder: str | Path) -> None:
    """Write evidence and the plan it is judged under into an existing folder."""
    folder = Path(folder)
    columns: dict[str, Any] = {k: getattr(evidence, k) for k in ("value_add", "risk", "y")}
    columns |= {k: v for k in NUMBERS if (v := getattr(evidence, k)) is not None}
    columns |= {"decision": evidence.decision}
    for name in (*LABELS, *evidence.labels):
        levels = np.asarray(evidence.coords[name], dtype=object)
        columns[name] = pa.array(levels[evidence.code(name)], pa.string())
    pq.write_table(pa.table(columns), folder / ROWS, compression="zstd")
    rest = {
        "kind": "evidence",
        "schema": 1,
        "digest": evidence.digest,
        "coords": {k: list(v) for k, v in evidence.coords.items()},
        "labels": list(evidence.labels),
        **{k: getattr(evidence, k) for k in PLAIN},
        "counts": dict(evidence.counts),
        "context": dict(evidence.context),
        "plan": msgspec.to_builtins(plan),
    }
    (folder / REST).write_bytes(msgspec.json.format(msgspec.json.encode(rest), indent=1))


def read_evidence(folder: str | Path) -> tuple[Evidence, Plan]:
    """Read evidence and its plan; the same numbers in the same order as when they were written.

    Raises
    ------
    UsageError
        If the folder holds no evidence.
    Mismatch
        If the rows are not those that were written.
    """
    folder = Path(folder)
    try:
        rest = msgspec.json.decode((folder / REST).read_bytes())
        table, plan = pq.read_table(folder / ROWS), msgspec.convert(rest["plan"], Plan)
        evidence = _evidence(table, rest)
    except (OSError, msgspec.DecodeError, msgspec.ValidationError, KeyError, TypeError, pa.ArrowException) as error:
        raise UsageError(f"{folder} holds no evidence ({error}); name a folder with {ROWS} and {REST}") from None
    if evidence.digest != rest["digest"]:
        raise Mismatch(f"{folder / ROWS}: its rows are not those that were written; the digest in {REST} differs")
    return evidence, plan


def _evidence(table: pa.Table, rest: Mapping[str, Any]) -> Evidence:
    coords = {k: tuple(v) for k, v in rest["coords"].items()}
    codes = {k: _codes(table[k], coords[k]) for k in (*LABELS, *rest["labels"])}
    numbers = {k: table[k].to_numpy() for k in NUMBERS if k in table.column_names}
    own = {k: codes[k] for k in LABELS}
    return Evidence(
        **{k: table[k].to_numpy() for k in ("value_add", "risk", "y", "decision")},
        **own,
        coords=coords,
        **{k: rest[k] for k in PLAIN},
        counts=rest["counts"],
        context=rest["context"],
        labels={k: codes[k] for k in rest["labels"]},
        **numbers,
    )


def _codes(column: pa.ChunkedArray, levels: tuple[str, ...]) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Places of names among the levels."""
    place = {name: k for k, name in enumerate(levels)}
    return np.array([place[name] for name in column.to_pylist()], dtype=np.int64)
