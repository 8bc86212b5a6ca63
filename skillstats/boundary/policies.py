"""What each override policy would have brought, out of sample, walking forward through the sessions.

A policy says which signals are followed and which interventions stand. Its value of a session is measured against the model alone:

    follow the model          0
    current practice          the value-add of everything that was done
    practice without trader j the same less what j did
    overrides only in r       the value-add of what was done in regime r
    veto in r                 minus the model's P/L of every signal in r
    veto where it loses       the same for the contexts in which, on earlier data, the model loses more than the hurdle with the plan's certainty
    supported overrides only  the value-add of the decisions of traders, or of traders in regimes, that earlier data support with that certainty

The last two are learnt: chosen again every `BLOCK` sessions from decisions whose horizon had passed before the first decision of the
block. All policies are compared on the sessions after the first `burn_in`. A day is one bet, so errors are those of session totals;
where horizons reach over h sessions, of totals of blocks of h sessions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skillstats.boundary.actions import Gain, RankedAction, gain_of, rank_actions
from skillstats.boundary.contexts import Label, check_look_ahead, name_of
from skillstats.boundary.finder import rule_of
from skillstats.boundary.search import Candidate, Rule, judge_cells, pair
from skillstats.boundary.signals import Signals, read_signals
from skillstats.boundary.totals import Total, total_of
from skillstats.errors import SkillWithheld
from skillstats.evidence import Evidence, to_evidence
from skillstats.evidence.from_ledger import first_rows
from skillstats.ledger.containers import Ledger
from skillstats.plan import Plan

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
BLOCK: Final = 21
"""Sessions between two choices of the learnt policies."""
BURN_IN: Final = 60
LEAST_TESTED: Final = 20
MOST_CELLS: Final = 60
"""Cells of trader x regime beyond which traders are pooled alone."""
FOLLOW, PRACTICE, SURFACE, SUPPORTED = "model", "practice", "surface", "supported"


@dataclass(frozen=True, slots=True)
class Policy:
    """One policy on the sessions compared.

    key : ``model``, ``practice``, ``surface``, ``supported``, ``without:T1``, ``only:label=level`` or ``veto:label=level``; name : in words
    kind : ``fixed`` or ``learnt``; trader : whom it names, empty for nobody
    total : value against the model alone, see `Total`; touched : signals it departs from the model on
    gain : posterior of what changing to it from current practice would bring; None for current practice, and where it would have changed
        fewer sessions than a claim needs
    """

    key: str
    name: str
    kind: str
    trader: str
    total: Total
    touched: int
    gain: Gain | None


@dataclass(frozen=True, slots=True)
class Policies:
    """Every policy, the three arms and what to do.

    policies : in the order of the module's table; arms : {``model``, ``practice``, ``supported``: P/L of the whole book}
    actions : at most three, best first; a single ``wait`` where nothing is supported
    unit : currency; first, last : dates compared; burn_in, sessions : counts; overlap : sessions of a cluster
    """

    policies: tuple[Policy, ...]
    arms: Mapping[str, Total]
    actions: tuple[RankedAction, ...]
    unit: str
    first: str
    last: str
    burn_in: int
    sessions: int
    overlap: int
    hurdle: float
    certainty: float

    def to_pandas(self) -> pd.DataFrame:
        """One row a policy; money in currency a quarter."""
        rows = []
        for p in self.policies:
            gain = p.gain
            rows.append(
                {
                    "policy": p.name, "kind": p.kind, "touched": p.touched, "quarter": p.total.quarter, "q05": p.total.q05,
                    "q95": p.total.q95, "ir_annual": p.total.ir_annual, "gain": gain.quarter if gain else None,
                    "p_gain": gain.p_above if gain else None,
                }
            )  # fmt: skip
        return pd.DataFrame(rows)

    def summary(self) -> pd.DataFrame:
        """Same as `to_pandas`."""
        return self.to_pandas()

    def __str__(self) -> str:
        acts = "\n".join(f"{i}. {a.text}" for i, a in enumerate(self.actions, 1))
        return (
            f"Policies over {self.sessions} sessions from {self.first} to {self.last}, {self.unit} a quarter against the model alone, 90% "
            f"intervals\n{self.to_pandas().to_string(index=False, float_format=lambda v: f'{v:,.3g}')}\n{acts}"
        )


def compare_policies(ledger: Ledger, *, evidence: Evidence | None = None, plan: Plan | None = None, seed: int = 1) -> Policies:
    """Value every override policy out of sample, and rank what to do.

    Parameters
    ----------
    ledger : Ledger
    evidence : of the ledger, if it was made before
    plan : default that of the ledger
    seed : of the posterior draws behind the learnt policies

    Returns
    -------
    Policies; intervals are 90%, equal-tailed, clustered by session

    Raises
    ------
    SkillWithheld
        If a regime label was not known before its decision, or there are too few sessions to walk through.

    Notes
    -----
    Prices are taken as they were: a policy that trades much more than the desk did would have moved them. Fixed policies are not chosen
    from the data, but whoever picks the best of the list afterwards has chosen; the sceptical prior of the gains is the answer to that.
    """
    if check_look_ahead(ledger):
        raise SkillWithheld("E-LOOK a regime label was not known before its decision; no policy is compared")
    plan = plan or ledger.plan
    evidence = evidence if evidence is not None else to_evidence(ledger)
    signals = read_signals(ledger)
    days = len(signals.dates)
    burn_in = min(BURN_IN, days // 2)
    if days - burn_in < LEAST_TESTED:
        raise SkillWithheld(f"{days} sessions; walking forward needs at least {2 * LEAST_TESTED}")
    rule = rule_of(evidence, plan)
    walk = _Walk(signals, _decisions(ledger, evidence, signals), rule, days, burn_in, seed)
    year = float(evidence.sessions_per_year or 252)
    overlap = max(1, int(np.max(np.minimum(signals.end, days) - signals.session)))
    floor = plan.floors.days or 0
    drafts = _fixed(walk) + _learnt(walk)
    base = next(d for d in drafts if d.key == PRACTICE)
    made = []
    for d in drafts:
        change = walk.tested(d.value - base.value)
        judged = d.key != PRACTICE and np.count_nonzero(change) >= max(floor, LEAST_TESTED)
        gain = gain_of(change, overlap, year, rule) if judged else None
        made.append(Policy(d.key, d.name, d.kind, d.trader, total_of(walk.tested(d.value), overlap, year), d.touched, gain))
    model = np.bincount(signals.session, weights=signals.model_pnl, minlength=days)
    supported = next(d for d in drafts if d.key == SUPPORTED)
    books = {FOLLOW: model, PRACTICE: model + base.value, SUPPORTED: model + supported.value}
    ranked = rank_actions([(p.name, p.key, p.trader, p.gain) for p in made if p.gain is not None], rule, days - burn_in, year)
    return Policies(
        policies=tuple(made), arms={k: total_of(walk.tested(v), overlap, year) for k, v in books.items()}, actions=ranked,
        unit=ledger.plan.currency, first=signals.dates[burn_in], last=signals.dates[-1], burn_in=burn_in, sessions=days - burn_in,
        overlap=overlap, hurdle=rule.hurdle, certainty=rule.certainty,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Decisions:
    """Evidence by row, with the session its decision was made in and the one its horizon ended in.

    y, value_add : (row,); session : of the outcome; made, end : of the decision; trader, regimes : labels of the decision
    """

    y: FloatArray
    value_add: FloatArray
    session: IntArray
    made: IntArray
    end: IntArray
    decision: IntArray
    trader: Label
    regimes: dict[str, Label]


def _decisions(ledger: Ledger, evidence: Evidence, signals: Signals) -> _Decisions:
    """Evidence with what the walk needs of the first row of each decision."""
    import pyarrow.compute as pc

    closed = np.flatnonzero(pc.is_valid(ledger.rows["value_add"]).to_numpy())
    place = np.full(ledger.rows.num_rows, -1, dtype=np.int64)
    place[closed] = np.arange(len(closed))
    at = place[first_rows(ledger)[evidence.decision]]
    regimes = {k: label.take(at) for k, label in signals.labels.items() if k.startswith("regime_")}
    trader = Label(evidence.trader, evidence.coords["trader"])
    return _Decisions(
        evidence.y, evidence.value_add, evidence.session, signals.session[at], signals.end[at], evidence.decision, trader, regimes
    )


@dataclass(frozen=True, slots=True)
class _Walk:
    """What every policy is computed from."""

    signals: Signals
    decisions: _Decisions
    rule: Rule
    days: int
    burn_in: int
    seed: int

    def by_session(self, values: FloatArray, kept: BoolArray) -> FloatArray:
        """Sum of the kept rows of the ledger in each session, (session,)."""
        return np.bincount(self.signals.session, weights=np.where(kept, values, 0.0), minlength=self.days)

    def tested(self, value: FloatArray) -> FloatArray:
        """The sessions compared."""
        return value[self.burn_in :]

    def blocks(self) -> list[tuple[int, int]]:
        """First and last-but-one session of each block."""
        return [(k, min(k + BLOCK, self.days)) for k in range(self.burn_in, self.days, BLOCK)]


@dataclass(frozen=True, slots=True)
class _Draft:
    """A policy before it is summed: value of every session against the model, (session,) currency."""

    key: str
    name: str
    kind: str
    trader: str
    value: FloatArray
    touched: int


def _fixed(walk: _Walk) -> list[_Draft]:
    """Policies that need no data to be chosen."""
    s = walk.signals
    late = s.session >= walk.burn_in
    every = np.ones(len(s.session), dtype=bool)

    def draft(key: str, name: str, values: FloatArray, kept: BoolArray, acted: BoolArray, trader: str = "") -> _Draft:
        return _Draft(key, name, "fixed", trader, walk.by_session(values, kept), int((acted & late).sum()))

    found = [
        draft(FOLLOW, "follow the model", s.value_add, ~every, ~every),
        draft(PRACTICE, "current practice", s.value_add, every, s.acted),
    ]
    for j, trader in enumerate(s.trader.levels):
        other = s.trader.codes != j
        found.append(draft(f"without:{trader}", f"practice without {trader}", s.value_add, other, s.acted & other, trader))
    for label, level, inside in _regimes(s):
        where = f"{name_of(label)} = {level}"
        found.append(draft(f"only:{label}={level}", f"overrides only in {where}", s.value_add, inside, s.acted & inside))
        veto = inside & s.is_signal
        found.append(draft(f"veto:{label}={level}", f"veto all in {where}", -s.model_pnl, veto, veto))
    return found


def _regimes(signals: Signals) -> list[tuple[str, str, BoolArray]]:
    """Label, level and rows of every regime; of the assets' volatility where the plan names no regime."""
    names = [k for k in signals.labels if k.startswith("regime_")] or [k for k in signals.labels if k == "volatility"]
    return [
        (k, level, signals.labels[k].codes == c)
        for k in names
        for c, level in enumerate(signals.labels[k].levels)
        if (signals.labels[k].codes == c).any()
    ]


