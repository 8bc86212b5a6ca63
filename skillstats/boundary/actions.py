r"""At most three things to do, each with its probability, the loss of doing and of not doing it, and its value a quarter.

A change from current practice earns g a session. Its annual IR has the sceptical prior N(0, .5^2), as that of a trader; with T years of
sessions the estimate has a standard error of 1 / sqrt(T), so

    IR | data ~ N(w IR_hat, w / T),   w = .25 / (.25 + 1 / T),

and money follows with the sd of the change. With G the gain of a quarter, ``loss(act) = E max(0, -G)`` and ``loss(stay) = E max(0, G)``.
A change is supported where P(IR > hurdle) reaches the certainty of the plan and would still come within .20 of it without its best
session. Nothing supported means: wait.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from skillstats.boundary.search import Rule
from skillstats.boundary.totals import clusters
from skillstats.luck.power import decisions_needed

FloatArray = NDArray[np.float64]
PRIOR_SD: Final = 0.5
ONE_DAY: Final = 0.20
"""Most that the best session may add to the probability."""
MOST: Final = 3
POWER: Final = 0.80
MOST_YEARS: Final = 20
"""Beyond this the answer to "how long" is: not at this rate."""


@dataclass(frozen=True, slots=True)
class Gain:
    """Posterior of what a change from current practice earns.

    quarter, q05, q95 : posterior mean and 90% interval, currency a quarter; raw : the plain mean, currency a quarter
    ir, ir_sd : posterior mean and sd of its annual IR; p_above : P(IR > hurdle); p_positive : P(IR > 0)
    p_without_best : p_above without the best session
    loss_act, loss_stay : expected losses of a quarter, currency
    """

    quarter: float
    q05: float
    q95: float
    raw: float
    ir: float
    ir_sd: float
    p_above: float
    p_positive: float
    p_without_best: float
    loss_act: float
    loss_stay: float


@dataclass(frozen=True, slots=True)
class RankedAction:
    """One thing to do: `key` of the policy or ``wait``, the sentence, its gain, and sessions still needed (None: never at this rate)."""

    key: str
    text: str
    trader: str
    gain: Gain | None
    sessions_needed: int | None


def gain_of(value: FloatArray, overlap: int, sessions_per_year: float, rule: Rule) -> Gain:
    """Posterior of a change from its session totals (session,) in currency; see the module.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> round(gain_of(rng.normal(0.1, 1.0, 1000), 1, 252, Rule(0.25, 1.0, 0.9, 0.1, 10)).p_above, 2)
    0.63
    """
    mean, sd, ir, width = _annual(value, overlap, sessions_per_year)
    p = float(ndtr((ir - rule.hurdle) / width)) if sd > 0 else 0.0
    # the least that is left when one stretch is taken away: all of them are tried at once through sums
    without = _without_best(value, overlap, sessions_per_year, rule) if sd > 0 else 0.0
    money = sd * math.sqrt(sessions_per_year) / 4  # an annual IR of 1 earns this in a quarter
    centre, spread = ir * money, width * money
    z = centre / spread if spread > 0 else 0.0
    density = math.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)
    return Gain(
        quarter=centre, q05=centre - 1.6448536269514722 * spread, q95=centre + 1.6448536269514722 * spread,
        raw=mean * sessions_per_year / 4, ir=ir, ir_sd=width, p_above=p, p_positive=float(ndtr(z)) if sd > 0 else 0.5,
        p_without_best=without, loss_act=spread * density - centre * float(ndtr(-z)), loss_stay=spread * density + centre * float(ndtr(z)),
    )  # fmt: skip


def _annual(value: FloatArray, overlap: int, sessions_per_year: float) -> tuple[float, float, float, float]:
    """Mean and sd of a session, posterior mean and sd of the annual IR."""
    sums = clusters(value, overlap)
    mean = float(value.mean())
    sd = float(sums.std(ddof=1)) / math.sqrt(overlap) if len(sums) > 1 else 0.0
    error2 = sessions_per_year / len(value)
    weight = PRIOR_SD**2 / (PRIOR_SD**2 + error2)
    raw = mean / sd * math.sqrt(sessions_per_year) if sd > 0 else 0.0
    return mean, sd, weight * raw, math.sqrt(weight * error2)


def _without_best(value: FloatArray, overlap: int, sessions_per_year: float, rule: Rule) -> float:
    """P(IR > hurdle) without the stretch that earned most."""
    best = int(np.argmax(clusters(value, overlap))) * overlap
    left = np.delete(value, slice(best, best + overlap))
    _, sd, ir, width = _annual(left, overlap, sessions_per_year)
    return float(ndtr((ir - rule.hurdle) / width)) if sd > 0 else 0.0


def rank_actions(
    changes: Sequence[tuple[str, str, str, Gain]], rule: Rule, sessions: int, sessions_per_year: float
) -> tuple[RankedAction, ...]:
    """The supported changes by their expected gain, at most three; else one ``wait`` that names the nearest.

    Parameters
    ----------
    changes : (name, key, trader, gain) of every policy but current practice
    rule : hurdle and certainty; sessions : compared
    """
    good = [c for c in changes if c[3].p_above >= rule.certainty and c[3].p_without_best >= rule.certainty - ONE_DAY]
    good.sort(key=lambda c: (-c[3].quarter, c[1]))
    if good:
        return tuple(RankedAction(key, f"change to: {name}", trader, gain, 0) for name, key, trader, gain in good[:MOST])
    if not changes:
        return (RankedAction("wait", "wait: there is nothing to change to", "", None, None),)
    name, _, trader, gain = max(changes, key=lambda c: (c[3].p_above, c[1]))
    needed = _sessions_needed(gain.ir, rule, sessions, sessions_per_year)
    return (RankedAction("wait", f"wait; nearest to support: {name}", trader, gain, needed),)


def _sessions_needed(ir: float, rule: Rule, sessions: int, sessions_per_year: float) -> int | None:
    """Further sessions until a change of this IR is supported with probability .80, one bet a session; None where it never is."""
    if ir <= rule.hurdle:
        return None
    total = decisions_needed(
        annual_ir=ir, breadth=sessions_per_year, hurdle=rule.hurdle, prior_sd=PRIOR_SD, certainty=rule.certainty, power=POWER
    )
    return max(0, math.ceil(total - sessions)) if total <= MOST_YEARS * sessions_per_year else None
