r"""How large a raw record may be by luck alone: raw IR against the number of independent bets it rests on, with the band of luck.

Without skill the ratio of mean to standard deviation of n independent outcomes is t(n - 1) / sqrt(n), so 90% of such records lie inside

    ± t_{.95, n - 1} / sqrt(n),        n = effective decisions,

a funnel that is wide where there is little evidence: that is why the best raw record of a desk is so often one of few decisions. Of K such
traders all lie inside with probability 90% where each does with probability .9^(1/K), the wider funnel (independent records; Sidak 1967).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from markupsafe import Markup
from scipy.special import stdtrit

from skillstats.evaluation.result import Evaluation
from skillstats.report.figures import AMBER, CLEAR, INK, OTHER, SOFT
from skillstats.report.numbers import count, fixed, is_number, percent, plural, shorten, visible
from skillstats.report.plots.canvas import draw_data, open_shape, quiet
from skillstats.report.rows import OVERALL
from skillstats.report.svg import draw_layout

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SHARE: Final = 0.90
BAND, WIDER = "#f0dfcc", "#f8efe4"
STEPS: Final = 60
HIGH, LINE = 240.0, 11.0
"""Points of the axes from bottom to top, and of a line of text."""
LEAST: Final = 2.0
"""Effective decisions below which a record has no spread to judge."""


@dataclass(frozen=True, slots=True)
class Point:
    """One raw record: trader, effective decisions, mean / sd a decision (no unit), the codes of its flag, beyond its own 90% band or all bands."""

    trader: str
    n_eff: float
    raw: float
    flag: str
    outside: bool
    beyond_all: bool


@dataclass(frozen=True, slots=True)
class FunnelData:
    """The funnel before it is drawn: finding, alternative text, records that may be shown, and (n, one trader's edge, all traders' edge)."""

    title: str
    description: str
    points: tuple[Point, ...]
    band: tuple[tuple[float, float, float], ...]


def luck_edge(n_eff: float, traders: int = 1) -> float:
    """Edge of the 90% band of luck of mean / sd, no unit, for `n_eff` independent outcomes, such that `traders` without skill all lie inside.

    Examples
    --------
    >>> round(luck_edge(100), 3), round(luck_edge(400), 3), round(luck_edge(100, traders=8), 3)
    (0.166, 0.082, 0.253)
    """
    tail = 0.5 * (1 - SHARE ** (1 / traders))
    return float(-stdtrit(n_eff - 1, tail) / np.sqrt(n_eff))


def funnel_data(evaluation: Evaluation) -> FunnelData | None:
    """The raw records of the traders that may be shown; None where there are none."""
    if evaluation.status == "WITHHOLD":
        return None
    rows = [r for r in evaluation.rows if r["regime"] == OVERALL and r["status"] != "WITHHOLD"]
    known = [r for r in rows if is_number(r["raw_ir"]) and is_number(r["n_eff"]) and r["n_eff"] > LEAST]
    if not known:
        return None
    points = tuple(_point(r, len(known)) for r in sorted(known, key=lambda r: str(r["trader"])))
    sizes = [p.n_eff for p in points]
    grid = np.geomspace(max(LEAST + 0.5, min(sizes) / 1.6), max(sizes) * 1.35, STEPS)
    band = tuple((float(n), luck_edge(n), luck_edge(n, len(points))) for n in grid)
    return FunnelData(_title(points), _description(points), points, band)


def _point(row: Any, traders: int) -> Point:
    n, raw = float(row["n_eff"]), float(row["raw_ir"])
    flag = " ".join(c["code"] for c in row["codes"]) if row["status"] == "FLAG" else ""
    return Point(visible(str(row["trader"])), n, raw, flag, abs(raw) > luck_edge(n), abs(raw) > luck_edge(n, traders))


def _title(points: Sequence[Point]) -> str:
    outside, expected = sum(p.outside for p in points), (1 - SHARE) * len(points)
    verb = "lies" if outside <= 1 else "lie"
    start = f"{count(outside) if outside else 'None'} of {plural(len(points), 'raw record')} {verb} outside the band of 9 in 10 records without skill"
    start += f" ({fixed(expected, 1)} expected by luck)"
    beyond = sum(p.beyond_all for p in points)
    if len(points) == 1:
        return start + "."
    return (
        f"{start}; {count(beyond) if beyond else 'none'} outside the band that holds all {count(len(points))} in 9 of 10 desks."
    )


def _description(points: Sequence[Point]) -> str:
    told = [f"{p.trader}: raw IR {fixed(p.raw, 3)} from {count(p.n_eff)} effective decisions, {_place(p)}." for p in points]
    return "Raw information ratio a decision against effective decisions, with the 90% band of luck around zero. " + " ".join(
        told
    )


def _place(point: Point) -> str:
    return "beyond the wider band" if point.beyond_all else "outside the band" if point.outside else "inside the band"


def plot_funnel(evaluation: Evaluation, ax: Axes | None = None) -> Axes:
    """Draw raw IRs a decision against effective decisions, with the 90% band of luck; see the head of the module.

    Parameters
    ----------
    evaluation : the verdicts
    ax : axes to draw on; without them a figure of its own

    Returns
    -------
    Axes, matplotlib's

    Raises
    ------
    UsageError
        If no raw record may be shown.
    """
    return draw_data(
        ax,
        funnel_data(evaluation),
        "plot_funnel: no raw record that may be shown; result.rows holds the reasons",
        lambda _: open_shape(),
        draw_funnel,
    )


def funnel_svg(data: FunnelData, *, narrow: bool, title: str, description: str) -> Markup:
    """The funnel as inline SVG, for a page."""
    return draw_layout(lambda: _figure(data, narrow=narrow), "funnel", narrow=narrow, title=title, description=description)


def _figure(data: FunnelData, *, narrow: bool) -> Figure:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.9, 4.2) if narrow else (10.0, 4.0), facecolor="none")
    axes = figure.add_axes((0.15, 0.14, 0.82, 0.82) if narrow else (0.075, 0.14, 0.90, 0.82))
    draw_funnel(axes, data, font=11.0 if narrow else 9.0)
    return figure


def draw_funnel(axes: Axes, data: FunnelData, *, font: float = 9.0) -> None:
    """Bands, records and their names; shape tells what colour tells."""
    n, own, every = (np.array(x) for x in zip(*data.band, strict=True))
    axes.fill_between(n, -every, every, color=WIDER, lw=0, zorder=0)
    axes.fill_between(n, -own, own, color=BAND, lw=0, zorder=1)
    axes.axhline(0, color=INK, lw=0.9, zorder=2)
    quiet(axes, "effective decisions: independent bets the record is worth", "raw IR a decision, mean / sd (no unit)", font)
    axes.set_xscale("log")
    axes.set_xlim(n[0], n[-1])
    _ticks(axes, n[0], n[-1])
    reach = 1.15 * max(abs(p.raw) for p in data.points)
    top = max(reach, 1.6 * float(np.median(every)))
    axes.set_ylim(-top, top)
    for p in data.points:
        colour, shape = (CLEAR, "D") if p.beyond_all else (CLEAR, "o") if p.outside else (OTHER, "o")
        face = colour if p.outside else "white"
        axes.plot([p.n_eff], [p.raw], marker=shape, ms=7.5, mfc=face, mec=colour, mew=1.4, ls="none", zorder=5)
    for p, lift in zip(data.points, _lifts(data.points, top, 0.16 if font < 10 else 0.45), strict=True):
        words = shorten(p.trader, 16) + (" FLAG" if p.flag else "")
        axes.annotate(words, (p.n_eff, p.raw), xytext=(7, lift), textcoords="offset points", va="center", fontsize=font - 0.5, color=AMBER if p.flag else INK, zorder=6)  # fmt: skip
    _explain(axes, data, font)


def _lifts(points: Sequence[Point], top: float, reach: float) -> list[float]:
    """Points by which each name is moved up, so that it lies on no name below whose record rests on about as much (log ratio under `reach`)."""
    lifts = [0.0] * len(points)
    order = sorted(range(len(points)), key=lambda k: points[k].raw)
    for at, k in enumerate(order):
        for below in order[:at]:
            gap = (points[k].raw - points[below].raw) / (2 * top) * HIGH
            if abs(np.log(points[k].n_eff / points[below].n_eff)) < reach:
                lifts[k] = max(lifts[k], lifts[below] + LINE - gap)
    return lifts


def _ticks(axes: Axes, low: float, high: float) -> None:
    """A few round numbers of decisions, written out."""
    from matplotlib.ticker import NullFormatter, NullLocator

    every = [f * 10**e for e in range(8) for f in (1, 2, 5)]
    inside = [float(x) for x in every if low <= x <= high]
    axes.set_xticks(inside, [count(x) for x in inside])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_minor_formatter(NullFormatter())


def _explain(axes: Axes, data: FunnelData, font: float) -> None:
    """What the bands are, written into the picture."""
    words = f"dark: {percent(SHARE)} of records without skill; pale: all {count(len(data.points))} of them in {percent(SHARE)} of desks"
    if font > 10:
        words = "dark: 90% of records without skill\npale: all of them in 90% of desks"
    axes.text(0.99, 0.02, words, transform=axes.transAxes, ha="right", va="bottom", fontsize=font - 0.5, color=SOFT, zorder=7)
