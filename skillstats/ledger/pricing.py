"""The model's fill, the mark, and whether both can be had.

The model book is a function of signals, prices and plan alone; actions and fills cannot enter it. A chain needs the mid at the signal,
the model's price, the mark at the horizon and, where the person traded what the model wanted, the mid at each fill. If one of them has
no fresh price the chain is COUNTERFACTUAL_UNAVAILABLE: no first or last price, no fill-forward, no zero. A horizon after `as_of`, or a
`next_open` that has not come yet, makes the chain OPEN instead.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skillstats.errors import Problem, describe_problem
from skillstats.ledger.chains import Chains, FillRows, pick
from skillstats.market.marks import Mark, Market, describe_limit, mark_at
from skillstats.market.store import Lookup, look_forward
from skillstats.record.containers import NULL, Record
from skillstats.units import parse_duration

IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Prices:
    """Prices of each chain and fill, half ticks; `NULL` where there is none.

    signal_mid, model, mark : look-ups, shape (chain,); arrival : mid at each fill, shape (fill,)
    model_time : (chain,) instant of the model's fill; horizon : (chain,) instant, `NULL` while unknown
    open : (chain,) bool, whether the horizon (or the model's fill) lies after as_of
    """

    signal_mid: Mark
    model: Mark
    model_time: IntArray
    mark: Mark
    horizon: IntArray
    arrival: Mark
    open: BoolArray


def price_chains(record: Record, market: Market, chains: Chains, fills: FillRows, horizon: IntArray) -> Prices:
    """Every look-up of every chain."""
    model, model_time = _model_fill(record, market, chains)
    mark = mark_at(market, chains.asset, horizon)
    later = (horizon == NULL) | (horizon > market.as_of) | ((chains.q > 0) & (model_time == NULL))
    arrival = mark_at(market, chains.asset[fills.chain], fills.time)
    return Prices(mark_at(market, chains.asset, chains.anchor), model, model_time, mark, horizon, arrival, later)


def _model_fill(record: Record, market: Market, chains: Chains) -> tuple[Mark, IntArray]:
    """The model's price and the instant of its fill; none for INITIATE."""
    strict = market.plan.asof_model == "strict"
    when = np.where(chains.q > 0, chains.anchor, NULL)
    if market.plan.fill_model == "signal_price":
        stated = pick(record.tables["signals"]["price"], chains.signal, NULL)
        row = np.where(stated != NULL, 0, -1)
        return Mark(Lookup(row, stated, when), np.where(stated != NULL, 0, NULL)), when
    if market.plan.fill_model == "next_open":
        return _next_open(market, chains, when)
    at = np.where(when == NULL, NULL, when + parse_duration(market.plan.latency))
    if market.plan.fill_model == "arrival_mid":
        return mark_at(market, chains.asset, at, strict=strict), at
    buy, ask, bid = (
        chains.side > 0,
        mark_at(market, chains.asset, at, "ask", strict=strict),
        mark_at(market, chains.asset, at, "bid", strict=strict),
    )
    both = [np.where(buy, getattr(ask.lookup, k), getattr(bid.lookup, k)) for k in ("row", "price", "time")]
    return Mark(Lookup(*both), np.where(buy, ask.age, bid.age)), at


def _next_open(market: Market, chains: Chains, when: IntArray) -> tuple[Mark, IntArray]:
    """First open of a session that begins strictly after the signal; fill at the session's opening instant or the row's time if earlier.

    A session owns the rows after the close before it, so an open stamped ahead of the opening instant counts, if it is after the signal.
    """
    begins = np.full(len(when), NULL, dtype=np.int64)
    for code in np.unique(chains.asset[when != NULL]):
        rows = np.flatnonzero((chains.asset == code) & (when != NULL))
        sessions = market.sessions_of(int(code))
        following = np.searchsorted(sessions.opens, when[rows], side="right")
        begins[rows] = np.maximum(sessions.closes[following - 1], when[rows]) + 1
    found = look_forward(market.store, chains.asset, begins)
    found = found.keep(found.found & (found.time <= market.as_of))
    opening = found.time.copy()
    for code in np.unique(chains.asset[found.found]):
        rows = np.flatnonzero((chains.asset == code) & found.found)
        sessions = market.sessions_of(int(code))
        opening[rows] = np.minimum(sessions.opens[sessions.index_of(found.time[rows])], found.time[rows])
    return Mark(found, np.where(found.found, 0, NULL)), opening


def unavailable(
    market: Market, chains: Chains, fills: FillRows, prices: Prices, counted: BoolArray
) -> list[tuple[int, str, str]]:
    """Chains without a full counterfactual: (chain, code, what was missing). `counted` marks the fills inside the horizon."""
    found: list[tuple[int, str, str]] = []
    past = chains.anchor <= market.as_of
    for i in np.flatnonzero((chains.asset < 0) & past):
        found.append((int(i), "D255", f"no price for {chains.name[i]}"))
    known = chains.asset >= 0
    needs = [
        ("the signal's instant", prices.signal_mid, past, chains.anchor),
        ("the model's fill", prices.model, past & (chains.q > 0) & (prices.model_time != NULL), prices.model_time),
        ("the horizon", prices.mark, ~prices.open, prices.horizon),
    ]
    for what, mark, needed, instant in needs:
        for i in np.flatnonzero(known & needed & ~mark.usable & (instant <= market.as_of)):
            found.append((int(i), "D254", _words(market, chains, int(i), what, int(instant[i]), int(mark.age[i]))))
    stamped = np.maximum(
        prices.model_time, prices.model.lookup.time
    )  # an open may stand in a row stamped after the opening instant
    too_late = (chains.q > 0) & (prices.model_time != NULL) & (prices.horizon != NULL) & (stamped > prices.horizon)
    what = "the model's own fill, or the row that has its price, comes after the horizon"
    found += [(int(i), "D254", what) for i in np.flatnonzero(too_late)]
    overlaps = (chains.q > 0) & (fills.total(fills.quantity, counted) > 0)
    for k in np.flatnonzero(counted & ~prices.arrival.usable):
        chain = int(fills.chain[k])
        if known[chain] and overlaps[chain]:
            found.append((chain, "D254", _words(market, chains, chain, "a fill", int(fills.time[k]), int(prices.arrival.age[k]))))
    return found


def _words(market: Market, chains: Chains, i: int, what: str, instant: int, age: int) -> str:
    limit = describe_limit(market, int(chains.asset[i]), instant)
    newest = "there is none" if age == NULL else f"newest is {age / 1e6:g} s old"
    return f"reference price for {what}: {newest}, limit {limit}"


def inside_horizon(fills: FillRows, horizon: IntArray, as_of: int) -> BoolArray:
    """Fills that count: not after the horizon, and not after the instant of the evaluation."""
    limit = np.where(horizon == NULL, as_of, np.minimum(horizon, as_of))
    return fills.time <= limit[fills.chain]


def hindsight(chains: Chains, horizon: IntArray) -> list[tuple[int, str, str]]:
    """Actions after their horizon, when the outcome was known (D213)."""
    late = (chains.row >= 0) & (horizon != NULL) & (chains.decided > horizon)
    return [(int(i), "D213", f"{(chains.decided[i] - horizon[i]) / 1e6:.3f} s after") for i in np.flatnonzero(late)]


def corporate_actions_inside(record: Record, chains: Chains, horizon: IntArray) -> list[tuple[int, str, str]]:
    """Chains with a split or dividend between signal and horizon, which this version does not adjust."""
    table = record.tables.get("corporate_actions")
    found = []
    if table is not None:
        for asset, time, kind in zip(table["asset"], table["time"], table["kind"], strict=True):
            inside = (chains.name == asset) & (chains.anchor < time) & ((time <= horizon) | (horizon == NULL))
            found += [(int(i), "D264", f"a {kind} lies inside the horizon") for i in np.flatnonzero(inside)]
    return found


def chain_problem(record: Record, chains: Chains, i: int, code: str, what: str) -> Problem:
    """The problem of one chain, placed at its action if it has one, else at its signal."""
    table = record.tables["actions" if chains.row[i] >= 0 else "signals"]
    at = int(chains.row[i] if chains.row[i] >= 0 else chains.signal[i])
    key = str(chains.action_id[i] if chains.row[i] >= 0 else chains.signal_id[i])
    message = describe_problem(code, key, "asset", str(chains.name[i]), what)
    chain = str(chains.signal_id[i] or chains.action_id[i])
    return Problem(
        code, table.name, table.file, int(table.line[at]), message, chain=chain, root=f"{table.file}:{int(table.line[at])}"
    )
