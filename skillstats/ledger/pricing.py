"""The model's fill, the mark, and whether both can be had.

The model book is a function of signals, prices and plan alone; actions and fills cannot enter it. A chain needs the mid at the signal,
the model's price, the mark at the horizon and, where the person traded what the model wanted, the mid at each fill. If one of them has
no fresh price the chain is COUNTERFACTUAL_UNAVAILABLE: no first or last price, no fill-forward, no zero. An asset in another
currency needs a rate at the signal, for its risk, and at the horizon, for its money. A horizon after `as_of`, or a
`next_open` that has not come yet, makes the chain OPEN instead.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skillstats.errors import Problem, describe_problem
from skillstats.ledger.chains import Chains, FillRows, pick
from skillstats.market.adjust import corporate_of
from skillstats.market.currency import NO_RATE, Rates, rate_assets, rate_at
from skillstats.market.impact import liquidity_at, square_root_impact
from skillstats.market.marks import Mark, Market, describe_limit, mark_at
from skillstats.market.store import Lookup, look_forward
from skillstats.record.containers import NULL, Record
from skillstats.units import parse_decimal, parse_duration

IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
Cause = tuple[str, str, str]
"""Why a chain becomes no row: code, what was found, place of the cause where it is another row."""


@dataclass(frozen=True, slots=True)
class Prices:
    """Prices of each chain and fill, half ticks; `NULL` where there is none.

    signal_mid, model, mark : look-ups, shape (chain,); arrival : mid at each fill, shape (fill,)
    model_time : (chain,) instant of the model's fill; horizon : (chain,) instant, `NULL` while unknown
    open : (chain,) bool, whether the horizon (or the model's fill) lies after as_of
    fx : (chain,) position of the rate's asset (see `market.currency`); signal_fx, mark_fx : (chain,) rate at the anchor and at the horizon

    impact : (chain,) half ticks of anchor-time units by which the model's price moves against its side; 0 without an order or a price
    no_impact : (chain,) whether impact is asked for and cannot be known

    Prices are as quoted, in half ticks of their asset; `grid` brings them to anchor-time units.
    """

    signal_mid: Mark
    model: Mark
    model_time: IntArray
    mark: Mark
    horizon: IntArray
    arrival: Mark
    open: BoolArray
    fx: IntArray
    signal_fx: Rates
    mark_fx: Rates
    impact: NDArray[np.object_]
    no_impact: BoolArray

    def latest(self, chains: Chains, fills: FillRows, as_of: int) -> IntArray:
        """(chain,) an instant after which nothing of the chain is stamped: neither its prices nor its fills."""
        stop = np.where(self.horizon == NULL, as_of, np.minimum(self.horizon, as_of))
        stop = np.maximum(stop, np.where(chains.q > 0, self.model.lookup.time, NULL))
        np.maximum.at(stop, fills.chain, fills.time)
        return stop


def price_chains(record: Record, market: Market, chains: Chains, fills: FillRows, horizon: IntArray) -> Prices:
    """Every look-up of every chain."""
    model, model_time = _model_fill(record, market, chains)
    mark = mark_at(market, chains.asset, horizon)
    later = (horizon == NULL) | (horizon > market.as_of) | ((chains.q > 0) & (model_time == NULL))
    arrival = mark_at(market, chains.asset[fills.chain], fills.time)
    signal_mid, fx = mark_at(market, chains.asset, chains.anchor), rate_assets(market, chains.name)
    rates = [rate_at(market, record.scales, fx, instant) for instant in (chains.anchor, horizon)]
    impact, unknown = _impact(record, market, chains, model)
    return Prices(signal_mid, model, model_time, mark, horizon, arrival, later, fx, rates[0], rates[1], impact, unknown)


def _impact(record: Record, market: Market, chains: Chains, model: Mark) -> tuple[NDArray[np.object_], BoolArray]:
    """Impact of each model order on its own price, and where it cannot be known."""
    y, impact = parse_decimal(market.plan.impact.y), np.zeros(len(chains), dtype=object)
    priced = (chains.q > 0) & model.usable
    if y == 0:
        return impact, np.zeros(len(chains), dtype=bool)
    corporate = corporate_of(record)
    before = liquidity_at(market, corporate, chains.asset, chains.anchor)
    for i in np.flatnonzero(priced & before.known):
        ratio, cash = corporate.factors(str(chains.name[i]), int(chains.anchor[i]), int(model.lookup.time[i]))
        price = ratio * int(model.lookup.price[i]) + cash
        impact[i] = square_root_impact(y, price, before.squares[i], int(chains.q[i]), before.volume[i])
    return impact, (chains.q > 0) & ~before.known


def _model_fill(record: Record, market: Market, chains: Chains) -> tuple[Mark, IntArray]:
    """The model's price and the instant of its fill; none for INITIATE."""
    strict = market.plan.asof_model == "strict"
    when = np.where(chains.q > 0, chains.anchor, NULL)
    if market.plan.fill_model == "signal_price":
        stated = pick(record.tables["signals"]["price"], chains.signal, NULL)
        row = np.where(stated != NULL, 0, -1)
        return Mark(Lookup(row, stated, when, np.full_like(row, -1)), np.where(stated != NULL, 0, NULL)), when
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
    both = [np.where(buy, getattr(ask.lookup, k), getattr(bid.lookup, k)) for k in ("row", "price", "time", "blocked")]
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
    # a refused row may have held the open: the fill is not to come, it cannot be known
    stone = np.where(
        found.blocked >= 0, market.store.time[np.maximum(found.blocked, 0)] if len(market.store.time) else NULL, NULL
    )
    opening = np.where((stone != NULL) & (stone <= market.as_of), stone, found.time)
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
            found.append((int(i), "D254", _words(market, chains, int(i), what, int(instant[i]), mark, int(i))))
    for i in np.flatnonzero(known & past & prices.no_impact & (prices.model_time != NULL) & (prices.model_time <= market.as_of)):
        found.append((int(i), "D254", "no volatility or volume for impact"))
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
            found.append((chain, "D254", _words(market, chains, chain, "a fill", int(fills.time[k]), prices.arrival, int(k))))
    return found + _without_rate(market, chains, prices)


def _without_rate(market: Market, chains: Chains, prices: Prices) -> list[tuple[int, str, str]]:
    """Foreign chains whose money cannot be converted, or whose risk cannot."""
    past, found = chains.anchor <= market.as_of, []
    for i in np.flatnonzero((prices.fx == NO_RATE) & past):
        found.append((int(i), "D260", f"no fx for {market.plan.assets[str(chains.name[i])].currency}"))
    needs = [
        ("the signal's instant", prices.signal_fx, past, chains.anchor),
        ("the horizon", prices.mark_fx, ~prices.open, prices.horizon),
    ]
    for what, rate, needed, instant in needs:
        for i in np.flatnonzero((prices.fx >= 0) & needed & ~rate.usable & (instant <= market.as_of)):
            limit, name = describe_limit(market, int(prices.fx[i]), int(instant[i])), market.store.assets[prices.fx[i]]
            newest = "there is none" if rate.age[i] == NULL else f"newest is {rate.age[i] / 1e6:g} s old"
            found.append((int(i), "D261", f"rate {name} for {what}: {newest}, limit {limit}"))
    return found


def _words(market: Market, chains: Chains, i: int, what: str, instant: int, mark: Mark, k: int) -> str:
    """What was missing for chain `i` in look-up `k`."""
    stone = refused_row(market, int(mark.lookup.blocked[k]))
    if stone is not None:
        return f"reference price for {what}: the row that stood then, {stone.file}:{stone.line}, was refused ({stone.code})"
    age, limit = int(mark.age[k]), describe_limit(market, int(chains.asset[i]), instant)
    newest = "there is none" if age == NULL else f"newest is {age / 1e6:g} s old"
    return f"reference price for {what}: {newest}, limit {limit}"


def refused_row(market: Market, position: int) -> Problem | None:
    """Why the price row at a position of the store was refused; None where there is no such row."""
    rows = market.store.rows
    return rows.reasons[int(np.searchsorted(rows.refused, position))] if position >= 0 else None


def refused_prices(market: Market, chains: Chains, fills: FillRows, prices: Prices, counted: BoolArray) -> dict[int, str]:
    """Place of the refused price row that each chain would have used, for chains that met one."""
    every, found = np.arange(len(chains)), {}
    looks = [(fills.chain[counted], prices.arrival.lookup.blocked[counted])]
    looks += [(every, m.lookup.blocked) for m in (prices.mark, prices.model, prices.signal_mid)]
    for chain, blocked in looks:
        for k in np.flatnonzero(blocked >= 0).tolist():
            stone = refused_row(market, int(blocked[k]))
            assert stone is not None
            found[int(chain[k])] = f"{stone.file}:{stone.line}"
    return found


def inside_horizon(fills: FillRows, horizon: IntArray, as_of: int) -> BoolArray:
    """Fills that count: not after the horizon, and not after the instant of the evaluation."""
    limit = np.where(horizon == NULL, as_of, np.minimum(horizon, as_of))
    return fills.time <= limit[fills.chain]


def hindsight(chains: Chains, horizon: IntArray) -> list[tuple[int, str, str]]:
    """Actions after their horizon, when the outcome was known (D213)."""
    late = (chains.row >= 0) & (horizon != NULL) & (chains.decided > horizon)
    return [(int(i), "D213", f"{(chains.decided[i] - horizon[i]) / 1e6:.3f} s after") for i in np.flatnonzero(late)]


def chain_problem(record: Record, chains: Chains, i: int, code: str, what: str, root: str = "") -> Problem:
    """The problem of one chain, placed at its action if it has one, else at its signal; `root` : place of a cause elsewhere."""
    table = record.tables["actions" if chains.row[i] >= 0 else "signals"]
    at = int(chains.row[i] if chains.row[i] >= 0 else chains.signal[i])
    key = str(chains.action_id[i] if chains.row[i] >= 0 else chains.signal_id[i])
    message = describe_problem(code, key, "asset", str(chains.name[i]), what)
    chain, (file, line) = str(chains.signal_id[i] or chains.action_id[i]), table.place(at)
    return Problem(code, table.name, file, line, message, chain=chain, root=root or f"{file}:{line}")
