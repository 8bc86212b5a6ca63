"""Waterfalls: how the parts of each decision lead to what it was worth, one decision a row.

In every row the parts follow each other from the top down, each beginning where the one before it ended; the diamond stands where they end, at the
value-add. The places are exact money, the picture only draws them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Final

from markupsafe import Markup

from skillstats.report.figures import BAND, CLEAR, FAINT, INK, SOFT
from skillstats.report.numbers import fixed, shorten
from skillstats.report.svg import draw_layout

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS: Final = (CLEAR, "#c9823f", "#8fb7d6", "#6f7f90")
"""In the order of the parts; neighbours differ in lightness, so that they stay apart without colour."""
LABELS: Final = ("size: shares added or left out", "drift: waiting", "slippage: execution", "cost: fees")
ROW: Final = {False: 0.52, True: 0.86}
WIDTH: Final = {False: 10.0, True: 4.9}
FONT: Final = {False: 9.0, True: 11.0}
LANE: Final = {False: 0.15, True: 0.11}
"""Height of one part in a row of height 1; a narrow row has its name above the parts."""


@dataclass(frozen=True, slots=True)
class Fall:
    """One row: its name, parts in the order of `LABELS` in currency, and words at the right; the parts add up to the value-add."""

    name: str
    parts: tuple[float, ...]
    words: str

    @property
    def stops(self) -> tuple[float, ...]:
        """Where each part begins, and where the last one ends."""
        return tuple(accumulate(self.parts, initial=0.0))


def waterfall_svg(falls: Sequence[Fall], unit: str, *, key: str, narrow: bool, title: str, description: str) -> Markup:
    """The rows as inline SVG.

    Parameters
    ----------
    unit : of the axis; key : of the figure, unique in the page
    narrow : the layout for a phone; title, description : alternative text
    """
    return draw_layout(lambda: _figure(falls, unit, narrow=narrow), key, narrow=narrow, title=title, description=description)


def _figure(falls: Sequence[Fall], unit: str, *, narrow: bool) -> Figure:
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    font = FONT[narrow]
    legend = 0.24 * 5 if narrow else 0.30
    bottom, top = 0.55 + legend, 0.08
    height = ROW[narrow] * len(falls) + bottom + top
    figure = Figure(figsize=(WIDTH[narrow], height), facecolor="none")
    left, right = (0.03, 0.97) if narrow else (0.27, 0.84)
    axes: Axes = figure.add_axes((left, bottom / height, right - left, ROW[narrow] * len(falls) / height))
    _frame(axes, falls, unit, font)
    for place, fall in enumerate(falls):
        _draw(axes, fall, place, narrow=narrow)
    handles: list[Any] = [Patch(facecolor=c, label=words) for c, words in zip(COLOURS, LABELS, strict=True)]
    handles.append(Line2D([], [], marker="D", ms=6, mfc=INK, mec="white", ls="none", label="value-add"))
    figure.legend(
        handles=handles, loc="lower left", bbox_to_anchor=(0.01, 0.0), ncol=1 if narrow else 5, frameon=False, fontsize=font - 0.5,
        labelcolor=SOFT, handlelength=1.2, handleheight=0.9, columnspacing=1.6, borderaxespad=0.0, borderpad=0.1,
    )  # fmt: skip
    return figure


def _frame(axes: Axes, falls: Sequence[Fall], unit: str, font: float) -> None:
    """Limits, stripes, zero line, ticks and label."""
    axes.set_ylim(len(falls) - 0.5, -0.5)
    axes.set_yticks([])
    axes.set_facecolor("none")
    for place in range(0, len(falls), 2):
        axes.axhspan(place - 0.5, place + 0.5, color=BAND, lw=0, zorder=0)
    for side in ("left", "right", "top"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(FAINT)
    ends = [0.0, *(x for f in falls for x in f.stops)]
    pad = 0.05 * (max(ends) - min(ends)) or 1.0
    axes.set_xlim(min(ends) - pad, max(ends) + pad)
    axes.axvline(0, color=INK, lw=0.9, zorder=1)
    axes.tick_params(axis="x", labelsize=font - 0.5, colors=SOFT, length=3, width=0.6)
    axes.set_xlabel(unit, fontsize=font, color=SOFT, labelpad=4)
    axes.xaxis.get_major_locator().set_params(nbins=6 if font < 10 else 4)  # type: ignore[call-arg]
    axes.xaxis.set_major_formatter(lambda x, _: fixed(x, 0 if max(map(abs, ends)) >= 10 else 2))


def _draw(axes: Axes, fall: Fall, place: int, *, narrow: bool) -> None:
    """The parts of one row from the top down, joined by thin lines, and the diamond at their end."""
    middle, font, lane = place + (0.06 if narrow else 0.0), FONT[narrow], LANE[narrow]
    stops = fall.stops
    first = middle - lane * (len(fall.parts) - 1) / 2
    for k, (colour, part) in enumerate(zip(COLOURS, fall.parts, strict=True)):
        y = first + k * lane
        axes.barh(y, part, left=stops[k], height=lane, color=colour, lw=0, zorder=3)
        axes.plot([stops[k + 1]] * 2, [y - lane / 2, y + lane], color=SOFT, lw=0.6, zorder=2)
    axes.plot(
        [stops[-1]],
        [first + len(fall.parts) * lane - 0.02],
        marker="D",
        ms=5.5,
        mfc=INK,
        mec="white",
        mew=0.9,
        ls="none",
        zorder=6,
    )
    style: dict[str, Any] = {"transform": axes.get_yaxis_transform(), "va": "center", "clip_on": False, "zorder": 7}
    if narrow:
        axes.text(0.0, place - 0.37, shorten(fall.name, 26), ha="left", fontsize=font, color=INK, **style)
        axes.text(1.0, place - 0.37, shorten(fall.words, 20), ha="right", fontsize=font, color=INK, **style)
        return
    axes.text(-0.015, middle, shorten(fall.name, 36), ha="right", fontsize=font, color=INK, **style)
    axes.text(1.02, middle, shorten(fall.words, 22), ha="left", fontsize=font, color=INK, **style)
