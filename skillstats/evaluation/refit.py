"""Short refits where reweighting the draws cannot be trusted: under other priors, or without one session.

The compiled model is reused, since priors and outcomes are data to it. A refit that fails its own gates is not used.
"""

from __future__ import annotations

from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from skillstats.components.skill import population_spread
from skillstats.evaluation.estimands import Draws, Target, estimate
from skillstats.evidence import Evidence, distinct
from skillstats.inference import effects
from skillstats.inference.container import Fit
from skillstats.inference.design import loadings, profile_labels
from skillstats.inference.nuts import fit as run_fit
from skillstats.plan import Plan
from skillstats.spec.model import ModelSpec

FloatArray = NDArray[np.float64]
DRAWS: Final = 400
TUNE: Final = 600


def posterior_draws(fit: Fit) -> Draws:
    """The draws the estimands are functions of."""
    p, terms, evidence = effects.parameters(fit), fit.terms, fit.evidence
    labels = ("trader", *profile_labels(terms, grid="extra" in fit))
    own = {label: evidence.code(label) for label in labels}
    then, at_then = distinct(own)
    theta, now, at_now = p.theta, then, at_then
    if terms.drift is not None:
        now, at_now = distinct(own | {"quarter": np.full(len(evidence), len(evidence.levels("quarter")) - 1)})
        theta = np.concatenate([p.theta, effects.theta_at(fit, now.codes)], axis=1)
        at_now = at_now + len(then)
    zero = np.zeros(len(p.s_v))
    tau_trader, tau_cell = (fit.draws(name) if name in fit else zero for name in ("tau_trader", "tau_trader_regime"))
    spread = population_spread(fit.spec.skill.population, fit.draws("pi") if "pi" in fit else 0.0)
    return Draws(
        fit.diagnostics.chains,
        theta,
        p.sigma,
        p.s_v,
        p.s_u,
        tau_trader * spread,
        tau_cell,
        now=at_now,
        then=at_then,
        kappa=p.kappa if "kappa" in fit else None,
        factor=p.s_f if "s_F" in fit else None,
        loading=loadings(evidence, terms) if "s_F" in fit else None,
    )


def scaled_spreads(spec: ModelSpec, factor: float) -> ModelSpec:
    """The specification with every population sd prior widened by `factor`."""
    priors = {
        name: msgspec.structs.replace(prior, sigma=prior.sigma * factor) if name.startswith("skill_sd_") else prior
        for name, prior in spec.priors.items()
    }
    return msgspec.structs.replace(spec, priors=priors)


def refit_ir(
    fit: Fit, plan: Plan, found: list[Target], *, annual: bool, factor: float = 1.0, without: int | None = None
) -> FloatArray | None:
    """Draws of the IR of each target under scaled priors or without a session, shape (draw, target); None where the refit fails.

    Parameters
    ----------
    factor : scale of every population sd prior against the specification's
    without : session to leave out; a target without any other row keeps NaN
    """
    evidence = fit.evidence if without is None else fit.evidence.without_session(without)
    if not len(evidence):
        return None
    fixed = msgspec.structs.replace(plan, model=msgspec.structs.replace(plan.model, bets_per_year=fit.bets_per_year))
    again = run_fit(scaled_spreads(fit.spec, factor), evidence, seed=fit.seed, plan=fixed, draws=DRAWS, tune=TUNE)
    if any(f.code in ("E-STUCK", "E-DIV") for f in again.diagnostics.findings):
        return None
    draws = posterior_draws(again)
    columns = [_ir(draws, evidence, target, annual) for target in found]
    return np.stack(columns, axis=1)


def _ir(draws: Draws, evidence: Evidence, target: Target, annual: bool) -> FloatArray:
    rows = np.flatnonzero((evidence.trader == target.trader) & ((target.regime < 0) | (evidence.regime == target.regime)))
    if not len(rows):
        return np.full(len(draws.desk_day), np.nan)
    found = estimate(draws, evidence, Target(target.trader, target.regime, rows), np.zeros(len(draws.desk_day)))
    return found.ir_annual if annual and found.ir_annual is not None else found.ir_decision
