"""What next quarter may bring: the predicted value-add of each trader and of all together, in money."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from skillstats.evaluation.result import Evaluation
from skillstats.report.facts import text_of
from skillstats.report.intervals import Axis, Interval, IntervalData, draw_intervals
from skillstats.report.numbers import count, digits_for, fixed, percent, visible
from skillstats.report.plots.canvas import draw_data, rows_high
from skillstats.report.plots.ranks import MOST_ROWS
from skillstats.report.rows import Row, overall_rows

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def quarter_data(evaluation: Evaluation) -> IntervalData | None:
    """The forecasts that may be shown, 90% equal-tailed; None where there are none."""
    shown = [r for r in overall_rows(evaluation) if r.detail is not None]
    desk = {} if evaluation.status == "WITHHOLD" or not shown else evaluation.desk
    return quarter_of(shown, desk, text_of(evaluation.source["unit"]))


def plot_quarter(evaluation: Evaluation, ax: Axes | None = None) -> Axes:
    """Draw the forecast of the next quarter: mean and 90% equal-tailed interval.

    Parameters
    ----------
    evaluation : the verdicts
    ax : axes to draw on; without them a figure of its own, with room for names and words

    Returns
    -------
    Axes, matplotlib's

    Raises
    ------
    UsageError
        If no trader has a forecast that may be shown.
    """
    return draw_data(
        ax,
        quarter_data(evaluation),
        f"plot_quarter: no forecast to show; a picture needs 1 to {MOST_ROWS} traders with an estimate and a year",
        lambda d: rows_high(len(d.rows)),
        lambda axes, d: draw_intervals(axes, d.rows, d.axis),
    )


def quarter_of(shown: Sequence[Row], desk: Mapping[str, Any], unit: str) -> IntervalData | None:
    """The forecasts of filtered rows and of the desk, money in `unit`."""
    own = [
        (r.trader, r.detail["quarter"], r.codes if r.status == "FLAG" else "")
        for r in shown
        if r.detail and r.detail.get("quarter")
    ]
    together = desk.get("quarter")
    lines = [*own, *([("all shown together", together, "")] if together else [])]
    if not own or len(lines) > MOST_ROWS:
        return None
    digits = digits_for(v for _, q, _ in lines for v in (q["q05"], q["q95"]))
    # three significant digits of the largest amount: a forecast has no more
    largest = max(abs(v) for _, q, _ in lines for v in (q["q05"], q["q95"]))
    step = 10.0 ** max(0, math.floor(math.log10(largest)) - 2) if largest > 0 else 1.0

    def money(value: float) -> str:
        return fixed(step * round(value / step) if step > 1 else value, digits)

    rows = [
        Interval(
            visible(str(name)),
            q["q05"],
            q["q95"],
            q["mean"],
            f"mean {money(q['mean'])}, P(loss) {percent(q['p_loss'])}",
            flag=flag,
            strong=q is together,
        )
        for name, q, flag in lines
    ]
    name, q, _ = lines[-1]
    who = "The traders together" if together else visible(str(name))
    title = f"{who}: {money(q['q05'])} to {money(q['q95'])} {unit} with 90% probability; a loss has probability {percent(q['p_loss'])}."
    words = [f"{r.label}: {r.words}, [{money(r.low)}, {money(r.high)}]." for r in rows]
    axis = Axis("quarter", f"value-add of the next {count(q['sessions'])} sessions, {unit}: mean and 90% interval")
    description = f"Predicted value-add of the next quarter in {unit}. " + " ".join(words)
    return IntervalData(title, description, tuple(rows), axis)
