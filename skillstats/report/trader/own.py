"""What of a ledger is one trader's own: the rows that trader decided, and nothing else.

The whole ledger is cut down first; decisions, sums and explanations are made from the cut, which knows nobody else.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from skillstats.ledger.containers import Ledger
from skillstats.ledger.explain import explain, plain_instants

PARTS: Final = ("size", "drift", "slippage", "cost", "value_add")
ROW_CELLS: Final = ("asset", "side", "action", "model", "signal_type", "status", *PARTS, "value_add_to_date", "warnings")
Line = dict[str, Any]


def own_ledger(ledger: Ledger, trader: str) -> Ledger:
    """The ledger cut down to the rows of one trader.

    The record is left behind too: a page made beside the record and one made from a ledger folder are the same, and neither holds more than
    the rows themselves. What was set aside is counted in the decisions; its raw text may be anybody's and stays out.
    """
    by_trader = {name: _own(getattr(ledger, name), trader) for name in ("rows", "decisions", "slices", "kpis")}
    none = {name: getattr(ledger, name).slice(0, 0) for name in ("books", "quarantine", "drops")}
    return dataclasses.replace(
        ledger, **by_trader, **none, problems=(), provenance={}, decay=None, decay_kpis=None, record=None, carried={}
    )


def _own(table: pa.Table, trader: str) -> pa.Table:
    return table.filter(pc.fill_null(pc.equal(table["trader"], trader), False))


def own_decisions(own: Ledger) -> list[Line]:
    """Every decision of a ledger cut down to one trader, in time order, each with its rows.

    Returns
    -------
    list of {decision_id, session, time (int64 UTC microseconds), action, followed, complete, open, quarantined, rows, the parts in
    micro-units (None while a row is open), value_add_to_date}; `followed` where no row departs from the model
    """
    rows: dict[str, list[Line]] = {}
    for row in plain_instants(own.rows).to_pylist():
        rows.setdefault(str(row["decision_id"]), []).append(row)
    return [_decision(d, rows.get(str(d["decision_id"]), [])) for d in plain_instants(own.decisions).to_pylist()]


def _decision(d: Mapping[str, Any], rows: Sequence[Line]) -> Line:
    still_open = d["n_open"] > 0
    return {
        "decision_id": d["decision_id"],
        "session": d["session"],
        "time": d["first_time"],
        "action": d["action"],
        "followed": not any(r["is_intervention"] for r in rows),
        "complete": d["complete"],
        "open": d["n_open"],
        "quarantined": d["n_quarantined"],
        **{k: None if still_open else d[k] for k in PARTS},
        "value_add_to_date": sum(r["value_add_to_date"] for r in rows),
        "rows": [_row(r) for r in rows],
    }


def _row(row: Mapping[str, Any]) -> Line:
    return {"key": row_key(row), **{k: row.get(k) for k in ROW_CELLS}}


def row_key(row: Mapping[str, Any]) -> str:
    """What a row is called in `explain` and `contest`: its signal, or its action where there was no signal."""
    return str(row["signal_id"] if row["signal_id"] is not None else row["action_id"])


def best_and_worst(decisions: Sequence[Line], many: int) -> tuple[list[str], list[str]]:
    """Decisions that made most and cost most against the model, at most `many` each; only complete departures, ties by id.

    A decision that made nothing is neither.
    """
    judged = sorted(
        (d for d in decisions if d["complete"] and not d["followed"]), key=lambda d: (-d["value_add"], d["decision_id"])
    )
    best = [d["decision_id"] for d in judged[:many] if d["value_add"] > 0]
    worst = [d["decision_id"] for d in judged[::-1][:many] if d["value_add"] < 0]
    return best, worst


def explanations(own: Ledger, decisions: Sequence[Line], most: int) -> dict[str, str]:
    """How each row of some decisions came about, by key, in the order given; at most `most` rows."""
    keys = list(dict.fromkeys(r["key"] for d in decisions for r in d["rows"]))
    return {key: explain(own, key).text for key in keys[:most]}
