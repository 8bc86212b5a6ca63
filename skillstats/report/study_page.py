"""The page of a simulation study: who is best where, then every world with a picture of its first metric and a table of all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import pandas as pd

from skillstats.report.intervals import Axis, Interval, IntervalData, interval_picture
from skillstats.report.kpis import Table
from skillstats.report.numbers import ABSENT, count, fixed, plural
from skillstats.report.page import render_template
from skillstats.report.section import Section
from skillstats.study.planned.markdown import digits_of
from skillstats.study.planned.metrics import METRICS
from skillstats.study.planned.run import StudyResult
from skillstats.study.planned.standing import standings
from skillstats.units import package_version

LEADING: Final = ("rmse", "regret", "equal_power", "false_promote", "missed_skill", "coverage")
"""Metrics a picture is drawn of, the first that a study has."""
GLOSSARY: Final = (
    ("Monte-Carlo error", "in brackets or as a 90% interval: how far the number may be off because only so many desks were simulated; desks are drawn again, the same ones for every estimator"),
    ("skilled", "a true annual information ratio above what the study file states, else above the hurdle"),
    ("equal power", "every estimator's own score is given the bar at which it finds the same share of the skilled; the rate is the share of the others who reach it"),
    ("regret", "worth lost against the best act, in annual IR a trader; keeping the right at the fraction f of its size is worth f IR - hurdle f^2"),
    ("a dash", "the method gives no such number, and none is made up for it"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class StudyView:
    """What the template prints; text and Markup only."""

    title: str
    size: str
    about: str
    headline: str
    best: Table
    best_caption: str
    sections: tuple[Section, ...]
    glossary: tuple[tuple[str, str], ...]
    identity: tuple[tuple[str, str], ...]
    status: str = ""
    codes: tuple[str, ...] = ()


def study_page(result: StudyResult) -> str:
    """The page as one HTML document; the same bytes for the same study."""
    return render_template("study.html.j2", _view(result))


def _view(result: StudyResult) -> StudyView:
    study, cells = result.study, result.metrics[["world", "design"]].drop_duplicates()
    best = standings(study, result.metrics)
    sections = [_world(result, str(w), str(d), at) for at, (w, d) in enumerate(cells.itertuples(index=False))]
    return StudyView(
        title=study.title or study.name,
        size=f"{plural(len(cells), 'cell')}, {count(result.tasks)} desks, {plural(len(study.estimators), 'estimator')}, level {study.level}",
        about=study.about,
        headline=_headline(result, best),
        best=_best_table(best),
        best_caption=f"{study.own} against the best rival of each world",
        sections=tuple(
            sections + ([_power(result)] if not result.needed.empty else []) + ([_times(result)] if len(result.times) else [])
        ),
        glossary=GLOSSARY,
        identity=(
            ("study", study.name),
            ("digest of rows and metrics", result.digest),
            ("seed", str(study.seed)),
            ("version", package_version()),
            ("failed desks", count(result.failed)),
        ),
    )


def _headline(result: StudyResult, best: pd.DataFrame) -> str:
    """How often the reference is first or level, by metric."""
    compared = best[best["rival"] != ""]
    if compared.empty:
        return f"{count(result.tasks)} desks were simulated; the tables below say what each estimator makes of them."
    said = []
    for word in [w for w in LEADING if w in set(compared["metric"])][:3]:
        part = compared[compared["metric"] == word]
        first = int((part["standing"] == "first").sum())
        said.append(f"{METRICS[word].title} in {count(first)} of {plural(len(part), 'cell')}")
    return f"{result.study.own} is best by " + ", by ".join(said) + "."


def _best_table(best: pd.DataFrame) -> Table:
    words = list(dict.fromkeys(best["metric"]))
    lines = []
    for (world, design), cell in best.groupby(["world", "design"], sort=False):
        own = cell.set_index("metric")
        lines.append((f"{world}, {design}", *(_standing(own.loc[w]) if w in own.index else ABSENT for w in words)))
    return Table(("World", *(METRICS[w].title for w in words)), tuple(lines), words=tuple(range(1, len(words) + 1)))


def _standing(line: pd.Series[Any]) -> str:
    word = str(line["standing"])
    return f"{word} by {line['rival']}" if word == "beaten" else f"{word} with {line['rival']}" if word == "level" else word


def _world(result: StudyResult, world: str, design: str, at: int) -> Section:
    part = result.metrics[(result.metrics["world"] == world) & (result.metrics["design"] == design)]
    entry = next(w for w in result.study.worlds if w.name == world)
    words = list(dict.fromkeys(part["metric"]))
    leading = next((w for w in LEADING if w in words), words[0])
    own = part[part["metric"] == leading].dropna(subset=["value"])
    picture = interval_picture(_picture(own, leading, f"world-{at}", result.study.own)) if len(own) else None
    rows = [e.name for e in result.study.estimators if e.name in set(part["estimator"])]
    digits = {w: digits_of(part.loc[part["metric"] == w, "value"]) for w in words}
    lines = tuple((name, *(_value(part, name, w, digits[w]) for w in words)) for name in rows)
    desks = int(part["desks"].iloc[0])
    finding = entry.about or f"{METRICS[leading].title} of every estimator."
    table = Table(("Estimator", *(METRICS[w].title for w in words)), lines)
    return Section(
        f"world-{at}", f"{world}, {design}", finding, picture, ((table, f"{world}: {plural(desks, 'desk')}"),), _notes(part)
    )


def _notes(part: pd.DataFrame) -> tuple[str, ...]:
    """How many desks the precision asked takes, by metric: the largest number over the estimators."""
    asked = part.dropna(subset=["needed"])
    return tuple(
        f"{METRICS[str(word)].title}: an error of {own['wanted'].iloc[0]:g} takes {count(int(own['needed'].max()))} desks; {count(int(own['desks'].iloc[0]))} were run."
        for word, own in asked.groupby("metric", sort=False)
    )


def _picture(own: pd.DataFrame, word: str, key: str, reference: str) -> IntervalData:
    digits = digits_of(own["value"])
    rows = tuple(
        Interval(
            str(r["estimator"]),
            *((float(r["low"]), float(r["high"])) if pd.notna(r["error"]) else (float(r["value"]),) * 2),
            float(r["value"]),
            fixed(float(r["value"]), digits),
            strong=r["estimator"] == reference,
        )
        for r in own.to_dict(orient="records")
    )
    title = f"{METRICS[word].title}, with 90% intervals of the simulation"
    told = "; ".join(f"{r.label} {r.words}" for r in rows)
    return IntervalData(title, f"{title}. {told}.", rows, Axis(key, METRICS[word].title))


def _value(part: pd.DataFrame, name: str, word: str, digits: int) -> str:
    found = part[(part["estimator"] == name) & (part["metric"] == word)]
    if found.empty or pd.isna(found["value"].iloc[0]):
        return ABSENT
    value, error = found["value"].iloc[0], found["error"].iloc[0]
    return fixed(value, digits) if pd.isna(error) else f"{fixed(value, digits)} ({fixed(error, digits)})"


def _power(result: StudyResult) -> Section:
    wanted = f"{100 * result.study.power:.0f}%"
    rows = result.needed.to_dict(orient="records")
    lines = tuple(
        (f"{r['world']}, {r['estimator']}", fixed(r["decisions"], 0), fixed(r["error"], 0), str(r["between"])) for r in rows
    )
    table = Table(("World, estimator", "Decisions", "Error", "Found between"), lines, words=(3,))
    curve = tuple(
        (
            f"{r['world']}, {r['design']}, {r['estimator']}",
            fixed(r["decisions"], 0),
            f"{fixed(r['power'], 3)} ({fixed(r['error'], 3)})",
        )
        for r in result.power.to_dict(orient="records")
    )
    tables = (
        (table, f"Decisions for a power of {wanted}"),
        (Table(("Cell", "Decisions", "Power"), curve), "Power of every cell"),
    )
    finding = f"How many decisions of a trader it takes until skill is claimed with probability {wanted}."
    return Section("power", "How much data does it take?", finding, None, tables)


def _times(result: StudyResult) -> Section:
    mean = result.times.groupby("estimator", sort=False)["seconds"].mean()
    lines = tuple((str(name), fixed(float(seconds), 3)) for name, seconds in mean.items())
    table = Table(("Estimator", "CPU seconds a desk"), lines)
    note = "Measured on the first desk of each cell, in one process; the only figures here that depend on the machine, and part of no digest."
    return Section("times", "What does an answer cost?", "Mean CPU time of one desk.", None, ((table, "CPU time"),), (note,))
