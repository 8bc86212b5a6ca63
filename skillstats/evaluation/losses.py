"""What keeping, capping or revoking the right to override may cost, in money.

With m the value-add of a decision (posterior draws), N the decisions of the coming quarter and c what a decision costs besides,

    loss(keep)   = N E max(0, -(m - c))      what is lost if the right is kept and was worth nothing
    loss(revoke) = N E max(0,  m - c)        what is given up if it is revoked and was worth something
    loss(cap f)  = f loss(keep) + (1 - f) loss(revoke),

so a cap never wins on expected value and needs another argument (risk, learning). The smaller loss is the expected value of perfect
information: the most that waiting for more data could save.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from skillstats.errors import DomainError

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Losses:
    """Expected losses over `decisions` decisions, in the unit of the value-add.

    better : the act with the smaller loss; evpi : that loss
    """

    decisions: float
    keep: float
    revoke: float
    better: Literal["keep", "revoke"]
    evpi: float

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
    Losses(decisions=10, keep=5.0, revoke=15.0, better='keep', evpi=5.0)
    """
    net = value_add - cost
    keep, revoke = decisions * float(np.mean(np.maximum(0, -net))), decisions * float(np.mean(np.maximum(0, net)))
    return Losses(decisions, keep, revoke, "keep" if keep <= revoke else "revoke", min(keep, revoke))
