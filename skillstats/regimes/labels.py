"""Regime labels as they were known strictly before a decision: from a user's table, or built in.

A label stamped at the very instant of the decision may already contain it, so the newest row strictly earlier counts. Each label keeps
its cut-off, the stamp of the newest datum behind it (for a built-in label the close of the newest session used); a cut-off at or after the
decision is impossible by construction and is checked here and again by the evidence step. A decision without an earlier label is
``unlabelled`` and kept.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from skillstats.errors import LedgerBug, UsageError
from skillstats.record.containers import NULL, Table
from skillstats.record.price_rows import SIZES
from skillstats.regimes.builtin import RULES, UNLABELLED, LabelSource, built_labels, is_builtin, split_name

RULE: Final = "user label, strictly before the decision, v1"
FIXED_COLUMNS: Final = ("time", "asset")
__all__ = ["UNLABELLED", "Labels", "regime_labels"]


@dataclass(frozen=True, slots=True)
class Labels:
    """Labels of each chain.

    values : regime name -> (chain,) text; cutoff : (chain,) int64, newest datum behind any of the labels, `NULL` if none
    rule : digest of the rules that made them, empty without regimes
    unfitted, borderline : chains without a label of ``hmm`` because its fit failed, and with one whose other state is at least half as
        likely; None where ``hmm`` is not used
    """

    values: Mapping[str, NDArray[Any]]
    cutoff: NDArray[np.int64]
    rule: str
    unfitted: int | None = None
    borderline: int | None = None


def regime_labels(
    use: tuple[str, ...], table: Table | None, source: LabelSource | None, asset: NDArray[Any], decided: NDArray[np.int64]
) -> Labels:
    """Label each decision by the regimes a plan names.

    Parameters
    ----------
    use : `regimes.use` of the plan
    table : the `regimes` table of the record, if any
    source : the record's market; nothing is computed from it unless the plan names a built-in label, and then it must be there
    asset : (chain,) asset names
    decided : (chain,) instants: the action's, or the signal's where the signal was left alone

    Raises
    ------
    UsageError
        If the plan names a regime that is neither a column of the table nor built in, or is both, or names an asset without prices, or asks
        for ``depth`` of prices without sizes.
    LedgerBug
        If a label rests on a datum at or after its decision.
    """
    refuse_names(use, table, source)
    cutoff = np.full(len(decided), NULL, dtype=np.int64)
    values: dict[str, NDArray[Any]] = {}
    unfitted = borderline = None
    for name in use:
        if is_user_column(table, name):
            assert table is not None
            values[name], own = _known(table, name, asset, decided)
        else:
            assert source is not None
            made = built_labels(source, name, asset, decided)
            values[name], own = made.label, made.cutoff
            if split_name(name)[0] == "hmm":
                unfitted, borderline = (unfitted or 0) + made.failed, (borderline or 0) + made.unsure
        refuse_late(name, own, decided)
        cutoff = np.maximum(cutoff, own)
    return Labels(values, cutoff, rule_digest(use, table) if values else "", unfitted, borderline)


def is_user_column(table: Table | None, name: str) -> bool:
    """Whether the `regimes` table has a label column of this name."""
    return table is not None and name not in FIXED_COLUMNS and name in table.columns


def rule_digest(names: tuple[str, ...], table: Table | None) -> str:
    """Digest of what makes the labels: names of user columns, and the whole rule of built-in ones."""
    rules = [n if is_user_column(table, n) else f"{n}: {RULES[split_name(n)[0]]}" for n in names]
    return hashlib.sha256("\n".join((RULE, *rules)).encode()).hexdigest()[:16]


def refuse_names(use: tuple[str, ...], table: Table | None, source: LabelSource | None) -> None:
    """Refuse every name that stands for nothing, or for two things."""
    have = [c for c in table.columns if c not in FIXED_COLUMNS] if table is not None else []
    missing = [n for n in use if n not in have and not is_builtin(n)]
    if missing:
        raise UsageError(
            f"regimes.use names {missing}, but the regimes table has {have or 'no label column'} and built in are {list(RULES)}; correct the "
            "plan or add the column (labels from the decision's own day, centred or smoothed ones are not offered: they know the outcome)"
        )
    lacking = [c for c in SIZES if source is None or not source.market.store.rows.has(c)] if any(map(_is_depth, use)) else []
    both = [n for n in use if n in have and is_builtin(n) and not (lacking and _is_depth(n))]
    if both:
        raise UsageError(
            f"regimes.use names {both}, which the regimes table has as a column and the package as a built-in label; rename the column to use "
            "it, or leave it out of the table to use the built-in label"
        )
    priced = source.market.store.code_of() if source is not None else {}
    named = [(n, a) for n in use if n not in have and (a := split_name(n)[1]) is not None]
    blind = [n for n, a in named if a not in priced]
    if blind:
        raise UsageError(f"regimes.use names {blind}, but the record has no prices of that asset; add them or name another asset")
    shallow = [n for n in use if n not in have and _is_depth(n)]
    if shallow and lacking:
        raise UsageError(
            f"regimes.use names {shallow}, but no row of prices has {' or '.join(lacking)}; add the sizes at the best bid and ask, or name "
            "'volume' or 'spread', which need none"
        )


def _is_depth(name: str) -> bool:
    """Whether a name is the built-in depth; without sizes it can only be the user's own column."""
    return split_name(name)[0] == "depth"


def refuse_late(name: str, cutoff: NDArray[np.int64], decided: NDArray[np.int64]) -> None:
    """No label may rest on a datum at or after its decision.

    Raises
    ------
    LedgerBug
        Saying how many do; a defect of the package, since the look-ups cannot return such a label.

    Examples
    --------
    >>> refuse_late("weather", np.array([10]), np.array([11]))
    >>> refuse_late("weather", np.array([11]), np.array([11]))
    Traceback (most recent call last):
    skillstats.errors.LedgerBug: 1 label(s) of 'weather' rest on data at or after the decision; please report this record
    """
    late = int((cutoff >= decided).sum())
    if late:
        raise LedgerBug(f"{late} label(s) of {name!r} rest on data at or after the decision; please report this record")


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
