"""Do the two engines give the same answer? Both fit the same worlds in long runs, and what is reported is compared.

For every trader and trader x regime of a world, the judged IR by Gibbs and by NUTS:

    shift = |mean_gibbs - mean_nuts| / sd_nuts          of P(IR > 0): the difference of the two shares
    error = sqrt(mcse_gibbs^2 + mcse_nuts^2) / sd_nuts  the shift that Monte-Carlo error alone makes, root mean square

Limits are .02 sds for the root mean square over worlds and targets, and .02 for the largest difference of a probability. A run long enough for
them has some 10,000 effective draws; in the small form, whose runs are shorter, twice the error is added.
"""

from __future__ import annotations

import dataclasses
from typing import Any, Final

import numpy as np
import pandas as pd

from skillstats.errors import UsageError
from skillstats.evaluation.engines import compare_engines
from skillstats.evaluation.estimands import targets
from skillstats.evidence import Evidence
from skillstats.inference.nuts import fit
from skillstats.study.engines import Run, plan_of
from skillstats.study.replicate import Job, seeds
from skillstats.study.worlds import draw_world

MODELS: Final = ("day_pooled", "crossed_total", "crossed_outcomes")
LONG: Final = {"gibbs": Run(10_000, 1_000, 4), "nuts": Run(5_000, 1_000, 4)}
SHORT: Final = {"gibbs": Run(2_000, 500, 4), "nuts": Run(500, 500, 4)}
"""Draws and tune a chain, chains, of the release and of the small form."""
SHIFT_LIMIT: Final = 0.02
PROBABILITY_LIMIT: Final = {True: 0.02, False: 0.06}
"""Largest difference of a probability, release form and small form."""


def run_agreement(job: Job, replicate: int) -> pd.DataFrame:
    """One world by both engines: one row, shifts and errors as in the module's text."""
    rng, gibbs_seed, nuts_seed = seeds(job, replicate)
    evidence = draw_world(job.spec, job.design, rng).evidence
    if not isinstance(evidence, Evidence):
        raise UsageError(f"engine gibbs does not cover {job.spec.name}; engines are compared on {', '.join(MODELS)}")
    plan, runs = plan_of(job.design), LONG if job.release else SHORT
    one, two = (
        fit(job.spec, evidence, seed=seed, engine=engine, plan=plan, cores=1, rerun=False, **dataclasses.asdict(runs[engine]))
        for engine, seed in (("gibbs", gibbs_seed), ("nuts", nuts_seed))
    )
    found = targets(evidence)
    d = compare_engines(two, one, found)
    row = {
        "model": job.spec.name,
        "replicate": replicate,
        "release": job.release,
        "targets": len(found),
        "shift_rms": d.mean_rms,
        "shift_max": d.mean_max,
        "error": d.error,
        "probability_max": d.probability_max,
    }
    return pd.DataFrame([row])


def agreement_table(rows: pd.DataFrame) -> pd.DataFrame:
    """One line a model.

    Parameters
    ----------
    rows : of `run_agreement`

    Returns
    -------
    columns model, worlds, targets, gibbs, nuts (run lengths), shift_rms (over worlds and targets), error (the same from Monte-Carlo error
    alone), worst_world (largest root mean square of a world), shift_max, probability_max, limit (of shift_rms), ok
    """
    table: list[dict[str, Any]] = []
    for name, cell in rows.groupby("model", sort=False):
        release = bool(cell["release"].iloc[0])
        weights = cell["targets"].to_numpy() / cell["targets"].sum()
        shift, error = (float(np.sqrt(np.sum(weights * cell[column].to_numpy() ** 2))) for column in ("shift_rms", "error"))
        limit, runs = SHIFT_LIMIT + (0.0 if release else 2 * error), LONG if release else SHORT
        largest = float(cell["probability_max"].max())
        table.append(
            {
                "model": name,
                "worlds": len(cell),
                "targets": int(cell["targets"].sum()),
                **{engine: f"{run.chains} x {run.draws:,} after {run.tune:,}" for engine, run in runs.items()},
                "shift_rms": shift,
                "error": error,
                "worst_world": float(cell["shift_rms"].max()),
                "shift_max": float(cell["shift_max"].max()),
                "probability_max": largest,
                "limit": limit,
                "ok": shift <= limit and largest <= PROBABILITY_LIMIT[release],
            }
        )
    return pd.DataFrame(table)
