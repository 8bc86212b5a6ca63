"""A desk of daily closes with two factors, as tables of text: what the tests of carried tables and of attribution start from."""

from __future__ import annotations

from dataclasses import dataclass, field

import exchange_calendars as xc
import numpy as np
import pandas as pd

from skillstats.ledger.build import build_ledger
from skillstats.ledger.containers import Ledger
from skillstats.plan import Plan
from skillstats.record import read_record

NOW = "2030-01-01T00:00:00Z"
PLAN = Plan(horizon="close")
Row = tuple[str, ...]
COLUMNS = {
    "signals": "signal_id time model asset side quantity signal_type",
    "actions": "action_id signal_id time trader action quantity decision_id",
    "fills": "fill_id action_id time quantity price fee",
    "prices": "asset time close",
    "factors": "factor time return",
    "exposures": "asset factor time exposure",
    "features": "time asset news score",
}


def closes(first: str, count: int) -> list[str]:
    """Closing instants of the exchange's sessions from a date on."""
    schedule = xc.get_calendar(
        "XNYS", start=first, end=str(pd.Timestamp(first) + pd.Timedelta(days=2 * count + 20))[:10]
    ).schedule
    return [t.strftime("%Y-%m-%dT%H:%M:%SZ") for t in schedule["close"][:count]]


def just_after(stamp: str, seconds: int = 1) -> str:
    """An instant some seconds later."""
    return (pd.Timestamp(stamp) + pd.Timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass
class Tables:
    """Rows of text by table, filled by hand."""

    rows: dict[str, list[Row]] = field(default_factory=dict)

    def add(self, table: str, *cells: str) -> None:
        self.rows.setdefault(table, []).append(cells)

    def frames(self) -> dict[str, pd.DataFrame]:
        found = {}
        for name, rows in self.rows.items():
            names = COLUMNS[name].split()
            found[name] = pd.DataFrame([(*r, *[""] * (len(names) - len(r))) for r in rows], columns=names, dtype=object)
        return found

    def ledger(self, plan: Plan = PLAN) -> Ledger:
        return build_ledger(read_record(self.frames(), plan, now=NOW))


def market_desk(seed: int = 1, days: int = 90, *, given: bool = False) -> Tables:
    """Three assets driven by two factors; from day 62 on one BUY of each asset after every close, vetoed on every third day."""
    rng = np.random.default_rng(seed)
    stamps, beta = closes("2025-01-02", days), np.array([[1.2, 0.0], [0.8, 0.5], [1.0, -0.4]])
    moves = rng.normal(0, 0.01, (days, 2))
    returns = moves @ beta.T + rng.normal(0, 0.004, (days, 3))
    price = 100 * np.cumprod(1 + returns, axis=0)
    desk = Tables()
    for k, stamp in enumerate(stamps):
        for j, factor in enumerate(("market", "momentum")):
            desk.add("factors", factor, stamp, repr(float(moves[k, j])))
        for a, asset in enumerate("ABC"):
            desk.add("prices", asset, stamp, f"{price[k, a]:.4f}")
            if given and k == 0:
                for j, factor in enumerate(("market", "momentum")):
                    desk.add("exposures", asset, factor, stamp, repr(float(beta[a, j])))
            if 62 <= k < days - 1:
                signal, time = f"S{k}{asset}", just_after(stamp)
                desk.add("signals", signal, time, "m", asset, "BUY", "100", "trend" if a else "value")
                verb, quantity = ("VETO", "") if k % 3 == 0 else ("ACCEPT", "100")
                desk.add(
                    "actions",
                    f"A{signal}",
                    signal,
                    time,
                    "T1" if a < 2 else "T2",
                    verb,
                    quantity,
                    f"D{k}{'T1' if a < 2 else 'T2'}",
                )
                if verb == "ACCEPT":
                    desk.add("fills", f"F{signal}", f"A{signal}", time, "100", f"{price[k, a]:.4f}", "0")
    return desk
