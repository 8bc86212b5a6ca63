"""Walk forward: at every quarter's end forecast the next quarter from what was known then, and see what came.

For each quarter but the first the model is fitted again to the rows up to the quarter before (`skillstats.evidence.past`), by the Gibbs engine;
the forecasts (`forward_score`) are made from that fit and nothing else, and only then is the quarter looked at. Deleting everything after a
quarter's end leaves the forecasts made there unchanged, byte by byte.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import pandas as pd

from skillstats.errors import SkillWithheld, UsageError
from skillstats.evaluation.forward_score import (
    RIVALS,
    SCALES,
    Forecast,
    Result,
    below,
    forecasts,
    log_score,
    predictive,
    result_of,
)
from skillstats.evaluation.forward_summary import LEAST_TRADERS, by_quarter, summary_of
from skillstats.evaluation.result import Evaluation
from skillstats.evidence import Evidence
from skillstats.evidence.past import up_to_quarter, with_quarters
from skillstats.inference.container import Fit
from skillstats.inference.gibbs_layout import uncovered
from skillstats.inference.nuts import fit as run_fit
from skillstats.plan import Plan
from skillstats.spec import ModelSpec, read_spec

DRAWS, CHAINS = 500, 2
"""Draws, as many of them as warm-up, and chains of each refit: a forecast needs means and spreads, not the tails that a verdict needs."""
RHAT_STUCK: Final = 1.05
SEED_OF_WALK: Final = 19
LEAST_SESSIONS: Final = {"record": 20, "outcomes": 5}
"""Sessions of the desk below which a quarter is a stub, too short to score."""
NOT_MADE: Final = "they were not made again in this run; skillstats evaluate makes them"
"""Why a run without the checks of the command has no past forecasts."""


@dataclass(frozen=True)
class WalkForward:
    """Past forecasts of a model and how they did.

    model, seed : what was fitted; unit : of money
    table : a row a trader and scored quarter: quarter, made_after, trader, decisions, days, skill (forecast of the mean outcome per
        decision), skill_sd, raw (own mean so far) and, for ``outcome`` (mean outcome per decision, in units of its risk) and ``money``
        (value-add of the quarter): _mean, _sd (forecast, given how often and how large the trader acted), _observed, _pit (probability the
        forecast gave to everything below what came), _score (log density, nats) and _score_ of the rivals zero, raw, pooled
    quarters : a mapping a scored quarter, see `forward_summary.by_quarter`
    summary : over the quarters, see `forward_summary.summary_of`
    skipped : {quarter: why it could not be scored}; newcomers : traders of scored quarters who had no past
    """

    model: str
    seed: int
    unit: str
    table: pd.DataFrame
    quarters: Sequence[Mapping[str, Any]]
    summary: Mapping[str, Any]
    skipped: Mapping[str, str]
    newcomers: int

    def to_pandas(self) -> pd.DataFrame:
        """`table`."""
        return self.table

    def plain(self) -> dict[str, Any]:
        """JSON-ready form, without a number about a single trader."""
        head = {"available": bool(self.quarters), "model": self.model, "seed": self.seed, "unit": self.unit}
        why = {} if self.quarters else {"why": _why_nothing(self.skipped)}
        body = {"quarters": list(self.quarters), "summary": dict(self.summary)} if self.quarters else {}
        return head | why | body | {"skipped": dict(self.skipped), "newcomers": self.newcomers}

    def __str__(self) -> str:
        if not self.quarters:
            return f"WalkForward of {self.model}: {_why_nothing(self.skipped)}"
        parts = [f"WalkForward of {self.model}: {self.summary['forecasts']} forecasts in {self.summary['quarters']} quarters"]
        for rival in RIVALS:
            line = self.summary["outcome"][rival]
            ends = "no interval" if line["q05"] is None else f"90% interval [{line['q05']:+.3f}, {line['q95']:+.3f}]"
            parts.append(f"log score against {rival}: {line['mean']:+.3f} nats a forecast, {ends}: {line['verdict']}")
        return "\n".join(parts)


def walk_forward(
    evidence: Evidence, plan: Plan | None = None, *, model: str | ModelSpec | None = None, seed: int | None = None, cores: int = 2
) -> WalkForward:
    """Score a model's own past forecasts of the next quarter against no skill, the raw mean and the desk's mean.

    Parameters
    ----------
    evidence : of at least two calendar quarters
    plan : gives the model, bets_per_year and the seed where they are not given here; default `Plan()`
    model : name, path or ModelSpec that the Gibbs engine covers; default: the plan's, else `crossed_total` where the evidence has a year and risks,
        else `crossed_outcomes`
    seed : any int >= 0; the same seed gives the same numbers, whatever `cores` is
    cores : chains run at a time

    Returns
    -------
    WalkForward; a quarter with fewer than three traders who had a past, or 20 sessions of the desk (5 of an outcomes table), is not scored

    Raises
    ------
    UsageError
        If rows have no dates, all lie in one quarter, or the Gibbs engine does not cover the model.

    Notes
    -----
    Intervals count quarters, see `skillstats.evaluation.forward_summary`: with fewer than four scored quarters hardly anything can be said.
    """
    plan = plan or Plan()
    dated = with_quarters(evidence)
    if dated is None:
        raise UsageError(
            "the rows have no dates, so calendar quarters do not exist; give sessions as YYYY-MM-DD, or a column time"
        )
    if len(dated.levels("quarter")) < 2:
        raise UsageError("all rows lie in one calendar quarter; a forecast needs a quarter before and one to come")
    default = "crossed_total" if evidence.has_year and evidence.has_risk else "crossed_outcomes"
    named = model if model is not None else plan.model.name or default
    spec = named if isinstance(named, ModelSpec) else read_spec(named)
    missing = uncovered(spec)
    if missing:
        raise UsageError(
            f"model {spec.name}: forecasts are made again by the Gibbs engine, which does not cover {', '.join(missing)}; use crossed_total"
        )
    used = plan.seed if seed is None else seed
    frames, skipped, newcomers = [], {}, 0
    for known in range(len(dated.levels("quarter")) - 1):
        name = dated.levels("quarter")[known + 1]
        frame, why, new = _quarter(dated, known, plan, spec, (used, cores))
        if why:
            skipped[name] = why
        else:
            frames.append(frame)
            newcomers += new
    table = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()
    quarters = by_quarter(table) if frames else []
    summary = summary_of(quarters) if frames else {}
    return WalkForward(spec.name, used, evidence.unit, table, quarters, summary, skipped, newcomers)


def why_not_walked(evidence: Evidence, spec: ModelSpec) -> str:
    """Why `walk_forward` would refuse, in words for the reader; empty where it would not."""
    dated = with_quarters(evidence)
    if dated is None:
        return "the rows have no dates, so calendar quarters do not exist"
    if len(dated.levels("quarter")) < 2:
        return "all rows lie in one calendar quarter"
    missing = uncovered(spec)
    return f"forecasts are made again by an engine that does not cover {', '.join(missing)} of {spec.name}" if missing else ""


def with_past_forecasts(evaluation: Evaluation, fit: Fit, plan: Plan, *, made: bool = True) -> Evaluation:
    """The evaluation with the past forecasts of its model in `history`, or with the reason why there are none.

    Parameters
    ----------
    fit : what was judged; the forecasts are those of its model, with its seed
    made : False states that they were not made in this run
    """
    why = why_not_walked(fit.evidence, fit.spec)
    if evaluation.status == "WITHHOLD":
        why = "the fit is withheld"
    elif all(row["status"] == "WITHHOLD" for row in evaluation.rows):
        why = "no trader has an estimate that may be shown"
    elif not made:
        why = why or NOT_MADE
    block = {"available": False, "why": why} if why else walk_forward(fit.evidence, plan, model=fit.spec, seed=fit.seed).plain()
    return replace(evaluation, history={**evaluation.history, "forecasts": block})


def _quarter(evidence: Evidence, known: int, plan: Plan, spec: ModelSpec, run: tuple[int, int]) -> tuple[pd.DataFrame, str, int]:
    """Rows of the quarter after `known`, why it cannot be scored (then no rows), and newcomers."""
    now = np.flatnonzero(evidence.code("quarter") == known + 1)
    active = {evidence.coords["trader"][j] for j in np.unique(evidence.trader[now])}
    before = {evidence.coords["trader"][j] for j in np.unique(evidence.trader[evidence.code("quarter") <= known])}
    scored, sessions = len(active & before), len(np.unique(evidence.session[now]))
    if sessions < LEAST_SESSIONS[evidence.source]:
        return pd.DataFrame(), f"{sessions} sessions, at least {LEAST_SESSIONS[evidence.source]} needed", 0
    if scored < LEAST_TRADERS:
        return pd.DataFrame(), f"{scored} active traders with a past, at least {LEAST_TRADERS} needed", 0
    try:
        past = up_to_quarter(evidence, known)
        made = forecasts_after(past, plan, spec, (run[0], known, run[1]))
    except (SkillWithheld, UsageError) as error:
        return pd.DataFrame(), f"the quarters before it cannot be fitted: {error}", 0
    if not made:
        return pd.DataFrame(), "the chains fitted to the quarters before it did not converge", 0
    scale = None if evidence.has_risk else past.scale
    names = (evidence.levels("quarter")[known + 1], evidence.levels("quarter")[known])
    lines = []
    for forecast in made:
        if forecast.trader in active:
            own = now[evidence.trader[now] == evidence.coords["trader"].index(forecast.trader)]
            lines.append(_line(names, forecast, result_of(evidence, own, scale)))
    return pd.DataFrame(lines), "", len(active - before)


def forecasts_after(past: Evidence, plan: Plan, spec: ModelSpec, run: tuple[int, int, int]) -> list[Forecast]:
    """Forecasts from what was known at the end of a quarter; none where the chains did not converge.

    Parameters
    ----------
    past : the rows so far
    run : seed, code of the last known quarter, chains run at a time
    """
    seed = int(np.random.SeedSequence([run[0], SEED_OF_WALK, run[1]]).generate_state(1, np.uint32)[0])
    fitted = run_fit(
        spec, past, seed=seed, engine="gibbs", plan=plan, cores=run[2], rerun=False, draws=DRAWS, tune=DRAWS, chains=CHAINS
    )
    return forecasts(fitted) if fitted.diagnostics.max_rhat <= RHAT_STUCK else []


def _line(names: tuple[str, str], forecast: Forecast, result: Result) -> dict[str, Any]:
    """One row of `WalkForward.table`."""
    line: dict[str, Any] = {
        "quarter": names[0],
        "made_after": names[1],
        "trader": forecast.trader,
        "decisions": result.rows,
        "days": result.days,
        "skill": float(forecast.theta.mean()),
        "skill_sd": float(forecast.theta.std()),
        "raw": forecast.raw_rank,
    }
    for scale in SCALES:
        observed = result.weights[scale][3]
        mean, variance = predictive(forecast, result, scale, "method")
        sd = float(np.sqrt(variance.mean() + mean.var()))
        line |= {f"{scale}_mean": float(mean.mean()), f"{scale}_sd": sd, f"{scale}_observed": observed}
        line |= {f"{scale}_pit": below(mean, variance, observed), f"{scale}_score": log_score(mean, variance, observed)}
        for rival in RIVALS:
            line[f"{scale}_score_{rival}"] = log_score(*predictive(forecast, result, scale, rival), observed)
    return line


def _why_nothing(skipped: Mapping[str, str]) -> str:
    return "no quarter could be scored: " + "; ".join(f"{quarter}: {why}" for quarter, why in skipped.items())
