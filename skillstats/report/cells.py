"""Released cells as text and pictures: what a page of aggregates prints of one table, and of one crossing of two labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import Any, Final

from skillstats.report.grid import tint
from skillstats.report.intervals import Axis, Interval, interval_svg
from skillstats.report.kpis import Table
from skillstats.report.numbers import ABSENT, count, fixed, interval, listed, percent, plural, visible
from skillstats.report.release.plain import NAMES
from skillstats.report.section import Picture, in_both_layouts
from skillstats.units import MICRO

REST: Final = "not shown separately"
WHOLE: Final = "all together"
THIN: Final = "too few days, no claim"
PICTURED: Final = 16
Cell = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Judge:
    """What a cell is judged by: hurdle (annual IR), certainty of a claim, unit of money and its digits."""

    hurdle: float
    certainty: float
    unit: str
    digits: int

    @property
    def sure(self) -> str:
        """The certainty in percent."""
        return f"{100 * self.certainty:g}%"

    def money(self, micro: int | None) -> str:
        """An amount in micro-units as text."""
        return ABSENT if micro is None else fixed(Fraction(micro, MICRO), self.digits)


@dataclass(frozen=True, slots=True)
class GridCell:
    """One place of a grid: money, what is known of skill, words, css class and background."""

    value: str
    small: str
    words: str
    css: str
    colour: str


@dataclass(frozen=True, slots=True)
class CellGrid:
    """Two labels crossed: title, id, name of the rows, columns, lines (name, cells), and what is in none of the cells."""

    key: str
    title: str
    rows: str
    columns: tuple[str, ...]
    lines: tuple[tuple[str, tuple[GridCell, ...]], ...]
    rest: str
    caption: str


def judge_of(data: Mapping[str, Any]) -> Judge:
    """Digits that suit the whole: cents below a thousand."""
    whole = data.get("whole")
    largest = 0 if whole is None else max(abs(whole["total"][f"{k}_micro"]) for k in ("model", "actual", "value_add"))
    return Judge(float(data["hurdle"]), float(data["certainty"]), visible(str(data["unit"])), 0 if largest >= 1000 * MICRO else 2)


def name_of_table(labels: Sequence[str]) -> str:
    """Labels of a table as a reader meets them."""
    return " and ".join(NAMES[k] for k in labels)


def name_of_cell(cell: Cell) -> str:
    """Levels of a cell as a reader meets them."""
    return " / ".join(visible(level) for level in cell["levels"])


def verdict_of(cell: Cell, judge: Judge) -> str:
    """``pays``, ``hurts``, ``open`` or ``thin``; empty without an estimate."""
    e = cell["estimate"]
    if e is None:
        return ""
    if e["thin"]:
        return "thin"
    if e["p_above"] >= judge.certainty:
        return "pays"
    return "hurts" if e["p_below"] >= judge.certainty else "open"


SAID: Final = {"pays": "pays", "hurts": "costs", "open": "cannot be told", "thin": THIN, "": "no estimate"}


def finding_of(table: Mapping[str, Any], judge: Judge) -> str:
    """What a table says, in a sentence or two: the largest gain and loss in money, and what can be claimed."""
    cells = sorted(table["cells"], key=lambda c: -c["value_add_micro"])
    most, least = cells[0], cells[-1]
    words = [f"Most was added in {name_of_cell(most)} ({judge.money(most['value_add_micro'])} {judge.unit})"]
    if least is not most:
        words.append(f"least in {name_of_cell(least)} ({judge.money(least['value_add_micro'])})")
    return f"{', '.join(words)}. {claims_of(table['cells'], judge)}"


def claims_of(cells: Sequence[Cell], judge: Judge) -> str:
    """Where departing pays or costs with the certainty asked, in a sentence."""
    if all(c["estimate"] is None for c in cells):
        return "No estimate of skill may be shown."
    pays, hurts = ([name_of_cell(c) for c in cells if verdict_of(c, judge) == kind] for kind in ("pays", "hurts"))
    said = [f"departing pays in {listed(pays, 4)}"] if pays else []
    said += [f"it costs in {listed(hurts, 4)}"] if hurts else []
    if not said:
        return f"In none of them can it be said with {judge.sure} certainty that departing pays more than the hurdle, or costs as much."
    return f"With at least {judge.sure} certainty {' and '.join(said)}; of the others it cannot be told."


def picture_of(table: Mapping[str, Any], judge: Judge, key: str) -> Picture | None:
    """Pooled value of departing by cell with its 90% interval; None where no cell has an estimate."""
    cells = [c for c in table["cells"] if verdict_of(c, judge) not in ("", "thin")]
    cells = sorted(cells, key=lambda c: -c["estimate"]["mean"])
    if len(cells) > PICTURED:
        cells = sorted(cells, key=lambda c: -max(c["estimate"]["p_above"], c["estimate"]["p_below"]))[:PICTURED]
        cells = sorted(cells, key=lambda c: -c["estimate"]["mean"])
    if not cells:
        return None
    rows = [
        Interval(
            label=name_of_cell(c), low=c["estimate"]["q05"], high=c["estimate"]["q95"], dot=c["estimate"]["mean"],
            words=f"{judge.money(c['value_add_micro'])} {judge.unit}; {SAID[verdict_of(c, judge)]}", strong=verdict_of(c, judge) in ("pays", "hurts"),
        )
        for c in cells
    ]  # fmt: skip
    pays = [name_of_cell(c) for c in cells if verdict_of(c, judge) == "pays"]
    hurts = [name_of_cell(c) for c in cells if verdict_of(c, judge) == "hurts"]
    said = ([f"departing pays in {listed(pays, 3)}"] if pays else []) + ([f"it costs in {listed(hurts, 3)}"] if hurts else [])
    by = name_of_table(table["labels"])
    title = f"By {by}: {'; '.join(said)}" if said else f"By {by}: nowhere can departing be told from the hurdle"
    axis = Axis(key, "value of departing, annual IR, pooled; 90% equal-tailed interval")
    description = f"{title}. " + "; ".join(f"{r.label}: {fixed(r.dot, 2)} {interval(r.low, r.high, 2)}" for r in rows)
    return in_both_layouts(partial(interval_svg, rows, axis), title, description)


def cell_table(table: Mapping[str, Any], judge: Judge, *, most: int | None = None) -> Table:
    """Every released cell, the rest and the whole, so that the column adds up exactly."""
    heads = (
        name_of_table(table["labels"]).capitalize(), "Decisions", f"Model alone, {judge.unit}", f"As traded, {judge.unit}", f"People added, {judge.unit}",
        "Days", "Annual IR, pooled [90%]", "P(IR > hurdle)", "Departing",
    )  # fmt: skip
    cells = sorted(table["cells"], key=lambda c: (-abs(c["value_add_micro"]), c["levels"]))
    shown, dropped = (cells, []) if most is None else (cells[:most], cells[most:])
    lines = [(name_of_cell(c), *_money(c, judge), *_skill(c, judge)) for c in shown]
    if dropped:
        keys = ("decisions", "model_micro", "actual_micro", "value_add_micro")
        rest = {k: sum(c[k] for c in dropped) for k in keys}
        lines.append((f"{plural(len(dropped), 'smaller one')}, in the data file", *_money(rest, judge), *_blank()))
    if table["rest"] is not None:
        lines.append((REST, *_money(table["rest"], judge), *_blank()))
    return Table(heads, (*lines, (WHOLE, *_money(table["total"], judge), *_blank())))


def _money(cell: Cell, judge: Judge) -> tuple[str, ...]:
    return (count(cell["decisions"]), *(judge.money(cell[f"{k}_micro"]) for k in ("model", "actual", "value_add")))


def _skill(cell: Cell, judge: Judge) -> tuple[str, ...]:
    """Days, pooled estimate, probability and what may be said; a thin cell shows the pooled mean and claims nothing."""
    e = cell["estimate"]
    if e is None:
        return _blank()
    if e["thin"]:
        return count(e["sessions"]), f"{fixed(e['mean'], 2)} (pooled mean)", ABSENT, THIN
    band = f"{fixed(e['mean'], 2)} {interval(e['q05'], e['q95'], 2)}"
    return count(e["sessions"]), band, percent(e["p_above"], judge.certainty), SAID[verdict_of(cell, judge)]


def _blank() -> tuple[str, ...]:
    return (ABSENT,) * 4


def grid_of_cells(table: Mapping[str, Any], judge: Judge) -> CellGrid:
    """A crossing of two labels as a grid of money, tinted by it."""
    first, second = table["labels"]
    by_place = {tuple(c["levels"]): c for c in table["cells"]}
    across = tuple(dict.fromkeys(sorted(c["levels"][1] for c in table["cells"])))
    down = tuple(dict.fromkeys(sorted(c["levels"][0] for c in table["cells"])))
    largest = max(abs(c["value_add_micro"]) for c in table["cells"])
    lines = tuple((visible(a), tuple(_place(by_place.get((a, b)), largest, judge) for b in across)) for a in down)
    rest = table["rest"]
    said = (
        f"{plural(table['hidden'], 'cell')} not shown separately: {count(rest['decisions'])} decisions, {judge.money(rest['value_add_micro'])} {judge.unit} together."
        if rest
        else "Every cell is shown."
    )
    title = f"{NAMES[first].capitalize()} and {NAMES[second]}: {_most(table, judge)}"
    caption = f"People added, {judge.unit}; below it the pooled annual IR and P, the probability that it exceeds the hurdle"
    return CellGrid(
        "-".join(table["labels"]), title, NAMES[first].capitalize(), tuple(map(visible, across)), lines, said, caption
    )


def _most(table: Mapping[str, Any], judge: Judge) -> str:
    most = max(table["cells"], key=lambda c: c["value_add_micro"])
    pays = sum(verdict_of(c, judge) == "pays" for c in table["cells"])
    return f"most was added in {name_of_cell(most)}; departing pays in {pays or 'none'} of {plural(len(table['cells']), 'cell')}"


def _place(cell: Cell | None, largest: int, judge: Judge) -> GridCell:
    if cell is None:
        return GridCell("", "", "none, or not shown separately", "none", "")
    kind, e = verdict_of(cell, judge), cell["estimate"]
    small = "" if kind in ("", "thin") else f"{fixed(e['mean'], 2)}, P {percent(e['p_above'], judge.certainty)}"
    words = {"pays": "pays", "hurts": "costs", "thin": THIN}.get(kind, "")
    colour = tint(cell["value_add_micro"], largest) if largest else ""
    return GridCell(
        judge.money(cell["value_add_micro"]), small, words, "claims" if kind in ("pays", "hurts") else "plain", colour
    )
