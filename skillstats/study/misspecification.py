"""Worlds that break a model: does the program notice, and do its numbers stay usable where they must?

* ``shock_ignored``: outcomes of a session correlate at .3 and the fitted model knows no shock. The predictive check of the variance of day
  means must fire in at least 90% of desks.
* ``penny_picker``: 95% small gains, 5% large losses, mean 0, 600 decisions. The gate between mean and location must fire in at least 95%.
* ``mixture``: three traders in four have no skill at all, the others about +.10 or -.08 a decision, each measured with a standard error of .035 to
  .075. Of the traders on the list of P(IR > .02) under false-discovery control at 10%, at most 15% may have theta <= 0 (mean share over desks of 12
  and 50 traders).

* ``exposure_error`` and ``drift``: see `misspecified_models`. Coverage of 90% intervals at least .85 and .82.

Limits are those of the study's specification; what fails is printed like the rest.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skillstats.evaluation.posterior import posterior_draws
from skillstats.evaluation.predictive import missed, predictive_checks
from skillstats.evidence import Evidence
from skillstats.luck.skew_gate import GAP_LIMIT, location_gap
from skillstats.spec.model import ModelSpec, Prior
from skillstats.study.designs import Design, Table, lay_table
from skillstats.study.engines import posterior
from skillstats.study.equations import draw_shocks
from skillstats.study.misspecified_models import DRIFT_DESIGN, drift, exposure_error
from skillstats.study.mutants import without_shock
from skillstats.study.quantities import trader_means
from skillstats.study.replicate import Job, seeds
from skillstats.study.worlds import to_evidence, with_outcomes

FloatArray = NDArray[np.float64]
CORRELATION: Final = 0.3
FDR: Final = 0.10
DELTA: Final = 0.02
MIXTURE_SE: Final = 0.05


@dataclass(frozen=True, slots=True)
class Case:
    """One world of the suite. model : name of the specification; value : of one desk; floor, ceiling : limits of the mean over desks."""

    model: str
    design: Design
    value: Callable[[Job, int], float]
    text: str
    floor: float = -np.inf
    ceiling: float = np.inf


def shock_ignored(job: Job, replicate: int) -> float:
    """1 where the predictive check of day means fires on a model without shocks."""
    rng, engine_seed, _ = seeds(job, replicate)
    blank = to_evidence(lay_table(job.design, rng), np.zeros(0), job.design)
    luck = {"s_V": np.sqrt(CORRELATION / 2) * np.ones(()), "s_U": np.full(job.design.traders, np.sqrt(CORRELATION / 2))}
    y = draw_shocks(luck, blank, rng) + np.sqrt(1 - CORRELATION) * rng.standard_normal(len(blank))
    evidence = with_outcomes(blank, y)
    spec = without_shock("session", "session_sd")(without_shock("trader:session", "trader_session_sd")(job.spec, rng), rng)
    fit = posterior(spec, evidence, job.design, engine=job.engine, seed=engine_seed)
    return float("day_variance" in missed(predictive_checks(posterior_draws(fit), evidence, engine_seed)))


def penny_picker(job: Job, replicate: int) -> float:
    """1 where the gate fires on one trader's 600 decisions; no model is fitted."""
    rng, _, _ = seeds(job, replicate)
    n = job.design.sessions * job.design.rows
    losing = rng.random(n) < 0.05
    y = np.where(losing, rng.normal(-2.5, 1.2, n), rng.normal(2.5 * 0.05 / 0.95, 0.45, n))
    return float(abs(location_gap(y)) >= GAP_LIMIT)


def mixture(job: Job, replicate: int) -> float:
    """Share of the list with theta <= 0; 0 where nobody is listed."""
    rng, engine_seed, _ = seeds(job, replicate)
    traders = job.design.traders
    kind = rng.random(traders)
    up, down = rng.normal(0.10, 0.03, traders), rng.normal(-0.08, 0.03, traders)
    theta = np.where(kind < 0.75, 0.0, np.where(kind < 0.90, up, down))
    error = MIXTURE_SE * rng.uniform(0.7, 1.5, traders)
    evidence = _measured(theta, error, job.design, rng)
    fit = posterior(mixture_spec(job.spec), evidence, job.design, engine=job.engine, seed=engine_seed, lengthen=2)
    doubt = np.mean(trader_means(posterior_draws(fit), evidence) <= DELTA, axis=0)
    order = np.argsort(doubt)
    listed = order[np.cumsum(doubt[order]) / np.arange(1, traders + 1) <= FDR]
    return float(np.mean(theta[listed] <= 0)) if len(listed) else 0.0


