"""What each value-add is made of: size, drift, slippage and cost of every trader's departures, exact sums of the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pyarrow.compute as pc

from skillstats.evaluation.result import Evaluation
from skillstats.ledger.containers import Ledger
from skillstats.report.numbers import fixed, listed, visible
from skillstats.report.plots.canvas import draw_data, rows_high
from skillstats.report.plots.same import same_ledger
from skillstats.report.signed_bars import SignedBar, SignedBarData, draw_signed_bars, legend_handles
from skillstats.units import MICRO

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PARTS: Final = {
    "size": "size: how much",
    "drift": "drift: waiting",
    "slippage": "slippage: execution",
    "cost": "cost: spread, impact, fees",
}
DESK: Final = "whole desk"


def parts_data(ledger: Ledger) -> SignedBarData | None:
    """A bar for the desk and one a trader over the complete intervention decisions, as in the ledger's KPIs; None where there are none."""
    table = ledger.decisions
    judged = table.filter(pc.and_(table["complete"], pc.is_in(table["decision_id"], _touched(ledger))))
    if not judged.num_rows:
        return None
    sums = judged.group_by("trader").aggregate([(k, "sum") for k in (*PARTS, "value_add")]).sort_by("trader").to_pylist()
    every = {f"{k}_sum": sum(r[f"{k}_sum"] for r in sums) for k in (*PARTS, "value_add")}
    rows = [(DESK, every), *((visible(str(r["trader"])), r) for r in sums)]
    digits = 0 if max(abs(r["value_add_sum"]) for _, r in rows) >= 1000 * MICRO else 2
    bars = tuple(
        SignedBar(
            name,
            tuple(r[f"{k}_sum"] / MICRO for k in PARTS),
            r["value_add_sum"] / MICRO,
            fixed(r["value_add_sum"] / MICRO, digits),
        )
        for name, r in rows
    )
    unit = ledger.plan.currency
    first = max(PARTS, key=lambda k: abs(every[f"{k}_sum"]))
    title = f"Of {bars[0].words} {unit} of value-add, {fixed(every[f'{first}_sum'] / MICRO, digits)} is {first}."
    told = (
        f"{b.name}: {b.words}, of which " + listed(f"{k} {fixed(x, digits)}" for k, x in zip(PARTS, b.parts, strict=True))
        for b in bars
    )
    text = f"Value-add of the intervention decisions and its exact parts, {unit}. " + "; ".join(told) + "."
    return SignedBarData("parts", title, text, bars, tuple(PARTS.values()), unit)


def _touched(ledger: Ledger) -> object:
    """Decisions with a row that departs from the model."""
    rows = ledger.rows
    return pc.unique(rows.filter(rows["is_intervention"])["decision_id"])


def plot_parts(evaluation: Evaluation, ledger: Ledger, ax: Axes | None = None) -> Axes:
    """Draw size, drift, slippage and cost of each trader's departures, in money; the parts add up to the diamond exactly.

    Parameters
    ----------
    evaluation : the verdicts; ledger : the one they rest on
    ax : axes to draw on; without them a figure of its own, with room for names and words

    Returns
    -------
    Axes, matplotlib's

    Raises
    ------
    UsageError
        If the ledger is another one, or has no complete intervention decision.
    """
    return draw_data(
        ax,
        parts_data(same_ledger(evaluation, ledger, "plot_parts")),
        "plot_parts: the ledger has no complete intervention decision",
        lambda d: rows_high(len(d.bars), 0.44),
        lambda axes, d: draw_signed_bars(axes, d.bars, d.unit),
        lambda d: legend_handles(d.labels),
    )
