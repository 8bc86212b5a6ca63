"""A desk before its prices: who acts on what, and the skill laid on it. Nothing here depends on a row's own luck."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from skillstats.simulate.design import Design, Habits, draw_design, draw_regimes
from skillstats.simulate.knobs import SIGNAL_TYPES
from skillstats.simulate.loadings import theta_of, unit_loadings
from skillstats.simulate.market import Assets, Weather, draw_assets, draw_weather
from skillstats.simulate.outcomes import FORWARD, labels_of
from skillstats.simulate.people import busyness, draw_presence, facing_of, good_sessions, there, turned
from skillstats.simulate.rows import Clock, Rows, added_to_theta, factor_on_theta, make_clock, mean_log_risk
from skillstats.simulate.sessions import Sessions, trading_sessions
from skillstats.simulate.skill import Skill, draw_skill
from skillstats.simulate.streams import Streams
from skillstats.simulate.world import World

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Ground:
    """A desk before its skill shows in prices. kind : (signal,) type; clock : of the record and the sessions after it; present : (trader, 2)."""

    sessions: Sessions
    weather: Weather
    present: Integers
    design: Design
    kind: Integers
    assets: Assets
    clock: Clock
    skill: Skill


@dataclass(frozen=True, slots=True)
class Sown:
    """Skill laid on the signals. rows : touched signals with their planned risk; per_theta, extra : (row,) as in `unit_loadings`; theta : (trader,)."""

    rows: Rows
    per_theta: Floats
    extra: Floats
    theta: Floats

    def mean(self, design: Design, skill: Skill) -> Floats:
        """Expected outcome of each touched signal, 0 elsewhere.  # shape: (signal,), y units"""
        mean = np.zeros(len(design.time))
        holds = skill.holds[self.rows.trader, self.rows.regime]
        mean[design.touched] = self.theta[self.rows.trader] * holds * self.per_theta + self.extra
        return mean


def lay_ground(world: World, seed: int, streams: Streams) -> Ground:
    """Everything but the outcomes."""
    sessions = trading_sessions(world)
    regime = draw_regimes(world, len(sessions.label), streams.regimes)
    weather = draw_weather(world, regime, streams.shocks)
    present = draw_presence(world, streams.people)
    design = draw_design(world, sessions, regime, _habits(world, weather, present, streams), streams.design)
    design = _faced(world, design, weather, streams)
    assets = draw_assets(world, streams.assets)
    listed = np.array(world.per_trader("annual_ir"))
    if world.shuffle_skill:
        listed = streams.assets.permutation(listed)
    # Signal types have had a stream of their own from the first record on.
    kind = np.random.default_rng([seed, 1]).integers(0, len(SIGNAL_TYPES), len(design.time))
    clock = make_clock(labels_of(world.calendar, world.start, world.sessions + FORWARD, world.history))
    skill = draw_skill(world, listed, len(clock.quarters), streams.skill)
    return Ground(sessions, weather, present, design, kind, assets, clock, skill)


def _habits(world: World, weather: Weather, present: Integers, streams: Streams) -> Habits:
    """How people act, from streams beside the design's."""
    good = good_sessions(world, world.sessions, streams.habits)
    facing = facing_of(world, world.sessions, streams.laying)
    acts = None
    if world.acting.level == "session":
        acts = streams.laying.random(good.shape) < np.array(world.per_trader("override_rate"))
    busy = busyness(world, good, weather.market) * there(present, world.sessions, world.sessions)
    return Habits(busy, facing, acts, good)


def _faced(world: World, design: Design, weather: Weather, streams: Streams) -> Design:
    """Betas, and sides turned towards the market by those who time it."""
    if world.factor.beta_spread:
        beta = 1.0 + world.factor.beta_spread * streams.betas.uniform(-1.0, 1.0, len(design.time))
        design = replace(design, beta=beta)
    if not any(world.per_trader("factor.timing")):
        return design
    lean = np.zeros((world.sessions, world.traders))
    np.add.at(lean, (design.session, design.trader), design.beta * design.direction)  # 0 where untouched
    turn = turned(world, np.sign(lean), weather.market, streams.habits)[design.session, design.trader]
    sign = np.where(turn, -1, 1)
    return replace(design, side=design.side * sign, direction=design.direction * sign)


def sow_skill(world: World, ground: Ground, risk: Floats) -> Sown:
    """Lay the skill on the signals.

    risk : (signal,) planned
    """
    rows = touched_rows(ground.design, ground.kind, risk)
    per_theta = factor_on_theta(world, rows)
    extra = added_to_theta(world, ground.skill, rows, ground.clock, mean_log_risk(rows))
    loadings = unit_loadings(world, rows, per_theta, extra, ground.weather.market)
    return Sown(rows, per_theta, extra, theta_of(world, loadings, ground.skill.asked))


def touched_rows(design: Design, kind: Integers, risk: Floats) -> Rows:
    """The touched signals of a design; the unit of a row is its decision.

    kind, risk : (signal,)
    """
    at = np.flatnonzero(design.touched)
    d = design
    return Rows(
        trader=d.trader[at], session=d.session[at], regime=d.regime[at], action=d.action[at], kind=kind[at],
        direction=d.direction[at], beta=d.beta[at], good=d.good[at], unit=d.decision[at], decision=d.decision[at], risk=risk[at],
    )  # fmt: skip


def row_risk(design: Design, volatility: Floats, notional: Floats) -> Floats:
    """Risk money of each row: notional times gap times volatility times root of the risk time.  # shape: (signal,), currency"""
    return notional * design.gap * volatility * np.sqrt(design.risk_time)
