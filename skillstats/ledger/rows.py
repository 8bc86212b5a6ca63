"""The ledger's rows: from priced chains to the columns of ledger.parquet."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from skillstats.ledger.algebra import Orders, Parts
from skillstats.ledger.chains import Chains, FillRows, pick
from skillstats.ledger.grid import Grid
from skillstats.ledger.paths import GapPaths
from skillstats.ledger.pricing import Prices
from skillstats.ledger.tables import (
    DECIMAL,
    INSTANT,
    decimal_column,
    int_column,
    make_table,
    ratio_column,
    text_column,
    time_column,
)
from skillstats.market.currency import BASE, Rates
from skillstats.market.marks import Market
from skillstats.record.containers import NULL, Record
from skillstats.record.splits import Histories
from skillstats.regimes.labels import Labels
from skillstats.units import divide_half_even, parse_decimal

MONEY_COLUMNS: Final = (
    "actual_notional",
    "arrival_notional",
    "size",
    "drift",
    "slippage",
    "cost",
    "value_add",
    "model_pnl",
    "actual_pnl",
    "model_cost",
    "actual_cost",
    "value_add_to_date",
)
PATH: Final = pa.list_(pa.struct([("time", INSTANT), ("gap", pa.decimal128(38, 9))]))


@dataclass(frozen=True, slots=True)
class Priced:
    """Everything computed about the accepted chains, shape (chain,) unless it says otherwise.

    filed : fills as they were recorded; fills : the same in anchor-time units, on `grid`; counted : (fill,) those inside the horizon
    to_date : micro-units, sum of the slices so far; volatility : billionths per session, `NULL` where unknown
    exits : (chain,) instant of the next opposite signal, see `horizons`
    partial : less was filled than ordered; adjusted : a corporate action changed a price or a fill
    warnings : codes decidable from the chain and data up to its horizon, joined by ``;``
    """

    record: Record
    market: Market
    chains: Chains
    filed: FillRows
    fills: FillRows
    counted: NDArray[np.bool_]
    prices: Prices
    exits: NDArray[np.int64]
    orders: Orders
    parts: Parts
    paths: GapPaths
    labels: Labels
    grid: Grid
    partial: NDArray[np.bool_]
    to_date: NDArray[np.int64]
    volatility: NDArray[np.int64]
    adjusted: NDArray[np.bool_]
    warnings: NDArray[np.object_]


def ledger_table(p: Priced) -> pa.Table:
    """Rows in ledger order with every column of the data contract."""
    columns = _keys(p) | _times(p) | _quantities(p) | _prices(p) | _money(p) | _context(p)
    return make_table({k: columns[k] for k in _order(columns)}, MONEY_COLUMNS)


def _order(columns: dict[str, pa.Array]) -> list[str]:
    tail = [k for k in columns if k.startswith("regime")] + ["warnings", "volatility"]
    return [k for k in columns if k not in tail] + tail


def _keys(p: Priced) -> dict[str, pa.Array]:
    signals, actions = p.record.tables["signals"], p.record.tables["actions"]
    s, a = p.chains.signal, p.chains.row
    decision = decision_ids(p.record, p.chains)
    return {
        "signal_id": text_column(p.chains.signal_id),
        "action_id": text_column(p.chains.action_id),
        "decision_id": text_column(decision),
        "trader": text_column(pick(actions["trader"], a, None)),
        "desk": text_column(
            [d if has else None for d, has in zip(_or_default(pick(actions["desk"], a, None), "desk"), a >= 0, strict=True)]
        ),
        "model": text_column(pick(signals["model"], s, None)),
        "model_version": text_column(pick(signals["model_version"], s, None)),
        "asset": text_column(p.chains.name),
        "side": text_column(np.where(p.chains.side > 0, "BUY", "SELL").astype(object)),
        "signal_type": text_column(pick(signals["signal_type"], s, None)),
        "action": text_column(p.chains.action),
        "status": text_column(np.where(p.prices.open, "OPEN", "CLOSED").astype(object)),
        "is_intervention": pa.array(~p.chains.left_alone, type=pa.bool_()),
    }


def _or_default(values: NDArray[Any], default: str) -> NDArray[Any]:
    return np.array([default if v is None else v for v in values], dtype=object)


def decision_ids(record: Record, chains: Chains) -> NDArray[Any]:
    """decision_id of each chain, by default the action_id; None where there is no action."""
    given = pick(record.tables["actions"]["decision_id"], chains.row, None)
    return np.where(np.array([g is None for g in given], dtype=bool), chains.action_id, given)


def _times(p: Priced) -> dict[str, pa.Array]:
    actions, a = p.record.tables["actions"], p.chains.row
    acted = np.where(a >= 0, p.chains.decided, NULL)
    recorded = pick(actions["recorded_at"], a, NULL)
    first, last = _fill_times(p)
    kinds = horizon_kinds(p.record, p.chains, p.market)
    return {
        "signal_time": time_column(np.where(p.chains.signal >= 0, p.chains.anchor, NULL)),
        "action_time": time_column(acted),
        "first_fill_time": time_column(first),
        "last_fill_time": time_column(last),
        "recorded_lag": int_column(np.where(acted == NULL, NULL, np.where(recorded == NULL, 0, recorded - acted))),
        "session": text_column(p.market.desk.label_of(p.chains.decided)),
        "horizon": text_column(kinds),
        "horizon_time": time_column(p.prices.horizon),
        "mark_time": time_column(np.where(p.prices.open, NULL, p.prices.mark.lookup.time)),
    }


def horizon_kinds(record: Record, chains: Chains, market: Market) -> NDArray[Any]:
    """Horizon of each chain in words: the signal's own, else the plan's."""
    own = pick(record.tables["signals"]["horizon"], chains.signal, None)
    return np.array([market.plan.horizon if h is None else h for h in own], dtype=object)


def _fill_times(p: Priced) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    first = np.full(len(p.chains), NULL, dtype=np.int64)
    last = first.copy()
    used = np.flatnonzero(p.counted)
    last[p.fills.chain[used]] = p.fills.time[used]
    first[p.fills.chain[used][::-1]] = p.fills.time[used][::-1]
    return first, last


def _quantities(p: Priced) -> dict[str, pa.Array]:
    lots = [s.lot for s in p.grid.scales]
    return {
        "model_quantity": decimal_column(p.orders.q, p.grid.scale, lots),
        "actual_quantity": decimal_column(p.orders.filled, p.grid.scale, lots),
        "overlap": decimal_column(p.orders.overlap, p.grid.scale, lots),
        "gap_quantity": decimal_column(p.paths.largest(), p.grid.scale, lots),
        "gap_seconds": int_column(p.paths.open_seconds()),
        "gap_path": _path_column(p, lots),
    }


def _path_column(p: Priced, lots: list[Fraction]) -> pa.Array:
    gaps = decimal_column(p.paths.gap, p.grid.scale[p.paths.chain], lots)
    knots = pa.StructArray.from_arrays([time_column(p.paths.time), gaps], names=["time", "gap"])
    return pa.ListArray.from_arrays(pa.array(p.paths.offsets, type=pa.int32()), knots).cast(PATH)


def _prices(p: Priced) -> dict[str, pa.Array]:
    """Prices in anchor-time units, their ages and the positions of the rows they stand in, counted within the asset's own rows."""
    ticks = [s.half_tick for s in p.grid.scales]
    has_overlap = p.orders.overlap > 0
    arrival_lots = np.where(has_overlap, p.orders.filled, 0)
    mark = np.where(p.prices.open, NULL, p.orders.mark)
    model = np.where((p.chains.q > 0) & p.prices.model.usable & ~p.prices.no_impact, p.orders.p, NULL)
    signal_mid = p.prices.signal_mid.lookup.price
    mid = np.where(signal_mid == NULL, NULL, signal_mid * p.grid.ticks)
    asked = parse_decimal(p.market.plan.impact.y) != 0
    impact = np.where((model == NULL) | (not asked), NULL, p.prices.impact * p.grid.ticks)
    stated = p.market.plan.fill_model == "signal_price"
    model_row = np.where((p.chains.q > 0) & (not stated), p.prices.model.lookup.row, -1)
    mark_row = np.where(p.prices.open, -1, p.prices.mark.lookup.row)
    place = p.market.store.place
    return {
        "signal_mid": decimal_column(mid, p.grid.scale, ticks),
        "model_price": decimal_column(model, p.grid.scale, ticks),
        "model_impact": decimal_column(impact, p.grid.scale, ticks),
        "actual_price": ratio_column(p.orders.notional, p.orders.filled, p.grid.scale, ticks),
        "arrival_price": ratio_column(p.orders.arrival, arrival_lots, p.grid.scale, ticks),
        "mark": decimal_column(mark, p.grid.scale, ticks),
        "signal_mid_age": int_column(p.prices.signal_mid.age),
        "model_price_age": int_column(np.where(p.chains.q > 0, p.prices.model.age, NULL)),
        "arrival_price_age": int_column(_oldest_arrival(p, has_overlap)),
        "mark_age": int_column(np.where(p.prices.open, NULL, p.prices.mark.age)),
        "model_price_index": int_column(place(p.chains.asset, model_row)),
        "mark_index": int_column(place(p.chains.asset, mark_row)),
        **_rates(p),
        "n_fills": int_column(p.fills.total(np.ones(len(p.fills.time), dtype=np.int64), p.counted), pa.int32()),
        "partial": pa.array(p.partial, type=pa.bool_()),
    }


