"""Section: which rows are contested, and what hangs on them?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from skillstats.evaluation.contest_words import claim_turned, engine_words
from skillstats.evaluation.rows import MCSE_LIMIT
from skillstats.report.kpis import Table
from skillstats.report.numbers import ABSENT, fixed, percent, plural, visible
from skillstats.report.section import Section
from skillstats.units import format_micro

TITLE: Final = "Contested rows"


def contests_section(contests: Sequence[Mapping[str, Any]]) -> Section | None:
    """Every contested row with its note, and the verdict of its trader with and without it; None where nothing is contested."""
    if not contests:
        return None
    current = [c for c in contests if c["current"]]
    older = [c for c in contests if not c["current"]]
    tables = [
        (_notes_table(current), "Each contested row, and why"),
        (_weights_table(current), "What the ledger and the verdict of its trader would be without it"),
        (_notes_table(older), "Contested in an earlier evaluation that lay in this place"),
    ]
    shown = tuple((t, c) for t, c in tables if t.lines)
    return Section("contests", TITLE, _finding(current, len(older)), None, shown, _notes(current))


def _finding(current: Sequence[Mapping[str, Any]], older: int) -> str:
    before = (
        f" {plural(older, 'row')} of an earlier evaluation in this place {'was' if older == 1 else 'were'} contested."
        if older
        else ""
    )
    if not current:
        return f"No row of this evaluation is contested.{before}"
    turned = [c for c in current if c["judged"] and claim_turned(c)]
    who = ", ".join(dict.fromkeys(visible(c["row"]["trader"]) for c in turned))
    one = "it" if len(current) == 1 else "one of them" if turned else "a single one of them"
    said = f"a claim about {who} stands or falls with {one}" if turned else f"no claim stands or falls with {one}"
    return f"{plural(len(current), 'row')} of the ledger {'is' if len(current) == 1 else 'are'} contested; {said}.{before}"


def _notes_table(contests: Sequence[Mapping[str, Any]]) -> Table:
    heads = ("Row", "Trader", "What it is", f"Value-add, {_unit(contests)}", "The note, word for word")
    lines = []
    for c in contests:
        row = c["row"]
        what = f"{row['action'] or 'no action'}, {row['asset']}, {row['session']}"
        lines.append((visible(row["id"]), visible(row["trader"]), visible(what), _money(row["value_add"]), visible(c["note"])))
    return Table(heads, tuple(lines), (2, 4))


def _weights_table(contests: Sequence[Mapping[str, Any]]) -> Table:
    heads = ("Row", f"Trader’s total with it, {_unit(contests)}", "without it", "P(IR > hurdle) with it", "without it", "Status")
    lines = []
    for c in contests:
        own = c["totals"]["trader"]
        chances = (_chance(c, side) for side in ("with", "without"))
        lines.append((visible(c["row"]["id"]), _money(own["with"]), _money(own["without"]), *chances, _status(c)))
    return Table(heads, tuple(lines), (5,))


def _unit(contests: Sequence[Mapping[str, Any]]) -> str:
    return visible(contests[0]["unit"]) if contests else ""


def _chance(contest: Mapping[str, Any], side: str) -> str:
    found = contest["verdict"][side] if contest["judged"] else None
    return ABSENT if found is None else percent(found["p_above_hurdle"], contest["certainty"])


def _status(contest: Mapping[str, Any]) -> str:
    """Both statuses, or why the verdict does not rest on the row."""
    if not contest["judged"]:
        return visible(f"not judged: {contest['why']}")
    one, two = (r["status"] if r else "no row" for r in (contest["verdict"][k] for k in ("with", "without")))
    return one if one == two else f"{one}, without it {two}"


def _notes(contests: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    by = dict.fromkeys(engine_words(c) for c in contests if c["judged"])
    return (
        *(f"The verdict without the row: {words}; same model, priors, seed and plan." for words in by),
        f"A difference of up to {MCSE_LIMIT:g} in a probability may come from the draws alone.",
        "A contest changes nothing by itself. If an input is wrong it is corrected in the record, and the ledger and the evaluation are made again.",
    )


def _money(micro: int | None) -> str:
    return ABSENT if micro is None else fixed(float(format_micro(micro, 2)), 2)
