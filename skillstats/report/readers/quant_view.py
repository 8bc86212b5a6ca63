"""The developer's page as text, from its data alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from skillstats.report.cells import REST, SAID, THIN, Judge, claims_of, name_of_cell, name_of_table, short_name, verdict_of
from skillstats.report.intervals import Axis, Interval, interval_svg
from skillstats.report.kpis import Table
from skillstats.report.numbers import ABSENT, count, fixed, interval, listed, percent, plural, visible
from skillstats.report.rows import Reason, reasons_of
from skillstats.report.scatter import Spot, scatter_svg
from skillstats.report.section import Picture, Section, in_both_layouts
from skillstats.report.view import Tile

PICTURED: Final = 16
PLAIN: Final = ("side", "time of day", "volatility of the asset")
"""Labels whose levels speak for themselves."""
TWO_READINGS: Final = "P beside a line that is not on the list is the smaller of two readings of the same data, told below; the interval is of one of them and may be clear of zero all the same."
HIDDEN: Final = "people’s side not shown"
FILES: Final = (
    (
        "cells.parquet",
        "every table of this page in one: labels, levels, signals, overridden, value-add, estimates; “shown” is false where people’s side is left out",
    ),
    ("signals.parquet", "the model’s own side, one row a closed signal: session, labels, P/L and risk; nothing that people did"),
)


@dataclass(frozen=True, slots=True)
class QuantView:
    """The page of the developer as text; see the template for where each field stands."""

    period: str
    headline: str
    status: str
    codes: tuple[Reason, ...]
    tiles: tuple[Tile, ...]
    wrong: Section | None
    often: Section | None
    sections: tuple[Section, ...]
    floors: str
    files: tuple[tuple[str, str], ...]
    caveats: tuple[str, ...]
    identity: tuple[tuple[str, str], ...]


def quant_view(data: Mapping[str, Any]) -> QuantView:
    """Everything the template prints."""
    judge = Judge(float(data["hurdle"]), float(data["certainty"]), visible(str(data["unit"])), 0)
    by = {tuple(t["labels"]): t for t in data["tables"]}
    contexts = by.get(tuple(data["contexts"]))
    others = [t for k, t in by.items() if t is not contexts or len(k) == 1]
    sections = [_surface(data, judge), _others([t for t in others if t["labels"] != ["signal_type"]], judge)]
    return QuantView(
        period=" to ".join(visible(str(p)) for p in data["period"]),
        headline=headline(data, contexts),
        status=str(data["status"]),
        codes=reasons_of(data["codes"]),
        tiles=_tiles(data, contexts, judge),
        wrong=_wrong(data, contexts, judge) if contexts else None,
        often=_often(data, by, contexts, judge),
        sections=tuple(s for s in sections if s is not None),
        floors=_floors(data),
        files=FILES,
        caveats=tuple(map(visible, data["caveats"])),
        identity=tuple((k.capitalize(), visible(v)) for k, v in data["identity"].items()),
    )


def _estimated(table: Mapping[str, Any] | None) -> list[Mapping[str, Any]]:
    """Cells with an estimate of their own."""
    return [c for c in (table or {"cells": []})["cells"] if c["estimate"] and not c["estimate"]["thin"]]


def _listed(table: Mapping[str, Any] | None) -> list[Mapping[str, Any]]:
    """Cells on the list, surest first."""
    return sorted((c for c in _estimated(table) if c["estimate"]["listed"]), key=lambda c: c["estimate"]["running"])


def headline(data: Mapping[str, Any], contexts: Mapping[str, Any] | None) -> str:
    """Where the model is wrong, in one sentence."""
    judged, found = _estimated(contexts), _listed(contexts)
    if not data["shown"]:
        f = data["floors"]
        return f"Nothing people did may be shown: fewer than {f['traders']} traders or {f['decisions']} decisions."
    if not judged:
        return "In no kind of signal are there enough overrides to say whether the model is wrong."
    kinds = f"{plural(len(judged), 'kind')} of signal"
    if not found:
        alone = _by_one_label(data)
        return f"In none of {kinds} can it be said that overriding the model pays{f'; {alone}' if alone else ''}."
    return f"In {len(found)} of {kinds} overriding the model pays: {listed([name_of_cell(c) for c in found], 3)}."


def _by_one_label(data: Mapping[str, Any]) -> str:
    """Where overriding pays by one label of the signals alone, each by its own list; empty where it does nowhere."""
    tables = [
        t for t in data["tables"] if len(t["labels"]) == 1 and t["labels"][0] in data["contexts"] and len(data["contexts"]) > 1
    ]
    parts = [
        f"taken by {name_of_table(t['labels'])} alone it pays in {listed([name_of_cell(c) for c in found], 3)}"
        for t in tables
        if (found := _listed(t))
    ]
    return ", ".join(parts)


def _tiles(data: Mapping[str, Any], contexts: Mapping[str, Any] | None, judge: Judge) -> tuple[Tile, ...]:
    """Four numbers: signals and overrides, worth, the list, its expected errors."""
    if not data["shown"]:
        return ()
    s, found = data["signals"], _listed(contexts)
    answered = s["followed"] + s["intervened"] + s["no_decision"]
    tiles = [
        Tile(
            "open",
            percent(s["intervened"] / answered) if answered else ABSENT,
            f"of {count(answered)} signals were overridden",
            "",
        ),
        Tile("open", fixed(data["whole"]["value_add"], 0), f"overriding was worth, {judge.unit}", ""),
        Tile(
            "clear", count(len(found)), f"kinds of signal in which overriding pays more than an annual IR of {judge.hurdle:g}", ""
        ),
    ]
    if found:
        tiles.append(Tile("open", percent(found[-1]["estimate"]["running"]), "of that list are expected to be false", ""))
    return tuple(tiles)


def _wrong(data: Mapping[str, Any], table: Mapping[str, Any], judge: Judge) -> Section:
    """The list under false-discovery control, the forest, every context."""
    found, cells = _listed(table), _estimated(table)
    by = name_of_table(table["labels"])
    rate = percent(data["fdr"])
    if found:
        words = "; ".join(
            f"{name_of_cell(c)}: {fixed(c['estimate']['mean'], 2)} {interval(c['estimate']['q05'], c['estimate']['q95'], 2)}"
            for c in found[:8]
        )
        finding = f"The list holds at most {rate} false entries in expectation; value of overriding in annual IR with its 90% interval: {words}. {TWO_READINGS}"
    else:
        finding = f"No kind of signal by {by} enters a list of which at most {rate} may be false. That is not proof that the model is right there. {TWO_READINGS}"
    title = (
        f"Overriding pays in {listed([name_of_cell(c) for c in found], 3)}"
        if found
        else "In no kind of signal does overriding stand out"
    )
    ordered = sorted(cells, key=lambda c: (not c["estimate"]["listed"], -c["estimate"]["p_sure"]))[:PICTURED]
    rows = [
        Interval(
            short_name(c), c["estimate"]["q05"], c["estimate"]["q95"], c["estimate"]["mean"],
            f"{'on the list' if c['estimate']['listed'] else 'P ' + percent(c['estimate']['p_sure'], judge.certainty)}; {percent(c['rate'])} overridden",
            strong=c["estimate"]["listed"],
        )
        for c in ordered
    ]  # fmt: skip
    axis = Axis("wrong", "value of overriding, annual IR, pooled; 90% equal-tailed interval")
    picture = _drawn(rows, axis, title) if rows else None
    notes = (
        "Value of overriding: value-add per unit of risk of the overrides made there, in annual IR of somebody whose decisions are all like these. Days count as single bets.",
        f"On the list: P(value > {judge.hurdle:g}) of at least {judge.sure} by itself under two shapes of the population (a bell curve, and most exactly 0 with some that differ), and a list of which at most {rate} are expected false.",
        "These are overrides people chose to make. That overriding pays somewhere does not say that every signal there is wrong.",
    )
    return Section(
        "wrong",
        "Where the model is wrong",
        finding,
        picture,
        ((_context_table(table, judge), f"Every kind of signal, by {by}"),),
        notes,
    )


def _drawn(rows: Sequence[Interval], axis: Axis, title: str) -> Picture:
    description = f"{title}. " + "; ".join(f"{r.label}: {fixed(r.dot, 2)} {interval(r.low, r.high, 2)}, {r.words}" for r in rows)
    return in_both_layouts(partial(interval_svg, rows, axis), title, description)


def _context_table(table: Mapping[str, Any], judge: Judge) -> Table:
    heads = (
        name_of_table(table["labels"]).capitalize(), "Signals", f"Model’s P/L, {judge.unit}", "Overridden", "Share", "Decisions", f"Value-add, {judge.unit}", "Days",
        "Annual IR, pooled [90%]", "P(IR > hurdle)", "Surely, under both shapes", "Overriding",
    )  # fmt: skip
    cells = sorted(table["cells"], key=lambda c: (not c["shown"], -((c["estimate"] or {}).get("p_sure") or 0.0), c["levels"]))
    lines = [_line(c, judge) for c in cells]
    if table["rest"] is not None:
        lines.append(
            (REST, *[ABSENT] * 4, count(table["rest"]["decisions"]), fixed(table["rest"]["value_add"], 0), *[ABSENT] * 5)
        )
    return Table(heads, tuple(lines))


def _line(cell: Mapping[str, Any], judge: Judge) -> tuple[str, ...]:
    side = (name_of_cell(cell), count(cell["signals"]), fixed(cell["model_pnl"], 0))
    if not cell["shown"]:
        return (*side, *[ABSENT] * 8, HIDDEN)
    people = (count(cell["overridden"]), percent(cell["rate"]), count(cell["decisions"]), fixed(cell["value_add"], 0))
    e = cell["estimate"]
    if e is None:
        return (*side, *people, *[ABSENT] * 4, "no estimate")
    if e["thin"]:
        return (*side, *people, count(e["sessions"]), f"{fixed(e['mean'], 2)} (pooled mean)", ABSENT, ABSENT, THIN)
    band = f"{fixed(e['mean'], 2)} {interval(e['q05'], e['q95'], 2)}"
    on_list = "pays: on the list" if cell["value_add"] > 0 else "on the list, though money was lost"
    said = on_list if e["listed"] else SAID[verdict_of(cell, judge)]
    return (
        *side,
        *people,
        count(e["sessions"]),
        band,
        percent(e["p_above"], judge.certainty),
        percent(e["p_sure"], judge.certainty),
        said,
    )


def _often(
    data: Mapping[str, Any], by: Mapping[tuple[str, ...], Any], contexts: Mapping[str, Any] | None, judge: Judge
) -> Section | None:
    """How often against how well, and the parts by type of signal."""
    types = by.get(("signal_type",))
    drawn = [c for c in _estimated(contexts) if c["rate"] is not None]
    if not drawn and types is None:
        return None
    finding, tables = "The signals are not told apart by type.", []
    if types is not None:
        shown = [c for c in types["cells"] if c["shown"] and c["rate"] is not None]
        tables.append(
            (
                _type_table(types, data["parts"], judge),
                f"By type of signal, {judge.unit}; the parts of a line add up to its value-add",
            )
        )
        if shown:
            most, best = max(shown, key=lambda c: c["rate"]), max(shown, key=lambda c: c["value_add"])
            finding = f"Most often overridden: {name_of_cell(most)} ({percent(most['rate'])} of {count(most['signals'])} signals); most was made on {name_of_cell(best)} ({fixed(best['value_add'], 0)} {judge.unit})."
    notes = (
        "Rate: what overrides as frequent and as large would have made on signals drawn at random from that type. Regime: overriding more in regimes where the model did worse. Choice: which signals inside a regime. Execution: time, price and cost of the overrides.",
        "Where a regime of a type is too small to be shown, regime and choice stand together under choice.",
    )
    return Section(
        "often", "Which signals are overridden, how often and how well", finding, _scatter(drawn, judge), tuple(tables), notes
    )


def _scatter(cells: Sequence[Mapping[str, Any]], judge: Judge) -> Picture | None:
    if len(cells) < 2:
        return None
    spots = [
        Spot(
            short_name(c),
            100 * c["rate"],
            c["estimate"]["q05"],
            c["estimate"]["mean"],
            c["estimate"]["q95"],
            c["estimate"]["listed"],
        )
        for c in cells
    ]
    often, well = max(spots, key=lambda s: s.rate), max(spots, key=lambda s: s.value)
    title = (
        f"{often.label} is overridden most often, and best"
        if often is well
        else f"Overridden most often: {often.label}; best: {well.label}"
    )
    description = f"{title}. " + "; ".join(
        f"{s.label}: {s.rate:.0f}% overridden, {fixed(s.value, 2)} {interval(s.low, s.high, 2)}" for s in spots
    )
    names = ("share of signals overridden", "value of overriding, annual IR, 90% interval")
    return in_both_layouts(partial(scatter_svg, spots, judge.hurdle, names, key="often"), title, description)


def _type_table(types: Mapping[str, Any], parts: Mapping[str, Any], judge: Judge) -> Table:
    heads = (
        "Signal type",
        "Signals",
        "Overridden",
        "Rate",
        "Regime",
        "Choice",
        "Execution",
        "Value-add",
        "Annual IR, pooled [90%]",
        "P(IR > hurdle)",
    )
    lines = []
    for c in sorted((c for c in types["cells"] if c["shown"]), key=lambda c: -(c["rate"] or 0.0)):
        own, e = parts.get(c["levels"][0], {}), c["estimate"]
        split = tuple(fixed(own.get(k), 0) for k in ("rate", "regime", "choice", "execution"))
        band = (
            ABSENT
            if e is None
            else f"{fixed(e['mean'], 2)} {interval(e['q05'], e['q95'], 2)}"
            if not e["thin"]
            else f"{fixed(e['mean'], 2)} (pooled mean)"
        )
        chance = ABSENT if e is None or e["thin"] else percent(e["p_above"], judge.certainty)
        lines.append((name_of_cell(c), count(c["signals"]), percent(c["rate"]), *split, fixed(c["value_add"], 0), band, chance))
    return Table(heads, tuple(lines))


def _surface(data: Mapping[str, Any], judge: Judge) -> Section | None:
    """The model's own value by context, followed signals included."""
    surface, title = data["surface"], "What the model is worth by itself"
    cells = surface["contexts"]
    if not cells:
        return Section("surface", title, f"Not shown: {visible(surface['why'])}.")
    loses = [c for c in cells if c["p_below"] >= judge.certainty]
    gains = [c for c in cells if c["q05"] > judge.hurdle]
    where = [f"{visible(c['label'])} {visible(c['level'])}" for c in loses]
    said = f"By itself the model loses in {listed(where, 4)}" if loses else "Nowhere does the model surely lose by itself"
    rows = [
        Interval(visible(c["level"]) if c["label"] in PLAIN else f"{visible(c['level'])} ({visible(c['label'])})", c["q05"], c["q95"], c["mean"], f"P(loses) {percent(c['p_below'], judge.certainty)}; {plural(c['signals'], 'signal')}", strong=c in loses or c in gains)
        for c in sorted(cells, key=lambda c: c["mean"])[:PICTURED]
    ]  # fmt: skip
    picture = _drawn(rows, Axis("surface", "value of the model’s signals, annual IR, pooled; 90% equal-tailed interval"), said)
    lines = tuple(
        (
            f"{visible(c['label'])} = {visible(c['level'])}",
            count(c["signals"]),
            fixed(c["model_pnl"], 0),
            f"{fixed(c['mean'], 2)} {interval(c['q05'], c['q95'], 2)}",
            percent(c["p_below"], judge.certainty),
        )
        for c in cells
    )
    table = Table(
        ("Context", "Signals", f"Model’s P/L, {judge.unit}", "Value, annual IR [90%]", "P(loses more than the hurdle)"), lines
    )
    return Section(
        "surface", title, f"{said}; every signal counts, followed or not.", picture, ((table, "The model by context"),)
    )


