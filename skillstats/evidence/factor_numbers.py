"""Exposure and factor return of each row of evidence, where a record has one factor and its deviations span whole sessions."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skillstats.attribution.decompose import decompose
from skillstats.ledger.containers import Ledger

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
SAME = 1e-6
"""Relative difference up to which exposure times the session's return is the factor part."""


def factor_numbers(
    ledger: Ledger, decision: NDArray[np.object_], session: NDArray[np.object_], risk: FloatArray
) -> tuple[FloatArray, FloatArray] | None:
    """Exposure per unit of risk and factor return of each row, shape (row,) each; None unless both are known for every row.

    They are known where the record has one factor, every exposure was known before its decision, and every deviation was held through whole
    sessions of the factor: only then is exposure times the session's return what the factor did to the row.

    Parameters
    ----------
    decision, session : (row,) decision_id and session label; risk : (row,) currency
    """
    factors = ledger.carried.get("factors")
    if factors is None or len(set(factors["factor"].to_pylist())) != 1:
        return None
    d = decompose(ledger)
    own = d.pieces["row"].to_numpy()
    frame = pd.DataFrame({"decision": d.rows.frame["decision_id"].to_numpy()[own], "session": d.pieces["session"].to_numpy()})
    frame = frame.assign(lean=d.piece_lean[:, 0], part=d.piece_part[:, 0], known=d.attributed[own])
    frame["session"] = d.rows.desk.labels[frame["session"].to_numpy()]
    sums = frame.groupby(["decision", "session"]).agg(lean=("lean", "sum"), part=("part", "sum"), known=("known", "all"))
    found = sums.reindex(pd.MultiIndex.from_arrays([decision, session]))
    k = d.rows.desk.labels.tolist()
    position = {label: i for i, label in enumerate(k)}
    at = np.array([position[s] for s in session], dtype=np.int64)
    move = d.returns.by_session(int(at.min()), int(at.max()))[at - at.min(), 0]
    if found["lean"].isna().any() or not found["known"].astype(bool).all() or not np.isfinite(move).all():
        return None
    lean, part = found["lean"].to_numpy(dtype=float), found["part"].to_numpy(dtype=float)
    if not (np.abs(lean * move - part) <= SAME * (np.abs(part) + 1.0)).all():
        return None
    return lean / risk, move
