"""Short refits where reweighting the draws cannot be trusted: under other priors, or without one session.

The Gibbs engine refits what it covers, in seconds; the engine of the fit refits the rest, and what Gibbs could not sample. There the
compiled model is reused, since priors and outcomes are data to it. A refit that fails its own gates is not used.
"""

from __future__ import annotations

from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from skillstats.evaluation.draws import Draws
from skillstats.evaluation.estimands import Target, estimate
from skillstats.evaluation.posterior import posterior_draws
from skillstats.evidence import Evidence
from skillstats.inference.container import Fit
from skillstats.inference.gibbs_layout import uncovered
from skillstats.inference.nuts import fit as run_fit
from skillstats.plan import Plan
from skillstats.spec.model import ModelSpec

FloatArray = NDArray[np.float64]
DRAWS: Final = 400
GIBBS_DRAWS: Final = 1000
TUNE: Final = 600


def scaled_spreads(spec: ModelSpec, factor: float, *, mean: bool = False) -> ModelSpec:
    """The specification with every population sd prior widened by `factor`, with `mean` the prior of the population's mean too."""
    priors = {
        name: msgspec.structs.replace(prior, sigma=prior.sigma * factor)
        if name.startswith("skill_sd_") or (mean and name == "skill_mean")
        else prior
        for name, prior in spec.priors.items()
    }
    return msgspec.structs.replace(spec, priors=priors)


def refit_ir(
    fit: Fit, plan: Plan, found: list[Target], *, annual: bool, priors: ModelSpec | None = None, without: int | None = None
) -> FloatArray | None:
    """Draws of the IR of each target under scaled priors or without a session, shape (draw, target); None where the refit fails.

    Parameters
    ----------
    priors : the specification with other priors
    without : session to leave out; a target without any other row keeps NaN
    """
    evidence = fit.evidence if without is None else fit.evidence.without_session(without)
    if not len(evidence):
        return None
    fixed = msgspec.structs.replace(plan, model=msgspec.structs.replace(plan.model, bets_per_year=fit.bets_per_year))
    for engine in _engines(fit, priors or fit.spec):
        draws = GIBBS_DRAWS if engine == "gibbs" else DRAWS
        again = run_fit(priors or fit.spec, evidence, seed=fit.seed, engine=engine, plan=fixed, draws=draws, tune=TUNE)
        if not any(f.code in ("E-STUCK", "E-DIV") and f.action == "WITHHOLD" for f in again.diagnostics.findings):
            drawn = posterior_draws(again)
            return np.stack([_ir(drawn, evidence, target, annual) for target in found], axis=1)
    return None


def _engines(fit: Fit, spec: ModelSpec) -> tuple[str, ...]:
    """Engines to refit by, in the order they are tried."""
    quick = not uncovered(spec) and "custom" not in fit.identity
    return tuple(dict.fromkeys(("gibbs", fit.engine))) if quick else (fit.engine,)


def _ir(draws: Draws, evidence: Evidence, target: Target, annual: bool) -> FloatArray:
    rows = np.flatnonzero((evidence.trader == target.trader) & ((target.regime < 0) | (evidence.regime == target.regime)))
    if not len(rows):
        return np.full(len(draws.desk_day), np.nan)
    found = estimate(draws, evidence, Target(target.trader, target.regime, rows), np.zeros(len(draws.desk_day)))
    return found.ir_annual if annual and found.ir_annual is not None else found.ir_decision
