"""When numbers are shown, flagged or withheld: the rules, each a small function, and their sentences.

A rule returns codes with sentences; the worst code wins. No option turns WITHHOLD into REPORT: the only ways out are better data, more
draws, or a model declared before the outcomes were seen.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from skillstats.errors import show
from skillstats.evaluation.estimands import Estimate, Target
from skillstats.evaluation.result import Status
from skillstats.evidence import Evidence
from skillstats.plan import Plan

RISK_RANGE: Final = (0.7, 1.4)
LUCK_LIMIT: Final = 0.2
FEW_ROWS: Final = 5
OUTCOME_FLAG_DAYS: Final = 20
COVERAGE: Final = 0.99
QUARANTINE_FIT, QUARANTINE_TRADER, QUARANTINE_FLAG = 0.05, 0.20, 0.01
LATE_SHARE: Final = 0.01


@dataclass(frozen=True, slots=True)
class Code:
    """One reason: its code, whether it withholds or flags, and a sentence for the reader."""

    code: str
    action: Status
    text: str

    def plain(self) -> dict[str, str]:
        """JSON-ready form."""
        return {"code": self.code, "action": self.action, "text": self.text}


@dataclass(frozen=True, slots=True)
class FloorSet:
    """Least evidence for a claim: active days and effective decisions of a trader, active days of a regime cell."""

    days: int
    n_eff: float
    cell_days: int


RECORD_FLOORS: Final = FloorSet(20, 30.0, 10)
OUTCOME_FLOORS: Final = FloorSet(5, 5.0, 5)


def floors_in_force(plan: Plan, source: str) -> tuple[FloorSet, list[str]]:
    """Floors of the plan; a floor below the default is not accepted from a plan that was not frozen first, and that is said."""
    default = RECORD_FLOORS if source == "record" else OUTCOME_FLOORS
    said, values = [], []
    for name in ("days", "n_eff", "cell_days"):
        asked, least = getattr(plan.floors, name), getattr(default, name)
        if asked is not None and asked < least:
            said.append(
                f"the plan asks for floors.{name} = {asked:g}; only a plan frozen before the outcomes may lower it, so {least:g} stands"
            )
        values.append(max(asked, least) if asked is not None else least)
    return FloorSet(int(values[0]), float(values[1]), int(values[2])), said


def worst(codes: Iterable[Code]) -> Status:
    """WITHHOLD before FLAG before REPORT."""
    actions = {c.action for c in codes}
    return "WITHHOLD" if "WITHHOLD" in actions else "FLAG" if "FLAG" in actions else "REPORT"


def few_codes(estimate: Estimate, target: Target, evidence: Evidence, floors: FloorSet, own_sd: bool) -> list[Code]:
    """E-FEW of a trader, E-CELL of a regime cell."""
    # slices of one decision fill many sessions, but they are one judgement
    n, days, n_eff = estimate.n, min(estimate.days, estimate.n), float(estimate.n_eff.mean())
    if target.regime >= 0:
        if n < FEW_ROWS:
            return [Code("E-FEW", "WITHHOLD", f"not enough decisions in this regime (n = {n}, at least {FEW_ROWS})")]
        if days < floors.cell_days:
            text = f"no claim for this cell: {days} active days in this regime, at least {floors.cell_days} needed; see the pooled estimate of the regime"
            return [Code("E-CELL", "WITHHOLD", text)]
        return []
    if n < FEW_ROWS:
        return [Code("E-FEW", "WITHHOLD", f"not enough decisions (n = {n}, at least {FEW_ROWS})")]
    if days < floors.days or n_eff < floors.n_eff:
        text = (
            f"not enough evidence: {days} active days and {n_eff:.0f} effective decisions from n = {n}, "
            f"at least {floors.days} and {floors.n_eff:g} needed; wait for more decisions"
        )
        return [Code("E-FEW", "WITHHOLD", text)]
    if own_sd and np.ptp(evidence.y[target.rows]) == 0:
        return [Code("E-FEW", "WITHHOLD", f"all {n} outcomes are equal, so their spread is unknown")]
    if evidence.source == "outcomes" and days < OUTCOME_FLAG_DAYS:
        return [Code("E-FEW", "FLAG", f"few sessions: {days}, an estimate leans on the other people below {OUTCOME_FLAG_DAYS}")]
    return []


def risk_codes(target: Target, evidence: Evidence) -> list[Code]:
    """W-RISK: the risk forecast is off scale."""
    if not evidence.has_risk or target.regime >= 0 or len(target.rows) < FEW_ROWS:
        return []
    sd = float(evidence.y[target.rows].std(ddof=1))
    if RISK_RANGE[0] <= sd <= RISK_RANGE[1]:
        return []
    return [
        Code(
            "W-RISK",
            "FLAG",
            f"risk forecast off: standardised outcomes have sd {sd:.2f}, expected {RISK_RANGE[0]} to {RISK_RANGE[1]}",
        )
    ]


def luck_codes(probability: float, harm: float, reliability: float, certainty: float) -> list[Code]:
    """W-LUCK: a claim of skill or of harm on a record that is mostly luck."""
    if reliability >= LUCK_LIMIT or max(probability, harm) < certainty:
        return []
    return [
        Code(
            "W-LUCK", "FLAG", f"mostly luck so far: {reliability:.0%} of the spread of such records is skill, and a claim is made"
        )
    ]


def record_codes(evidence: Evidence) -> list[Code]:
    """Codes of the record as a whole: E-COVER, E-QUAR, E-LOOK."""
    coverage: Mapping[str, Mapping[str, int]] = evidence.context.get("by_trader", {})
    total = {k: sum(t[k] for t in coverage.values()) for k in ("decisions", "closed", "open", "unavailable", "quarantined")}
    found, due = [], total["decisions"] - total["open"]
    if due and total["closed"] / due < COVERAGE:
        text = f"{total['closed']} of {due} due decisions have a full counterfactual ({total['closed'] / due:.1%}, at least 99%); complete the record"
        found.append(Code("E-COVER", "WITHHOLD", text))
    refused = total["quarantined"] + evidence.context.get("unassigned", 0)
    known = total["decisions"] + evidence.context.get("unassigned", 0)
    if known and refused / known > QUARANTINE_FIT:
        text = f"{refused} of {known} decisions hold a quarantined row (at most 5%); correct the rows that were listed"
        found.append(Code("E-QUAR", "WITHHOLD", text))
    if evidence.context.get("look_ahead", 0):
        found.append(
            Code(
                "E-LOOK",
                "WITHHOLD",
                f"{evidence.context['look_ahead']} decisions carry a label dated at or after them; correct the labels",
            )
        )
    if np.ptp(evidence.y) == 0:
        found.append(Code("E-FEW", "WITHHOLD", "all outcomes are equal, so there is nothing to learn"))
    return found


def trader_record_codes(name: str, evidence: Evidence) -> list[Code]:
    """Codes of one trader's record: E-QUAR and E-LATE."""
    own: Mapping[str, int] = evidence.context.get("by_trader", {}).get(name, {})
    found: list[Code] = []
    decisions = own.get("decisions", 0)
    share = own.get("quarantined", 0) / decisions if decisions else 0.0
    if share > QUARANTINE_FLAG:
        action: Status = "WITHHOLD" if share > QUARANTINE_TRADER else "FLAG"
        found.append(
            Code("E-QUAR", action, f"{share:.0%} of the decisions hold a quarantined row; correct the rows listed by check")
        )
    late = evidence.context.get("late_by_trader", {}).get(name, 0)
    if decisions and late / decisions > LATE_SHARE:
        found.append(
            Code("E-LATE", "FLAG", f"{late} decisions were written down after their outcome was knowable and are left out")
        )
    return found


def absent_traders(evidence: Evidence) -> list[tuple[str, int, Code]]:
    """Traders of the ledger without any evidence: (name, decisions, E-NONE or E-FEW)."""
    found = []
    kpis: list[dict[str, Any]] = [k for k in evidence.context.get("kpis", []) if k["by"] == "trader"]
    coverage = evidence.context.get("by_trader", {})
    names = sorted({*(k["trader"] for k in kpis), *coverage} - set(evidence.coords["trader"]))
    for name in names:
        decisions = coverage.get(name, {}).get("decisions", 0)
        if decisions == 0:
            code = Code("E-NONE", "WITHHOLD", "skill undefined: no interventions")
        else:
            code = Code(
                "E-FEW",
                "WITHHOLD",
                f"none of {decisions} decisions of {show(name)} can be judged (open, incomplete or without volatility)",
            )
        found.append((name, decisions, code))
    return found
