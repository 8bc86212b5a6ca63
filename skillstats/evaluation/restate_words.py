"""A restatement in a sentence or two."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SAME = "Nothing changed: the plan, the data, the computation and every row of the result are those of the earlier evaluation."


def restatement_text(plain: Mapping[str, Any]) -> str:
    """What changed, in the order in which one thing causes the next: plan, data, computation, result."""
    if plain["nothing"]:
        return SAME
    return " ".join(
        [_plan_text(plain["plan"]), data_text(plain["data"]), *_run_text(plain["run"]), _result_text(plain["results"])]
    )


def data_text(data: Mapping[str, Any]) -> str:
    """What changed in the data, without totals."""
    if data["compared"] == "digests":
        same = "The data are the same (equal digests)." if data["same"] else "The data are not the same (digests differ)."
        return same if data["same"] else f"{same} Which rows changed can be said with the earlier ledger only."
    counts = {what: data[what] for what in ("added", "removed", "changed")}
    if not any(counts.values()):
        return (
            "No row of the ledger changed." if data["same"] else "No row of the ledger changed, but what is judged of them did."
        )
    said = ", ".join(f"{n:,} {what}" for what, n in counts.items() if n)
    most = ", ".join(list(data["columns"])[:3])
    return f"Rows of the ledger: {said}{f' (mostly in {most})' if most else ''}."


def _plan_text(plan: list[Mapping[str, Any]]) -> str:
    if not plan:
        return "The plan is the same."
    keys = ", ".join(d["key"] for d in plan[:4]) + (f" and {len(plan) - 4} more" if len(plan) > 4 else "")
    return f"The plan differs in {keys}."


def _run_text(run: list[Mapping[str, Any]]) -> list[str]:
    names = {"spec_name": "model", "spec": "specification", "components": "program of the model", "draws": "number of draws"}
    return [f"Computed otherwise: {', '.join(names.get(d['key'], d['key']) for d in run)}."] if run else []


def _result_text(results: list[Mapping[str, Any]]) -> str:
    own = [r for r in results if r["regime"] == "all"]
    status = [r for r in own if r["what"] == "changed" and r["status_before"] != r["status_after"]]
    moved = [r for r in own if r["what"] == "changed"]
    gone, new = ([r for r in own if r["what"] == what] for what in ("removed", "added"))
    said = [f"{len(moved)} of {len(own)} traders have other numbers" if moved else "every trader has the same numbers"]
    said += [f"{len(status)} another status ({', '.join(r['trader'] for r in status)})"] if status else []
    said += [f"{len(gone)} no row any more"] if gone else []
    said += [f"{len(new)} a row for the first time"] if new else []
    text = ", ".join(said) + "."
    return text[0].upper() + text[1:]
