"""The section on classical benchmarks: what t tests and Sharpe ratios would say, in front of the luck of the best of the desk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from skillstats.report.kpis import Table
from skillstats.report.luck_band import Band, Dot, luck_band_svg
from skillstats.report.numbers import ABSENT, count, fixed, is_number, listed, p_value, percent, plural, visible
from skillstats.report.section import Picture, Section, Setting, in_both_layouts

SIZE: Final = 0.05
MOST_ROWS: Final = 60
"""Traders up to which the picture has a row for each; beyond, the numbers stay in evaluation.json."""
NOTES: Final = (
    "Benchmarks, not the verdict: each looks at one trader alone or at the best of all, and none says how much skill there is. The "
    "verdict is P(IR > hurdle) above, which pools the desk.",
    "t: mean standardised outcome over its standard error, errors clustered by day; p is one-sided, for a mean above zero. Adjusted p: "
    "Benjamini-Hochberg over the traders of the desk.",
    "PSR is the confidence that a day's Sharpe ratio exceeds 0; DSR that it exceeds what the best of the desk reaches by luck. Both take "
    "days as independent and the desk as all that was ever tried.",
    "Days needed: active days until a ratio of the size seen has a PSR of 95%. It takes the size seen as true, which for the best of many "
    "is too much.",
    "Better than nothing: stepwise test of Romano and Wolf, an error anywhere in 5%. May be the best: model confidence set, 90%.",
)


def classics_section(block: Mapping[str, Any], setting: Setting) -> Section | None:
    """The section; None where the block is not available."""
    if not block.get("available"):
        return None
    rows = [r for r in block["rows"] if visible(str(r["trader"])) in setting.traders]
    judged = sorted((r for r in rows if is_number(r["t"])), key=lambda r: (-r["t"], r["trader"]))
    if not judged:
        return None
    return Section(
        key="classics",
        title="What classical tests would say",
        finding=_finding(judged, block),
        picture=_picture(judged, block),
        tables=((_table(judged, rows), "Classical benchmarks, not the verdict"),),
        notes=(*NOTES, _how(block)),
    )


def _finding(judged: Sequence[Mapping[str, Any]], block: Mapping[str, Any]) -> str:
    """How many impress alone, and who still does when the desk is taken into account."""
    alone = [visible(str(r["trader"])) for r in judged if r["p"] <= SIZE]
    better = [visible(str(r["trader"])) for r in judged if r["better"]]
    first = (
        f"Looked at one by one, {listed(alone, 8)} would pass a t test at 5%."
        if alone
        else f"Even looked at one by one, none of {plural(len(judged), 'trader')} passes a t test at 5%."
    )
    then = (
        f" Allowing for the number of traders, {listed(better, 8)} still {'does' if len(better) == 1 else 'do'}."
        if better
        else " Allowing for the number of traders, nobody does."
    )
    spa = (
        f" That nobody is better than the model has a p-value of {p_value(block['spa_p'])} (SPA)."
        if is_number(block["spa_p"])
        else ""
    )
    return first + then + spa


def _picture(judged: Sequence[Mapping[str, Any]], block: Mapping[str, Any]) -> Picture | None:
    if not block["luck"] or len(judged) > MOST_ROWS:
        return None
    luck = block["luck"]
    beyond = [visible(str(r["trader"])) for r in judged if r["t"] > luck["q95"]]
    people = f"the best of {count(block['judged'])}" if block["judged"] > 1 else "one trader"
    title = (
        f"{listed(beyond, 4)} {'lies' if len(beyond) == 1 else 'lie'} beyond what {people} reaches by luck"
        if beyond
        else f"No t statistic lies beyond what {people} reaches by luck"
    )
    dots = [Dot(visible(str(r["trader"])), r["t"], _words(r), r["t"] > luck["q95"]) for r in judged]
    band = Band(luck["q05"], luck["q95"], f"{people} without skill, 5 to 95%", "t statistic, errors clustered by day (no unit)")
    described = f"Largest t of a desk without skill: {fixed(luck['q05'], 2)} to {fixed(luck['q95'], 2)} in 90%. " + "; ".join(
        f"{d.label} {fixed(d.value, 2)}" for d in dots
    )
    return in_both_layouts(lambda **given: luck_band_svg(dots, band, key="classics", **given), title, described)


def _words(row: Mapping[str, Any]) -> str:
    return f"{fixed(row['t'], 2)}, DSR {percent(row['dsr'])}"


def _table(judged: Sequence[Mapping[str, Any]], rows: Sequence[Mapping[str, Any]]) -> Table:
    heads = (
        "Trader", "Active days", "IR of a day", "its s.e.", "t", "p", "p adjusted", "PSR", "DSR", "Days needed", "Better than nothing",
        "May be the best",
    )  # fmt: skip
    lines = [
        (
            visible(str(r["trader"])), count(r["days"]), fixed(r["ir_day"], 3), fixed(r["ir_day_error"], 3), fixed(r["t"], 2),
            p_value(r["p"]), p_value(r["p_bh"]), percent(r["psr"]), percent(r["dsr"]),
            count(r["days_needed"]), _yes(r["better"]), _yes(r["best"]),
        )
        for r in judged
    ]  # fmt: skip
    empty = [(visible(str(r["trader"])), count(r["days"]), *[ABSENT] * (len(heads) - 2)) for r in rows if not is_number(r["t"])]
    return Table(heads, (*lines, *empty))


def _yes(value: bool | None) -> str:
    return ABSENT if value is None else "yes" if value else "no"


def _how(block: Mapping[str, Any]) -> str:
    length = block["block"]
    blocks = "single sessions" if length < 1.05 else f"blocks of {fixed(length, 1)} sessions on average"
    return (
        f"Band, SPA and sets: stationary bootstrap, {count(block['draws'])} draws of {blocks}, seed {count(block['seed'])}; for the band "
        "every trader's mean was set to zero and all were resampled together."
    )
