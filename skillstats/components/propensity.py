"""When a trader acts: a logistic model of choices with one term that nobody could know at the time.

    logit P(A_i = 1) = alpha_j + stratum_k + x_i' beta + A_js + lambda_j v_i

v_i = V*_i / w_i is what a full veto would have been worth, known afterwards for every signal. alpha_j is how often trader j acts, stratum_k how
often signals of a kind are acted upon beside others (summing to zero, so that alpha has one meaning), beta what is known before the choice, A_js the mood of a trader-session (whoever vetoes whole days makes
one choice a day and not twenty). lambda_j > 0: the trader acts where acting pays. With few choices acted upon, lambda is about the mean of v
that choosing earns over comparable signals.

Rows alike in everything are counted together; a real-valued v leaves hardly any two alike.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from numpy.typing import NDArray
from scipy.linalg import helmert

from skillstats.components.coordinates import around
from skillstats.components.luck import Draw
from skillstats.components.types import Tensor
from skillstats.evidence.choices import Choices

FloatArray = NDArray[np.float64]
SHARE_FLOOR = 0.5
"""Added to counts of acted and left alone, for the coordinates only."""
FLATTENING = 0.346
"""(16 sqrt(3) / (15 pi))^2: a normal mood of variance s^2 divides logits by about sqrt(1 + .346 s^2)."""
MOST_ALIKE = 0.9
"""Largest correlation within a trader-session that the guess of the mood's spread takes."""


class ChoiceLayout(NamedTuple):
    """Distinct choices and how often each was made.

    choice_trader, choice_stratum, choice_pair : (choice,) int64; a pair is a (trader, session) that occurs
    v : (choice,) no unit; x : (choice, feature) standardised; n, acted : (choice,) counts
    """

    choice_trader: Any
    choice_stratum: Any
    choice_pair: Any
    v: Any
    x: Any
    n: Any
    acted: Any


