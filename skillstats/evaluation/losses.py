"""What keeping, capping or revoking the right to override may cost, in money.

With m the value-add of a decision (posterior draws), N the decisions of the coming quarter and c what a decision costs besides,

    loss(keep)   = N E max(0, -(m - c))      what is lost if the right is kept and was worth nothing
    loss(revoke) = N E max(0,  m - c)        what is given up if it is revoked and was worth something
    loss(cap f)  = f loss(keep) + (1 - f) loss(revoke),

so a cap never wins on expected value and needs another argument (risk, learning). The smaller loss is the expected value of perfect
information: the most that waiting for more data could save. ``loss(revoke) - loss(keep) = N E(m - c)`` is what the right is worth.

The argument by risk: whoever bears the total V of a quarter with risk aversion a on capital C maximises f E V - a f^2 Var V / (2 C) over the
size f, so full size is too much where C < a Var V / E V, and nothing less is worth while above it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from skillstats.errors import DomainError

FloatArray = NDArray[np.float64]
TAIL: Final = 0.05
"""Share of the draws that is the tail of an expected shortfall."""


@dataclass(frozen=True, slots=True)
class Losses:
    """Expected losses over `decisions` decisions, in the unit of the value-add.

    better : the act with the smaller loss; evpi : that loss
    value : what keeping the right is worth against revoking it, revoke - keep
    p_loss : P(m < c); shortfall : mean of N (m - c) over the worst 5% of what is believed of m, at least one draw
    """

    decisions: float
    keep: float
    revoke: float
    better: Literal["keep", "revoke"]
    evpi: float
    value: float
    p_loss: float
    shortfall: float

    def cap(self, fraction: float) -> float:
        """Expected loss of keeping the right at a fraction of the size, in [0, 1]."""
        if not 0 <= fraction <= 1:
            raise DomainError(f"fraction={fraction}, must be in [0, 1]")
        return fraction * self.keep + (1 - fraction) * self.revoke


def expected_losses(value_add: FloatArray, decisions: float, cost: float = 0.0) -> Losses:
    """Expected losses of keeping and of revoking.

    Parameters
    ----------
    value_add : (draw,) mean value-add of a decision, input unit
    decisions : N, decisions the choice is about
    cost : of a decision beyond what is in the value-add, same unit

    Examples
    --------
    >>> expected_losses(np.array([-1.0, 3.0]), 10)
    Losses(decisions=10, keep=5.0, revoke=15.0, better='keep', evpi=5.0, value=10.0, p_loss=0.5, shortfall=-10.0)
    """
    net = value_add - cost
    keep, revoke = decisions * float(np.mean(np.maximum(0, -net))), decisions * float(np.mean(np.maximum(0, net)))
    better: Literal["keep", "revoke"] = "keep" if keep <= revoke else "revoke"
    worst = decisions * expected_shortfall(net)
    return Losses(decisions, keep, revoke, better, min(keep, revoke), revoke - keep, float(np.mean(net < 0)), worst)


def expected_shortfall(draws: FloatArray, share: float = TAIL) -> float:
    """Mean of the worst `share` of the draws, at least one of them; negative where it is a loss.

    Examples
    --------
    >>> expected_shortfall(np.array([4.0, -3.0, 1.0, -1.0]), share=0.5)
    -2.0
    """
    kept = max(1, int(share * len(draws)))
    return float(np.mean(np.partition(draws, kept - 1)[:kept]))


def least_capital(mean: float, sd: float, aversion: float) -> float | None:
    """Capital below which the full size of a gamble is too much, ``aversion sd^2 / mean``; None where the mean is not above 0.

    Parameters
    ----------
    mean, sd : of the total, currency; aversion : relative risk aversion on that capital, no unit

    Examples
    --------
    >>> least_capital(1000.0, 5000.0, 3.0)
    75000.0
    """
    return aversion * sd**2 / mean if mean > 0 else None
