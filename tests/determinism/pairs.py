"""All-pairs designs: few combinations in which every two settings meet. Deterministic, greedy, small."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations, product
from typing import Any

Case = dict[str, Any]


def every_case(factors: Mapping[str, Sequence[Any]]) -> list[Case]:
    """The whole product."""
    return [dict(zip(factors, values, strict=True)) for values in product(*factors.values())]


def pairs_of(case: Case) -> set[tuple[str, Any, str, Any]]:
    """Every two settings of a case."""
    return {(a, case[a], b, case[b]) for a, b in combinations(sorted(case), 2)}


def pairwise(factors: Mapping[str, Sequence[Any]]) -> list[Case]:
    """Cases in which every two settings of two factors occur together at least once.

    Each case starts from a pair that is still missing; every other factor takes the setting that covers most missing pairs, the
    first of equals.
    """
    missing = {p for a, b in combinations(sorted(factors), 2) for p in ((a, x, b, y) for x in factors[a] for y in factors[b])}
    order = {p: i for i, p in enumerate(sorted(missing, key=repr))}
    cases = []
    while missing:
        a, x, b, y = min(missing, key=order.__getitem__)
        case: Case = {a: x, b: y}
        for name in factors:
            if name not in case:
                case[name] = max(factors[name], key=lambda v, n=name: len(pairs_of(case | {n: v}) & missing))
        missing -= pairs_of(case)
        cases.append({name: case[name] for name in factors})
    return cases
