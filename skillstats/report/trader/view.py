"""The trader's page as text, from the trader's own data file and from nothing else."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from skillstats.errors import RULES
from skillstats.ledger.explain_words import VERBS, instant
from skillstats.report.facts import Facts
from skillstats.report.kpis import Table
from skillstats.report.numbers import count, exact_money, interval, percent, plural, visible
from skillstats.report.running_figure import Running, running_svg
from skillstats.report.section import Picture, in_both_layouts
from skillstats.report.trader import words
from skillstats.report.trader.tables import PARTS, kpi_facts, label_table, regime_table, totals_table
from skillstats.report.waterfall import Fall, waterfall_svg
from skillstats.units import MICRO

Line = Mapping[str, Any]
DRAWN: Final = 10
"""Decisions of a day in its picture; of more, the five best and five worst."""


@dataclass(frozen=True, slots=True)
class Derived:
    """One row with how it was computed, or the command that prints it, and the command that contests it."""

    key: str
    text: tuple[str, ...]
    contest: str


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision as text: when and what, its parts exactly, what is still open, and its rows; `many` counts them where there are several."""

    name: str
    when: str
    what: str
    meaning: str
    parts: tuple[str, ...]
    note: str
    mark: str
    many: str
    rows: tuple[Derived, ...]


@dataclass(frozen=True, slots=True)
class View:
    """Everything the template of the trader's page may print."""

    trader: str
    plan: str
    currency: str
    period: str
    day: str
    short: tuple[str, ...]
    day_words: str
    day_picture: Picture | None
    today: tuple[Decision, ...]
    followed: tuple[Decision, ...]
    followed_words: str
    totals: Table
    best_picture: Picture | None
    best: tuple[Decision, ...]
    worst: tuple[Decision, ...]
    open: tuple[Decision, ...]
    by_action: Table
    by_type: Table
    running: Picture | None
    band_words: tuple[str, ...]
    known: tuple[str, ...]
    status: str
    doubts: tuple[str, ...]
    needed: str
    not_said: tuple[str, ...]
    regimes: Table
    kpis: Table
    others: str
    contests: tuple[tuple[str, str, str], ...]
    identity: Facts


def view_of(data: Line) -> View:
    """The page of the data read back from its file."""
    unit = visible(data["currency"])
    decisions = {k: _decision(d, data) for k, d in data["decisions"].items()}
    today = [data["decisions"][k] for k in data["today"]]
    best, worst = ([data["decisions"][k] for k in data[name]] for name in ("best", "worst"))
    rows = data["estimate"]["rows"]
    whole = next((r for r in rows if r["regime"] == "all"), None)
    running = data["running"] if data["running"] and data["running"]["sessions"] else None
    return View(
        trader=visible(data["trader"]),
        plan=visible(data["plan"] or ""),
        currency=unit,
        period=f"{data['first_session']} to {data['last_session']}" if data["first_session"] else "no decision yet",
        day=visible(data["day"] or "no day"),
        short=_short(data, running, whole, unit),
        day_words=_day_words(data["day_totals"]),
        day_picture=_day_picture(today, data, unit),
        today=tuple(decisions[d["decision_id"]] for d in today if not d["followed"]),
        followed=tuple(decisions[d["decision_id"]] for d in today if d["followed"]),
        followed_words=f"{plural(data['day_totals']['followed']['decisions'], 'signal')} followed on {data['day']}",
        totals=totals_table(data, unit),
        best_picture=_picture(
            sorted([*best, *worst], key=lambda d: -d["value_add"]), "extremes", words.best_title(best, worst, unit), unit
        ),
        best=tuple(decisions[d["decision_id"]] for d in best),
        worst=tuple(decisions[d["decision_id"]] for d in worst),
        open=tuple(decisions[k] for k in data["open"]),
        by_action=label_table(data["by_action"], "Action", unit),
        by_type=label_table(data["by_type"], "Signal type", unit),
        running=_running_picture(running, unit),
        band_words=words.band_words(running, unit) if running else ("There is no departure to add up yet.",),
        known=words.known(whole, data["estimate"]),
        status=whole["status"] if whole else "WITHHOLD",
        doubts=tuple(visible(d) for d in words.doubts(whole)),
        needed=words.still_needed(whole, data["estimate"]),
        not_said=words.NOT_SAID,
        regimes=regime_table([r for r in rows if r["regime"] != "all"], data["estimate"]),
        kpis=kpi_facts(data["kpis"], data["estimate"]["errors"], unit),
        others=words.group_words(data["others"], unit),
        contests=tuple(_contest(c, unit) for c in data["contests"]),
        identity=_identity(data["identity"]),
    )


def _short(data: Line, running: Line | None, whole: Line | None, unit: str) -> tuple[str, ...]:
    """The day, the period, and whether it is skill: the first screen."""
    departed = data["day_totals"]["departures"]["decisions"]
    day = [f"{words.day_title(data['day_totals'], departed, unit)}."] if departed else []
    period = [f"{words.running_title(running, unit)}."] if running else []
    return (*day, *period, *words.in_short(whole, data["estimate"]))


def _day_words(totals: Line) -> str:
    d, f = totals["departures"], totals["followed"]
    if not d["decisions"] and not f["decisions"]:
        return "No decision of yours is in the ledger."
    return f"{plural(d['decisions'], 'decision')} of yours departed from the model ({plural(d['rows'], 'row')}), {count(f['decisions'])} followed it."


