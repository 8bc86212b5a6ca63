"""Cells of one row that are checked besides its money: the deviation path, the fills' times, the slices, and the prices in the record."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any, Final

from skillstats.ledger.containers import Ledger
from skillstats.ledger.explain_facts import Facts, Row, adjusted, last_instant
from skillstats.ledger.explain_labels import label_cells
from skillstats.ledger.explain_record import Found, price_at, price_row, stated_price
from skillstats.ledger.explain_steps import Step
from skillstats.ledger.explain_words import money, number
from skillstats.units import MICRO, parse_duration

PARTS: Final = ("size", "drift", "slippage", "cost")
EMPTY_WHILE_OPEN: Final = (*PARTS, "value_add", "model_pnl", "actual_pnl", "mark", "mark_time", "mark_index")


def wrong_cells(ledger: Ledger, row: Row, facts: Facts, steps: Sequence[Step], slices: Sequence[Row]) -> tuple[int, list[str]]:
    """How many cells were compared, and a sentence for each that is not what was recomputed."""
    compared, wrong = 0, []
    for step in steps:
        compared += 1
        if not step.agrees:
            wrong.append(f"{step.name} is {_shown(step.stored, step.unit)}, recomputed {_between(step)}")
    for name, stored, found in _plain_cells(ledger, row, facts, slices):
        compared += 1
        if stored != found:
            wrong.append(f"{name} is {stored}, recomputed {found}")
    return compared, wrong


def _shown(value: Fraction | None, unit: str) -> str:
    if value is None:
        return "empty"
    return money(value) if unit == "currency" else number(value)


def _between(step: Step) -> str:
    ends = [_shown(x, step.unit) for x in (step.low, step.high)]
    return ends[0] if step.exact else f"{ends[0]} to {ends[1]}"


Cell = tuple[str, Any, Any]


def _plain_cells(ledger: Ledger, row: Row, facts: Facts, slices: Sequence[Row]) -> Iterator[Cell]:
    yield from _path_cells(ledger, row)
    yield "value_add_to_date", row["value_add_to_date"], sum(s["slice"] for s in slices)
    if row["status"] == "CLOSED":
        yield "value_add_to_date", row["value_add_to_date"], row["value_add"]
    else:
        yield from ((name, row[name], None) for name in EMPTY_WHILE_OPEN)
    if facts.fills is not None:
        inside = [f for f in facts.fills if f.inside]
        yield "n_fills", row["n_fills"], len(inside)
        yield "first_fill_time", row["first_fill_time"], min((f.time for f in inside), default=None)
        yield "last_fill_time", row["last_fill_time"], max((f.time for f in inside), default=None)
    if ledger.record is not None and not adjusted(row):
        yield from _price_cells(ledger, row)
    yield from label_cells(ledger, row)


def _path_cells(ledger: Ledger, row: Row) -> Iterator[Cell]:
    """Largest gap, how long one was open, and the gap that is left at the end."""
    knots = [(int(k["time"]), Fraction(k["gap"])) for k in row["gap_path"]]
    end = last_instant(ledger, row)
    following = [*(time for time, _ in knots[1:]), end]
    open_for = sum(max(stop - time, 0) for (time, gap), stop in zip(knots, following, strict=False) if gap)
    largest = max((gap for _, gap in knots), key=abs, default=Fraction(0))
    yield "gap_quantity", Fraction(row["gap_quantity"]), largest
    yield "gap_seconds", row["gap_seconds"], open_for // MICRO
    if row["status"] == "CLOSED" and not adjusted(row):
        left = Fraction(row["actual_quantity"]) - Fraction(row["model_quantity"])
        yield "gap_path", knots[-1][1] if knots else Fraction(0), left


def _price_cells(ledger: Ledger, row: Row) -> Iterator[Cell]:
    """The prices of the row looked up again, one by one, in the record it was built from."""
    record, plan, asset = ledger.record, ledger.plan, row["asset"]
    assert record is not None
    anchor = row["signal_time"] if row["signal_time"] is not None else row["action_time"]
    if row["signal_mid"] is not None:
        found = price_at(record, asset, anchor)
        yield "signal_mid", Fraction(row["signal_mid"]), found and found.price
    if row["mark"] is not None:
        found = price_at(record, asset, row["horizon_time"])
        yield "mark", Fraction(row["mark"]), found and found.price
        yield "mark_time", row["mark_time"], found and found.time
        yield "mark_index", row["mark_index"], found and found.index
    if row["model_price"] is None or row.get("model_impact") is not None:
        return
    if plan.fill_model == "signal_price":
        yield "model_price", Fraction(row["model_price"]), stated_price(record, row["signal_id"], asset)
        return
    found = model_fill(ledger, row)
    yield "model_price", Fraction(row["model_price"]), found and found.price
    yield "model_price_index", row["model_price_index"], found and found.index


def model_fill(ledger: Ledger, row: Mapping[str, Any]) -> Found | None:
    """The price row of the model's fill; for ``next_open`` the one the row names, since its session is the calendar's to say."""
    record, plan = ledger.record, ledger.plan
    assert record is not None
    if plan.fill_model == "next_open":
        return price_row(record, row["asset"], row["model_price_index"], "open")
    kind = "mid" if plan.fill_model == "arrival_mid" else ("ask" if row["side"] == "BUY" else "bid")
    at = row["signal_time"] + parse_duration(plan.latency)
    return price_at(record, row["asset"], at, kind, strict=plan.asof_model == "strict")
