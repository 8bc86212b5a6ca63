"""The trader: own rows, own sums, own estimate, and of the others only what five or more of them make together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from skillstats.errors import UsageError, show
from skillstats.report.readers.material import Material, Reader, contests_of

if TYPE_CHECKING:
    import pyarrow as pa

BEST: Final = 5
MOST_EXPLAINED: Final = 300
"""Rows of a page whose derivation is written out; of the others the command that prints it."""


def collect(material: Material) -> dict[str, Any]:
    """Everything on the page of `material.trader`, taken from a ledger cut down to that trader.

    Raises
    ------
    UsageError
        If `material.day` is no session with a decision of that trader.
    """
    from skillstats.luck.envelope import envelope, plain
    from skillstats.luck.placebo import prepare
    from skillstats.report.trader import describe
    from skillstats.report.trader.own import explanations, own_decisions, own_ledger

    trader, ledger, evaluation = str(material.trader), material.ledger, material.evaluation
    assert ledger is not None
    own = own_ledger(ledger, trader)
    decisions = own_decisions(own)
    day = _day(decisions, material.day, trader)
    chosen = _chosen(decisions, day)
    seed = int(evaluation.identity["seed"])
    running = plain(envelope(ledger, material.bench or prepare(ledger), trader, seed=seed)) if decisions else None
    return {
        "schema": 1,
        "audience": "trader",
        "trader": trader,
        "currency": ledger.plan.currency,
        "plan": evaluation.plan["name"],
        "first_session": min((d["session"] for d in decisions), default=None),
        "last_session": max((d["session"] for d in decisions), default=None),
        "day": day,
        **chosen,
        "day_totals": describe.totals([d for d in decisions if d["session"] == day]),
        "totals": describe.totals(decisions),
        "by_action": describe.by_label(decisions, "action"),
        "by_type": describe.by_label(decisions, "signal_type"),
        "kpis": describe.own_kpis(own, trader),
        "running": running,
        "estimate": describe.estimate(evaluation, trader),
        "others": describe.others(ledger, trader),
        "contests": [describe.own_contest(c) for c in contests_of(material, trader)],
        "explanations": explanations(own, list(chosen["decisions"].values()), MOST_EXPLAINED),
        "identity": {k: evaluation.identity[k] for k in ("spec_name", "version", "seed")}
        | {"ledger": ledger.digest, "plan": evaluation.plan["digest"]},
    }


def _chosen(decisions: list[dict[str, Any]], day: str | None) -> dict[str, Any]:
    """The decisions that are shown one by one, by id, and the ids of the day, of its best and worst, of the period's, and of what is open."""
    from skillstats.report.trader.own import best_and_worst

    today, still_open = [d for d in decisions if d["session"] == day], [d for d in decisions if d["open"]]
    best, worst = best_and_worst(decisions, BEST)
    by_id = {d["decision_id"]: d for d in decisions}
    shown = [*today, *(by_id[i] for i in (*best, *worst)), *still_open]
    return {
        "decisions": {d["decision_id"]: d for d in shown},
        "today": [d["decision_id"] for d in today],
        "today_best": list(best_and_worst(today, BEST)),
        "best": best,
        "worst": worst,
        "open": [d["decision_id"] for d in still_open],
    }


def _day(decisions: list[dict[str, Any]], asked: str | None, trader: str) -> str | None:
    """The session of the page: the one asked for, else the last with a decision; None where there is no decision at all."""
    sessions = sorted({d["session"] for d in decisions})
    if asked is None:
        return sessions[-1] if sessions else None
    if asked not in sessions:
        found = f"has decisions on {len(sessions)} days from {sessions[0]} to {sessions[-1]}" if sessions else "has no decision"
        raise UsageError(
            f"day={show(asked)}: {show(trader)} {found}; name one of these days, or leave the day out for the last one"
        )
    return asked


def view(data: Mapping[str, Any]) -> Any:
    """The page as text."""
    from skillstats.report.trader.view import view_of

    return view_of(data)


def tables(material: Material) -> Mapping[str, pa.Table]:
    """Every own row of the ledger, with all its columns."""
    from skillstats.report.trader.own import own_ledger

    assert material.ledger is not None
    return {"rows.parquet": own_ledger(material.ledger, str(material.trader)).rows}


TRADER: Final = Reader(collect, view, "trader.html.j2", needs_ledger=True, needs_trader=True, tables=tables)
