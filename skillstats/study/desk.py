"""Simulated desks as models see them: evidence, its truth, and what came afterwards, on either level of a world.

``outcomes`` draws standardised outcomes from the generative equations, hundreds of desks a second. ``market`` draws prices, signals, actions and
fills, writes them as a stranger would hand them in, and lets the record, the ledger and the evidence of the package do the rest. Both have the same skill
for the same seed, and the same kind of truth. It stands on the floor of studies because evidence lies above simulation.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Literal

import msgspec
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skillstats.errors import UsageError, show
from skillstats.evidence import Evidence, to_evidence
from skillstats.evidence.labels import code_quarters
from skillstats.ledger.build import build_ledger
from skillstats.plan import parse_plan
from skillstats.record.read import read_record
from skillstats.simulate.desk import simulate_market
from skillstats.simulate.knobs import SIGNAL_TYPES
from skillstats.simulate.outcomes import draw_outcomes
from skillstats.simulate.real import simulate_on_prices
from skillstats.simulate.seen import Outcomes
from skillstats.simulate.skill import ACTIONS
from skillstats.simulate.tables import SimulatedTables
from skillstats.simulate.truth import Truth
from skillstats.simulate.world import World

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
CURRENCY: Final = "USD"
ALL: Final = "all"


@dataclass(frozen=True, slots=True)
class Desk:
    """A simulated desk.

    evidence : what models take; truth : what was planted, traders in the order T1, T2, ...
    forward : (trader,) in the order of `truth.traders`: mean y of the rows of evidence of the 63 sessions after the record, drawn under the same truth;
        NaN for who has none, for example because he left
    """

    evidence: Evidence
    truth: Truth
    forward: FloatArray

    @property
    def positions(self) -> IntArray:
        """Place in `truth.traders` and `forward` of each trader of ``evidence.coords["trader"]``, whose names are sorted as text."""
        return np.array([int(name[1:]) - 1 for name in self.evidence.coords["trader"]], dtype=np.int64)

    def __repr__(self) -> str:
        return f"Desk of {self.truth.level}: {self.evidence}\n{self.truth.summary()}"


def simulate_outcomes(world: World, *, seed: int) -> Desk:
    """Simulate a desk's outcomes without prices.

    Parameters
    ----------
    world : what the desk is like
    seed : 0 or larger

    Raises
    ------
    UsageError
        If the world or the seed cannot be used, or nobody decides anything.

    Examples
    --------
    >>> desk = simulate_outcomes(World(sessions=60, traders=3, directional=()), seed=1)
    >>> len(desk.evidence) == sum(t.decisions for t in desk.truth.traders), desk.forward.shape
    (True, (3,))
    """
    outcomes, truth, forward = draw_outcomes(world, seed=seed)
    return Desk(as_evidence(outcomes, truth.world), truth, forward)


def as_evidence(outcomes: Outcomes, world: World) -> Evidence:
    """Drawn outcomes in the container that models take, as a record of the same rows would give them."""
    if not len(outcomes.value_add):
        raise UsageError("nobody decided anything in this world; raise signals_per_day, override_rate or sessions")
    names = {
        "trader": tuple(f"T{j + 1}" for j in range(world.traders)),
        "session": outcomes.label,
        "regime": tuple(state.label for state in world.regimes),
        "action": ACTIONS,
        "signal_type": SIGNAL_TYPES,
    }
    given = {k: getattr(outcomes, k) for k in ("trader", "session", "regime", "action")} | {"signal_type": outcomes.kind}
    codes: dict[str, Any] = {}
    coords: dict[str, tuple[str, ...]] = {}
    for name, code in given.items():
        codes[name], coords[name] = _coded(code, names[name])
    kinds = {"signal_type": codes.pop("signal_type")}
    if len(coords["signal_type"]) == 1:
        kinds = {}
        coords.pop("signal_type")
    quarter, quarters = _quarters(coords["session"])
    if quarters:
        kinds["quarter"], coords["quarter"] = quarter[codes["session"]], quarters
    told: dict[str, Any] = {}
    if world.factor.observed:
        told = {"exposure": outcomes.exposure, "factor_return": outcomes.factor[outcomes.session]}
    return Evidence(
        value_add=outcomes.value_add, risk=outcomes.risk, y=outcomes.value_add / outcomes.risk, **codes,
        decision=np.unique(outcomes.decision, return_inverse=True)[1].astype(np.int64), coords=coords,
        source="record", unit=CURRENCY, has_risk=True, scale=1.0,
        sessions_per_year=world.sessions_per_year, sessions_spanned=world.sessions,
        counts={"incomplete": int(outcomes.still_open.sum() + outcomes.lost.sum()), "late": 0, "no_risk": 0},
        context={"by_trader": _coverage(outcomes), "late_by_trader": {}, "look_ahead": 0}, labels=kinds, **told,
    )  # fmt: skip


def _coded(code: IntArray, names: tuple[str, ...]) -> tuple[IntArray, tuple[str, ...]]:
    """Codes into the names that occur, sorted as text."""
    occurs = np.bincount(code, minlength=len(names)) > 0
    order = sorted(np.flatnonzero(occurs).tolist(), key=lambda k: names[k])
    place = np.zeros(len(names), dtype=np.int64)
    place[order] = np.arange(len(order))
    return place[code], tuple(names[k] for k in order)


@lru_cache(maxsize=16)
def _quarters(sessions: tuple[str, ...]) -> tuple[IntArray, tuple[str, ...]]:
    """Calendar quarter of each session, and names of the quarters; none where all lie in one."""
    labels, levels = code_quarters(sessions)
    return labels.get("quarter", np.zeros(len(sessions), dtype=np.int64)), levels.get("quarter", ())


def _coverage(outcomes: Outcomes) -> dict[str, dict[str, int]]:
    """Decisions of each trader by what became of them, as a ledger states it."""
    counts = zip(outcomes.made.tolist(), outcomes.still_open.tolist(), outcomes.lost.tolist(), strict=True)
    return {
        f"T{j + 1}": {"decisions": n, "closed": n - o - u, "open": o, "unavailable": u, "quarantined": 0}
        for j, (n, o, u) in enumerate(counts)
        if n
    }


def simulate_desk(world: World, *, seed: int, level: Literal["outcomes", "market"] = "outcomes", prices: object = None) -> Desk:
    """Simulate a desk on either level, or on real prices.

    Parameters
    ----------
    world : what the desk is like
    seed : 0 or larger; gives the same skill on both levels
    level : ``outcomes``, or ``market``: through prices, record and ledger
    prices : real ones in place of simulated ones, for the level ``market``: CSV file, folder that holds ``prices.csv``, or data frame in the record's
        format; what comes after the record is then not known, and `forward` is NaN

    Raises
    ------
    UsageError
        If the world or the seed cannot be used; on the market level also for the few keys that prices within a session cannot carry.
    """
    if level == "outcomes":
        if prices is not None:
            raise UsageError('prices were given, but outcomes are drawn without any; use level = "market"')
        return simulate_outcomes(world, seed=seed)
    if level == "market":
        return _through_the_door(world, seed) if prices is None else _on_prices(world, seed, prices)
    raise UsageError(f"level = {show(level)}, must be outcomes or market")


def _through_the_door(world: World, seed: int) -> Desk:
    """Prices and orders, read and priced as if a stranger had sent them; what comes after the record is drawn by its equations."""
    tables, truth, skill, theta = simulate_market(world, seed=seed)
    everybody = msgspec.structs.replace(world, presence=msgspec.structs.replace(world.presence, leavers=0.0, forgotten=False))
    forward = draw_outcomes(everybody, seed=seed, skill=skill, theta=theta)[2]
    left = np.array([t.present[1] < world.sessions for t in truth.traders])
    return Desk(_evidence_of(tables), truth, np.where(left, np.nan, forward))


def _on_prices(world: World, seed: int, prices: object) -> Desk:
    """Orders on real prices, read and priced in the same way."""
    tables, truth = simulate_on_prices(world, prices, seed=seed)
    return Desk(_evidence_of(tables), truth, np.full(world.traders, np.nan))


def _evidence_of(tables: SimulatedTables) -> Evidence:
    """Record, ledger and evidence of raw tables."""
    frames = {name: pd.DataFrame(columns, dtype=object) for name, columns in tables.tables.items()}
    return to_evidence(build_ledger(read_record(frames, parse_plan(tables.plan.encode(), "plan of the world"))))
