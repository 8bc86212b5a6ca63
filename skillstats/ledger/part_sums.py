"""What one part of a ledger leaves in memory: sums and small tables that add up over the parts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from skillstats.ledger.bounds import refuse_total
from skillstats.ledger.carried import Span
from skillstats.ledger.decay import DecaySums
from skillstats.ledger.decisions import ChoiceCounts
from skillstats.ledger.doubts import Largest
from skillstats.ledger.kpis import KpiSums
from skillstats.ledger.worst_case import Case, bounds_of

Bounds = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class PartSums:
    """Sums of one part.

    counts : see `row_counts` and `other_counts`; totals : see `check_identities`; set_aside : rows set aside and dropped, by table
    coverage : by trader; cases : bounds of the chains set aside, by trader (None: nobody decided), see `bounds_of`
    first : first anchor of each asset, by position in the store; span : see `decided_span`; reach : see `Lost`
    decisions : how many; chains : those in the period; classes : see `value_add_by_class`; reasons : see `reason_counts`
    """

    counts: Mapping[str, int]
    totals: Mapping[str, int]
    quarantined: Mapping[str, int]
    dropped: Mapping[str, int]
    kpis: KpiSums
    choices: ChoiceCounts
    decay: Mapping[str, DecaySums] | None
    coverage: Mapping[str, Mapping[str, int]]
    cases: Mapping[str | None, Bounds]
    first: Mapping[int, int]
    span: Span
    reach: int
    largest: Largest | None
    decisions: int
    chains: int
    classes: Mapping[str, int]
    reasons: Mapping[str, int]


def cases_by_trader(cases: Iterable[Case]) -> dict[str | None, Bounds]:
    """Number, unbounded ones, lowest and highest sum of the cases of each trader."""
    every = list(cases)
    found = {}
    for trader in dict.fromkeys(c.trader for c in every):
        own = bounds_of(c for c in every if c.trader == trader)
        found[trader] = (own["chains"], own["unbounded"], own["lowest"], own["highest"])
    return found


def added(parts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """Sums by name, in the order of the first part."""
    total: dict[str, int] = {}
    for part in parts:
        for name, value in part.items():
            total[name] = total.get(name, 0) + value
    return total


def all_bounds(parts: Sequence[PartSums], base: int) -> dict[str, int]:
    """Bounds of all chains set aside, on top of `base` micro-units."""
    return _shown((b for p in parts for b in p.cases.values()), base)


def by_trader(parts: Sequence[PartSums]) -> dict[str, dict[str, Any]]:
    """Coverage of each trader's interventions, and bounds of the trader's chains that were set aside."""
    found: dict[str, dict[str, Any]] = {}
    for trader in sorted({t for p in parts for t in p.coverage}):
        own: dict[str, Any] = dict(added(p.coverage[trader] for p in parts if trader in p.coverage))
        found[trader] = own | {"bounds": _shown((p.cases[trader] for p in parts if trader in p.cases), 0)}
    return found


def _shown(bounds: Iterable[Bounds], base: int) -> dict[str, int]:
    chains, unbounded, lowest, highest = (sum(x) for x in zip((0, 0, base, base), *bounds, strict=True))
    return {"chains": chains, "unbounded": unbounded, "lowest": lowest, "highest": highest}


def refuse_reach(parts: Sequence[PartSums]) -> None:
    """Refuse a record whose chains together leave 64 bits (F110)."""
    refuse_total(sum(p.reach for p in parts))


def first_anchors(parts: Iterable[PartSums]) -> dict[int, int]:
    """First anchor of each asset in all parts."""
    first: dict[int, int] = {}
    for part in parts:
        for asset, anchor in part.first.items():
            first[asset] = min(first.get(asset, anchor), anchor)
    return first


def by_table(names: Iterable[str]) -> dict[str, int]:
    """How often each table occurs."""
    return dict(Counter(names))
