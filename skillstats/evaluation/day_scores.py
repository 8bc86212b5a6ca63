"""How well a model predicts a day it has not seen: leave one session out, and comparison of models by it.

    elpd = sum_s log p(y_s | all other sessions),     p(y_s | y_-s) = sum_d w_sd p(y_s | draw d),

w the smoothed importance weights of the draws without session s (PSIS, `weights`). The unit that is left out is the session, because
decisions of one session share its shocks: leaving out a decision would let its neighbours tell. Two models are compared by the sum of
differences of sessions, with

    se = sqrt( sessions x var_s(difference) ),

and a preference is put in words only where the difference exceeds two of its standard errors. Stacking weights maximise the score of
the mixture of predictive distributions, sum_s log sum_k w_k p_k(y_s | y_-s).

References: Vehtari, Gelman, Gabry 2017, Statistics and Computing 27; Yao, Vehtari, Simpson, Gelman 2018, Bayesian Analysis 13(3).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import logsumexp

from skillstats.errors import UsageError
from skillstats.evaluation.weights import smoothed_weights
from skillstats.inference import effects
from skillstats.inference.container import Fit

FloatArray = NDArray[np.float64]
CLEAR_SES: Final = 2.0
"""Standard errors a difference must exceed before it is put in words."""
K_LIMIT: Final = 0.7
ITERATIONS: Final = 2000


@dataclass(frozen=True, slots=True)
class DayScores:
    """Leave-one-session-out scores of a fit.

    session : (session,) codes of the sessions that occur; score : (session,) log p(y_s | others), nats; k : (session,) Pareto shape
    k_limit : above it the weights of a session cannot be trusted
    """

    session: NDArray[np.int64]
    score: FloatArray
    k: FloatArray
    k_limit: float

    @property
    def elpd(self) -> float:
        """Expected log predictive density, nats, summed over sessions."""
        return float(self.score.sum())

    @property
    def se(self) -> float:
        """Standard error of `elpd`, nats."""
        return float(np.sqrt(len(self.score)) * self.score.std(ddof=1)) if len(self.score) > 1 else float("nan")


@dataclass(frozen=True, slots=True)
class Comparison:
    """Models in order of their elpd, best first.

    table : columns elpd, elpd_se, difference (to the best, <= 0), difference_se, weight (stacking), k_max; index the names
    text : what may be said
    """

    table: pd.DataFrame
    text: str

    def __str__(self) -> str:
        return f"{self.table.round(2).to_string()}\n{self.text}"


def score_days(log_density: FloatArray, session: NDArray[np.int64]) -> DayScores:
    """Scores from the densities of the sessions under each draw, `log_density` (draw, session), nats."""
    weights, k = smoothed_weights(-log_density.T)
    with np.errstate(divide="ignore"):
        score = np.asarray(logsumexp(np.log(weights) + log_density.T, axis=1))
    return DayScores(session, score, k, float(min(1 - 1 / np.log10(len(log_density)), K_LIMIT)))


def day_scores(fit: Fit) -> DayScores:
    """Leave-one-session-out scores of a fit."""
    session, density = effects.session_log_likelihood(fit)
    return score_days(density, session)


def compare(fits: Mapping[str, Fit]) -> Comparison:
    """Compare models by how well they predict sessions they have not seen.

    Parameters
    ----------
    fits : name -> Fit, at least two, all on the same evidence

    Returns
    -------
    Comparison

    Raises
    ------
    UsageError
        If there are fewer than two fits, or they are of different evidence: scores of different data cannot be compared.

    Notes
    -----
    The better predictor of luck is not the better judge of skill: two models that differ only in how they pool skill predict days almost
    equally well. Use it to choose shocks, scales and tails.
    """
    if len(fits) < 2:
        raise UsageError(f"compare: {len(fits)} fit given, at least 2 needed")
    digests = {name: fit.identity["evidence"] for name, fit in fits.items()}
    if len(set(digests.values())) > 1:
        found = ", ".join(f"{name} on {digest[:12]}" for name, digest in digests.items())
        raise UsageError(f"compare: the fits are of different evidence ({found}); fit every model to the same evidence")
    return compare_scores({name: day_scores(fit) for name, fit in fits.items()})


def compare_scores(scores: Mapping[str, DayScores]) -> Comparison:
    """Comparison of the scores of models on the same sessions."""
    order = sorted(scores, key=lambda name: (-scores[name].elpd, name))
    best, weights = scores[order[0]], stacking_weights(np.stack([scores[name].score for name in order], axis=1))
    lines = []
    for name, weight in zip(order, weights, strict=True):
        own, gap = scores[name], scores[name].score - best.score
        error = float(np.sqrt(len(gap)) * gap.std(ddof=1)) if len(gap) > 1 else float("nan")
        lines.append(
            {
                "elpd": own.elpd,
                "elpd_se": own.se,
                "difference": float(gap.sum()),
                "difference_se": error,
                "weight": float(weight),
                "k_max": float(own.k.max()),
            }
        )
    table = pd.DataFrame(lines, index=pd.Index(order, name="model"))
    return Comparison(table, _words(table, scores, order))


def stacking_weights(score: FloatArray) -> FloatArray:
    """Weights that maximise sum_s log sum_k w_k exp(score_sk), shape (model,), >= 0 and summing to 1.

    score : (session, model) nats. The problem is concave; expectation-maximisation climbs to its one maximum.

    Examples
    --------
    >>> stacking_weights(np.array([[0.0, -50.0], [0.0, -50.0]])).round(3)
    array([1., 0.])
    """
    density = np.exp(score - score.max(axis=1, keepdims=True))
    weight = np.full(score.shape[1], 1 / score.shape[1])
    for _ in range(ITERATIONS):
        share = weight * density
        update = np.mean(share / share.sum(axis=1, keepdims=True), axis=0)
        if np.abs(update - weight).max() < 1e-10:
            return np.asarray(update)
        weight = update
    return weight


def _words(table: pd.DataFrame, scores: Mapping[str, DayScores], order: list[str]) -> str:
    """What may be said of the best two."""
    doubtful = [name for name in order if np.any(scores[name].k > scores[name].k_limit)]
    if doubtful:
        return (
            f"nothing is said: for {', '.join(doubtful)} leaving out some session cannot be judged from the draws "
            f"(Pareto k up to {max(scores[n].k.max() for n in doubtful):.2f}, limit {scores[doubtful[0]].k_limit:.2f})"
        )
    gap, error = float(table["difference"].iloc[1]), float(table["difference_se"].iloc[1])
    if not abs(gap) > CLEAR_SES * error:
        return f"the data do not tell {order[0]} from {order[1]}: they differ by {-gap:.1f} nats with a standard error of {error:.1f}"
    return f"{order[0]} predicts unseen sessions better than {order[1]}: by {-gap:.1f} nats with a standard error of {error:.1f}"
