"""What the chains without a counterfactual could have been worth: the worst and the best the market allows.

Only the mark M and the model's price p move a value-add,

    value_add = s [(Q - q) M - N + q p] - (c_actual - c_model(p)),

so each missing one of the two is let range, on its own, over every reference price of the asset (in anchor-time units) from the newest row at
or before the anchor to the first row at or after the horizon, none later than `as_of`. Known ones stay fixed; a chain that only lacks the
signal's mid, or a mid at a fill, has one value. A chain without any price, or without an exchange rate at its horizon, has no bound. A chain
that would be OPEN is not part of the closed total, and neither is it here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from math import ceil, floor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skillstats.ledger.chains import Chains, FillRows
from skillstats.ledger.costs import model_fee
from skillstats.ledger.pricing import Prices
from skillstats.ledger.setaside import UNAVAILABLE
from skillstats.market.adjust import Corporate
from skillstats.market.currency import BASE
from skillstats.market.marks import Market

Ends = tuple[Fraction, ...]


@dataclass(frozen=True, slots=True)
class Case:
    """Bounds of one chain, whole micro-units, outwards; None where there is no bound. `trader` is None where nobody decided."""

    trader: str | None
    lowest: int | None
    highest: int | None


@dataclass(frozen=True, slots=True)
class Candidates:
    """Chains as they came, with their look-ups; `fills` as recorded, `counted` those inside the horizon."""

    market: Market
    corporate: Corporate
    chains: Chains
    fills: FillRows
    counted: NDArray[np.bool_]
    prices: Prices


def worst_cases(c: Candidates, traders: NDArray[np.object_], codes: Mapping[int, str]) -> list[Case]:
    """Bounds of the closed chains that were set aside for want of a price or rate.

    Parameters
    ----------
    traders : (chain,) name or None; codes : code of each chain set aside
    """
    found = []
    for i in sorted(i for i, code in codes.items() if code in UNAVAILABLE and not c.prices.open[i]):
        ends = _ends(c, i) if codes[i] == "D254" else None
        found.append(Case(traders[i], floor(min(ends)), ceil(max(ends))) if ends else Case(traders[i], None, None))
    return found


def _ends(c: Candidates, i: int) -> list[Fraction] | None:
    """Value-add at every combination of ends, micro-units of the base currency."""
    name, side, q = str(c.chains.name[i]), int(c.chains.side[i]), int(c.chains.q[i])
    if c.prices.fx[i] != BASE and not c.prices.mark_fx.usable[i]:
        return None
    rate = Fraction(int(c.prices.mark_fx.numerator[i]), int(c.prices.mark_fx.denominator[i]))
    span = _span(c, i)
    mark = _adjusted(c, i, c.prices.mark.lookup.price[i], c.prices.mark.lookup.time[i]) if c.prices.mark.usable[i] else span
    model = _model_ends(c, i, span) if q else (Fraction(0),)
    if mark is None or model is None:
        return None
    scale, filled, notional, paid = c.corporate.scales[name], *_traded(c, i)
    values = []
    for m, p in product(mark, model):
        gross = side * ((filled - q) * m - notional + q * p) * scale.micro_per_step
        values.append((gross - paid + model_fee(c.market.plan.fees, q, p, scale)) * rate)
    return values


def _model_ends(c: Candidates, i: int, span: Ends | None) -> Ends | None:
    """The model's price, impact included, where it was there by the horizon, else the span."""
    look = c.prices.model.lookup
    if (
        not c.prices.model.usable[i]
        or c.prices.no_impact[i]
        or max(int(c.prices.model_time[i]), int(look.time[i])) > c.prices.horizon[i]
    ):
        return span
    (price,) = _adjusted(c, i, look.price[i], look.time[i])
    return (price + int(c.chains.side[i]) * int(c.prices.impact[i]),)


def _adjusted(c: Candidates, i: int, price: Any, stamp: Any) -> Ends:
    ratio, cash = c.corporate.factors(str(c.chains.name[i]), int(c.chains.anchor[i]), int(stamp))
    return (ratio * int(price) + cash,)


def _span(c: Candidates, i: int) -> Ends | None:
    """Lowest and highest reference price around the chain, half ticks in anchor-time units; None without any row."""
    name, anchor = str(c.chains.name[i]), int(c.chains.anchor[i])
    series = c.market.store.series(int(c.chains.asset[i]), "mid")
    start = max(int(np.searchsorted(series.time, anchor, side="right")) - 1, 0)
    known = int(np.searchsorted(series.time, c.market.as_of, side="right"))
    stop = min(int(np.searchsorted(series.time, int(c.prices.horizon[i]), side="left")) + 1, known)
    if start >= stop:
        return None
    time, price = np.asarray(series.time[start:stop]), np.asarray(series.price[start:stop])
    history = c.corporate.histories.get(name)
    cuts = np.searchsorted(time, history.time, side="left") if history is not None else np.zeros(0, dtype=np.int64)
    ends: list[Fraction] = []
    for part in np.split(np.arange(len(time)), np.unique(cuts)):
        if len(part):  # between two corporate actions K and D are the same, and K > 0
            ratio, cash = c.corporate.factors(name, anchor, int(time[part[0]]))
            ends += [ratio * int(x) + cash for x in (price[part].min(), price[part].max())]
    return min(ends), max(ends)


def _traded(c: Candidates, i: int) -> tuple[Fraction, Fraction, Fraction]:
    """Q, N and the fees paid, in anchor-time units."""
    filled, notional, paid = Fraction(0), Fraction(0), Fraction(0)
    for k in range(int(c.fills.offsets[i]), int(c.fills.offsets[i + 1])):
        if c.counted[k]:
            ratio, cash = c.corporate.factors(str(c.chains.name[i]), int(c.chains.anchor[i]), int(c.fills.time[k]))
            lots = int(c.fills.quantity[k]) / ratio
            filled, notional, paid = (
                filled + lots,
                notional + lots * (ratio * int(c.fills.price[k]) + cash),
                paid + int(c.fills.fee[k]),
            )
    return filled, notional, paid


def bounds_of(cases: Iterable[Case], base: int = 0) -> dict[str, int]:
    """How many chains, how many without a bound, and the lowest and highest sum on top of `base`, micro-units."""
    every = list(cases)
    return {
        "chains": len(every),
        "unbounded": sum(e.lowest is None for e in every),
        "lowest": base + sum(e.lowest or 0 for e in every),
        "highest": base + sum(e.highest or 0 for e in every),
    }
