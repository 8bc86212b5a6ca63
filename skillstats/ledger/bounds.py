"""Whether the money of a record fits 64 bits, checked before anything is computed. Nothing wraps.

The bound of a chain is its whole quantity, the model's and the person's, times the span of the prices used, plus the fees, times the exchange rate: no
P/L and no part can exceed it. A chain at or above 2^63 micro-units (9.2e12 of the currency) is set aside (D103); a record whose
chains together reach that far is refused (F110).
"""

from __future__ import annotations

from fractions import Fraction
from typing import Final

import numpy as np

from skillstats.errors import RULES, InputRejected, Problem
from skillstats.ledger.chains import Chains, FillRows
from skillstats.ledger.grid import Grid
from skillstats.ledger.pricing import Prices
from skillstats.market.currency import BASE
from skillstats.record.containers import NULL

LIMIT: Final = 2**63


def chain_bounds(chains: Chains, fills: FillRows, prices: Prices, grid: Grid) -> list[int]:
    """Largest magnitude any amount of each chain can reach, micro-units of the base currency; `fills` as they were recorded."""
    every, fills = np.arange(len(chains)), grid.fills(fills)
    owner = np.r_[np.arange(len(chains)), np.arange(len(chains)), np.arange(len(chains)), fills.chain, fills.chain]
    looks = [(every, prices.signal_mid), (every, prices.model), (every, prices.mark), (fills.chain, prices.arrival)]
    used = np.concatenate([*(grid.price(chain, m.lookup.time, m.lookup.price) for chain, m in looks), fills.price])
    used = np.where(used == NULL, 0, used)
    high, low = np.zeros(len(chains), dtype=used.dtype), np.zeros(len(chains), dtype=used.dtype)
    np.maximum.at(high, owner, used)
    np.minimum.at(low, owner, used)
    lots = (chains.q * grid.lots).astype(object) + fills.total(np.abs(fills.quantity).astype(object))
    fees = fills.total(np.abs(fills.fee).astype(object))
    steps = [s.micro_per_step for s in grid.scales]
    spans = [lots[i] * (int(high[i]) - int(low[i])) * steps[grid.scale[i]] for i in every]
    exact = [span + Fraction(int(fee)) for span, fee in zip(spans, fees, strict=True)]
    for i in np.flatnonzero(prices.fx != BASE):
        two = (prices.signal_fx, prices.mark_fx)
        exact[i] *= max(Fraction(int(r.numerator[i]), int(r.denominator[i])) for r in two)
    return [-(-e.numerator // e.denominator) for e in exact]


def too_large(bounds: list[int]) -> list[tuple[int, str, str]]:
    """Chains that leave 64 bits: (chain, code, what was found)."""
    return [
        (i, "D103", f"quantity times price is {b / 1e6:.3g}, the limit is {LIMIT / 1e6:.3g}")
        for i, b in enumerate(bounds)
        if b >= LIMIT
    ]


def refuse_total(total: int) -> None:
    """Refuse a record whose chains together leave 64 bits.

    Parameters
    ----------
    total : sum of the bounds of all chains that stay

    Raises
    ------
    InputRejected
        F110.
    """
    if total >= LIMIT:
        text = f"quantities times prices add to {total / 1e6:.3g}, the limit is {LIMIT / 1e6:.3g}; {RULES['F110'].text}"
        raise InputRejected([Problem("F110", "signals", "signals", 0, text)])