def _others(tables: Sequence[Mapping[str, Any]], judge: Judge) -> Section | None:
    """All other tables in one section: how often and how well, label by label."""
    if not tables:
        return None
    single = [t for t in tables if len(t["labels"]) == 1]
    found = [f"By {name_of_table(t['labels'])}: {claims_of(t['cells'], judge).replace('With', 'with', 1)}" for t in single]
    captions = [f"By {name_of_table(t['labels'])}. {claims_of(t['cells'], judge)}" for t in tables]
    numbers = tuple((_context_table(t, judge), c) for t, c in zip(tables, captions, strict=True))
    return Section(
        "others", "Overrides by other labels", " ".join(found) or "Every crossing of two labels is below.", None, numbers
    )


def _floors(data: Mapping[str, Any]) -> str:
    f = data["floors"]
    hidden = sum(t["hidden"] for t in data["tables"])
    said = (
        f"{plural(hidden, 'cell')} of the tables {'is' if hidden == 1 else 'are'} left out"
        if hidden
        else "no cell of the tables had to be left out"
    )
    return (
        f"What people did is shown in cells of at least {f['traders']} traders and {f['decisions']} decisions; {said}, so that neither small ones "
        "nor any smaller group follow from this page, its files and the manager’s page together. No row of a person leaves: the time and size of an order would tell whose it was. "
        "Money is in whole units of the currency."
    )
