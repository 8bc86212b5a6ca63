"""How the outcome of each unit of evidence depends on skill and shocks, exactly, given the design.

A unit of one row has y = m + g beta sqrt(shared) F + sqrt(theme) U + noise. A decision of several rows a has value-add sum V_a and
risk W = sqrt(sum w_a^2 + 2 c sum_{a<b} g_a g_b w_a w_b), c = 0.5 (DATA.md section 3), so that with sums over its rows

    y = sum(m w)/W + F sqrt(shared) sum(beta g w)/W + U sqrt(theme) sum(w)/W + noise of variance rest sum(w^2)/W^2.

**One day is one bet**: Y_s is the sum of a trader's y over the units of a session, with equal risk weights, and

    IR_day = mean(E Y_s) / sqrt(mean(Var Y_s)) over his active sessions,   IR_ann = IR_day sqrt(active sessions a year).

A timed side says something about F: given the design, F g has mean tau E|F| and variance E F^2 - (tau E|F|)^2, g the side the trader's
session leans to.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from skillstats.errors import UsageError
from skillstats.simulate.rows import Rows
from skillstats.simulate.shocks import Market
from skillstats.simulate.world import World

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
WITHIN_DECISION_CORRELATION: Final = 0.5


@dataclass(frozen=True, slots=True)
class Loadings:
    """How each unit's y depends on skill and shocks.  # shape: (unit,)

    skill : E[y] for theta = 1; extra : the rest of E[y] that is neither; tilt, timing : E[y] from the market's mean and from sides chosen
    shared, theme : coefficients of F, of what is not known of it given the design, and of U; exposure : coefficient of F per sqrt(shared)
    noise : variance of the rest; money : E[V] for theta = 1; whole : W, currency
    """

    trader: Integers
    session: Integers
    regime: Integers
    decision: Integers
    rows: Integers
    skill: Floats
    extra: Floats
    tilt: Floats
    timing: Floats
    shared: Floats
    theme: Floats
    exposure: Floats
    noise: Floats
    money: Floats
    whole: Floats

    @property
    def variance(self) -> Floats:
        """Variance of y."""
        return self.shared**2 + self.theme**2 + self.noise

    def of(self, chosen: NDArray[np.bool_] | Integers) -> Loadings:
        """Those of some units."""
        return Loadings(*(getattr(self, name)[chosen] for name in self.__slots__))


def net(unit: Integers, direction: Integers, risk: Floats, count: int) -> Floats:
    """W of every unit.  # shape: (unit,), currency"""
    c = WITHIN_DECISION_CORRELATION
    squares, sums = np.bincount(unit, risk**2, minlength=count), np.bincount(unit, direction * risk, minlength=count)
    whole: Floats = np.sqrt((1.0 - c) * squares + c * sums**2)
    return whole


def unit_loadings(world: World, rows: Rows, per_theta: Floats, extra: Floats, market: Market) -> Loadings:
    """Net the rows of each unit.

    Parameters
    ----------
    per_theta, extra : (row,) E[v] for theta = 1, and its part that does not depend on theta
    market : by session, from the first with signals
    """
    unit, w, g = rows.unit, rows.risk, rows.direction
    count = int(unit.max()) + 1 if len(rows) else 0
    first = np.zeros(count, np.int64)
    first[unit[::-1]] = np.arange(len(rows))[::-1]

    def add(values: Floats) -> Floats:
        return np.bincount(unit, values, minlength=count)

    whole = net(unit, g, w, count)
    rest = 1.0 - world.shared_shock - world.trader_theme
    exposure = add(g * rows.beta * w) / whole
    shared = np.sqrt(world.shared_shock) * add(g * rows.beta * w) / whole
    trader, session, regime = rows.trader[first], rows.session[first], rows.regime[first]
    known = _timed(world, rows, market)[first]  # E[F], of the surprise, given the sides
    return Loadings(
        trader=trader, session=session, regime=regime, decision=rows.decision[first], rows=np.bincount(unit, minlength=count),
        skill=add(per_theta * w) / whole,
        extra=add(extra * w) / whole,
        tilt=shared * market.mean[session],
        timing=shared * known,
        shared=shared * np.sqrt(market.square[session] - known**2),
        theme=np.sqrt(world.trader_theme) * add(w) / whole,
        exposure=exposure,
        noise=rest * add(w**2) / whole**2,
        money=add(per_theta * w),
        whole=whole,
    )  # fmt: skip


def _timed(world: World, rows: Rows, market: Market) -> Floats:
    """E[F] of a row's session given the sides its trader chose there.  # shape: (row,)"""
    timing = np.array(world.per_trader("factor.timing"))
    if not timing.any():
        return np.zeros(len(rows))
    known: Floats = lean_of(rows, world.traders) * timing[rows.trader] * market.size[rows.session]
    return known


def lean_of(rows: Rows, traders: int) -> Floats:
    """Sign of the sum of beta g over the rows of a trader and session, for every row; 0 where it is 0.  # shape: (row,)"""
    cell = rows.session * traders + rows.trader
    sums: Floats = np.bincount(cell, rows.beta * rows.direction)
    return np.asarray(np.sign(sums[cell]))


def unit_ir_day(loadings: Loadings) -> tuple[float, float, int]:
    """IR_day for theta = 1 and no other skill, sd of a day, and active sessions, of the units of one trader."""
    if not len(loadings.session):
        return 0.0, 0.0, 0
    mean, shared, theme, noise = by_day(loadings.session, loadings.skill, loadings.shared, loadings.theme, loadings.noise)
    sd = float(np.sqrt(np.mean(shared**2 + theme**2 + noise)))
    return float(np.mean(mean)) / sd, sd, len(mean)


def by_day(session: Integers, *columns: Floats) -> list[Floats]:
    """Sums of columns over the units of each active session.  # shape: (active session,) each"""
    active = np.bincount(session) > 0
    return [np.bincount(session, column)[active] for column in columns]


def years_spanned(world: World) -> float:
    """Sessions of the record over sessions a year."""
    return world.sessions / world.sessions_per_year


def theta_of(world: World, loadings: Loadings, asked: Floats) -> Floats:
    """Theta of each trader: what was asked for, or what gives that annual IR over his units.  # shape: (trader,), y units

    Raises
    ------
    UsageError
        If the regimes that occurred have skill factors that cancel, so that no theta gives the IR.
    """
    if world.population.unit == "decision":
        return asked
    theta = np.zeros(world.traders)
    for j in np.flatnonzero(asked):
        unit, _, active = unit_ir_day(loadings.of(loadings.trader == j))
        if active == 0:
            continue
        if abs(unit) < 1e-9:
            raise UsageError(
                f"T{j + 1}: annual_ir = {asked[j]:g}, but the regimes that occurred leave no skill; "
                "change the skill of a regime, or the seed"
            )
        theta[j] = asked[j] / (unit * np.sqrt(active / years_spanned(world)))
    return theta
