"""From a fit to an evaluation: what may be said about whom."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from skillstats.evaluation.estimands import Target, estimate, targets
from skillstats.evaluation.influence import Influence, leave_one_day_out
from skillstats.evaluation.predictive import STATISTICS, missed, predictive_checks
from skillstats.evaluation.refit import posterior_draws, refit_ir
from skillstats.evaluation.result import Evaluation
from skillstats.evaluation.rows import CLAIM_LIMIT, Judgement, finish_row, judged_ir, make_row, withhold_with_trader
from skillstats.evaluation.sensitivity import PriorSensitivity, prior_sensitivity
from skillstats.evaluation.skew import skew_part
from skillstats.evaluation.status import Code, absent_traders, floors_in_force, record_codes, worst
from skillstats.evaluation.words import caveats, skilled_list, source_part
from skillstats.evidence import Evidence, distinct
from skillstats.inference import effects
from skillstats.inference.container import Fit
from skillstats.inference.diagnose import FIT
from skillstats.plan import Plan

FloatArray = NDArray[np.float64]
MOST_REFITS = 5
LEAST_POOLED = 3
"""Traders below which a mean over them would give one of them away."""


def evaluate(fit: Fit, plan: Plan | None = None, *, overrides: Mapping[str, Any] | None = None) -> Evaluation:
    """Judge a fit: estimands, statuses with reasons, and what the reader must know.

    Parameters
    ----------
    fit : Fit
    plan : hurdle, certainty, floors and false-discovery rate; default `Plan()`
    overrides : what the caller set against the plan (model, seed, draws), to be stated

    Returns
    -------
    Evaluation; withheld estimates are None in it
    """
    plan = plan or Plan()
    evidence, draws = fit.evidence, posterior_draws(fit)
    noise = np.random.default_rng([fit.seed, 11]).standard_normal(len(draws.desk_day))
    found = targets(evidence)
    estimates = [estimate(draws, evidence, t, noise) for t in found]
    annual = evidence.has_year
    hurdle = plan.verdict.hurdle if annual else plan.verdict.hurdle_decision
    ir = np.stack([judged_ir(e, annual) for e in estimates], axis=1)
    checks = predictive_checks(draws, evidence, fit.seed)
    floors, floor_words = floors_in_force(plan, evidence.source)
    skew = skew_part(fit, draws, found, estimates, floors, checks)
    codes = [*record_codes(evidence), *_sampler_codes(fit, FIT), *skew.fit_codes(), *_ppc_codes(checks)]
    influence = _influence(fit, plan, found, ir, hurdle)
    by = Judgement(
        evidence=evidence,
        floors=floors,
        hurdle=hurdle,
        annual=annual,
        certainty=plan.verdict.certainty,
        chains=fit.diagnostics.chains,
        own_sd="trader" in fit.terms.volatility_by,
        fit_codes=tuple(_short(c) for c in codes),
        scoped={name: (*_sampler_codes(fit, name), *skew.trader_codes(name)) for name in evidence.coords["trader"]},
        influence=influence,
        sensitivity=_sensitivity(fit, plan, found, ir, hurdle),
    )
    rows = [make_row(i, t, e, by) for i, (t, e) in enumerate(zip(found, estimates, strict=True))]
    gone = {r["trader"]: r for r in rows if r["regime"] == "all" and r["status"] == "WITHHOLD"}
    rows = [withhold_with_trader(r, gone[r["trader"]]) if r["trader"] in gone else r for r in rows]
    rows = [_with_pooled(row, t, fit) for row, t in zip(rows, found, strict=True)] + _absent(evidence)
    result = _assemble(fit, plan, rows, codes, checks, floor_words, ir, found, by)
    return dataclasses.replace(
        result,
        plan={**result.plan, "overrides": dict(overrides or {})},
        diagnostics={**result.diagnostics, "skew": skew.plain()},
        caveats=(*skew.sentences(evidence.unit), *result.caveats),
    )


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


def _ppc_codes(checks: dict[str, float]) -> list[Code]:
    bad = missed(checks)
    if not bad:
        return []
    words = ", ".join(f"{STATISTICS[name]} (p = {checks[name]:.2f})" for name in bad)
    return [Code("W-PPC", "FLAG", f"the model does not describe these outcomes: {words}")]


def _influence(fit: Fit, plan: Plan, found: list[Target], ir: FloatArray, hurdle: float) -> Influence:
    """Leave one session out; the heaviest sessions behind a claim are refitted where reweighting cannot be trusted."""
    sessions, density = effects.session_log_likelihood(fit)
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


def _sensitivity(fit: Fit, plan: Plan, found: list[Target], ir: FloatArray, hurdle: float) -> PriorSensitivity:
    """Response to the priors of the population, scales in y units; refitted where reweighting cannot be trusted."""
    root = np.sqrt(fit.bets_per_year) if fit.bets_per_year else 1.0
    spreads = {}
    for name, prior in fit.spec.priors.items():
        draws_name = "tau_" + name.removeprefix("skill_sd_")
        if name.startswith("skill_sd_") and draws_name in fit:
            spreads[name] = (fit.draws(draws_name), prior.sigma / (root if prior.unit == "annual_ir" else 1.0))
    centre = fit.spec.priors["skill_mean"]
    unit = root if centre.unit == "annual_ir" else 1.0
    result = prior_sensitivity(ir, hurdle, spreads, (fit.draws("mu"), (centre.mu or 0.0) / unit, centre.sigma / unit))
    if result.reliable or not spreads:
        return result
    halved, doubled = (refit_ir(fit, plan, found, annual=fit.evidence.has_year, factor=f) for f in (0.5, 2.0))
    if halved is None or doubled is None:
        return result
    return dataclasses.replace(
        result, halved=np.mean(halved > hurdle, axis=0), doubled=np.mean(doubled > hurdle, axis=0), reliable=True
    )


def _with_pooled(row: dict[str, Any], target: Target, fit: Fit) -> dict[str, Any]:
    """For a regime cell, the mean over the desk's traders in that regime: what is shown where the cell itself claims nothing."""
    evidence = fit.evidence
    if (
        target.regime < 0
        or len(evidence.coords["trader"]) < LEAST_POOLED
        or any(c["action"] == "WITHHOLD" and c["code"] not in ("E-CELL", "E-FEW") for c in row["codes"])
    ):
        return row | {"pooled_y_mean": None}
    return row | {"pooled_y_mean": _pooled_mean(fit, target.regime)}


