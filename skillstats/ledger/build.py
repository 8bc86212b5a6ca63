"""Build the ledger: record and plan in, exact rows out. Deterministic; nothing here knows of chance."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from skillstats.errors import InputRejected, Problem, UsageError
from skillstats.ledger.algebra import Orders, value_add_parts
from skillstats.ledger.books import book_frame, book_table, check_identities, slice_table
from skillstats.ledger.bounds import chain_bounds, refuse_total, too_large
from skillstats.ledger.chains import Chains, FillRows, assemble, gather_fills, pick
from skillstats.ledger.containers import Ledger
from skillstats.ledger.costs import model_fees
from skillstats.ledger.decisions import decision_frame, decision_table
from skillstats.ledger.kpis import kpi_table
from skillstats.ledger.manifest import provenance_part, result_part
from skillstats.ledger.paths import gap_paths
from skillstats.ledger.pricing import (
    Prices,
    chain_problem,
    corporate_actions_inside,
    hindsight,
    inside_horizon,
    price_chains,
    unavailable,
)
from skillstats.ledger.rows import Priced, decision_ids, horizon_kinds, ledger_table, partly_filled
from skillstats.ledger.setaside import UNAVAILABLE, coverage, ledger_quarantine, problem_tables, set_aside_frame
from skillstats.ledger.slices import Slices, day_slices
from skillstats.market.horizon import exit_times, horizon_times
from skillstats.market.marks import Market
from skillstats.market.opening import open_market
from skillstats.market.volatility import volatility_at
from skillstats.plan import Plan
from skillstats.record.containers import NULL, Record
from skillstats.record.read import under_plan
from skillstats.regimes.labels import UNLABELLED, regime_labels
from skillstats.units import parse_decimal

ROW_WARNINGS: Final = ("D114", "D115", "D126", "D144", "D215")
"""Warnings that the chain and data up to its horizon decide; the others go to the manifest, or later data would change old rows."""


def build_ledger(record: Record, plan: Plan | None = None) -> Ledger:
    """Price every chain of a record and keep exact books.

    Parameters
    ----------
    record : Record
    plan : the declared choices; the plan the record was read with if None

    Returns
    -------
    Ledger

    Raises
    ------
    InputRejected
        If no signal passed the record's checks; it carries every problem.
    UsageError
        If the plan asks for something this record or version cannot give.
    LedgerBug
        If an identity does not hold; a defect of the package.
    """
    plan = plan or record.plan
    record = under_plan(record, plan)
    refuse_unsupported(record, plan)
    if not len(record.tables["signals"]) and not (record.tables["actions"]["action"] == "INITIATE").any():
        raise InputRejected(record.problems)
    market = open_market(record, plan)
    chains, dropped = _in_period(assemble(record, market), market)
    if not len(chains):
        raise UsageError(f"no signal lies in the period {list(plan.period or ())}; correct the period of the plan")
    chains, lost, found = _set_aside(record, market, chains)
    priced, slices = _price(record, market, chains)
    return _tables(priced, slices, lost, found, dropped)


def refuse_unsupported(record: Record, plan: Plan) -> None:
    """Say clearly what this version does not compute, instead of computing something else."""
    complaints = []
    foreign = sorted(n for n, a in plan.assets.items() if a.currency not in (None, plan.currency) and n in record.scales)
    if foreign:
        complaints.append(
            f"assets {foreign} trade in another currency than {plan.currency}; this version keeps books in one currency"
        )
    if parse_decimal(plan.impact.y) != 0:
        complaints.append("impact.y is not 0; this version has no impact model, set it to 0")
    if plan.decay:
        complaints.append("decay names further horizons; this version marks at the one declared horizon, leave decay empty")
    if "resimulated" in record.tables:
        complaints.append("the table resimulated is checked but gives no second book in this version; take it out of the record")
    if complaints:
        raise UsageError("; ".join(complaints))


def _in_period(chains: Chains, market: Market) -> tuple[Chains, int]:
    """Chains whose anchor lies in a desk session of the plan's period, and how many do not."""
    if market.plan.period is None or not len(chains):
        return chains, 0
    label = market.desk.label_of(chains.anchor)
    inside = (label >= market.plan.period[0]) & (label <= market.plan.period[1])
    return chains.take(inside), int((~inside).sum())


def _horizons(record: Record, market: Market, chains: Chains) -> NDArray[np.int64]:
    signals = record.tables["signals"]
    own = chains.signal >= 0
    leaves = np.full(len(chains), NULL, dtype=np.int64)
    code = market.store.code_of()
    asset = np.array([code.get(n, -1) for n in signals["asset"]], dtype=np.int64)
    side = np.where(signals["side"] == "BUY", 1, -1)
    exits = exit_times(signals["model"], asset, side, signals["time"])
    leaves[own] = np.where(exits > market.as_of, NULL, exits)[chains.signal[own]]
    kinds = horizon_kinds(record, chains, market)
    known = np.array([k is not None for k in kinds], dtype=bool)
    result = np.full(len(chains), NULL, dtype=np.int64)
    result[known] = horizon_times(market, kinds[known], chains.anchor[known], chains.asset[known], leaves[known])
    return result


