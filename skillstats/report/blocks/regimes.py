"""Section: where do overrides help?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from skillstats.report.intervals import Axis, Interval, interval_svg
from skillstats.report.kpis import Table
from skillstats.report.numbers import ABSENT, count, digits_for, fixed, interval, listed, percent, plural, visible
from skillstats.report.section import Section, Setting, in_both_layouts

PICTURED: Final = 16
"""Rows of the picture: the findings, then the cells that differ most from the rest."""
LISTED: Final = 12
PLAIN: Final = ("action", "side", "time_of_day", "volatility")
"""Labels whose levels speak for themselves."""


def regimes_section(block: Mapping[str, Any], setting: Setting) -> Section:
    """Findings in a sentence, the forest of cells, the cells and the model's value by context."""
    title = "Where do overrides help?"
    if not block["available"]:
        return Section("regimes", title, f"Not answered: {visible(block['why'])}")
    found = [c for c in block["cells"] if c["found"]]
    headline = _headline(found)
    tables = [
        (
            _cell_table(block, setting),
            f"Cells by doubt, findings first. Values in {block['unit']} of a trader whose decisions were all like these.",
        )
    ]
    if block["surface"].get("contexts"):
        tables.append((_surface_table(block["surface"]["contexts"], setting), _surface_caption(block)))
    return Section("regimes", title, _finding(block, found), _picture(block, headline), tuple(tables), _notes(block))


def _headline(found: Sequence[Mapping[str, Any]]) -> str:
    """The finding as the picture's title."""
    helps, hurts = ([_where(c) for c in found if c["found"] == kind] for kind in ("helps", "hurts"))
    said = [f"Overrides help in {listed(helps, 3)}"] if helps else []
    said += [f"{'they hurt' if helps else 'Overrides hurt'} in {listed(hurts, 3)}"] if hurts else []
    return "; ".join(said) or "No regime stands out: overrides are worth about the same everywhere"


def _where(cell: Mapping[str, Any]) -> str:
    return f"{visible(cell['label'])} = {visible(cell['level'])}"


def _finding(block: Mapping[str, Any], found: Sequence[Mapping[str, Any]]) -> str:
    searched = f"{plural(len(block['candidates']), 'label')} and {plural(block['crossings'], 'crossing')} of two were searched, {plural(block['judged'], 'cell')} in all"
    rule = f"a finding is worth more than {block['hurdle']:g} {block['unit']} and that much more than the rest of its label, with {percent(block['certainty'])} certainty"
    if not found:
        desk = fixed(block["desk"], 2)
        return f"No regime was found in which overrides do better or worse than elsewhere; over all decisions they come to {desk} {block['unit']}. {searched}; {rule}."
    words = [
        f"{'there they come' if len(found) == 1 else _where(c) + ' comes'} to {fixed(c['mean'], 2)} {interval(c['q05'], c['q95'], 2)} {block['unit']} over "
        f"{plural(c['rows'], 'decision')} on {plural(c['sessions'], 'day')}"
        for c in found
    ]
    return f"{_headline(found)}: {'; '.join(words)} (90% intervals). {searched}; {rule}."


def _picture(block: Mapping[str, Any], headline: str) -> Any:
    """The forest: findings, then the single labels that differ most."""
    found = [c for c in block["cells"] if c["found"]]
    rest = sorted((c for c in block["cells"] if not c["found"] and len(c["keys"]) == 1), key=lambda c: -abs(c["excess"]))
    cells = [*found, *rest[: max(0, PICTURED - len(found))]]
    rows = [
        Interval(
            label=visible(c["level"]) if c["keys"][0] in PLAIN else f"{visible(c['level'])} ({visible(c['label'])})",
            low=c["q05"], high=c["q95"], dot=c["mean"],
            words=f"{c['found'] or ('same days as a finding' if c['explained'] else 'not told apart')}; {plural(c['sessions'], 'day')}",
            strong=bool(c["found"]),
        )
        for c in cells
    ]  # fmt: skip
    axis = Axis("regimes", f"value of overrides, {block['unit']}; 90% interval")
    description = f"{headline}. Rows: " + "; ".join(f"{r.label}: {fixed(r.dot, 2)} {interval(r.low, r.high, 2)}" for r in rows)
    return in_both_layouts(lambda **how: interval_svg(rows, axis, **how), headline, description)


