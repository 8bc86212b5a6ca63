"""Heavy tails: rows with Student-t residuals around skill and sampled shocks.

    y_i = theta_i + V_s + U_js + sigma_jr sqrt((nu - 2) / nu) t_i,   t_i ~ Student-t(nu),   nu = 2.5 + Gamma

sigma is the standard deviation, not the scale: an information ratio from the scale is sqrt(nu / (nu - 2)) too large, 1.73 times at nu 3.
Student-t residuals do not collapse to cells, so rows are the data and the shocks are parameters, in the coordinates of
`components.coordinates`.

A row may also be a bin of n rows with mean y and centred squares ss, to second order in the width of the bin:

    log p = n log f(y - location) + ss/2 (log f)''(y - location);

for a single row n = 1 and ss = 0, which is exact (`components.histogram_t` makes the bins).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from numpy.typing import NDArray

from skillstats.components.coordinates import around
from skillstats.components.types import Tensor
from skillstats.components.volatility import log_sd_estimate
from skillstats.evidence import Evidence

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
LEAST_FREEDOM = 2.5
TYPICAL_SHOCK = 0.3
"""Sd of a shock assumed for the coordinates only, y units."""


class RowLayout(NamedTuple):
    """Where each row belongs, or each bin of rows. Sessions and pairs (trader, session) are those that occur, renumbered.

    row_trader_regime : (row,) trader * regimes + regime; row_profile : (row,) combination of the labels the mean depends on
    row_session, row_pair : (row,); pair_trader : (pair,)
    y, n, ss : (row,), mean, rows and centred squares of what the row stands for: y units, count, squared y units
    """

    row_trader_regime: Any
    row_profile: Any
    row_session: Any
    row_pair: Any
    pair_trader: Any
    y: Any
    n: Any
    ss: Any


def lay_out_rows(evidence: Evidence, profile: IntArray) -> RowLayout:
    """Layout of the rows themselves; `profile` (row,) is the position of each row among the combinations of labels that occur."""
    traders, regimes = len(evidence.coords["trader"]), len(evidence.coords["regime"])
    trader_regime = evidence.trader * regimes + evidence.regime
    pair, of_row = np.unique(evidence.session * traders + evidence.trader, return_inverse=True)
    session = np.unique(evidence.session, return_inverse=True)[1]
    ones = np.ones(len(evidence))
    y = np.asarray(evidence.y, dtype=float)
    return RowLayout(trader_regime, profile, session, of_row, pair % traders, y, ones, 0 * ones)


def shock_estimates(evidence: Evidence) -> dict[str, FloatArray]:
    """Guess and error of each shock, for the coordinates: ``V_estimate`` (2, session) and ``U_estimate`` (2, pair), y units."""
    layout, traders = lay_out_rows(evidence, np.zeros(len(evidence), dtype=np.int64)), len(evidence.coords["trader"])
    sd = np.exp(log_sd_estimate(evidence.cells, traders)[0])[layout.pair_trader]
    centre = np.bincount(evidence.trader, evidence.y, traders) / np.maximum(np.bincount(evidence.trader, minlength=traders), 1)
    counts = np.bincount(layout.row_pair)
    mean = np.bincount(layout.row_pair, evidence.y) / counts - centre[layout.pair_trader]  # shape: (pair,)
    error = sd / np.sqrt(counts)
    session = np.zeros(len(counts), dtype=np.int64)
    session[layout.row_pair] = layout.row_session
    precision = 1 / (error**2 + TYPICAL_SHOCK**2)
    total = np.bincount(session, precision)
    v = np.bincount(session, precision * mean) / total
    shrunk = v * TYPICAL_SHOCK**2 / (TYPICAL_SHOCK**2 + 1 / total)
    return {"V_estimate": np.stack([v, 1 / np.sqrt(total)]), "U_estimate": np.stack([mean - shrunk[session], error])}


def student_t(
    data: Mapping[str, Tensor],
    excess: Tensor,
    theta: Tensor,
    sigma: Tensor,
    trader_session_sd: Tensor | None,
    session_sd: Tensor | None,
) -> Tensor:
    """Log density of the outcomes given everything, shape (row,), nats; adds nu and the shocks to the model.

    Parameters
    ----------
    data : fields of `RowLayout`, and ``V_estimate``, ``U_estimate`` where the shock is in the model
    excess : nu - 2.5, shape ()
    theta : (profile,), y units; sigma : (trader, regime), y units, the standard deviation
    trader_session_sd : (trader,) s_U; session_sd : () s_V; None where the shock is not in the model
    """
    nu = pm.Deterministic("nu", LEAST_FREEDOM + excess)
    location = theta[data["row_profile"]]
    if session_sd is not None:
        location = location + around("shock_V", session_sd, data["V_estimate"], ("session",))[data["row_session"]]
    if trader_session_sd is not None:
        sd = trader_session_sd[data["pair_trader"]]
        location = location + around("shock_U", sd, data["U_estimate"], ("pair",))[data["row_pair"]]
    return log_density(data["y"] - location, sigma.ravel()[data["row_trader_regime"]], nu, data["n"], data["ss"])


def log_density(error: Tensor, sigma: Tensor, nu: Tensor, n: Tensor, ss: Tensor) -> Tensor:
    """Log density of rows or bins with standard deviation `sigma`, shape of `error`, nats."""
    squared = sigma**2 * (nu - 2)  # nu times the squared scale
    constant = pt.gammaln((nu + 1) / 2) - pt.gammaln(nu / 2) - 0.5 * (np.log(np.pi) + pt.log(squared))
    value = constant - (nu + 1) / 2 * pt.log1p(error**2 / squared)
    curvature = -(nu + 1) * (squared - error**2) / (squared + error**2) ** 2
    return n * value + 0.5 * ss * curvature
