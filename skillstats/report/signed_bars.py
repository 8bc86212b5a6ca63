"""Bars of signed parts that add up to a total: gains stacked to the right of zero, losses to the left, a diamond where they net out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from markupsafe import Markup

from skillstats.report.figures import BAND, CLEAR, FAINT, INK, SOFT
from skillstats.report.numbers import fixed, shorten
from skillstats.report.section import Picture, in_both_layouts
from skillstats.report.svg import draw_layout

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS: Final = ("#b9c3ce", "#8fb7d6", CLEAR, "#c9823f", "#efd3ae")
"""In the order of the parts; neighbours differ in lightness, so that they stay apart without colour."""
ROW: Final = {False: 0.44, True: 0.66}
WIDTH: Final = {False: 10.0, True: 4.9}
FONT: Final = {False: 9.0, True: 11.0}


@dataclass(frozen=True, slots=True)
class SignedBar:
    """One row: name, signed parts in the order of the legend, their total, and words at the right."""

    name: str
    parts: tuple[float, ...]
    total: float
    words: str


@dataclass(frozen=True, slots=True)
class SignedBarData:
    """A picture of signed bars, before it is drawn: key of its ids, finding, alternative text, bars, names of the parts, unit."""

    key: str
    title: str
    description: str
    bars: tuple[SignedBar, ...]
    labels: tuple[str, ...]
    unit: str


def signed_bar_picture(data: SignedBarData) -> Picture:
    """The picture in both layouts, for a page."""
    draw = partial(signed_bars_svg, data.bars, data.labels, data.unit, key=data.key)
    return in_both_layouts(draw, data.title, data.description)


def signed_bars_svg(
    bars: Sequence[SignedBar], labels: Sequence[str], unit: str, *, key: str, narrow: bool, title: str, description: str
) -> Markup:
    """The bars as inline SVG.

    Parameters
    ----------
    labels : of the parts; unit : of the axis; key : of the figure, unique in the page
    narrow : the layout for a phone; title, description : alternative text
    """
    return draw_layout(
        lambda: _figure(bars, labels, unit, narrow=narrow), key, narrow=narrow, title=title, description=description
    )


def _figure(bars: Sequence[SignedBar], labels: Sequence[str], unit: str, *, narrow: bool) -> Figure:
    from matplotlib.figure import Figure

    font = FONT[narrow]
    legend = 0.27 * (len(labels) + 1) if narrow else 0.21 * -(-(len(labels) + 1) // 3)
    bottom, top = 0.55 + legend, 0.08
    height = ROW[narrow] * len(bars) + bottom + top
    figure = Figure(figsize=(WIDTH[narrow], height), facecolor="none")
    left, right = (0.03, 0.97) if narrow else (0.215, 0.80)
    axes: Axes = figure.add_axes((left, bottom / height, right - left, ROW[narrow] * len(bars) / height))
    draw_signed_bars(axes, bars, unit, narrow=narrow)
    figure.legend(
        handles=legend_handles(labels), loc="lower left", bbox_to_anchor=(0.01, 0.0), ncol=1 if narrow else 3, frameon=False, fontsize=font - 0.5,
        labelcolor=SOFT, handlelength=1.2, handleheight=0.9, columnspacing=1.8, borderaxespad=0.0, borderpad=0.1,
    )  # fmt: skip
    return figure


def draw_signed_bars(axes: Axes, bars: Sequence[SignedBar], unit: str, *, narrow: bool = False) -> None:
    """The bars on given axes; names stand left of them, words right, so the axes need margins."""
    _frame(axes, bars, unit, FONT[narrow])
    for place, bar in enumerate(bars):
        _draw(axes, bar, place, narrow=narrow)


def legend_handles(labels: Sequence[str]) -> list[Any]:
    """What each colour means, and the diamond."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles: list[Any] = [Patch(facecolor=c, label=words) for c, words in zip(COLOURS, labels, strict=False)]
    diamond = Line2D([], [], marker="D", ms=6, mfc=INK, mec="white", ls="none", label="value-add: the sum of the parts")
    return [*handles, diamond]


def _frame(axes: Axes, bars: Sequence[SignedBar], unit: str, font: float) -> None:
    """Limits, stripes, zero line, ticks and label."""
    axes.set_ylim(len(bars) - 0.5, -0.5)
    axes.set_yticks([])
    axes.set_facecolor("none")
    for place in range(0, len(bars), 2):
        axes.axhspan(place - 0.5, place + 0.5, color=BAND, lw=0, zorder=0)
    for side in ("left", "right", "top"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(FAINT)
    ends = [0.0, *(sum(x for x in b.parts if x < 0) for b in bars), *(sum(x for x in b.parts if x > 0) for b in bars)]
    pad = 0.04 * (max(ends) - min(ends)) or 1.0
    axes.set_xlim(min(ends) - pad, max(ends) + pad)
    axes.axvline(0, color=INK, lw=0.9, zorder=4)
    axes.tick_params(axis="x", labelsize=font - 0.5, colors=SOFT, length=3, width=0.6)
    axes.set_xlabel(unit, fontsize=font, color=SOFT, labelpad=4)
    axes.xaxis.get_major_locator().set_params(nbins=6 if font < 10 else 4)  # type: ignore[call-arg]
    axes.xaxis.set_major_formatter(lambda x, _: fixed(x, 0 if max(map(abs, ends)) >= 10 else 2))


def _draw(axes: Axes, bar: SignedBar, place: int, *, narrow: bool) -> None:
    """Parts, diamond, name and words of one row."""
    y, font = place + (0.17 if narrow else 0.0), FONT[narrow]
    right = left = 0.0
    for colour, part in zip(COLOURS, bar.parts, strict=False):
        start = right if part >= 0 else left
        axes.barh(y, part, left=start, height=0.42 if narrow else 0.56, color=colour, lw=0, zorder=2)
        right, left = (right + part, left) if part >= 0 else (right, left + part)
    axes.plot([bar.total], [y], marker="D", ms=6, mfc=INK, mec="white", mew=1.0, ls="none", zorder=6)
    style: dict[str, Any] = {"transform": axes.get_yaxis_transform(), "va": "center", "clip_on": False, "zorder": 7}
    if narrow:
        axes.text(0.0, place - 0.28, shorten(bar.name, 20), ha="left", fontsize=font, color=INK, **style)
        axes.text(1.0, place - 0.28, shorten(bar.words, 36), ha="right", fontsize=font - 1, color=SOFT, **style)
        return
    axes.text(-0.015, y, shorten(bar.name, 26), ha="right", fontsize=font, color=INK, **style)
    axes.text(1.02, y, shorten(bar.words, 34), ha="left", fontsize=font - 0.5, color=SOFT, **style)
