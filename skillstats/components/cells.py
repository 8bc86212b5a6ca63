"""The density of the outcomes on cells, with the shocks of sessions integrated out exactly.

A cell c holds the rows of one (session s, trader j, further labels): n_c rows with mean ybar_c and centred squares SS_c of y. With
w_c = n_c / sigma_c^2 and e_c = ybar_c - theta_c,

    A_js = sum w_c,  B_js = sum w_c e_c,  D_js = 1 + s_Uj^2 A_js
    A_s = sum A_js / D_js,  B_s = sum B_js / D_js,  E_s = 1 + s_V^2 A_s
    log p(y_s) = -1/2 sum_c [n_c log(2 pi sigma_c^2) + SS_c / sigma_c^2 + w_c e_c^2]
                 + sum_j [-1/2 log D_js + s_Uj^2 B_js^2 / (2 D_js)]  - 1/2 log E_s + s_V^2 B_s^2 / (2 E_s).

With a slope in the size l of a row, y = ... + kappa_j l, the cell's mean and squares are replaced by those of y - kappa_j l, which
follow from the means and cross-products of (y, l). With a factor shock x_i F_s three more sums go along,

    X = sum w_c xbar_c,  XX = sum (n_c xbar_c^2 + SS_xx,c) / sigma_c^2,  XE = sum (n_c xbar_c e_c + SS_xe,c) / sigma_c^2,

and each shock of variance v that is integrated out below F (U_js, then V_s) takes its part of them: with D = 1 + v A,
XX - v X^2 / D, XE - v X B / D, X / D. What is left of the session is -1/2 log(1 + s_F^2 XX_s) + s_F^2 XE_s^2 / (2 (1 + s_F^2 XX_s)):
the determinant and the square of the 2 x 2 system of (V_s, F_s), eliminated one after the other. With several desks V has a value
for each desk and session, and F remains the session's.

All of it equals the dense multivariate normal density of the rows, also where labels vary within a session.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytensor.tensor as pt

from skillstats.components.types import Tensor
from skillstats.evidence import Cells, distinct

LOG_2PI = float(np.log(2 * np.pi))


class CellLayout(NamedTuple):
    """Where each cell belongs. A pair is a (trader, session) that occurs, of one desk where desks are told apart.

    trader_regime : (cell,) trader * regimes + regime; profile : (cell,) position among the profiles that occur
    pair : (cell,); pair_trader, pair_session : (pair,), sessions renumbered without gaps; cells and pairs are sorted by session
    n, mean, ss : (cell,), rows, y units, squared y units

    Each field is a numpy array (int64 for indices, else float64), or the tensor that stands for it in a model.
    """

    trader_regime: Any
    profile: Any
    pair: Any
    pair_trader: Any
    pair_session: Any
    n: Any
    mean: Any
    ss: Any


class Regressors(NamedTuple):
    """Means and centred cross-products of a cell's regressors, (cell,) each; None where the model has no such regressor.

    size, size_xx, size_xy : log size: mean, squares, products with y
    exposure, exposure_xx, exposure_xy : factor exposure likewise; size_exposure : products of the two
    """

    size: Any = None
    size_xx: Any = None
    size_xy: Any = None
    exposure: Any = None
    exposure_xx: Any = None
    exposure_xy: Any = None
    size_exposure: Any = None


class Desks(NamedTuple):
    """Desk-sessions: pair_group (pair,) the desk-session of each pair; group_session (group,) session, without gaps, sorted."""

    pair_group: Any
    group_session: Any


def lay_out(cells: Cells, regimes: int) -> CellLayout:
    """Index arrays of the cells for `log_density_cells` and its numpy twin."""
    new_session = np.diff(cells.session, prepend=-1) != 0
    new_pair = new_session | (np.diff(cells.trader, prepend=-1) != 0) | (np.diff(cells.code("desk"), prepend=-1) != 0)
    _, profile = distinct({name: cells.code(name) for name in cells.profile_labels})
    return CellLayout(
        cells.trader * regimes + cells.regime,
        profile,
        np.cumsum(new_pair) - 1,
        cells.trader[new_pair],
        (np.cumsum(new_session) - 1)[new_pair],
        cells.n.astype(np.float64),
        cells.mean,
        cells.ss,
    )


def lay_out_desks(cells: Cells) -> Desks:
    """Desk-sessions of the pairs of `lay_out`; the cells must be told apart by desk."""
    new_session, desk = np.diff(cells.session, prepend=-1) != 0, cells.code("desk")
    new_group = new_session | (np.diff(desk, prepend=-1) != 0)
    new_pair = new_group | (np.diff(cells.trader, prepend=-1) != 0)
    return Desks((np.cumsum(new_group) - 1)[new_pair], (np.cumsum(new_session) - 1)[new_group])


def lay_out_regressors(cells: Cells, names: tuple[str, ...]) -> Regressors | None:
    """Moments of the regressors called `names` ("log_size", "exposure"), in the order in which the cells hold them."""
    if not names:
        return None
    found: dict[str, Any] = {}
    for k, name in enumerate(names):
        short = {"log_size": "size", "exposure": "exposure"}[name]
        found |= {short: cells.x[:, k], f"{short}_xx": cells.xx[:, k, k], f"{short}_xy": cells.xy[:, k]}
    if len(names) == 2:
        found["size_exposure"] = cells.xx[:, 0, 1]
    return Regressors(**found)


def log_density_cells(
    layout: CellLayout,
    theta: Tensor,
    sigma: Tensor,
    trader_session_sd: Tensor | None,
    session_sd: Tensor | None,
    *,
    factor_sd: Tensor | None = None,
    kappa: Tensor | None = None,
    regressors: Regressors | None = None,
    desks: Desks | None = None,
) -> Tensor:
    """Log p(y_s | everything but the shocks) of every session, shape (session,), nats; the sum is the log likelihood.

    Parameters
    ----------
    layout : `CellLayout` of tensors (or arrays)
    theta : (profile,), y units, mean of a decision
    sigma : (trader, regime), y units, residual sd
    trader_session_sd : (trader,), y units, s_U; None where the model has no trader-session shock
    session_sd : (), y units, s_V; None where the model has no session shock
    factor_sd : (), y units per unit of exposure, s_F; kappa : (trader,), y units per log unit of size; None where there is none
    regressors : moments that `factor_sd` and `kappa` need
    desks : desk-sessions where V_s has a value for each desk
    """
    log_variance = 2 * pt.log(sigma).ravel()  # shape: (trader * regime,)
    precision = pt.exp(-log_variance)[layout.trader_regime]  # shape: (cell,)
    error, ss = layout.mean - theta[layout.profile], layout.ss
    if kappa is not None:
        assert regressors is not None
        slope = kappa[layout.pair_trader][layout.pair]  # shape: (cell,)
        error = error - slope * regressors.size
        ss = ss - 2 * slope * regressors.size_xy + slope**2 * regressors.size_xx
    weighted = layout.n * precision * error
    group = layout.pair_session if desks is None else desks.pair_group  # shape: (pair,)
    pairs, groups = group.shape[0], group[-1] + 1
    rows = layout.n * (LOG_2PI + log_variance[layout.trader_regime]) + ss * precision + weighted * error
    value = -0.5 * _sum_by(layout.pair, rows, pairs)
    sums = [_sum_by(layout.pair, layout.n * precision, pairs), _sum_by(layout.pair, weighted, pairs)]  # A_js, B_js
    if factor_sd is not None:
        assert regressors is not None
        cross = regressors.exposure_xy - (slope * regressors.size_exposure if kappa is not None else 0.0)
        x = regressors.exposure
        loads = (
            layout.n * precision * x,
            precision * (layout.n * x**2 + regressors.exposure_xx),
            weighted * x + precision * cross,
        )
        sums += [_sum_by(layout.pair, load, pairs) for load in loads]  # X_js, XX_js, XE_js
    if trader_session_sd is not None:
        gain, sums = _absorb((trader_session_sd**2)[layout.pair_trader], sums)
        value += gain
    value, *sums = (_sum_by(group, part, groups) for part in (value, *sums))
    if session_sd is not None:
        gain, sums = _absorb(session_sd**2, sums)
        value += gain
    if desks is not None:
        sessions = desks.group_session[-1] + 1
        value, *sums = (_sum_by(desks.group_session, part, sessions) for part in (value, *sums))
    if factor_sd is not None:
        shared = 1 + factor_sd**2 * sums[3]
        value += 0.5 * (factor_sd**2 * sums[4] ** 2 / shared - pt.log(shared))
    return value


def _absorb(variance: Tensor, sums: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
    """Integrate out a shock of `variance` that all rows of a group share: its part of log p, and the sums that are left."""
    information, score = sums[:2]
    shared = 1 + variance * information
    gain = 0.5 * (variance * score**2 / shared - pt.log(shared))
    left = [information / shared, score / shared]
    if len(sums) > 2:
        load, square, product = sums[2:]
        left += [load / shared, square - variance * load**2 / shared, product - variance * load * score / shared]
    return gain, left


def _sum_by(index: Tensor, values: Tensor, groups: Tensor) -> Tensor:
    """Sums of `values` within the groups `index` names, shape (groups,)."""
    return pt.inc_subtensor(pt.zeros(groups)[index], values)  # type: ignore[no-untyped-call]
