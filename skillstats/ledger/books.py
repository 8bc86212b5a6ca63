"""The model book, the actual book and their difference, by desk session, trader and asset.

Lines: ``model_frozen`` (every recorded signal priced alone, from its time to its horizon), ``actual``, ``difference``, and
``after_horizon`` (fills after their horizon, which belong to no decision, valued at the horizon's mark and rate). With a table `resimulated` also ``model_resimulated`` and
``feedback``, what following all orders would have changed in the model's own book; it belongs to no trader. The difference equals the sum
of value_add in every cut; `check_identities` asserts it before anything is written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from skillstats.errors import LedgerBug
from skillstats.ledger.rows import Priced
from skillstats.ledger.second_book import SecondBook
from skillstats.ledger.slices import Slices
from skillstats.ledger.tables import int_column, make_table, text_column
from skillstats.record.containers import NULL
from skillstats.units import divide_half_even

KEYS: Final = ["line", "state", "session", "trader", "asset"]


def book_lines(p: Priced, slices: Slices, trader: np.ndarray) -> pd.DataFrame:
    """Lines of some chains, summed by `KEYS`; pnl after costs and cost in micro-units, n_rows chains."""
    state = np.where(p.prices.open[slices.chain], "open_to_date", "closed")
    base = pd.DataFrame(
        {
            "state": state,
            "session": p.market.desk.labels[slices.session],
            "trader": trader[slices.chain],
            "asset": p.chains.name[slices.chain],
            "chain": slices.chain,
        }
    )
    lines = [
        base.assign(line="model_frozen", pnl=slices.model, cost=slices.model_cost),
        base.assign(line="actual", pnl=slices.actual, cost=slices.actual_cost),
        base.assign(line="difference", pnl=slices.amount, cost=slices.actual_cost - slices.model_cost),
        _after_horizon(p, trader),
    ]
    return _summed(lines)


def _summed(lines: list[pd.DataFrame]) -> pd.DataFrame:
    grouped = pd.concat([x for x in lines if len(x)] or lines[:1]).groupby(KEYS, dropna=False, sort=True)
    return grouped.agg(pnl=("pnl", "sum"), cost=("cost", "sum"), n_rows=("chain", "nunique")).reset_index()


def book_frame(lines: pd.DataFrame, second: SecondBook | None) -> pd.DataFrame:
    """Long frame of all lines of all chains. `second` : the re-simulated book, if there is one."""
    return summed_lines([lines] if second is None else [lines, second_lines(second), frozen_feedback(lines)])


def second_lines(second: SecondBook) -> pd.DataFrame:
    """Lines of the re-simulated book, and what they are of the feedback."""
    resimulated = _summed([second.lines.assign(line="model_resimulated")])
    return pd.concat([resimulated, resimulated.assign(line="feedback")], ignore_index=True)


def frozen_feedback(lines: pd.DataFrame) -> pd.DataFrame:
    """What the frozen book is of the feedback: re-simulated less frozen; `n_rows` counts the signals of both."""
    frozen = lines[lines["line"] == "model_frozen"]
    return frozen.assign(line="feedback", trader=None, pnl=-frozen["pnl"], cost=-frozen["cost"])


def summed_lines(parts: list[pd.DataFrame]) -> pd.DataFrame:
    """Lines of several parts, those of one key added."""
    grouped = pd.concat(parts, ignore_index=True).groupby(KEYS, dropna=False, sort=True)
    return grouped.agg(pnl=("pnl", "sum"), cost=("cost", "sum"), n_rows=("n_rows", "sum")).reset_index()


def _after_horizon(p: Priced, trader: np.ndarray) -> pd.DataFrame:
    late = np.flatnonzero(~p.counted & ~p.prices.open[p.fills.chain])
    chain = p.fills.chain[late]
    o = p.orders
    gain = p.chains.side[chain] * p.fills.quantity[late].astype(object) * (o.mark[chain] - p.fills.price[late]).astype(object)
    paid, rate, unit = p.fills.fee[late].astype(object) * o.ud[chain], o.rn[chain].astype(object), o.ud[chain] * o.rd[chain]
    pnl, fee = divide_half_even((gain * o.un[chain] - paid) * rate, unit), divide_half_even(paid * rate, unit)
    return pd.DataFrame(
        {
            "state": "closed",
            "session": p.market.desk.label_of(p.fills.time[late]) if len(late) else np.zeros(0, dtype=object),
            "trader": trader[chain],
            "asset": p.chains.name[chain],
            "chain": chain,
            "line": "after_horizon",
            "pnl": pnl.astype(np.int64),
            "cost": fee.astype(np.int64),
        }
    )


def book_table(frame: pd.DataFrame) -> pa.Table:
    """Arrow table of the books."""
    text = {
        k: text_column([None if pd.isna(v) else v for v in frame[k]]) for k in ("line", "state", "session", "trader", "asset")
    }
    numbers = {k: int_column(frame[k].to_numpy()) for k in ("pnl", "cost", "n_rows")}
    return make_table(text | numbers, ("pnl", "cost"))


def check_identities(
    rows: pd.DataFrame, decisions: pd.DataFrame, slices: Slices, books: pd.DataFrame, *, second: bool = False
) -> dict[str, int]:
    """Assert that parts, slices, decisions and books agree exactly, in total and in every cut.

    Parameters
    ----------
    second : whether there is a re-simulated book

    Returns
    -------
    totals in micro-units: actual, model, value_add (closed) and value_add_to_date (open); resimulated and feedback where asked

    Raises
    ------
    LedgerBug
        Naming the identity that does not hold.
    """
    closed = rows[rows["status"] == "CLOSED"]
    _same(
        "parts add to value_add",
        closed[["size", "drift", "slippage", "cost"]].sum(axis=1).to_numpy(),
        closed["value_add"].to_numpy(),
    )
    by_chain = np.zeros(len(rows), dtype=np.int64)
    np.add.at(by_chain, slices.chain, slices.amount)
    _same("slices add to value_add", by_chain[closed["row"]], closed["value_add"].to_numpy())
    stored = np.zeros(len(rows), dtype=np.int64)
    np.add.at(stored, slices.chain[slices.stored], slices.amount[slices.stored])
    _same("stored slices add to value_add", stored, by_chain)
    for cut in ("trader", "asset"):
        lines = books[(books["line"] == "difference") & (books["state"] == "closed")].groupby(cut, dropna=False)["pnl"].sum()
        own = closed.groupby(cut, dropna=False)["value_add"].sum()
        _same(f"books by {cut} equal the ledger", own.to_numpy(), lines.reindex(own.index).fillna(0).to_numpy())
    done = decisions[decisions["n_open"] == 0]
    whole = closed[closed["decision_id"].isin(done["decision_id"])]
    _same("decisions add to the ledger", np.array([done["value_add"].sum()]), np.array([whole["value_add"].sum()]))
    line = books[books["state"] == "closed"].groupby("line")["pnl"].sum()
    totals = {
        "actual": int(line.get("actual", 0)),
        "model": int(line.get("model_frozen", 0)),
        "value_add": int(closed["value_add"].sum()),
    }
    _same("actual book - model book = value_add", np.array([totals["actual"] - totals["model"]]), np.array([totals["value_add"]]))
    _same("actual P/L of the rows = actual book", np.array([closed["actual_pnl"].sum()]), np.array([totals["actual"]]))
    if second:
        totals |= {"resimulated": int(line.get("model_resimulated", 0)), "feedback": int(line.get("feedback", 0))}
        _same(
            "feedback = re-simulated - frozen",
            np.array([totals["feedback"]]),
            np.array([totals["resimulated"] - totals["model"]]),
        )
    return totals | {"value_add_to_date": int(by_chain[rows.loc[rows["status"] == "OPEN", "row"]].sum())}


def check_books(path: Path, totals: Mapping[str, int], *, second: bool) -> dict[str, int]:
    """Assert that the written books add to the totals of the parts; the totals, with those of a re-simulated book.

    Raises
    ------
    LedgerBug
        Naming the line that does not agree.
    """
    sums: Counter[str] = Counter()
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(columns=["line", "state", "pnl"]):
            closed = pa.table(batch).filter(pc.equal(batch["state"], "closed"))
            for row in closed.group_by("line").aggregate([("pnl", "sum")]).to_pylist():
                sums[row["line"]] += row["pnl_sum"]
    for name, line in (("actual", "actual"), ("model", "model_frozen"), ("value_add", "difference")):
        _same(f"line {line} of the books = {name} of the parts", np.array([sums[line]]), np.array([totals[name]]))
    result = {k: totals[k] for k in ("actual", "model", "value_add")}
    if second:
        result |= {"resimulated": sums["model_resimulated"], "feedback": sums["feedback"]}
        told = np.array([result["resimulated"] - result["model"]])
        _same("feedback = re-simulated - frozen", np.array([result["feedback"]]), told)
    return result | {"value_add_to_date": totals["value_add_to_date"]}


def _same(what: str, left: np.ndarray, right: np.ndarray) -> None:
    wrong = np.flatnonzero(np.asarray(left, dtype=object) != np.asarray(right, dtype=object))
    if len(wrong):
        raise LedgerBug(
            f"{what}: off by {left[wrong[0]] - right[wrong[0]]} micro-units at position {wrong[0]}; please report this record"
        )


def slice_table(p: Priced, slices: Slices, rows: pd.DataFrame) -> pa.Table:
    """Arrow table of the stored slices."""
    kept = np.flatnonzero(slices.stored)
    chain = slices.chain[kept]
    text = {
        k: text_column([None if pd.isna(v) else v for v in rows[k].to_numpy()[chain]])
        for k in ("signal_id", "action_id", "decision_id", "trader")
    }
    columns = text | {
        "session": text_column(p.market.desk.labels[slices.session[kept]]),
        "slice": int_column(slices.amount[kept]),
        "mark_time": int_column(slices.mark_time[kept]).cast(pa.timestamp("us")).cast(pa.timestamp("us", tz="UTC")),
        "carried": int_column(slices.carried[kept], pa.int16()),
    }
    assert not np.any(slices.mark_time[kept] == NULL)
    return make_table(columns, ("slice",))
