"""What was decided on this and earlier evaluations, and what came of it: the section of the pages that may show it whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import comb
from typing import Any, Final

from skillstats.evaluation.minutes_outcome import calibration
from skillstats.record.instants import instant_text
from skillstats.report.intervals import Axis, Interval, interval_svg
from skillstats.report.kpis import Table
from skillstats.report.numbers import ABSENT, count, digits_for, fixed, interval, percent, plural, visible
from skillstats.report.section import Picture, Section, in_both_layouts
from skillstats.units import MICRO

DESK: Final = "the desk"
WORDS: Final = {
    "keep": "keep the right to override",
    "cap": "cap the size",
    "revoke": "revoke the right to override",
    "train": "train",
    "change-model": "change the model",
    "change-rule": "change a rule",
    "wait": "wait",
}
MOST_ROWS: Final = 40
COVER: Final = 0.9
NOTES: Final = (
    "Expected: the forecast as it stood when the decision was recorded, of the trader’s whole value-add over the quarter after, in brackets its 90% equal-tailed "
    "interval. It assumes that skill, activity, sizes and markets stay as they were.",
    "Came: the exact sum of the ledger’s day slices of that trader’s interventions in just those sessions. It is luck as much as skill: one quarter inside or "
    "outside its interval says little about a decision, many say whether the forecasts can be trusted.",
    "After cap, revoke, change-model and change-rule the rules were no longer those of the forecast; these are counted apart. Two decisions on one forecast count once.",
    "Times are what the writer of the minutes claims, not proof of when something was decided.",
)


def decided_section(decided: Sequence[Mapping[str, Any]], unit: str) -> Section | None:
    """The section; None where nothing was decided.

    Parameters
    ----------
    decided : see `skillstats.report.readers.material.Material.decided`
    unit : of money
    """
    if not decided:
        return None
    return Section(
        key="decided",
        title="What was decided, and what came of it",
        finding=finding(decided),
        picture=_picture(decided, unit),
        tables=((_table(decided, unit), f"Decisions, oldest first; money in {unit}"),),
        notes=NOTES,
    )


def finding(decided: Sequence[Mapping[str, Any]]) -> str:
    """How many forecasts of earlier decisions held."""
    counts, earlier = calibration(decided), [d for d in decided if d.get("came") is not None]
    new = len(decided) - len(earlier)
    said = f"On this evaluation {plural(new, 'decision')} {'is' if new == 1 else 'are'} recorded. " if new else ""
    stay, changed = counts["stay"], counts["changed"]
    if not earlier:
        return said + "Decisions on earlier evaluations were not given, so there is no outcome to hold them against."
    if not stay["judged"] + changed["judged"]:
        return f"{said}{plural(len(earlier), 'earlier decision')} can not be held against an outcome yet; the table says why."
    if stay["judged"]:
        inside, judged = stay["inside"], stay["judged"]
        said += (
            f"{inside} of {plural(judged, 'forecast')} held: what came lies inside the 90% interval. {reading(inside, judged)}"
        )
    if changed["judged"]:
        said += f" After the rules were changed: {changed['inside']} of {changed['judged']}."
    return said.strip()


def least_by_chance(judged: int) -> int:
    """Fewest hits that a right 90% forecast gives in 19 of 20 cases, were forecasts independent.

    Examples
    --------
    >>> least_by_chance(8), least_by_chance(20)
    (6, 16)
    """
    at_most = 0.0
    for hits in range(judged + 1):
        at_most += comb(judged, hits) * COVER**hits * (1 - COVER) ** (judged - hits)
        if at_most > 0.05:
            return hits
    return judged


def reading(inside: int, judged: int) -> str:
    """What so many hits say."""
    least = least_by_chance(judged)
    if inside >= least:
        return f"Forecasts that are right give {least} or more in 19 of 20 cases, so this does not speak against them."
    return f"Forecasts that are right give {least} or more in 19 of 20 cases, so these were too sure of themselves, or a whole quarter was unusual for all."


def whom(entry: Mapping[str, Any]) -> str:
    """Whom a decision concerns."""
    name = DESK if entry["trader"] is None else visible(str(entry["trader"]))
    return name if entry["regime"] == "all" else f"{name}, {visible(str(entry['regime']))}"


def what(entry: Mapping[str, Any]) -> str:
    """The decision in words."""
    words = WORDS[str(entry["decision"])]
    return words if entry["fraction"] is None else f"{words} at {100 * float(entry['fraction']):g}%"


def verdict(entry: Mapping[str, Any]) -> str:
    """Whether the forecast held, in words."""
    came = entry.get("came")
    if came is None:
        return "decided on this evaluation"
    if came["inside"] is None:
        return f"not judged: {visible(str(came['why']))}"
    return ("inside" if came["inside"] else "outside") + ("" if came["rules_stay"] else ", rules changed")


def _picture(decided: Sequence[Mapping[str, Any]], unit: str) -> Picture | None:
    """Forecast and outcome of each judged decision."""
    judged = [d for d in decided if (d.get("came") or {}).get("inside") is not None][-MOST_ROWS:]
    if not judged:
        return None
    rows = [
        Interval(
            whom(d),
            float(d["expected"]["quarter"]["q05"]),
            float(d["expected"]["quarter"]["q95"]),
            d["came"]["value_add_micro"] / MICRO,
            f"{d['decision']}: {verdict(d)}",
            strong=not d["came"]["inside"],
        )
        for d in judged
    ]
    inside = sum(not r.strong for r in rows)
    title = f"{inside} of {len(rows)} outcomes (dots) lie inside what was forecast when it was decided (lines, 90% equal-tailed intervals)."
    words = [f"{r.label}: forecast {interval(r.low, r.high, 0)}, came {fixed(r.dot, 0)}, {r.words}." for r in rows]
    axis = Axis("decided", f"value-add of the quarter after the decision, {unit}")
    return in_both_layouts(lambda **k: interval_svg(rows, axis, **k), title, " ".join(words))


def _table(decided: Sequence[Mapping[str, Any]], unit: str) -> Table:
    """Everything about each decision."""
    digits = digits_for(v for d in decided for v in (d["expected"].get("quarter") or {}).values())
    heads = (
        "About",
        "Decision",
        "When, as claimed",
        "By",
        "Why",
        "P(IR > hurdle) then",
        "Expected loss of keeping",
        "of revoking",
        "Expected then [90%]",
    )
    heads = (*heads, f"Came, {unit}", "Days", "Decisions", "Forecast")
    return Table(heads, tuple(_line(d, digits) for d in decided), words=(1, 4, 12))


def _line(entry: Mapping[str, Any], digits: int) -> tuple[str, ...]:
    """One decision as text."""
    expected, came = entry["expected"], entry.get("came") or {}
    quarter, losses = expected["quarter"], expected["losses"] or {}
    forecast = (
        ABSENT if quarter is None else f"{fixed(quarter['mean'], digits)} {interval(quarter['q05'], quarter['q95'], digits)}"
    )
    micro = came.get("value_add_micro")
    return (
        whom(entry),
        what(entry),
        instant_text(entry["at"]) + (" (given)" if entry["clock"] == "given" else " (clock)"),
        visible(str(entry["by"])) or ABSENT,
        visible(str(entry["why"])),
        percent(expected["p_above_hurdle"]),
        fixed(losses.get("keep"), digits),
        fixed(losses.get("revoke"), digits),
        forecast,
        fixed(None if micro is None else micro / MICRO, max(digits, 2)),
        count(came.get("days")),
        count(came.get("decisions")),
        verdict(entry),
    )
