"""One door to the shipped engines for studies: the same call, the same container, whichever engine answers."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Final, overload

import msgspec
import numpy as np
import xarray as xr
from numpy.typing import NDArray
from xarray import DataTree

from skillstats.evidence import Choices, DayParts, Evidence
from skillstats.inference.breadth import Breadth
from skillstats.inference.container import Diagnostics, Fit
from skillstats.inference.family_fit import FamilyFit
from skillstats.inference.gibbs import gibbs_draws
from skillstats.inference.gibbs_layout import uncovered
from skillstats.inference.nuts import RERUN_TARGET_ACCEPT, fit
from skillstats.inference.separable import separable_terms
from skillstats.plan import ModelChoice, Plan
from skillstats.spec.model import ModelSpec
from skillstats.study.designs import Design

FloatArray = NDArray[np.float64]
ENGINES: Final = ("gibbs", "nuts")


@dataclasses.dataclass(frozen=True, slots=True)
class Run:
    """Length of a study's fits: draws and tune a chain, chains."""

    draws: int
    tune: int
    chains: int


RUNS: Final[Mapping[str, Run]] = {"gibbs": Run(1000, 300, 1), "nuts": Run(900, 400, 2)}
"""Length of a first run. A quantity with too few effective draws lengthens it, see `replicate`."""
LENGTHENINGS: Final[Mapping[str, tuple[int, ...]]] = {"gibbs": (1, 4, 16), "nuts": (1, 3, 12)}
"""Lengths of the runs that are tried, as multiples of the first; NUTS takes smaller steps in its last one."""
LONGER: Final[Mapping[str, int]] = {"choices": 2}
"""Families whose first run by NUTS is longer: half of the worlds of choices would need a second one."""


def plan_of(design: Design) -> Plan:
    """Plan that declares the design's bets a year, so that no count enters the prior."""
    return Plan(model=ModelChoice(bets_per_year=design.bets_per_year))


@overload
def posterior(spec: ModelSpec, evidence: Evidence, design: Design, *, engine: str, seed: int, lengthen: int = ...) -> Fit: ...
@overload
def posterior(
    spec: ModelSpec, evidence: DayParts | Choices, design: Design, *, engine: str, seed: int, lengthen: int = ...
) -> FamilyFit: ...


def posterior(
    spec: ModelSpec, evidence: Evidence | DayParts | Choices, design: Design, *, engine: str, seed: int, lengthen: int = 1
) -> Fit | FamilyFit:
    """Fit by a shipped engine with a study's run length, `lengthen` times as many sweeps or draws.

    The Gibbs engine is asked for plain draws: diagnostics of every parameter would cost more than the draws, and a study judges the
    quantities it ranks itself. A longer Gibbs run keeps every `lengthen`-th sweep.
    """
    run = RUNS[engine]
    if engine == "gibbs" and isinstance(evidence, Evidence):
        return _gibbs(spec, evidence, design, run, seed, lengthen)
    steps = max(RERUN_TARGET_ACCEPT if lengthen == LENGTHENINGS[engine][-1] else 0.0, spec.sampling.target_accept)
    sampling = msgspec.structs.replace(spec.sampling, target_accept=steps)
    return fit(
        msgspec.structs.replace(spec, sampling=sampling),
        evidence,
        seed=seed,
        engine=engine,
        plan=plan_of(design),
        draws=run.draws * LONGER.get(spec.family, 1) * lengthen,
        tune=run.tune,
        chains=run.chains,
        cores=1,
        rerun=False,
    )


def whole_fit(spec: ModelSpec, evidence: Evidence, design: Design, *, engine: str, seed: int) -> Fit:
    """The fit a user gets, with all its gates and its automatic rerun: four chains, of 500 draws each."""
    return fit(spec, evidence, seed=seed, engine=engine, plan=plan_of(design), draws=500, tune=500, chains=4, cores=1)


def _gibbs(spec: ModelSpec, evidence: Evidence, design: Design, run: Run, seed: int, lengthen: int) -> Fit:
    terms = separable_terms(spec, evidence)
    bets = design.bets_per_year if spec.needs_breadth else None
    found = gibbs_draws(
        spec,
        evidence,
        seed=seed,
        draws=run.draws,
        tune=run.tune * lengthen,
        chains=run.chains,
        every=lengthen,
        bets_per_year=bets,
        terms=terms,
    )
    coords = {d: np.array(evidence.levels(d), dtype=object) for d in {dim for dims in found.dims.values() for dim in dims}}
    variables = {name: (("chain", "draw", *found.dims[name]), value) for name, value in found.values.items()}
    nothing = Diagnostics((), 0, 1.0, 0.0, 1.0, run.chains, run.draws, run.tune * lengthen, 0.0, (), {})
    identity = {"spec": spec.digest, "engine": "gibbs", "seed": seed}
    tree = DataTree.from_dict({"posterior": xr.Dataset(variables, coords=coords)})
    return Fit(tree, spec, evidence, seed, Breadth(bets, "the design's"), terms, nothing, identity)


def with_posterior[F: Fit | FamilyFit](fit_: F, values: Mapping[str, FloatArray]) -> F:
    """The fit with other draws: `values` (draw, ...) for each variable, in one chain; a new one is a scalar or (draw, trader)."""
    old: xr.Dataset = fit_.tree["posterior"].to_dataset()
    dims = {
        name: ("chain", "draw", *(old[name].dims[2:] if name in old else ("trader",) * (np.ndim(value) - 1)))
        for name, value in values.items()
    }
    variables = {name: (dims[name], np.asarray(value)[None]) for name, value in values.items()}
    coords = {name: old.coords[name] for name in old.coords if name not in ("chain", "draw")}
    return dataclasses.replace(fit_, tree=DataTree.from_dict({"posterior": xr.Dataset(variables, coords=coords)}))


def truth_as_fit[F: Fit | FamilyFit](fit_: F, truth: Mapping[str, FloatArray]) -> F:
    """The truth in the container of a fit, as its only draw: every functional of a posterior is then also one of the truth.

    Raises
    ------
    KeyError
        If the posterior has a variable whose truth the world does not state.
    """
    names = [str(name) for name in fit_.tree["posterior"].data_vars]
    return with_posterior(fit_, {name: np.asarray(truth[name])[None] for name in names})


def covers(spec: ModelSpec) -> bool:
    """Whether the Gibbs engine fits this model."""
    return not uncovered(spec)


def default_engine(spec: ModelSpec) -> str:
    """Gibbs for the models it covers, else NUTS."""
    return "gibbs" if covers(spec) else "nuts"
