"""Regime labels from a user's table, as they were known strictly before a decision.

A label stamped at the very instant of the decision may already contain it, so the newest row strictly earlier counts. Each label keeps
its cut-off, the stamp of the newest datum behind it; a cut-off at or after the decision is impossible by construction and is checked
again by the evidence step. A decision without an earlier label is ``unlabelled`` and kept.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from skillstats.errors import UsageError
from skillstats.plan import Plan
from skillstats.record.containers import NULL, Table

UNLABELLED: Final = "unlabelled"
RULE: Final = "user label, strictly before the decision, v1"
FIXED_COLUMNS: Final = ("time", "asset")


@dataclass(frozen=True, slots=True)
class Labels:
    """Labels of each chain.

    values : regime name -> (chain,) text; cutoff : (chain,) int64, newest datum behind any of the labels, `NULL` if none
    rule : digest of the rule that made them, empty without regimes
    """

    values: Mapping[str, NDArray[Any]]
    cutoff: NDArray[np.int64]
    rule: str


def regime_labels(plan: Plan, table: Table | None, asset: NDArray[Any], decided: NDArray[np.int64]) -> Labels:
    """Label each decision by the regimes the plan names.

    Parameters
    ----------
    table : the `regimes` table of the record, if any
    asset : (chain,) asset names
    decided : (chain,) instants: the action's, or the signal's where the signal was left alone

    Raises
    ------
    UsageError
        If the plan names a regime that the table does not have.
    """
    have = [c for c in table.columns if c not in FIXED_COLUMNS] if table is not None else []
    missing = [name for name in plan.regimes.use if name not in have]
    if missing:
        raise UsageError(
            f"regimes.use names {missing}, but the regimes table has {have or 'no label column'}; correct the plan or add the column"
        )
    cutoff = np.full(len(decided), NULL, dtype=np.int64)
    values: dict[str, NDArray[Any]] = {}
    for name in plan.regimes.use:
        assert table is not None
        values[name], own = _known(table, name, asset, decided)
        cutoff = np.maximum(cutoff, own)
    rule = hashlib.sha256("\n".join((RULE, *plan.regimes.use)).encode()).hexdigest()[:16] if values else ""
    return Labels(values, cutoff, rule)


def _known(table: Table, name: str, asset: NDArray[Any], decided: NDArray[np.int64]) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Newest label strictly before each instant: the asset's own if it has one by then, else the one for all assets.

    What an asset will have later must not matter, so the choice is made for each instant and not for the asset.
    """
    labels, times, owner = table[name], table["time"], table["asset"]
    value = np.full(len(decided), UNLABELLED, dtype=object)
    cutoff = np.full(len(decided), NULL, dtype=np.int64)
    given = np.array([label is not None for label in labels], dtype=bool)
    for who in (None, *sorted(set(asset))):
        mine = np.arange(len(decided)) if who is None else np.flatnonzero(asset == who)
        rows = np.flatnonzero(given & np.array([a == who for a in owner], dtype=bool))
        rows = rows[np.argsort(times[rows], kind="stable")]
        at = np.searchsorted(times[rows], decided[mine], side="left") - 1
        hit = at >= 0
        value[mine[hit]], cutoff[mine[hit]] = labels[rows[at[hit]]], times[rows[at[hit]]]
    return value, cutoff
