"""Small random desks as text tables, from one seed: what the oracle and the property tests read.

Nothing here imports the package. A desk is a mapping from table names to rows of text cells, and a plan as TOML text. Every desk passes
the checks that need no market data, so what is set aside is set aside by the pricing: missing and stale prices, actions in hindsight.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

Row = dict[str, str]
Tables = dict[str, list[Row]]
FIELDS = {
    "signals": ["signal_id", "time", "model", "asset", "side", "quantity", "price", "horizon"],
    "actions": ["action_id", "signal_id", "time", "trader", "action", "quantity", "decision_id", "asset", "side"],
    "fills": ["fill_id", "action_id", "time", "quantity", "price", "fee"],
    "prices": ["asset", "time", "bid", "ask", "close", "open"],
    "regimes": ["time", "asset", "weather"],
}
EXTRA = {
    "signals": ["expires"],
    "actions": ["desk"],
    "prices": ["volume"],
    "corporate_actions": ["asset", "time", "kind", "value"],
    "targets": ["time", "model", "asset", "target"],
    "resimulated": FIELDS["signals"],
}
"""Columns and tables of wide desks; written only where a row has them."""
VERBS = ("ACCEPT", "VETO", "RESIZE", "DELAY", "REPRICE", "REVERSE", "INITIATE", "")
WINDOWS = ("2024-11-26", "2024-03-07", "2024-10-31", "2024-07-02")
"""Thanksgiving with its half day, both clock changes of New York, and the half day before Independence Day."""
HORIZONS = ("session+1", "session+2", "close", "exit", "PT24H", "PT30M", "PT90M")


@dataclass
class Desk:
    """Tables of text and the plan's choices; `options` are top-level keys of the plan, `head` others, `sections` the rest of the file."""

    tables: Tables
    options: dict[str, str]
    sections: str = ""
    notes: dict[str, str] = field(default_factory=dict)
    head: str = ""

    def plan_text(self) -> str:
        return "".join(f'{k} = "{v}"\n' for k, v in self.options.items()) + self.head + self.sections

    def texts(self) -> dict[str, str]:
        """CSV text of each table that has rows."""
        return {
            name: to_csv(name, rows) for name, rows in self.tables.items() if rows or name in ("signals", "actions", "prices")
        }

    def write(self, folder: Path) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in self.texts().items():
            (folder / f"{name}.csv").write_text(text, encoding="utf-8", newline="")
        (folder / "plan.toml").write_text(self.plan_text(), encoding="utf-8")
        return folder


