"""The same departures marked at other horizons: how fast a value-add appears, and whether it stays.

For each row with a trader and each further horizon h of the plan, V(h) is the actual book minus the model book with the fills up to h, marked
and converted at h. The verdict stays with the declared horizon, `primary`; the others are shown. Values at several horizons can be compared
only over the same decisions, so the summary also gives each horizon over the decisions that are CLOSED at all of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa

from skillstats.ledger.algebra import book_pnl, widen
from skillstats.ledger.horizons import horizons_of_kind
from skillstats.ledger.kpis import moments
from skillstats.ledger.rows import Priced, horizon_kinds
from skillstats.ledger.slices import Traded, orders_at
from skillstats.ledger.tables import MONEY, int_column, make_table, text_column, time_column
from skillstats.market.currency import rate_at
from skillstats.market.marks import mark_at
from skillstats.record.containers import NULL

CLOSED, OPEN, UNAVAILABLE, BEFORE_ACTION = "CLOSED", "OPEN", "UNAVAILABLE", "BEFORE_ACTION"
KEYS: Final = ("signal_id", "action_id", "decision_id", "trader", "action")
MIXED: Final = "MIXED"
SCHEMA: Final = pa.schema(
    [pa.field("horizon", pa.string()), pa.field("primary", pa.bool_()), pa.field("trader", pa.string())]
    + [pa.field(k, pa.int64()) for k in ("n_decisions", "n_open", "n_unavailable", "n_before_action", "hits")]
    + [pa.field("sum", pa.int64(), metadata=MONEY)]
    + [pa.field(k, pa.float64()) for k in ("mean", "sd", "ir_per_decision")]
    + [
        pa.field("n_common", pa.int64()),
        pa.field("sum_common", pa.int64(), metadata=MONEY),
        pa.field("mean_common", pa.float64()),
    ]
)


def decay_frame(p: Priced, rows: pd.DataFrame) -> pd.DataFrame:
    """One row a ledger row with a trader and horizon, in ledger order, the primary first, then as in the plan.

    Columns of the table `decay`, `row` and `is_intervention` beside them; times int64 and `value_add` 0 where null (see `status`).
    """
    own = np.flatnonzero(p.chains.row >= 0)
    kinds = horizon_kinds(p.record, p.chains, p.market)
    primary = pd.DataFrame(
        {
            "row": own,
            "order": 0,
            "horizon": kinds[own],
            "primary": True,
            "horizon_time": p.prices.horizon[own],
            "mark_time": np.where(p.prices.open, NULL, p.prices.mark.lookup.time)[own],
            "status": np.where(p.prices.open, OPEN, CLOSED).astype(object)[own],
            "value_add": np.where(p.prices.open, 0, p.parts.value_add)[own],
        }
    )
    others = [_at(p, own[kinds[own] != h], h, k + 1) for k, h in enumerate(dict.fromkeys(p.market.plan.decay))]
    frame = pd.concat([primary, *others], ignore_index=True).sort_values(["row", "order"]).reset_index(drop=True)
    return frame.join(rows[[*KEYS, "is_intervention"]], on="row")


def _at(p: Priced, chain: np.ndarray, kind: str, order: int) -> pd.DataFrame:
    """Value-add of some chains at another horizon."""
    instant = horizons_of_kind(p.market, p.chains, p.exits, kind)[chain]
    ordered, model_time = (p.chains.q > 0)[chain], p.prices.model_time[chain]
    stamped = np.where(ordered, np.maximum(model_time, p.prices.model.lookup.time[chain]), NULL)
    mark, rate = (
        mark_at(p.market, p.chains.asset[chain], instant),
        rate_at(p.market, p.record.scales, p.prices.fx[chain], instant),
    )
    known = instant != NULL
    waiting = ~known | (instant > p.market.as_of) | (ordered & (model_time == NULL))
    conditions = [known & (instant < p.chains.decided[chain]), waiting, ~mark.usable | ~rate.usable | (stamped > instant)]
    status = np.select(conditions, [BEFORE_ACTION, OPEN, UNAVAILABLE], CLOSED)
    done = np.flatnonzero(status == CLOSED)
    traded = Traded(p.orders, p.fills, np.ones(len(p.fills.time), dtype=bool), p.prices, p.grid)
    price = p.grid.price(chain[done], mark.lookup.time[done], mark.lookup.price[done])
    now = orders_at(traded, chain[done], instant[done], price, (rate.numerator[done], rate.denominator[done]))
    actual, model = book_pnl(widen(now))
    value = np.zeros(len(chain), dtype=np.int64)
    value[done] = (actual - model).astype(np.int64)
    return pd.DataFrame(
        {
            "row": chain,
            "order": order,
            "horizon": kind,
            "primary": False,
            "horizon_time": instant,
            "mark_time": np.where(status == CLOSED, mark.lookup.time, NULL),
            "status": status.astype(object),
            "value_add": value,
        }
    )


def decay_table(frame: pd.DataFrame) -> pa.Table:
    """Arrow table of the values; null unless CLOSED."""
    columns = {k: text_column([None if pd.isna(v) else v for v in frame[k]]) for k in KEYS}
    columns |= {
        "horizon": text_column(frame["horizon"].tolist()),
        "primary": pa.array(frame["primary"].tolist(), type=pa.bool_()),
    }
    columns |= {k: time_column(frame[k].to_numpy()) for k in ("horizon_time", "mark_time")}
    columns["status"] = text_column(frame["status"].tolist())
    columns["value_add"] = int_column(np.where(frame["status"] == CLOSED, frame["value_add"], NULL))
    return make_table(columns, ("value_add",))


def decay_kpis(frame: pd.DataFrame, decisions: pd.DataFrame, plan_decay: tuple[str, ...]) -> pa.Table:
    """Intervention decisions at each horizon, of all and of each trader; a decision counts where all its rows are CLOSED.

    A decision with a row set aside counts as unavailable; one with rows of several kinds counts as the first of unavailable, before action
    and open. A row whose own horizon is h stands for h too.
    """
    judged = frame[frame["decision_id"].isin(frame.loc[frame["is_intervention"], "decision_id"])]
    lost = set(decisions.loc[decisions["n_quarantined"] > 0, "decision_id"])
    found = []
    for trader in [None, *sorted(judged["trader"].unique())]:
        mine = judged if trader is None else judged[judged["trader"] == trader]
        groups = [(h, first, _decisions(part, lost)) for h, first, part in _groups(mine, plan_decay)]
        common = set.intersection(*(set(g.index[g["status"] == CLOSED]) for _, _, g in groups))
        found += [{"horizon": h, "primary": first, "trader": trader} | _describe(g, sorted(common)) for h, first, g in groups]
    columns = {f.name: [row[f.name] for row in found] for f in SCHEMA}
    return pa.table(columns, schema=SCHEMA)


def _groups(frame: pd.DataFrame, plan_decay: tuple[str, ...]) -> Iterator[tuple[str, bool, pd.DataFrame]]:
    first = frame[frame["primary"]]
    kinds = first["horizon"].unique()
    yield (kinds[0] if len(kinds) == 1 else MIXED), True, first
    for kind in dict.fromkeys(plan_decay):
        part = frame[frame["horizon"] == kind]
        if not part["primary"].all():
            yield kind, False, part


def _decisions(part: pd.DataFrame, lost: set[str]) -> pd.DataFrame:
    """Status and value of each decision at one horizon."""
    worst = part.groupby("decision_id", sort=True)["status"].agg(
        lambda s: next((k for k in (UNAVAILABLE, BEFORE_ACTION, OPEN) if (s == k).any()), CLOSED)
    )
    status = worst.where(~worst.index.isin(sorted(lost)), UNAVAILABLE)
    value = part["value_add"].where(part["is_intervention"], 0).groupby(part["decision_id"]).sum()
    return pd.DataFrame({"status": status, "value": value})


def _describe(group: pd.DataFrame, common: list[str]) -> dict[str, Any]:
    amounts = [int(v) for v in group.loc[group["status"] == CLOSED, "value"]]
    shared = sum(int(v) for v in group.loc[common, "value"])
    counts = {f"n_{k.lower()}": int((group["status"] == k).sum()) for k in (OPEN, UNAVAILABLE, BEFORE_ACTION)}
    mean = float(Fraction(shared, len(common) * 10**6)) if common else None
    return (
        {"n_decisions": len(amounts), **counts, "hits": sum(a > 0 for a in amounts)}
        | {k: v for k, v in moments(amounts).items() if k != "note"}
        | {"n_common": len(common), "sum_common": shared, "mean_common": mean}
    )
