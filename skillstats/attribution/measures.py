"""Risk of a book from its day P/L: volatility, expected shortfall, drawdown, and two prices of risk.

Every function takes day P/L with the sessions along the last axis, in order of time, and works on many records at once (the draws of a
bootstrap along the axes before). Losses are positive numbers.

    ES_a    mean of the worst share a of the days, the day on the edge counted in part (Acerbi and Tasche 2002),
    MDD     largest fall of the running total from its highest point so far, the start counting as 0,
    MPPM    1 / ((1 - rho) dt) ln mean[ (1 + pnl / capital)^(1 - rho) ],      dt = 1 / sessions a year (Goetzmann et al. 2007),
    CE      sessions x ( mean(difference) - lambda / 2 (Var(actual) - Var(model)) ).

MPPM is the riskless rate of growth that a holder of relative risk aversion rho would take in exchange; selling options, which buys a higher
Sharpe ratio with rare large losses, does not raise it. CE is the same trade-off to the second order, in currency, with lambda = rho /
capital.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skillstats.errors import DomainError

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


def volatility(pnl: FloatArray) -> FloatArray:
    """Standard deviation of day P/L, divisor n - 1, currency a day."""
    return np.asarray(np.std(pnl, axis=-1, ddof=1))


def expected_shortfall(pnl: FloatArray, tail: float = 0.05) -> FloatArray:
    """Mean loss of the worst share `tail` of the days, currency a day; negative where even those days gain.

    Examples
    --------
    Ten days, a quarter of them: the two worst in full and half of the third:

    >>> round(float(expected_shortfall(np.array([-8.0, -4.0, -2.0, 1, 1, 1, 1, 1, 1, 1]), 0.25)), 3)
    5.2
    """
    weights = edge_weights(pnl.shape[-1], tail)
    worst = np.sort(np.partition(pnl, len(weights) - 1, axis=-1)[..., : len(weights)], axis=-1)
    return np.asarray(-(worst @ weights))


def edge_weights(n: int, tail: float) -> FloatArray:
    """Weights of the outermost sorted days in a tail mean, the last one in part; they add to 1.

    Raises
    ------
    DomainError
        If `tail` is not in (0, 1) or there is no day.

    Examples
    --------
    >>> edge_weights(10, 0.25).tolist()
    [0.4, 0.4, 0.2]
    """
    if not 0 < tail < 1 or n < 1:
        raise DomainError(f"tail={tail} of {n} days: the tail must be in (0, 1) and there must be a day")
    whole = int(np.floor(tail * n + 1e-9))
    part = tail * n - whole
    sizes = [1.0] * whole + ([part] if part > 1e-9 else [])
    return np.asarray(sizes) / (tail * n)


def max_drawdown(pnl: FloatArray) -> FloatArray:
    """Largest fall of the running total from its highest point so far, currency, >= 0.

    Examples
    --------
    >>> float(max_drawdown(np.array([3.0, -5.0, 1.0, -2.0, 9.0])))
    6.0
    """
    total = np.cumsum(pnl, axis=-1)
    peak = np.maximum(np.maximum.accumulate(total, axis=-1), 0.0)
    return np.asarray(np.max(peak - total, axis=-1))


def manipulation_proof(
    pnl: FloatArray, *, capital: float, risk_aversion: float = 3.0, sessions_per_year: float = 252.0
) -> FloatArray:
    """MPPM: growth rate a year that is worth as much as the risky book, no unit (.05 is 5% of capital a year).

    Parameters
    ----------
    pnl : (..., session) currency, already net of what capital would earn without risk
    capital : that bears the losses, currency, > 0; risk_aversion : rho > 0, 1 is the growth rate itself

    Returns
    -------
    (...,), minus infinity where a day takes all the capital

    Examples
    --------
    A sure gain of .02% of capital a day for a year of 250:

    >>> round(float(manipulation_proof(np.full(250, 2.0), capital=10_000, sessions_per_year=250)), 4)
    0.05
    """
    if not (capital > 0 and risk_aversion > 0 and sessions_per_year > 0):
        raise DomainError(f"capital={capital}, risk_aversion={risk_aversion}, sessions_per_year={sessions_per_year}: must be > 0")
    ruined = np.min(pnl, axis=-1) <= -capital
    growth = np.log1p(np.where(ruined[..., None], 0.0, pnl / capital))
    power = 1.0 - risk_aversion
    if abs(power) < 1e-9:
        rate = growth.mean(axis=-1)
    else:
        exponent = power * growth
        top = exponent.max(axis=-1, keepdims=True)
        rate = (np.log(np.mean(np.exp(exponent - top), axis=-1)) + top[..., 0]) / power
    return np.asarray(np.where(ruined, -np.inf, sessions_per_year * rate))


def certainty_equivalent(
    model: FloatArray, actual: FloatArray, *, aversion: float, sessions_per_year: float = 252.0
) -> FloatArray:
    """Worth of the difference between two books after a price for variance, currency a year.

    Parameters
    ----------
    model, actual : (..., session) day P/L; aversion : lambda, 1 / currency

    Examples
    --------
    The same mean and half the sd: all of the worth is in the risk taken away.

    >>> model = np.array([-2.0, 2.0, -2.0, 2.0])
    >>> round(float(certainty_equivalent(model, model / 2, aversion=0.1, sessions_per_year=250)), 2)
    50.0
    """
    gain = actual.mean(axis=-1) - model.mean(axis=-1)
    change = np.var(actual, axis=-1, ddof=1) - np.var(model, axis=-1, ddof=1)
    return np.asarray(sessions_per_year * (gain - aversion / 2 * change))


def unseen_bound(n: float, confidence: float = 0.95) -> float:
    """Upper bound of the chance of something that did not happen in n independent tries: ``1 - (1 - confidence)^(1/n)``, about 3 / n.

    Examples
    --------
    Sixty days without a loss beyond the worst one:

    >>> round(unseen_bound(60), 4), round(3 / 60, 4)
    (0.0487, 0.05)
    """
    if not (n > 0 and 0 < confidence < 1):
        raise DomainError(f"n={n} must be > 0 and confidence={confidence} in (0, 1)")
    return float(1 - (1 - confidence) ** (1 / n))
