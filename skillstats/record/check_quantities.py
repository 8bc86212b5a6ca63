"""Quantities of orders and fills against each other, in the units of the action's time: a split in between is no difference."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skillstats.record.chains import Tables, assets_of
from skillstats.record.check_values import aligned, is_one_of, rows_where
from skillstats.record.raw import Finding
from skillstats.record.splits import History, parsed_histories


def quantities_against_signal(tables: Tables) -> list[Finding]:
    """D123, D126: the ordered quantity against the signal's, in the units of the action's time."""
    if not len(tables.parsed.get("signals", ())):
        return []
    table, linked = tables["actions"], tables.signal_of_action
    own, theirs = table.decimals("quantity"), tables["signals"].decimals("quantity").take(np.maximum(linked, 0))
    both = (linked >= 0) & own.given & theirs.given & (own.mantissa > 0) & (theirs.mantissa > 0)
    same = (own.mantissa == theirs.mantissa) & (own.places == theirs.places)
    issued, acted = tables["signals"].ints("time"), table.ints("time")
    for r, history in _with_history(tables, "actions", both):
        same[r] = own.value(r) == theirs.value(r) * history.ratio(int(issued[linked[r]]), int(acted[r]))
    verbs = table.text("action")
    other = rows_where(both & ~same & is_one_of(verbs, "ACCEPT", "DELAY", "REPRICE"))
    resized = rows_where(both & same & is_one_of(verbs, "RESIZE"))
    found = [Finding("D123", "actions", r, "quantity", own.shown(r), f"signal {theirs.shown(r)}") for r in other]
    return found + [Finding("D126", "actions", r, "quantity", own.shown(r)) for r in resized]


def filled_quantities(tables: Tables) -> list[Finding]:
    """D141, D142, D143: filled more than ordered, less, or not at all; fills count in the units of the action's time."""
    table = tables["actions"]
    ordered = table.decimals("quantity")
    fills = tables["fills"].decimals("quantity") if "fills" in tables else ordered.take(np.zeros(0, dtype=np.int64))
    wanted, done = aligned(ordered, fills, terms=len(fills) + 1)
    total: NDArray[Any] = np.zeros(len(table), dtype=wanted.dtype)
    linked = tables.action_of_fill >= 0
    split = _unsplit(tables, done, linked)
    if split:
        done, total = done.astype(object), total.astype(object)
        for row, quantity in split.items():
            done[row] = quantity
    np.add.at(total, tables.action_of_fill[linked], done[linked])
    tried = np.zeros(len(table), dtype=bool)
    tried[tables.action_of_fill[linked]] = True
    orders = ordered.given & (ordered.mantissa > 0) & ~is_one_of(table.text("action"), "VETO") & ~table.bad
    top = most_places(tables)
    shown = max(top, tables.places)
    found = []
    for code, wrong in (("D141", total > wanted), ("D142", tried & (total < wanted))):
        for row in rows_where(orders & wrong.astype(bool)):
            found.append(
                Finding(
                    code,
                    "actions",
                    row,
                    "quantity",
                    ordered.shown(row),
                    f"filled {_shown(round(total[row] * 10 ** (shown - top)), shown)}",
                )
            )
    if tables.plan.unfilled == "quarantine":
        found += [Finding("D143", "actions", r, "quantity", ordered.shown(r)) for r in rows_where(orders & ~tried)]
    return found


def most_places(tables: Tables) -> int:
    """Most decimal places of any quantity of an action or a fill."""
    columns = [tables[name].decimals("quantity") for name in ("actions", "fills") if name in tables]
    return max([int(c.places.max()) for c in columns if len(c)], default=0)


def _unsplit(tables: Tables, done: NDArray[Any], linked: NDArray[np.bool_]) -> dict[int, Fraction]:
    """Quantities of the fills after a split that came after their action, divided by its ratio."""
    if "fills" not in tables:
        return {}
    filled, acted = tables["fills"].ints("time"), tables["actions"].ints("time")
    ratios = {r: h.ratio(int(acted[tables.action_of_fill[r]]), int(filled[r])) for r, h in _with_history(tables, "fills", linked)}
    return {r: int(done[r]) / ratio for r, ratio in ratios.items() if ratio != 1}


def _with_history(tables: Tables, table: str, wanted: NDArray[np.bool_]) -> list[tuple[int, History]]:
    """Wanted rows of an asset with corporate actions."""
    histories = parsed_histories(tables)
    if not histories:
        return []
    assets = assets_of(tables, table)
    return [(r, histories[assets[r]]) for r in rows_where(wanted) if assets[r] in histories]


def _shown(mantissa: int, places: int) -> str:
    digits = f"{mantissa:0{places + 1}d}"
    return f"{digits[:-places]}.{digits[-places:]}".rstrip("0").rstrip(".") if places else digits
