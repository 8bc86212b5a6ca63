"""What a ledger row was made of, looked up again in the record, one row at a time.

This is the slow twin of the pricing: plain masks over the record's own tables, exact fractions, no shared look-up. It is at hand
only while the ledger still has the record it was built from; a ledger read back from its folder has the totals of its rows instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from skillstats.record.containers import NULL, Record
from skillstats.units import MICRO


@dataclass(frozen=True, slots=True)
class Found:
    """A price row that was looked up: position within the asset's own rows, its time (UTC us) and its price (currency per unit)."""

    index: int
    time: int
    price: Fraction


@dataclass(frozen=True, slots=True)
class Filled:
    """One fill: id, time (UTC us), quantity signed in the signal's direction (units), price, fee (micro-units), mid at its time."""

    fill_id: str
    time: int
    quantity: Fraction
    price: Fraction
    fee: int
    mid: Found | None
    inside: bool


def fills_of(record: Record, row: Mapping[str, Any], last: int) -> tuple[Filled, ...]:
    """Every fill of a row's action, in time order; `last` is the latest instant that counts."""
    table = record.tables.get("fills")
    if table is None or row["action_id"] is None:
        return ()
    scale = record.scales[row["asset"]]
    sign = -1 if row["action"] == "REVERSE" else 1
    found = []
    for i in np.flatnonzero(table["action_id"] == row["action_id"]):
        time = int(table["time"][i])
        found.append(
            Filled(
                fill_id=str(table["fill_id"][i]),
                time=time,
                quantity=sign * int(table["quantity"][i]) * scale.lot,
                price=int(table["price"][i]) * scale.half_tick,
                fee=int(table["fee"][i]),
                mid=price_at(record, row["asset"], time),
                inside=time <= last,
            )
        )
    return tuple(sorted(found, key=lambda f: (f.time, f.fill_id.encode())))


def price_at(record: Record, asset: str, instant: int, kind: str = "mid", *, strict: bool = False) -> Found | None:
    """Newest price row of an asset that has a `kind` and is not later than an instant (``strict``: is earlier)."""
    table = record.tables["prices"]
    own = np.flatnonzero(table["asset"] == asset)
    time = table["time"][own]
    usable = _prices(table, own, kind) != NULL
    hits = np.flatnonzero(usable & ((time < instant) if strict else (time <= instant)))
    return _at(record, asset, own, int(hits[-1]), kind) if len(hits) else None


def price_row(record: Record, asset: str, index: int, kind: str) -> Found | None:
    """The price row at a position within the asset's own rows."""
    own = np.flatnonzero(record.tables["prices"]["asset"] == asset)
    if not 0 <= index < len(own) or _prices(record.tables["prices"], own[[index]], kind)[0] == NULL:
        return None
    return _at(record, asset, own, index, kind)


def _prices(table: Any, rows: Any, kind: str) -> Any:
    """Price of a kind of each row in quarter ticks, so that a mid needs no division; `NULL` where there is none."""
    bid, ask = table["bid"][rows], table["ask"][rows]
    quote = (bid != NULL) & (ask != NULL) & (bid <= ask)
    if kind == "mid":
        close = table["close"][rows]
        return np.where(quote, np.where(quote, bid, 0) + np.where(quote, ask, 0), np.where(close == NULL, NULL, 2 * _safe(close)))
    price = table[kind][rows]
    usable = (quote if kind in ("bid", "ask") else True) & (price != NULL)
    return np.where(usable, 2 * _safe(price), NULL)


def _safe(values: Any) -> Any:
    return np.where(values == NULL, 0, values)


def _at(record: Record, asset: str, own: Any, index: int, kind: str) -> Found:
    table = record.tables["prices"]
    price = int(_prices(table, own[[index]], kind)[0]) * record.scales[asset].half_tick / 2
    return Found(index, int(table["time"][own[index]]), price)


def stated_price(record: Record, signal_id: str, asset: str) -> Fraction | None:
    """The price a signal states itself."""
    table = record.tables["signals"]
    rows = np.flatnonzero(table["signal_id"] == signal_id)
    price = int(table["price"][rows[0]]) if len(rows) else NULL
    return None if price == NULL else price * record.scales[asset].half_tick


def notional(fills: tuple[Filled, ...], multiplier: Fraction) -> Fraction:
    """Sum of quantity times price over the fills that count, micro-units, exact."""
    return sum((f.quantity * f.price for f in fills if f.inside), Fraction(0)) * multiplier * MICRO


def arrival_notional(fills: tuple[Filled, ...], multiplier: Fraction) -> Fraction | None:
    """Sum of quantity times mid over the fills that count, micro-units, exact; None if one has no mid."""
    inside = [f for f in fills if f.inside]
    if any(f.mid is None for f in inside):
        return None
    return sum((f.quantity * f.mid.price for f in inside if f.mid is not None), Fraction(0)) * multiplier * MICRO
