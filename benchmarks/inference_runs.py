"""One measured run of an inference benchmark in this process; the last line is JSON. Started by `benchmarks.inference`."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any, Final

import msgspec
import numba
import numpy as np

from benchmarks.inference_desk import desk, study_desk
from skillstats.evidence import Evidence
from skillstats.inference.breadth import bets_per_year
from skillstats.inference.diagnose import diagnose
from skillstats.inference.gibbs import gibbs_draws
from skillstats.spec import ModelSpec, read_spec

replace = msgspec.structs.replace
WARM: Final = 10
TUNE: Final = 500


def study_spec() -> ModelSpec:
    """crossed_total for so few decisions: session effects, no trader-session effect, one residual sd, no actions."""
    spec = read_spec("crossed_total")
    luck = replace(spec.luck, shocks=("session",), trader_session_scale=None, volatility_by=())
    return replace(spec, name="study", skill=replace(spec.skill, terms=("trader", "regime", "trader:regime")), luck=luck)


def cpu() -> float:
    """CPU seconds of this process so far, all threads."""
    return time.process_time()


def effective(values: dict[str, Any]) -> dict[str, float]:
    """Smallest bulk ESS of a tau and of any parameter, median of an IR's mean."""
    taus = [float(diagnose(v)["ess_bulk"]) for k, v in values.items() if k.startswith("tau_")]
    least = min(float(np.nanmin(diagnose(v)["ess_bulk"])) for v in values.values())
    ir = values["mu"][..., None] + values["a"] if "a" in values else values["mu"][..., None]
    return {"ess_tau": min(taus), "ess_least": least, "ess_ir": float(np.median(diagnose(ir)["ess_bulk"]))}


def posterior(fit: Any) -> dict[str, Any]:
    """Arrays of a fit by name."""
    return {str(k): np.asarray(v.values) for k, v in fit.tree["posterior"].data_vars.items()}


@numba.njit
def log_likelihood(n: Any, mean: Any, squares: Any, place: Any, theta: Any, sigma: Any) -> float:
    """Gaussian log likelihood of cells: rows, mean, centred squares, and which theta and sigma; a row is a cell of one."""
    total = 0.0
    for c in range(len(n)):
        k = place[c]
        error = mean[c] - theta[k]
        variance = sigma[k] * sigma[k]
        total += n[c] * np.log(2 * np.pi * variance) + (squares[c] + n[c] * error * error) / variance
    return -0.5 * total


def likelihood(rows: str) -> dict[str, float]:
    """The same compiled loop on rows and on their 300 cells (50 traders x 6 regimes), no shocks."""
    rng, n = np.random.default_rng(1), int(rows)
    cell, y = rng.integers(0, 300, n), rng.normal(0, 1, n)
    theta, sigma = rng.normal(0, 0.1, 300), np.exp(rng.normal(0, 0.1, 300))
    begun = cpu()
    count = np.bincount(cell, minlength=300).astype(float)
    mean = np.bincount(cell, y, minlength=300) / count
    squares = np.bincount(cell, (y - mean[cell]) ** 2, minlength=300)
    collapse = cpu() - begun
    cells, ones = (count, mean, squares, np.arange(300), theta, sigma), (np.ones(n), y, np.zeros(n), cell, theta, sigma)
    difference = abs(log_likelihood(*cells) / log_likelihood(*ones) - 1)
    fast, slow = _each(lambda: log_likelihood(*cells), 100_000), _each(lambda: log_likelihood(*ones), 20)
    return {"difference": difference, "ratio": slow / fast, "collapse": collapse / fast}


def _each(work: Callable[[], float], times: int) -> float:
    work()
    begun = cpu()
    for _ in range(times):
        work()
    return (cpu() - begun) / times


def grown(engine: str, rows: str) -> dict[str, float]:
    """crossed_total on 20 traders x 60 sessions with more and more decisions in the same cells; collapsed before the clock starts."""
    evidence = desk(2, traders=20, sessions=60, rows=int(rows), regimes=4, actions=1)
    _ = evidence.cells
    return _fitted(read_spec("crossed_total"), evidence, engine, 1_000, 500)


