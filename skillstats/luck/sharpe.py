"""What classical statistics makes of one information ratio: its error, the probability that it beats a bar, and the record that takes.

Every Sharpe or information ratio here is **per period** (a day, a month: the spacing of the returns), mean / sd with divisor n - 1;
an annual figure is the one of a day times the root of the days a year. Kurtosis is 3 for a normal, not 0. With g3 the skewness and g4
the kurtosis of the returns,

    v = 1 - g3 SR + (g4 - 1) / 4 SR^2,     se(SR) = sqrt(v / (n - 1)),

    PSR   = Phi((SR - SR*) / se),          MinTRL = 1 + v (z_c / (SR - SR*))^2,
    SR_0  = sqrt(V) ((1 - gamma) z(1 - 1/N) + gamma z(1 - 1/(N e))),      DSR = PSR at SR* = SR_0,

gamma .5772 (Euler), N trials whose Sharpe ratios have the variance V. These are benchmarks beside the posterior, not verdicts: each looks
at one trader alone and takes days as independent (`autocorrelated_error` does not).

References: Lo 2002, Financial Analysts Journal 58(4); Bailey and Lopez de Prado 2012, Journal of Risk 15(2), and 2014, Journal of
Portfolio Management 40(5); Bao 2009, Journal of Financial Econometrics 7(2).
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaln, ndtr, ndtri

from skillstats.errors import DomainError

FloatArray = NDArray[np.float64]
EULER: Final = float(np.euler_gamma)
NORMAL_KURTOSIS: Final = 3.0


def sharpe_variance(sharpe: ArrayLike, *, skew: ArrayLike = 0.0, kurtosis: ArrayLike = NORMAL_KURTOSIS) -> FloatArray:
    """Variance of a Sharpe ratio times the number of periods: ``1 - g3 SR + (g4 - 1) / 4 SR^2``.

    Parameters
    ----------
    sharpe : per period, any shape; skew, kurtosis : of the returns, broadcast against it

    Raises
    ------
    DomainError
        If a kurtosis is below 1, which no distribution has, or the variance is not positive.
    """
    sr, g3, g4 = (np.asarray(x, dtype=float) for x in (sharpe, skew, kurtosis))
    if np.any(g4 < 1):
        raise DomainError(
            f"kurtosis={np.min(g4):g}, must be at least 1; give the kurtosis that is 3 for a normal, not the excess"
        )
    v = np.asarray(1 - g3 * sr + (g4 - 1) / 4 * sr**2)
    if np.any(v <= 0):
        raise DomainError(
            f"skew={np.max(np.abs(g3)):g} and kurtosis={np.min(g4):g} do not go together: the variance is not positive"
        )
    return v


def sharpe_error(
    sharpe: ArrayLike, n: ArrayLike, *, skew: ArrayLike = 0.0, kurtosis: ArrayLike = NORMAL_KURTOSIS, ddof: int = 1
) -> FloatArray:
    """Standard error of a Sharpe ratio of independent periods, per period.

    Parameters
    ----------
    sharpe : per period; n : periods, > ddof
    ddof : 1 divides by n - 1 (Bailey and Lopez de Prado), 0 by n (the table of Lo 2002)

    Examples
    --------
    Lo's table, normal returns; and a hedge-fund index of 134 months:

    >>> round(float(sharpe_error(1.0, 24, ddof=0)), 4), round(float(sharpe_error(0.7079, 134, skew=-0.225, kurtosis=2.957)), 4)
    (0.25, 0.1028)
    """
    periods = _periods(n, ddof)
    return np.asarray(np.sqrt(sharpe_variance(sharpe, skew=skew, kurtosis=kurtosis) / (periods - ddof)))


def probabilistic_sharpe(
    sharpe: ArrayLike,
    n: ArrayLike,
    *,
    benchmark: ArrayLike = 0.0,
    skew: ArrayLike = 0.0,
    kurtosis: ArrayLike = NORMAL_KURTOSIS,
) -> FloatArray:
    """Probabilistic Sharpe ratio: confidence that the true ratio exceeds `benchmark`, in (0, 1).

    Parameters
    ----------
    sharpe, benchmark : per period; n : periods, > 1

    Examples
    --------
    >>> [round(float(probabilistic_sharpe(0.458, 24, skew=g3, kurtosis=g4)), 3) for g3, g4 in ((0, 3), (-2.448, 10.164))]
    [0.982, 0.913]
    """
    error = sharpe_error(sharpe, n, skew=skew, kurtosis=kurtosis)
    return np.asarray(ndtr((np.asarray(sharpe, dtype=float) - np.asarray(benchmark, dtype=float)) / error))


def expected_maximum(trials: ArrayLike, variance: ArrayLike) -> FloatArray:
    """Sharpe ratio that the best of `trials` independent trials without skill reaches in expectation, per period.

    Parameters
    ----------
    trials : number of independent trials, >= 1; variance : of the trials' Sharpe ratios per period

    Returns
    -------
    SR_0, 0 for a single trial

    Examples
    --------
    100 trials whose annual Sharpe ratios have variance .5, in units of a day of 250 a year:

    >>> round(float(expected_maximum(100, 0.5 / 250)), 4)
    0.1132
    """
    count, spread = np.asarray(trials, dtype=float), np.asarray(variance, dtype=float)
    if np.any(count < 1) or np.any(spread < 0):
        raise DomainError(f"trials={np.min(count):g} must be >= 1 and variance={np.min(spread):g} >= 0")
    several = np.maximum(count, 1 + 1e-9)
    largest = (1 - EULER) * ndtri(1 - 1 / several) + EULER * ndtri(1 - 1 / (several * np.e))
    return np.asarray(np.where(count > 1, np.sqrt(spread) * largest, 0.0))


def deflated_sharpe(
    sharpe: ArrayLike,
    n: ArrayLike,
    *,
    trials: ArrayLike,
    variance: ArrayLike,
    skew: ArrayLike = 0.0,
    kurtosis: ArrayLike = NORMAL_KURTOSIS,
) -> FloatArray:
    """Deflated Sharpe ratio: confidence that the true ratio exceeds what the best of `trials` reaches by luck, in (0, 1).

    Parameters
    ----------
    sharpe : per period; n : periods; trials, variance : as in `expected_maximum`

    Examples
    --------
    >>> daily = 2.5 / 250**0.5
    >>> round(float(deflated_sharpe(daily, 1250, trials=100, variance=0.5 / 250, skew=-3, kurtosis=10)), 4)
    0.9004
    """
    bar = expected_maximum(trials, variance)
    return probabilistic_sharpe(sharpe, n, benchmark=bar, skew=skew, kurtosis=kurtosis)


def minimum_track_record(
    sharpe: ArrayLike,
    *,
    benchmark: ArrayLike = 0.0,
    skew: ArrayLike = 0.0,
    kurtosis: ArrayLike = NORMAL_KURTOSIS,
    certainty: float = 0.95,
) -> FloatArray:
    """Periods until a Sharpe ratio of this size has a PSR of `certainty`; infinite where it does not exceed the benchmark.

    Parameters
    ----------
    sharpe, benchmark : per period; certainty : in (.5, 1)

    Examples
    --------
    Months, as years:

    >>> round(float(minimum_track_record(0.7079, skew=-0.225, kurtosis=2.957)) / 12, 4)
    0.7152
    """
    if not 0.5 < certainty < 1:
        raise DomainError(f"certainty={certainty} must be in (.5, 1)")
    v = sharpe_variance(sharpe, skew=skew, kurtosis=kurtosis)
    gap = np.asarray(sharpe, dtype=float) - np.asarray(benchmark, dtype=float)
    needed = 1 + v * (ndtri(certainty) / np.where(gap > 0, gap, 1.0)) ** 2
    return np.asarray(np.where(gap > 0, needed, np.inf))


def small_sample_factor(n: ArrayLike) -> FloatArray:
    """E(sample ratio) / true ratio of n independent normal periods: ``sqrt((n-1)/2) Gamma((n-2)/2) / Gamma((n-1)/2)``, n > 2.

    Examples
    --------
    >>> [round(float(small_sample_factor(n)), 2) for n in (4, 10, 20, 60)]
    [1.38, 1.09, 1.04, 1.01]
    """
    periods = _periods(n, 2)
    return np.asarray(np.exp(0.5 * np.log((periods - 1) / 2) + gammaln((periods - 2) / 2) - gammaln((periods - 1) / 2)))


def small_sample_bias(
    sharpe: ArrayLike, n: ArrayLike, *, skew: ArrayLike = 0.0, kurtosis: ArrayLike = NORMAL_KURTOSIS
) -> FloatArray:
    """Bias of a sample ratio to the first order in 1/n, any distribution: ``(3/4 SR + 3/8 (g4 - 3) SR - g3 / 2) / n``, per period.

    Bao 2009. Positive skewness lowers what is measured, heavy tails raise it.

    Examples
    --------
    >>> round(float(small_sample_bias(0.1, 20)), 5)
    0.00375
    """
    sr, g3, g4 = (np.asarray(x, dtype=float) for x in (sharpe, skew, kurtosis))
    return np.asarray((0.75 * sr + 0.375 * (g4 - 3) * sr - 0.5 * g3) / _periods(n, 2))


def autocorrelated_error(returns: ArrayLike, lags: int | None = None) -> float:
    """Standard error of the Sharpe ratio of returns that may be skewed, heavy-tailed and autocorrelated, per period (Lo 2002).

    The influence of a period on the ratio, ``psi_t = z_t - SR / 2 (z_t^2 - 1)`` with z the standardised return, has a long-run variance
    by Newey and West with Bartlett weights; the error is its root over the root of n.

    Parameters
    ----------
    returns : (period,) in order of time, any unit; lags : of the Bartlett window, default floor(4 (n / 100)^(2/9))

    Raises
    ------
    DomainError
        If there are fewer than three periods, the returns do not vary, or `lags` is not in [0, n).

    Examples
    --------
    Without lags, the error of independent periods, here with the sample's own skewness and kurtosis:

    >>> round(autocorrelated_error([1.0, 2.0, 0.0, 3.0, -1.0, 1.0], lags=0), 4)
    0.4389
    """
    x = np.asarray(returns, dtype=float)
    n = len(x)
    window = int(4 * (n / 100) ** (2 / 9)) if lags is None else lags
    if n < 3 or not np.ptp(x) > 0 or not 0 <= window < n:
        raise DomainError(f"{n} returns and lags={window}: the error needs three returns that vary and lags in [0, {n})")
    z = (x - x.mean()) / x.std()
    psi = z - 0.5 * x.mean() / x.std() * (z**2 - 1)
    variance = float(psi @ psi) / n
    variance += sum(2 * (1 - k / (window + 1)) * float(psi[k:] @ psi[:-k]) / n for k in range(1, window + 1))
    return float(np.sqrt(max(variance, 0.0) / n))


def _periods(n: Any, more_than: int) -> FloatArray:
    periods = np.asarray(n, dtype=float)
    if np.any(periods <= more_than):
        raise DomainError(f"n={np.min(periods):g} periods, must be more than {more_than}")
    return periods
