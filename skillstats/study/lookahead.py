"""What look-ahead in a regime label does to a trader without skill.

The trader vetoes buy orders on sessions drawn at random, so that his value-add is V_t = -r_t, with r_t the session's return in units of its sd. E[r_t] is 0 whatever
was known before the session; so the mean of V in any regime that was known before the session is 0, and a one-sided t-test at 5% rejects in 5%
of worlds. A label that knows the session, or what followed it, rejects more often: it picks the bad days by their returns and calls the veto skill.

Two worlds of 1,000 sessions: ``symmetric``, a two-state Markov chain of volatility (1 and 2, stay .98), and ``asymmetric``, in which a loss raises the
volatility of the *next* sessions more than a gain, h_{t+1} = .05 + .86 h_t + (.16 if r_t < 0 else .02) r_t^2, as in markets.

The labels under `OFFERED` are the package's own functions. The others exist only here, to be measured: the package has no way to make them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skillstats.regimes.builtin import hmm_probabilities
from skillstats.regimes.series import trend_series, volatility_series
from skillstats.regimes.terciles import LEVELS, expanding_terciles

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.int64]

SESSIONS: Final = 1000
ACTS: Final = 0.4
"""Share of sessions on which the trader vetoes."""
LEAST: Final = 20
"""Vetoed sessions in the regime that a test needs; a world with no more counts as not rejected, with a mean of 0."""
CRITICAL: Final = 1.645
BLOCK: Final = 25
"""Worlds drawn together."""
WORLDS: Final = ("symmetric", "asymmetric")
UNIT: Final = 10**7
"""Billionths of return in one sd: sessions move by 1%."""
OFFERED: Final = ("hmm: turbulent", "volatility: high", "trend: down")
FORBIDDEN: Final = (
    "HMM smoothed, P(bad) > 1/2",
    "HMM filtered, outcome's own session included",
    "volatility centred on the session, tercile of the whole sample",
    "return of the session itself, worst third",
)
PREDICTED: Final = "HMM predicted, parameters given"
"""Honest, but with the parameters of the forbidden ones: what remains when only the look-ahead is taken away."""
MEANS: Final = (0.05, -0.10)
"""Bull and bear as the hidden Markov labels that look ahead define them, in sd."""
STAY: Final = 0.97
"""Probability of staying in either."""


def returns_of(world: str, rng: np.random.Generator) -> FloatArray:
    """(session,) returns of one world in units of their sd."""
    noise = rng.standard_normal(SESSIONS)
    if world == "symmetric":
        turbulent = np.cumsum(np.r_[False, rng.random(SESSIONS - 1) >= 0.98]) % 2 == 1
        returns = np.where(turbulent, 2.0, 1.0) * noise
    else:
        returns, h = np.empty(SESSIONS), 1.0
        for t, e in enumerate(noise.tolist()):
            r = returns[t] = h**0.5 * e
            h = 0.05 + 0.86 * h + (0.02 if r > 0 else 0.16) * r * r
    return np.asarray(returns / returns.std())


@dataclass(frozen=True, slots=True)
class Probabilities:
    """P(bad) of each session, (world, session): predicted from the sessions before, filtered with its own, smoothed with those after it."""

    predicted: FloatArray
    filtered: FloatArray
    smoothed: FloatArray


def bear_probabilities(returns: FloatArray) -> Probabilities:
    """Hamilton's filter and Kim's smoother of a two-state chain with given parameters, many series at once.

    Parameters
    ----------
    returns : (world, session), sd 1; the deviation of the good state is .8 of what the median of abs(r) says, of the bad one 1.6
    """
    worlds, n = returns.shape
    sd = np.stack([np.median(np.abs(returns), axis=1) / 0.67 * 0.8, 1.6 * returns.std(axis=1)], axis=1)
    move = np.array([[STAY, 1 - STAY], [1 - STAY, STAY]])
    predicted, filtered = np.empty((n, worlds, 2)), np.empty((n, worlds, 2))
    now = np.full((worlds, 2), 0.5)
    for t in range(n):
        predicted[t] = now @ move
        z = (returns[:, t, None] - MEANS) / sd
        joint = predicted[t] * np.exp(-0.5 * z * z) / sd + 1e-300
        now = filtered[t] = joint / joint.sum(axis=1, keepdims=True)
    smoothed = filtered.copy()
    for t in range(n - 2, -1, -1):
        smoothed[t] = filtered[t] * ((smoothed[t + 1] / predicted[t + 1]) @ move)
    return Probabilities(*(p[:, :, 1].T for p in (predicted, filtered, smoothed)))


def peeking_labels(returns: FloatArray, p: Probabilities) -> dict[str, BoolArray]:
    """Labels with given parameters, (world, session) each: those that know the outcome, and the one that does not."""
    around = np.stack([returns[:, max(0, t - 10) : t + 11].std(axis=1) for t in range(returns.shape[1])], axis=1)
    smoothed, filtered, centred, same = FORBIDDEN
    return {
        smoothed: p.smoothed > 0.5,
        filtered: p.filtered > 0.5,
        PREDICTED: p.predicted > 0.5,
        centred: around > np.quantile(around, 2 / 3, axis=1)[:, None],
        same: returns < np.quantile(returns, 1 / 3, axis=1)[:, None],
    }


def own_labels(returns: FloatArray, *, states: bool) -> dict[str, BoolArray]:
    """The package's labels of one series, (session,) each.

    Parameters
    ----------
    returns : (session,); states : whether to fit hidden states too, most of the work
    """
    whole: IntArray = np.round(returns * UNIT).astype(np.int64)
    trend = trend_series(whole).value
    found = {
        "volatility: high": expanding_terciles(volatility_series(whole).value).level == LEVELS.index("high"),
        "trend: down": np.array([v is not None and v < 0 for v in trend]),
    }
    if states:
        found["hmm: turbulent"] = hmm_probabilities(whole, np.arange(len(whole)))[0] > 0.5
    return found


def judged(value_add: FloatArray) -> tuple[float, bool]:
    """Mean value-add in a regime, and whether a one-sided t-test at 5% calls it skill.

    Examples
    --------
    >>> judged(np.array([1.0, 2.0, 3.0] * 10))
    (2.0, True)
    """
    if len(value_add) <= LEAST:
        return 0.0, False
    mean = float(value_add.mean())
    return mean, bool(mean > CRITICAL * value_add.std(ddof=1) / np.sqrt(len(value_add)))


@dataclass(frozen=True, slots=True)
class Worlds:
    """Worlds start .. stop - 1 of one kind.

    kind : one of `WORLDS`; root : seed, world r has that of SeedSequence(root, spawn_key=(kind, r)); states : whether ``hmm`` is fitted
    """

    kind: str
    start: int
    stop: int
    root: int
    states: bool = True


def lookahead_rows(worlds: Worlds) -> pd.DataFrame:
    """One row a world and label: mean value-add of the vetoes in the regime, and whether they were called skill."""
    kind, numbers = WORLDS.index(worlds.kind), range(worlds.start, worlds.stop)
    drawn = [np.random.default_rng(np.random.SeedSequence(worlds.root, spawn_key=(kind, r))) for r in numbers]
    returns = np.stack([returns_of(worlds.kind, rng) for rng in drawn])
    acted = np.stack([rng.random(SESSIONS) < ACTS for rng in drawn])
    peeking = peeking_labels(returns, bear_probabilities(returns))
    rows = []
    for i, r in enumerate(numbers):
        labels: Mapping[str, BoolArray] = {n: v[i] for n, v in peeking.items()} | own_labels(returns[i], states=worlds.states)
        for name, label in labels.items():
            mean, rejected = judged(-returns[i, label & acted[i]])
            rows.append({"world": worlds.kind, "label": name, "replicate": r, "value_add": mean, "rejected": rejected})
    return pd.DataFrame(rows)


def plan_of(count: int, fitted: int, root: int) -> list[Worlds]:
    """`count` worlds of each kind in blocks, hidden states in the first `fitted` of them, which must fill whole blocks."""
    starts = range(0, count, BLOCK)
    return [Worlds(kind, k, min(k + BLOCK, count), root, states=k < fitted) for kind in WORLDS for k in starts]


def lookahead_table(rows: pd.DataFrame) -> pd.DataFrame:
    """Means over worlds of one kind.

    Returns
    -------
    columns world, label, offered (``yes`` for a label of the package), worlds, value_add (sd of a session's return) and its standard
    error se, rejected (share of worlds) and highest, the most it may be: .05 and 3 standard errors where nothing is known ahead, else 1
    """
    table = []
    for (world, label), cell in rows.groupby(["world", "label"], sort=False):
        n = len(cell)
        honest = label in (*OFFERED, PREDICTED)
        table.append(
            {
                "world": world,
                "label": label,
                "offered": "yes" if label in OFFERED else "no",
                "worlds": n,
                "value_add": cell["value_add"].mean(),
                "se": cell["value_add"].std(ddof=1) / np.sqrt(n),
                "rejected": cell["rejected"].mean(),
                "highest": 0.05 + 3 * np.sqrt(0.05 * 0.95 / n) if honest else 1.0,
            }
        )
    order = {name: i for i, name in enumerate((*OFFERED, PREDICTED, *FORBIDDEN))}
    found = pd.DataFrame(table)
    return found.sort_values(
        ["world", "label"], key=lambda c: c.map(order) if c.name == "label" else c.map(WORLDS.index)
    ).reset_index(drop=True)


def lookahead_defects(table: pd.DataFrame) -> list[str]:
    """What the table says that it must not: an honest label that rejects too often, or a same-day one that does not always."""
    same = table[table["label"] == FORBIDDEN[-1]]
    bad = [f"lookahead {r.world} {r.label}: {r.rejected:.3f}" for r in table[table["rejected"] > table["highest"]].itertuples()]
    return bad + [f"lookahead {r.world} {r.label}: only {r.rejected:.3f}" for r in same[same["rejected"] < 1].itertuples()]
