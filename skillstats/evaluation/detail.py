"""Everything estimated about one row beyond the columns of skill.csv: one mapping, None as a whole where the row is withheld."""

from __future__ import annotations

import dataclasses
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from skillstats.evaluation.draws import Draws
from skillstats.evaluation.estimands import Estimate, Target
from skillstats.evaluation.forecast import QUARTERS_A_YEAR, Quarter, next_quarter
from skillstats.evaluation.losses import expected_losses
from skillstats.evaluation.needed import EXAMPLES, still_needed
from skillstats.evaluation.rows import Judgement, judged_ir, points
from skillstats.evaluation.tails import tail_contribution
from skillstats.evidence import Evidence
from skillstats.inference.container import Fit
from skillstats.luck.type_errors import type_errors
from skillstats.spec.model import ModelSpec

FloatArray = NDArray[np.float64]
TALKED_ABOUT: Final = 0.95
"""One-sided certainty from which a raw number impresses, for its type S and M errors."""


def row_detail(at: int, target: Target, estimate: Estimate, by: Judgement, draws: Draws, fit: Fit) -> dict[str, Any]:
    """Estimands of row number `at` that have no column in skill.csv; see `Evaluation` for the keys."""
    evidence, ir = fit.evidence, judged_ir(estimate, by.annual)
    errors = type_errors(estimate.ir_decision, estimate.n_eff, certainty=TALKED_ABOUT)
    losses = expected_losses(estimate.value_add, decisions_ahead(evidence, estimate.n))
    quarter = next_quarter(draws, evidence, np.array([target.trader]), fit.seed) if target.regime < 0 else None
    return {
        "ir_day": _points(estimate.ir_day),
        "ir_decision_standard": _points(estimate.standard_decision),
        "ir_annual_standard": _points(estimate.standard_annual),
        "reliability": _points(1 - estimate.shrinkage),
        "half_life": _half_life(estimate.half_life),
        "year": {"active": estimate.year.active, "rho": estimate.year.rho, "factor": estimate.year.factor},
        "money_ir": estimate.money_ir,
        "money_ir_annual": estimate.money_ir_annual,
        "type_errors": dataclasses.asdict(errors) | {"certainty": TALKED_ABOUT},
        "prior": _prior(at, by),
        "hurdles": by.curves.plain(at) if target.regime < 0 else None,
        "tails": tail_contribution(evidence, target, by.influence, at, float(np.mean(ir > by.hurdle)), float(ir.mean())),
        "losses": dataclasses.asdict(losses),
        "needed": _needed(estimate, ir, by, fit),
        "quarter": None if quarter is None else dataclasses.asdict(quarter),
    }


def decisions_ahead(evidence: Evidence, seen: int) -> float:
    """Decisions of the coming quarter at the rate of the period; without a year, as many as were seen."""
    if evidence.sessions_per_year is None:
        return float(seen)
    return seen / max(1, evidence.sessions_spanned) * evidence.sessions_per_year / QUARTERS_A_YEAR


def together(draws: Draws, evidence: Evidence, traders: list[int], seed: int) -> Quarter | None:
    """Next quarter's value-add of the given traders together; None for fewer than two."""
    return next_quarter(draws, evidence, np.array(traders), seed) if len(traders) > 1 else None


def needed_table(own: list[Estimate], by: Judgement, fit: Fit) -> list[dict[str, Any]]:
    """How long a trader of annual IR 1, 2 and 3 takes to be certified at the rhythm of the desk's median trader; empty without a year."""
    prior_sd = prior_scale(fit.spec)
    known = [e for e in own if e.year.active is not None and e.n_eff.mean() > 0]
    if not by.annual or prior_sd is None or not known:
        return []
    # effective decisions of a day and active days a year of the median trader
    rate = float(np.median([e.n_eff.mean() / e.days for e in known]))
    active = float(np.median([e.year.active for e in known if e.year.active is not None]))
    given = {"n_eff": rate, "days": 1, "active": active, "hurdle": by.hurdle, "certainty": by.certainty}
    return [still_needed(ir, prior_sd=_judged_scale(prior_sd, fit.spec, rate * active), **given) for ir in EXAMPLES]  # type: ignore[arg-type]


def prior_scale(spec: ModelSpec) -> float | None:
    """Prior scale of the spread between traders, in the unit of the specification; None where there is no such term."""
    prior = spec.priors.get("skill_sd_trader")
    return None if prior is None else float(prior.sigma)


def _judged_scale(prior_sd: float, spec: ModelSpec, breadth: float) -> float:
    """A prior sd on the annual scale: a prior per decision counts as if all effective decisions of a year were one bet each."""
    return prior_sd if spec.priors["skill_sd_trader"].unit == "annual_ir" else prior_sd * float(np.sqrt(breadth))


def _needed(estimate: Estimate, ir: FloatArray, by: Judgement, fit: Fit) -> dict[str, Any] | None:
    prior_sd, n_eff = prior_scale(fit.spec), float(estimate.n_eff.mean())
    if prior_sd is None or n_eff <= 0:
        return None
    active = estimate.year.active if by.annual else None
    if active is not None:
        prior_sd = _judged_scale(prior_sd, fit.spec, n_eff / estimate.days * active)
    elif fit.spec.priors["skill_sd_trader"].unit == "annual_ir":
        return None
    return still_needed(
        float(ir.mean()),
        n_eff=n_eff,
        days=estimate.days,
        active=active,
        hurdle=by.hurdle,
        prior_sd=prior_sd,
        certainty=by.certainty,
    )


def _prior(at: int, by: Judgement) -> dict[str, float]:
    """Response to the priors of the population: spreads (tau) and mean (mu) apart."""
    s = by.sensitivity
    return {
        "p_spread": float(s.power[at]),
        "p_mean": float(s.mean_power[at]),
        "ir_spread": float(s.ir_power[at]),
        "ir_mean": float(s.ir_mean_power[at]),
        "halved": float(s.halved[at]),
        "doubled": float(s.doubled[at]),
    }


def _points(draws: FloatArray | None) -> dict[str, float | None] | None:
    """Mean and ends of the 50% and 90% intervals under short names."""
    if draws is None:
        return None
    return {k.removeprefix("x_"): v for k, v in points("x", draws).items()}


def _half_life(draws: FloatArray) -> dict[str, float] | None:
    """Median and 90% interval of n50; None where the population has no spread."""
    if not np.all(np.isfinite(draws)):
        return None
    low, median, high = np.quantile(draws, [0.05, 0.5, 0.95])
    return {"median": float(median), "q05": float(low), "q95": float(high)}
