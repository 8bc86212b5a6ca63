"""The identity of one row, step by step: formula, the same with numbers, the result, and whether the stored cell says so too.

Nothing of `algebra` is used: fractions, one row, one rounding where the data contract has one.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from skillstats.ledger.explain_facts import Facts, Row
from skillstats.ledger.explain_numbers import Range, point
from skillstats.ledger.explain_words import money, number, price
from skillstats.plan import Fees
from skillstats.units import MICRO, parse_decimal, round_half_even

SLACK = Fraction(5, 2)
"""Micro-units by which size, which carries the residue of the rounding, may differ from its own formula."""


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the computation.

    name : the cell of the ledger, or a name of its own where the ledger has no such cell
    formula : in symbols; numbers : the same with numbers put in
    value : the recomputed result in `unit`, before rounding; low, high : what it can be stored as, in the unit of the cell
    stored : the cell, None where it is null
    """

    name: str
    formula: str
    numbers: str
    value: Fraction
    unit: str
    low: Fraction
    high: Fraction
    stored: Fraction | None

    @property
    def agrees(self) -> bool:
        """Whether the stored cell is what was recomputed."""
        return self.stored is not None and self.low <= self.stored <= self.high

    @property
    def exact(self) -> bool:
        """Whether only one stored value would have agreed."""
        return self.low == self.high


def money_step(row: Row, name: str, formula: str, numbers: str, exact: Range) -> Step:
    """A step whose result is stored in whole micro-units."""
    shown = exact.rounded()
    stored = None if row[name] is None else Fraction(row[name])
    return Step(name, formula, numbers, exact.middle / MICRO, "currency", shown.low, shown.high, stored)


def nano_step(row: Row, name: str, formula: str, numbers: str, exact: Range, unit: str) -> Step:
    """A step whose result is stored with nine decimal places."""
    low, high = (
        Fraction(round_half_even((x * 10**9).numerator, (x * 10**9).denominator), 10**9) for x in (exact.low, exact.high)
    )
    stored = None if row[name] is None else Fraction(row[name])
    return Step(name, formula, numbers, exact.middle, unit, low, high, stored)


def trade_steps(row: Row, f: Facts, fees: Fees) -> tuple[Step, ...]:
    """Quantities, overlap, averages and costs: what an OPEN row has as well."""
    q, filled = f.q, f.filled
    steps = [nano_step(row, "actual_quantity", "Q = sum of fills, signed", _sum_of_fills(f), filled, "units")]
    shared = Range(_overlap(q.low, filled.low), _overlap(q.high, filled.high))
    numbers = f"min({number(q.middle)}, max({number(filled.middle)}, 0))"
    steps.append(nano_step(row, "overlap", "o = min(q, max(Q, 0))", numbers, shared, "units"))
    steps.append(money_step(row, "actual_notional", "N = sum of quantity x price", money(f.paid.middle), f.paid))
    if not filled.low <= 0 <= filled.high:
        per_unit = f.paid.times(Fraction(1, MICRO) / f.multiplier).over(filled)
        text = f"{money(f.paid.middle)} / {_scaled(number(filled.middle), f)}"
        steps.append(nano_step(row, "actual_price", "P = N / Q", text, per_unit, "currency/unit"))
    if f.arrival is not None and filled.low > 0:
        steps.append(money_step(row, "arrival_notional", "A = sum of quantity x mid", money(f.arrival.middle), f.arrival))
        per_unit = f.arrival.times(Fraction(1, MICRO) / f.multiplier).over(filled)
        text = f"{money(f.arrival.middle)} / {_scaled(number(filled.middle), f)}"
        steps.append(nano_step(row, "arrival_price", "p_t = A / Q", text, per_unit, "currency/unit"))
    if f.model_fee is not None and row["model_cost"] is not None:
        steps.append(money_step(row, "model_cost", *_words_of_fee(fees, f), f.model_fee))
    if f.actual_fee is not None and row["actual_cost"] is not None:
        steps.append(
            money_step(row, "actual_cost", "c_actual = sum of the fills' fees", money(f.actual_fee.middle), f.actual_fee)
        )
    return tuple(steps)


def _words_of_fee(fees: Fees, f: Facts) -> tuple[str, str]:
    """The plan's schedule, and the same with the numbers of this order."""
    formula = "c_model = max(minimum, per_unit q + per_order + bps |q p| / 10000)"
    if f.p is None:
        return "c_model = 0", "the model had no order"
    turnover = price(abs(f.q.middle * f.p.middle) * f.multiplier)
    least, unit, order, share = (number(parse_decimal(getattr(fees, k))) for k in ("minimum", "per_unit", "per_order", "bps"))
    return formula, f"max({least}, {unit} x {number(f.q.middle)} + {order} + {share} x {turnover} / 10000)"


def _overlap(q: Fraction, filled: Fraction) -> Fraction:
    return min(q, max(filled, Fraction(0)))


def _sum_of_fills(f: Facts) -> str:
    if f.fills is None:
        return "the row's own total"
    inside = [x for x in f.fills if x.inside]
    return " + ".join(number(x.quantity) for x in inside) if inside else "no fill"


def _scaled(text: str, f: Facts) -> str:
    return text if f.multiplier == 1 else f"({text} x {number(f.multiplier)})"


