"""Who clears the hurdle, the list under false-discovery control, the ranks, and what to test next.

The list adds traders by increasing P(IR <= hurdle) while the running mean of that probability stays within the rate (Muller, Parmigiani,
Rice 2006); the mean is the expected share of false names, given model and prior. Sure names pay for doubtful ones: where the desk falls in
two groups, one of them worth exactly nothing, the one bell curve of the population pulls the second group up and the true share of false
names is larger than the expected one. Hence each name is printed with its own probability and whether it is a claim by itself.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from skillstats.evaluation.estimands import Target
from skillstats.evaluation.ranks import order_statements, rank_table, rank_traders
from skillstats.evaluation.rows import Judgement
from skillstats.evaluation.status import is_primary
from skillstats.plan import Plan

FloatArray = NDArray[np.float64]
HYPOTHESES: Final = 3


def lists_of(rows: list[dict[str, Any]], ir: FloatArray, found: list[Target], by: Judgement, plan: Plan) -> dict[str, Any]:
    """Every list of an evaluation; only traders whose row is shown, with its `detail`, are in any of them.

    ir : (draw, target) on the hurdle's scale
    """
    own = [(i, rows[i]) for i, t in enumerate(found) if t.regime < 0 and rows[i]["status"] != "WITHHOLD"]
    fdr: dict[str, Any] = {"rate": plan.verdict.fdr, "traders": [], "expected_false_share": None, "members": []}
    if not own:
        claim = "skill is withheld; nothing is said about anyone"
        order: dict[str, Any] = {"supported": False, "text": "", "statements": []}
        return {"skilled": {"claim": claim, "traders": []}, "fdr": fdr, "order": order, "ranks": [], "hypotheses": []}
    claimed = [r["trader"] for _, r in own if r["p_above_hurdle"] >= by.certainty]
    ranks = rank_traders(ir[:, [i for i, _ in own]], tuple(r["trader"] for _, r in own))
    order = {"supported": ranks.supported, "text": ranks.text, "statements": order_statements(ranks, by.certainty)}
    return {
        "skilled": {"claim": _claim(len(claimed), len(own), by.certainty), "traders": claimed},
        "fdr": fdr
        | false_discovery_list([(r["trader"], r["p_above_hurdle"]) for _, r in own], by.hurdle, plan.verdict.fdr, by.certainty),
        "order": order if ranks.supported else order | {"code": "E-RANK"},
        "ranks": rank_table(ranks),
        "hypotheses": _hypotheses(rows, found, by),
    }


def _claim(claimed: int, shown: int, certainty: float) -> str:
    who = "no one clears" if not claimed else f"{claimed} of {shown} clear" if claimed > 1 else f"1 of {shown} clears"
    return f"{who} the hurdle with {certainty:.0%} certainty"


def false_discovery_list(above: list[tuple[str, float]], hurdle: float, rate: float, certainty: float) -> dict[str, Any]:
    """Traders under Bayesian false-discovery control.

    Parameters
    ----------
    above : (trader, P(IR > hurdle)); hurdle : must be > 0, or there is no list: against zero it holds too many names
    rate : largest expected share of false names; certainty : of a claim by itself

    Returns
    -------
    traders, expected_false_share (None for an empty list), members [{trader, p_above_hurdle, running, alone}], surest first: `running`
    the expected false share of the list up to this name, `alone` whether the name is a claim by itself

    Examples
    --------
    >>> false_discovery_list([("A", 0.99), ("B", 0.70), ("C", 0.93)], 0.25, 0.10, 0.90)["traders"]
    ['A', 'C']
    """
    ordered = sorted(above, key=lambda pair: (-pair[1], pair[0]))
    doubts = np.array([1 - p for _, p in ordered])
    running = np.cumsum(doubts) / np.arange(1, len(doubts) + 1)
    size = int(np.sum(running <= rate)) if hurdle > 0 else 0
    members = [
        {"trader": name, "p_above_hurdle": p, "running": float(running[i]), "alone": bool(p >= certainty)}
        for i, (name, p) in enumerate(ordered[:size])
    ]
    share = float(running[size - 1]) if size else None
    return {"traders": [m["trader"] for m in members], "expected_false_share": share, "members": members}


def _hypotheses(rows: list[dict[str, Any]], found: list[Target], by: Judgement) -> list[dict[str, Any]]:
    """What to test next quarter, no findings: claims in cells that the plan did not declare, then the largest gaps between raw and pooled."""
    cells = [
        rows[i]
        for i, t in enumerate(found)
        if t.regime >= 0 and rows[i]["status"] != "WITHHOLD" and rows[i]["raw_ir"] is not None
    ]
    undeclared = {(r["trader"], r["regime"]) for r in cells if any(c["code"] == "W-PRIMARY" for c in r["codes"])}
    claims = [r for r in cells if (r["trader"], r["regime"]) in undeclared]
    declared = {(r["trader"], r["regime"]) for r in cells if by.primary and is_primary(r["trader"], r["regime"], by.primary)}
    others = [r for r in cells if (r["trader"], r["regime"]) not in undeclared | declared]
    others.sort(key=lambda r: (-abs(r["raw_ir"] - r["ir_decision_mean"]), r["trader"], r["regime"]))
    keys = ("trader", "regime", "raw_ir", "ir_decision_mean", "n", "days")
    errors = ("sign", "exaggeration")
    chosen = claims + others[: max(0, HYPOTHESES - len(claims))]
    return [{k: r[k] for k in keys} | {k: r["detail"]["type_errors"][k] for k in errors} for r in chosen]
