"""How long until a trader like this could be certified: the power formula with the desk's own rhythm.

A trader of the posterior's mean annual IR, with as many effective decisions a year as this one, under the plan's hurdle and certainty and
the prior sd of the specification, is certified with probability .80 after n effective decisions (`luck.power`). From those the ones already
seen are taken off; active days follow at the trader's own effective decisions a day. It is a planning figure for someone of that IR, not a
promise: at n the chance is 80%.
"""

from __future__ import annotations

import math
from typing import Any, Final

from skillstats.errors import DomainError
from skillstats.luck.power import decisions_needed

POWER: Final = 0.80
EXAMPLES: Final = (1.0, 2.0, 3.0)
"""Annual IRs for which the desk's table prints how long it takes."""


def still_needed(
    ir: float, *, n_eff: float, days: int, active: float | None, hurdle: float, prior_sd: float, certainty: float
) -> dict[str, Any]:
    """Effective decisions and active days still needed by a trader of a given IR.

    Parameters
    ----------
    ir, hurdle, prior_sd : annual where `active` is given, else per decision
    n_eff, days : effective decisions and active sessions seen; active : active sessions a year

    Returns
    -------
    ir; decisions, days : still needed, None where the IR does not exceed the hurdle; years : of such days in all, from the first, None
    likewise or where there is no year
    """
    breadth = 1.0 if active is None else n_eff / days * active
    try:
        total = decisions_needed(
            annual_ir=ir, breadth=breadth, hurdle=hurdle, prior_sd=prior_sd, certainty=certainty, power=POWER
        )
    except DomainError:
        total = math.inf
    if math.isinf(total):
        return {"ir": ir, "decisions": None, "days": None, "years": None}
    left = max(0.0, total - n_eff)
    years = None if active is None else total / breadth
    return {"ir": ir, "decisions": left, "days": math.ceil(left * days / n_eff), "years": years}
