"""What must hold with splits, dividends, foreign currencies and impact, on random desks.

The numbers in the names are those of the data contract, section 10. Desks come from tests/oracle/desks.py; a currency, corporate actions and
volumes are put on top here, so that the expected ledger is the one of the plain desk, or of the same desk seen at another time.
"""

from __future__ import annotations

import copy
import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pandas as pd
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[1] / "oracle"))

import desks
from desks import Desk

from skillstats.ledger.build import build_ledger
from skillstats.ledger.containers import Ledger
from skillstats.ledger.resimulate import Order, State, resimulate
from skillstats.plan import parse_plan
from skillstats.record import Record, read_record

NOW = "2026-01-01T00:00:00Z"
FIELDS = desks.FIELDS | {
    "prices": ["asset", "time", "bid", "ask", "close", "open", "volume"],
    "corporate_actions": ["asset", "time", "kind", "value"],
}
MONEY = (
    "size",
    "drift",
    "slippage",
    "cost",
    "value_add",
    "model_pnl",
    "actual_pnl",
    "model_cost",
    "actual_cost",
    "value_add_to_date",
)
NOTIONALS = ("actual_notional", "arrival_notional")
every_desk = settings(
    max_examples=int(os.environ.get("SKILLSTATS_EXAMPLES", "20")),
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],
)
seeds = st.integers(0, 2**31)
desk_of = st.builds(desks.make_desk, seeds)


def frames(desk: Desk) -> dict[str, pd.DataFrame]:
    kept = {k: v for k, v in desk.tables.items() if v}
    return {k: pd.DataFrame([{f: r.get(f, "") for f in FIELDS[k]} for r in v], dtype=object) for k, v in kept.items()}


def read(desk: Desk, **more: Any) -> Record:
    return read_record(frames(desk) | more, parse_plan(desk.plan_text().encode()), now=NOW)


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def last_price(desk: Desk) -> datetime:
    return max(moment(r["time"]) for r in desk.tables["prices"])


def changed(desk: Desk, sections: str = "", **options: str) -> Desk:
    again = copy.deepcopy(desk)
    again.options |= options
    again.sections += sections
    return again


def rows(ledger: Ledger) -> dict[str, dict[str, Any]]:
    return {r["signal_id"] or r["action_id"]: r for r in ledger.rows.to_pylist()}


def slices(ledger: Ledger) -> dict[tuple[str, str], tuple[int, int]]:
    return {
        (s["signal_id"] or s["action_id"], s["session"]): (s["slice"], s["carried"])
        for s in ledger.slices.to_pylist()
        if s["slice"]
    }


def aside(ledger: Ledger) -> dict[str, str]:
    return {q["chain"]: q["code"] for q in ledger.quarantine.to_pylist()}


# 29: a split with its row is no event --------------------------------------------------------------------------------------------------


def split_desk(desk: Desk, asset: str, at: datetime) -> Desk:
    """The same desk with a 2:1 split: every later price of the asset halved, every later quantity doubled, and the row that says so."""
    after = changed(desk)
    owner = {r["signal_id"]: r["asset"] for r in desk.tables["signals"]}
    traded = {r["action_id"]: r.get("asset") or owner[r["signal_id"]] for r in desk.tables["actions"]}

    factors = {"prices": ("0.5", "1"), "signals": ("0.5", "2"), "actions": ("1", "2"), "fills": ("0.5", "2")}
    for table, (price, quantity) in factors.items():
        cells = dict.fromkeys(("bid", "ask", "close", "open", "price"), price) | {"quantity": quantity}
        for row in after.tables[table]:
            own = traded[row["action_id"]] if "action_id" in row else row["asset"]
            if own == asset and moment(row["time"]) >= at:
                row |= {k: f"{Decimal(row[k]) * Decimal(f):f}" for k, f in cells.items() if row.get(k)}
    after.tables["corporate_actions"] = [{"asset": asset, "time": desks.stamp(at), "kind": "split", "value": "2"}]
    return after


