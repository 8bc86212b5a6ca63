"""Everything that can be wrong with a specification beyond its keys and types: a flat list of checks, each returning texts."""

from __future__ import annotations

from collections.abc import Iterable

from skillstats.errors import show
from skillstats.spec.model import ModelSpec, needed_priors
from skillstats.spec.vocabulary import FAMILY_WORDS, NUMBERS, OTHER_FAMILIES_ONLY, SLOTS, TARGETS, WORDS


def spec_problems(spec: ModelSpec) -> list[str]:
    """Every problem of a specification, a sentence each; empty if it can be built."""
    words = _words(spec)
    return words or _family(spec) or [problem for check in CHECKS for problem in check(spec)]


def _words(spec: ModelSpec) -> list[str]:
    found = _unknown("target", [spec.target], TARGETS)
    given: list[tuple[str, Iterable[str]]] = [
        ("family", [spec.family]),
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


def _family(spec: ModelSpec) -> list[str]:
    """Words that exist, but not in a model of this family."""
    said = {
        "skill.terms": spec.skill.terms,
        "skill.population": (spec.skill.population,),
        "luck.tails": (spec.luck.tails,),
        "luck.shocks": spec.luck.shocks,
        "luck.volatility_by": spec.luck.volatility_by,
    }
    own = FAMILY_WORDS.get(spec.family)
    outcomes = {place: tuple(w for w in WORDS[place] if w not in OTHER_FAMILIES_ONLY) for place in said}
    allowed = own if own is not None else outcomes
    found = [
        f"{place}={show(w)}, not in the family {spec.family}; valid: {', '.join(allowed[place]) or 'none'}"
        for place, words in said.items()
        for w in words
        if w not in allowed[place]
    ]
    further = {
        "skill.slopes": spec.skill.slopes,
        "skill.drift": spec.skill.drift,
        "luck.exposure_level": spec.luck.exposure_level,
        "luck.trader_session_scale": spec.luck.trader_session_scale,
    }
    if own is not None:
        found += [f"{place} has no use in the family {spec.family}; remove it" for place, value in further.items() if value]
    if spec.luck.tails == "student_t":
        found += _beyond_rows(spec)
    if spec.family == "day_parts" and spec.skill.terms != ("trader",):
        found.append("skill.terms must be trader in the family day_parts")
    return found


def _beyond_rows(spec: ModelSpec) -> list[str]:
    """What only a likelihood on cells can hold."""
    said = {
        "skill.slopes": bool(spec.skill.slopes),
        "skill.terms desk": "desk" in spec.skill.terms,
        "luck.shocks session:exposure": "session:exposure" in spec.luck.shocks,
    }
    return [f"{place}, not with luck.tails='student_t'; remove it or write normal" for place, used in said.items() if used]


def _shock_scale(spec: ModelSpec) -> list[str]:
    if spec.family != "outcomes":
        return []
    return _with_shock(spec, "trader_session_scale", "trader:session") + _with_shock(spec, "exposure_level", "session:exposure")


def _with_shock(spec: ModelSpec, key: str, shock: str) -> list[str]:
    stated, present = getattr(spec.luck, key) is not None, shock in spec.luck.shocks
    valid = ", ".join(WORDS[f"luck.{key}"])
    if present and not stated:
        return [f"luck.{key} is missing; with the shock {shock} write one of {valid}"]
    return [f"luck.{key} has no use without the shock {shock}; remove it"] if stated and not present else []


def _target(spec: ModelSpec) -> list[str]:
    """Whoever takes the factor's part out of the outcome no longer speaks about all of it."""
    own = {"day_parts": "parts", "choices": "discrimination"}.get(spec.family)
    if own is not None or spec.target in ("parts", "discrimination"):
        right = own or "total' or 'selection"
        return [] if spec.target == own else [f"target={show(spec.target)}, must be '{right}' in the family {spec.family}"]
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
    needed = needed_priors(spec.skill, spec.luck, spec.family)
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
        numbers = NUMBERS[prior.distribution]
        stated = {"mu": prior.mu is not None, "sigma": prior.sigma > 0, "eta": prior.eta is not None}
        for key, is_stated in stated.items():
            if is_stated != (key in numbers):
                found.append(
                    f"priors.{name}.{key}: {prior.distribution} takes {', '.join(numbers)} (sigma and eta > 0) and no other number"
                )
        if prior.unit == "share" and prior.sigma > 1:
            found.append(f"priors.{name}.sigma={prior.sigma:g}, a share is at most 1")
    return found


CHECKS = (_shock_scale, _target, _population, _interaction, _prior_names, _priors)
