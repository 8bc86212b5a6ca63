"""Draw what the priors of heavy_scale, hybrid_timing and propensity say before any data.

    python docs/make_family_figures.py

Numbers of the priors are read from the models. Pictures go to ``docs/_static``; drawing them again gives the same bytes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

from skillstats.spec import ModelSpec, read_spec

STATIC = Path(__file__).resolve().parent / "_static"
BLUE, GREY, ORANGE = "#1b5e8c", "#6b7b8c", "#b5531f"
DRAWS, SEED = 40_000, 2026


def save(figure: Any, name: str) -> None:
    """Write one SVG without a date."""
    figure.savefig(STATIC / name, metadata={"Date": None}, bbox_inches="tight")
    plt.close(figure)


def normal(rng: np.random.Generator, spec: ModelSpec, slot: str, size: Any = DRAWS) -> Any:
    """Draws of a normal prior."""
    return rng.normal(spec.priors[slot].mu, spec.priors[slot].sigma, size)


def half(rng: np.random.Generator, spec: ModelSpec, slot: str, size: Any = DRAWS) -> Any:
    """Draws of a half-normal prior."""
    return np.abs(rng.normal(0, spec.priors[slot].sigma, size))


def panel(axis: Any, values: Any, label: str, limits: tuple[float, float], colour: str = BLUE) -> None:
    """A histogram with the 5%, 50% and 95% points beneath."""
    axis.hist(np.clip(values, *limits), bins=np.linspace(*limits, 60), color=colour, density=True)
    low, middle, high = np.quantile(values, [0.05, 0.5, 0.95])
    digits = 0 if max(abs(low), abs(high)) > 5 else 2
    points = [f"{round(x, digits) + 0.0:,.{digits}f}" for x in (low, middle, high)]
    axis.set_xlabel(f"{label}\n5% {points[0]}, median {points[1]}, 95% {points[2]}")
    axis.set_yticks([])


def heavy_scale() -> None:
    """Annual IR of a trader, the same in money, and degrees of freedom."""
    rng, spec = np.random.default_rng(SEED), read_spec("heavy_scale")
    ir = normal(rng, spec, "skill_mean") + half(rng, spec, "skill_sd_trader") * rng.normal(size=DRAWS)
    shape = (spec.priors["tail_excess"].mu or 0.0) ** 2 / spec.priors["tail_excess"].sigma ** 2
    nu = 2.5 + rng.gamma(shape, (spec.priors["tail_excess"].mu or 0.0) / shape, DRAWS)
    figure, axes = plt.subplots(1, 3, figsize=(10.5, 2.2), gridspec_kw={"wspace": 0.3})
    panel(axes[0], ir, "annual IR of a trader", (-3, 3))
    panel(axes[1], ir / np.sqrt(586) * 10_000, "money per decision at a risk\nof 10,000 and 586 bets a year", (-1200, 1200))
    panel(axes[2], nu, "degrees of freedom", (2.5, 80), ORANGE)
    save(figure, "prior_heavy_scale.svg")


def hybrid_timing() -> None:
    """Annual IR of a part, of the total, and the correlation of two parts."""
    rng, spec = np.random.default_rng(SEED), read_spec("hybrid_timing")
    eta = spec.priors["skill_correlation"].eta or 1.0
    first = 2 * rng.beta(eta + 0.5, eta + 0.5, (2, DRAWS)) - 1
    last = first[0] * first[1] + (2 * rng.beta(eta, eta, DRAWS) - 1) * np.sqrt((1 - first[0] ** 2) * (1 - first[1] ** 2))
    r = np.broadcast_to(np.eye(3), (DRAWS, 3, 3)).copy()
    for (i, k), value in (((0, 1), first[0]), ((0, 2), first[1]), ((1, 2), last)):
        r[:, i, k] = r[:, k, i] = value
    effects = np.einsum("nij,nj->ni", np.linalg.cholesky(r), rng.normal(size=(DRAWS, 3)))
    theta = normal(rng, spec, "skill_mean", (DRAWS, 3)) + half(rng, spec, "skill_sd_trader", (DRAWS, 3)) * effects
    sigma = np.exp(normal(rng, spec, "residual_log_sd", (DRAWS, 3)))
    sd = np.sqrt(sigma**2 + half(rng, spec, "session_sd", (DRAWS, 3)) ** 2)
    figure, axes = plt.subplots(1, 3, figsize=(10.5, 2.2), gridspec_kw={"wspace": 0.3})
    panel(axes[0], theta[:, 1] / sd[:, 1], "annual IR of timing", (-4, 4))
    panel(axes[1], theta.sum(axis=1) / np.sqrt((sd**2).sum(axis=1)), "annual IR of the total\n(uncorrelated days)", (-4, 4))
    panel(axes[2], first[0], "correlation of two parts'\ntrader effects", (-1, 1), ORANGE)
    save(figure, "prior_hybrid_timing.svg")


def propensity() -> None:
    """Share acted upon, lambda, and what choosing earns at a fifth acted upon."""
    rng, spec = np.random.default_rng(SEED), read_spec("propensity")
    alpha = normal(rng, spec, "choice_mean") + half(rng, spec, "choice_sd_trader") * rng.normal(size=DRAWS)
    lam = normal(rng, spec, "discrimination_mean") + half(rng, spec, "discrimination_sd_trader") * rng.normal(size=DRAWS)
    v = rng.normal(size=2000)
    shown = lam[:4000]
    p = 1 / (1 + np.exp(-(np.log(0.25) + shown[:, None] * v)))
    earned = p @ v / p.sum(axis=1) - v.mean()
    figure, axes = plt.subplots(1, 3, figsize=(10.5, 2.2), gridspec_kw={"wspace": 0.3})
    panel(axes[0], 1 / (1 + np.exp(-alpha)), "share of signals acted upon", (0, 1), ORANGE)
    panel(axes[1], lam, "lambda, log-odds per unit\nof hindsight value over risk", (-0.5, 0.5))
    panel(axes[2], earned, "earned per signal acted upon,\nrisk units, a fifth acted upon", (-0.5, 0.5))
    save(figure, "prior_propensity.svg")


if __name__ == "__main__":
    with plt.rc_context(
        {
            "svg.hashsalt": "skillstats",
            "svg.fonttype": "none",
            "font.size": 9,
            "axes.spines.top": False,
            "axes.spines.right": False,
        }
    ):
        heavy_scale()
        hybrid_timing()
        propensity()
