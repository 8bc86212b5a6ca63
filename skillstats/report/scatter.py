"""How often against how well: a dot for each kind of signal, its 90% interval upright, the hurdle as a dashed line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from markupsafe import Markup

from skillstats.report.figures import CLEAR, FAINT, INK, OTHER, SOFT
from skillstats.report.numbers import fixed, shorten
from skillstats.report.svg import draw_layout

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH: Final = {False: 10.0, True: 4.9}
FONT: Final = {False: 9.0, True: 11.0}
NAMED: Final = {False: 8, True: 4}
"""Dots that get a name beside them: those that stand out, then the most and least frequent, the best and the worst."""
APART: Final = {False: (0.2, 0.07), True: (0.4, 0.08)}
"""Shares of the width and the height within which a second name would lie on the first."""


@dataclass(frozen=True, slots=True)
class Spot:
    """One dot: name, share overridden in percent, value with its ends, and whether it stands out."""

    label: str
    rate: float
    low: float
    value: float
    high: float
    strong: bool = False


def scatter_svg(
    spots: Sequence[Spot], hurdle: float, axes_names: tuple[str, str], *, key: str, narrow: bool, title: str, description: str
) -> Markup:
    """The dots as inline SVG.

    Parameters
    ----------
    hurdle : drawn across; axes_names : of the share (x) and of the value (y), with units; key : of the figure, unique in the page
    narrow : the layout for a phone; title, description : alternative text
    """
    return draw_layout(
        lambda: _figure(spots, hurdle, axes_names, narrow=narrow), key, narrow=narrow, title=title, description=description
    )


def _figure(spots: Sequence[Spot], hurdle: float, axes_names: tuple[str, str], *, narrow: bool) -> Figure:
    from matplotlib.figure import Figure

    font = FONT[narrow]
    figure = Figure(figsize=(WIDTH[narrow], 3.9), facecolor="none")
    axes: Axes = figure.add_axes((0.14 if narrow else 0.075, 0.17, 0.83 if narrow else 0.905, 0.79))
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(FAINT)
    axes.set_facecolor("none")
    axes.tick_params(labelsize=font - 0.5, colors=SOFT, length=3, width=0.6)
    axes.set_xlabel(axes_names[0], fontsize=font, color=SOFT)
    axes.set_ylabel(axes_names[1], fontsize=font, color=SOFT)
    axes.axhline(0, color=INK, lw=0.8, zorder=1)
    axes.axhline(hurdle, color=CLEAR, lw=1.0, ls=(0, (4, 2)), zorder=1)
    rates = [s.rate for s in spots]
    pad = 0.12 * (max(rates) - min(rates)) or 5.0
    axes.set_xlim(max(0.0, min(rates) - pad / 2), min(104.0, max(rates) + 1.6 * pad))
    axes.xaxis.set_major_formatter(lambda x, _: f"{x:.0f}%")
    axes.yaxis.set_major_formatter(lambda y, _: fixed(y, 1))
    for spot in spots:
        colour = CLEAR if spot.strong else OTHER
        axes.plot([spot.rate, spot.rate], [spot.low, spot.high], color=colour, lw=1.3, alpha=0.75, zorder=3)
        axes.plot(
            [spot.rate],
            [spot.value],
            marker="D" if spot.strong else "o",
            ms=7,
            mfc=colour,
            mec="white",
            mew=1.0,
            ls="none",
            zorder=4,
        )
    for spot in _to_name(spots, axes, narrow=narrow):
        axes.annotate(
            shorten(spot.label, 18 if narrow else 30), (spot.rate, spot.value), xytext=(6, 3), textcoords="offset points", fontsize=font - 1,
            color=INK if spot.strong else SOFT, zorder=6, annotation_clip=False,
        )  # fmt: skip
    return figure


def _to_name(spots: Sequence[Spot], axes: Axes, *, narrow: bool) -> list[Spot]:
    """Dots whose names find room."""
    ends = [
        max(spots, key=lambda s: s.rate),
        min(spots, key=lambda s: s.rate),
        max(spots, key=lambda s: s.value),
        min(spots, key=lambda s: s.value),
    ]
    (left, right), (low, high) = axes.get_xlim(), axes.get_ylim()
    wide, tall = APART[narrow][0] * (right - left), APART[narrow][1] * (high - low)
    chosen: list[Spot] = []
    for spot in dict.fromkeys([*(s for s in spots if s.strong), *ends]):
        if all(abs(spot.rate - c.rate) > wide or abs(spot.value - c.value) > tall for c in chosen):
            chosen.append(spot)
    return chosen[: NAMED[narrow]]
