"""From an entry of a study to simulated desks, and from their truth to what answers are held against."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import msgspec
import numpy as np
import pandas as pd

from skillstats.errors import UsageError
from skillstats.evidence import Evidence
from skillstats.simulate.truth import TraderTruth
from skillstats.simulate.world import World, require_world
from skillstats.study.desk import simulate_desk
from skillstats.study.planned.structs import DesignEntry, Study, WorldEntry

Level = Literal["outcomes", "market"]
When = Literal["record", "now"]


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


def draw_desk(world: World, *, seed: int, level: Level, when: When) -> Known:
    """Simulate one desk and state its truth for everybody of whom there is evidence.

    Parameters
    ----------
    level : ``outcomes`` or ``market``, see `skillstats.study.desk`
    when : ``record``: the mean of the record; ``now``: its last calendar quarter, for traders who decided something in it
    """
    desk = simulate_desk(world, seed=seed, level=level)
    regimes = desk.evidence.coords["regime"]
    present = set(zip(desk.evidence.trader.tolist(), desk.evidence.regime.tolist(), strict=True))
    rows: list[dict[str, Any]] = []
    for j, at in enumerate(desk.positions.tolist()):
        trader = desk.truth.traders[at]
        if not any(j == own for own, _ in present):
            continue
        theta, ir = _of_trader(trader, when)
        rows.append({"trader": trader.trader, "regime": "all", "theta": theta, "ir": ir, "forward": float(desk.forward[at])})
        cells = {c.regime: c for c in trader.regimes}
        for r, name in enumerate(regimes) if len(regimes) > 1 else ():
            if (j, r) in present:
                cell = cells[name]
                rows.append(
                    {
                        "trader": trader.trader,
                        "regime": name,
                        "theta": cell.theta_decision,
                        "ir": cell.ir_annual,
                        "forward": np.nan,
                    }
                )
    return Known(desk.evidence, pd.DataFrame(rows).astype({"theta": float, "ir": float}))


def _of_trader(trader: TraderTruth, when: When) -> tuple[float, float]:
    """Mean y of a decision and annual IR, over the record or as of its last quarter; the IR moves with the mean."""
    theta, ir = _number(trader.theta_decision), _number(trader.annual_ir)
    known = [q.theta_decision for q in trader.quarters if q.theta_decision is not None]
    if when == "record" or not known:
        return theta, ir
    return known[-1], known[-1] * ir / theta if theta else np.nan


def _number(value: float | None) -> float:
    return float("nan") if value is None else value
