"""The developer of the model: which signals are overridden, how often and how well, and where the model is wrong.

Signals and models, regimes and types of action; no trader, no free text, no row of a person. People's side is made of the cells of one
release with the manager's page (see `report.release`), in whole units of the currency; the model's own side stands signal by signal.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import pyarrow as pa

from skillstats.report.readers.material import Material, Reader
from skillstats.report.readers.quant_view import QuantView, quant_view
from skillstats.report.release.by_signal import model_rows, parts_by_type, signals_by, whole
from skillstats.report.release.departures import labels_of
from skillstats.report.release.given import Given, given_of, without_names
from skillstats.report.release.plain import plain_cut
from skillstats.report.release.release import CONTEXT

SINGLE: Final = ("signal_type", "action", "regime", "asset_class", "model_version", "side", "time_of_day", "volatility")
CROSSED: Final = (("signal_type", "regime"), ("signal_type", "asset_class"), ("signal_type", "action"))
IN_PLACE: Final = {"regime": "regime_of_signals", "asset_class": "class_of_signals"}
"""Labels whose cells leave own orders out, where there are any: a rate is of signals."""
SURFACE: Final = ("label", "level", "mean", "q05", "q95", "p_below", "sessions")
COLUMNS: Final = (
    ("table", pa.string()), ("label_1", pa.string()), ("level_1", pa.string()), ("label_2", pa.string()), ("level_2", pa.string()),
    ("label_3", pa.string()), ("level_3", pa.string()), ("shown", pa.bool_()), ("signals", pa.int64()), ("model_pnl", pa.int64()),
    ("overridden", pa.int64()), ("override_rate", pa.float64()), ("decisions", pa.int64()), ("value_add", pa.int64()), ("sessions", pa.int64()),
    ("ir_annual_mean", pa.float64()), ("ir_annual_q05", pa.float64()), ("ir_annual_q95", pa.float64()), ("p_above_hurdle", pa.float64()),
    ("p_sure", pa.float64()), ("thin", pa.bool_()), ("model_wrong", pa.bool_()),
)  # fmt: skip


def collect(material: Material) -> dict[str, Any]:
    """What the developer may see, as plain data; see `quant_view` for where it stands."""
    evaluation = material.evaluation
    given = given_of(evaluation, material.ledger)
    known = labels_of(given.ledger)
    contexts = context_labels(given)
    wanted = [*((k,) for k in SINGLE), *CROSSED, *([contexts] if len(contexts) == len(CONTEXT) else [])]
    tables = [t for labels in dict.fromkeys(wanted) if (t := _table(given, labels, known)) is not None]
    departures = given.release.cuts.get(())
    return {
        "audience": "quant",
        "status": evaluation.status,
        "codes": [str(c["code"]) for c in evaluation.codes],
        "period": [evaluation.source["first_session"], evaluation.source["last_session"]],
        "unit": evaluation.source["unit"],
        "floors": {"traders": given.release.floors.people, "decisions": given.release.floors.decisions},
        "shown": given.release.shown,
        "why": given.why,
        "hurdle": evaluation.plan["hurdle"],
        "certainty": evaluation.plan["certainty"],
        "fdr": given.plan.verdict.fdr,
        "signals": _signals(given),
        "whole": None
        if departures is None
        else {"decisions": departures.of.decisions, "value_add": whole(departures.of.value_add)},
        "contexts": list(contexts),
        "tables": tables,
        "parts": parts_by_type(given) if given.release.shown else {},
        "surface": _surface(evaluation.attribution.get("regimes") or {}, given),
        "caveats": without_names(evaluation.caveats, given.traders),
        "identity": {k: str(evaluation.identity[k]) for k in ("evidence", "version", "seed")}
        | {"plan": str(evaluation.plan["digest"]), "ledger": given.ledger.digest},
    }


def view(data: Mapping[str, Any]) -> QuantView:
    """The developer's page as text."""
    return quant_view(data)


def tables(material: Material) -> Mapping[str, pa.Table]:
    """The cells of the page, and the model's own signals, for a notebook."""
    given = given_of(material.evaluation, material.ledger)
    lines = [line for table in collect(material)["tables"] for line in _lines(table)]
    arrays = [pa.array([line.get(name) for line in lines], type=kind) for name, kind in COLUMNS]
    cells = pa.table(arrays, names=[name for name, _ in COLUMNS])
    return {"cells.parquet": cells, "signals.parquet": model_rows(given)}


