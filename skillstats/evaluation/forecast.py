"""Next quarter's value-add in money, from the posterior predictive.

For one draw of the parameters a quarter is made like this. Each of the L = sessions a year / 4 coming sessions repeats a session of the
period drawn at random with replacement: with it come whether the trader was active, which decisions he made and their risks w. Given
those, with R_s the sum of w over the session,

    V_quarter = sum_s sum_i w_i theta_i  +  N x sizing  +  sum_s R_s (V_s + U_js)  +  sum_s sum_i w_i sigma_i e_i,

shocks new and normal. They are independent between sessions, so V_quarter given the repeated sessions is normal and is drawn in one go.
`sizing` is the sample covariance of risk and of what theta leaves of y, with its session-clustered error, a row; N the rows of the
quarter. Several traders together share the sessions and the shock V_s.

What it assumes: the coming quarter looks like the period (same activity, sizes, markets) and skill stays what it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from skillstats.evaluation.draws import Draws, thinned
from skillstats.evaluation.estimands import sizing_term
from skillstats.evaluation.losses import expected_shortfall
from skillstats.evaluation.means import expected_means, weighted_sums
from skillstats.evidence import Evidence

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
QUARTERS_A_YEAR: Final = 4
MOST_DRAWS, LEAST_DRAWS, DRAWS_OF_DESK = 4000, 1000, 400_000
"""Draws of a forecast at most and at least, and of all traders of the desk together; the Monte-Carlo error of P(loss) is .008 to .016."""


@dataclass(frozen=True, slots=True)
class Quarter:
    """Posterior predictive of next quarter's value-add in the input's unit.

    mean, q05, q50, q95, sd : of the total; p_loss : P(total < 0); shortfall : mean of the worst 5% of totals, negative where it is a loss
    sessions : length of the quarter; active : expected active sessions
    """

    mean: float
    q05: float
    q50: float
    q95: float
    p_loss: float
    sessions: int
    active: float
    sd: float
    shortfall: float


def next_quarter(draws: Draws, evidence: Evidence, traders: IntArray, seed: int) -> Quarter | None:
    """Next quarter's value-add of one trader, or of several together; None where the evidence has no year.

    Parameters
    ----------
    traders : (trader,) codes of those who are added up
    seed : any int >= 0; the same seed gives the same forecast
    """
    if evidence.sessions_per_year is None:
        return None
    sessions = max(1, round(evidence.sessions_per_year / QUARTERS_A_YEAR))
    total, active = quarter_draws(draws, evidence, traders, sessions, np.random.default_rng([seed, 13]))
    low, middle, high = np.quantile(total, [0.05, 0.5, 0.95])
    return Quarter(
        mean=float(total.mean()), q05=float(low), q50=float(middle), q95=float(high), p_loss=float(np.mean(total < 0)), sessions=sessions,
        active=float(active.mean()), sd=float(total.std(ddof=1)), shortfall=expected_shortfall(total),
    )  # fmt: skip


def quarter_draws(
    draws: Draws, evidence: Evidence, traders: IntArray, sessions: int, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """Draws of the total of `sessions` coming sessions, and of the active ones among them, shape (draw,) each.

    Evenly spaced draws of the posterior are used, 4,000 at most, 1,000 on a desk of 400 traders or more.
    """
    draws = thinned(draws, int(np.clip(DRAWS_OF_DESK // len(evidence.coords["trader"]), LEAST_DRAWS, MOST_DRAWS)))
    rows = np.flatnonzero(np.isin(evidence.trader, traders))
    _, day = np.unique(evidence.session[rows], return_inverse=True)
    days, risk = int(day.max()) + 1, evidence.risk[rows]
    expected = weighted_sums(draws, evidence, rows, risk, day, days)  # shape: (draw, day)
    own = [rows[evidence.trader[rows] == j] for j in traders]
    sizing = sum(
        (_sizing(draws, evidence, part, day[evidence.trader[rows] == j], days, rng) for j, part in zip(traders, own, strict=True))
    )
    variance = draws.desk_day[:, None] ** 2 * _squared_totals(draws.shock_of(evidence)[rows], risk, day, days)
    if draws.factor is not None and draws.loading is not None:
        exposed = np.bincount(day, weights=risk * draws.loading[rows], minlength=days)
        variance = variance + draws.factor[:, None] ** 2 * exposed**2
    for j, part in zip(traders, own, strict=True):
        mine = day[evidence.trader[rows] == j]
        variance = variance + draws.trader_day[:, [j]] ** 2 * np.bincount(mine, weights=evidence.risk[part], minlength=days) ** 2
        squares = np.zeros((len(evidence.coords["regime"]), days))
        np.add.at(squares, (evidence.regime[part], mine), evidence.risk[part] ** 2)
        variance = variance + draws.sigma[:, j] ** 2 @ squares
    # a session of the period without a decision of theirs may come up as well
    idle = max(0, max(evidence.sessions_spanned, days) - days)
    chance = np.r_[np.full(days, 1.0), idle] / (days + idle)
    counts = rng.multinomial(sessions, chance, size=len(draws.desk_day))[:, :days]
    noise = rng.standard_normal(len(counts))
    total = np.sum(counts * (expected + sizing), axis=1) + np.sqrt(np.sum(counts * variance, axis=1)) * noise
    return total, counts.sum(axis=1).astype(float)


def _squared_totals(group: IntArray, weight: FloatArray, day: IntArray, days: int) -> FloatArray:
    """Sum over the groups of a day of the square of each group's total weight, shape (day,)."""
    _, first, at = np.unique(group, return_index=True, return_inverse=True)
    return np.bincount(day[first], weights=np.bincount(at, weights=weight) ** 2, minlength=days)


def _sizing(draws: Draws, evidence: Evidence, rows: IntArray, day: IntArray, days: int, rng: np.random.Generator) -> FloatArray:
    """Sizing part of each session of one trader, shape (draw, day)."""
    left = evidence.y[rows] - expected_means(draws, evidence, rows)
    covariance, error = sizing_term(evidence.risk[rows], left, evidence.session[rows])
    per_row = covariance + error * rng.standard_normal(len(draws.desk_day))
    return np.asarray(per_row[:, None] * np.bincount(day, minlength=days))
