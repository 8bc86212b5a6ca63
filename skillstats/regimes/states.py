"""Calm and turbulent as a hidden Markov chain says them one session ahead.

    r_t = sd(S_t) e_t,   e_t ~ Normal(0, 1),   P(S_t = j | S_{t-1} = i) = P_ij,   sd(turbulent) > sd(calm)

The mean is 0: a year of daily returns says nothing about a mean, and much about a variance. The label of session t is ``turbulent`` if
P(S_t = turbulent | r_1 .. r_{t-1}) > 1/2: a prediction, made before the session begins. A *filtered* probability has seen r_t, which is the outcome
that is to be judged, and a *smoothed* one has seen what followed; neither is computed here.

Parameters are fitted by maximum likelihood (statsmodels) to the returns before a fixed point of the series, the 252nd, 315th, 378th, ... return,
and serve the 63 sessions after it. They are rounded to four significant digits, so that the last bits of an optimiser on
another machine change no label.

References
----------
Hamilton (1989), Econometrica 57, 357-384: the filter and its prediction step.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from math import exp, isfinite, sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]

FIRST: Final = 252
"""Returns before the first fit."""
REFIT: Final = 63
"""Returns from one fit to the next."""
LONGEST: Final = 1260
"""Newest returns a fit looks at: five years."""
PERCENT: Final = 1e-7
"""Billionths to percent, the unit of the fit."""
DIGITS: Final = 4
EDGE: Final = 1e-4
"""Least probability of leaving a state, and of staying in it."""


@dataclass(frozen=True, slots=True)
class States:
    """A fitted chain: standard deviations in percent per session and probabilities of staying, calm first."""

    sd: tuple[float, float]
    stay: tuple[float, float]


def fit_of(count: int) -> int:
    """Returns behind the fit that serves a session with `count` earlier returns; 0 before the first.

    Examples
    --------
    >>> [fit_of(n) for n in (251, 252, 314, 315)]
    [0, 252, 252, 315]
    """
    return 0 if count < FIRST else FIRST + (count - FIRST) // REFIT * REFIT


def fit_states(returns: IntArray) -> States | None:
    """Fit the chain to a series of returns; None where there is no usable fit.

    Parameters
    ----------
    returns : (n,) billionths per session, none missing

    Returns
    -------
    States, calm first; None if the optimiser fails or does not converge, or a variance is 0
    """
    from statsmodels.tsa.regime_switching.markov_regression import MarkovRegression

    percent = returns * PERCENT
    if not percent.any():
        return None
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            model = MarkovRegression(percent, 2, trend="n", switching_variance=True)
            found = model.fit(disp=False, cov_type="none")
        except (ValueError, ArithmeticError, np.linalg.LinAlgError):
            return None
    stay_0, leave_1, *variances = (float(p) for p in found.params)
    usable = all(isfinite(p) for p in found.params) and min(variances) > 0
    if not usable or not found.mle_retvals.get("converged", False):
        return None
    first, second = (
        (_short(sqrt(v)), min(max(_short(p), EDGE), 1 - EDGE)) for v, p in zip(variances, (stay_0, 1 - leave_1), strict=True)
    )
    calm, turbulent = sorted((first, second))
    return States((calm[0], turbulent[0]), (calm[1], turbulent[1]))


def _short(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")


def predict_states(returns: IntArray, states: States) -> FloatArray:
    """P(turbulent) of each session from the returns strictly before it.

    Parameters
    ----------
    returns : (n,) billionths per session

    Returns
    -------
    (n + 1,) probabilities; the last one is that of the session after the series

    Examples
    --------
    Five sessions without a move, then a loss of 5%: only the session after the loss is taken for turbulent.

    >>> chain = States(sd=(1.0, 3.0), stay=(0.98, 0.95))
    >>> predict_states(np.array([0, 0, 0, 0, 0, -50_000_000]), chain).round(2).tolist()
    [0.29, 0.13, 0.06, 0.04, 0.03, 0.03, 0.95]
    """
    (calm, turbulent), (stay_calm, stay_turbulent) = states.sd, states.stay
    p = (1 - stay_calm) / (2 - stay_calm - stay_turbulent)
    found = np.empty(len(returns) + 1)
    for t, r in enumerate((returns * PERCENT).tolist()):
        found[t] = p
        # the ratio of the two densities keeps the sums away from underflow
        odds = p * calm / turbulent * exp(min(0.5 * r * r * (1 / calm**2 - 1 / turbulent**2), 700.0))
        filtered = odds / (odds + 1 - p)
        p = filtered * stay_turbulent + (1 - filtered) * (1 - stay_calm)
    found[-1] = p
    return found


def turbulence(returns: IntArray, fitted_on: int) -> tuple[States | None, FloatArray]:
    """P(turbulent) of the sessions that one fit serves.

    Parameters
    ----------
    returns : (n,) billionths, at least up to the last return before the last session asked for; fitted_on : see `fit_of`

    Returns
    -------
    the fit, and (k,) probabilities of the sessions with fitted_on, fitted_on + 1, ... earlier returns, at most `REFIT`; empty without a fit
    """
    first = max(fitted_on - LONGEST, 0)
    states = fit_states(returns[first:fitted_on])
    if states is None:
        return None, np.zeros(0)
    known = returns[first : fitted_on + REFIT - 1]
    return states, predict_states(known, states)[fitted_on - first :]
