"""A desk on real prices: the luck is the market's own, the skill is planted in the sides people take.

A signal is issued at a session's close and judged at the next. Its outcome on the BUY side per unit of risk is then a number, u = return / volatility,
and nobody can move it. So skill is a choice: sides come in groups, one a decision or (facing = "trader", and directional traders) one a trader
and session, and the group's own outcome G, with its sides as first drawn, is turned so that it gains with chance (1 + k_j)/2:

    E[Y_group] = k_j |G|,   Var Y_group = (1 - k_j^2) G^2,   groups independent given the prices.

So the truth is exact given the prices: IR_day = k A / sqrt((1 - k^2) B) with A the mean over sessions of sum |G| and B that of sum G^2, and
k = r / sqrt(1 + r^2), r = IR_day sqrt(B) / A, plants a wanted IR.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from skillstats.errors import UsageError
from skillstats.simulate.closes import read_closes
from skillstats.simulate.closing_rows import Laid, closing_tables, lay_on_closes
from skillstats.simulate.loadings import net, years_spanned
from skillstats.simulate.sessions import trading_sessions
from skillstats.simulate.skill import draw_skill
from skillstats.simulate.streams import open_streams
from skillstats.simulate.tables import SimulatedTables
from skillstats.simulate.truth import CellTruth, TraderTruth, Truth
from skillstats.simulate.world import World, require_world

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
LUCK: Final = (
    "tails",
    "payoff",
    "asymmetry",
    "horizon",
    "risk_known",
    "model_edge",
    "effects",
    "factor",
    "acting",
    "presence",
    "view_spell",
)
CONVENTION: Final = (
    "y = value-add / risk with the volatility of the 21 sessions before; the expectation is over the sides people take, given the prices. "
    "IR_day = mean(E[Y]) / sqrt(mean(Var[Y])), IR_ann = IR_day * sqrt(active sessions a year)."
)


def simulate_on_prices(world: World, prices: object, *, seed: int) -> tuple[SimulatedTables, Truth]:
    """Simulate a desk on real prices.

    Parameters
    ----------
    world : start, sessions and history choose the stretch of the prices; what concerns luck, regimes and assets is theirs and is not read
    prices : CSV file, folder that holds ``prices.csv``, or data frame, in the record's format; a closing price a session is enough
    seed : 0 or larger

    Returns
    -------
    tables, with the prices as they were given, and the truth

    Raises
    ------
    UsageError
        If a key is on that real prices decide or cannot carry, or if the prices do not reach.
    """
    world = require_world(world)
    _require_real(world)
    streams, sessions = open_streams(seed), trading_sessions(world)
    closes = read_closes(prices, sessions)
    laid = lay_on_closes(world, sessions, closes, streams.design)
    asked = np.array(world.per_trader("annual_ir"))
    if world.shuffle_skill:
        asked = streams.assets.permutation(asked)
    skill = draw_skill(world, asked, 1, streams.skill)
    groups = _groups(laid)
    k = np.array([_chance(world, laid, groups, j, float(skill.asked[j])) for j in range(world.traders)])
    gains = streams.shocks.random(len(groups.own)) < (1.0 + k[groups.trader]) / 2.0
    wrong = gains != (groups.own > 0)
    turned = np.zeros(len(laid.group), dtype=bool)
    turned[laid.group >= 0] = wrong[laid.group[laid.group >= 0]]
    laid = replace(laid, side=np.where(turned, -laid.side, laid.side))
    traders = tuple(_truth(world, laid, groups, j, (float(skill.asked[j]), float(k[j]))) for j in range(world.traders))
    truth = Truth(
        schema=2, seed=seed, convention=CONVENTION, sessions=world.sessions, years=years_spanned(world),
        traders=traders, volatility={}, world=world, level="prices",
    )  # fmt: skip
    return closing_tables(world, sessions, closes, laid, seed), truth


def _require_real(world: World) -> None:
    """Refuse what real prices decide or cannot carry, all at once."""
    standard = World()
    problems = [
        f"{key}: the prices decide it, or do not carry it" for key in LUCK if getattr(world, key) != getattr(standard, key)
    ]
    if world.facing not in {"coin", "trader"}:
        problems.append(
            f'facing = "{world.facing}": skill is in the sides, which follow one call a decision ("coin") or a session ("trader")'
        )
    if world.actions.delay:
        problems.append("actions.delay > 0: a late fill needs a price of its own time; set the share to 0")
    if world.population.kind == "specialists":
        problems.append("population.kind = specialists: the states of a real market are not known")
    if problems:
        raise UsageError("\n".join(f"{problem}; change it for a desk on real prices" for problem in problems))


@dataclass(frozen=True, slots=True)
class Groups:
    """Sides that are chosen together. own : (group,) outcome with the sides as first drawn; trader, session : (group,)"""

    own: Floats
    trader: Integers
    session: Integers


def _unit_outcomes(laid: Laid) -> tuple[Floats, Integers]:
    """Y of every decision, and its first row.  # shape: (decision,)"""
    at = np.flatnonzero(laid.unit >= 0)
    unit, g, w = laid.unit[at], laid.direction[at], laid.weight[at]
    count = int(unit.max(initial=-1)) + 1
    value = np.bincount(unit, g * w * laid.u[at], minlength=count)
    return value / net(unit, g, w, count), at[np.unique(unit, return_index=True)[1]]


