"""Factor parts of every closed row, and of every (row, session) piece of an intervention.

value_add = sum_f (factor part)_f + selection + execution + unattributed,

factor part_f  = sum over stretches of x_f * R_f,   R_f the factor's return inside the stretch,
execution      = slippage + cost,
selection      = the rest of a row whose exposures and factor returns are known,
unattributed   = the rest of a row for which they are not: a missing exposure is not an exposure of 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow.compute as pc
from numpy.typing import NDArray

from skillstats.attribution.exposures import Exposures, exposures_at
from skillstats.attribution.returns import FactorReturns, factor_returns
from skillstats.attribution.rows import Rows, closed_rows, deviation_path, model_path
from skillstats.errors import UsageError
from skillstats.ledger.containers import Ledger
from skillstats.ledger.segments import Segments
from skillstats.market.sessions import load_sessions
from skillstats.record.containers import NULL

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
COVERED: Final = 0.9
"""Share of the trading time of a path that the intervals of every factor must cover."""


@dataclass(frozen=True, slots=True)
class Path:
    """Factor parts of one book's path.

    part : (row, factor) currency; segments : its stretches; lean : (segment, factor) x_f times sessions held, currency
    segment_part : (segment, factor) currency; covered : (row,) whether the factors cover at least `COVERED` of the path
    """

    part: FloatArray
    segments: Segments
    lean: FloatArray
    segment_part: FloatArray
    covered: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Decomposed:
    """Every closed row with its factor parts.

    attributed : (row,) exposures and factor returns known; exposures : of the rows
    deviation, model : paths of the deviation and of the model book
    pieces : one line a (row, session) of the ledger's slices: row, session (position in the desk calendar), value, execution; sums over a row
        are its value_add and slippage + cost; piece_part, piece_lean : (piece, factor)
    """

    rows: Rows
    returns: FactorReturns
    exposures: Exposures
    attributed: NDArray[np.bool_]
    deviation: Path
    model: Path
    pieces: pd.DataFrame
    piece_part: FloatArray
    piece_lean: FloatArray


def decompose(ledger: Ledger) -> Decomposed:
    """Factor parts of the closed rows of a ledger.

    Raises
    ------
    UsageError
        If the ledger carries no factor returns, or has no closed row.
    """
    if "factors" not in ledger.carried:
        raise UsageError("the record has no factor returns; add a table factors (factor, time, return), see the page on data")
    rows = closed_rows(ledger)
    if not len(rows.frame):
        raise UsageError("no row of the ledger is CLOSED; there is no value-add to attribute yet")
    returns = factor_returns(ledger.carried["factors"], rows.desk)
    frame = rows.frame
    exposures = exposures_at(ledger.carried, returns.names, frame["asset"].to_numpy(), frame["decided"].to_numpy())
    opens = None
    if ledger.plan.fill_model == "next_open":
        ends = (int(rows.desk.opens[0]), int(rows.desk.closes[-1]))
        opens = load_sessions(ledger.plan.calendar.default, *ends)
    money = np.nan_to_num(exposures.value) * np.nan_to_num(frame["unit"].to_numpy())[:, None]
    paths = [_path(returns, s, money, len(frame)) for s in (deviation_path(rows), model_path(rows, opens))]
    held = np.zeros(len(frame), dtype=bool)
    for path in paths:
        held[path.segments.row[path.segments.gap != 0]] = True
    priced = np.isfinite(frame["unit"].to_numpy())
    attributed = ~held | (exposures.known & priced & paths[0].covered & paths[1].covered)
    pieces = _pieces(ledger, rows)
    sums = [_to_pieces(pieces, paths[0].segments, v) for v in (paths[0].segment_part, paths[0].lean)]
    return Decomposed(rows, returns, exposures, attributed, paths[0], paths[1], pieces, sums[0], sums[1])


def _path(returns: FactorReturns, segments: Segments, money: FloatArray, rows: int) -> Path:
    move, covered = returns.inside(segments.start, segments.stop)
    held = returns.desk.clock(segments.stop) - returns.desk.clock(segments.start)
    open_ = segments.gap != 0
    x = money[segments.row] * segments.gap[:, None]
    part = x * move
    time = np.bincount(segments.row, weights=held * open_, minlength=rows)
    share = np.full(rows, np.inf)
    for j in range(len(returns.names)):
        own = np.bincount(segments.row, weights=covered[:, j] * open_, minlength=rows)
        share = np.minimum(share, np.divide(own, time, out=np.ones(rows), where=time > 0))
    whole = np.column_stack([np.bincount(segments.row, weights=p, minlength=rows) for p in part.T])
    return Path(whole, segments, x * held[:, None], part, share >= COVERED)


def _pieces(ledger: Ledger, rows: Rows) -> pd.DataFrame:
    """Slices of the closed rows, with execution in the session of the first fill (of the signal where nothing was filled)."""
    slices, frame = ledger.slices, rows.frame
    key = pc.coalesce(slices["signal_id"], slices["action_id"]).to_pandas().astype(object)
    row = pd.Series(np.arange(len(frame)), index=frame["key"]).reindex(key).to_numpy()
    position = pd.Series(np.arange(len(rows.desk.labels)), index=rows.desk.labels)
    pieces = pd.DataFrame({"row": row, "session": position.reindex(slices["session"].to_pandas()).to_numpy()})
    pieces["value"] = np.asarray(slices["slice"].to_numpy(), dtype=float) * 1e-6
    pieces = pieces.dropna(subset=["row", "session"]).astype({"row": np.int64, "session": np.int64})
    pieces = _with_bare_rows(pieces, rows).sort_values(["row", "session"]).reset_index(drop=True)
    first = frame["first_fill_time"].to_numpy()
    when = rows.desk.index_of(np.where(first == NULL, frame["anchor"].to_numpy(), first))
    own = np.arange(len(frame))
    at = _place(pieces, own, when)
    pieces["execution"] = np.bincount(at, weights=(frame["slippage"] + frame["cost"]).to_numpy(), minlength=len(pieces))
    return pieces


def _with_bare_rows(pieces: pd.DataFrame, rows: Rows) -> pd.DataFrame:
    """A piece of value 0 for each row without a slice: the books agreed throughout."""
    bare = np.setdiff1d(np.arange(len(rows.frame)), pieces["row"].to_numpy())
    session = rows.desk.index_of(rows.frame["anchor"].to_numpy()[bare])
    return pd.concat([pieces, pd.DataFrame({"row": bare, "session": session, "value": 0.0})], ignore_index=True)


def _place(pieces: pd.DataFrame, row: IntArray, session: IntArray) -> IntArray:
    """Piece of each (row, session): its own or the row's next; the row's last where there is no later one."""
    width = 2 + int(max(pieces["session"].max(), session.max(initial=0)))
    keys = pieces["row"].to_numpy() * width + pieces["session"].to_numpy()
    at = np.searchsorted(keys, row * width + session, side="left")
    past = (at >= len(keys)) | (pieces["row"].to_numpy()[np.minimum(at, len(keys) - 1)] != row)
    return np.where(past, at - 1, at)


def _to_pieces(pieces: pd.DataFrame, segments: Segments, values: FloatArray) -> FloatArray:
    """Sums of the stretches in each piece: an interim close without a mark passes its stretch on, as the ledger passes its slice on."""
    at = _place(pieces, segments.row, segments.session)
    return np.column_stack([np.bincount(at, weights=v, minlength=len(pieces)) for v in values.T])


def why_not(d: Decomposed) -> dict[str, Any]:
    """How many intervention rows are not attributed, for want of what."""
    own = d.rows.frame["is_intervention"].to_numpy() & ~d.attributed
    blind = own & ~d.exposures.known
    return {"rows": int(own.sum()), "no_exposure": int(blind.sum()), "no_factor_return": int((own & ~blind).sum())}