def _set_aside(record: Record, market: Market, chains: Chains) -> tuple[Chains, pd.DataFrame, list[Problem]]:
    """Take out every chain without a full counterfactual, with its reason."""
    fills = gather_fills(record, chains)
    horizon = _horizons(record, market, chains)
    counted = inside_horizon(fills, horizon, market.as_of)
    prices = price_chains(record, market, chains, fills, horizon)
    kinds = horizon_kinds(record, chains, market)
    bad = [(i, "D104", "no horizon in the signal and none in the plan") for i, k in enumerate(kinds) if k is None]
    bad += hindsight(chains, horizon) + corporate_actions_inside(record, chains, horizon)
    bad += unavailable(market, chains, fills, prices, counted)
    bounds = chain_bounds(record, chains, fills, prices)
    bad += too_large(bounds)
    first: dict[int, tuple[str, str]] = {}
    for i, code, what in bad:
        first.setdefault(i, (code, what))
    problems = [chain_problem(record, chains, i, code, what) for i, (code, what) in sorted(first.items())]
    lost = set_aside_frame(record, chains, first)
    good = np.ones(len(chains), dtype=bool)
    good[list(first)] = False
    refuse_total(bounds, good)
    return chains.take(good), lost, problems


def _price(record: Record, market: Market, chains: Chains) -> tuple[Priced, Slices]:
    fills = gather_fills(record, chains)
    horizon = _horizons(record, market, chains)
    counted = inside_horizon(fills, horizon, market.as_of)
    prices = price_chains(record, market, chains, fills, horizon)
    names = sorted(set(chains.name))
    scale = np.array([names.index(n) for n in chains.name], dtype=np.int64) if len(names) < 50 else _codes(chains.name, names)
    scales = tuple(record.scales[n] for n in names)
    orders, inexact_fee = _orders(market, chains, fills, counted, prices, scale, scales)
    parts = value_add_parts(orders)
    end = np.where(prices.horizon == NULL, market.as_of, np.minimum(prices.horizon, market.as_of))
    paths = gap_paths(chains, fills, prices.model_time, counted, end)
    rebates = np.asarray(fills.total((fills.fee < 0).astype(np.int64), counted) > 0, dtype=bool)
    slices = day_slices(market, chains, fills, prices, orders, counted)
    to_date = np.zeros(len(chains), dtype=np.int64)
    np.add.at(to_date, slices.chain, slices.amount)
    priced = Priced(
        record=record,
        market=market,
        chains=chains,
        fills=fills,
        counted=counted,
        prices=prices,
        orders=orders,
        parts=replace(parts, rounded=parts.rounded | inexact_fee),
        paths=paths,
        labels=regime_labels(
            market.plan, record.tables.get("regimes"), chains.name, np.where(chains.left_alone, chains.anchor, chains.decided)
        ),
        scale=scale,
        scales=scales,
        to_date=to_date,
        volatility=volatility_at(market, chains.asset, chains.anchor, chains.decided),
        warnings=_row_warnings(record, chains, {"D131": rebates, "D142": partly_filled(record, chains, orders)}),
    )
    return priced, slices


def _codes(values: NDArray[Any], names: list[str]) -> NDArray[np.int64]:
    position = {n: i for i, n in enumerate(names)}
    return np.array([position[v] for v in values], dtype=np.int64)


def _orders(
    market: Market,
    chains: Chains,
    fills: FillRows,
    counted: NDArray[np.bool_],
    prices: Prices,
    scale: NDArray[np.int64],
    scales: tuple[Any, ...],
) -> tuple[Orders, NDArray[np.bool_]]:
    """Both orders of each chain, and whether the model's fee had to be rounded."""
    quantity, price = fills.quantity.astype(object), fills.price.astype(object)
    mids = np.where(prices.arrival.usable, prices.arrival.lookup.price, 0).astype(object)
    filled = fills.total(quantity, counted)
    overlaps = np.minimum(chains.q, np.maximum(filled, 0)) > 0
    steps = [s.micro_per_step for s in scales]
    p = np.where((chains.q > 0) & prices.model.usable, prices.model.lookup.price, 0)
    paid, inexact = model_fees(market.plan.fees, chains.q, p, [scales[k].lot for k in scale], [steps[k] for k in scale])
    orders = Orders(
        side=chains.side,
        q=chains.q,
        p=p,
        filled=filled,
        notional=fills.total(quantity * price, counted),
        arrival=np.where(overlaps, fills.total(quantity * mids, counted), 0),
        mark=np.where(prices.open, 0, prices.mark.lookup.price),
        un=np.array([steps[k].numerator for k in scale], dtype=object),
        ud=np.array([steps[k].denominator for k in scale], dtype=object),
        actual_cost=fills.total(fills.fee, counted),
        model_cost=paid,
    )
    return orders, inexact


