"""The world of a simulated desk: every choice that shapes it, in one frozen table of keys.

A world is what a real desk never shows: the skill of each trader, the shocks he shares with others and the volatility of each
asset. The generative model is the one the inference assumes (STATISTICS.md section 2). For a touched signal i of trader j on
session s, with g_i = +1 or -1 the direction of the deviation from the model,

    y_i = value-add / risk = theta_j + g_i sqrt(shared_shock) F_s + sqrt(trader_theme) U_js + sqrt(rest) e_i,

all shocks with mean 0 and sd 1, rest = 1 - shared_shock - trader_theme; what the further tables (`knobs`) add stands in `rows`. Keys, bounds and meanings stand here once; the reader, the
checks, the listing and the JSON schema are made from this struct.
"""

from __future__ import annotations

import datetime as dt
import difflib
import math
import operator
import tomllib
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from skillstats.errors import UsageError, show
from skillstats.simulate.knobs import Acting, ActionMix, Effects, Factor, Number, Population, Presence, Regime

TABLES: Final[dict[str, type[msgspec.Struct]]] = {
    "actions": ActionMix,
    "regimes": Regime,
    "population": Population,
    "effects": Effects,
    "factor": Factor,
    "acting": Acting,
    "presence": Presence,
}
"""Keys of a world that are tables of their own."""

CALM_AND_STRESSED: Final = (
    Regime(label="calm", share=0.75),
    Regime(label="stressed", share=0.25, volatility=1.4),
)


class World(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Everything that shapes a simulated desk; the defaults are the desk of the demo.

    A key "per trader" takes one number for all or a list for T1, T2, ..., repeated when it is shorter than the desk; a list of your
    own may not be longer. Equal worlds and seeds give equal records. Readable from
    TOML by `read_world`; the keys with their meaning are listed by `describe_world`.
    """

    traders: Annotated[int, Meta(ge=1, le=1000, description="number of traders, named T1, T2, ...")] = 8
    sessions: Annotated[int, Meta(ge=1, le=20000, description="sessions with signals")] = 252
    history: Annotated[int, Meta(ge=22, le=1000, description="earlier sessions with closing prices only")] = 40
    calendar: Annotated[str, Meta(description="exchange calendar, without a lunch break")] = "XNYS"
    start: Annotated[dt.date, Meta(description="first session with signals, or the next one after it")] = dt.date(2025, 1, 2)
    sessions_per_year: Annotated[float, Meta(ge=1, le=366, description="sessions a year, for the annual IR")] = 252.0
    annual_ir: Annotated[Number, Meta(description="true annual information ratio, per trader")] = (3.0, 0.0)
    shuffle_skill: Annotated[bool, Meta(description="deal annual_ir to the traders in an order drawn by the seed")] = False
    signals_per_day: Annotated[Number, Meta(description="mean signals a session, per trader")] = (
        12.0, 12.0, 16.0, 8.0, 8.0, 16.0, 14.0, 10.0,
    )  # fmt: skip
    activity_spread: Annotated[float, Meta(ge=0, le=2, description="sd of a session's expected count over its mean")] = 0.3
    override_rate: Annotated[Number, Meta(description="share of signals a trader departs from, per trader")] = 0.6
    actions: Annotated[ActionMix, Meta(description="what the departures are")] = ActionMix()
    block_vetoes: Annotated[
        float, Meta(ge=0, le=1, description="chance that a trader's vetoes of a session are one decision")
    ] = 0.1
    directional: Annotated[
        tuple[int, ...], Meta(description="numbers of the traders whose signals of a session all lie on one side; 2 is T2")
    ] = (2,)
    assets: Annotated[
        int, Meta(ge=0, le=100000, description="assets, each with at most one signal a session; 0: enough for the signals")
    ] = 0
    volatility_daily: Annotated[
        tuple[float, float], Meta(description="lowest and highest daily volatility of an asset, before the regime")
    ] = (0.01, 0.03)
    notional: Annotated[float, Meta(ge=1e4, le=1e8, description="median size of a signal, in currency")] = 50_000.0
    shared_shock: Annotated[float, Meta(ge=0, lt=1, description="variance share of the market shock of a session")] = 0.25
    trader_theme: Annotated[float, Meta(ge=0, lt=1, description="variance share of a trader's own shock of a session")] = 0.10
    tails: Annotated[
        Literal["normal"] | float, Meta(description='"normal", or degrees of freedom of Student t shocks of sd 1; > 2')
    ] = "normal"
    model_edge: Annotated[
        float, Meta(ge=-0.5, le=0.5, description="mean gain of an untouched signal, in units of its volatility")
    ] = 0.0
    regimes: Annotated[tuple[Regime, ...], Meta(min_length=1, max_length=9, description="market states")] = CALM_AND_STRESSED
    regime_spell: Annotated[
        float, Meta(ge=1, le=1000, description="mean length of a spell of one state in sessions, over the states")
    ] = 20.0
    asymmetry: Annotated[
        float,
        Meta(
            ge=0,
            le=1,
            description="a falling market raises the log volatility of the next session by this, a rising one lowers it",
        ),
    ] = 0.0
    payoff: Annotated[
        Literal["symmetric", "penny_picker", "lottery"],
        Meta(description="a row's own noise: symmetric, many small gains and rare large losses, or the reverse"),
    ] = "symmetric"
    skewed: Annotated[tuple[int, ...], Meta(description="numbers of the traders with that payoff; empty: everybody")] = ()
    facing: Annotated[
        Literal["coin", "trader", "desk", "always", "view"],
        Meta(
            description="sides of signals: a coin a signal, a trader and session, or a session; always BUY; or a trader's view that lasts"
        ),
    ] = "coin"
    view_spell: Annotated[float, Meta(ge=1, le=1000, description="mean sessions a view lasts, for facing = view")] = 20.0
    horizon: Annotated[
        int, Meta(ge=1, le=60, description="sessions from a decision to its horizon; outcomes overlap beyond 1")
    ] = 1
    sliced: Annotated[bool, Meta(description="whether evidence has a row a decision and session, or one a decision")] = True
    risk_known: Annotated[bool, Meta(description="whether risk uses the true volatility instead of 21 earlier returns")] = False
    size_spread: Annotated[float, Meta(ge=0, le=2, description="sd of the log of a signal's size")] = 0.6
    population: Annotated[Population, Meta(description="where the traders' skill comes from")] = Population()
    effects: Annotated[Effects, Meta(description="what skill depends on besides the trader")] = Effects()
    factor: Annotated[Factor, Meta(description="the market shock as a factor")] = Factor()
    acting: Annotated[Acting, Meta(description="when people act")] = Acting()
    presence: Annotated[Presence, Meta(description="who is there when, and what is missing")] = Presence()

    @property
    def asset_count(self) -> int:
        """Number of assets: `assets`, or the mean signals of a session and a quarter more, plus four times their root."""
        wanted = math.fsum(self.per_trader("signals_per_day"))
        return self.assets or max(2, math.ceil(1.25 * wanted + 4.0 * math.sqrt(wanted)))

    def per_trader(self, key: str) -> tuple[float, ...]:
        """Values of a per-trader key, one a trader.  # shape: (trader,)"""
        value = operator.attrgetter(key)(self)
        values = tuple(value) if isinstance(value, tuple | list) else (value,)
        return tuple(float(values[j % len(values)]) for j in range(self.traders if values else 0))


def read_world(path: str | Path) -> World:
    """Read a world from a TOML file.

    Raises
    ------
    UsageError
        If the file cannot be read, is not TOML, or holds an unknown key or a value out of range; every message names the key, what
        was found and what is allowed.
    """
    path = Path(path)
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: cannot be read ({error}); give a TOML file in UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path}: not TOML, {error}") from error
    return _convert(content, path.name)


