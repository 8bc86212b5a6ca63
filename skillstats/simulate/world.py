"""The world of a simulated desk: every choice that shapes it, in one frozen table of keys.

A world is what a real desk never shows: the skill of each trader, the shocks he shares with others and the volatility of each
asset. The generative model is the one the inference assumes (STATISTICS.md section 2). For a touched signal i of trader j on
session s, with g_i = +1 or -1 the direction of the deviation from the model,

    y_i = value-add / risk = theta_j + g_i sqrt(shared_shock) F_s + sqrt(trader_theme) U_js + sqrt(rest) e_i,

all shocks with mean 0 and sd 1, rest = 1 - shared_shock - trader_theme. Keys, bounds and meanings stand here once; the reader, the
checks, the listing and the JSON schema are made from this struct.
"""

from __future__ import annotations

import datetime as dt
import difflib
import math
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, Literal, NamedTuple, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta

from skillstats.errors import UsageError, show

Number = float | tuple[float, ...]


class Regime(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A market state whose label is known before the session starts."""

    label: Annotated[str, Meta(min_length=1, max_length=64, description="label in the regimes table, column `market`")]
    share: Annotated[float, Meta(gt=0, le=1, description="long-run share of sessions; the shares add to 1")]
    volatility: Annotated[float, Meta(ge=0.1, le=3, description="factor on every asset's daily volatility")] = 1.0
    skill: Annotated[float, Meta(ge=-10, le=10, description="factor on every trader's theta")] = 1.0


class ActionMix(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Shares of the four simulated departures; they add to 1."""

    veto: Annotated[float, Meta(ge=0, le=1, description="not traded")] = 0.55
    resize: Annotated[float, Meta(ge=0, le=1, description="traded at once at 0.5, 1.5 or 2 times the size")] = 0.20
    delay: Annotated[float, Meta(ge=0, le=1, description="traded in full after 20 to 60 % of the time left")] = 0.20
    reverse: Annotated[float, Meta(ge=0, le=1, description="traded at once on the other side, 0.5 or 1 times")] = 0.05


CALM_STRESSED_SELLOFF: Final = (
    Regime(label="calm", share=0.60),
    Regime(label="stressed", share=0.25, volatility=1.4),
    Regime(label="sell-off", share=0.15, volatility=1.9),
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
    regimes: Annotated[tuple[Regime, ...], Meta(min_length=1, max_length=9, description="market states")] = CALM_STRESSED_SELLOFF
    regime_spell: Annotated[
        float, Meta(ge=1, le=1000, description="mean length of a spell of one state in sessions, over the states")
    ] = 20.0

    @property
    def asset_count(self) -> int:
        """Number of assets: `assets`, or the mean signals of a session and a quarter more, plus four times their root."""
        wanted = math.fsum(self.per_trader("signals_per_day"))
        return self.assets or max(2, math.ceil(1.25 * wanted + 4.0 * math.sqrt(wanted)))

    def per_trader(self, key: str) -> tuple[float, ...]:
        """Values of a per-trader key, one a trader.  # shape: (trader,)"""
        value = getattr(self, key)
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
    names = [field.name for field in msgspec.structs.fields(struct)]
    tables: dict[str, type[msgspec.Struct]] = {"actions": ActionMix, "regimes": Regime}
    problems = []
    for key, value in content.items():
        if key not in names:
            near = difflib.get_close_matches(key, names, n=1)
            hint = f"did you mean {near[0]!r}? " if near else ""
            problems.append(f"unknown key {show(prefix + key)}; {hint}allowed: {', '.join(names)}")
        if not prefix and key in tables:
            for item in value if isinstance(value, list | tuple) else [value]:
                problems += _unknown_keys(item, tables[key], f"{key}.")
    return problems


def _check_finite(world: World) -> list[str]:
    """No number is infinite or NaN, which bounds alone let pass."""
    tables = [("", world), ("actions.", world.actions)] + [("regimes.", regime) for regime in world.regimes]
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
    for key, low, high in (("annual_ir", -20, 20), ("signals_per_day", 0, 1000), ("override_rate", 0, 1)):
        value = getattr(world, key)
        values: Sequence[float] = value if isinstance(value, tuple) else (value,)
        own = value != getattr(World(), key)  # the default suits desks of any size
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
    own = world.directional != World().directional  # the default is void for a single trader
    outside = [n for n in world.directional if own and not 1 <= n <= world.traders]
    problems = [f"directional = {n}, must be a trader number from 1 to {world.traders}" for n in outside]
    if len(set(world.directional)) < len(world.directional):
        problems.append(f"directional = {list(world.directional)} names a trader twice")
    labels = [regime.label for regime in world.regimes]
    if len(set(labels)) < len(labels):
        problems.append(f"regimes: label twice in {labels}; give each state an own label")
    odd = [name for name in labels if name != name.strip() or not name.isprintable()]
    return problems + [f"regimes: label = {show(name)}, must have no blank at an end and no control character" for name in odd]


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


CHECKS: Final[tuple[Callable[[World], list[str]], ...]] = (
    _check_finite,
    _check_per_trader,
    _check_shares,
    _check_names,
    _check_market,
)
"""What the struct alone cannot say; each returns all problems it finds."""


class WorldKey(NamedTuple):
    """One key of a world file."""

    key: str
    type: str
    default: str
    meaning: str


def describe_world() -> tuple[WorldKey, ...]:
    """Every key of a world with type, default and meaning, made from the struct that reads it.

    Examples
    --------
    >>> describe_world()[0]
    WorldKey(key='traders', type='int', default='8', meaning='number of traders, named T1, T2, ...')
    """
    rows = _describe(World, "")
    return tuple(rows + _describe(ActionMix, "actions.") + _describe(Regime, "regimes."))


def world_schema() -> dict[str, Any]:
    """JSON schema (2020-12) of a world file, from the same struct."""
    return msgspec.json.schema(World)


def _describe(struct: type[msgspec.Struct], prefix: str) -> list[WorldKey]:
    """Listing of one struct."""
    hints = get_type_hints(struct, include_extras=True)
    return [
        WorldKey(prefix + field.name, _type_text(hints[field.name]), _default_text(field), _meaning(hints[field.name]))
        for field in msgspec.structs.fields(struct)
    ]


def _type_text(hint: Any) -> str:
    """A type as a reader of TOML would name it."""
    if get_origin(hint) is Annotated:
        return _type_text(get_args(hint)[0])
    if get_origin(hint) is tuple:
        return f"list of {_type_text(get_args(hint)[0])}"
    if get_origin(hint) is Literal:
        return " or ".join(f'"{word}"' for word in get_args(hint))
    if get_args(hint):
        return " or ".join(_type_text(part) for part in get_args(hint))
    name = str(hint.__name__)
    return {"ActionMix": "table", "Regime": "tables", "str": "text"}.get(name, name)


def _default_text(field: msgspec.structs.FieldInfo) -> str:
    """A default as it stands in TOML; empty where the key is required."""
    default = field.default
    if default is msgspec.NODEFAULT:
        return ""
    if isinstance(default, dt.date):
        return default.isoformat()
    return msgspec.json.encode(default).decode()


def _meaning(hint: Any) -> str:
    """The description next to the type."""
    return next(str(meta.description) for meta in get_args(hint)[1:] if isinstance(meta, Meta))
