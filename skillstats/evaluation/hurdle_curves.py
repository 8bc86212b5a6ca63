"""P(IR > delta) against delta, under a sceptical prior, the plan's, and a wide one: would another hurdle or prior have said otherwise?

The sceptical prior has every prior of skill, of the population's mean and of its sds, at half its scale, the wide one at twice. The draws of
the fit are reweighted by the ratio of the densities, smoothed (PSIS): for scale c s in place of s

    log ratio = (1 - 1/c^2) / 2 * [ ((mu - m) / s_mu)^2 + sum_k (tau_k / s_k)^2 ] + constant.

Where the Pareto k of the weights exceeds 0.7 they cannot be trusted, and the model is fitted again under the other prior; the larger k is stated.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from skillstats.evaluation.weights import smoothed_weights

FloatArray = NDArray[np.float64]
SCALES: Final = {"sceptical": 0.5, "default": 1.0, "wide": 2.0}
K_LIMIT: Final = 0.7
POINTS: Final = 41
HURDLES: Final = 8.0
Refit = Callable[[float], FloatArray | None]


@dataclass(frozen=True, slots=True)
class Curves:
    """Curves of every row under every prior.

    delta : (point,) hurdles, on the scale of the plan's; above : {prior: (point, row)}; k : {prior: Pareto k of the weights, 0 for the fit's own prior, infinite where one draw holds all the weight}
    refitted : priors under which the model was fitted again
    """

    delta: FloatArray
    above: Mapping[str, FloatArray]
    k: Mapping[str, float]
    refitted: tuple[str, ...]

    def plain(self, row: int) -> dict[str, Any]:
        """JSON-ready curves of one row."""
        return {
            "delta": self.delta.tolist(),
            "priors": [
                {
                    "name": name,
                    "scale": scale,
                    "k": self.k[name] if np.isfinite(self.k[name]) else None,
                    "refitted": name in self.refitted,
                    "above": self.above[name][:, row].tolist(),
                }
                for name, scale in SCALES.items()
            ],
        }


def hurdles_shown(hurdle: float) -> FloatArray:
    """Deltas from 0 to eight times the hurdle, the hurdle among them; for a hurdle of 0 or less, around it.

    Examples
    --------
    >>> shown = hurdles_shown(0.25)
    >>> float(shown[0]), float(shown[5]), float(shown[-1])
    (0.0, 0.25, 2.0)
    """
    if hurdle > 0:
        return np.linspace(0.0, HURDLES * hurdle, POINTS)
    width = abs(hurdle) or 1.0
    return np.linspace(hurdle - width, hurdle + width, POINTS)


def hurdle_curves(
    ir: FloatArray,
    hurdle: float,
    spreads: Mapping[str, tuple[FloatArray, float]],
    centre: tuple[FloatArray, float, float],
    refit: Refit,
) -> Curves:
    """Curves of every row.

    Parameters
    ----------
    ir : (draw, row) on the hurdle's scale
    spreads, centre : as in `sensitivity.prior_sensitivity`, y units
    refit : draws of the IRs (draw, row) with every prior of skill scaled by a factor; None where the refit fails, then the reweighted curve
        stays and its k says what it is worth
    """
    delta = hurdles_shown(hurdle)
    squares = ((centre[0] - centre[1]) / centre[2]) ** 2 + sum((tau / s) ** 2 for tau, s in spreads.values())
    above: dict[str, FloatArray] = {}
    k: dict[str, float] = {}
    refitted: list[str] = []
    for name, scale in SCALES.items():
        weights, k[name] = _weights(0.5 * (1 - scale**-2) * squares)
        other = None if k[name] <= K_LIMIT else refit(scale)
        if other is not None:
            refitted.append(name)
        above[name] = _above(ir, weights, delta) if other is None else _above(other, None, delta)
    return Curves(delta, above, k, tuple(refitted))


def _weights(log_ratio: FloatArray) -> tuple[FloatArray | None, float]:
    """Weights of the draws and their Pareto k; None where all draws count the same."""
    if np.ptp(log_ratio) == 0:
        return None, 0.0
    weights, k = smoothed_weights(log_ratio)
    return weights, float(k) if np.isfinite(k) else np.inf  # one draw holds all the weight: there is no tail to fit


def _above(ir: FloatArray, weights: FloatArray | None, delta: FloatArray) -> FloatArray:
    """Share of draws above each delta, weighted where there are weights, (point, row)."""
    return np.stack([np.mean(ir > d, axis=0) if weights is None else weights @ (ir > d) for d in delta])
