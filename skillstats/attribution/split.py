"""Tilt and timing of each trader: what the usual exposure earned, and what departing from it earned.

With x_s the exposure of a trader's interventions in session s (dollars, averaged over the session's trading time), F_s the factor's return
in the session and c_s the factor part of the session (the sum of x R over the stretches really held),

    usual_s  = m (1 - v / m^2)+    m the mean of x over the n earlier sessions of the trader, v = var(x) / n its squared standard error,
    tilt_s   = usual_s F_s,        timing_s = c_s - usual_s F_s.

The trader's earlier sessions are the desk's from the trader's first row on, strictly before s; those without an intervention count as 0. A mean over
the whole period would know the future: a lean taken after the move would shift the yardstick of the day of the move. The factor (1 - v / m^2)+ is
James and Stein's: one veto in a quiet quarter says nothing about what is usual, and m = x / n would charge it with the market of every later day. It
makes the usual exposure exactly 0 after a single deviation and exactly m where every session had the same. With fewer than two earlier sessions it
is 0. In a session without an intervention c_s is 0, so tilt and timing cancel; both are kept, or a lean that pays only because markets drift would
pass for timing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skillstats.attribution.decompose import Decomposed

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
PARTS: Final = ("tilt", "timing", "selection", "execution", "unattributed")
"""Parts of a value-add; they add to it exactly, up to rounding of floats."""


@dataclass(frozen=True, slots=True)
class Grid:
    """Every trader in every desk session from the ledger's first to its last.

    traders : names, sorted; first : (trader,) position in `sessions` of the trader's first row; sessions : (session,) labels
    offset : position of the first session in the desk calendar; returns : (session, factor) F_s, NaN where unknown
    lean, usual, part, tilt : (trader, session, factor) x_s, usual_s, c_s and tilt_s, currency
    money : (trader, session, k) value_add, selection, execution, unattributed; active : (trader, session) any intervention open
    """

    traders: tuple[str, ...]
    first: IntArray
    sessions: NDArray[Any]
    offset: int
    returns: FloatArray
    lean: FloatArray
    usual: FloatArray
    part: FloatArray
    tilt: FloatArray
    money: FloatArray
    active: NDArray[np.bool_]

    @property
    def timing(self) -> FloatArray:
        """timing_s, currency.  # shape: (trader, session, factor)"""
        return self.part - self.tilt

    def parts(self) -> FloatArray:
        """The five `PARTS`, currency.  # shape: (trader, session, part)"""
        return np.concatenate(
            [self.tilt.sum(axis=2, keepdims=True), self.timing.sum(axis=2, keepdims=True), self.money[:, :, 1:]], axis=2
        )


def usual_exposure(lean: FloatArray, first: IntArray) -> FloatArray:
    """Mean exposure over a trader's earlier sessions, drawn to 0 as far as it is uncertain.  # shape: (trader, session, factor)

    lean : (trader, session, factor), 0 before the trader's first session; first : (trader,) that session

    Examples
    --------
    A lean kept up, and one taken once:

    >>> usual_exposure(np.array([[[4.0], [4.0], [4.0]], [[4.0], [0.0], [0.0]]]), np.array([0, 0]))[:, 2, 0].tolist()
    [4.0, 0.0]
    """
    n = (np.arange(lean.shape[1])[None, :] - first[:, None])[:, :, None]
    count = np.maximum(n, 2)
    before = [np.concatenate([np.zeros_like(v[:, :1]), np.cumsum(v, axis=1)[:, :-1]], axis=1) for v in (lean, lean**2)]
    mean = before[0] / count
    error = np.maximum(before[1] - count * mean**2, 0.0) / (count - 1) / count
    share = np.divide(error, mean**2, out=np.ones_like(mean), where=mean != 0)
    return np.where(n >= 2, mean * np.maximum(1 - share, 0.0), 0.0)


