"""The accepted prices of a record: one run of rows an asset, in memory or mapped from files.

Assets are sorted by their UTF-8 bytes and each asset's rows by time; `offsets` says where a run begins. A price cell holds
``value * 10**places - base`` of its asset, a volume cell ``value * 10**volume_places`` and a size the whole number itself, so the rows
depend on nothing but the price table itself: not on the plan's ticks and not on other tables. Cells are int32 where every one fits,
else int64.

A row that was refused keeps its instant as a **tombstone**: a look-up that would have used it finds it, and must not use an older
price in its place.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from skillstats.errors import Problem
from skillstats.record.containers import NULL
from skillstats.record.parse import Decimals, Parsed

IntArray = NDArray[Any]
PRICE_COLUMNS: Final = ("bid", "ask", "close", "open")
SIZES: Final = ("bid_size", "ask_size")
"""Quoted sizes; they came after the first version, and where no row has them the digest is what it was without them."""
CELLS: Final = (*PRICE_COLUMNS, "volume", *SIZES)
UNITS: Final = ("price", "volume", "size")
LAYOUT: Final = 2
BLOCK: Final = 1 << 20


def unit_of(column: str) -> str:
    """Which of `UNITS` the cells of a column are in."""
    return "price" if column in PRICE_COLUMNS else "size" if column in SIZES else "volume"


def null_of(dtype: Any) -> int:
    """Sentinel of an empty cell: the smallest number of the type."""
    return int(np.iinfo(dtype).min)


def refused_of(dtype: Any) -> int:
    """Sentinel in `close` of a tombstone."""
    return int(np.iinfo(dtype).min) + 1


@dataclass(frozen=True, slots=True)
class PriceRows:
    """Prices of all assets.

    assets : names sorted by UTF-8 bytes; offsets : (asset + 1,) int64
    time : (row,) int64 UTC microseconds, ascending within an asset
    bid, ask, close, open, volume, bid_size, ask_size : (row,) int32 or int64, or empty where no row of the table has the column
    base : (asset,) int64, added to every price cell; places, volume_places : (asset,) int64 decimals
    peak : (asset,) int64, largest magnitude of a price in units of ``10**-places``
    first_quote, last_time : (asset,) int64
    refused : position of each tombstone, ascending, with the problem that refused it in `reasons`
    file, line : where the rows come from, (row,) line of each
    digest : sha256 of the content, whatever file, row order or scale it came in
    """

    assets: tuple[str, ...]
    offsets: IntArray
    time: IntArray
    bid: IntArray
    ask: IntArray
    close: IntArray
    open: IntArray
    volume: IntArray
    bid_size: IntArray
    ask_size: IntArray
    base: IntArray
    places: IntArray
    volume_places: IntArray
    peak: IntArray
    first_quote: IntArray
    last_time: IntArray
    refused: IntArray
    reasons: tuple[Problem, ...]
    file: str
    line: IntArray
    digest: str

    def __len__(self) -> int:
        return len(self.time)

    @property
    def accepted(self) -> int:
        """Rows that are no tombstones."""
        return len(self.time) - len(self.refused)

    def has(self, column: str) -> bool:
        """Whether any row has a value in a column, which may be there and empty."""
        values: IntArray = getattr(self, column)
        return any((values[s : s + BLOCK] > refused_of(values.dtype)).any() for s in range(0, len(values), BLOCK))

    def spans(self) -> tuple[int, int] | None:
        """First and last instant of an accepted row; None where there is none."""
        if not self.accepted:
            return None
        good = np.ones(len(self.time), dtype=bool) if len(self.refused) else None
        if good is not None:
            good[self.refused] = False
            return int(self.time[good].min()), int(self.time[good].max())
        return int(self.time[self.offsets[:-1]].min()), int(self.last_time.max())


NEVER: Final = 2**63 - 1


def price_rows(table: Parsed, keep: NDArray[np.bool_], findings: Sequence[tuple[int, Problem]]) -> PriceRows:
    """Rows of a price table that is in memory.

    Parameters
    ----------
    keep : (row,) accepted rows
    findings : (row, problem) of the refused rows
    """
    stones: dict[int, Problem] = {}
    for row, problem in findings:
        if not keep[row] and _placed(table, row):
            stones[row] = min(stones.get(row, problem), problem, key=lambda p: (p.code, p.message))
    rows = np.r_[np.flatnonzero(keep), np.array(sorted(stones), dtype=np.int64)].astype(np.int64)
    is_stone = np.r_[np.zeros(int(keep.sum()), dtype=bool), np.ones(len(stones), dtype=bool)]
    names = table.text("asset")[rows]
    assets = sorted(set(names.tolist()), key=str.encode)
    code = {name: i for i, name in enumerate(assets)}
    owner = np.array([code[n] for n in names], dtype=np.int64)
    time = table.ints("time")[rows]
    order = np.lexsort((is_stone, time, owner))
    order = order[~_hidden_stones(owner[order], time[order], is_stone[order])]
    rows, owner, time, is_stone = rows[order], owner[order], time[order], is_stone[order]
    cells = {name: table.decimals(name).take(rows) for name in CELLS}
    scales = {
        "price": _finest([cells[n] for n in PRICE_COLUMNS], owner, len(assets), is_stone),
        "volume": _finest([cells["volume"]], owner, len(assets), is_stone),
        "size": np.zeros(len(assets), dtype=np.int64),
    }
    native = {n: _native(cells[n], scales[unit_of(n)][owner], is_stone) for n in CELLS}
    native = {n: v if (v != NULL).any() or n == "close" else v[:0] for n, v in native.items()}
    if is_stone.any():
        native["close"][is_stone] = refused_of(np.int64)
    if not is_stone.any() and not (native["close"] != NULL).any():
        native["close"] = native["close"][:0]
    offsets = np.searchsorted(owner, np.arange(len(assets) + 1)).astype(np.int64)
    reasons = tuple(stones[int(r)] for r in rows[is_stone])
    return finish(
        tuple(assets),
        offsets,
        time,
        native,
        (scales["price"], scales["volume"]),
        (np.flatnonzero(is_stone).astype(np.int64), reasons),
        (table.raw.file, table.raw.line[rows]),
    )


def _placed(table: Parsed, row: int) -> bool:
    return table.text("asset")[row] is not None and int(table.ints("time")[row]) != NULL


def _hidden_stones(owner: IntArray, time: IntArray, stone: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Tombstones at an instant that has another row: one is enough, and an accepted row is as good as any."""
    again = np.r_[False, (owner[1:] == owner[:-1]) & (time[1:] == time[:-1])] if len(owner) else np.zeros(0, dtype=bool)
    return np.asarray(again & stone, dtype=bool)


