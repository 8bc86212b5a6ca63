"""Planted defects: a dozen statistical mistakes people make, each of which calibration must notice.

A mutant spoils one thing between a true world and its ranks: the outcomes that are fitted, the specification that is fitted, the bets a year, or the
draws. The truth and the outcomes that the log likelihood is taken of stay right, as they would be for somebody who checks such
a program. Caught means: an alarm of the ordinary ranks at the level of the small form.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skillstats.evidence import Evidence
from skillstats.inference.container import Fit
from skillstats.spec.model import ModelSpec
from skillstats.study.designs import Design
from skillstats.study.engines import posterior, with_posterior
from skillstats.study.quantities import quantities
from skillstats.study.replicate import COLUMNS, LEAST_ESS, Job, effective, failed_row, rank_rows, seeds
from skillstats.study.worlds import draw_world

FloatArray = NDArray[np.float64]


def _same(x: Any, _: np.random.Generator) -> Any:
    return x


@dataclass(frozen=True, slots=True)
class Mutant:
    """One planted mistake. Each field is what is spoilt, given the right thing and a generator.

    text : in words; data, spec, draws, design : spoil what is fitted; least : replications below which it is not seen
    """

    text: str
    data: Callable[[Evidence, np.random.Generator], Evidence] = _same
    spec: Callable[[ModelSpec, np.random.Generator], ModelSpec] = _same
    draws: Callable[[Fit, np.random.Generator], Fit] = _same
    design: Callable[[Design, np.random.Generator], Design] = _same
    least: int = 200


def _rows(evidence: Evidence, kept: Any) -> Evidence:
    names = ("value_add", "risk", "y", "trader", "session", "regime", "action", "decision")
    return dataclasses.replace(evidence, **{name: getattr(evidence, name)[kept] for name in names})


def _sign(evidence: Evidence, _: np.random.Generator) -> Evidence:
    return dataclasses.replace(evidence, y=-evidence.y, value_add=-evidence.value_add)


def _twice(evidence: Evidence, _: np.random.Generator) -> Evidence:
    return _rows(evidence, np.tile(np.arange(len(evidence)), 2))


def _dropped(evidence: Evidence, _: np.random.Generator) -> Evidence:
    return _rows(evidence, evidence.trader != 0)


def _shifted(evidence: Evidence, _: np.random.Generator) -> Evidence:
    traders = len(evidence.coords["trader"])
    return dataclasses.replace(evidence, trader=(evidence.trader + 1) % traders)


def _losses_dropped(evidence: Evidence, rng: np.random.Generator) -> Evidence:
    """One in ten losing rows was never recorded."""
    return _rows(evidence, np.flatnonzero((evidence.y > 0) | (rng.random(len(evidence)) > 0.1)))


def _day_late(evidence: Evidence, _: np.random.Generator) -> Evidence:
    """Every second trader's sessions are booked one later."""
    late = np.where(evidence.trader % 2 == 1, 1, 0)
    return dataclasses.replace(evidence, session=(evidence.session + late) % len(evidence.coords["session"]))


def _wide_priors(spec: ModelSpec, _: np.random.Generator) -> ModelSpec:
    priors = {k: msgspec.structs.replace(p, sigma=2 * p.sigma) if k.startswith("skill_") else p for k, p in spec.priors.items()}
    return msgspec.structs.replace(spec, priors=priors)


def without_shock(word: str, slot: str) -> Callable[[ModelSpec, np.random.Generator], ModelSpec]:
    """Leave a shock and its prior out of a specification."""

    def change(spec: ModelSpec, _: np.random.Generator) -> ModelSpec:
        shocks = tuple(s for s in spec.luck.shocks if s != word)
        scale = spec.luck.trader_session_scale if "trader:session" in shocks else None
        luck = msgspec.structs.replace(spec.luck, shocks=shocks, trader_session_scale=scale)
        return msgspec.structs.replace(spec, luck=luck, priors={k: p for k, p in spec.priors.items() if k != slot})

    return change


def _per_decision(design: Design, _: np.random.Generator) -> Design:
    return dataclasses.replace(design, bets_per_year=4 * design.bets_per_year)


def _values(fit: Fit) -> dict[str, FloatArray]:
    return {str(name): fit.draws(str(name)) for name in fit.tree["posterior"].data_vars}


def _variance(fit: Fit, _: np.random.Generator) -> Fit:
    values = _values(fit)
    return with_posterior(fit, values | {"sigma": values["sigma"] ** 2})


