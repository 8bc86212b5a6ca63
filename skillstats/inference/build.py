"""From a specification and evidence to a PyMC model.

Every array, the outcomes and the numbers of the priors too, is `pm.Data`, so that one compilation serves every data set with
the same traders, regimes, actions and terms.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import msgspec
import numpy as np
import pymc as pm
import pytensor.tensor as pt

from skillstats.components.cells import CellLayout, lay_out
from skillstats.components.heavy import lay_out_rows, shock_estimates
from skillstats.components.priors import prior_numbers
from skillstats.components.registry import REGISTRY
from skillstats.components.skill import regime_estimate
from skillstats.components.types import Tensor
from skillstats.components.volatility import log_sd_estimate
from skillstats.errors import UsageError
from skillstats.evidence import Evidence
from skillstats.inference.separable import Terms, separable_terms
from skillstats.spec.model import ModelSpec, needed_priors
from skillstats.spec.vocabulary import slot_of_term

Extra = Callable[[pm.Model, Evidence], Tensor]
DIMS = ("trader", "regime", "action")


def kept_priors(spec: ModelSpec, terms: Terms) -> tuple[str, ...]:
    """Names of the priors that the kept terms need."""
    replace = msgspec.structs.replace
    skill = replace(spec.skill, terms=terms.skill)
    scale = spec.luck.trader_session_scale if "trader:session" in terms.shocks else None
    luck = replace(spec.luck, shocks=terms.shocks, volatility_by=terms.volatility_by, trader_session_scale=scale)
    return needed_priors(skill, luck)


def model_data(spec: ModelSpec, evidence: Evidence, bets_per_year: float | None, terms: Terms) -> dict[str, np.ndarray]:
    """Every array of the model by its name: those of `CellLayout`, and ``prior_<name>``, shape (2,), model units."""
    priors = {name: spec.priors[name] for name in kept_priors(spec, terms)}
    if bets_per_year is None and any(prior.unit == "annual_ir" for prior in priors.values()):
        raise UsageError(
            f"model {spec.name} states priors per year, but the evidence has no year; give sessions_per_year or bets_per_year in "
            "the plan, or use crossed_outcomes"
        )
    arrays = _rows(evidence, terms) if spec.luck.tails == "student_t" else _cells(evidence, terms)
    if "trader" in terms.volatility_by:
        arrays["lam_estimate"] = log_sd_estimate(evidence.cells, len(evidence.coords["trader"]))
    if "regime" in terms.skill:
        arrays["regime_estimate"] = regime_estimate(evidence.cells, len(evidence.coords["regime"]))
    return arrays | {f"prior_{name}": prior_numbers(prior, bets_per_year) for name, prior in priors.items()}


def _cells(evidence: Evidence, terms: Terms) -> dict[str, np.ndarray]:
    arrays = lay_out(evidence.cells, len(evidence.coords["regime"]), len(evidence.coords["action"]))._asdict()
    return arrays if "trader:session" in terms.shocks else {k: v for k, v in arrays.items() if k != "pair_trader"}


def _rows(evidence: Evidence, terms: Terms) -> dict[str, np.ndarray]:
    """Rows for Student-t residuals, with what moves the coordinates of the shocks that are kept."""
    arrays, estimates = lay_out_rows(evidence)._asdict(), shock_estimates(evidence)
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
    against
        (trader, regime, action), y units, and is added to the mean. A fit with one is labelled custom.

    Returns
    -------
    pymc.Model; free variables and deterministics in y units per decision, logs where the name says so

    Raises
    ------
    UsageError
        If a prior is annual and `bets_per_year` is None.
    """
    terms = separable_terms(spec, evidence) if terms is None else terms
    arrays = model_data(spec, evidence, bets_per_year, terms)
    traders = len(evidence.coords["trader"])
    coords: dict[str, list[object]] = {dim: list(evidence.coords[dim]) for dim in DIMS}
    for dim, estimate in (("session", "V_estimate"), ("pair", "U_estimate")):  # sampled shocks, of a Student-t only
        coords |= {dim: list(range(arrays[estimate].shape[1]))} if estimate in arrays else {}
    with pm.Model(coords=coords) as model:
        data = {name: pm.Data(name, value) for name, value in arrays.items()}
        draw = partial(_draw, spec, data)

        # skill: theta, shape (trader, regime, action), y units
        population = REGISTRY["skill.population"][spec.skill.population]
        mu = draw("skill_mean", "mu")
        theta = mu + pt.zeros([len(evidence.coords[dim]) for dim in DIMS])
        for word in terms.skill:
            sd = draw(slot_of_term(word), "tau_" + word.replace(":", "_"))
            theta = theta + REGISTRY["skill.terms"][word](
                population, sd, *((mu, data["regime_estimate"]) if word == "regime" else ())
            )
        if extra is not None:
            theta = pm.Deterministic("theta", theta + extra(model, evidence), dims=DIMS)

        # luck: sds of the shocks, y units
        shocks = REGISTRY["luck.shocks"]
        s_v = shocks["session"](draw) if "session" in terms.shocks else None
        s_u = (
            shocks["trader:session"](draw, spec.luck.trader_session_scale, traders) if "trader:session" in terms.shocks else None
        )

        # volatility: log sigma, shape (trader, regime)
        volatility = REGISTRY["luck.volatility_by"]
        level = draw("residual_log_sd", "l0")
        log_sigma = volatility["trader"](level, draw, data["lam_estimate"]) if "trader" in terms.volatility_by else level
        log_sigma = log_sigma + (volatility["regime"](draw) if "regime" in terms.volatility_by else 0.0)
        sigma = pt.exp(log_sigma + pt.zeros([len(evidence.coords[dim]) for dim in DIMS[:2]]))
        sigma = pm.Deterministic("sigma", sigma, dims=DIMS[:2])

        density = REGISTRY["luck.tails"][spec.luck.tails]
        if spec.luck.tails == "student_t":
            pm.Potential("rows", density(data, draw("tail_excess", "z_nu"), theta, sigma, s_u, s_v).sum())
        else:
            layout = CellLayout(*(data.get(name) for name in CellLayout._fields))
            pm.Potential("sessions", density(layout, theta, sigma, s_u, s_v).sum())
    return model


def _draw(spec: ModelSpec, data: dict[str, Tensor], slot: str, name: str, dims: str | None = None) -> Tensor:
    """A parameter called `name` with the prior the specification states for `slot`, model units."""
    prior = spec.priors[slot]
    return REGISTRY["prior.distribution"][prior.distribution](name, data[f"prior_{slot}"], dims)
