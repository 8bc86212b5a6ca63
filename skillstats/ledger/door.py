"""`build_ledger_folder`: from a record on disk to a ledger on disk, in memory or part by part, whichever the record asks for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final, Literal

import pyarrow as pa
import pyarrow.parquet as pq

from skillstats.errors import UsageError
from skillstats.ledger.build import CHUNK, build_ledger
from skillstats.ledger.explain import explain
from skillstats.ledger.folder import Hear, LedgerFolder, Reading
from skillstats.ledger.kpis import value_add_by_class
from skillstats.ledger.parts import build_in_parts
from skillstats.ledger.write import check_target
from skillstats.plan import Plan
from skillstats.record.chains import CHAIN_TABLES
from skillstats.record.parts import PART
from skillstats.record.read import read_record

LARGE_BYTES: Final = 100_000_000
"""Bytes of signals, actions and fills as CSV from which on a ledger is built in parts: some 400,000 decisions, 1.5 GB in memory."""
LARGE_ROWS: Final = 1_000_000
"""Rows of the three together as Parquet from which on it is."""
Decisions = Literal["auto", "memory", "parts"]


def build_ledger_folder(
    source: str | Path | Mapping[str, object],
    out: str | Path,
    plan: Plan | None = None,
    *,
    decisions: Decisions = "auto",
    part: int = PART,
    chunk: int = CHUNK,
    threads: int = 1,
    now: datetime | str | int | None = None,
    store: str | Path | None = None,
    prices: Literal["auto", "memory", "mapped"] = "auto",
    keys: Sequence[str] = (),
    hear: Hear | None = None,
) -> LedgerFolder:
    """Read a record and write its ledger to a folder; in parts, memory hardly grows with the number of decisions.

    The files are those of ``build_ledger(read_record(source, plan), plan).write(out)``, byte by byte.

    Parameters
    ----------
    source : as in `read_record`; in parts a folder with ``<table>.csv`` or ``<table>.parquet`` files
    out : folder for the ledger, written whole or not at all; parts lie in a hidden folder beside it meanwhile
    plan : default ``plan.toml`` of the source, else every default
    decisions : whether signals, actions and fills are held in memory or go part by part; ``auto`` cuts large files
    part : signals of a part, about; never changes a byte. What must be judged together, as the orders of one decision, is never cut,
        however large it is
    chunk, threads : as in `build_ledger`; now, store, prices : as in `read_record`
    keys : rows to be explained, by signal_id or by the action_id of an INITIATE order
    hear : called with each problem in the order of the manifest

    Returns
    -------
    LedgerFolder

    Raises
    ------
    InputRejected, LedgerBug
        As `read_record` and `build_ledger`; nothing is written then.
    UsageError
        As these; also if tables in memory are to be read in parts, or `out` cannot be written.
    """
    if part < 1 or chunk < 1 or threads < 1:
        raise UsageError(f"part={part}, chunk={chunk}, threads={threads}: each must be at least 1")
    if decisions not in ("auto", "memory", "parts"):
        raise UsageError(f"decisions={decisions!r}: give auto, memory or parts")
    reading = Reading(now, store, prices)
    if decisions == "parts" or (decisions == "auto" and has_large_decisions(source)):
        if isinstance(source, Mapping):
            raise UsageError("tables in memory cannot be read in parts; write them to a folder, or choose decisions='memory'")
        return build_in_parts(source, Path(out), plan, reading, part=part, chunk=chunk, threads=threads, keys=keys, hear=hear)
    return _in_memory(source, Path(out), plan, reading, chunk, threads, keys, hear)


def has_large_decisions(source: object) -> bool:
    """Whether signals, actions and fills of a folder are built in parts by themselves; a file that cannot be judged counts nothing."""
    if isinstance(source, Mapping):
        return False
    folder, size, rows = Path(str(source)), 0, 0
    for name in CHAIN_TABLES:
        text, parquet = folder / f"{name}.csv", folder / f"{name}.parquet"
        size += text.stat().st_size if text.is_file() else 0
        try:
            rows += pq.read_metadata(parquet).num_rows if parquet.is_file() else 0
        except (pa.ArrowException, OSError, ValueError):
            continue
    return size >= LARGE_BYTES or rows >= LARGE_ROWS


def _in_memory(
    source: str | Path | Mapping[str, object],
    out: Path,
    plan: Plan | None,
    reading: Reading,
    chunk: int,
    threads: int,
    keys: Sequence[str],
    hear: Hear | None,
) -> LedgerFolder:
    check_target(out, "ledger")
    record = read_record(source, plan, now=reading.now, store=reading.store, prices=reading.prices)
    ledger = build_ledger(record, plan, chunk=chunk, threads=threads)
    told = tuple(explain(ledger, key) for key in keys)  # before writing: an id nobody knows writes nothing
    ledger.write(out)
    if hear is not None:
        for problem in ledger.problems:
            hear(problem)
    return LedgerFolder(
        out,
        ledger.plan,
        ledger.result,
        ledger.digest,
        ledger.kpis,
        ledger.decay_kpis,
        ledger.decisions.num_rows,
        value_add_by_class(ledger.rows["action"].to_pylist(), ledger.rows["value_add"].to_pylist()),
        Counter(p.code for p in ledger.problems),
        told,
    )
