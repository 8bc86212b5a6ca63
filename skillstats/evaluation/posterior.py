"""From a fit to the draws that every estimand is a function of."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skillstats.components.skill import population_spread
from skillstats.evaluation.draws import Draws, Standard
from skillstats.evaluation.means import moments
from skillstats.evidence import Evidence, distinct
from skillstats.inference import effects
from skillstats.inference.container import Fit
from skillstats.inference.design import loadings, profile_labels

IntArray = NDArray[np.int64]


def posterior_draws(fit: Fit) -> Draws:
    """The draws the estimands are functions of."""
    p, terms, evidence = effects.parameters(fit), fit.terms, fit.evidence
    own = {label: evidence.code(label) for label in ("trader", *profile_labels(terms, grid="extra" in fit))}
    then, at_then = distinct(own)
    theta, at_now, current = p.theta, at_then, own
    if terms.drift is not None:
        current = own | {"quarter": np.full(len(evidence), len(evidence.levels("quarter")) - 1)}
        now, at_now = distinct(current)
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
        _standard(fit, current),
        now=at_now,
        then=at_then,
        desk_session=_desk_session(evidence) if terms.by_desk else None,
        kappa=p.kappa if "kappa" in fit else None,
        factor=p.s_f if "s_F" in fit else None,
        loading=loadings(evidence, terms) if "s_F" in fit else None,
        nu=fit.draws("nu") if "nu" in fit else None,
    )


def _desk_session(evidence: Evidence) -> IntArray:
    return distinct({"session": evidence.session, "desk": evidence.code("desk")})[1]


def _standard(fit: Fit, labels: dict[str, IntArray]) -> Standard:
    """Each trader in the place of all: the moments of a decision over the desk's rows, and over those of each regime."""
    evidence, kappa = fit.evidence, fit.draws("kappa") if "kappa" in fit else None
    others, at = distinct({k: v for k, v in labels.items() if k != "trader"} or {"all": np.zeros(len(evidence), dtype=np.int64)})
    groups = [np.arange(len(evidence)), *(np.flatnonzero(evidence.regime == r) for r in range(len(evidence.coords["regime"])))]
    shape = (len(fit.draws("mu")), len(evidence.coords["trader"]), len(groups))
    mean, between = np.full(shape, np.nan), np.full(shape, np.nan)
    for j in range(shape[1]):
        theta = effects.theta_at(fit, {**others.codes, "trader": np.full(len(others), j)})
        for g, rows in enumerate(groups):
            if len(rows):
                slope = None if kappa is None else kappa[:, j]
                found = moments(theta, at[rows], evidence.risk[rows], evidence.log_size[rows], slope)
                mean[:, j, g], between[:, j, g] = found.mean, found.between
    return Standard(mean, between)
