"""From the rows of all desks to tables: a metric a line with its Monte-Carlo error, the difference to the reference, the replications a precision takes.

    columns of the metrics' table: world, design, estimator, metric, value, error, low, high (90%), desks, difference, difference_error,
    wanted, needed

`difference` is value less the reference's on the same desks, with the error of that difference; `needed` the desks of this cell after which the error
would be the one `wanted`, desks x (error / wanted)^2.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skillstats.study.planned.metrics import METRICS, Cell
from skillstats.study.planned.resample import draw_weights, error_of
from skillstats.study.planned.structs import Study, WorldEntry

FloatArray = NDArray[np.float64]
Z90: Final = 1.6449
COLUMNS: Final = (
    "world", "design", "estimator", "metric", "value", "error", "low", "high", "desks", "difference", "difference_error", "wanted", "needed",
)  # fmt: skip


def metric_table(study: Study, rows: pd.DataFrame) -> pd.DataFrame:
    """Every metric of every estimator in every cell.

    Parameters
    ----------
    study : names the worlds, the metrics and the precision
    rows : columns world, design, replicate and `work.ROWS`
    """
    worlds = {w.name: w for w in study.worlds}
    found: list[dict[str, Any]] = []
    for (world, design), cell in rows.groupby(["world", "design"], sort=False):
        found += _cell_lines(study, worlds[str(world)], cell, {"world": world, "design": design})
    return pd.DataFrame(found, columns=list(COLUMNS))


def judged(rows: pd.DataFrame, entry: WorldEntry) -> pd.DataFrame:
    """The rows a world is judged by: traders, or their cells where there are regimes."""
    if entry.judge == "cell":
        return rows[rows["regime"] != "all"]
    return rows[rows["regime"] == "all"]


def _cell_lines(study: Study, entry: WorldEntry, cell: pd.DataFrame, head: Mapping[str, Any]) -> list[dict[str, Any]]:
    kept = judged(cell, entry)
    replicates = np.sort(kept["replicate"].unique())
    weights = draw_weights(len(replicates), study.seed)
    resampled = {
        str(name): _values(study, entry, own.reset_index(drop=True), replicates, weights)
        for name, own in kept.groupby("estimator", sort=False)
    }
    reference = resampled.get(study.own)
    return [
        {**head, "estimator": name, "metric": word, "desks": len(replicates)}
        | _line(
            values[word],
            None if reference is None or name == study.own else reference[word],
            _wanted(study, word),
            len(replicates),
        )
        for name, values in resampled.items()
        for word in values
    ]


def _values(
    study: Study, entry: WorldEntry, own: pd.DataFrame, replicates: NDArray[Any], weights: FloatArray
) -> dict[str, FloatArray]:
    """Metrics of one estimator, (1 + resample,) each."""
    desk = np.searchsorted(replicates, own["replicate"].to_numpy())
    cell = Cell(own, desk, weights, study.hurdle_of(entry), study.skilled_of(entry), study.found)
    return {word: metric.of(cell) for word, metric in METRICS.items() if not study.metrics or word in study.metrics}


def _wanted(study: Study, word: str) -> float | None:
    return next((p.error for p in study.precision if p.metric == word), None)


def _line(values: FloatArray, reference: FloatArray | None, wanted: float | None, desks: int) -> dict[str, Any]:
    value, error = float(values[0]), error_of(values)
    gap = values - reference if reference is not None else np.full(len(values), np.nan)
    needed = None if wanted is None or not math.isfinite(error) else max(1, math.ceil(desks * (error / wanted) ** 2))
    return {
        "value": value,
        "error": error,
        "low": value - Z90 * error,
        "high": value + Z90 * error,
        "difference": float(gap[0]),
        "difference_error": error_of(gap),
        "wanted": wanted,
        "needed": needed,
    }
