"""The section on risk: did the overrides make the book safer, at what cost, and what could not be seen yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from skillstats.report.intervals import Axis, Interval, interval_svg
from skillstats.report.kpis import Table
from skillstats.report.numbers import ABSENT, count, digits_for, fixed, interval, is_number, percent, visible
from skillstats.report.section import Picture, Section, Setting, in_both_layouts

Line = Mapping[str, Any]
PICTURED: Final = {"volatility": "volatility", "shortfall": "expected shortfall", "drawdown": "maximum drawdown"}
SHORT: Final = {"volatility": "volatility", "shortfall": "shortfall", "drawdown": "drawdown"}
MOST_ROWS: Final = 20
"""Traders up to which the picture has a row for each."""
DESK: Final = "whole desk"
BOOKS: Final = "The model's book and the actual book"
BRACKETS: Final = "In brackets 90% equal-tailed intervals"
TAILS: Final = {
    "tail": "All departures: model's worst 5% of days against its best 5%",
    "cut_tail": "Vetoes and down-sizes: model's worst 5% of days",
    "cut": "Vetoes and down-sizes: all days",
}
NOTES: Final = (
    "Four scores stand apart and are never summed: value-add, risk, cost, tails. A mandate to mitigate risk is judged by the change in expected "
    "shortfall and by the certainty equivalent, not by mean value-add.",
    "Trading less lowers every measure of risk by itself, whoever does it. Likewise anyone who vetoes avoids losses on the model's worst "
    "days and gives up gains on its best: read the net of both, and the certainty equivalent, which charges for what was given up.",
    "A trader's line is the model's book with that trader's departures alone. These lines do not add to the desk's, because what two people "
    "do on a day may offset.",
    "Maximum drawdown belongs to a path: its interval says what resampled paths of the same days show, and is wide.",
)

UNSEEN_NOTE: Final = (
    "Chance a day of worse: of n days without a loss beyond the worst one, a chance of up to 1 - .05^(1/n), about 3 / n, cannot be ruled "
    "out at 95%. A loss of the size in the column beside it, as often as that, would cancel the whole record. Hit rates say nothing of it."
)


def risk_section(block: Line, setting: Setting) -> Section | None:
    """The section; None where the block is not available."""
    if not block.get("available"):
        return None
    lines = [c for c in block["changes"] if c["trader"] is None or visible(str(c["trader"])) in setting.traders]
    desk = {c["measure"]: c for c in lines if c["trader"] is None}
    mandate = [m for m in block["mandate"] if m["trader"] is None or visible(str(m["trader"])) in setting.traders]
    unseen = [u for u in block["unseen"] if visible(str(u["trader"])) in setting.traders]
    tables = [
        (
            _desk_table([c for c in desk.values() if c["score"] != "tails"]),
            f"{BOOKS}, {count(block['sessions'])} sessions. {BRACKETS}",
        ),
        (_tail_table(desk), f"Tails of the desk: loss avoided net of gain given up. {BRACKETS}"),
        (
            _mandate_table(mandate, setting.unit),
            f"As a mandate to mitigate risk: the model's book with all, and with one trader alone. {BRACKETS}",
        ),
    ]
    if unseen:
        tables.append(
            (_unseen_table(unseen, setting.unit), "The unseen loss: vetoes and down-sizes, and what so many days cannot rule out")
        )
    return Section(
        key="risk",
        title="Did the overrides make the book safer?",
        finding=_finding(desk, mandate, unseen),
        picture=_picture(desk, lines, setting.unit),
        tables=tuple(tables),
        notes=(*NOTES, UNSEEN_NOTE, _how(block, setting.unit)) if unseen else (*NOTES, _how(block, setting.unit)),
    )


def _finding(desk: Mapping[str, Line], mandate: Sequence[Line], unseen: Sequence[Line]) -> str:
    """What changed, what is not settled, whether a mandate to mitigate risk was met, and whose record looks like options sold."""
    sure = [k for k in PICTURED if is_number(desk[k]["share"]) and _settled(desk[k])]
    open_ = [PICTURED[k] for k in PICTURED if k not in sure]
    told = [f"{PICTURED[k]} is {_moved(desk[k]['share'])}" for k in sure]
    first = f"Because of the interventions {_joined(told)}." if told else ""
    second = f" What they did to {_joined(open_)} cannot be told from chance." if open_ else ""
    third = {
        "met": " A mandate to mitigate risk was met by the desk.",
        "missed": " A mandate to mitigate risk was missed by the desk.",
        "not settled": " Whether the desk met a mandate to mitigate risk is not settled.",
    }[mandate[0]["judgement"]]
    names = [visible(str(u["trader"])) for u in unseen if u["option_like"]]
    fourth = (
        f" The record of {_joined(names)} looks like options sold: many small gains, and losses that are rare and large or still to come."
        if names
        else ""
    )
    return (first + second + third + fourth).strip()


def _settled(line: Line) -> bool:
    """Whether the interval of a change leaves out 0."""
    return bool(line["share_q05"] > 0 or line["share_q95"] < 0)


def _moved(share: float) -> str:
    return f"{fixed(100 * abs(share), 0)}% {'lower' if share < 0 else 'higher'}"


def _joined(parts: Sequence[str]) -> str:
    return " and ".join(parts) if len(parts) < 3 else ", ".join(parts[:-1]) + " and " + parts[-1]


def _picture(desk: Mapping[str, Line], lines: Sequence[Line], unit: str) -> Picture | None:
    """Changes in percent of the model's measure: three of the desk, then the shortfall of the book with each trader alone."""
    chosen = [(f"Desk: {words}", desk[k]) for k, words in SHORT.items() if is_number(desk[k]["share"])]
    own = [c for c in lines if c["measure"] == "shortfall" and c["trader"] is not None and is_number(c["share"])]
    if len(own) <= MOST_ROWS:
        chosen += [(f"{visible(str(c['trader']))} alone: shortfall", c) for c in own]
    if not chosen or not is_number(desk["shortfall"]["share"]):
        return None
    es = desk["shortfall"]
    title = (
        f"Interventions made the book's worst days {fixed(100 * abs(es['share']), 0)}% {'smaller' if es['share'] < 0 else 'larger'}"
        if _settled(es)
        else "Whether the interventions made the book's worst days smaller is not settled"
    )
    rows = [
        Interval(label, 100 * c["share_q05"], 100 * c["share_q95"], 100 * c["share"], _two(c, unit), strong=_settled(c))
        for label, c in chosen
    ]
    described = "Change against the model's book in percent, 90% equal-tailed intervals. " + "; ".join(
        f"{r.label} {fixed(r.dot, 0)}, {fixed(r.low, 0)} to {fixed(r.high, 0)}" for r in rows
    )
    axis = Axis("risk", "Change against the model's book alone, % (90% equal-tailed interval)")
    return in_both_layouts(lambda **given: interval_svg(rows, axis, **given), title, described)


