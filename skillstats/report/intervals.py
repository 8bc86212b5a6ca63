"""Rows of intervals: a line from 5% to 95%, a dot where there is one number to show, words at the right. One picture for ranks and money.

Two layouts are drawn, for wide and for narrow screens, in the style of the forest plot.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from markupsafe import Markup

from skillstats.report.figures import AMBER, BAND, CLEAR, FAINT, INK, OTHER, SOFT
from skillstats.report.numbers import fixed, shorten
from skillstats.report.section import Picture, in_both_layouts
from skillstats.report.svg import draw_layout

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ROW: Final = {False: 0.38, True: 0.58}
WIDTH: Final = {False: 10.0, True: 4.9}
FONT: Final = {False: 9.0, True: 11.0}


@dataclass(frozen=True, slots=True)
class Interval:
    """One row: ends, dot (None: no dot), words at the right, codes of its flag (empty: none), and whether it stands out."""

    label: str
    low: float
    high: float
    dot: float | None
    words: str
    flag: str = ""
    strong: bool = False


@dataclass(frozen=True, slots=True)
class Axis:
    """What the rows are drawn on.

    label : name and unit; whole : limits and one tick a whole number (ranks), else free with a line at zero
    """

    key: str
    label: str
    whole: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class IntervalData:
    """A picture of intervals, before it is drawn: its finding, its alternative text, its rows."""

    title: str
    description: str
    rows: tuple[Interval, ...]
    axis: Axis


def interval_picture(data: IntervalData) -> Picture:
    """The picture in both layouts, for a page."""
    return in_both_layouts(lambda **k: interval_svg(data.rows, data.axis, **k), data.title, data.description)


def interval_svg(rows: Sequence[Interval], axis: Axis, *, narrow: bool, title: str, description: str) -> Markup:
    """The rows as inline SVG; see `Interval` and `Axis`.

    Parameters
    ----------
    narrow : the layout for a phone
    title, description : alternative text
    """
    return draw_layout(lambda: _figure(rows, axis, narrow=narrow), axis.key, narrow=narrow, title=title, description=description)


def _figure(rows: Sequence[Interval], axis: Axis, *, narrow: bool) -> Figure:
    from matplotlib.figure import Figure

    bottom, top = 0.52, 0.1
    height = ROW[narrow] * len(rows) + bottom + top
    figure = Figure(figsize=(WIDTH[narrow], height), facecolor="none")
    left, right = (0.03, 0.97) if narrow else (0.215, 0.80)
    axes: Axes = figure.add_axes((left, bottom / height, right - left, ROW[narrow] * len(rows) / height))
    draw_intervals(axes, rows, axis, narrow=narrow)
    return figure


def draw_intervals(axes: Axes, rows: Sequence[Interval], axis: Axis, *, narrow: bool = False) -> None:
    """The rows on given axes; names stand left of them, words right, so the axes need margins."""
    _frame(axes, rows, axis, FONT[narrow])
    for place, row in enumerate(rows):
        _draw(axes, row, place, narrow=narrow)


def _frame(axes: Axes, rows: Sequence[Interval], axis: Axis, font: float) -> None:
    """Limits, stripes, ticks and label."""
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_yticks([])
    axes.set_facecolor("none")
    for place in range(0, len(rows), 2):
        axes.axhspan(place - 0.5, place + 0.5, color=BAND, lw=0, zorder=0)
    for side in ("left", "right", "top"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(FAINT)
    axes.tick_params(axis="x", labelsize=font - 0.5, colors=SOFT, length=3, width=0.6)
    axes.set_xlabel(axis.label, fontsize=font, color=SOFT, labelpad=5)
    if axis.whole is not None:
        low, high = axis.whole
        axes.set_xlim(low - 0.5, high + 0.5)
        step = max(1, -(-(high - low) // 12))
        axes.set_xticks(range(low, high + 1, step), [str(k) for k in range(low, high + 1, step)])
        return
    ends = [0.0, *(x for r in rows for x in (r.low, r.high, r.dot) if x is not None)]  # a dot may lie outside its line
    pad = 0.05 * (max(ends) - min(ends)) or 1.0
    axes.set_xlim(min(ends) - pad, max(ends) + pad)
    axes.axvline(0, color=INK, lw=0.9, zorder=1)
    # as few ticks as amounts with thousands separators leave room for
    axes.xaxis.get_major_locator().set_params(nbins=6 if font < 10 else 4)  # type: ignore[call-arg]
    axes.xaxis.set_major_formatter(lambda x, _: fixed(x, 0 if max(map(abs, ends)) >= 10 else 2))


def _draw(axes: Axes, row: Interval, place: int, *, narrow: bool) -> None:
    """Line, caps, dot, name and words of one row."""
    y = place + (0.18 if narrow else 0.0)
    colour = CLEAR if row.strong else OTHER
    axes.plot([row.low, row.high], [y, y], color=colour, lw=2.4, solid_capstyle="butt", zorder=3)
    axes.plot([row.low, row.high], [y, y], color=colour, marker="|", ms=8, mew=1.6, ls="none", zorder=3)
    if row.dot is not None:
        axes.plot([row.dot], [y], marker="o", ms=7.5, mfc=colour, mec="white", mew=1.2, ls="none", zorder=5)
    across = axes.get_yaxis_transform()
    font = FONT[narrow]
    style: dict[str, Any] = {"transform": across, "va": "center", "clip_on": False, "zorder": 7}
    if narrow:
        room = 14 if row.flag else max(20, min(34, 52 - len(row.words)))
        label = shorten(row.label, room) + (", FLAG" if row.flag else "")
        style["bbox"] = {"facecolor": "white" if place % 2 else BAND, "edgecolor": "none", "pad": 1.0, "alpha": 0.85}
        axes.text(0.0, place - 0.26, label, ha="left", fontsize=font, color=AMBER if row.flag else INK, **style)
        axes.text(1.0, place - 0.26, shorten(row.words, 36), ha="right", fontsize=font - 1, color=SOFT, **style)
        return
    axes.text(-0.015, y - (0.16 if row.flag else 0.0), shorten(row.label, 26), ha="right", fontsize=font, color=INK, **style)
    if row.flag:
        axes.text(-0.015, y + 0.26, f"FLAG {shorten(row.flag, 26)}", ha="right", fontsize=font - 2, color=AMBER, **style)
    axes.text(1.02, y, shorten(row.words, 34), ha="left", fontsize=font - 0.5, color=SOFT, **style)
