"""Simulation-based calibration: over worlds from the prior, the rank of the truth among posterior draws is uniform.

Each quantity is tested at ``alpha = .01 / Q`` (one design, Q its number of quantities) or ``.01 / 48`` (release: 12 quantities x 4
designs), so that a correct model raises an alarm in 1% of runs. An alarm is rerun once on a second seed; alarms of the same
quantity in both are a defect (false alarm 1e-4). A failed replicate stays in the denominator and may be at most one in a hundred.

References
----------
Talts, Betancourt, Simpson, Vehtari, Gelman 2018, arXiv:1804.06788; Sailynoja, Burkner, Vehtari 2022, Statistics and Computing 32:32.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from skillstats.study.bands import rank_p_value
from skillstats.study.replicate import FAILED, RANKED

FALSE_ALARM: Final = 0.01
RELEASE_TESTS: Final = 48
MOST_FAILED: Final = 0.01


@dataclass(frozen=True, slots=True)
class Verdict:
    """Outcome of one model and design. table : one row a quantity, see `assess`; failed : share of failed replicates."""

    table: pd.DataFrame
    replications: int
    failed: float

    @property
    def alarms(self) -> tuple[str, ...]:
        """Quantities whose ranks leave the band."""
        return tuple(self.table.loc[self.table["alarm"], "quantity"])

    @property
    def ok(self) -> bool:
        """No alarm and few failures."""
        return not self.alarms and self.failed <= MOST_FAILED


def alpha_of(quantities: int, *, release: bool) -> float:
    """Level of one quantity's test.

    Examples
    --------
    >>> alpha_of(10, release=False), round(alpha_of(12, release=True), 6)
    (0.001, 0.000208)
    """
    return FALSE_ALARM / (RELEASE_TESTS if release else quantities)


def assess(rows: pd.DataFrame, *, release: bool) -> Verdict:
    """Judge the rows of one model and design.

    Parameters
    ----------
    rows : columns of `replicate.COLUMNS`
    release : level of the release form, many designs; else the level of one design alone

    Returns
    -------
    Verdict; `table` columns: quantity, n (ranks), p_value, alpha, alarm, coverage_50, coverage_80, coverage_90, coverage_95 (shares of
    equal-tailed intervals that hold the truth), mean_z, sd_z, ess (smallest over replicates)
    """
    replications = rows["replicate"].nunique()
    failed = rows.loc[rows["quantity"] == FAILED, "replicate"].nunique() / max(replications, 1)
    kept = rows[rows["quantity"] != FAILED]
    names = list(dict.fromkeys(kept["quantity"]))
    alpha = alpha_of(max(len(names), 1), release=release)
    table = [_judge(name, kept[kept["quantity"] == name], alpha) for name in names]
    columns = ["quantity", "n", "p_value", "alpha", "alarm", *COVERAGE_COLUMNS, "mean_z", "sd_z", "ess"]
    return Verdict(pd.DataFrame(table, columns=columns), int(replications), float(failed))


LEVELS: Final = (0.5, 0.8, 0.9, 0.95)
COVERAGE_COLUMNS: Final = tuple(f"coverage_{level * 100:.0f}" for level in LEVELS)


def _judge(name: str, rows: pd.DataFrame, alpha: float) -> dict[str, Any]:
    p = rank_p_value(rows["rank"].to_numpy(dtype=np.int64), RANKED + 1)
    z = ((rows["mean"] - rows["truth"]) / rows["sd"]).to_numpy()
    away = np.abs(rows["below"].to_numpy() - 0.5)
    return {
        "quantity": name,
        "n": len(rows),
        "p_value": p,
        "alpha": alpha,
        "alarm": bool(p <= alpha),
        **{c: float(np.mean(away < level / 2)) for c, level in zip(COVERAGE_COLUMNS, LEVELS, strict=True)},
        "mean_z": float(z.mean()),
        "sd_z": float(z.std(ddof=1)) if len(z) > 1 else float("nan"),
        "ess": float(rows["ess"].min()),
    }


def defects(first: Verdict, second: Verdict | None) -> tuple[str, ...]:
    """Quantities with an alarm in both runs; too many failed replicates count as the quantity ``failed``."""
    if second is None:
        return ()
    again = tuple(name for name in first.alarms if name in second.alarms)
    both_failed = first.failed > MOST_FAILED and second.failed > MOST_FAILED
    return again + ((FAILED,) if both_failed else ())
