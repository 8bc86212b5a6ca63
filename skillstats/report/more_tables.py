"""Tables of the page beyond the estimates: what is still needed, what raw numbers are worth, how robust each estimate is, clustered means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from skillstats.report.kpis import DESK, Table
from skillstats.report.numbers import ABSENT, count, digits_for, fixed, interval, is_number, percent, visible
from skillstats.report.rows import Row
from skillstats.report.words import Scale

NONE: Final = Table((), ())
NOT_JUDGED: Final = "not judged"
"""Where one day weighs so much that the draws cannot tell what would be without it."""


def needed_rows(shown: Sequence[Row]) -> Table:
    """Active days each trader still needs."""
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


def raw_rows(shown: Sequence[Row], scale: Scale) -> Table:
    """Raw ratios with their type S and M errors, and the weight of single decisions and days."""
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
                _signed(tails.get("ir_change"), scale.digits) if tails.get("judged") else NOT_JUDGED,
                _signed_points(tails.get("probability_change")) if tails.get("judged") else NOT_JUDGED,
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


def robust_rows(shown: Sequence[Row], scale: Scale) -> Table:
    """Estimates in the desk's mix, reliability, half-life, response to the priors, correction of days."""
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


def day_error_rows(lines: Sequence[Mapping[str, Any]], unit: str) -> Table:
    """Means with day-clustered errors; money in `unit`."""
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
            DESK if line["trader"] is None else visible(str(line["trader"])),
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
    return Table(heads, found, totals=tuple(k for k, line in enumerate(lines) if line["trader"] is None))


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
