"""The section on habits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final

from skillstats.report.habits_figure import Lane, Line, habits_svg
from skillstats.report.kpis import Table
from skillstats.report.numbers import ABSENT, count, fixed, interval, is_number, listed, plural, visible
from skillstats.report.section import Section, Setting, in_both_layouts

MOST_LINES: Final = 12
"""Traders drawn in one band: those with the smallest p."""
MOST_COLUMNS: Final = 12
NOTES: Final = (
    "A habit is a regularity of what was done, not a fault and not a lack of skill: overriding more after a loss can be right. What the overrides were worth is said elsewhere on this page.",
    "A trader's choices are compared with each other, never with a colleague's, within side, asset class, regime and third of the volatility, and a block of sessions counts as one observation.",
    "What counts as a loss, a position or a colleague's act was known strictly before the signal.",
)


def behaviour_section(block: Mapping[str, Any], setting: Setting) -> Section | None:
    """Habits that survive, all questions as a picture and a table."""
    title = "What habits show in the overrides?"
    if not block.get("available"):
        return Section("habits", title, f"Nothing can be said about habits: {visible(str(block.get('why', '')))}.")
    block = dict(block) | {"habits": [h for h in block["habits"] if visible(str(h["trader"])) in setting.traders]}
    habits = [h for h in block["habits"] if is_number(h.get("effect"))]
    block["asked"] = len(habits)
    found = sorted((h for h in habits if h["found"]), key=lambda h: (h["p"], h["trader"]))
    finding = _finding(found, block)
    lanes = _lanes(block["detectors"], habits)
    titles = {d["name"]: d["title"] for d in block["detectors"]}
    kinds = [f"{said} ({plural(len(names), 'trader')})" for said, names in _by_saying(found, block)]
    asked = plural(int(block["asked"]), "question")
    head = (
        f"{count(len(found))} of {asked} about habits stand out: {listed(kinds, limit=3)}"
        if found
        else f"None of {asked} about habits shows more than chance"
    )
    words = "One band a habit, one line a trader, from 5% to 95%. " + (
        f"In colour: {listed(kinds)}." if found else "None is in colour."
    )
    picture = in_both_layouts(partial(habits_svg, lanes), head, words)
    tables = [
        (_found_table(found, titles), "Habits found, with what was seen"),
        (_every_table(block), _EVERY),
        (_missing_table(block), "Questions that the record cannot answer for anybody"),
    ]
    tables = [(table, caption) for table, caption in tables if table.lines]
    return Section("habits", title, finding, picture, tuple(tables), NOTES)


def _finding(found: Sequence[Mapping[str, Any]], block: Mapping[str, Any]) -> str:
    rate = f"{100 * block['fdr']:.0f}%"
    if not found:
        return (
            f"No habit can be told from chance: of {block['asked']} questions about a trader and a habit, none survives at a false-discovery rate of {rate}. "
            "That is no proof that there are none; the last table says how large a habit would have had to be."
        )
    said = "; ".join(f"{words}: {listed(names, limit=8)}" for words, names in _by_saying(found, block))
    return (
        f"{said[0].upper()}{said[1:]}. {count(len(found))} of {block['asked']} questions about a trader and a habit; about {rate} of what such a list holds is "
        "expected to be chance."
    )


def _by_saying(found: Sequence[Mapping[str, Any]], block: Mapping[str, Any]) -> list[tuple[str, list[str]]]:
    """What was found in words, with the traders it was found in; most traders first."""
    detectors = {d["name"]: d for d in block["detectors"]}
    groups: dict[str, list[str]] = {}
    for h in found:
        groups.setdefault(detectors[h["detector"]]["up" if h["effect"] > 0 else "down"], []).append(visible(str(h["trader"])))
    return sorted(((words, sorted(names)) for words, names in groups.items()), key=lambda g: (-len(g[1]), g[0]))


def _lanes(detectors: Sequence[Mapping[str, Any]], habits: Sequence[Mapping[str, Any]]) -> tuple[Lane, ...]:
    """A band for each habit that could be measured on anybody."""
    lanes = []
    for detector in detectors:
        rows = sorted((h for h in habits if h["detector"] == detector["name"]), key=lambda h: h["p"])[:MOST_LINES]
        lines = tuple(
            Line(visible(str(h["trader"])), h["size_q05"], h["size_q95"], h["size"], bool(h["found"]))
            for h in sorted(rows, key=lambda h: str(h["trader"]))
        )
        if lines:
            lanes.append(Lane(detector["title"], lines))
    return tuple(lanes)


def _digits(unit: str) -> int:
    return 1 if unit == "pp" else 2


def _effect(h: Mapping[str, Any]) -> str:
    digits = _digits(h["unit"])
    return f"{fixed(h['effect'], digits)} {interval(h['q05'], h['q95'], digits)}"


def _small(p: float) -> str:
    return "<0.0001" if p < 1e-4 else fixed(p, 4)


def _found_table(found: Sequence[Mapping[str, Any]], titles: Mapping[str, str]) -> Table:
    heads = ("Trader", "Habit", "Effect [90%]", "Unit", "p", "p adjusted", "What was seen")
    lines = tuple(
        (
            visible(str(h["trader"])),
            titles[h["detector"]],
            _effect(h),
            h["unit"],
            _small(h["p"]),
            _small(h["q"]),
            h["says"].split("; ", 1)[1],
        )
        for h in found
    )
    return Table(heads, lines, words=(6,))


_EVERY: Final = (
    "Effects with 90% equal-tailed intervals; * survives the false-discovery control. pp: percentage points of the signals; sd: value per unit of risk. "
    "Last column: the effect that half of these records would have shown with 80% power"
)


def _by_habit(block: Mapping[str, Any]) -> list[tuple[Mapping[str, Any], dict[str, Mapping[str, Any]]]]:
    """Every detector with its rows by trader."""
    return [
        (d, {visible(str(h["trader"])): h for h in block["habits"] if h["detector"] == d["name"]}) for d in block["detectors"]
    ]


def _every_table(block: Mapping[str, Any]) -> Table:
    """A row a habit that somebody could be asked about; everybody's effect where the desk is small enough."""
    traders = list(dict.fromkeys(visible(str(h["trader"])) for h in block["habits"]))
    shown = traders if len(traders) <= MOST_COLUMNS else []
    lines = []
    for detector, rows in _by_habit(block):
        seen = sorted(h["detectable"] for h in rows.values() if is_number(h["detectable"]))
        if seen:
            cells = [
                _effect(rows[t]) + ("*" if rows[t]["found"] else "") if is_number(rows[t]["effect"]) else ABSENT for t in shown
            ]
            smallest = fixed(seen[len(seen) // 2], _digits(detector["unit"]))
            lines.append((f"{detector['title']}, {detector['unit']}", str(len(seen)), *cells, smallest))
    return Table(("Habit, unit", "Traders asked", *shown, "Found with 80% power from"), tuple(lines))


def _missing_table(block: Mapping[str, Any]) -> Table:
    """What would be needed for the habits nobody could be asked about, in the words for the first trader."""
    lines = []
    for detector, rows in _by_habit(block):
        if rows and not any(is_number(h["effect"]) for h in rows.values()):
            words = str(next(iter(rows.values()))["words"]).removeprefix("not enough data: ")
            lines.append((detector["title"], detector["question"], visible(words)))
    return Table(("Habit", "Question", "What is missing"), tuple(lines), words=(1, 2))
