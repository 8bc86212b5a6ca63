r"""What the data changed: what was believed before they came, beside what is believed now.

The prior of a trader's annual IR is the sum of the terms of the model, mu ~ Normal(m, s_0) and for each further term an effect
tau z with z ~ Normal(0, 1), tau ~ |Normal(0, s)| (its scale times c in a two-scale population). Given tau such an effect is Normal(0, tau), so

    E exp(i t tau z) = E exp(-t^2 tau^2 / 2) = 1 / sqrt(1 + s^2 t^2),

and the distribution function follows from the product of the terms by inversion (Gil-Pelaez 1951), without any draw. It is the prior of one
trader in one regime and one action; over the trader's mix of them it is a little narrower.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import ndtri

from skillstats.errors import SkillstatsError
from skillstats.evaluation.result import Evaluation
from skillstats.report.intervals import Axis, Interval, IntervalData, draw_intervals
from skillstats.report.numbers import count, fixed, interval, is_number, visible
from skillstats.report.plots.canvas import draw_data, rows_high
from skillstats.report.plots.ranks import MOST_ROWS
from skillstats.report.rows import overall_rows
from skillstats.spec import ModelSpec, read_spec

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FloatArray = NDArray[np.float64]
MIDDLE: Final = float(ndtri(0.75))
"""Median of |Normal(0, 1)|."""
ENDS: Final = (0.05, 0.95)
SCALES: Final = {"normal": (1.0,), "two_scale": (0.5, 2.0), "spike_slab": (0.1, 1.0)}
"""Scales of a population's parts, each as likely as the other before the data."""
HALF: Final = float(ndtri(0.975)), float(ndtri(0.525))
"""Upper and lower 5% point of |Normal(0, 1)|."""


def prior_ends(spec: ModelSpec) -> tuple[float, float] | None:
    """The 5% and 95% points of the prior of a trader's annual IR; None where the model states its priors on another scale or another form.

    Examples
    --------
    >>> tuple(round(x, 2) for x in prior_ends(read_spec("crossed_total")))
    (-1.34, 1.34)
    """
    mean = spec.priors.get("skill_mean")
    parts = _parts(spec)
    if mean is None or mean.unit != "annual_ir" or parts is None:
        return None
    t = np.linspace(0.0, 400.0, 400_001)[1:]
    weight = np.exp(-0.5 * (mean.sigma * t) ** 2)
    for part in parts:
        weight = weight * np.mean([1 / np.sqrt(1 + (s * t) ** 2) for s in part], axis=0)

    def below(x: float) -> float:
        return float(0.5 + np.trapezoid(np.r_[x, weight * np.sin(t * x) / t], np.r_[0.0, t]) / np.pi)

    reach = 12 * (mean.sigma + sum(max(p) for p in parts))
    centre = float(mean.mu or 0.0)
    low, high = (float(brentq(lambda x, q=q: below(x) - q, -reach, reach)) for q in ENDS)
    return centre + low, centre + high


def _parts(spec: ModelSpec) -> list[tuple[float, ...]] | None:
    """The prior scales of each term; None where one has another form than the module's formula."""
    if spec.skill.drift is not None or spec.skill.population not in SCALES:
        return None
    found = []
    for term in spec.skill.terms:
        prior = spec.priors["skill_sd_" + term.replace(":", "_")]
        if prior.distribution != "half_normal" or prior.unit != "annual_ir":
            return None
        scales = SCALES[spec.skill.population] if term == "trader" else (1.0,)
        found.append(tuple(prior.sigma * s for s in scales))
    return found


