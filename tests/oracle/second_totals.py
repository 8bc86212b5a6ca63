"""What the second ledger sums of its rows: decisions, books, key figures, horizon decay, worst-case bounds and counts.

Plain loops and dictionaries; money in integers of micro-units, ratios of exact integers, one square root to 60 digits.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from decimal import Decimal, localcontext
from fractions import Fraction
from math import ceil, floor

from second_ledger import UNAVAILABLE, Case, Line, SecondLedger
from second_reading import MICRO, Chain, session_of, sessions

PARTS = ("size", "drift", "slippage", "cost", "value_add")
BookKey = tuple[str, str, str, str | None, str]
Entry = tuple[int, int, int]


# decisions -------------------------------------------------------------------------------------------------------------------------


def priced(led: SecondLedger) -> list[tuple[Chain, Line]]:
    """Chains with a row, in the ledger's order."""
    found = [(c, row) for c in led.chains if isinstance(row := led.rows[c.name], dict)]
    return sorted(found, key=lambda f: (f[0].anchor, _bytes(f[1]["signal_id"]), _bytes(f[1]["action_id"])))


def _bytes(name: str | None) -> bytes:
    return (name or "").encode()


def set_aside(led: SecondLedger) -> list[tuple[Chain, str]]:
    return [(c, code) for c in led.chains if isinstance(code := led.rows[c.name], str)]


def decisions(led: SecondLedger) -> dict[str, Line]:
    """Sums of the rows of each decision that has a row; the parts are null unless all of it is closed."""
    grouped: dict[str, list[tuple[Chain, Line]]] = defaultdict(list)
    for chain, row in priced(led):
        if chain.decision:
            grouped[chain.decision].append((chain, row))
    lost = Counter(name for chain, _ in set_aside(led) for name in _decisions_of(chain))
    found = {}
    for name, members in grouped.items():
        first = min(members, key=lambda m: (m[0].decided, _bytes(m[1]["action_id"])))
        n_open = sum(row["status"] == "OPEN" for _, row in members)
        verbs = {chain.verb for chain, _ in members}
        complete = not n_open and not lost[name]
        found[name] = {
            "trader": first[0].trader,
            "session": first[1]["session"],
            "first_time": first[0].decided,
            "last_time": max(chain.decided for chain, _ in members),
            "action": verbs.pop() if len(verbs) == 1 else "MIXED",
            "n_rows": len(members),
            "n_open": n_open,
            "n_quarantined": lost[name],
            "n_assets": len({chain.asset for chain, _ in members}),
            "complete": complete,
            **{part: sum(row[part] for _, row in members) if not n_open else None for part in PARTS},
        }
    return found


def _decisions_of(chain: Chain) -> list[str]:
    """Decisions that a chain set aside belongs to; several actions on one signal may name several."""
    actions = chain.rivals or ((chain.action,) if chain.action else ())
    return [a.get("decision_id") or a["action_id"] for a in actions]


# books -----------------------------------------------------------------------------------------------------------------------------


def books(led: SecondLedger) -> dict[BookKey, Entry]:
    """P/L, cost and rows of each line by state, session, trader and asset."""
    found: dict[BookKey, list[int]] = defaultdict(lambda: [0, 0, 0])

    def add(line: str, chain: Chain, row: Line, session: str, pnl: int, cost: int) -> None:
        state = "closed" if row["status"] == "CLOSED" else "open_to_date"
        entry = found[line, state, session, chain.trader, chain.asset]
        for k, amount in enumerate((pnl, cost, 1)):
            entry[k] += amount

    for chain, row in priced(led):
        for step in led.steps[chain.name]:
            add("actual", chain, row, step.session, step.actual, step.actual_cost)
            add("model_frozen", chain, row, step.session, step.model, step.model_cost)
            add("difference", chain, row, step.session, step.slice, step.actual_cost - step.model_cost)
    for chain in led.model_chains:
        again = led.resimulated[chain.name]
        if isinstance(again, dict):
            for step in led.resimulated_steps[chain.name]:
                add("model_resimulated", chain, again, step.session, step.model, step.model_cost)
    if led.model_chains:
        _feedback(found)
    return {key: (pnl, cost, n) for key, (pnl, cost, n) in found.items()}


def _feedback(found: dict[BookKey, list[int]]) -> None:
    """The re-simulated book less the frozen one, by state, session and asset, allotted to nobody."""
    for (line, state, session, _, asset), entry in list(found.items()):
        sign = {"model_resimulated": 1, "model_frozen": -1}.get(line, 0)
        if sign:
            total = found["feedback", state, session, None, asset]
            for k in (0, 1):
                total[k] += sign * entry[k]


