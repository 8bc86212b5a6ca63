"""Chains: each signal with its action and its fills, and each INITIATE order with its own.

A chain is the unit that is priced, quarantined and explained. It exists for every accepted signal, followed and undecided ones
included, because the signals are the denominator. Order: (signal time, or action time for INITIATE; signal_id; action_id).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from skillstats.market.marks import Market
from skillstats.record.containers import NULL, Record, Table

IntArray = NDArray[np.int64]
TextArray = NDArray[np.object_]
NO_DECISION: Final = "NO_DECISION"
SIDE_SIGN: Final = {"BUY": 1, "SELL": -1}


@dataclass(frozen=True, slots=True)
class Chains:
    """Identity of each chain, shape (chain,) each.

    signal, row : position in the signals and actions tables, -1 where absent
    asset : position in the price store, -1 for an asset without prices; name : asset name
    side : +1 or -1; q : model lots, 0 for INITIATE; anchor : signal time (INITIATE: action time)
    decided : action time (signal time where there is no action); action : the verb or ``NO_DECISION``
    """

    signal: IntArray
    row: IntArray
    asset: IntArray
    name: TextArray
    side: IntArray
    q: IntArray
    anchor: IntArray
    decided: IntArray
    action: TextArray
    signal_id: TextArray
    action_id: TextArray

    def __len__(self) -> int:
        return len(self.signal)

    @property
    def left_alone(self) -> NDArray[np.bool_]:
        """Signals nobody departed from: followed or undecided."""
        return np.asarray((self.action == "ACCEPT") | (self.action == NO_DECISION), dtype=bool)

    def take(self, rows: NDArray[Any]) -> Chains:
        """The chains of a mask or index, in its order."""
        return Chains(*(getattr(self, name)[rows] for name in Chains.__slots__))


@dataclass(frozen=True, slots=True)
class FillRows:
    """Fills sorted by (chain, time, id); quantity signed in the signal's direction, lots.

    chain : (fill,) position of the chain; row : position in the fills table; time, quantity, price, fee : int64
    offsets : (chain + 1,) where each chain's fills begin
    """

    chain: IntArray
    row: IntArray
    time: IntArray
    quantity: IntArray
    price: IntArray
    fee: IntArray
    offsets: IntArray

    def total(self, values: NDArray[Any], mask: NDArray[np.bool_] | None = None) -> NDArray[Any]:
        """Sum of `values` (fill,) over each chain; exact for integers of any size."""
        used = values if mask is None else np.where(mask, values, 0)
        running = np.r_[np.zeros(1, dtype=used.dtype), np.cumsum(used)]
        return np.asarray(running[self.offsets[1:]] - running[self.offsets[:-1]])

    def take(self, chains: IntArray) -> FillRows:
        """The fills of some chains, by their positions in ascending order; the chains are numbered anew."""
        counts = self.offsets[chains + 1] - self.offsets[chains]
        offsets = np.r_[0, np.cumsum(counts)].astype(np.int64)
        rows = np.repeat(self.offsets[chains] - offsets[:-1], counts) + np.arange(offsets[-1])
        columns = {name: getattr(self, name)[rows] for name in ("row", "time", "quantity", "price", "fee")}
        return FillRows(chain=np.repeat(np.arange(len(chains)), counts), **columns, offsets=offsets)


def assemble(record: Record, market: Market) -> Chains:
    """Chains of a record, in ledger order."""
    signals, actions = record.tables["signals"], record.tables["actions"]
    position = {sid: i for i, sid in enumerate(signals["signal_id"])}
    own = np.flatnonzero(actions["action"] == "INITIATE").astype(np.int64)
    answered = np.full(len(signals), -1, dtype=np.int64)
    for i, sid in enumerate(actions["signal_id"]):
        if sid is not None:
            answered[position[sid]] = i
    signal = np.r_[np.arange(len(signals)), np.full(len(own), -1)].astype(np.int64)
    row = np.r_[answered, own].astype(np.int64)
    chains = _describe(signal, row, signals, actions, market)
    keys = list(
        zip(chains.anchor.tolist(), map(_bytes, chains.signal_id.tolist()), map(_bytes, chains.action_id.tolist()), strict=True)
    )
    order = sorted(range(len(chains)), key=keys.__getitem__)
    return chains.take(np.asarray(order, dtype=np.int64))


def _bytes(text: str | None) -> bytes:
    return text.encode() if text is not None else b""


def pick(column: NDArray[Any], index: IntArray, missing: Any) -> NDArray[Any]:
    """Values of a table's column at `index`, `missing` where the index is -1."""
    if not len(column):
        return np.full(len(index), missing, dtype=column.dtype if missing is not None else object)
    return np.where(index >= 0, column[np.maximum(index, 0)], missing)


def _describe(signal: IntArray, row: IntArray, signals: Table, actions: Table, market: Market) -> Chains:
    own = signal < 0
    name = np.where(own, pick(actions["asset"], row, None), pick(signals["asset"], signal, None))
    word = np.where(own, pick(actions["side"], row, None), pick(signals["side"], signal, None))
    code = market.store.code_of()
    anchor = np.where(own, pick(actions["time"], row, NULL), pick(signals["time"], signal, NULL)).astype(np.int64)
    return Chains(
        signal=signal,
        row=row,
        asset=np.array([code.get(n, -1) for n in name], dtype=np.int64),
        name=name,
        side=np.array([SIDE_SIGN[w] for w in word], dtype=np.int64),
        q=np.where(own, 0, pick(signals["quantity"], signal, 0)).astype(np.int64),
        anchor=anchor,
        decided=np.where(row >= 0, pick(actions["time"], row, NULL), anchor).astype(np.int64),
        action=np.where(row >= 0, pick(actions["action"], row, None), NO_DECISION),
        signal_id=pick(signals["signal_id"], signal, None),
        action_id=pick(actions["action_id"], row, None),
    )


def gather_fills(record: Record, chains: Chains) -> FillRows:
    """Fills of each chain. A REVERSE trades against the signal, every other action with it."""
    fills = record.tables.get("fills")
    if fills is None or not len(fills):
        empty = np.zeros(0, dtype=np.int64)
        return FillRows(empty, empty, empty, empty, empty, empty, np.zeros(len(chains) + 1, dtype=np.int64))
    position = {aid: i for i, aid in enumerate(chains.action_id) if aid is not None}
    chain = np.array([position.get(a, -1) for a in fills["action_id"]], dtype=np.int64)
    order = np.lexsort((np.arange(len(fills)), fills["time"], chain))
    order = order[chain[order] >= 0]
    sign = np.where(chains.action[chain[order]] == "REVERSE", -1, 1)
    offsets = np.searchsorted(chain[order], np.arange(len(chains) + 1))
    return FillRows(
        chain[order],
        order,
        fills["time"][order],
        fills["quantity"][order] * sign,
        fills["price"][order],
        fills["fee"][order],
        offsets,
    )
