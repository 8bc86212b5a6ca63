"""Thirty-three hostile names against the page of every registered reader: no new element, no new attribute, no way out of the page."""

from __future__ import annotations

import dataclasses
import sys
from collections import Counter
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parent))

import hostile
import sample as made

from skillstats.evaluation.minutes import expectation
from skillstats.evaluation.result import Evaluation
from skillstats.ledger.build import build_ledger
from skillstats.ledger.containers import Ledger
from skillstats.plan import parse_plan
from skillstats.record.read import read_record
from skillstats.report.page import make_pages
from skillstats.report.readers import READERS, Material
from skillstats.simulate.desk import simulate_tables
from skillstats.simulate.world import World

PLAIN = tuple(f"name {k:02d}" for k in range(len(hostile.NAMES)))


class Parts(HTMLParser):
    """Elements and attributes of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: Counter[str] = Counter()
        self.attributes: Counter[tuple[str, str]] = Counter()
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements[tag] += 1
        self.attributes.update((tag, k) for k, _ in attrs)


@cache
def ledger_of(names: tuple[str, ...]) -> Ledger:
    """A few sessions of a desk of thirty-three, every text of a trader replaced by its name."""
    tables, _ = simulate_tables(World(traders=len(names), sessions=4, signals_per_day=2.0, directional=()), seed=2)
    frames = {name: pd.DataFrame(columns, dtype=object) for name, columns in tables.tables.items()}
    actions = frames["actions"].copy()
    own = [names[int(t[1:]) - 1] for t in actions["trader"]]
    for column in ("trader", "reason", "desk", "source"):
        actions[column] = own
    types = dict(zip(actions["signal_id"], own, strict=True))
    signals = frames["signals"].assign(signal_type=[types.get(s, names[0]) for s in frames["signals"]["signal_id"]])
    plan = parse_plan(tables.plan.encode(), "plan")
    return build_ledger(read_record({**frames, "actions": actions, "signals": signals}, plan), plan)


@cache
def evaluation_of(names: tuple[str, ...]) -> Evaluation:
    """An evaluation of everybody, in every name's own regime too, with a decision on each."""
    ledger = ledger_of(names)
    rows = [made.row(n, ir=0.05 * k - 0.6) for k, n in enumerate(names)]
    rows += [made.row(n, n, ir=0.1, status="FLAG", codes=[made.code("W-LUCK", n)]) for n in names[:5]]
    found = made.sample(
        rows, source=made.source(ledger=ledger.digest, traders=len(names)), plan=made.plan(name=names[0]), caveats=names
    )
    decided = tuple(decision(found, n, k) | {"came": None} for k, n in enumerate(names))
    return dataclasses.replace(found, minutes=decided)


def decision(found: Evaluation, name: str, k: int) -> dict[str, object]:
    about = {"manifest": "0" * 64, "file": "1" * 64, "plan": "2" * 64}
    told = {
        "at": k,
        "clock": "given",
        "seq": k,
        "by": name,
        "trader": name,
        "regime": "all",
        "decision": "keep",
        "fraction": None,
        "why": name,
    }
    return told | {"evaluation": about, "expected": expectation(found, name, "all"), "digest": "d" * 64}


def page(audience: str, names: tuple[str, ...], whose: int | None) -> str:
    found = evaluation_of(names)
    minutes = tuple(decision(found, n, k) for k, n in enumerate(names))
    material = Material(found, ledger_of(names), None if whose is None else names[whose], minutes)
    return make_pages(material, audience=audience).page


CASES = [(name, k) for name, reader in READERS.items() for k in (range(0, len(PLAIN), 4) if reader.needs_trader else (None,))]


@pytest.mark.parametrize(("audience", "whose"), CASES)
def test_hostile_names_add_no_element_and_no_attribute(audience: str, whose: int | None) -> None:
    bad, good = Parts(page(audience, hostile.NAMES, whose)), Parts(page(audience, PLAIN, whose))
    assert bad.elements == good.elements
    assert bad.attributes == good.attributes
    assert not any(k.startswith("on") for _, k in bad.attributes)


def test_the_door_lets_all_of_them_in() -> None:
    assert set(ledger_of(hostile.NAMES).rows["trader"].drop_null().to_pylist()) == set(hostile.NAMES)
