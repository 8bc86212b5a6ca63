"""Was it timing or selection? One bar a trader: what the usual lean, departing from it, selection and execution made, in money."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from skillstats.evaluation.result import Evaluation
from skillstats.report.numbers import digits_for, fixed, listed, visible
from skillstats.report.plots.canvas import draw_data, rows_high
from skillstats.report.rows import overall_rows
from skillstats.report.stacks import Stack, StackData, draw_stacks, legend_handles

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PARTS: Final = ("timing", "tilt", "selection", "execution", "unattributed")
WORDS: Final = {
    "timing": "timing",
    "tilt": "usual lean",
    "selection": "selection",
    "execution": "execution",
    "unattributed": "not attributed",
}
MOST_BARS: Final = 12


def split_data(evaluation: Evaluation) -> StackData | None:
    """The bars of the traders of the evaluation and of the desk; None where the record has no factor returns."""
    block = evaluation.attribution.get("factors") or {}
    if not block.get("available"):
        return None
    names = {r.trader for r in overall_rows(evaluation)}
    return split_of([r for r in block["traders"] if str(r["trader"]) in names], block["all"], visible(str(block["unit"])))


def plot_split(evaluation: Evaluation, ax: Axes | None = None) -> Axes:
    """Draw timing, usual lean, selection and execution of each trader, in money.

    Parameters
    ----------
    evaluation : with the block `factors`
    ax : axes to draw on; without them a figure of its own, with room for names and words

    Returns
    -------
    Axes, matplotlib's

    Raises
    ------
    UsageError
        If the evaluation has no split by factors.
    """
    return draw_data(
        ax,
        split_data(evaluation),
        "plot_split: the evaluation has no block `factors`; it needs a record with factor returns",
        lambda d: rows_high(len(d.stacks)),
        lambda axes, d: draw_stacks(axes, d.stacks, d.axis),
        lambda d: legend_handles(d.labels),
    )


def split_of(shown: Sequence[Mapping[str, Any]], whole: Mapping[str, Any], unit: str) -> StackData:
    """The bars of the rows that may be shown, with the desk's own where there are several; money in `unit`."""
    kept = sorted(shown, key=lambda r: -abs(r["value_add"]))[:MOST_BARS]
    rows = [*(r for r in shown if r in kept), *([whole] if len(shown) > 1 else [])]
    used = [p for p in PARTS if any(r[p] for r in rows)] or list(PARTS[:3])
    digits = digits_for(r["value_add"] for r in rows)
    stacks = [Stack(r["trader"], tuple(r[p] for p in used), fixed(r["value_add"], digits)) for r in rows]
    largest = max(("timing", "tilt", "selection"), key=lambda p: abs(whole[p]))
    dropped = f" The {MOST_BARS} traders with the largest value-add are shown." if len(shown) > MOST_BARS else ""
    title = f"How the value was made: mostly {WORDS[largest]}" if whole["value_add"] else "How the value was made"
    description = " ".join(
        f"{visible(r['trader'])}: value-add {fixed(r['value_add'], digits)} {unit}, of which "
        + listed(f"{WORDS[p]} {fixed(r[p], digits)}" for p in used)
        + "."
        for r in rows
    )
    axis = f"{unit}, gains right of zero, losses left"
    return StackData("factors", title, description + dropped, tuple(stacks), tuple(WORDS[p] for p in used), axis)
