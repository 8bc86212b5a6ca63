"""What is released of a ledger to readers of aggregates: one choice of cells for all their pages together.

The manager's and the developer's page are made at different times and read by people who talk. So both print cells of one release, chosen
together: `release_of` depends on the ledger and the floors alone. See `system` for what must not follow from it, `choose` for how.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from skillstats.boundary.contexts import Label
from skillstats.report.release.choose import Sets, choose
from skillstats.report.release.departures import Departures, merge_months
from skillstats.report.release.system import Floors, make_system

IntArray = NDArray[np.int64]
WHOLE: Final = ()
SINGLE: Final = (
    "asset_class",
    "regime",
    "action",
    "horizon",
    "month",
    "signal_type",
    "model_version",
    "side",
    "time_of_day",
    "volatility",
    "regime_of_signals",
    "class_of_signals",
    "asset",
)
MANAGED: Final = ("asset_class", "regime", "action", "horizon")
"""Labels whose every pair is a table of the manager's page."""
CONTEXT: Final = ("signal_type", "regime", "asset_class")
"""Labels whose crossing is the developer's context of a signal; every pair of them with the first is a table too."""
MOST_LEVELS: Final = {"asset": 200}
CROSSED_ASSETS: Final = 20
"""Assets up to which they are crossed with regime and action."""
FEWEST: Final = 40
"""Levels beyond which another label makes no table."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A released cell: its levels, how many decisions and people, and money in micro-units."""

    levels: tuple[str, ...]
    decisions: int
    people: int
    rows: int
    model: int
    actual: int
    value_add: int


@dataclass(frozen=True)
class Cut:
    """One table: the released cells of the crossing of `labels`, and what is not shown separately.

    rest : the cells that are left out, as one (levels empty), None where none is; of : all rows of the table as one
    codes : (row,) cell of each departure, -1 where it is in none that is released; not printed
    """

    labels: tuple[str, ...]
    cells: tuple[Cell, ...]
    rest: Cell | None
    hidden: int
    of: Cell
    codes: IntArray

    def levels(self) -> frozenset[tuple[str, ...]]:
        """Levels of the released cells."""
        return frozenset(c.levels for c in self.cells)


@dataclass(frozen=True)
class Release:
    """What may be printed: `cuts` by their labels, the whole under ``()``; empty where not even the whole is large enough.

    extra : names of further sums over part of the whole that may be printed
    """

    floors: Floors
    cuts: Mapping[tuple[str, ...], Cut]
    extra: frozenset[str]

    @property
    def shown(self) -> bool:
        """Whether anything is."""
        return WHOLE in self.cuts

    def has(self, labels: Sequence[str], levels: Sequence[str]) -> bool:
        """Whether a cell is released."""
        cut = self.cuts.get(tuple(labels))
        return cut is not None and tuple(levels) in cut.levels()


@dataclass(frozen=True)
class _Draft:
    """A candidate table: codes of its rows into `names`."""

    labels: tuple[str, ...]
    codes: IntArray
    names: tuple[tuple[str, ...], ...]


def release_of(
    rows: Departures,
    floors: Floors,
    *,
    judged: IntArray | None = None,
    extra: Mapping[str, NDArray[np.bool_]] | None = None,
    by_name: Label | None = None,
) -> Release:
    """Choose what may be printed.

    Parameters
    ----------
    rows : the departures
    judged : positions in `rows` of the first row of each decision whose evidence enters printed estimates; estimates are shown for cells in
        which these alone are large enough too
    extra : further sums over part of the departures that pages print, by name, (row,) each
    by_name : label of the person, only where names may be shown

    Returns
    -------
    Release
    """
    labels = dict(rows.labels)
    if "month" in labels:
        labels["month"] = merge_months(labels["month"], rows.person, rows.decision, floors)
    drafts = [_draft((), labels, len(rows)), *(_draft(k, labels, len(rows)) for k in wanted_tables(labels))]
    drafts += [_extra(name, mask) for name, mask in (extra or {}).items()]
    if by_name is not None:
        named = labels | {"trader": by_name}
        drafts += [_draft(k, named, len(rows)) for k in (("trader",), *(("trader", m) for m in MANAGED if m in labels))]
    sizes = [len(d.names) for d in drafts]
    systems = [make_system([d.codes for d in drafts], sizes, rows.person, rows.decision)]
    if judged is not None and len(judged):
        codes = [d.codes[judged] for d in drafts]
        systems.append(make_system(codes, sizes, _dense(rows.person[judged]), np.arange(len(judged))))
    kept = choose(systems, _sets(drafts), floors)
    if 0 not in kept:
        return Release(floors, {}, frozenset())
    starts = np.r_[0, np.cumsum(sizes)]
    cuts, told = {}, set[str]()
    for draft, start in zip(drafts, starts[:-1].tolist(), strict=True):
        shown = [k for k in range(len(draft.names)) if start + k in kept]
        if draft.labels[:1] == ("extra",):
            told |= {draft.labels[1]} if shown else set()
        elif shown:
            cuts[draft.labels] = _cut(draft, shown, rows)
    return Release(floors, cuts, frozenset(told))


