"""Where the differences between outcomes come from, in shares that add up to 100%.

The variance of the outcome y of a new decision of a trader drawn from the desk is, by the model,

    tau_trader^2 + tau_trader_regime^2               skill: what lasts and differs between traders,
      + tau_drift^2 / (1 - phi^2)                      its state in one quarter,
      + tau_kappa^2 var(log size)                      and what differs in sizing
    + tau_regime^2 + tau_action^2 + ...              conditions: what regimes, actions and the like do to everyone
      + mu_kappa^2 var(log size)
    + s_V^2 + s_F^2 mean(x^2)                        the desk's shock of a session, with that of a latent factor
    + mean_j s_Uj^2                                  a trader's own theme of a session
    + mean_rows sigma_jr^2                           one decision's luck.

For the average over a record of D sessions with m decisions each, the part that differs between sessions shrinks:

    skill + conditions + [ (s_V^2 + s_U^2) mean(m^2) / mean(m)^2 + sigma^2 / mean(m) ] / D.

Each draw of the posterior is split and divided by its own sum, so that every draw, and the mean over draws, adds to 100% exactly.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from skillstats.components.skill import population_spread
from skillstats.evidence import Evidence, decisions_per_session
from skillstats.inference.container import Fit
from skillstats.inference.design import loadings

FloatArray = NDArray[np.float64]
LABELS: Final = {
    "skill": "skill: what lasts and differs between traders",
    "conditions": "regimes, actions and other conditions",
    "desk_day": "a session\u2019s shock shared by the desk",
    "trader_day": "a trader\u2019s own theme of a session",
    "decision": "luck of single decisions",
}
CONDITIONS: Final = ("tau_regime", "tau_action", "tau_signal_type", "tau_asset_class", "tau_model_version", "tau_desk")
"""Population sds of what is not a trader's own."""


def variance_split(fit: Fit) -> dict[str, Any]:
    """Shares of the variance of one decision and of the average over a typical trader's record.

    Returns
    -------
    {"decision": [...], "record": [...], "sessions": D, "decisions": D mean(m)}; each list holds {key, label, mean, q05, q95}, shares in
    [0, 1] whose means sum to 1
    """
    parts = variance_parts(fit)
    days, per_day, squared = typical_record(fit.evidence)
    slow = {"skill": parts["skill"], "conditions": parts["conditions"]}
    record = slow | {
        "desk_day": parts["desk_day"] * squared / per_day**2 / days,
        "trader_day": parts["trader_day"] * squared / per_day**2 / days,
        "decision": parts["decision"] / per_day / days,
    }
    return {
        "decision": _shares(parts),
        "record": _shares(record),
        "sessions": days,
        "decisions": days * per_day,
    }


def variance_parts(fit: Fit) -> dict[str, FloatArray]:
    """Variances of y by source, {key of `LABELS`: (draw,)}, y units squared."""
    evidence, sigma = fit.evidence, fit.draws("sigma")
    zero = np.zeros(len(sigma))
    exposure = loadings(evidence, fit.terms)
    return {
        "skill": _skill(fit, zero),
        "conditions": sum(
            (_square(fit, t, zero) for t in CONDITIONS), start=_square(fit, "mu_kappa", zero) * evidence.log_size.var()
        ),
        "desk_day": _square(fit, "s_V", zero) + _square(fit, "s_F", zero) * np.mean(exposure**2),
        "trader_day": (fit.draws("s_U") ** 2).mean(axis=1) if "s_U" in fit else zero,
        "decision": np.einsum("djr,jr->d", sigma**2, _row_shares(evidence)),
    }


def _square(fit: Fit, name: str, zero: FloatArray) -> FloatArray:
    """Square of a scalar parameter, (draw,); 0 where the fit has none of that name."""
    return fit.draws(name) ** 2 if name in fit else zero


def _skill(fit: Fit, zero: FloatArray) -> FloatArray:
    spread = population_spread(fit.spec.skill.population, fit.draws("pi") if "pi" in fit else 0.0)
    drift = _square(fit, "tau_drift", zero) / (1 - _square(fit, "phi", zero))
    sizing = _square(fit, "tau_kappa", zero) * fit.evidence.log_size.var()
    return np.asarray(_square(fit, "tau_trader", zero) * spread**2 + _square(fit, "tau_trader_regime", zero) + drift + sizing)


def _row_shares(evidence: Evidence) -> FloatArray:
    """Shares of rows by (trader, regime)."""
    counts = np.zeros((len(evidence.coords["trader"]), len(evidence.coords["regime"])))
    np.add.at(counts, (evidence.trader, evidence.regime), 1.0)
    return counts / counts.sum()


def typical_record(evidence: Evidence) -> tuple[float, float, float]:
    """Active sessions, mean rows a session and mean of their squares: the median over traders of each."""
    own = [decisions_per_session(evidence, j).astype(float) for j in np.unique(evidence.trader)]
    table = np.array([(len(sizes), sizes.mean(), np.mean(sizes**2)) for sizes in own])
    days, mean, square = np.median(table, axis=0)
    return float(days), float(mean), float(square)


def _shares(parts: dict[str, FloatArray]) -> list[dict[str, Any]]:
    """Each part over the sum of all, draw by draw."""
    total = sum(parts.values(), start=np.zeros(len(parts["skill"])))
    found = []
    for key, values in parts.items():
        low, high = np.quantile(values / total, [0.05, 0.95])
        share = float(np.mean(values / total))
        found.append({"key": key, "label": LABELS[key], "mean": share, "q05": float(low), "q95": float(high)})
    return found
