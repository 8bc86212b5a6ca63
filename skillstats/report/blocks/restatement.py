"""Section: what changed against the earlier evaluation?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from skillstats.declared.difference import value_text
from skillstats.evaluation.restate_words import data_text
from skillstats.report.intervals import Axis, Interval, interval_svg
from skillstats.report.kpis import Table
from skillstats.report.numbers import ABSENT, count, fixed, interval, percent, plural, visible
from skillstats.report.section import Picture, Section, Setting, in_both_layouts
from skillstats.units import format_micro

TITLE: Final = "What changed against the earlier evaluation"
PICTURED: Final = 10
SHOWN: Final = 20
"""Rows of the ledger that the page lists."""


def restatement_section(found: Mapping[str, Any], setting: Setting, *, annual: bool, certainty: float) -> Section | None:
    """What changed, from the plan to the verdicts; None where nothing is restated.

    annual : whether the IRs compared are annual ones; certainty : of a claim, which no probability is rounded across
    """
    if not found:
        return None
    if found["nothing"]:
        return Section("restatement", TITLE, visible(found["text"]), notes=(_of(found),))
    tables = [
        (
            _results(found["results"], certainty, annual=annual),
            f"Each trader before and now; {_unit(annual)} with its 90% equal-tailed interval",
        ),
        (_plan(found["plan"]), "Keys of the plan that differ, and what each can change"),
        (_run(found["run"]), "How it was computed"),
        (_rows(found["data"], setting), _rows_caption(found["data"], setting)),
    ]
    picture = _picture(found["results"], annual=annual)
    shown = tuple((t, c) for t, c in tables if t.lines)
    return Section("restatement", TITLE, visible(found["text"]), picture, shown, _notes(found))


def _of(found: Mapping[str, Any]) -> str:
    return f"The earlier evaluation: digest {visible(str(found['of']['digest']))[:12]}, of version {visible(str(found['of']['version']))}."


def _notes(found: Mapping[str, Any]) -> tuple[str, ...]:
    notes = [_of(found), "Every difference, cell by cell, is in restatement.csv beside evaluation.json."]
    if any("WITHHOLD" in (r["status_before"], r["status_after"]) for r in found["results"]):
        notes.append("Where a number is withheld before or now, it is given on neither side.")
    if found["run"] or found["data"]["same"]:
        notes.append(
            "Draws are random: another seed, engine or number of draws moves a number a little without any cause in the record."
        )
    return tuple(notes)


def _unit(annual: bool) -> str:
    return "annual IR" if annual else "IR per decision"


def _band(row: Mapping[str, Any], *, annual: bool) -> tuple[Any, Any, Any]:
    name = "ir_annual" if annual else "ir_decision"
    return tuple(row.get(f"{name}_{k}") for k in ("mean", "q05", "q95"))  # type: ignore[return-value]


def _moved(results: Sequence[Mapping[str, Any]], *, annual: bool) -> list[Mapping[str, Any]]:
    """Traders with a number on both sides that is not the same, the largest move first."""
    name = "ir_annual_mean" if annual else "ir_decision_mean"
    own = [r for r in results if r["regime"] == "all" and r["what"] == "changed"]
    both = [r for r in own if r["before"].get(name) is not None and r["after"].get(name) is not None]
    return sorted(both, key=lambda r: (-abs(r["after"][name] - r["before"][name]), r["trader"]))


def _picture(results: Sequence[Mapping[str, Any]], *, annual: bool) -> Picture | None:
    """Before and now, two lines a trader; None where no number moved."""
    moved = _moved(results, annual=annual)
    if not moved:
        return None
    digits = 2 if annual else 3
    rows = []
    for r in moved[:PICTURED]:
        for side, words in (("before", "before"), ("after", "now")):
            mean, low, high = _band(r[side], annual=annual)
            text = f"{fixed(mean, digits)} {interval(low, high, digits)}"
            rows.append(Interval(f"{visible(r['trader'])}, {words}", low, high, mean, text, strong=side == "after"))
    first = moved[0]
    one, two = (_band(first[side], annual=annual)[0] for side in ("before", "after"))
    title = f"The largest move is that of {visible(first['trader'])}: {_unit(annual)} {fixed(one, digits)} before, {fixed(two, digits)} now"
    left = f" The {PICTURED} largest moves of {len(moved)}." if len(moved) > PICTURED else ""
    description = f"{title}.{left} " + "; ".join(f"{r.label}: {r.words}" for r in rows)
    axis = Axis("restatement", f"{_unit(annual)}; 90% equal-tailed interval")
    return in_both_layouts(lambda **how: interval_svg(rows, axis, **how), title, description)


def _results(results: Sequence[Mapping[str, Any]], certainty: float, *, annual: bool) -> Table:
    heads = ("Trader", "Status before", "Status now", f"{_unit(annual)} before", "now", "P(IR > hurdle) before", "now")
    lines = []
    for r in results:
        if r["regime"] != "all":
            continue
        sides = (r["before"], r["after"])
        bands = [_band_text(side, annual=annual) for side in sides]
        chances = [percent(side.get("p_above_hurdle"), certainty) if side else ABSENT for side in sides]
        lines.append((visible(r["trader"]), r["status_before"] or "no row", r["status_after"] or "no row", *bands, *chances))
    return Table(heads, tuple(lines))


def _band_text(row: Mapping[str, Any], *, annual: bool) -> str:
    mean, low, high = _band(row, annual=annual)
    digits = 2 if annual else 3
    return ABSENT if mean is None else f"{fixed(mean, digits)} {interval(low, high, digits)}"


def _plan(plan: Sequence[Mapping[str, Any]]) -> Table:
    lines = tuple(
        (
            visible(d["key"]),
            _value(d["before"]),
            _value(d["after"]),
            ", ".join(d["changes"]) or "no number",
            visible(d["meaning"]),
        )
        for d in plan
    )
    return Table(("Key", "Before", "Now", "Can change", "What it means"), lines, (1, 2, 3, 4))


def _value(value: Any) -> str:
    """A value of the plan without the quotes of a file."""
    return visible(value) or "empty" if isinstance(value, str) else value_text(value)


def _run(run: Sequence[Mapping[str, Any]]) -> Table:
    return Table(
        ("Of the computation", "Before", "Now"),
        tuple((visible(d["key"]), *(_short(d[k]) for k in ("before", "after"))) for d in run),
    )


def _short(value: Any) -> str:
    """Digests in twelve characters, everything else whole."""
    text = "none" if value is None else visible(str(value))
    return text[:12] if len(text) == 64 else text


def _rows(data: Mapping[str, Any], setting: Setting) -> Table:
    if data["compared"] != "rows":
        return Table((), ())
    heads = ("Row", "Trader", "What", "Columns", f"Value-add before, {setting.unit}", "now")
    lines = tuple(
        (
            visible(r["row"]),
            visible(r["trader"] or ABSENT),
            r["what"],
            ", ".join(r["columns"]) or ABSENT,
            *(_money(r[f"value_add_{k}"]) for k in ("before", "after")),
        )
        for r in data["rows"][:SHOWN]
    )
    return Table(heads, lines, (3,))


def _rows_caption(data: Mapping[str, Any], setting: Setting) -> str:
    if data["compared"] != "rows":
        return ""
    every = sum(data[k] for k in ("added", "removed", "changed"))
    first = f", the first {SHOWN} of {count(every)}" if every > SHOWN else ""
    totals = f"value-add of the whole ledger {_money(data['total_before'])} before, {_money(data['total_after'])} now, in {setting.unit}"
    return f"{data_text(data)[:-1]} ({plural(every, 'row')}{first}); {totals}"


def _money(micro: int | None) -> str:
    return ABSENT if micro is None else fixed(float(format_micro(micro, 2)), 2)
