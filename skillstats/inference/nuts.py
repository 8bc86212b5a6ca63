"""NUTS through nutpie: compile once per structure, sample, judge, rerun once.

The compiled model depends on the structure only (kept terms, numbers of levels); outcomes and priors are
data.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, overload

import msgspec
import numpy as np
import pymc as pm
from xarray import DataTree

from skillstats.components.registry import components_digest
from skillstats.errors import UsageError
from skillstats.evidence import Choices, DayParts, Evidence
from skillstats.inference.breadth import Breadth, bets_per_year
from skillstats.inference.build import Extra, build_model, model_data
from skillstats.inference.container import Diagnostics, Fit, labels_of, scopes_of
from skillstats.inference.design import DIMS
from skillstats.inference.diagnose import Finding, bfmi, convergence_findings, diagnose, sampler_findings
from skillstats.inference.effects import parameters
from skillstats.inference.heavy_fit import histogram_data, judge_histogram
from skillstats.inference.separable import Terms, separable_terms
from skillstats.inference.start import start_function
from skillstats.inference.tolerance import tolerate_divergences
from skillstats.plan import Plan
from skillstats.spec import ModelSpec, read_spec
from skillstats.units import package_version

if TYPE_CHECKING:
    from skillstats.inference.family_fit import FamilyFit

ENGINES: Final = ("nuts", "gibbs")
MAX_DEPTH: Final = 10
RERUN_DRAWS: Final = 4
RERUN_TARGET_ACCEPT: Final = 0.99
INTERNAL: Final = ("z_", "x_", "s_U_common", "shock_")
"""Prefixes of variables that exist for the sampler only and are not kept."""

_COMPILED: dict[tuple[Any, ...], Any] = {}
"""Compiled models of this process by structure: the package's only global state."""


@overload
def fit(
    spec: str | Path | ModelSpec,
    evidence: Evidence,
    *,
    seed: int,
    engine: str = ...,
    plan: Plan | None = ...,
    draws: int | None = ...,
    tune: int | None = ...,
    chains: int | None = ...,
    cores: int = ...,
    progress: bool = ...,
    extra: Extra | None = ...,
    rerun: bool = ...,
) -> Fit: ...
@overload
def fit(
    spec: str | Path | ModelSpec,
    evidence: DayParts | Choices,
    *,
    seed: int,
    engine: str = ...,
    plan: Plan | None = ...,
    draws: int | None = ...,
    tune: int | None = ...,
    chains: int | None = ...,
    cores: int = ...,
    progress: bool = ...,
    extra: Extra | None = ...,
    rerun: bool = ...,
) -> FamilyFit: ...


