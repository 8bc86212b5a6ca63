"""Leave one day out: would the claim survive without its best day?

The posterior without session s is the posterior weighted by 1 / p(y_s | globals), the weights smoothed by a generalised Pareto tail
(PSIS). A claim that changes sign, or whose probability moves by more than 0.20, without one session is a one-bet result, whatever its
Pareto k. Where k exceeds min(1 - 1/log10 S, 0.7) the weights cannot be trusted and the reader is told.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from skillstats.evaluation.weights import smoothed_weights

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
MOVE_LIMIT: Final = 0.20
K_LIMIT: Final = 0.7


@dataclass(frozen=True, slots=True)
class Influence:
    """What leaving each session out does to each row of the evaluation.

    Sessions are codes into the evidence; NaN where a session has no rows.

    k : (session,) Pareto shape; k_limit : its limit for this many draws
    probability, harm : (session, row) P(IR > hurdle) and P(IR < 0) without the session; mean : (session, row) mean IR without it
    refitted : sessions for which the model was fitted again instead of reweighted
    """

    k: FloatArray
    k_limit: float
    probability: FloatArray
    harm: FloatArray
    mean: FloatArray
    refitted: tuple[int, ...] = ()

    def with_refit(self, session: int, ir: FloatArray, hurdle: float) -> Influence:
        """The same with the numbers of an exact refit without `session`; `ir` (draw, row) are the refit's draws."""
        probability, harm, mean = self.probability.copy(), self.harm.copy(), self.mean.copy()
        probability[session], harm[session], mean[session] = (ir > hurdle).mean(axis=0), (ir < 0).mean(axis=0), ir.mean(axis=0)
        return replace(self, probability=probability, harm=harm, mean=mean, refitted=(*self.refitted, session))

    def one_bet(self, row: int, claimed: float, mean: float, without: FloatArray) -> int | None:
        """Session whose absence flips the sign of the IR or moves the claimed probability by more than 0.20; None if there is none.

        `without` is `probability` for a claim of skill and `harm` for one of harm.
        """
        known = np.isfinite(self.mean[:, row])
        moved = np.where(known, np.abs(without[:, row] - claimed), 0.0)
        flips = known & (np.sign(self.mean[:, row]) != np.sign(mean))
        bad = np.flatnonzero((moved > MOVE_LIMIT) | flips)
        return int(bad[np.argmax(moved[bad])]) if len(bad) else None


def leave_one_day_out(sessions: IntArray, log_density: FloatArray, ir: FloatArray, hurdle: float) -> Influence:
    """Reweigh the posterior to each data set without one session.

    Parameters
    ----------
    sessions : (occurring session,) codes; log_density : (draw, occurring session) nats
    ir : (draw, row) on the hurdle's scale
    """
    weights, k = smoothed_weights(-log_density.T)
    limit = min(1 - 1 / np.log10(len(log_density)), K_LIMIT)
    width, rows = int(sessions.max()) + 1, ir.shape[1]
    shape = np.full(width, np.nan)
    shape[sessions] = k

    def spread(values: FloatArray) -> FloatArray:
        table = np.full((width, rows), np.nan)
        table[sessions] = values
        return table

    above, below = (ir > hurdle).astype(float), (ir < 0).astype(float)
    return Influence(shape, float(limit), spread(weights @ above), spread(weights @ below), spread(weights @ ir))
