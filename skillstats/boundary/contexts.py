"""What was known when a signal was decided on: the candidate labels of the regime finder and of the value surface.

Everything here is dated before the decision. Regimes carry their own cut-off. Side, signal type, asset class and model version stand in
the signal. The time of day is that of the decision. The volatility of the asset is the ledger's, known at the signal; whether it counts
as low, middle or high is decided by the terciles of the signals of earlier sessions, so that no later signal moves an earlier label.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from skillstats.ledger.containers import Ledger
from skillstats.market.sessions import load_sessions

IntArray = NDArray[np.int64]
BURN_IN: Final = 60
"""Earlier signals that the terciles of volatility need."""
THIRDS: Final = ("first third of the session", "middle third", "last third")
TERCILES: Final = ("low volatility", "middle volatility", "high volatility")
NAMES: Final = {
    "action": "action", "signal_type": "signal type", "asset_class": "asset class", "model_version": "model version",
    "side": "side", "time_of_day": "time of day", "volatility": "volatility of the asset", "trader": "trader",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Label:
    """One candidate label: `codes` (row,) int64 into `levels`, -1 where it is unknown."""

    codes: IntArray
    levels: tuple[str, ...]

    def take(self, rows: IntArray) -> Label:
        """The same label on some rows; levels stay."""
        return Label(self.codes[rows], self.levels)


def name_of(label: str) -> str:
    """A label as a reader meets it.

    Examples
    --------
    >>> name_of("regime_market"), name_of("time_of_day")
    ('market', 'time of day')
    """
    return NAMES.get(label, label.removeprefix("regime_").replace("_", " "))


def contexts_of(ledger: Ledger) -> dict[str, Label]:
    """Every candidate label of every row of a ledger, by name; labels with one level are left out.

    Returns
    -------
    {name: Label}, codes over ``ledger.rows``; regimes first, then the labels of the signal, the action, time of day and volatility
    """
    table = ledger.rows
    regimes = [c for c in table.column_names if c.startswith("regime_") and c not in ("regime_cutoff", "regime_rule")]
    found = {name: code_text(table[name]) for name in (*regimes, "signal_type", "model_version", "side", "action")}
    known = ledger.plan.assets
    asset = code_text(table["asset"])
    classes = np.array([known[a].class_ if a in known else "all" for a in asset.levels], dtype=object)
    found["asset_class"] = code_values(classes[asset.codes])
    decided = decided_at(table)
    found["time_of_day"] = _time_of_day(ledger, decided)
    found["volatility"] = _volatility(table)
    return {name: label for name, label in found.items() if len(np.unique(label.codes[label.codes >= 0])) > 1}


def code_text(column: pa.ChunkedArray) -> Label:
    """A text column as codes into its sorted levels; null is -1."""
    encoded = column.combine_chunks().dictionary_encode()
    levels = [str(v) for v in encoded.dictionary.to_pylist()]
    order = np.argsort(np.array(levels, dtype=object), kind="stable") if levels else np.zeros(0, dtype=np.int64)
    place = np.empty(len(levels), dtype=np.int64)
    place[order] = np.arange(len(levels))
    codes = pc.fill_null(encoded.indices.cast(pa.int64()), -1).to_numpy(zero_copy_only=False)
    return Label(np.where(codes >= 0, place[codes] if len(place) else -1, -1), tuple(levels[i] for i in order))


def code_values(values: NDArray[Any]) -> Label:
    """Values as codes into their sorted levels."""
    levels, codes = np.unique(values.astype(str), return_inverse=True)
    return Label(codes.astype(np.int64), tuple(str(v) for v in levels))


def instants(table: pa.Table, name: str) -> IntArray:
    """A time column in UTC microseconds, -1 where it is null."""
    return np.asarray(pc.fill_null(table[name].cast(pa.int64()), -1).to_numpy(), dtype=np.int64)


def decided_at(table: pa.Table) -> IntArray:
    """Instant of each row's decision: the action's, or the signal's where it was left alone."""
    acted = instants(table, "action_time")
    return np.where(acted >= 0, acted, instants(table, "signal_time"))


def _time_of_day(ledger: Ledger, decided: IntArray) -> Label:
    """Third of the desk's session in which a decision fell; unknown outside trading hours."""
    desk = load_sessions(ledger.plan.calendar.default, int(decided.min()), int(decided.max()), 1)
    k = np.minimum(desk.index_of(decided), len(desk.closes) - 1)
    share = (decided - desk.opens[k]) / (desk.closes[k] - desk.opens[k])
    third = np.clip((3 * share).astype(np.int64), 0, 2)
    return Label(np.where((share >= 0) & (share <= 1), third, -1), THIRDS)


def _volatility(table: pa.Table) -> Label:
    """Tercile of the asset's volatility among the signals of earlier sessions; unknown before `BURN_IN` of them."""
    value = np.asarray(pc.fill_null(table["volatility"].cast(pa.int64()), -1).to_numpy(), dtype=np.int64)
    session = code_text(table["session"])  # dates, so that their order is that of time
    order = np.argsort(session.codes, kind="stable")
    starts = np.searchsorted(session.codes[order], np.arange(len(session.levels) + 1))
    codes = np.full(len(value), -1, dtype=np.int64)
    for s in range(len(session.levels)):
        earlier = value[order[: starts[s]]]
        earlier = earlier[earlier > 0]
        if len(earlier) >= BURN_IN:
            own = order[starts[s] : starts[s + 1]]
            breaks = np.quantile(earlier, (1 / 3, 2 / 3))
            codes[own] = np.where(value[own] > 0, np.searchsorted(breaks, value[own], side="left"), -1)
    return Label(codes, TERCILES)


def cross(first: Label, second: Label) -> Label:
    """Crossing of two labels: every pair of levels.

    Examples
    --------
    >>> pair = cross(Label(np.array([0, 1]), ("a", "b")), Label(np.array([1, -1]), ("x", "y")))
    >>> pair.codes.tolist(), pair.levels
    ([1, -1], ('a, x', 'a, y', 'b, x', 'b, y'))
    """
    both = (first.codes >= 0) & (second.codes >= 0)
    codes = np.where(both, first.codes * len(second.levels) + second.codes, -1)
    return Label(codes, tuple(f"{a}, {b}" for a in first.levels for b in second.levels))


def check_look_ahead(ledger: Ledger) -> int:
    """Rows whose regime label was not known before the decision; must be 0 for any claim."""
    return int((instants(ledger.rows, "regime_cutoff") >= decided_at(ledger.rows)).sum())


def subset(labels: Mapping[str, Label], rows: IntArray) -> dict[str, Label]:
    """Labels on some rows, without those left with one level."""
    taken = {name: label.take(rows) for name, label in labels.items()}
    return {name: label for name, label in taken.items() if len(np.unique(label.codes[label.codes >= 0])) > 1}
