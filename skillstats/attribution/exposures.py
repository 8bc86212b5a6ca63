"""Exposure of each ledger row to each factor, as it was known strictly before the decision, and whether it was given or estimated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from skillstats.attribution.asof import value_at

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
GIVEN, ESTIMATED, MISSING = "given", "estimated", "missing"
KINDS: Final = (GIVEN, ESTIMATED, MISSING)


@dataclass(frozen=True, slots=True)
class Exposures:
    """Exposures of rows.

    value : (row, factor) return of the asset per unit of factor return, no unit; NaN where none was known
    kind : (row, factor) text: given, estimated or missing
    """

    value: FloatArray
    kind: NDArray[Any]

    @property
    def known(self) -> NDArray[np.bool_]:
        """Rows whose exposure to every factor was known, shape (row,)."""
        return np.asarray((self.kind != MISSING).all(axis=1), dtype=bool)


def exposures_at(
    carried: Mapping[str, pa.Table], names: Sequence[str], asset: Sequence[Any] | NDArray[Any], decided: IntArray
) -> Exposures:
    """Newest exposure strictly before each decision: the one given, else the one estimated from earlier closes; none is not 0.

    Parameters
    ----------
    carried : tables of the ledger; names : factors; asset, decided : (row,) names and int64 instants
    """
    value = np.full((len(decided), len(names)), np.nan)
    kind = np.full(value.shape, MISSING, dtype=object)
    for table, word in (("betas", ESTIMATED), ("exposures", GIVEN)):
        if table not in carried:
            continue
        for j, name in enumerate(names):
            own = carried[table].filter(pc.equal(carried[table]["factor"], name))
            found = value_at(own, "exposure", asset, decided).value.astype(float)
            known = np.isfinite(found)
            value[known, j], kind[known, j] = found[known], word
    return Exposures(value, kind)


def terciles(value: FloatArray, session: IntArray, name: str, least: int = 30) -> NDArray[Any]:
    """Low, middle or high exposure of each row among the rows of earlier sessions, as text; shape (row,).

    Breakpoints of a session come from strictly earlier sessions, at least `least` rows; before that, and without an exposure, the
    label says so. Later rows never change an earlier label.

    Examples
    --------
    >>> x = np.tile([0.0, 1.0, 2.0], 11)
    >>> terciles(x, np.repeat(np.arange(11), 3), "size")[-3:].tolist()
    ['low size', 'middle size', 'high size']
    """
    label = np.full(len(value), f"{name} not ranked yet", dtype=object)
    label[~np.isfinite(value)] = f"{name} unknown"
    known = np.flatnonzero(np.isfinite(value))
    order = known[np.argsort(session[known], kind="stable")]
    begins = np.flatnonzero(np.r_[True, session[order][1:] != session[order][:-1]]) if len(order) else order
    for begin, end in pairwise([*begins, len(order)]):
        if begin >= least:
            low, high = np.quantile(value[order[:begin]], [1 / 3, 2 / 3])
            own = value[order[begin:end]]
            words = np.where((own <= low) & (own < high), "low", np.where((own >= high) & (own > low), "high", "middle"))
            label[order[begin:end]] = words.astype(object) + f" {name}"
    return label
