"""Where do overrides help? The search of `boundary.search` over a ledger, or over evidence, with what a reader needs beside it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skillstats.boundary.contexts import Label, check_look_ahead, code_values, contexts_of, name_of, subset
from skillstats.boundary.search import Cell, Rule, search
from skillstats.errors import SkillWithheld, UsageError, show
from skillstats.evidence import Evidence, to_evidence
from skillstats.evidence.from_ledger import first_rows
from skillstats.inference.breadth import bets_per_year
from skillstats.ledger.containers import Ledger
from skillstats.luck.power import decisions_needed
from skillstats.plan import Plan

FloatArray = NDArray[np.float64]
PRIOR_SD: Final = 0.5
"""Sd of the prior of an annual IR, for the decisions still needed."""
POWER: Final = 0.80
MOST_SESSIONS: Final = 5040
"""Twenty years: beyond them the answer to "how long" is: not at this rate."""
OWN: Final = ("regime", "action", "signal_type", "asset_class", "model_version")
"""Labels that evidence carries by itself."""
CELL_DAYS: Final = {"record": 10, "outcomes": 5}
WITHOUT_YEAR: Final = 0.2
"""IR per decision that stands for an annual IR of 1 where there is no year: hurdle .05 a decision for .25 a year."""


@dataclass(frozen=True, slots=True)
class FoundCell:
    """A cell of the search with what is still needed.

    cell : see `Cell`; values in annual IR (`Regimes.unit`)
    needed_decisions, needed_sessions : further ones until a cell with this pooled mean and excess would be certified with probability .80 at
        this pace; 0 for a finding, None where one of the two does not exceed the hurdle
    value_add : mean value-add of a decision-row of the cell, currency
    """

    cell: Cell
    needed_decisions: float | None
    needed_sessions: int | None
    value_add: float


@dataclass(frozen=True, slots=True)
class Regimes:
    """Where overrides help and where they hurt.

    cells : every judged cell, findings first, then by doubt; left_out : why a candidate label was not searched
    unit : of the values, ``annual IR`` or ``IR per decision``; hurdle : in it; certainty, fdr, floor : of the rule
    candidates : names of the labels searched; crossings : number of crossings of two that had cells to judge
    rows, sessions : of the evidence; desk : mean over all decisions, unit
    """

    cells: tuple[FoundCell, ...]
    left_out: Mapping[str, str]
    unit: str
    hurdle: float
    certainty: float
    fdr: float
    floor: int
    candidates: tuple[str, ...]
    crossings: int
    rows: int
    sessions: int
    desk: float

    @property
    def found(self) -> tuple[FoundCell, ...]:
        """The findings, surest first."""
        return tuple(c for c in self.cells if c.cell.found)

    def to_pandas(self) -> pd.DataFrame:
        """One row a cell."""
        keep = [{k: v for k, v in asdict(c.cell).items() if k not in ("keys", "codes")} | _needs(c) for c in self.cells]
        return pd.DataFrame(keep)

    def summary(self) -> pd.DataFrame:
        """The findings and the ten nearest, the columns a reader looks at first."""
        columns = ["label", "level", "found", "rows", "sessions", "mean", "q05", "q95", "p_above", "excess", "lfsr"]
        frame = self.to_pandas()
        return frame[columns].head(len(self.found) + 10) if len(frame) else frame

    def __str__(self) -> str:
        head = (
            f"Regimes: {len(self.candidates)} labels and {self.crossings} crossings, {len(self.cells)} cells with at least {self.floor} "
            f"sessions; {len(self.found)} found (more than {self.hurdle:g} {self.unit} above zero and above the rest)"
        )
        return f"{head}\n{self.summary().to_string(index=False, float_format=lambda v: f'{v:.3g}')}"


def find_regimes(
    source: Ledger | Evidence,
    candidates: Sequence[str] | Mapping[str, Sequence[object]] | None = None,
    *,
    plan: Plan | None = None,
    evidence: Evidence | None = None,
    crossings: bool = True,
    seed: int = 1,
) -> Regimes:
    """Search for the regimes in which overrides help, and for those in which they hurt.

    The value-add per unit of risk of every cell of every candidate label, and of every crossing of two, with day-clustered errors and
    partial pooling; a finding exceeds the plan's hurdle and exceeds the rest of its label by it, under false-sign control.

    Parameters
    ----------
    source : Ledger, whose regimes, signal labels, action, time of day and volatility are the candidates; or Evidence, whose own labels are
    candidates : names out of these, or {name: label of every row of the evidence} known before each decision; default all
    plan : hurdle, certainty, rate and least sessions of a cell; default that of the ledger
    evidence : that of the ledger, if it was made before
    crossings : whether crossings of two labels are candidates too
    seed : of the posterior draws

    Returns
    -------
    Regimes

    Raises
    ------
    SkillWithheld
        If a regime label was not known before its decision, or nothing can be judged.
    UsageError
        If a candidate does not exist or has another length than the evidence.

    Notes
    -----
    A finding is about decisions people chose to make in that regime. It says nothing about what more overrides there would bring, and a
    label that marks the same days as the true cause is found in its place.

    References
    ----------
    Stephens (2017), False discovery rates: a new deal, Biostatistics 18(2). Muller, Parmigiani, Rice (2006), FDR and Bayesian
    multiple comparisons rules.
    """
    if isinstance(source, Ledger) and check_look_ahead(source):
        raise SkillWithheld("E-LOOK a regime label was not known before its decision; nothing is searched")
    made = evidence if evidence is not None else to_evidence(source) if isinstance(source, Ledger) else source
    plan = plan or (source.plan if isinstance(source, Ledger) else Plan())
    labels = _labels(source, made, candidates)
    if not labels:
        raise SkillWithheld("no candidate label tells decisions apart; name regimes in the plan, or give labels")
    rule = rule_of(made, plan)
    cells, left = search(made.y, made.session, labels, rule, seed=seed, crossings=crossings)
    money = {name: label.codes for name, label in labels.items()}
    per_unit = 1.0 if made.has_year else rule.unit
    deviation = float(np.std(made.y)) or 1.0
    return Regimes(
        cells=tuple(_with_needs(c, rule, _value_add(c, money, made.value_add), per_unit) for c in cells),
        left_out={name_of(k): why for k, why in left.items()},
        unit="annual IR" if made.has_year else "IR per decision",
        hurdle=plan.verdict.hurdle if made.has_year else plan.verdict.hurdle_decision,
        certainty=rule.certainty, fdr=rule.fdr, floor=rule.floor,
        candidates=tuple(name_of(k) for k in labels if k not in left),
        crossings=len({c.keys for c in cells if len(c.keys) == 2}),
        rows=len(made), sessions=len(np.unique(made.session)),
        desk=float(made.y.mean() / deviation / rule.unit * per_unit),
    )  # fmt: skip


def rule_of(evidence: Evidence, plan: Plan) -> Rule:
    """Hurdle and scale of the search: annual figures by the root of the planned bets a year, as in the priors of the models."""
    breadth = bets_per_year(evidence, plan.model.bets_per_year).value
    unit = WITHOUT_YEAR if breadth is None else 1 / math.sqrt(breadth)
    hurdle = plan.verdict.hurdle if breadth is not None else plan.verdict.hurdle_decision / WITHOUT_YEAR
    floor = plan.floors.cell_days or CELL_DAYS[evidence.source]
    return Rule(hurdle, unit, plan.verdict.certainty, plan.verdict.fdr, floor)


def _labels(
    source: Ledger | Evidence, evidence: Evidence, wanted: Sequence[str] | Mapping[str, Sequence[object]] | None
) -> dict[str, Label]:
    """Candidate labels over the rows of the evidence."""
    if isinstance(wanted, Mapping):
        wrong = [name for name, values in wanted.items() if len(values) != len(evidence)]
        if wrong:
            raise UsageError(
                f"candidate {show(wrong[0])} has {len(wanted[wrong[0]])} labels for {len(evidence)} rows of evidence; give one a row"
            )
        return {name: code_values(np.array([str(v) for v in values], dtype=object)) for name, values in wanted.items()}
    if isinstance(source, Ledger):
        own = subset(contexts_of(source), first_rows(source)[evidence.decision])
    else:
        own = {k: Label(evidence.code(k), evidence.levels(k)) for k in OWN if len(evidence.levels(k)) > 1}
    if wanted is None:
        return own
    unknown = [name for name in wanted if name not in own]
    if unknown:
        raise UsageError(f"candidate {show(unknown[0])}, must be one of {', '.join(own) or 'none that tells decisions apart'}")
    return {name: own[name] for name in wanted}


def _value_add(cell: Cell, codes: Mapping[str, NDArray[np.int64]], value_add: FloatArray) -> float:
    """Mean value-add of the rows of a cell."""
    inside = np.all([codes[k] == c for k, c in zip(cell.keys, cell.codes, strict=True)], axis=0)
    return float(value_add[inside].mean())


def _with_needs(cell: Cell, rule: Rule, value_add: float, per_unit: float) -> FoundCell:
    """A cell in the reader's unit, with the decisions still needed for a claim."""
    decisions = 0.0 if cell.found else _still_needed(cell, rule)
    sessions = None if decisions is None else math.ceil(decisions * cell.sessions / cell.rows)
    if per_unit == 1.0:
        return FoundCell(cell, decisions, sessions, value_add)
    scaled = {
        k: getattr(cell, k) * per_unit for k in ("raw", "error", "mean", "q05", "q95", "excess", "excess_q05", "excess_q95")
    }
    return FoundCell(replace(cell, **scaled), decisions, sessions, value_add)


def _still_needed(cell: Cell, rule: Rule) -> float | None:
    """Further decisions until a cell like this is certified with probability .80: the smaller of its value and its excess must be."""
    weaker = min(cell.mean, cell.excess) if cell.mean > 0 else min(-cell.mean, -cell.excess)
    if weaker <= rule.hurdle or cell.error <= 0:
        return None
    effective = (rule.unit * cell.error) ** -2  # independent decisions of sd 1 that would have this error
    total = decisions_needed(
        annual_ir=weaker, breadth=rule.unit**-2, hurdle=rule.hurdle, prior_sd=PRIOR_SD, certainty=rule.certainty, power=POWER
    )
    further = max(0.0, total - effective) * cell.rows / effective
    return further if further * cell.sessions <= MOST_SESSIONS * cell.rows else None


def _needs(found: FoundCell) -> dict[str, Any]:
    return {
        "needed_decisions": found.needed_decisions,
        "needed_sessions": found.needed_sessions,
        "value_add": found.value_add,
    }
