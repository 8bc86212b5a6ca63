"""The models of the catalogue on either engine.

The estimate of a trader is the posterior mean of the mean y of the own decisions; P(IR > hurdle) is that of `evaluate`, on the annual scale where there is a
year, with bets a year by the plan's rule. A claim is P(IR > hurdle) >= certainty, where the floors of days and effective decisions let one be made (E-FEW,
E-CELL); people are ranked by (mean IR - hurdle) / sd, the same order without the ties that few draws make. The rules that withhold a claim after a look at single days (E-ONE, the skew gate) are not applied, so `evaluate` claims no more than this.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skillstats.evaluation.estimands import Target, estimate, targets
from skillstats.evaluation.means import mean_of_rows
from skillstats.evaluation.posterior import posterior_draws
from skillstats.evaluation.rows import judged_ir
from skillstats.evaluation.status import few_codes, floors_in_force
from skillstats.evidence import Evidence
from skillstats.inference.breadth import bets_per_year
from skillstats.inference.container import Fit
from skillstats.plan import Plan
from skillstats.spec import ModelSpec, read_spec
from skillstats.study.designs import Design
from skillstats.study.engines import posterior
from skillstats.study.estimators.protocol import COLUMNS, DRAWS, QUARTER, Rules, best_act
from skillstats.study.replicate import RANKED

FloatArray = NDArray[np.float64]


def catalogue(model: str, engine: str) -> Any:
    """The estimator of one shipped model (or specification file) by ``gibbs`` or ``nuts``."""

    def method(evidence: Evidence, *, seed: int, rules: Rules) -> pd.DataFrame:
        return answer(read_spec(model), evidence, engine=engine, seed=seed, rules=rules)

    return method


def answer(spec: ModelSpec, evidence: Evidence, *, engine: str, seed: int, rules: Rules) -> pd.DataFrame:
    """Fit a specification and answer for every trader and cell."""
    evidence = _without_factor(spec, evidence)
    bets = bets_per_year(evidence).value if spec.needs_breadth else None
    design = Design("record", "record", bets_per_year=bets or 1.0)
    fit = posterior(spec, evidence, design, engine=engine, seed=seed)
    floors, _ = floors_in_force(Plan(), evidence.source)
    draws, zero = posterior_draws(fit), np.zeros(fit.draws("mu").size)
    found = [t for t in targets(evidence) if len(t.rows)]
    rows = []
    for target in found:
        made = estimate(draws, evidence, target, zero)
        ir = judged_ir(made, evidence.has_year)
        mean = mean_of_rows(draws, evidence, target.trader, target.rows).mean
        allowed = not few_codes(made, target, evidence, floors, "trader" in fit.terms.volatility_by)
        rows.append(_row(fit, target, mean, ir, made.annual_per_y, allowed, rules) | {"n": made.n, "days": made.days})
    return pd.DataFrame(rows, columns=[*COLUMNS, DRAWS])


def _without_factor(spec: ModelSpec, evidence: Evidence) -> Evidence:
    """The evidence a model of selection is fitted to where the factor's return is observed; any other model reads no exposure."""
    if spec.target != "selection":
        return replace(evidence, exposure=None, factor_return=None)
    return evidence.without_factor() if evidence.factor_return is not None else evidence


def _row(
    fit: Fit, target: Target, mean: FloatArray, ir: FloatArray, per_y: FloatArray | None, allowed: bool, rules: Rules
) -> dict[str, Any]:
    coords, year = fit.evidence.coords, fit.evidence.sessions_per_year
    above, centre = float(np.mean(ir > rules.hurdle)), float(ir.mean())
    luck = np.nan if per_y is None or year is None else float(np.sqrt(np.mean(1 / (per_y**2 * QUARTER / year))))
    low, high = np.quantile(mean, (0.05, 0.95))
    chosen = np.round(np.linspace(0, len(mean) - 1, RANKED)).astype(int)
    return {
        "trader": coords["trader"][target.trader],
        "regime": "all" if target.regime < 0 else coords["regime"][target.regime],
        "estimate": float(mean.mean()),
        "sd": float(mean.std(ddof=1)),
        "low90": float(low),
        "high90": float(high),
        "p_positive": float(np.mean(ir > 0)),
        "p_above_hurdle": above,
        "score": (centre - rules.hurdle) / float(ir.std(ddof=1)),
        "luck": luck,
        "claim": allowed and above >= rules.certainty,
        "decision": best_act(np.array([centre]), rules.hurdle)[0],
        DRAWS: tuple(float(v) for v in mean[chosen]),
    }
