"""Checks that need more than one row: identity, links, multiplicity, order in time.

`CHECKS` is the flat list of everything that is asked of a record before any market data is looked at. A check takes the linked
tables and returns findings; it never raises and never stops at the first. A finding whose code quarantines sets its row aside
with its chain.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skillstats.errors import show
from skillstats.record import check_quantities as quantities
from skillstats.record import check_values as values
from skillstats.record.chains import IntArray, Tables, fold
from skillstats.record.check_values import is_empty, is_one_of, rows_where
from skillstats.record.containers import NULL
from skillstats.record.duplicates import groups_of, key_groups
from skillstats.record.instants import instant_text
from skillstats.record.raw import Finding
from skillstats.record.scales import off_scale
from skillstats.units import SECOND, parse_duration

Check = Callable[[Tables], list[Finding]]


def conflicts(tables: Tables) -> list[Finding]:
    """D222, D223: one key with different content; every row of it goes."""
    found = []
    for name, table in tables.parsed.items():
        groups = key_groups(table)
        shared = np.flatnonzero(groups >= 0)
        if not len(shared):
            continue
        code = "D223" if name == "prices" else "D222"
        lines = pd.Series(table.raw.line[shared]).groupby(groups[shared]).agg(lambda s: sorted(s.tolist()))
        for row in shared.tolist():
            others = [str(n) for n in lines[groups[row]] if n != table.raw.line[row]][:5]
            key = " ".join(_shown_key(table.ints(k)[row]) for k in table.schema.key)
            found.append(Finding(code, name, row, table.schema.key[0], key, f"also in line {', '.join(others)}"))
    return found


def _shown_key(cell: object) -> str:
    return str(cell) if cell is None or isinstance(cell, str) else instant_text(int(cell))  # type: ignore[call-overload]


def case_twins(tables: Tables) -> list[Finding]:
    """D233: ids of one table that differ in case only."""
    found = []
    for name, key in (("signals", "signal_id"), ("actions", "action_id"), ("fills", "fill_id"), ("resimulated", "signal_id")):
        if name not in tables:
            continue
        ids = tables[name].text(key)
        usable = [r for r in rows_where(~tables[name].bad) if ids[r] is not None]
        folded = pd.Series([ids[r].casefold() for r in usable], index=usable, dtype=object)
        for rows in folded[folded.duplicated(keep=False)].groupby(folded).groups.values():
            distinct = sorted({ids[r] for r in rows})
            if len(distinct) > 1:
                found += [Finding("D233", name, int(r), key, ids[r], f"{_another(ids[r], distinct)} exists") for r in rows]
    return found


def _another(own: str, distinct: list[str]) -> str:
    return show(next(d for d in distinct if d != own))


def orphans(tables: Tables) -> list[Finding]:
    """D231, D233: a reference to a row that is not there, or that is written differently there."""
    found = []
    for name, column, parent, parent_key, rows in (
        ("actions", "signal_id", "signals", "signal_id", tables.signal_of_action),
        ("fills", "action_id", "actions", "action_id", tables.action_of_fill),
    ):
        if name not in tables:
            continue
        named = tables[name].text(column)
        lost = (rows < 0) & _given(named)
        there = tables[parent].text(parent_key) if lost.any() and parent in tables else ()
        known = {fold(i): i for i in sorted(i for i in there if i is not None)}
        for row in rows_where(lost):
            twin = known.get(fold(named[row]))
            code, text = (
                ("D233", f"{show(twin)} exists") if twin is not None else ("D231", f"no {parent[:-1]} {show(named[row])}")
            )
            found.append(Finding(code, name, row, column, named[row], text))
    return found


def initiates(tables: Tables) -> list[Finding]:
    """D104, D231: INITIATE needs asset and side and has no signal; every other action needs its signal."""
    table = tables["actions"]
    initiate = is_one_of(table.text("action"), "INITIATE")
    no_signal = is_empty(table, "signal_id")
    lacking = rows_where(no_signal & ~initiate & ~table.bad)
    found = [Finding("D104", "actions", r, "signal_id", "", text="missing; only INITIATE has no signal") for r in lacking]
    text = "must be empty for INITIATE, an order without a signal; remove it or correct the action"
    ids = table.text("signal_id")
    found += [Finding("D231", "actions", r, "signal_id", ids[r], text=text) for r in rows_where(initiate & ~no_signal)]
    for column in ("asset", "side"):
        text = f"missing; INITIATE needs its own {column}"
        found += [Finding("D104", "actions", r, column, "", text=text) for r in rows_where(initiate & is_empty(table, column))]
    return found


def same_asset_and_side(tables: Tables) -> list[Finding]:
    """D121: an action that names another asset or side than its signal."""
    if "signals" not in tables:
        return []
    table, linked = tables["actions"], tables.signal_of_action
    found = []
    for column in ("asset", "side"):
        own, theirs = table.text(column), _parent(linked, tables["signals"].text(column))
        differs = (linked >= 0) & _given(own) & _given(theirs) & (own != theirs)
        for row in rows_where(differs):
            text = f"the signal has {show(theirs[row])}; leave it empty, or correct it (an opposite order is REVERSE)"
            found.append(Finding("D121", "actions", row, column, own[row], text=text))
    return found


def _given(text: NDArray[np.object_]) -> NDArray[np.bool_]:
    return np.array([t is not None for t in text], dtype=bool)


def _parent(rows: IntArray, column: NDArray[np.object_]) -> NDArray[np.object_]:
    return np.array([column[r] if r >= 0 else None for r in rows.tolist()], dtype=object)


def several_actions(tables: Tables) -> list[Finding]:
    """D232: more than one action on a signal."""
    table = tables["actions"]
    ids = table.text("action_id")
    groups = groups_of(tables.signal_of_action)
    found = []
    for signal, rows in groups.items():
        distinct = sorted({ids[r] or "" for r in rows})
        if signal >= 0 and len(distinct) > 1:
            text = f"actions {', '.join(show(i)[1:-1] for i in distinct[:5])}"
            signal_id = tables["signals"].text("signal_id")[signal]
            found += [Finding("D232", "actions", int(r), "signal_id", signal_id, text) for r in rows]
    return found


def decisions(tables: Tables) -> list[Finding]:
    """D236: rows of one decision by two traders."""
    table = tables["actions"]
    given, ids, trader = table.text("decision_id"), table.text("action_id"), table.text("trader")
    names = pd.Series([g if g is not None else i for g, i in zip(given, ids, strict=True)], dtype=object)
    found = []
    for decision, rows in names[names.duplicated(keep=False)].groupby(names).groups.items():
        traders = sorted({trader[r] for r in rows if trader[r] is not None})
        if len(traders) > 1:
            text = f"traders {', '.join(show(t) for t in traders[:4])}"
            found += [Finding("D236", "actions", int(r), "decision_id", decision, text) for r in rows]
    return found


def fills_of_vetoes(tables: Tables) -> list[Finding]:
    """D125: a fill on a VETO."""
    if "fills" not in tables:
        return []
    verbs = _parent(tables.action_of_fill, tables["actions"].text("action"))
    named = tables["fills"].text("action_id")
    return [Finding("D125", "fills", r, "action_id", named[r]) for r in rows_where(is_one_of(verbs, "VETO"))]


def undecided(tables: Tables) -> list[Finding]:
    """D144: a signal nobody acted on."""
    if "signals" not in tables:
        return []
    acted = np.isin(tables.chain["signals"], tables.chain["actions"])
    return [Finding("D144", "signals", r) for r in rows_where(~acted)]


def order_in_time(tables: Tables) -> list[Finding]:
    """D211, D212, D216: an action before its signal or after its expiry, a fill before its action."""
    skew = parse_duration(tables.plan.max_skew)
    found = []
    acted = tables["actions"].ints("time")
    if "signals" in tables:
        issued = _parent_time(tables.signal_of_action, tables["signals"].ints("time"))
        found += _early("D211", "actions", acted, issued, skew)
        expires = _parent_time(tables.signal_of_action, tables["signals"].ints("expires"))
        late = (acted != NULL) & (expires != NULL) & (acted > expires)
        found += [
            Finding(
                "D216", "actions", r, "time", instant_text(int(acted[r])), f"expired {_seconds(acted[r] - expires[r])} before"
            )
            for r in rows_where(late)
        ]
    if "fills" in tables:
        filled = tables["fills"].ints("time")
        found += _early("D212", "fills", filled, _parent_time(tables.action_of_fill, acted), skew)
    return found


def _parent_time(rows: IntArray, times: IntArray) -> IntArray:
    return np.where(rows >= 0, times[rows], NULL) if len(times) else np.full(len(rows), NULL, dtype=np.int64)


def _early(code: str, table: str, times: IntArray, after: IntArray, skew: int) -> list[Finding]:
    wrong = (times != NULL) & (after != NULL) & (times < after - skew)
    limit = f"tolerance {skew // SECOND if skew % SECOND == 0 else skew / SECOND} s (max_skew)"
    return [
        Finding(code, table, r, "time", instant_text(int(times[r])), f"{_seconds(times[r] - after[r])}, {limit}")
        for r in rows_where(wrong)
    ]


def _seconds(microseconds: int) -> str:
    return f"{int(microseconds) / SECOND:.3f} s"


def written_late(tables: Tables) -> list[Finding]:
    """D215: an action written down later than the plan's limit."""
    table = tables["actions"]
    time, recorded = table.ints("time"), table.ints("recorded_at")
    late = (time != NULL) & (recorded != NULL) & (recorded - np.maximum(time, 0) > parse_duration(tables.plan.late_after))
    limit = f"after time, limit {tables.plan.late_after}"
    return [
        Finding("D215", "actions", r, "recorded_at", instant_text(int(recorded[r])), f"{_seconds(recorded[r] - time[r])} {limit}")
        for r in rows_where(late)
    ]


CHECKS: Final[tuple[Check, ...]] = (
    values.quantity_signs,
    values.quoted_sizes,
    values.action_quantities,
    values.price_signs,
    values.price_rows,
    values.signal_prices,
    values.horizons,
    values.missing_horizons,
    values.expiries,
    values.fees,
    values.fee_schedule,
    values.quotes,
    values.corporate_values,
    off_scale,
    conflicts,
    case_twins,
    orphans,
    initiates,
    same_asset_and_side,
    several_actions,
    decisions,
    quantities.quantities_against_signal,
    fills_of_vetoes,
    quantities.filled_quantities,
    undecided,
    order_in_time,
    written_late,
)
"""Everything asked of a record before market data is looked at."""
