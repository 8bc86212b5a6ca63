"""The plan: every choice that can change a number, declared before the outcomes are seen.

A plan is a TOML file. Unknown keys are errors, decimals are written as text so that no float is ever parsed into money, and what is
not written takes the default stated here. The digest is taken over the complete plan, defaults included, in one canonical JSON form,
so two files that mean the same have the same digest.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from pathlib import Path
from typing import Annotated, Final, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from msgspec import Meta

from skillstats.errors import UsageError
from skillstats.units import parse_decimal, parse_duration

MAX_PLAN_BYTES: Final = 65_536
FillModel = Literal["signal_price", "arrival_mid", "cross_spread", "next_open"]
Audience = Literal["trader", "head", "pm", "quant", "governance"]
Cell = str | tuple[str, str]
"""What an evaluation is about: a trader, or a trader in one regime."""

_HORIZON = re.compile(r"PT\d{1,5}[HM]|session\+\d{1,4}|close|exit", re.ASCII)


class _Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A part of the plan; unknown keys are errors."""


class MaxAge(_Section, frozen=True):
    """Oldest price a look-up may use: a duration, or ``session`` for the previous session's close."""

    quote: str = "PT60S"
    close: str = "session"


class CalendarChoice(_Section, frozen=True):
    """Exchange calendar of the desk; assets may override it for their trading hours."""

    default: str = "XNYS"


class Fees(_Section, frozen=True):
    """Fee schedule of the model's fills, decimals as text in the base currency; `bps` of notional; `minimum` an order."""

    per_unit: str = "0"
    per_order: str = "0"
    bps: str = "0"
    minimum: str = "0"


class Impact(_Section, frozen=True):
    """Square-root market impact of the model's fills: coefficient `y`, no unit; 0 is off."""

    y: str = "0"


class Asset(_Section, frozen=True):
    """Scales and conventions of one asset. `tick` and `lot` default to the finest decimal place in the asset's own cells."""

    class_: str = msgspec.field(name="class", default="all")
    tick: str | None = None
    lot: str | None = None
    multiplier: str = "1"
    currency: str | None = None
    calendar: str | None = None
    may_be_negative: bool = False
    fx: str | None = None


class ColumnReading(_Section, frozen=True):
    """How one text column is read: time zone of stamps without offset, word map, decimal mark, delimiter of its file."""

    zone: str | None = None
    map: dict[str, str] = {}
    decimal: str = "."
    delimiter: str = ","


class RegimeChoice(_Section, frozen=True):
    """Labels that split a trader's record: built-in ones, ``volatility`` or ``volatility@SPY``, or columns of the `regimes` table."""

    use: tuple[str, ...] = ()


class ModelChoice(_Section, frozen=True):
    """Skill model and the two numbers that put it on the annual scale (None: from the evidence and the calendar)."""

    name: str | None = None
    bets_per_year: Annotated[float, Meta(gt=0)] | None = None
    sessions_per_year: Annotated[float, Meta(gt=0)] | None = None


class EvidenceChoice(_Section, frozen=True):
    """Correlation assumed between the rows of one decision when their risks are added."""

    within_decision_correlation: Annotated[float, Meta(ge=0.0, lt=1.0)] = 0.5


class Verdict(_Section, frozen=True):
    """Hurdles (annual IR; IR per decision where there is no year), certainty of a claim, false-discovery rate."""

    hurdle: float = 0.25
    hurdle_decision: float = 0.05
    certainty: Annotated[float, Meta(gt=0.5, lt=1)] = 0.90
    fdr: Annotated[float, Meta(gt=0, lt=1)] = 0.10


class Floors(_Section, frozen=True):
    """Least evidence for a claim. None: 20 days, 30 effective decisions and 10 cell days for a record; 5, 5, 5 for outcomes."""

    days: Annotated[int, Meta(ge=5)] | None = None
    n_eff: Annotated[float, Meta(ge=5)] | None = None
    cell_days: Annotated[int, Meta(ge=5)] | None = None