def _decision(d: Line, data: Line) -> Decision:
    """One decision with the derivation of each of its rows."""
    marks = {
        name: ids for name, ids in zip(("best", "worst"), data["today_best"], strict=True) if d["decision_id"] in data["today"]
    }
    mark = next((name for name, ids in marks.items() if d["decision_id"] in ids), "")
    first = d["rows"][0] if d["rows"] else {"asset": "", "side": ""}
    assets = list(dict.fromkeys(f"{r['side']} {r['asset']}" for r in d["rows"]))
    what = (
        visible(assets[0])
        if len(assets) == 1
        else f"{plural(len(d['rows']), 'row')}, {visible(first['side'])} {visible(first['asset'])} and others"
    )
    return Decision(
        name=visible(d["decision_id"]),
        when=instant(d["time"])[:19],
        what=f"{visible(d['action'])} {what}",
        meaning=VERBS.get(d["action"], "several actions in one decision"),
        parts=tuple(exact_money(d[k]) for k in PARTS),
        note=_note(d),
        mark=f"among the {mark} of the day" if mark and len(data["today"]) > 2 * len(data["today_best"][0]) else "",
        many=f"{count(len(d['rows']))} rows" if len(d["rows"]) > 1 else "",
        rows=tuple(_derived(r["key"], data["explanations"]) for r in d["rows"]),
    )


def _note(d: Line) -> str:
    said = []
    if d["open"]:
        said.append(
            f"open: {plural(d['open'], 'row')} without a mark yet; {exact_money(d['value_add_to_date'])} up to the last session that closed, not final"
        )
    if d["quarantined"]:
        said.append(f"{plural(d['quarantined'], 'row')} set aside, so the decision is in no hit rate or mean")
    codes = sorted({c for r in d["rows"] for c in (r["warnings"] or "").split(";") if c})
    said += [f"{c}: {RULES[c].text}" for c in codes]
    return "; ".join(said)


def _derived(key: str, texts: Mapping[str, str]) -> Derived:
    quoted = shlex.quote(key)
    text = texts.get(key) or f"Too many rows for one page. To read it: skillstats ledger RECORD --out DIR --explain {quoted}"
    command = f'skillstats contest EVALUATION --ledger LEDGER --row {quoted} --note "what is wrong, and where that can be seen"'
    return Derived(visible(key), tuple(visible(t) for t in text.split("\n")), visible(command))


def _fall(d: Line, *, dated: bool) -> Fall:
    asset = d["rows"][0]["asset"] if len({r["asset"] for r in d["rows"]}) == 1 else plural(len(d["rows"]), "row")
    name = f"{instant(d['time'])[0 if dated else 11 : 16]} {d['action']} {asset}"
    return Fall(visible(name), tuple(d[k] / MICRO for k in PARTS[:4]), exact_money(d["value_add"]))


def _picture(shown: Sequence[Line], key: str, title: str, unit: str) -> Picture | None:
    """A waterfall a decision, best first."""
    if not shown:
        return None
    falls = [_fall(d, dated=key != "day") for d in shown]
    told = [f"{f.name}: " + ", ".join(f"{k} {exact_money(d[k])}" for k in PARTS) + "." for f, d in zip(falls, shown, strict=True)]
    description = f"Waterfall of size, drift, slippage and cost to the value-add of each decision, in {unit}. " + " ".join(told)
    return in_both_layouts(
        lambda **how: waterfall_svg(falls, f"value-add against the model, {unit}", key=key, **how), title, description
    )


def _day_picture(today: Sequence[Line], data: Line, unit: str) -> Picture | None:
    closed = sorted((d for d in today if not d["followed"] and not d["open"]), key=lambda d: (-d["value_add"], d["decision_id"]))
    kept = closed if len(closed) <= DRAWN else [*closed[: DRAWN // 2], *closed[-DRAWN // 2 :]]
    return _picture(kept, "day", words.day_title(data["day_totals"], len(kept), unit), unit)


def _running_picture(running: Line | None, unit: str) -> Picture | None:
    if running is None:
        return None
    bands = [
        (running[a], running[b]) if running[a] is not None else None for a, b in (("low", "high"), ("wide_low", "wide_high"))
    ]
    shown = Running(tuple(running["sessions"]), tuple(v / MICRO for v in running["running"]), *bands)
    title = words.running_title(running, unit)
    last = f"On {running['sessions'][-1]} the line stands at {exact_money(running['running'][-1])} {unit}"
    band = f", the inner band runs {interval(running['low'][-1], running['high'][-1], 0)}" if running["low"] else ""
    return in_both_layouts(lambda **how: running_svg(shown, unit, **how), title, f"Running sum of your value-add. {last}{band}.")


def _contest(c: Line, unit: str) -> tuple[str, str, str]:
    """A contested row: its id, the note as it was written, and the own total and verdict with and without it."""
    said = [f"your total {exact_money(c['totals']['with'])} {unit} with it, {exact_money(c['totals']['without'])} without"]
    if not c["judged"]:
        said.append(f"the verdict does not rest on it: {visible(c['why'])}")
    elif None in c["chances"].values():
        said.append(f"status {c['statuses']['with'] or 'no row'} with it, {c['statuses']['without'] or 'no row'} without")
    else:
        one, two = (percent(c["chances"][k], c["certainty"]) for k in ("with", "without"))
        said.append(f"P(above hurdle) {one} with it, {two} without")
    if not c["current"]:
        said.append("contested in an earlier evaluation")
    return visible(c["row"]), visible(c["note"]), "; ".join(said)


def _identity(identity: Line) -> Facts:
    return (
        ("Ledger digest", visible(str(identity["ledger"]))), ("Plan digest", visible(str(identity["plan"]))), ("Model", visible(str(identity["spec_name"]))),
        ("skillstats version", visible(str(identity["version"]))), ("Seed", str(identity["seed"])),
    )  # fmt: skip
