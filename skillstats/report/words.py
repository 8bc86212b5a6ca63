"""The sentences of the page, computed from the rows: the verdict, the titles of figures and the text that stands in for them.

A sentence says what the data support and for whom they are not enough. "Not settled" is never turned into "no skill".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from skillstats.evaluation.result import INTERVAL_NAME, Evaluation
from skillstats.report.numbers import count, digits_for, fixed, interval, is_number, listed, percent, plural, visible
from skillstats.report.rows import NOT_ENOUGH, Row

DESK_MEAN_KEYS = ("desk_mean", "skill_mean", "mean", "mu")
"""Names the desk's mean may have in `Evaluation.population`."""


@dataclass(frozen=True, slots=True)
class Groups:
    """The traders by what may be said about them; every trader is in exactly one group."""

    clear: tuple[Row, ...]
    unsettled: tuple[Row, ...]
    against: tuple[Row, ...]
    too_few: tuple[Row, ...]

    @property
    def only_few(self) -> bool:
        """Whether every trader without a number has too few decisions or days, and no other trouble."""
        return all(r.absence == NOT_ENOUGH for r in self.too_few)

    @property
    def size(self) -> int:
        """Number of traders."""
        return len(self.clear) + len(self.unsettled) + len(self.against) + len(self.too_few)


@dataclass(frozen=True, slots=True)
class Scale:
    """The scale on which skill is printed.

    name : ``annual IR`` or ``IR per decision``; digits : after the point; hurdle : the IR worth acting on; certainty : of a claim
    """

    name: str
    digits: int
    hurdle: float
    certainty: float

    @property
    def sure(self) -> str:
        """The certainty in percent."""
        return f"{100 * self.certainty:g}%"

    @property
    def hurdle_text(self) -> str:
        """The hurdle as it was declared."""
        return f"{self.hurdle:g}"


def scale_of(evaluation: Evaluation) -> Scale:
    """The scale of an evaluation: annual where the evidence has a year."""
    annual = bool(evaluation.source["has_year"])
    plan = evaluation.plan
    return Scale(
        "annual IR" if annual else "IR per decision", 2 if annual else 3, float(plan["hurdle"]), float(plan["certainty"])
    )


def group_traders(rows: Sequence[Row]) -> Groups:
    """Sort traders by what may be said about them."""
    shown = [r for r in rows if not r.withheld]
    return Groups(
        clear=tuple(r for r in shown if r.claims),
        unsettled=tuple(r for r in shown if not r.claims and not r.against),
        against=tuple(r for r in shown if r.against and not r.claims),
        too_few=tuple(r for r in rows if r.withheld),
    )


def headline(groups: Groups, scale: Scale, withheld: bool) -> str:
    """The verdict in one sentence."""
    if withheld:
        return "No statement about skill can be made from this fit: its numbers are withheld, for every trader."
    if not groups.size:
        return "No trader was evaluated."
    if len(groups.too_few) == groups.size:
        return "No statement about skill can be made yet: no trader\u2019s evidence allows a number."
    certain = f"with at least {scale.sure} certainty"
    if not groups.clear:
        return f"None of the {plural(groups.size, 'trader')} clears the hurdle {certain} so far."
    verb = "clears" if len(groups.clear) == 1 else "clear"
    return f"{len(groups.clear)} of {plural(groups.size, 'trader')} {verb} the hurdle {certain}."


def forest_title(groups: Groups, scale: Scale) -> str:
    """The finding of the forest plot, in words."""
    clear = len(groups.clear)
    verb = "clear" if clear > 1 else "clears"
    start = f"{clear or 'None'} of {plural(groups.size, 'trader')} {verb} the hurdle with {scale.sure} certainty"
    rest = []
    if groups.unsettled:
        others = len(groups.unsettled)
        noun = "" if not clear else " other" if others == 1 else " others"
        rest.append(f"for {count(others)}{noun} skill and luck cannot be told apart yet")
    if groups.against:
        rest.append(f"for {count(len(groups.against))} the record points below zero")
    if groups.too_few:
        few = len(groups.too_few)
        rest.append(
            f"{count(few)} {'has' if few == 1 else 'have'} {NOT_ENOUGH}"
            if groups.only_few
            else f"for {count(few)} no number is shown"
        )
    return "; ".join([start, *rest]) + "."


def grid_title(cells: Sequence[Row], scale: Scale) -> str:
    """The finding of the trader x regime grid, in words."""
    if all(r.withheld for r in cells):
        return "No cell has a number that may be shown."
    claimed = sum(r.claims for r in cells)
    bare = sum(r.withheld or r.below_floor for r in cells)
    verb = "clear" if claimed > 1 else "clears"
    start = f"{claimed or 'None'} of {plural(len(cells), 'trader-regime cell')} {verb} the hurdle"
    tail = f"; {count(bare)} {'is' if bare == 1 else 'are'} too thin for any claim" if bare else ""
    return f"{start} with {scale.sure} certainty{tail}."


def describe_row(row: Row, scale: Scale) -> str:
    """One row of the forest plot as text; a withheld row has no number."""
    name = visible(row.trader)
    if row.ir is None:
        return f"{name}: {row.absence}, no estimate." if row.withheld else f"{name}: no estimate."
    parts = [f"{fixed(row.ir.mean, scale.digits)} {interval(row.ir.q05, row.ir.q95, scale.digits)}"]
    if row.raw_ir is not None:
        parts.append(f"raw {fixed(row.raw_ir, scale.digits)}")
    if row.p_above_hurdle is not None:
        parts.append(f"P(IR > hurdle) {percent(row.p_above_hurdle, scale.certainty)}")
    return f"{name}: {', '.join(parts)}{', flagged' if row.status == 'FLAG' else ''}."


def forest_description(rows: Sequence[Row], scale: Scale) -> str:
    """Alternative text of the forest plot."""
    start = f"Forest plot of the posterior {scale.name}, one row a trader: mean, {INTERVAL_NAME}, raw IR and the probability "
    return start + f"to exceed the hurdle of {scale.hurdle_text}. " + " ".join(describe_row(r, scale) for r in rows)


def desk_sentence(evaluation: Evaluation) -> str:
    """What is said about the desk as a whole; empty where the evaluation holds no mean of the desk."""
    if evaluation.status == "WITHHOLD":
        return ""
    key = next((k for k in DESK_MEAN_KEYS if k in evaluation.population), None)
    if key is None:
        return ""
    item = evaluation.population[key]
    mean, low, high = item["mean"], item["q05"], item["q95"]
    if not (is_number(mean) and is_number(low) and is_number(high)):
        return ""
    side = "is above zero" if low > 0 else "is below zero" if high < 0 else "cannot be told from zero"
    digits = max(2, digits_for([low, high]) - 1)
    unit = visible(str(item["unit"]))
    return f"The average of the desk {side}: {fixed(mean, digits)} {interval(low, high, digits)} ({unit}, {INTERVAL_NAME})."


def names(rows: Sequence[Row]) -> str:
    """Names of a group in a sentence, flagged ones marked."""
    return listed([visible(r.trader) + (" (flagged)" if r.status == "FLAG" else "") for r in rows], limit=12)
