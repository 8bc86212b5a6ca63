"""Signals laid on real closing prices, with sides as first drawn, and the tables of a record made of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skillstats.errors import UsageError
from skillstats.simulate.closes import Closes
from skillstats.simulate.design import VETO, draw_actions, draw_counts, draw_ratios, draw_sides, number_decisions
from skillstats.simulate.sessions import Sessions
from skillstats.simulate.skill import ACTIONS
from skillstats.simulate.tables import SimulatedTables, instants, number_ids, plan_text
from skillstats.simulate.world import World

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Laid:
    """Signals on real prices, all (signal,) but `group` and `unit`, which number touched signals only (-1 elsewhere).

    session : in which the outcome falls; side, action, ratio (Q/q), quantity (units); u : outcome of a BUY per unit of risk; weight : risk, currency
    """

    trader: Integers
    session: Integers
    asset: Integers
    side: Integers
    action: Integers
    ratio: Floats
    quantity: Integers
    u: Floats
    weight: Floats
    unit: Integers
    group: Integers

    @property
    def direction(self) -> Integers:
        """Sign of actual minus model position."""
        return self.side * np.where(self.ratio > 1.0, 1, -1)


def lay_on_closes(world: World, sessions: Sessions, closes: Closes, rng: np.random.Generator) -> Laid:
    """Who gets which signal at which close, with sides as first drawn."""
    here = np.arange(sessions.history, sessions.history + world.sessions)
    outcome = (closes.returns()[here]) / closes.known_volatility()[here - 1]  # shape: (session, asset)
    usable = np.isfinite(outcome) & ~np.isnan(closes.price[here - 1])
    counts = draw_counts(world, np.ones((world.sessions, world.traders)), rng, usable.sum(axis=1))
    if not counts.any():
        raise UsageError("no asset has a close in two sessions running and 10 earlier returns; give more prices, or change start")
    session = np.repeat(np.arange(world.sessions), counts.sum(axis=1))
    trader = np.concatenate([np.repeat(np.arange(world.traders), row) for row in counts])
    dice = np.where(usable, rng.random(usable.shape), 2.0)
    asset = np.argsort(dice, axis=1)[session, np.arange(len(session)) - np.searchsorted(session, session)]
    side, action = draw_sides(world, session, trader, rng), draw_actions(world, trader, None, rng)
    if world.facing == "trader":
        side = (2 * rng.integers(0, 2, (world.sessions, world.traders)) - 1)[session, trader]
    ratio = draw_ratios(action, rng)
    before = closes.price[here - 1][session, asset]
    size = world.notional * np.exp(world.size_spread * rng.standard_normal(len(session)))
    quantity = 10 * np.maximum(1, np.rint(size / (10.0 * before))).astype(np.int64)
    unit = number_decisions(world, session, trader, action, rng)
    by_day = np.isin(trader + 1, world.directional) | (world.facing == "trader")
    key = np.where(by_day, -1 - (session * world.traders + trader), unit)
    group = np.full(len(unit), -1)
    group[unit >= 0] = np.unique(key[unit >= 0], return_inverse=True)[1]
    known = closes.known_volatility()[here - 1][session, asset]
    weight = quantity * before * np.abs(ratio - 1.0) * known
    return Laid(trader, session, asset, side, action, ratio, quantity, outcome[session, asset], weight, unit, group)


def closing_tables(world: World, sessions: Sessions, closes: Closes, laid: Laid, seed: int) -> SimulatedTables:
    """Signals at the close before each outcome's session, answered and filled in that close; the prices as they were given."""
    at = sessions.history + laid.session - 1
    time = instants(sessions.close[at])
    price = closes.text[at, laid.asset].tolist()
    signal_id, action_id = number_ids("S", len(time)), number_ids("A", len(time))
    ordered = np.rint(np.abs(laid.ratio) * laid.quantity).astype(np.int64)
    several = (laid.unit >= 0) & (np.bincount(laid.unit[laid.unit >= 0], minlength=1)[laid.unit] > 1)
    filled = np.flatnonzero(laid.action != VETO)
    tables = {
        "signals": {
            "signal_id": signal_id, "time": time, "model": ["desk-model"] * len(time),
            "asset": [closes.assets[a] for a in laid.asset.tolist()], "side": np.where(laid.side > 0, "BUY", "SELL").tolist(),
            "quantity": [str(q) for q in laid.quantity.tolist()], "price": price,
        },
        "actions": {
            "action_id": action_id, "signal_id": signal_id, "time": time,
            "trader": [f"T{j + 1}" for j in laid.trader.tolist()], "action": np.array(ACTIONS)[laid.action].tolist(),
            "quantity": [str(q) for q in np.where(laid.action == VETO, 0, ordered).tolist()],
            "decision_id": [f"D{d + 1:06d}" if many else "" for d, many in zip(laid.unit.tolist(), several.tolist(), strict=True)],
        },
        "fills": {
            "fill_id": number_ids("F", len(filled)), "action_id": [action_id[i] for i in filled.tolist()], "time": [time[i] for i in filled.tolist()],
            "quantity": [str(q) for q in ordered[filled].tolist()], "price": [price[i] for i in filled.tolist()], "fee": ["0"] * len(filled),
        },
        "prices": {column: list(cells) for column, cells in closes.table.items()},
    }  # fmt: skip
    return SimulatedTables(tables, plan_text(world, sessions, seed, horizon="session+1", regimes="[]"))