def wanted_tables(labels: Mapping[str, Label]) -> list[tuple[str, ...]]:
    """Tables of both pages over labels that exist: single ones, pairs, then the developer's context."""
    single = [(k,) for k in SINGLE if k in labels and len(labels[k].levels) <= MOST_LEVELS.get(k, FEWEST)]
    can = {k for (k,) in single}
    pairs = [p for p in combinations(MANAGED, 2) if set(p) <= can]
    if "asset" in can and len(labels["asset"].levels) <= CROSSED_ASSETS:
        pairs += [("asset", k) for k in ("regime", "action") if k in can]
    pairs += [("signal_type", k) for k in ("regime", "asset_class", "action") if {"signal_type", k} <= can]
    return [*single, *pairs, *([CONTEXT] if set(CONTEXT) <= can else [])]


def _draft(names: tuple[str, ...], labels: Mapping[str, Label], rows: int) -> _Draft:
    """A table of the crossing of some labels; only cells that have rows."""
    code, inside = np.zeros(rows, dtype=np.int64), np.ones(rows, dtype=bool)
    for name in names:
        own = labels[name]
        inside &= own.codes >= 0
        code = code * len(own.levels) + np.maximum(own.codes, 0)
    used, codes = np.unique(code[inside], return_inverse=True)
    full = np.full(rows, -1, dtype=np.int64)
    full[inside] = codes
    levels = []
    for value in used.tolist():
        rest, own_levels = value, list[str]()
        for name in reversed(names):
            rest, k = divmod(rest, len(labels[name].levels))
            own_levels.append(labels[name].levels[k])
        levels.append(tuple(reversed(own_levels)))
    return _Draft(names, full, tuple(levels))


def _extra(name: str, mask: NDArray[np.bool_]) -> _Draft:
    """A sum over part of the whole as a table of one cell."""
    return _Draft(("extra", name), np.where(mask, 0, -1).astype(np.int64), ((name,),))


def _sets(drafts: Sequence[_Draft]) -> Sets:
    """Order of every set, and the lines of every table: its cells by each part of its labels."""
    order, lines, start = [], [], 0
    for draft in drafts:
        depth = len(draft.labels)
        order += [1 if draft.labels[:1] == ("extra",) else depth] * len(draft.names)
        if draft.labels[:1] != ("extra",):
            for size in range(depth):
                for kept in combinations(range(depth), size):
                    groups: dict[tuple[str, ...], list[int]] = {}
                    for k, levels in enumerate(draft.names):
                        groups.setdefault(tuple(levels[i] for i in kept), []).append(start + k)
                    lines += [tuple(g) for g in groups.values()]
        start += len(draft.names)
    return Sets(tuple(order), tuple(lines))


def _cut(draft: _Draft, shown: Sequence[int], rows: Departures) -> Cut:
    cells = tuple(_cell(draft.names[k], draft.codes == k, rows) for k in shown)
    hidden = (draft.codes >= 0) & ~np.isin(draft.codes, shown)
    rest = _cell((), hidden, rows) if hidden.any() else None
    codes = np.where(hidden, -1, draft.codes)
    return Cut(draft.labels, cells, rest, len(draft.names) - len(shown), _cell((), draft.codes >= 0, rows), codes)


def _cell(levels: tuple[str, ...], mask: NDArray[np.bool_], rows: Departures) -> Cell:
    money: dict[str, Any] = {k: sum(getattr(rows, k)[mask].tolist()) for k in ("model", "actual", "value_add")}
    people, decisions = len(np.unique(rows.person[mask])), len(np.unique(rows.decision[mask]))
    return Cell(levels, decisions, people, int(mask.sum()), **money)


def _dense(codes: IntArray) -> IntArray:
    """Codes without gaps."""
    return np.asarray(np.unique(codes, return_inverse=True)[1], dtype=np.int64)
