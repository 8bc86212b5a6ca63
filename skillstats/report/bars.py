"""Stacked bars of shares that add to 100%: where the differences between outcomes come from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from markupsafe import Markup

from skillstats.report.figures import CLEAR, INK, SOFT
from skillstats.report.numbers import percent
from skillstats.report.svg import draw_layout

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLOURS: Final = (CLEAR, "#8fb7d6", "#c9823f", "#e2b98c", "#d5dbe2")
WORD_FROM: Final = 0.07
"""Share from which its percentage fits inside its part of the bar."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: its name and the shares of its parts, in the order of the legend."""

    name: str
    shares: tuple[float, ...]


def bars_svg(bars: Sequence[Bar], labels: Sequence[str], *, narrow: bool, title: str, description: str) -> Markup:
    """Stacked bars as inline SVG; `labels` name the parts."""
    return draw_layout(lambda: _figure(bars, labels, narrow=narrow), "split", narrow=narrow, title=title, description=description)


def _figure(bars: Sequence[Bar], labels: Sequence[str], *, narrow: bool) -> Figure:
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    font, width = (11.0, 4.9) if narrow else (9.0, 10.0)
    legend = 0.27 * len(labels) if narrow else 0.5
    row = 0.72 if narrow else 0.62
    height = row * len(bars) + legend + 0.15
    figure = Figure(figsize=(width, height), facecolor="none")
    axes = figure.add_axes((0.02, (legend + 0.1) / height, 0.96, row * len(bars) / height))
    axes.set_xlim(0, 1)
    axes.set_ylim(len(bars) - 0.5, -0.5)
    axes.axis("off")
    for place, bar in enumerate(bars):
        start = 0.0
        axes.text(0.0, place - 0.34, bar.name, fontsize=font, color=INK, ha="left", va="center")
        for colour, share in zip(COLOURS, bar.shares, strict=False):
            axes.barh(place + 0.1, share, left=start, height=0.52, color=colour, lw=0, zorder=2)
            if share >= WORD_FROM:
                ink = "white" if colour in COLOURS[:1] else INK
                axes.text(
                    start + share / 2, place + 0.1, percent(share), fontsize=font, color=ink, ha="center", va="center", zorder=3
                )
            start += share
    handles = [Patch(facecolor=c, label=words) for c, words in zip(COLOURS, labels, strict=False)]
    figure.legend(
        handles=handles, loc="lower left", bbox_to_anchor=(0.01, 0.0), ncol=1 if narrow else 3, frameon=False, fontsize=font - 0.5,
        labelcolor=SOFT, handlelength=1.2, handleheight=0.9, columnspacing=1.8, borderaxespad=0.0, borderpad=0.1,
    )  # fmt: skip
    return figure
