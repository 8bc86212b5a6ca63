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
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skillstats.evidence.cells import Cells, collapse
from skillstats.evidence.labels import dates_of_sessions

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
LABELS = ("trader", "session", "regime", "action")
OPTIONAL_LABELS = ("signal_type", "asset_class", "model_version", "desk", "quarter")
"""Labels that evidence may carry; where one is absent its only level is ``all``."""

NUMBERS = ("exposure", "factor_return")
"""Numbers that the rows of evidence may carry."""


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
    labels : {name: (row,) int64 codes into `coords`} of the `OPTIONAL_LABELS` that are known; the levels of ``quarter`` are all
        calendar quarters from the first to the last
    exposure : (row,) net signed factor exposure of the deviation per unit of risk, no unit; None where unknown
    factor_return : (row,) return of the factor in the row's session, equal for all rows of it; None where unknown
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
    labels: Mapping[str, IntArray] = field(default_factory=dict)
    exposure: FloatArray | None = None
    factor_return: FloatArray | None = None

    def __len__(self) -> int:
        return len(self.y)

    @property
    def has_year(self) -> bool:
        """Whether annual figures exist."""
        return self.sessions_per_year is not None

    def code(self, label: str) -> IntArray:
        """Codes of a label, shape (row,); zeros for one that the evidence does not carry."""
        if label in LABELS:
            return np.asarray(getattr(self, label))
        return self.labels.get(label, np.zeros(len(self), dtype=np.int64))

    def levels(self, label: str) -> tuple[str, ...]:
        """Names behind the codes of a label; the one level ``all`` where the evidence does not carry it."""
        return self.coords.get(label, ("all",))

    @cached_property
    def log_size(self) -> FloatArray:
        """Log of the risk of each row less its mean over all rows, shape (row,): the regressor of sizing skill."""
        size = np.log(self.risk)
        return np.asarray(size - size.mean())

    @cached_property
    def cells(self) -> Cells:
        """Sufficient statistics per (trader, session, regime, action), computed once."""
        return collapse(self)

    @cached_property
    def digest(self) -> str:
        """sha256 of the content, independent of the order of rows in the input."""
        return _digest(self)

    def without_session(self, session: int) -> Evidence:
        """The same evidence without the rows of one session; codes and names stay."""
        kept = self.session != session
        names = ["value_add", "risk", "y", *LABELS, "decision", *(k for k in NUMBERS if getattr(self, k) is not None)]
        labels = {name: codes[kept] for name, codes in self.labels.items()}
        return replace(self, labels=labels, **{name: getattr(self, name)[kept] for name in names})

    def without_factor(self) -> Evidence:
        """The same evidence with the factor's part taken out of every outcome, y - x F, value-add alike; doing it twice changes nothing.

        Raises
        ------
        ValueError
            If exposure or factor return is unknown.
        """
        if self.exposure is None or self.factor_return is None:
            raise ValueError("the factor's part needs exposure and factor_return")
        y = self.y - self.exposure * self.factor_return
        return replace(self, y=y, value_add=y * self.risk, factor_return=np.zeros(len(self)))

    def to_pandas(self) -> pd.DataFrame:
        """One row each, names in place of codes."""
        frame = pd.DataFrame({k: np.asarray(self.levels(k), dtype=object)[self.code(k)] for k in (*LABELS, *self.labels)})
        numbers = {k: v for k in NUMBERS if (v := getattr(self, k)) is not None}
        return frame.assign(**numbers, decision=self.decision, value_add=self.value_add, risk=self.risk, y=self.y)

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


def _digest(evidence: Evidence) -> str:
    dated = dates_of_sessions(evidence.coords["session"]) is not None  # then the quarter follows from the session
    known = [k for k in OPTIONAL_LABELS if k in evidence.labels and not (dated and k == "quarter")]
    names = [np.asarray(evidence.coords[k], dtype=object)[evidence.code(k)] for k in (*LABELS, *known)]
    numbers = {k: v for k in NUMBERS if (v := getattr(evidence, k)) is not None}
    order = np.lexsort(
        (
            *numbers.values(),
            *(evidence.code(k) for k in known),
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
        *known,  # what evidence does not carry leaves no trace, so that older digests stay
        *numbers,
    )
    digest.update("\x1f".join(header).encode())
    for row in order:
        labels = "\x1f".join(str(column[row]) for column in names)
        tail = "".join(f"\x1f{column[row]!r}" for column in numbers.values())
        digest.update(
            f"\n{labels}\x1f{evidence.decision[row]}\x1f{evidence.value_add[row]!r}\x1f{evidence.risk[row]!r}{tail}".encode()
        )
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