def _narrow(fit: Fit, _: np.random.Generator) -> Fit:
    """Every draw 20% nearer to the posterior mean, in every variable."""
    return with_posterior(fit, {k: v.mean(axis=0) + 0.8 * (v - v.mean(axis=0)) for k, v in _values(fit).items()})


def _biased(fit: Fit, _: np.random.Generator) -> Fit:
    """The trader's skill too high by .3 of its posterior sd."""
    values = _values(fit)
    return with_posterior(fit, values | {"a": values["a"] + 0.3 * (values["mu"][:, None] + values["a"]).std(axis=0)})


def _uncorrelated(fit: Fit, rng: np.random.Generator) -> Fit:
    """Right margins of every parameter, lost correlations: each comes from other draws."""
    return with_posterior(fit, {name: rng.permuted(value, axis=0) for name, value in _values(fit).items()})


def _rolled(fit: Fit, _: np.random.Generator) -> Fit:
    values = _values(fit)
    return with_posterior(fit, values | {"a": np.roll(values["a"], 1, axis=1)})


MUTANTS: Final[Mapping[str, Mutant]] = {
    "sign": Mutant("a sell counted as a buy: every outcome with the other sign", data=_sign),
    "variance": Mutant("a variance reported where a standard deviation is meant", draws=_variance),
    "wide_priors": Mutant("skill priors twice as wide as stated", spec=_wide_priors),
    "dropped_trader": Mutant("the rows of one trader lost", data=_dropped),
    "counted_twice": Mutant("every row counted twice", data=_twice),
    "index": Mutant("trader codes off by one in the data", data=_shifted),
    "index_of_result": Mutant("trader codes off by one in the result", draws=_rolled),
    "no_trader_shock": Mutant("the trader-session shock left out", spec=without_shock("trader:session", "trader_session_sd")),
    "no_desk_shock": Mutant("the session shock left out", spec=without_shock("session", "session_sd")),
    "sessions_shifted": Mutant("sessions of every second trader booked one later", data=_day_late),
    "losses_dropped": Mutant("one losing row in ten never recorded", data=_losses_dropped),
    "bets_per_year": Mutant("annual priors divided by the root of four times the bets a year", design=_per_decision),
    "narrow": Mutant("posterior 20% too narrow", draws=_narrow),
    "biased": Mutant("location off by .3 posterior sd", draws=_biased),
    "uncorrelated": Mutant("right margins of every parameter, their correlations lost", draws=_uncorrelated, least=500),
}
"""Name to mutant; `none` of them is the control."""

CONTROL: Final = "none"


def run_mutant(job: Job, replicate: int) -> pd.DataFrame:
    """As `replicate.run_replicate`, with the mutant that `job.study` names after the last dash planted.

    The worlds are those of the control: seeds do not depend on the mutant.
    """
    name = job.study.removeprefix("mutant-")
    mutant = Mutant("nothing") if name == CONTROL else MUTANTS[name]
    rng, engine_seed, prediction_seed = seeds(dataclasses.replace(job, study="mutants"), replicate)
    world = draw_world(job.spec, job.design, rng)
    assert isinstance(world.evidence, Evidence)
    own = np.random.default_rng([engine_seed, 1])
    fit = posterior(
        mutant.spec(job.spec, own),
        mutant.data(world.evidence, own),
        mutant.design(job.design, own),
        engine=job.engine,
        seed=engine_seed,
    )
    fit = mutant.draws(complete(dataclasses.replace(fit, evidence=world.evidence), world.truth), own)
    draws = quantities(fit, seed=prediction_seed, release=job.release)
    draws = {name: values for name, values in draws.items() if np.ptp(values) > 0}  # what was left out is not ranked
    ess, reason = effective(fit, draws, LEAST_ESS[job.engine])
    rows = [failed_row(reason)] if "R-hat" in reason else rank_rows(fit, draws, ess, world, prediction_seed, job.release)
    head = {"study": job.study, "model": job.spec.name, "design": job.design.name, "replicate": replicate}
    return pd.DataFrame([head | row for row in rows], columns=list(COLUMNS))


def complete(fit: Fit, truth: Mapping[str, FloatArray]) -> Fit:
    """The fit with zeros for a shock that a spoilt model left out: that is what such a model says about it."""
    left_out = [name for name in ("s_V", "s_U") if name in truth and name not in fit]
    count = len(fit.draws("mu"))
    zeros = {name: np.zeros((count, *truth[name].shape)) for name in left_out}
    return with_posterior(fit, _values(fit) | zeros) if zeros else fit