def prior_data(evaluation: Evaluation) -> IntervalData | None:
    """Prior and posterior of the desk's mean, of the spread between traders and of each trader; None where there is no such prior."""
    spec, shown = _spec_of(evaluation), [r for r in overall_rows(evaluation) if r.ir is not None]
    ends = prior_ends(spec) if spec is not None and evaluation.source["has_year"] else None
    if spec is None or ends is None or not shown or len(shown) > MOST_ROWS or evaluation.status == "WITHHOLD":
        return None
    rows = [Interval("any trader, before", *ends, 0.5 * sum(ends), f"prior {interval(*ends, 2)}")]
    for r in shown:
        assert r.ir is not None
        flag = r.codes if r.status == "FLAG" else ""
        words = f"{fixed(r.ir.mean, 2)} {interval(r.ir.q05, r.ir.q95, 2)}"
        rows.append(
            Interval(visible(r.trader), r.ir.q05, r.ir.q95, r.ir.mean, words, flag, strong=not ends[0] <= r.ir.mean <= ends[1])
        )
    rows += _desk(evaluation.population, spec)
    means = [r.ir.mean for r in shown if r.ir is not None]
    now = (
        f"the mean is {fixed(means[0], 1)}"
        if len(means) == 1
        else f"the {count(len(means))} means run from {fixed(min(means), 1)} to {fixed(max(means), 1)}"
    )
    title = f"Before the data any trader's annual IR lay between {fixed(ends[0], 1)} and {fixed(ends[1], 1)} with 90% probability; now {now}{_spread_words(evaluation.population, spec)}."
    told = " ".join(f"{r.label}: {r.words}." for r in rows)
    axis = Axis("prior", "annual information ratio (no unit): mean and 90% equal-tailed interval")
    return IntervalData(title, f"Prior beside posterior, 90% equal-tailed intervals of annual IRs. {told}", tuple(rows), axis)


def _spread_words(population: Mapping[str, Any], spec: ModelSpec) -> str:
    """How the belief about the spread between traders moved."""
    before, after = spec.priors.get("skill_sd_trader"), population.get("trader_sd")
    if before is None or before.distribution != "half_normal" or not after or not is_number(after["median"]):
        return ""
    return f", and the spread between traders is put at {fixed(after['median'], 1)} instead of {fixed(before.sigma * MIDDLE, 1)}"


def _desk(population: Mapping[str, Any], spec: ModelSpec) -> list[Interval]:
    """The desk's mean and the spread between traders, before and after."""
    mean, spread, found = spec.priors["skill_mean"], spec.priors.get("skill_sd_trader"), []
    centre, reach = float(mean.mu or 0.0), float(mean.sigma) * float(ndtri(ENDS[1]))
    before = {"desk_mean": ("desk mean", (centre - reach, centre, centre + reach))}
    if spread is not None and spread.distribution == "half_normal":
        top, bottom = (spread.sigma * h for h in HALF)
        before["trader_sd"] = ("spread", (bottom, spread.sigma * MIDDLE, top))
    for key, (name, (low, middle, high)) in before.items():
        after = population.get(key)
        if not after or not all(is_number(after[k]) for k in ("q05", "median", "q95")):
            continue
        found.append(Interval(f"{name}, before", low, high, middle, f"prior {interval(low, high, 2)}"))
        words = f"{fixed(after['median'], 2)} {interval(after['q05'], after['q95'], 2)}"
        moved = not low <= after["median"] <= high
        found.append(Interval(f"{name}, now", after["q05"], after["q95"], after["median"], words, strong=moved))
    return found


def _spec_of(evaluation: Evaluation) -> ModelSpec | None:
    """The model's specification, where it is one of the package and still the same."""
    try:
        spec = read_spec(str(evaluation.identity["spec_name"]))
    except SkillstatsError:
        return None
    return spec if spec.digest == evaluation.identity["spec"] else None


def plot_prior(evaluation: Evaluation, ax: Axes | None = None) -> Axes:
    """Draw prior beside posterior: any trader before the data, each trader now, the desk's mean and the spread between traders.

    Parameters
    ----------
    evaluation : of a model of this package with priors on annual IRs
    ax : axes to draw on; without them a figure of its own, with room for names and words

    Returns
    -------
    Axes, matplotlib's

    Raises
    ------
    UsageError
        If the model states no such prior, was changed since, or no trader has an estimate that may be shown.
    """
    return draw_data(
        ax,
        prior_data(evaluation),
        "plot_prior: needs a model of this package with priors on annual IRs, unchanged since, and a trader with an estimate",
        lambda d: rows_high(len(d.rows)),
        lambda axes, d: draw_intervals(axes, d.rows, d.axis),
    )
