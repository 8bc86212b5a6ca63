"""When each chain is marked: at its own horizon, and at any other kind of horizon."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skillstats.ledger.chains import Chains
from skillstats.ledger.rows import horizon_kinds
from skillstats.market.horizon import exit_times, horizon_times
from skillstats.market.marks import Market
from skillstats.record.containers import NULL, Record

IntArray = NDArray[np.int64]


def exits_of(record: Record, market: Market, chains: Chains, known: IntArray | None = None) -> IntArray:
    """First later signal of each chain's model and asset on the other side; `NULL` where there is none up to as_of.

    Every signal that is good by itself counts, also one whose orders set its chain aside: orders cannot enter the model's book.
    `known` : (issued signal,) the same of each, where the record is a part of another one and cannot tell by itself
    """
    issued = record.issued
    exits = _own_exits(record) if known is None else known
    by_id = dict(zip(issued["signal_id"].tolist(), np.where(exits > market.as_of, NULL, exits).tolist(), strict=True))
    return np.array([by_id[s] if s is not None else NULL for s in chains.signal_id], dtype=np.int64)


def _own_exits(record: Record) -> IntArray:
    issued = record.issued
    code = {name: i for i, name in enumerate(dict.fromkeys(issued["asset"].tolist()))}
    asset = np.array([code[n] for n in issued["asset"]], dtype=np.int64)
    return exit_times(issued["model"], asset, np.where(issued["side"] == "BUY", 1, -1), issued["time"])


def own_horizons(record: Record, market: Market, chains: Chains, exits: IntArray) -> IntArray:
    """Instant of each chain's declared horizon; `NULL` while an exit is unknown, and where none is declared."""
    return _instants(market, chains, exits, horizon_kinds(record, chains, market))


def horizons_of_kind(market: Market, chains: Chains, exits: IntArray, kind: str) -> IntArray:
    """Instant at which each chain would be marked by another kind of horizon."""
    return _instants(market, chains, exits, np.full(len(chains), kind, dtype=object))


def _instants(market: Market, chains: Chains, exits: IntArray, kinds: NDArray[np.object_]) -> IntArray:
    known = np.array([k is not None for k in kinds], dtype=bool)
    result = np.full(len(chains), NULL, dtype=np.int64)
    result[known] = horizon_times(market, kinds[known], chains.anchor[known], chains.asset[known], exits[known])
    return result
