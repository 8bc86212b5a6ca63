"""Re-assignments of the placebo: 250 days x 20 signals, 1,999 of them, against a plain Python loop that gives the same draws.

Run: ``python -m benchmarks.placebo``. CPU seconds are those of this process; the ratio is of the time of one draw. The compiled loop is
called once before it is measured.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from skillstats.luck import reassign
from skillstats.luck.placebo import Universe, run_placebo
from skillstats.luck.strata import risk_cells, terciles

DAYS, SIGNALS, DRAWS, FEW = 250, 20, 1999, 20
RATE: Final = 0.1


def year(seed: int) -> Universe:
    """One trader's year: a tenth of 20 signals a day vetoed at random."""
    rng = np.random.default_rng(seed)
    n = DAYS * SIGNALS
    act, risk = -(rng.random(n) < RATE).astype(float), rng.lognormal(0.0, 0.4, n)
    value, zero = rng.standard_normal(n), np.zeros(n, dtype=np.int64)
    side = np.tile(np.arange(SIGNALS) % 2, DAYS).astype(np.int64)
    return Universe(act, act, value, value * risk, risk, np.repeat(np.arange(DAYS), SIGNALS), side, zero, zero)


def plain_cells(cells: reassign.Cells, moving: NDArray[np.int64], draws: int, rng: np.random.Generator) -> list[float]:
    """The draws inside cells, in plain Python, from the same uniform numbers."""
    bounds, act, value = cells.starts.tolist(), cells.act.tolist(), cells.value.tolist()
    inside = [range(bounds[c], bounds[c + 1]) for c in moving.tolist()]
    free = {i for cell in inside for i in cell}
    actions = [[act[i] for i in cell if act[i]] for cell in inside]
    fixed = sum(a * v for i, (a, v) in enumerate(zip(act, value, strict=True)) if i not in free)
    sums = []
    for uniform in rng.random((draws, sum(map(len, actions)))).tolist():
        total, numbers = fixed, iter(uniform)
        for cell, own in zip(inside, actions, strict=True):
            places = list(cell)
            for k, a in enumerate(own):
                pick = k + int(next(numbers) * (len(places) - k))
                places[k], places[pick] = places[pick], places[k]
                total += a * value[places[k]]
        sums.append(total)
    return sums


def plain_days(days: reassign.Days, orders: NDArray[np.int64]) -> list[float]:
    """The draws of whole days, in plain Python, for the same orders of days, (draw, day)."""
    act, value = days.act.tolist(), days.value.tolist()
    return [sum(act[s][side] * value[t][side] for t, s in enumerate(order) for side in range(2)) for order in orders.tolist()]


def seconds(run: Callable[[], Any]) -> tuple[float, Any]:
    """CPU seconds of a call, and what it gave."""
    start = time.process_time()
    found = run()
    return time.process_time() - start, found


def main() -> None:
    """Print the table; raises AssertionError where the plain loop disagrees."""
    u = year(1)
    cells = reassign.sort_by_cell(risk_cells(u.day, u.side, u.asset_class, terciles(u.risk)), u.act, u.value, u.tilt, u.money)
    moving, _ = reassign.moving_cells(cells)
    reassign.draw_cells(cells, moving, 1, np.random.default_rng(0))
    slow, expected = seconds(lambda: plain_cells(cells, moving, FEW, np.random.default_rng(2)))
    fast, found = seconds(lambda: reassign.draw_cells(cells, moving, DRAWS, np.random.default_rng(3))[0])
    np.testing.assert_allclose(reassign.draw_cells(cells, moving, FEW, np.random.default_rng(2))[0], expected, rtol=1e-12)
    lines = [("inside cells", fast, slow / FEW / (fast / len(found)))]
    days = reassign.make_days(u.day, u.side, u.regime, u.act, u.value, u.tilt, u.money)
    orders = np.random.default_rng(2).permuted(np.tile(np.arange(DAYS), (FEW, 1)), axis=1)
    slow, expected = seconds(lambda: plain_days(days, orders))
    fast, found = seconds(lambda: reassign.draw_days(days, DRAWS, np.random.default_rng(3))[0])
    np.testing.assert_allclose(reassign.draw_days(days, FEW, np.random.default_rng(2))[0], expected, rtol=1e-12)
    lines.append(("whole days", fast, slow / FEW / (fast / len(found))))
    whole, _ = seconds(lambda: run_placebo(u, "T1", "row", seed=1, draws=DRAWS))
    print(
        f"| {DRAWS:,} re-assignments of {DAYS} days x {SIGNALS} signals | CPU seconds | a plain Python loop takes |\n|---|---|---|"
    )
    for name, cpu, ratio in lines:
        print(f"| {name} | {cpu:.3f} | {ratio:.0f} times as long |")
    print(f"| the whole test, cells and moments too | {whole:.3f} | - |")


if __name__ == "__main__":
    main()
