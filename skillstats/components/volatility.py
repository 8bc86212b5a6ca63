"""Volatility: the sd of what is left of one outcome when skill and shared shocks are taken out.

    log sigma_jr = lam_j + l_r,   lam_j ~ Normal(l0, t_sigma),   l_r zero-sum with a fixed sd

Without ``trader``, lam_j is l0; without ``regime``, l_r is 0. The model is centred. The sampler, however, moves in coordinates
x_j in which the posterior of lam_j has about unit scale whatever t_sigma is, so that equal and unequal traders are both
sampled without a funnel: with lamhat_j, d_j the estimate of lam_j from within-session squares and its standard error,

    lam_j = (t^2 lamhat_j + d_j^2 l0) / (t^2 + d_j^2) + x_j * t d_j / sqrt(t^2 + d_j^2),   t = t_sigma.

This is a change of variables with its Jacobian: lamhat and d move the coordinates, never the posterior.
"""

from __future__ import annotations

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from numpy.typing import NDArray

from skillstats.components.luck import Draw
from skillstats.components.types import Tensor
from skillstats.evidence import Cells


def trader(level: Tensor, draw: Draw, estimate: Tensor) -> Tensor:
    """lam_j, shape (trader, 1), log y units; `estimate` (2, trader) from `log_sd_estimate`."""
    spread = draw("residual_log_sd_spread", "t_sigma")
    total = spread**2 + estimate[1] ** 2
    scale = spread * estimate[1] / pt.sqrt(total)  # shape: (trader,)
    centre = (spread**2 * estimate[0] + estimate[1] ** 2 * level) / total
    lam = pm.Deterministic("lam", centre + scale * pm.Flat("x_lam", dims="trader"), dims="trader")
    pm.Potential(
        "lam_prior", (pm.logp(pm.Normal.dist(level, spread), lam) + pt.log(scale)).sum()
    )  # density of lam, and d lam / d x
    return lam[:, None]


def regime(draw: Draw) -> Tensor:
    """l_r, shape (1, regime), log y units, sums to 0."""
    return draw("residual_log_sd_regime", "l_r", dims="regime")[None, :]


def log_sd_estimate(cells: Cells, traders: int) -> NDArray[np.float64]:
    """Log residual sd of each trader from squares within trader-sessions, and its standard error, shape (2, trader), log y units.

    With nu degrees of freedom the log of a standard deviation has a standard error of about ``1 / sqrt(2 nu)``. Traders
    without two rows in a session get the pooled value and an error of 1.
    """
    order = np.lexsort((cells.session, cells.trader))
    trader, n, mean = cells.trader[order], cells.n[order], cells.mean[order]
    starts = np.flatnonzero((np.diff(trader, prepend=-1) != 0) | (np.diff(cells.session[order], prepend=-1) != 0))
    rows = np.add.reduceat(n, starts)
    centre = np.repeat(np.add.reduceat(n * mean, starts) / rows, np.diff(starts, append=len(n)))
    squares = np.bincount(trader, cells.ss[order] + n * (mean - centre) ** 2, traders)
    freedom = np.bincount(trader[starts], rows - 1, traders)
    usable = (freedom > 0) & (squares > 0)
    pooled = np.log(squares[usable].sum() / freedom[usable].sum()) / 2 if usable.any() else 0.0
    estimate, error = np.full(traders, pooled), np.ones(traders)
    estimate[usable] = np.log(squares[usable] / freedom[usable]) / 2
    error[usable] = 1 / np.sqrt(2 * freedom[usable])
    return np.stack([estimate, error])
