"""The second model book: what the model would have signalled had all its orders been followed.

The table `resimulated` is priced exactly like signals nobody decided on: same fill model, impact, fees, horizons, rates and corporate
actions; an `exit` is the next opposite re-simulated signal. Nothing of it reaches a row, a decision or a KPI.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skillstats.errors import Problem
from skillstats.ledger.bounds import refuse_total
from skillstats.ledger.chains import assemble
from skillstats.ledger.setaside import ledger_quarantine
from skillstats.ledger.steps import Work, in_period, known_volatility, prepare, price, set_aside
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


def second_book(record: Record, market: Market, chunk: int) -> SecondBook:
    """Price the table `resimulated` of a record, `chunk` signals at a time."""
    nobody = record.tables["actions"].take(np.zeros(0, dtype=np.int64))
    kept = {k: v for k, v in record.tables.items() if k != "fills"}
    signals = record.tables["resimulated"]
    alone = replace(record, tables=kept | {"signals": signals, "actions": nobody}, issued=signals)
    chains, _ = in_period(assemble(alone, market), market)
    work, lost, found = set_aside(prepare(alone, market, chains), chunk)
    refuse_total(lost.reach)
    volatility = known_volatility(work)
    lines = [_lines(part, volatility[start : start + len(part.chains)], start) for start, part in work.chunks(chunk)]
    return SecondBook(pd.concat(lines, ignore_index=True), tuple(found), tuple(ledger_quarantine(alone, found)))


def _lines(work: Work, volatility: NDArray[np.int64], first: int) -> pd.DataFrame:
    """Book lines of some re-simulated signals, of which the first is number `first`."""
    priced, slices = price(work, volatility)
    return pd.DataFrame(
        {
            "state": np.where(priced.prices.open[slices.chain], "open_to_date", "closed"),
            "session": work.market.desk.labels[slices.session],
            "trader": None,
            "asset": work.chains.name[slices.chain],
            "chain": slices.chain + first,
            "pnl": slices.model,
            "cost": slices.model_cost,
        }
    )
