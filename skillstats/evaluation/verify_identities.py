"""Whether the tables of a ledger, as they are read, still add up: rows, decisions, slices, books and KPIs.

The same identities were asserted when the ledger was built. Here they are recomputed from the files alone, so that a change that was
written into every digest still shows, as long as it was not written into every table.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from skillstats.errors import UsageError, show
from skillstats.ledger.containers import Ledger
from skillstats.ledger.write import read_ledger
from skillstats.units import format_micro

PARTS: Final = ["size", "drift", "slippage", "cost", "value_add"]
SHOWN: Final = 5
TEXTS: Final = ("signal_id", "action_id", "decision_id", "trader", "asset", "status", "is_intervention")
BOOKS: Final = ("actual_pnl", "model_pnl", "value_add_to_date")
COLUMNS: Final = {
    "ledger": [*TEXTS, *PARTS, *BOOKS],
    "slices": ["signal_id", "action_id", "session", "slice"],
}
"""What is read of the two large tables."""


def identities_that_fail(folder: Path) -> list[str]:
    """A sentence for each identity that does not hold; one sentence if the tables cannot be read."""
    try:
        ledger = read_ledger(folder, columns=COLUMNS)
        rows = _rows(ledger)
        return [line for check in CHECKS for line in _few(check(ledger, rows))]
    except (UsageError, OSError, KeyError, TypeError, ValueError, StopIteration, pa.ArrowException) as error:
        return [f"the tables cannot be added up ({type(error).__name__}: {str(error)[:200]})"]


def _few(lines: Iterator[str]) -> list[str]:
    found = list(lines)
    return found[:SHOWN] + ([f"... and {len(found) - SHOWN} more of the same kind"] if len(found) > SHOWN else [])


def _frame(table: pa.Table, money: tuple[str, ...], text: tuple[str, ...]) -> pd.DataFrame:
    """Integers (null as 0) and texts (null as empty) of a table."""
    columns: dict[str, Any] = {k: pc.fill_null(table[k].cast(pa.int64()), 0).to_numpy() for k in money}
    columns |= {k: pc.fill_null(table[k].cast(pa.string()), "").to_numpy(zero_copy_only=False) for k in text}
    return pd.DataFrame(columns)


def _rows(ledger: Ledger) -> pd.DataFrame:
    return _frame(ledger.rows, (*PARTS, *BOOKS), TEXTS)


def _off(name: str, found: Any, told: Any, what: str) -> str:
    return f"{name}: {what} {format_micro(int(found))}, not {format_micro(int(told))}"


def _parts_add(_: Ledger, rows: pd.DataFrame) -> Iterator[str]:
    total = rows[PARTS[:4]].sum(axis=1)
    for i in np.flatnonzero(total != rows["value_add"]):
        yield _off(_name(rows, i), total[i], rows["value_add"][i], "size, drift, slippage and cost add to")
    both = rows["actual_pnl"] - rows["model_pnl"]
    for i in np.flatnonzero(both != rows["value_add"]):
        yield _off(_name(rows, i), both[i], rows["value_add"][i], "actual_pnl - model_pnl is")


def _name(rows: pd.DataFrame, i: Any) -> str:
    return f"ledger, row {i + 1} ({show(rows['signal_id'][i] or rows['action_id'][i])[1:-1]})"


def _slices_add(ledger: Ledger, rows: pd.DataFrame) -> Iterator[str]:
    keys = ["signal_id", "action_id"]
    slices = _frame(ledger.slices, ("slice",), ("signal_id", "action_id"))
    total = slices.groupby(keys)["slice"].sum()
    own = pd.MultiIndex.from_frame(rows[keys])
    found = total.reindex(own).fillna(0).to_numpy(dtype=np.int64) if len(total) else np.zeros(len(rows), dtype=np.int64)
    for column, mask in (("value_add_to_date", np.ones(len(rows), dtype=bool)), ("value_add", rows["status"] == "CLOSED")):
        for i in np.flatnonzero(mask & (found != rows[column])):
            yield _off(_name(rows, i), found[i], rows[column][i], f"its slices add to the {column}")
    for key in total.index.difference(own):
        yield f"slices: {show(key[0] or key[1])[1:-1]} is no row of the ledger"


def _decisions_add(ledger: Ledger, rows: pd.DataFrame) -> Iterator[str]:
    decisions = _frame(ledger.decisions, (*PARTS, "n_rows", "n_open"), ("decision_id",)).set_index("decision_id")
    closed = rows[PARTS].where(rows["status"] == "CLOSED", 0)
    own = closed.assign(n_rows=1, n_open=(rows["status"] == "OPEN").astype(np.int64)).groupby(rows["decision_id"]).sum()
    own = own.reindex(decisions.index).fillna(0).astype(np.int64)
    for k in ("n_rows", "n_open"):
        for i in np.flatnonzero(own[k].to_numpy() != decisions[k].to_numpy()):
            yield f"{_decision(decisions, i)}: {k} is {decisions[k].iloc[i]}, the ledger has {own[k].iloc[i]}"
    settled = decisions["n_open"].to_numpy() == 0
    for k in PARTS:
        for i in np.flatnonzero(settled & (own[k].to_numpy() != decisions[k].to_numpy())):
            yield _off(_decision(decisions, i), own[k].iloc[i], decisions[k].iloc[i], f"its rows add to the {k}")
    for key in sorted(set(rows["decision_id"]) - set(decisions.index) - {""}):
        yield f"decisions: {show(key)[1:-1]} of the ledger is missing"


def _decision(decisions: pd.DataFrame, i: Any) -> str:
    return f"decisions, row {i + 1} ({show(decisions.index[i])[1:-1]})"


def _books_add(ledger: Ledger, rows: pd.DataFrame) -> Iterator[str]:
    books = _frame(ledger.books, ("pnl", "cost"), ("line", "state", "session", "trader", "asset"))
    keys = ["state", "session", "trader", "asset"]
    lines = books.pivot_table(index=keys, columns="line", values="pnl", aggfunc="sum").fillna(0).astype(np.int64)
    for line in ("actual", "model_frozen", "difference"):
        if line not in lines:
            lines[line] = 0
    gap = lines["actual"] - lines["model_frozen"]
    for key in lines.index[(gap != lines["difference"]).to_numpy()]:
        place = " ".join(show(k)[1:-1] for k in key if k)
        yield _off(f"books ({place})", gap[key], lines["difference"][key], "actual - model_frozen is")
    for state, amount in (
        ("closed", rows["value_add"]),
        ("open_to_date", rows["value_add_to_date"].where(rows["status"] == "OPEN", 0)),
    ):
        own = books[(books["line"] == "difference") & (books["state"] == state)]
        for cut in ("trader", "asset"):
            yield from _by(f"books by {cut}, {state}", own.groupby(cut)["pnl"].sum(), amount.groupby(rows[cut]).sum())
    traded = _frame(ledger.slices, ("slice",), ("session",)).groupby("session")["slice"].sum()
    every = books[books["line"] == "difference"].groupby("session")["pnl"].sum()
    yield from _by("books by session", every, traded)


def _by(what: str, found: pd.Series, told: pd.Series) -> Iterator[str]:
    for key in found.index.union(told.index):
        if found.get(key, 0) != told.get(key, 0):
            amounts = [format_micro(int(x.get(key, 0))) for x in (found, told)]
            yield f"{what} ({show(key)[1:-1]}): the line difference is {amounts[0]}, what it is made of adds to {amounts[1]}"


def _totals_add(ledger: Ledger, rows: pd.DataFrame) -> Iterator[str]:
    totals, counts = ledger.result["totals"], ledger.result["counts"]
    open_now = rows["status"] == "OPEN"
    own = {
        "value_add": rows["value_add"].sum(),
        "actual": rows["actual_pnl"].sum(),
        "value_add_to_date": rows["value_add_to_date"].where(open_now, 0).sum(),
    }
    yield from (_off("manifest.json", totals[k], v, f"total {k} is") for k, v in own.items() if totals[k] != v)
    tables: Mapping[str, int] = {"rows": len(rows), "open": int(open_now.sum()), "quarantined": ledger.quarantine.num_rows}
    yield from (f"manifest.json: {k} is {counts[k]}, the tables have {n}" for k, n in tables.items() if counts[k] != n)


def _kpis_add(ledger: Ledger, rows: pd.DataFrame) -> Iterator[str]:
    kpis = ledger.kpis.to_pylist()
    complete = {d["decision_id"] for d in ledger.decisions.select(["decision_id", "complete"]).to_pylist() if d["complete"]}
    judged = rows[(rows["is_intervention"] == "true") & rows["decision_id"].isin(complete)]
    for kpi in kpis:
        if kpi["by"] not in ("all", "trader"):
            continue
        name = f"kpis ({kpi['by']}{' ' + show(kpi['trader'])[1:-1] if kpi['trader'] else ''})"
        mine = judged if kpi["by"] == "all" else judged[judged["trader"] == kpi["trader"]]
        signals = rows if kpi["by"] == "all" else rows[rows["trader"] == kpi["trader"]]
        told = {"n_decisions": mine["decision_id"].nunique(), "n_signals": int((signals["signal_id"] != "").sum())}
        yield from (f"{name}: {k} is {kpi[k]}, the ledger has {v}" for k, v in told.items() if kpi[k] != v)
        if kpi["sum"] is not None and kpi["sum"] != mine["value_add"].sum():
            yield _off(name, kpi["sum"], mine["value_add"].sum(), "sum is")


CHECKS: Final = (_parts_add, _slices_add, _decisions_add, _books_add, _totals_add, _kpis_add)