def _finest(columns: Sequence[Decimals], owner: IntArray, assets: int, stone: NDArray[np.bool_]) -> IntArray:
    most = np.zeros(assets, dtype=np.int64)
    for column in columns:
        given = column.given & ~stone
        np.maximum.at(most, owner[given], column.places[given])
    return most


def _native(column: Decimals, places: IntArray, stone: NDArray[np.bool_]) -> IntArray:
    given = column.given & ~stone
    lift = np.where(given, places - column.places, 0).astype(np.int64)
    return np.where(given, np.where(given, column.mantissa, 0) * 10**lift, NULL).astype(np.int64)


def finish(
    assets: tuple[str, ...],
    offsets: IntArray,
    time: IntArray,
    cells: dict[str, IntArray],
    decimals: tuple[IntArray, IntArray],
    stones: tuple[IntArray, tuple[Problem, ...]],
    place: tuple[str, IntArray],
) -> PriceRows:
    """The container of int64 cells in memory, with what look-ups need to know of each asset.

    decimals : of prices and of volumes; stones : positions of tombstones and their problems; place : file and lines
    """
    (places, volume_places), (refused, reasons) = decimals, stones
    first = np.full(len(assets), NEVER, dtype=np.int64)
    peak = np.zeros(len(assets), dtype=np.int64)
    last = np.full(len(assets), NULL, dtype=np.int64)
    for a in range(len(assets)):
        run = slice(int(offsets[a]), int(offsets[a + 1]))
        last[a] = time[run][-1]
        if len(cells["bid"]) and len(cells["ask"]):
            quoted = np.flatnonzero((cells["bid"][run] != NULL) & (cells["ask"][run] != NULL))
            first[a] = time[run][quoted[0]] if len(quoted) else NEVER
        for name in PRICE_COLUMNS:
            values = cells[name][run] if len(cells[name]) else cells[name]
            values = values[values > refused_of(np.int64)]
            peak[a] = max(int(peak[a]), int(np.abs(values).max())) if len(values) else peak[a]
    digest = content_digest(assets, offsets, time, cells, np.zeros(len(assets), dtype=np.int64), places, volume_places, refused)
    base = np.zeros(len(assets), dtype=np.int64)
    known = {
        "base": base,
        "places": places,
        "volume_places": volume_places,
        "peak": peak,
        "first_quote": first,
        "last_time": last,
    }
    return PriceRows(
        assets=assets,
        offsets=offsets,
        time=time,
        **cells,
        **known,
        refused=refused,
        reasons=reasons,
        file=place[0],
        line=place[1],
        digest=digest,
    )


def content_digest(
    assets: Sequence[str],
    offsets: IntArray,
    time: IntArray,
    cells: dict[str, IntArray],
    base: IntArray,
    places: IntArray,
    volume_places: IntArray,
    refused: IntArray,
) -> str:
    """sha256 of the accepted rows: each asset's name, decimals and count, then its columns as little-endian int64, block by block.

    Tombstones are left out, so that a bad row does not change the digest of the good ones.
    """
    total = hashlib.sha256(b"prices 1\n")
    for a, name in enumerate(assets):
        lo, hi = int(offsets[a]), int(offsets[a + 1])
        stones = refused[(refused >= lo) & (refused < hi)]
        if len(stones) == hi - lo:
            continue
        total.update(f"{name}\t{int(places[a])}\t{int(volume_places[a])}\t{hi - lo - len(stones)}\n".encode())
        for column in ("time", *CELLS):
            values = time if column == "time" else cells[column]
            own = _column_digest(values, lo, hi, stones, int(base[a]) if column in PRICE_COLUMNS else 0)
            total.update(f"{column}\n".encode() if own and column in SIZES else b"")
            total.update(own)
    return total.hexdigest()


def _column_digest(values: IntArray, lo: int, hi: int, stones: IntArray, base: int) -> bytes:
    """sha256 of one column of one asset; a column that is not there counts as one without a value, and as nothing."""
    found = hashlib.sha256()
    any_value = False
    for start in range(lo, hi, BLOCK) if len(values) else ():
        stop = min(start + BLOCK, hi)
        block = values[start:stop]
        inside = stones[(stones >= start) & (stones < stop)] - start
        if len(inside):
            block = np.delete(block, inside)
        empty = block == null_of(block.dtype)
        whole = np.where(empty, NULL, block.astype(np.int64) + base)
        any_value = any_value or not bool(empty.all())
        found.update(whole.astype("<i8").tobytes())
    return found.digest() if any_value else b""
