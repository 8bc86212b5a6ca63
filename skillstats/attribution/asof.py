"""What was known strictly before an instant: the as-of join behind exposures and features.

A value stamped at the very instant of a decision may already contain it, so only strictly earlier rows count. Where a table has rows
of single assets and rows without an asset, the asset's own newest value stands if it has one by then, else the newest for all assets;
the choice is made for each instant, so that what an asset will have later cannot matter. Each value comes with its cut-off, the stamp
of the row it was read from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from skillstats.errors import UsageError
from skillstats.record.containers import NULL

IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Known:
    """Values known before some instants.

    value : (n,) float64 with NaN, or object with None, where nothing was known
    cutoff : (n,) int64 UTC microseconds, stamp of the row read; `NULL` where nothing was known
    """

    value: NDArray[Any]
    cutoff: IntArray


def last_before(
    owner: Sequence[Any] | NDArray[Any], time: IntArray, asked: Sequence[Any] | NDArray[Any], instant: IntArray
) -> IntArray:
    """Newest row of the same owner strictly before each instant, -1 where there is none; shape (n,).

    Parameters
    ----------
    owner, time : (row,) who each row is about, and from when on it was known (UTC microseconds); any order; of equal stamps the later row counts
    asked, instant : (n,) whose row is wanted, and before when

    Examples
    --------
    >>> last_before(["A", "B", "A"], np.array([1, 2, 5]), ["A", "A", "B", "C"], np.array([5, 6, 2, 9])).tolist()
    [0, 2, -1, -1]
    """
    both = np.array([*owner, *asked], dtype=object)
    codes = pd.factorize(both)[0].astype(np.int64)
    mine, wanted = codes[: len(time)], codes[len(time) :]
    stamps = np.unique(time)
    width = len(stamps) + 1
    order = np.lexsort((np.arange(len(time)), time, mine))
    keys = (mine * width + np.searchsorted(stamps, time))[order]
    at = np.searchsorted(keys, wanted * width + np.searchsorted(stamps, instant, side="left"), side="left") - 1
    hit = (at >= 0) & (wanted >= 0)
    if len(order):
        hit &= mine[order[np.maximum(at, 0)]] == wanted
        return np.where(hit, order[np.maximum(at, 0)], -1).astype(np.int64)
    return np.full(len(wanted), -1, dtype=np.int64)


def stamps_of(table: pa.Table, column: str = "time") -> IntArray:
    """Instants of a carried table or of the ledger's rows, int64 UTC microseconds; `NULL` where empty."""
    cells = table[column].cast(pa.int64()).combine_chunks()
    return np.asarray(cells.fill_null(NULL).to_numpy(zero_copy_only=False), dtype=np.int64)


def value_at(table: pa.Table, column: str, asset: Sequence[Any] | NDArray[Any], instant: IntArray) -> Known:
    """Newest value of a column strictly before each instant: the asset's own, else that of a row for every asset.

    Empty cells are no values: a row that fills only another column changes nothing.

    Parameters
    ----------
    table : a carried table with ``time`` and, optionally, ``asset`` (empty: every asset)
    column : name of the column; asset : (n,) names; instant : (n,) int64 UTC microseconds, the decisions

    Returns
    -------
    Known

    Raises
    ------
    UsageError
        If the table has no such column.
    """
    if column not in table.column_names:
        have = [c for c in table.column_names if c not in ("time", "asset")]
        raise UsageError(f"no column {column!r}; the table has {', '.join(have) or 'none of the user'}")
    values = table[column].to_pandas().to_numpy()
    filled = np.flatnonzero(~pd.isna(values))
    time = stamps_of(table)[filled]
    owner = np.array(table["asset"].to_pylist() if "asset" in table.column_names else [None] * table.num_rows, dtype=object)[
        filled
    ]
    general = np.array([o is None for o in owner], dtype=bool)
    row = np.full(len(instant), -1, dtype=np.int64)
    for mine, names in ((general, np.full(len(instant), "", dtype=object)), (~general, np.asarray(asset, dtype=object))):
        found = last_before(np.where(general, "", owner)[mine], time[mine], names, instant)
        row = np.where(found >= 0, np.flatnonzero(mine)[np.maximum(found, 0)], row) if mine.any() else row
    hit = row >= 0
    numeric = values.dtype.kind in "fiu"
    value = np.full(len(row), np.nan) if numeric else np.full(len(row), None, dtype=object)
    value[hit] = values[filled[row[hit]]]
    cutoff = np.full(len(row), NULL, dtype=np.int64)
    cutoff[hit] = time[row[hit]]
    return Known(value, cutoff)
