"""Run a user's model as if all its orders had been followed, to get the table `resimulated`.

The model is asked at each instant of a clock and sees three things only: the instant, its own positions so far with every order filled in
full at once, and the fresh reference price of an asset at that instant. Nothing later than the instant can be reached, so what it decides up
to t does not depend on any price after t. Where the model holds no state beyond this, its answer is a function of signals and market alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal, localcontext
from fractions import Fraction
from types import MappingProxyType
from typing import Final, Protocol

import numpy as np
import pyarrow as pa

from skillstats.errors import UsageError, show
from skillstats.market.marks import Market, mark_at
from skillstats.market.opening import open_market
from skillstats.plan import Plan
from skillstats.record.containers import Record
from skillstats.record.instants import instant_text
from skillstats.record.read import under_plan
from skillstats.record.schema import SCHEMA, SIDES
from skillstats.record.splits import Histories, histories_of

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a model wants at an instant; the fields of a signal, in units and currency per unit.

    model : default the record's only model; signal_id : default made from the instant and the place in the answer
    """

    asset: str
    side: str
    quantity: Decimal | int | str
    price: Decimal | int | str | None = None
    model: str | None = None
    horizon: str | None = None
    expires: datetime | None = None
    signal_type: str | None = None
    strength: float | None = None
    model_version: str | None = None
    signal_id: str | None = None


@dataclass(frozen=True, slots=True)
class State:
    """What a model may know at an instant.

    now : int64 UTC microseconds; positions : asset -> signed units from the model's own orders so far, splits counted
    """

    now: int
    positions: Mapping[str, Decimal]
    _price: Callable[[str], Decimal | None]

    @property
    def moment(self) -> datetime:
        """`now` as a datetime in UTC."""
        return EPOCH + timedelta(microseconds=self.now)

    def price(self, asset: str) -> Decimal | None:
        """Fresh reference price of an asset at `now` (mid, else close); None if there is none or it is too old."""
        return self._price(asset)


class PureModel(Protocol):
    """A model as a function of what may be known."""

    def decide(self, state: State) -> Iterable[Order]:
        """Orders at one instant, in order."""
        ...


def resimulate(
    record: Record, model: PureModel, plan: Plan | None = None, *, times: Iterable[int | datetime] | None = None
) -> pa.Table:
    """Ask a model at each instant, with its own orders followed in full.

    Parameters
    ----------
    record : prices and, for the clock, signals
    model : its `decide` gets a `State` and answers with orders
    plan : the declared choices (freshness, calendars); the plan of the record if None
    times : instants to ask at, int64 UTC microseconds or datetimes with a zone; the distinct signal times of the record if None

    Returns
    -------
    Table with the columns of ``signals`` as text, to be written as ``resimulated.parquet`` or given to `read_record`

    Raises
    ------
    UsageError
        If an order or an instant cannot be used.
    """
    plan = plan or record.plan
    record = under_plan(record, plan)
    signals = record.tables["signals"]
    clock = np.unique(signals["time"]).tolist() if times is None else sorted({_instant(t) for t in times})
    market, histories = open_market(record, plan), histories_of(record)
    names = sorted(set(signals["model"].tolist()))
    only = names[0] if len(names) == 1 else None
    held: dict[str, Fraction] = {}
    rows: list[dict[str, str]] = []
    before = clock[0] if clock else 0
    for now in clock:
        held = {a: x * _ratio(histories, a, before, now) for a, x in held.items()}
        state = State(now, MappingProxyType({a: _decimal(x) for a, x in held.items()}), _prices(record, market, now))
        for n, order in enumerate(model.decide(state)):
            cells = _cells(order, now, n, only)
            sign = 1 if cells["side"] == "BUY" else -1
            held[order.asset] = held.get(order.asset, Fraction(0)) + sign * Fraction(cells["quantity"])
            rows.append(cells)
        before = now
    return pa.table({name: pa.array([r[name] for r in rows], pa.string()) for name in SCHEMA["signals"].names})


def _instant(time: int | datetime) -> int:
    if isinstance(time, datetime):
        if time.tzinfo is None:
            raise UsageError(f"times: {time} has no zone, so it is no instant; give one with a zone")
        return (time - EPOCH) // timedelta(microseconds=1)
    return int(time)


def _ratio(histories: Histories, asset: str, after: int, until: int) -> Fraction:
    return histories[asset].ratio(after, until) if asset in histories else Fraction(1)


def _prices(record: Record, market: Market, now: int) -> Callable[[str], Decimal | None]:
    """Look-up at one instant: the market as it stood then."""
    then, code = replace(market, as_of=now), market.store.code_of()

    def price(asset: str) -> Decimal | None:
        mark = mark_at(then, np.array([code.get(asset, -1)]), np.array([now]))
        return _decimal(int(mark.lookup.price[0]) * record.scales[asset].half_tick) if mark.usable[0] else None

    return price


def _decimal(value: Fraction) -> Decimal:
    """A fraction as a decimal; exact wherever it has an end within 60 digits."""
    with localcontext() as context:
        context.prec = 60
        return Decimal(value.numerator) / value.denominator


def _cells(order: Order, now: int, n: int, only: str | None) -> dict[str, str]:
    """One row of the table as text."""
    found = f"order {n + 1} at {instant_text(now)}"
    name = order.model if order.model is not None else only
    if name is None:
        raise UsageError(f"{found}: no model, and the record has several; name the model in the order")
    if order.side not in SIDES:
        raise UsageError(f"{found}: side={show(order.side)}, not in {{BUY, SELL}}")
    quantity = _plain(order.quantity, f"{found}: quantity")
    if Fraction(quantity) <= 0:
        raise UsageError(f"{found}: quantity={quantity}, must be > 0; use side for direction")
    return {
        "signal_id": order.signal_id or f"resimulated/{now}/{n + 1}",
        "time": instant_text(now),
        "model": name,
        "asset": order.asset,
        "side": order.side,
        "quantity": quantity,
        "price": "" if order.price is None else _plain(order.price, f"{found}: price"),
        "signal_type": order.signal_type or "",
        "strength": "" if order.strength is None else repr(order.strength),
        "horizon": order.horizon or "",
        "expires": "" if order.expires is None else instant_text(_instant(order.expires)),
        "model_version": order.model_version or "",
    }


def _plain(value: Decimal | int | str, what: str) -> str:
    """A plain decimal without exponent."""
    try:
        number = Decimal(value)
    except (ArithmeticError, TypeError, ValueError):
        raise UsageError(f"{what}={show(value)}, not a decimal") from None
    if not number.is_finite():
        raise UsageError(f"{what}={show(value)}, not a finite number")
    return f"{number:f}"
