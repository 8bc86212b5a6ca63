"""The desk that the catalogue of bad input changes one thing of, and the words in which a change is written.

One day of two quoted assets, five chains: S1 vetoed, S2 delayed (two fills), S3 resized, S4 followed, A5 on the trader's own account. The good desk
gives a ledger without any problem, so whatever a case finds comes from its own change.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from skillstats.plan import Fees, Plan

NOW = "2026-12-31T00:00:00Z"
PLAN = Plan(horizon="session+1", fees=Fees(per_unit="0.001"))
DAY, CLOSE = "2026-07-01T", "2026-07-02T20:00:00Z"
COLUMNS = {
    "signals": "signal_id time model asset side quantity price",
    "actions": "action_id signal_id time trader action quantity asset side",
    "fills": "fill_id action_id time quantity price fee",
    "prices": "asset time bid ask close",
}
Rows = list[dict[str, str]]


@dataclass
class Draft:
    """A desk on its way to a folder: tables of cells, whole files that replace a table, the plan."""

    tables: dict[str, Rows]
    plan: Plan = PLAN
    files: dict[str, bytes] = field(default_factory=dict)

    def text(self, name: str) -> bytes:
        """A table as CSV bytes."""
        out = io.StringIO()
        rows = self.tables[name]
        writer = csv.DictWriter(out, list(dict.fromkeys(k for r in rows for k in r)), restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        return out.getvalue().encode()

    def write(self, folder: Path) -> Path:
        """The folder; a file given whole takes the place of the table's."""
        replaced = {name.split(".")[0] for name in self.files if name.count(".") == 1}
        for name in self.tables:
            if name not in replaced:
                (folder / f"{name}.csv").write_bytes(self.text(name))
        for name, data in self.files.items():
            (folder / name).write_bytes(data)
        return folder


Change = Callable[[Draft], None]


def good_desk() -> Draft:
    """The desk without a fault."""
    signals = [
        ("S1", f"{DAY}14:30:00Z", "m", "XYZ", "BUY", "500", "50.01"),
        ("S2", f"{DAY}14:31:00Z", "m", "XYZ", "SELL", "500", "50.01"),
        ("S3", f"{DAY}14:32:00Z", "m", "ABC", "BUY", "200", "25.51"),
        ("S4", f"{DAY}14:37:20Z", "m", "XYZ", "BUY", "100", "50.01"),
    ]
    actions = [
        ("A1", "S1", f"{DAY}14:30:10Z", "T1", "VETO", "", "", ""),
        ("A2", "S2", f"{DAY}14:31:30Z", "T2", "DELAY", "500", "", ""),
        ("A3", "S3", f"{DAY}14:32:10Z", "T2", "RESIZE", "300", "", ""),
        ("A4", "S4", f"{DAY}14:37:30Z", "T1", "ACCEPT", "100", "", ""),
        ("A5", "", f"{DAY}14:40:00Z", "T1", "INITIATE", "250", "ABC", "SELL"),
    ]
    fills = [
        ("F1", "A2", f"{DAY}14:33:30Z", "300", "50.00", "0.3"),
        ("F2", "A2", f"{DAY}14:34:30Z", "200", "50.00", "0.2"),
        ("F3", "A3", f"{DAY}14:33:30Z", "300", "25.52", "0.3"),
        ("F4", "A4", f"{DAY}14:37:40Z", "100", "50.02", "0.1"),
        ("F5", "A5", f"{DAY}14:41:00Z", "250", "25.60", "0.25"),
    ]
    stamps = [f"{DAY}14:{m:02d}:00Z" for m in range(25, 45)]
    prices = [("XYZ", t, f"50.0{k % 2}", f"50.0{k % 2 + 2}", "") for k, t in enumerate(stamps)]
    prices += [("ABC", t, f"25.5{k % 2}", f"25.5{k % 2 + 2}", "") for k, t in enumerate(stamps)]
    prices += [("XYZ", CLOSE, "51.00", "51.02", ""), ("ABC", CLOSE, "25.00", "25.02", "")]
    rows = {"signals": signals, "actions": actions, "fills": fills, "prices": prices}
    return Draft({t: [dict(zip(COLUMNS[t].split(), r, strict=True)) for r in rows[t]] for t in rows})


# changes --------------------------------------------------------------------------------------------------------------------------------


def cell(table: str, row: int, **values: str) -> Change:
    """Other text in some cells of one row (row 0 stands on line 2)."""
    return lambda d: d.tables[table][row].update(values)


def again(table: str, row: int, **values: str) -> Change:
    """A changed copy of a row at the end."""
    return lambda d: d.tables[table].append({**d.tables[table][row], **values})


def without(table: str, *rows: int) -> Change:
    """Some rows taken out."""

    def change(d: Draft) -> None:
        d.tables[table] = [r for i, r in enumerate(d.tables[table]) if i not in rows]

    return change


def quoted(asset: str, start: str, seconds: int, count: int, *prices: str) -> Change:
    """Rows of closes every so many seconds, the last price repeated."""

    def change(d: Draft) -> None:
        begin = datetime.fromisoformat(start)
        for k in range(count):
            stamp = f"{begin + timedelta(seconds=k * seconds):%Y-%m-%dT%H:%M:%SZ}"
            price = prices[min(k, len(prices) - 1)]
            d.tables["prices"].append({"asset": asset, "time": stamp, "bid": price, "ask": price, "close": ""})

    return change


def file(name: str, data: bytes | Callable[[Draft], bytes]) -> Change:
    """A whole file; a function gets the draft, for a change of the good text."""
    return lambda d: d.files.update({name: data(d) if callable(data) else data})


def plan(new: Plan) -> Change:
    """Another plan."""

    def change(d: Draft) -> None:
        d.plan = new

    return change


def both(*changes: Change) -> Change:
    """Several changes in order."""

    def change(d: Draft) -> None:
        for one in changes:
            one(d)

    return change