class Privacy(_Section, frozen=True):
    """Smallest groups shown to readers who may not see single traders."""

    min_traders: Annotated[int, Meta(ge=3)] = 5
    min_decisions: Annotated[int, Meta(ge=1)] = 20
    pm_names: bool = False


class Limits(_Section, frozen=True):
    """Size limits checked before anything is decoded."""

    max_rows: Annotated[int, Meta(ge=1)] = 200_000_000
    max_bytes: Annotated[int, Meta(ge=1)] = 20_000_000_000


class Plan(_Section, frozen=True):
    """What was declared. Each field is a key of the file; see the class of a section for its keys.

    `horizon` has no default: a horizon filled in silently would be a free parameter. `None` means that each signal must carry one.
    """

    schema: Literal[1] = 1
    name: str = ""
    period: tuple[str, str] | None = None
    horizon: str | None = None
    decay: tuple[str, ...] = ()
    fill_model: FillModel = "arrival_mid"
    latency: str = "PT0S"
    currency: Annotated[str, Meta(pattern="^[A-Z]{3,5}$")] = "USD"
    seed: Annotated[int, Meta(ge=0, le=2**63 - 1)] = 1
    asof_model: Literal["inclusive", "strict"] = "inclusive"
    supersede: Literal["quarantine", "latest"] = "quarantine"
    unfilled: Literal["quarantine", "zero"] = "quarantine"
    max_skew: str = "PT0S"
    late_after: str = "PT60S"
    as_of: str | None = None
    primary: tuple[Cell, ...] = ()
    audiences: tuple[Audience, ...] = ()
    max_age: MaxAge = MaxAge()
    calendar: CalendarChoice = CalendarChoice()
    fees: Fees = Fees()
    impact: Impact = Impact()
    assets: dict[str, Asset] = {}
    columns: dict[str, ColumnReading] = {}
    regimes: RegimeChoice = RegimeChoice()
    model: ModelChoice = ModelChoice()
    evidence: EvidenceChoice = EvidenceChoice()
    verdict: Verdict = Verdict()
    floors: Floors = Floors()
    privacy: Privacy = Privacy()
    limits: Limits = Limits()

    @property
    def digest(self) -> str:
        """sha256 of the complete plan in canonical form."""
        return hashlib.sha256(canonical_plan(self)).hexdigest()

    def __str__(self) -> str:
        period = " to ".join(self.period) if self.period else "the whole record"
        return (
            f"Plan {self.name or '(unnamed)'}: {period}, horizon {self.horizon or 'from each signal'}, fill model {self.fill_model}, "
            f"hurdle {self.verdict.hurdle} annual IR, seed {self.seed}, digest {self.digest[:12]}"
        )


def canonical_plan(plan: Plan) -> bytes:
    """The complete plan as JSON with sorted keys; the bytes that are digested."""
    return msgspec.json.encode(msgspec.to_builtins(plan), order="deterministic")


def read_plan(path: str | Path) -> Plan:
    """Read, complete and validate a plan.

    Parameters
    ----------
    path : a TOML file of at most 64 kB

    Returns
    -------
    Plan, with every default filled in

    Raises
    ------
    UsageError
        If the file cannot be read, is not TOML, holds an unknown key or a value that is not allowed. All values that can be judged
        are judged; the message names each key.
    """
    path = Path(path)
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise UsageError(f"plan {path}: cannot be read ({error.strerror}); give the path of a TOML file") from None
    return parse_plan(raw, source=str(path))


