"""The answers as blocks of an evaluation: plain data, with the reason where there is no answer."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from skillstats.behaviour.decided import decided_of
from skillstats.behaviour.habits import BY_NAME, habits_of, sentence
from skillstats.behaviour.learning import learning_of
from skillstats.errors import SkillWithheld
from skillstats.evidence import Evidence
from skillstats.ledger.containers import Ledger
from skillstats.plan import Plan


def behaviour_block(ledger: Ledger, evidence: Evidence | None, plan: Plan, *, seed: int) -> dict[str, Any]:
    """What habits show in the overrides; see `skillstats.behaviour.habits.behaviour`.

    Returns
    -------
    available; fdr; asked, found (counts of questions); detectors (name, title, question, unit, and what an effect above and below 0 means); habits (fields of `Habit`, with ``says`` for
    those measured); counts of signals left out
    """
    del evidence, seed
    try:
        found = habits_of(decided_of(ledger), plan.verdict.fdr)
    except SkillWithheld as error:
        return {"available": False, "why": str(error)}
    rows = [asdict(h) | {"says": sentence(h) if h.effect is not None else None} for h in found.habits]
    return {
        "available": any(h.p is not None for h in found.habits),
        **(
            {}
            if any(h.p is not None for h in found.habits)
            else {"why": "no question about habits can be answered with this record"}
        ),
        "fdr": found.fdr,
        "asked": sum(h.p is not None for h in found.habits),
        "found": len(found.found),
        "detectors": [
            {"name": d.name, "title": d.title, "question": d.question, "unit": d.unit, "up": d.up, "down": d.down}
            for d in BY_NAME.values()
        ],
        "habits": rows,
        "counts": found.counts,
    }


def learning_block(ledger: Ledger, evidence: Evidence | None, plan: Plan, *, seed: int) -> dict[str, Any]:
    """Whether a shallow rule could replace the traders; see `skillstats.behaviour.learning.learn_rule`.

    Returns
    -------
    available; arms, copied (fields of `Arm`, `Copied`); model_money; rule (words); leaves; history; counts
    """
    del evidence
    try:
        found = learning_of(decided_of(ledger), seed, plan.verdict.fdr, ledger.carried.get("features"))
    except SkillWithheld as error:
        return {"available": False, "why": str(error)}
    return {
        "available": True,
        "fdr": plan.verdict.fdr,
        "arms": [asdict(a) for a in found.arms],
        "copied": [asdict(c) for c in found.copied],
        "model_money": found.model_money,
        "rule": found.rule,
        "leaves": [asdict(leaf) for leaf in found.leaves],
        "history": [{"from": session, "rule": words} for session, words in found.history],
        "counts": found.counts,
    }