def _measured(theta: FloatArray, error: FloatArray, design: Design, rng: np.random.Generator) -> Evidence:
    """Independent outcomes of sd 1, as many a trader as give each mean its standard error."""
    sizes = np.round(1 / error**2).astype(int)
    trader = np.repeat(np.arange(design.traders), sizes)
    session = np.concatenate([np.arange(n) for n in sizes])
    zero = np.zeros(len(trader), dtype=np.int64)
    table = Table(trader.astype(np.int64), session.astype(np.int64), zero, zero)
    shape = dataclasses.replace(design, sessions=int(sizes.max()))
    return to_evidence(table, theta[trader] + rng.standard_normal(len(trader)), shape)


def mixture_spec(spec: ModelSpec) -> ModelSpec:
    """The specification with the priors of the population study, per decision: mu ~ Normal(0, .05), tau ~ HalfNormal(.10); no shocks."""
    priors = spec.priors | {
        "skill_mean": Prior(distribution="normal", unit="decision_ir", mu=0.0, sigma=0.05),
        "skill_sd_trader": Prior(distribution="half_normal", unit="decision_ir", sigma=0.10),
    }
    rng = np.random.default_rng(0)
    plain = msgspec.structs.replace(spec, priors=priors)
    return without_shock("session", "session_sd")(without_shock("trader:session", "trader_session_sd")(plain, rng), rng)


def _design(name: str, traders: int, sessions: int, rows: int) -> Design:
    return Design(name, "balanced", traders, sessions, rows, 1, 1)


SUITE: Final[dict[str, Case]] = {
    "shock_ignored": Case(
        "day_pooled",
        _design("shock_ignored", 6, 40, 5),
        shock_ignored,
        "shock left out: the check of day means fires",
        floor=0.90,
    ),
    "penny_picker": Case(
        "day_pooled", _design("penny_picker", 1, 60, 10), penny_picker, "penny-picker: the skew gate fires", floor=0.95
    ),
    "mixture_12": Case(
        "day_pooled", _design("mixture_12", 12, 1, 1), mixture, "mixture truth: false share of the list", ceiling=0.15
    ),
    "exposure_error": Case(
        "crossed_selection",
        Design("exposure_error", "balanced", 8, 60, 20, 1, 1),
        exposure_error,
        "exposure error of sd .3: 90% intervals cover",
        floor=0.85,
    ),
    "drift": Case("dynamic", DRIFT_DESIGN, drift, "skill drifts by .03 a quarter: 90% intervals cover", floor=0.82),
    "mixture_50": Case(
        "day_pooled", _design("mixture_50", 50, 1, 1), mixture, "mixture truth: false share of the list", ceiling=0.15
    ),
}


def run_case(job: Job, replicate: int) -> pd.DataFrame:
    """One desk of a case: columns case, replicate, value, failed."""
    try:
        value, failed = SUITE[job.design.name].value(job, replicate), ""
    except (FloatingPointError, RuntimeError, ValueError, np.linalg.LinAlgError) as error:
        value, failed = float("nan"), f"{type(error).__name__}: {error}"
    return pd.DataFrame([{"case": job.design.name, "replicate": replicate, "value": value, "failed": failed}])


def suite_table(rows: pd.DataFrame, suite: Mapping[str, Case] | None = None) -> pd.DataFrame:
    """One line a case: columns case, text, desks, failed, value (mean over desks), error (its standard error), floor, ceiling, ok."""
    table: list[dict[str, Any]] = []
    for name, cell in rows.groupby("case", sort=False):
        case = (suite or SUITE)[str(name)]
        kept = cell.loc[cell["failed"] == "", "value"]
        value = float(kept.mean()) if len(kept) else float("nan")
        table.append(
            {
                "case": name,
                "text": case.text,
                "desks": len(cell),
                "failed": int((cell["failed"] != "").sum()),
                "value": value,
                "error": float(kept.std(ddof=1) / np.sqrt(len(kept))) if len(kept) > 1 else float("nan"),
                "floor": case.floor,
                "ceiling": case.ceiling,
                "ok": bool(case.floor <= value <= case.ceiling),
            }
        )
    return pd.DataFrame(table)
