"""The gate between mean and location: when outcomes are skewed, a Student-t location is not the mean anybody is paid.

Somebody who collects pennies and now and then loses dollars has a positive typical outcome and a mean of zero. A robust likelihood
discounts exactly the losses and calls the typical outcome skill. For trader j, with residuals e_i from which the posterior means of the
shared shocks V_s and U_js are taken,

    D_j = (mean(e) - tloc(e)) / (sd(e) / sqrt(n)),

tloc the location of a Student-t with free scale and degrees of freedom. The gate fails where ``|D_j| >= 2``. Below 600 effective decisions a
quiet gate proves nothing: on a penny-picker it stays quiet in 12% of samples of 300. There a Student-t is refused without a test.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import digamma, gammaln

from skillstats.errors import show
from skillstats.evidence import Evidence

FloatArray = NDArray[np.float64]
GAP_LIMIT: Final = 2.0
LEAST_EFFECTIVE: Final = 600.0
PPC_RANGE: Final = (0.01, 0.99)
FEW: Final = 5


@dataclass(frozen=True, slots=True)
class SkewCheck:
    """How far a trader's mean is from the location of a Student-t, and what one decision did.

    trader : name; n_eff : effective decisions, posterior mean
    gap : D_j, standard errors of the mean; None where all outcomes are equal or there are fewer than 5
    skewness : of the shock-adjusted outcomes, no unit; None as `gap`
    worst : value-add of the worst row, unit of the evidence; worst_share : its part of the sum of all losses, in [0, 1]
    day_level : mean outcome of a decision from trader-days, y units, days weighted by their information
    """

    trader: str
    n_eff: float
    gap: float | None
    skewness: float | None
    worst: float
    worst_share: float
    day_level: float

    @property
    def fails(self) -> bool:
        """Whether mean and location differ by two standard errors or more."""
        return self.gap is not None and abs(self.gap) >= GAP_LIMIT

    @property
    def testable(self) -> bool:
        """Whether a quiet gate means anything."""
        return self.n_eff >= LEAST_EFFECTIVE


def student_t_refusal(reported: Sequence[SkewCheck], skewness_p: float) -> str:
    """Why a Student-t may not be the headline, as a sentence; empty if it may.

    Parameters
    ----------
    reported : checks of every trader for whom a number would be shown
    skewness_p : predictive p of the skewness of all outcomes, in [0, 1]
    """
    few = [c for c in reported if not c.testable]
    if few:
        least = min(few, key=lambda c: c.n_eff)
        return (
            f"a Student-t location is not the mean, and below {LEAST_EFFECTIVE:g} effective decisions the difference cannot be tested "
            f"({show(least.trader)} has {least.n_eff:.0f}); use the normal model of the same terms"
        )
    skewed = [c for c in reported if c.fails]
    if skewed:
        worst = max(skewed, key=lambda c: abs(c.gap or 0.0))
        return (
            f"mean and Student-t location of {show(worst.trader)} are {abs(worst.gap or 0.0):.1f} standard errors apart (limit {GAP_LIMIT:g}): "
            "the outcomes are skewed, and the location is not what was earned; use the normal model of the same terms"
        )
    if not PPC_RANGE[0] <= skewness_p <= PPC_RANGE[1]:
        return (
            f"the outcomes are more skewed than a Student-t allows (predictive p = {skewness_p:.2f}, limits {PPC_RANGE[0]} and {PPC_RANGE[1]}); "
            "use the normal model of the same terms"
        )
    return ""


def skew_checks(
    evidence: Evidence, sigma: FloatArray, trader_day: FloatArray, desk_day: float, n_eff: FloatArray
) -> tuple[SkewCheck, ...]:
    """Check every trader.

    Parameters
    ----------
    sigma : (trader,) residual sd, y units; trader_day : (trader,) s_U; desk_day : s_V; posterior means, 0 where a shock is not in the model
    n_eff : (trader,) effective decisions

    Returns
    -------
    tuple of SkewCheck, in the order of the traders
    """
    residual = shock_adjusted(evidence, sigma, trader_day, desk_day)
    found = []
    for j, name in enumerate(evidence.coords["trader"]):
        own = evidence.trader == j
        e, value = residual[own], evidence.value_add[own]
        usable = len(e) >= FEW and bool(np.ptp(e) > 0)
        losses = -np.minimum(value, 0.0)
        worst = float(value.min()) if len(value) else 0.0
        rho = trader_day[j] ** 2 / (trader_day[j] ** 2 + sigma[j] ** 2) if sigma[j] > 0 else 0.0
        found.append(
            SkewCheck(
                trader=name,
                n_eff=float(n_eff[j]),
                gap=location_gap(e) if usable else None,
                skewness=float(np.mean((e - e.mean()) ** 3) / e.std() ** 3) if usable else None,
                worst=worst,
                worst_share=float(losses.max() / losses.sum()) if losses.sum() > 0 else 0.0,
                day_level=day_level_mean(evidence, j, rho),
            )
        )
    return tuple(found)


def shock_adjusted(evidence: Evidence, sigma: FloatArray, trader_day: FloatArray, desk_day: float) -> FloatArray:
    """Outcomes less the best linear predictions of both shocks, shape (row,), y units.

    With e_i = y_i - mean of the trader, A_js = m_js / sigma_j^2, B_js = sum e_i / sigma_j^2, D_js = 1 + s_Uj^2 A_js:
    ``V_s = s_V^2 sum_j B_js/D_js / (1 + s_V^2 sum_j A_js/D_js)`` and ``U_js = s_Uj^2 (B_js - A_js V_s) / D_js``, which are the posterior
    means of `components.cells` for one residual sd a trader. They are linear in the outcomes, so they hold for any tails.
    """
    traders = len(evidence.coords["trader"])
    counts = np.maximum(np.bincount(evidence.trader, minlength=traders), 1)
    centre = np.bincount(evidence.trader, evidence.y, traders) / counts
    error = evidence.y - centre[evidence.trader]
    pair, of_row = np.unique(evidence.session * traders + evidence.trader, return_inverse=True)
    owner, session = pair % traders, pair // traders
    precision = 1 / sigma[owner] ** 2
    information, score = np.bincount(of_row) * precision, np.bincount(of_row, error) * precision
    shared = 1 + trader_day[owner] ** 2 * information
    total = 1 + desk_day**2 * np.bincount(session, information / shared)
    v = desk_day**2 * np.bincount(session, score / shared) / total  # shape: (session,)
    u = trader_day[owner] ** 2 * (score - information * v[session]) / shared  # shape: (pair,)
    return np.asarray(evidence.y - v[evidence.session] - u[of_row], dtype=float)


_BOUNDS = ((-20.0, 20.0), (np.log(1e-3), np.log(20.0)), (-10.0, 30.0))
"""Of location, log scale and g, in sds of the sample."""


def location_gap(sample: FloatArray) -> float:
    """D = (mean - Student-t location) / (sd / sqrt(n)) of a sample that varies, standard errors of the mean.

    Examples
    --------
    Nineteen gains of about 1 and a loss of 19: the mean is near 0, the location near 1.

    >>> gains = 1 + 0.1 * np.sin(np.arange(570.0))
    >>> round(location_gap(np.concatenate([gains, np.full(30, -19.0)])), 1)
    -5.6
    """
    return float((sample.mean() - student_t_location(sample)) / (sample.std(ddof=1) / np.sqrt(len(sample))))


def student_t_location(sample: FloatArray) -> float:
    """Location of a Student-t fitted with free scale and degrees of freedom nu = 2 + exp(g), unit of the sample.

    Maximum likelihood with the penalty ``((g - 1.5) / 1.5)^2 / 2``, which keeps nu finite where the tails are normal. The scale is held
    above a thousandth of the sd: where many outcomes are equal the likelihood has no maximum, it grows as the scale shrinks onto them.
    """
    middle, spread = np.median(sample), sample.std()
    z = (sample - middle) / spread
    best = minimize(
        _negative_log_likelihood, np.array([0.0, np.log(0.7), 1.0]), args=(z,), jac=True, method="L-BFGS-B", bounds=_BOUNDS
    )
    return float(middle + spread * best.x[0])


def _negative_log_likelihood(at: FloatArray, sample: FloatArray) -> tuple[float, FloatArray]:
    """Minus log likelihood of (location, log scale, g) with the penalty on g, and its gradient."""
    location, scale, excess = at[0], np.exp(at[1]), np.exp(min(at[2], 30.0))
    nu, n = 2 + excess, len(sample)
    z = (sample - location) / scale
    squares = z**2
    logs, ratio = np.log1p(squares / nu).sum(), squares / (nu + squares)
    constant = gammaln((nu + 1) / 2) - gammaln(nu / 2) - 0.5 * np.log(nu * np.pi) - at[1]
    value = -n * constant + (nu + 1) / 2 * logs + 0.5 * ((at[2] - 1.5) / 1.5) ** 2
    by_nu = -n * 0.5 * (digamma((nu + 1) / 2) - digamma(nu / 2) - 1 / nu) + 0.5 * logs - (nu + 1) / (2 * nu) * ratio.sum()
    gradient = [
        -(nu + 1) / scale * np.sum(z / (nu + squares)),
        n - (nu + 1) * ratio.sum(),
        by_nu * excess + (at[2] - 1.5) / 1.5**2,
    ]
    return float(value), np.array(gradient)


def day_level_mean(evidence: Evidence, trader: int, rho: float) -> float:
    """Mean outcome of a trader's decision from day means alone, y units.

    ``sum_s w_s ybar_s / sum_s w_s`` with ``w_s = m_s / (1 + (m_s - 1) rho)``, rho the within-day correlation: a mean of days, which the tails
    of single decisions cannot bend.
    """
    own = evidence.trader == trader
    counts = np.bincount(evidence.session[own])
    sums = np.bincount(evidence.session[own], evidence.y[own])
    m, total = counts[counts > 0], sums[counts > 0]
    if not len(m):
        return 0.0
    weight = m / (1 + (m - 1) * rho)
    return float(np.sum(weight * total / m) / np.sum(weight))
