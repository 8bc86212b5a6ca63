"""Information ratios and value-add of each trader and each trader x regime, as functions of posterior draws.

For trader j with own mix p(r, k) of regimes and actions (shares of rows),

    mean   = sum p theta_jrk
    IR_dec = mean / sqrt( sum p (sigma_jr^2 + theta_jrk^2) - mean^2 + s_Uj^2 + s_V^2 )          of a new decision
    IR_day = mbar mean / sqrt( mean(m^2) (s_V^2 + s_Uj^2) + mbar sum p sigma_jr^2 )             of a day of m decisions, equal risks
    IR_ann = IR_day sqrt(own active sessions a year) f                                          never sqrt(decisions a year)

f is 1, or Lo's correction where day totals follow on from each other (`annual`). The same three for a common standard mix, the desk's
shares of regimes and actions with the trader's own sessions, compare traders in equal conditions. A regime row uses the decisions made in that regime, annualised by the trader's active sessions in all regimes: what a year would be if
every active session were like those. Shrinkage is the weight of the desk's centre in a trader's estimate,

    shrinkage = 1 / (1 + tau^2 I_j),   I_j = sum_s m_s / (sigma_j^2 + m_s s_Uj^2),   reliability = 1 - shrinkage,

where the shock shared by the desk is left out, because it cancels in the comparison with the others. Half of the spread between
averages of n effective decisions is skill at n50 = 1 / tau_dec^2, tau_dec the population sd on the scale of IR_dec. Value-add per decision returns to money by the exact identity
``mean(V) = mean(w) mean(y) + cov(w, y)``; the covariance is the sample's, with its day-clustered error added.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skillstats.evaluation.annual import Year, day_totals, year_of
from skillstats.evaluation.means import cell_means
from skillstats.evidence import Evidence, effective_decisions

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Draws:
    """Posterior draws, chains one after the other; y units per decision.

    chains : number of chains; theta : (draw, trader, regime, action); sigma : (draw, trader, regime)
    desk_day : (draw,) s_V, zeros if dropped; trader_day : (draw, trader) s_U, zeros if dropped
    tau_trader, tau_cell : (draw,) population sds of trader and trader x regime effects, zeros if dropped
    """

    chains: int
    theta: FloatArray
    sigma: FloatArray
    desk_day: FloatArray
    trader_day: FloatArray
    tau_trader: FloatArray
    tau_cell: FloatArray


@dataclass(frozen=True, slots=True)
class Target:
    """Whom an estimate is about: a trader, in one regime or (regime -1) in the own mix of all; `rows` index the evidence."""

    trader: int
    regime: int
    rows: IntArray


@dataclass(frozen=True, slots=True)
class Estimate:
    """Draws of what is reported about one target, shape (draw,) each, and the counts behind them.

    ir_day : of an active session; ir_annual : None where the evidence has no year; value_add : per decision, input unit
    standard_decision, standard_annual : the same IRs in the desk's mix of regimes and actions; for a regime, of actions
    n : decisions; days : active sessions; n_eff : (draw,) effective decisions of the model
    half_life : (draw,) n50, effective decisions, infinite where the population has no spread
    annual_per_y : (draw,) IR_ann of a trader whose mean of y is 1, None without a year
    money_ir, money_ir_annual : sample mean over sd of value-add in money, per decision and from day totals; never held against the hurdle
    """

    ir_decision: FloatArray
    ir_day: FloatArray
    ir_annual: FloatArray | None
    standard_decision: FloatArray
    standard_annual: FloatArray | None
    value_add: FloatArray
    n: int
    days: int
    n_eff: FloatArray
    shrinkage: FloatArray
    raw_mean: float
    raw_ir: float | None
    raw_ir_annual: float | None
    half_life: FloatArray
    year: Year
    annual_per_y: FloatArray | None
    money_ir: float | None
    money_ir_annual: float | None


@dataclass(frozen=True, slots=True)
class _Ratios:
    """IRs of one mix, (draw,) each, and the variances they rest on, y units squared."""

    decision: FloatArray
    day: FloatArray
    day_per_y: FloatArray
    residual: FloatArray
    shock: FloatArray


def targets(evidence: Evidence) -> list[Target]:
    """Every trader, then every trader x regime that occurs (none where there is one regime only)."""
    own = [np.flatnonzero(evidence.trader == j) for j in range(len(evidence.coords["trader"]))]
    found = []
    for j, rows in enumerate(own):
        found.append(Target(j, -1, rows))
        if len(evidence.coords["regime"]) > 1:
            found += [Target(j, int(r), rows[evidence.regime[rows] == r]) for r in np.unique(evidence.regime[rows])]
    return found


def mix(evidence: Evidence, rows: IntArray) -> FloatArray:
    """Shares of rows by (regime, action)."""
    shape = (len(evidence.coords["regime"]), len(evidence.coords["action"]))
    counts = np.zeros(shape)
    np.add.at(counts, (evidence.regime[rows], evidence.action[rows]), 1.0)
    return counts / counts.sum()


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
    share, sizes = mix(evidence, target.rows), session_sizes(evidence, target.rows)
    own_mix = _ratios(draws, target.trader, share, sizes)
    desk = evidence.regime == target.regime if target.regime >= 0 else np.ones(len(evidence), dtype=bool)
    standard = _ratios(draws, target.trader, mix(evidence, np.flatnonzero(desk)), sizes)
    year = year_of(evidence, target.trader)
    shock, residual = own_mix.shock, own_mix.residual
    n_eff = effective_decisions(sizes, shock / (shock + residual))
    # against the desk's centre a shock shared by all cancels, so only the trader's own shock dilutes the information
    own = draws.trader_day[:, target.trader] ** 2
    information = np.asarray(effective_decisions(sizes, own / (own + residual))) / (own + residual)
    skill = draws.tau_trader**2 + draws.tau_cell**2 * float(np.sum(share.sum(axis=1) ** 2))
    y, money = evidence.y[target.rows], evidence.value_add[target.rows]
    decisions = len(np.unique(evidence.decision[target.rows]))
    with np.errstate(divide="ignore"):
        half_life = (residual + shock) / skill
    return Estimate(
        ir_decision=own_mix.decision,
        ir_day=own_mix.day,
        ir_annual=None if year.root is None else own_mix.day * year.root,
        standard_decision=standard.decision,
        standard_annual=None if year.root is None else standard.day * year.root,
        value_add=value_add_draws(evidence, target.rows, _mean(draws, target.trader, share), noise),
        n=decisions,
        days=len(sizes),
        n_eff=np.minimum(n_eff, decisions),
        shrinkage=1 / (1 + information * skill),
        raw_mean=float(money.sum() / decisions),
        raw_ir=_ratio(y),
        raw_ir_annual=_annual_ratio(evidence, target.rows, y, year),
        half_life=half_life,
        year=year,
        annual_per_y=None if year.root is None else own_mix.day_per_y * year.root,
        money_ir=_ratio(money),
        money_ir_annual=_annual_ratio(evidence, target.rows, money, year),
    )


def _mean(draws: Draws, trader: int, share: FloatArray) -> FloatArray:
    """Mean of a decision in a mix of regimes and actions, shape (draw,), y units."""
    return np.asarray(np.einsum("dra,ra->d", cell_means(draws, trader), share))


def _ratios(draws: Draws, trader: int, share: FloatArray, sizes: IntArray) -> _Ratios:
    """IR of a new decision and of a day of one trader in a mix; `share` (regime, action), `sizes` rows of each active session."""
    mean = _mean(draws, trader, share)
    between = np.einsum("dra,ra->d", cell_means(draws, trader) ** 2, share) - mean**2
    residual = np.einsum("dr,r->d", draws.sigma[:, trader] ** 2, share.sum(axis=1))
    shock = draws.desk_day**2 + draws.trader_day[:, trader] ** 2
    per_day, squared = float(sizes.mean()), float(np.mean(sizes.astype(float) ** 2))
    day_per_y = per_day / np.sqrt(squared * shock + per_day * residual)
    return _Ratios(
        decision=mean / np.sqrt(residual + shock + np.maximum(between, 0)),
        day=mean * day_per_y,
        day_per_y=day_per_y,
        residual=residual,
        shock=shock,
    )


def _ratio(values: FloatArray) -> float | None:
    """Sample mean over sd (n-1); None where there is no spread."""
    return float(values.mean() / values.std(ddof=1)) if len(values) > 1 and np.ptp(values) > 0 else None


def _annual_ratio(evidence: Evidence, rows: IntArray, values: FloatArray, year: Year) -> float | None:
    """Mean over sd (n-1) of the day totals, annualised like the estimate."""
    ratio = _ratio(day_totals(evidence.session[rows], values))
    return None if ratio is None or year.root is None else ratio * year.root


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
