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


def exits_of(record: Record, market: Market, chains: Chains) -> IntArray:
    """First later signal of each chain's model and asset on the other side; `NULL` where there is none up to as_of."""
    signals, own = record.tables["signals"], chains.signal >= 0
    code = market.store.code_of()
    asset = np.array([code.get(n, -1) for n in signals["asset"]], dtype=np.int64)
    exits = exit_times(signals["model"], asset, np.where(signals["side"] == "BUY", 1, -1), signals["time"])
    leaves = np.full(len(chains), NULL, dtype=np.int64)
    leaves[own] = np.where(exits > market.as_of, NULL, exits)[chains.signal[own]]
    return leaves


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