def fit(
    spec: str | Path | ModelSpec,
    evidence: Evidence | DayParts | Choices,
    *,
    seed: int,
    engine: str = "nuts",
    plan: Plan | None = None,
    draws: int | None = None,
    tune: int | None = None,
    chains: int | None = None,
    cores: int = 2,
    progress: bool = False,
    extra: Extra | None = None,
    rerun: bool = True,
) -> Fit | FamilyFit:
    """Fit a model to evidence.

    Parameters
    ----------
    spec : name or path of a specification, or a ModelSpec
    evidence : standardised outcomes; parts of trader-days or choices for models of those families
    seed : any int >= 0; the same seed gives the same draws, whatever `cores` is
    engine : ``nuts``, or ``gibbs`` for Gaussian models on cells
    plan : gives bets_per_year where it declares them
    draws, tune, chains : a chain's draws and warm-up, number of chains; default: the specification's
    cores : chains run at a time
    progress : show nutpie's progress bar
    extra : a component of your own, see `build_model`
    rerun : repeat a run that misses its gates once; False for studies, which judge and lengthen their own runs

    Returns
    -------
    Fit, or FamilyFit for trader-days and choices. Gates that fail after one automatic rerun (4 x the draws, or target acceptance .99) are recorded in `Fit.diagnostics`.

    Raises
    ------
    UsageError
        If the engine is unknown or does not cover the model, the evidence is empty, or priors are annual and the evidence has no year.
    """
    if isinstance(evidence, DayParts | Choices):
        from skillstats.inference.family_fit import fit_family

        if engine != "nuts" or extra is not None:
            raise UsageError(f"{type(evidence).__name__} are fitted by engine nuts, without components of one's own")
        sizes = {"draws": draws, "tune": tune, "chains": chains}
        return fit_family(
            spec, evidence, seed=seed, sizes=sizes, options={"cores": cores, "progress": progress, "rerun": rerun}, plan=plan
        )
    if engine not in ENGINES:
        raise UsageError(f"engine={engine!r}, must be one of {', '.join(ENGINES)}")
    if len(evidence) == 0:
        raise UsageError("the evidence has no rows; nothing can be fitted")
    spec = spec if isinstance(spec, ModelSpec) else read_spec(spec)
    if spec.family != "outcomes":
        raise UsageError(
            f"model {spec.name} is of the family {spec.family}; give ss.read_{spec.family}(...) in place of outcomes"
        )
    run = spec.sampling
    run = msgspec.structs.replace(run, draws=draws or run.draws, tune=tune or run.tune, chains=chains or run.chains)
    breadth = (
        bets_per_year(evidence, plan.model.bets_per_year if plan else None)
        if spec.needs_breadth
        else Breadth(None, "priors per decision")
    )
    terms = separable_terms(spec, evidence)
    identity = _identity(spec, evidence, seed, extra)
    if terms.form == "observed":
        evidence = evidence.without_factor()
    if engine == "gibbs":
        from skillstats.inference.gibbs_fit import fit_gibbs

        if extra is not None:
            raise UsageError("engine gibbs does not cover a component of your own; use engine nuts")
        return fit_gibbs(spec, evidence, seed=seed, run=run, breadth=breadth, terms=terms, cores=cores, identity=identity)

    started = time.perf_counter()
    compiled = _compile(spec, evidence, breadth.value, terms, extra)
    compiled_at = time.perf_counter()
    options = {"seed": seed, "cores": cores, "progress": progress, "rerun": rerun}
    coords = {d: evidence.levels(d) for d in DIMS}
    binned = histogram_data(spec, evidence, terms, grid=extra is not None)
    start = compiled.with_data(**binned) if binned else compiled
    tree, findings, run, reruns = sample_judged(start, run, coords, options, spec.name)
    if binned:
        first = Fit(tree, spec, evidence, seed, breadth, terms, run_diagnostics(tree, findings, run, reruns, {}), identity)
        drawn = parameters(first)
        accepted, words = judge_histogram(first, drawn.theta, drawn.sigma)
        if not accepted:
            tree, findings, run, reruns = sample_judged(compiled, run, coords, options, spec.name)
        reruns = [words, *reruns]
    seconds = {"compile": compiled_at - started, "sample": time.perf_counter() - compiled_at}
    return Fit(
        tree,
        spec,
        evidence,
        seed,
        breadth,
        terms,
        run_diagnostics(tree, findings, run, reruns, seconds),
        identity,
    )


def sample_judged(
    compiled: Any, run: Any, coords: Mapping[str, Sequence[str]], options: dict[str, Any], name: str
) -> tuple[DataTree, list[Finding], Any, list[str]]:
    """A run of the model `name`, repeated once if it misses its gates: draws, findings, settings of the run that was kept, why repeated."""
    tree, findings = sample_compiled(compiled, run, coords, options)
    again = _rerun(run, findings) if options["rerun"] else None
    if again is None:
        return tree, findings, run, []
    why = f"rerun once because of {', '.join(sorted({f.code for f in findings}))}"
    first = tree
    tree, findings = sample_compiled(compiled, again, coords, options)
    return tree, tolerate_divergences(findings, name, again.target_accept, first, tree), again, [why]


def _compile(spec: ModelSpec, evidence: Evidence, breadth: float | None, terms: Terms, extra: Extra | None) -> Any:
    """The compiled model with this evidence in it: from the cache where the structure is known."""
    data = model_data(spec, evidence, breadth, terms, grid=extra is not None)
    sizes = (*(len(evidence.levels(d)) for d in DIMS), *(data[k].shape[1] for k in ("V_estimate", "U_estimate") if k in data))
    luck = (spec.luck.tails, spec.luck.trader_session_scale)
    distributions = tuple(sorted((k, p.distribution) for k, p in spec.priors.items()))
    kept = (terms.skill, terms.shocks, terms.volatility_by, terms.slopes, terms.drift)
    key = (kept, spec.skill.population, luck, distributions, sizes)
    compiled = _COMPILED.get(key) if extra is None else None
    if compiled is None:
        compiled = compile_model(build_model(spec, evidence, bets_per_year=breadth, terms=terms, extra=extra))
        if extra is None:
            _COMPILED[key] = compiled
    return compiled.with_data(**data)