def _pooled_mean(fit: Fit, regime: int) -> float:
    """Posterior mean of y in a regime, every trader of the desk counting alike, with the desk's mix of all other labels there."""
    evidence = fit.evidence
    here = evidence.regime == regime
    found, at = distinct({"action": evidence.action[here], **{k: codes[here] for k, codes in evidence.labels.items()}})
    traders, combination = (code.ravel() for code in np.indices((len(evidence.coords["trader"]), len(found))))
    codes = {k: c[combination] for k, c in found.codes.items()} | {"trader": traders, "regime": np.full(len(traders), regime)}
    if fit.terms.drift is not None:
        codes["quarter"] = np.full(len(traders), len(evidence.levels("quarter")) - 1)
    mean = np.asarray(
        [effects.theta_at(fit, {k: c[traders == j] for k, c in codes.items()}).mean(axis=0) for j in np.unique(traders)]
    )
    return float(mean.mean(axis=0) @ (np.bincount(at) / len(at)))


def _absent(evidence: Evidence) -> list[dict[str, Any]]:
    """Rows of traders of the ledger who left no evidence."""
    rows = []
    for name, decisions, code in absent_traders(evidence):
        row = finish_row({"trader": name, "regime": "all", "n": 0, "days": 0, "n_eff": None}, [code])
        rows.append(row | {"raw_ir_annual": None, "p_harm": None, "pooled_y_mean": None, "decisions_seen": decisions})
    return rows


