"""Worlds whose truth is known: parameters from a specification's own priors, outcomes from its generative equations, in numpy.

Nothing here reads the PyMC components or the Gibbs kernels: the equations are written a second time, row by row, with every shock drawn.

    theta_i = mu + a_j + b_r + c_jr + g_k,     y_i = theta_i + V_s + U_js + e_i,   e_i ~ Normal(0, sigma_jr)
    a ~ Normal(0, tau_trader), b ~ Normal(0, tau_regime), c ~ Normal(0, tau_trader_regime), g ~ Normal(0, tau_action)
    V ~ Normal(0, s_V), U ~ Normal(0, s_Uj), s_Uj = s_U or log s_Uj ~ Normal(l_U, t_U)
    log sigma_jr = lam_j + l_r, lam_j ~ Normal(l0, t_sigma) or lam_j = l0, l_r zero-sum

Terms that the labels of a table cannot separate are left out of the world as they are left out of the fit: the truth of a fit is the
model that is fitted. A model with other equations adds its own function to `WORLDS`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from skillstats.evidence import Evidence
from skillstats.inference.separable import Terms, separable_terms
from skillstats.spec.model import ModelSpec, Prior
from skillstats.study.designs import Design, Table, lay_table

FloatArray = NDArray[np.float64]
SESSIONS_PER_YEAR: Final = 252.0


@dataclass(frozen=True, slots=True)
class World:
    """One simulated desk. truth : true value of every posterior variable, without draw dimensions; evidence : its outcomes."""

    truth: Mapping[str, FloatArray]
    evidence: Evidence


Maker = Callable[[ModelSpec, Design, np.random.Generator], World]


def draw_world(spec: ModelSpec, design: Design, rng: np.random.Generator) -> World:
    """Draw labels, parameters and outcomes of one world.

    Parameters
    ----------
    spec : specification; its priors are the population of truths, annual ones divided by sqrt(B) of the design
    design : labels
    rng : generator; the only source of chance
    """
    return WORLDS.get(spec.name, linear_world)(spec, design, rng)


def linear_world(spec: ModelSpec, design: Design, rng: np.random.Generator) -> World:
    """World of the equations of the module: `day_pooled`, `crossed_total`, `crossed_outcomes`."""
    table = lay_table(design, rng)
    terms = separable_terms(spec, to_evidence(table, np.zeros(len(table)), design))
    truth = draw_skill(spec, terms, design, rng) | draw_luck(spec, terms, design, rng)
    y = table_mean(truth, table) + draw_shocks(truth, table, design, rng) + draw_residuals(truth, table, rng)
    return World(truth, to_evidence(table, y, design))


def draw_prior(prior: Prior, design: Design, rng: np.random.Generator, size: int | None = None) -> FloatArray:
    """Values of one prior in y units per decision (logs where the unit is a log)."""
    scale = 1 / np.sqrt(design.bets_per_year) if prior.unit == "annual_ir" else 1.0
    z = rng.standard_normal(size)
    if prior.distribution == "half_normal":
        return np.asarray(np.abs(z) * prior.sigma * scale)
    if prior.distribution == "zero_sum_normal":
        return np.asarray((z - z.mean()) * prior.sigma * scale)
    return np.asarray((prior.mu or 0.0) * scale + z * prior.sigma * scale)


def draw_skill(spec: ModelSpec, terms: Terms, design: Design, rng: np.random.Generator) -> dict[str, FloatArray]:
    """True mu, tau_* and effects."""
    shapes = {
        "trader": ("a", (design.traders,)),
        "regime": ("b", (design.regimes,)),
        "trader:regime": ("c", (design.traders, design.regimes)),
        "action": ("g", (design.actions,)),
    }
    truth = {"mu": draw_prior(spec.priors["skill_mean"], design, rng)}
    for word in terms.skill:
        symbol, shape = shapes[word]
        name = word.replace(":", "_")
        truth[f"tau_{name}"] = draw_prior(spec.priors[f"skill_sd_{name}"], design, rng)
        truth[symbol] = truth[f"tau_{name}"] * rng.standard_normal(shape)
    return truth


def draw_luck(spec: ModelSpec, terms: Terms, design: Design, rng: np.random.Generator) -> dict[str, FloatArray]:
    """True sds of shocks and residuals."""
    truth: dict[str, FloatArray] = {}
    if "session" in terms.shocks:
        truth["s_V"] = draw_prior(spec.priors["session_sd"], design, rng)
    if "trader:session" in terms.shocks and spec.luck.trader_session_scale == "common":
        truth["s_U"] = np.full(design.traders, draw_prior(spec.priors["trader_session_sd"], design, rng))
    elif "trader:session" in terms.shocks:
        truth["l_U"] = draw_prior(spec.priors["trader_session_log_sd"], design, rng)
        truth["t_U"] = draw_prior(spec.priors["trader_session_log_sd_spread"], design, rng)
        truth["s_U"] = np.exp(truth["l_U"] + truth["t_U"] * rng.standard_normal(design.traders))
    truth["l0"] = draw_prior(spec.priors["residual_log_sd"], design, rng)
    log_sigma = np.full((design.traders, design.regimes), truth["l0"])
    if "trader" in terms.volatility_by:
        truth["t_sigma"] = draw_prior(spec.priors["residual_log_sd_spread"], design, rng)
        truth["lam"] = truth["l0"] + truth["t_sigma"] * rng.standard_normal(design.traders)
        log_sigma = np.repeat(truth["lam"][:, None], design.regimes, axis=1)
    if "regime" in terms.volatility_by:
        truth["l_r"] = draw_prior(spec.priors["residual_log_sd_regime"], design, rng, design.regimes)
        log_sigma = log_sigma + truth["l_r"]
    truth["sigma"] = np.exp(log_sigma)
    return truth


def table_mean(truth: Mapping[str, FloatArray], table: Table) -> FloatArray:
    """theta of every row, (row,), y units."""
    mean = np.full(len(table), float(truth["mu"]))
    for symbol, at in (("a", table.trader), ("b", table.regime), ("c", (table.trader, table.regime)), ("g", table.action)):
        if symbol in truth:
            mean += truth[symbol][at]
    return mean


def draw_shocks(truth: Mapping[str, FloatArray], table: Table, design: Design, rng: np.random.Generator) -> FloatArray:
    """V_s + U_js of every row, (row,), y units."""
    total = np.zeros(len(table))
    if "s_V" in truth:
        total += (truth["s_V"] * rng.standard_normal(design.sessions))[table.session]
    if "s_U" in truth:
        own = truth["s_U"][:, None] * rng.standard_normal((design.traders, design.sessions))
        total += own[table.trader, table.session]
    return total


def draw_residuals(truth: Mapping[str, FloatArray], table: Table, rng: np.random.Generator) -> FloatArray:
    """e_i of every row, (row,), y units."""
    noise: FloatArray = truth["sigma"][table.trader, table.regime] * rng.standard_normal(len(table))
    return noise


def to_evidence(table: Table, y: FloatArray, design: Design) -> Evidence:
    """Evidence of outcomes with unit risk; a level that no row has keeps its name, so that shapes do not depend on chance."""
    sizes = (design.traders, design.sessions, design.regimes, design.actions)
    coords = {
        name: tuple(f"{name[0].upper()}{i:04d}" for i in range(size))
        for name, size in zip(("trader", "session", "regime", "action"), sizes, strict=True)
    }
    return Evidence(
        value_add=y,
        risk=np.ones(len(y)),
        y=y,
        trader=table.trader,
        session=table.session,
        regime=table.regime,
        action=table.action,
        decision=np.arange(len(y)),
        coords=coords,
        source="record",
        unit="risk",
        has_risk=True,
        scale=1.0,
        sessions_per_year=SESSIONS_PER_YEAR,
        sessions_spanned=design.sessions,
        counts={},
        context={},
    )


WORLDS: Final[dict[str, Maker]] = {}
"""Models whose equations are not those of `linear_world`, by name of the specification."""
