"""Do the two engines agree? The same model on the same evidence by NUTS and by Gibbs, compared on what is reported.

For each trader and trader x regime: the shift of the posterior mean of the judged IR in posterior sds, and the shift of P(IR > 0). Both
runs are random, so some shift is expected: for target t it has sd ``sqrt(sd_1^2 / ESS_1 + sd_2^2 / ESS_2) / sd``. A root mean square of the
shifts above

    .05 + 2 * root mean square of these Monte-Carlo errors

is more than chance explains, and is flagged: one of the two programs, or the run of one of them, is wrong.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from skillstats.errors import UsageError
from skillstats.evaluation.estimands import Target, estimate
from skillstats.evaluation.posterior import posterior_draws
from skillstats.evaluation.rows import judged_ir
from skillstats.evaluation.status import Code
from skillstats.inference.container import Fit
from skillstats.inference.diagnose import diagnose
from skillstats.inference.nuts import fit as run_fit
from skillstats.plan import Plan

FloatArray = NDArray[np.float64]
LIMIT: Final = 0.05
ERRORS: Final = 2.0
ENGINE_NAMES: Final = {"nuts": "nuts (nutpie)", "gibbs": "gibbs (collapsed, on cells)"}


@dataclass(frozen=True, slots=True)
class Disagreement:
    """Shifts between two engines: of IR means in posterior sds, of P(IR > 0), and what Monte-Carlo error explains of the first.

    other : the engine that was not used for the report; passed : whether its run passed its own gates
    """

    other: str
    passed: bool
    mean_rms: float
    mean_max: float
    probability_max: float
    error: float

    @property
    def limit(self) -> float:
        """Root mean square of the mean shifts above which the engines disagree, in posterior sds."""
        return LIMIT + ERRORS * self.error

    @property
    def agree(self) -> bool:
        """Whether chance explains the shifts, or nothing can be said because the other run failed its gates."""
        return not self.passed or self.mean_rms <= self.limit

    def plain(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {
            "other_engine": ENGINE_NAMES[self.other],
            "passed": self.passed,
            "ir_mean_shift_rms": self.mean_rms,
            "ir_mean_shift_max": self.mean_max,
            "p_positive_shift_max": self.probability_max,
            "monte_carlo_error": self.error,
            "limit": self.limit,
            "text": str(self),
        }

    def code(self) -> list[Code]:
        """W-ENGINE where the engines disagree."""
        text = (
            f"two engines disagree: means of IRs differ by {self.mean_rms:.3f} posterior sds rms (limit {self.limit:.3f}); "
            "use more draws, and report it if it stays"
        )
        return [] if self.agree else [Code("W-ENGINE", "FLAG", text)]

    def __str__(self) -> str:
        if not self.passed:
            return f"The second engine, {self.other}, did not pass its own gates, so it confirms nothing."
        verdict = "agrees" if self.agree else "disagrees"
        return (
            f"A second engine, {self.other}, {verdict}: means of IRs differ by {self.mean_rms:.3f} posterior sds rms "
            f"(limit {self.limit:.3f}) and {self.mean_max:.3f} at most, P(IR > 0) by {self.probability_max:.3f} at most."
        )


def second_fit(fit: Fit, plan: Plan | None = None) -> Fit | None:
    """The same model, evidence, seed and run length by the other engine; None where it does not cover the model."""
    from skillstats.inference.gibbs_layout import uncovered

    if "custom" in fit.identity or uncovered(fit.spec):
        return None
    other = "nuts" if fit.engine == "gibbs" else "gibbs"
    first = fit.diagnostics
    draws = min(first.draws, fit.spec.sampling.draws)
    return run_fit(
        fit.spec, fit.evidence, seed=fit.seed, engine=other, plan=plan, draws=draws, tune=first.tune, chains=first.chains
    )


def compare_engines(fit: Fit, second: Fit, found: list[Target]) -> Disagreement:
    """Shifts of what is reported between two fits.

    Raises
    ------
    UsageError
        If the two are not of one specification and one evidence.
    """
    if (fit.spec.digest, fit.evidence.digest) != (second.spec.digest, second.evidence.digest):
        raise UsageError("the second fit is of another model or of other evidence")
    one, two = (_judged(f, found) for f in (fit, second))
    sd = one.std(axis=(0, 1))
    shift = np.abs(one.mean((0, 1)) - two.mean((0, 1))) / sd
    error = np.hypot(diagnose(one)["mcse"], diagnose(two)["mcse"]) / sd
    probability = np.abs((one > 0).mean((0, 1)) - (two > 0).mean((0, 1)))
    return Disagreement(
        second.engine, second.diagnostics.ok, _rms(shift), float(shift.max()), float(probability.max()), _rms(error)
    )


def _judged(fit: Fit, found: list[Target]) -> FloatArray:
    """Judged IR of every target, shape (chain, draw, target)."""
    draws, annual = posterior_draws(fit), fit.evidence.has_year
    noise = np.zeros(len(draws.desk_day))
    columns = [judged_ir(estimate(draws, fit.evidence, target, noise), annual) for target in found]
    return np.stack(columns, axis=1).reshape(fit.diagnostics.chains, -1, len(found))


def _rms(values: FloatArray) -> float:
    return float(np.sqrt(np.mean(values**2)))
