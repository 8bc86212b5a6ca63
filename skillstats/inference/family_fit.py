"""Fits of models whose evidence is not a table of outcomes: parts of trader-days, and choices.

The same sampler, the same gates and the same identity as for outcomes; only the container differs, because these posteriors have other
dims.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
import pandas as pd
import pymc as pm
import xarray as xr
from numpy.typing import NDArray
from xarray import DataTree

from skillstats.components.registry import components_digest
from skillstats.errors import UsageError
from skillstats.evidence import Choices, DayParts
from skillstats.inference.breadth import MIN_SESSIONS_FOR_A_RATE, Breadth
from skillstats.inference.build_choices import build_choices, choices_data, separable_choices
from skillstats.inference.build_day_parts import build_day_parts, parts_data, separable_parts
from skillstats.inference.container import Diagnostics, posterior_table, save_tree, told_of
from skillstats.inference.diagnose import FIT, Finding
from skillstats.inference.nuts import compile_model, run_diagnostics, sample_judged
from skillstats.inference.separable import Terms
from skillstats.plan import Plan
from skillstats.spec import ModelSpec, read_spec
from skillstats.spec.model import needed_priors
from skillstats.units import package_version

FloatArray = NDArray[np.float64]
NO_OVERLAP, LITTLE_OVERLAP = 0.5, 0.2
"""Share of signals in all-or-none strata from which a model of choices is withheld, and flagged."""
_COMPILED: Final[dict[tuple[Any, ...], Any]] = {}
"""Compiled models of this process by structure."""


@dataclass(frozen=True)
class FamilyFit:
    """Posterior draws of a model of trader-day parts or of choices.

    tree : DataTree; `posterior` has dims (chain, draw, ...). Parts: mu, tau_trader, s_V, l0, t_sigma (part), theta, sigma (trader, part), corr,
        corr_e (part, part_b), risk units of a trader-day. Choices: mu_alpha, tau_alpha, alpha (trader), tau_stratum, stratum_effect (stratum), beta
        (feature), s_A, mu_lambda, tau_lambda, lambda (trader), log-odds
    breadth : bets a year behind annual priors; terms : kept terms, and reasons for the dropped ones
    identity : spec, evidence, version, components, seed
    """

    tree: DataTree
    spec: ModelSpec
    evidence: DayParts | Choices
    seed: int
    breadth: Breadth
    terms: Terms
    diagnostics: Diagnostics
    identity: Mapping[str, Any]

    def __contains__(self, name: str) -> bool:
        return name in self.tree["posterior"].data_vars

    def draws(self, name: str) -> FloatArray:
        """Draws of one parameter, chains one after the other, shape (chain * draw, ...)."""
        values = np.asarray(self.tree["posterior"][name].values)
        return values.reshape(-1, *values.shape[2:])

    def summary(self) -> pd.DataFrame:
        """Mean, sd, 5/25/50/75/95% points, R-hat, ESS and MCSE of every parameter, one row each."""
        return posterior_table(self.tree)

    def save(self, path: str | Path) -> str:
        """Write posterior, specification and identity as netCDF; returns the file's sha256. Nothing is pickled."""
        return save_tree(self.tree, Path(path), told_of(self))

    def __str__(self) -> str:
        head = f"FamilyFit of {self.spec.name} on {self.evidence}; seed {self.seed}"
        return "\n".join([head, self.breadth.reason, f"terms: {self.terms}", str(self.diagnostics)])


def fit_family(
    spec: str | Path | ModelSpec,
    evidence: DayParts | Choices,
    *,
    seed: int,
    sizes: Mapping[str, int | None],
    options: Mapping[str, Any],
    plan: Plan | None,
) -> FamilyFit:
    """Fit a model of the family of its evidence; see `skillstats.fit`.

    Raises
    ------
    UsageError
        If the model is of another family, or priors are annual and the evidence has no year.
    """
    spec = spec if isinstance(spec, ModelSpec) else read_spec(spec)
    family = "day_parts" if isinstance(evidence, DayParts) else "choices"
    if spec.family != family:
        raise UsageError(
            f"model {spec.name} is of the family {spec.family}, the evidence of {family}; use a model of that family"
        )
    breadth = _breadth(spec, evidence, plan)
    terms = family_terms(spec, evidence)
    started = time.perf_counter()
    compiled = _compile(spec, evidence, breadth.value, terms)
    compiled_at = time.perf_counter()
    run = msgspec.structs.replace(spec.sampling, **{k: v for k, v in sizes.items() if v})
    tree, findings, run, reruns = sample_judged(compiled, run, evidence.coords, {"seed": seed, **options}, spec.name)
    seconds = {"compile": compiled_at - started, "sample": time.perf_counter() - compiled_at}
    findings = [*findings, *(overlap_findings(evidence) if isinstance(evidence, Choices) else [])]
    diagnostics = run_diagnostics(tree, findings, run, reruns, seconds)
    identity = {
        "spec": spec.digest,
        "evidence": evidence.digest,
        "version": package_version(),
        "components": components_digest(),
        "engine": "nuts",
        "seed": seed,
    }
    return FamilyFit(_with_matrices(tree, evidence), spec, evidence, seed, breadth, terms, diagnostics, identity)


def family_terms(spec: ModelSpec, evidence: DayParts | Choices) -> Terms:
    """The terms that the evidence can separate; reasons for the others."""
    return separable_parts(spec, evidence) if isinstance(evidence, DayParts) else separable_choices(spec, evidence)


