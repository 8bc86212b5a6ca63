"""Small multiples of paths: for each trader the state of skill by quarter, a band of 50% and one of 90%, and the raw record of the quarter.

All panels share one scale, set by the bands; a raw record beyond it is an arrow at the edge. Two layouts are drawn, for wide and for narrow
screens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from markupsafe import Markup

from skillstats.report.figures import CLEAR, FAINT, INK, OTHER, SOFT
from skillstats.report.numbers import fixed, shorten
from skillstats.report.svg import draw_layout

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMNS: Final = {False: 4, True: 2}
WIDTH: Final = {False: 10.0, True: 4.9}
HEIGHT: Final = {False: 2.15, True: 1.9}
FONT: Final = {False: 9.0, True: 10.0}
SPAN: Final = 1.25
"""How far the scale reaches beyond the bands, for raw records."""


@dataclass(frozen=True, slots=True)
class Panel:
    """One trader: state, bands and raw record (None: not active) of each quarter from `start` on, and whether skill is known to have moved."""

    name: str
    mean: tuple[float, ...]
    q05: tuple[float, ...]
    q25: tuple[float, ...]
    q75: tuple[float, ...]
    q95: tuple[float, ...]
    raw: tuple[float | None, ...]
    start: int = 0
    moved: bool = False


@dataclass(frozen=True, slots=True)
class PathAxis:
    """The common scale: what it is called, and the hurdle on it, None where the hurdle is on another scale."""

    label: str
    hurdle: float | None


def paths_svg(
    panels: Sequence[Panel], quarters: Sequence[str], axis: PathAxis, *, narrow: bool, title: str, description: str
) -> Markup:
    """The panels as inline SVG.

    Parameters
    ----------
    quarters : names, in order
    narrow : the layout for a phone
    title, description : alternative text
    """
    return draw_layout(
        lambda: _figure(panels, quarters, axis, narrow=narrow), "paths", narrow=narrow, title=title, description=description
    )


def _figure(panels: Sequence[Panel], quarters: Sequence[str], axis: PathAxis, *, narrow: bool) -> Figure:
    from matplotlib.figure import Figure

    columns, font = min(COLUMNS[narrow], len(panels)), FONT[narrow]
    rows = -(-len(panels) // columns)
    legend = 0.62 if narrow else 0.3
    height = HEIGHT[narrow] * rows + legend
    figure = Figure(figsize=(WIDTH[narrow], height), facecolor="none")
    low, high = _limits(panels)
    left = 0.12 if narrow else 0.055
    wide = (1 - left) / COLUMNS[narrow]  # a lone panel is not stretched over the page
    for place, panel in enumerate(panels):
        row, column = divmod(place, columns)
        x = left + column * wide
        y = (legend + HEIGHT[narrow] * (rows - 1 - row) + 0.34) / height
        axes: Axes = figure.add_axes((x, y, wide * 0.92, (HEIGHT[narrow] - 0.72) / height))
        _frame(axes, panel, quarters, (low, high), font, first=column == 0)
        if axis.hurdle is not None and low < axis.hurdle < high:
            axes.axhline(axis.hurdle, color=SOFT, lw=0.8, ls=(0, (3, 2)), zorder=1)
        _draw(axes, panel, (low, high))
    style: dict[str, Any] = {"rotation": 90, "ha": "left", "va": "center", "fontsize": font - 0.5, "color": SOFT}
    figure.text(0.004, (1 + legend / height) / 2, axis.label, **style)
    _legend(figure, axis.hurdle, font, narrow=narrow)
    return figure


def _limits(panels: Sequence[Panel]) -> tuple[float, float]:
    """The common scale: the bands, zero, and a margin for raw records."""
    low, high = min(0.0, *(min(p.q05) for p in panels)), max(0.0, *(max(p.q95) for p in panels))
    middle, half = (low + high) / 2, SPAN * (high - low) / 2 or 1.0
    return middle - half, middle + half


def _frame(axes: Axes, panel: Panel, quarters: Sequence[str], ends: tuple[float, float], font: float, *, first: bool) -> None:
    """Limits, ticks, the trader's name above."""
    axes.set_facecolor("none")
    axes.set_xlim(-0.35, len(quarters) - 0.65)
    axes.set_ylim(*ends)
    for side in ("left", "right", "top"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(FAINT)
    axes.tick_params(axis="x", labelsize=font - 1.5, colors=SOFT, length=2, width=0.6, pad=2)
    axes.tick_params(axis="y", labelsize=font - 1, colors=SOFT, length=0, labelleft=first)
    shown = sorted({0, len(quarters) - 1})
    axes.set_xticks(shown, [quarters[k] for k in shown])
    first_label, *others = axes.get_xticklabels()
    first_label.set_horizontalalignment("left" if others else "center")
    for label in others:
        label.set_horizontalalignment("right")
    axes.yaxis.get_major_locator().set_params(nbins=4)  # type: ignore[call-arg]
    axes.yaxis.set_major_formatter(lambda x, _: fixed(x, 0 if max(map(abs, ends)) >= 3 else 2))
    axes.axhline(0, color=INK, lw=0.8, zorder=1)
    axes.set_title(
        shorten(panel.name, 16), loc="left", fontsize=font, color=CLEAR if panel.moved else INK, pad=3,
        fontweight="bold" if panel.moved else "normal",
    )  # fmt: skip


def _draw(axes: Axes, panel: Panel, ends: tuple[float, float]) -> None:
    """Bands, path and raw records; a record beyond the scale is an arrow at the edge."""
    x, colour = panel.start + np.arange(len(panel.mean)), CLEAR if panel.moved else OTHER
    axes.fill_between(x, panel.q05, panel.q95, color=colour, alpha=0.20, lw=0, zorder=2)
    axes.fill_between(x, panel.q25, panel.q75, color=colour, alpha=0.38, lw=0, zorder=3)
    axes.plot(x, panel.mean, color=colour, lw=1.8, marker="o", ms=3.5, zorder=5)
    edge = 0.03 * (ends[1] - ends[0])
    for k, raw in zip(x, panel.raw, strict=True):
        if raw is None:
            continue
        marker = "^" if raw > ends[1] else "v" if raw < ends[0] else "o"
        y = float(np.clip(raw, ends[0] + edge, ends[1] - edge))
        axes.plot([k], [y], marker=marker, ms=5, mfc="white", mec=INK, mew=1.0, ls="none", zorder=6, clip_on=False)


def _legend(figure: Figure, hurdle: float | None, font: float, *, narrow: bool) -> None:
    """What the marks are, below all panels."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    ring = {"mfc": "white", "mec": INK, "mew": 1.0, "ls": "none"}
    handles = [
        Line2D([], [], color=OTHER, lw=1.8, marker="o", ms=3.5, label="estimate"),
        Patch(facecolor=OTHER, alpha=0.55, label="50% interval"),
        Patch(facecolor=OTHER, alpha=0.20, label="90% interval"),
        Line2D([], [], marker="o", ms=5, **ring, label="raw record of the quarter"),  # type: ignore[arg-type]
        Line2D([], [], marker="^", ms=5, **ring, label="beyond the scale"),  # type: ignore[arg-type]
    ]
    if hurdle is not None:
        handles.append(Line2D([], [], color=SOFT, lw=0.8, ls=(0, (3, 2)), label="hurdle"))
    figure.legend(
        handles=handles, loc="lower left", bbox_to_anchor=(0.02, 0.0), ncol=2 if narrow else len(handles), frameon=False,
        fontsize=font - 1, labelcolor=SOFT, handlelength=1.6, columnspacing=1.4, borderaxespad=0.0, borderpad=0.1,
    )  # fmt: skip
