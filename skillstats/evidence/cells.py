"""Sufficient statistics: rows that agree in every label a model tells apart are one cell.

While the mean of y is constant or linear within a cell, the Gaussian density of its n rows depends on them only through n, the
mean and centred sum of squares of y and, with regressors x (the exposure of a row, the log of its size), their means and
centred cross-products. Everything is taken in two passes, means first, so that no digit is lost to cancellation.

A *profile* is a combination of labels without the session: what the mean skill of a decision can depend on.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from skillstats.evidence.containers import Evidence

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Cells:
    """Sufficient statistics of the outcomes for every (session, trader, further labels) that occurs.

    session, trader : (cell,) int64 codes into `Evidence.coords`
    labels : {name: (cell,) int64} of the further labels that tell cells apart; by default regime and action
    n : (cell,) int64, rows; mean : (cell,) mean of y; ss : (cell,) centred sum of squares of y
    x : (cell, regressor) means; xx : (cell, regressor, regressor), xy : (cell, regressor) centred cross-products

    Sorted by session, desk (where it is one of the labels), trader and the other labels in their order.
    """

    session: IntArray
    trader: IntArray
    labels: Mapping[str, IntArray]
    n: IntArray
    mean: FloatArray
    ss: FloatArray
    x: FloatArray
    xx: FloatArray
    xy: FloatArray

    def __len__(self) -> int:
        return len(self.n)

    def code(self, label: str) -> IntArray:
        """Codes of a label, shape (cell,); zeros where the cells are not told apart by it."""
        if label in ("session", "trader"):
            return self.session if label == "session" else self.trader
        return self.labels.get(label, np.zeros(len(self), dtype=np.int64))

    @property
    def regime(self) -> IntArray:
        """Codes of the regime, shape (cell,)."""
        return self.code("regime")

    @property
    def action(self) -> IntArray:
        """Codes of the action, shape (cell,)."""
        return self.code("action")

    @property
    def profile_labels(self) -> tuple[str, ...]:
        """Names of the labels of a profile: the trader first."""
        return ("trader", *self.labels)


@dataclass(frozen=True, slots=True)
class Profiles:
    """Distinct combinations of labels, sorted; `codes` {label: (profile,) int64}."""

    codes: Mapping[str, IntArray]

    def __len__(self) -> int:
        return len(next(iter(self.codes.values())))


def distinct(codes: Mapping[str, IntArray]) -> tuple[Profiles, IntArray]:
    """Distinct combinations of equally long codes, and the position of each entry among them.

    Examples
    --------
    >>> found, at = distinct({"trader": np.array([1, 0, 1]), "regime": np.array([0, 2, 0])})
    >>> len(found), at.tolist(), found.codes["trader"].tolist()
    (2, [1, 0, 1], [0, 1])
    """
    found, inverse = distinct_rows([np.asarray(c, dtype=np.int64) for c in codes.values()])
    return Profiles(dict(zip(codes, found, strict=True))), inverse


def distinct_rows(columns: Sequence[IntArray]) -> tuple[list[IntArray], IntArray]:
    """Distinct combinations of columns of codes, sorted by the first column first, and which of them each row is.

    Where a table of all combinations is small beside the rows, it is marked and counted, which is linear; else the rows are sorted.
    """
    sizes = [int(c.max(initial=0)) + 1 for c in columns]
    code = np.ravel_multi_index(tuple(columns), tuple(sizes))
    if math.prod(sizes) > 4 * len(code) + 1024:
        values, inverse = np.unique(code, return_inverse=True)
    else:
        seen = np.zeros(math.prod(sizes), dtype=np.bool_)
        seen[code] = True
        values, inverse = np.flatnonzero(seen), (np.cumsum(seen) - 1)[code]
    return [c.astype(np.int64) for c in np.unravel_index(values, sizes)], inverse.astype(np.int64)


def collapse(
    evidence: Evidence,
    labels: Sequence[str] = ("regime", "action"),
    regressors: Mapping[str, FloatArray] | None = None,
) -> Cells:
    """Collapse rows to cells.

    Parameters
    ----------
    evidence : rows
    labels : what tells cells apart besides session and trader
    regressors : {name: (row,)} in whose products with y the density of a cell is stated

    Returns
    -------
    Cells; exact for every mean that is linear in the regressors within a cell
    """
    order = ("session", *(w for w in labels if w == "desk"), "trader", *(w for w in labels if w != "desk"))
    found, at = distinct({name: evidence.code(name) for name in order})
    columns = list((regressors or {}).values())
    # rows of a cell are added in order of their values, so that the order of rows changes no bit
    rows = np.lexsort((*columns, evidence.y, at))
    at, y, columns = at[rows], evidence.y[rows], [c[rows] for c in columns]
    count = len(found)
    n = np.bincount(at, minlength=count)
    mean = np.bincount(at, weights=y, minlength=count) / n
    error = y - mean[at]
    x = np.stack([np.bincount(at, weights=c, minlength=count) / n for c in columns] or [np.zeros(count)], axis=1)[
        :, : len(columns)
    ]
    off = [c - x[at, k] for k, c in enumerate(columns)]
    xy = np.stack([np.bincount(at, weights=d * error, minlength=count) for d in off] or [np.zeros(count)], axis=1)[:, : len(off)]
    xx = np.zeros((count, len(off), len(off)))
    for i, d in enumerate(off):
        for k, e in enumerate(off):
            xx[:, i, k] = np.bincount(at, weights=d * e, minlength=count)
    return Cells(
        session=found.codes["session"],
        trader=found.codes["trader"],
        labels={name: found.codes[name] for name in labels},
        n=n.astype(np.int64),
        mean=mean,
        ss=np.bincount(at, weights=error**2, minlength=count),
        x=x,
        xx=xx,
        xy=xy,
    )
