"""Outcomes of a desk without prices: the generative equations of `rows` drawn directly, thousands of desks a minute.

The same world and seed have the same market states, the same skill and the same people here as in a record of prices; who gets which signal and
the luck are drawn anew. An analyst's risk is estimated from 21 earlier returns here too (unless `risk_known`): its square is the true one
times a chi-square with 21 degrees of freedom over 21, and it lags behind a change of state.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from skillstats.simulate.design import draw_regimes
from skillstats.simulate.lay import lay_rows
from skillstats.simulate.loadings import lean_of, net, theta_of, unit_loadings
from skillstats.simulate.market import draw_assets
from skillstats.simulate.people import busyness, draw_presence, good_sessions, losers, lost_marks, there, turned
from skillstats.simulate.rows import Clock, Rows, added_to_theta, factor_on_theta, make_clock, mean_log_risk, some_rows
from skillstats.simulate.seen import Drawn, Outcomes, mean_y, see
from skillstats.simulate.sessions import trading_sessions
from skillstats.simulate.shocks import Market, draw_payoffs, draw_shocks, is_skewed, know_market, volatility_factor
from skillstats.simulate.skill import Skill, draw_skill
from skillstats.simulate.streams import Streams, open_streams
from skillstats.simulate.truth import Truth
from skillstats.simulate.truths import Planted, collect_truth
from skillstats.simulate.world import World, require_world

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
FORWARD: Final = 63
"""Sessions after the record whose outcomes are drawn under the same truth: a quarter."""
WINDOW: Final = 21
"""Returns that an analyst's volatility is estimated from."""


@dataclass(frozen=True, slots=True)
class Frame:
    """What stands before anyone acts, history and the sessions after the record included.

    regime, factor : (session,) from the first of the history: market state, and factor on every asset's volatility
    market : from the first session of the record; clock : likewise; present : (trader, 2) first session and the one after the last
    """

    regime: Integers
    factor: Floats
    market: Market
    clock: Clock
    present: Integers


def draw_outcomes(
    world: World, *, seed: int, skill: Skill | None = None, theta: Floats | None = None
) -> tuple[Outcomes, Truth, Floats]:
    """Draw a desk's outcomes.

    Parameters
    ----------
    skill, theta : planted as they are in place of being drawn from the seed

    Returns
    -------
    outcomes, truth, and the mean y of each trader's rows of the 63 sessions after the record under the same truth, (trader,), NaN without one

    Raises
    ------
    UsageError
        If the world or the seed cannot be used.
    """
    world, streams = require_world(world), open_streams(seed)
    frame = _frame(world, streams)
    rows = _rows(world, frame, streams)
    if skill is None:
        skill = draw_skill(world, dealt(world, streams.assets), len(frame.clock.quarters), streams.skill)
    centre = mean_log_risk(some_rows(rows, rows.session < world.sessions))
    per_theta, extra = factor_on_theta(world, rows), added_to_theta(world, skill, rows, frame.clock, centre)
    loadings = unit_loadings(world, rows, per_theta, extra, frame.market)
    blank = np.zeros(len(loadings.trader))
    drawn = Drawn(world, frame.clock, frame.market, rows, loadings, blank, blank)
    if theta is None:
        theta = theta_of(world, loadings.of(drawn.last < world.sessions), skill.asked)
    mean = theta[rows.trader] * skill.holds[rows.trader, rows.regime] * per_theta + extra
    drawn = replace(drawn, value=_value(drawn, mean, streams.luck), risk=_measured_risk(drawn, frame.factor, streams.luck))
    return _collect(drawn, seed, (skill, theta, frame.present), streams)


@lru_cache(maxsize=16)
def labels_of(calendar: str, start: dt.date, sessions: int, history: int) -> tuple[str, ...]:
    """ISO dates of the sessions from the start on."""
    return trading_sessions(World(calendar=calendar, start=start, sessions=sessions, history=history)).label[history:]


def dealt(world: World, assets: np.random.Generator) -> Floats:
    """The list of annual IRs in the order the seed deals it, from the stream of a record.  # shape: (trader,)"""
    asked = np.array(world.per_trader("annual_ir"))
    if not world.shuffle_skill:
        return asked
    draw_assets(world, assets)
    return assets.permutation(asked)


def _frame(world: World, streams: Streams) -> Frame:
    """Market, dates and people."""
    after = FORWARD + world.horizon - 1
    regime = draw_regimes(world, world.history + world.sessions + after, streams.regimes)
    clock = make_clock(labels_of(world.calendar, world.start, world.sessions + after, world.history))
    shock = draw_shocks(world, streams.luck, len(regime))
    present = draw_presence(world, streams.people)
    market = know_market(world, shock[world.history :], regime[world.history :])
    return Frame(regime, volatility_factor(world, regime, shock), market, clock, present)


