"""From a specification and evidence to a PyMC model.

Every array, the outcomes and the numbers of the priors too, is `pm.Data`, so that one compilation serves every data set with
the same terms and levels of labels.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec
import numpy as np
import pymc as pm
import pytensor.tensor as pt

from skillstats.components.cells import CellLayout, Desks, Regressors
from skillstats.components.heavy import lay_out_rows, shock_estimates
from skillstats.components.priors import prior_numbers
from skillstats.components.registry import REGISTRY
from skillstats.components.skill import regime_estimate
from skillstats.components.types import Tensor
from skillstats.components.volatility import log_sd_estimate
from skillstats.errors import UsageError
from skillstats.evidence import Evidence
from skillstats.inference.design import DIMS, design, row_profiles
from skillstats.inference.separable import Terms, separable_terms
from skillstats.spec.model import ModelSpec, needed_priors
from skillstats.spec.vocabulary import slot_of_term

Extra = Callable[[pm.Model, Evidence], Tensor]
GRID = ("trader", "regime", "action")
"""Dimensions of the mean that a component of the user's own may add to."""


def kept_priors(spec: ModelSpec, terms: Terms) -> tuple[str, ...]:
    """Names of the priors that the kept terms need."""
    replace = msgspec.structs.replace
    skill = replace(spec.skill, terms=terms.skill, slopes=terms.slopes, drift=terms.drift)
    scale = spec.luck.trader_session_scale if "trader:session" in terms.shocks else None
    luck = replace(spec.luck, shocks=terms.shocks, volatility_by=terms.volatility_by, trader_session_scale=scale)
    return needed_priors(skill, luck)


def model_data(
    spec: ModelSpec, evidence: Evidence, bets_per_year: float | None, terms: Terms, *, grid: bool = False
) -> dict[str, np.ndarray]:
    """Every array of the model by its name.

    Those of the layouts of `components.cells`, ``profile_<label>`` (profile,) codes of each profile, and ``prior_<name>``,
    shape (2,), model units. `grid` : profiles are told apart by regime and action whatever the terms.
    """
    priors = {name: spec.priors[name] for name in kept_priors(spec, terms)}
    if bets_per_year is None and any(prior.unit == "annual_ir" for prior in priors.values()):
        raise UsageError(
            f"model {spec.name} states priors per year, but the evidence has no year; give sessions_per_year or bets_per_year in "
            "the plan, or use crossed_outcomes"
        )
    found = design(evidence, terms, grid=grid)
    heavy = spec.luck.tails == "student_t"
    arrays = _rows(evidence, terms, grid=grid) if heavy else found.arrays()
    if not heavy and "trader:session" not in terms.shocks and "sizing" not in terms.slopes:
        arrays.pop("pair_trader")
    if terms.by_desk:
        arrays.pop("pair_session")
    used = {label for term in terms.skill for label in term.split(":")} | ({"trader", "quarter"} if terms.drift else set())
    used |= set(GRID) if grid else set()
    arrays |= {f"profile_{label}": codes for label, codes in found.profiles.codes.items() if label in (used or {"trader"})}
    if "trader" in terms.volatility_by:
        arrays["lam_estimate"] = log_sd_estimate(found.cells, len(evidence.coords["trader"]))
    if "regime" in terms.skill:
        arrays["regime_estimate"] = regime_estimate(found.cells, len(evidence.coords["regime"]))
    return arrays | {f"prior_{name}": prior_numbers(prior, bets_per_year) for name, prior in priors.items()}


def _rows(evidence: Evidence, terms: Terms, *, grid: bool) -> dict[str, np.ndarray]:
    """Rows for Student-t residuals, with what moves the coordinates of the shocks that are kept."""
    arrays = lay_out_rows(evidence, row_profiles(evidence, terms, grid=grid))._asdict()
    estimates = shock_estimates(evidence)
    unused = {"session": ("row_session", "V_estimate"), "trader:session": ("row_pair", "pair_trader", "U_estimate")}
    gone = {name for word, names in unused.items() if word not in terms.shocks for name in names}
    return {k: v for k, v in (arrays | estimates).items() if k not in gone}


