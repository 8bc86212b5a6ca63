"""What every method of a study answers, ours and the rivals alike, and the rules of the desk that it answers under.

An estimator is a function ``estimate(evidence, *, seed, rules) -> frame``, one row a trader and, where the evidence has regimes, one a trader x
regime. Everything is on one scale: y units per decision, the mean value-add per unit of risk. **What a method does not give is NaN**: a
t test has no probability that someone has skill, a hit rate no interval. Nothing is made up to fill a cell.

Acts are worth, a year and in units of annual IR, with the right to override kept at the fraction f of its size,

    u(f) = f IR - hurdle f^2,      f = 1 keep, 1/2 cap, 0 revoke,

so that full size pays exactly where IR exceeds the hurdle, the price of the risk it takes, and that price falls with the square of the size.
Methods that estimate take the act with the largest u at their estimate (the mean, u is linear in IR): keep above 1.5 hurdles, revoke below half of one.
Methods that only test keep who is significant, revoke who is significantly bad and cap the rest, as they are used.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skillstats.evidence import Evidence

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
QUARTER: Final = 63.0
"""Sessions of the quarter that is forecast."""
COLUMNS: Final = (
    "trader", "regime", "n", "days", "estimate", "sd", "low90", "high90", "p_positive", "p_above_hurdle", "score", "luck", "claim", "decision",
)  # fmt: skip
"""trader, regime (``all`` or a regime), n decisions, days active sessions; estimate, its sd and 90% interval, y units per decision;
p_positive, p_above_hurdle : P(IR > 0), P(IR > hurdle); score : what the method ranks people by, higher is better, in its own unit;
luck : sd, y units, of the realised mean of the next 63 sessions around the true mean, as the method believes;
claim : whether skill is claimed; decision : keep, cap or revoke."""
FRACTIONS: Final = {"revoke": 0.0, "cap": 0.5, "keep": 1.0}
DRAWS: Final = "draws"
"""Further column of methods that sample: thinned draws of the estimate, a tuple a row; taken off before anything is written."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What the desk asks of every method.

    hurdle : annual IR worth acting on (per decision where the evidence has no year); certainty : of a claim, in (.5, 1); tests are one-sided at level 1 - certainty
    """

    hurdle: float = 0.25
    certainty: float = 0.90

    @property
    def level(self) -> float:
        """Level of a one-sided test."""
        return 1 - self.certainty


class Estimator(Protocol):
    """One method. The same evidence, seed and rules give the same frame."""

    def __call__(self, evidence: Evidence, *, seed: int, rules: Rules) -> pd.DataFrame:
        """Answer for every trader, columns `COLUMNS`, and `DRAWS` for a method that samples."""


def worth(act: str, ir: float | FloatArray, hurdle: float) -> Any:
    """Worth u of an act at a true IR, see the module.

    Examples
    --------
    >>> [worth(act, 1.0, 0.25) for act in ("revoke", "cap", "keep")]
    [0.0, 0.4375, 0.75]
    """
    f = FRACTIONS[act]
    return f * np.asarray(ir, dtype=float) - hurdle * f**2 if np.ndim(ir) else float(f * ir - hurdle * f**2)


def best_act(ir: FloatArray, hurdle: float) -> list[str]:
    """The act with the largest worth at each IR; the smaller size where two are equal.

    Examples
    --------
    >>> best_act(np.array([0.1, 0.3, 0.5]), 0.25)
    ['revoke', 'cap', 'keep']
    """
    table = np.stack([worth(act, np.asarray(ir, dtype=float), hurdle) for act in FRACTIONS])
    return [list(FRACTIONS)[i] for i in np.argmax(table, axis=0)]


def act_of_test(up: BoolArray, down: BoolArray) -> list[str]:
    """The act of a method that only tests: keep who is significantly good, revoke who is significantly bad, cap the rest."""
    return ["keep" if u else "revoke" if d else "cap" for u, d in zip(up, down, strict=True)]
