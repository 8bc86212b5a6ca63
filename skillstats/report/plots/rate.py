"""Overriding often against overriding well: each trader's override rate beside the mean value-add of a decision. Description, not evidence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from skillstats.evaluation.result import Evaluation
from skillstats.report.facts import text_of
from skillstats.report.figures import CLEAR, INK, OTHER
from skillstats.report.numbers import count, digits_for, fixed, interval, is_number, percent, plural, shorten, visible
from skillstats.report.plots.canvas import draw_data, open_shape, quiet
from skillstats.report.rows import overall_rows

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, slots=True)
class RatePoint:
    """One trader: share of signals departed from; mean value-add of a decision, with its 90% equal-tailed interval from day-clustered errors."""

    trader: str
    rate: float
    mean: float
    q05: float
    q95: float


@dataclass(frozen=True, slots=True)
class RateData:
    """The picture before it is drawn; money in `unit`."""

    title: str
    description: str
    unit: str
    points: tuple[RatePoint, ...]


def rate_data(evaluation: Evaluation) -> RateData | None:
    """Rates and means of the traders that are not withheld; None where the input was a table of outcomes."""
    names = {r.trader for r in overall_rows(evaluation) if not r.withheld}
    rates: dict[str, Any] = {str(k["trader"]): k.get("override_rate") for k in evaluation.kpis if k.get("by") == "trader"}
    means = {str(e["trader"]): e for e in evaluation.day_errors if e["trader"] is not None}
    points = tuple(
        RatePoint(visible(t), float(rates[t]), *(float(means[t][k]) for k in ("mean", "mean_q05", "mean_q95")))
        for t in sorted(names & set(rates) & set(means))
        if is_number(rates[t]) and all(is_number(means[t][k]) for k in ("mean", "mean_q05", "mean_q95"))
    )
    if not points:
        return None
    unit = text_of(evaluation.source["unit"])
    digits = digits_for(x for p in points for x in (p.q05, p.q95))
    told = " ".join(
        f"{p.trader}: overrides {percent(p.rate)}, {fixed(p.mean, digits)} {interval(p.q05, p.q95, digits)}." for p in points
    )
    text = f"Share of signals departed from, against the mean value-add of a decision in {unit} with its 90% interval. {told}"
    return RateData(_title(points), text, unit, points)


def _title(points: tuple[RatePoint, ...]) -> str:
    most = max(points, key=lambda p: (p.rate, p.trader))
    clear = [p for p in points if p.q05 > 0 or p.q95 < 0]
    start = f"Overriding more often is not overriding better: {most.trader} departs most often ({percent(most.rate)})"
    best = max(points, key=lambda p: (p.mean, p.trader))
    if best is most or len(points) < 2:
        start = f"{most.trader} departs most often, from {percent(most.rate)} of the signals"
    tail = f"the mean of {count(len(clear)) if clear else 'none'} of {plural(len(points), 'trader')} can be told from zero"
    return f"{start}; {tail} (90% interval, days as bets)."


def plot_rate(evaluation: Evaluation, ax: Axes | None = None) -> Axes:
    """Draw override rates against mean value-adds with their 90% intervals (days as bets): description, not evidence.

    Parameters
    ----------
    evaluation : of a record or ledger
    ax : axes to draw on; without them a figure of its own

    Returns
    -------
    Axes, matplotlib's

    Raises
    ------
    UsageError
        If the input was a table of outcomes, which has no override rate.
    """
    return draw_data(
        ax,
        rate_data(evaluation),
        "plot_rate: no override rates; they need a record or a ledger, not a table of outcomes",
        lambda _: open_shape(3.2),
        _draw,
    )


def _draw(axes: Axes, data: RateData) -> None:
    quiet(
        axes, "share of signals departed from; lines: 90% intervals, days as bets", f"mean value-add of a decision, {data.unit}"
    )
    axes.axhline(0, color=INK, lw=0.9, zorder=1)
    for p in data.points:
        clear = p.q05 > 0 or p.q95 < 0
        colour = CLEAR if clear else OTHER
        axes.plot([p.rate, p.rate], [p.q05, p.q95], color=colour, lw=2.0, zorder=3)
        axes.plot([p.rate], [p.mean], marker="D" if clear else "o", ms=7, mfc=colour, mec="white", mew=1.0, ls="none", zorder=4)
        axes.annotate(shorten(p.trader, 14), (p.rate, p.q95), xytext=(0, 5), textcoords="offset points", ha="center", va="bottom", fontsize=8.5, color=INK)  # fmt: skip
    axes.margins(x=0.08, y=0.14)
    rates = [p.rate for p in data.points]
    digits = 1 if max(rates) - min(rates) < 0.05 else 0
    axes.xaxis.set_major_formatter(lambda x, _: f"{100 * x:.{digits}f}%")
    axes.yaxis.set_major_formatter(lambda y, _: fixed(y, 0 if max(abs(p.q95) for p in data.points) >= 10 else 2))
