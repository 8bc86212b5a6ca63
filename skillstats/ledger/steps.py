"""The steps from chains to priced chains: those of the period, those with a full counterfactual, and their prices, parts and slices.

The same steps make the ledger and, over the table `resimulated`, the second model book.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skillstats.errors import Problem
from skillstats.ledger.algebra import value_add_parts
from skillstats.ledger.bounds import chain_bounds, too_large
from skillstats.ledger.chains import Chains, FillRows, gather_fills, pick
from skillstats.ledger.fill_doubts import row_doubts
from skillstats.ledger.grid import Grid, lay_grid
from skillstats.ledger.horizons import exits_of, horizons_of_kind, own_horizons
from skillstats.ledger.orders import make_orders
from skillstats.ledger.paths import gap_paths
from skillstats.ledger.pricing import (
    Cause,
    Prices,
    chain_problem,
    hindsight,
    inside_horizon,
    price_chains,
    refused_prices,
    unavailable,
)
from skillstats.ledger.renamed import renamed_assets
from skillstats.ledger.rows import Priced, horizon_kinds, partly_filled
from skillstats.ledger.setaside import set_aside_frame, with_refused
from skillstats.ledger.slices import Slices, Traded, day_slices
from skillstats.ledger.worst_case import Candidates, Case, worst_cases
from skillstats.market.adjust import Corporate, corporate_of
from skillstats.market.marks import Market
from skillstats.market.volatility import volatility_at
from skillstats.record.containers import NULL, Record
from skillstats.regimes.builtin import LabelSource, label_source
from skillstats.regimes.labels import regime_labels

ROW_WARNINGS: Final = ("D114", "D115", "D126", "D144", "D215")
"""Warnings that the chain and data up to its horizon decide; the others go to the manifest, or later data would change old rows."""


def in_period(chains: Chains, market: Market) -> tuple[Chains, Chains]:
    """Chains whose anchor lies in a desk session of the plan's period, and the others."""
    inside = np.ones(len(chains), dtype=bool)
    if market.plan.period is not None and len(chains):
        label = market.desk.label_of(chains.anchor)
        inside = np.asarray((label >= market.plan.period[0]) & (label <= market.plan.period[1]), dtype=bool)
    return chains.take(inside), chains.take(~inside)


@dataclass(frozen=True, slots=True)
class Work:
    """Chains on their way into the ledger, with all that looks at the whole record: their fills and when they end.

    filed : fills as recorded; horizon, exits : (chain,) int64, see `horizons`
    labels : where regime labels come from; it is shared by all parts of a record, so that each series is made once
    """

    record: Record
    market: Market
    corporate: Corporate
    chains: Chains
    filed: FillRows
    horizon: NDArray[np.int64]
    exits: NDArray[np.int64]
    labels: LabelSource

    def take(self, rows: NDArray[Any]) -> Work:
        """Some of the chains, by their positions in ascending order."""
        return replace(
            self, chains=self.chains.take(rows), filed=self.filed.take(rows), horizon=self.horizon[rows], exits=self.exits[rows]
        )

    def chunks(self, size: int) -> Iterator[tuple[int, Work]]:
        """The chains in parts of at most `size`, each with the position of its first; one part where there is none."""
        for start in range(0, max(len(self.chains), 1), size):
            yield start, self.take(np.arange(start, min(start + size, len(self.chains))))


def prepare(
    record: Record,
    market: Market,
    chains: Chains,
    exits: NDArray[np.int64] | None = None,
    labels: LabelSource | None = None,
) -> Work:
    """Fills and horizons of all chains of a record.

    exits : of the issued signals, where the record is a part of another one; see `exits_of`
    labels : of the whole record, likewise
    """
    exits, corporate = exits_of(record, market, chains, exits), corporate_of(record)
    horizon = own_horizons(record, market, chains, exits)
    source = labels or label_source(market, corporate)
    return Work(record, market, corporate, chains, gather_fills(record, chains), horizon, exits, source)


@dataclass(frozen=True, slots=True)
class Lost:
    """Actions that became no row, and the bounds of the chains that were set aside for want of a price or rate.

    reach : sum of the overflow bounds of the chains that stay, micro-units; see `refuse_total`
    """

    frame: pd.DataFrame
    cases: tuple[Case, ...]
    reach: int


def set_aside(work: Work, chunk: int) -> tuple[Work, Lost, list[Problem]]:
    """Take out every chain without a full counterfactual, with its reason."""
    kept, frames, cases, problems, total = [], [], [], [], 0
    for start, part in work.chunks(chunk):
        first, own, bound = _refused(part)
        good = np.ones(len(part.chains), dtype=bool)
        good[list(first)] = False
        kept.append(np.flatnonzero(good) + start)
        total += sum(b for b, keep in zip(bound, good, strict=True) if keep)
        frames.append(set_aside_frame(part.record, part.chains, first))
        cases += own
        problems += [chain_problem(part.record, part.chains, i, *why) for i, why in sorted(first.items())]
    lost = Lost(with_refused(work.record, frames), tuple(cases), total)
    return work.take(np.concatenate(kept)), lost, problems


