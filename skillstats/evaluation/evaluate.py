"""From a fit to an evaluation: what may be said about whom."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skillstats.declared import Freeze, FrozenState
from skillstats.evaluation.block_boundary import policies_of_shown
from skillstats.evaluation.choice_blocks import with_posterior
from skillstats.evaluation.day_errors import day_error_table
from skillstats.evaluation.day_scores import DayScores, score_days
from skillstats.evaluation.declared import frozen_of, plan_part, primary_words
from skillstats.evaluation.detail import needed_table, row_detail, together
from skillstats.evaluation.draws import Draws, Standard
from skillstats.evaluation.engines import ENGINE_NAMES, Disagreement, compare_engines
from skillstats.evaluation.estimands import Estimate, Target, estimate, targets
from skillstats.evaluation.history import history_of
from skillstats.evaluation.hurdle_curves import Curves, hurdle_curves
from skillstats.evaluation.influence import Influence, leave_one_day_out
from skillstats.evaluation.lists import lists_of
from skillstats.evaluation.population import population
from skillstats.evaluation.posterior import posterior_draws
from skillstats.evaluation.predictive import STATISTICS, Check, missed, predictive_checks
from skillstats.evaluation.refit import refit_ir, scaled_spreads
from skillstats.evaluation.result import Evaluation
from skillstats.evaluation.rows import CLAIM_LIMIT, Judgement, finish_row, judged_ir, make_row, withhold_with_trader
from skillstats.evaluation.sensitivity import PriorSensitivity, population_priors, prior_sensitivity
from skillstats.evaluation.skew import SkewPart, skew_part, tail_fit_codes, tail_row_codes
from skillstats.evaluation.status import Code, FloorSet, absent_traders, floors_in_force, record_codes, worst
from skillstats.evaluation.variance_split import variance_split
from skillstats.evaluation.words import caveats, source_part
from skillstats.evidence import Evidence
from skillstats.inference import effects
from skillstats.inference.container import Fit
from skillstats.inference.diagnose import FIT
from skillstats.plan import Plan

FloatArray = NDArray[np.float64]
MOST_REFITS = 5
LEAST_POOLED = 3
"""Traders below which a mean over them would give one of them away."""


def evaluate(
    fit: Fit,
    plan: Plan | None = None,
    *,
    overrides: Mapping[str, Any] | None = None,
    second: Fit | None = None,
    blocks: Mapping[str, Mapping[str, Any]] | None = None,
    freezes: Sequence[Freeze] | FrozenState = (),
) -> Evaluation:
    """Judge a fit: estimands, statuses with reasons, and what the reader must know.

    Parameters
    ----------
    fit : Fit
    plan : hurdle, certainty, floors and false-discovery rate; default `Plan()`
    overrides : what the caller set against the plan (model, seed, draws), to be stated
    second : the same model on the same evidence by the other engine, see `skillstats.evaluation.engines.second_fit`; their disagreement is
        stated, and flagged where Monte-Carlo error does not explain it
    blocks : answers to the questions beside skill, see `skillstats.evaluation.blocks.blocks_of`
    freezes : of the plan, see `skillstats.declared.read_freezes`; without one the plan counts as never frozen.
        Or the state of an evaluation that is done again

    Returns
    -------
    Evaluation; withheld estimates are None in it
    """
    plan = plan or Plan()
    made = _estimates(fit, plan)
    frozen = frozen_of(fit, plan, freezes)
    floors, floor_words = floors_in_force(plan, fit.evidence.source, frozen)
    about = _about_the_fit(fit, made, floors, second)
    sessions, density = effects.session_log_likelihood(fit)
    by = _judgement(fit, plan, made, about, _influence(fit, plan, made, sessions, density), (blocks or {}).get("placebo"))
    rows = _rows(fit, made, by)
    own = [(row, t, e) for row, t, e in zip(rows, made.found, made.estimates, strict=True) if t.regime < 0]
    shown = [(t, e) for row, t, e in own if row["status"] != "WITHHOLD"]
    status = worst(about.codes)
    withheld = status == "WITHHOLD" or not shown
    return Evaluation(
        status=status,
        codes=tuple(c.plain() for c in about.codes),
        plan=plan_part(plan, by, fit, frozen) | {"overrides": dict(overrides or {})},
        identity=dict(fit.identity) | {"spec_name": fit.spec.name},
        source=source_part(fit),
        rows=tuple(rows + _absent(fit.evidence)),
        population={} if withheld else population(fit, [e for _, _, e in own]),
        diagnostics=_diagnostics(fit, about, by, None if withheld else score_days(density, sessions)),
        kpis=tuple(fit.evidence.context.get("kpis", ())),
        lists=lists_of(rows, made.ir, made.found, by, plan),
        attribution=policies_of_shown(with_posterior(blocks or {}, rows), rows),
        caveats=(
            *primary_words(plan, rows),
            *about.skew.sentences(fit.evidence.unit),
            *caveats(fit, floor_words, by.sensitivity),
        ),
        desk={} if withheld else _desk(fit, made.draws, shown, by),
        day_errors=tuple(day_error_table(fit.evidence)),
        history=history_of(
            fit,
            {row["trader"]: e for row, _, e in own},
            {row["trader"]: row["status"] for row, _, _ in own},
            withheld=status == "WITHHOLD",
        ),
    )


@dataclass(frozen=True, slots=True)
class _Made:
    """Draws, targets, their estimates, and the IRs (draw, target) on the scale of the hurdle."""

    draws: Draws
    found: list[Target]
    estimates: list[Estimate]
    ir: FloatArray
    hurdle: float


def _estimates(fit: Fit, plan: Plan) -> _Made:
    """Every estimate of a fit, and the hurdle it is held against."""
    draws, found, annual = posterior_draws(fit), targets(fit.evidence), fit.evidence.has_year
    noise = np.random.default_rng([fit.seed, 11]).standard_normal(len(draws.desk_day))
    made = [estimate(draws, fit.evidence, t, noise) for t in found]
    hurdle = plan.verdict.hurdle if annual else plan.verdict.hurdle_decision
    return _Made(draws, found, made, np.stack([judged_ir(e, annual) for e in made], axis=1), hurdle)


@dataclass(frozen=True, slots=True)
class _About:
    """What holds for the fit as a whole: floors in force, predictive checks, the gate on skewness, the other engine, and the codes of all."""

    floors: FloorSet
    checks: dict[str, Check]
    skew: SkewPart
    engines: Disagreement | None
    codes: list[Code]


def _about_the_fit(fit: Fit, made: _Made, floors: FloorSet, second: Fit | None) -> _About:
    """Check record, sampler and model."""
    checks = predictive_checks(made.draws, fit.evidence, fit.seed)
    skew = skew_part(fit, made.draws, made.found, made.estimates, floors, checks)
    heavy = tail_fit_codes(made.draws)
    codes = [*record_codes(fit.evidence), *_sampler_codes(fit, FIT), *heavy, *skew.fit_codes(), *_ppc_codes(checks)]
    engines = compare_engines(fit, second, made.found) if second is not None else None
    codes += engines.code() if engines is not None else []
    return _About(floors, checks, skew, engines, codes)


def _judgement(
    fit: Fit, plan: Plan, made: _Made, about: _About, influence: Influence, placebo: Mapping[str, Any] | None
) -> Judgement:
    """What every row is judged by; the refits under other priors happen here."""
    scoped = {
        name: (*_sampler_codes(fit, name), *tail_row_codes(made.draws, fit.evidence, j), *about.skew.trader_codes(name))
        for j, name in enumerate(fit.evidence.coords["trader"])
    }
    return Judgement(
        evidence=fit.evidence,
        floors=about.floors,
        hurdle=made.hurdle,
        annual=fit.evidence.has_year,
        certainty=plan.verdict.certainty,
        chains=fit.diagnostics.chains,
        own_sd="trader" in fit.terms.volatility_by,
        fit_codes=tuple(_short(c) for c in about.codes),
        scoped=scoped,
        influence=influence,
        sensitivity=_sensitivity(fit, plan, made),
        curves=_curves(fit, plan, made),
        placebo=placebo,
        primary=plan.primary,
    )


def _rows(fit: Fit, made: _Made, by: Judgement) -> list[dict[str, Any]]:
    """One row a target with its final status, then what only a shown row has."""
    rows = [make_row(i, t, e, by) for i, (t, e) in enumerate(zip(made.found, made.estimates, strict=True))]
    gone = {r["trader"]: r for r in rows if r["regime"] == "all" and r["status"] == "WITHHOLD"}
    rows = [withhold_with_trader(r, gone[r["trader"]]) if r["trader"] in gone else r for r in rows]
    rows = [_with_pooled(row, t, made.draws.standard) for row, t in zip(rows, made.found, strict=True)]
    return [
        row | {"detail": None if row["status"] == "WITHHOLD" else row_detail(i, t, e, by, made.draws, fit)}
        for i, (row, t, e) in enumerate(zip(rows, made.found, made.estimates, strict=True))
    ]


def _desk(fit: Fit, draws: Draws, shown: list[tuple[Target, Estimate]], by: Judgement) -> dict[str, Any]:
    """What is said about the desk as a whole, of the traders whose estimates are shown."""
    quarter = together(draws, fit.evidence, [t.trader for t, _ in shown], fit.seed)
    return {
        "variance": variance_split(fit),
        "needed": needed_table([e for _, e in shown], by, fit),
        "quarter": None if quarter is None else dataclasses.asdict(quarter),
    }


def _sampler_codes(fit: Fit, scope: str) -> list[Code]:
    """Gates of the sampler that concern the fit or one trader, each code once with its worst finding."""
    found: dict[str, Code] = {}
    for f in fit.diagnostics.findings:
        if f.scope == scope and f.code not in found:
            found[f.code] = Code(f.code, "WITHHOLD" if f.action == "WITHHOLD" else "FLAG", f.text)
    return list(found.values())


def _short(code: Code) -> Code:
    """A code of the fit as a row repeats it: what is flagged for all is flagged for each."""
    return code if code.action == "WITHHOLD" else Code(code.code, code.action, "the fit as a whole is flagged, see there")


def _ppc_codes(checks: dict[str, Check]) -> list[Code]:
    bad = missed(checks)
    if not bad:
        return []
    words = ", ".join(f"{STATISTICS[name]} (p = {checks[name].p:.3f})" for name in bad)
    return [Code("W-PPC", "FLAG", f"the model does not describe these outcomes: {words}")]


def _influence(fit: Fit, plan: Plan, made: _Made, sessions: NDArray[np.int64], density: FloatArray) -> Influence:
    """Leave one session out; the heaviest sessions behind a claim are refitted where reweighting cannot be trusted."""
    found, ir, hurdle = made.found, made.ir, made.hurdle
    influence = leave_one_day_out(sessions, density, ir, hurdle)
    limit = min(CLAIM_LIMIT, plan.verdict.certainty)
    claimed = np.flatnonzero(np.maximum(np.mean(ir > hurdle, axis=0), np.mean(ir < 0, axis=0)) >= limit)
    behind = (
        np.unique(np.concatenate([fit.evidence.session[found[i].rows] for i in claimed]))
        if len(claimed)
        else np.zeros(0, dtype=int)
    )
    heavy = [s for s in behind if influence.k[s] > influence.k_limit]
    heavy.sort(key=lambda s: -influence.k[s])
    for session in heavy[:MOST_REFITS]:
        again = refit_ir(fit, plan, found, annual=fit.evidence.has_year, without=int(session))
        if again is not None:
            influence = influence.with_refit(int(session), again, hurdle)
    return influence


def _sensitivity(fit: Fit, plan: Plan, made: _Made) -> PriorSensitivity:
    """Response to the priors of the population; refitted where reweighting cannot be trusted."""
    spreads, centre = population_priors(fit)
    result = prior_sensitivity(made.ir, made.hurdle, spreads, centre)
    if result.reliable or not spreads:
        return result
    scaled = [scaled_spreads(fit.spec, factor) for factor in (0.5, 2.0)]
    halved, doubled = (refit_ir(fit, plan, made.found, annual=fit.evidence.has_year, priors=p) for p in scaled)
    if halved is None or doubled is None:
        return result
    above = (np.mean(again > made.hurdle, axis=0) for again in (halved, doubled))
    return dataclasses.replace(result, **dict(zip(("halved", "doubled"), above, strict=True)), reliable=True)


def _curves(fit: Fit, plan: Plan, made: _Made) -> Curves:
    """P(IR > delta) under a sceptical, the plan's and a wide prior."""

    def refit(factor: float) -> FloatArray | None:
        priors = scaled_spreads(fit.spec, factor, mean=True)
        return refit_ir(fit, plan, made.found, annual=fit.evidence.has_year, priors=priors)

    return hurdle_curves(made.ir, made.hurdle, *population_priors(fit), refit)