def _two(line: Line, unit: str) -> str:
    """Both books' measure in words."""
    digits = digits_for([line["model"], line["with_people"]])
    return f"{fixed(line['model'], digits)} \u2192 {fixed(line['with_people'], digits)} {unit}"


def _desk_table(lines: Sequence[Line]) -> Table:
    heads = ("Measure", "Score", "Model's book", "Actual book", "Change", "90% interval", "Unit")
    rows = []
    for c in lines:
        digits = digits_for([c["model"], c["with_people"], c["change"], c["q05"], c["q95"]])
        rows.append(
            (
                c["name"], c["score"], fixed(c["model"], digits), fixed(c["with_people"], digits), fixed(c["change"], digits),
                interval(c["q05"], c["q95"], digits), c["unit"],
            )
        )  # fmt: skip
    return Table(heads, tuple(rows))


def _tail_table(desk: Mapping[str, Line]) -> Table:
    """Loss avoided, gain given up and net, each with its interval, for the tails and for all days."""
    rows = []
    for key, words in TAILS.items():
        lines = [desk[f"{key}_{part}"] for part in ("avoided", "forgone", "net")]
        digits = digits_for(c[k] for c in lines for k in ("change", "q05", "q95"))
        cells = (f"{fixed(c['change'], digits)} {interval(c['q05'], c['q95'], digits)}" for c in lines)
        rows.append((words, *cells, lines[0]["unit"]))
    return Table(("Days", "Loss avoided", "Gain given up", "Net", "Unit"), tuple(rows))


def _mandate_table(mandate: Sequence[Line], unit: str) -> Table:
    heads = (
        "Book", f"Change in expected shortfall, {unit} a day", "90% interval", f"Certainty equivalent, {unit} a year", "90% interval",
        "Mandate",
    )  # fmt: skip
    es = digits_for(m[k] for m in mandate for k in ("shortfall", "shortfall_q05", "shortfall_q95"))
    ce = digits_for(m[f"certainty_equivalent{k}"] for m in mandate for k in ("", "_q05", "_q95"))
    rows = [
        (
            DESK if m["trader"] is None else f"{visible(str(m['trader']))} alone",
            fixed(m["shortfall"], es), interval(m["shortfall_q05"], m["shortfall_q95"], es),
            fixed(m["certainty_equivalent"], ce), _bracket(m, ce), m["judgement"],
        )
        for m in mandate
    ]  # fmt: skip
    return Table(heads, tuple(rows))


def _bracket(line: Line, digits: int) -> str:
    low, high = line["certainty_equivalent_q05"], line["certainty_equivalent_q95"]
    return interval(low, high, digits) if is_number(low) else ABSENT


def _unseen_table(unseen: Sequence[Line], unit: str) -> Table:
    heads = (
        "Trader", "Vetoes and down-sizes", "Days", "Hit rate", "Losses seen", f"Mean gain, {unit}", f"Worst, {unit}",
        "Chance a day of worse, up to", f"Loss that would cancel all, {unit}", "Like options sold",
    )  # fmt: skip
    digits = digits_for(u[k] for u in unseen for k in ("mean_gain", "worst"))
    rows = [
        (
            visible(str(u["trader"])), count(u["decisions"]), count(u["days"]),
            f"{100 * u['hit_rate']:.0f}%" if u["hit_rate"] in (0.0, 1.0) else percent(u["hit_rate"]), count(u["losses"]),
            fixed(u["mean_gain"], digits), fixed(u["worst"], digits), f"{100 * u['no_loss_bound']:.1f}%",
            fixed(u["cancelling_loss"], digits), "yes" if u["option_like"] else "no",
        )
        for u in unseen
    ]  # fmt: skip
    return Table(heads, tuple(rows))


def _how(block: Line, unit: str) -> str:
    length = block["block"]
    blocks = "single sessions" if length < 1.05 else f"blocks of {fixed(length, 1)} sessions on average"
    priced = (
        f"Certainty equivalent and manipulation-proof measure take a capital of {fixed(block['capital'], 0)} {unit} and a relative risk "
        f"aversion of {fixed(block['risk_aversion'], 0)}: choices of governance, not estimates. "
        if is_number(block["capital"])
        else ""
    )
    tail = fixed(block["tail"] * block["sessions"], 1)
    return (
        f"{priced}The worst 5% of {count(block['sessions'])} sessions are {tail} days. Intervals: stationary bootstrap, {count(block['draws'])} draws of "
        f"{blocks}, seed {count(block['seed'])}. Closed positions only."
    )
