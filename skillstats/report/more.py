"""The parts of the page beyond the forest: ranks, next quarter's money, where differences come from, what is still needed, how robust.

Everything here is made from rows that passed the filter of `rows` and from the desk part of the evaluation, and leaves as text or
pictures. A part whose numbers are missing is left out.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from markupsafe import Markup

from skillstats.evaluation.result import Evaluation
from skillstats.report.bars import Bar, bars_svg
from skillstats.report.check_figure import HIGH, LOW, TITLES, checks_svg
from skillstats.report.intervals import Axis, Interval, interval_svg
from skillstats.report.kpis import Table
from skillstats.report.numbers import ABSENT, count, digits_for, fixed, interval, is_number, listed, percent, plural, visible
from skillstats.report.rows import Row
from skillstats.report.words import Scale

MOST_ROWS: Final = 60
"""Traders up to which a picture has a row for each; beyond, the numbers stay in evaluation.json."""
NONE: Final = Table((), ())


@dataclass(frozen=True, slots=True)
class Picture:
    """A figure in two layouts, with its finding as title."""

    title: str
    wide: Markup
    narrow: Markup


@dataclass(frozen=True, slots=True)
class More:
    """What the template prints of these parts; an absent picture is None, an absent table has no lines, an absent sentence is empty."""

    ranks: Picture | None
    statements: tuple[str, ...]
    listed: str
    quarter: Picture | None
    split: Picture | None
    split_words: str
    needed: Table
    needed_words: str
    raw: Table
    robust: Table
    day_errors: Table
    checks: Picture | None


def more_of(evaluation: Evaluation, own: Sequence[Row], scale: Scale, unit: str) -> More:
    """Every part, of the rows that may be shown."""
    shown = [r for r in own if r.detail is not None]
    withheld = evaluation.status == "WITHHOLD"
    lists = {} if withheld else evaluation.lists
    desk = {} if withheld or not shown else evaluation.desk
    names = {r.trader: r.codes if r.status == "FLAG" else "" for r in own if not r.withheld}
    return More(
        ranks=_ranks(lists, names),
        statements=_statements(lists, names),
        listed=_false_discovery(lists, names),
        quarter=_quarter(shown, desk, unit),
        split=_split(desk),
        split_words=_split_words(desk),
        needed=_needed(shown),
        needed_words=_needed_words(desk, scale),
        raw=_raw(shown, scale),
        robust=_robust(shown, scale),
        day_errors=_day_errors(evaluation.day_errors, unit),
        checks=_checks({} if withheld else evaluation.diagnostics.get("predictive") or {}),
    )


def _both(draw: Callable[..., Markup], title: str, description: str) -> Picture:
    """A picture in both layouts."""
    wide, narrow = (draw(narrow=n, title=title, description=description) for n in (False, True))
    return Picture(title, wide, narrow)


def _ranks(lists: Mapping[str, Any], names: Mapping[str, str]) -> Picture | None:
    lines = [line for line in lists.get("ranks") or () if line["trader"] in names]
    if not 2 <= len(lines) <= MOST_ROWS:
        return None
    supported = bool(lists["order"]["supported"])
    rows = [
        Interval(
            visible(str(line["trader"])),
            float(line["rank_q05"]),
            float(line["rank_q95"]),
            float(line["rank_mean"]) if is_number(line["rank_mean"]) else None,
            f"best {percent(line['p_best'])}, top quarter {percent(line['p_top_quartile'])}",
            flag=names[line["trader"]],
        )
        for line in lines
    ]
    title = (
        f"{rows[0].label} stands above the others; the lines show how far up or down each may be."
        if supported
        else "The data support no order of the traders as a whole; the lines show how far up or down each may stand."
    )
    words = [f"{r.label}: rank {r.low:.0f} to {r.high:.0f}, {r.words}." for r in rows]
    axis = Axis("ranks", "rank among the traders shown, 1 is best", (1, len(rows)))
    description = "90% intervals of the rank of each trader. " + " ".join(words)
    return _both(lambda **k: interval_svg(rows, axis, **k), title, description)


def _statements(lists: Mapping[str, Any], names: Mapping[str, str]) -> tuple[str, ...]:
    """Who is above whom with the certainty asked, a sentence a trader."""
    below: dict[str, list[str]] = {}
    for s in (lists.get("order") or {}).get("statements") or ():
        if {s["above"], s["below"]} <= set(names):
            below.setdefault(str(s["above"]), []).append(str(s["below"]))
    ordered = sorted(below.items(), key=lambda item: (-len(item[1]), item[0]))
    return tuple(f"{visible(name)} above {listed(map(visible, sorted(others)), limit=8)}" for name, others in ordered[:12])


def _false_discovery(lists: Mapping[str, Any], names: Mapping[str, str]) -> str:
    fdr = lists.get("fdr") or {}
    members = [m for m in fdr.get("members") or () if m["trader"] in names]
    if not members:
        return ""
    every = listed([visible(str(m["trader"])) for m in members], limit=12)
    said = f"A list made to hold at most {percent(fdr['rate'])} false names: {every}; {percent(members[-1]['running'])} expected false."
    weak = [visible(str(m["trader"])) for m in members if not m["alone"]]
    if not weak:
        return said
    verb = "is" if len(weak) == 1 else "are"
    return f"{said} By {'itself' if len(weak) == 1 else 'themselves'} {listed(weak, limit=12)} {verb} no claim: the surer names pay for {'it' if len(weak) == 1 else 'them'}."


def _quarter(shown: Sequence[Row], desk: Mapping[str, Any], unit: str) -> Picture | None:
    own = [
        (r.trader, r.detail["quarter"], r.codes if r.status == "FLAG" else "")
        for r in shown
        if r.detail and r.detail.get("quarter")
    ]
    together = desk.get("quarter")
    lines = [*own, *([("all shown together", together, "")] if together else [])]
    if not own or len(lines) > MOST_ROWS:
        return None
    digits = digits_for(v for _, q, _ in lines for v in (q["q05"], q["q95"]))
    # three significant digits of the largest amount: a forecast has no more
    largest = max(abs(v) for _, q, _ in lines for v in (q["q05"], q["q95"]))
    step = 10.0 ** max(0, math.floor(math.log10(largest)) - 2) if largest > 0 else 1.0

    def money(value: float) -> str:
        return fixed(step * round(value / step) if step > 1 else value, digits)

    rows = [
        Interval(
            visible(str(name)),
            q["q05"],
            q["q95"],
            q["mean"],
            f"mean {money(q['mean'])}, P(loss) {percent(q['p_loss'])}",
            flag=flag,
            strong=q is together,
        )
        for name, q, flag in lines
    ]
    name, q, _ = lines[-1]
    who = "The traders together" if together else visible(str(name))
    title = f"{who}: {money(q['q05'])} to {money(q['q95'])} {unit} with 90% probability; a loss has probability {percent(q['p_loss'])}."
    words = [f"{r.label}: {r.words}, [{money(r.low)}, {money(r.high)}]." for r in rows]
    axis = Axis("quarter", f"value-add of the next {count(q['sessions'])} sessions, {unit}: mean and 90% interval")
    description = f"Predicted value-add of the next quarter in {unit}. " + " ".join(words)
    return _both(lambda **k: interval_svg(rows, axis, **k), title, description)


def _split(desk: Mapping[str, Any]) -> Picture | None:
    variance = desk.get("variance")
    if not variance:
        return None
    labels = [visible(str(s["label"])) for s in variance["decision"]]
    names = (
        "one decision",
        f"the average of a typical record ({count(variance['sessions'])} days, {count(variance['decisions'])} decisions)",
    )
    bars = [Bar(n, tuple(float(s["mean"]) for s in variance[k])) for n, k in zip(names, ("decision", "record"), strict=True)]
    one, record = (variance[k][0]["mean"] for k in ("decision", "record"))
    title = f"Skill makes up {percent(one)} of the differences between single decisions and {percent(record)} of those between whole records."
    told = [
        f"{bar.name}: " + ", ".join(f"{w} {percent(s)}" for w, s in zip(labels, bar.shares, strict=True)) + "." for bar in bars
    ]
    return _both(lambda **k: bars_svg(bars, labels, **k), title, "Shares of the variance of outcomes. " + " ".join(told))


def _split_words(desk: Mapping[str, Any]) -> str:
    variance = desk.get("variance")
    if not variance:
        return ""
    skill = variance["record"][0]
    return (
        f"The share of skill between records is itself uncertain: {percent(skill['q05'])} to {percent(skill['q95'])} with probability 90%. "
        "The parts of each bar add up to 100%."
    )


def _needed(shown: Sequence[Row]) -> Table:
    lines = []
    for row in shown:
        needed = (row.detail or {}).get("needed")
        if not needed:
            continue
        if row.claims:
            days, years = "none: clears the hurdle", ABSENT
        elif not is_number(needed["days"]):
            days, years = "no number: estimate not above the hurdle", ABSENT
        else:
            days, years = count(needed["days"]), fixed(needed["years"], 1)
        lines.append((_name(row), count(row.days), days, years))
    heads = ("Trader", "Active days so far", "Active days still needed", "Years in all, from the first day")
    return Table(heads, tuple(lines)) if lines else NONE


def _needed_words(desk: Mapping[str, Any], scale: Scale) -> str:
    lines = [n for n in desk.get("needed") or () if is_number(n["years"])]
    if not lines:
        return ""
    parts = [f"{fixed(n['years'], 1)} years at an annual IR of {n['ir']:g}" for n in lines]
    return (
        f"At the rhythm of this desk, under the prior of the plan alone, a claim with {scale.sure} certainty is reached in 8 of 10 cases after "
        f"{listed(parts)}."
    )


def _raw(shown: Sequence[Row], scale: Scale) -> Table:
    lines = []
    for row in shown:
        d = row.detail or {}
        errors, tails = d.get("type_errors") or {}, d.get("tails") or {}
        lines.append(
            (
                _name(row),
                fixed(row.raw_ir, scale.digits),
                fixed(d.get("money_ir_annual" if scale.name == "annual IR" else "money_ir"), scale.digits),
                percent(errors.get("sign")),
                f"{fixed(errors['exaggeration'], 1)} times" if is_number(errors.get("exaggeration")) else ABSENT,
                percent(tails.get("largest_row")),
                percent(tails.get("largest_day")),
                _signed(tails.get("ir_change"), scale.digits),
                _signed_points(tails.get("probability_change")),
            )
        )
    heads = (
        "Trader",
        f"Raw {scale.name}",
        "The same in money, not risk",
        "Sign wrong",
        "Exaggerates",
        "Largest decision",
        "Largest day",
        "Without one day: IR",
        "Without one day: P",
    )
    return Table(heads, tuple(lines)) if lines else NONE


def _robust(shown: Sequence[Row], scale: Scale) -> Table:
    standard = "ir_annual_standard" if scale.name == "annual IR" else "ir_decision_standard"
    lines = []
    for row in shown:
        d = row.detail or {}
        prior, half, year = d.get("prior") or {}, d.get("half_life") or {}, d.get("year") or {}
        factor = year.get("factor")
        lines.append(
            (
                _name(row),
                _mean_interval(d.get(standard), scale.digits),
                _share_interval(d.get("reliability")),
                f"{count(half.get('median'))}" if half else ABSENT,
                fixed(prior.get("p_spread"), 3),
                fixed(prior.get("p_mean"), 3),
                f"{percent(prior.get('halved'))}, {percent(prior.get('doubled'))}",
                "none" if factor == 1 else fixed(factor, 2),
            )
        )
    heads = (
        "Trader",
        f"{scale.name} in the desk\u2019s mix",
        "Reliability [90%]",
        "Effective decisions for half",
        "P moves with the prior of the spread",
        "P moves with the prior of the mean",
        "P, spreads halved, doubled",
        "Correction of days",
    )
    return Table((heads[0], heads[1][0].upper() + heads[1][1:], *heads[2:]), tuple(lines)) if lines else NONE


def _day_errors(lines: Sequence[Mapping[str, Any]], unit: str) -> Table:
    if not lines:
        return NONE
    digits = digits_for(line["mean_se"] for line in lines)
    heads = (
        "Trader",
        "Rows",
        "Days",
        f"Mean, {unit}",
        "Day-clustered error",
        "90% interval",
        "Hit rate",
        "Its error",
        "Worth as many rows",
    )
    found = tuple(
        (
            "whole desk" if line["trader"] is None else visible(str(line["trader"])),
            count(line["rows"]),
            count(line["days"]),
            fixed(line["mean"], digits),
            fixed(line["mean_se"], digits),
            interval(line["mean_q05"], line["mean_q95"], digits) if is_number(line["mean_q05"]) else ABSENT,
            f"{100 * line['hit_rate']:.0f}%",
            f"{100 * line['hit_rate_se']:.1f}%" if is_number(line["hit_rate_se"]) else ABSENT,
            count(line["n_eff"]),
        )
        for line in lines
    )
    return Table(heads, found)


def _checks(checks: Mapping[str, Mapping[str, Any]]) -> Picture | None:
    known = {name: c for name, c in checks.items() if name in TITLES and c.get("counts") and c["low"] < c["high"]}
    if not known:
        return None
    missed = [TITLES[name] for name, c in known.items() if not LOW <= c["p"] <= HIGH]
    title = (
        f"Where the data leave what the model would produce: {listed(missed)}."
        if missed
        else f"In all {plural(len(known), 'figure')} the data look like what the model would produce."
    )
    told = [f"{TITLES[name]}: p {c['p']:.2f}." for name, c in known.items()]
    description = "Histograms of replicated data with a line at the data\u2019s value. " + " ".join(told)
    return _both(lambda **k: checks_svg(known, **k), title, description)


def _name(row: Row) -> str:
    """Name of a trader in a table of estimates, a flagged one marked."""
    return visible(row.trader) + (" (flagged)" if row.status == "FLAG" else "")


def _mean_interval(points: Mapping[str, Any] | None, digits: int) -> str:
    return f"{fixed(points['mean'], digits)} {interval(points['q05'], points['q95'], digits)}" if points else ABSENT


def _share_interval(points: Mapping[str, Any] | None) -> str:
    return f"{percent(points['mean'])} [{percent(points['q05'])}, {percent(points['q95'])}]" if points else ABSENT


def _signed(value: Any, digits: int) -> str:
    """A change with its sign."""
    text = fixed(value, digits)
    return f"+{text}" if is_number(value) and value > 0 and text.strip("0.") else text


def _signed_points(value: Any) -> str:
    """A change of a probability in percentage points."""
    return ABSENT if not is_number(value) else f"{_signed(100 * float(value), 0)} points"