def _row_warnings(record: Record, chains: Chains, own: dict[str, NDArray[np.bool_]]) -> NDArray[np.object_]:
    """Codes of each chain: those the record's checks gave it, and `own`, which only fills inside the horizon decide."""
    by_chain: dict[str, set[str]] = {}
    for problem in record.problems:
        if problem.code in ROW_WARNINGS and problem.chain:
            by_chain.setdefault(problem.chain, set()).add(problem.code)
    keys = [str(s or a) for s, a in zip(chains.signal_id, chains.action_id, strict=True)]
    marks = [by_chain.get(k, set()) | {code for code, found in own.items() if found[i]} for i, k in enumerate(keys)]
    return np.array([";".join(sorted(m)) for m in marks], dtype=object)


def row_frame(p: Priced) -> pd.DataFrame:
    """Rows as a plain frame for grouping: int64 micro-units, codes as text, `NULL` never used (OPEN rows hold 0 and say so by status)."""
    signals, actions = p.record.tables["signals"], p.record.tables["actions"]
    a, s = p.chains.row, p.chains.signal
    table: dict[str, Any] = {
        "row": np.arange(len(p.chains)),
        "signal_id": p.chains.signal_id,
        "action_id": p.chains.action_id,
        "decision_id": decision_ids(p.record, p.chains),
        "trader": pick(actions["trader"], a, None),
        "model": pick(signals["model"], s, None),
        "asset": p.chains.name,
        "side": np.where(p.chains.side > 0, "BUY", "SELL").astype(object),
        "action": p.chains.action,
        "status": np.where(p.prices.open, "OPEN", "CLOSED").astype(object),
        "is_intervention": ~p.chains.left_alone,
        "decided": p.chains.decided,
        "session": p.market.desk.label_of(p.chains.decided) if len(p.chains) else p.chains.name,
    }
    for name in ("size", "drift", "slippage", "cost", "value_add", "model_pnl", "actual_pnl"):
        table[name] = np.where(p.prices.open, 0, getattr(p.parts, name))
    if p.labels.values:
        table["regime"] = np.array(
            [" | ".join(map(str, cells)) for cells in zip(*p.labels.values.values(), strict=True)], dtype=object
        )
    return pd.DataFrame(table)


def _tables(p: Priced, slices: Slices, lost: pd.DataFrame, found: list[Problem], outside: int) -> Ledger:
    rows = row_frame(p)
    decisions = decision_frame(rows, lost)
    books = book_frame(p, slices, rows["trader"].to_numpy())
    totals = check_identities(rows, decisions, slices, books)
    opened = _open_problems(p)
    after = _after_horizon_problems(p)
    quarantine, drops = problem_tables(p.record, ledger_quarantine(p.record, found))
    tables: dict[str, pa.Table] = {
        "ledger": ledger_table(p),
        "decisions": decision_table(decisions),
        "slices": slice_table(p, slices, rows),
        "books": book_table(books),
        "kpis": kpi_table(rows, decisions, lost),
        "quarantine": quarantine,
        "drops": drops,
    }
    counts = _counts(p, rows, lost, quarantine.num_rows, drops.num_rows, outside)
    result = result_part(p.record, p.market.plan, p.market, tables, counts, totals) | {"by_trader": coverage(decisions, lost)}
    problems = tuple(sorted((*p.record.problems, *found, *opened, *after), key=lambda x: (x.table, x.line, x.code)))
    rows_table = tables.pop("ledger")
    provenance = provenance_part(p.record)
    return Ledger(p.market.plan, rows_table, problems=problems, result=result, provenance=provenance, record=p.record, **tables)


def _open_problems(p: Priced) -> list[Problem]:
    what = "the horizon lies after the last price"
    return [chain_problem(p.record, p.chains, int(i), "D263", what) for i in np.flatnonzero(p.prices.open)]


def _after_horizon_problems(p: Priced) -> list[Problem]:
    late = np.unique(p.fills.chain[~p.counted & ~p.prices.open[p.fills.chain]])
    return [chain_problem(p.record, p.chains, int(i), "D214", "a fill came after the horizon") for i in late]


def _counts(p: Priced, rows: pd.DataFrame, lost: pd.DataFrame, quarantined: int, dropped: int, outside: int) -> dict[str, int]:
    """Row counts, with the denominator identity: signals = followed + intervened + no decision + quarantined + duplicates dropped."""
    own = rows[rows["signal_id"].notna()]
    return {
        "rows": len(rows),
        "followed": int((own["action"] == "ACCEPT").sum()),
        "intervened": int(own["is_intervention"].sum()),
        "no_decision": int((own["action"] == "NO_DECISION").sum()),
        "initiated": int((rows["action"] == "INITIATE").sum()),
        "open": int((rows["status"] == "OPEN").sum()),
        "unavailable": int(lost["code"].isin(UNAVAILABLE).sum()),
        "quarantined": quarantined,
        "dropped": dropped,
        "outside_period": outside,
        "unlabelled": int(sum((v == UNLABELLED).sum() for v in p.labels.values.values())),
    }
