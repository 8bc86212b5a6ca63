r"""How long until we know: the probability of a claim against the years of record it rests on, for traders of a given true IR.

With T years and everything on the annual scale the power formula of `skillstats.luck.power` needs no count of decisions,

    power = Phi( sqrt(T) (IR - hurdle (T + 1/p^2) / T - z_c sqrt(T + 1/p^2) / T) ),        p = prior sd of annual IRs,

because effective decisions of a year cancel. It is a planning figure under the prior alone: where a desk has shown that its traders differ much,
claims come sooner, which only a simulation of the desk can say. p is the one under which the evaluation's own table of years was computed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from scipy.optimize import brentq

from skillstats.evaluation.needed import POWER
from skillstats.evaluation.result import Evaluation
from skillstats.luck.power import power_of
from skillstats.report.figures import CLEAR, INK, OTHER, RAW, SOFT
from skillstats.report.lengths import of_one_trader
from skillstats.report.numbers import fixed, is_number, listed, percent
from skillstats.report.plots.canvas import draw_data, open_shape, quiet

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LOOKS: Final = ((CLEAR, "-"), (RAW, (0, (5, 2))), (OTHER, (0, (1.5, 1.5))), (INK, (0, (7, 2, 1, 2))))
"""Colour and dash: told apart without colour."""
STEPS: Final = 120


@dataclass(frozen=True, slots=True)
class Curve:
    """One true annual IR: years at which a claim has probability .80, and (years, probability of a claim)."""

    ir: float
    years: float
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class NeededData:
    """The curves before they are drawn; today: years of record so far; certainty, hurdle (annual IR) : of a claim; prior_sd : annual."""

    title: str
    description: str
    curves: tuple[Curve, ...]
    today: float
    hurdle: float
    certainty: float
    prior_sd: float


def needed_data(evaluation: Evaluation) -> NeededData | None:
    """The curves of an evaluation; None without a year, or where the fit is withheld or has no trader with an estimate."""
    lines = [n for n in evaluation.desk.get("needed") or () if is_number(n["years"])]
    source, plan = evaluation.source, evaluation.plan
    if evaluation.status == "WITHHOLD" or not lines or not is_number(source["sessions_per_year"]):
        return None
    hurdle, certainty = float(plan["hurdle"]), float(plan["certainty"])
    prior = _prior_sd(lines[0], hurdle, certainty)
    today = float(source["sessions_spanned"]) / float(source["sessions_per_year"])
    longest = max(1.3 * today, 1.25 * max(float(n["years"]) for n in lines))
    years = np.geomspace(min(0.25, 0.5 * today), longest, STEPS)
    given = {"hurdle": hurdle, "prior_sd": prior, "certainty": certainty}
    curves = tuple(
        Curve(float(n["ir"]), float(n["years"]), tuple((float(t), power_of(t, ir=float(n["ir"]), **given)) for t in years))
        for n in lines
    )
    title, description = _words(curves, today, given)
    return NeededData(title, description, curves, today, hurdle, certainty, prior)


def _prior_sd(line: Any, hurdle: float, certainty: float) -> float:
    """The prior sd at which the printed years give the printed power."""

    def gap(log_sd: float) -> float:
        sd = float(np.exp(log_sd))
        return power_of(float(line["years"]), ir=float(line["ir"]), hurdle=hurdle, prior_sd=sd, certainty=certainty) - POWER

    low, high = np.log(1e-3), np.log(1e3)
    return float(np.exp(brentq(gap, low, high))) if gap(low) * gap(high) < 0 else float("inf")


def _words(curves: Sequence[Curve], today: float, given: dict[str, float]) -> tuple[str, str]:
    now = [f"{percent(power_of(today, ir=c.ir, **given))} at a true annual IR of {c.ir:g}" for c in curves]
    title = f"By the prior of the plan alone, {fixed(today, 1)} years of record bring a claim in {listed(now)}."
    later = [f"{fixed(c.years, 1)} years at {c.ir:g}" for c in curves]
    text = f"Probability of a claim against years of record; it reaches {percent(POWER)} after {listed(later)}. Today: {fixed(today, 1)} years. "
    return title, f"{text}{title} {of_one_trader(simulated=False)}"


def plot_needed(evaluation: Evaluation, ax: Axes | None = None) -> Axes:
    """Draw the probability of a claim against years of record, for true annual IRs, with today's record marked.

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
        If the evidence has no year or the fit is withheld.
    """
    return draw_data(
        ax,
        needed_data(evaluation),
        "plot_needed: no years to plan with; the evidence needs a year and a trader with an estimate",
        lambda _: open_shape(3.2),
        _draw,
    )


def _draw(axes: Axes, data: NeededData) -> None:
    quiet(axes, "years of record", "probability of a claim")
    for (colour, dash), curve in zip(LOOKS * len(data.curves), data.curves, strict=False):
        years, power = (list(x) for x in zip(*curve.points, strict=True))
        axes.plot(years, power, color=colour, ls=dash, lw=2.0, zorder=3)
        at = int(np.argmin(np.abs(np.array(power) - 0.55)))
        axes.annotate(f"true IR {curve.ir:g}", (years[at], power[at]), xytext=(7, -4), textcoords="offset points", fontsize=9, color=colour if colour != OTHER else INK, zorder=5)  # fmt: skip
        axes.plot([curve.years], [POWER], marker="o", ms=6, mfc="white", mec=colour, mew=1.4, ls="none", zorder=4)
    axes.set_xscale("log")
    years = [p[0] for p in data.curves[0].points]
    axes.set_xlim(years[0], years[-1])
    axes.set_ylim(0, 1.02)
    ticks = [t for t in (0.25, 0.5, 1, 2, 5, 10, 20, 50, 100) if years[0] <= t <= years[-1]]
    axes.set_xticks(ticks, [f"{t:g}" for t in ticks])
    axes.minorticks_off()
    axes.set_yticks([0, 0.25, 0.5, 0.8, 1.0], ["0%", "25%", "50%", "80%", "100%"])
    axes.axhline(POWER, color=SOFT, lw=0.8, ls=(0, (1, 2)), zorder=1)
    axes.axvline(data.today, color=INK, lw=1.0, ls=(0, (4, 2)), zorder=2)
    axes.text(data.today, 1.03, f"today: {fixed(data.today, 1)} years", transform=axes.get_xaxis_transform(), ha="center", va="bottom", fontsize=8.5, color=INK)  # fmt: skip