def value_steps(row: Row, f: Facts) -> tuple[Step, ...]:
    """Both books, the parts and their sum, for a CLOSED row."""
    assert f.mark is not None
    assert f.rate is not None
    assert f.actual_fee is not None
    assert f.model_fee is not None
    gain = ((f.filled * f.mark).times(f.multiplier * MICRO) - f.paid).times(f.sign) * f.rate
    model_gain = point(0) if f.p is None else (f.q * (f.mark - f.p)).times(f.multiplier * MICRO * f.sign) * f.rate
    actual = money_step(row, "actual_pnl", *_words_of_actual(f), gain - f.actual_fee)
    model = money_step(row, "model_pnl", *_words_of_model(f), model_gain - f.model_fee)
    cost = money_step(row, "cost", "cost = c_model - c_actual", _minus(f.model_fee, f.actual_fee), f.model_fee - f.actual_fee)
    drift, slippage = _price_parts(row, f)
    added = _of_stored(row, "value_add", "value_add = actual_pnl - model_pnl", (actual,), (model,))
    size = _of_stored(row, "size", "size = value_add - drift - slippage - cost", (added,), (drift, slippage, cost))
    return actual, model, added, drift, slippage, cost, size, _size_formula(f, size)


def _price_parts(row: Row, f: Facts) -> tuple[Step, Step]:
    """Drift and slippage: the share o/Q of every fill, against the model's price and the mid."""
    assert f.rate is not None
    if f.arrival is None or f.p is None:
        why = "no unit was traded by both books"
        return tuple(money_step(row, k, _PRICE_PARTS[k], why, point(0)) for k in ("drift", "slippage"))  # type: ignore[return-value]
    share = point(1) if row["overlap"] == row["actual_quantity"] else f.overlap.over(f.filled)
    waiting = ((f.filled * f.p).times(f.multiplier * MICRO) - f.arrival) * share
    execution = (f.arrival - f.paid) * share
    o, p = number(f.overlap.middle), price(f.p.middle)
    mid, vwap = price(Fraction(row["arrival_price"])), price(Fraction(row["actual_price"]))
    drift = money_step(row, "drift", _PRICE_PARTS["drift"], _product(f, f"{o} x ({p} - {mid})"), waiting.times(f.sign) * f.rate)
    slippage = money_step(
        row, "slippage", _PRICE_PARTS["slippage"], _product(f, f"{o} x ({mid} - {vwap})"), execution.times(f.sign) * f.rate
    )
    return drift, slippage


_PRICE_PARTS = {"drift": "drift = s o (p - p_t)", "slippage": "slippage = s o (p_t - P)"}


def _of_stored(row: Row, name: str, formula: str, plus: tuple[Step, ...], minus: tuple[Step, ...]) -> Step:
    """A cell that is by definition a sum of rounded cells."""
    low = sum((s.low for s in plus), Fraction(0)) - sum((s.high for s in minus), Fraction(0))
    high = sum((s.high for s in plus), Fraction(0)) - sum((s.low for s in minus), Fraction(0))
    stored = [money(s.stored if s.stored is not None else s.low) for s in (*plus, *minus)]
    numbers = " - ".join(f"({t})" if t.startswith("-") else t for t in stored)
    return Step(name, formula, numbers, (low + high) / 2 / MICRO, "currency", low, high, Fraction(row[name]))


def _size_formula(f: Facts, size: Step) -> Step:
    """Size by its own formula, which its cell may leave by the rounding's residue and no more."""
    assert f.mark is not None
    assert f.rate is not None
    left = right = point(0)
    texts = []
    if f.filled.middle:
        share = point(1) if not f.overlap.middle else point(1) - f.overlap.over(f.filled)
        left = ((f.filled * f.mark).times(f.multiplier * MICRO) - f.paid) * share
        vwap = f.paid.middle / MICRO / f.multiplier / f.filled.middle
        texts.append(f"({number(f.filled.middle)} - {number(f.overlap.middle)}) x ({price(f.mark.middle)} - {price(vwap)})")
    if f.p is not None:
        right = ((f.q - f.overlap) * (f.mark - f.p)).times(f.multiplier * MICRO)
        texts.append(
            f"{'' if texts else '0 '}- ({number(f.q.middle)} - {number(f.overlap.middle)}) x ({price(f.mark.middle)} - {price(f.p.middle)})"
        )
    exact = (left - right).times(f.sign) * f.rate
    formula = "size = s [(Q - o)(M - P) - (q - o)(M - p)]"
    low, high = exact.low - SLACK, exact.high + SLACK
    numbers = _product(f, f"[{' '.join(texts)}]")
    return Step("size by its formula", formula, numbers, exact.middle / MICRO, "currency", low, high, size.stored)


def _product(f: Facts, text: str) -> str:
    factors = ["+1" if f.sign > 0 else "-1", text]
    if f.multiplier != 1:
        factors.append(number(f.multiplier))
    if f.rate is not None and f.rate != point(1):
        factors.append(number(f.rate.middle))
    return " x ".join(factors)


def _words_of_actual(f: Facts) -> tuple[str, str]:
    assert f.mark is not None
    assert f.actual_fee is not None
    text = f"({_scaled(number(f.filled.middle), f)} x {price(f.mark.middle)} - {money(f.paid.middle)})"
    factors = ["+1" if f.sign > 0 else "-1", text]
    if f.rate is not None and f.rate != point(1):
        factors.append(number(f.rate.middle))
    return "actual_pnl = s (Q M - N) - c_actual", f"{' x '.join(factors)} - {_signed(f.actual_fee)}"


def _words_of_model(f: Facts) -> tuple[str, str]:
    assert f.mark is not None
    assert f.model_fee is not None
    if f.p is None:
        return "model_pnl = 0", "the model had no order"
    text = _product(f, f"{number(f.q.middle)} x ({price(f.mark.middle)} - {price(f.p.middle)})")
    return "model_pnl = s q (M - p) - c_model", f"{text} - {_signed(f.model_fee)}"


def _minus(left: Range, right: Range) -> str:
    return f"{money(left.middle)} - {_signed(right)}"


def _signed(amount: Range) -> str:
    text = money(amount.middle)
    return f"({text})" if text.startswith("-") else text
