"""The loss that has not been seen yet: what a high hit rate of vetoes leaves open.

A veto can be like an option sold: many small gains, and once in a while a loss that takes them all. Of n independent days without a loss
beyond the worst one seen, nothing worse than a chance p of it per day can be said than

    (1 - p)^n >= .05,     p <= 1 - .05^(1/n), about 3 / n    (the rule of three, 95% upper bound),

and a loss of (mean gain a day) / p, should it come that often, would cancel the record. The bound is exact for independent days and says
nothing of how large the unseen loss is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from skillstats.attribution.day_books import DayBooks, cut_decisions
from skillstats.attribution.measures import unseen_bound
from skillstats.ledger.containers import Ledger

OPTION_HITS: Final = 0.80
OPTION_LOSS: Final = 3.0
OPTION_DECISIONS: Final = 10


@dataclass(frozen=True, slots=True)
class Unseen:
    """Vetoes and down-sizes of one trader; money in currency.

    decisions, days : how many, and sessions with one; hit_rate : share of decisions with a value-add > 0; losses : decisions below 0
    mean_gain : of the decisions above 0; worst : lowest decision, None where none lost; total : sum
    no_loss_bound : 95% upper bound of the chance a day of a loss worse than any seen (of any loss, where none was seen)
    cancelling_loss : loss that would cancel the record if it came as often as the bound allows, None where there is nothing to cancel
    option_like : at least 10 decisions, 80% of them gains, and no loss seen or one above three mean gains
    """

    trader: str
    decisions: int
    days: int
    hit_rate: float
    losses: int
    mean_gain: float | None
    worst: float | None
    total: float
    no_loss_bound: float
    cancelling_loss: float | None
    option_like: bool


def unseen_losses(ledger: Ledger, books: DayBooks) -> tuple[Unseen, ...]:
    """One line a trader with a veto or down-size, in order of names."""
    cuts = cut_decisions(ledger)
    found = []
    for name in books.traders:
        own = cuts[cuts["trader"] == name]
        if len(own):
            values = own.groupby("decision_id", sort=True)["value"].sum().to_numpy(dtype=float)
            found.append(unseen_of(name, values, own["session"].nunique()))
    return tuple(found)


def unseen_of(name: str, values: np.ndarray, days: int) -> Unseen:
    """What the outcomes of some decisions on some days leave open.

    Parameters
    ----------
    values : (decision,) value-add, currency, at least one; days : independent days they lie on

    Examples
    --------
    Sixty gains of 100 and no loss: a loss of 2,053, on as many as 4.9% of days, would cancel them all.

    >>> u = unseen_of("T1", np.full(60, 100.0), 60)
    >>> round(u.no_loss_bound, 3), round(u.cancelling_loss), u.option_like
    (0.049, 2053, True)
    """
    gains, losses = values[values > 0], values[values < 0]
    total, bound = float(values.sum()), unseen_bound(days)
    rare = not len(losses) or (len(gains) > 0 and -float(losses.min()) > OPTION_LOSS * float(gains.mean()))
    return Unseen(
        trader=name,
        decisions=len(values),
        days=days,
        hit_rate=float(np.mean(values > 0)),
        losses=len(losses),
        mean_gain=float(gains.mean()) if len(gains) else None,
        worst=float(losses.min()) if len(losses) else None,
        total=total,
        no_loss_bound=bound,
        cancelling_loss=total / days / bound if total > 0 else None,
        option_like=bool(len(values) >= OPTION_DECISIONS and np.mean(values > 0) >= OPTION_HITS and rare),
    )
