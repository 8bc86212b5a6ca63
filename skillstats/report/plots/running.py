r"""Value-add as it ran, inside the band of the same departures dealt out at random.

The line is what a trader's changes of quantity were worth up to each session, sum u m in money (u the change of the order's size, m what the
order was worth). The band is what the same changes would have been worth on other signals, as in `skillstats.luck.placebo`: inside cells of
day, side, asset class and risk, mean and variance of each day are exact (Hoeffding 1951) and days add, so

    band of day T = sum_{s <= T} mean_s ± 1.645 sqrt(sum_{s <= T} variance_s);

where whole days were chosen, days are permuted inside their regime (turned like a ring where activity comes in spells) and the band is taken
from the draws, day by day. The band holds 90% of such lines at each day, not whole lines; it is a picture of luck in money and no test: a
trader without skill who acts where markets move much leaves it more often than 1 day in 10. Execution (delays, prices) is not in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from skillstats.errors import UsageError
from skillstats.evaluation.result import Evaluation
from skillstats.ledger.containers import Ledger
from skillstats.luck import reassign
from skillstats.luck.placebo import Universe, placebo_of, prepare, universe_of
from skillstats.luck.strata import risk_cells, terciles
from skillstats.report.figures import CLEAR, INK, SOFT
from skillstats.report.numbers import digits_for, fixed, interval, visible
from skillstats.report.plots.canvas import draw_on, open_shape, quiet
from skillstats.report.plots.same import same_ledger

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FloatArray = NDArray[np.float64]
BAND: Final = "#f0dfcc"
DRAWS: Final = 999
LEAST_TESTS: Final = 99
HALF: Final = float(ndtri(0.95))


@dataclass(frozen=True, slots=True)
class RunningData:
    """The line and its band before they are drawn.

    sessions : names of the trader's sessions, in order; line, mean, low, high : currency, cumulated to each; dealt : how luck was dealt
    """

    title: str
    description: str
    unit: str
    sessions: tuple[str, ...]
    line: tuple[float, ...]
    mean: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    dealt: str


def running_data(ledger: Ledger, trader: str, *, seed: int = 1) -> RunningData | None:
    """The running value-add of one trader's changes of quantity, with the 90% band of luck; None where there is nothing to compare."""
    bench = prepare(ledger)
    universe, _, _ = universe_of(bench, trader)
    test = placebo_of(bench, trader, seed=seed, draws=LEAST_TESTS)
    if not test.testable:
        return None
    table = bench.table
    kept = table.universe(trader) & table.priced & ~np.isnan(bench.risk) & ~bench.late
    sessions = np.unique(table.session[kept].astype(str))
    line = np.cumsum(np.bincount(universe.day, universe.tilt * universe.money))
    bands = _by_row(universe) if test.level == "row" else _by_day(universe, test.scheme, np.random.default_rng([seed, 29]))
    dealt = (
        "other signals of the same day, side, asset class and risk" if test.level == "row" else "other days of the same regime"
    )
    return _told(trader, ledger.plan.currency, sessions, (line, *bands), dealt)


def _by_row(u: Universe) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Mean, 5% and 95% of the cumulated money, (day,) each: exact moments of each cell, summed by day."""
    cell = risk_cells(u.day, u.side, u.asset_class, terciles(u.risk))
    cells = reassign.sort_by_cell(cell, u.act, u.value, u.tilt, u.money)
    mean, variance = reassign.cell_variances(cells.tilt, cells.money, cells.starts)
    day = np.zeros(len(mean), dtype=np.int64)
    day[cell] = u.day  # a cell lies inside one day
    centre = np.cumsum(np.bincount(day, mean, minlength=int(u.day.max()) + 1))
    reach = HALF * np.sqrt(np.cumsum(np.bincount(day, variance, minlength=len(centre))))
    return centre, centre - reach, centre + reach


def _by_day(u: Universe, scheme: str, rng: np.random.Generator) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Mean, 5% and 95% of the cumulated money, (day,) each: whole days dealt out inside their regime."""
    days = reassign.make_days(u.day, u.side, u.regime, u.act, u.value, u.tilt, u.money)
    paths = np.array([np.cumsum(np.sum(days.tilt[order] * days.money, axis=1)) for order in _orders(days.regime, scheme, rng)])
    low, high = np.quantile(paths, [0.05, 0.95], axis=0)
    return paths.mean(axis=0), low, high


