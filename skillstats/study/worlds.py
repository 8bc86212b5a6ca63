"""Worlds whose truth is known: parameters from a specification's own priors, outcomes from its generative equations, in numpy.

Nothing here reads the PyMC components or the Gibbs kernels: the equations are written a second time, row by row, with every shock drawn
(`equations`). Terms that the labels of a table cannot separate are left out of the world as they are left out of the fit: the truth
of a fit is the model that is fitted. Labels, sizes and exposures beyond trader, session, regime and action exist only where the
specification has a word that reads them. A family with other equations has its own function in `WORLDS`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from skillstats.errors import UsageError
from skillstats.evidence import Choices, DayParts, Evidence
from skillstats.evidence.day_parts import PARTS
from skillstats.inference.build_choices import separable_choices
from skillstats.inference.build_day_parts import separable_parts
from skillstats.inference.separable import separable_terms
from skillstats.spec.model import ModelSpec
from skillstats.study.designs import Design, Table, lay_table
from skillstats.study.equations import draw_luck, draw_residuals, draw_shocks, draw_skill, row_means
from skillstats.study.family_equations import draw_acted, draw_parts, draw_propensity, part_outcomes

FloatArray = NDArray[np.float64]
SESSIONS_PER_YEAR: Final = 252.0
LEVELS: Final = {"signal_type": 3, "asset_class": 2, "model_version": 2, "desk": 2, "quarter": 5}
"""Levels of the optional labels of a world."""
FEATURES: Final = ("first", "second")
HINDSIGHT_SD: Final = 2.0
"""sd of v in worlds of choices: 150 signals a trader then say about as much of a lambda as its prior, of sd .1, does."""


@dataclass(frozen=True, slots=True)
class World:
    """One simulated desk. truth : true value of every posterior variable, without draw dimensions; evidence : its outcomes."""

    truth: Mapping[str, FloatArray]
    evidence: Evidence | DayParts | Choices


Maker = Callable[[ModelSpec, Design, np.random.Generator], World]


def draw_world(spec: ModelSpec, design: Design, rng: np.random.Generator) -> World:
    """Draw labels, parameters and outcomes of one world.

    Parameters
    ----------
    spec : specification; its priors are the population of truths, annual ones divided by sqrt(B) of the design
    design : labels
    rng : generator; the only source of chance

    Raises
    ------
    UsageError
        If the model's family has no worlds.
    """
    if spec.family not in WORLDS:
        raise UsageError(f"model {spec.name}: no worlds can be drawn for the family {spec.family}; there are {', '.join(WORLDS)}")
    return WORLDS[spec.family](spec, design, rng)


def linear_world(spec: ModelSpec, design: Design, rng: np.random.Generator) -> World:
    """World of the equations of `equations`: every model whose outcomes are normal around a sum of effects and shocks."""
    blank = with_extras(spec, to_evidence(lay_table(design, rng), np.zeros(0), design), design, rng)
    terms = separable_terms(spec, blank)
    truth = draw_skill(spec, terms, blank, design.bets_per_year, rng) | draw_luck(spec, terms, blank, rng)
    y = row_means(truth, blank) + draw_shocks(truth, blank, rng, terms=terms) + draw_residuals(truth, blank, rng)
    return World(truth, with_outcomes(blank, y))


def with_outcomes(evidence: Evidence, y: FloatArray) -> Evidence:
    """The evidence with other outcomes y; value-add follows through the risk."""
    return replace(evidence, y=y, value_add=y * evidence.risk)


def with_extras(spec: ModelSpec, evidence: Evidence, design: Design, rng: np.random.Generator) -> Evidence:
    """The evidence with the labels, sizes and exposures that the words of `spec` read.

    A trader belongs to one desk; quarters divide the sessions; the other labels vary from row to row. Sizes are lognormal with sd .5 of the
    log. Exposures are direction x beta, one direction a trader and session, beta ~ Uniform(.6, 1.4).
    """
    rows = len(evidence)
    labels = {
        "signal_type": rng.integers(0, LEVELS["signal_type"], rows),
        "asset_class": rng.integers(0, LEVELS["asset_class"], rows),
        "model_version": evidence.session * LEVELS["model_version"] // design.sessions,
        "desk": evidence.trader % LEVELS["desk"],
        "quarter": evidence.session * LEVELS["quarter"] // design.sessions,
    }
    wanted = [name for name in LEVELS if name in spec.skill.terms or name == getattr(spec.skill, "drift", None)]
    codes = {name: labels[name].astype(np.int64) for name in wanted}
    names = {name: tuple(f"{name}-{i}" for i in range(LEVELS[name])) for name in wanted}
    risk = np.exp(0.5 * rng.standard_normal(rows)) if getattr(spec.skill, "slopes", ()) else evidence.risk
    exposure = None
    if "session:exposure" in spec.luck.shocks:
        side = rng.choice([-1.0, 1.0], (design.traders, design.sessions))
        exposure = side[evidence.trader, evidence.session] * rng.uniform(0.6, 1.4, rows)
    return replace(evidence, labels=codes, coords={**evidence.coords, **names}, risk=risk, exposure=exposure)


def to_evidence(table: Table, y: FloatArray, design: Design) -> Evidence:
    """Evidence of outcomes with unit risk, zeros where `y` is empty; a level that no row has keeps its name, so shapes do not depend on chance."""
    y = y if len(y) else np.zeros(len(table))
    coords = _names(trader=design.traders, session=design.sessions, regime=design.regimes, action=design.actions)
    return Evidence(
        value_add=y,
        risk=np.ones(len(y)),
        y=y,
        trader=table.trader,
        session=table.session,
        regime=table.regime,
        action=table.action,
        decision=np.arange(len(y)),
        coords=coords,
        source="record",
        unit="risk",
        has_risk=True,
        scale=1.0,
        sessions_per_year=SESSIONS_PER_YEAR,
        sessions_spanned=design.sessions,
        counts={},
        context={},
    )


def parts_world(spec: ModelSpec, design: Design, rng: np.random.Generator) -> World:
    """World of trader-days in three parts: one for each trader-session of the design's table that has a row, unit risk."""
    table = lay_table(design, rng)
    pair = np.unique(table.trader * design.sessions + table.session)
    blank = DayParts(
        value=np.zeros((len(pair), len(PARTS))),
        risk=np.ones(len(pair)),
        y=np.zeros((len(pair), len(PARTS))),
        trader=pair // design.sessions,
        session=pair % design.sessions,
        coords=_names(trader=design.traders, session=design.sessions) | {"part": PARTS},
        source="table",
        unit="risk",
        sessions_per_year=SESSIONS_PER_YEAR,
        sessions_spanned=design.sessions,
    )
    truth = draw_parts(spec, separable_parts(spec, blank), blank, design.bets_per_year, rng)
    y = part_outcomes(truth, blank, rng)
    return World(truth, replace(blank, y=y, value=y))


