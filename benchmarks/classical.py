"""How often classical tests and the intervals of risk are right, on days whose truth is known.

    python -m benchmarks.classical [--runs 400] [--part tests|risk]

Tests: desks of 8 traders, 5 decisions a day, a shock of the session that all share (a quarter of the variance; each trader's side is drawn
every day, or always the same) and a theme of each trader's day (a tenth). Without skill a test should point at somebody in 5% of desks;
with one trader of an annual IR of 3 it should find that one. Risk: the model's days are normal, or Student t with 5 degrees of freedom
whose volatility lasts; people take a third off every position and add noise of their own. The truth is that of 4 million days.
"""

from __future__ import annotations

import argparse
from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr

from skillstats.attribution.day_books import DayBooks
from skillstats.attribution.day_bootstrap import block_length
from skillstats.attribution.risk_draws import Prices, interval_of, measured, resampled
from skillstats.luck import sharpe
from skillstats.luck.multiplicity import adjusted, best_by_luck, clustered_t, compare_with_nothing

FloatArray = NDArray[np.float64]
TRADERS, A_DAY, YEAR = 8, 5, 252
PRICES = Prices(0.05, 40_000.0, 3.0, float(YEAR))
MEASURES = (
    "value_add", "volatility", "volatility_share", "shortfall", "shortfall_share", "tail_net", "certainty_equivalent", "mppm",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class DeskOfDays:
    """Row totals, counts and squares of each (session, trader)."""

    total: FloatArray
    count: FloatArray
    squares: FloatArray


def desk_of_days(rng: np.random.Generator, sessions: int, *, same_side: bool, annual_ir: float) -> DeskOfDays:
    """One desk; the first trader has the annual IR, all others none."""
    shape = (sessions, TRADERS)
    side = np.ones(shape) if same_side else rng.choice([-1.0, 1.0], shape)
    day = 0.5 * side * rng.standard_normal((sessions, 1)) + np.sqrt(0.1) * rng.standard_normal(shape)
    y = day[..., None] + np.sqrt(0.65) * rng.standard_normal((*shape, A_DAY))
    day_sd = np.sqrt(A_DAY**2 * 0.35 + A_DAY * 0.65)
    y[:, 0] += annual_ir / np.sqrt(YEAR) * day_sd / A_DAY
    return DeskOfDays(y.sum(axis=-1), np.full(shape, float(A_DAY)), (y**2).sum(axis=-1))


def pointed_at(desk: DeskOfDays, seed: int, draws: int = 400) -> dict[str, NDArray[np.bool_]]:
    """Whom each test points at, (trader,) each."""
    n, days = desk.count.sum(axis=0), len(desk.total)
    mean = desk.total.sum(axis=0) / n
    naive = mean / np.sqrt((desk.squares.sum(axis=0) - n * mean**2) / (n - 1) / n)
    t = clustered_t(desk.total, desk.count)
    p = 1 - stdtr(days - 1, t)
    ir = desk.total.mean(axis=0) / desk.total.std(axis=0, ddof=1)
    block = block_length(desk.total)
    dsr = sharpe.deflated_sharpe(ir, days, trials=TRADERS, variance=float(ir.var(ddof=1)))
    step = np.isin(np.arange(TRADERS), compare_with_nothing(desk.total, block=block, draws=draws, seed=seed, mcs_size=0.1).better)
    luck = float(np.quantile(best_by_luck(desk.total, desk.count, block=block, draws=draws, seed=seed), 0.95))
    return {
        "t over rows": naive > 1.645,
        "t clustered by day": p < 0.05,
        "PSR > .95": np.asarray(sharpe.probabilistic_sharpe(ir, days)) > 0.95,
        "BH at 5%": adjusted(p) < 0.05,
        "DSR > .95": np.asarray(dsr) > 0.95,
        "StepM 5%": step,
        "beyond luck of the best": t > luck,
    }


def rates_of_tests(
    runs: int, sessions: int, *, same_side: bool, annual_ir: float, draws: int = 400, seed: int = 1
) -> dict[str, float]:
    """Share of desks in which a test points at somebody without skill (annual_ir 0), or at the skilled trader."""
    rng, hits = np.random.default_rng(seed), Counter[str]()
    for run in range(runs):
        found = pointed_at(desk_of_days(rng, sessions, same_side=same_side, annual_ir=annual_ir), run, draws)
        hits.update(k for k, v in found.items() if (v[0] if annual_ir else v.any()))
        hits.update(dict.fromkeys(found, 0))
    return {k: hits[k] / runs for k in found}


def two_books(rng: np.random.Generator, sessions: int, *, heavy: bool) -> tuple[FloatArray, FloatArray]:
    """Model's days and the difference people made."""
    if heavy:
        shocks, level = rng.standard_t(5, sessions) * np.sqrt(3 / 5), np.empty(sessions)
        level[0] = 1.0
        for k in range(1, sessions):
            level[k] = 0.05 + 0.85 * level[k - 1] + 0.10 * level[k - 1] * shocks[k - 1] ** 2
        model = 10 + 250 * np.sqrt(level) * shocks
    else:
        model = 10 + 250 * rng.standard_normal(sessions)
    return model, -model / 3 + 8 + 100 * rng.standard_normal(sessions)


def as_books(model: FloatArray, difference: FloatArray) -> DayBooks:
    """Books of one trader without costs."""
    zero = np.zeros(len(model))
    own = difference[:, None]
    labels = tuple(f"{k:08d}" for k in range(len(model)))
    return DayBooks(
        labels, ("T1",), model, model + difference, zero, zero, own, 0 * own, np.maximum(own, 0), np.maximum(-own, 0), float(YEAR)
    )


def risk_coverage(
    runs: int, sessions: int, *, heavy: bool, truth: dict[str, float], draws: int = 400, seed: int = 2
) -> dict[str, float]:
    """Share of records whose nominal 90% interval holds the truth."""
    rng, held = np.random.default_rng(seed), Counter[str](dict.fromkeys(MEASURES, 0))
    for run in range(runs):
        model, difference = two_books(rng, sessions, heavy=heavy)
        block = block_length(np.column_stack([model, model + difference, difference]))
        found = resampled(as_books(model, difference), PRICES, block=block, draws=draws, seed=run)[0]
        for name in MEASURES:
            low, high = interval_of(name, found[name], PRICES.tail * sessions)
            held[name] += bool(low <= truth[name] <= high)
    return {k: held[k] / runs for k in MEASURES}


def true_changes(*, heavy: bool, sessions: int = 4_000_000, seed: int = 3) -> dict[str, float]:
    """Changes of a record so long that nothing is left to chance."""
    model, difference = two_books(np.random.default_rng(seed), sessions, heavy=heavy)
    return measured(as_books(model, difference), PRICES)[1][0]


def _print(title: str, heads: list[str], lines: dict[str, list[float]]) -> None:
    print(f"\n{title}\n| | {' | '.join(heads)} |\n|---|{'---|' * len(heads)}")
    for name, values in lines.items():
        print(f"| {name} | {' | '.join(f'{v:.3f}' for v in values)} |")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=400)
    parser.add_argument("--part", choices=("tests", "risk"))
    given = parser.parse_args()
    if given.part != "risk":
        cases = [(s, side, ir) for ir in (0.0, 3.0) for s in (60, 250) for side in (False, True)]
        found = [rates_of_tests(given.runs, s, same_side=side, annual_ir=ir) for s, side, ir in cases]
        heads = [f"{'IR 3' if ir else 'no skill'}, {s} days, {'same side' if side else 'own sides'}" for s, side, ir in cases]
        _print("Share of desks pointed at", heads, {k: [f[k] for f in found] for k in found[0]})
    if given.part != "tests":
        cases_of_risk = [(s, heavy) for heavy in (False, True) for s in (60, 250)]
        truths = {heavy: true_changes(heavy=heavy) for heavy in (False, True)}
        held = [risk_coverage(given.runs, s, heavy=heavy, truth=truths[heavy]) for s, heavy in cases_of_risk]
        heads = [f"{'heavy and clustered' if heavy else 'normal'}, {s} days" for s, heavy in cases_of_risk]
        _print("Coverage of nominal 90% intervals", heads, {k: [h[k] for h in held] for k in MEASURES})


if __name__ == "__main__":
    main()