def _cell_table(block: Mapping[str, Any], setting: Setting) -> Table:
    heads = (
        "Cell", "Decisions", "Days", f"Raw, {block['unit']}", "Pooled [90% interval]", "More than the rest", "P(value > hurdle)", "False sign",
        "Still needed", f"Value-add a decision, {setting.unit}",
    )  # fmt: skip
    shown = block["cells"][: LISTED + sum(bool(c["found"]) for c in block["cells"])]
    digits = digits_for(c["value_add"] for c in shown)
    lines = []
    for c in shown:
        mark = f" ({c['found']})" if c["found"] else f" (same days as {visible(c['explained'])})" if c["explained"] else ""
        lines.append(
            (
                f"{_where(c)}{mark}", count(c["rows"]), count(c["sessions"]), fixed(c["raw"], 2),
                f"{fixed(c['mean'], 2)} {interval(c['q05'], c['q95'], 2)}",
                f"{fixed(c['excess'], 2)} {interval(c['excess_q05'], c['excess_q95'], 2)}",
                percent(c["p_above"], block["certainty"]), percent(c["lfsr"]), _needed(c), fixed(c["value_add"], digits),
            )
        )  # fmt: skip
    return Table(heads, tuple(lines))


def _needed(cell: Mapping[str, Any]) -> str:
    """Decisions still needed, in words."""
    if cell["found"]:
        return "found"
    if cell["needed_decisions"] is None:
        return "not at this rate"
    return f"{count(round(cell['needed_decisions']))} decisions, {count(cell['needed_sessions'])} days"


def _surface_table(contexts: Sequence[Mapping[str, Any]], setting: Setting) -> Table:
    heads = (
        "Context", "Signals", f"Model P/L, {setting.unit}", "Model's value [90% interval]", "P(model loses)", "Overridden", "Left alone, per risk",
        "Overridden, per risk", "P(override helps)",
    )  # fmt: skip
    digits = digits_for(c["model_pnl"] for c in contexts)
    lines = []
    for c in contexts:
        cell = c["cell"]
        lines.append(
            (
                _where(cell), count(c["signals"]), fixed(c["model_pnl"], digits),
                f"{fixed(cell['mean'], 2)} {interval(cell['q05'], cell['q95'], 2)}", percent(cell["p_below"]), _share(c["rate"]),
                fixed(c["followed"], 3), fixed(c["touched"], 3), c["why"] or (ABSENT if c["p_helps"] is None else percent(c["p_helps"])),
            )
        )  # fmt: skip
    return Table(heads, tuple(lines))


def _share(value: float) -> str:
    return f"{100 * value:.0f}%" if value in (0.0, 1.0) else percent(value)


def _surface_caption(block: Mapping[str, Any]) -> str:
    surface = block["surface"]
    left = f"; {count(surface['without_risk'])} without a known risk are left out" if surface["without_risk"] else ""
    return (
        f"The model's own value by context, over all {count(surface['signals'])} signals, followed ones included{left}. Value in {block['unit']}, pooled; "
        f"P(model loses): more than {block['hurdle']:g}; P(override helps): the overrides made there are worth more than {block['hurdle']:g}. Where "
        "everything or nothing was overridden there is nothing to compare, and no claim."
    )


def _notes(block: Mapping[str, Any]) -> tuple[str, ...]:
    left = [f"{visible(k)} ({visible(v)})" for k, v in block["left_out"].items()]
    notes = (
        "A day counts as one bet: errors are clustered by session, and every cell is pulled towards the desk's mean as far as its label, and the other labels, "
        "give no reason to differ.",
        "A regime found is one in which the decisions people chose to make did better. It does not say what more overrides there would bring.",
        "Labels that mark the same days cannot be told apart: the surer one is found, the other is named beside it.",
    )
    return (*notes, f"Not searched: {'; '.join(left)}.") if left else notes
