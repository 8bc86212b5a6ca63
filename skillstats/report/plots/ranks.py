"""Where each trader may stand: the places held with probability 90%, in order of names where the data support no order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from skillstats.evaluation.result import Evaluation
from skillstats.report.intervals import Axis, Interval, IntervalData, draw_intervals
from skillstats.report.numbers import is_number, percent, visible
from skillstats.report.plots.canvas import draw_data, rows_high
from skillstats.report.rows import overall_rows

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_ROWS: Final = 60
"""Traders up to which a picture has a row for each; beyond, the numbers stay in evaluation.json."""


def ranks_data(evaluation: Evaluation) -> IntervalData | None:
    """The ranks that may be shown; None with fewer than two traders, more than `MOST_ROWS`, or a withheld fit."""
    names = {r.trader: r.codes if r.status == "FLAG" else "" for r in overall_rows(evaluation) if not r.withheld}
    return ranks_of({} if evaluation.status == "WITHHOLD" else evaluation.lists, names)


def plot_ranks(evaluation: Evaluation, ax: Axes | None = None) -> Axes:
    """Draw the 90% intervals of the traders' ranks.

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
        If there are no ranks that may be shown.
    """
    return draw_data(
        ax,
        ranks_data(evaluation),
        f"plot_ranks: no ranks to show; a picture needs 2 to {MOST_ROWS} traders with an estimate",
        lambda d: rows_high(len(d.rows)),
        lambda axes, d: draw_intervals(axes, d.rows, d.axis),
    )


def ranks_of(lists: Mapping[str, Any], names: Mapping[str, str]) -> IntervalData | None:
    """The ranks of the traders in `names`, each with the codes of its flag."""
    lines = [line for line in lists.get("ranks") or () if line["trader"] in names]
    if not 2 <= len(lines) <= MOST_ROWS:
        return None
    supported = bool(lists["order"]["supported"])
    rows = [
        Interval(
            visible(str(line["trader"])),
            float(line["rank_q05"]),
            float(line["rank_q95"]),
            float(line["rank_mean"]) if is_number(line["rank_mean"]) else None,
            f"best {percent(line['p_best'])}, top quarter {percent(line['p_top_quartile'])}",
            flag=names[line["trader"]],
        )
        for line in lines
    ]
    title = (
        f"{rows[0].label} stands above the others; the lines show how far up or down each may be."
        if supported
        else "The data support no order of the traders as a whole; the lines show how far up or down each may stand."
    )
    words = [f"{r.label}: rank {r.low:.0f} to {r.high:.0f}, {r.words}." for r in rows]
    axis = Axis("ranks", "rank among the traders shown, 1 is best", (1, len(rows)))
    description = "90% intervals of the rank of each trader. " + " ".join(words)
    return IntervalData(title, description, tuple(rows), axis)
