"""What the struct of a world cannot say: checks of one key against another. Each returns all problems it finds, and none raises."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

import msgspec

from skillstats.errors import show
from skillstats.simulate.world import TABLES

if TYPE_CHECKING:
    from skillstats.simulate.world import World

PER_TRADER: Final = (
    ("annual_ir", -20, 20),
    ("signals_per_day", 0, 1000),
    ("override_rate", 0, 1),
    ("factor.timing", -1, 1),
)
"""Keys that take a number a trader, with lowest and highest value."""


def _check_finite(world: World) -> list[str]:
    """No number is infinite or NaN, which bounds alone let pass."""
    tables = [("", world)] + [(f"{key}.", getattr(world, key)) for key in TABLES if key != "regimes"]
    tables += [("regimes.", regime) for regime in world.regimes]
    problems = []
    for prefix, table in tables:
        for key, value in msgspec.structs.asdict(table).items():
            values = value if isinstance(value, tuple) else (value,)
            bad = [v for v in values if isinstance(v, float) and not math.isfinite(v)]
            problems += [f"{prefix}{key} = {v}, must be a finite number" for v in bad]
    return problems


def _check_per_trader(world: World) -> list[str]:
    """Each per-trader key: not empty, not longer than the desk, every value finite and in range."""
    problems = []
    standard = type(world)()
    for key, low, high in PER_TRADER:
        value = operator.attrgetter(key)(world)
        values: Sequence[float] = value if isinstance(value, tuple) else (value,)
        own = value != operator.attrgetter(key)(standard)  # the default suits desks of any size
        if not values or (own and len(values) > world.traders):
            allowed = f"give one number, or a list of 1 to {world.traders}"
            problems.append(f"{key} has {len(values)} values for {world.traders} traders; {allowed}")
        problems += [f"{key} = {v:g}, must be from {low} to {high}" for v in values if not low <= v <= high]
    return problems


def _check_shares(world: World) -> list[str]:
    """Shares that add to one, or stay below it."""
    problems = []
    mix = msgspec.structs.astuple(world.actions)
    if abs(math.fsum(mix) - 1) > 1e-6:
        problems.append(f"actions add to {math.fsum(mix):g}, must add to 1 (veto, resize, delay, reverse)")
    states = math.fsum(regime.share for regime in world.regimes)
    if abs(states - 1) > 1e-6:
        problems.append(f"regimes: shares add to {states:g}, must add to 1")
    if world.shared_shock + world.trader_theme >= 1:
        total = world.shared_shock + world.trader_theme
        problems.append(f"shared_shock + trader_theme = {total:g}, must be < 1; the rest is noise")
    return problems


def _check_names(world: World) -> list[str]:
    """Directional traders exist once; regime labels differ and are plain names."""
    own = world.directional != type(world)().directional  # the default is void for a single trader
    problems = _check_numbers("directional", world.directional if own else (), world.traders)
    problems += _check_numbers("skewed", world.skewed, world.traders)
    labels = [regime.label for regime in world.regimes]
    if len(set(labels)) < len(labels):
        problems.append(f"regimes: label twice in {labels}; give each state an own label")
    odd = [name for name in labels if name != name.strip() or not name.isprintable()]
    return problems + [f"regimes: label = {show(name)}, must have no blank at an end and no control character" for name in odd]


def _check_numbers(key: str, numbers: tuple[int, ...], traders: int) -> list[str]:
    """Trader numbers exist, once each."""
    problems = [f"{key} = {n}, must be a trader number from 1 to {traders}" for n in numbers if not 1 <= n <= traders]
    if len(set(numbers)) < len(numbers):
        problems.append(f"{key} = {list(numbers)} names a trader twice")
    return problems


def _check_market(world: World) -> list[str]:
    """Volatilities, tails, and room for every signal on an asset of its own."""
    problems = []
    low, high = world.volatility_daily
    if not 0.002 <= low <= high <= 0.06:
        problems.append(f"volatility_daily = [{low}, {high}], must be [low, high] with 0.002 <= low <= high <= 0.06")
    if world.tails != "normal" and not 2 < world.tails <= 1000:
        problems.append(f'tails = {world.tails}, must be "normal" or degrees of freedom > 2 and <= 1000')
    wanted = math.fsum(world.per_trader("signals_per_day"))
    if math.isfinite(wanted) and 0 < world.assets < 1.25 * wanted:
        need = math.ceil(1.25 * wanted)
        problems.append(
            f"assets = {world.assets} for {wanted:g} signals a session; each needs its own asset, give at least {need}"
        )
    return problems


def _check_together(world: World) -> list[str]:
    """Keys that mean nothing, or have no exact truth, beside one another."""
    problems = []
    if world.population.kind == "list" and world.population != type(world.population)():
        problems.append('population.kind = "list" takes the annual_ir as they are; unit, mean, sd and share need another kind')
    if world.skewed and world.payoff == "symmetric":
        problems.append('skewed names traders, but payoff is "symmetric"; choose "penny_picker" or "lottery"')
    timed = any(world.per_trader("factor.timing"))
    if timed and world.horizon > 1:
        problems.append("factor.timing needs horizon = 1: a side is chosen for one session's market")
    if not world.sliced and world.horizon == 1:
        problems.append("sliced = false needs horizon > 1; decisions of one session have no slices")
    if not world.sliced and world.factor.observed:
        problems.append("factor.observed needs sliced = true: over several sessions no one number is the market's return")
    if world.presence.forgotten and not world.presence.leavers:
        problems.append("presence.forgotten needs presence.leavers > 0")
    if world.factor.beta_error and not world.factor.observed:
        problems.append("factor.beta_error needs factor.observed = true; nobody reads an exposure otherwise")
    if world.presence.missing_when != "random" and not world.presence.missing:
        problems.append(f'presence.missing_when = "{world.presence.missing_when}" needs presence.missing > 0')
    return problems


CHECKS: Final[tuple[Callable[[World], list[str]], ...]] = (
    _check_finite,
    _check_per_trader,
    _check_shares,
    _check_names,
    _check_market,
    _check_together,
)
"""What the struct alone cannot say; each returns all problems it finds."""
