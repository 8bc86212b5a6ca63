"""Overriding often, or overriding well: rate, regime, choice and execution of the desk and of each trader, in money."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skillstats.evaluation.result import Evaluation
from skillstats.report.blocks.choice import choice_of
from skillstats.report.facts import text_of
from skillstats.report.plots.canvas import draw_data, rows_high
from skillstats.report.rows import overall_rows
from skillstats.report.signed_bars import SignedBarData, draw_signed_bars, legend_handles

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def choice_data(evaluation: Evaluation) -> SignedBarData | None:
    """The bars of the desk and of the traders of the evaluation who departed from a signal; None where the block is missing."""
    block = evaluation.attribution.get("choice") or {}
    if not block.get("available"):
        return None
    names = {r.trader for r in overall_rows(evaluation)}
    own = [t for t in block["traders"] if str(t["trader"]) in names and (t["n_departed"] or t["n_initiated"])]
    return choice_of(block, own, text_of(evaluation.source["unit"]))


def plot_choice(evaluation: Evaluation, ax: Axes | None = None) -> Axes:
    """Draw what departing as often at random would have made, and what regimes, the choice of signals and execution added, in money.

    Parameters
    ----------
    evaluation : with the block `choice`
    ax : axes to draw on; without them a figure of its own, with room for names and words

    Returns
    -------
    Axes, matplotlib's

    Raises
    ------
    UsageError
        If the evaluation has no such split.
    """
    return draw_data(
        ax,
        choice_data(evaluation),
        "plot_choice: the evaluation has no block `choice`; it needs a record or a ledger, not a table of outcomes",
        lambda d: rows_high(len(d.bars), 0.44),
        lambda axes, d: draw_signed_bars(axes, d.bars, d.unit),
        lambda d: legend_handles(d.labels),
    )
