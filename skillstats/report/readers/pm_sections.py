"""Sections of the manager's page below the cells: the desk as one, decay, the blocks of the evaluation, names where they may be told, the books."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from skillstats.report.blocks.choice import choice_section
from skillstats.report.blocks.factors import factors_section
from skillstats.report.blocks.policies import policies_section
from skillstats.report.blocks.risk import risk_section
from skillstats.report.cells import Judge
from skillstats.report.intervals import Axis, Interval, interval_svg
from skillstats.report.kpis import Table
from skillstats.report.numbers import ABSENT, count, digits_for, fixed, interval, is_number, percent, plural, visible
from skillstats.report.section import Section, Setting, in_both_layouts
from skillstats.report.signed_bars import SignedBar, signed_bars_svg

SECTIONS: Final = {"factors": factors_section, "choice": choice_section, "risk": risk_section, "policies": policies_section}


def sections_below(data: Mapping[str, Any], judge: Judge) -> list[Section]:
    """Sections below the cells: the desk as one, decay, blocks, and names where they may be told."""
    setting = Setting(judge.unit, (), f"{judge.hurdle:g}", judge.sure)
    made = [_names(data, judge), _desk(data, judge), _decay(data, judge)]
    made += [SECTIONS[name](block, setting) for name, block in data["blocks"].items()]
    return [s for s in made if s is not None]


def _names(data: Mapping[str, Any], judge: Judge) -> Section | None:
    """One line a trader, only where the frozen plan names them."""
    rows = data["traders"]
    if not rows:
        return None
    shown = [r for r in rows if is_number(r["ir_annual_mean"]) and data["status"] != "WITHHOLD"]
    lines = []
    for r in rows:
        if r in shown and r["status"] != "WITHHOLD":
            band = f"{fixed(r['ir_annual_mean'], 2)} {interval(r['ir_annual_q05'], r['ir_annual_q95'], 2)}"
            lines.append(
                (
                    visible(r["trader"]),
                    count(r["n"]),
                    count(r["days"]),
                    band,
                    percent(r["p_above_hurdle"], judge.certainty),
                    r["status"],
                    visible(r["reasons"]),
                )
            )
        else:
            lines.append(
                (visible(r["trader"]), count(r["n"]), count(r["days"]), ABSENT, ABSENT, "WITHHOLD", visible(r["reasons"]))
            )
    heads = ("Trader", "Decisions", "Days", "Annual IR [90%]", "P(IR > hurdle)", "Status", "Reasons")
    clear = sum(is_number(r["p_above_hurdle"]) and r["p_above_hurdle"] >= judge.certainty for r in shown)
    finding = f"{clear or 'None'} of {plural(len(rows), 'trader')} {'clear' if clear > 1 else 'clears'} the hurdle with {judge.sure} certainty. Names are shown because the plan, frozen before the first outcome, says so."
    return Section(
        "traders",
        "Trader by trader",
        finding,
        None,
        ((Table(heads, tuple(lines), words=(6,)), "Estimates for each trader, 90% equal-tailed intervals"),),
    )


def _desk(data: Mapping[str, Any], judge: Judge) -> Section | None:
    """What the model of skill says of the desk as one."""
    desk = data["desk"]
    if not desk or not desk["population"]:
        return None
    lines = []
    for item in desk["population"].values():
        digits = max(2, digits_for([item["q05"], item["q95"]]) - 1)
        lines.append(
            (
                visible(item["label"]),
                fixed(item["median"], digits),
                interval(item["q05"], item["q95"], digits),
                visible(item["unit"]),
            )
        )
    mean = next(iter(desk["population"].values()))
    side = "is above zero" if mean["q05"] > 0 else "is below zero" if mean["q95"] < 0 else "cannot be told from zero"
    digits = max(2, digits_for([mean["q05"], mean["q95"]]) - 1)
    finding = f"The average skill of the desk {side}: {fixed(mean['mean'], digits)} {interval(mean['q05'], mean['q95'], digits)} ({visible(mean['unit'])}, 90% interval)."
    quarter, picture = desk["quarter"], None
    if quarter:
        row = Interval(
            "whole desk", quarter["q05"], quarter["q95"], quarter["mean"], f"P(loss) {percent(quarter['p_loss'])}", strong=True
        )
        title = f"Next quarter the desk is expected to add {fixed(quarter['mean'], 0)} {judge.unit}; a loss has probability {percent(quarter['p_loss'])}"
        words = f"{title}. 90% interval {interval(quarter['q05'], quarter['q95'], 0)}."
        picture = in_both_layouts(
            partial(
                interval_svg, [row], Axis("desk", f"value-add of the coming quarter, {judge.unit}; 90% equal-tailed interval")
            ),
            title,
            words,
        )
    table = Table(("Quantity", "Median", "90% equal-tailed interval", "Unit"), tuple(lines))
    notes = (
        "If the coming quarter is like the period: the same activity, sizes and markets. Spreads say how far traders, regimes and actions differ; whose they are is not on this page.",
    )
    return Section(
        "desk",
        "Skill of the desk as one",
        finding,
        picture,
        ((table, "The desk as a whole: its average and how large skill and luck are"),),
        notes,
    )


def _decay(data: Mapping[str, Any], judge: Judge) -> Section | None:
    """The same decisions marked at other horizons."""
    rows = data["decay"]
    if len(rows) < 2:
        return None
    digits = digits_for(r["mean"] for r in rows)
    first = next((r for r in rows if r["primary"]), rows[0])
    last = max((r for r in rows if not r["primary"]), key=lambda r: abs(r["mean"]))
    bars = [
        SignedBar(
            visible(r["horizon"]) + (" (declared)" if r["primary"] else ""), (r["mean"],), r["mean"], fixed(r["mean"], digits)
        )
        for r in rows
    ]
    title = f"A departure is worth {fixed(first['mean'], digits)} {judge.unit} at the declared horizon and {fixed(last['mean'], digits)} at {visible(last['horizon'])}"
    words = f"{title}. " + "; ".join(f"{b.name}: {b.words}" for b in bars)
    picture = in_both_layouts(
        partial(signed_bars_svg, bars, ["value-add"], f"mean of a decision, {judge.unit}", key="decay"), title, words
    )
    lines = tuple(
        (
            visible(r["horizon"]),
            "yes" if r["primary"] else "no",
            count(r["decisions"]),
            judge.money(r["sum_micro"]),
            fixed(r["mean"], digits),
        )
        for r in rows
    )
    heads = ("Horizon", "Declared", "Decisions", f"Sum, {judge.unit}", f"Mean, {judge.unit}")
    note = (
        "The verdict stays with the declared horizon; the others are description. Choosing the best of five horizons afterwards finds skill in 16% of cases without any.",
    )
    return Section(
        "decay",
        "How fast a departure pays, and whether it lasts",
        f"{title}, over the same {count(first['decisions'])} decisions.",
        picture,
        ((Table(heads, lines), "The same decisions at each horizon"),),
        note,
    )


def books_table(data: Mapping[str, Any], judge: Judge) -> Table:
    """From the model's book to the book as traded, to the last micro-unit."""
    books = data["books"]
    if books is None:
        return Table((), ())
    lines = (
        ("Model alone, every signal as issued", judge.money(books["model"])),
        ("Departures of people and their own orders", judge.money(books["departures"])),
        ("Execution of signals that were followed", judge.money(books["followed"])),
        ("Signals nobody answered", judge.money(books["undecided"])),
        ("As traded", judge.money(books["actual"])),
    )
    return Table(("Book", judge.unit), lines)