def build_model(
    spec: ModelSpec,
    evidence: Evidence,
    *,
    bets_per_year: float | None,
    terms: Terms | None = None,
    extra: Extra | None = None,
) -> pm.Model:
    """Build the PyMC model of a specification.

    Parameters
    ----------
    spec : model specification
    evidence : outcomes; their cells are the data
    bets_per_year : B, independent bets a year; None where no prior is annual
    terms : what to keep of the specification; default: what the evidence can separate
    extra : a component of your own, called inside the model as ``extra(model, evidence)``; returns a tensor that broadcasts
        against (trader, regime, action), y units, and is added to the mean. A fit with one is labelled custom.

    Returns
    -------
    pymc.Model; free variables and deterministics in y units per decision, logs where the name says so

    Raises
    ------
    UsageError
        If a prior is annual and `bets_per_year` is None, or the model needs exposures that the evidence does not have.
    """
    terms = separable_terms(spec, evidence) if terms is None else terms
    arrays = model_data(spec, evidence, bets_per_year, terms, grid=extra is not None)
    sizes = {dim: len(evidence.levels(dim)) for dim in DIMS}
    coords: dict[str, list[object]] = {dim: list(evidence.levels(dim)) for dim in DIMS}
    for dim, estimate in (("session", "V_estimate"), ("pair", "U_estimate")):  # sampled shocks, of a Student-t only
        coords |= {dim: list(range(arrays[estimate].shape[1]))} if estimate in arrays else {}
    with pm.Model(coords=coords) as model:
        data = {name: pm.Data(name, value) for name, value in arrays.items()}
        draw = partial(_draw, spec, data)

        # skill: theta, shape (profile,), y units
        at = {label: data.get(f"profile_{label}") for label in DIMS}
        mu = draw("skill_mean", "mu")
        theta = mu + pt.zeros(next(a for a in at.values() if a is not None).shape[0])
        for word in terms.skill:
            sd = draw(slot_of_term(word), "tau_" + word.replace(":", "_"))
            own: tuple[Any, ...] = (draw, sd)
            if word == "trader":
                own = (REGISTRY["skill.population"][spec.skill.population], *own)
            elif word == "regime":
                own = (*own, mu, data["regime_estimate"])
            theta = theta + REGISTRY["skill.terms"][word](*own)[tuple(at[label] for label in word.split(":"))]
        if terms.drift is not None:
            theta = theta + REGISTRY["skill.drift"][terms.drift](draw, sizes["quarter"])[at["trader"], at["quarter"]]
        if extra is not None:
            added = pt.zeros([sizes[dim] for dim in GRID]) + extra(model, evidence)
            theta = theta + pm.Deterministic("extra", added, dims=GRID)[tuple(at[dim] for dim in GRID)]
            pm.Deterministic("theta", theta)
        kappa = REGISTRY["skill.slopes"]["sizing"](draw) if "sizing" in terms.slopes else None

        # luck: sds of the shocks, y units
        shocks = REGISTRY["luck.shocks"]
        s_v = shocks["session"](draw) if "session" in terms.shocks else None
        s_u = (
            shocks["trader:session"](draw, spec.luck.trader_session_scale, sizes["trader"])
            if "trader:session" in terms.shocks
            else None
        )
        s_f = shocks["session:exposure"](draw) if "session:exposure" in terms.shocks else None

        # volatility: log sigma, shape (trader, regime)
        volatility = REGISTRY["luck.volatility_by"]
        level = draw("residual_log_sd", "l0")
        log_sigma = volatility["trader"](level, draw, data["lam_estimate"]) if "trader" in terms.volatility_by else level
        log_sigma = log_sigma + (volatility["regime"](draw) if "regime" in terms.volatility_by else 0.0)
        sigma = pt.exp(log_sigma + pt.zeros([sizes[dim] for dim in GRID[:2]]))
        sigma = pm.Deterministic("sigma", sigma, dims=GRID[:2])

        density = REGISTRY["luck.tails"][spec.luck.tails]
        if spec.luck.tails == "student_t":
            pm.Potential("rows", density(data, draw("tail_excess", "z_nu"), theta, sigma, s_u, s_v).sum())
        else:
            layout, regressors, desks = (kind(*(data.get(k) for k in kind._fields)) for kind in (CellLayout, Regressors, Desks))
            terms_of = {"factor_sd": s_f, "kappa": kappa, "regressors": regressors, "desks": desks if terms.by_desk else None}
            pm.Potential("sessions", density(layout, theta, sigma, s_u, s_v, **terms_of).sum())
    return model


def _draw(spec: ModelSpec, data: dict[str, Tensor], slot: str, name: str, dims: str | None = None) -> Tensor:
    """A parameter called `name` with the prior the specification states for `slot`, model units."""
    prior = spec.priors[slot]
    return REGISTRY["prior.distribution"][prior.distribution](name, data[f"prior_{slot}"], dims)
