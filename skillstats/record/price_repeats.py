"""Price rows that share asset and instant: exact copies leave as documented drops, rows that contradict each other are refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skillstats.errors import Problem, describe_problem, show
from skillstats.plan import Plan
from skillstats.record import price_kernels as loops
from skillstats.record.instants import instant_text
from skillstats.record.price_batches import Seen
from skillstats.record.price_rows import null_of, refused_of
from skillstats.record.price_spool import Found, batches

Array = NDArray[Any]


def without_repeats(path: Path, plan: Plan, seen: Seen | None, found: Found, out: dict[str, Array], offsets: Array) -> Array:
    """Judge rows that share asset and instant, and close the gaps they leave.

    Parameters
    ----------
    out : columns in order of asset and time, changed in place; close is among them

    Returns
    -------
    offsets of the rows that stay
    """
    _, repeats = loops.disorder(out["time"], offsets)
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


def _judge(group: list[int], file: str, texts: dict[int, tuple[str, str]], found: Found, out: dict[str, Array]) -> list[int]:
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


def _drop_copy(line: int, first: int, file: str, row: tuple[str, str], found: Found) -> None:
    asset, text = row
    said = f"{show(asset)[1:-1]}, identical duplicate of {file}:{first}, kept once"
    found.drops.append(Problem("D221", "prices", file, line, said, "", text, f"{file}:{line}"))
    found.problems.append(Problem("D221", "prices", file, line, said))
    if line in found.stones:  # the copy of a refused row is a copy, and not refused a second time
        own = found.stones.pop(line)
        found.problems = [p for p in found.problems if p.line != line or p.code == "D221" or p.outcome == "warn"]
        found.quarantine = [p for p in found.quarantine if p.line != own.line]


def _refuse(line: int, file: str, row: tuple[str, str], stamp: str, others: list[str], found: Found) -> None:
    asset, text = row
    said = describe_problem("D223", asset, "asset", f"{asset} {stamp}", f"also in line {', '.join(others)}")
    problem = Problem("D223", "prices", file, line, said)
    found.problems.append(problem)
    own = found.stones.get(line)
    if own is None or (problem.code, problem.message) < (own.code, own.message):
        found.quarantine = [p for p in found.quarantine if p.line != line]
        found.quarantine.append(Problem("D223", "prices", file, line, said, "", text, f"{file}:{line}"))
        found.stones[line] = problem