def _refused(work: Work) -> tuple[dict[int, Cause], list[Case], list[int]]:
    """Chains of one part that become no row, with the reason; bounds of those without a price; and the overflow bound of each chain."""
    record, market, corporate, chains, fills = work.record, work.market, work.corporate, work.chains, work.filed
    counted = inside_horizon(fills, work.horizon, market.as_of)
    prices = price_chains(record, market, chains, fills, work.horizon)
    grid = lay_grid(corporate, chains, prices.latest(chains, fills, market.as_of))
    kinds = horizon_kinds(record, chains, market)
    bad: list[tuple[int, str, str]] = [
        (i, "D104", "no horizon in the signal and none in the plan") for i, k in enumerate(kinds) if k is None
    ]
    bad += hindsight(chains, work.horizon)
    bad += renamed_assets(record, market, chains, fills, prices, counted, unavailable(market, chains, fills, prices, counted))
    bounds = chain_bounds(chains, fills, prices, grid)
    bad += too_large(bounds)
    roots = refused_prices(market, chains, fills, prices, counted)
    first: dict[int, Cause] = {}
    for i, code, what in bad:
        first.setdefault(i, (code, what, roots.get(i, "") if code == "D254" else ""))
    candidates = Candidates(market, corporate, chains, fills, counted, prices)
    traders = pick(record.tables["actions"]["trader"], chains.row, None)
    cases = worst_cases(candidates, traders, {i: code for i, (code, _, _) in first.items()})
    return first, list(cases), bounds


def price(work: Work, volatility: NDArray[np.int64]) -> tuple[Priced, Slices]:
    """Everything about chains that have a full counterfactual, and their day slices.

    Parameters
    ----------
    volatility : (chain,) from `known_volatility`, which looks at all chains of the record together
    """
    record, market, corporate, chains, filed = work.record, work.market, work.corporate, work.chains, work.filed
    horizon = work.horizon
    counted = inside_horizon(filed, horizon, market.as_of)
    prices = price_chains(record, market, chains, filed, horizon)
    reach = prices.latest(chains, filed, market.as_of)
    for kind in market.plan.decay:
        reach = np.maximum(reach, np.minimum(horizons_of_kind(market, chains, work.exits, kind), market.as_of))
    grid = lay_grid(corporate, chains, reach)
    fills = grid.fills(filed)
    orders = make_orders(market.plan.fees, chains, fills, counted, prices, grid)
    parts = value_add_parts(orders)
    end = np.where(prices.horizon == NULL, market.as_of, np.minimum(prices.horizon, market.as_of))
    slices = day_slices(record, market, chains, Traded(orders, fills, counted, prices, grid))
    to_date = np.zeros(len(chains), dtype=np.int64)
    np.add.at(to_date, slices.chain, slices.amount)
    partial = partly_filled(record, corporate.histories, chains, filed, counted)
    marks = row_doubts(record, market, chains, filed, counted) | {
        "D131": np.asarray(fills.total((fills.fee < 0).astype(np.int64), counted) > 0, dtype=bool),
        "D142": partial,
        "D262": _adjusted(chains, fills, counted, prices, grid, slices),
    }
    priced = Priced(
        record=record,
        market=market,
        chains=chains,
        filed=filed,
        fills=fills,
        counted=counted,
        prices=prices,
        exits=work.exits,
        orders=orders,
        parts=parts,
        paths=gap_paths(orders.q, fills, prices.model_time, counted, end),
        labels=regime_labels(
            market.plan.regimes.use,
            record.tables.get("regimes"),
            work.labels,
            chains.name,
            np.where(chains.left_alone, chains.anchor, chains.decided),
        ),
        grid=grid,
        partial=partial,
        to_date=to_date,
        volatility=volatility,
        adjusted=marks["D262"],
        warnings=_row_warnings(record, chains, marks),
    )
    return priced, slices


def known_volatility(work: Work) -> NDArray[np.int64]:
    """Volatility of each chain's asset as known at the decision; all chains together decide when an asset joins its class."""
    chains = work.chains
    return volatility_at(work.market, work.corporate, chains.asset, chains.anchor, chains.decided)


def _adjusted(
    chains: Chains, fills: FillRows, counted: NDArray[np.bool_], prices: Prices, grid: Grid, slices: Slices
) -> NDArray[np.bool_]:
    """Chains of which a price or fill that was used is stamped after a corporate action."""
    last = np.where(prices.open, NULL, prices.mark.lookup.time)
    last = np.maximum(last, np.where(chains.q > 0, prices.model.lookup.time, NULL))
    np.maximum.at(last, fills.chain[counted], fills.time[counted])
    np.maximum.at(last, slices.chain, slices.mark_time)
    result = np.zeros(len(chains), dtype=bool)
    for i in sorted(grid.reached):
        result[i] = grid.corporate.histories[chains.name[i]].between(int(chains.anchor[i]), int(last[i]))
    return result


def _row_warnings(record: Record, chains: Chains, own: dict[str, NDArray[np.bool_]]) -> NDArray[np.object_]:
    """Codes of each chain: those the record's checks gave it, and `own`, which only fills inside the horizon decide."""
    by_chain: dict[str, set[str]] = {}
    for problem in record.problems:
        if problem.code in ROW_WARNINGS and problem.chain:
            by_chain.setdefault(problem.chain, set()).add(problem.code)
    keys = [str(s or a) for s, a in zip(chains.signal_id, chains.action_id, strict=True)]
    marks = [by_chain.get(k, set()) | {code for code, found in own.items() if found[i]} for i, k in enumerate(keys)]
    return np.array([";".join(sorted(m)) for m in marks], dtype=object)
