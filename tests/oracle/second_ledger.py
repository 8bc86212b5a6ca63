"""A second ledger, written from the data contract alone: slow loops over exact fractions, and nothing imported from the package.

Where it and the package disagree, the contract decides. Covered: the four fill models with and without impact, every kind of horizon,
the seven actions, partial and several fills, fees on both sides, foreign currencies, splits and dividends, missing and stale prices,
OPEN rows, day slices, labels. `second_market` holds the look-ups, `second_reading` the chains, `second_totals` what is summed of rows.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from second_market import Market, Price, unit
from second_reading import MICRO, Chain, Events, Fill, Reader, instant, read_events, read_tables, session_of, sessions

UNAVAILABLE = ("D254", "D255", "D260", "D261")
ZERO = Fraction(0)
Line = dict[str, Any]


def shown(value: Fraction | None) -> Fraction | None:
    """A quantity or price as the tables show it: nine places, half to even."""
    return None if value is None else Fraction(round(value * 10**9), 10**9)


@dataclass(frozen=True)
class Step:
    """What one session added to both books of a chain; `joined` sessions without a mark fell into it."""

    session: str
    actual: int
    model: int
    actual_cost: int
    model_cost: int
    joined: int

    @property
    def slice(self) -> int:
        return self.actual - self.model


@dataclass(frozen=True)
class Case:
    """A chain as seen at one horizon, before anything is decided about it. Quantities and prices are in the anchor's units.

    `fills` are those up to the horizon and the instant of evaluation, as (fill, quantity); `quoted` is the model's price as it stands
    in its row, `p` with adjustment and impact; `fee` and `model_fee` are exact micro-units of the asset's own currency.
    """

    chain: Chain
    horizon: int | None
    is_open: bool
    fills: tuple[tuple[Fill, Fraction], ...]
    notional: Fraction
    model_time: int | None
    quoted: Price | None
    impact: Fraction | None
    p: Fraction | None
    unit: Fraction
    schedule: Mapping[str, Fraction] = field(default_factory=dict)

    @property
    def total(self) -> Fraction:
        return sum((quantity for _, quantity in self.fills), ZERO)

    @property
    def overlap(self) -> Fraction:
        return min(self.chain.q, max(self.total, ZERO))

    @property
    def fee(self) -> Fraction:
        return sum((f.fee for f, _ in self.fills), ZERO) * MICRO

    @property
    def model_fee(self) -> Fraction:
        return ZERO if self.p is None else self.fee_at(self.p)

    @property
    def model_comes_late(self) -> bool:
        """The model's fill, or the row with its price, lies after the horizon."""
        if self.model_time is None or self.horizon is None:
            return False
        return max(self.model_time, self.quoted.time if self.quoted else self.model_time) > self.horizon

    def fee_at(self, price: Fraction) -> Fraction:
        """The plan's fee on the model's order, exactly."""
        fees, q = self.schedule, self.chain.q
        if not q or not any(fees.values()):
            return ZERO
        percentage = fees["bps"] * abs(q * price) * self.unit / 10_000
        return max(fees["minimum"] * MICRO, (fees["per_unit"] * q + fees["per_order"]) * MICRO + percentage)

    def gross_actual(self, mark: Fraction) -> Fraction:
        return self.chain.s * (self.total * mark - self.notional) * self.unit

    def gross_model(self, mark: Fraction) -> Fraction:
        return ZERO if self.p is None else self.chain.s * self.chain.q * (mark - self.p) * self.unit

    def actual_pnl(self, mark: Fraction, rate: Fraction) -> int:
        return round((self.gross_actual(mark) - self.fee) * rate)

    def model_pnl(self, mark: Fraction, rate: Fraction) -> int:
        return round((self.gross_model(mark) - self.model_fee) * rate)


