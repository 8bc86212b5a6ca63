"""A small complete record, for a newcomer to run and to copy: two assets, two days, each of the seven actions once.

The numbers are made up and simple: quotes two cents wide, one cent up or down a minute, fees of half a cent a unit on both sides. 3 March 2025
was a Monday; New York traded from 14:30 to 21:00 UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from skillstats.plan import Fees, Plan

Rows = list[tuple[str, ...]]
DAY, NEXT = "2025-03-03", "2025-03-04"
FEE: Final = "0.005"
EXAMPLE_PLAN: Final = Plan(name="example", horizon="session+1", fees=Fees(per_unit=FEE))
SIGNALS: Final = (
    ("S1", "15:00:00", "ALPHA", "BUY", "1000", "mean_reversion"),
    ("S2", "15:02:00", "ALPHA", "SELL", "500", "mean_reversion"),
    ("S3", "15:04:00", "BETA", "BUY", "2000", "momentum"),
    ("S4", "15:06:00", "BETA", "SELL", "800", "momentum"),
    ("S5", "15:08:00", "ALPHA", "BUY", "300", "mean_reversion"),
    ("S6", "15:10:00", "BETA", "BUY", "600", "momentum"),
)
"""id, time, asset, side, quantity, type."""
ACTIONS: Final = (
    ("A1", "S1", "15:00:20", "T1", "VETO", "", "results tonight", "", ""),
    ("A2", "S2", "15:02:20", "T2", "DELAY", "500", "waits for the auction", "", ""),
    ("A3", "S3", "15:04:20", "T1", "RESIZE", "1000", "half of it", "", ""),
    ("A4", "S4", "15:06:20", "T2", "ACCEPT", "800", "", "", ""),
    ("A5", "S5", "15:08:20", "T1", "REVERSE", "200", "sees it the other way", "", ""),
    ("A6", "S6", "15:10:20", "T2", "REPRICE", "600", "works a limit", "", ""),
    ("A7", "", "15:12:00", "T1", "INITIATE", "250", "own idea", "ALPHA", "SELL"),
)
"""id, signal, time, trader, action, quantity, reason, asset, side."""
FILLS: Final = (
    ("F1", "A2", "15:20:30", "300", "49.98"),
    ("F2", "A2", "15:21:30", "200", "49.97"),
    ("F3", "A3", "15:04:40", "1000", "25.03"),
    ("F4", "A4", "15:06:30", "800", "24.99"),
    ("F5", "A5", "15:08:40", "200", "49.99"),
    ("F6", "A6", "15:14:40", "600", "25.00"),
    ("F7", "A7", "15:12:30", "250", "50.01"),
)
"""id, action, time, quantity, price."""
LEVELS: Final = {"ALPHA": (5000, 5045), "BETA": (2501, 2476)}
"""Mid of the first minute and of the second day's close, cents."""


def example_tables() -> Mapping[str, tuple[str, Rows]]:
    """Header and rows of each table."""
    return {
        "signals": ("signal_id,time,model,asset,side,quantity,signal_type", [_signal(s) for s in SIGNALS]),
        "actions": ("action_id,signal_id,time,trader,action,quantity,reason,asset,side", [(a[0], a[1], _at(a[2]), *a[3:]) for a in ACTIONS]),
        "fills": ("fill_id,action_id,time,quantity,price,fee", [_fill(f) for f in FILLS]),
        "prices": ("asset,time,bid,ask", [row for asset in LEVELS for row in _quotes(asset)]),
    }  # fmt: skip


def _at(time: str) -> str:
    return f"{DAY}T{time}Z"


def _signal(row: tuple[str, ...]) -> tuple[str, ...]:
    name, time, asset, side, quantity, kind = row
    return name, _at(time), "model-1", asset, side, quantity, kind


def _fill(row: tuple[str, ...]) -> tuple[str, ...]:
    name, action, time, quantity, price = row
    return name, action, _at(time), quantity, price, _decimal(int(quantity) * 5, 3)


def _quotes(asset: str) -> Rows:
    """A quote a minute from 15:00 to 15:29, and those of both closes."""
    first, last = LEVELS[asset]
    mids = [(_at(f"15:{k:02d}:00"), first + (k % 7) - 3) for k in range(30)]
    mids += [(_at("21:00:00"), (first + last) // 2), (f"{NEXT}T21:00:00Z", last)]
    return [(asset, time, _decimal(mid - 1, 2), _decimal(mid + 1, 2)) for time, mid in mids]


def _decimal(steps: int, places: int) -> str:
    digits = f"{steps:0{places + 1}d}"
    return f"{digits[:-places]}.{digits[-places:]}"
