"""Two books running through time: the model alone, and what became of it with people; the gap between them is what people added."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from markupsafe import Markup

from skillstats.report.figures import CLEAR, FAINT, INK, SOFT
from skillstats.report.numbers import fixed, shorten
from skillstats.report.svg import draw_layout

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

GAIN: Final = "#cfe0ee"
LOSS: Final = "#f0dfcc"
WIDTH: Final = {False: 10.0, True: 4.9}
FONT: Final = {False: 9.0, True: 11.0}


@dataclass(frozen=True, slots=True)
class Stretch:
    """One stretch of time: its name, what the model's book made in it, and what people added; currency."""

    name: str
    model: float
    added: float


def running_svg(stretches: Sequence[Stretch], unit: str, *, key: str, narrow: bool, title: str, description: str) -> Markup:
    """Both books summed from the first stretch on, as inline SVG.

    Parameters
    ----------
    unit : of the axis; key : of the figure, unique in the page
    narrow : the layout for a phone; title, description : alternative text
    """
    return draw_layout(lambda: _figure(stretches, unit, narrow=narrow), key, narrow=narrow, title=title, description=description)


def _figure(stretches: Sequence[Stretch], unit: str, *, narrow: bool) -> Figure:
    from matplotlib.figure import Figure

    font = FONT[narrow]
    figure = Figure(figsize=(WIDTH[narrow], 3.4), facecolor="none")
    left, right = (0.15, 0.92) if narrow else (0.09, 0.84)
    axes: Axes = figure.add_axes((left, 0.2, right - left, 0.74))
    model = np.r_[0.0, np.cumsum([s.model for s in stretches])]
    both = model + np.r_[0.0, np.cumsum([s.added for s in stretches])]
    at = np.arange(len(model))
    axes.fill_between(at, model, both, where=(both >= model).tolist(), interpolate=True, color=GAIN, lw=0, zorder=1)
    axes.fill_between(at, model, both, where=(both <= model).tolist(), interpolate=True, color=LOSS, lw=0, zorder=1)
    axes.axhline(0, color=INK, lw=0.7, zorder=2)
    axes.plot(at, model, color=SOFT, lw=1.8, ls=(0, (4, 2)), zorder=4)
    axes.plot(at, both, color=CLEAR, lw=2.4, zorder=5)
    axes.plot(at[1:], both[1:], color=CLEAR, marker="o", ms=4, ls="none", zorder=5)
    _frame(axes, stretches, [*model, *both], unit, font)
    _name_lines(axes, float(model[-1]), float(both[-1]), narrow=narrow)
    return figure


def _frame(axes: Axes, stretches: Sequence[Stretch], values: Sequence[float], unit: str, font: float) -> None:
    """Limits, ticks and labels; as many names of stretches as there is room for."""
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(FAINT)
    axes.set_facecolor("none")
    step = max(1, -(-len(stretches) // (4 if font > 10 else 7)))
    places = list(range(1, len(stretches) + 1, step))
    axes.set_xticks(places, [shorten(stretches[k - 1].name[:7], 9) for k in places])
    axes.tick_params(labelsize=font - 0.5, colors=SOFT, length=3, width=0.6)
    axes.set_xlim(0, len(stretches) + 0.15)
    pad = 0.08 * (max(values) - min(values)) or 1.0
    axes.set_ylim(min(values) - pad, max(values) + pad)
    largest = max(map(abs, values))
    unit, scale = (f"thousand {unit}", 1e3) if largest >= 2e4 else (unit, 1.0)
    axes.yaxis.set_major_formatter(lambda x, _: fixed(x / scale, 0 if largest / scale >= 10 else 2))
    axes.set_xlabel("end of", fontsize=font, color=SOFT, labelpad=3)
    axes.set_ylabel(f"since the start, {unit}", fontsize=font, color=SOFT)


def _name_lines(axes: Axes, model: float, both: float, *, narrow: bool) -> None:
    """The two lines named where they end; on a phone in a legend."""
    if narrow:
        from matplotlib.lines import Line2D

        style: list[Any] = [Line2D([], [], color=CLEAR, lw=2.4), Line2D([], [], color=SOFT, lw=1.8, ls=(0, (4, 2)))]
        axes.legend(style, ["with people", "model alone"], loc="best", frameon=False, fontsize=FONT[True] - 1, labelcolor=INK)
        return
    low, high = axes.get_ylim()
    apart = 0.08 * (high - low)
    above, below = (both, model) if both >= model else (model, both)
    if above - below < apart:
        above, below = above + apart / 2, below - apart / 2
    at = {both >= model: above, both < model: below}
    for y, words, colour in ((at[True], "with people", CLEAR), (at[False], "model alone", SOFT)):
        axes.annotate(
            words,
            (1.01, y),
            xycoords=("axes fraction", "data"),
            fontsize=FONT[False],
            color=colour,
            va="center",
            annotation_clip=False,
        )
