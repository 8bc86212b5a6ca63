"""Predictive checks as small multiples: what the model would have produced, and a line where the data are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from markupsafe import Markup

from skillstats.report.figures import AMBER, FAINT, INK, SOFT
from skillstats.report.svg import draw_layout

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TITLES: Final = {
    "skewness": "skewness",
    "largest_share": "share of the largest outcome",
    "day_variance": "variance of day means",
    "lag_1": "correlation with the session before",
    "hit_rate": "share above zero",
    "trader_spread": "spread between traders",
    "minimum": "worst outcome",
}
LOW, HIGH = 0.01, 0.99


def checks_svg(checks: Mapping[str, Mapping[str, Any]], *, narrow: bool, title: str, description: str) -> Markup:
    """Small multiples of the checks as inline SVG.

    Parameters
    ----------
    checks : name -> {p, observed, low, high, counts}, see `Evaluation.diagnostics`
    """
    return draw_layout(lambda: _figure(checks, narrow=narrow), "checks", narrow=narrow, title=title, description=description)


def _figure(checks: Mapping[str, Mapping[str, Any]], *, narrow: bool) -> Figure:
    from matplotlib.figure import Figure

    columns, font, width = (2, 10.0, 4.9) if narrow else (4, 9.0, 10.0)
    rows = -(-len(checks) // columns)
    height = (1.5 if narrow else 1.55) * rows
    figure = Figure(figsize=(width, height), facecolor="none")
    grid = figure.subplots(rows, columns, squeeze=False)
    figure.subplots_adjust(left=0.02, right=0.98, top=1 - 0.42 / height, bottom=0.34 / height, hspace=0.95, wspace=0.12)
    panels: Sequence[Axes] = list(grid.flat)
    for axes, (name, check) in zip(panels, checks.items(), strict=False):
        _panel(axes, name, check, font)
    for axes in panels[len(checks) :]:
        axes.axis("off")
    return figure


def _panel(axes: Axes, name: str, check: Mapping[str, Any], font: float) -> None:
    """One statistic: histogram of the replications, line of the data, p in words."""
    counts = np.asarray(check["counts"], dtype=float)
    edges = np.linspace(check["low"], check["high"], len(counts) + 1)
    missed = not LOW <= check["p"] <= HIGH
    axes.bar(edges[:-1], counts, width=np.diff(edges), align="edge", color="#b9c3ce", lw=0, zorder=2)
    axes.axvline(check["observed"], color=AMBER if missed else INK, lw=1.8, zorder=3)
    axes.set_yticks([])
    for side in ("left", "right", "top"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(FAINT)
    axes.tick_params(axis="x", labelsize=font - 1.5, colors=SOFT, length=2, width=0.6)
    axes.xaxis.get_major_locator().set_params(nbins=3)  # type: ignore[call-arg]
    axes.set_title(TITLES.get(name, name), fontsize=font, color=INK, loc="left", pad=15)
    words = f"p = {check['p']:.3f}, FLAG" if missed else f"p = {check['p']:.2f}"
    axes.text(0.0, 1.03, words, transform=axes.transAxes, fontsize=font - 1, color=AMBER if missed else SOFT, va="bottom")
