"""Dots in front of a band of luck: one number a row, and behind all of them what the largest would be if nobody had any skill."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from markupsafe import Markup

from skillstats.report.figures import CLEAR, FAINT, INK, OTHER, SOFT
from skillstats.report.intervals import FONT, ROW, WIDTH
from skillstats.report.numbers import fixed, shorten
from skillstats.report.svg import draw_layout

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LUCK: Final = "#f0dfcc"
DARK: Final = "#8a4b12"


@dataclass(frozen=True, slots=True)
class Dot:
    """One row: name, value, words at the right, and whether it lies beyond luck."""

    label: str
    value: float
    words: str
    strong: bool = False


@dataclass(frozen=True, slots=True)
class Band:
    """What the dots are read against: 5% and 95% of the largest by luck, words for it, and the name of the axis."""

    low: float
    high: float
    words: str
    axis: str


def luck_band_svg(dots: Sequence[Dot], band: Band, *, key: str, narrow: bool, title: str, description: str) -> Markup:
    """The dots as inline SVG; `key` makes its ids unique in the page."""
    return draw_layout(lambda: _figure(dots, band, narrow=narrow), key, narrow=narrow, title=title, description=description)


def _figure(dots: Sequence[Dot], band: Band, *, narrow: bool) -> Figure:
    from matplotlib.figure import Figure

    bottom, top = 0.52, 0.34
    height = ROW[narrow] * len(dots) + bottom + top
    figure = Figure(figsize=(WIDTH[narrow], height), facecolor="none")
    left, right = (0.03, 0.97) if narrow else (0.215, 0.80)
    axes: Axes = figure.add_axes((left, bottom / height, right - left, ROW[narrow] * len(dots) / height))
    _frame(axes, dots, band, FONT[narrow])
    for place, dot in enumerate(dots):
        _draw(axes, dot, place, narrow=narrow)
    return figure


def _frame(axes: Axes, dots: Sequence[Dot], band: Band, font: float) -> None:
    ends = [0.0, band.low, band.high, *(d.value for d in dots)]
    pad = 0.06 * (max(ends) - min(ends))
    axes.set_xlim(min(ends) - pad, max(ends) + pad)
    axes.set_ylim(len(dots) - 0.5, -0.5)
    axes.set_yticks([])
    axes.set_facecolor("none")
    axes.axvspan(band.low, band.high, color=LUCK, lw=0, zorder=0)
    axes.axvline(band.high, color=DARK, lw=1.4, ls=(0, (4, 2)), zorder=1)
    axes.axvline(0, color=INK, lw=0.9, zorder=1)
    centre = 0.5 * (band.low + band.high)
    axes.annotate(
        band.words, (centre, 1.0), xycoords=axes.get_xaxis_transform(), xytext=(0, 5), textcoords="offset points", ha="center",
        va="bottom", fontsize=font - 0.5, color=DARK, annotation_clip=False,
    )  # fmt: skip
    for place in range(len(dots)):
        axes.axhline(place + (0.18 if font > FONT[False] else 0.0), color=FAINT, lw=0.7, zorder=0.5)
    for side in ("left", "right", "top"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(FAINT)
    axes.tick_params(axis="x", labelsize=font - 0.5, colors=SOFT, length=3, width=0.6)
    axes.xaxis.set_major_formatter(lambda x, _: fixed(x, 0 if float(x).is_integer() else 1))
    axes.set_xlabel(band.axis, fontsize=font, color=SOFT, labelpad=5)


def _draw(axes: Axes, dot: Dot, place: int, *, narrow: bool) -> None:
    """Dot, name and words of one row; shape tells what colour tells."""
    y = place + (0.18 if narrow else 0.0)
    colour, shape = (CLEAR, "D") if dot.strong else (OTHER, "o")
    axes.plot([dot.value], [y], marker=shape, ms=8, mfc=colour, mec="white", mew=1.2, ls="none", zorder=5)
    font = FONT[narrow]
    style: dict[str, Any] = {"transform": axes.get_yaxis_transform(), "va": "center", "clip_on": False, "zorder": 7}
    if narrow:
        style["bbox"] = {"facecolor": "white", "edgecolor": "none", "pad": 1.0, "alpha": 0.8}
        axes.text(0.0, place - 0.26, shorten(dot.label, 20), ha="left", fontsize=font, color=INK, **style)
        axes.text(1.0, place - 0.26, shorten(dot.words, 36), ha="right", fontsize=font - 1, color=SOFT, **style)
        return
    axes.text(-0.015, y, shorten(dot.label, 26), ha="right", fontsize=font, color=INK, **style)
    axes.text(1.02, y, shorten(dot.words, 34), ha="left", fontsize=font - 0.5, color=SOFT, **style)
