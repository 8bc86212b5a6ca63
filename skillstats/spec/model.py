"""What a model specification holds: plain frozen data, every number stated, no default.

A specification is a contract: which skill terms exist, which shocks a session brings, how volatility varies and every prior
with its unit. The digest is taken over one canonical form, so comments, blank lines and the order of keys or words do not
change it.
"""

from __future__ import annotations

import hashlib
from functools import cached_property
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from skillstats.spec.vocabulary import slot_of_term


class _Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, dict=True):
    """A part of a specification; unknown keys are errors."""


class Skill(_Section, frozen=True):
    """Terms of the mean of y, the population the traders' effects are drawn from, slopes in a number of a decision, and drift."""

    terms: tuple[str, ...]
    population: str
    slopes: tuple[str, ...] = ()
    drift: str | None = None


class Luck(_Section, frozen=True):
    """What moves outcomes without skill: tails, shared shocks and the residual's volatility.

    `trader_session_scale` stands if and only if ``trader:session`` is one of the `shocks`, `exposure_level` if and only if
    ``session:exposure`` is.
    """

    tails: str
    shocks: tuple[str, ...]
    volatility_by: tuple[str, ...]
    trader_session_scale: str | None = None
    exposure_level: str | None = None


class Prior(_Section, frozen=True):
    """One prior: distribution, its numbers and their unit; `skillstats.spec.vocabulary.NUMBERS` says which numbers it takes.

    `sigma` is 0 where the distribution has none.
    """

    distribution: str
    unit: str
    sigma: Annotated[float, Meta(ge=0, lt=1e6)] = 0.0
    mu: Annotated[float, Meta(gt=-1e6, lt=1e6)] | None = None
    eta: Annotated[float, Meta(gt=0, lt=1e6)] | None = None


class Sampling(_Section, frozen=True):
    """Length of a run per chain, and the target acceptance of its step size."""

    draws: Annotated[int, Meta(ge=100, le=1_000_000)]
    tune: Annotated[int, Meta(ge=100, le=1_000_000)]
    chains: Annotated[int, Meta(ge=2, le=64)]
    target_accept: Annotated[float, Meta(ge=0.5, lt=1)]


class ModelSpec(_Section, frozen=True):
    """The contents of one models/*.toml."""

    schema: Literal[1]
    name: Annotated[str, Meta(pattern="^[a-z][a-z0-9_]{0,63}$")]
    title: Annotated[str, Meta(min_length=1, max_length=200)]
    target: str
    skill: Skill
    luck: Luck
    priors: dict[str, Prior]
    sampling: Sampling
    family: str = "outcomes"

    @cached_property
    def digest(self) -> str:
        """sha256 of the canonical form."""
        return hashlib.sha256(canonical_spec(self)).hexdigest()

    @property
    def needs_breadth(self) -> bool:
        """Whether a prior is stated per year, so that bets a year must be known."""
        return any(prior.unit == "annual_ir" for prior in self.priors.values())

    def __str__(self) -> str:
        return f"ModelSpec {self.name}: {self.title}; digest {self.digest[:12]}"


LATER: Final = (("skill", "slopes"), ("skill", "drift"), ("luck", "exposure_level"))
"""Keys that came after the first models: where they are not used they leave no trace, so that older digests stay."""


def canonical_spec(spec: ModelSpec) -> bytes:
    """The specification as JSON with sorted keys; the bytes that are digested."""
    plain = msgspec.to_builtins(spec)
    for section, key in LATER:
        if not plain[section][key]:
            del plain[section][key]
    if spec.family == "outcomes":
        del plain["family"]
    for prior in plain["priors"].values():
        if prior["eta"] is None:
            del prior["eta"]
    return msgspec.json.encode(plain, order="deterministic")


def needed_priors(skill: Skill, luck: Luck, family: str = "outcomes") -> tuple[str, ...]:
    """Names of the priors a structure needs, no more and no less.

    Examples
    --------
    >>> needed_priors(Skill(terms=("trader",), population="normal"), Luck(tails="normal", shocks=("session",), volatility_by=()))
    ('skill_mean', 'skill_sd_trader', 'session_sd', 'residual_log_sd')
    """
    if family == "day_parts":
        return _needed_by_day_parts(luck)
    if family == "choices":
        return _needed_by_choices(skill, luck)
    needed = ["skill_mean", *(slot_of_term(term) for term in skill.terms)]
    if "trader" in skill.terms and skill.population in ("two_scale", "spike_slab"):
        needed.append("population_share")
    if "sizing" in skill.slopes:
        needed += ["skill_mean_kappa", "skill_sd_kappa"]
    if skill.drift is not None:
        needed += ["drift_persistence", "skill_sd_drift"]
    if "session" in luck.shocks:
        needed.append("session_sd")
    if "trader:session" in luck.shocks:
        by_trader = luck.trader_session_scale == "by_trader"
        needed += ["trader_session_log_sd", "trader_session_log_sd_spread"] if by_trader else ["trader_session_sd"]
    if "session:exposure" in luck.shocks:
        needed.append("factor_sd")
    needed.append("residual_log_sd")
    if "trader" in luck.volatility_by:
        needed.append("residual_log_sd_spread")
    if "regime" in luck.volatility_by:
        needed.append("residual_log_sd_regime")
    if luck.tails == "student_t":
        needed.append("tail_excess")
    return tuple(needed)


def _needed_by_day_parts(luck: Luck) -> tuple[str, ...]:
    shock = ("session_sd",) if "session" in luck.shocks else ()
    spread = ("residual_log_sd_spread",) if "trader" in luck.volatility_by else ()
    return ("skill_mean", "skill_sd_trader", "skill_correlation", *shock, "residual_log_sd", *spread, "residual_correlation")


def _needed_by_choices(skill: Skill, luck: Luck) -> tuple[str, ...]:
    by_term = {
        "trader": ("choice_sd_trader",),
        "stratum": ("choice_sd_stratum",),
        "features": ("choice_feature",),
        "discrimination": ("discrimination_mean", "discrimination_sd_trader"),
    }
    shock = ("choice_sd_trader_session",) if "trader:session" in luck.shocks else ()
    return ("choice_mean", *(name for term in skill.terms for name in by_term[term]), *shock)
