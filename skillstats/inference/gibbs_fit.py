"""`fit` with ``engine="gibbs"``: the same container, the same gates, one automatic rerun."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np
import xarray as xr
from xarray import DataTree

from skillstats.evidence import Evidence
from skillstats.inference.breadth import Breadth
from skillstats.inference.container import Diagnostics, Fit, labels_of, scopes_of
from skillstats.inference.diagnose import Finding, bfmi, convergence_findings, diagnose
from skillstats.inference.gibbs import GibbsDraws, gibbs_draws
from skillstats.inference.separable import Terms
from skillstats.spec.model import ModelSpec, Sampling

RERUN_DRAWS = 4


def fit_gibbs(
    spec: ModelSpec,
    evidence: Evidence,
    *,
    seed: int,
    run: Sampling,
    breadth: Breadth,
    terms: Terms,
    cores: int,
    identity: Mapping[str, Any],
) -> Fit:
    """A `Fit` by the Gibbs engine; arguments as `skillstats.inference.nuts.fit` has resolved them.

    Divergences do not exist here. The energy is minus the log of the joint density, in nats; how far it moves from draw to draw is printed and
    not judged, because the limits of E-BFMI are about the momentum of NUTS.
    """
    started = time.perf_counter()
    tree, findings = _sample(spec, evidence, seed, run, breadth, terms, cores)
    reruns: list[str] = []
    codes = {f.code for f in findings}
    if "E-CONV" in codes and "E-STUCK" not in codes:
        reruns.append(f"rerun once because of {', '.join(sorted(codes))}")
        run = msgspec.structs.replace(run, draws=RERUN_DRAWS * run.draws)
        tree, findings = _sample(spec, evidence, seed, run, breadth, terms, cores)
    tables = [diagnose(np.asarray(v.values)) for v in tree["posterior"].data_vars.values()]
    diagnostics = Diagnostics(
        findings=tuple(findings),
        divergences=0,
        max_rhat=max(float(np.nanmax(t["rhat"])) for t in tables),
        min_ess=min(float(np.nanmin(np.fmin(t["ess_bulk"], t["ess_tail"]))) for t in tables),
        min_bfmi=float(bfmi(np.asarray(tree["sample_stats"].to_dataset()["energy"].values)).min()),
        chains=run.chains,
        draws=run.draws,
        tune=run.tune,
        target_accept=None,
        reruns=tuple(reruns),
        seconds={"sample": time.perf_counter() - started},
    )
    return Fit(tree, spec, evidence, seed, breadth, terms, diagnostics, _identity(identity))


def _sample(
    spec: ModelSpec, evidence: Evidence, seed: int, run: Sampling, breadth: Breadth, terms: Terms, cores: int
) -> tuple[DataTree, list[Finding]]:
    """All chains under the names of this evidence, and what is wrong with them."""
    found = gibbs_draws(
        spec,
        evidence,
        seed=seed,
        draws=run.draws,
        tune=run.tune,
        chains=run.chains,
        bets_per_year=breadth.value,
        terms=terms,
        workers=min(cores, run.chains),
    )
    tree = _tree(found, evidence)
    findings: list[Finding] = []
    for name, variable in tree["posterior"].data_vars.items():
        labels = np.array(labels_of(variable), dtype=object)
        findings += convergence_findings(str(name), np.asarray(variable.values), labels, scopes_of(variable))
    return tree, findings


def _tree(found: GibbsDraws, evidence: Evidence) -> DataTree:
    """The draws as `Fit.tree` holds them."""
    dims = {d for own in found.dims.values() for d in own}
    chains, draws = found.log_likelihood.shape
    coords: dict[str, Any] = {"chain": np.arange(chains), "draw": np.arange(draws)}
    names = {d: np.array(evidence.coords[d], dtype=object) for d in ("trader", "regime", "action") if d in dims}
    variables = {name: (("chain", "draw", *found.dims[name]), values) for name, values in found.values.items()}
    joint = found.log_likelihood + found.log_prior
    stats = {"diverging": (("chain", "draw"), np.zeros(joint.shape, dtype=bool)), "energy": (("chain", "draw"), -joint)}
    return DataTree.from_dict(
        {"posterior": xr.Dataset(variables, coords=coords | names), "sample_stats": xr.Dataset(stats, coords=coords)}
    )


def _identity(found: Mapping[str, Any]) -> dict[str, Any]:
    """The identity that `skillstats.inference.nuts.fit` made, with this engine and its sources."""
    from skillstats.inference.gibbs_chain import sources_digest

    return {**found, "engine": "gibbs", "engine_sources": sources_digest()}
