"""Governance and audit: was it declared first, is the log intact, can it be recomputed, what was decided? No estimate, no free text.

Statuses, reason codes and decisions stand by trader id; error rates, digests and counts are of the evaluation as a whole. A reason's sentence may hold a
probability, so only its code is taken; of the restatement and of the error rates only what is named here is taken, so that whatever else they come to hold stays out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from skillstats.evaluation.blocks import BLOCKS
from skillstats.evaluation.forward import NOT_MADE
from skillstats.evaluation.minutes_outcome import calibration
from skillstats.evaluation.result import NOT_ASKED, Evaluation
from skillstats.evaluation.write import evaluation_digest
from skillstats.ledger.containers import Ledger
from skillstats.ledger.manifest import output_digests
from skillstats.ledger.write import tables_of
from skillstats.report.governance_view import view_of
from skillstats.report.readers.material import Material, Reader
from skillstats.units import parse_duration

FROZEN: Final = ("status", "at", "digest", "first_outcome", "text", "keys", "freezes")
PLAN: Final = (
    "name",
    "digest",
    "hurdle",
    "hurdle_unit",
    "certainty",
    "fdr",
    "horizon",
    "fill_model",
    "floors",
    "seed",
    "text",
    "overrides",
)
SOURCE: Final = (
    "kind",
    "target",
    "unit",
    "sessions",
    "first_session",
    "last_session",
    "traders",
    "regimes",
    "decisions",
    "rows",
    "counts",
    "ledger",
)
CHECKS: Final = (
    "engine",
    "chains",
    "draws",
    "tune",
    "divergences",
    "r_hat_max",
    "ess_min",
    "e_bfmi_min",
    "reruns",
    "gates",
    "predictive_p",
)
DECIDED: Final = ("trader", "regime", "decision", "fraction", "at", "clock", "digest", "evaluation")
RATE: Final = ("share", "q05", "q95", "error", "desks")
OF_PEOPLE: Final = frozenset({"trader", "traders", "rows", "curves", "luck"})
"""Keys below which error rates would be about single people, or sizes estimated from them."""


def collect(material: Material) -> dict[str, Any]:
    """What governance may see."""
    e = material.evaluation
    return {
        "plan": {k: e.plan.get(k) for k in PLAN} | {"frozen": _frozen(e.plan.get("frozen"))},
        "source": {k: e.source.get(k) for k in SOURCE},
        "status": e.status,
        "codes": _codes(e.codes),
        "rows": [{k: r[k] for k in ("trader", "regime", "status", "n", "days")} | {"codes": _codes(r["codes"])} for r in e.rows],
        "identity": dict(e.identity) | {"evaluation": evaluation_digest(e)},
        "blocks": {"made": sorted(e.attribution), "of": sorted(BLOCKS)},
        "diagnostics": _diagnostics(e),
        "rates": _rates(e.operating, {r["trader"] for r in e.rows}),
        "desks": _desks(e.operating),
        "walked": (e.history.get("forecasts") or {"why": NOT_MADE}).get("why") != NOT_MADE,
        "restatement": _restated(e.restatement),
        "decided": [_decided(d) for d in material.decided],
        "earlier": len(e.minutes),
        "calibration": calibration(material.decided),
        "contests": _contests(material),
        "ledger": None if material.ledger is None else _ledger(material.ledger),
    }


def _codes(codes: Any) -> list[str]:
    """Reason codes without their sentences, each once."""
    return list(dict.fromkeys(c if isinstance(c, str) else str(c["code"]) for c in codes))


def _frozen(found: Any) -> dict[str, Any] | None:
    """Whether the plan was frozen; None where that was not recorded."""
    return {k: found.get(k) for k in FROZEN} if isinstance(found, Mapping) else None


def _diagnostics(evaluation: Evaluation) -> dict[str, Any]:
    """How the sampler and the model did: nothing here is about the skill of anybody."""
    d = evaluation.diagnostics
    engines = d.get("engines")
    return {k: d.get(k) for k in CHECKS} | {
        "second": None if not engines else {k: engines[k] for k in ("other_engine", "passed", "text")}
    }


def _rates(found: Any, traders: set[str], path: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    """Every share with a simulation error in the error rates, with its place in them; whatever is about single people stays out."""
    if isinstance(found, Mapping):
        if {"share", "error"} <= set(found):
            return [{"name": " ".join(path).replace("_", " "), **{k: found.get(k) for k in RATE}}]
        kept = [(str(k), v) for k, v in found.items() if k not in OF_PEOPLE and k not in traders]
        return [line for key, value in kept for line in _rates(value, traders, (*path, key))]
    if isinstance(found, list | tuple) and not any(isinstance(x, Mapping) and OF_PEOPLE & set(x) for x in found):
        return [line for at, value in enumerate(found, 1) for line in _rates(value, traders, (*path, _label(value, at)))]
    return []


def _label(value: Any, at: int) -> str:
    """What a member of a list is about: its plain values, else its number."""
    plain = [f"{k} {v:g}" for k, v in value.items() if isinstance(v, int | float)] if isinstance(value, Mapping) else []
    return ", ".join(plain) or str(at)


def _desks(found: Mapping[str, Any]) -> int | None:
    """Desks without skill that were simulated for the error rates; 0 where none were asked for, None where the fit allowed none."""
    if not found or found.get("why") == NOT_ASKED:
        return 0
    return int(found["desks"]["none"]) if found.get("available") else None


def _restated(found: Mapping[str, Any]) -> dict[str, Any] | None:
    """Which earlier evaluation is restated, whether by its rows, and how much changed: counts of each part's changes, no value."""
    if not found:
        return None
    parts = {str(k): len(v) for k, v in found.items() if isinstance(v, list | tuple | Mapping) and k != "of"}
    of, data = (found.get(k) or {} for k in ("of", "data"))
    by_rows = isinstance(data, Mapping) and data.get("compared") == "rows"
    return {"parts": parts, "of": of.get("digest") if isinstance(of, Mapping) else None, "rows": by_rows}