def _with_pooled(row: dict[str, Any], target: Target, standard: Standard) -> dict[str, Any]:
    """For a regime cell, the mean over the desk's traders in that regime: what is shown where the cell itself claims nothing."""
    if (
        target.regime < 0
        or standard.mean.shape[1] < LEAST_POOLED
        or any(c["action"] == "WITHHOLD" and c["code"] not in ("E-CELL", "E-FEW") for c in row["codes"])
    ):
        return row | {"pooled_y_mean": None}
    pooled = standard.mean[:, :, 1 + target.regime]  # shape: (draw, trader), everybody counts alike
    return row | {"pooled_y_mean": float(pooled.mean())}


def _absent(evidence: Evidence) -> list[dict[str, Any]]:
    """Rows of traders of the ledger who left no evidence."""
    rows = []
    for name, decisions, code in absent_traders(evidence):
        row = finish_row({"trader": name, "regime": "all", "n": 0, "days": 0, "n_eff": None}, [code])
        rows.append(
            row | {"raw_ir_annual": None, "p_harm": None, "pooled_y_mean": None, "detail": None, "decisions_seen": decisions}
        )
    return rows


def _diagnostics(fit: Fit, about: _About, by: Judgement, scores: DayScores | None) -> dict[str, Any]:
    """How the sampler and the model did; without `scores` the fit is withheld and nothing of its predictions is kept but p."""
    d, checks = fit.diagnostics, about.checks
    told = {
        "engine": ENGINE_NAMES[fit.engine],
        "chains": d.chains,
        "draws": d.draws,
        "tune": d.tune,
        "target_accept": d.target_accept,
        "divergences": d.divergences,
        "r_hat_max": d.max_rhat,
        "ess_min": d.min_ess,
        "e_bfmi_min": d.min_bfmi,
        "reruns": list(d.reruns),
        "gates": [{"code": f.code, "text": f.text} for f in d.findings],
        "predictive_p": {name: check.p for name, check in checks.items()},
        "predictive": {name: check.plain() for name, check in checks.items()} if scores else {},
        "loo": {"elpd": scores.elpd, "se": scores.se, "k_max": float(scores.k.max()), "k_limit": scores.k_limit}
        if scores
        else None,
        "pareto_k_max": float(np.nanmax(by.influence.k)),
        "pareto_k_limit": by.influence.k_limit,
        "skew": about.skew.plain(),
    }
    return told if about.engines is None else told | {"engines": about.engines.plain()}
