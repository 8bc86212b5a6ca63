"""Does one trade or one day carry the record?

    share of the largest row  = max |V_i| / sum |V_i|,      share of the largest day = max |V_s| / sum |V_s|,   V_s day totals,

and the same of the net total, V / sum V, which may exceed 100% or be negative. Beside them what the posterior says without the day that
matters most for it: the change of the mean IR and of P(IR > hurdle) when that day is left out.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skillstats.evaluation.annual import day_totals
from skillstats.evaluation.estimands import Target
from skillstats.evaluation.influence import Influence
from skillstats.evidence import Evidence

FloatArray = NDArray[np.float64]


def tail_contribution(
    evidence: Evidence, target: Target, influence: Influence, at: int, above: float, mean: float
) -> dict[str, Any]:
    """Weight of the largest row and day of a target, and the day whose absence moves P(IR > hurdle) most.

    Parameters
    ----------
    at : number of the target in `influence`; above, mean : P(IR > hurdle) and mean IR with every day

    Returns
    -------
    largest_row, largest_day : shares of the sum of magnitudes, in [0, 1]; row_of_sum, day_of_sum : shares of the net total, None where
    it is 0; session : label of the largest day; without_session : label of the day that moves P(IR > hurdle) most;
    probability_change, ir_change : what leaving it out adds; pareto_k : of that reweighting, 0 where the model was fitted again;
    judged : whether that k is within its limit, so that the changes can be believed
    """
    value, session = evidence.value_add[target.rows], evidence.session[target.rows]
    days, totals = np.unique(session), day_totals(session, value)
    row, row_of_sum = _largest(value)
    day, day_of_sum = _largest(totals)
    active = days[np.isfinite(influence.probability[days, at])]
    moved = influence.probability[active, at] - above
    labels = evidence.coords["session"]
    found: dict[str, Any] = {
        "largest_row": row,
        "row_of_sum": row_of_sum,
        "largest_day": day,
        "day_of_sum": day_of_sum,
        "session": labels[days[np.argmax(np.abs(totals))]],
        "without_session": None,
        "probability_change": None,
        "ir_change": None,
        "pareto_k": None,
        "judged": False,
    }
    if not len(active):
        return found
    # the change of the mean breaks ties: for a sure claim no day moves the probability at all
    change = influence.mean[active, at] - mean
    worst = int(np.lexsort((np.abs(change), np.abs(moved)))[-1])
    code = int(active[worst])
    k = 0.0 if code in influence.refitted else float(influence.k[code])
    return found | {
        "without_session": labels[code],
        "probability_change": float(moved[worst]),
        "ir_change": float(change[worst]),
        "pareto_k": k,
        "judged": k <= influence.k_limit,
    }


def _largest(values: FloatArray) -> tuple[float | None, float | None]:
    """Share of the largest magnitude in the sum of magnitudes, and of its value in the sum."""
    at, total, net = int(np.argmax(np.abs(values))), float(np.abs(values).sum()), float(values.sum())
    if total == 0:
        return None, None
    return float(abs(values[at]) / total), float(values[at] / net) if net != 0 else None
