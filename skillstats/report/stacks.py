"""Stacked bars of money with a sign: parts that made a gain to the right of zero, parts that cost to the left, the sum as a diamond."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from markupsafe import Markup

from skillstats.report.figures import BAND, CLEAR, FAINT, INK, SOFT
from skillstats.report.numbers import fixed, shorten
from skillstats.report.section import Picture, in_both_layouts
from skillstats.report.svg import draw_layout

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS: Final = (CLEAR, "#8fb7d6", "#c9823f", "#e2b98c", "#c3cad3")
"""Told apart by lightness too, so that they stay apart in grey and for any colour vision."""


@dataclass(frozen=True, slots=True)
class Stack:
    """One bar: its name, its parts with their sign in the order of the legend, and words at the right."""

    name: str
    parts: tuple[float, ...]
    words: str


@dataclass(frozen=True, slots=True)
class StackData:
    """A picture of stacked bars, before it is drawn: key of its ids, finding, alternative text, bars, names of the parts, name of the axis."""

    key: str
    title: str
    description: str
    stacks: tuple[Stack, ...]
    labels: tuple[str, ...]
    axis: str


def stack_picture(data: StackData) -> Picture:
    """The picture in both layouts, for a page."""
    draw = partial(stacks_svg, data.stacks, data.labels, data.axis, key=data.key)
    return in_both_layouts(draw, data.title, data.description)


def stacks_svg(
    stacks: Sequence[Stack], labels: Sequence[str], axis: str, *, key: str, narrow: bool, title: str, description: str
) -> Markup:
    """The bars as inline SVG.

    Parameters
    ----------
    labels : of the parts; axis : name and unit of the money; key : prefix of the figure's ids
    narrow, title, description : layout and alternative text
    """
    return draw_layout(
        lambda: _figure(stacks, labels, axis, narrow=narrow), key, narrow=narrow, title=title, description=description
    )


def _figure(stacks: Sequence[Stack], labels: Sequence[str], axis: str, *, narrow: bool) -> Figure:
    from matplotlib.figure import Figure

    font, width, row = (11.0, 4.9, 0.72) if narrow else (9.0, 10.0, 0.40)
    columns = 2 if narrow else len(labels) + 1
    legend = 0.26 * -(-(len(labels) + 1) // columns) + 0.1
    bottom = 0.52 + legend
    height = row * len(stacks) + bottom + 0.1
    figure = Figure(figsize=(width, height), facecolor="none")
    left, right = (0.03, 0.97) if narrow else (0.16, 0.84)
    axes: Axes = figure.add_axes((left, bottom / height, right - left, row * len(stacks) / height))
    draw_stacks(axes, stacks, axis, narrow=narrow, font=font)
    figure.legend(
        handles=legend_handles(labels), loc="lower left", bbox_to_anchor=(left - 0.01, 0.0), ncol=columns, frameon=False,
        fontsize=font - 0.5, labelcolor=SOFT, handlelength=1.2, handleheight=0.9, columnspacing=1.6, borderaxespad=0.0, borderpad=0.1,
    )  # fmt: skip
    return figure


def draw_stacks(axes: Axes, stacks: Sequence[Stack], axis: str, *, narrow: bool = False, font: float = 9.0) -> None:
    """The bars on given axes; names stand left of them, words right, so the axes need margins."""
    _frame(axes, stacks, axis, font)
    for place, stack in enumerate(stacks):
        _draw(axes, stack, place, narrow=narrow, font=font)


def legend_handles(labels: Sequence[str]) -> list[Any]:
    """What each colour means, and the diamond."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles: list[Any] = [Patch(facecolor=c, label=words) for c, words in zip(COLOURS, labels, strict=False)]
    return [*handles, Line2D([], [], marker="D", ms=5.5, mfc="white", mec=INK, mew=1.3, ls="none", label="value-add")]


def _frame(axes: Axes, stacks: Sequence[Stack], axis: str, font: float) -> None:
    """Limits, stripes, ticks and label."""
    axes.set_ylim(len(stacks) - 0.5, -0.5)
    axes.set_yticks([])
    axes.set_facecolor("none")
    for place in range(0, len(stacks), 2):
        axes.axhspan(place - 0.5, place + 0.5, color=BAND, lw=0, zorder=0)
    for side in ("left", "right", "top"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(FAINT)
    axes.tick_params(axis="x", labelsize=font - 0.5, colors=SOFT, length=3, width=0.6)
    axes.set_xlabel(axis, fontsize=font, color=SOFT, labelpad=5)
    ends = [0.0, *(sum(max(p, 0.0) for p in s.parts) for s in stacks), *(sum(min(p, 0.0) for p in s.parts) for s in stacks)]
    pad = 0.03 * (max(ends) - min(ends)) or 1.0
    axes.set_xlim(min(ends) - pad, max(ends) + pad)
    axes.axvline(0, color=INK, lw=0.9, zorder=4)
    axes.xaxis.get_major_locator().set_params(nbins=6 if font < 10 else 4)  # type: ignore[call-arg]
    axes.xaxis.set_major_formatter(lambda x, _: fixed(x, 0 if max(map(abs, ends)) >= 10 else 2))


def _draw(axes: Axes, stack: Stack, place: int, *, narrow: bool, font: float) -> None:
    """Parts from zero outwards, the sum on top, name and words."""
    y, half = place + (0.18 if narrow else 0.0), 0.21 if narrow else 0.28
    start = {True: 0.0, False: 0.0}
    for colour, part in zip(COLOURS, stack.parts, strict=False):
        gain = part > 0
        axes.barh(y, part, left=start[gain], height=2 * half, color=colour, lw=0, zorder=3)
        start[gain] += part
    axes.plot([float(np.sum(stack.parts))], [y], marker="D", ms=5.5, mfc="white", mec=INK, mew=1.3, ls="none", zorder=6)
    across = axes.get_yaxis_transform()
    if narrow:
        axes.text(
            0.0,
            place - 0.26,
            shorten(stack.name, 20),
            transform=across,
            ha="left",
            va="center",
            fontsize=font,
            color=INK,
            zorder=7,
        )
        axes.text(
            1.0,
            place - 0.26,
            shorten(stack.words, 36),
            transform=across,
            ha="right",
            va="center",
            fontsize=font - 1,
            color=SOFT,
            zorder=7,
        )
        return
    axes.text(
        -0.015, y, shorten(stack.name, 22), transform=across, ha="right", va="center", fontsize=font, color=INK, clip_on=False
    )
    axes.text(
        1.02,
        y,
        shorten(stack.words, 28),
        transform=across,
        ha="left",
        va="center",
        fontsize=font - 0.5,
        color=SOFT,
        clip_on=False,
    )
