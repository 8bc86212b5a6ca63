"""The regime labels of one row: recomputed where the record is at hand, and told with the numbers they were cut from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from skillstats.ledger.containers import Ledger
from skillstats.ledger.explain_facts import Row
from skillstats.ledger.explain_words import instant
from skillstats.market.adjust import corporate_of
from skillstats.market.opening import open_market
from skillstats.record.containers import NULL, Record
from skillstats.regimes.builtin import LabelSource, label_source
from skillstats.regimes.labels import Labels, is_user_column, regime_labels
from skillstats.regimes.words import why_labelled

Cell = tuple[str, Any, Any]


def decided_at(row: Row) -> int:
    """The instant a row is labelled at: the action, or the signal where it was left alone."""
    return int(row["action_time"] if row["is_intervention"] else row["signal_time"])


def label_cells(ledger: Ledger, row: Row) -> Iterator[Cell]:
    """Name, stored and recomputed value of each label of a row, and of their cut-off."""
    if ledger.record is None or not ledger.plan.regimes.use:
        return
    again = _again(ledger.record, _source(ledger), row, ledger.plan.regimes.use)
    for name, values in again.values.items():
        yield f"regime_{name}", row[f"regime_{name}"], values[0]
    yield "regime_cutoff", row["regime_cutoff"], None if again.cutoff[0] == NULL else int(again.cutoff[0])
    yield "regime_rule", row["regime_rule"], again.rule


def label_lines(ledger: Ledger, row: Row) -> Iterator[str]:
    """Each label of a row with its reason, and up to when anything behind them was known."""
    names = ledger.plan.regimes.use
    if not names:
        return
    source = _source(ledger)
    for name in names:
        why = _why(ledger, source, row, name)
        yield f"{name}: {row[f'regime_{name}']}" + (f"; {why}" if why else "")
    decided = f"the decision at {instant(decided_at(row))}"
    if row["regime_cutoff"] is None:
        yield f"nothing of the record stands behind {'it' if len(names) == 1 else 'them'}"
    else:
        yield f"the newest datum used is of {instant(row['regime_cutoff'])}, before {decided}"
    if ledger.record is None:
        yield "the record is not at hand, so the labels are shown as stored"


def _why(ledger: Ledger, source: LabelSource | None, row: Row, name: str) -> str:
    if ledger.record is None:
        return ""
    if not is_user_column(ledger.record.tables.get("regimes"), name):
        assert source is not None
        return why_labelled(source, name, row["asset"], decided_at(row))
    stamp = int(_again(ledger.record, source, row, (name,)).cutoff[0])
    return "the regimes table has none by then" if stamp == NULL else f"from the regimes table, known since {instant(stamp)}"


def _source(ledger: Ledger) -> LabelSource | None:
    """The market of the record, where a built-in label needs one."""
    record = ledger.record
    if record is None or all(is_user_column(record.tables.get("regimes"), n) for n in ledger.plan.regimes.use):
        return None
    return label_source(open_market(record, ledger.plan), corporate_of(record))


def _again(record: Record, source: LabelSource | None, row: Mapping[str, Any], use: tuple[str, ...]) -> Labels:
    asset, decided = np.array([row["asset"]], dtype=object), np.array([decided_at(row)], dtype=np.int64)
    return regime_labels(use, record.tables.get("regimes"), source, asset, decided)