class SecondLedger:
    """Reads CSV texts and a plan's TOML text; `rows` maps a chain's name to its ledger row, or to the code that set it aside.

    `steps` holds the sessions of each priced chain and `slices` their value-add; `resimulated` and `resimulated_steps` are the same for
    the re-simulated signals.
    """

    def __init__(self, texts: Mapping[str, str], plan: str) -> None:
        self.plan = tomllib.loads(plan)
        self.tables = read_tables(texts)
        self.events: Events = read_events(self.tables["corporate_actions"])
        self.market = Market(self.tables, self.plan, self.events)
        self.as_of, self.desk = self.market.as_of, self.market.desk
        self.reader = Reader(self.tables, self.plan, self.events)
        self.chains = self.reader.chains()
        self.model_chains = self.reader.model_only()
        self.cases: dict[str, Case] = {}
        self.steps: dict[str, list[Step]] = {}
        self.rows = {c.name: self._price(c, self.steps, "signals") for c in self.chains}
        self.resimulated_steps: dict[str, list[Step]] = {}
        self.resimulated = {c.name: self._price(c, self.resimulated_steps, "resimulated") for c in self.model_chains}
        self.slices = {(name, s.session): (s.slice, s.joined) for name, steps in self.steps.items() for s in steps}

    # one chain at one horizon --------------------------------------------------------------------------------------------------------

    def case(self, chain: Chain, kind: str, table: str = "signals") -> Case:
        market = self.market
        horizon = market.horizon(chain, kind, self.tables[table])
        limit = self.as_of if horizon is None else min(horizon, self.as_of)
        time, quoted = market.model_fill(chain)
        p = None if quoted is None else market.adjusted(chain, quoted)
        impact = None
        if p is not None and market.asks_impact():
            impact = market.impact(chain, p)
            p = None if impact is None else p + chain.s * impact
        fills = tuple(
            (f, f.quantity / self.events.ratio(chain.asset, chain.anchor, f.time)) for f in chain.fills if f.time <= limit
        )
        paid = (n * self.events.price(chain.asset, chain.anchor, f.time, f.price) for f, n in fills)
        is_open = horizon is None or horizon > self.as_of or (chain.q > 0 and time is None)
        fees = {k: Fraction(self.plan.get("fees", {}).get(k, "0")) for k in ("per_unit", "per_order", "bps", "minimum")}
        return Case(
            chain, horizon, is_open, fills, sum(paid, ZERO), time, quoted, impact, p, unit(market, chain.asset), schedule=fees
        )

    def arrivals(self, case: Case) -> list[Price | None]:
        """Mid at each fill, where both books traded."""
        return [self.market.look(case.chain.asset, f.time) for f, _ in case.fills] if case.overlap else []

    def missing(self, case: Case) -> list[str]:
        """Names of the needed look-ups that found nothing: mid, p, mark, arrival."""
        chain, found = case.chain, []
        known = chain.anchor <= self.as_of
        if known and self.market.look(chain.asset, chain.anchor) is None:
            found.append("mid")
        asked = chain.q and case.model_time is not None and case.model_time <= self.as_of
        # a fill that is still to come leaves the chain OPEN, whatever its impact will be
        no_impact = asked and known and self.market.asks_impact() and self.market.turnover(chain) is None
        if (asked and case.p is None) or no_impact or case.model_comes_late:
            found.append("p")
        if not case.is_open and self.market.look(chain.asset, case.horizon) is None:
            found.append("mark")
        if None in self.arrivals(case):
            found.append("arrival")
        return found

    def _code(self, case: Case) -> str | None:
        chain, market = case.chain, self.market
        if chain.codes:
            return chain.codes[0]
        if chain.action and case.horizon is not None and chain.decided > case.horizon:
            return "D213"
        if chain.anchor <= self.as_of and chain.asset not in market.quotes:
            return "D255"
        if self.missing(case):
            return "D254"
        if chain.anchor <= self.as_of and market.is_foreign(chain.asset):
            if not market.has_rates(chain.asset):
                return "D260"
            needed = [chain.anchor] if case.is_open else [chain.anchor, case.horizon]
            if any(market.rate(chain.asset, moment) is None for moment in needed):
                return "D261"
        return None

    # a row -------------------------------------------------------------------------------------------------------------------------

    def _price(self, chain: Chain, steps: dict[str, list[Step]], table: str) -> Line | str:
        case = self.case(chain, chain.horizon, table)
        if table == "signals":
            self.cases[chain.name] = case
        code = self._code(case)
        if code:
            return code
        mids = [m for m in self.arrivals(case) if m]
        arrival = (
            sum((n * self.market.adjusted(chain, m) for (_, n), m in zip(case.fills, mids, strict=True)), ZERO) if mids else None
        )
        steps[chain.name], stamps = self._steps(case)
        row = self._copied(chain) | self._quantities(case, arrival) | self._labels(chain) | self._path(case)
        row |= self._ages(case) | self._rates(case) | self._money(case, arrival)
        stamps += [f.time for f, _ in case.fills] + [m.time for m in mids] + ([case.quoted.time] if case.quoted else [])
        row["adjusted"] = any(self.events.between(chain.asset, chain.anchor, stamp) for stamp in stamps)
        row["value_add_to_date"] = sum(s.slice for s in steps[chain.name])
        row["expired"] = bool((chain.signal or {}).get("expires")) and instant((chain.signal or {})["expires"]) <= self.as_of
        return row

    def _copied(self, chain: Chain) -> Line:
        signal, action = chain.signal or {}, chain.action or {}
        return {
            "signal_id": signal.get("signal_id"),
            "action_id": action.get("action_id"),
            "decision_id": chain.decision,
            "trader": chain.trader,
            "desk": (action.get("desk") or "desk") if action else None,
            "model": chain.model,
            "asset": chain.asset,
            "side": "BUY" if chain.s > 0 else "SELL",
            "action": chain.verb,
            "is_intervention": chain.intervenes,
            "horizon": chain.horizon,
            "signal_time": chain.anchor if chain.signal else None,
            "action_time": chain.decided if chain.action else None,
            "session": sessions(self.desk)[session_of(self.desk, chain.decided)][0],
        }

    def _quantities(self, case: Case, arrival: Fraction | None) -> Line:
        chain, total = case.chain, case.total
        mid = self.market.look(chain.asset, chain.anchor)
        return {
            "status": "OPEN" if case.is_open else "CLOSED",
            "horizon_time": case.horizon,
            "overlap": shown(case.overlap),
            "model_quantity": shown(chain.q),
            "actual_quantity": shown(total),
            "n_fills": len(case.fills),
            "first_fill_time": case.fills[0][0].time if case.fills else None,
            "last_fill_time": case.fills[-1][0].time if case.fills else None,
            "model_price_index": self._index(case.chain, case.quoted) if self.plan["fill_model"] != "signal_price" else None,
            "partial": self.reader.filled(chain, [f for f, _ in case.fills]) < chain.ordered,
            "signal_mid": shown(mid.value if mid else None),
            "model_price": shown(case.p),
            "model_impact": shown(case.impact),
            "actual_price": shown(case.notional / total if total else None),
            "arrival_price": shown(arrival / total if arrival is not None else None),
            "actual_notional": round(case.notional * case.unit),
            "arrival_notional": None if arrival is None else round(arrival * case.unit),
        }

    def _index(self, chain: Chain, price: Price | None) -> int | None:
        """Position of a price's row among the asset's usable rows."""
        return None if price is None else [r.time for r in self.market.quotes[chain.asset] if not r.refused].index(price.time)

    def _money(self, case: Case, arrival: Fraction | None) -> Line:
        """Both costs, and for a CLOSED row its parts: exact, then rounded once each."""
        chain, foreign = case.chain, self.market.is_foreign(case.chain.asset)
        if case.is_open:
            unknown = bool(chain.q) and case.p is None
            costs = {"actual_cost": round(case.fee), "model_cost": None if unknown else round(case.model_fee)}
            return {"rounded": False, **({} if foreign else costs)}
        mark, rate = self.market.look(chain.asset, case.horizon), self.market.rate(chain.asset, case.horizon)
        assert mark is not None and rate is not None
        m, r = self.market.adjusted(chain, mark), rate.value
        share = case.overlap / case.total if case.overlap else ZERO
        drift = chain.s * (case.overlap * (case.p or ZERO) - share * (arrival or ZERO)) * case.unit * r
        slippage = chain.s * share * ((arrival or ZERO) - case.notional) * case.unit * r
        cost = (case.model_fee - case.fee) * r
        actual, model = (case.gross_actual(m) - case.fee) * r, (case.gross_model(m) - case.model_fee) * r
        value_add = round(actual) - round(model)
        size = value_add - round(drift) - round(slippage) - round(cost)
        assert abs(size - (actual - model - drift - slippage - cost)) <= Fraction(5, 2)
        return {
            "size": size,
            "drift": round(drift),
            "slippage": round(slippage),
            "cost": round(cost),
            "value_add": value_add,
            "model_pnl": round(model),
            "actual_pnl": round(actual),
            "model_cost": round(case.model_fee * r),
            "actual_cost": round(case.fee * r),
            "rounded": any(x.denominator != 1 for x in (actual, model, drift, slippage, cost)),
            "mark": shown(m),
            "mark_time": mark.time,
            "mark_index": self._index(chain, mark),
        }

    def _rates(self, case: Case) -> Line:
        chain, market = case.chain, self.market
        if not market.is_foreign(chain.asset):
            return {}
        found: Line = {}
        for name, moment in (("signal_fx", chain.anchor), ("mark_fx", None if case.is_open else case.horizon)):
            rate = market.rate(chain.asset, moment)
            if rate is not None and moment is not None:
                found |= {name: shown(rate.value), f"{name}_age": market.rate_age(chain.asset, moment, rate)}
        return found

    # sessions ----------------------------------------------------------------------------------------------------------------------

    def _steps(self, case: Case) -> tuple[list[Step], list[int]]:
        """What each session added, and the stamps of the marks used."""
        table, k = sessions(self.desk), session_of(self.desk, case.chain.anchor)
        steps: list[Step] = []
        stamps: list[int] = []
        before, joined = (0, 0, 0, 0), 0
        while True:
            close, horizon = table[k][2], case.horizon
            passed = horizon is not None and close >= horizon
            final = passed and not case.is_open
            moment = horizon if final and horizon is not None else close
            if moment > self.as_of or (passed and case.is_open):
                return steps, stamps
            mark, rate = self.market.look(case.chain.asset, moment), self.market.rate(case.chain.asset, moment)
            if mark is None or rate is None:
                joined += 1
            else:
                now = self._books_at(case, moment, self.market.adjusted(case.chain, mark), rate.value)
                a, b, c, d = (x - y for x, y in zip(now, before, strict=True))
                steps.append(Step(table[k][0], a, b, c, d, joined))
                stamps.append(mark.time)
                before, joined = now, 0
            if final:
                return steps, stamps
            k += 1

    def _books_at(self, case: Case, moment: int, mark: Fraction, rate: Fraction) -> tuple[int, int, int, int]:
        """Actual and model P/L and costs of the fills up to one instant."""
        done = [(f, n) for f, n in case.fills if f.time <= moment]
        paid = sum((n * self.events.price(case.chain.asset, case.chain.anchor, f.time, f.price) for f, n in done), ZERO)
        held = sum((n for _, n in done), ZERO)
        fee = sum((f.fee for f, _ in done), ZERO) * MICRO
        actual = (case.chain.s * (held * mark - paid) * case.unit - fee) * rate
        if case.model_time is None or case.model_time > moment or case.p is None:
            return round(actual), 0, round(fee * rate), 0
        return round(actual), case.model_pnl(mark, rate), round(fee * rate), round(case.model_fee * rate)

    def _path(self, case: Case) -> Line:
        """Knots of actual minus model quantity, up to the horizon."""
        end = self.as_of if case.horizon is None else min(case.horizon, self.as_of)
        changes: dict[int, Fraction] = {}
        if case.chain.q and case.model_time is not None and case.model_time <= end:
            changes[case.model_time] = -case.chain.q
        for f, n in case.fills:
            changes[f.time] = changes.get(f.time, ZERO) + n
        knots, gap = [], ZERO
        for time in sorted(changes):
            if changes[time]:
                gap += changes[time]
                knots.append((time, gap))
        ends = [t for t, _ in knots[1:]] + [end]
        seconds = sum(stop - t for (t, g), stop in zip(knots, ends, strict=True) if g) // MICRO if knots else 0
        largest = max((abs(g) for _, g in knots), default=ZERO)
        return {
            "gap_path": [(t, shown(g)) for t, g in knots],
            "gap_seconds": seconds,
            "gap_quantity": shown(next((g for _, g in knots if abs(g) == largest), ZERO)),
        }

    def _ages(self, case: Case) -> Line:
        asset, market = case.chain.asset, self.market

        def age(moment: int | None) -> int | None:
            found = market.look(asset, moment)
            return None if found is None or moment is None else market.age(asset, moment, found.time)

        looked = self.plan.get("fill_model", "arrival_mid") in ("arrival_mid", "cross_spread")
        priced = case.quoted is not None and case.model_time is not None
        arrivals = [age(f.time) for f, _ in case.fills] if case.overlap else []
        return {
            "signal_mid_age": age(case.chain.anchor),
            "arrival_price_age": max((a for a in arrivals if a is not None), default=None),
            "mark_age": None if case.is_open else age(case.horizon),
            "model_price_age": None
            if not priced or case.quoted is None or case.model_time is None
            else market.age(asset, case.model_time, case.quoted.time)
            if looked
            else 0,
        }

    def _labels(self, chain: Chain) -> Line:
        """Newest label strictly before the decision (a signal left alone: the signal); the asset's own, else the one for all assets."""
        moment = chain.decided if chain.intervenes else chain.anchor
        rows = [r for r in self.tables["regimes"] if instant(r["time"]) < moment and r["weather"]]
        own = [r for r in rows if r["asset"] == chain.asset]
        newest = max(own or [r for r in rows if not r["asset"]], key=lambda r: instant(r["time"]), default=None)
        return {
            "regime_weather": newest["weather"] if newest else "unlabelled",
            "regime_cutoff": instant(newest["time"]) if newest else None,
        }
