"""One replicate: draw a world, fit it, and say where the truth lies in the posterior of every quantity.

A replicate returns one row a quantity:

    rank   number of `RANKED` equally spaced draws below the truth, 0..99: uniform if the posterior is right
    below  share of all draws below the truth; an interval of level q holds the truth where abs(below - 1/2) < q/2
    mean, sd, truth   of the quantity; ess effective draws behind it

The run must hold at least `LEAST_ESS` effective draws of every quantity: with draws whose correlation decays exponentially, three
effective draws for each ranked one leave a correlation of .0025 between neighbours, two one of .02. A shorter run is repeated longer; a fit that never
gets there, whose chains disagree or that fails is a **failed replicate**: it keeps its place in the denominator.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skillstats.inference.container import Fit
from skillstats.inference.diagnose import RHAT_STUCK, diagnose
from skillstats.inference.family_fit import FamilyFit
from skillstats.spec.model import ModelSpec
from skillstats.study.designs import Design
from skillstats.study.engines import LENGTHENINGS, posterior, truth_as_fit
from skillstats.study.quantities import quantities
from skillstats.study.worlds import World, draw_world

FloatArray = NDArray[np.float64]
RANKED: Final = 99
LEAST_ESS: Final = {"gibbs": 3 * RANKED, "nuts": 2 * RANKED}
"""By engine: draws by NUTS cost more and hang together less."""
DIVERGENT_SHARE: Final = 0.001
FAILED: Final = "failed"
COLUMNS: Final = ("study", "model", "design", "replicate", "quantity", "rank", "below", "truth", "mean", "sd", "ess", "reason")


@dataclass(frozen=True, slots=True)
class Job:
    """What a block of replicates has in common. study names the seed stream: another study, other worlds."""

    study: str
    spec: ModelSpec
    design: Design
    engine: str
    root: int
    release: bool = False


def code_of(text: str) -> int:
    """A stable integer for a name, so that adding a model or design changes no other's seeds."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")


def seeds(job: Job, replicate: int) -> tuple[np.random.Generator, int, int]:
    """Generator of the world, seed of the engine and seed of predictions, from SeedSequence(root, (study, model, design, replicate))."""
    key = (code_of(job.study), code_of(job.spec.name), code_of(job.design.name), replicate)
    world, engine, predictions = np.random.SeedSequence(job.root, spawn_key=key).spawn(3)
    numbers = [int(s.generate_state(1, np.uint32)[0]) for s in (engine, predictions)]
    return np.random.default_rng(world), numbers[0], numbers[1]


def run_replicate(job: Job, replicate: int) -> pd.DataFrame:
    """Draw, fit and rank replicate number `replicate`; columns `COLUMNS`, one row a quantity or one row that says why it failed."""
    rng, engine_seed, prediction_seed = seeds(job, replicate)
    world = draw_world(job.spec, job.design, rng)
    head = {"study": job.study, "model": job.spec.name, "design": job.design.name, "replicate": replicate}
    try:
        rows = fit_and_rank(job, world, engine_seed, prediction_seed)
    except (FloatingPointError, RuntimeError, ValueError, np.linalg.LinAlgError) as error:
        rows = [failed_row(f"{type(error).__name__}: {error}")]
    return pd.DataFrame([head | row for row in rows], columns=list(COLUMNS))


def fit_and_rank(job: Job, world: World, engine_seed: int, prediction_seed: int) -> list[dict[str, Any]]:
    """Rows of one world: the run is lengthened until every quantity has enough effective draws."""
    reason = ""
    for lengthen in LENGTHENINGS[job.engine]:
        fit = posterior(job.spec, world.evidence, job.design, engine=job.engine, seed=engine_seed, lengthen=lengthen)
        reason = gate(fit)
        if reason:
            continue
        draws = quantities(fit, seed=prediction_seed, release=job.release)
        ess, reason = effective(fit, draws, LEAST_ESS[job.engine])
        if not reason:
            return rank_rows(fit, draws, ess, world, prediction_seed, job.release)
    return [failed_row(reason)]


def gate(fit: Fit | FamilyFit) -> str:
    """What the sampler itself found wrong: a stuck chain, or more divergences than one draw in a thousand; '' if nothing."""
    stuck = [f for f in fit.diagnostics.findings if f.code == "E-STUCK"]
    if stuck:
        return str(stuck[0])
    d = fit.diagnostics
    return f"{d.divergences} divergences" if d.divergences > DIVERGENT_SHARE * d.chains * d.draws else ""


def effective(fit: Fit | FamilyFit, draws: dict[str, FloatArray], least: int) -> tuple[dict[str, float], str]:
    """Effective draws of each quantity, and why the run is not good enough ('' where it is); `least` are needed."""
    sizes = fit.tree["posterior"].sizes
    found, reasons = {}, []
    for name, values in draws.items():
        table = diagnose(values.reshape(sizes["chain"], sizes["draw"]))
        found[name] = float(np.fmin(table["ess_bulk"], table["ess_tail"]))
        if not np.isfinite(found[name]) or float(table["rhat"]) > RHAT_STUCK:
            reasons.append(f"{name}: R-hat {float(table['rhat']):.3f}")
        elif found[name] < least:
            reasons.append(f"{name}: {found[name]:.0f} effective draws, at least {least} needed")
    return found, "; ".join(reasons)


def rank_rows(
    fit: Fit | FamilyFit, draws: dict[str, FloatArray], ess: dict[str, float], world: World, prediction_seed: int, release: bool
) -> list[dict[str, Any]]:
    """Place of the truth among all draws and among `RANKED` of them; ties, which rounding alone makes, count as above."""
    true = quantities(truth_as_fit(fit, world.truth), seed=prediction_seed + 1, release=release)
    ranked = thin_values(draws)
    return [
        {
            "quantity": name,
            "rank": int(np.sum(ranked[name] < true[name][0])),
            "below": float(np.mean(values < true[name][0])),
            "truth": float(true[name][0]),
            "mean": float(values.mean()),
            "sd": float(values.std(ddof=1)),
            "ess": ess[name],
            "reason": "",
        }
        for name, values in draws.items()
    ]


def thin_values(draws: dict[str, FloatArray]) -> dict[str, FloatArray]:
    """`RANKED` equally spaced values of each quantity."""
    total = len(next(iter(draws.values())))
    chosen = np.round(np.linspace(0, total - 1, RANKED)).astype(int)
    return {name: values[chosen] for name, values in draws.items()}


def failed_row(reason: str) -> dict[str, Any]:
    """The row of a failed replicate."""
    nothing = dict.fromkeys(("below", "truth", "mean", "sd", "ess"), float("nan"))
    return {"quantity": FAILED, "rank": -1, **nothing, "reason": reason}