@every_desk
@given(desk_of, seeds)
def test_29_a_split_with_its_row_leaves_the_money_alone(desk: Desk, seed: int) -> None:
    """Money, books, slices, statuses and codes are the same; quantities and prices of chains from before the split too.

    Without a fee by the unit, which charges twice the units after a split by contract.
    """
    plain, pick = changed(desk), Random(seed)
    plain.sections = plain.sections.replace('per_unit = "0.0031"', 'per_unit = "0"')
    stamps = sorted(moment(r["time"]) for rows in (plain.tables["prices"], plain.tables["fills"]) for r in rows)
    at, asset = pick.choice(stamps) + timedelta(microseconds=pick.choice((0, 1))), pick.choice(plain.tables["prices"])["asset"]
    one, other = build_ledger(read(plain)), build_ledger(read(split_desk(plain, asset, at)))
    assert aside(one) == aside(other) and slices(one) == slices(other)
    assert one.books.equals(other.books) and one.result["bounds"] == other.result["bounds"]
    for key, row in rows(one).items():
        again = rows(other)[key]
        same = [*MONEY, *NOTIONALS, "status", "partial", "rounded", "gap_seconds", "n_fills", "mark_index", "volatility"]
        if (row["signal_time"] or row["action_time"]) < at:
            same += [
                "actual_quantity",
                "overlap",
                "gap_quantity",
                "gap_path",
                "actual_price",
                "arrival_price",
                "mark",
                "model_price",
            ]
        assert {k: row[k] for k in same} == {k: again[k] for k in same}
        assert row["warnings"] == again["warnings"].replace("D262", "").strip(";")


@every_desk
@given(desk_of, seeds)
def test_a_dividend_is_a_price_that_fell_by_it(desk: Desk, seed: int) -> None:
    """Every later price less by 0.07 and the row that says so: the same money, fees by notional aside."""
    plain, pick = changed(desk), Random(seed)
    plain.sections = plain.sections.replace('bps = "1.7"', 'bps = "0"')
    stamps = sorted(moment(r["time"]) for r in plain.tables["prices"])
    at, asset = pick.choice(stamps), pick.choice(plain.tables["prices"])["asset"]
    after = changed(plain)
    owner = {r["signal_id"]: r["asset"] for r in plain.tables["signals"]}
    traded = {r["action_id"]: r.get("asset") or owner[r["signal_id"]] for r in plain.tables["actions"]}
    for table in ("prices", "signals", "fills"):
        for row in after.tables[table]:
            if (row.get("asset") or traded[row["action_id"]]) == asset and moment(row["time"]) >= at:
                row |= {
                    k: f"{Decimal(row[k]) - Decimal('0.07'):f}" for k in ("bid", "ask", "close", "open", "price") if row.get(k)
                }
    after.tables["corporate_actions"] = [{"asset": asset, "time": desks.stamp(at), "kind": "dividend", "value": "0.07"}]
    one, other = build_ledger(read(plain)), build_ledger(read(after))
    assert slices(one) == slices(other) and aside(one) == aside(other)
    assert {k: [r[m] for m in MONEY] for k, r in rows(one).items()} == {k: [r[m] for m in MONEY] for k, r in rows(other).items()}


# 30: a constant rate is a factor -------------------------------------------------------------------------------------------------------


def foreign(desk: Desk, rate: str | None) -> Desk:
    """The desk in euros; the rate is quoted around the clock, every five minutes, constant or (None) walking."""
    stamps = [moment(r["time"]) for name in ("signals", "prices", "fills") for r in desk.tables[name]]
    after, begin, pick = changed(desk), min(stamps) - timedelta(days=4), Random(len(stamps))
    after.sections = desk.sections.replace("\nmultiplier", '\ncurrency = "EUR"\nfx = "EURUSD"\nmultiplier')
    after.sections += '[assets."EURUSD"]\ncalendar = "24/7"\n'
    end, level = max(*stamps, *(moment(s) for s in [desk.options.get("as_of", "2024-01-01T00:00:00Z")])), 108_000
    while begin <= end + timedelta(hours=1):
        level += pick.randint(-300, 300)
        price = rate or desks.shown(level, 5)
        after.tables["prices"].append({"asset": "EURUSD", "time": desks.stamp(begin), "bid": price, "ask": price})
        begin += timedelta(minutes=30)
    after.options.setdefault("as_of", desks.stamp(last_price(desk)))
    return after


