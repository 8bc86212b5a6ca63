"""Does the prior speak, or the data?

Two questions about each P(IR > hurdle). Does it cross the certainty level when every population sd prior is halved or doubled? And how
strongly does it respond to power-scaling the priors of the population (priorsense)? Both reuse the draws: with half-normal priors of
scale c s in place of s the posterior is reweighted by prod_k [exp(-tau_k^2 / (2 c^2 s_k^2)) / exp(-tau_k^2 / (2 s_k^2))], smoothed (PSIS).

References: Kallioinen, Paananen, Burkner, Vehtari 2024, Statistics and Computing 34(57).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from skillstats.evaluation.weights import smoothed_weights

if TYPE_CHECKING:
    from skillstats.inference.container import Fit

FloatArray = NDArray[np.float64]
SENSITIVITY_LIMIT: Final = 0.05
STEP: Final = 0.01


@dataclass(frozen=True, slots=True)
class PriorSensitivity:
    """Response of each row to its priors.

    halved, doubled : (row,) P(IR > hurdle) under population sd priors of half and twice the scale
    power : (row,) change of P(IR > hurdle) per doubling of the prior's weight, by power-scaling; mean_power : (row,) the same of the
        population mean's prior alone
    ir_power, ir_mean_power : (row,) the same two responses of the posterior mean of the IR, in its posterior sds
    reliable : whether the importance weights of the halved and doubled priors can be trusted (Pareto k <= 0.7)
    """

    halved: FloatArray
    doubled: FloatArray
    power: FloatArray
    mean_power: FloatArray
    ir_power: FloatArray
    ir_mean_power: FloatArray
    reliable: bool

    def prior_driven(self, row: int, probability: float, certainty: float) -> bool:
        """Whether the prior decides what may be said about this row."""
        moved = {bool(p >= certainty) for p in (probability, self.halved[row], self.doubled[row])}
        return len(moved) > 1 or abs(self.power[row]) >= SENSITIVITY_LIMIT or abs(self.mean_power[row]) >= SENSITIVITY_LIMIT


def population_priors(fit: Fit) -> tuple[dict[str, tuple[FloatArray, float]], tuple[FloatArray, float, float]]:
    """Population sds and mean of a fit with their priors, y units: {name: (draws, scale)} and (draws, mu, sigma)."""
    root = np.sqrt(fit.bets_per_year) if fit.bets_per_year else 1.0
    spreads = {}
    for name, prior in fit.spec.priors.items():
        draws_name = "tau_" + name.removeprefix("skill_sd_")
        if name.startswith("skill_sd_") and draws_name in fit:
            spreads[name] = (fit.draws(draws_name), prior.sigma / (root if prior.unit == "annual_ir" else 1.0))
    centre = fit.spec.priors["skill_mean"]
    unit = root if centre.unit == "annual_ir" else 1.0
    return spreads, (fit.draws("mu"), (centre.mu or 0.0) / unit, centre.sigma / unit)


def prior_sensitivity(
    ir: FloatArray, hurdle: float, spreads: Mapping[str, tuple[FloatArray, float]], centre: tuple[FloatArray, float, float]
) -> PriorSensitivity:
    """Reweigh the posterior to other priors.

    Parameters
    ----------
    ir : (draw, row) on the hurdle's scale
    spreads : name -> (draws of a population sd (draw,), scale of its half-normal prior), y units
    centre : draws of the population mean (draw,), and mu and sigma of its normal prior, y units
    """
    above = ir > hurdle
    spread = sum((-0.5 * (tau / scale) ** 2 for tau, scale in spreads.values()), start=np.zeros(len(ir)))
    mean = -0.5 * ((centre[0] - centre[1]) / centre[2]) ** 2
    halved, k_half = _reweighed(above, 3 * spread)
    doubled, k_double = _reweighed(above, -0.75 * spread)
    # a cell without spread has an IR that never varies; its response is 0 whatever it is divided by
    scaled = ir / np.where(ir.std(axis=0) > 0, ir.std(axis=0), 1.0)
    return PriorSensitivity(
        halved=halved,
        doubled=doubled,
        power=_power(above, spread),
        mean_power=_power(above, mean),
        ir_power=_power(scaled, spread),
        ir_mean_power=_power(scaled, mean),
        reliable=bool(max(k_half, k_double) <= 0.7),
    )


def _reweighed(above: NDArray[np.bool_], log_ratio: FloatArray) -> tuple[FloatArray, float]:
    if np.ptp(log_ratio) == 0:
        return above.mean(axis=0), 0.0
    weights, k = smoothed_weights(log_ratio)
    return np.clip(weights @ above, 0.0, 1.0), float(k)  # weights that add to 1 but for rounding made a probability of 1 + 4e-16


def _power(values: NDArray[Any], log_prior: FloatArray) -> FloatArray:
    """Derivative of the mean of `values` (draw, row) with respect to the binary logarithm of the prior's power, by a central difference."""

    def at(step: float) -> FloatArray:
        weights = np.exp(step * (log_prior - log_prior.max()))
        result: FloatArray = weights @ values / weights.sum()
        return result

    return np.asarray((at(STEP) - at(-STEP)) / (np.log2(1 + STEP) - np.log2(1 - STEP)))
