"""The ledger in pieces: each chunk of chains is priced on its own and leaves its finished rows; only sums and small tables cross chunks.

What looks at all chains together (horizons, volatility, decisions, KPIs, identities) is computed before or after; so the size of a chunk cannot
change a byte, only how much is in memory at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from skillstats.errors import Problem
from skillstats.ledger.books import book_lines, slice_table
from skillstats.ledger.decay import decay_frame
from skillstats.ledger.fill_doubts import fill_problems
from skillstats.ledger.pricing import chain_problem
from skillstats.ledger.row_frame import row_frame
from skillstats.ledger.rows import Priced, ledger_table
from skillstats.ledger.slices import Slices
from skillstats.ledger.steps import Work, price
from skillstats.regimes.labels import UNLABELLED, Labels


@dataclass(frozen=True, slots=True)
class Piece:
    """What one chunk of chains leaves behind; positions of chains are those of the whole ledger.

    table, frame : its rows, as written and as a plain frame; slices, slice_table : its day slices
    books : its lines of the books, summed; problems : warnings about its chains; decay : its values at further horizons
    bare : labels that are missing, and which of them for want of a fit, see `bare_counts`
    """

    table: pa.Table
    frame: pd.DataFrame
    slices: Slices
    slice_table: pa.Table
    books: pd.DataFrame
    problems: tuple[Problem, ...]
    bare: Mapping[str, int]
    decay: pd.DataFrame | None


def make_piece(work: Work, volatility: NDArray[np.int64], start: int) -> Piece:
    """Price a chunk of chains, of which the first is number `start` of the ledger."""
    priced, slices = price(work, volatility)
    frame = row_frame(priced)
    decay = decay_frame(priced, frame) if priced.market.plan.decay else None
    return Piece(
        table=ledger_table(priced),
        frame=frame.assign(row=frame["row"] + start),
        slices=replace(slices, chain=slices.chain + start),
        slice_table=slice_table(priced, slices, frame),
        books=book_lines(priced, slices, frame["trader"].to_numpy()),
        problems=(*_warnings(priced), *fill_problems(work.record, work.market, priced.chains, priced.filed)),
        bare=bare_counts(priced.labels),
        decay=None if decay is None else decay.assign(row=decay["row"] + start),
    )


def bare_counts(labels: Labels) -> dict[str, int]:
    """Labels that chains do not have; where states are fitted also ``unfitted``, those for want of a fit, and ``borderline``, those that nearly
    were the other state.
    """
    counts = {"unlabelled": int(sum((np.asarray(v) == UNLABELLED).sum() for v in labels.values.values()))}
    fitted = {"unfitted": labels.unfitted, "borderline": labels.borderline}
    return counts | {name: n for name, n in fitted.items() if n is not None}


def joined(pieces: list[Piece]) -> Piece:
    """All pieces as one."""
    if len(pieces) == 1:
        return pieces[0]
    slices = {f.name: np.concatenate([getattr(p.slices, f.name) for p in pieces]) for f in fields(Slices)}
    decays = [p.decay for p in pieces if p.decay is not None]
    return Piece(
        table=pa.concat_tables([p.table for p in pieces]),
        frame=pd.concat([p.frame for p in pieces], ignore_index=True),
        slices=Slices(**slices),
        slice_table=pa.concat_tables([p.slice_table for p in pieces]),
        books=pd.concat([p.books for p in pieces], ignore_index=True),
        problems=tuple(x for p in pieces for x in p.problems),
        bare={name: sum(p.bare[name] for p in pieces) for name in pieces[0].bare},
        decay=pd.concat(decays, ignore_index=True) if decays else None,
    )


def _warnings(p: Priced) -> list[Problem]:
    """Chains that are OPEN, have a fill after their horizon, or were adjusted for a corporate action."""
    late = np.unique(p.fills.chain[~p.counted & ~p.prices.open[p.fills.chain]])
    said = [
        (np.flatnonzero(p.prices.open), "D263", "the horizon lies after the last price"),
        (late, "D214", "a fill came after the horizon"),
        (np.flatnonzero(p.adjusted), "D262", ""),
    ]
    return [chain_problem(p.record, p.chains, int(i), code, what) for rows, code, what in said for i in rows]