def _oldest_arrival(p: Priced, has_overlap: NDArray[np.bool_]) -> NDArray[np.int64]:
    result = np.full(len(p.chains), NULL, dtype=np.int64)
    used = np.flatnonzero(p.counted & has_overlap[p.fills.chain].astype(bool))
    np.maximum.at(result, p.fills.chain[used], p.prices.arrival.age[used])
    return result


def partly_filled(
    record: Record, histories: Histories, chains: Chains, filed: FillRows, counted: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Whether less than the ordered quantity was filled inside the horizon; a fill counts in the units of the action's time."""
    ordered = pick(record.tables["actions"]["quantity"], chains.row, 0)
    ordered = np.where((ordered == NULL) | (chains.action == "VETO"), 0, ordered)
    quantity = np.abs(filed.quantity)
    moved = [k for k in np.flatnonzero(counted) if chains.name[filed.chain[k]] in histories]
    if moved:
        quantity = quantity.astype(object)
        for k in moved:
            i = filed.chain[k]
            quantity[k] = Fraction(int(quantity[k])) / histories[chains.name[i]].ratio(int(chains.decided[i]), int(filed.time[k]))
    return np.asarray(filed.total(quantity, counted) < ordered, dtype=bool)


def _rates(p: Priced) -> dict[str, pa.Array]:
    """Exchange rates of foreign rows, at the signal and at the mark."""
    foreign = p.prices.fx != BASE
    due = foreign & ~p.prices.open
    return {
        "signal_fx": _rate_column(p.prices.signal_fx, foreign),
        "mark_fx": _rate_column(p.prices.mark_fx, due),
        "signal_fx_age": int_column(np.where(foreign, p.prices.signal_fx.age, NULL)),
        "mark_fx_age": int_column(np.where(due, p.prices.mark_fx.age, NULL)),
    }


def _rate_column(rates: Rates, shown: NDArray[np.bool_]) -> pa.Array:
    if not shown.any():
        return pa.nulls(len(shown), DECIMAL)
    denominator = np.where(shown & rates.usable, rates.denominator, 0)
    return ratio_column(rates.numerator, denominator, np.zeros(len(shown), dtype=np.int64), [Fraction(1)])


def _money(p: Priced) -> dict[str, pa.Array]:
    closed = ~p.prices.open
    notional = _times_unit(p.orders.notional, p.orders)
    arrival = np.where(p.orders.overlap > 0, _times_unit(p.orders.arrival, p.orders), NULL)
    no_rate = p.prices.open & (p.prices.fx != BASE)
    not_yet = ((p.chains.q > 0) & (~p.prices.model.usable | p.prices.no_impact)) | no_rate
    names = ("size", "drift", "slippage", "cost", "value_add", "model_pnl", "actual_pnl")
    parts = {k: int_column(np.where(closed, getattr(p.parts, k), NULL)) for k in names}
    return {
        "actual_notional": int_column(notional),
        "arrival_notional": int_column(arrival),
        **parts,
        "model_cost": int_column(np.where(not_yet, NULL, p.parts.model_cost)),
        "actual_cost": int_column(np.where(no_rate, NULL, p.parts.actual_cost)),
        "value_add_to_date": int_column(p.to_date),
        "rounded": pa.array(p.parts.rounded & closed, type=pa.bool_()),
    }


def _times_unit(amount: NDArray[Any], orders: Orders) -> NDArray[np.int64]:

    return divide_half_even(amount.astype(object) * orders.un.astype(object), orders.ud.astype(object)).astype(np.int64)


def _context(p: Priced) -> dict[str, pa.Array]:
    regimes = {f"regime_{name}": text_column(values) for name, values in p.labels.values.items()}
    return {
        **regimes,
        "regime_cutoff": time_column(p.labels.cutoff),
        "regime_rule": text_column([p.labels.rule or None] * len(p.chains)),
        "warnings": text_column(p.warnings),
        "volatility": int_column(p.volatility),
    }
