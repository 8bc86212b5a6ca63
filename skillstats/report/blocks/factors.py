"""Was it timing or selection? One bar a trader, then the numbers with their intervals, the books, and slices of the ledger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from skillstats.report.kpis import Table
from skillstats.report.numbers import ABSENT, count, digits_for, fixed, interval, is_number, listed, percent, plural, visible
from skillstats.report.plots.split import PARTS, WORDS, split_of
from skillstats.report.section import Section, Setting
from skillstats.report.stacks import stack_picture

TITLE: Final = "Was it timing or selection?"
NOTES: Final = (
    "Usual lean is what the trader's usual factor exposure earned, timing what departing from it earned, selection what the factors do not explain. Usual means "
    "in the trader's earlier sessions: nothing of the day itself or later enters it. Execution is slippage and cost.",
    "The intervals treat a session as one bet. They describe the period; they are no forecast and no verdict on skill, which stands above.",
)


def factors_section(block: Mapping[str, Any], setting: Setting) -> Section | None:
    """The section; one sentence where there are no factor returns."""
    if not block.get("available"):
        return Section("factors", TITLE, f"Not known for this record: {visible(str(block['why']))}")
    unit, whole = visible(str(block["unit"])), block["all"]
    shown = [r for r in block["traders"] if visible(r["trader"]) in setting.traders]
    tables = [
        (_parts_table([*shown, whole]), f"Value-add and its parts, {unit}, with {block['interval']}"),
        (_factor_table(block, setting), f"Usual lean and timing by factor, {unit}"),
        (_books_table(block), f"Model book, actual book and their difference, {unit}; all signals, followed ones included"),
        (
            _alpha_table(block, setting),
            f"What is left per session after the factors (alpha of the difference book; a regression takes timing for alpha, the split above does not), {unit}",
        ),
        *((_slice_table(s), f"By {' and '.join(_words_of(s['by'], block))}, {unit}") for s in block["slices"]),
        (_return_based_table(block, setting), "Timing read from returns alone: artificial-timing risk, see the note"),
    ]
    return Section(
        key="factors",
        title=TITLE,
        finding=_finding(whole, unit, block),
        picture=stack_picture(split_of(shown, whole, unit)),
        tables=tuple((t, c) for t, c in tables if t.lines),
        notes=(*NOTES, *_warnings(block)),
    )


def _finding(whole: Mapping[str, Any], unit: str, block: Mapping[str, Any]) -> str:
    """The largest of timing, usual lean and selection first, and whether its sign is known."""
    digits = digits_for([whole["value_add"], *(whole[p] for p in PARTS)])
    value = fixed(whole["value_add"], digits)
    if abs(whole["unattributed"]) > 0.5 * sum(abs(whole[p]) for p in PARTS):
        return f"Most of the {value} {unit} of value-add cannot be attributed: exposures or factor returns are missing."
    first, *others = sorted(("timing", "tilt", "selection"), key=lambda p: -abs(whole[p]))
    rest = listed(f"{WORDS[p]} {fixed(whole[p], digits)}" for p in others)
    named = listed(visible(f) for f in block["factors"])
    text = f"Of {value} {unit} of value-add, {fixed(whole[first], digits)} came from {WORDS[first]} (factors: {named}); {rest}."
    return f"{text} {_sureness(whole, first, digits)}"


def _sureness(row: Mapping[str, Any], part: str, digits: int) -> str:
    low, high = row[f"{part}_q05"], row[f"{part}_q95"]
    if low is None:
        return f"Too few sessions to say how sure the figure for {WORDS[part]} is."
    told = f"its 90% interval is {interval(low, high, digits)}"
    if low > 0 or high < 0:
        return f"The sign of {WORDS[part]} is clear over these sessions: {told}."
    return f"These sessions cannot tell {WORDS[part]} from zero: {told}."


def _band(row: Mapping[str, Any], part: str, digits: int) -> str:
    low, high = row.get(f"{part}_q05"), row.get(f"{part}_q95")
    own = fixed(row[part], digits)
    return f"{own} {interval(low, high, digits)}" if is_number(low) and is_number(high) else own


def _parts_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    digits = digits_for(r["value_add"] for r in rows)
    lines = tuple(
        (
            visible(r["trader"]),
            count(r["n_decisions"]),
            count(r["n_sessions"]),
            *(_band(r, p, digits) for p in ("value_add", *PARTS)),
        )
        for r in rows
    )
    heads = ("Trader", "Decisions", "Sessions", "Value-add", *(WORDS[p].capitalize() for p in PARTS))
    return Table(heads, lines, totals=(len(lines) - 1,))


def _factor_table(block: Mapping[str, Any], setting: Setting) -> Table:
    rows = [r for r in block["by_factor"] if visible(r["trader"]) in setting.traders]
    digits = digits_for(r["factor_part"] for r in rows)
    lines = tuple(
        (
            visible(r["trader"]),
            visible(r["factor"]),
            fixed(r["mean_exposure"], 0),
            fixed(r["tilt"], digits),
            _band(r, "timing", digits),
        )
        for r in rows
    )
    return Table(("Trader", "Factor", "Mean exposure of a session", "Usual lean", "Timing [90% interval]"), lines)


def _books_table(block: Mapping[str, Any]) -> Table:
    names = [f"factor {f}" for f in block["factors"]]
    columns = ["total", *names, "specific", "execution", "unattributed"]
    rows = block["books"]
    digits = digits_for(r["total"] for r in rows)
    heads = ("Book", "Total", *(visible(f) for f in block["factors"]), "Specific", "Execution", "Not attributed")
    return Table(heads, tuple((r["book"], *(fixed(r[c], digits) for c in columns)) for r in rows))


def _alpha_table(block: Mapping[str, Any], setting: Setting) -> Table:
    rows = [r for r in block["alpha"] if visible(r["trader"]) in setting.traders or r["trader"] == block["all"]["trader"]]
    digits = digits_for(r["alpha"] for r in rows)
    lines = tuple(
        (
            visible(r["trader"]),
            f"{fixed(r['alpha'], digits)} {interval(r['alpha_q05'], r['alpha_q95'], digits)}",
            f"{fixed(r['se_hac'], digits)} ({plural(r['lags'], 'lag')})",
            fixed(r["se_day_clustered"], digits),
            count(r["sessions"]),
        )
        for r in rows
    )
    return Table(("Trader", "Alpha [90% interval, larger error]", "Error, HAC", "Error, day-clustered", "Sessions"), lines)


def _words_of(labels: Sequence[str], block: Mapping[str, Any]) -> list[str]:
    return [f"exposure to {visible(k)}" if k in block["factors"] else k.replace("_", " ") for k in labels]


def _slice_table(part: Mapping[str, Any]) -> Table:
    """One slice; timing and selection with their intervals, so that a slice that is only momentum does not pass for selection."""
    rows = part["rows"]
    digits = digits_for(r["value_add"] for r in rows)
    lines = tuple(
        (
            ", ".join(visible(str(r[k])) for k in part["by"]),
            count(r["n_decisions"]),
            fixed(r["value_add"], digits),
            _band(r, "timing", digits),
            fixed(r["tilt"], digits),
            _band(r, "selection", digits),
        )
        for r in rows
    )
    more = ((f"{count(part['left_out'])} more", *(ABSENT,) * 5),) if part["left_out"] else ()
    heads = ("Slice", "Decisions", "Value-add", "Timing [90% interval]", "Usual lean", "Selection [90% interval]")
    return Table(heads, (*lines, *more))


def _return_based_table(block: Mapping[str, Any], setting: Setting) -> Table:
    every = block["all"]["trader"]
    rows = [r for r in block["return_based"] if visible(r["trader"]) in setting.traders or r["trader"] == every]
    lines = tuple(
        (visible(r["trader"]), visible(r["factor"]), r["method"], f"{r['t']:.2f}", percent(r["p"]), count(r["sessions"]))
        for r in rows
    )
    return Table(("Trader", "Factor", "Method", "t", "p, one-sided", "Sessions"), lines)


def _warnings(block: Mapping[str, Any]) -> list[str]:
    """Where exposures came from, what was left out, and what the return-based figures are worth."""
    counts, left, found = block["exposures"], block["left_out"], []
    if counts["estimated"]:
        known = counts["given"] + counts["estimated"]
        share = "All" if counts["estimated"] == known else f"{percent(counts['estimated'] / known)} of the"
        found.append(
            f"{share} exposures are betas estimated from the 60 to 252 sessions before each decision; they carry an error of their own."
        )
    if left["no_exposure"]:
        found.append(
            f"{plural(left['no_exposure'], 'row')} have no known exposure and are not attributed; a missing exposure is not an exposure of zero."
        )
    if left["no_factor_return"]:
        found.append(
            f"{plural(left['no_factor_return'], 'row')} lie inside the interval of a factor return: it holds moves from before the decision and is not "
            "used. Give factor returns with stamps between decision and horizon."
        )
    if block["return_based"]:
        found.append(
            "Treynor-Mazuy and Henriksson-Merton are shown because exposures are missing. On data without any timing they find it in 16-18% and 10-12% of "
            "cases at a nominal 5%, and in 68-99% where the pay-off is convex."
        )
    return found