def lay_out_choices(choices: Choices) -> ChoiceLayout:
    """Distinct choices in a fixed order, with counts."""
    x = choices.features
    spread = x.std(axis=0)
    x = (x - x.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    pair = np.unique(choices.session * len(choices.coords["trader"]) + choices.trader, return_inverse=True)[1]
    keys = np.column_stack([pair, choices.trader, choices.stratum, choices.v_star, x])
    _, first, of_row = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    n, acted = np.bincount(of_row).astype(float), np.bincount(of_row, choices.acted)
    return ChoiceLayout(choices.trader[first], choices.stratum[first], pair[first], choices.v_star[first], x[first], n, acted)


def choice_estimates(choices: Choices) -> dict[str, FloatArray]:
    """Guesses and errors for the coordinates: ``alpha_estimate`` and ``lambda_estimate``, (2, trader) each, ``stratum_estimate``, (2, contrast).

    Logits of acted shares; for lambda one step of the score from 0. Errors let the choices of a trader-session hang together, and both are
    stretched by what moods flatten a logit. Contrasts are the coordinates of the strata in ``stratum_basis``, (stratum, contrast):
    orthonormal columns that sum to zero.
    """
    traders, strata = len(choices.coords["trader"]), len(choices.coords["stratum"])
    pair = choices.session * traders + choices.trader
    counts = np.maximum(np.bincount(choices.trader, minlength=traders), 1)
    share = np.bincount(choices.trader, choices.acted, traders) / counts
    left, stretch = choices.acted - share[choices.trader], _stretch(choices, share, pair)
    centred = choices.v_star - (np.bincount(choices.trader, choices.v_star, traders) / counts)[choices.trader]
    score = np.bincount(choices.trader, left * centred, traders)
    information = np.bincount(choices.trader, (share * (1 - share))[choices.trader] * centred**2, traders) + 1.0
    lam = stretch * np.stack([score / information, 1 / np.sqrt(information)])
    found = {"alpha_estimate": stretch * _logits(choices.trader, choices.acted, pair, traders), "lambda_estimate": lam}
    if strata > 1:
        basis, (guess, error) = helmert(strata).T, stretch * _logits(choices.stratum, choices.acted, pair, strata)
        found |= {"stratum_basis": basis, "stratum_estimate": np.stack([basis.T @ guess, np.sqrt(basis.T**2 @ error**2)])}
    return found


def _stretch(choices: Choices, share: FloatArray, pair: NDArray[np.int64]) -> float:
    """sqrt(1 + FLATTENING s_A^2), s_A guessed from how alike the choices of a trader-session are: (pi^2 / 3) rho / (1 - rho)."""
    left = choices.acted - share[choices.trader]
    together = np.sum(np.bincount(pair, left) ** 2) - np.sum(left**2)
    two, variance = np.sum(np.bincount(pair) * (np.bincount(pair) - 1.0)), np.mean((share * (1 - share))[choices.trader])
    rho = float(np.clip(together / two / variance, 0, MOST_ALIKE)) if two > 0 and variance > 0 else 0.0
    return float(np.sqrt(1 + FLATTENING * np.pi**2 / 3 * rho / (1 - rho)))


def _logits(code: NDArray[np.int64], acted: NDArray[np.bool_], pair: NDArray[np.int64], groups: int) -> FloatArray:
    """Logit of each group's share and its error, the larger of that of independent choices and that of independent trader-sessions, (2, group)."""
    hits, n = np.bincount(code, acted, groups) + SHARE_FLOOR, np.bincount(code, minlength=groups) + 2 * SHARE_FLOOR
    share = hits / n
    information = n * share * (1 - share)
    cells, cell = np.unique(code * (pair.max() + 1) + pair, return_inverse=True)
    sums = np.bincount(cell, acted - share[code])
    apart = np.bincount(cells // (pair.max() + 1), sums**2, groups)
    return np.stack([np.log(share / (1 - share)), np.sqrt(np.maximum(information, apart)) / information])


def trader(draw: Draw, data: Mapping[str, Tensor], mean: Tensor) -> Tensor:
    """alpha_j ~ Normal(mu_alpha, tau_alpha) of each choice, shape (choice,), log-odds."""
    return around("alpha", draw("choice_sd_trader", "tau_alpha"), data["alpha_estimate"], ("trader",), mean)[
        data["choice_trader"]
    ]


def stratum(draw: Draw, data: Mapping[str, Tensor], mean: Tensor) -> Tensor:
    """stratum_k ~ Normal(0, tau_stratum) given that they sum to zero, of each choice, shape (choice,), log-odds.

    In orthonormal coordinates of the vectors that sum to zero that is Normal(0, tau_stratum) for each, and `around` applies.
    """
    contrasts = around("z_stratum", draw("choice_sd_stratum", "tau_stratum"), data["stratum_estimate"], ("contrast",))
    return pm.Deterministic("stratum_effect", data["stratum_basis"] @ contrasts, dims="stratum")[data["choice_stratum"]]


def features(draw: Draw, data: Mapping[str, Tensor], mean: Tensor) -> Tensor:
    """x_i' beta of each choice, features standardised, shape (choice,), log-odds."""
    return data["x"] @ draw("choice_feature", "beta", dims="feature")


def discrimination(draw: Draw, data: Mapping[str, Tensor], mean: Tensor) -> Tensor:
    """lambda_j v_i of each choice, lambda_j ~ Normal(mu_lambda, tau_lambda), shape (choice,), log-odds."""
    centre, sd = draw("discrimination_mean", "mu_lambda"), draw("discrimination_sd_trader", "tau_lambda")
    return around("lambda", sd, data["lambda_estimate"], ("trader",), centre)[data["choice_trader"]] * data["v"]


def trader_session(draw: Draw, data: Mapping[str, Tensor]) -> Tensor:
    """A_js ~ Normal(0, s_A) of each choice, shape (choice,), log-odds."""
    return draw("choice_sd_trader_session", "s_A") * pm.Normal("z_A", 0.0, 1.0, dims="pair")[data["choice_pair"]]


def logistic(data: Mapping[str, Tensor], logit: Tensor) -> Tensor:
    """Log probability of the rows behind each distinct choice, shape (choice,), nats."""
    return data["acted"] * logit - data["n"] * pt.softplus(logit)


TERMS: Mapping[str, Callable[[Draw, Mapping[str, Tensor], Tensor], Tensor]] = {
    "trader": trader,
    "stratum": stratum,
    "features": features,
    "discrimination": discrimination,
}
"""Word of `skill.terms` in the family ``choices`` to its builder."""
