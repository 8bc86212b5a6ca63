"""Did the sampler earn belief? Measured values, limits and findings; no judgement is softened here.

A finding names its code (E-CONV, E-STUCK, E-DIV, E-BFMI), the measured value, the limit, the parameter, whom it concerns and
what to do. Findings are recorded in the fit; the evaluation turns them into WITHHOLD or FLAG.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

FIT: Final = ""
"""Scope of a finding that concerns the fit as a whole; no trader has an empty name."""
RHAT_LIMIT: Final = 1.01
RHAT_STUCK: Final = 1.05
ESS_PER_CHAIN: Final = 100
BFMI_WITHHOLD, BFMI_FLAG = 0.2, 0.3
DEPTH_SHARE: Final = 0.01


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing the sampler did not earn. `scope` is `FIT` or the name of a trader; `action` is WITHHOLD or FLAG."""

    code: str
    action: str
    scope: str
    parameter: str
    measured: float
    limit: float
    text: str

    def __str__(self) -> str:
        return f"{self.code} {self.text}"


def diagnose(draws: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """R-hat and effective sample sizes of any quantity, a parameter or a function of parameters.

    Parameters
    ----------
    draws : (chain, draw, ...) any unit

    Returns
    -------
    dict of arrays with the trailing shape of `draws`: ``rhat`` (rank-normalised, split, no unit), ``ess_bulk`` and ``ess_tail``
    (draws), ``mcse`` (sd of the Monte-Carlo error of the mean, unit of the draws). NaN where the draws do not vary or are not
    finite.

    References
    ----------
    Vehtari, Gelman, Simpson, Carpenter, Burkner 2021, Bayesian Analysis 16(2).
    """
    import arviz_stats.base

    array_stats: Any = arviz_stats.base.array_stats  # type: ignore[attr-defined]

    shape, flat = draws.shape[2:], draws.reshape(*draws.shape[:2], -1)
    table = np.full((4, flat.shape[2]), np.nan)
    for k in range(flat.shape[2]):
        one = flat[:, :, k]
        if np.all(np.isfinite(one)) and np.ptp(one) > 0:
            bulk = array_stats.ess(one, chain_axis=0, draw_axis=1, method="bulk")
            tail = array_stats.ess(one, chain_axis=0, draw_axis=1, method="tail", prob=(0.05, 0.95))
            table[:, k] = array_stats.rhat(one, chain_axis=0, draw_axis=1), bulk, tail, one.std() / np.sqrt(bulk)
    return {name: row.reshape(shape) for name, row in zip(("rhat", "ess_bulk", "ess_tail", "mcse"), table, strict=True)}


def convergence_findings(
    name: str, draws: NDArray[np.float64], labels: NDArray[np.object_], scopes: NDArray[np.object_], *, constants: bool = False
) -> list[Finding]:
    """E-STUCK and E-CONV of one quantity: `draws` (chain, draw, ...), `labels` and `scopes` of the trailing shape.

    With `constants`, elements that are one number in all draws of all chains pass: a function of parameters may leave them alone.
    """
    found, ess_limit = [], float(ESS_PER_CHAIN * draws.shape[0])
    table, flat = diagnose(draws), draws.reshape(*draws.shape[:2], -1)
    rhat, ess = np.ravel(table["rhat"]), np.fmin(np.ravel(table["ess_bulk"]), np.ravel(table["ess_tail"]))
    for k, (label, scope) in enumerate(zip(np.ravel(labels), np.ravel(scopes), strict=True)):
        full = f"{name}[{label}]" if label else name
        if constants and np.ptp(flat[:, :, k]) == 0:
            continue
        still = np.any(np.ptp(flat[:, :, k], axis=1) == 0) or not np.all(np.isfinite(flat[:, :, k]))
        if still or rhat[k] > RHAT_STUCK:
            text = f"{full}: R-hat {rhat[k]:.3f} (limit {RHAT_STUCK}) or a chain that does not move; more draws do not help"
            found.append(Finding("E-STUCK", "WITHHOLD", scope, full, float(rhat[k]), RHAT_STUCK, text))
        elif rhat[k] > RHAT_LIMIT:
            text = f"{full}: R-hat {rhat[k]:.3f} (limit {RHAT_LIMIT}); use more draws"
            found.append(Finding("E-CONV", "WITHHOLD", scope, full, float(rhat[k]), RHAT_LIMIT, text))
        elif ess[k] < ess_limit:
            text = f"{full}: effective draws {ess[k]:.0f} (limit {ess_limit:.0f}); use more draws"
            found.append(Finding("E-CONV", "WITHHOLD", scope, full, float(ess[k]), ess_limit, text))
    return found


def sampler_findings(stats: Mapping[str, Any], maxdepth: int) -> list[Finding]:
    """E-DIV and E-BFMI from `stats`: ``diverging`` (chain, draw) bool, ``energy`` (chain, draw) nats, ``depth`` (chain, draw)."""
    found, divergences = [], int(np.sum(stats["diverging"]))
    if divergences:
        text = f"{divergences} divergences (limit 0); use a higher target acceptance or a simpler model"
        found.append(Finding("E-DIV", "WITHHOLD", FIT, "sampler", float(divergences), 0.0, text))
    energy = bfmi(np.asarray(stats["energy"])).min()
    if not energy >= BFMI_FLAG:
        action, limit = ("FLAG", BFMI_FLAG) if energy >= BFMI_WITHHOLD else ("WITHHOLD", BFMI_WITHHOLD)
        text = f"E-BFMI {energy:.2f} (limit {limit}); the chains move slowly in energy: use more draws or a simpler model"
        found.append(Finding("E-BFMI", action, FIT, "sampler", float(energy), limit, text))
    saturated = float(np.mean(np.asarray(stats["depth"]) >= maxdepth))
    if saturated > DEPTH_SHARE:
        text = f"tree depth saturated in {saturated:.1%} of draws (limit {DEPTH_SHARE:.0%}); use a simpler model"
        found.append(Finding("E-BFMI", "FLAG", FIT, "sampler", saturated, DEPTH_SHARE, text))
    return found


def bfmi(energy: NDArray[np.float64]) -> NDArray[np.float64]:
    """Energy Bayesian fraction of missing information of each chain, shape (chain,), no unit: ``mean(diff(E)^2) / var(E)``."""
    return np.asarray(np.mean(np.diff(energy, axis=1) ** 2, axis=1) / np.var(energy, axis=1))
