"""How people act on a desk, before any outcome: who is there, how busy a session is, which way its signals face.

The same on both levels of a world. Nothing here depends on skill; what depends on the market depends on the size or the sign of its shock.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skillstats.simulate.shocks import Market
from skillstats.simulate.world import World

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


def draw_presence(world: World, rng: np.random.Generator) -> Integers:
    """First session of each trader and the one after his last.  # shape: (trader, 2)

    Losers are known only when outcomes are; here they stay.
    """
    half = max(1, world.sessions // 2)
    joins, leaves = rng.random((2, world.traders))
    first, last = rng.integers(1, half + 1, world.traders), rng.integers(half, world.sessions, world.traders)
    goes = (leaves < world.presence.leavers) & (world.presence.leaving == "random")
    first = np.where((joins < world.presence.joiners) & (world.sessions > 1), first, 0)
    return np.stack([first, np.where(goes, np.maximum(last, first + 1), world.sessions)], axis=1)


def there(present: Integers, sessions: int, record: int) -> NDArray[np.bool_]:
    """Whether a trader is there; who stays to the end of the record stays after it.  # shape: (session, trader)"""
    s = np.arange(sessions)[:, None]
    stays = present[:, 1] >= record
    inside: NDArray[np.bool_] = (s >= present[:, 0]) & ((s < present[:, 1]) | stays)
    return inside


def losers(world: World, trader: Integers, session: Integers, y: Floats) -> Integers:
    """Numbers of the traders with the lowest mean outcome of the first half of the record, `presence.leavers` of all."""
    half = session < max(1, world.sessions // 2)
    count = np.bincount(trader[half], minlength=world.traders)
    total = np.bincount(trader[half], y[half], minlength=world.traders)
    mean = np.where(count > 0, total / np.maximum(count, 1), np.inf)
    return np.argsort(mean, kind="stable")[: round(world.presence.leavers * world.traders)]


def good_sessions(world: World, sessions: int, rng: np.random.Generator) -> Floats:
    """+1 or -1, a coin a session and trader.  # shape: (session, trader)"""
    return np.where(rng.random((sessions, world.traders)) < 0.5, 1.0, -1.0)


def busyness(world: World, good: Floats, market: Market) -> Floats:
    """Factor on the expected number of signals; 1 where nothing of it is on.  # shape: (session, trader)"""
    a = world.acting
    return np.asarray((1.0 + a.edge_activity * good) * (1.0 + a.crowding * market.large)[:, None])


def facing_of(world: World, sessions: int, rng: np.random.Generator) -> Integers | None:
    """+1 or -1 of the signals of a session and trader, None where each signal has a coin of its own.  # shape: (session, trader)"""
    shape = (sessions, world.traders)
    if world.facing == "coin":
        return None
    if world.facing == "always":
        return np.ones(shape, np.int64)
    if world.facing == "desk":
        return np.broadcast_to(2 * rng.integers(0, 2, (sessions, 1)) - 1, shape)
    coin = 2 * rng.integers(0, 2, shape) - 1
    if world.facing == "trader":
        return coin
    anew = rng.random(shape) < 1.0 / world.view_spell
    anew[0] = True
    since = np.maximum.accumulate(np.where(anew, np.arange(sessions)[:, None], 0), axis=0)
    return np.asarray(np.take_along_axis(coin, since, axis=0))


def turned(world: World, lean: Floats, market: Market, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Trader-sessions whose sides are turned so that they agree with the market as often as the trader's timing says.

    lean : (session, trader) sign of the sum of beta g before turning
    """
    timing = np.array(world.per_trader("factor.timing"))
    right = rng.random(lean.shape) < (1.0 + timing) / 2.0
    wanted = np.where(right, 1.0, -1.0) * np.sign(market.shock)[:, None]
    return np.asarray((timing != 0) & (lean != 0) & (lean != wanted))


def lost_marks(world: World, gain: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.bool_]:
    """Decisions whose mark is missing.

    gain : (decision,) whether the deviation made money
    """
    p, coin = world.presence.missing, rng.random(len(gain))
    if world.presence.missing_when == "random":
        return np.asarray(coin < p)
    return np.asarray((coin < 2.0 * p) & (gain == (world.presence.missing_when == "gain")))
