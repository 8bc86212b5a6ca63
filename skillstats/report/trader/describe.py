"""Sums of one trader's own record, and of the others only where they are enough people to hide in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any, Final

from skillstats.ledger.containers import Ledger
from skillstats.ledger.kpis import moments
from skillstats.report.trader.own import PARTS, Line
from skillstats.units import MICRO

LEAST_OTHERS: Final = 5
"""Other traders below whom nothing is said about them, whatever the plan allows to others."""
KPI_KEYS: Final = (
    "n_signals", "n_interventions", "n_decisions", "n_sessions", "n_open", "n_unavailable", "n_quarantined", "override_rate", "hits", "ties",
    "hit_rate", "sum", "mean", "sd", "ir_per_decision", "note",
)  # fmt: skip


def totals(decisions: Sequence[Line]) -> dict[str, Any]:
    """Sums over some decisions: counts of departures, followed signals and open rows; the parts of each kind in micro-units.

    Parts are summed over decisions without an open row; those of departures and of followed signals stay apart.
    """
    found: dict[str, Any] = {}
    for name, followed in (("departures", False), ("followed", True)):
        kind = [d for d in decisions if d["followed"] is followed]
        closed = [d for d in kind if not d["open"]]
        found[name] = {
            "decisions": len(kind),
            "rows": sum(len(d["rows"]) for d in kind),
            "open": len(kind) - len(closed),
            "incomplete": sum(not d["complete"] and not d["open"] for d in kind),
            **{k: sum(d[k] for d in closed) for k in PARTS},
        }
    return found


def own_kpis(own: Ledger, trader: str) -> dict[str, Any]:
    """The trader's line of the ledger's KPIs."""
    line = next((k for k in own.kpis.to_pylist() if k["by"] == "trader"), None)
    return {"by": "trader", "trader": trader, **{k: None if line is None else line[k] for k in KPI_KEYS}}


def by_label(decisions: Sequence[Line], label: str) -> list[dict[str, Any]]:
    """Value-add of complete departures by a label of their rows, most valuable first: what the ledger's KPIs do by action.

    Parameters
    ----------
    label : ``action``, ``signal_type`` or ``model``; a decision with rows of several labels counts once under each, with its rows there

    Returns
    -------
    list of {label, n_decisions, hits, ties, sum, mean, sd, note}; money of the sum in micro-units, mean and sd in currency
    """
    amounts: dict[str, dict[str, int]] = {}
    for d in decisions:
        if d["complete"] and not d["followed"]:
            for row in d["rows"]:
                if row["action"] not in ("ACCEPT", "NO_DECISION"):
                    own = amounts.setdefault(row[label] or "none", {})
                    own[d["decision_id"]] = own.get(d["decision_id"], 0) + row["value_add"]
    found = []
    for name, sums in amounts.items():
        values = list(sums.values())
        m = moments(values)
        counts = {"n_decisions": len(values), "hits": sum(v > 0 for v in values), "ties": sum(v == 0 for v in values)}
        found.append({"label": name, **counts, **{k: m[k] for k in ("sum", "mean", "sd", "note")}})
    return sorted(found, key=lambda line: (-line["sum"], line["label"]))


def others(ledger: Ledger, trader: str) -> dict[str, Any] | None:
    """Departures of the other traders together; None where they are too few to hide in.

    Only traders with a complete departure count, at least five and at least the plan's `privacy.min_traders`. Nothing is said either where all
    of their decisions, or none, were hits: that would be a statement about each of them.
    """
    lines = [k for k in ledger.kpis.to_pylist() if k["by"] == "trader" and k["trader"] != trader and k["n_decisions"]]
    n, hits, total = (sum(k[name] for k in lines) for name in ("n_decisions", "hits", "sum"))
    if len(lines) < max(LEAST_OTHERS, ledger.plan.privacy.min_traders) or hits in (0, n):
        return None
    return {"traders": len(lines), "n_decisions": n, "hits": hits, "sum": total, "mean": float(Fraction(total, n * MICRO))}


def estimate(evaluation: Any, trader: str) -> dict[str, Any]:
    """What the evaluation says of this trader: overall and by regime, None where withheld; of the fit only codes."""
    rows = [r for r in evaluation.rows if r["trader"] == trader]
    fit_codes = [c["code"] for c in evaluation.codes]
    withheld = evaluation.status == "WITHHOLD"
    annual = bool(evaluation.source["has_year"])
    errors = next((e for e in evaluation.day_errors if e["trader"] == trader), None)
    plan = evaluation.plan
    return {
        "annual": annual,
        "hurdle": plan["hurdle"],
        "certainty": plan["certainty"],
        "floors": dict(plan.get("floors") or {}),
        "fit_codes": fit_codes,
        "rows": [_estimate_row(r, fit_codes, annual=annual, withheld=withheld) for r in rows],
        "errors": None if errors is None else {k: v for k, v in errors.items() if k != "trader"},
    }


ESTIMATES: Final = (
    "value_add_mean",
    "value_add_q05",
    "value_add_q95",
    "p_positive",
    "p_above_hurdle",
    "shrinkage",
    "reliability",
)


def _estimate_row(row: Mapping[str, Any], fit_codes: Sequence[str], *, annual: bool, withheld: bool) -> dict[str, Any]:
    gone = withheld or row["status"] == "WITHHOLD"
    name = "ir_annual" if annual else "ir_decision"
    needed = None if gone else (row.get("detail") or {}).get("needed")
    # a code of the fit may speak of anybody: only its name is passed on
    codes = [{"code": c["code"], "text": None if c["code"] in fit_codes else c["text"]} for c in row["codes"]]
    return {
        "regime": row["regime"],
        "n": row["n"],
        "days": row["days"],
        "n_eff": row["n_eff"],
        "seen": row.get("decisions_seen"),
        "status": "WITHHOLD" if withheld else row["status"],
        "codes": codes or [{"code": c, "text": None} for c in fit_codes],
        **{f"ir_{k}": None if gone else row[f"{name}_{k}"] for k in ("mean", "q05", "q25", "q75", "q95")},
        **{k: None if gone else row[k] for k in ESTIMATES},
        "needed": None if needed is None else {k: needed[k] for k in ("decisions", "days", "years")},
    }


def own_contest(contest: Mapping[str, Any]) -> dict[str, Any]:
    """A contest of an own row: note, own totals and verdict with and without it; its summary may speak of the desk and stays out."""
    verdict = contest["verdict"] or {}
    sides = ("with", "without")
    return {
        "row": contest["row"]["id"],
        "note": contest["note"],
        "current": contest.get("current", True),
        "judged": contest["judged"],
        "why": contest["why"],
        "certainty": contest["certainty"],
        "totals": {k: contest["totals"]["trader"][k] for k in sides},
        "chances": {k: (verdict.get(k) or {}).get("p_above_hurdle") for k in sides},
        "statuses": {k: (verdict.get(k) or {}).get("status") for k in sides},
    }
