"""Power curves, and the decisions a stated power takes, where a world is run with records of several lengths.

Power is the share of the skilled who are claimed. Over designs of one world, z = Phi^-1(power) is close to a straight line in the root of n, the mean
number of decisions of a judged trader: exactly one for a flat prior and no hurdle, z = sqrt(n) IR - z_c. The line through the two designs whose powers enclose
the wanted one (the nearest two where none do) gives

    n = (r_1 + (r_2 - r_1) (z* - z_1) / (z_2 - z_1))^2,   r = sqrt(n),

its Monte-Carlo error that of both powers, by the delta method.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd
from scipy.special import ndtr, ndtri

from skillstats.study.planned.structs import Study
from skillstats.study.planned.tables import judged

COLUMNS: Final = ("world", "estimator", "power", "decisions", "error", "low", "high", "between")
EDGE: Final = 0.005
"""Powers nearer to 0 or 1 tell nothing of a slope."""


def power_table(study: Study, rows: pd.DataFrame, metrics: pd.DataFrame) -> pd.DataFrame:
    """Power of every estimator in every cell: world, design, estimator, decisions (mean of a judged unit), power, error."""
    worlds = {w.name: w for w in study.worlds}
    missed = metrics[metrics["metric"] == "missed_skill"].set_index(["world", "design", "estimator"])
    found: list[dict[str, Any]] = []
    for (world, design), cell in rows.groupby(["world", "design"], sort=False):
        kept = judged(cell, worlds[str(world)])
        skilled = kept[kept["ir"] > study.skilled_of(worlds[str(world)])]
        for name, own in skilled.groupby("estimator", sort=False):
            line: Any = missed.loc[(str(world), str(design), str(name)), :]
            value, error = 1 - float(line["value"]), float(line["error"])
            found.append(
                {
                    "world": world,
                    "design": design,
                    "estimator": name,
                    "decisions": float(own["n"].mean()),
                    "power": value,
                    "error": error,
                }
            )
    return pd.DataFrame(found, columns=["world", "design", "estimator", "decisions", "power", "error"])


def needed_table(powers: pd.DataFrame, wanted: float) -> pd.DataFrame:
    """Decisions at which each estimator has the power `wanted`, for worlds with at least two designs of usable power; columns `COLUMNS`."""
    found: list[dict[str, Any]] = []
    for (world, name), curve in powers.groupby(["world", "estimator"], sort=False):
        usable = curve[(curve["power"] > EDGE) & (curve["power"] < 1 - EDGE)].sort_values("decisions")
        if len(usable) >= 2:
            found.append({"world": world, "estimator": name, "power": wanted} | _crossing(usable, wanted))
    return pd.DataFrame(found, columns=list(COLUMNS))


def _crossing(curve: pd.DataFrame, wanted: float) -> dict[str, Any]:
    """Where the line through the two best designs has the wanted power."""
    n, power, error = (curve[k].to_numpy(dtype=float) for k in ("decisions", "power", "error"))
    above = int(np.clip(np.searchsorted(power, wanted), 1, len(power) - 1))
    at = [above - 1, above]
    root, z = np.sqrt(n[at]), ndtri(power[at])
    slope = (root[1] - root[0]) / (z[1] - z[0]) if z[1] != z[0] else np.nan
    target = float(ndtri(wanted))
    found = root[0] + slope * (target - z[0])
    spread = error[at] / (np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi))
    weight = (target - z[0]) / (z[1] - z[0]) if z[1] != z[0] else np.nan
    side = slope * np.hypot((1 - weight) * spread[0], weight * spread[1])
    value, deviation = float(found**2), float(abs(2 * found * side))
    inside = "designs" if min(power[at]) <= wanted <= max(power[at]) else "outside the designs"
    return {
        "decisions": value,
        "error": deviation,
        "low": value - 1.6449 * deviation,
        "high": value + 1.6449 * deviation,
        "between": f"{inside}: {n[at[0]]:.0f} ({ndtr(z[0]):.2f}) and {n[at[1]]:.0f} ({ndtr(z[1]):.2f})",
    }
