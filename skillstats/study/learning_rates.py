"""How often does the comparison with a shallow rule say what is true?

Four kinds of desks, see `skillstats.study.behaviour_worlds`: ``noise`` (no rule to be found, no skill: neither may be claimed), ``rule`` (the
model is wrong about falling assets of one signal type, traders without skill), ``skill`` (traders with skill and no rule) and ``both``. A desk claims a rule, or worth beyond
it, where the 90% interval lies above zero: at most 5% of the desks may where there is none.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd
from scipy import stats

from skillstats.behaviour.learning import learning_of
from skillstats.study.behaviour_worlds import Desk, desk_of

LEARNING: Final = (
    Desk("noise", traders=4),
    Desk("rule", traders=4, bad=0.5),
    Desk("skill", traders=4, skill=0.3),
    Desk("both", traders=4, bad=0.5, skill=0.6),
)
LIMIT: Final = 0.05


def run_learning(seed: int, world: Desk, replicate: int) -> pd.DataFrame:
    """One desk: a row with what is claimed of it."""
    d = desk_of(world, np.random.default_rng([seed, 7, *world.name.encode(), replicate]))
    found = learning_of(d, seed, 0.10)
    rule, beyond = found.arm("rule"), found.arm("beyond")
    assert rule.q05 is not None and beyond.q05 is not None and beyond.q95 is not None  # noqa: PT018
    row: dict[str, Any] = {
        "design": world.name,
        "replicate": replicate,
        "rule": rule.q05 > 0,
        "beyond": beyond.q05 > 0,
        "below": beyond.q95 < 0,
        "single": any(a.found for a in found.arms),
        "rule_mean": rule.mean,
        "beyond_mean": beyond.mean,
        "named": "signal type is a" in found.rule,
    }
    return pd.DataFrame([row])


def learning_table(rows: pd.DataFrame) -> pd.DataFrame:
    """Shares of desks by design.

    Returns
    -------
    columns design, desks, rule, beyond, below (the rule does better), single (some trader adds beyond the rule), named (the last rule asks for the
    planted signal type), rule_mean, beyond_mean (per unit of risk), ok (claims of ``noise``, and of a rule in ``skill``, not above 5% by more than chance)
    """
    table = rows.groupby("design", sort=False).mean(numeric_only=True).drop(columns="replicate")
    table.insert(0, "desks", rows.groupby("design", sort=False).size())
    false = {"noise": ("rule", "beyond"), "skill": ("rule",)}
    table["ok"] = [
        all(
            stats.binomtest(round(row[c] * row["desks"]), int(row["desks"]), LIMIT, alternative="greater").pvalue >= 0.01
            for c in false.get(str(name), ())
        )
        for name, row in table.iterrows()
    ]
    return table.reset_index()


def learning_markdown(table: pd.DataFrame) -> str:
    """The table as Markdown."""
    lines = [
        "Share of desks of four traders and 252 sessions that claim something; a rule, or worth beyond it, is claimed where its 90% interval lies above zero.",
        "",
        "| desk | desks | rule pays | rule does better than the traders | traders add beyond it | some trader adds (listed) | rule names the planted type | rule, per unit of risk | beyond, per unit of risk |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for r in table.to_dict("records"):
        shares = [r[k] for k in ("rule", "below", "beyond", "single", "named")]
        lines.append(
            f"| {r['design']} | {r['desks']} | "
            + " | ".join(f"{x:.2f}" for x in shares)
            + f" | {r['rule_mean']:+.3f} | {r['beyond_mean']:+.3f} |"
        )
    return "\n".join(lines) + "\n"
