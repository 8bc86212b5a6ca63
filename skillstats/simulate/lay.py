"""Rows of a desk without a market: who touches how many signals of a session, what each departure is, and what it risks.

In law the rows are those of `design`: Poisson counts thinned by the override rate, the same actions, ratios, waits and sizes. What is left
out is the clock within a session and the asset's name: an asset here is its volatility.
"""

from __future__ import annotations

import math
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from skillstats.simulate.knobs import SIGNAL_TYPES
from skillstats.simulate.people import facing_of
from skillstats.simulate.rows import Rows
from skillstats.simulate.world import World

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
VETO, RESIZE, DELAY, REVERSE = 1, 2, 3, 4
LEAST_LEFT, ROOM = 30.0 / 390.0, 355.0 / 390.0
"""Time from a signal to the close is uniform from 30 to 385 minutes of a session of 390."""
RATIOS: Final = (-0.5, -1.0)
SIZES: Final = np.array([0.5, 0.5, 1.5, 2.0])


def lay_rows(world: World, regime: Integers, factor: Floats, busy: Floats, good: Floats, rng: np.random.Generator) -> Rows:
    """Draw the touched signals of every session.

    Parameters
    ----------
    regime : (session,) codes; factor : (session,) on every asset's volatility
    busy : (session, trader) factor on the expected number of signals, 0 where the trader is not there
    good : (session, trader) +1 or -1

    Returns
    -------
    Rows, sorted by trader and session; the unit of a row is its decision
    """
    counts = _counts(world, busy, rng)
    sessions = len(regime)
    cell = np.repeat(np.arange(counts.size), counts.ravel())  # trader * sessions + session
    trader, session = np.divmod(cell, sessions)
    rows = len(cell)
    edges = np.cumsum(msgspec.structs.astuple(world.actions))
    action = np.searchsorted(edges[:-1] / edges[-1], rng.random(rows), side="right") + VETO
    four = rng.integers(0, 4, rows)
    resize = SIZES[four]
    against = np.where((action == RESIZE) & (resize > 1.0), 1, -1)
    decision = _decisions(world, cell, action, counts.size, rng)
    return Rows(
        trader=trader, session=session, regime=regime[session], action=action,
        kind=rng.integers(0, len(SIGNAL_TYPES), rows),
        direction=_sides(world, trader, session, sessions, rng) * against,
        beta=np.ones(rows), good=good[session, trader], unit=decision, decision=decision,
        risk=_risk(world, action, resize, four, rng) * factor[session],
    )  # fmt: skip


def _counts(world: World, busy: Floats, rng: np.random.Generator) -> Integers:
    """Touched signals: Poisson around a gamma level, thinned.  # shape: (trader, session)"""
    signals, rate = np.array(world.per_trader("signals_per_day")), np.array(world.per_trader("override_rate"))
    level = busy
    if world.activity_spread > 0:
        level = busy * rng.gamma(world.activity_spread**-2, world.activity_spread**2, busy.shape)
    if world.acting.level == "session":
        touched = rng.random(busy.shape) < rate
        return np.ascontiguousarray((rng.poisson(signals * level) * touched).T)
    return np.ascontiguousarray(rng.poisson(signals * rate * level).T)


def _sides(world: World, trader: Integers, session: Integers, sessions: int, rng: np.random.Generator) -> Integers:
    """+1 BUY, -1 SELL.  # shape: (row,)"""
    facing = facing_of(world, sessions, rng)
    side = 2 * rng.integers(0, 2, len(trader)) - 1 if facing is None else facing[session, trader]
    if facing is None and world.directional:
        of_day = 2 * rng.integers(0, 2, (sessions, world.traders)) - 1
        side = np.where(np.isin(trader + 1, world.directional), of_day[session, trader], side)
    return side


def _risk(world: World, action: Integers, resize: Floats, four: Integers, rng: np.random.Generator) -> Floats:
    """Notional times gap times volatility times root of the risk time, before the session's factor.  # shape: (row,), currency"""
    rows = len(action)
    low, high = (math.log(v) for v in world.volatility_daily)
    size = np.exp(world.size_spread * rng.standard_normal(rows) + (low + (high - low) * rng.random(rows)))
    left, wait = LEAST_LEFT + ROOM * rng.random(rows), 0.2 + 0.4 * rng.random(rows)
    reverse = np.where(four % 2 == 0, 1.0 - RATIOS[0], 1.0 - RATIOS[1])
    gap = np.select([action == RESIZE, action == REVERSE], [np.abs(resize - 1.0), reverse], default=1.0)
    time = np.where(action == DELAY, left * wait, left)
    risk: Floats = world.notional * size * gap * np.sqrt(time)
    return risk


def _decisions(world: World, cell: Integers, action: Integers, cells: int, rng: np.random.Generator) -> Integers:
    """Code of each row's decision: its own, or that of the first veto of a trader and session whose vetoes are one."""
    own = np.arange(len(cell))
    if not world.block_vetoes:
        return own
    blanket = rng.random(cells) < world.block_vetoes
    together = np.flatnonzero((action == VETO) & blanket[cell])
    first = np.full(cells, len(cell))
    np.minimum.at(first, cell[together], together)
    own[together] = first[cell[together]]
    head = own == np.arange(len(cell))
    return np.asarray((np.cumsum(head) - 1)[own])
