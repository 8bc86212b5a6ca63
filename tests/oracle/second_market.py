"""The market of the second ledger: look-ups with their ages, horizons, the model's fill, rates of exchange and impact.

Everything is a loop over all rows of an asset. No look-up goes past the instant of evaluation, and none goes forward but the next open.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import floor, isqrt
from typing import Any

from second_reading import MICRO, Chain, Events, Row, Tables, duration, instant, session_of, sessions

LOOK_BACK, AT_LEAST = 20, 10
"""Sessions that impact looks back on, and how many of them must have a return."""


@dataclass(frozen=True)
class Quote:
    """A price row: reference price, bid and ask of a usable quote, open, traded volume; or a refused row, of which only the stamp counts."""

    time: int
    mid: Fraction | None
    bid: Fraction | None
    ask: Fraction | None
    open: Fraction | None
    volume: Fraction
    is_quote: bool
    refused: bool = False


@dataclass(frozen=True)
class Price:
    """A price found, and the stamp of its row."""

    value: Fraction
    time: int


def read_quote(row: Row) -> Quote:
    bid, ask, close, first = (Fraction(row[k]) if row.get(k) else None for k in ("bid", "ask", "close", "open"))
    both = bid is not None and ask is not None
    mid = (bid + ask) / 2 if bid is not None and ask is not None and bid <= ask else None
    good = mid is not None
    volume = Fraction(row.get("volume") or 0)
    return Quote(instant(row["time"]), mid if good else close, bid if good else None, ask if good else None, first, volume, both)


class Market:
    """Prices under a plan."""

    def __init__(self, tables: Tables, plan: Mapping[str, Any], events: Events) -> None:
        self.tables, self.plan, self.events = tables, plan, events
        self.quotes: dict[str, list[Quote]] = {}
        for row in tables["prices"]:
            good = all(not row.get(k) or Fraction(row[k]) > 0 for k in ("bid", "ask", "close", "open"))  # else D252
            empty = Quote(instant(row["time"]), None, None, None, None, Fraction(0), False, refused=True)
            self.quotes.setdefault(row["asset"], []).append(read_quote(row) if good else empty)
        for rows in self.quotes.values():
            rows.sort(key=lambda r: r.time)
        last = max(r.time for rows in self.quotes.values() for r in rows if not r.refused)  # a refused row moves nothing
        self.as_of = instant(plan["as_of"]) if "as_of" in plan else last
        self.desk: str = plan.get("calendar", {}).get("default", "XNYS")
        self._turnover: dict[tuple[str, int], tuple[int, Fraction, int] | None] = {}
        self._found: dict[tuple[str, int, str, bool], Price | None] = {}

    def of_asset(self, name: str, key: str, default: str) -> str:
        return str(self.plan.get("assets", {}).get(name, {}).get(key, default))

    def calendar(self, asset: str) -> str:
        return self.of_asset(asset, "calendar", self.desk) if asset in self.quotes else self.desk

    # look-ups ----------------------------------------------------------------------------------------------------------------------

    def age(self, asset: str, moment: int, stamp: int) -> int:
        """Outside the asset's trading hours counted from the last close."""
        table, k = sessions(self.calendar(asset)), session_of(self.calendar(asset), moment)
        counted_from = moment if moment >= table[k][1] else table[k - 1][2]
        return max(counted_from - stamp, 0)

    def _fresh(self, asset: str, moment: int, stamp: int) -> bool:
        ages = self.plan.get("max_age", {})
        quoted = any(r.is_quote and r.time <= moment for r in self.quotes[asset])
        limit: str = ages.get("quote", "PT60S") if quoted else ages.get("close", "session")
        if limit != "session":
            return self.age(asset, moment, stamp) <= duration(limit)
        table, k = sessions(self.calendar(asset)), session_of(self.calendar(asset), moment)
        before: int = table[k - 1][2]
        return stamp > before if moment == table[k][2] else stamp >= before

    def look(self, asset: str, moment: int | None, side: str = "mid", *, strict: bool = False) -> Price | None:
        """Newest price, if it is fresh; none after the instant of evaluation."""
        if moment is None or moment > self.as_of:
            return None
        key = (asset, moment, side, strict)
        if key not in self._found:
            best = None
            for row in self.quotes.get(asset, []):
                value = getattr(row, side)
                if row.time > moment or (row.time == moment and strict):
                    break
                if value is not None:
                    best = Price(value, row.time)
                elif row.refused:  # whoever needed this row must not take an older one in its place
                    best = None
            self._found[key] = best if best and self._fresh(asset, moment, best.time) else None
        return self._found[key]

    def adjusted(self, chain: Chain, price: Price) -> Fraction:
        """A price in the units of the chain's anchor; its own row's stamp says in which units it was written."""
        return self.events.price(chain.asset, chain.anchor, price.time, price.value)

    # rates -------------------------------------------------------------------------------------------------------------------------

    def is_foreign(self, asset: str) -> bool:
        base: str = self.plan.get("currency", "USD")
        return self.of_asset(asset, "currency", base) != base

    def has_rates(self, asset: str) -> bool:
        return self.of_asset(asset, "fx", "") in self.quotes

    def rate(self, asset: str, moment: int | None) -> Price | None:
        """Base currency per unit of the asset's currency; 1 for an asset in the base currency."""
        if not self.is_foreign(asset):
            return Price(Fraction(1), 0)
        return self.look(self.of_asset(asset, "fx", ""), moment)

    def rate_age(self, asset: str, moment: int, rate: Price) -> int:
        return self.age(self.of_asset(asset, "fx", ""), moment, rate.time)

    # horizons ----------------------------------------------------------------------------------------------------------------------

    def horizon(self, chain: Chain, kind: str, among: list[Row]) -> int | None:
        """The instant of a horizon; None while an exit among the signals `among` is unknown."""
        if kind.startswith("PT"):
            return chain.anchor + duration(kind)
        if kind == "exit":
            return self._exit(chain, among)
        calendar = self.calendar(chain.asset)
        k = session_of(calendar, chain.anchor) + (0 if kind == "close" else int(kind.removeprefix("session+")))
        return sessions(calendar)[k][2]

    def _exit(self, chain: Chain, among: list[Row]) -> int | None:
        if chain.signal is None:
            return None
        own, later = (chain.anchor, chain.name.encode()), []
        for s in among:
            same = s["model"] == chain.signal["model"] and s["asset"] == chain.asset and s["side"] != chain.signal["side"]
            if same and (instant(s["time"]), s["signal_id"].encode()) > own and instant(s["time"]) <= self.as_of:
                later.append(instant(s["time"]))
        return min(later, default=None)

    # the model's fill --------------------------------------------------------------------------------------------------------------

    def model_fill(self, chain: Chain) -> tuple[int | None, Price | None]:
        """Instant of the model's fill (None while it has not come) and the price as quoted, before impact."""
        model, asset = self.plan.get("fill_model", "arrival_mid"), chain.asset
        if not chain.q or chain.signal is None:
            return None, None
        if model == "signal_price":
            return chain.anchor, Price(Fraction(chain.signal["price"]), chain.anchor)
        if model == "next_open":
            return self._next_open(asset, chain.anchor)
        moment = chain.anchor + duration(self.plan.get("latency", "PT0S"))
        side = "mid" if model == "arrival_mid" else "ask" if chain.s > 0 else "bid"
        return moment, self.look(asset, moment, side, strict=self.plan.get("asof_model") == "strict")

    def _next_open(self, asset: str, anchor: int) -> tuple[int | None, Price | None]:
        """First open after the signal in the first session that begins strictly after it and has one."""
        table = sessions(self.calendar(asset))
        for k in range(session_of(self.calendar(asset), anchor), len(table)):
            if table[k][1] <= anchor:
                continue
            if table[k - 1][2] >= self.as_of:
                break
            upto = min(table[k][2], self.as_of)
            for row in self.quotes.get(asset, []):
                inside = max(table[k - 1][2], anchor) < row.time <= upto
                if inside and row.refused and any(r.open is not None for rows in self.quotes.values() for r in rows):
                    return row.time, None
                if row.open is not None and inside:
                    return min(table[k][1], row.time), Price(row.open, row.time)
        return None, None

    # impact ------------------------------------------------------------------------------------------------------------------------

    def asks_impact(self) -> bool:
        return Fraction(self.plan.get("impact", {}).get("y", "0")) > 0

    def turnover(self, chain: Chain) -> tuple[int, Fraction, int] | None:
        """Sum of squared returns (1e-18), volume in anchor units and number of the sessions used; None where they are too few."""
        key = (chain.asset, chain.anchor)
        if key not in self._turnover:
            self._turnover[key] = self._used(chain)
        return self._turnover[key]

    def _used(self, chain: Chain) -> tuple[int, Fraction, int] | None:
        asset, calendar = chain.asset, self.calendar(chain.asset)
        table, own = sessions(calendar), session_of(calendar, chain.anchor)
        squares, volume, n = 0, Fraction(0), 0
        for k in range(own - LOOK_BACK, own):
            before, now = self.look(asset, table[k - 1][2]), self.look(asset, table[k][2])
            if before is None or now is None:
                continue
            grown = self.events.price(asset, before.time, now.time, now.value)
            squares += round((grown - before.value) / before.value * 10**9) ** 2
            n += 1
            for row in self.quotes[asset]:
                if table[k - 1][2] < row.time <= table[k][2]:
                    volume += row.volume * self.events.ratio(asset, row.time, chain.anchor)
        return (squares, volume, n) if n >= AT_LEAST and volume else None

    def impact(self, chain: Chain, price: Fraction) -> Fraction | None:
        """Impact on the model's price (unsigned); None where volatility or volume is missing."""
        used = self.turnover(chain)
        if used is None:
            return None
        squares, volume, n = used
        half = Fraction(self.of_asset(chain.asset, "tick", "0")) / 2
        share = chain.q / (volume / n)
        y = Fraction(self.plan["impact"]["y"])
        under = (y * price / half) ** 2 * Fraction(squares, n) * share / 10**18
        return nearest_root(under) * half


def nearest_root(x: Fraction) -> int:
    """The integer nearest to the square root of x; a tie goes to the even one."""
    low = isqrt(floor(x))
    middle = Fraction(2 * low + 1, 2) ** 2
    return low if x < middle or (x == middle and low % 2 == 0) else low + 1


def unit(market: Market, asset: str) -> Fraction:
    """Micro-units of money for one unit of quantity times price."""
    return Fraction(market.of_asset(asset, "multiplier", "1")) * MICRO
