"""A desk whose skill drifts, written row by row from the generative equations, and what NUTS says of it.

python -m tests.statistical.drift_desk     writes drift_reference.json again: `dynamic` by NUTS, minutes
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from skillstats.evidence import Evidence
from skillstats.plan import ModelChoice, Plan

REFERENCE = Path(__file__).with_name("drift_reference.json")
PLAN = Plan(model=ModelChoice(bets_per_year=25.0))
"""Few bets a year: the priors are wide for a decision, so that the data speak."""
SEED = 20261
QUARTERS, DAYS, ROWS = 5, 24, 3
MONTHS = ("2025-01", "2025-04", "2025-07", "2025-10", "2026-01")


def drift_desk(
    traders: int = 5, *, seed: int = SEED, spread: float = 0.15, innovation: float = 0.12
) -> tuple[Evidence, np.ndarray]:
    """Evidence and true states (trader, quarter); T1 leaves after the third quarter, T2 pauses in the fourth."""
    rng = np.random.default_rng(seed)
    z = np.zeros((traders, QUARTERS))
    z[:, 0] = innovation / np.sqrt(1 - 0.8**2) * rng.standard_normal(traders)
    for q in range(1, QUARTERS):
        z[:, q] = 0.8 * z[:, q - 1] + innovation * rng.standard_normal(traders)
    states = spread * rng.standard_normal(traders)[:, None] + z
    trader, session, y, regime = [], [], [], []
    for s in range(QUARTERS * DAYS):
        q, desk_day = s // DAYS, 0.2 * rng.standard_normal()
        for j in range(traders):
            own_day = 0.3 * rng.standard_normal()
            if (j == 0 and q > 2) or (j == 1 and q == 3):
                continue
            for _ in range(ROWS):
                regime.append(int(rng.integers(2)))
                trader.append(j)
                session.append(s)
                y.append(states[j, q] + 0.1 * regime[-1] + desk_day + own_day + rng.standard_normal())
    value, risk = np.array(y) * 100.0, np.full(len(y), 100.0)
    names = tuple(f"{MONTHS[s // DAYS]}-{1 + s % DAYS:02d}" for s in range(QUARTERS * DAYS))
    made: dict[str, Any] = {
        "value_add": value, "risk": risk, "y": value / risk,
        "trader": np.array(trader), "session": np.array(session), "regime": np.array(regime),
        "action": np.zeros(len(y), dtype=np.int64), "decision": np.arange(len(y)),
        "coords": {
            "trader": tuple(f"T{j + 1}" for j in range(traders)), "session": names, "regime": ("calm", "rough"),
            "action": ("VETO",), "quarter": ("2025Q1", "2025Q2", "2025Q3", "2025Q4", "2026Q1"),
        },
        "labels": {"quarter": np.array(session) // DAYS},
        "source": "record", "unit": "USD", "has_risk": True, "scale": 1.0, "sessions_per_year": 252.0,
        "sessions_spanned": QUARTERS * 62, "counts": {}, "context": {},
    }  # fmt: skip
    return Evidence(**made), states


def reference() -> dict[str, Any]:
    """Posterior mean and sd of every state by NUTS on `dynamic`, and how good the run was."""
    from skillstats.evaluation.history_drift import states_of
    from skillstats.inference.nuts import fit

    evidence, _ = drift_desk()
    fitted = fit("dynamic", evidence, seed=5, plan=PLAN)
    found = states_of(fitted, None)
    assert not isinstance(found, str)
    d = fitted.diagnostics
    return {
        "evidence": evidence.digest,
        "mean": found.mean.round(6).tolist(),
        "sd": found.sd.round(6).tolist(),
        "quantiles": {k: v.round(6).tolist() for k, v in found.quantiles.items()},
        "drift": found.drift,
        "run": {"draws": d.draws * d.chains, "divergences": d.divergences, "r_hat": d.max_rhat, "ess": d.min_ess},
    }


if __name__ == "__main__":
    REFERENCE.write_text(json.dumps(reference(), indent=1) + "\n")
