"""All that the template of the head of trading's page may know, as text: filtered first, rendered after.

The template never sees the `Evaluation`; it sees this `View`, whose numbers passed the filter of `rows` and are already text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from markupsafe import Markup

from skillstats.evaluation.result import INTERVAL_NAME, Evaluation
from skillstats.report import facts, words
from skillstats.report.blocks import sections_of
from skillstats.report.blocks.contests import contests_section
from skillstats.report.blocks.restatement import restatement_section
from skillstats.report.decided import decided_section
from skillstats.report.facts import Facts, text_of
from skillstats.report.figures import forest_svg
from skillstats.report.grid import GridRow, grid_of
from skillstats.report.history import history_sections
from skillstats.report.kpis import Table, kpi_table
from skillstats.report.more import More, more_of
from skillstats.report.numbers import ABSENT, count, digits_for, fixed, interval, is_number, percent, visible
from skillstats.report.operating import operating_sections
from skillstats.report.plots.forest import forest_of
from skillstats.report.rows import NOT_ENOUGH, Band, Reason, Row, overall_rows, reasons_of, regime_rows
from skillstats.report.section import Section, Setting
from skillstats.report.skill_sections import skill_sections
from skillstats.report.verdict import Verdict, verdict_of
from skillstats.report.words import Scale

CHAPTERS: Final[Mapping[str, tuple[str, ...]]] = {
    "first": ("contests", "restatement"),
    "sure": ("wrong", "length", "priors", "prior", "funnel", "placebo", "classics"),
    "value": ("factors", "choice", "risk"),
    "regimes": ("regimes", "policies"),
    "history": ("history", "forecasts", "decided"),
    "people": ("behaviour", "learning"),
}
"""Chapter of the page to the keys of its sections, both in the order of the reader's questions; a section of no chapter stands under the last."""


