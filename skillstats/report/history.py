"""The two sections on time: how skill moved by quarter, and how the method's own past forecasts did."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final

from skillstats.report.intervals import Axis, Interval, interval_svg
from skillstats.report.kpis import Table
from skillstats.report.numbers import ABSENT, count, fixed, interval, is_number, listed, plural, visible
from skillstats.report.paths import Panel, PathAxis, paths_svg
from skillstats.report.section import Section, Setting, in_both_layouts

MOST_PANELS: Final = 24
"""Traders who get a panel; all are in history.csv."""
SURE: Final = 0.95
SKILL_NOTES: Final = (
    "A path is what all quarters together say about each of them: skill is allowed to move from quarter to quarter, and neighbouring quarters lend each other strength. "
    "It is not the raw record smoothed by eye: the raw record of a quarter is mostly luck.",
    "A quarter in which someone did little or nothing has a wider band. Who left stays in the picture. “Moved” compares the current quarter with the first.",
    "Quarters are calendar quarters of the desk’s sessions. The verdict above holds skill constant unless the plan names a model that drifts; this picture does not change it.",
)
PAST_NOTES: Final = (
    "At the end of each quarter the model was fitted again to what was known then, and the next quarter was forecast. How often a trader then acted, and how large, is taken as it was. "
    "Deleting all later data leaves these forecasts unchanged.",
    "The score of a forecast is the logarithm of the probability it gave to what came. The difference to a rival is shown for each forecast; 0.10 means that what came was 1.11 times as probable under this method.",
    "No skill: everyone’s departures are worth nothing on average. Own raw mean: the trader’s record so far, as it stands. Desk’s mean: everyone is like the desk so far. All are told the same about luck.",
    "A quarter counts as one observation, because its traders share days, markets and forecasts; the interval is Student’s over quarters. Quarters with few sessions or fewer than three traders with a past are not scored.",
)
RIVALS: Final = {"zero": "no skill", "raw": "own raw mean", "pooled": "desk’s mean"}
RULES: Final = {"zero": "the assumption of no skill", "raw": "traders’ own raw means", "pooled": "the desk’s mean"}


def history_sections(history: Mapping[str, Any], setting: Setting, hurdle: float | None) -> tuple[Section, ...]:
    """Both sections; none for an evaluation without a history.

    Parameters
    ----------
    hurdle : annual IR; None where the evidence has no year
    """
    if not history:
        return ()
    skill = _skill_section(history, setting, hurdle)
    return (skill, _past_section(history["forecasts"])) if "forecasts" in history else (skill,)


def _skill_section(history: Mapping[str, Any], setting: Setting, hurdle: float | None) -> Section:
    title = "Skill over time"
    if not history.get("available"):
        return Section("history", title, f"There is no history: {visible(str(history.get('why', '')))}.")
    quarters = [visible(str(q)) for q in history["quarters"]]
    annual = history["scale"] == "annual IR"
    shown = [r for r in history["rows"] if r["status"] != "WITHHOLD" and visible(str(r["trader"])) in setting.traders]
    table = _skill_table(history["rows"], setting, annual)
    unit = "annual IR" if annual else "outcome per unit of risk"
    tables = ((table, f"By trader and quarter; raw record and estimate with its 90% interval in {unit}"),)
    if not history["path"]["available"]:
        why = visible(str(history["path"]["why"]))
        return Section("history", title, f"No path of skill can be shown: {why}.", None, tables)
    changes = {c["trader"]: c for c in history["changes"]}
    panels = _panels(shown, changes, "annual" if annual else "state")
    if not panels:
        return Section("history", title, "No trader has an estimate that may be shown, so there is no path.", None, tables)
    head = _skill_head(changes, quarters)
    finding = f"{head}. {_how_fast(history)}"
    words = " ".join(f"{p.name}: {fixed(p.mean[0], 2)} to {fixed(p.mean[-1], 2)}." for p in panels)
    picture = in_both_layouts(
        partial(paths_svg, panels[:MOST_PANELS], quarters, PathAxis(unit, hurdle if annual else None)),
        head if len(panels) <= MOST_PANELS else f"{head} (the first {MOST_PANELS} of {len(panels)} traders; history.csv has all)",
        f"Estimated skill in {unit} by quarter, {quarters[0]} to {quarters[-1]}. {words}",
    )
    return Section("history", title, finding, picture, tables, SKILL_NOTES)


def _panels(shown: Sequence[Mapping[str, Any]], changes: Mapping[str, Mapping[str, Any]], key: str) -> list[Panel]:
    """A panel a trader, in the order of the rows."""
    by: dict[str, list[Mapping[str, Any]]] = {}
    for row in shown:
        by.setdefault(row["trader"], []).append(row)
    found = []
    for name, rows in by.items():
        columns = {p: tuple(float(r[f"{key}_{p}"]) for r in rows) for p in ("mean", "q05", "q25", "q75", "q95")}
        raw = "raw_annual" if key == "annual" else "raw_y"
        found.append(Panel(visible(str(name)), **columns, raw=tuple(r[raw] for r in rows), moved=_moved(changes[name]) != 0))
    return found


def _moved(change: Mapping[str, Any]) -> int:
    """1 risen, -1 fallen, 0 cannot tell, by the 90% interval of the change."""
    return int(change["q05"] > 0) - int(change["q95"] < 0)


def _skill_head(changes: Mapping[str, Mapping[str, Any]], quarters: Sequence[str]) -> str:
    """Title of the picture: the finding in a line."""
    up, down = ([visible(str(n)) for n, c in changes.items() if _moved(c) == sign] for sign in (1, -1))
    if not up and not down:
        return f"Of nobody can it be said that skill has changed between {quarters[0]} and {quarters[-1]}"
    parts = [f"{word} for {listed(names, limit=5)}" for word, names in (("risen", up), ("fallen", down)) if names]
    return f"Between {quarters[0]} and {quarters[-1]} skill has {' and '.join(parts)}, each with at least {SURE:.0%} probability"


def _how_fast(history: Mapping[str, Any]) -> str:
    if history["prior_driven"]:
        return f"With {plural(len(history['quarters']), 'quarter')}, fewer than four, how fast skill moves is prior-driven: the assumption speaks, not the data."
    return "The bands show how little or how much each quarter says; the current quarter is the last."


def _skill_table(rows: Sequence[Mapping[str, Any]], setting: Setting, annual: bool) -> Table:
    key, raw = ("annual", "raw_annual") if annual else ("state", "raw_y")
    heads = (
        "Trader",
        "Quarter",
        "Decisions",
        "Active days",
        f"Raw mean, {setting.unit} a decision",
        "Raw record",
        "Estimate [90%]",
    )
    digits = 2 if annual else 3
    lines = []
    for r in rows:
        if visible(str(r["trader"])) not in setting.traders:
            continue
        shown = is_number(r[f"{key}_mean"])
        estimate = f"{fixed(r[f'{key}_mean'], digits)} {interval(r[f'{key}_q05'], r[f'{key}_q95'], digits)}" if shown else ABSENT
        raw_cells = (fixed(r["raw_mean"], 2), fixed(r[raw], digits))
        names = (visible(str(r["trader"])), visible(str(r["quarter"])), count(r["decisions"]), count(r["days"]))
        lines.append((*names, *raw_cells, "withheld" if r["status"] == "WITHHOLD" else estimate))
    return Table(heads, tuple(lines))


def _past_section(forecasts: Mapping[str, Any]) -> Section:
    title = "Has this method been right before?"
    if not forecasts.get("available"):
        return Section("forecasts", title, f"Its past forecasts cannot be scored: {visible(str(forecasts.get('why', '')))}.")
    summary, quarters = forecasts["summary"], forecasts["quarters"]
    rows = [_difference_row(RIVALS[k], summary["outcome"][k]) for k in RIVALS if is_number(summary["outcome"][k]["q05"])]
    head = _past_head(summary)
    axis = Axis("forecasts", "log score difference a forecast [90%]; right of 0: better")
    told = " ".join(f"{r.label}: {r.words}." for r in rows)
    picture = (
        in_both_layouts(partial(interval_svg, rows, axis), head, f"Log score of this method against each rival. {told}")
        if rows
        else None
    )
    tables = (
        (_summary_table(summary), "Difference of log scores for each forecast, in nats, with the 90% interval over quarters"),
        (
            _quarters_table(quarters),
            "Quarter by quarter: difference of log scores of the mean outcome, rank correlation of forecast and result",
        ),
    )
    return Section(
        "forecasts", title, f"{head}. {_inside(summary)} {_ranks(summary)}", picture, tables, PAST_NOTES + _skipped(forecasts)
    )


def _difference_row(label: str, line: Mapping[str, Any]) -> Interval:
    low, high, mean = line["q05"], line["q95"], line["mean"]
    return Interval(label, low, high, mean, f"{fixed(mean, 2)} {interval(low, high, 2)}", strong=low > 0)


def _past_head(summary: Mapping[str, Any]) -> str:
    """The finding in a line."""
    lines = summary["outcome"]
    better, worse, open_ = ([RULES[k] for k in RULES if lines[k]["verdict"] == v] for v in ("better", "worse", "cannot tell"))
    past = f"In {plural(summary['quarters'], 'quarter')} of past forecasts"
    few = "" if summary["enough"] else "; so few quarters can say little"
    if not better and not worse:
        return f"{past} it cannot be told whether this method forecasts better than any simple rule{few}"
    parts = [f"{word} {listed(names)}" for word, names in (("better than", better), ("worse than", worse)) if names]
    rest = f"; against {listed(open_)} it cannot be told" if open_ else ""
    return f"{past} this method was {' and '.join(parts)}{rest}{few}"


def _past_title(summary: Mapping[str, Any]) -> str:
    """The finding as title of the picture, shorter."""
    lines = summary["outcome"]
    said = [f"{v} than {listed([RULES[k] for k in RULES if lines[k]['verdict'] == v])}" for v in ("better", "worse")]
    said = [
        words for words, v in zip(said, ("better", "worse"), strict=True) if any(line["verdict"] == v for line in _lines(lines))
    ]
    return f"Its forecasts were {' and '.join(said)}" if said else "Its forecasts cannot be told from those of simple rules"


def _lines(lines: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [lines[k] for k in RIVALS]


def _inside(summary: Mapping[str, Any]) -> str:
    """How many results lay where the forecasts said 90% would."""
    hit, total = summary["outcome"]["inside"], summary["forecasts"]
    return f"Of {plural(total, 'result')}, {count(hit)} lay inside the forecast’s 90% interval, where {fixed(0.9 * total, 0)} were expected."


def _ranks(summary: Mapping[str, Any]) -> str:
    rank = summary["rank"]
    if not is_number(rank["method"]["mean"]):
        return ""
    both = [fixed(rank[k]["mean"], 2) for k in ("method", "raw")]
    return f"The order of traders it forecast agreed with what came by a rank correlation of {both[0]}, the order of raw records by {both[1]} (1 is perfect, 0 is chance)."


def _cell(line: Mapping[str, Any]) -> str:
    if not is_number(line["mean"]):
        return ABSENT
    if not is_number(line["q05"]):
        return f"{fixed(line['mean'], 2)} (one quarter, no interval)"
    return f"{fixed(line['mean'], 2)} {interval(line['q05'], line['q95'], 2)}"


def _summary_table(summary: Mapping[str, Any]) -> Table:
    lines = []
    for rival, words in RIVALS.items():
        line = summary["outcome"][rival]
        times = f"{fixed(math.exp(line['mean']), 2)} times" if is_number(line["mean"]) else ABSENT
        lines.append((f"against {words}", _cell(line), times, line["verdict"], _cell(summary["money"][rival])))
    rank = summary["rank"]["difference"]
    lines.append(("rank correlation against raw order", _cell(rank), ABSENT, rank["verdict"], ABSENT))
    return Table(("Comparison", "Mean outcome", "As probable", "Verdict", "Value-add in money"), tuple(lines))


def _quarters_table(quarters: Sequence[Mapping[str, Any]]) -> Table:
    heads = (
        "Quarter",
        "Traders",
        "Decisions",
        *(f"Against {w}" for w in RIVALS.values()),
        "Inside 90%",
        "Rank, method",
        "Rank, raw",
    )
    lines = tuple(
        (
            visible(str(q["quarter"])),
            count(q["traders"]),
            count(q["decisions"]),
            *(fixed(q["outcome"][k], 2) for k in RIVALS),
            f"{count(q['outcome']['inside'])} of {count(q['traders'])}",
            fixed(q["rank"]["method"], 2),
            fixed(q["rank"]["raw"], 2),
        )
        for q in quarters
    )
    return Table(heads, lines)


def _skipped(forecasts: Mapping[str, Any]) -> tuple[str, ...]:
    said = [f"{visible(str(q))} is not scored: {visible(str(why))}." for q, why in forecasts["skipped"].items()]
    if forecasts["newcomers"]:
        said.append(f"{plural(forecasts['newcomers'], 'forecast')} could not be made because the trader had no past.")
    return tuple(said)
