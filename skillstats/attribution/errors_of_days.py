"""How sure a sum over days is: intervals with sessions as clusters, and regressions on factor returns.

Everything here is computed from sums per session, so that decisions of one session, which share its luck, count as one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import stdtr, stdtrit

FloatArray = NDArray[np.float64]
FEWEST: Final = 5
"""Sessions with a value below which no interval is given."""
LEAST_DAYS: Final = 30
"""Sessions below which no regression is run."""
INTERVAL: Final = "90% interval, sessions as clusters (Student t)"
RETURN_BASED: Final = "return-based, artificial-timing risk"


def sum_interval(values: FloatArray) -> tuple[float, float] | None:
    """90% interval of the sum of independent sessions: sum +- t sqrt(n) s, with t of G - 1 degrees of freedom, G sessions with a value.

    values : (session,) one number a session, 0 where nothing happened; None with fewer than 5 values

    Examples
    --------
    >>> low, high = sum_interval(np.array([1.0, 2, 3, 4, 5]))
    >>> round(low, 2), round(high, 2)
    (7.46, 22.54)
    """
    own = np.asarray(values, dtype=float)
    filled = int(np.count_nonzero(own))
    if filled < FEWEST:
        return None
    half = float(stdtrit(filled - 1, 0.95) * np.sqrt(len(own)) * own.std(ddof=1))
    total = float(own.sum())
    return total - half, total + half


def group_intervals(values: pd.Series, group: list[str], sessions: int) -> pd.DataFrame:
    """`sum_interval` of each group at once, NaN with fewer than 5 values; columns ``<name>_q05``, ``<name>_q95``.

    values : sums by (group, session), sessions without a value left out; group : names of the index levels that make a group
    sessions : of the period
    """
    grouped = values.groupby(level=group, sort=True)
    total, filled = grouped.sum(), (values != 0).groupby(level=group, sort=True).sum()
    spread = ((values**2).groupby(level=group, sort=True).sum() - total**2 / sessions).clip(lower=0) / max(sessions - 1, 1)
    quantile = stdtrit(np.maximum(filled.to_numpy() - 1, 1), 0.95)
    half = pd.Series(quantile * np.sqrt(sessions * spread.to_numpy()), index=total.index).where(filled >= FEWEST)
    return pd.DataFrame({f"{values.name}_q05": total - half, f"{values.name}_q95": total + half})


def hac_lags(sessions: int) -> int:
    """Lags of Newey and West's estimator, ``floor(4 (n / 100)^(2/9))``.

    Examples
    --------
    >>> hac_lags(60), hac_lags(252)
    (3, 4)
    """
    return int(4 * (sessions / 100) ** (2 / 9))


def alpha_of(value: FloatArray, factors: FloatArray) -> dict[str, Any] | None:
    """Mean of a book per session after its factors: ``V_s = alpha + b'F_s + e_s`` by least squares, alpha in the unit of V per session.

    Parameters
    ----------
    value : (session,) sums of a session, so each row is a cluster; factors : (session, factor), NaN where unknown

    Returns
    -------
    alpha, two standard errors (``hac`` with its ``lags``, ``day_clustered``: HC1 on session sums), 90% interval by the larger one, betas, sessions; None with
    fewer than 30 sessions or a factor that does not move
    """
    fitted = _least_squares(value, factors, ())
    if fitted is None:
        return None
    model, n, width = fitted
    lags = hac_lags(n)
    hac = float(model.get_robustcov_results("HAC", maxlags=lags, use_correction=True).bse[0])
    clustered = float(model.get_robustcov_results("HC1").bse[0])
    half = float(stdtrit(n - width, 0.95)) * max(hac, clustered)
    alpha = float(model.params[0])
    return {
        "alpha": alpha,
        "alpha_q05": alpha - half,
        "alpha_q95": alpha + half,
        "se_hac": hac,
        "lags": lags,
        "se_day_clustered": clustered,
        "betas": [float(b) for b in model.params[1:]],
        "sessions": n,
    }


def return_based_timing(value: FloatArray, factors: FloatArray, names: Sequence[str]) -> list[dict[str, Any]]:
    """Treynor and Mazuy's and Henriksson and Merton's timing coefficients of each factor, where exposures are unknown.

    ``V = a + b'F + g F_f^2`` (TM) and ``V = a + b'F + g max(F_f, 0)`` (HM), errors HC1, both with their label: on data without timing they reject in 16-18%
    and 10-12% at a nominal one-sided 5%, with a convex pay-off in 68-99%.

    Parameters
    ----------
    value : (session,); factors : (session, factor); names : of the factors

    Returns
    -------
    one mapping a factor and method: factor, method, gamma, its standard error, t, p (one-sided), sessions, label; none with fewer than 30 sessions
    """
    found = []
    for j, name in enumerate(names):
        for method, extra in (("Treynor-Mazuy", factors[:, j] ** 2), ("Henriksson-Merton", np.maximum(factors[:, j], 0.0))):
            fitted = _least_squares(value, factors, (extra,))
            if fitted is None:
                continue
            model, n, width = fitted
            se = float(model.get_robustcov_results("HC1").bse[-1])
            t = float(model.params[-1]) / se if se > 0 else 0.0
            row = {"factor": name, "method": method, "gamma": float(model.params[-1]), "se": se, "t": t}
            found.append(row | {"p": float(stdtr(n - width, -t)), "sessions": n, "label": RETURN_BASED})
    return found


def _least_squares(value: FloatArray, factors: FloatArray, extra: tuple[FloatArray, ...]) -> tuple[Any, int, int] | None:
    """Fit on the sessions in which every factor is known; None where there are too few or the columns are dependent."""
    from statsmodels.regression.linear_model import OLS

    design = np.column_stack([np.ones(len(value)), factors, *extra])
    known = np.isfinite(design).all(axis=1)
    design, own = design[known], value[known]
    if len(own) < max(LEAST_DAYS, 3 * design.shape[1]) or not own.any():
        return None
    scaled = design / np.maximum(np.abs(design).max(axis=0), 1e-300)
    if np.linalg.matrix_rank(scaled) < design.shape[1]:
        return None
    return OLS(own, design).fit(), len(own), design.shape[1]