def to_csv(name: str, rows: list[Row]) -> str:
    out = io.StringIO()
    more = [k for k in EXTRA.get(name, []) if any(k in row for row in rows)]
    writer = csv.DictWriter(out, FIELDS.get(name, []) + more, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def shown(value: int, places: int) -> str:
    """An integer number of steps of 10^-places as a decimal."""
    digits = f"{abs(value):0{places + 1}d}"
    sign = "-" if value < 0 else ""
    return f"{sign}{digits[:-places]}.{digits[-places:]}" if places else f"{sign}{digits}"


@dataclass(frozen=True)
class Kind:
    """An asset: decimal places of price and quantity, a typical price in steps, quotes or daily bars, calendar, multiplier."""

    name: str
    price_places: int
    lot_places: int
    level: int
    quoted: bool
    calendar: str = "XNYS"
    multiplier: str = "1"


KINDS = (
    Kind("ABC", 2, 0, 5_000, True),
    Kind("XYZ", 4, 0, 251_300, True, multiplier="0.125"),
    Kind("BAR", 2, 0, 9_000, False),
    Kind("COIN", 5, 6, 3_012_345, True, calendar="24/7", multiplier="0.3"),
)


class Maker:
    """Builds one desk from one seed."""

    def __init__(self, seed: int, *, fills_only_inside: bool = False) -> None:
        self.pick = Random(seed)
        self.start = datetime.fromisoformat(self.pick.choice(WINDOWS) + "T00:00:00+00:00")
        self.kinds = self.pick.sample(KINDS, 2)
        self.walk: dict[str, int] = {k.name: k.level for k in self.kinds}
        self.fills_only_inside = fills_only_inside
        self.tables: Tables = {name: [] for name in FIELDS}

    def chance(self, share: float) -> bool:
        return self.pick.random() < share

    def step(self, kind: Kind) -> int:
        """The next price of an asset's walk, in steps."""
        self.walk[kind.name] += self.pick.randint(-kind.level // 80, kind.level // 80)
        return max(self.walk[kind.name], 10)

    def quotes(self, kind: Kind) -> None:
        """A quote about every half hour, around the clock; some crossed, some one-sided with a close, some without a quote."""
        moment = self.start
        while moment < self.start + timedelta(days=6):
            moment += timedelta(seconds=self.pick.choice((600, 1800, 1800, 1800, 3600, 5400)))
            mid, spread = self.step(kind), self.pick.randint(0, 3)
            bid, ask = shown(mid - spread, kind.price_places), shown(mid + spread + self.pick.randint(0, 1), kind.price_places)
            row = {"asset": kind.name, "time": stamp(moment), "bid": bid, "ask": ask}
            if self.chance(0.05):
                row |= {"bid": ask, "ask": bid}
            if self.chance(0.1):
                row |= {"close": shown(mid, kind.price_places), "ask": "" if self.chance(0.5) else row["ask"]}
            if self.chance(0.15):
                row["open"] = shown(self.step(kind), kind.price_places)
            self.tables["prices"].append(row)

    def bars(self, kind: Kind) -> None:
        """Daily bars: the open before, at or after the opening instant, the close at 16:00 or 13:00 New York; a day may be missing."""
        for day in range(7):
            date = self.start + timedelta(days=day)
            summer = datetime(2024, 3, 10, tzinfo=UTC) <= date < datetime(2024, 11, 3, tzinfo=UTC)
            early = f"{date:%m-%d}" in ("11-29", "07-03")
            if date.weekday() >= 5 or f"{date:%m-%d}" in ("11-28", "07-04") or self.chance(0.07):
                continue
            begin = date + timedelta(hours=13 if summer else 14, minutes=self.pick.choice((15, 30, 30, 45)))
            end = date + timedelta(hours=(17 if early else 20) + (not summer))
            opening, closing = (shown(self.step(kind), kind.price_places) for _ in range(2))
            if self.chance(0.8):
                self.tables["prices"].append({"asset": kind.name, "time": stamp(begin), "open": opening, "close": opening})
            self.tables["prices"].append({"asset": kind.name, "time": stamp(end), "close": closing})

    def moment(self) -> datetime:
        """A decision time: mostly in New York hours, sometimes at the close, at night or on a weekend."""
        day = self.start + timedelta(days=self.pick.randint(0, 4))
        hours = self.pick.choice((15, 16, 17, 18, 19, 20, 21, 2, 12))
        exact = (
            timedelta(0)
            if self.chance(0.3)
            else timedelta(seconds=self.pick.randint(0, 3599), microseconds=self.pick.randint(0, 999_999))
        )
        return day + timedelta(hours=hours) + exact

    def quantity(self, kind: Kind) -> int:
        return self.pick.randint(1, 3_000 if not kind.lot_places else 4_000_000)

    def chain(self, n: int) -> None:
        kind = self.pick.choice(self.kinds)
        verb = self.pick.choice(VERBS)
        time, size, side = self.moment(), self.quantity(kind), self.pick.choice(("BUY", "SELL"))
        if verb != "INITIATE":
            price = shown(max(self.walk[kind.name] + self.pick.randint(-9, 9), 1), kind.price_places)
            row = {
                "signal_id": f"S{n}",
                "time": stamp(time),
                "model": self.pick.choice(("m1", "m2")),
                "asset": kind.name,
                "side": side,
            }
            row |= {"quantity": shown(size, kind.lot_places), "price": price}
            if self.chance(0.4):
                row["horizon"] = self.pick.choice(HORIZONS)
            self.tables["signals"].append(row)
        if verb:
            self.act(n, kind, verb, time, size, side)

    def act(self, n: int, kind: Kind, verb: str, time: datetime, size: int, side: str) -> None:
        wait = timedelta(seconds=self.pick.choice((0, 0, 30, 600, 3_600, 90_000)))
        ordered = {"VETO": 0, "RESIZE": self.quantity(kind), "REVERSE": self.quantity(kind)}.get(verb, size)
        row = {
            "action_id": f"A{n}",
            "signal_id": f"S{n}",
            "time": stamp(time + wait),
            "trader": self.pick.choice(("T1", "T2", "T3")),
        }
        row |= {"action": verb, "quantity": shown(ordered, kind.lot_places) if ordered else ""}
        if verb == "INITIATE":
            row |= {"signal_id": "", "asset": kind.name, "side": side}
        if self.chance(0.3):
            row["decision_id"] = f"D-{row['trader']}-{self.pick.randint(0, 1)}"
        self.tables["actions"].append(row)
        left, at = ordered, time + wait
        while left and not (left < ordered and self.chance(0.35)):
            lots = self.pick.randint(1, left) if self.chance(0.5) else left
            at += timedelta(seconds=self.pick.choice((0, 0, 60, 1_200, 20_000, 80_000)))
            self.fill(n, kind, lots, at)
            left -= lots

    def fill(self, n: int, kind: Kind, lots: int, at: datetime) -> None:
        price = shown(max(self.walk[kind.name] + self.pick.randint(-20, 20), 1), kind.price_places)
        fee = shown(self.pick.choice((0, 0, 150, 1_234_567, -20_000)), 6)
        row = {
            "fill_id": f"F{len(self.tables['fills'])}",
            "action_id": f"A{n}",
            "time": stamp(at),
            "quantity": shown(lots, kind.lot_places),
        }
        self.tables["fills"].append(row | {"price": price, "fee": fee})

    def labels(self) -> None:
        for day in range(6):
            row = {
                "time": stamp(self.start + timedelta(days=day, hours=self.pick.randint(10, 20))),
                "weather": self.pick.choice(("calm", "storm")),
            }
            self.tables["regimes"].append(row)
            if self.chance(0.3):
                self.tables["regimes"].append({**row, "asset": self.kinds[0].name, "weather": "own"})

    def options(self) -> dict[str, str]:
        models = ["signal_price", "arrival_mid", "next_open"] + (["cross_spread"] if all(k.quoted for k in self.kinds) else [])
        chosen = {
            "fill_model": self.pick.choice(models),
            "horizon": self.pick.choice(HORIZONS),
            "unfilled": self.pick.choice(("zero", "quarantine")),
        }
        if self.chance(0.3):
            chosen["latency"] = self.pick.choice(("PT1S", "PT5M", "PT2H"))
        if self.chance(0.2):
            chosen["asof_model"] = "strict"
        if self.chance(0.5):
            chosen["as_of"] = stamp(self.start + timedelta(days=self.pick.randint(1, 9), hours=self.pick.choice((0, 15, 21))))
        return chosen

    def sections(self) -> str:
        age = self.pick.choice(("PT90M", "PT3H", "PT24H"))
        text = f'[max_age]\nquote = "{age}"\n[regimes]\nuse = ["weather"]\n'
        if self.chance(0.5):
            text += '[fees]\nper_unit = "0.0031"\nper_order = "0.5"\nbps = "1.7"\nminimum = "1"\n'
        for kind in self.kinds:
            text += f'[assets."{kind.name}"]\ncalendar = "{kind.calendar}"\nmultiplier = "{kind.multiplier}"\n'
        return text


def make_desk(seed: int, chains: int = 9, *, wide: bool = False) -> Desk:
    """A random desk of two assets and a few chains; a wide one has currencies, splits, impact and what else the contract knows."""
    maker = Maker(seed)
    for kind in maker.kinds:
        (maker.quotes if kind.quoted else maker.bars)(kind)
    for n in range(chains):
        maker.chain(n)
    maker.labels()
    if not maker.tables["signals"]:
        maker.tables["signals"].append({**_spare(maker), "signal_id": "S99"})
    if not maker.tables["actions"]:
        maker.tables["actions"].append(
            {
                "action_id": "A99",
                "signal_id": "S99",
                "time": maker.tables["signals"][-1]["time"],
                "trader": "T1",
                "action": "VETO",
            }
        )
    desk = Desk(maker.tables, maker.options(), maker.sections())
    if wide:
        from wide_desks import widen

        widen(desk, maker)
    return desk


def _spare(maker: Maker) -> Row:
    kind = maker.kinds[0]
    return {
        "time": stamp(maker.moment()),
        "model": "m1",
        "asset": kind.name,
        "side": "BUY",
        "quantity": "1",
        "price": shown(kind.level, kind.price_places),
    }
