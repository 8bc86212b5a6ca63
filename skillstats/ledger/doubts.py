"""What may be wrong although nothing forbids it: every warning that needs market data or the finished ledger.

Only D114 and D115 (`fill_doubts`) enter the rows as well, because a row and data up to its horizon decide them; all others could be changed by
later data and stand in the list of problems alone.
"""

from __future__ import annotations

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
    return [*price_problems(record, market, assets), *_dwarfs(record, decisions)]


def _dwarfs(record: Record, decisions: pd.DataFrame) -> list[Problem]:
    """D271: one intervention that is nearly the whole absolute value-add of all of them."""
    own = decisions[decisions["intervention"] & (decisions["n_open"] == 0) & (decisions["value_add"] != 0)]
    if len(own) <= DWARF_OTHERS:
        return []
    sizes = [abs(int(v)) for v in own["value_add"]]
    largest, total = max(sizes), sum(sizes)
    if 100 * largest <= DWARF_PERCENT * total:
        return []
    decision = str(own["decision_id"].iloc[sizes.index(largest)])
    actions = record.tables["actions"]
    named = [g if g is not None else i for g, i in zip(actions["decision_id"], actions["action_id"], strict=True)]
    at = int(np.flatnonzero(np.array(named, dtype=object) == decision)[0])
    share = f"{1000 * largest // total / 10:.1f} % of the total absolute value-add of {len(own)} interventions"
    message = describe_problem("D271", str(actions["action_id"][at]), "decision_id", decision, share)
    line = int(actions.line[at])
    return [Problem("D271", "actions", actions.file, line, message, root=f"{actions.file}:{line}")]
