"""Fills that stand oddly against the market at their instant: a slipped decimal point (D114), a price outside the quote (D115).

Both are warnings of the row: the fill and the price row that stood at its instant decide them, so nothing later can change them. A fill is
compared with the reference price as the market quoted it, in the units of that moment; where a split or dividend lies between the price
row and the fill the two are in different units and nothing is said. Assets whose prices may be negative are left out, because a share of
a price near 0 means nothing. Where the model is filled at its own price (`signal_price`), that price is asked the same question.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from skillstats.errors import Problem, describe_problem
from skillstats.ledger.chains import Chains, FillRows
from skillstats.market.marks import Market, mark_at
from skillstats.record.containers import NULL, Record
from skillstats.units import Scale

IntArray = NDArray[np.int64]
FAR_PERCENT: Final = 50
"""D114: per cent from the mid. A slipped digit is -90 % or +900 %, a price of another asset usually as far; an honest fill never is."""
OUTSIDE_PERCENT: Final = 5
"""D115: per cent of the mid beyond the nearer side of the quote. The tightest price band of a liquid share is 5 %: beyond it no trade
happens, while a large order that eats through the book, or a quote some seconds old, stays inside it."""


@dataclass(frozen=True, slots=True)
class Odd:
    """Odd prices of one table: position of the chain and of the row in the table, code, words, shape (odd,) each."""

    table: str
    chain: IntArray
    row: IntArray
    code: tuple[str, ...]
    found: tuple[str, ...]


def odd_fills(record: Record, market: Market, chains: Chains, fills: FillRows) -> Odd:
    """Fills far from the mid or outside the quote that stood at their instant."""
    price = record.tables["fills"]["price"][fills.row] if "fills" in record.tables else fills.price
    return _judge("fills", record, market, chains, fills.chain, fills.row, fills.time, price)


def odd_signal_prices(record: Record, market: Market, chains: Chains) -> Odd:
    """Signal prices far from the mid at the signal, where the model is filled at them."""
    own = np.flatnonzero((chains.signal >= 0) & (market.plan.fill_model == "signal_price"))
    row = chains.signal[own]
    found = _judge("signals", record, market, chains, own, row, chains.anchor[own], record.tables["signals"]["price"][row])
    far = [k for k, code in enumerate(found.code) if code == "D114"]
    return Odd("signals", found.chain[far], found.row[far], ("D114",) * len(far), tuple(found.found[k] for k in far))


def row_doubts(
    record: Record, market: Market, chains: Chains, fills: FillRows, counted: NDArray[np.bool_]
) -> dict[str, NDArray[np.bool_]]:
    """Chains with such a fill inside the horizon (or such a signal price), by code, for the row's own warnings."""
    marks = {code: np.zeros(len(chains), dtype=bool) for code in ("D114", "D115")}
    inside = set(fills.row[counted].tolist())
    for odd in (odd_fills(record, market, chains, fills), odd_signal_prices(record, market, chains)):
        for chain, row, code in zip(odd.chain.tolist(), odd.row.tolist(), odd.code, strict=True):
            if odd.table == "signals" or row in inside:
                marks[code][chain] = True
    return marks


def fill_problems(record: Record, market: Market, chains: Chains, fills: FillRows) -> list[Problem]:
    """One problem for each odd fill or signal price, at its place."""
    problems = []
    for odd in (odd_fills(record, market, chains, fills), odd_signal_prices(record, market, chains)):
        for chain, row, code, found in zip(odd.chain.tolist(), odd.row.tolist(), odd.code, odd.found, strict=True):
            table = record.tables[odd.table]
            key, (file, line) = str(table["fill_id" if odd.table == "fills" else "signal_id"][row]), table.place(row)
            shown = in_currency(int(table["price"][row]), record.scales[str(chains.name[chain])])
            message = describe_problem(code, key, "price", shown, found)
            name = str(chains.signal_id[chain] or chains.action_id[chain])
            problems.append(Problem(code, odd.table, file, line, message, chain=name, root=f"{file}:{line}"))
    return problems


def in_currency(half_ticks: int, scale: Scale) -> Decimal:
    """A price in half ticks as the decimal one reads, two places at least."""
    exact = half_ticks * scale.half_tick
    shown = Decimal(exact.numerator) / Decimal(exact.denominator)
    return shown if -int(shown.as_tuple().exponent) >= 2 else shown.quantize(Decimal("0.01"))


def _judge(
    table: str,
    record: Record,
    market: Market,
    chains: Chains,
    chain: IntArray,
    row: IntArray,
    time: IntArray,
    price: NDArray[Any],
) -> Odd:
    asset = chains.asset[chain]
    mid = mark_at(market, asset, time)
    suspect = mid.usable & (mid.lookup.price > 0) & (price != NULL)
    # both limits start at 5 %; the few candidates are looked at one by one, in exact integers
    gap = np.abs(np.where(suspect, price - mid.lookup.price, 0)).astype(np.float64)
    at = np.flatnonzero(suspect & (gap * 100 > 0.99 * OUTSIDE_PERCENT * np.where(suspect, mid.lookup.price, 1)))
    bid, ask = (mark_at(market, asset[at], time[at], side).lookup for side in ("bid", "ask"))
    kept, codes, words = [], [], []
    for k, i in enumerate(at.tolist()):
        name = str(chains.name[chain[i]])
        stamp, middle, paid = int(mid.lookup.time[i]), int(mid.lookup.price[i]), int(price[i])
        if _may_be_negative(market, name) or _changed_units(record, name, stamp, int(time[i])):
            continue
        sides = (int(bid.price[k]), int(ask.price[k])) if bid.row[k] == ask.row[k] == mid.lookup.row[i] else None
        found = _words(paid, middle, sides, record.scales[name])
        if found is not None:
            kept.append(i)
            codes.append(found[0])
            words.append(found[1])
    return Odd(table, chain[kept].astype(np.int64), row[kept].astype(np.int64), tuple(codes), tuple(words))


def _words(price: int, mid: int, sides: tuple[int, int] | None, scale: Scale) -> tuple[str, str] | None:
    """Code and measured values of one price against the market; None where it is as it should be."""
    away = 100 * (price - mid)
    if abs(away) > FAR_PERCENT * mid:
        return "D114", f"fill {round(away / mid)} % from mid {in_currency(mid, scale)}"
    if sides is None:
        return None
    beyond = max(sides[0] - price, price - sides[1])
    if 100 * beyond > OUTSIDE_PERCENT * mid:
        return "D115", f"fill {in_currency(price, scale)}, quote {in_currency(sides[0], scale)}/{in_currency(sides[1], scale)}"
    return None


def _may_be_negative(market: Market, name: str) -> bool:
    return name in market.plan.assets and market.plan.assets[name].may_be_negative


def _changed_units(record: Record, name: str, after: int, until: int) -> bool:
    """Whether a corporate action of the asset lies in (after, until]."""
    table = record.tables.get("corporate_actions")
    if table is None:
        return False
    return bool(((table["asset"] == name) & (table["time"] > after) & (table["time"] <= until)).any())
