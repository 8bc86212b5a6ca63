"""Outcomes drawn directly and outcomes of prices read through the front door are the same study.

Each figure of a desk is averaged over desks on either level; the two averages must agree within 4 standard errors of their difference, a false alarm of
6e-5 each, 6e-4 for the ten of this file. Seeds are fixed on purpose.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from skillstats.simulate import Regime, World
from skillstats.study.desk import Desk, simulate_desk

ONE = (Regime(label="all days", share=1.0),)
SIZE = {"traders": 4, "sessions": 60, "signals_per_day": 3.0, "override_rate": 1.0, "regimes": ONE}
PLAIN = World(**SIZE, shared_shock=0.0, trader_theme=0.0, annual_ir=2.0, directional=(), block_vetoes=0.0)
SHOCKS = World(**SIZE, shared_shock=0.3, trader_theme=0.15, facing="desk", annual_ir=(4.0, 0.0), block_vetoes=0.3)
FIGURES = ("mean", "sd", "ICC of days", "variance of traders' means", "coverage")


def figures(desk: Desk) -> list[float]:
    """Mean and sd of y, correlation within a session, variance of the traders' means, coverage of 90% intervals clustered by session."""
    e = desk.evidence
    count = np.bincount(e.session)
    total = np.bincount(e.session, e.y - e.y.mean())
    active = count > 0
    pairs = np.sum(count * (count - 1.0))
    squares = np.bincount(e.session, (e.y - e.y.mean()) ** 2)
    icc = np.sum(total[active] ** 2 - squares[active]) / pairs / e.y.var()
    means, covered = [], []
    for code, place in enumerate(desk.positions):
        mine = e.trader == code
        y, session = e.y[mine], np.unique(e.session[mine], return_inverse=True)[1]
        mean, days = y.mean(), int(session.max()) + 1
        error = np.sqrt(np.sum(np.bincount(session, y - mean) ** 2) * days / (days - 1)) / len(y)
        truth = desk.truth.traders[place].theta_decision
        assert truth is not None
        means.append(mean)
        covered.append(abs(mean - truth) < stats.t.isf(0.05, days - 1) * error)
    return [e.y.mean(), e.y.std(), icc, float(np.var(means, ddof=1)), float(np.mean(covered))]


def averages(world: World, level: str, desks: int) -> tuple[np.ndarray, np.ndarray]:
    """Average of each figure over desks, and its standard error."""
    found = np.array([figures(simulate_desk(world, seed=seed, level=level)) for seed in range(desks)])
    return found.mean(axis=0), found.std(axis=0, ddof=1) / np.sqrt(desks)


@pytest.mark.slow
@pytest.mark.parametrize("world", [PLAIN, SHOCKS], ids=["plain", "shocks"])
def test_both_levels_of_a_world_are_the_same_study(world):
    ours, ours_error = averages(world, "outcomes", 800)
    theirs, theirs_error = averages(world, "market", 30)
    z = (ours - theirs) / np.hypot(ours_error, theirs_error)
    lines = [f"{n}: outcomes {a:.4f}, market {b:.4f}, z {c:.1f}" for n, a, b, c in zip(FIGURES, ours, theirs, z, strict=True)]
    assert np.all(np.abs(z) < 4), "\n".join(lines)
