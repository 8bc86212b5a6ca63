"""From the runs of all parts to the files of the ledger: each table one sorted stream, written, digested and marked on the way.

Two columns are filled in here, because they need all parts: the volatility of a row (all chains decide when an asset joins its class) and
the level at which a trader chooses.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from skillstats.ledger.canonical import csv_parts
from skillstats.ledger.carried import CARRIED
from skillstats.ledger.table_files import Written, write_table
from skillstats.ledger.tables import int_column, text_column
from skillstats.ledger.write import files_of
from skillstats.market.marks import Market
from skillstats.market.volatility import Known
from skillstats.record.runs import KEY, merge_runs, open_rows

Blocks = Iterator[pa.Table]
SUMS: Final = ("pnl", "cost", "n_rows")


@dataclass(frozen=True, slots=True)
class Filling:
    """What rows of the whole ledger need beside their part's: volatilities and choice levels."""

    market: Market
    volatility: Known
    levels: Mapping[str, str]


def write_tables(
    runs: Sequence[Path], build: Path, marks: IO[bytes], filling: Filling, small: Mapping[str, pa.Table]
) -> dict[str, Written]:
    """Write every table of the ledger in the order of its marks.

    Parameters
    ----------
    runs : folders of the parts, and of what belongs to no part
    small : tables that are in memory: kpis, decay_kpis where the plan names further horizons, those a ledger carries
    """
    written = {}
    decay = "decay_kpis" in small
    for name in (
        "ledger",
        "decisions",
        "slices",
        "books",
        "kpis",
        "quarantine",
        "drops",
        *(("decay", "decay_kpis") if decay else ()),
        *(n for n in CARRIED if n in small),
    ):
        blocks = iter([small[name]]) if name in small else _stream(name, runs, filling)
        written[name] = write_table(blocks, *files_of(name, build), marks, digested=name not in LISTS)
    for name in LISTS:
        digest = _list_digest([p for r in runs if (p := r / f"{name}.digest").exists()])
        written[name] = Written(written[name].rows, digest)
    return written


LISTS: Final = ("quarantine", "drops")
"""Tables that are digested without the places of their rows, in another order than they are written in."""


def _stream(name: str, runs: Sequence[Path], filling: Filling) -> Blocks:
    return _changed(merge_runs([p for r in runs if (p := r / f"{name}.rows").exists()]), name, filling)


def _changed(blocks: Blocks, name: str, filling: Filling) -> Blocks:
    change = _CHANGES.get(name)
    for block in blocks:
        changed = change(block, filling) if change is not None else block
        yield changed.drop_columns([KEY])


def _with_volatility(block: pa.Table, filling: Filling) -> pa.Table:
    """The rows with the volatility of each one's asset as known at its decision."""
    code = filling.market.store.code_of()
    names = block["asset"].combine_chunks().dictionary_encode()
    names = names.combine_chunks() if isinstance(names, pa.ChunkedArray) else names
    position = np.array([code.get(n, -1) for n in names.dictionary.to_pylist()] or [-1], dtype=np.int64)
    decided = pc.coalesce(block["action_time"], block["signal_time"]).cast(pa.int64()).to_numpy()
    values = filling.volatility.at(position[names.indices.to_numpy()], decided) if block.num_rows else np.zeros(0, dtype=np.int64)
    return _replaced(block, "volatility", int_column(values))


def _with_levels(block: pa.Table, filling: Filling) -> pa.Table:
    """The decisions with the level at which each one's trader chooses."""
    levels = [filling.levels.get(t) for t in block["trader"].to_pylist()]
    return _replaced(block, "choice_level", text_column(levels))


def _replaced(block: pa.Table, name: str, column: pa.Array) -> pa.Table:
    at = block.column_names.index(name)
    return block.set_column(at, block.schema.field(at), column)


def _added_lines(block: pa.Table, _: Filling) -> pa.Table:
    """Lines of the books with those of one key added; all lines of a key are in one block."""
    if not block.num_rows:
        return block
    keys = pc.rank(block[KEY], tiebreaker="dense").to_numpy()
    begins = np.flatnonzero(np.r_[True, keys[1:] != keys[:-1]])
    whole = block.take(pa.array(begins))
    for name in SUMS:
        whole = _replaced(whole, name, int_column(np.add.reduceat(block[name].to_numpy(), begins)))
    return whole


_CHANGES: Final[Mapping[str, Callable[[pa.Table, Filling], pa.Table]]] = {
    "ledger": _with_volatility,
    "decisions": _with_levels,
    "books": _added_lines,
}


def _list_digest(paths: Sequence[Path]) -> str:
    digest, header = hashlib.sha256(), b""
    for block in merge_runs(paths):
        first, *lines = csv_parts(block.drop_columns([KEY]), guarded=False)
        if not header:
            digest.update(first)
        header = first
        for part in lines:
            digest.update(part)
    return digest.hexdigest()


def part_rows(folder: Path, name: str, filling: Filling) -> pa.Table:
    """Rows of one table of one part as they are written; a table that the folder does not have is empty."""
    path = folder / f"{name}.rows"
    if not path.exists():
        return pa.table({k: pa.array([], pa.string()) for k in ("signal_id", "action_id", "decision_id", "chain", "action")})
    return next(_changed(iter([open_rows(path)]), name, filling))
