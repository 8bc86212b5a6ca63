"""Contraction and z-scores: does a posterior narrow as it should, and is its centre where the truth is?

    contraction = 1 - E[var_post] / var_prior         must rise with the number of decisions
    z = (mean_post - truth) / sd_post                  mean 0, sd 1 over the prior

var_prior is the variance of the truths over the replicates. Limits at N replicates are four standard errors: 4 / sqrt(N) for the mean and
1 -+ 4 / sqrt(2 N) for the sd, a false alarm of 6e-5 each (.126 and [.91, 1.09] at 1,000).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from skillstats.study.coverage import QUANTITIES
from skillstats.study.replicate import FAILED


def contraction_table(rows: pd.DataFrame) -> pd.DataFrame:
    """Contraction and z-scores of theta and the IR per decision in every design.

    Returns
    -------
    columns model, design, quantity, n, contraction, mean_z, sd_z, limit_mean, low_sd, high_sd, ok
    """
    table: list[dict[str, Any]] = []
    kept = rows[(rows["quantity"] != FAILED) & rows["quantity"].isin(QUANTITIES)]
    for (model, design, name), cell in kept.groupby(["model", "design", "quantity"], sort=False):
        z = ((cell["mean"] - cell["truth"]) / cell["sd"]).to_numpy()
        limit, spread = 4 / np.sqrt(len(z)), 4 / np.sqrt(2 * len(z))
        mean, sd = float(z.mean()), float(z.std(ddof=1))
        table.append(
            {
                "model": model,
                "design": design,
                "quantity": name,
                "n": len(z),
                "contraction": float(1 - np.mean(cell["sd"] ** 2) / cell["truth"].var(ddof=1)),
                "mean_z": mean,
                "sd_z": sd,
                "limit_mean": float(limit),
                "low_sd": float(1 - spread),
                "high_sd": float(1 + spread),
                "ok": bool(abs(mean) < limit and abs(sd - 1) < spread),
            }
        )
    return pd.DataFrame(table)


def rises(table: pd.DataFrame) -> bool:
    """Whether contraction rises with the decisions a trader wherever else a grid's cells are alike.

    Examples
    --------
    >>> cells = [("grid-50-alone-6", 0.2), ("grid-250-alone-6", 0.5), ("grid-1000-alone-6", 0.4)]
    >>> frame = pd.DataFrame([{"model": "m", "design": d, "quantity": "theta", "contraction": c} for d, c in cells])
    >>> rises(frame), rises(frame.iloc[:2])
    (False, True)
    """
    parts = table["design"].str.split("-", expand=True)
    frame = table.assign(decisions=parts[1].astype(int), rest=parts[2] + "-" + parts[3])
    groups = frame.sort_values("decisions").groupby(["model", "quantity", "rest"])
    return bool(all((np.diff(g["contraction"]) > 0).all() for _, g in groups))
