"""The manager's page as text, from its data alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from skillstats.report.cells import (
    CellGrid,
    Judge,
    cell_table,
    claims_of,
    finding_of,
    grid_of_cells,
    judge_of,
    name_of_table,
    picture_of,
)
from skillstats.report.kpis import Table
from skillstats.report.numbers import count, digits_for, fixed, interval, is_number, plural, visible
from skillstats.report.readers.pm_sections import books_table, sections_below
from skillstats.report.rows import Reason, reasons_of
from skillstats.report.running import Stretch, running_svg
from skillstats.report.section import Section, in_both_layouts
from skillstats.report.view import Tile
from skillstats.units import MICRO

MOST_LINES: Final = 20


@dataclass(frozen=True, slots=True)
class PmView:
    """The page of the portfolio manager as text; see the template for where each field stands."""

    title: str
    period: str
    headline: str
    status: str
    codes: tuple[Reason, ...]
    tiles: tuple[Tile, ...]
    said: tuple[str, ...]
    running: Section | None
    where: tuple[Section, ...]
    grids: tuple[CellGrid, ...]
    sections: tuple[Section, ...]
    books: Table
    floors: tuple[str, ...]
    caveats: tuple[str, ...]
    identity: tuple[tuple[str, str], ...]


def pm_view(data: Mapping[str, Any]) -> PmView:
    """Everything the template prints."""
    judge = judge_of(data)
    shown = bool(data["shown"])
    single = [t for t in data["tables"] if len(t["labels"]) == 1]
    pairs = [t for t in data["tables"] if len(t["labels"]) == 2]
    return PmView(
        title=visible(str(data["title"] or "")),
        period=" to ".join(visible(str(p)) for p in data["period"]),
        headline=_headline(data, judge),
        status=str(data["status"]),
        codes=reasons_of(data["codes"]),
        tiles=_tiles(data, judge) if shown else (),
        said=_said(data, single, judge) if shown else (),
        running=_running(data, judge) if shown else None,
        where=tuple(_where(t, judge) for t in single),
        grids=tuple(grid_of_cells(t, judge) for t in pairs if t["cells"]),
        sections=tuple(sections_below(data, judge)),
        books=books_table(data, judge),
        floors=_floors(data),
        caveats=tuple(map(visible, data["caveats"])),
        identity=tuple((k.replace("_", " ").capitalize(), visible(v)) for k, v in data["identity"].items()),
    )


def _headline(data: Mapping[str, Any], judge: Judge) -> str:
    """What people made of the model's book, in one sentence."""
    if not data["shown"]:
        f = data["floors"]
        return f"No figure may be shown: fewer than {f['traders']} traders departed from the model, or in fewer than {f['decisions']} decisions."
    added = data["whole"]["total"]["value_add_micro"]
    if added == 0:
        return "People’s departures left the model’s result as it was."
    verb = "added" if added > 0 else "took"
    tail = f"{'to' if added > 0 else 'from'} what the model alone would have made"
    return f"By departing from the model people {verb} {judge.money(abs(added))} {judge.unit} {tail}."


def _tiles(data: Mapping[str, Any], judge: Judge) -> tuple[Tile, ...]:
    """Both books and what lies between; only people’s part where the books may not be shown."""
    whole = data["whole"]["total"]
    people = Tile(
        "clear",
        judge.money(whole["value_add_micro"]),
        f"people added, {judge.unit}, in {count(whole['decisions'])} decisions",
        "",
    )
    books = data["books"]
    if books is None:
        return (people,)
    return (
        Tile("open", judge.money(books["model"]), f"the model alone would have made, {judge.unit}", ""),
        people,
        Tile("open", judge.money(books["actual"]), f"was made as traded, {judge.unit}", ""),
    )


