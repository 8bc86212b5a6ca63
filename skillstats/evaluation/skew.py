"""E-SKEW and E-TAIL: when a location is no mean, when there is no standard deviation, and what the reader is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from skillstats.evaluation.draws import Draws
from skillstats.evaluation.estimands import Estimate, Target
from skillstats.evaluation.predictive import Check
from skillstats.evaluation.status import Code, FloorSet, few_codes, worst
from skillstats.evidence import Evidence
from skillstats.inference.container import Fit
from skillstats.luck.skew_gate import GAP_LIMIT, LEAST_EFFECTIVE, SkewCheck, skew_checks, student_t_refusal

NAMED: Final = 5
"""Traders named in the sentence for the reader."""
NO_SD: Final = (3.0, 0.2)
"""Where P(nu < 3) exceeds 0.2 the sample holds no standard deviation to speak of."""


@dataclass(frozen=True, slots=True)
class SkewPart:
    """The gate's answer.

    checks : every trader; reported : names of those for whom a number would be shown; estimate : {name: posterior mean outcome, y units}
    student_t : whether the model's residuals are Student-t; skewness_p : predictive p of the skewness
    """

    checks: tuple[SkewCheck, ...]
    reported: frozenset[str]
    estimate: dict[str, float]
    student_t: bool
    skewness_p: float

    def fit_codes(self) -> list[Code]:
        """E-SKEW of the fit: a Student-t that may not be the headline."""
        reason = (
            student_t_refusal([c for c in self.checks if c.trader in self.reported], self.skewness_p) if self.student_t else ""
        )
        return [Code("E-SKEW", "WITHHOLD", reason)] if reason else []

    def trader_codes(self, name: str) -> list[Code]:
        """E-SKEW of a trader: the gate fails and the mean of days has the other sign."""
        check = next(c for c in self.checks if c.trader == name)
        if not check.fails or np.sign(check.day_level) == np.sign(self.estimate[name]):
            return []
        text = (
            f"the outcomes are skewed (mean and typical outcome are {abs(check.gap or 0.0):.1f} standard errors apart, limit {GAP_LIMIT:g}) and the "
            "mean of days has the other sign than the model; wait for more days"
        )
        return [Code("E-SKEW", "WITHHOLD", text)]

    def sentences(self, unit: str) -> list[str]:
        """What the reader is told where the gate fails: skewness and what the worst decision cost; unit of value-add."""
        failing = sorted((c for c in self.checks if c.fails), key=lambda c: -abs(c.gap or 0.0))
        if not failing:
            return []
        named = "; ".join(
            f"{c.trader} (skewness {c.skewness:+.1f}; worst decision {c.worst:.4g} {unit}, {c.worst_share:.0%} of all losses)"
            for c in failing[:NAMED]
        )
        more = f"; and {len(failing) - NAMED} more" if len(failing) > NAMED else ""
        return [
            f"Outcomes are skewed: the typical outcome is not the mean for {named}{more}. Estimates are of the mean; with few large outcomes "
            "behind it, its interval may be too short."
        ]

    def plain(self) -> dict[str, Any]:
        """JSON-ready form for the diagnostics; no skill number is in it."""
        rows = [
            {
                "trader": c.trader,
                "gap": c.gap,
                "fails": c.fails,
                "testable": c.testable,
                "skewness": c.skewness,
                "worst": c.worst,
                "worst_share": c.worst_share,
            }
            for c in self.checks
        ]
        return {"limit": GAP_LIMIT, "least_effective_decisions": LEAST_EFFECTIVE, "traders": rows}


def skew_part(
    fit: Fit, draws: Draws, found: Sequence[Target], estimates: Sequence[Estimate], floors: FloorSet, checks: dict[str, Check]
) -> SkewPart:
    """Run the gate on a fit.

    Parameters
    ----------
    found, estimates : targets of the evaluation and their estimates, one each
    floors : in force; who is under them is not reported and cannot refuse a model
    checks : predictive checks by statistic
    """
    evidence = fit.evidence
    own = [(t, e) for t, e in zip(found, estimates, strict=True) if t.regime < 0]
    names = evidence.coords["trader"]
    own_sd = "trader" in fit.terms.volatility_by
    reported = {names[t.trader] for t, e in own if worst(few_codes(e, t, evidence, floors, own_sd)) != "WITHHOLD"}
    result = skew_checks(
        evidence,
        residual_sd(draws, evidence),
        draws.trader_day.mean(axis=0),
        float(draws.desk_day.mean()),
        np.array([e.n_eff.mean() for _, e in own]),
    )
    means = {names[t.trader]: float(e.ir_decision.mean()) for t, e in own}
    return SkewPart(result, frozenset(reported), means, fit.spec.luck.tails == "student_t", checks["skewness"].p)


def residual_sd(draws: Draws, evidence: Evidence) -> Any:
    """Residual sd of each trader over the regimes of the own rows, posterior mean, shape (trader,), y units."""
    sd = np.sqrt((draws.sigma**2).mean(axis=0))  # shape: (trader, regime)
    counts = np.zeros(sd.shape)
    np.add.at(counts, (evidence.trader, evidence.regime), 1.0)
    return np.sqrt(np.sum(counts * sd**2, axis=1) / np.maximum(counts.sum(axis=1), 1.0))


def too_heavy(draws: Draws) -> float | None:
    """P(nu < 3 | data) where it is too large for a standard deviation, else None."""
    if draws.nu is None:
        return None
    probability = float(np.mean(draws.nu < NO_SD[0]))
    return probability if probability > NO_SD[1] else None


def tail_fit_codes(draws: Draws) -> list[Code]:
    """E-TAIL of the fit: no information ratio exists for anybody."""
    probability = too_heavy(draws)
    if probability is None:
        return []
    text = (
        f"the tails are too heavy for a standard deviation (P(nu < 3) = {probability:.2f}, limit {NO_SD[1]:g}), so there is no information ratio; "
        "each row says its mean and median"
    )
    return [Code("E-TAIL", "WITHHOLD", text)]


def tail_row_codes(draws: Draws, evidence: Evidence, trader: int) -> list[Code]:
    """E-TAIL of a trader: mean and median of the own outcomes in place of an information ratio, with a day-clustered error of the mean."""
    own = evidence.trader == trader
    if too_heavy(draws) is None or not own.any():
        return []
    y = evidence.y[own]
    by_day = np.bincount(evidence.session[own], y - y.mean())
    error = float(np.sqrt(np.sum(by_day**2)) / len(y))
    text = f"no standard deviation, hence no information ratio: mean outcome {y.mean():+.3g}, median {np.median(y):+.3g}, error of the mean {error:.2g} (risk units)"
    return [Code("E-TAIL", "WITHHOLD", text)]