def choices_world(spec: ModelSpec, design: Design, rng: np.random.Generator) -> World:
    """World of signals: the rows of the design's table; regime and action make the stratum, two features and v are normal.

    A world in which every signal was acted upon, or none, is kept: `read_choices` would refuse it, but leaving it out would change the prior.
    """
    table = lay_table(design, rng)
    blank = Choices(
        acted=np.zeros(len(table), dtype=bool),
        v_star=HINDSIGHT_SD * rng.standard_normal(len(table)),
        trader=table.trader,
        session=table.session,
        stratum=table.regime * design.actions + table.action,
        features=rng.normal(3.0, 2.0, (len(table), len(FEATURES))),
        coords=_names(trader=design.traders, session=design.sessions, stratum=design.regimes * design.actions)
        | {"feature": FEATURES},
        source="table",
        sessions_per_year=SESSIONS_PER_YEAR,
        sessions_spanned=design.sessions,
        counts={},
        look_ahead=0,
    )
    truth = draw_propensity(spec, separable_choices(spec, blank), blank, rng)
    return World(truth, replace(blank, acted=draw_acted(truth, blank, rng)))


def _names(**sizes: int) -> dict[str, tuple[str, ...]]:
    """Names of levels: first letter of the label and a number."""
    return {name: tuple(f"{name[0].upper()}{i:04d}" for i in range(size)) for name, size in sizes.items()}


WORLDS: Final[dict[str, Maker]] = {"outcomes": linear_world, "day_parts": parts_world, "choices": choices_world}
"""Family of a specification to the function that draws its worlds."""
