"""Exact copies and replaced actions: rows that leave with a note and without harm.

Two rows are copies if they agree in every column but `source` and `recorded_at`; the one recorded first stays. Rows that share a
key and differ are not copies, and stay here to be refused by `checks`.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skillstats.errors import Problem
from skillstats.plan import Plan
from skillstats.record.chains import IntArray, link
from skillstats.record.containers import NULL
from skillstats.record.digest import row_lines
from skillstats.record.parse import Parsed
from skillstats.record.quarantine import dropped_row

_INCIDENTAL = ("source", "recorded_at")


def groups_of(codes: IntArray) -> dict[int, IntArray]:
    """Rows of each code, in row order."""
    found = pd.Series(np.arange(len(codes))).groupby(codes).indices
    return {int(code): np.asarray(rows, dtype=np.int64) for code, rows in found.items()}  # type: ignore[call-overload]


def key_groups(table: Parsed) -> IntArray:
    """(row,) code of the rows that share their key with another row, -1 elsewhere and where the key is incomplete."""
    frame = {}
    usable = np.ones(len(table), dtype=bool)
    for name in table.schema.key:
        values = table.ints(name)
        if values.dtype == np.int64:
            usable &= values != NULL
            frame[name] = values
        else:
            codes = pd.factorize(values)[0]
            if name != "asset" or table.schema.free is None:
                usable &= codes >= 0
            frame[name] = codes
    keys = pd.DataFrame(frame)
    shared = keys.duplicated(keep=False).to_numpy() & usable
    groups = np.full(len(table), -1, dtype=np.int64)
    if shared.any():
        groups[shared] = keys[shared].groupby(list(frame), sort=False).ngroup().to_numpy()
    return groups


def content_lines(table: Parsed, rows: NDArray[np.bool_]) -> list[str]:
    """Canonical text of some rows without the incidental columns; refused cells stand as they were written."""
    part = table.take(rows)
    lines: list[str] = row_lines(part, _INCIDENTAL).to_pylist()
    names = [n for n in part.schema.names if n in part.raw.columns and n not in _INCIDENTAL]
    for row in np.flatnonzero(part.bad).tolist():
        lines[row] = "\x00".join(f"{n}={part.raw.columns[n][row].as_py()}" for n in names)
    return lines


def drop_copies(parsed: Mapping[str, Parsed]) -> tuple[dict[str, Parsed], list[Problem], list[Problem]]:
    """The tables without exact copies, the drops, and their warnings (without raw text)."""
    result, drops = {}, []
    for name, table in parsed.items():
        groups = key_groups(table)
        shared = groups >= 0
        keep = np.ones(len(table), dtype=bool)
        if shared.any():
            rows = np.flatnonzero(shared)
            for first, copy in _copies(table, rows, groups[rows], content_lines(table, shared)):
                keep[copy] = False
                file, line = table.raw.place(first)
                drops.append(dropped_row(table, copy, "D221", f"identical duplicate of {file}:{line}, kept once"))
        result[name] = table if keep.all() else table.take(keep)
    return result, drops, [Problem(d.code, d.table, d.file, d.line, d.message) for d in drops]


def _copies(table: Parsed, rows: IntArray, groups: IntArray, lines: list[str]) -> list[tuple[int, int]]:
    """(row kept, copy) for every copy."""
    recorded = table.ints("recorded_at") if "recorded_at" in table.schema else np.full(len(table), NULL, dtype=np.int64)
    source = table.text("source") if "source" in table.schema else np.full(len(table), None, dtype=object)
    written = np.where(recorded == NULL, table.ints("time"), recorded)
    same: dict[tuple[int, str], list[int]] = {}
    for row, group, line in zip(rows.tolist(), groups.tolist(), lines, strict=True):
        same.setdefault((group, line), []).append(row)
    found = []
    for members in same.values():
        members.sort(key=lambda r: (int(written[r]), int(recorded[r]), source[r] or "", int(table.raw.line[r])))
        found += [(members[0], copy) for copy in members[1:]]
    return found


def drop_superseded(parsed: Mapping[str, Parsed], plan: Plan) -> tuple[dict[str, Parsed], list[Problem]]:
    """Under ``supersede = "latest"``: the latest action recorded before the first fill stands, earlier ones are documented drops.

    Actions recorded at or after the first fill, and actions that have fills, are never dropped; if more than one is left, D232.
    """
    tables = dict(parsed)
    if plan.supersede != "latest" or "actions" not in parsed:
        return tables, []
    actions, links = parsed["actions"], link(parsed, plan)
    recorded = np.where(actions.ints("recorded_at") == NULL, actions.ints("time"), actions.ints("recorded_at"))
    keep = np.ones(len(actions), dtype=bool)
    drops = []
    order = groups_of(links.signal_of_action)
    clashing = key_groups(actions) >= 0
    for signal, rows in order.items():
        if signal < 0 or len(rows) < 2 or actions.bad[rows].any() or clashing[rows].any():
            continue
        for row, stands in _earlier(rows, recorded, actions.text("action_id"), _fills_of(parsed, links.action_of_fill, rows)):
            keep[row] = False
            drops.append(dropped_row(actions, row, "D232", f"superseded by {stands!r}"))
    tables["actions"] = actions if keep.all() else actions.take(keep)
    return tables, drops


def _fills_of(parsed: Mapping[str, Parsed], action_of_fill: IntArray, rows: IntArray) -> tuple[set[int], int | None]:
    """Which of these actions have fills, and the time of the first."""
    mine = np.flatnonzero(np.isin(action_of_fill, rows))
    times = parsed["fills"].ints("time")[mine] if len(mine) else np.empty(0, dtype=np.int64)
    known = times[times != NULL]
    return set(action_of_fill[mine].tolist()), int(known.min()) if len(known) else None


def _earlier(
    rows: IntArray, recorded: IntArray, ids: NDArray[np.object_], fills: tuple[set[int], int | None]
) -> list[tuple[int, str]]:
    """(row to drop, id of the action that stands)."""
    filled, first_fill = fills
    early = [r for r in rows.tolist() if first_fill is None or recorded[r] < first_fill]
    if not early:
        return []
    early.sort(key=lambda r: (int(recorded[r]), str(ids[r]).encode()))
    return [(r, str(ids[early[-1]])) for r in early[:-1] if r not in filled]
