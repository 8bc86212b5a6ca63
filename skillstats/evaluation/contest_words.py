"""A contested row in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from skillstats.errors import show
from skillstats.evaluation.rows import MCSE_LIMIT
from skillstats.units import format_micro


def contest_text(made: Mapping[str, Any]) -> str:
    """What the row is, what it weighs in the ledger, and what becomes of the verdict without it; without the note and without names."""
    row, unit = made["row"], made["unit"]
    worth = "no value-add yet" if row["value_add"] is None else f"a value-add of {money(row['value_add'])} {unit}"
    own = made["totals"]["trader"]
    first = f"Row {show(row['id'])[1:-1]} ({row['action'] or 'no action'}, {show(row['asset'])[1:-1]}, session {row['session']}) has {worth}."
    total = (
        f"The trader's total in the ledger is {money(own['with'])} {unit} with it and {money(own['without'])} {unit} without it."
    )
    return f"{first} {total} {verdict_text(made)}"


def verdict_text(made: Mapping[str, Any]) -> str:
    """What becomes of the verdict."""
    if not made["judged"]:
        return f"The verdict does not rest on it: {made['why']}."
    before, after = (made["verdict"][k] for k in ("with", "without"))
    by = engine_words(made)
    said = "so a claim stands or falls with this row" if claim_turned(made) else "so the row decides no claim"
    if after is None:
        return f"Without it nothing is left to judge the trader by ({by}), {said}."
    if before is None or "WITHHOLD" in (before["status"], after["status"]):
        statuses = f"{before['status'] if before else 'without a row'} with it and {after['status']} without it"
        return f"The status is {statuses} ({by}), {said}; a number that is withheld on one side is given on neither."
    name = f"P(IR > {made['hurdle']:g} {made['hurdle_unit'].replace('IR ', '').replace(' IR', '')})"
    one, two = (r["p_above_hurdle"] for r in (before, after))
    return f"{name} is {one:.3f} with it and {two:.3f} without it ({by}), {said}. Up to {MCSE_LIMIT:g} of the difference may come from the draws alone."


def claim_turned(made: Mapping[str, Any]) -> bool:
    """Whether a claim is made on one side only; nothing is said of a trader whose published row is withheld."""
    claims = made["claims"]
    return claims is not None and claims["without"] is not None and claims["with"] != claims["without"]


def engine_words(made: Mapping[str, Any]) -> str:
    """By which program the second verdict was computed."""
    same = made["engine"] == made["engine_of_evaluation"]
    return f"fitted again by {made['engine']}, {'as' if same else 'while'} the evaluation {'was' if same else f'was by {made["engine_of_evaluation"]}'}"


def money(micro: int) -> str:
    """Micro-units as currency with two places."""
    return format_micro(micro, 2)
