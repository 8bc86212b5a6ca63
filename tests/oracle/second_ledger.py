"""A second ledger, written from the data contract alone: slow loops over exact fractions, and nothing imported from the package.

Where it and the package disagree, the contract decides. Covered: the four fill models, every kind of horizon, the seven actions, partial
and several fills, fees on both sides, missing and stale prices, OPEN rows, day slices, labels. Instants are integers of microseconds.
"""

from __future__ import annotations

import csv
import io
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from functools import cache
from typing import Any

import exchange_calendars as xc

EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
MICRO = 10**6
UNAVAILABLE = ("D254", "D255")


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


@dataclass
class Quote:
    """A price row: reference price, bid and ask of a usable quote, open."""

    time: int
    mid: Fraction | None
    bid: Fraction | None
    ask: Fraction | None
    open: Fraction | None


class SecondLedger:
    """Reads CSV texts and a plan's TOML text; `rows` maps a chain's name to its ledger row, or to the code that set it aside."""

    def __init__(self, texts: Mapping[str, str], plan: str) -> None:
        self.plan = tomllib.loads(plan)
        self.tables = {name: list(csv.DictReader(io.StringIO(text))) for name, text in texts.items()}
        self.quotes = {a: self._quotes(a) for a in {r["asset"] for r in self.tables["prices"]}}
        self.as_of = (
            instant(self.plan["as_of"]) if "as_of" in self.plan else max(instant(r["time"]) for r in self.tables["prices"])
        )
        self.desk = self.plan.get("calendar", {}).get("default", "XNYS")
        self.rows: dict[str, dict[str, Any] | str] = {}
        self.slices: dict[tuple[str, str], tuple[int, int]] = {}
        self.chains = self._chains()
        for chain in self.chains:
            self.rows[chain["name"]] = self._price(chain)

    def _quotes(self, asset: str) -> list[Quote]:
        found = []
        for row in (r for r in self.tables["prices"] if r["asset"] == asset):
            bid, ask, close, first = (Fraction(row[k]) if row.get(k) else None for k in ("bid", "ask", "close", "open"))
            good = bid is not None and ask is not None and bid <= ask
            found.append(
                Quote(
                    instant(row["time"]), (bid + ask) / 2 if good else close, bid if good else None, ask if good else None, first
                )
            )
        return found

    def _asset(self, name: str, key: str, default: str) -> str:
        return str(self.plan.get("assets", {}).get(name, {}).get(key, default))

    def _calendar(self, asset: str) -> str:
        return self._asset(asset, "calendar", self.desk) if asset in self.quotes else self.desk

    def _chains(self) -> list[dict[str, Any]]:
        actions = {a["signal_id"]: a for a in self.tables["actions"] if a["signal_id"]}
        chains = [self._chain(s, actions.get(s["signal_id"])) for s in self.tables["signals"]]
        return chains + [self._chain(None, a) for a in self.tables["actions"] if not a["signal_id"]]

    def _chain(self, signal: dict[str, str] | None, action: dict[str, str] | None) -> dict[str, Any]:
        source: dict[str, str] = signal or action or {}
        verb = action["action"] if action else "NO_DECISION"
        fills = [f for f in self.tables.get("fills", []) if action and f["action_id"] == action["action_id"]]
        sign = -1 if verb == "REVERSE" else 1
        anchor = instant(source["time"])
        return {
            "name": signal["signal_id"] if signal else source["action_id"],
            "signal": signal,
            "verb": verb,
            "asset": source["asset"],
            "s": 1 if source["side"].upper() == "BUY" else -1,
            "q": Fraction(signal["quantity"]) if signal else Fraction(0),
            "ordered": Fraction(action["quantity"] or 0) if action and verb != "VETO" else Fraction(0),
            "anchor": anchor,
            "decided": instant(action["time"]) if action else anchor,
            "acted": action is not None,
            "horizon_kind": (signal or {}).get("horizon") or self.plan["horizon"],
            "fills": sorted(
                (
                    instant(f["time"]),
                    f["fill_id"].encode(),
                    sign * Fraction(f["quantity"]),
                    Fraction(f["price"]),
                    Fraction(f["fee"]),
                )
                for f in fills
            ),
        }

    # look-ups ----------------------------------------------------------------------------------------------------------------------

    def _age(self, asset: str, moment: int, time: int) -> int:
        table, k = sessions(self._calendar(asset)), session_of(self._calendar(asset), moment)
        counted_from = moment if moment >= table[k][1] else table[k - 1][2]
        return max(counted_from - time, 0)

    def _fresh(self, asset: str, moment: int, time: int) -> bool:
        ages = self.plan.get("max_age", {})
        quoted = any(r["asset"] == asset and r["bid"] and r["ask"] for r in self.tables["prices"])
        limit = ages.get("quote", "PT60S") if quoted else ages.get("close", "session")
        if limit != "session":
            return self._age(asset, moment, time) <= duration(limit)
        table, k = sessions(self._calendar(asset)), session_of(self._calendar(asset), moment)
        before = table[k - 1][2]
        return time > before if moment == table[k][2] else time >= before

    def look(self, asset: str, moment: int | None, side: str = "mid", *, strict: bool = False) -> tuple[Fraction, int] | None:
        """Newest fresh price and its time, none after `as_of`."""
        if moment is None or moment > self.as_of:
            return None
        best: tuple[Fraction, int] | None = None
        for row in self.quotes.get(asset, []):
            price = getattr(row, side)
            if (
                price is not None
                and (row.time < moment or (row.time == moment and not strict))
                and (best is None or row.time > best[1])
            ):
                best = (price, row.time)
        return best if best and self._fresh(asset, moment, best[1]) else None

    def _horizon(self, chain: dict[str, Any]) -> int | None:
        kind, anchor = chain["horizon_kind"], chain["anchor"]
        if kind.startswith("PT"):
            return int(anchor) + duration(kind)
        if kind == "exit":
            return self._exit(chain)
        calendar = self._calendar(chain["asset"])
        return sessions(calendar)[session_of(calendar, anchor) + (0 if kind == "close" else int(kind.removeprefix("session+")))][
            2
        ]

    def _exit(self, chain: dict[str, Any]) -> int | None:
        if chain["signal"] is None:
            return None
        own = (chain["anchor"], chain["name"].encode())
        later = []
        for s in self.tables["signals"]:
            same = (
                s["model"] == chain["signal"]["model"] and s["asset"] == chain["asset"] and s["side"] != chain["signal"]["side"]
            )
            if same and (instant(s["time"]), s["signal_id"].encode()) > own and instant(s["time"]) <= self.as_of:
                later.append(instant(s["time"]))
        return min(later, default=None)

    def _model_fill(self, chain: dict[str, Any]) -> tuple[int | None, tuple[Fraction, int] | None]:
        """Instant of the model's fill (None while it has not come) and its price with that price's time."""
        model, anchor, asset = self.plan.get("fill_model", "arrival_mid"), chain["anchor"], chain["asset"]
        if model == "signal_price":
            return anchor, (Fraction(chain["signal"]["price"]), anchor)
        if model == "next_open":
            return self._next_open(asset, anchor)
        moment = anchor + duration(self.plan.get("latency", "PT0S"))
        side = "mid" if model == "arrival_mid" else "ask" if chain["s"] > 0 else "bid"
        return moment, self.look(asset, moment, side, strict=self.plan.get("asof_model") == "strict")

    def _next_open(self, asset: str, anchor: int) -> tuple[int | None, tuple[Fraction, int] | None]:
        """First open after the signal in the first session that begins strictly after it and has one."""
        table = sessions(self._calendar(asset))
        for k in range(1, len(table)):
            if table[k][1] <= anchor:
                continue
            rows = [
                r
                for r in self.quotes.get(asset, [])
                if max(table[k - 1][2], anchor) < r.time <= min(table[k][2], self.as_of) and r.open is not None
            ]
            if rows:
                first = min(rows, key=lambda r: r.time)
                assert first.open is not None
                return min(table[k][1], first.time), (first.open, first.time)
        return None, None

    # one chain ---------------------------------------------------------------------------------------------------------------------

    def _price(self, chain: dict[str, Any]) -> dict[str, Any] | str:
        asset, q, anchor = chain["asset"], chain["q"], chain["anchor"]
        horizon = self._horizon(chain)
        limit = self.as_of if horizon is None else min(horizon, self.as_of)
        fills = [f for f in chain["fills"] if f[0] <= limit]
        if chain["acted"] and horizon is not None and chain["decided"] > horizon:
            return "D213"
        if anchor <= self.as_of and asset not in self.quotes:
            return "D255"
        model_time, model = self._model_fill(chain) if q else (None, None)
        is_open = horizon is None or horizon > self.as_of or (q > 0 and model_time is None)
        total = sum((f[2] for f in fills), Fraction(0))
        overlap = min(q, max(total, Fraction(0)))
        needed = [self.look(asset, anchor)] if anchor <= self.as_of else []
        if q and model_time is not None and model_time <= self.as_of:
            needed.append(model)
        if q and model_time is not None and horizon is not None and max(model_time, model[1] if model else model_time) > horizon:
            return "D254"
        if not is_open:
            needed.append(self.look(asset, horizon))
        mids = [self.look(asset, f[0]) for f in fills] if overlap else []
        if None in needed or None in mids:
            return "D254"
        row = self._row(chain, fills, [m[0] for m in mids if m], model[0] if model else None)
        row |= {"status": "OPEN" if is_open else "CLOSED", "horizon_time": horizon, "overlap": overlap, "actual_quantity": total}
        row |= self._labels(chain) | self._path(chain, fills, model_time, limit)
        row["session"] = sessions(self.desk)[session_of(self.desk, chain["decided"])][0]
        self._ages(row, chain, fills if overlap else [], model_time, model)
        if q and model is None:
            row["model_cost"] = None
        if is_open:
            row["rounded"] = False
        else:
            mark = self.look(asset, horizon)
            assert mark is not None
            row |= self._parts(chain, row, mark[0], overlap, total) | {"mark_time": mark[1]}
        row["value_add_to_date"] = self._slice(chain, fills, (model_time, model[0] if model else None), horizon, is_open=is_open)
        return row

    def _unit(self, asset: str) -> Fraction:
        return Fraction(self._asset(asset, "multiplier", "1")) * MICRO

    def _fee(self, chain: dict[str, Any], price: Fraction) -> Fraction:
        fees = {k: Fraction(self.plan.get("fees", {}).get(k, "0")) for k in ("per_unit", "per_order", "bps", "minimum")}
        if not any(fees.values()) or not chain["q"]:
            return Fraction(0)
        notional = abs(chain["q"] * price) * self._unit(chain["asset"])
        return max(
            fees["minimum"] * MICRO, (fees["per_unit"] * chain["q"] + fees["per_order"]) * MICRO + fees["bps"] * notional / 10_000
        )

    def _row(self, chain: dict[str, Any], fills: list[Any], mids: list[Fraction], price: Fraction | None) -> dict[str, Any]:
        unit = self._unit(chain["asset"])
        notional = sum((f[2] * f[3] for f in fills), Fraction(0))
        arrival = sum((f[2] * m for f, m in zip(fills, mids, strict=True)), Fraction(0)) if mids else None
        fee = self._fee(chain, price) if price is not None else Fraction(0)
        return {
            "p": price,
            "notional": notional,
            "arrival": arrival,
            "actual_notional": round(notional * unit),
            "arrival_notional": None if arrival is None else round(arrival * unit),
            "actual_cost": round(sum((f[4] for f in fills), Fraction(0)) * MICRO),
            "model_cost": round(fee),
            "fee": fee,
            "n_fills": len(fills),
            "partial": abs(sum((f[2] for f in fills), Fraction(0))) < chain["ordered"],
        }

    def _parts(self, chain: dict[str, Any], row: dict[str, Any], mark: Fraction, o: Fraction, total: Fraction) -> dict[str, Any]:
        s, q, unit = chain["s"], chain["q"], self._unit(chain["asset"])
        p = row["p"] or Fraction(0)
        arrival = row["arrival"] or Fraction(0)
        share = o / total if o else Fraction(0)
        actual, model = s * (total * mark - row["notional"]) * unit, s * q * (mark - p) * unit
        drift, slippage = s * (o * p - share * arrival) * unit, s * share * (arrival - row["notional"]) * unit
        cost = row["fee"] - row["actual_cost"]
        actual_pnl, model_pnl = round(actual - row["actual_cost"]), round(model - row["fee"])
        value_add = actual_pnl - model_pnl
        size = value_add - round(drift) - round(slippage) - round(cost)
        exact = actual - model - drift - slippage
        assert abs(size - exact) <= Fraction(5, 2)
        return {
            "size": size,
            "drift": round(drift),
            "slippage": round(slippage),
            "cost": round(cost),
            "value_add": value_add,
            "model_pnl": model_pnl,
            "actual_pnl": actual_pnl,
            "rounded": any(x.denominator != 1 for x in (actual, model - row["fee"], drift, slippage, cost)),
        }

    def _slice(
        self,
        chain: dict[str, Any],
        fills: list[Any],
        model: tuple[int | None, Fraction | None],
        horizon: int | None,
        *,
        is_open: bool,
    ) -> int:
        """Slices of one chain, into `slices`; returns their sum."""
        table, k = sessions(self.desk), session_of(self.desk, chain["anchor"])
        before, joined, total = 0, 0, 0
        while True:
            close = table[k][2]
            final = horizon is not None and not is_open and close >= horizon
            moment = horizon if final and horizon is not None else close
            if moment > self.as_of or (is_open and horizon is not None and close >= horizon):
                return total
            mark = self.look(chain["asset"], moment)
            if mark is None:
                joined += 1
            else:
                value = self._books(chain, fills, model, moment, mark[0])
                self.slices[chain["name"], table[k][0]] = (value - before, joined)
                total, before, joined = total + value - before, value, 0
            if final:
                return total
            k += 1

    def _books(
        self, chain: dict[str, Any], fills: list[Any], model: tuple[int | None, Fraction | None], moment: int, mark: Fraction
    ) -> int:
        s, unit = chain["s"], self._unit(chain["asset"])
        done = [f for f in fills if f[0] <= moment]
        paid = sum((f[4] for f in done), Fraction(0)) * MICRO
        actual = round(s * sum((f[2] * (mark - f[3]) for f in done), Fraction(0)) * unit - paid)
        time, price = model
        if time is None or time > moment or price is None:
            return actual
        return actual - round(s * chain["q"] * (mark - price) * unit - self._fee(chain, price))

    def _path(self, chain: dict[str, Any], fills: list[Any], model_time: int | None, end: int) -> dict[str, Any]:
        changes: dict[int, Fraction] = {}
        if chain["q"] and model_time is not None and model_time <= end:
            changes[model_time] = -chain["q"]
        for f in fills:
            changes[f[0]] = changes.get(f[0], Fraction(0)) + f[2]
        knots, gap = [], Fraction(0)
        for time in sorted(changes):
            if changes[time]:
                gap += changes[time]
                knots.append((time, gap))
        ends = [t for t, _ in knots[1:]] + [end]
        seconds = sum(stop - t for (t, g), stop in zip(knots, ends, strict=True) if g) // MICRO if knots else 0
        largest = max((abs(g) for _, g in knots), default=Fraction(0))
        return {
            "gap_path": knots,
            "gap_seconds": seconds,
            "gap_quantity": next((g for _, g in knots if abs(g) == largest), Fraction(0)),
        }

    def _ages(
        self,
        row: dict[str, Any],
        chain: dict[str, Any],
        fills: list[Any],
        model_time: int | None,
        model: tuple[Fraction, int] | None,
    ) -> None:
        asset = chain["asset"]

        def age(moment: int) -> int | None:
            found = self.look(asset, moment)
            return None if found is None else self._age(asset, moment, found[1])

        row["signal_mid_age"] = age(chain["anchor"])
        row["arrival_price_age"] = max((a for f in fills if (a := age(f[0])) is not None), default=None)
        row["mark_age"] = age(row["horizon_time"]) if row["status"] == "CLOSED" else None
        looked = self.plan.get("fill_model", "arrival_mid") in ("arrival_mid", "cross_spread")
        row["model_price_age"] = (
            None if model is None or model_time is None else self._age(asset, model_time, model[1]) if looked else 0
        )

    def _labels(self, chain: dict[str, Any]) -> dict[str, Any]:
        """Newest label strictly before the decision (a signal left alone: the signal); the asset's own, else the one for all assets."""
        moment = chain["anchor"] if chain["verb"] in ("ACCEPT", "NO_DECISION") else chain["decided"]
        rows = [r for r in self.tables.get("regimes", []) if instant(r["time"]) < moment and r["weather"]]
        own = [r for r in rows if r["asset"] == chain["asset"]]
        newest = max(own or [r for r in rows if not r["asset"]], key=lambda r: instant(r["time"]), default=None)
        return {
            "regime_weather": newest["weather"] if newest else "unlabelled",
            "regime_cutoff": instant(newest["time"]) if newest else None,
        }
