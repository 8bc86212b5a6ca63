"""What a trader could know when a signal came: own outcomes whose horizons had closed, and own positions that were open.

Strictly before the signal in both cases: an outcome counts if its horizon lies before the signal, a position if its last fill does.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skillstats.behaviour.decided import Decided

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


def past_losses(d: Decided, key: IntArray, depth: int) -> FloatArray:
    """Whether the trader's last interventions of a kind lost money, one closing session after the other.

    Outcomes of interventions are summed over the desk session in which their horizons closed (a day is one bet); the newest such session with an
    outcome strictly before the signal comes first. In that session only horizons before the signal count.

    Parameters
    ----------
    d : signals of one trader; key : (row,) what counts as the same kind; depth : closing sessions to look back

    Returns
    -------
    (row, depth): 1 lost, 0 gained, NaN neither or no such session
    """
    result = np.full((len(d), depth), np.nan)
    done = d.acted & np.isfinite(d.money)
    for value in np.unique(key):
        ask = np.flatnonzero(key == value)
        own = np.flatnonzero(done & (key == value))
        own = own[np.argsort(d.horizon_at[own], kind="stable")]
        if not len(own):
            continue
        sums = np.r_[0.0, np.cumsum(d.money[own])]
        starts = np.r_[np.flatnonzero(np.diff(d.closes[own], prepend=-1)), len(own)]
        seen = np.searchsorted(d.horizon_at[own], d.signal_at[ask], side="left")
        group = np.searchsorted(starts, seen - 1, side="right") - 1  # closing session of the newest outcome; -1 without one
        for back in range(depth):
            at = group - back
            has = (seen > 0) & (at >= 0)
            end = seen[has] if back == 0 else starts[at[has] + 1]
            total = sums[end] - sums[starts[at[has]]]
            result[ask[has], back] = np.where(total < 0, 1.0, np.where(total > 0, 0.0, np.nan))
    return result


def open_positions(d: Decided, trader: int, asset: IntArray, at: IntArray, price: FloatArray) -> tuple[FloatArray, FloatArray]:
    """A trader's open position in an asset at an instant, and its gain at a price.

    A signal's quantity is held from its last fill (strictly before the instant) to its horizon (at the instant or later).

    Parameters
    ----------
    trader : code; asset : (ask,) codes; at : (ask,) instants; price : (ask,) at which the position is marked

    Returns
    -------
    (ask,) signed units held, and (ask,) unrealised gain in units of price times quantity; 0 and 0 without a position
    """
    units, gain = np.zeros(len(at)), np.zeros(len(at))
    mine = np.flatnonzero((d.trader == trader) & (d.held != 0) & np.isfinite(d.paid) & (d.filled_at >= 0))
    for name in np.unique(asset):
        ask, own = np.flatnonzero(asset == name), mine[d.asset[mine] == name]
        if not len(own):
            continue
        for instant, side in ((d.filled_at[own], 1.0), (d.horizon_at[own], -1.0)):
            order = np.argsort(instant, kind="stable")
            gone = np.searchsorted(instant[order], at[ask], side="left")
            held = np.r_[0.0, np.cumsum(d.held[own][order])][gone]
            cost = np.r_[0.0, np.cumsum((d.held * d.paid)[own][order])][gone]
            units[ask] += side * held
            gain[ask] += side * (held * price[ask] - cost)
    tiny = 1e-9 * np.abs(d.held).max(initial=1.0)
    return np.where(np.abs(units) > tiny, units, 0.0), np.where(np.abs(units) > tiny, gain, 0.0)
