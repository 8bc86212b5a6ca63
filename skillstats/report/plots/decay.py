r"""How fast a value-add appears, and whether it stays: the same decisions marked at every horizon of the plan.

Only decisions that are closed at all horizons are compared, so the means differ by the horizon alone. The error of a mean treats a day as one
bet: with d_s the sum of (value - mean) over the decisions of day s, se^2 = S / (S - 1) sum d_s^2 / n^2. The band is joint: all H
means lie inside with probability of at least 90%, each at level 1 - .1 / H (Bonferroni). The verdict stays with the declared horizon.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
from scipy.special import ndtri

from skillstats.evaluation.result import Evaluation
from skillstats.ledger.containers import Ledger
from skillstats.ledger.decay import CLOSED, KEYS
from skillstats.report.figures import CLEAR, INK, OTHER
from skillstats.report.numbers import count, digits_for, fixed, interval, plural, visible
from skillstats.report.plots.canvas import draw_data, open_shape, quiet
from skillstats.report.plots.same import same_ledger
from skillstats.units import MICRO

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SHARE: Final = 0.90


@dataclass(frozen=True, slots=True)
class DecayPoint:
    """One horizon: its name, whether it is the declared one, mean value-add of a decision, currency, with the joint 90% band."""

    horizon: str
    primary: bool
    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class DecayData:
    """The curve before it is drawn; decisions, sessions : that are compared; money in `unit`."""

    title: str
    description: str
    unit: str
    decisions: int
    sessions: int
    points: tuple[DecayPoint, ...]


def decay_data(ledger: Ledger, trader: str | None = None) -> DecayData | None:
    """The curve of one trader, or of the whole desk; None without further horizons or with decisions of fewer than two sessions."""
    if ledger.decay is None or ledger.decay_kpis is None:
        return None
    values, names = _values(ledger, trader)
    days = values["session"].nunique() if values is not None else 0
    if values is None or days < 2:
        return None
    level = float(ndtri(1 - (1 - SHARE) / (2 * len(names))))
    points = []
    for name, primary in names:
        amounts = values[DECLARED if primary else name] / MICRO
        mean = float(amounts.mean())
        by_day = (amounts - mean).groupby(values["session"]).sum()
        error = float(np.sqrt(days / (days - 1) * (by_day**2).sum()) / len(amounts))
        points.append(DecayPoint(name, primary, mean, mean - level * error, mean + level * error))
    unit, who = ledger.plan.currency, "the desk" if trader is None else visible(trader)
    return _told(who, unit, len(values), days, tuple(points))


DECLARED: Final = ""
"""Column of each row's own horizon."""


def _values(ledger: Ledger, trader: str | None) -> tuple[pd.DataFrame | None, list[tuple[str, bool]]]:
    """Micro-units of each decision that is closed at every horizon, by horizon, with its session; and the horizons in the plan's order."""
    kpis = ledger.decay_kpis.to_pandas() if ledger.decay_kpis is not None else pd.DataFrame()
    own = kpis[kpis["trader"].isna() if trader is None else kpis["trader"] == trader]
    names = [(str(h), bool(p)) for h, p in zip(own["horizon"], own["primary"], strict=True)]
    if len(names) < 2 or ledger.decay is None:
        return None, names
    frame = ledger.decay.to_pandas()
    rows = ledger.rows.select([*KEYS, "is_intervention"]).to_pandas().drop_duplicates(list(KEYS))
    frame = frame.merge(rows, on=list(KEYS), how="left")
    decisions = ledger.decisions.to_pandas().set_index("decision_id")
    frame = frame[frame["decision_id"].isin(frame.loc[frame["is_intervention"], "decision_id"])]
    frame = frame[frame["decision_id"].map(decisions["n_quarantined"]) == 0]
    if trader is not None:
        frame = frame[frame["trader"] == trader]
    columns = {}
    for name, primary in names:
        part = frame[frame["primary"]] if primary else frame[frame["horizon"] == name]
        closed = (part["status"] == CLOSED).groupby(part["decision_id"]).all()
        value = part["value_add"].where(part["is_intervention"], 0).fillna(0).groupby(part["decision_id"]).sum()
        columns[DECLARED if primary else name] = value[closed]
    values = pd.DataFrame(columns).dropna()
    return values.assign(session=decisions["session"].reindex(values.index)), names


def _told(who: str, unit: str, decisions: int, sessions: int, points: tuple[DecayPoint, ...]) -> DecayData:
    digits = digits_for(x for p in points for x in (p.low, p.high))
    first = next(p for p in points if p.primary)
    largest = max(points, key=lambda p: abs(p.mean))
    clear = [p for p in points if p.low > 0 or p.high < 0]
    tail = f"{count(len(clear)) if clear else 'none'} of {plural(len(points), 'horizon')} can be told from zero"
    title = f"For {who} a decision was worth {fixed(first.mean, digits)} {unit} at the declared horizon {visible(first.horizon)}"
    title += (
        f", at most {fixed(largest.mean, digits)} at {visible(largest.horizon)}" if largest is not first else ", nowhere more"
    )
    told = " ".join(f"{visible(p.horizon)}: {fixed(p.mean, digits)} {interval(p.low, p.high, digits)}." for p in points)
    text = f"Mean value-add of the same {count(decisions)} decisions in {plural(sessions, 'session')} at each horizon, {unit}, joint 90% band. {told}"
    return DecayData(f"{title}; {tail}.", text, unit, decisions, sessions, points)


def plot_decay(evaluation: Evaluation, ledger: Ledger, ax: Axes | None = None, *, trader: str | None = None) -> Axes:
    """Draw the mean value-add of the same decisions at every horizon of the plan, with a joint 90% band.

    Parameters
    ----------
    evaluation : the verdicts; ledger : the one they rest on, of a plan with `decay`
    ax : axes to draw on; without them a figure of its own
    trader : whose decisions; None for the whole desk

    Returns
    -------
    Axes, matplotlib's

    Raises
    ------
    UsageError
        If the ledger is another one, or has no further horizons or too few decisions.
    """
    return draw_data(
        ax,
        decay_data(same_ledger(evaluation, ledger, "plot_decay"), trader),
        "plot_decay: needs decisions of two sessions closed at two horizons; name further horizons under `decay` in the plan",
        lambda _: open_shape(2.9),
        _draw,
    )


def _draw(axes: Axes, data: DecayData) -> None:
    quiet(axes, "horizon (the declared one as a diamond), with the joint 90% band", f"mean value-add of a decision, {data.unit}")
    axes.axhline(0, color=INK, lw=0.9, zorder=1)
    axes.plot(range(len(data.points)), [p.mean for p in data.points], color=OTHER, lw=0.9, zorder=2)
    for at, p in enumerate(data.points):
        colour = CLEAR if p.primary else OTHER
        axes.plot([at, at], [p.low, p.high], color=colour, lw=2.2, zorder=3)
        axes.plot([at], [p.mean], marker="D" if p.primary else "o", ms=7.5, mfc=colour, mec="white", mew=1.0, ls="none", zorder=4)
    axes.set_xticks(range(len(data.points)), [visible(p.horizon) for p in data.points])
    axes.margins(x=0.08)
    axes.yaxis.set_major_formatter(lambda y, _: fixed(y, digits_for([axes.get_ylim()[1], axes.get_ylim()[0]])))
