"""Everything that can be wrong with a specification beyond its keys and types: a flat list of checks, each returning texts."""

from __future__ import annotations

from collections.abc import Iterable

from skillstats.errors import show
from skillstats.spec.model import ModelSpec, needed_priors
from skillstats.spec.vocabulary import SLOTS, TARGETS, WORDS


def spec_problems(spec: ModelSpec) -> list[str]:
    """Every problem of a specification, a sentence each; empty if it can be built."""
    words = _words(spec)
    return words or [problem for check in CHECKS for problem in check(spec)]


def _words(spec: ModelSpec) -> list[str]:
    found = _unknown("target", [spec.target], TARGETS)
    given: list[tuple[str, Iterable[str]]] = [
        ("skill.terms", spec.skill.terms),
        ("skill.population", [spec.skill.population]),
        ("skill.slopes", spec.skill.slopes),
        ("skill.drift", [spec.skill.drift] if spec.skill.drift is not None else []),
        ("luck.tails", [spec.luck.tails]),
        ("luck.shocks", spec.luck.shocks),
        ("luck.volatility_by", spec.luck.volatility_by),
        ("luck.trader_session_scale", [spec.luck.trader_session_scale] if spec.luck.trader_session_scale is not None else []),
        ("luck.exposure_level", [spec.luck.exposure_level] if spec.luck.exposure_level is not None else []),
    ]
    for place, words in given:
        found += _unknown(place, words, WORDS[place])
    for name, prior in spec.priors.items():
        found += _unknown(f"priors.{name}.distribution", [prior.distribution], WORDS["prior.distribution"])
        found += _unknown(f"priors.{name}.unit", [prior.unit], WORDS["prior.unit"])
    return found


def _unknown(place: str, words: Iterable[str], valid: Iterable[str]) -> list[str]:
    words = list(words)
    found = [f"{place}={show(w)}, not a word of the vocabulary; valid: {', '.join(valid)}" for w in words if w not in valid]
    return found + [f"{place}={show(w)}, stands twice" for w in dict.fromkeys(words) if words.count(w) > 1]


def _shock_scale(spec: ModelSpec) -> list[str]:
    return _with_shock(spec, "trader_session_scale", "trader:session") + _with_shock(spec, "exposure_level", "session:exposure")


def _with_shock(spec: ModelSpec, key: str, shock: str) -> list[str]:
    stated, present = getattr(spec.luck, key) is not None, shock in spec.luck.shocks
    valid = ", ".join(WORDS[f"luck.{key}"])
    if present and not stated:
        return [f"luck.{key} is missing; with the shock {shock} write one of {valid}"]
    return [f"luck.{key} has no use without the shock {shock}; remove it"] if stated and not present else []


def _target(spec: ModelSpec) -> list[str]:
    """Whoever takes the factor's part out of the outcome no longer speaks about all of it."""
    factor = "session:exposure" in spec.luck.shocks
    if factor and spec.target == "total":
        return ["target='total', must be 'selection' with the shock session:exposure: what the factor explains is no part of it"]
    if spec.target == "selection" and not factor:
        return ["target='selection', needs the shock session:exposure; without it the skill is total"]
    return []


def _population(spec: ModelSpec) -> list[str]:
    if spec.skill.population != "normal" and "trader" not in spec.skill.terms:
        return [f"skill.population={show(spec.skill.population)} is a population of traders; add the term trader or write normal"]
    if spec.skill.drift is not None and "trader" not in spec.skill.terms:
        return ["skill.drift needs the term trader: what drifts is a trader's skill"]
    return []


def _interaction(spec: ModelSpec) -> list[str]:
    if "trader:regime" in spec.skill.terms and not {"trader", "regime"} <= set(spec.skill.terms):
        return ["skill.terms has trader:regime without trader and regime; an interaction needs both"]
    return []


def _prior_names(spec: ModelSpec) -> list[str]:
    needed = needed_priors(spec.skill, spec.luck)
    listed = ", ".join(needed)
    found = [f"priors.{name} is missing; this structure needs {listed}" for name in needed if name not in spec.priors]
    return found + [
        f"priors.{show(name)[1:-1]} is not used; this structure needs {listed}" for name in spec.priors if name not in needed
    ]


def _priors(spec: ModelSpec) -> list[str]:
    found = []
    for name, prior in spec.priors.items():
        slot = SLOTS.get(name)
        if slot is None:
            continue
        if prior.distribution != slot.distribution:
            found.append(f"priors.{name}.distribution={show(prior.distribution)}, must be {slot.distribution}")
        if prior.unit not in slot.units:
            found.append(f"priors.{name}.unit={show(prior.unit)}, must be one of {', '.join(slot.units)}")
        if (prior.mu is not None) != (prior.distribution in ("normal", "unit_normal")):
            found.append(f"priors.{name}.mu: state it for normal and unit_normal and for no other distribution")
        if prior.unit == "share" and prior.sigma > 1:
            found.append(f"priors.{name}.sigma={prior.sigma:g}, a share is at most 1")
    return found


CHECKS = (_shock_scale, _target, _population, _interaction, _prior_names, _priors)
