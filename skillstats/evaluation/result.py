"""The evaluation: what may be said about each trader, and what may not.

An `Evaluation` is plain data, JSON-ready, and the only source of `skill.csv` and of every page. A row whose status is WITHHOLD has no
estimate at all: the fields are `None`, so no renderer can show what must not be shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import pandas as pd

from skillstats.evaluation.pictures import Pictures

Status = Literal["REPORT", "FLAG", "WITHHOLD"]
INTERVAL_NAME: Final = "90% equal-tailed interval"

SKILL_COLUMNS: Final = (
    "trader",
    "regime",
    "n",
    "days",
    "n_eff",
    "ir_decision_mean",
    "ir_decision_q05",
    "ir_decision_q25",
    "ir_decision_q75",
    "ir_decision_q95",
    "ir_annual_mean",
    "ir_annual_q05",
    "ir_annual_q25",
    "ir_annual_q75",
    "ir_annual_q95",
    "value_add_mean",
    "value_add_q05",
    "value_add_q95",
    "p_positive",
    "p_above_hurdle",
    "lfsr",
    "shrinkage",
    "reliability",
    "raw_mean",
    "raw_ir",
    "status",
    "reasons",
)
"""Columns of skill.csv, in order."""

ESTIMAND_COLUMNS: Final = SKILL_COLUMNS[5:23]
"""Columns that are empty where the status is WITHHOLD: everything the model estimated. `n_eff` is one of them only without a fit."""

NOT_ASKED: Final = "none were asked for (--operating 0)"
"""Why `Evaluation.operating` has no figures where nobody wanted them."""


@dataclass(frozen=True, slots=True)
class Evaluation(Pictures):
    """Everything the pages and tables are rendered from.

    status, codes : of the fit as a whole; each code is a mapping {code, text}
    plan : name, digest, frozen {status (before | after | differs | never | unknown), at, digest, first_outcome, text, keys, freezes}, hurdle,
        hurdle_unit, certainty, horizon, fill_model, floors, primary, audiences, seed, text
    identity : spec, spec_name, evidence, version, components, engine, seed
    source : kind (record | outcomes), unit, has_year, has_risk, scale, sessions_per_year, sessions_spanned, traders, regimes,
        decisions, rows, sessions, first_session, last_session, bets_per_year, bets_per_year_why, counts
    rows : one mapping a trader (regime ``all``) and a trader x regime, with the keys `SKILL_COLUMNS`, `codes` and `detail`; `detail`
        holds the estimands without a column and is None where the row is withheld: ir_day, ir_decision_standard, ir_annual_standard,
        reliability {mean, q05, q25, q75, q95}; half_life {median, q05, q95}; year {active, rho, factor}; money_ir, money_ir_annual;
        type_errors {sign, exaggeration, claim_rate, certainty}; prior {p_spread, p_mean, ir_spread, ir_mean, halved, doubled};
        tails {largest_row, row_of_sum, largest_day, day_of_sum, session, without_session, probability_change, ir_change, pareto_k, judged};
        losses {decisions, keep, revoke, better, evpi, value, p_loss, shortfall}; needed {ir, decisions, days, years}; quarter {mean, q05,
        q50, q95, p_loss, sessions, active, sd, shortfall}; hurdles {delta [..], priors [{name, scale, k, refitted, above [..]}]} of a
        trader: P(IR > delta) under priors of half, the same and twice the scale
    population : {name: {label, unit, mean, median, q05, q95}} of the desk's mean and of every population sd and shock size
    diagnostics : engine, chains, draws, tune, divergences, r_hat_max, r_hat_of, ess_bulk_min, ess_tail_min, ess_of, e_bfmi_min, reruns,
        gates [{code, text}], predictive_p {name: p}, predictive {name: {p, observed, low, high, counts}}, loo {elpd, se, k_max,
        k_limit}, engines (the other engine's disagreement: other_engine, passed, ir_mean_shift_rms, ir_mean_shift_max,
        p_positive_shift_max, monte_carlo_error, limit, text), where both ran, skew (the gate between mean and location); seconds are
        never stored
    kpis : rows of the ledger's KPIs (description, not evidence); empty for an outcomes table
    lists : skilled {claim: sentence, traders [..]}; fdr {rate, traders, expected_false_share, members [{trader, p_above_hurdle,
        running, alone}]}; order {supported, text, code, statements [{above, below, probability}]}; ranks [{trader, rank_mean, rank_q05,
        rank_q95, p_top_quartile, p_best}]; hypotheses [{trader, regime, raw_ir, ir_decision_mean, n, days, sign,
        exaggeration}]
    attribution : blocks of `skillstats.evaluation.blocks` by name, each with ``available`` and, where it is not, ``why``; empty for an
        outcomes table
    caveats : sentences for the reader, in order of weight
    desk : variance {decision, record [{key, label, mean, q05, q95}], sessions, decisions}; needed [{ir, decisions, days, years}] of a
        trader at the desk's rhythm; quarter of the traders with an estimate together; empty where the fit is withheld
    day_errors : the ledger's means with day-clustered errors (M0), one line a trader and one for the desk (trader None)
    operating : how often an evaluation of a desk of this shape under this plan claims skill that is not there and misses skill that is: the
        keys of `skillstats.study.operating.operating_characteristics`, figures of desks and never of a person; attached by the verb that writes
    history : skill by quarter, and how well the method's own past forecasts came true; keys: `skillstats.evaluation.history`, and ``forecasts``
        those of `skillstats.evaluation.forward.WalkForward.plain`
    minutes : decisions on earlier evaluations with what was expected then and, under ``came``, what the ledger says of the quarter after; see
        `skillstats.evaluation.minutes` and `skillstats.evaluation.minutes_outcome`
    restatement : what changed against an earlier evaluation of the same period, where this one restates it
    """

    status: Status
    codes: tuple[Mapping[str, str], ...]
    plan: Mapping[str, Any]
    identity: Mapping[str, Any]
    source: Mapping[str, Any]
    rows: tuple[Mapping[str, Any], ...]
    population: Mapping[str, Any]
    diagnostics: Mapping[str, Any]
    kpis: tuple[Mapping[str, Any], ...]
    lists: Mapping[str, Any]
    attribution: Mapping[str, Any]
    caveats: tuple[str, ...]
    desk: Mapping[str, Any] = field(default_factory=dict)
    day_errors: tuple[Mapping[str, Any], ...] = ()
    operating: Mapping[str, Any] = field(default_factory=dict)
    history: Mapping[str, Any] = field(default_factory=dict)
    restatement: Mapping[str, Any] = field(default_factory=dict)
    minutes: tuple[Mapping[str, Any], ...] = ()
    schema: int = 1

    def summary(self) -> pd.DataFrame:
        """The rows as a frame with the columns of skill.csv."""
        return self.to_pandas()

    def to_pandas(self) -> pd.DataFrame:
        """The rows as a frame with the columns of skill.csv; None where withheld."""
        return pd.DataFrame([{k: row[k] for k in SKILL_COLUMNS} for row in self.rows], columns=list(SKILL_COLUMNS))

    def __str__(self) -> str:
        own = [r for r in self.rows if r["regime"] == "all"]
        shown = sum(r["status"] != "WITHHOLD" for r in own)
        return (
            f"Evaluation {self.status}: {len(own)} traders, {shown} with an estimate; hurdle {self.plan['hurdle']} {self.plan['hurdle_unit']}; "
            f"intervals are {INTERVAL_NAME}s"
        )
