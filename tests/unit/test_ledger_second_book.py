"""The re-simulated model book and the callback that makes it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import skillstats as ss
from skillstats.cli.record import further_lines
from skillstats.errors import UsageError
from skillstats.ledger.build import build_ledger
from skillstats.ledger.containers import Ledger
from skillstats.ledger.resimulate import Order, State, resimulate
from skillstats.plan import Fees, MaxAge, Plan
from skillstats.record import Record, read_record

Rows = list[tuple[str, ...]]
DAY = "2026-07-01T"
SIGNAL, LATER, CLOSE = (f"{DAY}{t}:00Z" for t in ("14:30", "16:00", "20:00"))
NEXT = "2026-07-02T20:00:00Z"
NAMES = {
    "signals": "signal_id time model asset side quantity",
    "resimulated": "signal_id time model asset side quantity",
    "actions": "action_id signal_id time trader action quantity",
    "prices": "asset time bid ask",
    "corporate_actions": "asset time kind value",
}
TABLES: dict[str, Rows] = {
    "signals": [("S1", SIGNAL, "m", "A", "BUY", "10")],
    "actions": [("A1", "S1", SIGNAL, "T1", "VETO", "")],
    "prices": [("A", t, p, p) for t, p in ((SIGNAL, "50"), (LATER, "52"), (CLOSE, "55"))],
}


def read(plan: Plan, tables: dict[str, Rows]) -> Record:
    frames = {k: pd.DataFrame(v, columns=NAMES[k].split(), dtype=object) for k, v in tables.items() if v}
    return read_record(frames, plan, now="2027-01-01T00:00:00Z")


def lines(ledger: Ledger) -> dict[tuple[str, str], int]:
    return {(b["line"], b["state"]): b["pnl"] // 10**6 for b in ledger.books.to_pylist()}


def test_feedback_is_the_second_book_less_the_first() -> None:
    """Followed in full, the model would have sold its 10 again at 52: frozen +50 - 1, second book +50 - 30 - 2, feedback -31."""
    plan = Plan(horizon="close", fees=Fees(per_order="1"))
    second = [("S1", SIGNAL, "m", "A", "BUY", "10"), ("R2", LATER, "m", "A", "SELL", "10")]
    alone, both = (build_ledger(read(plan, TABLES | extra)) for extra in ({}, {"resimulated": second}))
    assert lines(both) == lines(alone) | {("model_resimulated", "closed"): 18, ("feedback", "closed"): -31}
    assert both.result["totals"] == alone.result["totals"] | {"resimulated": 18 * 10**6, "feedback": -31 * 10**6}
    assert {b["trader"] for b in both.books.to_pylist() if b["line"] in ("model_resimulated", "feedback")} == {None}
    feedback = next(b for b in both.books.to_pylist() if b["line"] == "feedback")
    assert (feedback["session"], feedback["asset"], feedback["cost"], feedback["n_rows"]) == ("2026-07-01", "A", 10**6, 3)
    assert both.rows.equals(alone.rows) and both.decisions.equals(alone.decisions) and both.kpis.equals(alone.kpis)
    assert further_lines(both) == ["re-simulated model book 18.00: feedback -31.00 USD, of no trader"]


def test_an_exit_among_resimulated_signals_is_a_resimulated_one() -> None:
    """The record has no SELL, so S1 stays open; the second book leaves at 16:00: 10 (52 - 50), and its SELL is open."""
    second = [("S1", SIGNAL, "m", "A", "BUY", "10"), ("R2", LATER, "m", "A", "SELL", "10")]
    ledger = build_ledger(read(Plan(horizon="exit"), TABLES | {"resimulated": second}))
    assert lines(ledger)["model_resimulated", "closed"] == 20 == lines(ledger)["feedback", "closed"]
    assert lines(ledger)["model_resimulated", "open_to_date"] == -30 and ledger.rows["status"].to_pylist() == ["OPEN"]


def test_a_resimulated_signal_without_a_price_is_listed_and_counted() -> None:
    """Its id may be a signal's own; the row of that signal stays."""
    second = [("S1", f"{DAY}15:00:00Z", "m", "A", "BUY", "10"), ("R2", SIGNAL, "m", "NOSUCH", "BUY", "10")]
    ledger = build_ledger(read(Plan(horizon="close"), TABLES | {"resimulated": second}))
    found = [(q["table"], q["code"], q["chain"], q["status"]) for q in ledger.quarantine.to_pylist()]
    assert found == [
        ("resimulated", "D254", "S1", "COUNTERFACTUAL_UNAVAILABLE"),
        ("resimulated", "D255", "R2", "COUNTERFACTUAL_UNAVAILABLE"),
    ]
    assert ledger.result["counts"]["resimulated_unavailable"] == 2 and ledger.result["counts"]["unavailable"] == 0
    assert ledger.result["totals"]["feedback"] == -50 * 10**6 and ledger.rows.num_rows == 1
    assert ledger.result["bounds"]["chains"] == 0


