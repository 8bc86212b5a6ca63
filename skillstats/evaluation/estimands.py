"""Information ratios and value-add of each trader and each trader x regime, as functions of posterior draws.

For trader j over the own rows i, each with mean theta_i = theta_profile(i) + kappa_j l_i,

    mean   = avg theta_i
    IR_dec = mean / sqrt( avg(sigma_jr^2 + theta_i^2) - mean^2 + s_Uj^2 + s_V^2 + s_F^2 avg(x^2) )     of a new decision
    IR_day = mbar mean / sqrt( mean(m^2) (s_V^2 + s_Uj^2) + s_F^2 mean((sum x)^2) + mbar avg sigma_jr^2 )   of a day of m decisions,
                                                                                                    equal risks
    IR_ann = IR_day sqrt(own active sessions a year)                                            never sqrt(decisions a year)

x is the exposure to a latent factor return. Under drift the profile of every row is taken at the current quarter, the last of the
evidence: the estimate is of the state today, with the mix of regimes and actions of the whole record.

A regime row uses the decisions made in that regime, annualised by the trader's active sessions in all regimes: what a year would be if
every active session were like those. Shrinkage is the weight of the desk's centre in a trader's estimate,

    shrinkage = 1 / (1 + tau^2 I_j),   I_j = sum_s m_s / (sigma_j^2 + m_s s_Uj^2),   reliability = 1 - shrinkage,

where the shock shared by the desk is left out, because it cancels in the comparison with the others. Value-add per decision returns to money by the exact identity
``mean(V) = mean(w) mean(y) + cov(w, y)``; the covariance is the sample's, with its day-clustered error added. Where the model has a
slope in log size the whole comes from the model, mean(V) = avg(w_i theta_i) over the own rows: sizing skill is then estimated like
any other.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skillstats.evidence import Evidence, distinct, effective_decisions

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Draws:
    """Posterior draws, chains one after the other; y units per decision.

    chains : number of chains; theta : (draw, profile); sigma : (draw, trader, regime)
    desk_day : (draw,) s_V, zeros if dropped; trader_day : (draw, trader) s_U, zeros if dropped
    tau_trader, tau_cell : (draw,) population sds of trader and trader x regime effects, zeros if dropped
    now, then : (row,) column of `theta` of each row of the evidence, at the current quarter and at its own; without them the profiles
        are the combinations of trader, regime and action that occur, in order
    kappa : (draw, trader) sizing slope; factor : (draw,) s_F; loading : (row,) exposure to the latent factor; None where not modelled
    """

    chains: int
    theta: FloatArray
    sigma: FloatArray
    desk_day: FloatArray
    trader_day: FloatArray
    tau_trader: FloatArray
    tau_cell: FloatArray
    now: IntArray | None = None
    then: IntArray | None = None
    kappa: FloatArray | None = None
    factor: FloatArray | None = None
    loading: FloatArray | None = None

    def column(self, evidence: Evidence, *, current: bool = True) -> IntArray:
        """Column of `theta` of each row of the evidence, shape (row,)."""
        known = self.now if current else self.then
        return distinct({k: evidence.code(k) for k in ("trader", "regime", "action")})[1] if known is None else known


@dataclass(frozen=True, slots=True)
class Mean:
    """Draws of the mean of y over some rows, shape (draw,) each: average, spread between rows (variance), average times risk."""

    mean: FloatArray
    between: FloatArray
    money: FloatArray


def mean_of_rows(draws: Draws, evidence: Evidence, trader: int, rows: IntArray) -> Mean:
    """Moments of theta_i over `rows` of one trader by the empirical distribution of profiles and sizes, exactly."""
    columns, at = np.unique(draws.column(evidence)[rows], return_inverse=True)
    theta, risk = draws.theta[:, columns], evidence.risk[rows]  # shape: (draw, profile of these rows)
    share, weight = np.bincount(at) / len(rows), np.bincount(at, weights=risk) / len(rows)
    mean, square, money = theta @ share, theta**2 @ share, theta @ weight
    if draws.kappa is not None:
        size, kappa = evidence.log_size[rows], draws.kappa[:, trader]
        mean = mean + kappa * size.mean()
        square = square + 2 * kappa * (theta @ (np.bincount(at, weights=size) / len(rows))) + kappa**2 * np.mean(size**2)
        money = money + kappa * np.mean(risk * size)
    return Mean(mean, np.maximum(square - mean**2, 0), money)


@dataclass(frozen=True, slots=True)
class Target:
    """Whom an estimate is about: a trader, in one regime or (regime -1) in the own mix of all; `rows` index the evidence."""

    trader: int
    regime: int
    rows: IntArray


@dataclass(frozen=True, slots=True)
class Estimate:
    """Draws of what is reported about one target, shape (draw,) each, and the counts behind them.

    ir_annual : None where the evidence has no year; value_add : per decision, input unit
    n : decisions; days : active sessions; n_eff : (draw,) effective decisions of the model
    """

    ir_decision: FloatArray
    ir_annual: FloatArray | None
    value_add: FloatArray
    n: int
    days: int
    n_eff: FloatArray
    shrinkage: FloatArray
    raw_mean: float
    raw_ir: float | None
    raw_ir_annual: float | None


def targets(evidence: Evidence) -> list[Target]:
    """Every trader, then every trader x regime that occurs (none where there is one regime only)."""
    own = [np.flatnonzero(evidence.trader == j) for j in range(len(evidence.coords["trader"]))]
    found = []
    for j, rows in enumerate(own):
        found.append(Target(j, -1, rows))
        if len(evidence.coords["regime"]) > 1:
            found += [Target(j, int(r), rows[evidence.regime[rows] == r]) for r in np.unique(evidence.regime[rows])]
    return found


def session_sizes(evidence: Evidence, rows: IntArray) -> IntArray:
    """Rows in each active session of a target, shape (active session,)."""
    counts = np.bincount(evidence.session[rows])
    return counts[counts > 0]


def estimate(draws: Draws, evidence: Evidence, target: Target, noise: FloatArray) -> Estimate:
    """Everything reported about one target.

    Parameters
    ----------
    noise : (draw,) standard normal, carries the sampling error of the sizing covariance
    """
    sizes, theta = session_sizes(evidence, target.rows), mean_of_rows(draws, evidence, target.trader, target.rows)
    share = np.bincount(evidence.regime[target.rows], minlength=draws.sigma.shape[2]) / len(target.rows)  # shape: (regime,)
    residual = draws.sigma[:, target.trader] ** 2 @ share
    shock = draws.desk_day**2 + draws.trader_day[:, target.trader] ** 2
    factor, factor_day = _factor_variance(draws, evidence, target.rows)
    total = residual + shock + theta.between + factor
    per_day, squared = float(sizes.mean()), float(np.mean(sizes.astype(float) ** 2))
    ir_day = per_day * theta.mean / np.sqrt(squared * shock + factor_day + per_day * residual)
    active = _active_a_year(evidence, target.trader)
    common = shock + factor_day / squared  # what the rows of one session share
    n_eff = effective_decisions(sizes, common / (common + residual))
    # against the desk's centre a shock shared by all cancels, so only the trader's own shock dilutes the information
    own = draws.trader_day[:, target.trader] ** 2
    information = np.asarray(effective_decisions(sizes, own / (own + residual))) / (own + residual)
    skill = draws.tau_trader**2 + draws.tau_cell**2 * float(np.sum(share**2))
    y = evidence.y[target.rows]
    raw_ir = float(y.mean() / y.std(ddof=1)) if len(y) > 1 and np.ptp(y) > 0 else None
    decisions = len(np.unique(evidence.decision[target.rows]))
    return Estimate(
        ir_decision=theta.mean / np.sqrt(total),
        ir_annual=None if active is None else ir_day * np.sqrt(active),
        value_add=value_add_draws(evidence, target.rows, theta.mean, noise)
        if draws.kappa is None
        else theta.money * (len(target.rows) / decisions),
        n=decisions,
        days=len(sizes),
        n_eff=np.minimum(n_eff, decisions),
        shrinkage=1 / (1 + information * skill),
        raw_mean=float(evidence.value_add[target.rows].sum() / decisions),
        raw_ir=raw_ir,
        raw_ir_annual=_raw_annual(evidence, target.rows, active),
    )


def _factor_variance(draws: Draws, evidence: Evidence, rows: IntArray) -> tuple[FloatArray, FloatArray]:
    """Variance that the latent factor brings to one decision and to the sum over an active session, both (draw,)."""
    if draws.factor is None or draws.loading is None:
        return np.zeros(len(draws.desk_day)), np.zeros(len(draws.desk_day))
    x = draws.loading[rows]
    sums = np.bincount(evidence.session[rows], weights=x)[np.unique(evidence.session[rows])]
    return draws.factor**2 * np.mean(x**2), draws.factor**2 * np.mean(sums**2)


def _active_a_year(evidence: Evidence, trader: int) -> float | None:
    if evidence.sessions_per_year is None:
        return None
    active = len(np.unique(evidence.session[evidence.trader == trader]))
    return active * evidence.sessions_per_year / max(evidence.sessions_spanned, active)


def _raw_annual(evidence: Evidence, rows: IntArray, active: float | None) -> float | None:
    """Mean over sd (n-1) of the day totals of y, times the root of the active sessions a year."""
    totals = np.bincount(evidence.session[rows], weights=evidence.y[rows])
    totals = totals[np.bincount(evidence.session[rows]) > 0]
    if active is None or len(totals) < 2 or np.ptp(totals) == 0:
        return None
    return float(totals.mean() / totals.std(ddof=1) * np.sqrt(active))


def value_add_draws(evidence: Evidence, rows: IntArray, mean: FloatArray, noise: FloatArray) -> FloatArray:
    """Mean value-add per decision in the input's unit: mean(risk) theta plus the sizing covariance with its error, shape (draw,)."""
    risk, decisions = evidence.risk[rows], len(np.unique(evidence.decision[rows]))
    per_decision = len(rows) / decisions
    sizing, error = sizing_term(risk, evidence.y[rows], evidence.session[rows])
    return per_decision * (risk.mean() * mean + sizing + error * noise)


def sizing_term(risk: FloatArray, y: FloatArray, session: IntArray) -> tuple[float, float]:
    """Sample covariance of risk and y (divisor n) and its session-clustered standard error.

    Examples
    --------
    >>> sizing_term(np.array([1.0, 3.0]), np.array([0.0, 1.0]), np.array([0, 1]))
    (0.5, 0.0)
    """
    product = (risk - risk.mean()) * (y - y.mean())
    covariance = float(product.mean())
    by_session = np.bincount(session, weights=product - covariance)
    return covariance, float(np.sqrt(np.sum(by_session**2)) / len(y))
