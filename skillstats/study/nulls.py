"""Desks without skill, through the whole program: how often does it claim some, and does it claim skill that is there?

* ``null``: 8 traders, one year of 252 sessions, 4 decisions a session, no skill. A desk that carries any claim, P(IR > hurdle) >= certainty
  in status REPORT or FLAG, is a false alarm: at most 18 of 200 (exact binomial, chance .006 if the true rate is .05).
* ``skilled``: the same with four traders at an annual IR of 3: at least 60% of them must be claimed, else the first check is empty.
* ``best20``: 20 traders without skill; a desk that flags its best is a false alarm, at most 5%. One-sided t tests of
  session means at 5% flag 1 - .95^20 = 64% of such desks.
* ``many10``, ``many100``, ``many1000`` (Jones and Shanken 2005): how far the largest posterior mean of theta stands above the average of the desk must
  not grow with the number of traders without skill, while the largest raw mean does. The average is taken out because all share it.

Luck is s_V = s_U = .3, sigma = .85, so that a decision has sd about .95.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from skillstats.evaluation.evaluate import evaluate
from skillstats.evaluation.posterior import posterior_draws
from skillstats.evidence import Evidence
from skillstats.study.designs import Design, lay_table
from skillstats.study.engines import plan_of, posterior, whole_fit
from skillstats.study.equations import draw_shocks
from skillstats.study.quantities import trader_means
from skillstats.study.replicate import Job, seeds
from skillstats.study.worlds import SESSIONS_PER_YEAR, to_evidence, with_outcomes

FloatArray = NDArray[np.float64]
S_V, S_U, SIGMA = 0.3, 0.3, 0.85
SKILLED_IR: Final = 3.0
RAW_LEVEL: Final = 0.05


def _year(name: str, traders: int, sessions: int = 252, rows: int = 4) -> Design:
    bets = 252 * rows / (1 + (rows - 1) * 0.3)  # the plan's rule for a desk that is there every day
    return Design(name, "balanced", traders, sessions, rows, 1, 1, bets)


DESIGNS: Final[Mapping[str, Design]] = {
    d.name: d
    for d in (
        _year("null", 8),
        _year("skilled", 8),
        _year("best20", 20, sessions=60),
        _year("many10", 10, sessions=60, rows=1),
        _year("many100", 100, sessions=60, rows=1),
        _year("many1000", 1000, sessions=60, rows=1),
    )
}
MODEL_OF: Final = {name: "day_pooled" if name.startswith("many") else "crossed_total" for name in DESIGNS}


def skill_of(design: Design) -> FloatArray:
    """True theta of each trader, (trader,), y units: 0, or half the desk at an annual IR of 3.

    IR_ann = sqrt(252) m theta / sqrt(m^2 (s_V^2 + s_U^2) + m sigma^2).
    """
    theta = np.zeros(design.traders)
    if design.name == "skilled":
        m = design.rows
        sd = np.sqrt(m**2 * (S_V**2 + S_U**2) + m * SIGMA**2)
        theta[: design.traders // 2] = SKILLED_IR * sd / (m * np.sqrt(SESSIONS_PER_YEAR))
    return theta


def null_desk(design: Design, rng: np.random.Generator) -> Evidence:
    """Outcomes of one desk."""
    blank = to_evidence(lay_table(design, rng), np.zeros(0), design)
    luck = {"s_V": np.array(S_V), "s_U": np.full(design.traders, S_U if design.rows > 1 else 0.0)}
    y = skill_of(design)[blank.trader] + draw_shocks(luck, blank, rng) + SIGMA * rng.standard_normal(len(blank))
    return with_outcomes(blank, y)


def run_null(job: Job, replicate: int) -> pd.DataFrame:
    """One desk through fit and evaluation: one row with counts of claims, see `null_table`."""
    rng, engine_seed, _ = seeds(job, replicate)
    evidence = null_desk(job.design, rng)
    head = {"design": job.design.name, "replicate": replicate, **raw_facts(evidence)}
    if job.design.name.startswith("many"):
        fit = posterior(job.spec, evidence, job.design, engine=job.engine, seed=engine_seed, lengthen=2)
        means = trader_means(posterior_draws(fit), evidence).mean(axis=0)
        return pd.DataFrame([head | {"largest": float(means.max() - means.mean()), "withheld": 0, "claims": 0, "claims_true": 0}])
    fit = whole_fit(job.spec, evidence, job.design, engine=job.engine, seed=engine_seed)
    rows = [r for r in evaluate(fit, plan_of(job.design)).rows if r["regime"] == "all"]
    true = dict(zip(evidence.coords["trader"], skill_of(job.design) > 0, strict=True))
    certainty = plan_of(job.design).verdict.certainty
    claimed = [r["trader"] for r in rows if r["status"] != "WITHHOLD" and r["p_above_hurdle"] >= certainty]
    return pd.DataFrame(
        [
            head
            | {
                "largest": max((r["ir_decision_mean"] for r in rows if r["ir_decision_mean"] is not None), default=float("nan")),
                "withheld": sum(r["status"] == "WITHHOLD" for r in rows),
                "claims": sum(not true[t] for t in claimed),
                "claims_true": sum(bool(true[t]) for t in claimed),
            }
        ]
    )


def raw_facts(evidence: Evidence) -> dict[str, Any]:
    """Without a model: the largest mean outcome above the average, and whether a one-sided t test of session means flags anybody at 5%."""
    sums, counts = (
        np.bincount(evidence.trader * len(evidence.coords["session"]) + evidence.session, weights=w, minlength=0)
        for w in (evidence.y, np.ones(len(evidence)))
    )
    days = (sums / counts).reshape(len(evidence.coords["trader"]), -1)
    mean, error = days.mean(axis=1), days.std(axis=1, ddof=1) / np.sqrt(days.shape[1])
    p = stats.t.sf(mean / error, days.shape[1] - 1)
    return {"raw_largest": float(mean.max() - mean.mean()), "raw_flags": int(np.sum(p < RAW_LEVEL))}


def null_table(rows: pd.DataFrame) -> pd.DataFrame:
    """One line a kind of desk.

    Returns
    -------
    columns design, desks, desks_with_a_claim, share (of desks with a false claim; of skilled traders claimed for ``skilled``), raw_share (of
    desks flagged by t tests), largest, raw_largest (means over desks; y units above the desk's average for ``many``), largest_error (standard error of
    `largest`), withheld (traders), limit, ok
    """
    table: list[dict[str, Any]] = []
    for name, cell in rows.groupby("design", sort=False):
        traders = DESIGNS[str(name)].traders
        false = int((cell["claims"] > 0).sum())
        skilled = float(cell["claims_true"].sum() / (len(cell) * (traders // 2)))
        share = skilled if name == "skilled" else false / len(cell)
        limit = {"null": float(stats.binom.isf(0.007, len(cell), 0.05)) / len(cell), "skilled": 0.6, "best20": 0.05}
        ok = share >= 0.6 if name == "skilled" else share <= limit.get(str(name), 1.0)
        table.append(
            {
                "design": name,
                "desks": len(cell),
                "desks_with_a_claim": false,
                "share": share,
                "raw_share": float(np.mean(cell["raw_flags"] > 0)),
                "largest": float(cell["largest"].mean()),
                "largest_error": float(cell["largest"].std(ddof=1) / np.sqrt(len(cell))),
                "raw_largest": float(cell["raw_largest"].mean()),
                "withheld": int(cell["withheld"].sum()),
                "limit": limit.get(str(name), float("nan")),
                "ok": bool(ok),
            }
        )
    return pd.DataFrame(table)


def grows(table: pd.DataFrame) -> bool:
    """Whether the largest posterior mean of a thousand traders without skill exceeds that of ten by more than two standard errors."""
    many = table.set_index("design").loc[["many10", "many1000"], ["largest", "largest_error"]].to_numpy(dtype=float)
    return bool(many[1, 0] - many[0, 0] > 2 * np.hypot(many[0, 1], many[1, 1]))


def shorter(design: Design, sessions: int) -> Design:
    """The same kind of desk with fewer sessions, for tests."""
    return replace(design, sessions=sessions)