@every_desk
@given(desk_of, st.sampled_from(("1", "2", "1.08765")))
def test_30_a_constant_rate_multiplies_the_money(desk: Desk, rate: str) -> None:
    plain = changed(desk, as_of=desk.options.get("as_of") or desks.stamp(last_price(desk)))
    one, other = build_ledger(read(plain)), build_ledger(read(foreign(plain, rate)))
    assert aside(one) == aside(other)
    for key, row in rows(one).items():
        again = rows(other)[key]
        assert all(row[k] == again[k] for k in (*NOTIONALS, "status", "overlap", "mark", "volatility", "warnings"))
        assert again["signal_fx"] == (Decimal(rate) if row["signal_mid"] is not None else None)
        assert again["mark_fx"] == (Decimal(rate) if row["status"] == "CLOSED" else None)
        for name in MONEY:
            if again[name] is None:
                assert row["status"] == "OPEN"
            elif rate == "1" or (not row["rounded"] and name != "value_add_to_date"):
                assert abs(again[name] - row[name] * Decimal(rate)) <= (0 if rate in ("1", "2") else 3)
            else:
                assert abs(again[name] - row[name] * Decimal(rate)) <= 20


# 22, 24: nothing looks ahead ------------------------------------------------------------------------------------------------------------


def everything(desk: Desk, seed: int) -> Desk:
    """A foreign desk with splits, dividends, volumes, impact and further horizons."""
    pick, after = Random(seed), foreign(desk, None)
    stamps = [moment(r["time"]) for r in desk.tables["prices"]]
    low, high = min(stamps), max(stamps)
    found = {}
    for _ in range(4):
        asset, kind = pick.choice(desk.tables["prices"])["asset"], pick.choice(("split", "dividend"))
        at = desks.stamp(low + (high - low) * pick.random())
        value = pick.choice(("2", "3", "0.1", "1.05")) if kind == "split" else pick.choice(("0.05", "1.234"))
        found[asset, at, kind] = {"asset": asset, "time": at, "kind": kind, "value": value}
    after.tables["corporate_actions"] = list(found.values())
    for row in after.tables["prices"]:
        row["volume"] = str(pick.randint(0, 5000))
    after.sections += '[impact]\ny = "0.9"\n' if pick.random() < 0.3 else ""
    after.sections = 'decay = ["PT90M", "session+1", "exit"]\n' + after.sections
    return after


def closed(ledger: Ledger, limit: datetime) -> dict[str, dict[str, Any]]:
    return {k: r for k, r in rows(ledger).items() if r["status"] == "CLOSED" and r["horizon_time"] <= limit}


def settled_decay(ledger: Ledger, keys: Iterable[str], limit: datetime) -> list[dict[str, Any]]:
    assert ledger.decay is not None
    return [
        r for r in ledger.decay.to_pylist()
        if (r["signal_id"] or r["action_id"]) in keys and r["status"] == "CLOSED" and r["horizon_time"] <= limit
    ]  # fmt: skip


def assert_same_past(one: Ledger, other: Ledger, limit: datetime) -> None:
    left, right = closed(one, limit), closed(other, limit)
    assert left == right
    assert {k: v for k, v in slices(one).items() if k[0] in left} == {k: v for k, v in slices(other).items() if k[0] in left}
    assert settled_decay(one, left, limit) == settled_decay(other, left, limit)


def settling(ledger: Ledger, seed: int, otherwise: datetime) -> datetime:
    ends = sorted(r["horizon_time"] for r in rows(ledger).values() if r["status"] == "CLOSED")
    return Random(seed).choice(ends) if ends else otherwise


@every_desk
@given(desk_of, seeds, st.integers(1, 200_000))
def test_22_closed_rows_stay_with_splits_rates_and_impact(desk: Desk, seed: int, seconds: int) -> None:
    whole = everything(desk, seed)
    first = settling(build_ledger(read(whole)), seed, last_price(desk))
    one = build_ledger(read(changed(whole, as_of=desks.stamp(first))))
    other = build_ledger(read(changed(whole, as_of=desks.stamp(first + timedelta(seconds=seconds)))))
    assert_same_past(one, other, first)


