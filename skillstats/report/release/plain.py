"""Released cells as plain data, for the files beside the pages; money in whole micro-units, estimates None where there are none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final

from skillstats.boundary.wrong import WrongContext
from skillstats.report.release.given import Given
from skillstats.report.release.release import Cell

NAMES: Final = {
    "asset_class": "asset class", "regime": "regime", "action": "action", "horizon": "horizon", "month": "month", "asset": "asset",
    "signal_type": "signal type", "model_version": "model version", "side": "side", "time_of_day": "time of day",
    "volatility": "volatility of the asset", "trader": "trader", "regime_of_signals": "regime", "class_of_signals": "asset class",
}  # fmt: skip
"""Labels as a reader meets them."""
ESTIMATE: Final = ("sessions", "mean", "q05", "q95", "p_above", "p_below", "p_sure", "thin", "listed", "running")


def plain_cut(given: Given, labels: tuple[str, ...], *, estimates: bool = True) -> dict[str, Any] | None:
    """One table as plain data, None where it is not released.

    Returns
    -------
    labels, cells [{levels, decisions, rows, model_micro, actual_micro, value_add_micro, estimate}], rest and total likewise (rest None where
    every cell is shown), hidden : number of cells in the rest; ``estimate`` has the keys `ESTIMATE`, values in annual IR
    """
    cut = given.release.cuts.get(labels)
    if cut is None:
        return None
    found = {c.levels: c for c in given.contexts(labels)} if estimates and labels else {}
    return {
        "labels": list(labels),
        "cells": [plain_cell(c) | {"estimate": _estimate(found.get(c.levels))} for c in cut.cells],
        "rest": None if cut.rest is None else plain_cell(cut.rest),
        "hidden": cut.hidden,
        "total": plain_cell(cut.of),
    }


def plain_cell(cell: Cell) -> dict[str, Any]:
    """A cell as plain data; how many people it has is not told."""
    money = {f"{k}_micro": getattr(cell, k) for k in ("model", "actual", "value_add")}
    return {"levels": list(cell.levels), "decisions": cell.decisions, "rows": cell.rows} | money


def _estimate(found: WrongContext | None) -> Mapping[str, Any] | None:
    return None if found is None else {k: v for k, v in asdict(found).items() if k in ESTIMATE}
