"""Skill and luck, trader by trader: the posterior beside the raw record, and the shrinkage between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from skillstats.evaluation.result import Evaluation
from skillstats.report.figures import draw_forest, legend_handles
from skillstats.report.plots.canvas import draw_data, rows_high
from skillstats.report.rows import Row, overall_rows
from skillstats.report.words import Scale, forest_description, forest_title, group_traders, scale_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, slots=True)
class ForestData:
    """The forest before it is drawn.

    title : the finding; description : alternative text; scale : of the IR, hurdle and certainty
    rows : one a trader; a withheld trader has a name, counts and reasons, and no number
    """

    title: str
    description: str
    scale: Scale
    rows: tuple[Row, ...]


def forest_data(evaluation: Evaluation) -> ForestData | None:
    """The forest of an evaluation; None where no trader has an estimate that may be shown."""
    return forest_of(overall_rows(evaluation), scale_of(evaluation))


def forest_of(rows: Sequence[Row], scale: Scale) -> ForestData | None:
    """The forest of filtered rows."""
    if not any(r.ir for r in rows):
        return None
    title = forest_title(group_traders(rows), scale)
    return ForestData(title, forest_description(rows, scale), scale, tuple(replace(r, detail=None) for r in rows))


def plot_forest(evaluation: Evaluation, ax: Axes | None = None) -> Axes:
    """Draw posterior means with their 50% and 90% equal-tailed intervals, and the raw records they were shrunk from.

    Parameters
    ----------
    evaluation : the verdicts
    ax : axes to draw on; without them a figure of its own, with room for the names

    Returns
    -------
    Axes, matplotlib's

    Raises
    ------
    UsageError
        If no trader has an estimate that may be shown.
    """
    return draw_data(
        ax,
        forest_data(evaluation),
        "plot_forest: no trader has an estimate that may be shown; result.rows holds the reasons",
        lambda d: rows_high(len(d.rows), 0.42),
        lambda axes, d: draw_forest(axes, d.rows, d.scale),
        lambda d: legend_handles(d.scale),
    )
