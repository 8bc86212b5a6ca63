"""The portfolio manager: people against the model by asset class, regime, action and horizon, in cells of several traders.

No trader is named and no cell is small (see `report.release`), unless a plan frozen before the first outcome says `pm_names`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any, Final

from skillstats.evaluation.result import Evaluation
from skillstats.report.readers.material import Material, Reader
from skillstats.report.readers.pm_view import PmView, pm_view
from skillstats.report.release.given import Given, given_of, without_names
from skillstats.report.release.plain import plain_cut
from skillstats.report.release.release import MANAGED
from skillstats.units import MICRO

SINGLE: Final = (*MANAGED, "asset")
DESK_POLICIES: Final = ("model", "practice", "surface", "supported")
"""Policies that are of no cell and of nobody."""
MOST_ASSETS: Final = 40
NAMED_ROW: Final = (
    "trader",
    "n",
    "days",
    "ir_annual_mean",
    "ir_annual_q05",
    "ir_annual_q95",
    "p_above_hurdle",
    "status",
    "reasons",
)


def collect(material: Material) -> dict[str, Any]:
    """What the manager may see, as plain data; see `pm_view` for where it stands."""
    evaluation = material.evaluation
    given = given_of(evaluation, material.ledger, names=True)
    shown = given.release.shown
    tables = [t for labels in _wanted(given) if (t := plain_cut(given, labels)) is not None]
    return {
        "audience": "pm",
        "status": evaluation.status,
        "codes": [str(c["code"]) for c in evaluation.codes],
        "title": evaluation.plan["name"],
        "period": [evaluation.source["first_session"], evaluation.source["last_session"]],
        "unit": evaluation.source["unit"],
        "floors": {"traders": given.release.floors.people, "decisions": given.release.floors.decisions, "named": given.named},
        "shown": shown,
        "why": given.why,
        "hurdle": evaluation.plan["hurdle"],
        "certainty": evaluation.plan["certainty"],
        "books": given.books,
        "whole": plain_cut(given, ()),
        "months": _months(given),
        "tables": tables,
        "desk": _desk(evaluation, given) if shown else None,
        "decay": _decay(given) if shown else [],
        "blocks": _blocks(evaluation, given) if shown else {},
        "traders": _named(evaluation) if given.named else [],
        "caveats": without_names(evaluation.caveats, () if given.named else given.traders),
        "identity": {k: str(evaluation.identity[k]) for k in ("spec_name", "evidence", "version", "seed")}
        | {"plan": str(evaluation.plan["digest"]), "ledger": given.ledger.digest},
    }


def view(data: Mapping[str, Any]) -> PmView:
    """The manager's page as text."""
    return pm_view(data)


def _wanted(given: Given) -> list[tuple[str, ...]]:
    """Tables of the page: single labels, then pairs; with names those of the traders too."""
    pairs: list[tuple[str, ...]] = [*combinations(MANAGED, 2), ("asset", "regime"), ("asset", "action")]
    named: list[tuple[str, ...]] = [("trader",), *(("trader", k) for k in MANAGED)] if given.named else []
    return [*((k,) for k in SINGLE), *pairs, *named]


def _months(given: Given) -> list[dict[str, Any]]:
    """Stretches of the record: the model's book, which is nobody's, and what departures added to it."""
    cut = plain_cut(given, ("month",), estimates=False)
    if cut is None or cut["rest"] is not None:
        return []
    rows = given.ledger.rows.select(["session", "model_pnl"]).to_pandas()
    month = rows["session"].str[:7]
    model = rows["model_pnl"].fillna(0).astype("int64").groupby(month).sum()
    starts = [c["levels"][0][:7] for c in cut["cells"]]
    found = []
    for cell, start, after in zip(cut["cells"], starts, [*starts[1:], "9999-99"], strict=True):
        # the first stretch takes what the model did before anybody departed from it
        inside = (model.index < after) & ((model.index >= start) | (start == starts[0]))
        found.append(
            {
                "level": cell["levels"][0],
                "decisions": cell["decisions"],
                "value_add_micro": cell["value_add_micro"],
                "book_micro": int(model[inside].sum()),
            }
        )
    return found


def _desk(evaluation: Evaluation, given: Given) -> dict[str, Any] | None:
    """What the models say of the desk as one: mean, spreads, next quarter; None where withheld."""
    if given.evidence is None:
        return None
    raw = next((r for r in evaluation.day_errors if r["trader"] is None), None) if "judged" in given.release.extra else None
    return {"population": dict(evaluation.population), "quarter": evaluation.desk.get("quarter"), "raw": raw}


