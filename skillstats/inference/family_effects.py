"""After a fit of trader-day parts or of choices: densities and logits of every draw, in numpy.

Shocks that the sampler integrated out, or whose draws are not kept, are integrated out here too, so that what is evaluated depends on the kept
parameters only:

    parts     log p(y_s | theta, sigma, R_e, s_V), the desk's day V_s exactly (`components.day_parts` has the formula)
    choices   log p(acted_js | alpha, stratum, beta, lambda, s_A), the mood A_js by quadrature around its mode

The quadrature is the trapezoidal rule in t, z = mode + sd sinh(t), with sd the least the posterior of the mood can have, 1 / sqrt(1 + n s_A^2 / 4):
fine at the mode, where many choices make a narrow peak, and wide enough for the tail of a session in which everything was touched.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from skillstats.components.cells import LOG_2PI
from skillstats.evidence import Choices, DayParts
from skillstats.inference.family_fit import FamilyFit
from skillstats.record.compiled import compiled

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
NODES: Final = 33
"""Points of the quadrature over the mood of a trader-session."""
REACH: Final = 9.0
"""How far from its mode the mood is integrated, in its prior sds."""
NEWTON_STEPS: Final = 12
CHUNK_ELEMENTS: Final = 4_000_000


def parts_log_likelihood(fit: FamilyFit) -> FloatArray:
    """Log p(y_s | parameters) of every session that occurs, shape (draw, session), nats; the desk's day is integrated out."""
    parts = fit.evidence
    assert isinstance(parts, DayParts)
    order = np.lexsort((parts.trader, parts.session))
    trader, y = parts.trader[order], parts.y[order]
    starts = np.unique(parts.session[order], return_index=True)[1]
    theta, sigma, corr = fit.draws("theta"), fit.draws("sigma"), fit.draws("corr_e")
    s_v = fit.draws("s_V") if "s_V" in fit else np.zeros((len(theta), 3))
    found = [_sessions(y, trader, starts, theta[at], sigma[at], corr[at], s_v[at]) for at in _chunks(len(theta), 9 * len(trader))]
    return np.concatenate(found)


def _sessions(
    y: FloatArray, trader: IntArray, starts: IntArray, theta: FloatArray, sigma: FloatArray, corr: FloatArray, s_v: FloatArray
) -> FloatArray:
    """One chunk of draws; days sorted by session, sessions beginning at `starts`."""
    covariance = sigma[..., :, None] * corr[:, None] * sigma[..., None, :]  # shape: (draw, trader, part, part)
    precision, log_det = np.linalg.inv(covariance), np.linalg.slogdet(covariance)[1]
    left = y - theta[:, trader]  # shape: (draw, day, part)
    weighted = np.einsum("dnkl,dnl->dnk", precision[:, trader], left)
    days = -0.5 * (3 * LOG_2PI + np.sum(left * weighted, axis=2) + log_det[:, trader])
    total = np.add.reduceat(precision[:, trader], starts, axis=1)  # A_s
    score = s_v[:, None] * np.add.reduceat(weighted, starts, axis=1)  # S B_s
    inner = np.eye(3) + s_v[:, None, :, None] * total * s_v[:, None, None, :]
    gain = np.sum(score * np.linalg.solve(inner, score[..., None])[..., 0], axis=2)
    value: FloatArray = np.add.reduceat(days, starts, axis=1) + 0.5 * (gain - np.linalg.slogdet(inner)[1])
    return value


def standardised_features(choices: Choices) -> FloatArray:
    """Features less their mean, over their standard deviation (over 1 where it is 0), shape (row, feature), as the model reads them."""
    spread = choices.features.std(axis=0)
    return np.asarray((choices.features - choices.features.mean(axis=0)) / np.where(spread > 0, spread, 1.0))


