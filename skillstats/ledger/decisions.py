"""Decisions: rows that share a `decision_id`, counted once.

A blanket veto of ten signals is one decision with ten rows. Rows add in money; counts, hits, means and spreads are taken over
decisions. A decision with an OPEN or a quarantined row is not complete and stays out of the KPIs, counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa

from skillstats.ledger.tables import int_column, make_table, text_column, time_column
from skillstats.record.containers import NULL

PARTS: Final = ("size", "drift", "slippage", "cost", "value_add")
DAY_SHARE: Final = 0.60
SIDE_SHARE: Final = 0.80


def decision_frame(rows: pd.DataFrame, set_aside: pd.DataFrame) -> pd.DataFrame:
    """One row a decision, sorted by (first time, decision_id).

    Parameters
    ----------
    rows : ledger rows (int64 micro-units, times int64, `NULL` for null)
    set_aside : quarantined actions with columns decision_id, trader, code

    Returns
    -------
    frame with the columns of decisions.parquet, `intervention` beside them
    """
    own = rows[rows["decision_id"].notna()]
    grouped = own.groupby("decision_id", sort=False)
    closed = own["status"] == "CLOSED"
    frame = grouped.agg(
        trader=("trader", "first"),
        first_time=("decided", "min"),
        last_time=("decided", "max"),
        n_rows=("trader", "size"),
        n_assets=("asset", "nunique"),
        intervention=("is_intervention", "any"),
    )
    frame["action"] = grouped["action"].first().where(grouped["action"].nunique() == 1, "MIXED")
    frame["n_open"] = (~closed).groupby(own["decision_id"]).sum()
    lost = set_aside.groupby("decision_id").size()
    frame["n_quarantined"] = lost.reindex(frame.index).fillna(0).astype(np.int64)
    frame["complete"] = (frame["n_open"] == 0) & (frame["n_quarantined"] == 0)
    sums = own.assign(**{k: own[k].where(closed, 0) for k in PARTS}).groupby("decision_id")[list(PARTS)].sum()
    frame = frame.join(sums)
    first = own.sort_values(["decided", "row"]).groupby("decision_id")["session"].first()
    frame["session"] = first
    frame["choice_level"] = frame["trader"].map(choice_levels(rows))
    return frame.reset_index().sort_values(["first_time", "decision_id"]).reset_index(drop=True)


def choice_levels(rows: pd.DataFrame) -> dict[str, str]:
    """Level at which each trader chooses, fixed by rule from the action log.

    ``day`` if more than 60% of the trader's interventions lie on sessions where they cover more than 80% of one side's signals, else
    ``row``: the level at which a placebo re-assignment must run. A trader who answered no signal chooses by ``row``.
    """
    return levels_of([choice_counts(rows)])


@dataclass(frozen=True, slots=True)
class ChoiceCounts:
    """Answered signals and those departed from, by trader, session and side, and every trader; they add up over parts of a ledger."""

    traders: frozenset[str]
    counts: pd.DataFrame


def choice_counts(rows: pd.DataFrame) -> ChoiceCounts:
    """What `levels_of` needs of some ledger rows."""
    own = rows[rows["trader"].notna() & (rows["action"] != "INITIATE")]
    counts = own.groupby(["trader", "session", "side"])["is_intervention"].agg(["sum", "size"])
    return ChoiceCounts(frozenset(map(str, rows["trader"].dropna().unique())), counts)


def levels_of(parts: Sequence[ChoiceCounts]) -> dict[str, str]:
    """Level of each trader, from the counts of all parts of a ledger."""
    levels = dict.fromkeys(sorted(frozenset[str]().union(*(p.traders for p in parts))), "row")
    counts = pd.concat([p.counts for p in parts]).groupby(level=["trader", "session", "side"]).sum()
    for trader, mine in counts.groupby(level="trader", sort=True):
        covered = mine[mine["sum"] > SIDE_SHARE * mine["size"]].index.get_level_values("session").unique()
        inside = mine.index.get_level_values("session").isin(covered)
        touched = int(mine["sum"].sum())
        share = int(mine["sum"][inside].sum()) / touched if touched else 0.0
        levels[str(trader)] = "day" if share > DAY_SHARE else "row"
    return levels


def decision_table(frame: pd.DataFrame) -> pa.Table:
    """Arrow table of the decisions; money of a decision with an OPEN row is null."""
    text = {k: text_column(frame[k].tolist()) for k in ("decision_id", "trader", "session")}
    times = {k: time_column(frame[k].to_numpy()) for k in ("first_time", "last_time")}
    counts = {k: int_column(frame[k].to_numpy()) for k in ("n_rows", "n_open", "n_quarantined", "n_assets")}
    money = {k: int_column(np.where(frame["n_open"] == 0, frame[k], NULL)) for k in PARTS}
    flags = {"complete": pa.array(frame["complete"].to_numpy(dtype=bool), type=pa.bool_())}
    tail = {"choice_level": text_column(frame["choice_level"].tolist())}
    return make_table(text | times | {"action": text_column(frame["action"].tolist())} | counts | money | flags | tail, PARTS)
