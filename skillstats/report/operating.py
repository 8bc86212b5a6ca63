"""How wrong this evaluation may be, in three sections: its error rates, the length of record it needs, and other hurdles and priors.

The first two are figures of simulated desks and name nobody; the third is made of rows that may be shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final

from skillstats.report.intervals import Axis, Interval, interval_svg
from skillstats.report.kpis import Table
from skillstats.report.lengths import OF_A_DESK
from skillstats.report.lines import Guides, Line, Panel, lines_svg, panels_svg
from skillstats.report.numbers import ABSENT, count, fixed, listed, percent, plural, visible
from skillstats.report.rows import Row
from skillstats.report.section import Picture, Section, in_both_layouts
from skillstats.report.words import Scale

WRONG: Final = "How often would this evaluation be wrong?"
LENGTH: Final = "How long must a record be?"
PRIORS: Final = "Would another hurdle, or another prior, say otherwise?"
MOST_PANELS: Final = 24
FOUND: Final = 0.80
NAMES: Final = {"sceptical": "sceptical prior", "default": "the plan's prior", "wide": "wide prior"}
AXIS: Final = Axis("wrong", "% of simulated desks or traders (90% interval)")


def operating_sections(operating: Mapping[str, Any], rows: Sequence[Row], scale: Scale) -> tuple[Section, ...]:
    """The sections that have something to show; `rows` are the traders' own, filtered."""
    return tuple(s for s in (*error_sections(operating, scale), curves_section(rows, scale)) if s is not None)


def error_sections(operating: Mapping[str, Any], scale: Scale) -> tuple[Section | None, ...]:
    """Error rates and length of record: for every reader who may know what the method is worth; names nobody."""
    if not operating:
        return ()
    if not operating["available"]:
        why = visible(str(operating["why"]))
        return (Section("wrong", WRONG, f"The error rates of this evaluation were not simulated: {why}."),)
    return _wrong(operating, scale), _length(operating)


def _wrong(o: Mapping[str, Any], scale: Scale) -> Section:
    """False claims and missed skill, looking once and every quarter."""
    once, every, unit = o["once"], o["every_quarter"], _unit(o)
    head = f"Nobody skilled, yet somebody is claimed: {_share(once['desk_skill'])} of desks"
    if every:
        head += f", {_share(every['desk_skill'])} if acted on at the first claim of any quarter"
    best = o["found"][-1]
    head += f"; {_share(best['skill'], missed=True)} of traders of {unit} {best['ir']:g} are missed"
    words = [
        f"If nobody on a desk like this had skill, somebody would still be claimed to clear the hurdle on {_with_error(once['desk_skill'])} of such desks,"
        f" and {_with_error(once['trader_skill'])} of traders."
    ]
    if every:
        words.append(
            f"Who looks at the end of every one of the {o['quarters']} quarters and acts at the first claim errs more often: {_with_error(every['desk_skill'])} of desks."
        )
    words.append(f"The price is skill that is missed: {_missed_words(o)}.")
    if not o["own_model"]:
        words.append(
            f"These are the error rates of the model {visible(o['model'])} on the same desk; the model of this evaluation is too slow to simulate."
        )
    if o["known"] < 1:
        words.append(f"{percent(1 - o['known'])} of the traders have too little evidence for any claim; they count as missed.")
    rows = _bars(o)
    described = "Shares in percent with their 90% intervals. " + "; ".join(f"{r.label} {r.words}" for r in rows)
    picture = in_both_layouts(partial(interval_svg, rows, AXIS), head, described)
    tables = ((_rates_table(o), "Error rates, with the 90% interval of the simulation"),)
    return Section("wrong", WRONG, " ".join(words), picture, tables, _notes(o, scale))


def _bars(o: Mapping[str, Any]) -> list[Interval]:
    """False claims first, then misses by true IR; once, then every quarter."""
    once, every = o["once"], o["every_quarter"]
    found = [_bar("False claim, looking once", once["desk_skill"], strong=True)]
    found += [_bar("False claim, each quarter", every["desk_skill"])] if every else []
    for f in o["found"]:
        found.append(_bar(f"IR {f['ir']:g} missed, once", f["skill"], missed=True, strong=True))
        if f["skill_every_quarter"]:
            found.append(_bar(f"IR {f['ir']:g} missed, each quarter", f["skill_every_quarter"], missed=True))
    return found


def _bar(label: str, share: Mapping[str, Any], *, missed: bool = False, strong: bool = False) -> Interval:
    low, mid, high = (100 * (1 - share[k]) if missed else 100 * share[k] for k in ("q05", "share", "q95"))
    low, high = min(low, high), max(low, high)
    return Interval(label, low, high, mid, f"{fixed(mid, 0)}% ({fixed(low, 0)} to {fixed(high, 0)})", strong=strong)


