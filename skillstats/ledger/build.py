"""Build the ledger: record and plan in, exact rows out. Deterministic; nothing here knows of chance."""

from __future__ import annotations

from typing import Any, Final

import pandas as pd
import pyarrow as pa

from skillstats.errors import InputRejected, Problem, UsageError
from skillstats.ledger.books import book_frame, book_table, check_identities
from skillstats.ledger.bounds import refuse_total
from skillstats.ledger.carried import carried_tables, decided_span
from skillstats.ledger.chains import Chains, assemble
from skillstats.ledger.containers import Ledger
from skillstats.ledger.counts import assert_signals_conserved, other_counts, reason_counts, row_counts
from skillstats.ledger.decay import decay_kpis, decay_table
from skillstats.ledger.decisions import decision_frame, decision_table
from skillstats.ledger.doubts import doubts
from skillstats.ledger.kpis import kpi_table
from skillstats.ledger.manifest import output_digests, provenance_part, result_part, used_instants
from skillstats.ledger.pieces import Piece, joined, make_piece
from skillstats.ledger.second_book import SecondBook, second_book
from skillstats.ledger.setaside import coverage, ledger_quarantine, problem_tables
from skillstats.ledger.steps import Lost, Work, in_period, known_volatility, prepare, set_aside
from skillstats.ledger.worst_case import bounds_of
from skillstats.market.opening import open_market
from skillstats.plan import Plan
from skillstats.record.containers import Record
from skillstats.record.read import under_plan

CHUNK: Final = 200_000
"""Chains priced at a time: some 500 MB of working memory."""


def build_ledger(record: Record, plan: Plan | None = None, *, chunk: int = CHUNK, threads: int = 1) -> Ledger:
    """Price every chain of a record and keep exact books.

    Parameters
    ----------
    record : Record
    plan : the declared choices; the plan the record was read with if None
    chunk : chains priced at a time; decides how much is in memory at once, never a byte of the result
    threads : workers of large look-ups; never changes a byte either

    Returns
    -------
    Ledger

    Raises
    ------
    InputRejected
        If no signal passed the record's checks; it carries every problem. F110 where the chains that stay reach 64 bits together.
    UsageError
        If the plan asks for something this record or version cannot give.
    LedgerBug
        If an identity does not hold; a defect of the package.
    """
    if chunk < 1 or threads < 1:
        raise UsageError(f"chunk={chunk}, threads={threads}: both must be at least 1")
    plan = plan or record.plan
    record = under_plan(record, plan)
    if not len(record.tables["signals"]) and not (record.tables["actions"]["action"] == "INITIATE").any():
        raise InputRejected(record.problems)
    market = open_market(record, plan, threads)
    chains, outside = in_period(assemble(record, market), market)
    if not len(chains):
        raise UsageError(f"no signal lies in the period {list(plan.period or ())}; correct the period of the plan")
    work, lost, found = set_aside(prepare(record, market, chains), chunk)
    refuse_total(lost.reach)
    volatility = known_volatility(work)
    pieces = [make_piece(part, volatility[start : start + len(part.chains)], start) for start, part in work.chunks(chunk)]
    second = second_book(record, market, chunk) if "resimulated" in record.tables else None
    return _tables(work, joined(pieces), lost, found, outside, second)


def _tables(work: Work, whole: Piece, lost: Lost, found: list[Problem], outside: Chains, second: SecondBook | None) -> Ledger:
    record, market, rows = work.record, work.market, whole.frame
    decisions = decision_frame(rows, lost.frame)
    books = book_frame(whole.books, second)
    totals = check_identities(rows, decisions, whole.slices, books, second=second is not None)
    quarantine, drops = problem_tables(record, ledger_quarantine(record, found) + (list(second.aside) if second else []))
    tables: dict[str, pa.Table] = {
        "ledger": whole.table,
        "decisions": decision_table(decisions),
        "slices": whole.slice_table,
        "books": book_table(books),
        "kpis": kpi_table(rows, decisions, lost.frame),
        "quarantine": quarantine,
        "drops": drops,
    }
    if whole.decay is not None:
        tables |= {"decay": decay_table(whole.decay), "decay_kpis": decay_kpis(whole.decay, decisions, market.plan.decay)}
    chains = work.chains
    span = decided_span(chains.asset, chains.anchor, chains.decided)
    carried = carried_tables(record.tables, market, work.corporate, span)
    counts = row_counts(record, work.chains, rows, outside, market.as_of)
    counts |= other_counts(lost.frame, quarantine, drops, whole.bare)
    if second:
        counts["resimulated_unavailable"] = len(second.problems)
    assert_signals_conserved(record, counts, quarantine, drops)
    result = result_part(
        market.plan,
        market,
        scales=record.scales,
        inputs=record.digests,
        used=used_instants(record),
        counts=counts,
        totals=totals,
        outputs=output_digests(tables | carried),
    )
    result |= {"by_trader": _by_trader(decisions, lost), "bounds": bounds_of(lost.cases, totals["value_add"])}
    said = (*record.problems, *found, *whole.problems, *doubts(record, market, work.chains.asset, decisions))
    problems = sorted((*said, *(second.problems if second else ())), key=lambda x: (x.table, x.line, x.code, x.file))
    rows_table, provenance = tables.pop("ledger"), provenance_part(record, reason_counts(record))
    return Ledger(
        market.plan,
        rows_table,
        problems=tuple(problems),
        result=result,
        provenance=provenance,
        record=record,
        carried=carried,
        **tables,
    )


def _by_trader(decisions: pd.DataFrame, lost: Lost) -> dict[str, dict[str, Any]]:
    """Coverage of each trader's interventions, and bounds of the trader's chains that were set aside."""
    own = coverage(decisions, lost.frame, {c.trader for c in lost.cases if c.trader is not None})
    return {t: counts | {"bounds": bounds_of(c for c in lost.cases if c.trader == t)} for t, counts in own.items()}
