"""From a specification of the family ``day_parts`` and parts of trader-days to a PyMC model."""

from __future__ import annotations

from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from skillstats.components.coordinates import around
from skillstats.components.day_parts import PartsLayout, lay_out_parts, log_sd_estimates, normal_days
from skillstats.components.priors import prior_numbers
from skillstats.components.registry import REGISTRY
from skillstats.components.types import Tensor
from skillstats.evidence.day_parts import DayParts
from skillstats.inference.separable import MIN_SHARED_SESSIONS, MIN_TRADERS_FOR_SESSION, Terms
from skillstats.spec.model import ModelSpec


def separable_parts(spec: ModelSpec, parts: DayParts) -> Terms:
    """The terms that counts can separate; reasons for the others."""
    reasons = {}
    traders, shared = len(parts.coords["trader"]), int(np.sum(np.bincount(parts.session) > 1))
    if traders < MIN_TRADERS_FOR_SESSION or shared < MIN_SHARED_SESSIONS:
        reasons["session"] = f"desk shocks not separable: {traders} trader(s), {shared} session(s) with two or more"
    if traders < 2:
        reasons["trader"] = "one trader: one residual sd a part"
    shocks = tuple(w for w in spec.luck.shocks if w not in reasons)
    volatility = tuple(w for w in spec.luck.volatility_by if w not in reasons)
    dropped = {f"luck.shocks {w}": reasons[w] for w in spec.luck.shocks if w in reasons}
    dropped |= {f"luck.volatility_by {w}": reasons[w] for w in spec.luck.volatility_by if w in reasons}
    return Terms(spec.skill.terms, shocks, volatility, dropped)


def parts_data(spec: ModelSpec, parts: DayParts, bets_per_year: float | None, priors: tuple[str, ...]) -> dict[str, np.ndarray]:
    """Every array of the model by its name."""
    arrays = lay_out_parts(parts)._asdict() | {"log_sd_estimate": log_sd_estimates(parts)}
    return arrays | {f"prior_{name}": prior_numbers(spec.priors[name], bets_per_year) for name in priors}


def build_day_parts(spec: ModelSpec, parts: DayParts, data: dict[str, np.ndarray], terms: Terms) -> pm.Model:
    """The PyMC model; free variables in risk units of a trader-day, logs where the name says so."""
    coords: dict[str, Any] = {d: list(parts.coords[d]) for d in ("trader", "part")}
    used = {k: v for k, v in data.items() if k != "log_sd_estimate" or "trader" in terms.volatility_by}
    with pm.Model(coords=coords) as model:
        arrays = {name: pm.Data(name, value) for name, value in used.items()}

        def draw(slot: str, name: str, dims: str | None = "part") -> Tensor:
            return REGISTRY["prior.distribution"][spec.priors[slot].distribution](name, arrays[f"prior_{slot}"], dims)

        mu, tau = draw("skill_mean", "mu"), draw("skill_sd_trader", "tau_trader")
        population = REGISTRY["skill.population"][spec.skill.population]
        theta = pm.Deterministic("theta", population(mu, tau, draw("skill_correlation", "corr")), dims=("trader", "part"))
        s_v = draw("session_sd", "s_V") if "session" in terms.shocks else None
        level = draw("residual_log_sd", "l0")
        if "trader" in terms.volatility_by:
            spread = draw("residual_log_sd_spread", "t_sigma")
            log_sigma = around("log_sigma", spread, arrays["log_sd_estimate"], ("trader", "part"), level)
        else:
            log_sigma = level + pt.zeros((len(parts.coords["trader"]), 3))
        sigma = pm.Deterministic("sigma", pt.exp(log_sigma), dims=("trader", "part"))
        layout = PartsLayout(*(arrays[name] for name in PartsLayout._fields))
        pm.Potential("sessions", normal_days(layout, theta, sigma, draw("residual_correlation", "corr_e"), s_v).sum())
    return model
