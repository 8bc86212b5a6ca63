"""What may be wrong although nothing forbids it: every warning that needs market data or the finished ledger.

Only D114 and D115 (`fill_doubts`) enter the rows as well, because a row and data up to its horizon decide them; all others could be changed by
later data and stand in the list of problems alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skillstats.errors import Problem, describe_problem
from skillstats.ledger.price_doubts import price_problems
from skillstats.market.marks import Market
from skillstats.record.containers import Record

DWARF_PERCENT: Final = 99
"""D271: share of the total absolute value-add above which one decision is the result."""
DWARF_OTHERS: Final = 3
"""D271: so many other interventions with a value-add must stand beside it; of one or two decisions one always dominates."""


def doubts(record: Record, market: Market, assets: NDArray[np.int64], decisions: pd.DataFrame) -> list[Problem]:
    """D256, D257, D258 of the traded assets' prices, and D271.

    Parameters
    ----------
    assets : (chain,) position in the store of each chain that was priced
    """
    return [*price_problems(record, market, assets), *dwarf_problems([largest_of(record, decisions)])]


@dataclass(frozen=True, slots=True)
class Largest:
    """The largest intervention of some decisions in absolute value-add, micro-units, and the sum and number of all of them.

    place : its first time and id, which decide between equals; action, file, line : of its first action
    """

    size: int
    place: tuple[int, str]
    total: int
    count: int
    action: str
    file: str
    line: int


def largest_of(record: Record, decisions: pd.DataFrame) -> Largest | None:
    """The largest of the interventions that have a value-add; None where there is none."""
    own = decisions[decisions["intervention"] & (decisions["n_open"] == 0) & (decisions["value_add"] != 0)]
    if not len(own):
        return None
    sizes = [abs(int(v)) for v in own["value_add"]]
    first = own.iloc[sizes.index(max(sizes))]
    decision, actions = str(first["decision_id"]), record.tables["actions"]
    named = [g if g is not None else i for g, i in zip(actions["decision_id"], actions["action_id"], strict=True)]
    at = int(np.flatnonzero(np.array(named, dtype=object) == decision)[0])
    file, line = actions.place(at)
    own_place = (int(first["first_time"]), decision)
    return Largest(max(sizes), own_place, sum(sizes), len(sizes), str(actions["action_id"][at]), file, line)


def dwarf_problems(parts: Iterable[Largest | None]) -> list[Problem]:
    """D271: one intervention that is nearly the whole absolute value-add of all of them, over all parts of a ledger."""
    found = [p for p in parts if p is not None]
    count, total = sum(p.count for p in found), sum(p.total for p in found)
    if count <= DWARF_OTHERS:
        return []
    largest = min(found, key=lambda p: (-p.size, p.place))
    if 100 * largest.size <= DWARF_PERCENT * total:
        return []
    share = f"{1000 * largest.size // total / 10:.1f} % of the total absolute value-add of {count} interventions"
    message = describe_problem("D271", largest.action, "decision_id", largest.place[1], share)
    place = f"{largest.file}:{largest.line}"
    return [Problem("D271", "actions", largest.file, largest.line, message, root=place)]
