"""Two pictures made of lines: the chance to be found against the length of the record, and P(IR > delta) against delta, one panel a trader.

Lines differ by dashes and by a label at their end, never by colour alone. Two layouts are drawn, for wide and for narrow screens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from markupsafe import Markup

from skillstats.report.figures import AMBER, CLEAR, FAINT, INK, OTHER, RAW, SOFT
from skillstats.report.numbers import fixed, shorten
from skillstats.report.svg import draw_layout

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH: Final = {False: 10.0, True: 4.9}
FONT: Final = {False: 9.0, True: 11.0}
LOOKS: Final = (("-", CLEAR, "o"), ((0, (6, 2)), RAW, "s"), ((0, (2, 2)), INK, "^"))
"""Dashes, colour and marker of the first, second and third line."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line: label at its end, points, ends of their intervals (empty: none drawn)."""

    label: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Panel:
    """One trader's curves, and whether the row is flagged."""

    name: str
    lines: tuple[Line, ...]
    flagged: bool


@dataclass(frozen=True, slots=True)
class Guides:
    """What the lines are held against.

    x, x_words : a vertical line and its words; y, y_words : a horizontal one, in percent; x_label, y_label : axes with units
    """

    key: str
    x: float
    x_words: str
    y: float
    y_words: str
    x_label: str
    y_label: str


def lines_svg(lines: Sequence[Line], guides: Guides, *, narrow: bool, title: str, description: str) -> Markup:
    """Lines in one panel, y in percent, as inline SVG; `title` and `description` are the alternative text."""
    return draw_layout(
        lambda: _single(lines, guides, narrow=narrow), guides.key, narrow=narrow, title=title, description=description
    )


def panels_svg(panels: Sequence[Panel], guides: Guides, *, narrow: bool, title: str, description: str) -> Markup:
    """One small panel a trader on common axes, y in percent, as inline SVG."""
    return draw_layout(
        lambda: _grid(panels, guides, narrow=narrow), guides.key, narrow=narrow, title=title, description=description
    )


def _single(lines: Sequence[Line], guides: Guides, *, narrow: bool) -> Figure:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH[narrow], 3.6 if narrow else 3.4), facecolor="none")
    left, right = (0.15, 0.80) if narrow else (0.09, 0.84)
    axes: Axes = figure.add_axes((left, 0.17, right - left, 0.73))
    font = FONT[narrow]
    _frame(axes, guides, font)
    axes.set_xlim(0, 1.02 * max(x for line in lines for x in line.x))
    for (dashes, colour, marker), line in zip(LOOKS, lines, strict=False):
        axes.plot(line.x, line.y, ls=dashes, color=colour, lw=1.8, marker=marker, ms=5, zorder=4, clip_on=False)
        if line.low:
            below = [y - low for y, low in zip(line.y, line.low, strict=True)]
            above = [high - y for y, high in zip(line.y, line.high, strict=True)]
            axes.errorbar(line.x, line.y, yerr=[below, above], fmt="none", ecolor=colour, elinewidth=0.9, capsize=2.5, zorder=3)
    for y, line, (_, colour, _marker) in zip(_apart([line.y[-1] for line in lines]), lines, LOOKS, strict=False):
        axes.text(1.02, y, line.label, transform=axes.get_yaxis_transform(), va="center", fontsize=font, color=colour)
    axes.text(guides.x, 103, guides.x_words, ha="center", va="bottom", fontsize=font - 0.5, color=INK, clip_on=False)
    where: dict[str, Any] = {"transform": axes.get_yaxis_transform(), "ha": "right", "va": "bottom"}
    axes.text(1.0, guides.y + 1, guides.y_words, fontsize=font - 1, color=SOFT, **where)
    return figure


def _apart(ends: Sequence[float], least: float = 8.0) -> list[float]:
    """Places of labels near `ends`, in percent, that do not run into each other."""
    order = sorted(range(len(ends)), key=lambda i: ends[i])
    places = list(ends)
    for before, after in pairwise(order):
        places[after] = max(places[after], places[before] + least)
    over = max(0.0, max(places, default=0.0) - 100.0)
    return [p - over for p in places]


