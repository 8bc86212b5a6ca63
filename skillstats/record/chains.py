"""Which rows belong together: a signal, its action and the fills of that action.

A chain is named by its signal, or by its action where the trader acted without one (INITIATE). Rows are linked by id, never by
order. A reference that misses its row only by case or by a blank at an end is linked to it all the same: the reference is refused
(D233), but the signal it was meant for must not look undecided.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skillstats.plan import Plan
from skillstats.record.parse import Parsed

CHAIN_TABLES = ("signals", "actions", "fills")
IntArray = NDArray[np.int64]
_NONE: IntArray = np.empty(0, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Tables:
    """Parsed tables with their links; what every check reads.

    signal_of_action, action_of_fill : (row,) row of the parent, -1 where there is none
    loosely : the same, including references that miss by case or blanks
    chain : for signals, actions and fills, (row,) code of the chain; `chain_names` its name
    places : decimal places that sums of quantities are shown with at least: those of the whole record where this is a part of it
    """

    plan: Plan
    parsed: Mapping[str, Parsed]
    signal_of_action: IntArray
    action_of_fill: IntArray
    chain: Mapping[str, IntArray]
    chain_names: NDArray[np.object_]
    places: int = 0

    def __contains__(self, table: str) -> bool:
        return table in self.parsed

    def __getitem__(self, table: str) -> Parsed:
        return self.parsed[table]


def rows_of(wanted: NDArray[np.object_], ids: NDArray[np.object_]) -> IntArray:
    """Row of each wanted id among `ids`, -1 where absent or None; the first row of a repeated id."""
    first = pd.Series(np.arange(len(ids)), index=pd.Index(ids, dtype=object))
    first = first[~first.index.duplicated()]
    found = first.index.get_indexer(pd.Index(wanted, dtype=object))
    rows = np.where(found >= 0, first.to_numpy()[found] if len(first) else -1, -1).astype(np.int64)
    rows[np.array([w is None for w in wanted], dtype=bool)] = -1
    return rows


def fold(text: str | None) -> str | None:
    """What two ids share that differ in case or in blanks at an end only."""
    return None if text is None else text.strip().casefold()


def loose_rows(wanted: NDArray[np.object_], ids: NDArray[np.object_]) -> IntArray:
    """As `rows_of`; ids that are not found are tried again without case and blanks."""
    rows = rows_of(wanted, ids)
    lost = np.flatnonzero((rows < 0) & np.array([w is not None for w in wanted], dtype=bool))
    if len(lost):
        order = np.array(sorted(range(len(ids)), key=lambda i: ids[i] or ""), dtype=np.int64)
        folded = np.array([fold(ids[i]) for i in order], dtype=object)
        again = rows_of(np.array([fold(w) for w in wanted[lost]], dtype=object), folded)
        rows[lost] = np.where(again >= 0, order[again] if len(order) else -1, -1)
    return rows


def link(parsed: Mapping[str, Parsed], plan: Plan) -> Tables:
    """Link actions to signals and fills to actions, and name the chains."""
    ids = {t: parsed[t].text(k) if t in parsed else np.empty(0, dtype=object) for t, k in _KEYS}
    named = parsed["actions"].text("signal_id") if "actions" in parsed else ids["actions"]
    orders = parsed["fills"].text("action_id") if "fills" in parsed else ids["fills"]
    to_signal, to_action = loose_rows(named, ids["signals"]), loose_rows(orders, ids["actions"])
    signal_names = _names("s", ids["signals"])
    own = _names("a", ids["actions"])
    action_names = np.array(
        [
            signal_names[s] if s >= 0 else f"s{n}" if n is not None else own[i]
            for i, (s, n) in enumerate(zip(to_signal, named, strict=True))
        ],
        dtype=object,
    )
    lost = _names("f", ids["fills"])
    fill_names = np.array([action_names[a] if a >= 0 else lost[i] for i, a in enumerate(to_action)], dtype=object)
    codes, names = pd.factorize(np.concatenate([signal_names, action_names, fill_names]), use_na_sentinel=False)
    cuts = np.cumsum([len(signal_names), len(action_names)])
    chain = dict(zip(CHAIN_TABLES, np.split(codes.astype(np.int64), cuts), strict=True))
    exact_signal = np.where(rows_of(named, ids["signals"]) >= 0, to_signal, -1)
    exact_action = np.where(rows_of(orders, ids["actions"]) >= 0, to_action, -1)
    return Tables(plan, parsed, exact_signal, exact_action, chain, names)


_KEYS = (("signals", "signal_id"), ("actions", "action_id"), ("fills", "fill_id"))


def _names(prefix: str, ids: Iterable[str | None]) -> NDArray[np.object_]:
    """Chain names; a row without an id is a chain of its own."""
    return np.array([f"{prefix}{i}" if i is not None else f"{prefix}\x00{n}" for n, i in enumerate(ids)], dtype=object)


def assets_of(tables: Tables, table: str) -> NDArray[np.object_]:
    """The asset of each row, through its signal where the table has none; None where unknown."""
    if table not in tables.parsed:
        return np.empty(0, dtype=object)
    if table == "actions":
        own = tables["actions"].text("asset")
        return _through(tables.signal_of_action, assets_of(tables, "signals"), own)
    if table == "fills":
        nothing = np.full(len(tables["fills"]), None, dtype=object)
        return _through(tables.action_of_fill, assets_of(tables, "actions"), nothing)
    return tables[table].text("asset")


def _through(rows: IntArray, values: NDArray[np.object_], otherwise: NDArray[np.object_]) -> NDArray[np.object_]:
    if not len(values):
        return otherwise
    return np.asarray(np.where(rows >= 0, values[rows], otherwise), dtype=object)
