"""Desks of the inference benchmarks: outcomes with known skill, straight as evidence."""

from __future__ import annotations

import numpy as np

from skillstats.evidence import Evidence


def desk(seed: int, *, traders: int, sessions: int, rows: int, regimes: int, actions: int, shock: float = 0.3) -> Evidence:
    """Decisions at random over traders and sessions, a regime for each session, skill of an annual size, session and trader-session shocks."""
    rng = np.random.default_rng(seed)
    trader, session = rng.integers(0, traders, rows), rng.integers(0, sessions, rows)
    regime, action = rng.integers(0, regimes, sessions)[session], rng.integers(0, actions, rows)
    theta = (
        rng.normal(0, 0.04, traders)[trader]
        + rng.normal(0, 0.02, regimes)[regime]
        + rng.normal(0, 0.02, (traders, regimes))[trader, regime]
    )
    s_u, sigma = shock * np.exp(rng.normal(0, 0.3, traders)), 0.8 * np.exp(rng.normal(0, 0.1, traders))
    shocks = rng.normal(0, 0.3, sessions)[session] + (rng.normal(0, 1, (traders, sessions)) * s_u[:, None])[trader, session]
    y = theta + shocks + rng.normal(0, 1, rows) * sigma[trader]
    sizes = {"trader": traders, "session": sessions, "regime": regimes, "action": actions}
    return Evidence(
        value_add=y, risk=np.ones(rows), y=y, trader=trader, session=session, regime=regime, action=action, decision=np.arange(rows),
        coords={name: tuple(f"{name[0].upper()}{k:03d}" for k in range(size)) for name, size in sizes.items()},
        source="record", unit="USD", has_risk=True, scale=1.0, sessions_per_year=252.0, sessions_spanned=sessions, counts={}, context={},
    )  # fmt: skip


def study_desk(seed: int) -> Evidence:
    """2,000 decisions, 20 traders, 4 regimes, 250 sessions; no trader-session shock."""
    return desk(1_000 + seed, traders=20, sessions=250, rows=2_000, regimes=4, actions=1, shock=0.0)
