"""Rows set aside: what could not be priced, together with what the record's checks had refused already."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa

from skillstats.errors import Problem
from skillstats.ledger.chains import Chains, pick
from skillstats.ledger.rows import decision_ids
from skillstats.record.containers import Record, Table

UNAVAILABLE: Final = ("D254", "D255", "D259", "D260", "D261")
COLUMNS: Final = ("decision_id", "trader", "action", "model", "code")
QUARANTINE_COLUMNS: Final = ("table", "file", "line", "code", "status", "message", "root", "chain", "raw")


def set_aside_frame(record: Record, chains: Chains, first: Mapping[int, tuple[str, ...]]) -> pd.DataFrame:
    """Actions of chains that cannot be priced, by their position and cause.

    Columns decision_id, trader, action, model, code; chain holds the signal_id (or the action_id of an INITIATE order).
    """
    at = np.array(sorted(first), dtype=np.int64)
    gone = chains.take(at)
    return pd.DataFrame(
        {
            "decision_id": decision_ids(record, gone),
            "trader": pick(record.tables["actions"]["trader"], gone.row, None),
            "action": gone.action,
            "model": pick(record.tables["signals"]["model"], gone.signal, None),
            "code": [first[int(i)][0] for i in at],
            "chain": [str(s or a) for s, a in zip(gone.signal_id, gone.action_id, strict=True)],
        },
        columns=[*COLUMNS, "chain"],
    )


def with_refused(record: Record, frames: list[pd.DataFrame]) -> pd.DataFrame:
    """Actions that became no ledger row: those of chains set aside, and those the record quarantined."""
    parts = [f for f in (*frames, _refused(record)) if len(f)]
    return pd.concat(parts, ignore_index=True) if parts else frames[0]


def _refused(record: Record) -> pd.DataFrame:
    """Actions the record's checks quarantined, read from their raw cells; the model is that of the signal they name."""
    rows: list[dict[str, Any]] = []
    raw = record.raw
    gone = [p for p in record.quarantine if p.table == "actions"]
    models = _models(record) if gone else {}
    for problem in gone:
        cells = raw.cells("actions", problem.line) if raw is not None else None
        if cells is not None:
            own = {k: cells.get(k) or None for k in ("trader", "action")}
            own["model"] = models.get(cells.get("signal_id", ""))
            decision = cells.get("decision_id") or cells.get("action_id")
            rows.append({**own, "decision_id": decision, "code": problem.code, "chain": problem.chain})
    return pd.DataFrame(rows, columns=[*COLUMNS, "chain"])


def _models(record: Record) -> dict[str, str]:
    """Model of each signal by its id, refused signals included."""
    found: dict[str, str] = {}
    raw = record.raw.tables.get("signals") if record.raw is not None else None
    if raw is not None and {"signal_id", "model"} <= set(raw.columns):
        found = {s: m for s, m in zip(*(raw.columns[k].to_pylist() for k in ("signal_id", "model")), strict=True) if m}
    signals = record.tables["signals"]
    return found | dict(zip(signals["signal_id"], signals["model"], strict=True))


def coverage(decisions: pd.DataFrame, lost: pd.DataFrame, named: Collection[str] = ()) -> dict[str, dict[str, int]]:
    """Intervention decisions of each trader: all, closed in full, open, without a counterfactual, and with a quarantined row.

    A decision set aside whole counts too; traders of `named` are listed even without any. ACCEPT orders without a fill (D143) are listed, not counted.
    """
    own = decisions[decisions["intervention"]]
    gone = lost[lost["trader"].notna() & (lost["action"] != "ACCEPT") & lost["decision_id"].notna()]
    missing = gone[gone["code"].isin(UNAVAILABLE)]
    refused = gone[~gone["code"].isin(UNAVAILABLE)]
    result = {}
    for trader in sorted({*own["trader"], *gone["trader"], *named}):
        mine = own[own["trader"] == trader]
        lost_ids = {
            k: set(f.loc[f["trader"] == trader, "decision_id"]) for k, f in (("unavailable", missing), ("quarantined", refused))
        }
        result[str(trader)] = {
            "decisions": len(set(mine["decision_id"]) | lost_ids["unavailable"] | lost_ids["quarantined"]),
            "closed": int(mine["complete"].sum()),
            "open": int((mine["n_open"] > 0).sum()),
            "unavailable": len(lost_ids["unavailable"]),
            "quarantined": len(lost_ids["quarantined"]),
        }
    return result


def ledger_quarantine(record: Record, found: list[Problem]) -> list[Problem]:
    """One entry a row of every chain the pricing set aside: its signal, its action and its fills."""
    cause = {p.chain: p for p in found}
    entries: list[Problem] = []
    signals, actions, fills = (record.tables.get(n) for n in ("signals", "actions", "fills"))
    assert signals is not None
    assert actions is not None
    owner = {a: s or a for a, s in zip(actions["action_id"], actions["signal_id"], strict=True)}
    tables: list[tuple[Table, list[Any]]] = [
        (signals, signals["signal_id"].tolist()),
        (actions, [owner[a] for a in actions["action_id"]]),
    ]
    if fills is not None:
        tables.append((fills, [owner.get(a, "") for a in fills["action_id"]]))
    for table, chain in tables:
        for i, key in enumerate(chain):
            why = cause.get(str(key))
            if why is not None:
                file, line = table.place(i)
                own = record.raw is not None and not table.is_made(i)
                text = record.raw.row_text(table.name, line) if record.raw is not None and own else ""
                entries.append(Problem(why.code, table.name, file, line, why.message, chain=str(key), raw=text, root=why.root))
    return entries


def problem_tables(record: Record, entries: list[Problem]) -> tuple[pa.Table, pa.Table]:
    """The tables quarantine and drops, sorted by table, line and code."""
    return _table([*record.quarantine, *entries]), _table(list(record.drops))


def _table(problems: list[Problem]) -> pa.Table:
    ordered = sorted(problems, key=lambda p: (p.table, p.file, p.line, p.code))
    rows = {
        "table": [p.table for p in ordered],
        "file": [p.file for p in ordered],
        "line": [p.line for p in ordered],
        "code": [p.code for p in ordered],
        "status": ["COUNTERFACTUAL_UNAVAILABLE" if p.code in UNAVAILABLE else p.outcome.upper() for p in ordered],
        "message": [p.message for p in ordered],
        "root": [p.root for p in ordered],
        "chain": [p.chain for p in ordered],
        "raw": [p.raw for p in ordered],
    }
    kinds = {"line": pa.int64()}
    return pa.table({k: pa.array(v, type=kinds.get(k, pa.string())) for k, v in rows.items()})
