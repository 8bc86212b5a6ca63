"""Trader x regime: the posterior mean and P(IR > hurdle) of each cell, in words where nothing may be claimed; the page's own cells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from skillstats.evaluation.result import Evaluation
from skillstats.report.figures import CLEAR, FAINT, INK, SOFT
from skillstats.report.grid import GridRow, grid_of
from skillstats.report.numbers import shorten
from skillstats.report.plots.canvas import Shape, draw_data
from skillstats.report.rows import overall_rows, regime_rows
from skillstats.report.words import grid_title, scale_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

HATCHED: Final = ("below", "withheld")


@dataclass(frozen=True, slots=True)
class GridData:
    """The grid before it is drawn.

    title : the finding; description : alternative text; scale : what the upper number of a cell is; regimes : its columns
    rows : a line a trader, cells as text; a withheld cell has words and no number
    """

    title: str
    description: str
    scale: str
    regimes: tuple[str, ...]
    rows: tuple[GridRow, ...]


def grid_data(evaluation: Evaluation) -> GridData | None:
    """The grid of an evaluation; None where the record is not split by regimes."""
    own, cells, scale = overall_rows(evaluation), regime_rows(evaluation), scale_of(evaluation)
    if not cells:
        return None
    regimes, rows = grid_of(own, cells, scale)
    told = [
        f"{row.trader} in {regime}: " + (f"{c.value}, P {c.probability}" if c.value else "") + (f" {c.words}" if c.words else "")
        for row in rows
        for regime, c in zip(regimes, row.cells, strict=True)
    ]
    description = f"Posterior mean {scale.name} and P(IR > hurdle) by trader and regime. " + "; ".join(told) + "."
    return GridData(grid_title(cells, scale), description, scale.name, regimes, rows)


def plot_grid(evaluation: Evaluation, ax: Axes | None = None) -> Axes:
    """Draw the trader x regime grid: blue above zero, orange below, hatched where nothing may be claimed, framed where the hurdle is cleared.

    Parameters
    ----------
    evaluation : the verdicts
    ax : axes to draw on; without them a figure of its own

    Returns
    -------
    Axes, matplotlib's

    Raises
    ------
    UsageError
        If the record is not split by regimes.
    """
    return draw_data(
        ax,
        grid_data(evaluation),
        "plot_grid: the record is not split by regimes; name some in the plan",
        _shape,
        _draw,
    )


def _shape(data: GridData) -> Shape:
    """A line a trader, room left for the names."""
    return Shape(0.62 * len(data.rows), left=0.13, right=0.985, below=0.35)


def _draw(axes: Axes, data: GridData) -> None:
    from matplotlib.patches import Rectangle

    axes.set_xlim(0, len(data.regimes))
    axes.set_ylim(len(data.rows), 0)
    axes.set_axis_off()
    for place, regime in enumerate(data.regimes):
        axes.text(place + 0.5, -0.08, shorten(regime, 22), ha="center", va="bottom", fontsize=9, color=SOFT)
    for line, row in enumerate(data.rows):
        axes.text(-0.03, line + 0.5, shorten(row.trader, 16), ha="right", va="center", fontsize=9.5, color=INK)
        for place, cell in enumerate(row.cells):
            framed, hatch = cell.css == "claims", "///" if cell.css in HATCHED else None
            face = cell.colour or "white"
            box = Rectangle((place + 0.02, line + 0.05), 0.96, 0.90, facecolor=face, edgecolor=CLEAR if framed else FAINT, lw=2.0 if framed else 0.8, hatch=hatch)  # fmt: skip
            axes.add_patch(box)
            upper = f"{cell.value}   P {cell.probability}" if cell.value else ""
            at = 0.36 if upper and cell.words else 0.5
            plate = {"facecolor": "white", "edgecolor": "none", "pad": 1.5} if hatch else None
            if upper:
                axes.text(place + 0.5, line + at, upper, ha="center", va="center", fontsize=9.5, color=INK, bbox=plate)
            if cell.words:
                below = 0.70 if upper else 0.5
                axes.text(place + 0.5, line + below, shorten(cell.words, 44), ha="center", va="center", fontsize=7.5, color=INK if cell.colour else SOFT, bbox=plate)  # fmt: skip
    axes.text(0.0, len(data.rows) + 0.12, f"posterior mean {data.scale}, and P: probability that IR exceeds the hurdle", ha="left", va="top", fontsize=8.5, color=SOFT)  # fmt: skip
