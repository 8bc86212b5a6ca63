"""Prices of a simulated market, built so that the truth about each deviation is exact.

Every signal has its asset to itself for the session. From the signal to the end of its deviation (the close, or the fill of a
DELAY) the simple return of the asset is

    r = volatility sqrt(risk_time) (beta sqrt(shared) F_s + g (m + sqrt(theme) U_js) + sqrt(rest) e),

m the expected outcome (theta in the plainest world), where g is the direction of the deviation (+1 longer than the model, -1 shorter, 0 untouched: then g's term is gone and e takes
its variance). The value-add of the deviation is g q gap price r, so value-add / risk = m + g beta sqrt(shared) F + sqrt(theme) U
+ noise; a skewed trader's e carries the sign g too. Before the signal, and after the fill of a DELAY, the asset moves by unrelated noise, so that its daily sd stays
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
from skillstats.simulate.shocks import Market, draw_payoffs, draw_shocks, is_skewed, know_market, volatility_factor
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


@dataclass(frozen=True, slots=True)
class Weather:
    """Shocks that do not depend on who gets which signal, drawn first.

    before : (session, asset) moves before a signal, history included
    market : (session,) of the record; factor : (session,) on every asset's volatility, history included
    """

    before: Floats
    market: Market
    factor: Floats


def draw_weather(world: World, regime: Integers, rng: np.random.Generator) -> Weather:
    """Draw them, in the order every record has had.

    regime : (session,) history included
    """
    days = len(regime)
    early = draw_shocks(world, rng, days, 1)
    before = np.sqrt(world.shared_shock) * early + np.sqrt(1.0 - world.shared_shock) * draw_shocks(
        world, rng, days, world.asset_count
    )
    shock = draw_shocks(world, rng, world.sessions)
    history = days - world.sessions
    factor = volatility_factor(world, regime, np.r_[early[:history, 0], shock])
    return Weather(before, know_market(world, shock, regime[history:]), factor)


def row_volatility(world: World, design: Design, assets: Assets, factor: Floats) -> Floats:
    """Daily volatility of each signal's asset in its session.  # shape: (signal,)"""
    volatility: Floats = assets.volatility[design.asset] * factor[len(factor) - world.sessions :][design.session]
    return volatility


def draw_path(
    world: World,
    design: Design,
    assets: Assets,
    weather: Weather,
    mean: Floats,
    rng: np.random.Generator,
    skew: np.random.Generator,
) -> Path:
    """Draw the shocks of rows and chain the prices session by session.

    mean : (signal,) expected outcome of a touched signal per unit of risk; skew : stream of skewed noise
    """
    days, rows = len(design.regime_of_session), len(design.session)
    before, factor = weather.before, weather.factor
    shared, own = np.sqrt(world.shared_shock), np.sqrt(1.0 - world.shared_shock)
    volatility = row_volatility(world, design, assets, factor)
    window = _window_return(world, design, weather.market, mean, rng, skew)
    window = np.maximum(volatility * np.sqrt(design.risk_time) * window, LOWEST_RETURN)
    later = shared * draw_shocks(world, rng, world.sessions)[design.session] + own * draw_shocks(world, rng, rows)
    rest = np.sqrt(np.maximum(design.left - design.wait, 0.0)) * volatility * later
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
        move = pull + assets.volatility * factor[day] * np.sqrt(share) * before[day]
        price = np.maximum(price * (1.0 + np.maximum(move, LOWEST_RETURN)), LOWEST_PRICE)
        signal_mid[part] = np.rint(100.0 * price[asset])
        moved = signal_mid[part] / 100.0 * (1.0 + window[part])
        fill_mid[part] = np.where(design.action[part] == DELAY, np.rint(100.0 * moved), signal_mid[part])
        price[asset] = np.maximum(moved * (1.0 + rest[part]), LOWEST_PRICE)
        close_mid[day] = np.rint(200.0 * price)
    return Path(signal_mid, fill_mid, close_mid)


def _window_return(
    world: World, design: Design, market: Market, mean: Floats, rng: np.random.Generator, skew: np.random.Generator
) -> Floats:
    """Return while the deviation is open (to the close where there is none), in units of its volatility.  # shape: (signal,)"""
    common = np.sqrt(world.shared_shock) * (market.shock + market.mean)[design.session] * design.beta
    theme = np.sqrt(world.trader_theme) * draw_shocks(world, rng, world.sessions, world.traders)[design.session, design.trader]
    noise = draw_shocks(world, rng, len(design.session))
    own = noise
    skewed = is_skewed(world, design.trader) & design.touched
    if skewed.any():
        own = noise.copy()
        own[skewed] = design.direction[skewed] * draw_payoffs(world, skew, int(skewed.sum()))
    skilled = design.direction * (mean + theme) + np.sqrt(1.0 - world.shared_shock - world.trader_theme) * own
    alone = design.side * world.model_edge + np.sqrt(1.0 - world.shared_shock) * noise
    return np.asarray(common + np.where(design.touched, skilled, alone))


def keep_rows(path: Path, kept: NDArray[np.bool_]) -> Path:
    """The prices without the quotes of some signals.

    kept : (signal,)
    """
    return Path(path.signal_mid[kept], path.fill_mid[kept], path.close_mid)


def order_quantity(design: Design, path: Path) -> Integers:
    """Units of each signal: its notional at the mid, in round lots of ten, so that halves are whole.  # shape: (signal,)"""
    return 10 * np.maximum(1, np.rint(design.notional / (10 * path.signal_mid / 100.0))).astype(np.int64)
