"""M0: the ledger's mean and hit rate with errors that know that a day is a bet.

Rows of one session share its shocks, so the standard error of a mean is clustered by session (Liang and Zeger 1986, with the usual
small-sample factor G / (G - 1)):

    se^2 = G / (G - 1) x sum_s ( sum_(i in s) (x_i - xbar) )^2 / n^2,     n_eff = n x (naive se / clustered se)^2.

No model, no shrinkage, no multiplicity: description, printed beside the posterior, never in its place.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from skillstats.evidence import Evidence

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
WHOLE_DESK: Final = None


def clustered_se(values: FloatArray, cluster: IntArray) -> float | None:
    """Standard error of a mean of rows that share clusters; None with fewer than two clusters.

    Examples
    --------
    >>> clustered_se(np.array([1.0, 1.0, -1.0, -1.0]), np.array([0, 0, 1, 1]))
    1.0
    """
    _, at = np.unique(cluster, return_inverse=True)
    groups = int(at.max(initial=-1)) + 1
    if groups < 2:
        return None
    sums = np.bincount(at, weights=values - values.mean())
    return float(np.sqrt(groups / (groups - 1) * np.sum(sums**2)) / len(values))


def day_error_table(evidence: Evidence) -> list[dict[str, Any]]:
    """One line a trader and one for the desk (trader None): means a row with day-clustered errors.

    Returns
    -------
    [{trader, rows, days, mean, mean_se, mean_q05, mean_q95, hit_rate, hit_rate_se, n_eff}]; mean in the input's unit a row of evidence,
    the 90% interval by Student's t with days - 1 degrees of freedom, n_eff effective rows (never more than there are)
    """
    own = [(name, np.flatnonzero(evidence.trader == j)) for j, name in enumerate(evidence.coords["trader"])]
    whole = [(WHOLE_DESK, np.arange(len(evidence)))]
    return [_line(name, evidence.value_add[rows], evidence.session[rows]) for name, rows in [*own, *whole] if len(rows)]


def _line(name: str | None, value: FloatArray, session: IntArray) -> dict[str, Any]:
    days, n = len(np.unique(session)), len(value)
    error, hit_error = clustered_se(value, session), clustered_se((value > 0).astype(float), session)
    reach = None if error is None else float(stdtrit(days - 1, 0.95)) * error
    mean = float(value.mean())
    naive = float(value.std() / np.sqrt(n - 1)) if n > 1 else 0.0
    return {
        "trader": name,
        "rows": n,
        "days": days,
        "mean": mean,
        "mean_se": error,
        "mean_q05": None if reach is None else mean - reach,
        "mean_q95": None if reach is None else mean + reach,
        "hit_rate": float(np.mean(value > 0)),
        "hit_rate_se": hit_error,
        "n_eff": min(float(n), n * (naive / error) ** 2) if error else None,
    }