def _decided(entry: Mapping[str, Any]) -> dict[str, Any]:
    """One decision: what, about whom, when; without its reason, which is free text, and without amounts."""
    came = entry.get("came")
    outcome = None if came is None else {k: came[k] for k in ("first", "last", "inside", "rules_stay")}
    return {k: entry[k] for k in DECIDED} | {"came": outcome}


def _contests(material: Material) -> int:
    """How many rows are contested, once and again."""
    return len(material.contests)


def _ledger(ledger: Ledger) -> dict[str, Any]:
    """What the ledger says of its own completeness."""
    result, rows = ledger.result, ledger.rows
    late = pc.greater(rows["recorded_lag"], parse_duration(ledger.plan.late_after))
    found = output_digests(tables_of(ledger))
    return {
        "digest": ledger.digest,
        "plan": result["plan_digest"],
        "inputs": dict(result["inputs"]),
        "files": dict(ledger.provenance.get("files", {})),
        "changed": sorted(n for n, digest in result["outputs"].items() if found.get(n) != digest),
        "counts": dict(result["counts"]),
        "signals": {
            "rows": rows.num_rows - rows["signal_id"].null_count,
            "quarantined": _signals(ledger.quarantine),
            "dropped": _signals(ledger.drops),
        },
        "by_trader": {t: {k: n for k, n in c.items() if isinstance(n, int)} for t, c in result["by_trader"].items()},
        "late": {
            "rows": pc.sum(late).as_py() or 0,
            "of": rows.num_rows - rows["recorded_lag"].null_count,
            "after": ledger.plan.late_after,
        },
        "reasons": ledger.provenance.get("reasons"),
        "as_of": result["as_of"],
    }


def _signals(table: pa.Table) -> int:
    """Rows of a list that are signals."""
    return int(table["table"].to_pylist().count("signals"))


def view(data: Mapping[str, Any]) -> Any:
    """The page as text."""
    return view_of(data)


GOVERNANCE: Final = Reader(collect, view, "governance.html.j2")
