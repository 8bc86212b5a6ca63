"""Reading of the second ledger: CSV texts and a plan into chains, with the row checks that need no prices.

Written from the data contract alone; nothing is imported from the package. Instants are integers of microseconds, all other numbers
exact fractions. What a chain needs from its orders' checks is `codes`: why it was set aside before anybody looked at a price.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from functools import cache

import exchange_calendars as xc

EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
MICRO = 10**6
Row = dict[str, str]
Tables = dict[str, list[Row]]


@cache
def instant(text: str) -> int:
    return (datetime.fromisoformat(text) - EPOCH) // timedelta(microseconds=1)


def duration(text: str) -> int:
    seconds, digits = 0, ""
    for letter in text.removeprefix("PT"):
        if letter.isdigit():
            digits += letter
        else:
            seconds += int(digits) * {"H": 3600, "M": 60, "S": 1}[letter]
            digits = ""
    return seconds * MICRO


@cache
def sessions(calendar: str) -> list[tuple[str, int, int]]:
    """(label, open, close) of each session around the year 2024."""
    table = xc.get_calendar(calendar, start="2023-12-01", end="2025-02-28").schedule
    return [
        (f"{day:%Y-%m-%d}", int(row["open"].timestamp()) * MICRO, int(row["close"].timestamp()) * MICRO)
        for day, row in table.iterrows()
    ]


@cache
def session_of(calendar: str, moment: int) -> int:
    """Session k covers (close of k-1, close of k]."""
    k = 0
    while sessions(calendar)[k][2] < moment:
        k += 1
    return k


@dataclass(frozen=True)
class Fill:
    """An execution; `quantity` is signed in the direction of the signal and in the units of its own time."""

    time: int
    name: bytes
    quantity: Fraction
    price: Fraction
    fee: Fraction


@dataclass(frozen=True)
class Chain:
    """A signal with its action and fills, or an action of its own accord (`signal` is None); `q` is the model's quantity.

    `codes` say why its orders set it aside, `dropped` counts replaced actions, `rivals` are several actions that all claim the signal.
    """

    name: str
    signal: Row | None
    action: Row | None
    verb: str
    asset: str
    s: int
    q: Fraction
    ordered: Fraction
    anchor: int
    decided: int
    horizon: str
    fills: tuple[Fill, ...]
    codes: tuple[str, ...] = ()
    dropped: int = 0
    rivals: tuple[Row, ...] = ()

    @property
    def trader(self) -> str | None:
        return self.action["trader"] if self.action else None

    @property
    def model(self) -> str | None:
        return self.signal["model"] if self.signal else None

    @property
    def decision(self) -> str | None:
        return (self.action.get("decision_id") or self.action["action_id"]) if self.action else None

    @property
    def intervenes(self) -> bool:
        return self.verb not in ("ACCEPT", "NO_DECISION")


@dataclass(frozen=True)
class Event:
    """A split or dividend."""

    time: int
    kind: str
    value: Fraction


@dataclass(frozen=True)
class Events:
    """Splits and dividends by asset, and what they make of prices and quantities."""

    by_asset: Mapping[str, tuple[Event, ...]]

    def between(self, asset: str, after: int, upto: int) -> list[Event]:
        """Those in (after, upto]."""
        return [e for e in self.by_asset.get(asset, ()) if after < e.time <= upto]

    def ratio(self, asset: str, after: int, upto: int) -> Fraction:
        """K: units at `upto` for one unit at `after`."""
        product = Fraction(1)
        for event in self.between(asset, after, upto):
            if event.kind == "split":
                product *= event.value
        return product

    def cash(self, asset: str, after: int, upto: int) -> Fraction:
        """D: dividends on one unit held since `after`; a split at the instant of a dividend comes first."""
        total = Fraction(0)
        for event in self.between(asset, after, upto):
            if event.kind == "dividend":
                total += event.value * self.ratio(asset, after, event.time)
        return total

    def price(self, asset: str, after: int, stamp: int, value: Fraction) -> Fraction:
        """A price stamped `stamp` in the units of `after`; one from before stays as it is."""
        return self.ratio(asset, after, stamp) * value + self.cash(asset, after, stamp)


def read_events(rows: Iterable[Row]) -> Events:
    found: dict[str, list[Event]] = {}
    for row in rows:
        found.setdefault(row["asset"], []).append(Event(instant(row["time"]), row["kind"], Fraction(row["value"])))
    return Events({asset: tuple(sorted(events, key=lambda e: e.time)) for asset, events in found.items()})


def read_tables(texts: Mapping[str, str]) -> Tables:
    """Rows of each table; signals made of targets stand among the signals."""
    tables: Tables = {name: list(csv.DictReader(io.StringIO(text))) for name, text in texts.items()}
    for name in ("signals", "actions", "fills", "prices", "corporate_actions", "targets", "resimulated", "regimes"):
        tables.setdefault(name, [])
    tables["signals"] = tables["signals"] + _signals_of_targets(tables["targets"])
    return tables


def _signals_of_targets(targets: list[Row]) -> list[Row]:
    """Each difference of a position from the one before is a signal; the first position only sets the start."""
    made: list[Row] = []
    position: dict[tuple[str, str], Fraction] = {}
    for row in sorted(targets, key=lambda r: instant(r["time"])):
        series, value = (row["model"], row["asset"]), Fraction(row["target"])
        change = value - position[series] if series in position else Fraction(0)
        position[series] = value
        if change:
            name = f"{row['model']}/{row['asset']}/{instant(row['time'])}"
            side = "BUY" if change > 0 else "SELL"
            made.append({**row, "signal_id": name, "side": side, "quantity": str(abs(change)), "price": ""})
    return made


def moment_text(moment: int) -> str:
    return (EPOCH.astimezone(UTC) + timedelta(microseconds=moment)).isoformat(timespec="microseconds").replace("+00:00", "Z")


class Reader:
    """Chains of the tables under a plan."""

    def __init__(self, tables: Tables, plan: Mapping[str, object], events: Events) -> None:
        self.tables, self.plan, self.events = tables, plan, events
        self.fills: dict[str, list[Row]] = {}
        for row in tables["fills"]:
            self.fills.setdefault(row["action_id"], []).append(row)

    def chains(self) -> list[Chain]:
        by_signal: dict[str, list[Row]] = {}
        for action in self.tables["actions"]:
            by_signal.setdefault(action["signal_id"], []).append(action)
        own = by_signal.pop("", [])
        made = [self._chain(signal, by_signal.get(signal["signal_id"], [])) for signal in self.tables["signals"]]
        return made + [self._chain(None, [action]) for action in own]

    def model_only(self) -> list[Chain]:
        """The re-simulated signals, as signals nobody decided on."""
        return [self._chain(signal, []) for signal in self.tables["resimulated"]]

    def _standing(self, actions: list[Row]) -> list[Row]:
        """Under `supersede = "latest"` the latest action recorded before the first fill stands, and the earlier ones leave."""
        if self.plan.get("supersede") != "latest" or len(actions) < 2:
            return actions
        filled = [instant(f["time"]) for a in actions for f in self.fills.get(a["action_id"], [])]
        early = [a for a in actions if all(_recorded(a) < time for time in filled)]
        if not early:
            return actions
        latest = max(early, key=lambda a: (_recorded(a), a["action_id"].encode()))
        return [a for a in actions if a is latest or a not in early or self.fills.get(a["action_id"])]

    def _chain(self, signal: Row | None, actions: list[Row]) -> Chain:
        kept = self._standing(actions)
        action = kept[-1] if kept else None
        source: Row = signal or action or {}
        verb = action["action"] if action else "NO_DECISION"
        rows = self.fills.get(action["action_id"], []) if action else []
        anchor = instant(source["time"])
        chain = Chain(
            name=signal["signal_id"] if signal else source["action_id"],
            signal=signal,
            action=action,
            verb=verb,
            asset=source["asset"],
            s=1 if source["side"].upper() == "BUY" else -1,
            q=Fraction(signal["quantity"]) if signal else Fraction(0),
            ordered=Fraction(action["quantity"] or 0) if action and verb != "VETO" else Fraction(0),
            anchor=anchor,
            decided=instant(action["time"]) if action else anchor,
            horizon=(signal or {}).get("horizon") or str(self.plan["horizon"]),
            fills=tuple(sorted((_fill(f, verb) for f in rows), key=lambda f: (f.time, f.name))),
            dropped=len(actions) - len(kept),
        )
        if len(kept) > 1:  # each of the actions may have a fault of its own as well
            faults = [code for a in kept for code in self._chain(signal, [a]).codes]
            return replace(chain, codes=("D232", *faults), rivals=tuple(kept))
        return replace(chain, codes=self._codes(chain))

    def _codes(self, chain: Chain) -> tuple[str, ...]:
        """What the orders' own checks say; quantities are compared in the units of the action's time."""
        if chain.action is None:
            return ()
        found = []
        expires = (chain.signal or {}).get("expires")
        if expires and chain.decided > instant(expires):
            found.append("D216")
        expected = chain.q * self.events.ratio(chain.asset, chain.anchor, chain.decided)
        if chain.verb in ("ACCEPT", "DELAY", "REPRICE") and chain.ordered != expected:
            found.append("D123")
        if self.filled(chain, chain.fills) > chain.ordered:
            found.append("D141")
        if chain.verb != "VETO" and not chain.fills and self.plan.get("unfilled") != "zero":
            found.append("D143")
        return tuple(found)

    def filled(self, chain: Chain, fills: Iterable[Fill]) -> Fraction:
        """Filled quantity, unsigned, in the units of the action's time."""
        return sum((abs(f.quantity) / self.events.ratio(chain.asset, chain.decided, f.time) for f in fills), Fraction(0))


def _recorded(action: Row) -> int:
    return instant(action.get("recorded_at") or action["time"])


def _fill(row: Row, verb: str) -> Fill:
    sign = -1 if verb == "REVERSE" else 1
    return Fill(
        instant(row["time"]),
        row["fill_id"].encode(),
        sign * Fraction(row["quantity"]),
        Fraction(row["price"]),
        Fraction(row["fee"]),
    )