@dataclass(frozen=True, slots=True)
class Tile:
    """One group of traders in the verdict: how many, what it means, who."""

    css: str
    size: str
    label: str
    names: str


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a table of estimates, as text; `shown` is False where everything is withheld."""

    trader: str
    regime: str
    n: str
    days: str
    n_eff: str
    shown: bool
    absence: str
    ir: str
    ir_interval: str
    value_add: str
    value_add_interval: str
    p_positive: str
    p_above_hurdle: str
    shrinkage: str
    reliability: str
    status: str
    codes: str
    reasons: tuple[Reason, ...]
    claims: bool


@dataclass(frozen=True, slots=True)
class Forest:
    """The forest plot in two layouts, with its title."""

    title: str
    wide: Markup
    narrow: Markup


@dataclass(frozen=True, slots=True)
class View:
    """The page of the head of trading as text; see the template for where each field stands."""

    title: str
    period: str
    headline: str
    verdict: Verdict
    status: str
    codes: tuple[Reason, ...]
    tiles: tuple[Tile, ...]
    desk: str
    order: str
    scale: Scale
    interval_name: str
    unit: str
    data: Facts
    forest: Forest | None
    lines: tuple[Line, ...]
    grid_title: str
    regimes: tuple[str, ...]
    grid: tuple[GridRow, ...]
    cells: tuple[Line, ...]
    kpis: Table
    more: More
    sections: Mapping[str, tuple[Section, ...]]
    hypotheses: tuple[tuple[str, ...], ...]
    caveats: tuple[str, ...]
    population: Table
    diagnostics: Facts
    gates: tuple[Reason, ...]
    identity: Facts
    plan_text: tuple[str, ...]


def view_of(evaluation: Evaluation, contests: Sequence[Mapping[str, Any]] = ()) -> View:
    """Filter an evaluation and the contests of its rows, and write them down as text."""
    scale = words.scale_of(evaluation)
    own, cells = overall_rows(evaluation), regime_rows(evaluation)
    groups = words.group_traders(own)
    regimes, grid = grid_of(own, cells, scale)
    digits = digits_for(v for r in own if r.value_add for v in (r.value_add.q05, r.value_add.q95))
    order = evaluation.lists.get("order", {}) if evaluation.status != "WITHHOLD" else {}
    source = evaluation.source
    return View(
        title=visible(str(evaluation.plan["name"] or "")),
        period=facts.period_words(source),
        headline=words.headline(groups, scale, evaluation.status == "WITHHOLD"),
        verdict=verdict_of(evaluation, own, cells, scale, text_of(source["unit"])),
        status=evaluation.status,
        codes=reasons_of(evaluation.codes),
        tiles=() if evaluation.status == "WITHHOLD" else _tiles(groups, scale),
        desk=words.desk_sentence(evaluation),
        order=visible(str(order.get("text", ""))).capitalize(),
        scale=scale,
        interval_name=INTERVAL_NAME,
        unit=text_of(source["unit"]),
        data=facts.data_facts(evaluation),
        forest=_forest(own, scale),
        lines=tuple(_line(r, scale, digits) for r in own),
        grid_title=words.grid_title(cells, scale) if cells else "",
        regimes=regimes,
        grid=grid,
        cells=tuple(_line(r, scale, digits) for r in cells),
        kpis=kpi_table(evaluation.kpis, text_of(source["unit"])),
        more=more_of(evaluation, own, scale, text_of(source["unit"])),
        sections=by_chapter(_sections(evaluation, contests, own, scale)),
        hypotheses=_hypotheses(evaluation),
        caveats=tuple(visible(str(c)) for c in evaluation.caveats),
        population=facts.population_table(evaluation),
        diagnostics=facts.diagnostic_facts(evaluation.diagnostics),
        gates=reasons_of(evaluation.diagnostics.get("gates") or ()),
        identity=facts.identity_facts(evaluation),
        plan_text=tuple(str(evaluation.plan["text"] or "").splitlines()),
    )


def _sections(
    evaluation: Evaluation, contests: Sequence[Mapping[str, Any]], own: tuple[Row, ...], scale: Scale
) -> tuple[Section, ...]:
    """Every section the evaluation has something to say in, in no order of importance."""
    setting = _setting(evaluation, own, scale)
    annual, certainty = bool(evaluation.source["has_year"]), float(evaluation.plan["certainty"])
    hurdle = float(evaluation.plan["hurdle"]) if annual else None
    changed = restatement_section(evaluation.restatement, setting, annual=annual, certainty=certainty)
    decided = decided_section(evaluation.minutes, text_of(evaluation.source["unit"]))
    return (
        *(s for s in (contests_section(contests), changed, decided) if s is not None),
        *operating_sections({} if evaluation.status == "WITHHOLD" else evaluation.operating, own, scale),
        *skill_sections(evaluation),
        *history_sections(evaluation.history, setting, hurdle),
        *sections_of(evaluation.attribution, setting),
    )


def by_chapter(sections: Sequence[Section]) -> dict[str, tuple[Section, ...]]:
    """The sections of each chapter, in the order of the chapter."""
    known = {key for keys in CHAPTERS.values() for key in keys}
    last = list(CHAPTERS)[-1]
    found = {name: [s for key in keys for s in sections if s.key == key] for name, keys in CHAPTERS.items()}
    found[last] += [s for s in sections if s.key not in known]
    return {name: tuple(kept) for name, kept in found.items()}


def _setting(evaluation: Evaluation, own: tuple[Row, ...], scale: Scale) -> Setting:
    """What the sections of the blocks may know of the evaluation."""
    names = tuple(visible(r.trader) for r in own)
    return Setting(text_of(evaluation.source["unit"]), names, scale.hurdle_text, scale.sure)


def _tiles(groups: words.Groups, scale: Scale) -> tuple[Tile, ...]:
    """The verdict in groups; an empty group other than the first is left out."""
    every = (
        ("clear", groups.clear, f"clear the hurdle with at least {scale.sure} certainty"),
        ("open", groups.unsettled, "not settled: the data do not yet tell skill from luck"),
        ("against", groups.against, f"point below zero: P(IR > 0) is {fixed(100 * (1 - scale.certainty), 0)}% or less"),
        ("few", groups.too_few, f"{NOT_ENOUGH} for any number" if groups.only_few else "without a number; the table says why"),
    )
    return tuple(Tile(css, count(len(rows)), label, words.names(rows)) for css, rows, label in every if rows or css == "clear")


def _forest(rows: tuple[Row, ...], scale: Scale) -> Forest | None:
    """Both layouts of the forest plot; None where no trader has an estimate."""
    data = forest_of(rows, scale)
    if data is None:
        return None
    wide, narrow = (forest_svg(data.rows, scale, narrow=n, title=data.title, description=data.description) for n in (False, True))
    return Forest(data.title, wide, narrow)


def _line(row: Row, scale: Scale, digits: int) -> Line:
    """One row as text."""
    ir, ir_interval = _band(row.ir, scale.digits)
    value, value_interval = _band(row.value_add, digits)
    return Line(
        trader=visible(row.trader),
        regime=visible(row.regime),
        n=count(row.n),
        days=count(row.days),
        n_eff=fixed(row.n_eff, 0 if is_number(row.n_eff) and row.n_eff >= 100 else 1),
        shown=not row.withheld,
        absence=row.absence,
        ir=ir,
        ir_interval=ir_interval,
        value_add=value,
        value_add_interval=value_interval,
        p_positive=percent(row.p_positive),
        p_above_hurdle=percent(row.p_above_hurdle, scale.certainty),
        shrinkage=percent(row.shrinkage),
        reliability=percent(row.reliability),
        status=row.status,
        codes=row.codes,
        reasons=row.reasons,
        claims=row.claims,
    )


def _band(band: Band | None, digits: int) -> tuple[str, str]:
    """Mean and 90% interval as text."""
    return (fixed(band.mean, digits), interval(band.q05, band.q95, digits)) if band else (ABSENT, "")


def _hypotheses(evaluation: Evaluation) -> tuple[tuple[str, ...], ...]:
    """Cells to look at next: name, regime, raw IR per decision with its type S and M errors, pooled IR; a withheld cell is left out."""
    allowed = {(r.trader, r.regime) for r in regime_rows(evaluation) if not r.withheld}
    found = []
    for item in evaluation.lists.get("hypotheses") or ():
        if (str(item["trader"]), str(item["regime"])) in allowed:
            times = item.get("exaggeration")
            trust = (percent(item.get("sign")), f"{fixed(times, 1)} times" if is_number(times) else ABSENT)
            numbers = (fixed(item["raw_ir"], 3), *trust, fixed(item["ir_decision_mean"], 3))
            found.append((visible(str(item["trader"])), visible(str(item["regime"])), *numbers))
    return tuple(found)
