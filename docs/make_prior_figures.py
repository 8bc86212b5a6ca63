"""Draw what the priors of the models of outcomes say before any data: annual IR and a year in money, or, without a year, decisions.

    python docs/make_prior_figures.py

Numbers of the priors are read from the models. Pictures go to ``docs/_static``; drawing them again gives the same bytes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import NDArray

from skillstats.spec import ModelSpec, read_spec

FloatArray = NDArray[np.float64]
STATIC: Final = Path(__file__).resolve().parent / "_static"
BLUE, GREY = "#1b5e8c", "#9aa7b3"
DRAWS, SEED = 200_000, 2026
MODELS: Final = ("day_pooled", "crossed_total", "crossed_selection", "dynamic", "population", "population_spike", "population_t")
STYLE = {
    "svg.hashsalt": "skillstats",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.spines.top": False,
}
STYLE |= {"axes.spines.right": False, "axes.spines.left": False}


def annual_skill(spec: ModelSpec, terms: tuple[str, ...] | None = None, draws: int = DRAWS, seed: int = SEED) -> FloatArray:
    """Annual IR drawn from the priors of a specification, shape (draw,).

    Of one trader in one regime and one combination of labels; with `terms` given, of these terms only.
    """
    rng, prior = np.random.default_rng(seed), spec.priors

    def half(name: str) -> FloatArray:
        return np.abs(rng.normal(0, prior[name].sigma, draws))

    skill = rng.normal(prior["skill_mean"].mu or 0.0, prior["skill_mean"].sigma, draws)
    for term in spec.skill.terms if terms is None else terms:
        shape = shape_of_traders(spec, rng, draws) if term == "trader" else rng.normal(size=draws)
        skill = skill + half("skill_sd_" + term.replace(":", "_")) * shape
    if spec.skill.drift is not None:
        phi = prior["drift_persistence"]
        known = rng.normal(phi.mu or 0.0, phi.sigma, 4 * draws)
        persistence = known[(known > 0) & (known < 1)][:draws]
        skill = skill + half("skill_sd_drift") / np.sqrt(1 - persistence**2) * rng.normal(size=draws)
    return np.asarray(skill)


def shape_of_traders(spec: ModelSpec, rng: np.random.Generator, draws: int) -> FloatArray:
    """A trader's effect in units of tau, shape (draw,)."""
    if spec.skill.population == "student_t4":
        return np.asarray(rng.standard_t(4, draws) / np.sqrt(2))
    low, high = {"two_scale": (0.5, 2.0), "spike_slab": (0.1, 1.0)}.get(spec.skill.population, (1.0, 1.0))
    narrow = rng.uniform(size=draws) < rng.uniform(size=draws)
    return np.where(narrow, low, high) * rng.normal(size=draws)


def panel(axis: Any, values: FloatArray, label: str, limits: tuple[float, float], colour: str) -> None:
    """A histogram with the 5%, 50% and 95% points beneath."""
    heights, edges = np.histogram(np.clip(values, *limits), bins=np.linspace(*limits, 61), density=True)
    axis.stairs(heights, edges, fill=True, color=colour)
    low, middle, high = (float(x) + 0.0 for x in np.round(np.quantile(values, [0.05, 0.5, 0.95]), 2))
    axis.set_xlabel(f"{label}\n5% {low:.2f}, median {abs(middle):.2f}, 95% {high:.2f}")
    axis.set_yticks([])


def draw(name: str) -> None:
    """Annual IR of a trader; what such a skill earns in a year, and what the year brings with its luck."""
    skill = annual_skill(read_spec(name))
    year = skill + np.random.default_rng(SEED + 1).normal(size=len(skill))
    figure, axes = plt.subplots(1, 3, figsize=(10.5, 2.0), gridspec_kw={"wspace": 0.25})
    panel(axes[0], skill, "annual IR of a trader", (-3, 3), BLUE)
    panel(axes[1], skill, "what skill earns in a year, in millions,\nwhere the sd of a year is one million", (-4, 4), BLUE)
    panel(axes[2], year, "what a year brings, luck included,\nin millions", (-4, 4), GREY)
    figure.savefig(STATIC / f"prior_{name}.svg", metadata={"Date": None}, bbox_inches="tight")
    plt.close(figure)


def decision_skill(spec: ModelSpec, draws: int = DRAWS, seed: int = SEED) -> tuple[FloatArray, FloatArray]:
    """Mean and sd of a decision of one person, in pooled sds, drawn from priors per decision, shape (draw,) each."""
    rng = np.random.default_rng(seed)
    mean = annual_skill(spec, draws=draws, seed=seed + 2)  # the same sum of effects; here the unit is a decision
    level = spec.priors["residual_log_sd"]
    residual = np.exp(rng.normal(level.mu or 0.0, level.sigma, draws))
    shocks = [np.abs(rng.normal(0, spec.priors[slot].sigma, draws)) for slot in ("session_sd", "trader_session_sd")]
    return mean, np.sqrt(residual**2 + shocks[0] ** 2 + shocks[1] ** 2)


def draw_per_decision(name: str) -> None:
    """Mean and IR of a decision, and what a hundred decisions bring with their luck."""
    mean, sd = decision_skill(read_spec(name))
    hundred = 100 * mean + 10 * sd * np.random.default_rng(SEED + 1).normal(size=len(mean))
    figure, axes = plt.subplots(1, 3, figsize=(10.5, 2.0), gridspec_kw={"wspace": 0.25})
    panel(axes[0], mean, "mean of a decision, in pooled sds", (-4, 4), BLUE)
    panel(axes[1], mean / sd, "IR per decision", (-2, 2), BLUE)
    panel(axes[2], hundred, "what 100 decisions in 100 sessions bring,\nluck included, in pooled sds", (-400, 400), GREY)
    figure.savefig(STATIC / f"prior_{name}.svg", metadata={"Date": None}, bbox_inches="tight")
    plt.close(figure)


if __name__ == "__main__":
    with mpl.rc_context(STYLE):
        for model in MODELS:
            draw(model)
        draw_per_decision("crossed_outcomes")
