"""The second model book: what the model would have signalled had all its orders been followed.

The table `resimulated` is priced exactly like signals nobody decided on: same fill model, impact, fees, horizons, rates and corporate
actions; an `exit` is the next opposite re-simulated signal. Nothing of it reaches a row, a decision or a KPI.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from skillstats.errors import Problem
from skillstats.ledger.chains import assemble
from skillstats.ledger.setaside import ledger_quarantine
from skillstats.ledger.steps import in_period, price, set_aside
from skillstats.market.marks import Market
from skillstats.record.containers import Record


@dataclass(frozen=True, slots=True)
class SecondBook:
    """lines : state, session, trader (None), asset, chain, pnl and cost in micro-units, a row each slice

    problems : one a signal that cannot be priced; aside : its rows for the quarantine
    """

    lines: pd.DataFrame
    problems: tuple[Problem, ...]
    aside: tuple[Problem, ...]


def second_book(record: Record, market: Market) -> SecondBook:
    """Price the table `resimulated` of a record."""
    nobody = record.tables["actions"].take(np.zeros(0, dtype=np.int64))
    kept = {k: v for k, v in record.tables.items() if k != "fills"}
    alone = replace(record, tables=kept | {"signals": record.tables["resimulated"], "actions": nobody})
    chains, _ = in_period(assemble(alone, market), market)
    chains, _, found = set_aside(alone, market, chains)
    priced, slices = price(alone, market, chains)
    lines = pd.DataFrame(
        {
            "state": np.where(priced.prices.open[slices.chain], "open_to_date", "closed"),
            "session": market.desk.labels[slices.session],
            "trader": None,
            "asset": chains.name[slices.chain],
            "chain": slices.chain,
            "pnl": slices.model,
            "cost": slices.model_cost,
        }
    )
    return SecondBook(lines, tuple(found), tuple(ledger_quarantine(alone, found)))