def _orders(regime: NDArray[np.int64], scheme: str, rng: np.random.Generator) -> Iterator[NDArray[np.int64]]:
    """Which day's pattern each day gets, `DRAWS` times."""
    groups = [np.flatnonzero(regime == r) for r in np.unique(regime)]
    for _ in range(DRAWS):
        order = np.arange(len(regime))
        for own in groups:
            order[own] = np.roll(own, int(rng.integers(len(own)))) if scheme == "turns" else rng.permutation(own)
        yield order


def _told(trader: str, unit: str, sessions: NDArray[np.str_], paths: tuple[FloatArray, ...], dealt: str) -> RunningData:
    line, mean, low, high = paths
    digits = digits_for([line[-1], low[-1], high[-1]])
    place = "above" if line[-1] > high[-1] else "below" if line[-1] < low[-1] else "inside"
    ends = f"{fixed(line[-1], digits)} {unit}, {place} the 90% band of luck {interval(low[-1], high[-1], digits)}"
    title = f"{visible(trader)}: changes of quantity have made {ends}."
    text = f"Running value-add of {visible(trader)}'s changes of quantity over {len(sessions)} sessions. It ends at {ends}; the band deals the same changes to {dealt}."
    rows = [tuple(float(x) for x in path) for path in (line, mean, low, high)]
    return RunningData(title, text, unit, tuple(str(s) for s in sessions), rows[0], rows[1], rows[2], rows[3], dealt)


def plot_running(evaluation: Evaluation, ledger: Ledger, trader: str, ax: Axes | None = None, *, seed: int = 1) -> Axes:
    """Draw a trader's running value-add inside the 90% band of luck; see the head of the module.

    Parameters
    ----------
    evaluation : the verdicts; ledger : the one they rest on; trader : whose line it is
    ax : axes to draw on; without them a figure of its own
    seed : of the draws, where whole days were chosen

    Returns
    -------
    Axes, matplotlib's

    Raises
    ------
    UsageError
        If the ledger is another one, knows no such trader, or there is nothing to compare.
    """
    data = running_data(same_ledger(evaluation, ledger, "plot_running"), trader, seed=seed)
    if data is None:
        raise UsageError(f"plot_running: trader={trader!r} has no placebo; ss.placebo(ledger, trader=...) says why")
    return draw_on(ax, open_shape(3.0), data.title, lambda axes: _draw(axes, data))


def _draw(axes: Axes, data: RunningData) -> None:
    at = np.arange(len(data.sessions))
    quiet(axes, "session", f"value-add of changes of quantity so far, {data.unit}")
    axes.fill_between(at, data.low, data.high, color=BAND, lw=0, zorder=1)
    axes.plot(at, data.mean, color=SOFT, lw=1.0, ls=(0, (4, 2)), zorder=2)
    axes.axhline(0, color=INK, lw=0.9, zorder=2)
    axes.plot(at, data.line, color=CLEAR, lw=2.0, zorder=3)
    axes.set_xlim(0, max(1, len(at) - 1))
    ticks = np.unique(np.linspace(0, len(at) - 1, min(6, len(at))).astype(int))
    axes.set_xticks(ticks, [data.sessions[k] for k in ticks])
    axes.yaxis.set_major_formatter(lambda y, _: fixed(y, 0))
    words = f"band: 90% of the same changes dealt to {data.dealt}, day by day; dashes: their mean"
    axes.text(0.01, 0.98, words, transform=axes.transAxes, ha="left", va="top", fontsize=8, color=SOFT, zorder=5)
