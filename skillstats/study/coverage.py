"""Coverage grid: do intervals hold the truth as often as they say, with little and much data, alone and together?

Cells: 50, 250 or 1,000 decisions a trader x outcomes of a session independent or correlated (rho about 0 or .4) x 6 or 30 traders;
parameters are drawn from the prior in every cell, because a correct posterior covers on average over its prior, not at each fixed truth.
Intervals of 50, 80, 90 and 95% for theta and the IR per decision. A share passes inside the central binomial range at exact two-sided level
.01 / (4 x 12), a family false alarm of at most 1% for each of the two quantities.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd

from skillstats.study.bands import binomial_band
from skillstats.study.designs import Design, grid_design
from skillstats.study.replicate import FAILED
from skillstats.study.sbc import LEVELS

DECISIONS: Final = (50, 250, 1000)
TRADERS: Final = (6, 30)
CELLS: Final = len(DECISIONS) * len(TRADERS) * 2
QUANTITIES: Final = ("theta", "ir_dec")


def grid(*, small: bool = False, few: bool = False) -> tuple[Design, ...]:
    """Designs of the grid's cells; `few` keeps those with 6 traders, `small` of these the ones with 50 and 250 decisions a trader."""
    kept = DECISIONS[:2] if small else DECISIONS
    traders = TRADERS[:1] if small or few else TRADERS
    return tuple(grid_design(n, together, j) for j in traders for n in kept for together in (False, True))


def coverage_table(rows: pd.DataFrame) -> pd.DataFrame:
    """Shares of intervals that hold the truth.

    Returns
    -------
    columns model, design, quantity, level, n, coverage, low, high, ok; failed replicates count as not covered
    """
    table: list[dict[str, Any]] = []
    for (model, design), cell in rows.groupby(["model", "design"], sort=False):
        failed = int((cell["quantity"] == FAILED).sum())
        for name in QUANTITIES:
            below = cell.loc[cell["quantity"] == name, "below"].to_numpy()
            n = len(below) + failed
            for level in LEVELS:
                low, high = binomial_band(n, level, 0.01 / (4 * CELLS))
                share = float(np.sum(np.abs(below - 0.5) < level / 2)) / n
                table.append(
                    {
                        "model": model,
                        "design": design,
                        "quantity": name,
                        "level": level,
                        "n": n,
                        "coverage": share,
                        "low": low,
                        "high": high,
                        "ok": low <= share <= high,
                    }
                )
    return pd.DataFrame(table)
