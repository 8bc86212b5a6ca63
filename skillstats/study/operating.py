"""How often would this very evaluation be wrong? Simulated desks of its shape, judged under its plan.

Desks without skill say how often somebody is claimed to have some, or to do harm, by luck; desks half of whose traders have a true annual IR
of 1, 2 or 3 say how often such people are found. The same outcomes are judged once, at the end, and at the end of every quarter with all data
so far, where whoever is claimed is acted on at the first claim. From the evidence comes only who acted when; from the fit only how large luck
is (`operating_shape`); the rulings are those of `evaluate` (`operating_judge`).

The models are those the Gibbs engine covers. For any other the figures are those of ``crossed_total`` (``crossed_outcomes`` where there is
no year) on the same shape, and say so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from skillstats.errors import UsageError
from skillstats.inference.container import Fit
from skillstats.inference.diagnose import FIT
from skillstats.plan import Plan
from skillstats.spec import ModelSpec, read_spec
from skillstats.study.engines import covers
from skillstats.study.operating_cache import digest_of, keep, kept, sources
from skillstats.study.operating_counts import figures_of
from skillstats.study.operating_judge import DRAWS, TUNE, Rulings, luck_of_rows, rule, rule_both, sample, theta_of_ir
from skillstats.study.operating_shape import (
    Laid,
    LuckSizes,
    lay,
    lay_looks,
    luck_sizes,
    quarters_of,
    shape_digest,
    shape_of,
)
from skillstats.study.replicate import code_of

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
ANNUAL: Final = (1.0, 2.0, 3.0)
PER_DECISION: Final = (0.05, 0.10, 0.20)
"""True IRs of people with skill, where the evidence has a year and where it has none."""
SKILLED_SHARE: Final = 5
"""For so many desks without skill, one with skill of each size."""
CELLS_OF_A_RUN, CELLS_OF_A_TRADER = 250_000, 100
"""Size of a run by default, and what ruling on one trader costs, both in cells of one desk without skill."""
LEAST_DESKS, MOST_DESKS = 10, 100
LONGEST: Final = 4.0
"""Years up to which the power of a longer record is simulated, by doubling it at most `DOUBLINGS` times and at least once."""
DOUBLINGS: Final = 4
STUDY: Final = code_of("operating")


@dataclass(frozen=True, slots=True)
class Desks:
    """What every simulated desk of one evaluation has in common.

    looks : the record at the end of each quarter, the last is the whole; later : the same record 2, 4, ... times as long
    levels : true IRs, the first is 0; theta : (level, trader), y units; symmetric : whether a desk's mirror needs no fit of its own
    """

    spec: ModelSpec
    luck: LuckSizes
    looks: tuple[Laid, ...]
    later: tuple[Laid, ...]
    levels: tuple[float, ...]
    theta: FloatArray
    symmetric: bool
    seed: int


@dataclass(frozen=True, slots=True)
class Judged:
    """Rulings on one desk and on its mirror at every look and every later length.

    claims : (image, look, kind, trader), kind 0 is skill and 1 harm; skilled, known : (trader,), `known` at the last look
    """

    claims: BoolArray
    skilled: BoolArray
    known: BoolArray


def operating_characteristics(
    fit: Fit, plan: Plan | None = None, *, desks: int | None = None, workers: int = 2, cache: bool | Path = True
) -> dict[str, Any]:
    """Error rates of an evaluation of a desk of this shape under this plan.

    Parameters
    ----------
    fit : the fit that is evaluated; of its evidence the counts and labels are read, of its draws the sizes of luck
    plan : hurdle, certainty, floors and bets a year; default `Plan()`
    desks : desks without skill to simulate, one in five as many with skill of each size; default by the size of the record, 10 to 100
    workers : threads; no figure depends on them
    cache : whether figures are kept in and read from the user's cache, or the folder to use; no figure depends on it

    Returns
    -------
    JSON-ready dict, the field `operating` of an `Evaluation`: available, and where it is False ``why``; model, own_model, annual, levels; hurdle,
    certainty; shape {traders, sessions, decisions, years, known}; luck {session, own, residual} (medians over the desk, y units);
    desks {none, skilled}, quarters; once and every_quarter (None where there is one quarter) {desk_skill, trader_skill, desk_harm,
    trader_harm}, shares of desks and traders without skill that are claimed; found [{ir, skill, harm, skill_every_quarter,
    harm_every_quarter, innocent_skill, innocent_harm}] of desks half of whose traders have that IR; power [{ir, points [{years, later, share,
    ...}]}]; digest. A share is {share, q05, q95, error, desks}: its 90% interval and standard error are those of the simulation.

    Raises
    ------
    UsageError
        If fewer than 2 desks are asked for.
    """
    if desks is not None and desks < 2:
        raise UsageError(f"desks={desks}, at least 2: an error rate needs more than one desk; leave it out for none")
    plan = plan or Plan()
    withheld = [f.code for f in fit.diagnostics.findings if f.scope == FIT and f.action == "WITHHOLD"]
    if withheld:
        return {"available": False, "why": f"the fit is withheld ({withheld[0]}), so how large luck is cannot be told from it"}
    spec, shape, luck = model_of(fit), shape_of(fit.evidence), luck_sizes(fit)
    count = desks or _default_desks(len(shape.cells), len(shape.coords["trader"]))
    parts = _parts(spec, shape_digest(shape), luck, plan, (count, _skilled_desks(count)), fit.seed)
    key, folder = digest_of(parts), cache if isinstance(cache, Path) else None
    found = kept(key, folder) if cache else None
    if found is None:
        found = _simulate(set_up(spec, shape, luck, plan, fit.seed), count, workers)
        found = msgspec.json.decode(msgspec.json.encode(found))
        if cache:
            keep(key, found, folder)
    own = spec.digest == fit.spec.digest
    return {"available": True, "model": spec.name, "own_model": own, "digest": key} | found


def model_of(fit: Fit) -> ModelSpec:
    """The model whose error rates are simulated: the fit's own where the Gibbs engine covers it, see the module."""
    if covers(fit.spec) and "custom" not in fit.identity:
        return fit.spec
    return read_spec("crossed_total" if fit.evidence.has_year else "crossed_outcomes")