def _decay(given: Given) -> list[dict[str, Any]]:
    """Sum and mean of the same decisions at each horizon, currency; empty where the plan names no further horizon or too few closed."""
    decay = given.ledger.decay
    if decay is None or "common" not in given.release.extra:
        return []
    frame = decay.select(["action_id", "decision_id", "horizon", "primary", "status", "value_add"]).to_pandas()
    waiting = set(frame.loc[frame["status"] != "CLOSED", "decision_id"])
    departed = set(given.ledger.rows["action_id"].take(given.rows.place).to_pylist())
    frame = frame[frame["action_id"].isin(departed) & ~frame["decision_id"].isin(waiting)]
    found = []
    for (horizon, primary), own in frame.groupby(["horizon", "primary"], sort=False):
        total = int(own["value_add"].sum())
        number = own["decision_id"].nunique()
        found.append(
            {
                "horizon": str(horizon),
                "primary": bool(primary),
                "decisions": number,
                "sum_micro": total,
                "mean": total / MICRO / number,
            }
        )
    return found


def _blocks(evaluation: Evaluation, given: Given) -> dict[str, Any]:
    """The blocks that speak of the desk, without anything about a trader or about a cell that is not released."""
    blocks = evaluation.attribution
    found: dict[str, Any] = {}
    for name, keep in (("factors", _factors), ("choice", _choice), ("risk", _risk), ("policies", _policies)):
        block = blocks.get(name)
        if block is not None:
            kept = keep(block, given) if block.get("available") else {"available": False, "why": _reason(block, given)}
            found |= {} if kept is None else {name: kept}
    return found


def _reason(block: Mapping[str, Any], given: Given) -> str:
    """Why a block has no answer, unless the sentence names somebody."""
    told = without_names([str(block.get("why", ""))], given.traders)
    return told[0] if told else "the reason names traders; ask the head of trading"


def _factors(block: Mapping[str, Any], given: Given) -> dict[str, Any] | None:
    """The desk's split; None where it is about other rows than the page, or a few rows of it stand apart as not attributed."""
    whole = given.release.cuts[()].of.value_add
    left = sum(int(v) for v in block["left_out"].values())
    if abs(round(block["all"]["value_add"] * MICRO) - whole) > MICRO or 0 < left < given.release.floors.decisions:
        return None
    every = block["all"]["trader"]
    own = {k: [r for r in block[k] if r["trader"] == every] for k in ("by_factor", "alpha", "return_based")}
    kept = {k: block[k] for k in ("available", "unit", "factors", "interval", "all", "books", "exposures", "left_out")}
    return kept | own | {"traders": [], "slices": []}


def _choice(block: Mapping[str, Any], given: Given) -> dict[str, Any] | None:
    """The desk's rate, regime, choice and execution; its regimes hold followed signals too and are left out."""
    if given.books is None or "signals" not in given.release.extra:
        return None
    return {k: block[k] for k in ("available", "currency", "undecided")} | {
        "desk": dict(block["desk"]) | {"regimes": []},
        "traders": [],
    }


def _risk(block: Mapping[str, Any], given: Given) -> dict[str, Any]:
    """The desk's scores."""
    del given
    own = {k: [r for r in block[k] if r["trader"] is None] for k in ("changes", "mandate")}
    return {k: v for k, v in block.items() if k not in ("changes", "mandate", "unseen")} | own | {"unseen": []}


def _policies(block: Mapping[str, Any], given: Given) -> dict[str, Any] | None:
    """Policies of the whole desk, and actions that are of nobody."""
    if given.books is None or not {"tested", "tested_signals"} <= given.release.extra:
        return None
    policies = [p for p in block["policies"] if p["key"] in DESK_POLICIES]
    actions = [a for a in block["actions"] if not a["trader"] and _told(a["key"], given)]
    return dict(block) | {"policies": policies, "actions": actions}


def _told(key: str, given: Given) -> bool:
    """Whether an action is of the whole desk, or of a regime that is released."""
    kind, _, rest = key.partition(":")
    return kind in (*DESK_POLICIES, "wait") or given.release.has(("regime",), (rest.partition("=")[2],))


def _named(evaluation: Evaluation) -> Sequence[Mapping[str, Any]]:
    """One row a trader, for a manager who supervises them; nothing of a withheld one but counts and reasons."""
    own = [{k: r[k] for k in NAMED_ROW} for r in evaluation.rows if r["regime"] == "all"]
    gone = {k: None for k in NAMED_ROW if k.startswith(("ir_", "p_"))} | {"status": "WITHHOLD"}
    return [r | gone if "WITHHOLD" in (r["status"], evaluation.status) else r for r in own]


PM: Final = Reader(collect, view, "pm.html.j2", needs_ledger=True)
