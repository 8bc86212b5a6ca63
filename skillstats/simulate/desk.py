"""Simulate a desk: a world and a seed in, raw tables and their truth out.

Each thing is drawn from a stream of its own (`streams`), so that changing the planted skill changes neither who gets which signal nor the
luck that falls on it.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from skillstats.errors import UsageError
from skillstats.simulate.design import DELAY, Design, keep_signals
from skillstats.simulate.ground import Ground, Sown, lay_ground, row_risk, sow_skill, touched_rows
from skillstats.simulate.loadings import unit_loadings
from skillstats.simulate.market import (
    Path,
    draw_path,
    keep_rows,
    order_quantity,
    row_volatility,
)
from skillstats.simulate.people import losers, lost_marks
from skillstats.simulate.rows import make_clock
from skillstats.simulate.skill import Skill
from skillstats.simulate.streams import Streams, open_streams
from skillstats.simulate.tables import SimulatedTables, asset_names, build_tables
from skillstats.simulate.truth import Truth
from skillstats.simulate.truths import Planted, collect_truth
from skillstats.simulate.world import World, require_world

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


def simulate_tables(world: World, *, seed: int) -> tuple[SimulatedTables, Truth]:
    """Simulate the record of a desk whose skill is known.

    Parameters
    ----------
    world : what the desk is like; `World()` is the desk of the demo
    seed : 0 or larger; the same world, seed and numpy give the same bytes

    Returns
    -------
    tables : raw tables as text with a plan, to be written and read like those of a real desk
    truth : what was planted, as an exact expectation given who got which signal

    Raises
    ------
    UsageError
        If the world or the seed cannot be used, or a key has no meaning for prices within a session; the message lists everything
        that is wrong with the world.

    Notes
    -----
    The truth refers to risk with the asset's true volatility. An analysis estimates it from 21 sessions, which by itself makes
    y about 3 % larger and a little heavier in the tails. It also lags behind a change of regime: on the default desk y is about a
    quarter too large on stressed sessions and 4 % too small on calm ones, which ratios such as the IR survive and means do not.

    Examples
    --------
    >>> tables, truth = simulate_tables(World(sessions=20), seed=1)
    >>> round(truth.traders[0].planted_annual_ir, 2)
    3.0
    """
    return simulate_market(world, seed=seed)[:2]


def simulate_market(world: World, *, seed: int) -> tuple[SimulatedTables, Truth, Skill, Floats]:
    """As `simulate_tables`, with the skill that was drawn and theta, (trader,), so that what comes after the record can be drawn."""
    world = require_world(world)
    require_market(world)
    streams = open_streams(seed)
    ground = lay_ground(world, seed, streams)
    design, factor = ground.design, ground.weather.factor
    volatility = row_volatility(world, design, ground.assets, factor)
    sown = sow_skill(world, ground, row_risk(design, volatility, design.notional))
    mean = sown.mean(design, ground.skill)
    path = draw_path(world, design, ground.assets, ground.weather, mean, streams.shocks, streams.luck)

    risk = row_risk(design, volatility, order_quantity(design, path) * path.signal_mid / 100.0)
    y = row_outcomes(design, path, volatility)
    stays, present = _staying(world, design, y, ground.present)
    truth = _truth(world, seed, replace(ground, present=present), (sown, risk, stays))
    unmarked = _unmarked(world, design, y * risk, streams)
    known = stays & ~(present[:, 1] < world.sessions)[design.trader] if world.presence.forgotten else stays
    shown, prices = keep_signals(design, known), keep_rows(path, known)
    tables = build_tables(world, ground.sessions, shown, prices, seed, ground.kind[known], unmarked[known])
    return tables, truth, ground.skill, sown.theta


def require_market(world: World) -> None:
    """Refuse the keys that prices of single sessions cannot carry, all at once.

    Raises
    ------
    UsageError
        If one of them is on.
    """
    problems = []
    if world.horizon > 1:
        problems.append("horizon > 1: each asset has one deviation a session, judged at its close")
    if world.risk_known:
        problems.append("risk_known: a ledger estimates the volatility from earlier closes")
    if world.factor.observed:
        problems.append("factor.observed: a session's factor return says nothing about the part of it a deviation was open for")
    if problems:
        raise UsageError("\n".join(f'{problem}; leave it out, or simulate outcomes (level = "outcomes")' for problem in problems))


def row_outcomes(design: Design, path: Path, volatility: Floats) -> Floats:
    """Realised value-add of each row over its risk, 0 where untouched.  # shape: (signal,)"""
    history = len(path.close_mid) - design.days
    close = path.close_mid[history + design.session, design.asset] / 2.0
    end = np.where(design.action == DELAY, path.fill_mid, close)
    return np.asarray(design.direction * (end / path.signal_mid - 1.0) / (volatility * np.sqrt(design.risk_time)))


def _staying(world: World, design: Design, y: Floats, present: Integers) -> tuple[NDArray[np.bool_], Integers]:
    """Signals of those who are still there, and presence with losers gone.  # shape: (signal,), (trader, 2)"""
    if world.presence.leaving != "losers" or not world.presence.leavers:
        return np.ones(len(y), dtype=bool), present
    touched, half = design.touched, max(1, world.sessions // 2)
    gone, present = losers(world, design.trader[touched], design.session[touched], y[touched]), present.copy()
    present[gone, 1] = half
    return ~np.isin(design.trader, gone) | (design.session < half), present


def _unmarked(world: World, design: Design, value: Floats, streams: Streams) -> NDArray[np.bool_]:
    """Signals whose asset has no price at the close: the first row of each decision that loses its mark.  # shape: (signal,)

    value : (signal,) value-add, currency
    """
    found = np.zeros(len(value), dtype=bool)
    at = np.flatnonzero(design.touched)
    if world.presence.missing and len(at):
        decision = design.decision[at]
        lost = lost_marks(world, np.bincount(decision, value[at]) > 0, streams.marks)
        found[at[np.unique(decision, return_index=True)[1][lost]]] = True
    return found


def _truth(world: World, seed: int, ground: Ground, drawn: tuple[Sown, Floats, NDArray[np.bool_]]) -> Truth:
    """Truth with the risks as realised: orders come in round lots, so they differ a little from the planned ones.

    drawn : the skill on the signals, (signal,) realised risk, and who was still there, (signal,)
    """
    sown, risk, stays = drawn
    kept = stays[ground.design.touched]
    rows = touched_rows(keep_signals(ground.design, stays), ground.kind[stays], risk[stays])
    loadings = unit_loadings(world, rows, sown.per_theta[kept], sown.extra[kept], ground.weather.market)
    signals = np.bincount(ground.design.trader[stays], minlength=world.traders)
    names = asset_names(np.arange(world.asset_count), world.asset_count - 1)
    volatility = dict(zip(names, ground.assets.volatility.tolist(), strict=True))
    clock = make_clock(ground.sessions.label[ground.sessions.history :])
    planted = Planted(loadings, ground.skill, sown.theta, signals, ground.present, clock, volatility)
    return collect_truth(world, seed, planted, "market")
