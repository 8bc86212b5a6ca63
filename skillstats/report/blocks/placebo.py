"""The section of the block `placebo`: what luck alone would have given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from skillstats.luck.placebo import DEALT
from skillstats.report.intervals import Axis, Interval, interval_svg
from skillstats.report.kpis import Table
from skillstats.report.numbers import ABSENT, count, digits_for, fixed, listed, p_value, percent, visible
from skillstats.report.section import Section, Setting, in_both_layouts

TITLE: Final = "Is the picking better than luck?"
RARE: Final = 0.05
MOST_ROWS: Final = 60
NOTES: Final = (
    "Each trader's departures were dealt out again, many times, among signals that were alike before anybody chose (same day, side, asset class "
    "and risk) or, where whole days are chosen, among whole days of the same regime. p is the share of these that did at least as well per "
    "unit of risk. The effect in money is for the same re-assignments and has no p: in money, someone without skill who acts on volatile "
    "days looks skilled.",
    "p by days takes the picks of each day as one bet, in case they were one choice of something the cells do not know, a sector say. Somebody is "
    "called better than random only where both are at most .05.",
    "The placebo sees which signals were picked, not how often or in which regime one departs, and not execution; it needs no model of outcomes. "
    "P(IR > hurdle) sees all of it. Where the two disagree, the row of the trader is flagged W-PLACEBO.",
)


def placebo_section(block: Mapping[str, Any], setting: Setting) -> Section | None:
    """Finding, the observed effect of each trader inside its band of luck, and the numbers."""
    if not block["available"]:
        return Section("placebo", TITLE, str(block["why"]))
    traders = [t for t in block["traders"] if visible(t["trader"]) in setting.traders]
    tested = [t for t in traders if t["testable"]]
    digits = digits_for(t["effect_money"] for t in tested)
    picture = None
    if tested:
        rows = [_interval(t, digits, setting.unit) for t in tested[:MOST_ROWS]]
        axis = Axis("placebo", "sd of luck; line: 90% equal-tailed band of luck")

        def draw(**layout: Any) -> Any:
            return interval_svg(rows, axis, **layout)

        picture = in_both_layouts(
            draw, _headline(tested), f"One row a trader: the band of luck and the observed effect. {_finding(tested)}"
        )
    tables = [(_table(tested, digits, setting), "Placebo of each trader, beside the posterior")] if tested else []
    untested = tuple(f"{visible(t['trader'])} is not testable. {t['why']}" for t in traders if not t["testable"])
    return Section("placebo", TITLE, _finding(tested), picture, tuple(tables), (*NOTES, *untested))


def _interval(test: Mapping[str, Any], digits: int, unit: str) -> Interval:
    low, high = ((test[k] - test["mean"]) / test["sd"] for k in ("q05", "q95"))
    flag = "W-PLACEBO" if test.get("agreement") == "disagree" else ""
    words = f"{_signed(test['effect_money'], digits)} {unit}, p {p_value(test['p'])}"
    return Interval(visible(test["trader"]), low, high, test["z"], words, flag, strong=_rare(test, "p"))


def _headline(tested: Sequence[Mapping[str, Any]]) -> str:
    better = [visible(t["trader"]) for t in tested if _rare(t, "p")]
    worse = [visible(t["trader"]) for t in tested if _rare(t, "p_harm")]
    said = [f"{listed(better, 5)} picked better than 95% of random picks"] if better else []
    said += [f"{listed(worse, 5)} worse than 95%"] if worse and better else []
    said += [f"{listed(worse, 5)} picked worse than 95% of random picks"] if worse and not better else []
    return "; ".join(said) or "Everybody's picks lie inside the band of luck"


def _finding(tested: Sequence[Mapping[str, Any]]) -> str:
    if not tested:
        return "No trader can be tested; the reasons stand below."
    chance = 1 - (1 - RARE) ** len(tested)
    luck = (
        f" Among {count(len(tested))} without skill at least one would be above in {percent(chance)} of desks."
        if len(tested) > 1
        else ""
    )
    best = max(tested, key=lambda t: t["z"])
    text = (
        f"Furthest above random picks: {visible(best['trader'])} with {_signed(best['z'], 1)} sd of luck (p = {p_value(best['p'])})."
        if best["z"] > 0
        else "Nobody's picks did better than the average of random picks."
    )
    disagree = [visible(t["trader"]) for t in tested if t.get("agreement") == "disagree"]
    tail = f" Placebo and posterior disagree about {listed(disagree, 5)}." if disagree else ""
    return f"{text}{luck}{tail}"


def _table(tested: Sequence[Mapping[str, Any]], digits: int, setting: Setting) -> Table:
    lines = []
    for t in tested:
        above = t.get("p_above_hurdle")
        lines.append(
            (
                visible(t["trader"]),
                DEALT[t["scheme"]],
                count(t["n_acted"]),
                count(t["n_active"]),
                _signed(t["effect_money"], digits),
                _signed(t["z"], 1),
                p_value(t["p"]),
                p_value(t["p_harm"]),
                p_value(t.get("p_days")),
                ABSENT if above is None else percent(above),
                str(t.get("agreement", ABSENT)),
            )
        )
    heads = (
        "Trader", "Dealt out", "Departures", "Active days", f"Effect, {setting.unit}", "Effect, sd of luck", "p (as good by luck)", "p (as bad by luck)", "p by days",
        f"P(IR > {setting.hurdle})", "Together",
    )  # fmt: skip
    return Table(heads, tuple(lines))


def _rare(test: Mapping[str, Any], name: str) -> bool:
    """Whether so good (``p``) or so bad (``p_harm``) picks are rare by luck, also with a day's picks as one choice."""
    return bool(max(test[name], test.get(f"{name}_days") or 0.0) <= RARE)


def _signed(value: float, digits: int) -> str:
    text = fixed(value, digits)
    return text if value < 0 or not float(f"{value:.{digits}f}") else f"+{text}"
