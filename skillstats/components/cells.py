"""The density of the outcomes on cells, with the shocks of sessions integrated out exactly.

A cell c holds the rows of one (trader j, session s, regime r, action k): n_c rows, mean ybar_c, centred squares SS_c. With
w_c = n_c / sigma_c^2 and e_c = ybar_c - theta_c,

    A_js = sum w_c,  B_js = sum w_c e_c,  D_js = 1 + s_Uj^2 A_js
    A_s = sum A_js / D_js,  B_s = sum B_js / D_js,  E_s = 1 + s_V^2 A_s
    log p(y_s) = -1/2 sum_c [n_c log(2 pi sigma_c^2) + SS_c / sigma_c^2 + w_c e_c^2]
                 + sum_j [-1/2 log D_js + s_Uj^2 B_js^2 / (2 D_js)]  - 1/2 log E_s + s_V^2 B_s^2 / (2 E_s).

It equals the dense multivariate normal density of the rows, also where regime and action vary within a session.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytensor.tensor as pt

from skillstats.components.types import Tensor
from skillstats.evidence import Cells

LOG_2PI = float(np.log(2 * np.pi))


class CellLayout(NamedTuple):
    """Where each cell belongs. A pair is a (trader, session) that occurs; cells and pairs are sorted by session, then trader.

    trader_regime : (cell,) trader * regimes + regime; combination : (cell,) trader_regime * actions + action
    pair : (cell,); pair_trader, pair_session : (pair,), sessions renumbered without gaps
    n, mean, ss : (cell,), rows, y units, squared y units

    Each field is a numpy array (int64 for indices, else float64), or the tensor that stands for it in a model.
    """

    trader_regime: Any
    combination: Any
    pair: Any
    pair_trader: Any
    pair_session: Any
    n: Any
    mean: Any
    ss: Any


def lay_out(cells: Cells, regimes: int, actions: int) -> CellLayout:
    """Index arrays of the cells for `log_density_cells` and its numpy twin."""
    new_session = np.diff(cells.session, prepend=-1) != 0
    new_pair = new_session | (np.diff(cells.trader, prepend=-1) != 0)
    trader_regime = cells.trader * regimes + cells.regime
    return CellLayout(
        trader_regime,
        trader_regime * actions + cells.action,
        np.cumsum(new_pair) - 1,
        cells.trader[new_pair],
        (np.cumsum(new_session) - 1)[new_pair],
        cells.n.astype(np.float64),
        cells.mean,
        cells.ss,
    )


def log_density_cells(
    layout: CellLayout,
    theta: Tensor,
    sigma: Tensor,
    trader_session_sd: Tensor | None,
    session_sd: Tensor | None,
) -> Tensor:
    """Log p(y_s | everything but the shocks) of every session, shape (session,), nats; the sum is the log likelihood.

    Parameters
    ----------
    layout : `CellLayout` of tensors (or arrays)
    theta : (trader, regime, action), y units, mean of a decision
    sigma : (trader, regime), y units, residual sd
    trader_session_sd : (trader,), y units, s_U; None where the model has no trader-session shock
    session_sd : (), y units, s_V; None where the model has no session shock
    """
    log_variance = 2 * pt.log(sigma).ravel()  # shape: (trader * regime,)
    precision = pt.exp(-log_variance)[layout.trader_regime]  # shape: (cell,)
    error = layout.mean - theta.ravel()[layout.combination]
    weighted = layout.n * precision * error
    pairs, sessions = layout.pair_session.shape[0], layout.pair_session[-1] + 1
    rows = layout.n * (LOG_2PI + log_variance[layout.trader_regime]) + layout.ss * precision + weighted * error
    information = _sum_by(layout.pair, layout.n * precision, pairs)  # A_js, shape: (pair,)
    score = _sum_by(layout.pair, weighted, pairs)  # B_js, shape: (pair,)
    value = -0.5 * _sum_by(layout.pair, rows, pairs)
    if trader_session_sd is not None:
        variance = (trader_session_sd**2)[layout.pair_trader]
        shared = 1 + variance * information  # D_js
        value += 0.5 * (variance * score**2 / shared - pt.log(shared))
        information, score = information / shared, score / shared
    value = _sum_by(layout.pair_session, value, sessions)
    if session_sd is not None:
        total = 1 + session_sd**2 * _sum_by(layout.pair_session, information, sessions)  # E_s, shape: (session,)
        value += 0.5 * (session_sd**2 * _sum_by(layout.pair_session, score, sessions) ** 2 / total - pt.log(total))
    return value


def _sum_by(index: Tensor, values: Tensor, groups: Tensor) -> Tensor:
    """Sums of `values` within the groups `index` names, shape (groups,)."""
    return pt.inc_subtensor(pt.zeros(groups)[index], values)  # type: ignore[no-untyped-call]
