"""How many effective decisions a certain answer takes.

A trader with true information ratio IR a decision, prior Normal(0, tau0) and n effective decisions of sd 1 has the posterior
Normal(n ybar / (n + k), 1 / sqrt(n + k)) with k = 1 / tau0^2, so P(IR > hurdle) reaches the certainty c when

    ybar > hurdle (n + k) / n + z_c sqrt(n + k) / n,

and because ybar ~ Normal(IR, 1 / sqrt(n)) this happens with probability

    power = Phi( sqrt(n) (IR - hurdle (n + k) / n - z_c sqrt(n + k) / n) ).

Effective decisions are independent ones; sessions follow by dividing by the effective decisions of a session. Annual figures become
figures a decision by the root of the breadth B, effective decisions a year.
"""

from __future__ import annotations

import math
from typing import Final

from scipy.special import ndtr, ndtri

from skillstats.errors import DomainError

MOST: Final = 1e12
"""Effective decisions beyond which the answer is never."""


def power_of(n: float, *, ir: float, hurdle: float, prior_sd: float, certainty: float) -> float:
    """Probability that `n` effective decisions make P(IR > hurdle) reach the certainty.

    Parameters
    ----------
    n : effective decisions, > 0
    ir, hurdle, prior_sd : true IR, hurdle and sd of the prior, per effective decision; `prior_sd` may be infinite (flat prior)
    certainty : of the claim, in (.5, 1)

    Examples
    --------
    The table of section 6 of the statistical specification, IR .05 with a prior sd of .10:

    >>> round(power_of(1861, ir=0.05, hurdle=0.0, prior_sd=0.10, certainty=0.90), 2)
    0.8
    """
    k = 0.0 if math.isinf(prior_sd) else prior_sd**-2
    threshold = hurdle * (n + k) / n + float(ndtri(certainty)) * math.sqrt(n + k) / n
    return float(ndtr(math.sqrt(n) * (ir - threshold)))


def decisions_needed(
    *,
    annual_ir: float,
    breadth: float,
    hurdle: float = 0.25,
    prior_sd: float = 0.5,
    certainty: float = 0.90,
    power: float = 0.80,
) -> float:
    """Effective decisions until a trader of a given annual IR is certified with a given probability.

    Parameters
    ----------
    annual_ir, hurdle, prior_sd : true annual IR, annual hurdle, sd of the prior of annual IRs (infinite: flat)
    breadth : effective decisions a year, > 0
    certainty : P(IR > hurdle) a claim needs, in (.5, 1)
    power : probability with which the claim should be made by then, in (0, 1)

    Returns
    -------
    float, effective decisions; divide by `breadth` for years; infinite where the IR does not exceed the hurdle

    Raises
    ------
    DomainError
        If an argument is outside its range.

    Notes
    -----
    The power rises in `n` for every IR above the hurdle, so bisection finds the one root.

    Examples
    --------
    >>> round(decisions_needed(annual_ir=1.0, breadth=586, hurdle=0.25, prior_sd=0.5, certainty=0.90, power=0.80))
    7084
    """
    if not (breadth > 0 and prior_sd > 0 and 0.5 < certainty < 1 and 0 < power < 1 and math.isfinite(annual_ir + hurdle)):
        raise DomainError(
            f"breadth={breadth}, prior_sd={prior_sd}, certainty={certainty}, power={power}: breadth and prior_sd must be > 0, "
            "certainty in (.5, 1), power in (0, 1)"
        )
    if annual_ir <= hurdle:
        return math.inf
    root = math.sqrt(breadth)
    given = {"ir": annual_ir / root, "hurdle": hurdle / root, "prior_sd": prior_sd / root, "certainty": certainty}
    low, high = 1e-6, 1.0
    while power_of(high, **given) < power:
        if high > MOST:
            return math.inf
        high *= 4
    while high - low > 1e-9 * high:
        middle = 0.5 * (low + high)
        low, high = (middle, high) if power_of(middle, **given) < power else (low, middle)
    return high
