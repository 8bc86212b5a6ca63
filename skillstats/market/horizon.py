"""The instant at which both books are marked.

Kinds, named apart because they differ over weekends and clock changes: ``PT24H`` is that much later; ``session+n`` the close of the
n-th session after the anchor's; ``close`` the close of the anchor's own session; ``exit`` the first later signal of the same model
and asset on the other side. The anchor is the signal's time (an INITIATE order's action time), never a fill time, so both books get
the same mark.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skillstats.market.marks import Market
from skillstats.record.containers import NULL
from skillstats.units import parse_duration

IntArray = NDArray[np.int64]


def sessions_ahead(kinds: list[str]) -> int:
    """Most sessions any horizon reaches past its anchor, to size the calendar."""
    ahead = [0]
    for kind in kinds:
        if kind.startswith("session+"):
            ahead.append(int(kind[8:]))
        elif kind.startswith("PT"):
            ahead.append(parse_duration(kind) // (24 * 3600 * 10**6) + 1)
    return max(ahead)


def horizon_times(market: Market, kind: NDArray[np.object_], anchor: IntArray, asset: IntArray, exit_time: IntArray) -> IntArray:
    """Instant of each horizon; `NULL` while an ``exit`` is unknown.

    Parameters
    ----------
    kind : (chain,) text; anchor : (chain,) int64; asset : (chain,) position in the store or -1
    exit_time : (chain,) time of the opposite signal, `NULL` if there is none yet
    """
    result = np.full(len(anchor), NULL, dtype=np.int64)
    for name in sorted(set(kind)):
        rows = np.flatnonzero(kind == name)
        if name.startswith("PT"):
            result[rows] = anchor[rows] + parse_duration(name)
        elif name == "exit":
            result[rows] = exit_time[rows]
        else:
            steps = 0 if name == "close" else int(name[8:])
            for code in np.unique(asset[rows]):
                part = rows[asset[rows] == code]
                sessions = market.sessions_of(int(code))
                result[part] = sessions.closes[sessions.index_of(anchor[part]) + steps]
    return result


def exit_times(model: NDArray[np.object_], asset: IntArray, side: IntArray, time: IntArray) -> IntArray:
    """Time of the first later signal of the same model and asset on the other side; rows are in (time, id) order already."""
    result = np.full(len(time), NULL, dtype=np.int64)
    latest: dict[tuple[str, int, int], int] = {}
    for i in range(len(time) - 1, -1, -1):
        key = (str(model[i]), int(asset[i]))
        result[i] = latest.get((*key, -int(side[i])), NULL)
        latest[(*key, int(side[i]))] = int(time[i])
    return result
