"""From a ledger, or from an outcomes table, to what the models read.

One row of evidence is one complete decision of a person or, where the horizon reaches past its first session, one decision and
session. Its outcome is the value-add divided by the risk money of the deviation's path,

    y = value_add / risk,

which has no unit and a standard deviation near 1, so that outcomes of unlike assets pool by skill and not by size. Money returns
through the identity ``mean(V) = mean(risk) * mean(y) + cov(risk, y)``.

Floats start here: everything before is integers, everything after is floats with a seed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
LABELS = ("trader", "session", "regime", "action")


@dataclass(frozen=True, slots=True)
class Cells:
    """Sufficient statistics of the outcomes for every (trader, session, regime, action) that occurs.

    trader, session, regime, action : (cell,) int64 codes into `Evidence.coords`, sorted by (session, trader, regime, action)
    n : (cell,) int64, rows; mean : (cell,) mean of y; ss : (cell,) centred sum of squares of y
    """

    trader: IntArray
    session: IntArray
    regime: IntArray
    action: IntArray
    n: IntArray
    mean: FloatArray
    ss: FloatArray

    def __len__(self) -> int:
        return len(self.n)


@dataclass(frozen=True)
class Evidence:
    """Risk-standardised outcomes, a row each, with their labels.

    value_add : (row,) in `unit`; risk : (row,) in `unit`, > 0; y : (row,) no unit, value_add / risk
    trader, session, regime, action : (row,) int64 codes into `coords`
    decision : (row,) int64, equal for the rows (slices) of one decision
    coords : names behind the codes, sorted; without regimes the only regime is ``all``, without actions the only action ``all``
    source : ``record`` or ``outcomes``
    unit : currency, or ``input unit`` for an outcomes table
    has_risk : False where every row was divided by the one constant `scale`
    sessions_per_year : sessions a year, None where the evidence has no year
    sessions_spanned : desk sessions from the first to the last of the period
    counts : what did not become evidence and why (no_risk, open, incomplete, ...), by name
    context : what the ledger passes on for the evaluation: coverage per trader and the like, JSON-ready
    """

    value_add: FloatArray
    risk: FloatArray
    y: FloatArray
    trader: IntArray
    session: IntArray
    regime: IntArray
    action: IntArray
    decision: IntArray
    coords: Mapping[str, tuple[str, ...]]
    source: Literal["record", "outcomes"]
    unit: str
    has_risk: bool
    scale: float
    sessions_per_year: float | None
    sessions_spanned: int
    counts: Mapping[str, int]
    context: Mapping[str, Any]

    def __len__(self) -> int:
        return len(self.y)

    @property
    def has_year(self) -> bool:
        """Whether annual figures exist."""
        return self.sessions_per_year is not None

    @cached_property
    def cells(self) -> Cells:
        """Sufficient statistics per cell, computed once."""
        return collapse(self)

    @cached_property
    def digest(self) -> str:
        """sha256 of the content, independent of the order of rows in the input."""
        return _digest(self)

    def without_session(self, session: int) -> Evidence:
        """The same evidence without the rows of one session; codes and names stay."""
        kept = self.session != session
        names = ("value_add", "risk", "y", *LABELS, "decision")
        return replace(self, **{name: getattr(self, name)[kept] for name in names})

    def to_pandas(self) -> pd.DataFrame:
        """One row each, names in place of codes."""
        frame = pd.DataFrame({k: np.asarray(self.coords[k], dtype=object)[getattr(self, k)] for k in LABELS})
        return frame.assign(decision=self.decision, value_add=self.value_add, risk=self.risk, y=self.y)

    def summary(self) -> pd.DataFrame:
        """Per trader: rows, decisions, sessions, mean and sd (n-1) of y."""
        grouped = self.to_pandas().groupby("trader", sort=True)
        return grouped.agg(
            rows=("y", "size"),
            decisions=("decision", "nunique"),
            sessions=("session", "nunique"),
            mean=("y", "mean"),
            sd=("y", "std"),
        )

    def __str__(self) -> str:
        sizes = ", ".join(f"{len(self.coords[k])} {k}s" for k in LABELS)
        return f"Evidence: {len(self)} rows from {self.source}, {sizes}; digest {self.digest[:12]}"


def collapse(evidence: Evidence) -> Cells:
    """Collapse rows to cells in two passes (means first, then centred squares), so that no digit is lost to cancellation.

    The rows of a cell are added in order of y, so that the order of rows changes no bit.
    """
    keys = [evidence.session, evidence.trader, evidence.regime, evidence.action]
    code = np.ravel_multi_index(keys, [len(evidence.coords[k]) for k in ("session", "trader", "regime", "action")])
    order = np.lexsort((evidence.y, code))
    y, keys = evidence.y[order], [k[order] for k in keys]
    unique, first, inverse = np.unique(code[order], return_index=True, return_inverse=True)
    n = np.bincount(inverse, minlength=len(unique))
    mean = np.bincount(inverse, weights=y, minlength=len(unique)) / n
    ss = np.bincount(inverse, weights=(y - mean[inverse]) ** 2, minlength=len(unique))
    session, trader, regime, action = (k[first].astype(np.int64) for k in keys)
    return Cells(trader, session, regime, action, n.astype(np.int64), mean, ss)


def _digest(evidence: Evidence) -> str:
    names = [np.asarray(evidence.coords[k], dtype=object)[getattr(evidence, k)] for k in LABELS]
    order = np.lexsort(
        (
            evidence.risk,
            evidence.value_add,
            evidence.decision,
            evidence.action,
            evidence.regime,
            evidence.session,
            evidence.trader,
        )
    )
    digest = hashlib.sha256()
    header = (
        evidence.source,
        evidence.unit,
        repr(evidence.scale),
        repr(evidence.sessions_per_year),
        repr(evidence.sessions_spanned),
    )
    digest.update("\x1f".join(header).encode())
    for row in order:
        labels = "\x1f".join(str(column[row]) for column in names)
        digest.update(f"\n{labels}\x1f{evidence.decision[row]}\x1f{evidence.value_add[row]!r}\x1f{evidence.risk[row]!r}".encode())
    return digest.hexdigest()


def decisions_per_session(evidence: Evidence, trader: int) -> IntArray:
    """Rows of evidence in each active session of a trader, shape (active session,)."""
    counts = np.bincount(evidence.session[evidence.trader == trader])
    return counts[counts > 0]


def design_effect(session_sizes: IntArray, rho: float) -> float:
    """Variance inflation of a mean when decisions share a session.

    ``deff = 1 + (m_w - 1) * rho`` with ``m_w = sum(m**2) / sum(m)``, so uneven activity costs more (Kish 1965).

    Parameters
    ----------
    session_sizes : (session,) int64, decisions per session, each >= 1
    rho : within-session correlation, in [0, 1]

    Returns
    -------
    float, no unit

    Examples
    --------
    >>> round(design_effect(np.full(60, 20), 0.4), 1)
    8.6
    """
    sizes = np.asarray(session_sizes, dtype=float)
    return float(1 + (np.sum(sizes**2) / np.sum(sizes) - 1) * rho)


def effective_decisions(session_sizes: IntArray, rho: float | FloatArray) -> Any:
    """Effective number of independent decisions for the model: ``n_eff = sum_s m_s / (1 + (m_s - 1) rho)``.

    The information about a mean in decisions that share session shocks; with `rho` an array (draw,) the result has its shape.

    Examples
    --------
    >>> round(effective_decisions(np.full(60, 20), 0.4), 1)
    139.5
    """
    sizes, counts = np.unique(np.asarray(session_sizes, dtype=float), return_counts=True)
    rho_ = np.asarray(rho, dtype=float)
    total = np.sum(counts * sizes / (1 + (sizes - 1) * rho_[..., None]), axis=-1)
    return float(total) if rho_.ndim == 0 else total