def after_horizon(led: SecondLedger) -> dict[tuple[str, str, str | None, str], Entry]:
    """What fills after the horizon of a CLOSED row would have added to the actual book at its mark, their cost and the rows.

    By state, session of the fill, trader and asset; each fill is rounded once, alone, being part of no book.
    """
    found: dict[tuple[str, str, str | None, str], list[int]] = defaultdict(lambda: [0, 0, 0])
    for chain, _ in priced(led):
        case = led.cases[chain.name]
        late = [f for f in chain.fills if case.horizon is not None and f.time > case.horizon]
        mark, rate = led.market.look(chain.asset, case.horizon), led.market.rate(chain.asset, case.horizon)
        if case.is_open or mark is None or rate is None:
            continue
        m = led.market.adjusted(chain, mark)
        for f in late:
            lots = f.quantity / led.events.ratio(chain.asset, chain.anchor, f.time)
            gross = chain.s * lots * (m - led.events.price(chain.asset, chain.anchor, f.time, f.price)) * case.unit
            entry = found["closed", sessions(led.desk)[session_of(led.desk, f.time)][0], chain.trader, chain.asset]
            entry[0] += round((gross - f.fee * MICRO) * rate.value)
            entry[1] += round(f.fee * MICRO * rate.value)
        for session in {sessions(led.desk)[session_of(led.desk, f.time)][0] for f in late}:
            found["closed", session, chain.trader, chain.asset][2] += 1
    return {key: (pnl, cost, n) for key, (pnl, cost, n) in found.items()}


def resimulated_totals(led: SecondLedger) -> dict[str, int]:
    """Closed totals of the re-simulated book and of its difference to the frozen one."""
    again = sum(row["model_pnl"] for row in led.resimulated.values() if isinstance(row, dict) and row["status"] == "CLOSED")
    frozen = sum(row["model_pnl"] for _, row in priced(led) if row["status"] == "CLOSED")
    return {"resimulated": again, "feedback": again - frozen}


# key figures -----------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Moments:
    """Hits, ties, sum, mean, sd and ratio of some integers of micro-units; the last three in currency."""

    values: tuple[int, ...]

    @property
    def sums(self) -> Line:
        v = self.values
        return {"n": len(v), "hits": sum(x > 0 for x in v), "ties": sum(x == 0 for x in v), "sum": sum(v)}

    @property
    def mean(self) -> float | None:
        return float(Fraction(sum(self.values), len(self.values) * MICRO)) if self.values else None

    def _spread(self) -> int:
        """n (n-1) times the variance."""
        n, total = len(self.values), sum(self.values)
        return n * sum(x * x for x in self.values) - total * total

    @property
    def sd(self) -> float | None:
        n = len(self.values)
        return _root(Fraction(self._spread(), n * (n - 1) * MICRO**2)) if n > 1 and self._spread() else None

    @property
    def ratio(self) -> float | None:
        n, total = len(self.values), sum(self.values)
        if n < 2 or not self._spread():
            return None
        size = _root(Fraction(total * total * (n - 1), n * self._spread()))
        return size if total >= 0 else -size


def _root(x: Fraction) -> float:
    with localcontext() as context:
        context.prec = 60
        return float((Decimal(x.numerator) / Decimal(x.denominator)).sqrt())


def kpis(led: SecondLedger) -> dict[tuple[str | None, ...], Line]:
    """By (by, trader, model, action, regime)."""
    rows = priced(led)
    keys: list[tuple[str | None, ...]] = [("all", None, None, None, None)]
    for chain, row in rows:
        if chain.trader:
            own = (chain.trader, chain.model, chain.verb, row["regime_weather"])
            keys += [("trader", own[0], None, None, None), ("trader x action", own[0], None, own[2], None)]
            keys += [("trader x regime", own[0], None, None, own[3])]
            keys += [("trader x model", own[0], own[1], None, None)] if own[1] else []
    return {key: _figures(led, key) for key in dict.fromkeys(keys)}