def build_family_model(spec: ModelSpec, evidence: DayParts | Choices, bets_per_year: float | None) -> pm.Model:
    """The PyMC model of a specification of either family; see `build_model` for outcomes."""
    terms = family_terms(spec, evidence)
    data = _data(spec, evidence, bets_per_year, terms)
    if isinstance(evidence, DayParts):
        return build_day_parts(spec, evidence, data, terms)
    return build_choices(spec, evidence, data, terms)


def _data(spec: ModelSpec, evidence: DayParts | Choices, bets_per_year: float | None, terms: Terms) -> dict[str, NDArray[Any]]:
    """Every array of the model by its name."""
    skill = msgspec.structs.replace(spec.skill, terms=terms.skill)
    luck = msgspec.structs.replace(spec.luck, shocks=terms.shocks, volatility_by=terms.volatility_by)
    priors = needed_priors(skill, luck, spec.family)
    if isinstance(evidence, DayParts):
        return parts_data(spec, evidence, bets_per_year, priors)
    return choices_data(spec, evidence, bets_per_year, priors)


def _compile(spec: ModelSpec, evidence: DayParts | Choices, bets_per_year: float | None, terms: Terms) -> Any:
    data = _data(spec, evidence, bets_per_year, terms)
    sizes = tuple(len(evidence.coords[d]) for d in evidence.coords if d != "session")
    pairs = int(data["choice_pair"].max()) + 1 if "choice_pair" in data else 0
    distributions = tuple(sorted((k, p.distribution) for k, p in spec.priors.items()))
    key = (spec.family, spec.skill.population, terms.skill, terms.shocks, terms.volatility_by, distributions, sizes, pairs)
    if key not in _COMPILED:
        model = build_family_model(spec, evidence, bets_per_year)
        _COMPILED[key] = (compile_model(model), frozenset(v.name for v in model.data_vars))
    compiled, used = _COMPILED[key]
    return compiled.with_data(**{k: v for k, v in data.items() if k in used})


def _breadth(spec: ModelSpec, evidence: DayParts | Choices, plan: Plan | None) -> Breadth:
    """Bets a year: one a trader-day, active days a year of the median trader."""
    if not spec.needs_breadth:
        return Breadth(None, "priors are not per year")
    if plan is not None and plan.model.bets_per_year is not None:
        return Breadth(float(plan.model.bets_per_year), f"B = {plan.model.bets_per_year:g} bets a year, from the plan")
    year = evidence.sessions_per_year
    if year is None:
        raise UsageError(f"model {spec.name} states priors per year, but the evidence has no year; give sessions_per_year")
    days = np.bincount(np.unique(np.stack([evidence.trader, evidence.session]), axis=1)[0])
    if evidence.sessions_spanned < MIN_SESSIONS_FOR_A_RATE:
        return Breadth(
            year, f"B = {year:g} bets a year: one a day of the calendar, as {evidence.sessions_spanned} sessions are few"
        )
    value = min(float(np.median(days)) / (evidence.sessions_spanned / year), year)
    return Breadth(value, f"B = {value:.6g} bets a year: one an active day of the median trader")


def _with_matrices(tree: DataTree, evidence: DayParts | Choices) -> DataTree:
    """The draws with correlation matrices (part, part_b) in place of their three numbers."""
    posterior = tree["posterior"].to_dataset()
    for name in ("corr", "corr_e"):
        if f"{name}_pairs" not in posterior:
            continue
        pairs = np.asarray(posterior[f"{name}_pairs"].values)
        full = np.broadcast_to(np.eye(3), (*pairs.shape[:2], 3, 3)).copy()
        for k, (r, c) in enumerate(((0, 1), (0, 2), (1, 2))):
            full[:, :, r, c] = full[:, :, c, r] = pairs[:, :, k]
        parts = np.array(evidence.coords["part"], dtype=object)
        matrix = xr.DataArray(full, dims=("chain", "draw", "part", "part_b"), coords={"part": parts, "part_b": parts})
        posterior = posterior.drop_vars(f"{name}_pairs").assign({name: matrix})
    posterior = posterior.drop_dims([d for d in posterior.dims if str(d).startswith(("corr_pairs", "corr_e_pairs"))])
    return DataTree.from_dict({"posterior": posterior, "sample_stats": tree["sample_stats"].to_dataset()})


def overlap_findings(choices: Choices) -> list[Finding]:
    """E-OVERLAP where most signals lie in strata in which a trader touched all or none, and E-LOOK where a label knew too much."""
    found, share = [], choices.all_or_none
    if share > LITTLE_OVERLAP:
        action, limit = ("WITHHOLD", NO_OVERLAP) if share > NO_OVERLAP else ("FLAG", LITTLE_OVERLAP)
        text = (
            f"{share:.0%} of the signals lie in strata where a trader touched all or none (limit {limit:.0%}); use wider strata"
        )
        found.append(Finding("E-OVERLAP", action, FIT, "strata", share, limit, text))
    if choices.look_ahead:
        text = f"{choices.look_ahead} signals carry a label or feature dated at or after the choice; correct the labels"
        found.append(Finding("E-LOOK", "WITHHOLD", FIT, "labels", float(choices.look_ahead), 0.0, text))
    return found
