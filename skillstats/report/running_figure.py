"""A running value-add in front of its bands of luck."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from markupsafe import Markup

from skillstats.report.figures import CLEAR, FAINT, INK, SOFT
from skillstats.report.luck_band import DARK, LUCK
from skillstats.report.numbers import fixed
from skillstats.report.svg import draw_layout

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIZE: Final = {False: (10.0, 3.7), True: (4.9, 3.9)}
FONT: Final = {False: 9.0, True: 11.0}
WIDE: Final = "#faf1e6"


@dataclass(frozen=True, slots=True)
class Running:
    """What is drawn, (session,) each in currency: the line, and both bands as (low, high); no bands where there is no test."""

    sessions: tuple[str, ...]
    line: tuple[float, ...]
    band: tuple[Sequence[float], Sequence[float]] | None
    wide: tuple[Sequence[float], Sequence[float]] | None


def running_svg(data: Running, unit: str, *, narrow: bool, title: str, description: str) -> Markup:
    """The line and its bands as inline SVG; see `Running`."""
    return draw_layout(lambda: _figure(data, unit, narrow=narrow), "running", narrow=narrow, title=title, description=description)


def _figure(data: Running, unit: str, *, narrow: bool) -> Figure:
    from matplotlib.figure import Figure

    font, size = FONT[narrow], SIZE[narrow]
    figure = Figure(figsize=size, facecolor="none")
    left, bottom = (0.17, 0.34) if narrow else (0.085, 0.25)
    axes: Axes = figure.add_axes((left, bottom, 0.97 - left, 0.95 - bottom))
    draw_running(axes, data, unit, font)
    figure.legend(
        handles=running_handles(data, "your running value-add"), loc="lower left", bbox_to_anchor=(0.01, 0.0), ncol=1 if narrow else 3,
        frameon=False, fontsize=font - 0.5, labelcolor=SOFT, handlelength=1.6, columnspacing=1.8, borderaxespad=0.0, borderpad=0.1,
    )  # fmt: skip
    return figure


def draw_running(axes: Axes, data: Running, unit: str, font: float) -> None:
    """The line and its bands on axes of matplotlib, `font` points."""
    x = range(len(data.sessions))
    if data.wide:
        axes.fill_between(x, *data.wide, color=WIDE, lw=0, zorder=1)
    if data.band:
        axes.fill_between(x, *data.band, color=LUCK, lw=0, zorder=2)
        for ends in data.band:
            axes.plot(x, ends, color=DARK, lw=0.7, ls=(0, (4, 2)), zorder=3)
    axes.axhline(0, color=INK, lw=0.9, zorder=3)
    axes.plot(x, data.line, color=CLEAR, lw=1.8, marker="o" if len(data.line) < 3 else None, zorder=5)
    axes.plot([len(data.line) - 1], [data.line[-1]], marker="o", ms=6, mfc=CLEAR, mec="white", mew=1.0, ls="none", zorder=6)
    _frame(axes, data, unit, font)


def running_handles(data: Running, line: str) -> list[Any]:
    """What the legend explains; `line` names the line."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles: list[Any] = [Line2D([], [], color=CLEAR, lw=1.8, label=line)]
    if data.band:
        handles.append(Patch(facecolor=LUCK, edgecolor=DARK, lw=0.6, label="90% of random deals, day by day"))
    if data.wide:
        handles.append(Patch(facecolor=WIDE, edgecolor=FAINT, label="90% of random deals never leave this"))
    return handles


def _frame(axes: Axes, data: Running, unit: str, font: float) -> None:
    """Ticks at a few sessions, money on the left."""
    n = len(data.sessions)
    axes.set_xlim(-0.5, max(n - 0.5, 0.5))
    axes.set_facecolor("none")
    few = 3 if font > FONT[False] else 6
    ticks = sorted({round(k * (n - 1) / max(few - 1, 1)) for k in range(few)})
    axes.set_xticks(ticks, [data.sessions[k] for k in ticks])
    axes.tick_params(axis="both", labelsize=font - 0.5, colors=SOFT, length=3, width=0.6)
    for side in ("right", "top"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(FAINT)
    ends = [abs(v) for v in data.line]
    axes.yaxis.set_major_formatter(lambda v, _: fixed(v, 0 if max(ends) >= 10 else 2))
    axes.set_ylabel(f"{unit}, summed up", fontsize=font, color=SOFT, labelpad=4)