def parse_plan(raw: bytes, source: str = "plan") -> Plan:
    """Read a plan from bytes; see `read_plan`."""
    if len(raw) > MAX_PLAN_BYTES:
        raise UsageError(f"{source}: {len(raw)} bytes, at most {MAX_PLAN_BYTES} allowed; this is not a plan")
    try:
        table = tomllib.loads(raw.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{source}: not a TOML file ({error})") from None
    try:
        plan = msgspec.convert(table, Plan, strict=True)
    except msgspec.ValidationError as error:
        raise UsageError(f"{source}: {error}; see the list of keys in the documentation of the plan") from None
    problems = plan_problems(plan)
    if problems:
        raise UsageError("\n".join(f"{source}: {p}" for p in problems))
    return plan


def valid_horizon(text: str) -> bool:
    """Whether `text` is one of the horizon kinds ``PT<n>H``, ``PT<n>M``, ``session+<n>``, ``close``, ``exit``."""
    return bool(_HORIZON.fullmatch(text))


def plan_problems(plan: Plan) -> list[str]:
    """Everything wrong with the values of a plan, a sentence each."""
    checks = (_horizons, _durations, _decimals, _zones, _period, _column_names, _primary, _audiences)
    return [problem for check in checks for problem in check(plan)]


def _horizons(plan: Plan) -> list[str]:
    given = [("horizon", plan.horizon)] + [("decay", h) for h in plan.decay]
    return [
        f"{key}={value!r}, not a horizon; write PT24H, PT30M, session+1, close or exit"
        for key, value in given
        if value is not None and not valid_horizon(value)
    ]


def _durations(plan: Plan) -> list[str]:
    given = [
        ("latency", plan.latency),
        ("max_skew", plan.max_skew),
        ("late_after", plan.late_after),
        ("max_age.quote", plan.max_age.quote),
    ]
    if plan.max_age.close != "session":
        given.append(("max_age.close", plan.max_age.close))
    return [found for key, value in given if (found := _complaint(parse_duration, key, value))]


def _decimals(plan: Plan) -> list[str]:
    given = [(f"fees.{k}", getattr(plan.fees, k)) for k in ("per_unit", "per_order", "bps", "minimum")] + [
        ("impact.y", plan.impact.y)
    ]
    for name, asset in plan.assets.items():
        given += [(f"assets.{name!r}.{k}", v) for k in ("tick", "lot", "multiplier") if (v := getattr(asset, k)) is not None]
    found = [complaint for key, value in given if (complaint := _complaint(parse_decimal, key, value))]
    positive = [
        (k, v) for k, v in given if k.startswith("assets") and not _complaint(parse_decimal, k, v) and parse_decimal(v) <= 0
    ]
    return found + [f"{key}={value!r}, must be > 0" for key, value in positive]


def _complaint(parse: object, key: str, value: str) -> str:
    try:
        parse(value)  # type: ignore[operator]
    except UsageError as error:
        return f"{key}={value!r}, {error}"
    return ""


def _zones(plan: Plan) -> list[str]:
    found = []
    for column, reading in plan.columns.items():
        if reading.zone is not None:
            try:
                ZoneInfo(reading.zone)
            except (ZoneInfoNotFoundError, ValueError, OSError):
                found.append(
                    f"columns.{column!r}.zone={reading.zone!r}, not an IANA time zone; write for example America/New_York"
                )
    return found


def _period(plan: Plan) -> list[str]:
    if plan.period is None:
        return []
    day = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
    if not all(day.fullmatch(d) for d in plan.period) or plan.period[0] > plan.period[1]:
        return [f"period={list(plan.period)!r}, must be two dates YYYY-MM-DD in order"]
    return []


def _column_names(plan: Plan) -> list[str]:
    return [f"columns.{c!r}, must be written table.column" for c in plan.columns if c.count(".") != 1]


def _primary(plan: Plan) -> list[str]:
    named = [(cell, "all") if isinstance(cell, str) else cell for cell in plan.primary]
    found = [f"primary: {list(c)!r}, a trader and a regime must have names" for c in named if not all(c)]
    whole = [c for c in plan.primary if not isinstance(c, str) and c[1] == "all"]
    found += [f'primary: {list(c)!r}, "all" is no regime; write the trader alone' for c in whole]
    return found + [f"primary: {list(c)!r} stands there twice" for c in dict.fromkeys(c for c in named if named.count(c) > 1)]


def _audiences(plan: Plan) -> list[str]:
    twice = dict.fromkeys(a for a in plan.audiences if plan.audiences.count(a) > 1)
    return [f"audiences: {a!r} stands there twice" for a in twice]
