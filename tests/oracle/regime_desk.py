"""A small market for tests of regime labels: quotes at noon and at each close of New York, with volumes and sizes; B misses some sessions."""

from __future__ import annotations

from random import Random
from typing import Any

import msgspec
import numpy as np
import pandas as pd

from skillstats.market.adjust import corporate_of
from skillstats.market.opening import open_market
from skillstats.market.sessions import load_sessions
from skillstats.plan import Plan, RegimeChoice
from skillstats.record import read_record
from skillstats.record.containers import Record
from skillstats.regimes.builtin import label_source
from skillstats.regimes.labels import Labels, regime_labels

Rows = list[dict[str, str]]
NOW = "2027-01-01T00:00:00Z"
START = int(np.datetime64("2025-01-02T00:00", "us").astype(np.int64))
ASSETS = ("A", "B")


def stamp(moment: int) -> str:
    return f"{np.datetime64(moment, 'us')}Z"


def calendar(days: int) -> tuple[Any, Any]:
    sessions = load_sessions("XNYS", START, START + 3 * days * 86_400_000_000)
    first = int(np.searchsorted(sessions.closes, START))
    return sessions.opens[first : first + days], sessions.closes[first : first + days]


def price_rows(days: int, seed: int, assets: tuple[str, ...] = ASSETS) -> Rows:
    """Mids that walk calmly or wildly, in spells; sizes of quotes come from a generator of their own and are sometimes missing or 0."""
    pick, shown, opens, closes = Random(seed), Random(seed + 1), *calendar(days)
    rows = []
    for asset in assets:
        mid, turbulent = 5000, False
        for k, (begin, end) in enumerate(zip(opens.tolist(), closes.tolist(), strict=True)):
            turbulent = turbulent != (pick.random() < 0.05)
            if asset == "B" and pick.random() < 0.15:
                continue
            for at in ((begin + end) // 2, end):
                mid = max(mid + round(pick.gauss(0, 60 if turbulent else 20)), 500)
                gap = pick.randint(1, 9)
                rows.append(
                    {
                        "asset": asset,
                        "time": stamp(at),
                        "bid": f"{(mid - gap) / 100:.2f}",
                        "ask": f"{(mid + gap) / 100:.2f}",
                        "close": f"{mid / 100:.2f}",
                        "volume": str(pick.randint(100, 999)) if k else "",
                        "bid_size": "" if shown.random() < 0.1 else str(shown.choice((0, shown.randint(1, 900)))),
                        "ask_size": "" if shown.random() < 0.1 else str(shown.randint(1, 900)),
                    }
                )
    return rows


def decisions(days: int, per_day: int = 2) -> list[int]:
    """Instants from the first session on: inside the hours, at night, at the very close."""
    pick, (opens, closes) = Random(7), calendar(days)
    inside = [pick.randint(a + 1, b) for a, b in zip(opens.tolist(), closes.tolist(), strict=True) for _ in range(per_day - 1)]
    return sorted(inside + closes.tolist())


def record_of(rows: Rows, plan: Plan | None = None, **tables: Rows) -> Record:
    at = stamp(int(calendar(40)[0][30]) + 60_000_000)
    signals = [{"signal_id": "S", "time": at, "model": "m", "asset": rows[0]["asset"], "side": "BUY", "quantity": "1"}]
    actions = [{"action_id": "V", "signal_id": "S", "time": at, "trader": "T", "action": "VETO", "quantity": ""}]
    frames = {"prices": rows, "signals": signals, "actions": actions, **tables}
    return read_record({k: pd.DataFrame(v, dtype=object) for k, v in frames.items()}, plan or Plan(horizon="close"), now=NOW)


def labels_of(record: Record, use: tuple[str, ...], asset: list[str], decided: list[int], as_of: str | None = None) -> Labels:
    plan = msgspec.structs.replace(record.plan, regimes=RegimeChoice(use=use), as_of=as_of)
    market = open_market(record, plan)
    source = label_source(market, corporate_of(record))
    return regime_labels(
        use, record.tables.get("regimes"), source, np.array(asset, dtype=object), np.array(decided, dtype=np.int64)
    )
