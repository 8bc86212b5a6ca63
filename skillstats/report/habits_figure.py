"""Habits at a glance: one band a habit, one line a trader, what survives the false-discovery control in colour and with its name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from markupsafe import Markup

from skillstats.report.figures import BAND, CLEAR, FAINT, INK, SOFT
from skillstats.report.numbers import fixed, shorten
from skillstats.report.svg import draw_layout

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

QUIET: Final = "#9aa6b3"
LINE: Final = {False: 0.095, True: 0.11}
"""Inches between the lines of a band."""
LEAST: Final = {False: 0.34, True: 0.46}


@dataclass(frozen=True, slots=True)
class Line:
    """A trader in a band: interval and dot in sd of what is compared; strong: found."""

    name: str
    low: float
    high: float
    dot: float
    strong: bool


@dataclass(frozen=True, slots=True)
class Lane:
    """A habit with its traders."""

    title: str
    lines: tuple[Line, ...]


def habits_svg(lanes: Sequence[Lane], *, narrow: bool, title: str, description: str) -> Markup:
    """The lanes as inline SVG."""
    return draw_layout(lambda: _figure(lanes, narrow=narrow), "habits", narrow=narrow, title=title, description=description)


def _figure(lanes: Sequence[Lane], *, narrow: bool) -> Figure:
    from matplotlib.figure import Figure

    font, width = (11.0, 4.9) if narrow else (9.0, 10.0)
    head = 0.22 if narrow else 0.0
    heights = [max(LEAST[narrow], LINE[narrow] * len(lane.lines) + 0.16) + head for lane in lanes]
    bottom = 0.55
    figure = Figure(figsize=(width, sum(heights) + bottom + 0.05), facecolor="none")
    left, right = (0.03, 0.97) if narrow else (0.175, 0.985)
    tall = sum(heights) + bottom + 0.05
    axes: Axes = figure.add_axes((left, bottom / tall, right - left, sum(heights) / tall))
    _frame(axes, lanes, sum(heights), font)
    top = 0.0
    for i, (lane, height) in enumerate(zip(lanes, heights, strict=True)):
        if i % 2 == 0:
            axes.axhspan(top, top + height, color=BAND, lw=0, zorder=0)
        across = axes.get_yaxis_transform()
        if narrow:
            axes.text(
                0.0, top + 0.16, shorten(lane.title, 34), ha="left", va="center", fontsize=font, color=INK, transform=across
            )
        else:
            axes.text(
                -0.015,
                top + height / 2,
                shorten(lane.title, 24),
                ha="right",
                va="center",
                fontsize=font,
                color=INK,
                transform=across,
            )
        _lines(axes, lane, top + head, height - head, font)
        top += height
    return figure


def _frame(axes: Axes, lanes: Sequence[Lane], height: float, font: float) -> None:
    axes.set_ylim(height, 0)
    ends = [abs(x) for lane in lanes for line in lane.lines for x in (line.low, line.high)]
    wide = 1.12 * max([0.1, *ends])
    axes.set_xlim(-wide, wide)
    axes.axvline(0, color=INK, lw=0.9, zorder=1)
    axes.set_yticks([])
    axes.set_facecolor("none")
    for side in ("left", "right", "top"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(FAINT)
    axes.tick_params(axis="x", labelsize=font - 0.5, colors=SOFT, length=3, width=0.6)
    axes.xaxis.get_major_locator().set_params(nbins=7 if font < 10 else 5)  # type: ignore[call-arg]
    axes.xaxis.set_major_formatter(lambda x, _: fixed(x, 1 if wide > 0.4 else 2))
    words = (
        "effect in sd of what is compared, 90% equal-tailed intervals"
        if font < 10
        else "effect in sd, 90% equal-tailed intervals"
    )
    axes.set_xlabel(words, fontsize=font, color=SOFT, labelpad=5)


def _lines(axes: Axes, lane: Lane, top: float, height: float, font: float) -> None:
    """The traders of a band, evenly spaced; the found ones over the others."""
    step = height / (len(lane.lines) + 1)
    for k, line in enumerate(lane.lines):
        y, colour = top + (k + 1) * step, CLEAR if line.strong else QUIET
        axes.plot(
            [line.low, line.high],
            [y, y],
            color=colour,
            lw=2.2 if line.strong else 1.2,
            solid_capstyle="butt",
            zorder=3 + line.strong,
        )
        axes.plot(
            [line.dot],
            [y],
            marker="o",
            ms=6.0 if line.strong else 3.6,
            mfc=colour,
            mec="white",
            mew=0.6,
            ls="none",
            zorder=5 + line.strong,
        )
        if line.strong:
            right = line.dot >= 0
            axes.annotate(
                shorten(line.name, 12), (line.high if right else line.low, y), xytext=(4 if right else -4, 0), textcoords="offset points",
                ha="left" if right else "right", va="center", fontsize=font - 1, color=CLEAR, fontweight="bold", zorder=8,
            )  # fmt: skip
