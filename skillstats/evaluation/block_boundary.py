"""Blocks `regimes` and `policies`: where overrides help, what the model is worth by context, and what to change, as plain data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

from skillstats.boundary.finder import FoundCell, find_regimes
from skillstats.boundary.policies import compare_policies
from skillstats.boundary.surface import value_surface
from skillstats.errors import SkillWithheld
from skillstats.evaluation.status import record_codes
from skillstats.evidence import Evidence
from skillstats.ledger.containers import Ledger
from skillstats.plan import Plan

NEAREST: Final = 10
"""Crossings that are printed though nothing was found in them."""


def regimes_block(ledger: Ledger, evidence: Evidence | None, plan: Plan, *, seed: int) -> dict[str, Any]:
    """Finder and surface.

    Returns
    -------
    available, unit, hurdle, certainty, fdr, floor; candidates, crossings, judged : what was searched; rows, sessions, desk
    cells : the findings, every cell of a single label and the nearest crossings, surest first; left_out : {label: why}
    surface : {signals, without_risk, contexts}, or {why} where it cannot be drawn
    """
    if (why := _withheld(evidence)) or evidence is None:
        return {"available": False, "why": why}
    try:
        found = find_regimes(ledger, plan=plan, evidence=evidence, seed=seed)
    except SkillWithheld as error:
        return {"available": False, "why": str(error)}
    single = [c for c in found.cells if c.cell.found or len(c.cell.keys) == 1]
    crossed = [c for c in found.cells if not c.cell.found and len(c.cell.keys) == 2][:NEAREST]
    try:
        made = value_surface(ledger, evidence=evidence, regimes=found, plan=plan, seed=seed)
        contexts = [{**asdict(c), "cell": _names(asdict(c.cell))} for c in made.contexts]
        surface: dict[str, Any] = {"signals": made.signals, "without_risk": made.without_risk, "contexts": contexts}
    except SkillWithheld as error:
        surface = {"why": str(error)}
    return {
        "available": True,
        "unit": found.unit, "hurdle": found.hurdle, "certainty": found.certainty, "fdr": found.fdr, "floor": found.floor,
        "candidates": list(found.candidates), "crossings": found.crossings, "judged": len(found.cells),
        "rows": found.rows, "sessions": found.sessions, "desk": found.desk,
        "cells": [_cell(c) for c in (*single, *crossed)], "left_out": dict(found.left_out), "surface": surface,
    }  # fmt: skip


def policies_block(ledger: Ledger, evidence: Evidence | None, plan: Plan, *, seed: int) -> dict[str, Any]:
    """Every policy out of sample, the three arms and at most three actions.

    Returns
    -------
    available, unit, first, last, burn_in, sessions, overlap, hurdle, certainty; policies, actions : rows; arms : {name: total};
    `policies_of_shown` takes out what is withheld
    """
    if (why := _withheld(evidence)) or evidence is None:
        return {"available": False, "why": why}
    try:
        made = compare_policies(ledger, evidence=evidence, plan=plan, seed=seed)
    except SkillWithheld as error:
        return {"available": False, "why": str(error)}
    plain = asdict(made)
    return {"available": True, **plain, "policies": list(plain["policies"]), "actions": list(plain["actions"])}


def policies_of_shown(blocks: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The blocks without what a policy would gain by a trader whose skill is withheld: a posterior of one person, under whatever name.

    Parameters
    ----------
    rows : of the evaluation, as `finish_row` makes them

    Returns
    -------
    The blocks; such a policy keeps what was booked, has no `gain` and is marked `withheld`; an action that names the trader is left out
    """
    block = blocks.get("policies")
    if block is None or not block.get("available"):
        return dict(blocks)
    gone = {r["trader"] for r in rows if r["regime"] == "all" and r["status"] == "WITHHOLD"}
    policies = [p | ({"gain": None, "withheld": True} if p["trader"] in gone else {"withheld": False}) for p in block["policies"]]
    actions = [a for a in block["actions"] if a["trader"] not in gone]
    return dict(blocks) | {"policies": dict(block) | {"policies": policies, "actions": actions}}


def _withheld(evidence: Evidence | None) -> str:
    """Why nothing may be said, in the words of the verdict; empty where something may."""
    if evidence is None:
        return "no decision can be judged"
    return "; ".join(f"{c.code} {c.text}" for c in record_codes(evidence) if c.action == "WITHHOLD")


def _cell(found: FoundCell) -> dict[str, Any]:
    """A cell as plain data, its needs beside it."""
    own = {k: v for k, v in asdict(found).items() if k != "cell"}
    return _names(asdict(found.cell)) | own


def _names(cell: dict[str, Any]) -> dict[str, Any]:
    return {k: list(v) if isinstance(v, tuple) else v for k, v in cell.items()}