def compile_model(model: pm.Model) -> Any:
    """The nutpie model of a PyMC model: every parameter but the sampler's own coordinates is kept, chains start at `start_function`."""
    import nutpie
    import pytensor

    kept = [v.name for v in model.unobserved_value_vars if not v.name.startswith(INTERNAL) and not v.name.endswith("__")]
    # without fast maths the code rounds the same whether it comes from numba's disk cache or not, so a seed means the same draws
    with pytensor.config.change_flags(numba__fastmath=False):  # type: ignore[attr-defined]
        compiled = nutpie.compile_pymc_model(model, freeze_model=False, var_names=kept)
    return dataclasses.replace(compiled, initial_point_func=start_function(model))


def sample_compiled(
    compiled: Any, run: Any, coords: Mapping[str, Sequence[str]], options: dict[str, Any]
) -> tuple[DataTree, list[Finding]]:
    """One run of all chains of a nutpie model, under the names `coords` gives its dims, and what is wrong with it.

    Parameters
    ----------
    run : draws, tune, chains, target_accept; options : seed, cores, progress (and rerun, which `sample_judged` reads)
    """
    import nutpie

    raw = nutpie.sample(
        compiled,
        draws=run.draws,
        tune=run.tune,
        chains=run.chains,
        cores=min(options["cores"], run.chains),
        seed=options["seed"],
        target_accept=run.target_accept,
        progress_bar=options["progress"],
        save_warmup=False,
        maxdepth=MAX_DEPTH,
    )
    posterior = raw["posterior"].to_dataset()
    posterior = posterior[[name for name in posterior.data_vars if not str(name).startswith(INTERNAL)]]
    posterior = posterior.assign_coords({d: np.array(names, dtype=object) for d, names in coords.items() if d in posterior.dims})
    stats = raw["sample_stats"].to_dataset()[["diverging", "energy", "depth"]]
    tree = DataTree.from_dict({"posterior": posterior.drop_attrs(), "sample_stats": stats.drop_attrs()})
    findings = sampler_findings({k: stats[k].values for k in stats.data_vars}, MAX_DEPTH)
    for name, variable in tree["posterior"].data_vars.items():
        labels = np.array(labels_of(variable), dtype=object)
        findings += convergence_findings(
            str(name), np.asarray(variable.values), labels, scopes_of(variable), constants=name == "extra"
        )
    return tree, findings


def _rerun(run: Any, findings: list[Finding]) -> Any:
    """Settings of the one automatic rerun, or None where a rerun is not needed or cannot help."""
    codes = {f.code for f in findings}
    if "E-STUCK" in codes or not codes & {"E-CONV", "E-DIV"}:
        return None
    changes: dict[str, Any] = {}
    if "E-CONV" in codes:
        changes["draws"] = RERUN_DRAWS * run.draws
    if "E-DIV" in codes:
        changes["target_accept"] = max(RERUN_TARGET_ACCEPT, run.target_accept)
    return msgspec.structs.replace(run, **changes)


def run_diagnostics(
    tree: DataTree, findings: list[Finding], run: Any, reruns: list[str], seconds: dict[str, float]
) -> Diagnostics:
    """How the run that was kept did, over all its parameters."""
    tables = [diagnose(np.asarray(v.values)) for v in tree["posterior"].data_vars.values()]
    rhat = max(float(np.nanmax(t["rhat"])) for t in tables)
    ess = min(float(np.nanmin(np.fmin(t["ess_bulk"], t["ess_tail"]))) for t in tables)
    stats = tree["sample_stats"].to_dataset()
    return Diagnostics(
        findings=tuple(findings),
        divergences=int(stats["diverging"].values.sum()),
        max_rhat=rhat,
        min_ess=ess,
        min_bfmi=float(bfmi(stats["energy"].values).min()),
        chains=run.chains,
        draws=run.draws,
        tune=run.tune,
        target_accept=run.target_accept,
        reruns=tuple(reruns),
        seconds=seconds,
    )


def _identity(spec: ModelSpec, evidence: Evidence, seed: int, extra: Extra | None) -> dict[str, Any]:
    identity = {
        "spec": spec.digest,
        "evidence": evidence.digest,
        "version": package_version(),
        "components": components_digest(),
        "engine": "nuts",
        "seed": seed,
    }
    return identity | ({"custom": getattr(extra, "__qualname__", repr(extra))} if extra is not None else {})
