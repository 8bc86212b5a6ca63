"""From a record and a plan to a `Market`: the store, the calendars and the instant of the evaluation."""

from __future__ import annotations

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


def open_market(record: Record, plan: Plan) -> Market:
    """Everything a look-up needs; nothing after `as_of` will be read.

    Raises
    ------
    UsageError
        If a calendar is unknown, or `as_of` is not an instant with offset.
    """
    prices = record.tables["prices"]
    store = build_store(prices)
    dated = ("signals", "resimulated", "actions", "fills", "prices")
    stamps = [t["time"] for name, t in record.tables.items() if name in dated and len(t)]
    first, last = min(int(s.min()) for s in stamps), max(int(s.max()) for s in stamps)
    own = [
        h for name in ("signals", "resimulated") if name in record.tables for h in record.tables[name]["horizon"] if h is not None
    ]
    kinds = {plan.horizon or "close", *plan.decay, *own}
    ahead = sessions_ahead(sorted(kinds))
    chosen = tuple((plan.assets[a].calendar if a in plan.assets else None) or plan.calendar.default for a in store.assets)
    names = sorted({plan.calendar.default, *chosen})
    calendars = {name: load_sessions(name, first, last, ahead) for name in names}
    as_of = parse_as_of(plan.as_of) if plan.as_of else (int(prices["time"].max()) if len(prices) else first)
    return Market(plan, store, calendars, chosen, calendars[plan.calendar.default], as_of)


def parse_as_of(text: str) -> int:
    """Instant of the evaluation in UTC microseconds."""
    try:
        stamp = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"as_of={text!r} is not an instant; write ISO 8601 with offset or Z") from None
    if stamp.tzinfo is None:
        raise UsageError(f"as_of={text!r} has no offset; write ISO 8601 with offset or Z")
    return (stamp - EPOCH) // timedelta(microseconds=1)
