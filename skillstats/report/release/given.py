"""Everything the pages of aggregates start from, made once: departures, floors, release, evidence, and whether estimates may be shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import msgspec
import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from skillstats.boundary.contexts import Label, check_look_ahead, code_text
from skillstats.boundary.finder import rule_of
from skillstats.boundary.search import Rule
from skillstats.boundary.wrong import WrongContext, judge_contexts
from skillstats.errors import LedgerBug, SkillWithheld
from skillstats.evaluation.result import Evaluation
from skillstats.evaluation.status import record_codes
from skillstats.evidence import Evidence, to_evidence
from skillstats.evidence.from_ledger import first_rows
from skillstats.ledger.containers import Ledger
from skillstats.plan import Plan, Privacy
from skillstats.report.release.departures import Departures, departures_of
from skillstats.report.release.release import Release, release_of
from skillstats.report.release.system import Floors

IntArray = NDArray[np.int64]
NO_FLOORS: Final = Floors(1, 1)
LEAST_TRADERS: Final = 3
"""No plan goes below this."""
PARTS: Final = ("tested", "tested_signals", "common", "judged", "signals")
"""Departures of the sessions over which policies are compared, and of these the answers to signals; those closed at every further horizon;
those that are evidence; answers to signals, own orders left out."""


@dataclass(frozen=True)
class Given:
    """What pages of aggregates are made from; itself never rendered.

    named : whether traders may be named (`pm_names` of a plan frozen before the first outcome); other readers get a release without names
    release : cells that may be printed; books : see `books_of`
    evidence, judged : outcomes, and the departure each row of them begins with; None and empty where `why` says why no estimate is shown
    traders : every id, for taking sentences out that hold one
    """

    ledger: Ledger
    plan: Plan
    rows: Departures
    named: bool
    release: Release
    books: Mapping[str, int] | None
    evidence: Evidence | None
    judged: IntArray
    why: str
    traders: tuple[str, ...]
    seed: int

    def rule(self) -> Rule:
        """Hurdle and scale of estimates; call only where there is evidence."""
        assert self.evidence is not None
        return rule_of(self.evidence, self.plan)

    def contexts(self, labels: tuple[str, ...]) -> tuple[WrongContext, ...]:
        """Estimates of the released cells of one table, in annual IR; empty where there are none, and of traders, whose own rows they have."""
        cut = self.release.cuts.get(labels)
        if self.evidence is None or cut is None or "trader" in labels:
            return ()
        own = {k: self.rows.labels[k].take(self.judged) for k in labels}
        try:
            return judge_contexts(self.evidence.y, self.evidence.session, own, self.rule(), among=cut.levels(), seed=self.seed)[0]
        except SkillWithheld:
            return ()


class _Same:
    """Compares by identity, so that one evaluation and its ledger are worked out once for page, data and tables."""

    def __init__(self, evaluation: Evaluation, ledger: Ledger) -> None:
        self.evaluation, self.ledger = evaluation, ledger

    def __hash__(self) -> int:
        return hash((id(self.evaluation), id(self.ledger)))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _Same):
            return NotImplemented
        return self.evaluation is other.evaluation and self.ledger is other.ledger


def given_of(evaluation: Evaluation, ledger: Ledger | None, *, names: bool = False) -> Given:
    """Work out what may be shown; `names` asks for a page whose reader may be told names if the plan says so."""
    assert ledger is not None  # the door of the pages asks for it
    return _given(_Same(evaluation, ledger), names and may_name(evaluation))


def may_name(evaluation: Evaluation) -> bool:
    """Whether the plan names traders to the manager and was frozen before the first outcome."""
    frozen = evaluation.plan.get("frozen")
    return privacy_of(evaluation).pm_names and isinstance(frozen, Mapping) and frozen.get("status") == "before"


def privacy_of(evaluation: Evaluation) -> Privacy:
    """The floors of the plan in force; the defaults where its text is not a complete plan."""
    try:
        content = msgspec.json.decode(str(evaluation.plan.get("text") or ""))
        return msgspec.convert(content["privacy"], Privacy)
    except (msgspec.MsgspecError, KeyError, TypeError):
        return Privacy()


@lru_cache(maxsize=2)
def _given(same: _Same, named: bool) -> Given:
    evaluation, ledger = same.evaluation, same.ledger
    privacy = privacy_of(evaluation)
    floors = NO_FLOORS if named else Floors(max(LEAST_TRADERS, privacy.min_traders), privacy.min_decisions)
    rows = departures_of(ledger)
    evidence, why = _evidence(evaluation, ledger)
    judged = np.zeros(0, dtype=np.int64)
    if evidence is not None:
        judged = np.searchsorted(rows.place, first_rows(ledger)[evidence.decision])
    trader = code_text(ledger.rows["trader"])
    by_name = Label(trader.codes[rows.place], trader.levels) if named else None
    parts = _parts(evaluation, ledger, rows, judged)
    release = release_of(rows, floors, judged=_first_of_decision(evidence, judged), extra=parts, by_name=by_name)
    return Given(
        ledger=ledger, plan=ledger.plan, rows=rows, named=named, release=release,
        books=books_of(ledger, rows, _tested(evaluation, ledger), floors) if release.shown else None,
        evidence=evidence if release.shown else None, judged=judged, why=why, traders=trader.levels,
        seed=int(evaluation.identity["seed"]),
    )  # fmt: skip


def _first_of_decision(evidence: Evidence | None, judged: IntArray) -> IntArray | None:
    """The departures that begin the judged decisions, each once."""
    return None if evidence is None else np.unique(judged)


def _evidence(evaluation: Evaluation, ledger: Ledger) -> tuple[Evidence | None, str]:
    """The outcomes estimates are made from, or why there are none."""
    if evaluation.status == "WITHHOLD":
        return None, "the evaluation is withheld: " + ", ".join(str(c["code"]) for c in evaluation.codes)
    if check_look_ahead(ledger):
        return None, "E-LOOK: a regime label was not known before its decision"
    try:
        evidence = to_evidence(ledger)
    except SkillWithheld:
        return None, "no decision can be judged"
    stop = [c.code for c in record_codes(evidence) if c.action == "WITHHOLD"]
    return (None, ", ".join(stop)) if stop else (evidence, "")


def _parts(evaluation: Evaluation, ledger: Ledger, rows: Departures, judged: IntArray) -> dict[str, NDArray[np.bool_]]:
    """Sums over part of the departures that pages print beside the cells, (row,) each: see `PARTS`."""
    tested = _tested(evaluation, ledger)[rows.place]
    answers = pc.is_valid(ledger.rows["signal_id"].take(rows.place)).to_numpy()
    found = {
        "tested": tested,
        "tested_signals": tested & answers,
        "common": _common(ledger, rows),
        "judged": np.isin(rows.decision, rows.decision[judged]),
        "signals": answers,
    }
    return {name: found[name] for name in PARTS if found[name].any()}


def _tested(evaluation: Evaluation, ledger: Ledger) -> NDArray[np.bool_]:
    """Rows from the first session on over which policies were compared; none where they were not."""
    block = evaluation.attribution.get("policies") or {}
    if not block.get("available"):
        return np.zeros(ledger.rows.num_rows, dtype=bool)
    return np.asarray(pc.greater_equal(ledger.rows["session"], block["first"]).to_numpy(), dtype=bool)


def _common(ledger: Ledger, rows: Departures) -> NDArray[np.bool_]:
    """Departures of decisions that have closed at every further horizon of the plan."""
    if ledger.decay is None:
        return np.zeros(len(rows), dtype=bool)
    waiting = ledger.decay.filter(pc.not_equal(ledger.decay["status"], "CLOSED"))
    left = set(waiting["decision_id"].to_pylist())
    return np.array([d not in left for d in ledger.rows["decision_id"].take(rows.place).to_pylist()], dtype=bool)


def books_of(ledger: Ledger, rows: Departures, tested: NDArray[np.bool_], floors: Floors) -> dict[str, int] | None:
    """Both books and what lies between them, micro-units, exactly; None where too few people followed signals for that sum to be shown.

    Returns
    -------
    model, actual, value_add, departures, followed (execution of signals that were followed), undecided (signals nobody answered);
    ``actual - model = value_add = departures + followed + undecided``

    Raises
    ------
    LedgerBug
        If that does not hold, or the totals are not those of the ledger's books.
    """
    table = ledger.rows
    closed = pc.is_valid(table["value_add"]).to_numpy()
    mine = np.zeros(len(closed), dtype=bool)
    mine[rows.place] = True
    owned = pc.is_valid(table["trader"]).to_numpy()
    followed, nobody = closed & owned & ~mine, closed & ~owned
    for part in (followed, followed & tested, followed & ~tested):
        who = table.filter(part) if part.any() else None
        if who is not None and (
            pc.count_distinct(who["trader"]).as_py() < floors.people
            or pc.count_distinct(who["decision_id"]).as_py() < floors.decisions
        ):
            return None
    value = np.asarray(pc.fill_null(table["value_add"], 0).to_numpy(), dtype=np.int64)
    totals = ledger.result["totals"]
    made = {k: int(totals[k]) for k in ("model", "actual", "value_add")}
    made |= {k: sum(value[m].tolist()) for k, m in (("departures", mine), ("followed", followed), ("undecided", nobody))}
    if (
        made["actual"] - made["model"] != made["value_add"]
        or made["departures"] + made["followed"] + made["undecided"] != made["value_add"]
    ):
        raise LedgerBug("departures, followed and unanswered signals do not add up to the books; please report this record")
    return made


def without_names(sentences: Iterable[str], traders: Iterable[str]) -> list[str]:
    """Sentences that hold no trader's id.

    Examples
    --------
    >>> without_names(["one quarter is short", "T1 has few days"], ["T1"])
    ['one quarter is short']
    """
    names = [t for t in traders if t]
    return [s for s in sentences if not any(t in s for t in names)]