def _fitted(spec: ModelSpec, evidence: Evidence, engine: str, draws: int, tune: int) -> dict[str, Any]:
    """CPU of four chains after compiling, judged by nothing; with the values."""
    _ = evidence.cells
    if engine == "gibbs":
        breadth = bets_per_year(evidence).value
        begun = cpu()
        gibbs_draws(spec, evidence, seed=1, draws=WARM, tune=WARM, bets_per_year=breadth)
        loaded = cpu()
        draws_ = gibbs_draws(spec, evidence, seed=1, draws=draws, tune=tune, chains=4, bets_per_year=breadth)
        done = cpu()
        return {"fit": done - loaded, "load": loaded - begun, "compile": loaded - begun, **_judged(dict(draws_.values))}
    import nutpie

    from skillstats.inference import nuts
    from skillstats.inference.separable import separable_terms

    terms = separable_terms(spec, evidence)
    begun = cpu()
    compiled = nuts._compile(spec, evidence, bets_per_year(evidence).value, terms, None)
    options = {"chains": 4, "cores": 2, "seed": 1, "target_accept": 0.95, "progress_bar": False, "save_warmup": False}
    nutpie.sample(compiled, draws=WARM, tune=WARM, **options)
    ready = cpu()
    raw = nutpie.sample(compiled, draws=draws, tune=tune, **options)
    done = cpu()
    values = {k: v.values for k, v in raw["posterior"].to_dataset().data_vars.items() if not k.startswith(nuts.INTERNAL)}
    return {"fit": done - ready, "compile": ready - begun, **_judged(values)}


def _judged(values: dict[str, Any]) -> dict[str, float]:
    rhat = max(float(np.nanmax(diagnose(v)["rhat"])) for v in values.values())
    found = effective(values)
    return {"ess": found["ess_least"], "rhat": rhat, **found}


def study(engine: str, seed: str, draws: str) -> dict[str, Any]:
    """One study fit: Gibbs one chain; NUTS compiled once, two chains. `whole` is a new data set with everything but reading."""
    evidence, spec = study_desk(int(seed)), study_spec()
    if engine == "nuts":
        return _fitted(spec, evidence, "nuts", int(draws), 1_000)
    gibbs_draws(spec, study_desk(1), seed=1, draws=WARM, tune=WARM)
    begun = cpu()
    values = gibbs_draws(spec, evidence, seed=1, draws=int(draws) - TUNE, tune=TUNE).values
    whole = cpu() - begun
    load = _load_seconds()
    return {"fit": whole, "whole": whole, "load": load, "compile": load, **_judged(dict(values))}


def _load_seconds() -> float:
    """CPU of a fresh process that only loads the compiled chain."""
    from benchmarks.measure import child

    return float(child(__spec__.name if __spec__ else "benchmarks.inference_runs", "load")["load"])


def load() -> dict[str, float]:
    """First call of the engine in this process."""
    spec, evidence = study_spec(), study_desk(1)
    begun = cpu()
    gibbs_draws(spec, evidence, seed=1, draws=WARM, tune=WARM)
    return {"load": cpu() - begun}


def plain(seed: str) -> dict[str, float]:
    """`pm.sample` as it comes, the model built for this data set."""
    import pymc as pm

    from skillstats.inference.build import build_model

    evidence, spec = study_desk(int(seed)), study_spec()
    begun = cpu()
    with build_model(spec, evidence, bets_per_year=bets_per_year(evidence).value):
        pm.sample(chains=4, cores=1, random_seed=1, progressbar=False, nuts_sampler="pymc", compute_convergence_checks=False)
    return {"whole": cpu() - begun}


def shifts(draws: str) -> dict[str, float]:
    """Long runs of both engines on one study desk: IR of each trader by decision."""
    from skillstats.evaluation.engines import _judged as judged_ir
    from skillstats.evaluation.estimands import targets
    from skillstats.inference.nuts import fit

    evidence, spec = study_desk(6), study_spec()
    length = {"draws": int(draws), "tune": 2_000, "chains": 4}
    found = targets(evidence)
    one, two = (judged_ir(fit(spec, evidence, seed=1, engine=engine, **length), found) for engine in ("gibbs", "nuts"))  # type: ignore[arg-type]
    sd = two.std((0, 1))
    shift = np.abs(one.mean((0, 1)) - two.mean((0, 1))) / sd
    points = np.abs(np.quantile(one, [0.05, 0.95], axis=(0, 1)) - np.quantile(two, [0.05, 0.95], axis=(0, 1))) / sd
    chance = np.abs((one > 0).mean((0, 1)) - (two > 0).mean((0, 1)))
    error = np.hypot(diagnose(one)["mcse"], diagnose(two)["mcse"]) / sd
    return {
        "rms": float(np.sqrt(np.mean(shift**2))),
        "max": float(shift.max()),
        "points": float(points.max()),
        "probability": float(chance.max()),
        "error": float(np.sqrt(np.mean(error**2))),
    }


