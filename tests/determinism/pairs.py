"""Covering designs: few combinations in which every two (or three) settings meet. Deterministic, greedy, small."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations, product
from typing import Any

Case = dict[str, Any]


def every_case(factors: Mapping[str, Sequence[Any]]) -> list[Case]:
    """The whole product."""
    return [dict(zip(factors, values, strict=True)) for values in product(*factors.values())]


def meetings(case: Case, strength: int) -> set[tuple[tuple[str, Any], ...]]:
    """Every `strength` settings of a case, in order of the names of their factors."""
    return set(combinations(sorted(case.items()), strength))


def covering(factors: Mapping[str, Sequence[Any]], strength: int = 2) -> list[Case]:
    """Cases in which every `strength` settings of as many factors occur together at least once.

    Each case starts from settings that have not met yet; every other factor takes the setting that brings most new meetings, the first of
    equals.
    """
    names = [sorted(chosen) for chosen in combinations(sorted(factors), strength)]
    missing = {tuple(zip(own, values, strict=True)) for own in names for values in product(*(factors[n] for n in own))}
    order = sorted(missing, key=repr)
    cases = []
    for start in order:
        if start not in missing:
            continue
        case: Case = dict(start)
        for name in factors:
            if name not in case:
                case[name] = max(factors[name], key=lambda v, n=name: _gain(case | {n: v}, n, strength, missing))
        missing -= meetings(case, strength)
        cases.append({name: case[name] for name in factors})
    return cases


def _gain(case: Case, name: str, strength: int, missing: set[tuple[tuple[str, Any], ...]]) -> int:
    """Meetings of the setting of `name` with the rest of a case that are still missing."""
    return sum(name in dict(m) for m in meetings(case, strength) & missing)
