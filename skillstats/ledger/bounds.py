"""Whether the money of a record fits 64 bits, checked before anything is computed. Nothing wraps.

The bound of a chain is its whole quantity, the model's and the person's, times the span of the prices used, plus the fees: no
P/L and no part can exceed it. A chain at or above 2^63 micro-units (9.2e12 of the currency) is set aside (D103); a record whose
chains together reach that far is refused (F110).
"""

from __future__ import annotations

from fractions import Fraction
from typing import Final

import numpy as np
from numpy.typing import NDArray

from skillstats.errors import RULES, InputRejected, Problem
from skillstats.ledger.chains import Chains, FillRows
from skillstats.ledger.pricing import Prices
from skillstats.record.containers import NULL, Record

LIMIT: Final = 2**63


def chain_bounds(record: Record, chains: Chains, fills: FillRows, prices: Prices) -> list[int]:
    """Largest magnitude any amount of each chain can reach, micro-units."""
    owner = np.r_[np.arange(len(chains)), np.arange(len(chains)), np.arange(len(chains)), fills.chain, fills.chain]
    used = np.r_[
        prices.signal_mid.lookup.price,
        prices.model.lookup.price,
        prices.mark.lookup.price,
        prices.arrival.lookup.price,
        fills.price,
    ]
    used = np.where(used == NULL, 0, used)
    high, low = np.zeros(len(chains), dtype=np.int64), np.zeros(len(chains), dtype=np.int64)
    np.maximum.at(high, owner, used)
    np.minimum.at(low, owner, used)
    lots = chains.q.astype(object) + fills.total(np.abs(fills.quantity).astype(object))
    fees = fills.total(np.abs(fills.fee).astype(object))
    steps = {name: record.scales[name].micro_per_step for name in sorted(set(chains.name))}
    exact = [lots[i] * (int(high[i]) - int(low[i])) * steps[name] + Fraction(int(fees[i])) for i, name in enumerate(chains.name)]
    return [-(-e.numerator // e.denominator) for e in exact]


def too_large(bounds: list[int]) -> list[tuple[int, str, str]]:
    """Chains that leave 64 bits: (chain, code, what was found)."""
    return [
        (i, "D103", f"quantity times price is {b / 1e6:.3g}, the limit is {LIMIT / 1e6:.3g}")
        for i, b in enumerate(bounds)
        if b >= LIMIT
    ]


def refuse_total(bounds: list[int], keep: NDArray[np.bool_]) -> None:
    """Refuse a record whose chains together leave 64 bits.

    Raises
    ------
    InputRejected
        F110.
    """
    total = sum(b for b, kept in zip(bounds, keep, strict=True) if kept)
    if total >= LIMIT:
        text = f"quantities times prices add to {total / 1e6:.3g}, the limit is {LIMIT / 1e6:.3g}; {RULES['F110'].text}"
        raise InputRejected([Problem("F110", "signals", "signals", 0, text)])