def _assemble(
    fit: Fit,
    plan: Plan,
    rows: list[dict[str, Any]],
    codes: list[Code],
    checks: dict[str, float],
    floor_words: list[str],
    ir: FloatArray,
    found: list[Target],
    by: Judgement,
) -> Evaluation:
    evidence = fit.evidence
    hurdle_unit = "annual IR" if by.annual else "IR per decision"
    floors = {k: getattr(by.floors, k) for k in ("days", "n_eff", "cell_days")}
    withheld = worst(codes) == "WITHHOLD"
    return Evaluation(
        status=worst(codes),
        codes=tuple(c.plain() for c in codes),
        plan={
            "name": plan.name,
            "digest": plan.digest,
            "frozen": None,
            "hurdle": by.hurdle,
            "hurdle_unit": hurdle_unit,
            "certainty": plan.verdict.certainty,
            "fdr": plan.verdict.fdr,
            "horizon": plan.horizon if evidence.source == "record" else None,
            "fill_model": plan.fill_model if evidence.source == "record" else None,
            "floors": floors,
            "seed": fit.seed,
            "text": msgspec.json.encode(msgspec.to_builtins(plan), order="deterministic").decode(),
        },
        identity=dict(fit.identity) | {"spec_name": fit.spec.name},
        source=source_part(fit),
        rows=tuple(rows),
        population={} if withheld else population(fit),
        diagnostics=_diagnostics(fit, checks, by),
        kpis=tuple(evidence.context.get("kpis", ())),
        lists=skilled_list(rows, ir, found, by, plan),
        attribution={},
        caveats=tuple(caveats(fit, floor_words, by.sensitivity)),
    )


def _diagnostics(fit: Fit, checks: dict[str, float], by: Judgement) -> dict[str, Any]:
    d = fit.diagnostics
    return {
        "engine": "nuts (nutpie)",
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
        "predictive_p": checks,
        "pareto_k_max": float(np.nanmax(by.influence.k)),
        "pareto_k_limit": by.influence.k_limit,
    }


def population(fit: Fit) -> dict[str, Any]:
    """The desk's mean and every population sd and shock size, in the unit a reader thinks in.

    Skill terms: annual IR where there is a year, else the input's unit (no risk column) or IR units. Shocks and residual: the input's
    unit where there is no risk column, else sd of a decision's standardised outcome.
    """
    money = not fit.evidence.has_risk
    skill = np.sqrt(fit.bets_per_year) if fit.bets_per_year else (fit.evidence.scale if money else 1.0)
    skill_unit = "annual IR at the planned breadth" if fit.bets_per_year else ("input unit" if money else "y units")
    luck, luck_unit = (fit.evidence.scale, "input unit") if money else (1.0, "y units")
    table: dict[str, Any] = {"desk_mean": _entry("mean skill of the desk", skill_unit, fit.draws("mu") * skill)}
    labels = {
        "tau_trader": ("trader_sd", "spread between traders"),
        "tau_regime": ("regime_sd", "spread between regimes"),
        "tau_trader_regime": ("trader_regime_sd", "spread of trader x regime"),
        "tau_action": ("action_sd", "spread between actions"),
        "tau_signal_type": ("signal_type_sd", "spread between signal types"),
        "tau_asset_class": ("asset_class_sd", "spread between asset classes"),
        "tau_model_version": ("model_version_sd", "spread between model versions"),
        "tau_desk": ("desk_level_sd", "spread between desks"),
        "tau_drift": ("drift_sd", "innovation of a trader's skill from quarter to quarter"),
        "mu_kappa": ("sizing_mean", "sizing skill of the desk, per log unit of risk"),
        "tau_kappa": ("sizing_sd", "spread of sizing skill between traders, per log unit of risk"),
    }
    for name, (key, label) in labels.items():
        if name in fit:
            table[key] = _entry(label, skill_unit, fit.draws(name) * skill)
    if "s_V" in fit:
        table["session_sd"] = _entry("shock shared by all in a session", luck_unit, fit.draws("s_V") * luck)
    if "s_F" in fit:
        table["factor_sd"] = _entry("latent factor return, per unit of exposure", luck_unit, fit.draws("s_F") * luck)
    for name, key, label in (
        ("phi", "drift_persistence", "persistence of skill"),
        ("pi", "narrow_share", "share of the narrow part"),
    ):
        if name in fit:
            table[key] = _entry(label, "no unit", fit.draws(name))
    if "s_U" in fit:
        table["trader_session_sd"] = _entry(
            "shock of one trader in a session, typical", luck_unit, fit.draws("s_U").mean(axis=1) * luck
        )
    residual = np.sqrt((fit.draws("sigma") ** 2).reshape(len(fit.draws("mu")), -1).mean(axis=1))
    table["residual_sd"] = _entry("what is left in one decision", luck_unit, residual * luck)
    return table


def _entry(label: str, unit: str, draws: FloatArray) -> dict[str, Any]:
    low, median, high = np.quantile(draws, [0.05, 0.5, 0.95])
    return {
        "label": label,
        "unit": unit,
        "mean": float(draws.mean()),
        "median": float(median),
        "q05": float(low),
        "q95": float(high),
    }
