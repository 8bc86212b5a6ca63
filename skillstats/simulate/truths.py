"""Collect the truth of every trader from the loadings of his units, as an exact expectation over the shocks given the design."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skillstats.simulate.loadings import Loadings, by_day, unit_ir_day, years_spanned
from skillstats.simulate.rows import Clock
from skillstats.simulate.skill import Skill
from skillstats.simulate.truth import CONVENTION, CellTruth, QuarterTruth, TraderTruth, Truth
from skillstats.simulate.world import World

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Planted:
    """What a truth is collected from.

    loadings : of the units of the record; skill : what was drawn; theta : (trader,) y units; signals : (trader,) counts
    present : (trader, 2) sessions from .. to; clock : of the sessions; volatility : by asset
    """

    loadings: Loadings
    skill: Skill
    theta: Floats
    signals: Integers
    present: Integers
    clock: Clock
    volatility: Mapping[str, float]


def collect_truth(world: World, seed: int, planted: Planted, level: str) -> Truth:
    """Truth of a desk."""
    order = np.argsort(planted.loadings.trader, kind="stable")
    cuts = np.searchsorted(planted.loadings.trader[order], np.arange(world.traders + 1))
    own = [planted.loadings.of(order[cuts[j] : cuts[j + 1]]) for j in range(world.traders)]
    return Truth(
        schema=2,
        seed=seed,
        convention=CONVENTION,
        sessions=world.sessions,
        years=years_spanned(world),
        traders=tuple(_trader(world, planted, own[j], j) for j in range(world.traders)),
        volatility=dict(planted.volatility),
        world=world,
        level=level,
        effects=planted.skill.effects,
    )


def expected(loadings: Loadings, theta: float, holds: Floats) -> tuple[Floats, Floats]:
    """E[y] from skill, and all of E[y].  # shape: (unit,) each

    holds : (regime,) 1 where theta holds
    """
    selection = theta * loadings.skill * holds[loadings.regime] + loadings.extra
    return selection, selection + loadings.tilt + loadings.timing


def _trader(world: World, planted: Planted, own: Loadings, j: int) -> TraderTruth:
    """Truth of trader number `j` (from 0) with the units `own`."""
    theta = float(planted.theta[j])
    selection, whole = expected(own, theta, planted.skill.holds[j])
    unit, sd_day, active = unit_ir_day(own)
    known, pace = active > 0, float(np.sqrt(active / years_spanned(world)))
    # an unsliced decision over h sessions is the sum of h slices over sqrt(h)
    times = 1.0 if world.sliced else float(np.sqrt(world.horizon))
    asked = float(planted.skill.asked[j])
    ir_day = _ir_day(own, whole, sd_day) if known else None

    def mean(values: Floats, factor: float = times) -> float | None:
        return float(np.mean(values)) * factor if known else None

    def rms(squares: Floats) -> float | None:
        return float(np.sqrt(np.mean(squares))) if known else None

    return TraderTruth(
        trader=f"T{j + 1}", directional=j + 1 in world.directional, theta=theta,
        planted_annual_ir=theta * unit * pace if world.population.unit == "decision" else asked,
        annual_ir=ir_day * pace if ir_day is not None else None, ir_day=ir_day,
        ir_decision=_ratio(own, whole) * times if known else None,
        theta_decision=mean(whole), selection_decision=mean(selection), tilt_decision=mean(own.tilt), timing_decision=mean(own.timing),
        value_add_decision=mean(own.whole * whole, float(world.horizon)),
        sd_decision=rms(own.variance), sd_shared=rms(own.shared**2), sd_theme=rms(own.theme**2), sd_noise=rms(own.noise),
        sd_day=sd_day if known else None, within_day_correlation=_within_day_correlation(own),
        signals=int(planted.signals[j]), rows=int(own.rows.sum()) // world.horizon, decisions=len(own.trader) // world.horizon,
        active_days=active,
        regimes=tuple(_cell(world, own, whole, r, pace) for r in range(len(world.regimes))),
        present=(int(planted.present[j, 0]), int(planted.present[j, 1])),
        quarters=_quarters(own, whole, planted.clock, times),
    )  # fmt: skip


def _ir_day(loadings: Loadings, whole: Floats, sd_day: float) -> float:
    """Mean of a day's expected total over the sd of a day."""
    return float(np.mean(by_day(loadings.session, whole)[0])) / sd_day


def _ratio(loadings: Loadings, whole: Floats) -> float:
    """IR of one decision."""
    return float(np.mean(whole) / np.sqrt(np.mean(loadings.variance)))


def _within_day_correlation(loadings: Loadings) -> float | None:
    """Mean covariance of two units of one session over the mean variance; None without such a pair."""
    if not len(loadings.session):
        return None
    both = loadings.shared**2 + loadings.theme**2
    size, shared, theme, alone = by_day(loadings.session, np.ones(len(both)), loadings.shared, loadings.theme, both)
    pairs = float(np.sum(size * (size - 1)))
    covariance = float(np.sum(shared**2 + theme**2 - alone))
    return covariance / pairs / float(np.mean(loadings.variance)) if pairs else None


def _cell(world: World, own: Loadings, whole: Floats, r: int, pace: float) -> CellTruth:
    """Truth of one trader in one regime; pace is the root of his active sessions a year."""
    chosen = own.regime == r
    here, mean = (own, whole) if chosen.all() else (own.of(chosen), whole[chosen])
    times = 1.0 if world.sliced else float(np.sqrt(world.horizon))
    _, sd, days = unit_ir_day(here)
    return CellTruth(
        regime=world.regimes[r].label,
        decisions=len(np.unique(here.decision)) if world.horizon > 1 else len(mean),
        days=days,
        theta_decision=float(np.mean(mean)) * times if days else None,
        ir_decision=_ratio(here, mean) * times if days else None,
        ir_annual=_ir_day(here, mean, sd) * pace if days else None,
    )


def _quarters(own: Loadings, whole: Floats, clock: Clock, times: float) -> tuple[QuarterTruth, ...]:
    """Truth of one trader in each calendar quarter of the record."""
    quarter = clock.quarter[own.session]
    count, total, variance = (
        np.bincount(quarter, c, minlength=len(clock.quarters)) for c in (np.ones(len(quarter)), whole, own.variance)
    )
    found = []
    for q, name in enumerate(clock.quarters):
        n = int(count[q])
        mean = float(total[q]) / n * times if n else None
        ir = mean / float(np.sqrt(variance[q] / n)) if mean is not None else None
        found.append(QuarterTruth(quarter=name, decisions=n, theta_decision=mean, ir_decision=ir))
    return tuple(found)