def choice_logits(fit: FamilyFit, rows: IntArray, at: IntArray | slice = slice(None)) -> FloatArray:
    """Log-odds of acting of chosen signals without mood and without discrimination, shape (draw, row).

    Parameters
    ----------
    rows : (row,) positions in the choices; at : which draws
    """
    choices = fit.evidence
    assert isinstance(choices, Choices)
    if "alpha" in fit:
        logit = fit.draws("alpha")[at][:, choices.trader[rows]]
    else:
        logit = np.repeat(fit.draws("mu_alpha")[at][:, None], len(rows), axis=1)
    if "stratum_effect" in fit:
        logit = logit + fit.draws("stratum_effect")[at][:, choices.stratum[rows]]
    if "beta" in fit:
        logit = logit + fit.draws("beta")[at] @ standardised_features(choices)[rows].T
    return np.asarray(logit)


def choices_log_likelihood(fit: FamilyFit) -> FloatArray:
    """Log p(what was acted upon | parameters) of every trader-session that occurs, shape (draw, pair), nats; the mood is integrated out."""
    choices = fit.evidence
    assert isinstance(choices, Choices)
    pair = choices.trader * len(choices.coords["session"]) + choices.session
    order = np.argsort(pair, kind="stable")
    starts = np.unique(pair[order], return_index=True)[1]
    acted, v = choices.acted[order], choices.v_star[order]
    count = len(fit.draws("mu_lambda"))
    mood = fit.draws("s_A") if "s_A" in fit else np.zeros(count)
    found = []
    for at in _chunks(count, len(order)):
        logit = choice_logits(fit, order, at) + fit.draws("lambda")[at][:, choices.trader[order]] * v
        # what was left alone counts as acted upon with the other sign of logit and mood
        found.append(
            _integrate_moods(np.where(acted, logit, -logit), np.where(acted, 1.0, -1.0), np.append(starts, len(order)), mood[at])
        )
    return np.concatenate(found)


@compiled
def _mode(logit: FloatArray, sign: FloatArray, first: int, last: int, s: float) -> float:
    """Where the integrand of `_integrate_moods` is largest: Newton steps that stay between bounds, as its logarithm is concave."""
    z, low, high = 0.0, -REACH, REACH
    for _ in range(NEWTON_STEPS):
        slope, curvature = -z, -1.0
        for i in range(first, last):
            p = 1 / (1 + np.exp(-logit[i] - sign[i] * s * z))
            slope += sign[i] * s * (1 - p)
            curvature -= s * s * p * (1 - p)
        if slope > 0:
            low = z
        else:
            high = z
        z = z - slope / curvature
        if not low < z < high:
            z = (low + high) / 2
    return z


@compiled
def _integrate_moods(logit: FloatArray, sign: FloatArray, starts: IntArray, mood: FloatArray) -> FloatArray:
    """Log of the integral over z ~ Normal(0, 1) of the product of 1 / (1 + exp(-logit - sign s z)) over the rows of each pair, (draw, pair)."""
    found = np.empty((len(logit), len(starts) - 1))
    values = np.empty(NODES)
    for d in range(len(logit)):
        for p in range(len(starts) - 1):
            first, last, s = starts[p], starts[p + 1], mood[d]
            mode = _mode(logit[d], sign, first, last, s)
            sd = 1 / np.sqrt(1 + (last - first) * s * s / 4)
            step = 2 * np.arcsinh(REACH / sd) / (NODES - 1)
            for k in range(NODES):
                t = (k - (NODES - 1) / 2) * step
                z = mode + sd * np.sinh(t)
                values[k] = np.log(sd * np.cosh(t)) - 0.5 * z * z
                for i in range(first, last):
                    x = -logit[d, i] - sign[i] * s * z
                    values[k] -= x + np.log1p(np.exp(-x)) if x > 0 else np.log1p(np.exp(x))
            top = values.max()
            found[d, p] = top + np.log(np.exp(values - top).sum() * step) - 0.5 * LOG_2PI
    return found


def _chunks(draws: int, elements: int) -> Iterator[slice]:
    """Slices of draws so that a chunk has about `CHUNK_ELEMENTS` elements, `elements` a draw."""
    size = max(1, CHUNK_ELEMENTS // max(1, elements))
    return (slice(start, min(start + size, draws)) for start in range(0, draws, size))
