"""The quantities, prices, costs and rates of one ledger row, each as exactly as they are known.

From the record's fills where they are at hand, else from the totals the row itself stores. Money is in micro-units, everything else
in units, currency per unit and base currency per unit of the asset's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from skillstats.ledger.containers import Ledger
from skillstats.ledger.explain_numbers import HALF_MICRO, HALF_NANO, Range, around, on_grid, point
from skillstats.ledger.explain_record import Filled, arrival_notional, fills_of, notional
from skillstats.units import MICRO, parse_decimal

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Facts:
    """What a row is computed from.

    sign : +1 BUY, -1 SELL; q, filled, overlap : units (filled signed in the signal's direction); p, mark : currency per unit
    paid, arrival : sum of quantity times price, and times mid, in micro-units of the asset's own currency
    model_fee, actual_fee : micro-units of the base currency; rate : base per unit of own currency
    multiplier : currency per (currency per unit x unit); fills : from the record, None where the row's totals had to do
    """

    sign: int
    q: Range
    filled: Range
    overlap: Range
    p: Range | None
    mark: Range | None
    paid: Range
    arrival: Range | None
    model_fee: Range | None
    actual_fee: Range | None
    rate: Range | None
    multiplier: Fraction
    fills: tuple[Filled, ...] | None

    @property
    def exact(self) -> bool:
        """Whether every number is known exactly, so that recomputed cells must equal the stored ones."""
        numbers = (self.q, self.filled, self.p, self.mark, self.paid, self.arrival, self.model_fee, self.actual_fee, self.rate)
        return all(n is None or n.exact for n in numbers)


def last_instant(ledger: Ledger, row: Row) -> int:
    """The latest instant whose fills count: the horizon, or the instant of the evaluation if that is earlier."""
    as_of = int(ledger.result["as_of"])
    return as_of if row["horizon_time"] is None else min(row["horizon_time"], as_of)


def adjusted(row: Row) -> bool:
    """Whether a split or dividend changed the units of the row, so that the record's own cells cannot be compared one by one."""
    return "D262" in (row["warnings"] or "").split(";")


def gather(ledger: Ledger, row: Row) -> Facts:
    """The facts of one row of ``ledger.rows`` (instants as int64)."""
    scale = ledger.result["scales"][row["asset"]]
    multiplier, lot = parse_fraction(scale["multiplier"]), parse_fraction(scale["lot"])
    half_tick = parse_fraction(scale["tick"]) / 2
    fills = None
    if ledger.record is not None and not adjusted(row):
        fills = fills_of(ledger.record, row, last_instant(ledger, row))
    shown = _Shown(row, units_exact=not adjusted(row) and on_nano(lot), price_exact=not adjusted(row) and on_nano(half_tick))
    rate = _rate(row)
    q = shown.units("model_quantity")
    p = shown.price("model_price")
    if fills is None:
        step = None if adjusted(row) else half_tick * lot * multiplier * MICRO
        filled, paid, arrival = shown.units("actual_quantity"), _money(row, "actual_notional", step), None
        if row["arrival_notional"] is not None:
            arrival = _money(row, "arrival_notional", step)
    else:
        filled = point(sum((f.quantity for f in fills if f.inside), Fraction(0)))
        paid, known = point(notional(fills, multiplier)), arrival_notional(fills, multiplier)
        arrival = None if row["arrival_notional"] is None or known is None else point(known)
    return Facts(
        sign=1 if row["side"] == "BUY" else -1,
        q=q,
        filled=filled,
        overlap=shown.units("overlap"),
        p=p if p is not None and row["model_quantity"] else None,
        mark=shown.price("mark"),
        paid=paid,
        arrival=arrival,
        model_fee=_model_fee(ledger, row, q, p, multiplier, rate),
        actual_fee=_actual_fee(row, fills, rate),
        rate=rate,
        multiplier=multiplier,
        fills=fills,
    )


def parse_fraction(text: str) -> Fraction:
    """A scale of the manifest, ``1/8`` or ``0.01``."""
    return Fraction(text)


def on_nano(step: Fraction) -> bool:
    """Whether nine places show every multiple of a step."""
    return (step * 10**9).denominator == 1


@dataclass(frozen=True, slots=True)
class _Shown:
    """Cells shown with nine places, and whether nine are enough."""

    row: Row
    units_exact: bool
    price_exact: bool

    def units(self, name: str) -> Range:
        return around(Fraction(self.row[name]), Fraction(0) if self.units_exact else HALF_NANO)

    def price(self, name: str) -> Range | None:
        if self.row[name] is None:
            return None
        return around(Fraction(self.row[name]), Fraction(0) if self.price_exact else HALF_NANO)


def _money(row: Row, name: str, step: Fraction | None) -> Range:
    """A stored sum of money before it was rounded: on the grid of the asset where that is known, else within half a micro-unit."""
    return around(row[name], HALF_MICRO) if step is None else on_grid(row[name], step)


def _rate(row: Row) -> Range | None:
    """Exchange rate at the mark; 1 in the base currency, None while it is not known."""
    if row.get("signal_fx") is None:
        return point(1)
    return None if row["mark_fx"] is None else point(Fraction(row["mark_fx"]))


def _model_fee(ledger: Ledger, row: Row, q: Range, p: Range | None, multiplier: Fraction, rate: Range | None) -> Range | None:
    """Fee of the model's fill by the plan's schedule: max(minimum, per_unit q + per_order + bps |q p| / 10,000)."""
    fees = ledger.plan.fees
    per_unit, per_order, bps, least = (parse_decimal(getattr(fees, k)) for k in ("per_unit", "per_order", "bps", "minimum"))
    if not row["model_quantity"] or not any((per_unit, per_order, bps, least)):
        return point(0)
    if p is None or rate is None:
        return None
    turnover = _size(q * p).times(multiplier)
    fee = q.times(per_unit) + point(per_order) + turnover.times(bps / 10_000)
    return Range(max(least, fee.low), max(least, fee.high)).times(MICRO) * rate


def _size(value: Range) -> Range:
    ends = sorted((abs(value.low), abs(value.high)))
    return Range(Fraction(0) if value.low < 0 < value.high else ends[0], ends[1])


def _actual_fee(row: Row, fills: tuple[Filled, ...] | None, rate: Range | None) -> Range | None:
    if rate is None or row["actual_cost"] is None:
        return None
    if fills is not None:
        return point(sum(f.fee for f in fills if f.inside)) * rate
    own = row.get("signal_fx") is None  # in the base currency the sum of the fees is whole already
    return point(row["actual_cost"]) if own else around(row["actual_cost"], HALF_MICRO)