def _grid(panels: Sequence[Panel], guides: Guides, *, narrow: bool) -> Figure:
    from matplotlib.figure import Figure

    columns = min(len(panels), 2 if narrow else 4)
    rows = -(-len(panels) // columns)
    height, bottom, top = (1.75 if narrow else 1.55), 0.95, 0.1
    figure = Figure(figsize=(WIDTH[narrow], height * rows + bottom + top), facecolor="none")
    whole, font = height * rows + bottom + top, FONT[narrow] - 0.5
    left, gap = (0.13, 0.05) if narrow else (0.06, 0.025)
    width = (0.985 - left - gap * (columns - 1)) / columns
    for at, panel in enumerate(panels):
        row, column = divmod(at, columns)
        box = (left + column * (width + gap), (bottom + (rows - 1 - row) * height + 0.25) / whole, width, (height - 0.55) / whole)
        axes: Axes = figure.add_axes(box)
        _panel(axes, panel, guides, font, first=column == 0, last=at + columns >= len(panels))
    _key(figure, panels[0], guides, font, narrow=narrow)
    return figure


def _panel(axes: Axes, panel: Panel, guides: Guides, font: float, *, first: bool, last: bool) -> None:
    """Curves of one trader; ticks are written at the left and at the bottom of the grid only."""
    _frame(axes, guides, font - 0.5)
    axes.set_xlabel("")
    axes.set_ylabel("")
    axes.set_xlim(panel.lines[0].x[0], panel.lines[0].x[-1])
    for (dashes, colour, _), line in zip(LOOKS, panel.lines, strict=False):
        axes.plot(line.x, line.y, ls=dashes, color=colour, lw=1.6, zorder=4)
    words = shorten(panel.name, 14) + (", FLAG" if panel.flagged else "")
    axes.text(0.0, 1.05, words, transform=axes.transAxes, ha="left", fontsize=font, color=AMBER if panel.flagged else INK)
    axes.tick_params(labelleft=first, labelbottom=last)


def _frame(axes: Axes, guides: Guides, font: float) -> None:
    """Guides, ticks and labels; y runs from 0 to 100%."""
    axes.set_facecolor("none")
    axes.set_ylim(0, 100)
    for side in ("right", "top"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(FAINT)
    axes.set_yticks([0, 50, 100], ["0%", "50%", "100%"])
    axes.tick_params(labelsize=font - 0.5, colors=SOFT, length=3, width=0.6)
    axes.axvline(guides.x, color=INK, lw=1.0, ls=(0, (1, 2)), zorder=2)
    axes.axhline(guides.y, color=OTHER, lw=0.9, ls=(0, (4, 3)), zorder=2)
    axes.set_xlabel(guides.x_label, fontsize=font, color=SOFT, labelpad=4)
    axes.set_ylabel(guides.y_label, fontsize=font, color=SOFT, labelpad=4)
    axes.xaxis.get_major_locator().set_params(nbins=5)  # type: ignore[call-arg]
    axes.xaxis.set_major_formatter(lambda x, _: fixed(x, 0 if x == int(x) else 2))


def _key(figure: Figure, panel: Panel, guides: Guides, font: float, *, narrow: bool) -> None:
    """Below the panels: what the lines and the guides are, and the axes' names."""
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], ls=d, color=c, lw=1.6, label=line.label) for (d, c, _), line in zip(LOOKS, panel.lines, strict=False)
    ]
    handles.append(Line2D([], [], ls=(0, (1, 2)), color=INK, lw=1.0, label=guides.x_words))
    handles.append(Line2D([], [], ls=(0, (4, 3)), color=OTHER, lw=0.9, label=guides.y_words))
    style: dict[str, Any] = {"frameon": False, "fontsize": font - 0.5, "labelcolor": SOFT, "ncol": 2 if narrow else 5}
    style |= {
        "handlelength": 2.2,
        "columnspacing": 1.2,
        "borderaxespad": 0.0,
        "borderpad": 0.1,
        "title": f"{guides.y_label} against {guides.x_label}",
    }
    legend = figure.legend(handles=handles, loc="lower left", bbox_to_anchor=(0.01, 0.01), **style)
    legend.get_title().set_fontsize(font - 0.5)
    legend.get_title().set_color(SOFT)
    legend.set_alignment("left")