# the callback -------------------------------------------------------------------------------------------------------------------------


@dataclass
class Rebalancer:
    """Buys 10 at or below 50, sells everything above, waits without a price; remembers what it saw, for the test."""

    seen: list[State] = field(default_factory=list)

    def decide(self, state: State) -> Iterable[Order]:
        self.seen.append(state)
        price, held = state.price("A"), state.positions.get("A", Decimal(0))
        if price is None:
            return []
        if price <= 50:
            return [Order(asset="A", side="BUY", quantity=10)]
        return [Order(asset="A", side="SELL", quantity=held, horizon="session+1")] if held > 0 else []


CLOCK = [datetime(2026, 7, 1, h, m, tzinfo=UTC) for h, m in ((14, 30), (15, 0), (16, 0), (20, 0))]


def test_a_model_sees_its_own_orders_filled_and_the_price_of_the_instant() -> None:
    """14:30 at 50: buy 10. 15:00: the quote is stale, nothing. 2:1 at 15:30. 16:00 at 52: holds 20, sells 20. 20:00: flat."""
    record = read(Plan(horizon="close"), TABLES | {"corporate_actions": [("A", f"{DAY}15:30:00Z", "split", "2")]})
    model = Rebalancer()
    table = resimulate(record, model, times=CLOCK)
    assert [s.price("A") for s in model.seen] == [50, None, 52, 55]
    assert [dict(s.positions) for s in model.seen] == [{}, {"A": 10}, {"A": 20}, {"A": 0}]
    assert [s.moment for s in model.seen] == CLOCK and model.seen[0].price("NOSUCH") is None
    rows = [{k: v for k, v in r.items() if v} for r in table.to_pylist()]
    assert [(r["time"], r["side"], r["quantity"], r["model"], r.get("horizon")) for r in rows] == [
        ("2026-07-01T14:30:00Z", "BUY", "10", "m", None), ("2026-07-01T16:00:00Z", "SELL", "20", "m", "session+1"),
    ]  # fmt: skip


def test_the_table_goes_back_into_a_record(tmp_path: Path) -> None:
    """As a mapping and as resimulated.parquet, with the same ledger; the clock is the record's own signal times."""
    plan = Plan(horizon="close")
    record = read(plan, TABLES)
    table = ss.resimulate(record, Rebalancer())
    assert table.num_rows == 1 and table.column_names[:2] == ["signal_id", "time"]
    frames = {k: pd.DataFrame(v, columns=NAMES[k].split(), dtype=object) for k, v in TABLES.items()}
    one = build_ledger(read_record(frames | {"resimulated": table}, plan, now="2027-01-01T00:00:00Z"))
    for name, frame in frames.items():
        frame.to_csv(tmp_path / f"{name}.csv", index=False)
    pq.write_table(table, tmp_path / "resimulated.parquet")
    other = build_ledger(read_record(tmp_path, plan, now="2027-01-01T00:00:00Z"))
    assert one.digest == other.digest and one.result["totals"]["feedback"] == 0
    assert pa.types.is_string(table.schema.field("quantity").type)


@pytest.mark.parametrize(
    ("order", "words"),
    [
        (Order(asset="A", side="HOLD", quantity=1), "not in {BUY, SELL}"),
        (Order(asset="A", side="BUY", quantity=-1), "must be > 0"),
        (Order(asset="A", side="BUY", quantity="NaN"), "not a finite number"),
        (Order(asset="A", side="BUY", quantity=1, price="ten"), "not a decimal"),
    ],
)
def test_an_order_that_cannot_be_used_is_named(order: Order, words: str) -> None:
    class Stub:
        def decide(self, state: State) -> Iterable[Order]:
            return [order]

    with pytest.raises(UsageError, match=words):
        resimulate(read(Plan(horizon="close", max_age=MaxAge()), TABLES), Stub())
