"""Calm and turbulent as a hidden Markov chain says them one session ahead.

    r_t = sd(S_t) e_t,   e_t ~ Normal(0, 1),   P(S_t = j | S_{t-1} = i) = P_ij,   sd(turbulent) > sd(calm)

The mean is 0: a year of daily returns says nothing about a mean, and much about a variance. The label of session t is ``turbulent`` if
P(S_t = turbulent | r_1 .. r_{t-1}) > 1/2: a prediction, made before the session begins. A *filtered* probability has seen r_t, which is the outcome
that is to be judged, and a *smoothed* one has seen what followed; neither is computed here.

A state is something that lasts: each is left after five sessions or more on average (stay >= .8). Without that bound the likeliest "turbulent state" of
many series is a single outlier, left at once and never predicted.

Parameters are fitted by maximum likelihood (L-BFGS-B of scipy on a compiled likelihood, from one fixed start) to the returns before a fixed point of
the series, the 252nd, 315th, 378th, ... return, and serve the 63 sessions after it. They are rounded to three significant digits, so that the last
bits of an optimiser on another machine change no label.

References
----------
Hamilton (1989), Econometrica 57, 357-384: the filter and its prediction step. statsmodels' MarkovRegression is the reference it is tested against.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
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
DIGITS: Final = 3
STAYS: Final = (0.8, 0.999)
"""Least and largest probability of staying in a state."""
RATIOS: Final = (1.0, 20.0)
"""Least and largest ratio of the deviations."""
DISTINCT: Final = 1.05
"""Ratio below which there are no two states to tell apart."""
START: Final = (0.8, 2.0, 0.97, 0.95)
"""Where a fit begins: deviation of the calm state as a share of the sample's, ratio of the deviations, both probabilities of staying."""


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
    States, calm first; None if the optimiser does not converge, every return is 0, or the two deviations cannot be told apart
    """
    from scipy.optimize import minimize

    from skillstats.regimes.chain_kernel import recursion

    percent = returns * PERCENT
    scale = float(np.sqrt(np.mean(percent**2))) if len(percent) else 0.0
    if scale == 0.0:
        return None
    unit, predicted = percent / scale, np.empty(len(percent) + 1)

    def loss(x: FloatArray) -> float:
        calm = float(np.exp(x[0]))
        return -float(recursion(unit, calm, calm * float(np.exp(x[1])), float(x[2]), float(x[3]), predicted)) / len(unit)

    limits = [(-4.0, 1.0), (float(np.log(RATIOS[0])), float(np.log(RATIOS[1]))), STAYS, STAYS]
    start = [float(np.log(START[0])), float(np.log(START[1])), *START[2:]]
    found = minimize(
        loss, start, method="L-BFGS-B", jac="3-point", bounds=limits, options={"ftol": 1e-13, "gtol": 1e-8, "maxiter": 500}
    )
    calm, ratio = float(np.exp(found.x[0])) * scale, float(np.exp(found.x[1]))
    # the line search may stop at the last bits of the likelihood; that is as good as converged
    if found.status not in (0, 2) or not isfinite(found.fun) or ratio < DISTINCT:
        return None
    return States((_short(calm), _short(calm * ratio)), (_short(float(found.x[2])), _short(float(found.x[3]))))


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
    from skillstats.regimes.chain_kernel import recursion

    found = np.empty(len(returns) + 1)
    recursion(returns * PERCENT, *states.sd, *states.stay, found)
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