def _said(data: Mapping[str, Any], single: Sequence[Mapping[str, Any]], judge: Judge) -> tuple[str, ...]:
    """How sure the whole is, and where departing pays."""
    found = []
    raw = (data["desk"] or {}).get("raw")
    if raw and is_number(raw["mean_q05"]):
        told = "is above zero" if raw["mean_q05"] > 0 else "is below zero" if raw["mean_q95"] < 0 else "cannot be told from zero"
        digits = digits_for([raw["mean"], raw["mean_q05"], raw["mean_q95"]])
        band = f"{fixed(raw['mean'], digits)} {interval(raw['mean_q05'], raw['mean_q95'], digits)} {judge.unit}"
        found.append(f"Taken over days as single bets, the mean of a decision {told}: {band} (90% interval).")
    for table in single:
        if table["labels"] != ["asset"]:
            found.append(f"By {name_of_table(table['labels'])}: {_lower(claims_of(table['cells'], judge))}")
    if data["why"]:
        found.append(f"No estimate of skill is shown: {visible(data['why'])}.")
    return tuple(found)


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def _running(data: Mapping[str, Any], judge: Judge) -> Section | None:
    """The two books through the year, and the table of its stretches."""
    months = data["months"]
    if len(months) < 2:
        return None
    stretches = [Stretch(visible(m["level"]), m["book_micro"] / MICRO, m["value_add_micro"] / MICRO) for m in months]
    up = sum(m["value_add_micro"] > 0 for m in months)
    title = f"People added money in {up} of {plural(len(months), 'stretch', 'stretches')} of the record"
    model = sum(m["book_micro"] for m in months)
    both = model + sum(m["value_add_micro"] for m in months)
    description = f"{title}. Model alone ends at {judge.money(model)} {judge.unit}, with people at {judge.money(both)}."
    best, worst = max(months, key=lambda m: m["value_add_micro"]), min(months, key=lambda m: m["value_add_micro"])
    finding = (
        f"Best stretch {visible(best['level'])} ({judge.money(best['value_add_micro'])} {judge.unit}), worst {visible(worst['level'])} "
        f"({judge.money(worst['value_add_micro'])})."
    )
    lines = tuple(
        (
            visible(m["level"]),
            count(m["decisions"]),
            judge.money(m["book_micro"]),
            judge.money(m["value_add_micro"]),
            judge.money(m["book_micro"] + m["value_add_micro"]),
        )
        for m in months
    )
    heads = (
        "Stretch",
        "Decisions",
        f"Model alone, {judge.unit}",
        f"People added, {judge.unit}",
        f"Model with people, {judge.unit}",
    )
    draw = partial(running_svg, stretches, judge.unit, key="running")
    notes = (
        "By the session of the decision. Months with too few traders or decisions are joined with the next.",
        "Execution of signals that were followed is not in the lines; it stands in the table of the books.",
    )
    return Section(
        "running",
        "What the combined books did",
        finding,
        in_both_layouts(draw, title, description),
        ((Table(heads, lines), "The books by stretch of the record"),),
        notes,
    )


def _where(table: Mapping[str, Any], judge: Judge) -> Section:
    """One label: finding, picture, numbers."""
    by = name_of_table(table["labels"])
    key = f"by-{table['labels'][0]}"
    caption = f"People against the model by {by}; the lines add up to the last one exactly"
    notes = (
        "People added: as traded minus model alone, on the signals people departed from and on their own orders. A decision that covers several cells counts in each, its money only once.",
        "Pooled annual IR: the value of departing for somebody whose decisions were all like these, pulled towards the other cells as far as they give no reason to differ. A day counts as one bet.",
    )
    return Section(
        key,
        f"Where people beat the model: by {by}",
        finding_of(table, judge),
        picture_of(table, judge, key),
        ((cell_table(table, judge, most=MOST_LINES), caption),),
        notes,
    )


def _floors(data: Mapping[str, Any]) -> tuple[str, ...]:
    """What is not shown, and why, in sentences."""
    floors = data["floors"]
    if floors["named"]:
        return (
            "The plan, frozen before the first outcome, says that this reader may be told names (`pm_names`). No cell is left out for being small; anybody else must not be given this page.",
        )
    rest = sum(t["hidden"] for t in data["tables"])
    made = (
        f"A cell is shown where at least {floors['traders']} traders departed from the model in it, in at least {floors['decisions']} decisions. {plural(rest, 'cell')} "
        "of the tables on this page are too small, or would give a small one away, and are counted under “not shown separately”, so that every table adds up.",
        "The cells were chosen together with those of the developer’s page: no sum or difference of anything printed on the two rests on fewer traders than that.",
    )
    return made if data["shown"] else (made[0].split(". ")[0] + ".",)