def piece_frame(d: Decomposed) -> tuple[pd.DataFrame, NDArray[np.bool_]]:
    """Pieces of interventions with trader and parts; and which pieces those are, (piece,)."""
    frame = d.rows.frame
    own = frame["is_intervention"].to_numpy()[d.pieces["row"].to_numpy()]
    pieces = d.pieces[own].reset_index(drop=True)
    known = d.attributed[pieces["row"].to_numpy()]
    rest = pieces["value"].to_numpy() - pieces["execution"].to_numpy()
    pieces["selection"] = np.where(known, rest - d.piece_part[own].sum(axis=1), 0.0)
    pieces["unattributed"] = np.where(known, 0.0, rest)
    pieces["known"] = known
    pieces["trader"] = frame["trader"].to_numpy()[pieces["row"].to_numpy()]
    return pieces, own


def lay_grid(d: Decomposed) -> Grid:
    """Parts of every trader and session."""
    pieces, own = piece_frame(d)
    frame = d.rows.frame
    traders = tuple(sorted(set(frame["trader"].dropna())))
    number = {t: j for j, t in enumerate(traders)}
    start = d.rows.desk.index_of(frame["anchor"].to_numpy())
    lo, hi = int(start.min()), int(max(start.max(), d.pieces["session"].max()))
    first = pd.Series(start - lo).groupby(frame["trader"]).min().reindex(list(traders)).to_numpy(dtype=np.int64)
    size = (len(traders), hi - lo + 1)
    code = pieces["trader"].map(number).to_numpy(dtype=np.int64) * size[1] + pieces["session"].to_numpy() - lo
    known = pieces["known"].to_numpy()

    def spread(values: FloatArray) -> FloatArray:
        return np.bincount(code, weights=values, minlength=size[0] * size[1]).reshape(size)

    lean, part = (np.stack([spread(np.where(known, v, 0.0)) for v in p[own].T], axis=2) for p in (d.piece_lean, d.piece_part))
    returns = d.returns.by_session(lo, hi)
    usual = usual_exposure(lean, first)
    money = np.stack([spread(pieces[k].to_numpy()) for k in ("value", "selection", "execution", "unattributed")], axis=2)
    return Grid(
        traders=traders,
        first=first,
        sessions=d.rows.desk.labels[lo : hi + 1],
        offset=lo,
        returns=returns,
        lean=lean,
        usual=usual,
        part=part,
        tilt=usual * np.nan_to_num(returns)[None, :, :],
        money=money,
        active=spread(np.ones(len(pieces))) > 0,
    )


def piece_table(d: Decomposed, grid: Grid) -> pd.DataFrame:
    """Pieces of interventions with every label of their row, their factor parts and their share of the trader's tilt.

    A session's tilt belongs to the trader, not to a decision; it is shared by the size of each piece's exposure, |x|. What a usual exposure earned in
    sessions without an open intervention belongs to no piece, so the tilts of pieces add to the trader's tilt in active sessions only.
    """
    pieces, own = piece_frame(d)
    row, known = pieces["row"].to_numpy(), pieces["known"].to_numpy()
    labels = d.rows.frame.loc[row, ["decision_id", "asset", "side", "action", "signal_type", "desk", "model", "regime"]]
    table = pd.concat([pieces, labels.reset_index(drop=True)], axis=1)
    number = {t: j for j, t in enumerate(grid.traders)}
    trader, session = table["trader"].map(number).to_numpy(dtype=np.int64), table["session"].to_numpy() - grid.offset
    code, tilt, part = trader * len(grid.sessions) + session, np.zeros(len(table)), np.zeros(len(table))
    for j, name in enumerate(d.returns.names):
        size = np.where(known, np.abs(d.piece_lean[own][:, j]), 0.0)
        total = np.bincount(code, weights=size, minlength=int(code.max(initial=0)) + 1)[code]
        share = np.divide(size, total, out=np.zeros(len(size)), where=total > 0)
        own_part = np.where(known, d.piece_part[own][:, j], 0.0)
        own_tilt = share * grid.tilt[trader, session, j]
        table[f"factor {name}"], table[f"timing {name}"] = own_part, own_part - own_tilt
        tilt, part = tilt + own_tilt, part + own_part
    table["tilt"], table["timing"] = tilt, part - tilt
    table["session"] = grid.sessions[session]
    return table.drop(columns=["row"]).rename(columns={"value": "value_add"})