def _rows(world: World, frame: Frame, streams: Streams) -> Rows:
    """Touched signals, once a session until their horizon."""
    sessions = len(frame.market.shock)
    factor = frame.factor[world.history :]
    good = good_sessions(world, sessions, streams.habits)
    busy = busyness(world, good, frame.market) * there(frame.present, sessions, world.sessions)
    busy[world.sessions + FORWARD :] = 0.0  # their horizons would lie beyond what was drawn
    rows = lay_rows(world, frame.regime[world.history :], factor, busy, good, streams.laying)
    if world.factor.beta_spread:
        rows = replace(rows, beta=1.0 + world.factor.beta_spread * streams.betas.uniform(-1.0, 1.0, len(rows)))
    if any(world.per_trader("factor.timing")):
        cell, lean = (rows.session, rows.trader), np.zeros(busy.shape)
        lean[cell] = lean_of(rows, world.traders)
        turn = turned(world, lean, frame.market, streams.habits)[cell]
        rows = replace(rows, direction=np.where(turn, -rows.direction, rows.direction))
    if world.horizon == 1:
        return rows
    offset = np.tile(np.arange(world.horizon), len(rows))
    many = Rows(*(np.repeat(getattr(rows, name), world.horizon) for name in Rows.__slots__))
    session = many.session + offset
    risk = many.risk * factor[session] / factor[many.session]
    return replace(many, session=session, unit=many.decision * world.horizon + offset, risk=risk)


def _value(drawn: Drawn, mean: Floats, rng: np.random.Generator) -> Floats:
    """Value-add of every unit.  # shape: (unit,), currency

    mean : (row,) expected outcome per unit of true risk
    """
    world, rows, market = drawn.world, drawn.rows, drawn.market
    own = draw_shocks(world, rng, world.traders, len(market.shock))
    noise = draw_shocks(world, rng, len(rows))
    skewed = is_skewed(world, rows.trader)
    if skewed.any():
        noise[skewed] = draw_payoffs(world, rng, int(skewed.sum()))
    v = mean + np.sqrt(world.shared_shock) * rows.beta * rows.direction * (market.shock + market.mean)[rows.session]
    v += np.sqrt(world.trader_theme) * own[rows.trader, rows.session]
    v += np.sqrt(1.0 - world.shared_shock - world.trader_theme) * noise
    return np.bincount(rows.unit, rows.risk * v, minlength=len(drawn.value))


def _measured_risk(drawn: Drawn, factor: Floats, rng: np.random.Generator) -> Floats:
    """Risk of every unit with the volatility that was known then.  # shape: (unit,), currency"""
    world, rows = drawn.world, drawn.rows
    risk = rows.risk
    if not world.risk_known:
        squares, at = np.cumsum(np.r_[0.0, factor**2]), np.arange(world.history, len(factor))
        lagging = (squares[at] - squares[at - WINDOW]) / WINDOW / factor[at] ** 2
        # a decision keeps the estimate of its own first session, as its slices do in a ledger
        decided = rows.session - (rows.unit % world.horizon if world.horizon > 1 else 0)
        luck = rng.standard_gamma(WINDOW / 2.0, int(rows.decision.max(initial=-1)) + 1 if world.horizon > 1 else len(rows))
        luck = luck[rows.decision] if world.horizon > 1 else luck
        moved = (factor[at][decided] / factor[at][rows.session]) ** 2
        risk = risk * np.sqrt(lagging[decided] * moved * luck / (WINDOW / 2.0))
    return net(rows.unit, rows.direction, risk, len(drawn.value))


def _collect(
    drawn: Drawn, seed: int, planted: tuple[Skill, Floats, Integers], streams: Streams
) -> tuple[Outcomes, Truth, Floats]:
    """Split the record from what comes after it; leave out who left and what has no mark."""
    world, own = drawn.world, drawn.loadings
    skill, theta, present = planted
    first, last = drawn.first, drawn.last
    stays = np.ones(len(first), dtype=bool)
    if world.presence.leaving == "losers" and world.presence.leavers:
        gone, present = losers(world, own.trader, first, drawn.value / drawn.risk), present.copy()
        present[gone, 1] = max(1, world.sessions // 2)
        stays = ~np.isin(own.trader, gone) | (first < max(1, world.sessions // 2))
    inside = stays & (last < world.sessions)
    signals = np.bincount(own.trader[inside], own.rows[inside], minlength=world.traders).astype(np.int64) // world.horizon
    clock = make_clock(drawn.clock.label[: world.sessions])
    truth = collect_truth(world, seed, Planted(own.of(inside), skill, theta, signals, present, clock, {}), "outcomes")
    known = stays & (~(present[:, 1] < world.sessions)[own.trader] if world.presence.forgotten else True)
    total = np.bincount(own.decision, drawn.value)
    lost = lost_marks(world, total > 0, streams.marks)[own.decision]
    exposure = _told(world, own.exposure, streams.betas)
    outcomes = see(drawn, inside & known & ~lost, exposure, known & (first < world.sessions))
    return outcomes, truth, mean_y(drawn, stays & (first >= world.sessions))


def _told(world: World, exposure: Floats, rng: np.random.Generator) -> Floats:
    """Exposures as the analyst is told them: a beta is off by an error of its own.  # shape: (unit,), or empty"""
    if not world.factor.observed:
        return np.zeros(0)
    error = world.factor.beta_error * rng.standard_normal(len(exposure))
    return np.asarray(exposure + error * np.where(exposure < 0, -1.0, 1.0))
