"""The dependence table: 90% intervals of skill when the outcomes of a session are one bet, for every way a desk may face.

8 traders x 60 sessions x 20 decisions,

    y_i = theta_j + x_i F_s + U_js + e_i,   x_i = direction_i * beta_i,  beta ~ Uniform(.6, 1.4)

F_s a Student-t(4) shock with 30% of an outcome's variance, U_js a trader's own theme with 10%, e_i the rest. Directions: **A** one call
a trader and session; **B** the desk makes the same call; **C** balanced books; **D** everybody always on the same side. In the ``lone``
variants trader 0 does so while the seven others hold balanced books (long and short alternate). Truth: theta fixed at sd tau 0 or .05, or
mu and tau drawn from the prior.

Methods: ``naive`` t interval of the decisions; ``M2`` total skill with session and trader-session shocks; ``M3`` selection skill from outcomes
with the observed factor taken out, y_i - x_i F_s, as `crossed_selection` does where factor returns are given,
and trader-session shocks. Priors of the table, per decision: mu ~ Normal(0, .05), tau ~ HalfNormal(.10),
s_V ~ HalfNormal(1), U and residual as `crossed_total` ships them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import msgspec
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from skillstats.evidence import Evidence
from skillstats.spec.model import ModelSpec, Prior
from skillstats.study.designs import Design, Table
from skillstats.study.engines import posterior
from skillstats.study.replicate import COLUMNS, FAILED, Job, failed_row, seeds
from skillstats.study.worlds import to_evidence

FloatArray = NDArray[np.float64]
TRADERS, SESSIONS, ROWS = 8, 60, 20
FACTOR, THEME = 0.30, 0.10
TAU_PRIOR, MU_PRIOR = 0.10, 0.05
SHAPE: Final = Design("dependence", "balanced", TRADERS, SESSIONS, ROWS, 1, 1)


@dataclass(frozen=True, slots=True)
class Scenario:
    """One line of the table. faces : A, B, C or D; tau : sd of true skill, None drawn from the prior; lone : trader 0 only."""

    faces: str
    tau: float | None
    lone: bool

    @property
    def name(self) -> str:
        """Name of the design."""
        return f"{self.faces}-{'prior' if self.tau is None else format(self.tau, '.2f')}-{'lone' if self.lone else 'all'}"


SCENARIOS: Final[Mapping[str, Scenario]] = {
    s.name: s
    for s in (
        *(Scenario(f, tau, False) for f in "ABCD" for tau in (0.0, 0.05, None)),
        *(Scenario(f, tau, True) for f in "ABCD" for tau in (0.0, 0.05)),
    )
}


def table_spec(spec: ModelSpec) -> ModelSpec:
    """A crossed specification with traders only and the priors printed with the table, per decision."""
    priors = {
        "skill_mean": Prior(distribution="normal", unit="decision_ir", mu=0.0, sigma=MU_PRIOR),
        "skill_sd_trader": Prior(distribution="half_normal", unit="decision_ir", sigma=TAU_PRIOR),
        "session_sd": Prior(distribution="half_normal", unit="decision_sd", sigma=1.0),
    }
    kept = {k: v for k, v in spec.priors.items() if not k.startswith("skill_sd_") and k != "residual_log_sd_regime"}
    luck = msgspec.structs.replace(spec.luck, volatility_by=("trader",))
    skill = msgspec.structs.replace(spec.skill, terms=("trader",))
    return msgspec.structs.replace(spec, name="dependence", skill=skill, luck=luck, priors=kept | priors)


def without_session(spec: ModelSpec) -> ModelSpec:
    """The specification without the shock that all traders share."""
    luck = msgspec.structs.replace(spec.luck, shocks=("trader:session",))
    priors = {k: v for k, v in spec.priors.items() if k != "session_sd"}
    return msgspec.structs.replace(spec, luck=luck, priors=priors)


def _signs(shape: tuple[int, ...], rng: np.random.Generator) -> FloatArray:
    return np.where(rng.random(shape) < 0.5, -1.0, 1.0)


def directions(scenario: Scenario, rng: np.random.Generator) -> FloatArray:
    """+1 or -1 of every decision, (trader, session, row)."""
    shape = (TRADERS, SESSIONS, ROWS)
    faced: FloatArray
    if scenario.faces == "A":
        faced = np.repeat(_signs(shape[:2], rng)[:, :, None], ROWS, axis=2)
    elif scenario.faces == "B":
        faced = np.broadcast_to(_signs((SESSIONS,), rng)[None, :, None], shape)
    elif scenario.faces == "C":
        faced = _signs(shape, rng)
    else:
        faced = np.ones(shape)
    if not scenario.lone:
        return np.asarray(faced)
    balanced = np.tile(np.array([1.0, -1.0] * (ROWS // 2)), (TRADERS, SESSIONS, 1))
    # a lone trader whose own book is balanced is no directional trader: in C that trader makes one call a session among random books
    own = np.repeat(_signs((SESSIONS,), rng)[:, None], ROWS, axis=1) if scenario.faces == "C" else faced[0]
    rest = faced if scenario.faces == "C" else balanced
    return np.concatenate([own[None], rest[1:]])


def desk(scenario: Scenario, rng: np.random.Generator) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """True theta (trader,), outcomes y in y units and exposures x, (trader, session, row), and the factor F (session,)."""
    mu, tau = (
        (0.0, scenario.tau)
        if scenario.tau is not None
        else (MU_PRIOR * rng.standard_normal(), abs(TAU_PRIOR * rng.standard_normal()))
    )
    theta = mu + tau * rng.standard_normal(TRADERS)
    factor = rng.standard_t(4, SESSIONS) / np.sqrt(2) * np.sqrt(FACTOR)
    x = directions(scenario, rng) * rng.uniform(0.6, 1.4, (TRADERS, SESSIONS, ROWS))
    theme = np.sqrt(THEME) * rng.standard_normal((TRADERS, SESSIONS))
    noise = np.sqrt(1 - FACTOR - THEME) * rng.standard_normal(x.shape)
    return theta, theta[:, None, None] + x * factor[None, :, None] + theme[:, :, None] + noise, x, factor


def desk_evidence(y: FloatArray) -> Evidence:
    """Evidence of outcomes (trader, session, row)."""
    trader, session, _ = (c.ravel().astype(np.int64) for c in np.indices(y.shape))
    zero = np.zeros(y.size, dtype=np.int64)
    return to_evidence(Table(trader, session, zero, zero), y.ravel(), SHAPE)


def run_dependence(job: Job, replicate: int) -> pd.DataFrame:
    """One desk under all methods: rows as of `replicate.run_replicate`, `model` the method, `quantity` theta_0 .. theta_7."""
    rng, engine_seed, _ = seeds(job, replicate)
    scenario = SCENARIOS[job.design.name]
    theta, y, x, factor = desk(scenario, rng)
    total = desk_evidence(y)
    selection = replace(total, exposure=x.ravel(), factor_return=factor[total.session]).without_factor()
    rows = [{"model": "naive"} | row for row in naive_rows(y, theta)]
    for method, spec, evidence in (("M2", job.spec, total), ("M3", without_session(job.spec), selection)):
        rows += [{"model": method} | row for row in _model_rows(spec, evidence, theta, job, engine_seed)]
    head = {"study": job.study, "design": job.design.name, "replicate": replicate}
    return pd.DataFrame([head | row for row in rows], columns=list(COLUMNS))


def naive_rows(y: FloatArray, theta: FloatArray) -> list[dict[str, Any]]:
    """The t interval that takes every decision for a bet of its own."""
    own = y.reshape(len(theta), -1)
    mean, error = own.mean(axis=1), own.std(axis=1, ddof=1) / np.sqrt(own.shape[1])
    below = stats.t.cdf((theta - mean) / error, own.shape[1] - 1)
    return [_row(j, below[j], theta[j], mean[j], error[j]) for j in range(len(theta))]


def _model_rows(spec: ModelSpec, evidence: Evidence, theta: FloatArray, job: Job, seed: int) -> list[dict[str, Any]]:
    fit = posterior(spec, evidence, job.design, engine=job.engine, seed=seed)
    if any(f.code in ("E-STUCK", "E-DIV") for f in fit.diagnostics.findings):
        return [failed_row(str(fit.diagnostics.findings[0]))]
    draws = fit.draws("mu")[:, None] + fit.draws("a")
    return [
        _row(j, np.mean(draws[:, j] < theta[j]), theta[j], draws[:, j].mean(), draws[:, j].std(ddof=1)) for j in range(len(theta))
    ]


def _row(j: int, below: float, truth: float, mean: float, sd: float) -> dict[str, Any]:
    numbers = {"below": float(below), "truth": float(truth), "mean": float(mean), "sd": float(sd), "ess": float("nan")}
    return {"quantity": f"theta_{j}", "rank": -1, **numbers, "reason": ""}


def designs() -> tuple[Design, ...]:
    """One design a scenario."""
    return tuple(replace(SHAPE, name=name) for name in SCENARIOS)


def dependence_table(rows: pd.DataFrame) -> pd.DataFrame:
    """Coverage of 90% intervals and false claims by scenario and method.

    Returns
    -------
    columns scenario, method, traders (``all`` eight, the ``lone`` directional one or the ``others``), desks, coverage, claims (share with
    P(theta > 0) > .95; a false alarm rate where tau is 0), rmse, failed, low, high, ok
    """
    table: list[dict[str, Any]] = []
    for (design, method), cell in rows.groupby(["design", "model"], sort=False):
        scenario, failed = SCENARIOS[str(design)], int((cell["quantity"] == FAILED).sum())
        kept = cell[cell["quantity"] != FAILED]
        own = kept["quantity"] == "theta_0"
        groups = {"lone": kept[own], "others": kept[~own]} if scenario.lone else {"all": kept}
        table += [_line(scenario, str(method), who, part, failed) for who, part in groups.items()]
    return pd.DataFrame(table)


def limits(scenario: Scenario, method: str, who: str) -> tuple[float, float]:
    """Range the coverage of a 90% interval must lie in.

    Examples
    --------
    >>> limits(SCENARIOS["A-0.05-all"], "M2", "all"), limits(SCENARIOS["A-prior-all"], "M2", "all"), limits(SCENARIOS["D-0.00-lone"], "M2", "lone")
    ((0.84, 1.0), (0.87, 0.93), (0.85, 1.0))
    """
    if method == "naive":
        return (0.0, 1.0)
    if who == "lone":
        return (0.85, 1.0)
    return (0.87, 0.93) if scenario.tau is None else (0.84, 1.0)


def _line(scenario: Scenario, method: str, who: str, part: pd.DataFrame, failed: int) -> dict[str, Any]:
    low, high = limits(scenario, method, who)
    coverage = float(np.mean(np.abs(part["below"] - 0.5) < 0.45)) if len(part) else float("nan")
    skill = stats.norm.sf(0, part["mean"], part["sd"]) if len(part) else np.zeros(0)
    return {
        "scenario": scenario.name,
        "method": method,
        "traders": who,
        "desks": part["replicate"].nunique() + failed,
        "coverage": coverage,
        "claims": float(np.mean(skill > 0.95)),
        "rmse": float(np.sqrt(np.mean((part["mean"] - part["truth"]) ** 2))),
        "failed": failed,
        "low": low,
        "high": high,
        "ok": low <= coverage <= high,
    }
