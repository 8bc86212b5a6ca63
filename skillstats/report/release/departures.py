"""The departures of a ledger as a reader of aggregates meets them: labels, money, and whose they are; nothing here is ever printed row by row.

A departure is a closed row with an intervention, own orders (INITIATE) included: there the difference of the books is made. Labels are what
was known before the decision (`boundary.contexts`), the asset, the horizon, the month of the session and what was done. Money is int64
micro-units.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from skillstats.attribution.universe import regimes_of
from skillstats.boundary.contexts import Label, code_text, code_values, contexts_of
from skillstats.errors import LedgerBug
from skillstats.ledger.containers import Ledger
from skillstats.report.release.system import Floors

IntArray = NDArray[np.int64]
BORROWED: Final = ("signal_type", "model_version", "side", "time_of_day", "volatility")
"""Labels taken over from the regime finder."""


@dataclass(frozen=True, slots=True)
class Departures:
    """Closed interventions, arrays of shape (row,).

    place : position in ``ledger.rows``; person, decision : codes from 0; labels : name to codes, -1 where a row has none
    model, actual, value_add : int64 micro-units, with ``actual - model = value_add``
    """

    place: IntArray
    person: IntArray
    decision: IntArray
    labels: Mapping[str, Label]
    model: IntArray
    actual: IntArray
    value_add: IntArray

    def __len__(self) -> int:
        return len(self.place)


def labels_of(ledger: Ledger) -> dict[str, Label]:
    """Labels of every row of a ledger that may make cells; those with one level are left out."""
    table = ledger.rows
    known = contexts_of(ledger) if table.num_rows else {}
    asset = code_text(table["asset"])
    classes = np.array([ledger.plan.assets[a].class_ if a in ledger.plan.assets else "all" for a in asset.levels], dtype=object)
    session = table["session"].combine_chunks()
    found = {
        "asset_class": code_values(classes[asset.codes]),
        "regime": code_values(regimes_of(table)),
        "action": code_text(table["action"]),
        "horizon": code_text(table["horizon"]),
        "asset": asset,
        "month": code_text(pa.chunked_array([pc.utf8_slice_codeunits(session, 0, 7)])),
    }
    found |= {name: known[name] for name in BORROWED if name in known}
    own = pc.equal(pc.fill_null(table["action"], ""), "INITIATE").to_numpy()
    if own.any():  # so that how often signals are overridden can be told apart from orders that answer none
        for name, copy in (("regime", "regime_of_signals"), ("asset_class", "class_of_signals")):
            found[copy] = Label(np.where(own, -1, found[name].codes), found[name].levels)
    return {name: label for name, label in found.items() if len(np.unique(label.codes[label.codes >= 0])) > 1}


def departures_of(ledger: Ledger) -> Departures:
    """The closed interventions of a ledger; see `Departures`."""
    table = ledger.rows
    mine = pc.and_(pc.is_valid(table["value_add"]), pc.fill_null(table["is_intervention"], False))
    place = np.flatnonzero(pc.and_(mine, pc.is_valid(table["trader"])).to_numpy())
    part = table.take(pa.array(place))
    model, value_add = _micro(part, "model_pnl"), _micro(part, "value_add")
    actual = _micro(part, "actual_pnl")
    if not np.array_equal(actual - model, value_add):
        raise LedgerBug("actual - model is not the value-add of every departure; please report this record")
    return Departures(
        place=place.astype(np.int64),
        person=code_text(part["trader"]).codes,
        decision=code_text(part["decision_id"]).codes,
        labels={name: label.take(place) for name, label in labels_of(ledger).items()},
        model=model,
        actual=actual,
        value_add=value_add,
    )


def merge_months(label: Label, person: IntArray, decision: IntArray, floors: Floors) -> Label:
    """Months joined with the next until each stretch is large enough; the last one joins the stretch before it.

    Examples
    --------
    >>> months = Label(np.array([0, 0, 1, 2, 2]), ("2026-01", "2026-02", "2026-03"))
    >>> merged = merge_months(months, np.array([0, 1, 0, 0, 1]), np.arange(5), Floors(2, 2))
    >>> merged.levels, merged.codes.tolist()
    (('2026-01', '2026-02 to 2026-03'), [0, 0, 1, 1, 1])
    """
    groups: list[list[int]] = []
    open_group: list[int] = []
    for level in range(len(label.levels)):
        open_group.append(level)
        inside = np.isin(label.codes, open_group)
        if len(np.unique(person[inside])) >= floors.people and len(np.unique(decision[inside])) >= floors.decisions:
            groups, open_group = [*groups, open_group], []
    if open_group:
        groups = [*groups[:-1], [*groups[-1], *open_group]] if groups else [open_group]
    code = np.full(len(label.levels) + 1, -1, dtype=np.int64)
    for k, group in enumerate(groups):
        code[group] = k
    names = tuple(label.levels[g[0]] + (f" to {label.levels[g[-1]]}" if len(g) > 1 else "") for g in groups)
    return Label(code[label.codes], names)


def _micro(table: pa.Table, name: str) -> IntArray:
    """A money column; null (the model's P/L of an own order) is 0."""
    return np.asarray(pc.fill_null(table[name], 0).to_numpy(), dtype=np.int64)