def _rates_table(o: Mapping[str, Any]) -> Table:
    once, every = o["once"], o["every_quarter"]
    lines = [
        (words, _cell(once[key]), _cell(every[key]) if every else ABSENT)
        for key, words in (
            ("desk_skill", "Nobody has skill: desks on which somebody is claimed to clear the hurdle"),
            ("trader_skill", "Nobody has skill: traders claimed to clear the hurdle"),
            ("desk_harm", "Nobody does harm: desks on which somebody is said to be below zero"),
            ("trader_harm", "Nobody does harm: traders said to be below zero"),
        )
    ]
    for f in o["found"]:
        half = f"Half the desk at IR {f['ir']:g}"
        lines.append((f"{half}: of them, claimed to clear the hurdle", _cell(f["skill"]), _cell(f["skill_every_quarter"])))
        lines.append((f"{half}: of the others, wrongly claimed", _cell(f["innocent_skill"]), ABSENT))
        other = f"Half the desk at IR \u2212{f['ir']:g}"
        lines.append((f"{other}: of them, said to be below zero", _cell(f["harm"]), _cell(f["harm_every_quarter"])))
        lines.append((f"{other}: of the others, wrongly said to be", _cell(f["innocent_harm"]), ABSENT))
    return Table(("What happens", "Looking once", "Every quarter, first claim counts"), tuple(lines))


def _notes(o: Mapping[str, Any], scale: Scale) -> tuple[str, ...]:
    shape, luck, desks = o["shape"], o["luck"], o["desks"]
    return (
        f"Simulated were {count(desks['none'])} desks without skill and {count(desks['skilled'])} for each size of skill, each with its mirror image, in "
        f"which skill is harm: {plural(shape['traders'], 'trader')}, {plural(shape['sessions'], 'session')} and {count(shape['decisions'])} decisions, "
        "made when they were made here. Nothing of what the decisions earned is used but how large luck is: the sizes the fit found, per decision a "
        f"shared shock of the session of {fixed(luck['session'], 2)}, a trader's own of {fixed(luck['own'], 2)} and a rest of {fixed(luck['residual'], 2)} (medians "
        "over the desk, units of risk).",
        f"A claim is P(IR > {scale.hurdle_text}) of at least {scale.sure} in a row that may be shown; to be below zero is P(IR < 0) of at least {scale.sure}, which has "
        "no hurdle to clear and so happens more often by luck. Claims about single regimes are not counted.",
        "The figures belong to desks whose outcomes are as the model says, normal around a constant skill. They say how often the method errs, not "
        "how likely it is that a claim on this page is wrong.",
    )


def _length(o: Mapping[str, Any]) -> Section | None:
    """Power against years."""
    today = o["shape"]["years"]
    if today is None or len(o["power"][0]["points"]) < 2:
        return None
    lines = [_power_line(p) for p in o["power"]]
    best, least = o["power"][-1], o["power"][0]
    head = (
        f"After {_years(today)}, {_share(_at(best, today))} of traders of {_unit(o)} {best['ir']:g} are found; {_reached(least)}"
    )
    described = "Share of traders found, by true annual IR and length of record. " + "; ".join(
        f"IR {p['ir']:g}: " + ", ".join(f"{_years(t['years'])} {_share(t)}" for t in p["points"]) for p in o["power"]
    )
    guides = Guides(
        "length", today, f"today: {_years(today)}", 100 * FOUND, "4 of 5 found",
        "length of the record, years (bars: 90% interval of the simulation)", "traders found",
    )  # fmt: skip
    text = " ".join([f"F{_reached(p)[1:]}." for p in reversed(o["power"])] + [OF_A_DESK])
    notes = (
        "Up to today the record is cut at the end of each quarter; beyond, it goes on as it was, with the same activity. Half of the simulated desk has "
        "that IR: who is alone among people without skill is found later, because the desk's average pulls such a person in.",
        "A planning figure for people whose true IR is known to be that; it is no promise about anybody on this desk.",
    )
    return Section("length", LENGTH, text, in_both_layouts(partial(lines_svg, lines, guides), head, described), (), notes)


def _power_line(power: Mapping[str, Any]) -> Line:
    points = power["points"]
    part = {k: tuple(100 * t[n] for t in points) for k, n in (("y", "share"), ("low", "q05"), ("high", "q95"))}
    return Line(f"IR {power['ir']:g}", tuple(t["years"] for t in points), **part)


def _at(power: Mapping[str, Any], years: float) -> Mapping[str, Any]:
    return next(t for t in power["points"] if t["years"] == years and not t["later"])


def _reached(power: Mapping[str, Any]) -> str:
    """When four of five people of that IR are found."""
    enough = [t["years"] for t in power["points"] if t["share"] >= FOUND]
    last = power["points"][-1]["years"]
    who = f"four of five traders of IR {power['ir']:g}"
    return f"{who} are found within {_years(enough[0])}" if enough else f"fewer than {who} are found even in {_years(last)}"


