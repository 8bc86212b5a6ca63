"""What the reader must be told in words: the data, the lists, the caveats."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from skillstats.evaluation.estimands import Target
from skillstats.evaluation.rows import Judgement
from skillstats.evaluation.sensitivity import PriorSensitivity
from skillstats.evidence import Evidence
from skillstats.inference.container import Fit
from skillstats.inference.separable import FORM_TEXT
from skillstats.plan import Plan

FloatArray = NDArray[np.float64]
HYPOTHESES: Final = 3


def source_part(fit: Fit) -> dict[str, Any]:
    """What was evaluated."""
    e = fit.evidence
    sessions = e.coords["session"]
    return {
        "kind": e.source,
        "target": fit.spec.target,
        "unit": e.unit,
        "has_year": e.has_year,
        "has_risk": e.has_risk,
        "scale": e.scale,
        "sessions_per_year": e.sessions_per_year,
        "sessions_spanned": e.sessions_spanned,
        "traders": len(e.coords["trader"]),
        "regimes": len(e.coords["regime"]),
        "decisions": len(np.unique(e.decision)),
        "rows": len(e),
        "sessions": len(sessions),
        "first_session": sessions[0] if e.source == "record" else None,
        "last_session": sessions[-1] if e.source == "record" else None,
        "bets_per_year": fit.bets_per_year,
        "bets_per_year_why": fit.breadth.reason,
        "counts": dict(e.counts),
        "totals": dict(e.context.get("totals", {})),
        "ledger": e.context.get("ledger_digest"),
    }


def skilled_list(rows: list[dict[str, Any]], ir: FloatArray, found: list[Target], by: Judgement, plan: Plan) -> dict[str, Any]:
    """Who clears the hurdle with the certainty asked, the list under Bayesian false-discovery control, and hypotheses for next time.

    The list adds traders by increasing P(IR <= hurdle) while its running mean stays within the rate (Muller, Parmigiani, Rice 2006).
    """
    own = [(i, rows[i]) for i, t in enumerate(found) if t.regime < 0 and rows[i]["status"] != "WITHHOLD"]
    claimed = [r["trader"] for _, r in own if r["p_above_hurdle"] >= by.certainty]
    doubts = sorted((1 - r["p_above_hurdle"], r["trader"]) for _, r in own)
    running = np.cumsum([d for d, _ in doubts]) / np.arange(1, len(doubts) + 1) if doubts else np.zeros(0)
    listed = [name for (_, name), mean in zip(doubts, running, strict=True) if mean <= plan.verdict.fdr]
    if all(row["status"] == "WITHHOLD" for row in rows):
        claim = "skill is withheld; nothing is said about anyone"
        return {"skilled": {"claim": claim, "traders": []}, "fdr": {"rate": plan.verdict.fdr, "traders": [], "expected_false_share": None},
                "order": {"supported": False, "text": ""}, "hypotheses": []}  # fmt: skip
    who = (
        "no one clears"
        if not claimed
        else f"{len(claimed)} of {len(own)} clear"
        if len(claimed) > 1
        else f"1 of {len(own)} clears"
    )
    return {
        "skilled": {"claim": f"{who} the hurdle with {by.certainty:.0%} certainty", "traders": claimed},
        "fdr": {
            "rate": plan.verdict.fdr,
            "traders": listed,
            "expected_false_share": float(running[len(listed) - 1]) if listed else None,
        },
        "order": _order(own, ir),
        "hypotheses": _hypotheses(rows, found),
    }


def _order(own: list[tuple[int, dict[str, Any]]], ir: FloatArray) -> dict[str, Any]:
    """E-RANK: whether any order of the traders is supported."""
    if len(own) < 2:
        return {"supported": False, "text": "there is no one to compare with"}
    at = [i for i, _ in own]
    best = np.bincount(ir[:, at].argmax(axis=1), minlength=len(at)) / len(ir)
    leader = int(best.argmax())
    low, high = np.quantile(ir[:, at], [0.1, 0.9], axis=0)
    overlap = bool(np.any((low[leader] < high) & (np.arange(len(at)) != leader)))
    supported = bool(best[leader] >= 0.5 and not overlap)
    text = (
        ""
        if supported
        else f"order not supported by the data: the likeliest best trader is best with probability {best[leader]:.0%}"
    )
    return {"supported": supported, "text": text}


def _hypotheses(rows: list[dict[str, Any]], found: list[Target]) -> list[dict[str, Any]]:
    """The regime cells with the largest gap between raw and pooled: what to test next quarter, no claims."""
    cells = [
        rows[i]
        for i, t in enumerate(found)
        if t.regime >= 0 and rows[i]["status"] != "WITHHOLD" and rows[i]["raw_ir"] is not None
    ]
    cells.sort(key=lambda r: (-abs(r["raw_ir"] - r["ir_decision_mean"]), r["trader"], r["regime"]))
    keys = ("trader", "regime", "raw_ir", "ir_decision_mean", "n", "days")
    return [{k: r[k] for k in keys} for r in cells[:HYPOTHESES]]


def caveats(fit: Fit, floor_words: list[str], sensitivity: PriorSensitivity) -> list[str]:
    """Sentences for the reader, in order of weight."""
    evidence = fit.evidence
    said = [f"Left out of the model, because the data cannot separate it: {term} ({why})." for term, why in fit.dropped.items()]
    said = _target(fit) + said + [f"The prior speaks, not the data: {note}." for note in fit.terms.notes]
    said += [f"Note: {words}." for words in floor_words]
    said += _serial(evidence)
    if not evidence.has_risk:
        said.append(
            f"No risk column was given, so every outcome was divided by the same constant ({evidence.scale:.4g} input units); "
            "value-add comes back in the input's unit."
        )
    if evidence.counts.get("risk_floor"):
        said.append(
            f"{evidence.counts['risk_floor']} deviations were open for less than a minute of trading time and are judged against one minute's risk; "
            "what happens between a close and the next open is not in that risk, so deviations held mainly overnight look larger than they are."
        )
    if evidence.counts.get("no_risk"):
        said.append(
            f"{evidence.counts['no_risk']} decisions have no volatility yet (fewer than 10 earlier sessions) and are not in the estimate."
        )
    if evidence.counts.get("late"):
        said.append(
            f"{evidence.counts['late']} decisions were written down after their outcome was knowable and are not in the estimate."
        )
    if not sensitivity.reliable:
        said.append(
            "The reweighting behind the halved and doubled priors is rough (Pareto k above 0.7); read W-PRIOR as an indication."
        )
    if evidence.has_risk and "sizing" not in fit.terms.slopes:
        said.append(
            "The sizing term of value-add is the sample covariance of risk and outcome with its day-clustered error; the model has no sizing slope."
        )
    said += [
        "Intervals are 90% equal-tailed and hold on average over the prior, not at every fixed truth.",
        "Results hold for the decisions people chose to touch; they do not forecast what wider override rights would bring.",
        "Skill and a permanently lucky same-side tilt cannot be told apart from outcomes alone.",
    ]
    return said


def _target(fit: Fit) -> list[str]:
    """What the skill of a model that is not about the total refers to, and whether it is that of one quarter."""
    said = []
    if fit.spec.target == "selection":
        form = FORM_TEXT[fit.terms.form] if fit.terms.form else "no factor"
        money = "value-add" if fit.terms.form == "observed" else "estimated value-add"
        said.append(
            f"Every estimate is of selection skill: what the factor explains is not in it ({form}), nor in the {money}. "
            "Timing and a passive lean are no part of it."
        )
    if fit.terms.drift is not None:
        said.append(
            f"Skill drifts: every estimate is the state in {fit.evidence.levels('quarter')[-1]}, the last calendar quarter of the evidence; "
            "who was not active then is known less well."
        )
    return said


def _serial(evidence: Evidence) -> list[str]:
    """Traders whose session totals are correlated from one session to the next, which annual figures do not correct."""
    if evidence.source != "record":
        return []
    found = []
    for j, name in enumerate(evidence.coords["trader"]):
        own = evidence.trader == j
        totals = np.bincount(evidence.session[own], weights=evidence.y[own])[np.unique(evidence.session[own])]
        if len(totals) < 20 or np.ptp(totals) == 0:
            continue
        rho = float(np.corrcoef(totals[1:], totals[:-1])[0, 1])
        if abs(rho) > 2 / np.sqrt(len(totals)):
            found.append(f"{name} ({rho:+.2f})")
    if not found:
        return []
    return [
        f"Session totals follow on from the session before for {', '.join(found)}; the annual figures are not corrected for it."
    ]