def one_fit(seed: int) -> tuple[float, float]:
    """CPU seconds and smallest ESS of a tau of one study fit of 2,500 sweeps; making the desk is outside the clock."""
    evidence = study_desk(seed)
    begun = cpu()
    values = gibbs_draws(study_spec(), evidence, seed=seed, draws=2_000, tune=TUNE).values
    return cpu() - begun, min(float(diagnose(v)["ess_bulk"]) for k, v in values.items() if k.startswith("tau_"))


def many(seeds: list[int]) -> tuple[float, float, list[float]]:
    """Wall and CPU seconds of the fits of one worker, desks made beforehand, ESS taken afterwards."""
    desks, spec = [study_desk(k) for k in seeds], study_spec()
    gibbs_draws(spec, desks[0], seed=1, draws=WARM, tune=WARM)
    wall, begun = time.perf_counter(), cpu()
    found = [gibbs_draws(spec, e, seed=k, draws=2_000, tune=TUNE).values for k, e in zip(seeds, desks, strict=True)]
    took = time.perf_counter() - wall, cpu() - begun
    every = [min(float(diagnose(v)["ess_bulk"]) for k, v in values.items() if k.startswith("tau_")) for values in found[:20]]
    return *took, every


def fits(count: str, workers: str) -> dict[str, float]:
    """`count` study fits on `workers` processes; wall is that of the slowest worker."""
    parts = [list(range(k, int(count), int(workers))) for k in range(int(workers))]
    with ProcessPoolExecutor(int(workers), mp_context=get_context("spawn")) as pool:
        told = list(pool.map(many, parts))
    every = [value for _, _, values in told for value in values]
    return {"wall": max(t[0] for t in told), "cpu": sum(t[1] for t in told), "sweeps": 2_500, "ess": float(np.median(every))}


def fifty(engine: str, decisions: str, draws: str) -> dict[str, Any]:
    """M2 on a desk of 50 traders, regimes by session."""
    evidence = desk(8, traders=50, sessions=250, rows=int(decisions), regimes=6, actions=1)
    return _fitted(read_spec("crossed_total"), evidence, engine, int(draws), int(draws))


def bambi(seed: str) -> dict[str, float]:
    """Crossed random effects by formula, bambi's own priors, on rows."""
    import bambi as bmb

    frame = study_desk(int(seed)).to_pandas()
    frame["cell"] = frame["trader"] + frame["regime"]
    frame["y"] = frame["value_add"] / frame["risk"]
    begun = cpu()
    model = bmb.Model("y ~ 1 + (1|trader) + (1|regime) + (1|cell) + (1|session)", frame)
    model.fit(chains=4, cores=1, random_seed=1, progressbar=False)
    return {"whole": cpu() - begun}


def mixedlm(seed: str) -> dict[str, float]:
    """The same crossed variance components by REML."""
    import statsmodels.formula.api as smf

    frame = study_desk(int(seed)).to_pandas()
    frame["cell"], frame["one"] = frame["trader"] + frame["regime"], 1
    frame["y"] = frame["value_add"] / frame["risk"]
    parts = {name: f"0 + C({name})" for name in ("trader", "regime", "cell", "session")}
    begun = cpu()
    smf.mixedlm("y ~ 1", frame, groups="one", vc_formula=parts).fit()
    return {"whole": cpu() - begun}


def numpyro(seed: str) -> dict[str, float]:
    """The package's PyMC model through numpyro's NUTS."""
    import pymc as pm

    from skillstats.inference.build import build_model

    evidence, spec = study_desk(int(seed)), study_spec()
    begun = cpu()
    with build_model(spec, evidence, bets_per_year=bets_per_year(evidence).value):
        pm.sample(chains=4, random_seed=1, progressbar=False, nuts_sampler="numpyro", compute_convergence_checks=False)
    return {"whole": cpu() - begun}


RUNS: Final[dict[str, Callable[..., dict[str, Any]]]] = {
    f.__name__: f for f in (likelihood, grown, study, load, plain, shifts, fits, fifty, bambi, mixedlm, numpyro)
}

if __name__ == "__main__":
    print(json.dumps(RUNS[sys.argv[1]](*sys.argv[2:])))