def set_up(spec: ModelSpec, shape: Any, luck: LuckSizes, plan: Plan, seed: int) -> Desks:
    """Lay out every look and every longer record once."""
    looks = tuple(lay_looks(shape, spec, plan, quarters_of(shape)))
    whole, years = looks[-1], looks[-1].years
    times = [] if years is None else [2.0**k for k in range(1, DOUBLINGS + 1) if k == 1 or years * 2 ** (k - 1) < LONGEST]
    levels = (0.0, *(ANNUAL if shape.has_year else PER_DECISION))
    return Desks(
        spec=spec,
        luck=luck,
        looks=looks,
        later=tuple(lay(shape, whole.rows, spec, plan, m) for m in times),
        levels=levels,
        theta=np.stack([theta_of_ir(whole, luck, ir) for ir in levels]),
        symmetric=not spec.priors["skill_mean"].mu,
        seed=seed,
    )


def judge_desk(desks: Desks, desk: int, level: int) -> Judged:
    """Simulate desk number `desk` at one level of skill and rule on it; the same luck falls on the desk at every level."""
    whole = desks.looks[-1].evidence
    rng = np.random.default_rng(np.random.SeedSequence(desks.seed, spawn_key=(STUDY, desk)))
    noise = luck_of_rows(whole, desks.luck, rng)
    traders = len(whole.coords["trader"])
    skilled = rng.permutation(traders) < max(1, traders // 2)
    theta = desks.theta[level] * skilled
    seeds = np.random.SeedSequence(desks.seed, spawn_key=(STUDY, desk, 1 + level)).generate_state(64, np.uint32)
    looks = desks.looks if level == 0 else (*desks.looks, *desks.later)
    found = [
        _both(desks, laid, noise[laid.rows] + np.sqrt(laid.times) * theta[laid.evidence.trader], int(seeds[2 * k]))
        for k, laid in enumerate(looks)
    ]
    claims = np.array([[[image.skill, image.harm] for image in pair] for pair in found])
    return Judged(np.moveaxis(claims, 1, 0), skilled, found[len(desks.looks) - 1][0].known)


def _both(desks: Desks, laid: Laid, y: FloatArray, seed: int) -> tuple[Rulings, Rulings]:
    """Rulings on outcomes y and on their mirror -y."""
    found = sample(laid, y, seed)
    if desks.symmetric:
        return rule_both(laid, found)
    return rule(laid, found), rule(laid, sample(laid, -y, seed + 1))


def _simulate(desks: Desks, count: int, workers: int) -> dict[str, Any]:
    """Every desk at every level, in threads, and what the rulings add up to."""
    todo = [(d, 0) for d in range(count)]
    todo += [(d, level) for level in range(1, len(desks.levels)) for d in range(_skilled_desks(count))]
    with ThreadPoolExecutor(max(1, workers)) as pool:
        judged = list(pool.map(lambda job: judge_desk(desks, *job), todo))
    by_level = [[j for j, (_, at) in zip(judged, todo, strict=True) if at == level] for level in range(len(desks.levels))]
    years = [laid.years for laid in (*desks.looks, *desks.later)]
    return _facts(desks, count) | figures_of(by_level, desks.levels, len(desks.looks), years)


def _facts(desks: Desks, count: int) -> dict[str, Any]:
    """What was simulated."""
    whole, luck = desks.looks[-1], desks.luck
    return {
        "annual": whole.evidence.has_year,
        "hurdle": whole.hurdle,
        "certainty": whole.certainty,
        "shape": {
            "traders": len(whole.evidence.coords["trader"]),
            "sessions": len(np.unique(whole.evidence.session)),
            "decisions": len(np.unique(whole.evidence.decision)),
            "years": whole.years,
        },
        "luck": {"session": luck.session, "own": float(np.median(luck.own)), "residual": float(np.median(luck.residual))},
        "desks": {"none": count, "skilled": _skilled_desks(count)},
        "quarters": len(desks.looks),
        "draws": DRAWS,
        "seed": desks.seed,
    }


def _parts(spec: ModelSpec, shape: str, luck: LuckSizes, plan: Plan, counts: Sequence[int], seed: int) -> Mapping[str, Any]:
    """Everything the figures depend on."""
    return {
        "spec": spec.digest,
        "shape": shape,
        "luck": [luck.session, luck.own.tolist(), luck.residual.tolist()],
        "plan": [msgspec.to_builtins(part) for part in (plan.verdict, plan.floors)] + [plan.model.bets_per_year],
        "counts": [*counts, TUNE, DRAWS],
        "seed": seed,
        "sources": sources(),
    }


def _default_desks(cells: int, traders: int) -> int:
    """Desks without skill by the size of the record, so that large records do not take hours; rounded to tens."""
    wanted = CELLS_OF_A_RUN / (cells + CELLS_OF_A_TRADER * traders)
    return int(np.clip(round(wanted, -1), LEAST_DESKS, MOST_DESKS))


def _skilled_desks(count: int) -> int:
    return max(2, -(-count // SKILLED_SHARE))
