"""When numbers are shown, flagged or withheld: the rules, each a small function, and their sentences.

A rule returns codes with sentences; the worst code wins. No option turns WITHHOLD into REPORT: the only ways out are better data, more
draws, or a model or a floor declared before the outcomes were seen.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import numpy as np

from skillstats.declared import NEVER, FrozenState
from skillstats.errors import show
from skillstats.evaluation.estimands import Estimate, Target
from skillstats.evaluation.result import Status
from skillstats.evidence import Evidence
from skillstats.plan import Cell, Plan

RISK_RANGE: Final = (0.7, 1.4)
LUCK_LIMIT: Final = 0.2
FEW_ROWS: Final = 5
OUTCOME_FLAG_DAYS: Final = 20
COVERAGE: Final = 0.99
QUARANTINE_FIT, QUARANTINE_TRADER, QUARANTINE_FLAG = 0.05, 0.20, 0.01
LATE_SHARE: Final = 0.01
NOT_FIRST: Final = {
    "after": "this one was frozen later",
    "differs": "another one was frozen",
    "never": "this one never was",
    "unknown": "it is unknown which came first",
}
"""Why a plan may not lower a floor."""


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
    """Least evidence for a claim: active days and effective decisions of a trader, active days of a regime cell.

    usual : the default floors, where a frozen plan lowered one of them; None where none is lower
    """

    days: int
    n_eff: float
    cell_days: int
    usual: FloorSet | None = None


RECORD_FLOORS: Final = FloorSet(20, 30.0, 10)
OUTCOME_FLOORS: Final = FloorSet(5, 5.0, 5)


def floors_in_force(plan: Plan, source: str, frozen: FrozenState = NEVER) -> tuple[FloorSet, list[str]]:
    """Floors of the plan, and what must be said of them; only a plan frozen before the first outcome may lower a default."""
    default = RECORD_FLOORS if source == "record" else OUTCOME_FLOORS
    said: list[str] = []
    values: list[float] = []
    lowered = False
    for name in ("days", "n_eff", "cell_days"):
        asked, least = getattr(plan.floors, name), getattr(default, name)
        if asked is None or asked >= least:
            values.append(least if asked is None else asked)
        elif frozen.status == "before":
            lowered = True
            values.append(asked)
            said.append(
                f"the plan lowers floors.{name} from {least:g} to {asked:g}, as it may: it was frozen before the first outcome; who passes only because of it is flagged"
            )
        else:
            values.append(least)
            why = NOT_FIRST[frozen.status]
            said.append(
                f"the plan asks for floors.{name} = {asked:g}; only a plan frozen before the first outcome may lower it, and {why}, so {least:g} stands"
            )
    return FloorSet(int(values[0]), float(values[1]), int(values[2]), default if lowered else None), said


def plan_in_force(plan: Plan, source: str, frozen: FrozenState) -> Plan:
    """The plan without the floors it may not lower, for what reads the plan itself."""
    floors, _ = floors_in_force(plan, source, frozen)
    asked = {name: getattr(plan.floors, name) for name in ("days", "n_eff", "cell_days")}
    refused = {name: None for name, value in asked.items() if value is not None and value < getattr(floors, name)}
    return msgspec.structs.replace(plan, floors=msgspec.structs.replace(plan.floors, **refused)) if refused else plan


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
        return (
            _lowered(days < floors.usual.cell_days, f"{days} active days in this regime", f"{floors.usual.cell_days}")
            if floors.usual
            else []
        )
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
    if floors.usual is not None and (days < floors.usual.days or n_eff < floors.usual.n_eff):
        text = f"{days} active days and {n_eff:.0f} effective decisions"
        return _lowered(True, text, f"{floors.usual.days} and {floors.usual.n_eff:g}")
    if evidence.source == "outcomes" and days < OUTCOME_FLAG_DAYS:
        return [Code("E-FEW", "FLAG", f"few sessions: {days}, an estimate leans on the other people below {OUTCOME_FLAG_DAYS}")]
    return []


def _lowered(few: bool, found: str, usual: str) -> list[Code]:
    """E-FEW of a cell that is shown only because a plan, frozen before the first outcome, lowered a floor."""
    text = f"little evidence: {found}, usually at least {usual} are needed; shown because the plan, frozen before the first outcome, asks for less"
    return [Code("E-FEW", "FLAG", text)] if few else []


def primary_codes(name: str, regime: str, largest: float, certainty: float, primary: Sequence[Cell]) -> list[Code]:
    """W-PRIMARY: a claim, of skill or of harm, about what the plan did not declare; `largest` of the two probabilities."""
    if largest < certainty or is_primary(name, regime, primary):
        return []
    what = "trader" if regime == "all" else "regime cell"
    return [
        Code(
            "W-PRIMARY",
            "FLAG",
            f"a hypothesis, not a finding: this {what} is not among those the plan declared; declare it in the next plan",
        )
    ]


def is_primary(name: str, regime: str, primary: Sequence[Cell]) -> bool:
    """Whether a plan's evaluation is about this row; without any declared cell it is about every one.

    A regime cell counts where it is declared itself, a trader over all regimes where the trader is named, alone or in a cell, or where the
    plan names cells only.

    Examples
    --------
    >>> is_primary("T1", "calm", ["T1"]), is_primary("T2", "all", ["T1"]), is_primary("T2", "all", [("T1", "calm")])
    (False, False, True)
    """
    if not primary:
        return True
    if regime != "all":
        return (name, regime) in primary
    alone = [c for c in primary if isinstance(c, str)]
    return not alone or name in alone or name in {c[0] for c in primary if not isinstance(c, str)}


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