def require_world(world: World) -> World:
    """Return `world` with every key checked, as if it had been read from a file; raise UsageError otherwise."""
    if not isinstance(world, World):
        raise UsageError(f"world is a {type(world).__name__}; give a World, or read one with read_world")
    return _convert(msgspec.to_builtins(world, builtin_types=(dt.date,)), "world")


def _convert(content: dict[str, Any], source: str) -> World:
    """Build a World from plain data, or raise one UsageError with all that is wrong."""
    from skillstats.simulate.world_checks import CHECKS

    unknown = _unknown_keys(content, World, "")
    if unknown:
        raise UsageError("\n".join(f"{source}: {problem}" for problem in unknown))
    try:
        world = msgspec.convert(content, World)
    except msgspec.ValidationError as error:
        rule, _, place = str(error).partition(" - at `$.")
        key = place.rstrip("`")
        found = f" = {show(content[key])}" if key in content else ""
        raise UsageError(
            f"{source}: {key or 'world'}{found}, {rule[0].lower() + rule[1:]}; see `skillstats simulate --schema`"
        ) from error
    problems = [f"{source}: {problem}" for check in CHECKS for problem in check(world)]
    if problems:
        raise UsageError("\n".join(problems))
    return world


def _unknown_keys(content: object, struct: type[msgspec.Struct], prefix: str) -> list[str]:
    """Keys of `content` that `struct` does not have, with the nearest name that exists."""
    if not isinstance(content, dict):
        return []
    names = struct.__struct_fields__
    problems = []
    for key, value in content.items():
        if key not in names:
            near = difflib.get_close_matches(key, names, n=1)
            hint = f"did you mean {near[0]!r}? " if near else ""
            problems.append(f"unknown key {show(prefix + key)}; {hint}allowed: {', '.join(names)}")
        if not prefix and key in TABLES:
            for item in value if isinstance(value, list | tuple) else [value]:
                problems += _unknown_keys(item, TABLES[key], f"{key}.")
    return problems
