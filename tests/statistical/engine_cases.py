"""Three small desks on which the two engines are compared, and NUTS's answers on them.

``python tests/statistical/engine_cases.py`` runs NUTS for long on each and writes `engine_references.json`: mean, sd and Monte-Carlo error of every
parameter, with the digests of evidence and specification they belong to.
"""

import json
from pathlib import Path

import numpy as np

from skillstats.evidence import Evidence

REFERENCES = Path(__file__).with_name("engine_references.json")
CASES = {
    "day_pooled": {"seed": 11, "traders": 6, "days": 30, "rows": 900, "regimes": 1, "actions": 1},
    "crossed_total": {"seed": 12, "traders": 6, "days": 40, "rows": 1500, "regimes": 3, "actions": 2},
    "crossed_outcomes": {"seed": 13, "traders": 8, "days": 60, "rows": 700, "regimes": 3, "actions": 1},
}


def desk(seed, traders, days, rows, regimes, actions, skill=0.05):
    """Decisions of a desk with crossed skills, shocks of sessions and trader-sessions, and unequal traders; sizes are uneven."""
    rng = np.random.default_rng(seed)
    trader, session = rng.integers(0, traders, rows), rng.integers(0, days, rows)
    regime = np.where(rng.random(rows) < 0.8, rng.integers(0, regimes, days)[session], rng.integers(0, regimes, rows))
    action = rng.integers(0, actions, rows)
    theta = rng.normal(0, skill, traders)[trader] + rng.normal(0, skill, (traders, regimes))[trader, regime]
    theta += rng.normal(0, skill, regimes)[regime] + rng.normal(0, skill, actions)[action]
    s_u, sigma = 0.3 * np.exp(rng.normal(0, 0.4, traders)), 0.8 * np.exp(rng.normal(0, 0.2, traders))
    shocks = rng.normal(0, 0.3, days)[session] + (rng.normal(0, 1, (traders, days)) * s_u[:, None])[trader, session]
    y = theta + shocks + rng.normal(0, 1, rows) * sigma[trader]
    return evidence_of(y, trader, session, regime, action, (traders, days, regimes, actions))


def evidence_of(y, trader, session, regime, action, sizes):
    """Evidence of plain arrays."""
    names = zip(("trader", "session", "regime", "action"), sizes, strict=True)
    coords = {name: tuple(f"{name[0].upper()}{k:03d}" for k in range(size)) for name, size in names}
    return Evidence(
        value_add=y, risk=np.ones(len(y)), y=y, trader=trader, session=session, regime=regime, action=action, decision=np.arange(len(y)),
        coords=coords, source="record", unit="USD", has_risk=True, scale=1.0, sessions_per_year=252.0, sessions_spanned=sizes[1], counts={}, context={},
    )  # fmt: skip


def reference(name):
    """NUTS's answer on one case: digests, and mean, sd and MCSE of every parameter."""
    from skillstats.inference.diagnose import diagnose
    from skillstats.inference.nuts import fit

    fitted = fit(name, desk(**CASES[name]), seed=1, draws=8000, tune=2000)
    assert fitted.diagnostics.ok, str(fitted.diagnostics)
    table = {}
    for parameter, variable in fitted.tree["posterior"].data_vars.items():
        values = np.asarray(variable.values)
        spread, ess = values.std((0, 1)), diagnose(values**2)["ess_bulk"]
        columns = {"mean": values.mean((0, 1)), "sd": spread, "mcse": diagnose(values)["mcse"], "ess_of_sd": ess}
        table[str(parameter)] = {k: np.round(np.ravel(v), 7).tolist() for k, v in columns.items()}
    return {"spec": fitted.spec.digest, "evidence": fitted.evidence.digest, "parameters": table}


if __name__ == "__main__":
    REFERENCES.write_text(json.dumps({name: reference(name) for name in CASES}, indent=1) + "\n")
