"""What changed against an earlier evaluation: in the plan, in the data, in how it was computed, and in every row of the result.

A number that is withheld on either side is given on neither: the earlier number of a trader who is withheld now would be the withheld number
under another name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec
import pyarrow as pa

from skillstats.declared import plan_differences
from skillstats.errors import UsageError
from skillstats.evaluation.restate_words import restatement_text
from skillstats.evaluation.result import ESTIMAND_COLUMNS, SKILL_COLUMNS, Evaluation
from skillstats.evaluation.write import read_evaluation
from skillstats.ledger.changes import LedgerChanges, RowChange, row_changes
from skillstats.ledger.containers import Ledger
from skillstats.ledger.write import read_ledger
from skillstats.plan import Plan
from skillstats.units import format_micro

LISTED: Final = 50
"""Rows of the ledger that the evaluation lists; all of them are in restatement.csv."""
RUN: Final = ("spec_name", "spec", "version", "components", "engine", "seed", "chains", "draws")
COMPARED: Final = tuple(c for c in SKILL_COLUMNS if c not in ("trader", "regime", "reasons"))
NUMBERS: Final = frozenset(ESTIMAND_COLUMNS)
"""Columns that are given on neither side where one side is withheld."""
CELLS: Final = ("part", "what", "row", "trader", "regime", "column", "before", "after")


@dataclass(frozen=True, slots=True)
class Earlier:
    """An evaluation that is restated: what it said, digest of its folder, digests of its inputs, and its ledger where that is at hand."""

    evaluation: Evaluation
    digest: str
    inputs: Mapping[str, str]
    ledger: Ledger | None = None


@dataclass(frozen=True, slots=True)
class Restatement:
    """What changed.

    plain : for `Evaluation.restatement`: of {digest, plan, evidence, version, name}, nothing (bool), text, plan [{key, before, after,
        changes, meaning}], run [{key, before, after}], data {compared (rows | digests), same, before, after, and for rows added, removed,
        changed, columns {name: rows}, new_columns, traders {name: rows}, total_before, total_after (micro-units), rows [{row, trader, what,
        columns, value_add_before, value_add_after}], at most `LISTED`}, results [{trader, regime, what (same | changed | added | removed),
        status_before, status_after, columns, before {..}, after {..}}], before and after with the columns of skill.csv
    cells : every difference, a line each, with the columns of `CELLS`, all text
    """

    plain: Mapping[str, Any]
    cells: pa.Table


def read_earlier(folder: str | Path, ledger: str | Path | None = None) -> Earlier:
    """Read an evaluation that is to be restated, and the ledger it rests on.

    Raises
    ------
    UsageError
        If one of them cannot be read, or the evaluation does not rest on that ledger.
    """
    evaluation = read_evaluation(folder)
    try:
        manifest = msgspec.json.decode((Path(folder) / "manifest.json").read_bytes())
        digest, inputs = str(manifest["result_digest"]), dict(manifest["result"]["inputs"])
    except (OSError, msgspec.DecodeError, KeyError, TypeError):
        raise UsageError(f"{folder}: its manifest cannot be read; run skillstats verify on it") from None
    rows = None if ledger is None else read_ledger(ledger)
    if rows is not None and rows.digest != inputs.get("ledger_digest"):
        stated = inputs.get("ledger_digest", "none")[:12]
        raise UsageError(f"{ledger}: digest {rows.digest[:12]}, but {folder} rests on {stated}; name the ledger it was made from")
    return Earlier(evaluation, digest, inputs, rows)


def restate(evaluation: Evaluation, earlier: Earlier, ledger: Ledger | None = None) -> Restatement:
    """Compare an evaluation with an earlier one.

    Parameters
    ----------
    evaluation : the new one; earlier : what it restates, see `read_earlier`
    ledger : of the new one; with the ledger of the earlier one, rows are compared, else digests

    Returns
    -------
    Restatement
    """
    old = earlier.evaluation
    changes = row_changes(earlier.ledger.rows, ledger.rows) if earlier.ledger is not None and ledger is not None else None
    plan = [d.plain() for d in plan_differences(plan_of(old), plan_of(evaluation))]
    one, two = ({**e.identity, **{k: e.diagnostics.get(k) for k in ("chains", "draws")}} for e in (old, evaluation))
    run = [{"key": k, "before": one.get(k), "after": two.get(k)} for k in RUN if one.get(k) != two.get(k)]
    results = _results(old, evaluation)
    data = _data(earlier, evaluation, ledger, changes)
    nothing = not plan and not run and data["same"] and all(r["what"] == "same" for r in results)
    plain = {
        "of": {
            "digest": earlier.digest,
            "plan": old.plan["digest"],
            "evidence": old.identity["evidence"],
            "version": old.identity["version"],
            "name": old.plan["name"],
        },
        "nothing": nothing,
        "plan": plan,
        "run": run,
        "data": data,
        "results": results,
    }
    return Restatement(plain | {"text": restatement_text(plain)}, _cells(plain, changes))


def plan_of(evaluation: Evaluation) -> Plan:
    """The complete plan of an evaluation, with this version's defaults for keys it did not know.

    Raises
    ------
    UsageError
        If it holds a key that this version does not know.
    """
    try:
        return msgspec.json.decode(str(evaluation.plan["text"]).encode(), type=Plan)
    except msgspec.DecodeError as error:
        raise UsageError(
            f"the plan of evaluation {evaluation.plan['name']!r} cannot be read by this version ({error}); use the version that wrote it"
        ) from None


def _data(earlier: Earlier, evaluation: Evaluation, ledger: Ledger | None, changes: LedgerChanges | None) -> dict[str, Any]:
    """Rows where both ledgers are at hand, else whether the evidence is the same."""
    before, after = earlier.evaluation.identity["evidence"], evaluation.identity["evidence"]
    if changes is None or earlier.ledger is None or ledger is None:
        return {"compared": "digests", "same": before == after, "before": before, "after": after}
    counts = {what: changes.count(what) for what in ("added", "removed", "changed")}
    traders = Counter(r.trader for r in changes.rows if r.trader is not None)
    return {
        "compared": "rows",
        "same": before == after and not changes.rows,
        "before": before,
        "after": after,
        **counts,
        "columns": dict(sorted(changes.columns.items(), key=lambda item: (-item[1], item[0]))),
        "new_columns": list(changes.new_columns),
        "traders": dict(sorted(traders.items())),
        "total_before": earlier.ledger.result["totals"]["value_add"],
        "total_after": ledger.result["totals"]["value_add"],
        "rows": [_listed(r) for r in changes.rows[:LISTED]],
    }


def _listed(row: RowChange) -> dict[str, Any]:
    return {
        "row": row.row,
        "trader": row.trader,
        "what": row.what,
        "columns": list(row.columns),
        "value_add_before": row.value_add_before,
        "value_add_after": row.value_add_after,
    }


def _results(old: Evaluation, new: Evaluation) -> list[dict[str, Any]]:
    """Every row of either result, in the order of the new one; rows that are gone last."""
    before, after = ({(r["trader"], r["regime"]): r for r in e.rows} for e in (old, new))
    keys = [*after, *(k for k in before if k not in after)]
    return [_result(key, before.get(key), after.get(key)) for key in keys]


def _result(key: tuple[str, str], old: Mapping[str, Any] | None, new: Mapping[str, Any] | None) -> dict[str, Any]:
    hidden = any(r is not None and r["status"] == "WITHHOLD" for r in (old, new))
    shown = [c for c in COMPARED if not (hidden and c in NUMBERS)]
    one, two = ({c: r[c] if c in shown else None for c in COMPARED} if r is not None else {} for r in (old, new))
    changed = [c for c in COMPARED if old is not None and new is not None and one[c] != two[c]]
    what = "added" if old is None else "removed" if new is None else "changed" if changed else "same"
    return {
        "trader": key[0],
        "regime": key[1],
        "what": what,
        "status_before": one.get("status"),
        "status_after": two.get("status"),
        "columns": changed,
        "before": one,
        "after": two,
    }


def _cells(plain: Mapping[str, Any], changes: LedgerChanges | None) -> pa.Table:
    """Every difference as text, a line each."""
    lines: list[tuple[Any, ...]] = []
    lines += [("plan", "changed", None, None, None, d["key"], d["before"], d["after"]) for d in plain["plan"]]
    lines += [("run", "changed", None, None, None, d["key"], d["before"], d["after"]) for d in plain["run"]]
    if not plain["data"]["same"]:
        lines.append(("data", "changed", None, None, None, "evidence digest", plain["data"]["before"], plain["data"]["after"]))
    for row in changes.rows if changes is not None else ():
        head = ("data", row.what, row.row, row.trader, None)
        lines += [(*head, *cell) for cell in row.cells] or [
            (*head, "value_add", *(_money(v) for v in (row.value_add_before, row.value_add_after)))
        ]
    for r in plain["results"]:
        columns = r["columns"] if r["what"] == "changed" else COMPARED if r["what"] in ("added", "removed") else ()
        lines += [
            ("result", r["what"], None, r["trader"], r["regime"], c, r["before"].get(c), r["after"].get(c)) for c in columns
        ]
    columns = list(zip(*lines, strict=True)) if lines else [()] * len(CELLS)
    return pa.table([pa.array([_text(v) for v in column], type=pa.string()) for column in columns], names=list(CELLS))


def _money(micro: int | None) -> str | None:
    return None if micro is None else format_micro(micro)


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return msgspec.json.encode(value).decode()
