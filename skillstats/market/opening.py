"""From a record and a plan to a `Market`: the store, the calendars and the instant of the evaluation."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Final

from skillstats.errors import UsageError
from skillstats.market.horizon import sessions_ahead
from skillstats.market.marks import Market
from skillstats.market.sessions import load_sessions
from skillstats.market.store import build_store
from skillstats.plan import Plan
from skillstats.record.containers import Record

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
DATED: Final = ("signals", "resimulated", "actions", "fills")


def open_market(record: Record, plan: Plan, threads: int = 1) -> Market:
    """Everything a look-up needs; nothing after `as_of` will be read.

    Raises
    ------
    UsageError
        If a calendar is unknown, or `as_of` is not an instant with offset.
    """
    stamps = [t["time"] for name, t in record.tables.items() if name in DATED and len(t)]
    ends = [int(v) for s in stamps for v in (s.min(), s.max())]
    own = [
        h for name in ("signals", "resimulated") if name in record.tables for h in record.tables[name]["horizon"] if h is not None
    ]
    return market_of(record, plan, ends, own, threads)


def market_of(record: Record, plan: Plan, ends: Iterable[int], horizons: Iterable[str], threads: int = 1) -> Market:
    """As `open_market`, where only prices and scales are the record's.

    Parameters
    ----------
    ends : first and last instants of the tables `DATED`; horizons : kinds that signals name
    """
    store = build_store(record.prices, record.scales)
    span = record.prices.spans()
    dated = [*ends, *(span or ())]
    first, last = min(dated), max(dated)
    kinds = {plan.horizon or "close", *plan.decay, *horizons}
    ahead = sessions_ahead(sorted(kinds))
    chosen = tuple((plan.assets[a].calendar if a in plan.assets else None) or plan.calendar.default for a in store.assets)
    names = sorted({plan.calendar.default, *chosen})
    calendars = {name: load_sessions(name, first, last, ahead) for name in names}
    as_of = parse_as_of(plan.as_of) if plan.as_of else (span[1] if span else first)
    return Market(plan, store, calendars, chosen, calendars[plan.calendar.default], as_of, threads)


def parse_as_of(text: str) -> int:
    """Instant of the evaluation in UTC microseconds."""
    try:
        stamp = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"as_of={text!r} is not an instant; write ISO 8601 with offset or Z") from None
    if stamp.tzinfo is None:
        raise UsageError(f"as_of={text!r} has no offset; write ISO 8601 with offset or Z")
    return (stamp - EPOCH) // timedelta(microseconds=1)
