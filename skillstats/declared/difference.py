"""In which keys two plans differ, and what each key can change.

A key acts at the first stage it reaches and at every later one: what prices a ledger also changes the evidence, the fit, the verdict and
the pages. ``EFFECTS`` states the stages of every key; the evaluation of a ledger under another plan rests on the same table.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from skillstats.errors import show
from skillstats.plan import Asset, ColumnReading, Plan
from skillstats.record.plan_text import MEANING

Stages = tuple[str, ...]
STAGES: Final[Stages] = ("ledger", "evidence", "fit", "verdict", "pages")
ALL: Final = STAGES
FROM_EVIDENCE: Final = STAGES[1:]
FROM_FIT: Final = STAGES[2:]
FROM_VERDICT: Final = STAGES[3:]
PAGES: Final = STAGES[4:]
BESIDE: Final = ("ledger", "pages")
"""Tables of the ledger and what is shown of them; no verdict."""
NOTHING: Final[Stages] = ()
"""No number: only which input is refused."""

SECTIONS: Final[Mapping[str, Stages]] = {
    "max_age": ALL,
    "calendar": ALL,
    "fees": ALL,
    "impact": ALL,
    "assets": ALL,
    "columns": ALL,
    "regimes": ALL,
    "model": FROM_FIT,
    "evidence": FROM_EVIDENCE,
    "verdict": FROM_VERDICT,
    "floors": FROM_VERDICT,
    "privacy": PAGES,
    "limits": NOTHING,
}
"""Section to the stages its keys reach."""

EFFECTS: Final[Mapping[str, Stages]] = {
    "schema": NOTHING,
    "name": PAGES,
    "period": ALL,
    "horizon": ALL,
    "decay": BESIDE,
    "fill_model": ALL,
    "latency": ALL,
    "currency": ALL,
    "seed": FROM_FIT,
    "asof_model": ALL,
    "supersede": ALL,
    "unfilled": ALL,
    "max_skew": ALL,
    "late_after": BESIDE,
    "as_of": ALL,
    "primary": FROM_VERDICT,
    "audiences": PAGES,
    "model.sessions_per_year": FROM_EVIDENCE,
}
"""Keys outside sections, and those that reach further than their section."""

PER_NAME: Final[Mapping[str, msgspec.Struct]] = {"assets": Asset(), "columns": ColumnReading()}
"""Sections with a table a name, and what stands for a name that is not there."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One key in which two plans differ.

    key : as it is written in the file, for example ``fees.bps`` or ``assets."XYZ".tick``
    before, after : values, JSON-ready; None: none given, for a whole asset or column that it is not there
    changes : stages it can reach, of `STAGES`; empty where it can change no number
    meaning : of the key, in a few words
    """

    key: str
    before: Any
    after: Any
    changes: Stages
    meaning: str

    def plain(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {
            "key": self.key,
            "before": self.before,
            "after": self.after,
            "changes": list(self.changes),
            "meaning": self.meaning,
        }

    @property
    def reach(self) -> str:
        """What it can change, in words."""
        return ", ".join(self.changes) or "no number, only what is refused"

    def __str__(self) -> str:
        return f"{self.key}: {value_text(self.before)} -> {value_text(self.after)}; can change: {self.reach}"


def plan_differences(before: Plan, after: Plan) -> tuple[Difference, ...]:
    """Every key in which two complete plans differ, defaults included.

    Parameters
    ----------
    before, after : plans; one that was frozen by an older version has this version's defaults for keys it did not know

    Returns
    -------
    tuple of Difference in the order of the file; empty if and only if the digests are equal

    Examples
    --------
    >>> for d in plan_differences(Plan(horizon="close"), Plan(horizon="session+1", name="Q3")):
    ...     print(d)
    name: '' -> 'Q3'; can change: pages
    horizon: 'close' -> 'session+1'; can change: ledger, evidence, fit, verdict, pages
    """
    found = []
    for field in msgspec.structs.fields(Plan):
        key = field.encode_name
        old, new = (getattr(p, field.name) for p in (before, after))
        if old == new:
            continue
        if isinstance(old, msgspec.Struct):
            found += list(_in_section(f"{key}.", old, new, f"{key}."))
        elif isinstance(old, Mapping):
            found += list(_in_names(key, old, new))
        else:
            found.append(_difference(key, old, new, key))
    return tuple(found)


def effects_of(place: str) -> Stages:
    """Stages a key reaches; `place` as in the table of meanings, for example ``assets.tick``."""
    return EFFECTS[place] if place in EFFECTS else SECTIONS[place.split(".", 1)[0]]


def value_text(value: Any) -> str:
    """A value of a plan as text, without anything that could disguise it."""
    if value is None:
        return "none"
    return show(value) if isinstance(value, str) else ascii(msgspec.json.encode(value).decode())[1:-1]


def _in_section(prefix: str, old: Any, new: Any, place: str) -> Iterator[Difference]:
    for field in msgspec.structs.fields(type(old)):
        one, two = getattr(old, field.name), getattr(new, field.name)
        if one != two:
            yield _difference(prefix + field.encode_name, one, two, place + field.encode_name)


def _in_names(key: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Difference]:
    """Assets or columns: one that stands in one plan only is compared with the defaults, which hold without it."""
    default = PER_NAME[key]
    for name in sorted({*old, *new}):
        place = f"{key}.{json.dumps(name)}"
        if (name in old) != (name in new):
            meaning = "whether it is declared at all; its keys follow where they are not the defaults"
            one, two = ("declared" if name in table else None for table in (old, new))
            yield Difference(place, one, two, SECTIONS[key], meaning)
        yield from _in_section(f"{place}.", old.get(name, default), new.get(name, default), f"{key}.")


def _difference(key: str, old: Any, new: Any, place: str) -> Difference:
    return Difference(key, msgspec.to_builtins(old), msgspec.to_builtins(new), effects_of(place), MEANING[place])
