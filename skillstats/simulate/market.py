"""Prices of a simulated market, built so that the truth about each deviation is exact.

Every signal has its asset to itself for the session. From the signal to the end of its deviation (the close, or the fill of a
DELAY) the simple return of the asset is

    r = volatility sqrt(risk_time) (sqrt(shared) F_s + g (theta + sqrt(theme) U_js) + sqrt(rest) e),

where g is the direction of the deviation (+1 longer than the model, -1 shorter, 0 untouched: then g's term is gone and e takes
its variance). The value-add of the deviation is g q gap price r, so value-add / risk = theta + g sqrt(shared) F + sqrt(theme) U
+ noise. Before the signal, and after the fill of a DELAY, the asset moves by unrelated noise, so that its daily sd stays
`volatility`. A weak pull towards a level of its own, only in the move before the signal, keeps prices near 20 to 200 for any
number of sessions.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from skillstats.simulate.design import DELAY, Design
from skillstats.simulate.world import World

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

LEVELS: Final = (40.0, 120.0)
PULL: Final = 0.01
"""Share of the log distance to the level made up a session; adds 0.5 % to the variance of a day."""
LOWEST_RETURN: Final = -0.9
LOWEST_PRICE: Final = 1.0


@dataclass(frozen=True, slots=True)
class Assets:
    """What an asset is: daily volatility before the regime, and the level prices are drawn to.  # shape: (asset,)"""

    volatility: Floats
    level: Floats


@dataclass(frozen=True, slots=True)
class Path:
    """Realised prices.

    signal_mid, fill_mid : (signal,) int64 cents; fill_mid differs from signal_mid for a DELAY only
    close_mid : (session, asset) int64 half cents, history included
    """

    signal_mid: Integers
    fill_mid: Integers
    close_mid: Integers


def draw_assets(world: World, rng: np.random.Generator) -> Assets:
    """Draw volatility and level of every asset, both uniform in logs."""

    def between(low: float, high: float) -> Floats:
        return np.exp(rng.uniform(math.log(low), math.log(high), world.asset_count))

    return Assets(volatility=between(*world.volatility_daily), level=between(*LEVELS))


def draw_shocks(world: World, rng: np.random.Generator, *shape: int) -> Floats:
    """Independent shocks with mean 0 and sd 1, with the world's tails."""
    if world.tails == "normal":
        return rng.standard_normal(shape)
    return rng.standard_t(world.tails, shape) * math.sqrt((world.tails - 2.0) / world.tails)


def row_volatility(world: World, design: Design, assets: Assets) -> Floats:
    """Daily volatility of each signal's asset in the regime of its session.  # shape: (signal,)"""
    factor = np.array([regime.volatility for regime in world.regimes])
    volatility: Floats = assets.volatility[design.asset] * factor[design.regime]
    return volatility


def row_skill(world: World, design: Design, theta: Floats) -> Floats:
    """Expected y of each touched signal, 0 elsewhere.  # shape: (signal,), y units

    theta : (trader,) y units
    """
    factor = np.array([regime.skill for regime in world.regimes])
    return np.where(design.touched, theta[design.trader] * factor[design.regime], 0.0)


def draw_path(world: World, design: Design, assets: Assets, theta: Floats, rng: np.random.Generator) -> Path:
    """Draw all shocks and chain the prices session by session.

    theta : (trader,) y units
    """
    days, rows = len(design.regime_of_session), len(design.session)
    factor = np.array([regime.volatility for regime in world.regimes])
    shared, own = np.sqrt(world.shared_shock), np.sqrt(1.0 - world.shared_shock)
    before = shared * draw_shocks(world, rng, days, 1) + own * draw_shocks(world, rng, days, world.asset_count)
    window = _window_return(world, design, assets, theta, rng)
    later = shared * draw_shocks(world, rng, world.sessions)[design.session] + own * draw_shocks(world, rng, rows)
    rest = np.sqrt(np.maximum(design.left - design.wait, 0.0)) * row_volatility(world, design, assets) * later
    rest = np.where(design.action == DELAY, np.maximum(rest, LOWEST_RETURN), 0.0)

    signal_mid, fill_mid = np.zeros(rows, np.int64), np.zeros(rows, np.int64)
    close_mid = np.zeros((days, world.asset_count), np.int64)
    starts = np.searchsorted(design.session, np.arange(world.sessions + 1))
    price = assets.level.copy()
    for day in range(days):
        s = day - (days - world.sessions)
        part = slice(starts[s], starts[s + 1]) if s >= 0 else slice(0, 0)
        asset = design.asset[part]
        share = np.ones(world.asset_count)
        share[asset] = 1.0 - design.left[part]
        pull = PULL * np.log(assets.level / price)
        move = pull + assets.volatility * factor[design.regime_of_session[day]] * np.sqrt(share) * before[day]
        price = np.maximum(price * (1.0 + np.maximum(move, LOWEST_RETURN)), LOWEST_PRICE)
        signal_mid[part] = np.rint(100.0 * price[asset])
        moved = signal_mid[part] / 100.0 * (1.0 + window[part])
        fill_mid[part] = np.where(design.action[part] == DELAY, np.rint(100.0 * moved), signal_mid[part])
        price[asset] = np.maximum(moved * (1.0 + rest[part]), LOWEST_PRICE)
        close_mid[day] = np.rint(200.0 * price)
    return Path(signal_mid, fill_mid, close_mid)


def _window_return(world: World, design: Design, assets: Assets, theta: Floats, rng: np.random.Generator) -> Floats:
    """Return of each signal's asset while the deviation is open (to the close where there is none).  # shape: (signal,)"""
    market = np.sqrt(world.shared_shock) * draw_shocks(world, rng, world.sessions)[design.session]
    theme = np.sqrt(world.trader_theme) * draw_shocks(world, rng, world.sessions, world.traders)[design.session, design.trader]
    noise = draw_shocks(world, rng, len(design.session))
    skilled = (
        design.direction * (row_skill(world, design, theta) + theme)
        + np.sqrt(1.0 - world.shared_shock - world.trader_theme) * noise
    )
    alone = design.side * world.model_edge + np.sqrt(1.0 - world.shared_shock) * noise
    shock = market + np.where(design.touched, skilled, alone)
    moved: Floats = row_volatility(world, design, assets) * np.sqrt(design.risk_time) * shock
    return np.maximum(moved, LOWEST_RETURN)


def order_quantity(design: Design, path: Path) -> Integers:
    """Units of each signal: its notional at the mid, in round lots of ten, so that halves are whole.  # shape: (signal,)"""
    return 10 * np.maximum(1, np.rint(design.notional / (10 * path.signal_mid / 100.0))).astype(np.int64)
