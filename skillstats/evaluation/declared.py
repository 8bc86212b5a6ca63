"""The plan of an evaluation: what was declared, whether it was frozen first, and what was declared in vain.

The plan that counts is what was fitted, not what a file says: a model or a seed set on the way is a difference to what was frozen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from skillstats.declared import Freeze, FrozenState, frozen_state
from skillstats.errors import UsageError, show
from skillstats.evaluation.rows import Judgement
from skillstats.evidence import Evidence
from skillstats.inference.container import Fit
from skillstats.plan import Plan
from skillstats.spec import read_spec


def default_model(evidence: Evidence) -> str:
    """``crossed_total`` for a record and for outcomes with risk and a year, else ``crossed_outcomes``; never by outcomes."""
    return "crossed_total" if evidence.has_year and evidence.has_risk else "crossed_outcomes"


def frozen_of(fit: Fit, plan: Plan, freezes: Sequence[Freeze] | FrozenState) -> FrozenState:
    """Whether what was fitted is what was frozen before the first outcome.

    Parameters
    ----------
    fit : whose seed and model count, whatever the plan says
    freezes : of the plan, oldest first, empty if there are none; or a state that is known already, as that of an evaluation done again
    """
    if isinstance(freezes, FrozenState):
        return freezes
    first = fit.evidence.context.get("first_outcome")
    return frozen_state(freezes, plan_as_fitted(fit, plan), first, fit.spec.digest)


def plan_as_fitted(fit: Fit, plan: Plan) -> Plan:
    """The plan with the seed and the model that were used, where they are not its own."""
    model = plan.model
    if not _is_declared_model(fit, plan):
        model = msgspec.structs.replace(model, name=fit.spec.name)
    return msgspec.structs.replace(plan, seed=fit.seed, model=model)


def _is_declared_model(fit: Fit, plan: Plan) -> bool:
    """Whether the model that was fitted is the plan's; a file that cannot be found any more is known by its name."""
    declared = plan.model.name or default_model(fit.evidence)
    try:
        return read_spec(declared).digest == fit.spec.digest
    except UsageError:
        return Path(declared).stem == fit.spec.name


def plan_part(plan: Plan, by: Judgement, fit: Fit, frozen: FrozenState) -> dict[str, Any]:
    """What was declared, as far as it governs these numbers."""
    record = by.evidence.source == "record"
    return {
        "name": plan.name,
        "digest": plan.digest,
        "frozen": frozen.plain(),
        "hurdle": by.hurdle,
        "hurdle_unit": "annual IR" if by.annual else "IR per decision",
        "certainty": plan.verdict.certainty,
        "fdr": plan.verdict.fdr,
        "horizon": plan.horizon if record else None,
        "fill_model": plan.fill_model if record else None,
        "floors": {k: getattr(by.floors, k) for k in ("days", "n_eff", "cell_days")},
        "primary": msgspec.to_builtins(plan.primary),
        "audiences": list(plan.audiences),
        "seed": fit.seed,
        "text": msgspec.json.encode(msgspec.to_builtins(plan), order="deterministic").decode(),
    }


def primary_words(plan: Plan, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """What the reader must know of declared cells: that claims elsewhere are hypotheses, and which declared ones have no row."""
    if not plan.primary:
        return []
    known = {(r["trader"], r["regime"]) for r in rows}
    pairs = [(c, "all") if isinstance(c, str) else c for c in plan.primary]
    lost = [t if r == "all" else f"{t} in {r}" for t, r in pairs if (t, r) not in known]
    named = ", ".join(t if r == "all" else f"{t} in {r}" for t, r in pairs)
    said = [
        f"The plan declares what this evaluation is about: {named}. A claim about another regime cell or a trader not named is a hypothesis (W-PRIMARY)."
    ]
    return said + ([f"Declared, but without a row in the data: {', '.join(show(x)[1:-1] for x in lost)}."] if lost else [])
