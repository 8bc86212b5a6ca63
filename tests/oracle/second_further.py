"""What the second ledger says beyond its rows: horizon decay, worst-case bounds on the total, and counts."""

from __future__ import annotations

from collections import Counter, defaultdict
from fractions import Fraction
from math import ceil, floor

from second_ledger import UNAVAILABLE, Case, Line, SecondLedger
from second_totals import Moments, decisions, priced, set_aside

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
    """By (trader or None for all, primary, horizon); of decisions with an intervention, and where all rows are closed.

    The rows' own horizons are one group, shown as MIXED where they differ; a row whose own horizon is one of the plan's counts there too.
    """
    table, others = decay(led), led.plan.get("decay", [])
    intervening = {line["decision_id"] for line in table if line["action"] != "ACCEPT"}
    lines = [line for line in table if line["decision_id"] in intervening]
    lost = {name for name, d in decisions(led).items() if d["n_quarantined"]}
    found = {}
    for trader in (None, *sorted({line["trader"] for line in lines})) if others else ():
        mine = [line for line in lines if trader in (None, line["trader"])]
        own = [line for line in mine if line["primary"]]
        groups = {h: [line for line in mine if line["horizon"] == h] for h in others}
        shared = _closed_everywhere([own, *groups.values()], lost)
        texts = {line["horizon"] for line in own}
        found[trader, True, texts.pop() if len(texts) == 1 else "MIXED"] = _decay_figures(own, lost, shared)
        for horizon, group in groups.items():
            if any(not line["primary"] for line in group):
                found[trader, False, horizon] = _decay_figures(group, lost, shared)
    return found


def _by_decision(lines: list[Line]) -> dict[str, list[Line]]:
    grouped: dict[str, list[Line]] = defaultdict(list)
    for line in lines:
        grouped[line["decision_id"]].append(line)
    return grouped


def _worst(rows: list[Line], *, incomplete: bool) -> str:
    have = {row["status"] for row in rows}
    return "UNAVAILABLE" if incomplete else next((s for s in ("UNAVAILABLE", "BEFORE_ACTION", "OPEN") if s in have), "CLOSED")


def _closed_everywhere(groups: list[list[Line]], lost: set[str]) -> set[str]:
    """Decisions closed at every horizon."""
    closed = [{d for d, rows in _by_decision(g).items() if _worst(rows, incomplete=d in lost) == "CLOSED"} for g in groups]
    return set.intersection(*closed)


def _decay_figures(lines: list[Line], lost: set[str], shared: set[str]) -> Line:
    members = _by_decision(lines)
    states = {d: _worst(rows, incomplete=d in lost) for d, rows in members.items()}
    closed = {
        d: sum(r["value_add"] for r in rows if r["action"] != "ACCEPT") for d, rows in members.items() if states[d] == "CLOSED"
    }
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
