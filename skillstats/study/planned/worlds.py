"""From an entry of a study to simulated desks, and from their truth to what answers are held against."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
import pandas as pd

from skillstats.errors import UsageError
from skillstats.evidence import Evidence
from skillstats.simulate.world import World, require_world
from skillstats.study.planned.structs import DesignEntry, Study, WorldEntry


@dataclass(frozen=True, slots=True)
class Known:
    """A simulated desk and its truth.

    truth : columns trader, regime (``all`` or a regime), theta (mean y of the own decisions, y units), ir (annual), forward (realised mean y of the next 63
    sessions, NaN for a regime)
    """

    evidence: Evidence
    truth: pd.DataFrame


def make_world(study: Study, entry: WorldEntry, design: DesignEntry) -> tuple[World | None, list[str]]:
    """The world of one entry and design (None where it cannot be made), and everything wrong with it."""
    content: dict[str, Any] = {}
    for place, table in (("base", study.base), (f"worlds[{entry.name}]", entry.world), (f"designs[{design.name}]", design.world)):
        for key, value in table.items():
            found = _problem({key: value}, f"{place}.world" if place != "base" else place)
            if found:
                return None, _all_problems(study, entry, design)
            content[key] = value
    try:
        return require_world(msgspec.convert(content, World)), []
    except (UsageError, msgspec.ValidationError) as error:
        where = f"worlds[{entry.name}] with designs[{design.name}]"
        return None, [f"{where}: {line.removeprefix('world: ')}" for line in str(error).splitlines()]


def _all_problems(study: Study, entry: WorldEntry, design: DesignEntry) -> list[str]:
    tables = (("base", study.base), (f"worlds[{entry.name}].world", entry.world), (f"designs[{design.name}].world", design.world))
    return [why for place, table in tables for key, value in table.items() if (why := _problem({key: value}, place))]


def _problem(content: dict[str, Any], place: str) -> str:
    """What is wrong with one key of a world; '' if nothing that the key alone can say."""
    try:
        msgspec.convert(content, World)
    except msgspec.ValidationError as error:
        rule = str(error).partition(" - at `")[0]
        key, value = next(iter(content.items()))
        return f"{place}.{key} = {value!r}, {rule[0].lower() + rule[1:]}; see `skillstats simulate --schema`"
    return ""


def draw_desk(world: World, *, seed: int, level: str, when: str) -> Known:
    """Simulate one desk."""
    del level, when
    rng = np.random.default_rng(seed)
    J, S, m = world.traders, world.sessions, 4
    theta = 0.03 * rng.standard_normal(J)
    sv, su, sg = 0.3, 0.3, 0.85
    from skillstats.study.designs import Design, lay_table
    from skillstats.study.worlds import to_evidence, with_outcomes

    d = Design("x", "balanced", J, S, m, 1, 1)
    ev = to_evidence(lay_table(d, rng), np.zeros(0), d)
    V, U = sv * rng.standard_normal(S + 63), su * rng.standard_normal((J, S + 63))
    y = theta[ev.trader] + V[ev.session] + U[ev.trader, ev.session] + sg * rng.standard_normal(len(ev))
    f = theta + V[S:].mean() + U[:, S:].mean(axis=1) + sg / np.sqrt(63 * m) * rng.standard_normal(J)
    ir = theta * m * np.sqrt(252) / np.sqrt(m**2 * (sv**2 + su**2) + m * sg**2)
    truth = pd.DataFrame({"trader": ev.coords["trader"], "regime": "all", "theta": theta, "ir": ir, "forward": f})
    return Known(with_outcomes(ev, y), truth)
