"""The same departures marked at other horizons: how fast a value-add appears, and whether it stays.

For each row with a trader and each further horizon h of the plan, V(h) is the actual book minus the model book with the fills up to h, marked
and converted at h. The verdict stays with the declared horizon, `primary`; the others are shown. Values at several horizons can be compared
only over the same decisions, so the summary also gives each horizon over the decisions that are CLOSED at all of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa

from skillstats.ledger.algebra import book_pnl, widen
from skillstats.ledger.horizons import horizons_of_kind
from skillstats.ledger.kpis import moments_of
from skillstats.ledger.rows import Priced, horizon_kinds
from skillstats.ledger.slices import Traded, orders_at
from skillstats.ledger.tables import MONEY, int_column, make_table, text_column, time_column
from skillstats.market.currency import rate_at
from skillstats.market.marks import mark_at
from skillstats.record.containers import NULL

CLOSED, OPEN, UNAVAILABLE, BEFORE_ACTION = "CLOSED", "OPEN", "UNAVAILABLE", "BEFORE_ACTION"
KEYS: Final = ("signal_id", "action_id", "decision_id", "trader", "action")
MIXED: Final = "MIXED"
DECLARED: Final = ""
"""Each row's own horizon, whatever its kind."""
_WORST: Final = (UNAVAILABLE, BEFORE_ACTION, OPEN, CLOSED)
_RANK: Final = {status: k for k, status in enumerate(_WORST)}
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
    return decay_kpis_of([decay_sums(frame, decisions, plan_decay)], plan_decay)


@dataclass(frozen=True, slots=True)
class DecaySums:
    """One trader's intervention decisions, summed; they add up over parts of a ledger and over traders.

    kinds : declared horizons that occur; further : horizons at which a row stands that has another one of its own
    sums : by horizon (`DECLARED` for each row's own): decisions closed, hits, sum, sum of squares, open, unavailable, before action, and
        number and sum of those closed at every horizon
    """

    kinds: frozenset[str]
    further: frozenset[str]
    sums: Mapping[str, tuple[int, ...]]

    def plus(self, other: DecaySums) -> DecaySums:
        """Both together."""
        names = dict.fromkeys((*self.sums, *other.sums))
        none = (0,) * 9
        sums = {k: tuple(a + b for a, b in zip(self.sums.get(k, none), other.sums.get(k, none), strict=True)) for k in names}
        return DecaySums(self.kinds | other.kinds, self.further | other.further, sums)


def decay_sums(frame: pd.DataFrame, decisions: pd.DataFrame, plan_decay: tuple[str, ...]) -> dict[str, DecaySums]:
    """What `decay_kpis` needs of some rows, by trader."""
    judged = frame[frame["decision_id"].isin(frame.loc[frame["is_intervention"], "decision_id"])]
    lost = set(decisions.loc[decisions["n_quarantined"] > 0, "decision_id"])
    found = {}
    for trader, mine in judged.groupby("trader", sort=True):
        first, others = mine[mine["primary"]], mine[~mine["primary"]]
        groups = {DECLARED: _decisions(first, lost)}
        groups |= {h: _decisions(mine[mine["horizon"] == h], lost) for h in dict.fromkeys(plan_decay)}
        common = sorted(set.intersection(*(set(g.index[g["status"] == CLOSED]) for g in groups.values())))
        sums = {h: _sums(g, common) for h, g in groups.items()}
        found[str(trader)] = DecaySums(frozenset(first["horizon"]), frozenset(others["horizon"]), sums)
    return found


def decay_kpis_of(parts: Sequence[Mapping[str, DecaySums]], plan_decay: tuple[str, ...]) -> pa.Table:
    """The table of all parts of a ledger together."""
    by_trader: dict[str, DecaySums] = {}
    for part in parts:
        for trader, own in part.items():
            by_trader[trader] = by_trader[trader].plus(own) if trader in by_trader else own
    every = DecaySums(frozenset(), frozenset(), {})
    for own in by_trader.values():
        every = every.plus(own)
    found = []
    lines_of: list[tuple[str | None, DecaySums]] = [(None, every), *sorted(by_trader.items())]
    for name_of, own in lines_of:
        declared = next(iter(own.kinds)) if len(own.kinds) == 1 else MIXED
        lines = [(declared, DECLARED), *((h, h) for h in dict.fromkeys(plan_decay) if h in own.further)]
        for name, key in lines:
            found.append({"horizon": name, "primary": key == DECLARED, "trader": name_of} | _shown(own.sums.get(key, (0,) * 9)))
    columns = {f.name: [row[f.name] for row in found] for f in SCHEMA}
    return pa.table(columns, schema=SCHEMA)


def _decisions(part: pd.DataFrame, lost: set[str]) -> pd.DataFrame:
    """Status and value of each decision at one horizon."""
    worst = part["status"].map(_RANK).groupby(part["decision_id"], sort=True).min().map(dict(enumerate(_WORST)))
    status = worst.where(~worst.index.isin(sorted(lost)), UNAVAILABLE)
    value = part["value_add"].where(part["is_intervention"], 0).groupby(part["decision_id"]).sum()
    return pd.DataFrame({"status": status, "value": value})


def _sums(group: pd.DataFrame, common: list[str]) -> tuple[int, ...]:
    amounts = [int(v) for v in group.loc[group["status"] == CLOSED, "value"]]
    counts = (int((group["status"] == k).sum()) for k in (OPEN, UNAVAILABLE, BEFORE_ACTION))
    shared = sum(int(v) for v in group.loc[common, "value"])
    hits = sum(a > 0 for a in amounts)
    return (len(amounts), hits, sum(amounts), sum(a * a for a in amounts), *counts, len(common), shared)


def _shown(sums: tuple[int, ...]) -> dict[str, Any]:
    n, hits, total, squares, still_open, unavailable, before, common, shared = sums
    mean = float(Fraction(shared, common * 10**6)) if common else None
    return (
        {"n_decisions": n, "n_open": still_open, "n_unavailable": unavailable, "n_before_action": before, "hits": hits}
        | {k: v for k, v in moments_of(n, total, squares).items() if k != "note"}
        | {"n_common": common, "sum_common": shared, "mean_common": mean}
    )
