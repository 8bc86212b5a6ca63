"""From a price file of any size to mapped rows: batch by batch, with the checks every price row gets.

First the batches are parsed and checked and what stays is spooled column by column; then every row is written to its place, asset by
asset; then each asset's rows are put in time order and repeated instants are judged: exact copies leave as documented drops, rows that
contradict each other are refused. Memory grows with the number of assets and of bad rows, not with the number of rows (an asset whose
rows do not come in time order is sorted on its own).
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from skillstats.errors import RULES, InputRejected, Problem
from skillstats.plan import Plan
from skillstats.record import price_kernels as loops
from skillstats.record.containers import NULL
from skillstats.record.csv_text import NoRows
from skillstats.record.price_batches import BLOCK, ROWS, Seen
from skillstats.record.price_files import Saved, column_digest, save
from skillstats.record.price_repeats import without_repeats
from skillstats.record.price_rows import CELLS, NEVER, PRICE_COLUMNS, UNITS, content_digest, null_of, refused_of, unit_of
from skillstats.record.price_spool import LISTED, Found, batches, take
from skillstats.record.raw import file_problem

Array = NDArray[Any]
TEN: Final = np.array([10**k for k in range(19)], dtype=np.int64)
LARGEST: Final = 2.0**61
NARROW: Final = 2**30


def build_price_files(path: Path, plan: Plan, digest: str, seen: Seen | None, folder: Path) -> None:
    """Write the store folder of one price file.

    Parameters
    ----------
    digest : sha256 of the file; seen : what a look through a CSV file found, None for Parquet
    folder : an empty folder

    Raises
    ------
    NotATable
        If the file is no table.
    InputRejected
        F110 where prices leave 61 bits of their finest decimal place.
    """
    with tempfile.TemporaryDirectory(dir=folder.parent) as spool:
        found = Found(Path(spool))
        for raw in batches(path, plan, seen, found.blank):
            take(raw, plan, found)
        if not found.rows:
            raise NoRows("F101", "no rows")
        _arrange(path, plan, seen, found, folder, digest)


@dataclass(frozen=True, slots=True)
class _Plan:
    """Where rows go and on which scale."""

    assets: tuple[str, ...]
    rank: Array
    offsets: Array
    finest: dict[str, Array]
    base: Array
    peak: Array
    kind: dict[str, Any]


def _arrange(path: Path, plan: Plan, seen: Seen | None, found: Found, folder: Path, digest: str) -> None:
    layout = _layout(found)
    n = int(layout.offsets[-1])
    out = {"time": _new(folder, "time", np.int64, n), "line": _new(folder, "line", np.int64, n)}
    needs_close = bool(found.stones) and "close" not in found.columns
    for name in (*found.columns, *(("close",) if needs_close else ())):
        out[name] = _new(folder, name, layout.kind[name], n)
    if needs_close:
        out["close"][:] = null_of(layout.kind["close"])
    _scatter(found, layout, out)
    offsets = _in_order(out, layout.offsets)
    if loops.disorder(out["time"], offsets)[1].any():
        if "close" not in out:  # a tombstone stands in close
            out["close"] = _new(folder, "close", layout.kind["close"], n)
            out["close"][:] = null_of(layout.kind["close"])
        offsets = without_repeats(path, plan, seen, found, out, offsets)
    rows = int(offsets[-1])
    stones = _stones(found, out, offsets)
    for name, values in out.items():
        values.flush()  # type: ignore[attr-defined]
        dtype = values.dtype
        del values
        with (folder / f"{name}.bin").open("r+b") as handle:
            handle.truncate(rows * dtype.itemsize)
    _finish(path, found, layout, out, offsets, stones, folder, digest)


def _layout(found: Found) -> _Plan:
    assets = tuple(sorted(found.assets, key=str.encode))
    rank = np.zeros(max(len(assets), 1), dtype=np.int64)
    rank[[found.assets[a] for a in assets]] = np.arange(len(assets))
    counts = np.zeros(len(assets), dtype=np.int64)
    owner = found.spool("asset", "int32")
    for block in _blocks(found.kept):
        counts += np.bincount(rank[owner[block]], minlength=len(assets))
    finest = {k: np.zeros(len(assets), dtype=np.int64) for k in found.finest}
    for what, values in found.finest.items():
        finest[what][rank[: len(values)]] = values
    ends = {unit: tuple(np.full(len(assets), end, dtype=np.int64) for end in (2**62, -(2**62))) for unit in UNITS}
    for name in found.columns:
        _extent(found, name, rank, finest[unit_of(name)], *ends[unit_of(name)])
    (low, high), *others = (tuple(np.where(a > b, 0, v) for v in (a, b)) for a, b in ends.values())
    fits = bool((high - low < NARROW).all())
    base = (low + high) // 2 if fits else np.zeros_like(low)
    narrow = {"price": fits} | {u: bool((most < NARROW).all()) for u, (_, most) in zip(UNITS[1:], others, strict=True)}
    width: dict[str, Any] = {name: np.int32 if narrow[unit_of(name)] else np.int64 for name in CELLS}
    peak = np.maximum(np.abs(low), np.abs(high))
    return _Plan(assets, rank, np.r_[0, np.cumsum(counts)].astype(np.int64), finest, base, peak, width)


def _blocks(rows: int) -> Iterator[slice]:
    return (slice(start, min(start + ROWS, rows)) for start in range(0, rows, ROWS))


def _extent(found: Found, name: str, rank: Array, finest: Array, low: Array, high: Array) -> None:
    owner, mantissa, places = found.spool("asset", "int32"), found.spool(name, "int64"), found.spool(f"{name}.places", "int8")
    for block in _blocks(found.kept):
        own, cells = rank[owner[block]], np.asarray(mantissa[block])
        size = np.where(cells == NULL, 0.0, np.abs(cells.astype(np.float64))) * 10.0 ** (finest[own] - places[block])
        if size.max(initial=0.0) >= LARGEST:
            line = int(found.spool("line", "int64")[block][int(size.argmax())])
            text = f"{name} over 2^61 units of the asset's finest decimal place; {RULES['F110'].text}"
            raise InputRejected([file_problem("F110", "prices", "prices", text, line)])
        loops.extend(own, cells, np.asarray(places[block]), finest, TEN, low, high)


def _new(folder: Path, name: str, kind: Any, rows: int) -> Array:
    path = folder / f"{name}.bin"
    path.touch()
    return np.memmap(path, dtype=kind, mode="w+", shape=(rows,)) if rows else np.zeros(0, dtype=kind)


def _scatter(found: Found, layout: _Plan, out: dict[str, Array]) -> None:
    following = layout.offsets[:-1].copy()
    nothing = np.zeros_like(layout.base)
    for block in _blocks(found.kept):
        owner = layout.rank[found.spool("asset", "int32")[block]]
        place = loops.places_of(owner, following)
        for name in ("time", "line"):
            loops.put(place, np.asarray(found.spool(name, "int64")[block]), out[name])
        for name in found.columns:
            mantissa, places = found.spool(name, "int64")[block], found.spool(f"{name}.places", "int8")[block]
            finest = layout.finest[unit_of(name)]
            base = layout.base if name in PRICE_COLUMNS else nothing
            loops.scatter(
                place, owner, np.asarray(mantissa), np.asarray(places), finest, TEN, base, null_of(layout.kind[name]), out[name]
            )
        stone = np.asarray(found.spool("stone", "bool")[block])
        if stone.any():
            out["close"][place[stone]] = refused_of(layout.kind["close"])


def _in_order(out: dict[str, Array], offsets: Array) -> Array:
    """Sort the rows of every asset that does not come in time order; rows of one instant stay in file order."""
    backwards, _ = loops.disorder(out["time"], offsets)
    for a in np.flatnonzero(backwards).tolist():
        run = slice(int(offsets[a]), int(offsets[a + 1]))
        order = np.lexsort((out["line"][run], out["time"][run]))
        for values in out.values():
            values[run] = values[run][order]
    return offsets


def _stones(found: Found, out: dict[str, Array], offsets: Array) -> Array:
    """Positions of the tombstones."""
    if not found.stones or "close" not in out:
        return np.zeros(0, dtype=np.int64)
    rows, marked = int(offsets[-1]), refused_of(out["close"].dtype)
    parts = [np.flatnonzero(out["close"][s : min(s + BLOCK, rows)] == marked) + s for s in range(0, rows, BLOCK)]
    return np.concatenate(parts).astype(np.int64) if parts else np.zeros(0, dtype=np.int64)


def _finish(
    path: Path, found: Found, layout: _Plan, out: dict[str, Array], offsets: Array, stones: Array, folder: Path, digest: str
) -> None:
    line_of = out["line"]
    reasons = [found.stones[int(line_of[i])] for i in stones]
    rows = int(offsets[-1])
    columns = {name: values[:rows] for name, values in out.items()}
    cells = {name: columns.get(name, np.zeros(0, dtype=np.int32)) for name in CELLS}
    quoted = "bid" in columns and "ask" in columns
    first = (
        loops.first_quotes(columns["time"], columns["bid"], columns["ask"], null_of(columns["bid"].dtype), offsets, NEVER)
        if quoted
        else np.full(len(layout.assets), NEVER, dtype=np.int64)
    )
    price, volume = layout.finest["price"], layout.finest["volume"]
    for code, count in sorted(found.warned.items()):
        if count > LISTED:
            found.problems.append(
                Problem(code, "prices", "prices", 0, f"{count - LISTED} more of the same kind; {RULES[code].text}")
            )
    saved = Saved(
        assets=list(layout.assets),
        offsets=offsets.tolist(),
        types={n: v.dtype.str for n, v in columns.items()},
        sums={n: column_digest(folder / f"{n}.bin") for n in columns},
        base=layout.base.tolist(),
        places=price.tolist(),
        volume_places=volume.tolist(),
        peak=layout.peak.tolist(),
        first_quote=first.tolist(),
        last_time=[int(columns["time"][stop - 1]) for stop in offsets[1:].tolist()],
        refused=stones.tolist(),
        reasons=reasons,
        file=path.name,
        digest=content_digest(layout.assets, offsets, columns["time"], cells, layout.base, price, volume, stones),
        file_digest=digest,
        raw_rows=found.rows,
        blank=found.blank,
        problems=found.problems,
        quarantine=found.quarantine,
        drops=found.drops,
    )
    save(folder, saved)
