"""A fit made of chosen draws, without sampling, and evidence to go with it."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from xarray import DataTree

from skillstats.evidence import Evidence
from skillstats.inference.breadth import Breadth
from skillstats.inference.container import Diagnostics, Fit
from skillstats.inference.diagnose import Finding
from skillstats.inference.separable import Terms
from skillstats.spec import read_spec

CHAINS, DRAWS = 4, 500


def make_evidence(traders: int = 3, sessions: int = 60, per_day: int = 4, seed: int = 1, **changes: Any) -> Evidence:
    """Outcomes of standard normal luck and no skill, two regimes, one action."""
    rng = np.random.default_rng(seed)
    trader, session, _ = (c.ravel().astype(np.int64) for c in np.indices((traders, sessions, per_day)))
    y, risk = rng.normal(0, 1, len(trader)), rng.lognormal(3, 0.5, len(trader))
    made: dict[str, Any] = {
        "value_add": y * risk,
        "risk": risk,
        "y": y,
        "trader": trader,
        "session": session,
        "regime": session % 2,
        "action": np.zeros(len(y), dtype=np.int64),
        "decision": np.arange(len(y)),
        "coords": {
            "trader": tuple(f"T{j + 1}" for j in range(traders)),
            "session": tuple(f"2025-{1 + s // 28:02d}-{1 + s % 28:02d}" for s in range(sessions)),
            "regime": ("calm", "stressed"),
            "action": ("VETO",),
        },
        "source": "record",
        "unit": "USD",
        "has_risk": True,
        "scale": 1.0,
        "sessions_per_year": 252.0,
        "sessions_spanned": sessions,
        "counts": {},
        "context": {},
    }
    return Evidence(**(made | changes))


def make_fit(evidence: Evidence, skill: np.ndarray, seed: int = 3, findings: tuple[Finding, ...] = (), sd: float = 0.02) -> Fit:
    """A crossed_total fit whose trader effects have posterior mean `skill` (trader,) and sd `sd`, everything else small."""
    rng = np.random.default_rng(seed)
    traders, regimes, actions = (len(evidence.coords[k]) for k in ("trader", "regime", "action"))
    shape = (CHAINS, DRAWS)
    values = {
        "mu": (("chain", "draw"), rng.normal(0, 0.002, shape)),
        "tau_trader": (("chain", "draw"), np.abs(rng.normal(0.05, 0.01, shape))),
        "a": (("chain", "draw", "trader"), skill + sd * rng.normal(size=(*shape, traders))),
        "s_V": (("chain", "draw"), np.abs(rng.normal(0.1, 0.01, shape))),
        "s_U": (("chain", "draw", "trader"), np.abs(rng.normal(0.2, 0.01, (*shape, traders)))),
        "sigma": (("chain", "draw", "trader", "regime"), np.abs(rng.normal(1.0, 0.01, (*shape, traders, regimes)))),
    }
    coords = {
        "trader": np.array(evidence.coords["trader"], dtype=object),
        "regime": np.array(evidence.coords["regime"], dtype=object),
    }
    posterior = xr.Dataset(values, coords=coords)
    stats = xr.Dataset(
        {"diverging": (("chain", "draw"), np.zeros(shape, dtype=bool)), "energy": (("chain", "draw"), rng.normal(size=shape))}
    )
    terms = Terms(skill=("trader",), shocks=("session", "trader:session"), volatility_by=("trader", "regime"), dropped={})
    diagnostics = Diagnostics(findings, 0, 1.001, 2000.0, 0.9, CHAINS, DRAWS, DRAWS, 0.95, (), {})
    identity = {"spec": "s", "evidence": evidence.digest, "version": "0", "components": "c", "seed": seed}
    assert actions == 1
    return Fit(
        DataTree.from_dict({"posterior": posterior, "sample_stats": stats}),
        read_spec("crossed_total"),
        evidence,
        seed,
        Breadth(600.0, "B = 600 bets a year, for a test"),
        terms,
        diagnostics,
        identity,
    )
