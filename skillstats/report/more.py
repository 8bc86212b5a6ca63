"""The parts of the page beyond the forest: ranks, next quarter's money, where differences come from, what is still needed, how robust.

Everything here is made from rows that passed the filter of `rows` and from the desk part of the evaluation, and leaves as text or
pictures. A part whose numbers are missing is left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from skillstats.evaluation.result import Evaluation
from skillstats.report.bars import Bar, bars_svg
from skillstats.report.check_figure import HIGH, LOW, TITLES, checks_svg
from skillstats.report.intervals import interval_picture
from skillstats.report.kpis import Table
from skillstats.report.lengths import of_one_trader
from skillstats.report.more_tables import day_error_rows, needed_rows, raw_rows, robust_rows
from skillstats.report.numbers import count, fixed, is_number, listed, percent, plural, visible
from skillstats.report.plots.quarter import quarter_of
from skillstats.report.plots.ranks import ranks_of
from skillstats.report.rows import Row
from skillstats.report.section import Picture, in_both_layouts
from skillstats.report.words import Scale


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
    ranks, quarter = ranks_of(lists, names), quarter_of(shown, desk, unit)
    return More(
        ranks=interval_picture(ranks) if ranks else None,
        statements=_statements(lists, names),
        listed=_false_discovery(lists, names),
        quarter=interval_picture(quarter) if quarter else None,
        split=_split(desk),
        split_words=_split_words(desk),
        needed=needed_rows(shown),
        needed_words=_needed_words(desk, scale, simulated=bool(evaluation.operating.get("available"))),
        raw=raw_rows(shown, scale),
        robust=robust_rows(shown, scale),
        day_errors=day_error_rows(evaluation.day_errors, unit),
        checks=_checks({} if withheld else evaluation.diagnostics.get("predictive") or {}),
    )


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
    return in_both_layouts(
        lambda **k: bars_svg(bars, labels, **k), title, "Shares of the variance of outcomes. " + " ".join(told)
    )


def _split_words(desk: Mapping[str, Any]) -> str:
    variance = desk.get("variance")
    if not variance:
        return ""
    skill = variance["record"][0]
    return (
        f"The share of skill between records is itself uncertain: {percent(skill['q05'])} to {percent(skill['q95'])} with probability 90%. "
        "The parts of each bar add up to 100%."
    )


def _needed_words(desk: Mapping[str, Any], scale: Scale, *, simulated: bool) -> str:
    lines = [n for n in desk.get("needed") or () if is_number(n["years"])]
    if not lines:
        return ""
    parts = [f"{fixed(n['years'], 1)} years at an annual IR of {n['ir']:g}" for n in lines]
    return (
        f"At the rhythm of this desk, under the prior of the plan alone, a claim with {scale.sure} certainty is reached in 8 of 10 cases after "
        f"{listed(parts)}. {of_one_trader(simulated=simulated)}"
    )


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
    return in_both_layouts(lambda **k: checks_svg(known, **k), title, description)
