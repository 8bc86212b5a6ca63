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
from skillstats.record.price_rows import PriceRows
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


@dataclass(frozen=True, slots=True)
class _Rows:
    """Accepted price rows of one asset: time, and twice each price in its own decimals (`NULL` where there is none), (row,) each."""

    time: Any
    twice: Any
    unit: Fraction

    def at(self, index: int) -> Found:
        return Found(index, int(self.time[index]), int(self.twice[index]) * self.unit)


def price_at(record: Record, asset: str, instant: int, kind: str = "mid", *, strict: bool = False) -> Found | None:
    """Newest price row of an asset that has a `kind` and is not later than an instant (``strict``: is earlier)."""
    own = _rows(record, asset, kind)
    if own is None:
        return None
    hits = np.flatnonzero((own.twice != NULL) & ((own.time < instant) if strict else (own.time <= instant)))
    return own.at(int(hits[-1])) if len(hits) else None


def price_row(record: Record, asset: str, index: int, kind: str) -> Found | None:
    """The price row at a position within the asset's own rows."""
    own = _rows(record, asset, kind)
    if own is None or not 0 <= index < len(own.time) or own.twice[index] == NULL:
        return None
    return own.at(index)


def _rows(record: Record, asset: str, kind: str) -> _Rows | None:
    rows = record.prices
    if asset not in rows.assets:
        return None
    code = rows.assets.index(asset)
    run = np.arange(rows.offsets[code], rows.offsets[code + 1])
    run = run[~np.isin(run, rows.refused)]
    bid, ask, close, first = (_cells(rows, code, name, run) for name in ("bid", "ask", "close", "open"))
    quote = (bid != NULL) & (ask != NULL) & (bid <= ask)
    if kind == "mid":
        twice = np.where(quote, _safe(bid) + _safe(ask), np.where(close == NULL, NULL, 2 * _safe(close)))
    else:
        price = {"bid": bid, "ask": ask, "open": first}[kind]
        usable = (quote if kind != "open" else True) & (price != NULL)
        twice = np.where(usable, 2 * _safe(price), NULL)
    return _Rows(np.asarray(rows.time[run]), twice, Fraction(1, 2 * 10 ** int(rows.places[code])))


def _cells(rows: PriceRows, code: int, name: str, run: Any) -> Any:
    """One column in units of the asset's own decimals."""
    values = getattr(rows, name)
    if not len(values):
        return np.full(len(run), NULL, dtype=np.int64)
    own = values[run]
    return np.where(own == np.iinfo(own.dtype).min, NULL, own.astype(np.int64) + rows.base[code])


def _safe(values: Any) -> Any:
    return np.where(values == NULL, 0, values)


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
