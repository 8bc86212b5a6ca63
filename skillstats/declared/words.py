"""A plan in words: what it declares, in the order in which a reader asks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from skillstats.declared.difference import plan_differences, value_text
from skillstats.declared.freeze import Freeze, instant_words
from skillstats.errors import show
from skillstats.plan import Plan

FILLS: Final = {
    "signal_price": "at the price its signal names",
    "arrival_mid": "at the mid when its signal arrives",
    "cross_spread": "across the spread when its signal arrives",
    "next_open": "at the next open",
}


def plan_words(plan: Plan, freezes: Sequence[Freeze] = ()) -> str:
    """What a plan declares, a line a question, and whether it was frozen.

    Parameters
    ----------
    freezes : of this plan, oldest first; empty if there are none

    Returns
    -------
    str, lines of a label and a sentence
    """
    v = plan.verdict
    lines = [
        ("plan", show(plan.name)[1:-1] or "(no name)"),
        ("digest", plan.digest),
        ("frozen", frozen_words(plan, freezes)),
        ("period", " to ".join(plan.period) if plan.period else "every signal of the record"),
        ("marked", _marked(plan)),
        ("model's fills", f"{FILLS[plan.fill_model]}, {_costs(plan)}"),
        ("hurdle", f"an annual IR of {v.hurdle:g}, or {v.hurdle_decision:g} per decision where there is no year"),
        ("claim", f"at {v.certainty:.0%} certainty; lists of names at a false-discovery rate of {v.fdr:.0%}"),
        ("skill model", show(plan.model.name or "")[1:-1] or "the default for the kind of table"),
        ("regimes", ", ".join(show(r)[1:-1] for r in plan.regimes.use) or "none, the record is not split"),
        ("about", _primary(plan)),
        ("floors", _floors(plan)),
        ("pages for", ", ".join(plan.audiences) or "every reader"),
        ("seed", str(plan.seed)),
    ]
    width = max(len(label) for label, _ in lines)
    return "\n".join(f"{label:<{width}}  {text}" for label, text in lines)


def frozen_words(plan: Plan, freezes: Sequence[Freeze]) -> str:
    """Whether a plan as it stands is frozen; without data nothing can be said about outcomes."""
    if not freezes:
        return "no; skillstats plan freeze does it"
    last = freezes[-1]
    count = f"{len(freezes)} freeze{'' if len(freezes) == 1 else 's'} in its file"
    if last.plan == plan:
        return f"yes, on {instant_words(last.frozen_at)} by the clock of that machine; {count}"
    keys = ", ".join(d.key for d in plan_differences(last.plan, plan))
    return f"no: it was changed since {instant_words(last.frozen_at)}, in {keys}; {count}"


def changed_keys(plan: Plan) -> str:
    """Keys that are not the default, a line each with what it can change."""
    found = plan_differences(Plan(), plan)
    return "\n".join(f"  {d.key} = {value_text(d.after)}, default {value_text(d.before)}; can change: {d.reach}" for d in found)


def _marked(plan: Plan) -> str:
    text = f"at {plan.horizon}" if plan.horizon else "where each signal says, for there is no horizon here"
    return text + (f"; shown beside at {', '.join(plan.decay)}" if plan.decay else "")


def _costs(plan: Plan) -> str:
    named = [f"{k} {v}" for k, v in _given(plan.fees) if v != "0"]
    fees = f"fees {', '.join(named)}" if named else "no fees"
    return f"{fees}, impact {plan.impact.y}" if plan.impact.y != "0" else f"{fees}, no impact"


def _given(section: msgspec.Struct) -> list[tuple[str, Any]]:
    return [(f.encode_name, getattr(section, f.name)) for f in msgspec.structs.fields(section)]


def _primary(plan: Plan) -> str:
    if not plan.primary:
        return "every trader over all regimes; a regime cell is a finding like any other"
    cells = (c if isinstance(c, str) else f"{c[0]} in {c[1]}" for c in plan.primary)
    return f"{'; '.join(show(c)[1:-1] for c in cells)}; a claim in another regime cell is a hypothesis"


def _floors(plan: Plan) -> str:
    given = [f"{k} {v:g}" for k, v in _given(plan.floors) if v is not None]
    if not given:
        return "the defaults: 20 active days, 30 effective decisions, 10 days of a regime cell; 5, 5, 5 for outcomes"
    return f"{', '.join(given)}; what is lower than a default counts only if the plan is frozen before the first outcome"