def curves_section(rows: Sequence[Row], scale: Scale) -> Section | None:
    """P(IR > delta) of every shown trader under three priors; None where no row has the curves."""
    known = [r for r in rows if r.detail is not None and r.detail.get("hurdles")]
    if not known:
        return None
    moved = [visible(r.trader) for r in known if len({p >= scale.certainty for p in _at_hurdle(r, scale)}) > 1]
    sure = [visible(r.trader) for r in known if min(_at_hurdle(r, scale)) >= scale.certainty]
    finding = _prior_finding(sure, moved, scale)
    reach = fixed(_curves(known[0])["delta"][-1], scale.digits)
    return Section(
        "priors",
        PRIORS,
        f"{finding}. The curves show every hurdle up to {reach}.",
        _curves_picture(known, scale, finding),
        ((_prior_table(known, scale), _CAPTION),),
        _PRIOR_NOTES,
    )


_CAPTION: Final = "P(IR > hurdle) under each prior"
_PRIOR_NOTES: Final = (
    "Each curve is the probability that the trader's IR exceeds what stands below it: it falls from left to right, and where it crosses the dashed line is the "
    "highest hurdle that could be claimed. The sceptical prior expects skill to be half as large as the plan's, on average and between traders; the wide one, twice.",
    "A claim that holds under the plan's prior only is a claim of the prior. Curves under the other priors are reweighted draws; where these cannot carry it "
    "(Pareto k over 0.7) the model was fitted again.",
)


def _prior_finding(sure: Sequence[str], moved: Sequence[str], scale: Scale) -> str:
    first = (
        f"{listed(sure, limit=6)} {'clears' if len(sure) == 1 else 'clear'} the hurdle under all three priors"
        if sure
        else f"Nobody clears the hurdle with {scale.sure} certainty under all three priors"
    )
    return f"{first}; for {listed(moved, limit=6)} the answer depends on the prior" if moved else first


def _curves_picture(known: Sequence[Row], scale: Scale, finding: str) -> Picture | None:
    if len(known) > MOST_PANELS:
        return None
    panels = [Panel(visible(r.trader), _lines(r), r.status == "FLAG") for r in known]
    described = "Probability to exceed the hurdle under the sceptical, the plan's and the wide prior. " + "; ".join(
        f"{visible(r.trader)} {', '.join(percent(p, scale.certainty) for p in _at_hurdle(r, scale))}" for r in known
    )
    guides = Guides(
        "priors", scale.hurdle, f"hurdle {scale.hurdle_text}", 100 * scale.certainty, f"{scale.sure} needed",
        f"IR to exceed ({scale.name})", "probability that IR is higher",
    )  # fmt: skip
    return in_both_layouts(partial(panels_svg, panels, guides), finding, described)


def _lines(row: Row) -> tuple[Line, ...]:
    curves = _curves(row)
    delta = tuple(curves["delta"])
    return tuple(Line(NAMES[p["name"]], delta, tuple(100 * v for v in p["above"])) for p in curves["priors"])


def _curves(row: Row) -> Mapping[str, Any]:
    assert row.detail is not None
    found: Mapping[str, Any] = row.detail["hurdles"]
    return found


def _at_hurdle(row: Row, scale: Scale) -> list[float]:
    """P(IR > hurdle) under each prior; the middle one is the number of the table, to the last digit."""
    curves = _curves(row)
    at = min(range(len(curves["delta"])), key=lambda i: abs(curves["delta"][i] - scale.hurdle))
    found = {p["name"]: float(p["above"][at]) for p in curves["priors"]}
    if row.p_above_hurdle is not None:
        found["default"] = row.p_above_hurdle
    return [found[name] for name in NAMES]


def _prior_table(known: Sequence[Row], scale: Scale) -> Table:
    lines = []
    for row in known:
        cells = [percent(p, scale.certainty) for p in _at_hurdle(row, scale)]
        again = [NAMES[p["name"]] for p in _curves(row)["priors"] if p["refitted"]]
        lines.append((visible(row.trader), *cells, listed(again) if again else "none"))
    return Table(("Trader", *(n.capitalize() for n in NAMES.values()), "Fitted again under"), tuple(lines), words=(4,))


def _missed_words(o: Mapping[str, Any]) -> str:
    parts = [f"{_with_error(f['skill'], missed=True)} of traders of {_unit(o)} {f['ir']:g}" for f in reversed(o["found"])]
    return listed(parts)


def _share(share: Mapping[str, Any], *, missed: bool = False) -> str:
    return percent(1 - share["share"] if missed else share["share"])


def _with_error(share: Mapping[str, Any], *, missed: bool = False) -> str:
    ends = sorted(100 * (1 - share[k]) if missed else 100 * share[k] for k in ("q05", "q95"))
    return f"{_share(share, missed=missed)} ({fixed(ends[0], 0)} to {fixed(ends[1], 0)}%)"


def _cell(share: Mapping[str, Any] | None) -> str:
    return (
        ABSENT
        if share is None
        else f"{fixed(100 * share['share'], 1)}% [{fixed(100 * share['q05'], 1)}, {fixed(100 * share['q95'], 1)}]"
    )


def _unit(o: Mapping[str, Any]) -> str:
    return "annual IR" if o["annual"] else "IR per decision"


def _years(years: float) -> str:
    if years < 0.9:
        return plural(round(12 * years), "month")
    return f"{fixed(years, 0 if abs(years - round(years)) < 0.05 else 1)} {'year' if abs(years - 1) < 0.05 else 'years'}"