@every_desk
@given(desk_of, seeds)
def test_24_later_prices_rates_and_corporate_actions_may_be_anything(desk: Desk, seed: int) -> None:
    whole, pick = everything(desk, seed), Random(seed)
    one = build_ledger(read(whole))
    limit, after = settling(one, seed, last_price(desk)), changed(whole)
    for row in after.tables["prices"]:
        if moment(row["time"]) > limit:
            row |= {
                c: f"{Decimal(row[c]) * pick.randint(2, 9):f}" for c in ("bid", "ask", "close", "open", "volume") if row.get(c)
            }
    after.tables["corporate_actions"] = [r for r in after.tables["corporate_actions"] if moment(r["time"]) <= limit]
    late = desks.stamp(limit + timedelta(microseconds=1))
    after.tables["corporate_actions"] += [
        {"asset": r["asset"], "time": late, "kind": "dividend", "value": "9"} for r in whole.tables["prices"][:1]
    ]
    other = build_ledger(read(after))
    # a fill after a later split may be more or less than was ordered, which sets its chain aside whole (D141)
    gone = {k for ledger in (one, other) for k, code in aside(ledger).items() if code in ("D141", "D123")}
    kept = {k: r for k, r in closed(one, limit).items() if k not in gone and "D142" not in r["warnings"]}
    again = closed(other, limit)
    assert all(again[k] == r for k, r in kept.items())


# the callback ---------------------------------------------------------------------------------------------------------------------------


@dataclass
class Watcher:
    """Buys when the price of an asset has an even last digit, sells what it holds otherwise."""

    assets: tuple[str, ...]

    def decide(self, state: State) -> Iterable[Order]:
        for asset in self.assets:
            price, held = state.price(asset), state.positions.get(asset, Decimal(0))
            if price is not None and int(price * 1000) % 2 == 0:
                yield Order(asset=asset, side="BUY", quantity=7, model="w")
            elif held > 0:
                yield Order(asset=asset, side="SELL", quantity=held, model="w")


@every_desk
@given(desk_of, seeds)
def test_what_a_model_decided_does_not_depend_on_later_prices(desk: Desk, seed: int) -> None:
    assets = tuple(sorted({r["asset"] for r in desk.tables["prices"]}))
    clock = sorted({moment(r["time"]) for r in desk.tables["prices"]})
    limit = Random(seed).choice(clock)
    after = changed(desk)
    after.tables["prices"] = [r for r in desk.tables["prices"] if moment(r["time"]) <= limit]
    early = [t for t in clock if t <= limit]
    one, other = resimulate(read(desk), Watcher(assets), times=clock), resimulate(read(after), Watcher(assets), times=early)
    kept = [r for r in one.to_pylist() if moment(r["time"]) <= limit]
    assert kept == other.to_pylist()


@dataclass
class Echo:
    """Repeats the signals of a record."""

    signals: list[dict[str, str]]

    def decide(self, state: State) -> Iterable[Order]:
        for s in self.signals:
            if moment(s["time"]) == state.moment:
                yield Order(
                    asset=s["asset"], side=s["side"], quantity=s["quantity"], price=s["price"], model=s["model"],
                    horizon=s.get("horizon") or None, signal_id=s["signal_id"],
                )  # fmt: skip


@every_desk
@given(desk_of)
def test_a_model_that_repeats_its_signals_has_no_feedback(desk: Desk) -> None:
    alone, first = changed(desk), desk.tables["signals"][0]
    alone.tables |= {"fills": []}
    alone.tables["actions"] = [
        {"action_id": "V", "signal_id": first["signal_id"], "time": first["time"], "trader": "T1", "action": "VETO"}
    ]
    table = resimulate(read(alone), Echo(alone.tables["signals"]))
    assert table.num_rows == len(alone.tables["signals"])
    ledger = build_ledger(read(alone, resimulated=table))
    assert ledger.result["totals"]["feedback"] == 0 and ledger.result["totals"]["resimulated"] == ledger.result["totals"]["model"]
    assert all(b["pnl"] == b["cost"] == 0 for b in ledger.books.to_pylist() if b["line"] == "feedback")