def _learnt(walk: _Walk) -> list[_Draft]:
    """The two policies chosen from earlier data, block by block."""
    s, d = walk.signals, walk.decisions
    vetoed = np.zeros(len(s.session), dtype=bool)
    stand = np.zeros(len(d.y), dtype=bool)
    for first, stop in walk.blocks():
        vetoed |= (s.session >= first) & (s.session < stop) & _loses(walk, first)
        stand |= (d.made >= first) & (d.made < stop) & _supported(walk, first)
    veto = np.bincount(s.session, weights=np.where(vetoed, -s.model_pnl, 0.0), minlength=walk.days)
    kept = np.bincount(d.made, weights=np.where(stand, d.value_add, 0.0), minlength=walk.days)
    return [
        _Draft(SURFACE, "veto where the model loses", "learnt", "", veto, int(vetoed.sum())),
        _Draft(SUPPORTED, "supported overrides only", "learnt", "", kept, len(np.unique(d.decision[stand]))),
    ]


def _loses(walk: _Walk, first: int) -> BoolArray:
    """Signals in a context in which, by what was known before session `first`, the model loses more than the hurdle."""
    s = walk.signals
    train = (s.end < first) & (s.risk > 0)
    candidates = [Candidate((k,), Label(np.where(train, v.codes, -1), v.levels), 1) for k, v in s.labels.items()]
    value = np.where(train, s.model_pnl / np.where(s.risk > 0, s.risk, 1.0), 0.0)
    found = np.zeros(len(s.session), dtype=bool)
    for cell in judge_cells(value, s.session, candidates, walk.rule, walk.seed, scale=_spread(value[train]))[0]:
        if cell.p_below >= walk.rule.certainty:
            found |= (s.labels[cell.keys[0]].codes == cell.codes[0]) & s.is_signal
    return found


def _supported(walk: _Walk, first: int) -> BoolArray:
    """Rows of evidence whose trader, or trader in the regime, earlier data support."""
    d = walk.decisions
    train = d.end < first
    trader = Label(np.where(train, d.trader.codes, -1), d.trader.levels)
    candidates = [Candidate(("trader",), trader, 1)]
    for name, label in d.regimes.items():
        if len(label.levels) * len(trader.levels) <= MOST_CELLS:
            candidates.append(pair(("trader", name), trader, label))
    labels = {"trader": d.trader, **d.regimes}
    found = np.zeros(len(d.y), dtype=bool)
    for cell in judge_cells(np.where(train, d.y, 0.0), d.session, candidates, walk.rule, walk.seed, scale=_spread(d.y[train]))[0]:
        if cell.p_above >= walk.rule.certainty:
            found |= np.all([labels[k].codes == c for k, c in zip(cell.keys, cell.codes, strict=True)], axis=0)
    return found


def _spread(values: FloatArray) -> float:
    """Standard deviation, 1 where there is none."""
    return (float(np.std(values)) if len(values) else 0.0) or 1.0
