"""What tests of factor timing find where there is none: rejection rates on simulated sessions.

    V_s = x_s F_s + E_s,     F Student t with 4 degrees of freedom and sd 1, E Normal(0, 1), x the known net exposure of a session's interventions.

Four tests at a nominal one-sided 5%: the raw value-add, what is left after x F, timing from exposures (the package's own: x less what was usual in earlier
sessions, times F), and the coefficients of Treynor and Mazuy (F^2) and of Henriksson and Merton (max(F, 0)), errors HC1. ``python -m skillstats.study.timing``
prints the table of the documentation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import click
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skillstats.attribution.split import usual_exposure

FloatArray = NDArray[np.float64]
Draw = Callable[[np.random.Generator, FloatArray, FloatArray], tuple[FloatArray, FloatArray, FloatArray]]
CRITICAL: Final = 1.6448536269514722
TESTS: Final = ("raw value-add", "factor-adjusted", "exposure timing", "Treynor-Mazuy", "Henriksson-Merton")
REPLICATIONS: Final = 2_000


def _timer(correlation: float) -> Draw:
    def draw(rng: np.random.Generator, f: FloatArray, e: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        return correlation * f + np.sqrt(1 - correlation**2) * rng.standard_normal(f.shape), f, e

    return draw


def _selection(rng: np.random.Generator, f: FloatArray, e: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    return rng.standard_normal(f.shape), f, e + 0.15


def _convex(rng: np.random.Generator, f: FloatArray, e: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """A pay-off that bends upwards, with exposures that know nothing: what an option does, or a rule that adds after a rise."""
    return 0.5 + 0.1 * rng.standard_normal(f.shape), f, e + 0.15 * (f**2 - 1)


def _one_side(rng: np.random.Generator, f: FloatArray, e: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    return 1.0 + 0.1 * rng.standard_normal(f.shape), f + 0.10, e


ARMS: Final[Mapping[str, Draw]] = {
    "no skill": _timer(0.0),
    "timer, corr .15": _timer(0.15),
    "timer, corr .30": _timer(0.30),
    "selection .15 sd/day": _selection,
    "convex payoff, no timing": _convex,
    "always same side, factor drifts +.10": _one_side,
}
"""Name of each world to exposures, factor and residual, shape (replication, session) each."""


def rejection_rates(arm: str, sessions: int, replications: int, seed: int) -> dict[str, float]:
    """Share of replications in which each test says "above zero" at a nominal one-sided 5%.

    Examples
    --------
    >>> rates = rejection_rates("no skill", 60, 400, seed=1)
    >>> rates["exposure timing"] < 0.09 < rates["Treynor-Mazuy"]
    True
    """
    rng = np.random.default_rng([seed, sessions, list(ARMS).index(arm)])
    shape = (replications, sessions)
    factor = rng.standard_t(4, shape) / np.sqrt(2.0)
    x, factor, rest = ARMS[arm](rng, factor, rng.standard_normal(shape))
    value = x * factor + rest
    usual = usual_exposure(x[:, :, None], np.zeros(replications, dtype=np.int64))[:, :, 0]
    scores = [_z(value), _z(value - x * factor), _z((x - usual) * factor)]
    scores += [_last_t(value, factor, extra) for extra in (factor**2, np.maximum(factor, 0.0))]
    return {name: float(np.mean(score > CRITICAL)) for name, score in zip(TESTS, scores, strict=True)}


def _z(values: FloatArray) -> FloatArray:
    return np.asarray(values.mean(axis=1) / (values.std(axis=1, ddof=1) / np.sqrt(values.shape[1])))


def _last_t(value: FloatArray, factor: FloatArray, extra: FloatArray) -> FloatArray:
    """T of the last coefficient of V on (1, F, extra) with HC1 errors, every replication at once, shape (replication,)."""
    design = np.stack([np.ones_like(factor), factor, extra], axis=2)
    bread = np.linalg.inv(np.einsum("rsi,rsj->rij", design, design))
    beta = np.einsum("rij,rsj,rs->ri", bread, design, value)
    squares = (value - np.einsum("rsi,ri->rs", design, beta)) ** 2
    meat = np.einsum("rsi,rs,rsj->rij", design, squares, design)
    n = factor.shape[1]
    error = np.einsum("ri,rij,rj->r", bread[:, 2], meat, bread[:, 2]) * n / (n - 3)
    return np.asarray(beta[:, 2] / np.sqrt(error))


def timing_table(replications: int = REPLICATIONS, *, seed: int = 5, sessions: tuple[int, ...] = (60, 250)) -> pd.DataFrame:
    """Rejection rates of every arm and test, a row an arm and number of sessions."""
    return pd.DataFrame(
        [{"arm": arm, "sessions": n, **rejection_rates(arm, n, replications, seed)} for arm in ARMS for n in sessions]
    )


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--replications", type=click.IntRange(min=10), default=REPLICATIONS, show_default=True)
@click.option("--seed", type=click.IntRange(min=0), default=5, show_default=True)
def timing_command(replications: int, seed: int) -> None:
    """Print how often tests of timing reject, with and without timing."""
    click.echo(timing_table(replications, seed=seed).to_string(index=False, float_format="{:.3f}".format))


if __name__ == "__main__":
    timing_command()
