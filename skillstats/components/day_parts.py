"""Three skills a day: passive tilt, timing and selection of each trader, jointly.

    y_js = theta_j + V_s + e_js                        vectors of the parts (tilt, timing, selection) of one trader-day, risk units
    theta_j ~ Normal(mu, diag(tau) R diag(tau))        R ~ LKJ: traders good at one part may be good at another
    V_s ~ Normal(0, diag(s_V^2))                       the desk's day, by part
    e_js ~ Normal(0, diag(sigma_j) R_e diag(sigma_j))  log sigma_jk ~ Normal(l0_k, t_sigma_k)

R_e is there for the sum: intervals of the total need the covariance of the parts, and parts of one day share its factor returns. V_s is
integrated out. With P_j the inverse of the residual covariance, r_js = y_js - theta_j, A_s = sum_j P_j, B_s = sum_j P_j r_js and S = diag(s_V),

    log p(y_s) = sum_j log Normal(r_js; 0, P_j^-1) - 1/2 log det(I + S A_s S) + 1/2 B_s' S (I + S A_s S)^-1 S B_s.

Matrices of three parts are written out by element, so that everything is arithmetic on vectors of sessions.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from numpy.typing import NDArray

from skillstats.components.cells import LOG_2PI
from skillstats.components.types import Tensor
from skillstats.evidence.day_parts import DayParts

FloatArray = NDArray[np.float64]
Elements = dict[tuple[int, int], Any]
"""Elements (row, column), column <= row, of a symmetric or lower triangular matrix of parts, each broadcastable."""
LOWER = tuple((r, c) for r in range(3) for c in range(r + 1))


class PartsLayout(NamedTuple):
    """Trader-days, sorted by session, then trader. day_trader, day_session : (day,) int64, sessions renumbered; y : (day, part), risk units."""

    day_trader: Any
    day_session: Any
    y: Any


def lay_out_parts(parts: DayParts) -> PartsLayout:
    """Trader-days in the order of sessions."""
    order = np.lexsort((parts.trader, parts.session))
    session = np.unique(parts.session[order], return_inverse=True)[1]
    return PartsLayout(parts.trader[order], session, parts.y[order])


def log_sd_estimates(parts: DayParts) -> FloatArray:
    """Log sd of each trader's parts over days and its standard error, for the coordinates, shape (2, trader, part); the pooled sd and 1 where unknown."""
    traders = len(parts.coords["trader"])
    pooled = np.log(np.maximum(parts.y.std(axis=0), 1e-3))
    estimate, error = np.tile(pooled, (traders, 1)), np.ones((traders, 3))
    for j in range(traders):
        own = parts.y[parts.trader == j]
        spread = own.std(axis=0, ddof=1) if len(own) > 2 else np.zeros(3)
        known = spread > 0
        estimate[j, known], error[j, known] = np.log(spread[known]), 1 / np.sqrt(2 * (len(own) - 1))
    return np.stack([estimate, error])


def lkj_population(mu: Tensor, sd: Tensor, correlation: Tensor) -> Tensor:
    """theta_j ~ Normal(mu, diag(sd) R diag(sd)), non-centred, shape (trader, part), risk units."""
    z = pm.Normal("z_theta", 0.0, 1.0, dims=("trader", "part"))
    lower = cholesky({(r, c): correlation[r, c] for r, c in LOWER})
    columns = [sum(lower[r, c] * z[:, c] for c in range(r + 1)) for r in range(3)]
    return mu + sd * pt.stack(columns, axis=1)


def normal_days(layout: PartsLayout, theta: Tensor, sigma: Tensor, correlation: Tensor, session_sd: Tensor | None) -> Tensor:
    """Log p(y_s | everything but V_s) of every session, shape (session,), nats.

    Parameters
    ----------
    theta, sigma : (trader, part), risk units; correlation : (part, part), R_e; session_sd : (part,) s_V, None where days share no shock
    """
    lower = cholesky({(r, c): correlation[r, c] for r, c in LOWER})
    inverse = invert(lower)
    # rows of the whitening matrix of each trader: W_j = L^-1 diag(1 / sigma_j), P_j = W_j' W_j
    white = {(r, c): inverse[r, c] / sigma[:, c] for r, c in LOWER}  # each (trader,)
    left = layout.y - theta[layout.day_trader]
    u = [sum(white[r, c][layout.day_trader] * left[:, c] for c in range(r + 1)) for r in range(3)]
    log_sd = pt.log(sigma).sum(axis=1) + sum(pt.log(lower[r, r]) for r in range(3))  # shape: (trader,)
    days = -0.5 * (3 * LOG_2PI + u[0] ** 2 + u[1] ** 2 + u[2] ** 2) - log_sd[layout.day_trader]
    sessions = layout.day_session[-1] + 1
    value = _by_session(layout, days, sessions)
    if session_sd is None:
        return value
    precision = {(r, c): sum(white[k, r] * white[k, c] for k in range(r, 3)) for r, c in LOWER}  # P_j, k >= r >= c
    total = {rc: _by_session(layout, p[layout.day_trader], sessions) for rc, p in precision.items()}  # A_s
    score = [_by_session(layout, sum(white[k, r][layout.day_trader] * u[k] for k in range(r, 3)), sessions) for r in range(3)]
    inner = cholesky({(r, c): session_sd[r] * session_sd[c] * total[r, c] + (1.0 if r == c else 0.0) for r, c in LOWER})
    solved = _forward(inner, [session_sd[r] * score[r] for r in range(3)])
    return value + 0.5 * sum(s**2 for s in solved) - sum(pt.log(inner[r, r]) for r in range(3))


def cholesky(a: Elements) -> Elements:
    """Lower triangular factor of a symmetric positive definite matrix given by its lower elements."""
    l00 = pt.sqrt(a[0, 0])
    l10, l20 = a[1, 0] / l00, a[2, 0] / l00
    l11 = pt.sqrt(a[1, 1] - l10**2)
    l21 = (a[2, 1] - l20 * l10) / l11
    l22 = pt.sqrt(a[2, 2] - l20**2 - l21**2)
    return {(0, 0): l00, (1, 0): l10, (1, 1): l11, (2, 0): l20, (2, 1): l21, (2, 2): l22}


def invert(lower: Elements) -> Elements:
    """Inverse of a lower triangular matrix."""
    i00, i11, i22 = (1 / lower[r, r] for r in range(3))
    i10, i21 = -lower[1, 0] * i00 * i11, -lower[2, 1] * i11 * i22
    i20 = -(lower[2, 0] * i00 + lower[2, 1] * i10) * i22
    return {(0, 0): i00, (1, 0): i10, (1, 1): i11, (2, 0): i20, (2, 1): i21, (2, 2): i22}


def _forward(lower: Elements, right: list[Tensor]) -> list[Tensor]:
    """Solution of ``L x = right``."""
    x0 = right[0] / lower[0, 0]
    x1 = (right[1] - lower[1, 0] * x0) / lower[1, 1]
    return [x0, x1, (right[2] - lower[2, 0] * x0 - lower[2, 1] * x1) / lower[2, 2]]


def _by_session(layout: PartsLayout, values: Tensor, sessions: Tensor) -> Tensor:
    """Sums of `values` (day,) over sessions, shape (session,)."""
    return pt.inc_subtensor(pt.zeros(sessions)[layout.day_session], values)  # type: ignore[no-untyped-call]