def _groups(laid: Laid) -> Groups:
    """Outcomes of groups: sums over their decisions."""
    y, first = _unit_outcomes(laid)
    group = laid.group[first]
    count = int(group.max(initial=-1)) + 1
    head = first[np.unique(group, return_index=True)[1]]
    return Groups(np.bincount(group, y, minlength=count), laid.trader[head], laid.session[head])


def _moments(groups: Groups, j: int) -> tuple[float, float, int]:
    """A, B and active sessions of trader number `j`."""
    mine = groups.trader == j
    days = len(np.unique(groups.session[mine]))
    if not days:
        return 0.0, 0.0, 0
    return float(np.sum(np.abs(groups.own[mine]))) / days, float(np.sum(groups.own[mine] ** 2)) / days, days


def _chance(world: World, laid: Laid, groups: Groups, j: int, asked: float) -> float:
    """K of trader number `j`: twice the chance that a group of his gains, less one.

    Raises
    ------
    UsageError
        If no choice of sides is worth that much.
    """
    size, square, days = _moments(groups, j)
    if not days or asked == 0.0:
        return 0.0
    if world.population.unit == "annual":
        r = asked / np.sqrt(days / years_spanned(world)) * np.sqrt(square) / size
        return float(r / np.sqrt(1.0 + r**2))
    decisions = len(np.unique(laid.unit[(laid.trader == j) & (laid.unit >= 0)]))
    k = asked * decisions / (size * days)
    if abs(k) > 1.0:
        raise UsageError(
            f"T{j + 1}: theta = {asked:.3g} is more than always being right is worth on these prices, {asked / abs(k):.3g}"
        )
    return float(k)


def _truth(world: World, laid: Laid, groups: Groups, j: int, planted: tuple[float, float]) -> TraderTruth:
    """Truth of trader number `j`, exact over the sides given the prices."""
    asked, k = planted
    size, square, days = _moments(groups, j)
    mine = (laid.trader == j) & (laid.unit >= 0)
    decisions = len(np.unique(laid.unit[mine]))
    theta = k * size * days / decisions if decisions else 0.0
    y, first = _unit_outcomes(laid)
    sd = float(np.sqrt(np.mean(y[laid.trader[first] == j] ** 2) - theta**2)) if decisions else None
    ir_day = k * size / float(np.sqrt((1.0 - k**2) * square)) if days and abs(k) < 1.0 else None
    annual = ir_day * float(np.sqrt(days / years_spanned(world))) if ir_day is not None else None
    shown = theta if decisions else None
    ratio = theta / sd if sd else None
    return TraderTruth(
        trader=f"T{j + 1}", directional=j + 1 in world.directional, theta=theta,
        planted_annual_ir=asked if world.population.unit == "annual" else annual or 0.0,
        annual_ir=annual, ir_day=ir_day, ir_decision=ratio, theta_decision=shown, selection_decision=shown, sd_decision=sd,
        sd_shared=None, sd_theme=None, sd_noise=None, sd_day=float(np.sqrt((1.0 - k**2) * square)) if days else None,
        within_day_correlation=None, value_add_decision=None, signals=int(np.sum(laid.trader == j)), rows=int(mine.sum()),
        decisions=decisions, active_days=days, present=(0, world.sessions),
        regimes=(CellTruth(regime="all", decisions=decisions, days=days, theta_decision=shown, ir_decision=ratio, ir_annual=annual),),
    )  # fmt: skip
