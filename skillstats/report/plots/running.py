"""The running value-add of one trader inside its bands of luck: the picture of the trader's page, for a notebook.

What the line and the bands are: `skillstats.luck.envelope`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from skillstats.errors import UsageError
from skillstats.evaluation.result import Evaluation
from skillstats.ledger.containers import Ledger
from skillstats.luck.envelope import Envelope, envelope
from skillstats.luck.placebo import prepare
from skillstats.report.numbers import exact_money, interval, visible
from skillstats.report.plots.canvas import draw_on, open_shape
from skillstats.report.plots.same import same_ledger
from skillstats.report.running_figure import FONT, Running, draw_running, running_handles
from skillstats.units import MICRO

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def running_data(ledger: Ledger, trader: str, *, seed: int) -> Running | None:
    """The line and its bands, currency; without bands where there is no test, None where the trader has no closed departure.

    Parameters
    ----------
    ledger, trader : whose line it is; seed : of the re-assignments
    """
    found = envelope(ledger, prepare(ledger), trader, seed=seed)
    return running_of(found) if found.sessions else None


def running_of(found: Envelope) -> Running:
    """An envelope in currency."""
    band = None if found.low is None or found.high is None else (found.low.tolist(), found.high.tolist())
    wide = None if found.wide_low is None or found.wide_high is None else (found.wide_low.tolist(), found.wide_high.tolist())
    return Running(found.sessions, tuple((found.running / MICRO).tolist()), band, wide)


def plot_running(evaluation: Evaluation, ledger: Ledger, trader: str, ax: Axes | None = None, *, seed: int | None = None) -> Axes:
    """Draw a trader's running value-add inside what the same departures made when dealt out at random; see `skillstats.luck.envelope`.

    Parameters
    ----------
    evaluation : the verdicts; ledger : the one they rest on; trader : whose line it is
    ax : axes to draw on; without them a figure of its own
    seed : of the re-assignments; default: the evaluation's, so that the picture is that of the trader's page

    Returns
    -------
    Axes, matplotlib's

    Raises
    ------
    UsageError
        If the ledger is another one, knows no such trader, or holds no closed departure of theirs.
    """
    used = int(evaluation.identity["seed"]) if seed is None else seed
    data = running_data(same_ledger(evaluation, ledger, "plot_running"), trader, seed=used)
    if data is None:
        raise UsageError(f"plot_running: trader={trader!r} has no closed departure in this ledger; name another trader")
    unit = ledger.plan.currency

    def draw(axes: Axes) -> None:
        draw_running(axes, data, unit, FONT[False])

    return draw_on(ax, open_shape(3.0), _title(data, trader, ledger), draw, lambda: running_handles(data, "running value-add"))


def _title(data: Running, trader: str, ledger: Ledger) -> str:
    """Where the line ends, and whether a random record would have ended there."""
    end, unit = data.line[-1], ledger.plan.currency
    stands = f"{visible(trader)}: departures have made {exact_money(round(end * MICRO))} {unit}"
    if data.band is None:
        return f"{stands}; luck cannot be dealt out for them."
    low, high = data.band[0][-1], data.band[1][-1]
    place = "above" if end > high else "below" if end < low else "inside"
    return f"{stands}, {place} the 90% band of luck {interval(low, high, 0)}."
