"""From a price file of any size to mapped rows: batch by batch, with the checks every price row gets.

First the batches are parsed and checked and what stays is spooled column by column; then every row is written to its place, asset by
asset; then each asset's rows are put in time order and repeated instants are judged: exact copies leave as documented drops, rows that
contradict each other are refused. Memory grows with the number of assets and of bad rows, not with the number of rows (an asset whose
rows do not come in time order is sorted on its own).
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from skillstats.errors import RULES, InputRejected, Problem, describe_problem, show
from skillstats.plan import Plan
from skillstats.record import price_kernels as loops
from skillstats.record.chains import Tables, link
from skillstats.record.check_values import price_rows as unusable_rows
from skillstats.record.check_values import price_signs, quantity_signs, quotes
from skillstats.record.containers import NULL
from skillstats.record.csv_text import NoRows
from skillstats.record.instants import instant_text
from skillstats.record.parse import Decimals, parse_table
from skillstats.record.price_batches import BLOCK, ROWS, Seen, csv_batches, parquet_batches
from skillstats.record.price_files import Saved, save
from skillstats.record.price_rows import CELLS, NEVER, PRICE_COLUMNS, content_digest, null_of, refused_of
from skillstats.record.quarantine import quarantine_list, refuses, to_problem
from skillstats.record.raw import RawTable, file_problem
from skillstats.record.readers import check_header, delimiter_of
from skillstats.record.scales import off_scale
from skillstats.record.schema import SCHEMA

Array = NDArray[Any]
TEN: Final = np.array([10**k for k in range(19)], dtype=np.int64)
LARGEST: Final = 2.0**61
LISTED: Final = 1_000
"""Warnings of one code that are listed one by one for a mapped price file; the rest is counted."""
NARROW: Final = 2**30
CHECKS: Final = (quantity_signs, price_signs, unusable_rows, quotes, off_scale)


@dataclass(slots=True)
class _Found:
    """What reading the batches found."""

    folder: Path
    assets: dict[str, int] = field(default_factory=dict)
    finest: dict[str, list[int]] = field(default_factory=lambda: {"price": [], "volume": []})
    columns: tuple[str, ...] = ()
    rows: int = 0
    kept: int = 0
    blank: list[int] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    warned: dict[str, int] = field(default_factory=dict)
    quarantine: list[Problem] = field(default_factory=list)
    drops: list[Problem] = field(default_factory=list)
    stones: dict[int, Problem] = field(default_factory=dict)

    def spool(self, name: str, kind: str) -> Array:
        """A spooled column, mapped."""
        path = self.folder / f"{name}.spool"
        if not self.kept:
            return np.zeros(0, dtype=kind)
        return np.memmap(path, dtype=kind, mode="r", shape=(self.kept,))


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
        found = _Found(Path(spool))
        for raw in batches(path, plan, seen, found.blank):
            _take(raw, plan, found)
        if not found.rows:
            raise NoRows("F101", "no rows")
        _arrange(path, plan, seen, found, folder, digest)


def batches(path: Path, plan: Plan, seen: Seen | None, blank: list[int]) -> Iterator[RawTable]:
    """The file as batches of text."""
    schema = SCHEMA["prices"]
    if seen is None:
        return parquet_batches(path, schema)
    return csv_batches(path, schema, seen, delimiter_of("prices", plan), blank)


def _take(raw: RawTable, plan: Plan, found: _Found) -> None:
    """Parse, check and spool one batch."""
    first = not found.rows
    if first:
        check_header(raw, SCHEMA["prices"])
        found.columns = tuple(c for c in CELLS if c in raw.columns)
    parsed = parse_table(raw, SCHEMA["prices"], plan)
    tables = link({"prices": parsed}, plan)
    findings = [f for f in (*parsed.findings, *(f for check in CHECKS for f in check(tables))) if f.row >= 0 or first]
    keep = np.ones(len(raw), dtype=bool)
    keep[[f.row for f in findings if refuses(f)]] = False
    _note(tables, findings, found)
    found.quarantine += quarantine_list(tables, findings, {"prices": keep})
    placed = keep | (np.array([a is not None for a in parsed.text("asset")], dtype=bool) & (parsed.ints("time") != NULL))
    for finding in findings:
        if refuses(finding) and placed[finding.row]:
            line, problem = int(raw.line[finding.row]), to_problem(tables, finding)
            found.stones[line] = min(found.stones.get(line, problem), problem, key=lambda p: (p.code, p.message))
    owner = _codes(parsed.text("asset")[placed], found)
    _append(found, "asset", owner.astype(np.int32))
    _append(found, "time", parsed.ints("time")[placed])
    _append(found, "line", raw.line[placed])
    _append(found, "stone", ~keep[placed])
    for name in found.columns:
        cells = parsed.decimals(name).take(placed)
        cells = Decimals(np.where(keep[placed], cells.mantissa, NULL), np.where(keep[placed], cells.places, 0).astype(np.int8))
        most = np.array(found.finest["volume" if name == "volume" else "price"], dtype=np.int64)
        np.maximum.at(most, owner[cells.given], cells.places[cells.given])
        found.finest["volume" if name == "volume" else "price"] = most.tolist()
        _append(found, name, cells.mantissa)
        _append(found, f"{name}.places", cells.places)
    found.rows += len(raw)
    found.kept += int(placed.sum())


def _note(tables: Tables, findings: Iterable[Any], found: _Found) -> None:
    """List findings; warnings of one code are counted once many were listed."""
    for finding in findings:
        code = finding.code
        if RULES[code].outcome == "warn":
            found.warned[code] = found.warned.get(code, 0) + 1
            if found.warned[code] > LISTED:
                continue
        found.problems.append(to_problem(tables, finding))


def _codes(names: Array, found: _Found) -> Array:
    import pandas as pd

    codes, distinct = pd.factorize(names)
    for name in distinct:
        if name not in found.assets:
            found.assets[name] = len(found.assets)
            found.finest["price"].append(0)
            found.finest["volume"].append(0)
    return np.array([found.assets[n] for n in distinct] or [0], dtype=np.int64)[codes]


def _append(found: _Found, name: str, values: Array) -> None:
    with (found.folder / f"{name}.spool").open("ab") as handle:
        np.ascontiguousarray(values).tofile(handle)


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


def _arrange(path: Path, plan: Plan, seen: Seen | None, found: _Found, folder: Path, digest: str) -> None:
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
    offsets = _without_repeats(path, plan, seen, found, layout, out, offsets, folder)
    rows = int(offsets[-1])
    stones = _stones(found, out, offsets)
    for name, values in out.items():
        values.flush()  # type: ignore[attr-defined]
        dtype = values.dtype
        del values
        with (folder / f"{name}.bin").open("r+b") as handle:
            handle.truncate(rows * dtype.itemsize)
    _finish(path, found, layout, out, offsets, stones, folder, digest)


def _layout(found: _Found) -> _Plan:
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
    low, high = np.full(len(assets), 2**62, dtype=np.int64), np.full(len(assets), -(2**62), dtype=np.int64)
    volume_low, volume_high = low.copy(), high.copy()
    for name in found.columns:
        ends = (volume_low, volume_high) if name == "volume" else (low, high)
        _extent(found, name, rank, finest["volume" if name == "volume" else "price"], *ends)
    empty = low > high
    low, high = np.where(empty, 0, low), np.where(empty, 0, high)
    fits = bool((high - low < NARROW).all())
    base = (low + high) // 2 if fits else np.zeros_like(low)
    small_volume = bool((np.where(volume_low > volume_high, 0, volume_high) < NARROW).all())
    width: dict[str, Any] = dict.fromkeys(PRICE_COLUMNS, np.int32 if fits else np.int64)
    width["volume"] = np.int32 if small_volume else np.int64
    peak = np.maximum(np.abs(low), np.abs(high))
    return _Plan(assets, rank, np.r_[0, np.cumsum(counts)].astype(np.int64), finest, base, peak, width)


def _blocks(rows: int) -> Iterator[slice]:
    return (slice(start, min(start + ROWS, rows)) for start in range(0, rows, ROWS))


def _extent(found: _Found, name: str, rank: Array, finest: Array, low: Array, high: Array) -> None:
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


def _scatter(found: _Found, layout: _Plan, out: dict[str, Array]) -> None:
    following = layout.offsets[:-1].copy()
    nothing = np.zeros_like(layout.base)
    for block in _blocks(found.kept):
        owner = layout.rank[found.spool("asset", "int32")[block]]
        place = loops.places_of(owner, following)
        for name in ("time", "line"):
            loops.put(place, np.asarray(found.spool(name, "int64")[block]), out[name])
        for name in found.columns:
            mantissa, places = found.spool(name, "int64")[block], found.spool(f"{name}.places", "int8")[block]
            finest = layout.finest["volume" if name == "volume" else "price"]
            base = nothing if name == "volume" else layout.base
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


def _without_repeats(
    path: Path,
    plan: Plan,
    seen: Seen | None,
    found: _Found,
    layout: _Plan,
    out: dict[str, Array],
    offsets: Array,
    folder: Path,
) -> Array:
    """Judge rows that share asset and instant, and close the gaps they leave."""
    _, repeats = loops.disorder(out["time"], offsets)
    if not repeats.any():
        return offsets
    if "close" not in out:  # a tombstone stands in close
        out["close"] = _new(folder, "close", layout.kind["close"], len(out["time"]))
        out["close"][:] = null_of(layout.kind["close"])
    groups: list[list[int]] = []
    for a in np.flatnonzero(repeats).tolist():
        at = loops.repeated(out["time"], int(offsets[a]), int(offsets[a + 1]))
        groups += [g.tolist() for g in np.split(at, np.flatnonzero(np.diff(out["time"][at]) != 0) + 1)]
    texts = _texts(path, plan, seen, np.sort(out["line"][np.concatenate(groups)]))
    gone: list[int] = []
    for group in groups:
        group.sort(key=lambda i: int(out["line"][i]))
        gone += _judge(group, path.name, texts, found, out)
    removed = np.array(sorted(gone), dtype=np.int64)
    for values in out.values():
        loops.close_gaps(values, removed)
    return offsets - np.searchsorted(removed, offsets)


def _texts(path: Path, plan: Plan, seen: Seen | None, lines: Array) -> dict[int, tuple[str, str]]:
    """Asset and text of some rows by their lines, by one more look at the file."""
    result: dict[int, tuple[str, str]] = {}
    for raw in batches(path, plan, seen, []):
        for row in np.flatnonzero(np.isin(raw.line, lines)).tolist():
            result[int(raw.line[row])] = (str(raw.columns["asset"][row].as_py()), raw.row_text(row))
    return result


def _judge(group: list[int], file: str, texts: dict[int, tuple[str, str]], found: _Found, out: dict[str, Array]) -> list[int]:
    """One instant of one asset: exact copies leave; where the others differ all are refused, and one tombstone stays for them.

    Returns
    -------
    positions to be removed
    """
    line = {i: int(out["line"][i]) for i in group}
    distinct: dict[object, int] = {}
    gone: list[int] = []
    for i in group:
        content = texts[line[i]][1] if line[i] in found.stones else tuple(int(out[name][i]) for name in found.columns)
        if content in distinct:
            gone.append(i)
            _drop_copy(line[i], line[distinct[content]], file, texts[line[i]], found)
        else:
            distinct[content] = i
    if len(distinct) > 1:
        members = list(distinct.values())
        stamp = instant_text(int(out["time"][members[0]]))
        for i in members:
            others = [str(line[j]) for j in members if j != i][:5]
            _refuse(line[i], file, texts[line[i]], stamp, others, found)
            for name in found.columns:
                out[name][i] = null_of(out[name].dtype)
        out["close"][members[0]] = refused_of(out["close"].dtype)
        gone += members[1:]
    return gone


def _drop_copy(line: int, first: int, file: str, row: tuple[str, str], found: _Found) -> None:
    asset, text = row
    said = f"{show(asset)[1:-1]}, identical duplicate of {file}:{first}, kept once"
    found.drops.append(Problem("D221", "prices", file, line, said, "", text, f"{file}:{line}"))
    found.problems.append(Problem("D221", "prices", file, line, said))
    if line in found.stones:  # the copy of a refused row is a copy, and not refused a second time
        own = found.stones.pop(line)
        found.problems = [p for p in found.problems if p.line != line or p.code == "D221" or p.outcome == "warn"]
        found.quarantine = [p for p in found.quarantine if p.line != own.line]


def _refuse(line: int, file: str, row: tuple[str, str], stamp: str, others: list[str], found: _Found) -> None:
    asset, text = row
    said = describe_problem("D223", asset, "asset", f"{asset} {stamp}", f"also in line {', '.join(others)}")
    problem = Problem("D223", "prices", file, line, said)
    found.problems.append(problem)
    own = found.stones.get(line)
    if own is None or (problem.code, problem.message) < (own.code, own.message):
        found.quarantine = [p for p in found.quarantine if p.line != line]
        found.quarantine.append(Problem("D223", "prices", file, line, said, "", text, f"{file}:{line}"))
        found.stones[line] = problem


def _stones(found: _Found, out: dict[str, Array], offsets: Array) -> Array:
    """Positions of the tombstones."""
    if not found.stones or "close" not in out:
        return np.zeros(0, dtype=np.int64)
    rows, marked = int(offsets[-1]), refused_of(out["close"].dtype)
    parts = [np.flatnonzero(out["close"][s : min(s + BLOCK, rows)] == marked) + s for s in range(0, rows, BLOCK)]
    return np.concatenate(parts).astype(np.int64) if parts else np.zeros(0, dtype=np.int64)


def _finish(
    path: Path, found: _Found, layout: _Plan, out: dict[str, Array], offsets: Array, stones: Array, folder: Path, digest: str
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