def _figures(led: SecondLedger, key: tuple[str | None, ...]) -> Line:
    _, trader, model, verb, regime = key

    def inside(chain: Chain, row: Line | None) -> bool:
        wanted = ((trader, chain.trader), (model, chain.model), (verb, chain.verb))
        label = row["regime_weather"] if row else None
        return all(w in (None, have) for w, have in wanted) and regime in (None, label)

    rows = [(c, r) for c, r in priced(led) if inside(c, r)]
    whole = decisions(led)
    mine: dict[str, list[tuple[Chain, Line]]] = defaultdict(list)
    for chain, row in rows:
        if chain.decision and chain.intervenes:
            mine[chain.decision].append((chain, row))
    done = {d: members for d, members in mine.items() if whole[d]["complete"]}
    values = Moments(tuple(sum(r["value_add"] for _, r in members) for members in done.values()))
    signals = [(c, r) for c, r in rows if c.signal is not None]
    overridden = sum(c.intervenes for c, _ in signals)
    sums = values.sums
    lost = [code for c, code in set_aside(led) for each in _claims(c) if inside(each, None)]
    return {
        "n_signals": len(signals),
        "n_interventions": sum(c.intervenes for c, _ in rows),
        "n_decisions": sums["n"],
        "n_sessions": len({r["session"] for members in done.values() for _, r in members}),
        "n_open": sum(r["status"] == "OPEN" for c, r in rows if c.intervenes),
        "n_unavailable": sum(code in UNAVAILABLE for code in lost),
        "n_quarantined": len(lost),
        "override_rate": float(Fraction(overridden, len(signals))) if signals else None,
        "hits": sums["hits"],
        "ties": sums["ties"],
        "sum": sums["sum"] if mine else None,
        "hit_rate": float(Fraction(sums["hits"], sums["n"])) if sums["n"] else None,
        "mean": values.mean,
        "sd": values.sd,
        "ir_per_decision": values.ratio,
    }


def _claims(chain: Chain) -> list[Chain]:
    """A chain set aside, once for each action that claims it."""
    return [replace(chain, action=a, verb=a["action"]) for a in chain.rivals] or [chain]


# horizon decay ---------------------------------------------------------------------------------------------------------------------


def decay(led: SecondLedger) -> list[Line]:
    """One line for each row with a trader and each horizon, in the ledger's order, the row's own horizon first."""
    others, found = led.plan.get("decay", []), []
    for chain, row in priced(led):
        if chain.trader is None or not others:
            continue
        for kind in [chain.horizon, *(h for h in others if h != chain.horizon)]:
            case = led.case(chain, kind)
            status, value, mark = _decayed(led, case)
            if kind == chain.horizon:
                status, value, mark = row["status"], row.get("value_add"), row.get("mark_time")
            found.append(
                {
                    "chain": chain.name,
                    "decision_id": chain.decision,
                    "trader": chain.trader,
                    "action": chain.verb,
                    "horizon": kind,
                    "primary": kind == chain.horizon,
                    "horizon_time": case.horizon,
                    "mark_time": mark,
                    "status": status,
                    "value_add": value,
                }
            )
    return found


def _decayed(led: SecondLedger, case: Case) -> tuple[str, int | None, int | None]:
    chain = case.chain
    if case.horizon is not None and case.horizon < chain.decided:
        return "BEFORE_ACTION", None, None
    if case.is_open:
        return "OPEN", None, None
    mark, rate = led.market.look(chain.asset, case.horizon), led.market.rate(chain.asset, case.horizon)
    if mark is None or rate is None or case.model_comes_late:
        return "UNAVAILABLE", None, None
    at = led.market.adjusted(chain, mark)
    return "CLOSED", case.actual_pnl(at, rate.value) - case.model_pnl(at, rate.value), mark.time


def decay_kpis(led: SecondLedger) -> dict[tuple[str | None, bool, str], Line]:
    """By (trader or None for all, primary, horizon); interventions only, and a decision counts where all its rows are closed.

    The rows' own horizons are one group, shown as MIXED where they differ; a row whose own horizon is one of the plan's counts there too.
    """
    lines = [line for line in decay(led) if line["action"] != "ACCEPT"]
    lost = {name for name, d in decisions(led).items() if d["n_quarantined"]}
    found = {}
    for trader in (None, *sorted({line["trader"] for line in lines})):
        mine = [line for line in lines if trader in (None, line["trader"])]
        own = [line for line in mine if line["primary"]]
        groups = {h: [line for line in mine if line["horizon"] == h] for h in led.plan.get("decay", [])}
        shared = _closed_everywhere([own, *groups.values()], lost)
        texts = {line["horizon"] for line in own}
        if own:
            found[trader, True, texts.pop() if len(texts) == 1 else "MIXED"] = _decay_figures(own, lost, shared)
            found |= {(trader, False, h): _decay_figures(group, lost, shared) for h, group in groups.items()}
    return found


def _by_decision(lines: list[Line]) -> dict[str, list[Line]]:
    grouped: dict[str, list[Line]] = defaultdict(list)
    for line in lines:
        grouped[line["decision_id"]].append(line)
    return grouped


def _worst(rows: list[Line], *, incomplete: bool) -> str:
    have = {row["status"] for row in rows} | ({"UNAVAILABLE"} if incomplete else set())
    return next((s for s in ("BEFORE_ACTION", "UNAVAILABLE", "OPEN") if s in have), "CLOSED")


def _closed_everywhere(groups: list[list[Line]], lost: set[str]) -> set[str]:
    """Decisions closed at every horizon."""
    closed = [{d for d, rows in _by_decision(g).items() if _worst(rows, incomplete=d in lost) == "CLOSED"} for g in groups]
    return set.intersection(*closed)


