"""What the second ledger sums of its rows: decisions, books and key figures.

Plain loops and dictionaries; money in integers of micro-units, ratios of exact integers, one square root to 60 digits.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from decimal import Decimal, localcontext
from fractions import Fraction

from second_ledger import UNAVAILABLE, Line, SecondLedger
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
