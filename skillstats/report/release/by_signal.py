"""Overriding by signal: how often, how well, in rate, regime, choice and execution, for released cells; and the model's own side, which is nobody's.

Money leaves here in whole units of the currency: whoever knows the P/L of every signal could otherwise work out from an exact sum which
signals it is made of.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from skillstats.attribution.choice import largest_remainder, split_parts
from skillstats.attribution.universe import SignalTable, signal_table
from skillstats.boundary.contexts import Label
from skillstats.boundary.signals import read_signals
from skillstats.ledger.containers import Ledger
from skillstats.report.release.departures import labels_of
from skillstats.report.release.given import Given
from skillstats.units import MICRO, round_half_even

BoolArray = NDArray[np.bool_]
PARTS: Final = ("rate", "regime", "choice", "execution")
OF_SIGNALS: Final = ("signal_type", "asset_class", "regime", "side", "time_of_day", "volatility", "model_version", "asset")
"""Labels of a signal that leave with the model's own rows, where the level is released."""


def whole(micro: int) -> int:
    """Micro-units as whole units of the currency."""
    return round_half_even(micro, MICRO)


def signals_by(ledger: Ledger, labels: tuple[str, ...], known: Mapping[str, Label]) -> dict[tuple[str, ...], tuple[int, int]]:
    """Closed signals, followed ones included, and the model's P/L in whole currency, by the levels of some labels of all rows."""
    own = [known[k] for k in labels]
    closed = pc.and_(pc.is_valid(ledger.rows["signal_id"]), pc.is_valid(ledger.rows["value_add"])).to_numpy()
    inside = closed & np.all([label.codes >= 0 for label in own], axis=0)
    pnl = np.asarray(pc.fill_null(ledger.rows["model_pnl"], 0).to_numpy(), dtype=np.int64)[inside]
    codes = np.stack([label.codes[inside] for label in own], axis=1)
    used, place = np.unique(codes, axis=0, return_inverse=True)
    place = place.reshape(-1)
    counts = np.bincount(place, minlength=len(used))
    sums = np.zeros(len(used), dtype=np.int64)
    np.add.at(sums, place, pnl)
    names = [tuple(label.levels[k] for label, k in zip(own, row, strict=True)) for row in used.tolist()]
    return {name: (int(n), whole(int(s))) for name, n, s in zip(names, counts, sums, strict=True)}


def parts_by_type(given: Given) -> dict[str, dict[str, int | None]]:
    """Rate, regime, choice and execution of the departures from each released type of signal, whole currency, adding up to the value-add.

    The regime part tells how far people departed in each regime, so it stands apart from choice only where every regime of the type is
    released; elsewhere it is None and `choice` holds both.
    """
    cut = given.release.cuts.get(("signal_type",))
    if cut is None:
        return {}
    table, kinds = signal_table(given.ledger), _types(given.ledger)
    return {cell.levels[0]: _parts(table, table.priced & (kinds == cell.levels[0]), given, cell.levels[0]) for cell in cut.cells}


def _types(ledger: Ledger) -> NDArray[np.object_]:
    rows = ledger.rows.filter(pc.is_valid(ledger.rows["signal_id"]))
    return np.array([*rows["signal_type"].to_pylist(), None], dtype=object)[:-1]


def _parts(table: SignalTable, mine: BoolArray, given: Given, kind: str) -> dict[str, int | None]:
    places = np.flatnonzero(mine)
    names = sorted(set(table.regime[places]))
    group = [names.index(r) for r in table.regime[places]]
    tilt, money = table.tilt[places].tolist(), table.money[places].tolist()
    rate, regime, choice = split_parts(tilt, money, group)
    gone = table.departed[places]
    own = [(int(v), u, m) for v, u, m, d in zip(table.value_add[places].tolist(), tilt, money, gone, strict=True) if d]
    execution = sum((v - u * m for v, u, m in own), Fraction(0))
    apart = len(names) == 1 or all(given.release.has(("signal_type", "regime"), (kind, r)) for r in names)
    exact = (rate, regime, choice, execution) if apart else (rate, regime + choice, execution)
    total = whole(sum(v for v, _, _ in own))
    cells = largest_remainder([x / MICRO for x in exact], total)
    if apart:
        return dict(zip(PARTS, cells, strict=True))
    return {"rate": cells[0], "regime": None, "choice": cells[1], "execution": cells[2]}


def model_rows(given: Given) -> pa.Table:
    """The model's own side, one row a closed signal: session, labels, P/L in currency and risk; nothing that people did.

    A level that is released in no table of one label is null: it may be somebody's. No id and no time of day to the minute.
    """
    ledger, signals = given.ledger, read_signals(given.ledger)
    closed = np.flatnonzero(pc.is_valid(ledger.rows["value_add"]).to_numpy())
    keep = np.flatnonzero(signals.is_signal)
    known = labels_of(ledger)
    columns: dict[str, Any] = {"session": pa.array([signals.dates[k] for k in signals.session[keep]], type=pa.string())}
    for name in OF_SIGNALS:
        if name in known:
            label = known[name].take(closed[keep])
            told = [level if given.release.has((name,), (level,)) else None for level in label.levels]
            columns[name] = pa.array([told[k] if k >= 0 else None for k in label.codes.tolist()], type=pa.string())
    columns["model_pnl"] = pa.array(signals.model_pnl[keep])
    columns["risk"] = pa.array(signals.risk[keep], mask=~np.isfinite(signals.risk[keep]))
    table = pa.table(columns)
    # sorted by what is in it, so that the order of the ledger, which is that of the actions, does not leave either
    return table.sort_by([(name, "ascending") for name in table.column_names])
