"""Build the ledger: record and plan in, exact rows out. Deterministic; nothing here knows of chance."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from skillstats.errors import InputRejected, Problem, UsageError
from skillstats.ledger.books import book_frame, book_table, check_identities, slice_table
from skillstats.ledger.chains import Chains, assemble
from skillstats.ledger.containers import Ledger
from skillstats.ledger.counts import assert_signals_conserved, other_counts, row_counts
from skillstats.ledger.decay import decay_frame, decay_kpis, decay_table
from skillstats.ledger.decisions import decision_frame, decision_table
from skillstats.ledger.doubts import doubts
from skillstats.ledger.kpis import kpi_table
from skillstats.ledger.manifest import provenance_part, result_part
from skillstats.ledger.pricing import chain_problem
from skillstats.ledger.row_frame import row_frame
from skillstats.ledger.rows import Priced, ledger_table
from skillstats.ledger.second_book import SecondBook, second_book
from skillstats.ledger.setaside import coverage, ledger_quarantine, problem_tables
from skillstats.ledger.slices import Slices
from skillstats.ledger.steps import Lost, in_period, price, set_aside
from skillstats.ledger.worst_case import bounds_of
from skillstats.market.opening import open_market
from skillstats.plan import Plan
from skillstats.record.containers import Record
from skillstats.record.read import under_plan


def build_ledger(record: Record, plan: Plan | None = None) -> Ledger:
    """Price every chain of a record and keep exact books.

    Parameters
    ----------
    record : Record
    plan : the declared choices; the plan the record was read with if None

    Returns
    -------
    Ledger

    Raises
    ------
    InputRejected
        If no signal passed the record's checks; it carries every problem.
    UsageError
        If the plan asks for something this record or version cannot give.
    LedgerBug
        If an identity does not hold; a defect of the package.
    """
    plan = plan or record.plan
    record = under_plan(record, plan)
    if not len(record.tables["signals"]) and not (record.tables["actions"]["action"] == "INITIATE").any():
        raise InputRejected(record.problems)
    market = open_market(record, plan)
    chains, outside = in_period(assemble(record, market), market)
    if not len(chains):
        raise UsageError(f"no signal lies in the period {list(plan.period or ())}; correct the period of the plan")
    chains, lost, found = set_aside(record, market, chains)
    priced, slices = price(record, market, chains)
    second = second_book(record, market) if "resimulated" in record.tables else None
    return _tables(priced, slices, lost, found, outside, second)


def _tables(p: Priced, slices: Slices, lost: Lost, found: list[Problem], outside: Chains, second: SecondBook | None) -> Ledger:
    rows = row_frame(p)
    decisions = decision_frame(rows, lost.frame)
    books = book_frame(p, slices, rows["trader"].to_numpy(), second)
    totals = check_identities(rows, decisions, slices, books)
    later = [*_open_problems(p), *_after_horizon_problems(p), *_adjusted_problems(p), *doubts(p, decisions)]
    aside = ledger_quarantine(p.record, found) + (list(second.aside) if second else [])
    quarantine, drops = problem_tables(p.record, aside)
    tables: dict[str, pa.Table] = {
        "ledger": ledger_table(p),
        "decisions": decision_table(decisions),
        "slices": slice_table(p, slices, rows),
        "books": book_table(books),
        "kpis": kpi_table(rows, decisions, lost.frame),
        "quarantine": quarantine,
        "drops": drops,
    }
    if p.market.plan.decay:
        frame = decay_frame(p, rows)
        tables |= {"decay": decay_table(frame), "decay_kpis": decay_kpis(frame, decisions, p.market.plan.decay)}
    counts = row_counts(p.record, p.chains, rows, outside, p.market.as_of) | other_counts(lost.frame, quarantine, drops, p.labels)
    if second:
        counts["resimulated_unavailable"] = len(second.problems)
    assert_signals_conserved(p.record, counts, quarantine, drops)
    result = result_part(p.record, p.market.plan, p.market, tables, counts, totals)
    result |= {"by_trader": _by_trader(decisions, lost), "bounds": bounds_of(lost.cases, totals["value_add"])}
    problems = tuple(
        sorted(
            (*p.record.problems, *found, *later, *(second.problems if second else ())), key=lambda x: (x.table, x.line, x.code)
        )
    )
    rows_table = tables.pop("ledger")
    provenance = provenance_part(p.record)
    return Ledger(p.market.plan, rows_table, problems=problems, result=result, provenance=provenance, record=p.record, **tables)


def _by_trader(decisions: pd.DataFrame, lost: Lost) -> dict[str, dict[str, Any]]:
    """Coverage of each trader's interventions, and bounds of the trader's chains that were set aside."""
    own = coverage(decisions, lost.frame, {c.trader for c in lost.cases if c.trader is not None})
    return {t: counts | {"bounds": bounds_of(c for c in lost.cases if c.trader == t)} for t, counts in own.items()}


def _open_problems(p: Priced) -> list[Problem]:
    what = "the horizon lies after the last price"
    return [chain_problem(p.record, p.chains, int(i), "D263", what) for i in np.flatnonzero(p.prices.open)]


def _after_horizon_problems(p: Priced) -> list[Problem]:
    late = np.unique(p.fills.chain[~p.counted & ~p.prices.open[p.fills.chain]])
    return [chain_problem(p.record, p.chains, int(i), "D214", "a fill came after the horizon") for i in late]


def _adjusted_problems(p: Priced) -> list[Problem]:
    return [chain_problem(p.record, p.chains, int(i), "D262", "") for i in np.flatnonzero(p.adjusted)]
