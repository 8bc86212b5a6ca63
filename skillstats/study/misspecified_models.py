"""Worlds that break one model of the catalogue: exposures known with error under selection, skill that drifts under `dynamic`.

``exposure_error``. The desk of `dependence`, scenario A with a true skill sd of .05: y_i = theta_j + x_i F_s + U_js + e_i. The model gets exposures whose
betas carry an error of sd .3 and does not see F; it fits a latent factor beside session and trader-session shocks. Value: share of the desk's traders
whose 90% interval holds theta_j.

``drift``. 12 traders, 8 quarters of 20 sessions x 20 decisions, no shocks, so that a quarter's mean has a standard error of .05:

    theta_jq = a_j + d_jq,  a ~ Normal(0, .03),  d_jq = .8 d_j,q-1 + Normal(0, .03) from its stationary distribution.

Value: share of traders whose 90% interval of the current quarter's skill holds it. Priors: mu ~ Normal(0, .05), tau ~ HalfNormal(.05), tau_drift ~
HalfNormal(.03) per decision, persistence as shipped.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from skillstats.evidence import Evidence
from skillstats.inference.effects import theta_at
from skillstats.spec.model import ModelSpec, Prior, needed_priors
from skillstats.study import dependence
from skillstats.study.designs import Design, Table
from skillstats.study.engines import posterior
from skillstats.study.equations import draw_drift
from skillstats.study.replicate import Job, seeds
from skillstats.study.worlds import to_evidence

FloatArray = NDArray[np.float64]
BETA_ERROR: Final = 0.3
SCENARIO: Final = dependence.Scenario("A", 0.05, lone=False)
TRADERS, QUARTERS, SESSIONS, ROWS = 12, 8, 20, 20
TAU, PERSISTENCE, INNOVATION = 0.03, 0.8, 0.03
DRIFT_DESIGN: Final = Design("drift", "balanced", TRADERS, QUARTERS * SESSIONS, ROWS, 1, 1)


def reduced(spec: ModelSpec, priors: Mapping[str, Prior], *, shocks: tuple[str, ...]) -> ModelSpec:
    """The specification with traders only, some shocks, no slopes, and other priors where they are given."""
    skill = msgspec.structs.replace(spec.skill, terms=("trader",), slopes=())
    scale = spec.luck.trader_session_scale if "trader:session" in shocks else None
    luck = msgspec.structs.replace(spec.luck, shocks=shocks, trader_session_scale=scale, volatility_by=("trader",))
    kept = {name: priors.get(name) or spec.priors[name] for name in needed_priors(skill, luck)}
    return msgspec.structs.replace(spec, skill=skill, luck=luck, priors=kept)


def per_decision(mu: float, tau: float) -> dict[str, Prior]:
    """Priors of the desk's mean and of the spread between traders, per decision."""
    return {
        "skill_mean": Prior(distribution="normal", unit="decision_ir", mu=0.0, sigma=mu),
        "skill_sd_trader": Prior(distribution="half_normal", unit="decision_ir", sigma=tau),
    }


def exposure_error(job: Job, replicate: int) -> float:
    """Share of traders covered when the exposures carry an error."""
    rng, engine_seed, _ = seeds(job, replicate)
    theta, y, x, _ = dependence.desk(SCENARIO, rng)
    side, size = np.sign(x), np.abs(x)
    known = side * np.clip(size + BETA_ERROR * rng.standard_normal(x.shape), 0.1, None)
    evidence = dataclasses.replace(dependence.desk_evidence(y), exposure=known.ravel())
    priors = per_decision(dependence.MU_PRIOR, dependence.TAU_PRIOR)
    spec = reduced(job.spec, priors, shocks=("session", "trader:session", "session:exposure"))
    fit = posterior(spec, evidence, job.design, engine=job.engine, seed=engine_seed)
    return covered(fit.draws("mu")[:, None] + fit.draws("a"), theta)


def drift(job: Job, replicate: int) -> float:
    """Share of traders whose current skill is covered when skill drifts."""
    rng, engine_seed, _ = seeds(job, replicate)
    theta = TAU * rng.standard_normal((TRADERS, 1)) + draw_drift(PERSISTENCE, INNOVATION, TRADERS, QUARTERS, rng)
    evidence = drift_evidence(theta, rng)
    priors = per_decision(0.05, 0.05) | {
        "skill_sd_drift": Prior(distribution="half_normal", unit="decision_ir", sigma=INNOVATION)
    }
    fit = posterior(reduced(job.spec, priors, shocks=()), evidence, job.design, engine=job.engine, seed=engine_seed)
    now = {"trader": np.arange(TRADERS), "quarter": np.full(TRADERS, QUARTERS - 1)}
    return covered(theta_at(fit, now), theta[:, -1])


def drift_evidence(theta: FloatArray, rng: np.random.Generator) -> Evidence:
    """Independent outcomes of sd 1 around theta (trader, quarter)."""
    trader, session, _ = (c.ravel().astype(np.int64) for c in np.indices((TRADERS, QUARTERS * SESSIONS, ROWS)))
    quarter, zero = session // SESSIONS, np.zeros(len(trader), dtype=np.int64)
    y = theta[trader, quarter] + rng.standard_normal(len(trader))
    evidence = to_evidence(Table(trader, session, zero, zero), y, DRIFT_DESIGN)
    names = tuple(f"quarter-{q}" for q in range(QUARTERS))
    return dataclasses.replace(evidence, labels={"quarter": quarter}, coords={**evidence.coords, "quarter": names})


def covered(draws: FloatArray, truth: FloatArray) -> float:
    """Share of 90% equal-tailed intervals that hold the truth; draws (draw, trader), truth (trader,).

    Examples
    --------
    >>> covered(np.linspace(-1, 1, 101)[:, None] * np.ones(2), np.array([0.5, 0.95]))
    0.5
    """
    return float(np.mean(np.abs(np.mean(draws < truth, axis=0) - 0.5) < 0.45))