def _decay_figures(lines: list[Line], lost: set[str], shared: set[str]) -> Line:
    members = _by_decision(lines)
    states = {d: _worst(rows, incomplete=d in lost) for d, rows in members.items()}
    closed = {d: sum(r["value_add"] for r in rows) for d, rows in members.items() if states[d] == "CLOSED"}
    counts = Counter(states.values())
    values, common = Moments(tuple(closed.values())), Moments(tuple(v for d, v in closed.items() if d in shared))
    return {
        "n_decisions": len(closed),
        "n_open": counts["OPEN"],
        "n_unavailable": counts["UNAVAILABLE"],
        "n_before_action": counts["BEFORE_ACTION"],
        "hits": values.sums["hits"],
        "sum": values.sums["sum"],
        "mean": values.mean,
        "sd": values.sd,
        "ir_per_decision": values.ratio,
        "n_common": common.sums["n"],
        "sum_common": common.sums["sum"],
        "mean_common": common.mean,
    }


# bounds ----------------------------------------------------------------------------------------------------------------------------


def bounds(led: SecondLedger) -> dict[str | None, Line]:
    """Worst cases by trader, and under None for all: chains set aside for a price, how many have no bound, floor of lows, ceiling of highs."""
    found: dict[str | None, Line] = defaultdict(lambda: {"chains": 0, "unbounded": 0, "lowest": 0, "highest": 0})
    total = sum(row["value_add"] for _, row in priced(led) if row["status"] == "CLOSED")
    found[None] |= {"lowest": total, "highest": total}
    for chain, code in set_aside(led):
        if code not in UNAVAILABLE or led.cases[chain.name].is_open:
            continue  # an open chain is no part of the closed total that the bounds start from
        ends = _ends(led, led.cases[chain.name]) if code == "D254" else None
        for who in {None, chain.trader}:
            entry = found[who]
            entry["chains"] += 1
            if ends is None:
                entry["unbounded"] += 1
            else:
                entry["lowest"] += floor(ends[0])
                entry["highest"] += ceil(ends[1])
    return dict(found)


def _ends(led: SecondLedger, case: Case) -> tuple[Fraction, Fraction] | None:
    """Lowest and highest value-add that the unknown prices allow."""
    chain, market = case.chain, led.market
    missing = led.missing(case)
    rate = market.rate(chain.asset, case.horizon)
    if rate is None:
        return None
    mark = None if case.horizon is None else market.look(chain.asset, case.horizon)
    marks = [market.adjusted(chain, mark)] if mark else None
    prices = [Fraction(0)] if not chain.q else [case.p] if case.p is not None and "p" not in missing else None
    extremes = None
    if marks is None or prices is None:
        extremes = _range(led, case)
        if extremes is None:
            return None
    values = []
    for m in marks or extremes or []:
        for p in prices or extremes or []:
            gross = chain.s * ((case.total - chain.q) * m - case.notional + chain.q * p) * case.unit
            values.append((gross - case.fee + (case.fee_at(p) if chain.q else 0)) * rate.value)
    return min(values), max(values)


def _range(led: SecondLedger, case: Case) -> list[Fraction] | None:
    """Lowest and highest reference price from the newest row at the anchor to the first at the horizon."""
    chain = case.chain
    rows = [r for r in led.market.quotes[chain.asset] if r.mid is not None and r.time <= led.as_of]
    if not rows:
        return None
    first = max((r.time for r in rows if r.time <= chain.anchor), default=rows[0].time)
    last = min((r.time for r in rows if case.horizon is not None and r.time >= case.horizon), default=rows[-1].time)
    inside = [
        led.events.price(chain.asset, chain.anchor, r.time, r.mid) for r in rows if first <= r.time <= last and r.mid is not None
    ]
    return [min(inside), max(inside)] if inside else None


# counts ----------------------------------------------------------------------------------------------------------------------------


def counts(led: SecondLedger) -> dict[str, int]:
    rows = priced(led)
    alone = [row for chain, row in rows if chain.verb == "NO_DECISION"]
    return {
        "rows": len(rows),
        "followed": sum(chain.verb == "ACCEPT" for chain, _ in rows),
        "intervened": sum(chain.intervenes and chain.signal is not None for chain, _ in rows),
        "initiated": sum(chain.verb == "INITIATE" for chain, _ in rows),
        "no_decision": sum(not row["expired"] for row in alone),
        "expired": sum(row["expired"] for row in alone),
        "open": sum(row["status"] == "OPEN" for _, row in rows),
        "unavailable": sum(code in UNAVAILABLE for _, code in set_aside(led)),
        "unlabelled": sum(row["regime_weather"] == "unlabelled" for _, row in rows),
        "dropped": sum(chain.dropped for chain in led.chains),
    }
