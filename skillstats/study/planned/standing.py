"""Who is best where: the reference estimator against the best rival of each cell, with the error of the difference on the same desks.

``first``: no rival is better. ``level``: a rival is better by less than 1.645 errors of the difference. ``beaten``: by more. For coverage, ``nominal``: 90% within the
tolerance of 4 points or 1.645 errors; else ``off``. A rival that has no such number is not
compared, nor is another model of the catalogue.
"""

from __future__ import annotations

from typing import Any, Final

import pandas as pd

from skillstats.study.estimators.registry import CATALOGUE
from skillstats.study.planned.metrics import METRICS
from skillstats.study.planned.structs import Study
from skillstats.study.planned.tables import Z90

NOMINAL: Final = 0.90
TOLERANCE: Final = 0.04
COLUMNS: Final = (
    "world",
    "design",
    "metric",
    "value",
    "error",
    "rival",
    "rival_value",
    "difference",
    "difference_error",
    "standing",
)


def standings(study: Study, metrics: pd.DataFrame) -> pd.DataFrame:
    """One line a cell and metric that has a better side; columns `COLUMNS`, difference = rival less reference."""
    found: list[dict[str, Any]] = []
    for (world, design, word), part in metrics.groupby(["world", "design", "metric"], sort=False):
        line = _line(study, str(word), part)
        if line is not None:
            found.append({"world": world, "design": design, "metric": word} | line)
    return pd.DataFrame(found, columns=list(COLUMNS))


def _line(study: Study, word: str, part: pd.DataFrame) -> dict[str, Any] | None:
    own = part[(part["estimator"] == study.own) & part["value"].notna()]
    better = METRICS[word].better
    if own.empty or not better:
        return None
    value, error = float(own["value"].iloc[0]), float(own["error"].iloc[0])
    line: dict[str, Any] = {"value": value, "error": error, "rival": "", "standing": "first"}
    ours = [e.name for e in study.estimators if e.word == CATALOGUE or e.name == study.own]
    rivals = part[~part["estimator"].isin(ours) & part["value"].notna()]
    if better == "nominal":
        near = abs(value - NOMINAL) <= max(TOLERANCE, Z90 * error)
        return line | {"standing": "nominal" if near else "off"}
    if rivals.empty:
        return line
    best = rivals.sort_values("value", ascending=better == "low", kind="stable").iloc[0]
    gap, spread = float(best["difference"]), float(best["difference_error"])
    ahead = gap < 0 if better == "low" else gap > 0
    standing = "first" if not ahead else "beaten" if abs(gap) > Z90 * spread else "level"
    return line | {
        "rival": str(best["estimator"]), "rival_value": float(best["value"]), "difference": gap, "difference_error": spread, "standing": standing,
    }  # fmt: skip