def context_labels(given: Given) -> tuple[str, ...]:
    """The labels of a context: signal type, regime and asset class, as far as they tell signals apart."""
    labels = tuple(k for k in CONTEXT if k in given.rows.labels)
    return labels if labels in given.release.cuts else labels[:1]


def _signals(given: Given) -> dict[str, int]:
    counts = given.ledger.result["counts"]
    return {k: int(counts[k]) for k in ("followed", "intervened", "no_decision")}


def _table(given: Given, labels: tuple[str, ...], known: Mapping[str, Any]) -> dict[str, Any] | None:
    """One table: people's side of its released cells beside the model's side of all."""
    at = tuple(IN_PLACE[k] if IN_PLACE.get(k) in given.rows.labels and len(labels) == 1 else k for k in labels)
    made = plain_cut(given, at)
    if made is None or not set(labels) <= set(known):
        return None
    rated = "action" not in labels
    sides = signals_by(given.ledger, labels, known) if rated else {}
    found = {tuple(c["levels"]): _cell(c, sides.get(tuple(c["levels"]))) for c in made["cells"]}
    left = [_only_model(levels, side) for levels, side in sides.items() if levels not in found and _told(given, labels, levels)]
    rest = (
        None
        if made["rest"] is None
        else {"decisions": made["rest"]["decisions"], "value_add": whole(made["rest"]["value_add_micro"])}
    )
    return {"labels": list(labels), "cells": [*found.values(), *left], "rest": rest, "hidden": made["hidden"]}


def _told(given: Given, labels: tuple[str, ...], levels: tuple[str, ...]) -> bool:
    """Whether each level may be named: it is released by itself."""
    return all(given.release.has((k,), (level,)) for k, level in zip(labels, levels, strict=True))


def _cell(cell: Mapping[str, Any], side: tuple[int, int] | None) -> dict[str, Any]:
    own = {k: cell[k] for k in ("levels", "decisions", "estimate")} | {
        "shown": True,
        "overridden": cell["rows"],
        "value_add": whole(cell["value_add_micro"]),
    }
    model = (
        {"signals": None, "model_pnl": None, "rate": None}
        if side is None
        else {"signals": side[0], "model_pnl": side[1], "rate": cell["rows"] / side[0]}
    )
    return own | model


def _only_model(levels: tuple[str, ...], side: tuple[int, int]) -> dict[str, Any]:
    """A cell whose people's side is not released."""
    people = dict.fromkeys(("decisions", "estimate", "overridden", "value_add", "rate"))
    return {"levels": list(levels), "shown": False, "signals": side[0], "model_pnl": side[1]} | people


def _surface(block: Mapping[str, Any], given: Given) -> dict[str, Any]:
    """The model's own value by context; what people did there is left to the cells."""
    if not block.get("available") or given.evidence is None:
        return {"why": "the block `regimes` was not computed or is withheld", "contexts": []}
    surface = block["surface"]
    if not surface.get("contexts"):
        return {"why": str(surface.get("why", "nothing to show")), "contexts": []}
    kept = [
        {k: c["cell"][k] for k in SURFACE} | {"signals": c["signals"], "model_pnl": round(c["model_pnl"])}
        for c in surface["contexts"]
        if any((c["cell"]["level"],) in cut.levels() for key, cut in given.release.cuts.items() if len(key) == 1)
    ]
    return {"why": "", "unit": block["unit"], "without_risk": surface["without_risk"], "contexts": kept}


def _lines(table: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Rows of cells.parquet: every cell, then what is not shown separately."""
    name = " x ".join(table["labels"])
    labels = {f"label_{i + 1}": k for i, k in enumerate(table["labels"])}
    found = []
    for c in table["cells"]:
        e = c["estimate"] or {}
        levels = {f"level_{i + 1}": k for i, k in enumerate(c["levels"])}
        estimate = {
            "sessions": e.get("sessions"),
            "thin": e.get("thin"),
            "model_wrong": e.get("listed"),
            "p_sure": e.get("p_sure"),
            "p_above_hurdle": e.get("p_above"),
        }
        estimate |= {f"ir_annual_{k}": e.get(k) for k in ("mean", "q05", "q95")}
        own = {k: c[k] for k in ("shown", "signals", "model_pnl", "overridden", "decisions", "value_add")} | {
            "override_rate": c["rate"]
        }
        found.append({"table": name} | labels | levels | own | estimate)
    if table["rest"] is not None:
        found.append({"table": name, "shown": False} | labels | {k: table["rest"][k] for k in ("decisions", "value_add")})
    return found


QUANT: Final = Reader(collect, view, "quant.html.j2", needs_ledger=True, tables=tables)
