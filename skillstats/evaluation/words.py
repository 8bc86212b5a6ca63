"""What the reader must be told in words: the data and the caveats."""

from __future__ import annotations

from typing import Any

import numpy as np

from skillstats.evaluation.annual import year_of
from skillstats.evaluation.sensitivity import PriorSensitivity
from skillstats.evidence import Evidence
from skillstats.inference.container import Fit
from skillstats.inference.separable import FORM_TEXT


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
    """Traders whose session totals follow on from the session before: their annual figures are corrected, and it is said."""
    years = [(name, year_of(evidence, j)) for j, name in enumerate(evidence.coords["trader"]) if np.any(evidence.trader == j)]
    found = [f"{name} ({y.rho:+.2f}, factor {y.factor:.2f})" for name, y in years if y.rho is not None and y.factor != 1.0]
    if not found:
        return []
    return [
        f"Session totals follow on from the session before for {', '.join(found)}; their annual figures carry the correction of Lo (2002) "
        "for it, intervals do not allow for its own error."
    ]
