"""Information ratios and value-add of each trader and each trader x regime, as functions of posterior draws.

For trader j over the own rows i, each with mean theta_i = theta_profile(i) + kappa_j l_i,

    mean   = avg theta_i
    IR_dec = mean / sqrt( avg(sigma_jr^2 + theta_i^2) - mean^2 + s_Uj^2 + s_V^2 + s_F^2 avg(x^2) )     of a new decision
    IR_day = mbar mean / sqrt( mean(m^2) (s_V^2 + s_Uj^2) + s_F^2 mean((sum x)^2) + mbar avg sigma_jr^2 )   of a day of m decisions,
                                                                                                    equal risks
    IR_ann = IR_day sqrt(own active sessions a year) f                                          never sqrt(decisions a year)

f is 1, or Lo's correction where day totals follow on from each other (`annual`). x is the exposure to a latent factor return. Under drift
the profile of every row is taken at the current quarter, the last of the evidence: the estimate is of the state today, with the mix of
labels of the whole record. The same for a common standard mix, the desk's rows with the trader in everybody's place and the trader's
own sessions, compare traders in equal conditions. A regime row uses the decisions made in that regime, annualised by the trader's active
sessions in all regimes: what a year would be if every active session were like those. Shrinkage is the weight of the desk's centre in a
trader's estimate,

    shrinkage = 1 / (1 + tau^2 I_j),   I_j = sum_s m_s / (sigma_j^2 + m_s s_Uj^2),   reliability = 1 - shrinkage,

where the shock shared by the desk is left out, because it cancels in the comparison with the others. Half of the spread between
averages of n effective decisions is skill at n50 = 1 / tau_dec^2, tau_dec the population sd on the scale of IR_dec. Value-add per decision
returns to money by the exact identity ``mean(V) = mean(w) mean(y) + cov(w, y)``; the covariance is the sample's, with its day-clustered
error added. Where the model has a slope in log size the whole comes from the model, mean(V) = avg(w_i theta_i) over the own rows: sizing
skill is then estimated like any other.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skillstats.evaluation.annual import Year, day_totals, year_of
from skillstats.evaluation.draws import Draws
from skillstats.evaluation.means import mean_of_rows
from skillstats.evidence import Evidence, effective_decisions

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


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
    """IRs of one mix, (draw,) each."""

    decision: FloatArray
    day: FloatArray


@dataclass(frozen=True, slots=True)
class _Luck:
    """What is luck in a decision and in a day of a trader, (draw,) each; variances in y units squared.

    decision : variance of one decision around its mean; residual : the part no other decision shares; shared : the part that the
    decisions of a session share; day_per_y : IR of a day for each unit of mean y
    """

    decision: FloatArray
    day_per_y: FloatArray
    residual: FloatArray
    shared: FloatArray


def targets(evidence: Evidence) -> list[Target]:
    """Every trader, then every trader x regime that occurs (none where there is one regime only)."""
    own = [np.flatnonzero(evidence.trader == j) for j in range(len(evidence.coords["trader"]))]
    found = []
    for j, rows in enumerate(own):
        found.append(Target(j, -1, rows))
        if len(evidence.coords["regime"]) > 1:
            found += [Target(j, int(r), rows[evidence.regime[rows] == r]) for r in np.unique(evidence.regime[rows])]
    return found


def regime_shares(evidence: Evidence, rows: IntArray) -> FloatArray:
    """Shares of rows by regime, shape (regime,)."""
    return np.bincount(evidence.regime[rows], minlength=len(evidence.coords["regime"])) / len(rows)


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
    sizes, mean = session_sizes(evidence, target.rows), mean_of_rows(draws, evidence, target.trader, target.rows)
    share = regime_shares(evidence, target.rows)
    luck = _luck(draws, evidence, target, share, sizes)
    own_mix = _ratios(mean.mean, mean.between, luck)
    standard = _standard(draws, evidence, target, sizes)
    year = year_of(evidence, target.trader)
    shock, residual = luck.shared, luck.residual  # what the rows of one session share, and what they do not
    n_eff = effective_decisions(sizes, shock / (shock + residual))
    # against the desk's centre a shock shared by all cancels, so only the trader's own shock dilutes the information
    own = draws.trader_day[:, target.trader] ** 2
    information = np.asarray(effective_decisions(sizes, own / (own + residual))) / (own + residual)
    skill = draws.tau_trader**2 + draws.tau_cell**2 * float(np.sum(share**2))
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
        value_add=value_add_draws(evidence, target.rows, mean.mean, noise)
        if draws.kappa is None
        else mean.money * (len(target.rows) / decisions),
        n=decisions,
        days=len(sizes),
        n_eff=np.minimum(n_eff, decisions),
        shrinkage=1 / (1 + information * skill),
        raw_mean=float(money.sum() / decisions),
        raw_ir=_ratio(y),
        raw_ir_annual=_annual_ratio(evidence, target.rows, y, year),
        half_life=half_life,
        year=year,
        annual_per_y=None if year.root is None else luck.day_per_y * year.root,
        money_ir=_ratio(money),
        money_ir_annual=_annual_ratio(evidence, target.rows, money, year),
    )


def _standard(draws: Draws, evidence: Evidence, target: Target, sizes: IntArray) -> _Ratios:
    """IRs in the desk's mix of labels, of the target's regime where it has one, with the trader's own sessions."""
    desk = np.flatnonzero(evidence.regime == target.regime) if target.regime >= 0 else np.arange(len(evidence))
    mean, between = (m[:, target.trader, 1 + target.regime] for m in (draws.standard.mean, draws.standard.between))
    return _ratios(mean, between, _luck(draws, evidence, target, regime_shares(evidence, desk), sizes))


def _luck(draws: Draws, evidence: Evidence, target: Target, share: FloatArray, sizes: IntArray) -> _Luck:
    """Variances of a decision and of a day; `share` (regime,), `sizes` rows of each active session."""
    residual = draws.sigma[:, target.trader] ** 2 @ share
    shock = draws.desk_day**2 + draws.trader_day[:, target.trader] ** 2
    factor, factor_day = _factor_variance(draws, evidence, target.rows)
    per_day, squared = float(sizes.mean()), float(np.mean(sizes.astype(float) ** 2))
    return _Luck(
        decision=residual + shock + factor,
        day_per_y=per_day / np.sqrt(squared * shock + factor_day + per_day * residual),
        residual=residual,
        shared=shock + factor_day / squared,
    )


def _factor_variance(draws: Draws, evidence: Evidence, rows: IntArray) -> tuple[FloatArray, FloatArray]:
    """Variance that the latent factor brings to one decision and to the sum over an active session, both (draw,)."""
    if draws.factor is None or draws.loading is None:
        return np.zeros(len(draws.desk_day)), np.zeros(len(draws.desk_day))
    x = draws.loading[rows]
    sums = np.bincount(evidence.session[rows], weights=x)[np.unique(evidence.session[rows])]
    return draws.factor**2 * np.mean(x**2), draws.factor**2 * np.mean(sums**2)


def _ratios(mean: FloatArray, between: FloatArray, luck: _Luck) -> _Ratios:
    """IR of a new decision and of a day."""
    return _Ratios(mean / np.sqrt(luck.decision + between), mean * luck.day_per_y)


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
